#include "rules.h"

#include <string.h>

static const struct {
    enum return_status from, to;
} transitions[] = {
#define X(from, to, why) {RETURN_##from, RETURN_##to},
    RETURN_TRANSITIONS(X)
#undef X
};

static const struct refusal none = {.status = STATUS_OK, .code = "", .field = "", .text = ""};

bool rules_may_become(enum return_status from, enum return_status to)
{
    for (size_t i = 0; i < sizeof transitions / sizeof transitions[0]; i++)
        if (transitions[i].from == from && transitions[i].to == to)
            return true;
    return false;
}

const char *rules_status_word(enum return_status status)
{
    switch (status) {
    case RETURN_REQUESTED:
        return "requested";
    case RETURN_APPROVED:
        return "approved";
    case RETURN_IN_TRANSIT:
        return "in transit";
    case RETURN_RECEIVED:
        return "received";
    case RETURN_INSPECTED:
        return "inspected";
    case RETURN_CLOSED:
        return "closed";
    case RETURN_DECLINED:
        return "declined";
    case RETURN_CANCELLED:
        return "cancelled";
    case RETURN_EXPIRED:
        return "expired";
    }
    return "unknown";
}

struct refusal rules_check_move(const struct return_order *one, enum return_status to,
                                const char *verb, struct arena *arena)
{
    if (rules_may_become(one->status, to))
        return none;
    return (struct refusal){.status = STATUS_CONFLICT,
                            .code = "invalid_state",
                            .field = "",
                            .text =
                                arena_printf(arena, "Return %s is %s: it cannot be %s.",
                                             one->number, rules_status_word(one->status), verb)};
}

bool rules_is_reason(const char *reason)
{
    static const char *const reasons[] = {
        "size_too_small", "size_too_large", "defective", "not_as_described",
        "wrong_item",     "changed_mind",   "other"};
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
        if (strcmp(reasons[i], reason) == 0)
            return true;
    return false;
}

static struct refusal refuse_line(size_t index, const char *member, enum status status,
                                  const char *code, const char *text, struct arena *arena)
{
    return (struct refusal){.status = status,
                            .code = code,
                            .field = arena_printf(arena, "lines[%zu].%s", index, member),
                            .text = text};
}

static struct refusal check_one(const struct asked_line *line, size_t index, struct arena *arena)
{
    struct uuid id;
    if (line->sku[0] == '\0' && line->order_line_id[0] == '\0')
        return refuse_line(index, "sku", STATUS_INVALID, "required", "Name the SKU.", arena);
    if (line->order_line_id[0] != '\0' && !uuid_parse(line->order_line_id, &id))
        return refuse_line(index, "order_line_id", STATUS_INVALID, "invalid",
                           "A line is named by its id.", arena);
    if (line->quantity < 1 || line->quantity > RETURNS_MAX_QUANTITY)
        return refuse_line(index, "quantity", STATUS_INVALID, "out_of_range",
                           "A quantity is 1 to 1000000.", arena);
    if (!rules_is_reason(line->reason))
        return refuse_line(index, "reason", STATUS_INVALID, "invalid",
                           "There is no such reason; \"other\" is one.", arena);
    return none;
}

struct refusal rules_check_asked(const struct asked_line *lines, size_t count, struct arena *arena)
{
    if (count > RETURNS_MAX_LINES)
        return (struct refusal){.status = STATUS_INVALID,
                                .code = "too_many",
                                .field = "lines",
                                .text = "At most 500 lines."};
    for (size_t i = 0; i < count; i++) {
        struct refusal refusal = check_one(&lines[i], i, arena);
        if (refusal.status != STATUS_OK)
            return refusal;
    }
    return none;
}

static bool matches(const struct asked_line *asked, const char *sku, const struct uuid *line_id)
{
    struct uuid id;
    if (asked->sku[0] != '\0' && strcmp(asked->sku, sku) != 0)
        return false;
    return asked->order_line_id[0] == '\0' ||
           (uuid_parse(asked->order_line_id, &id) && uuid_equal(&id, line_id));
}

static struct refusal refuse_unknown(const struct asked_line *asked, size_t index,
                                     const char *where, struct arena *arena)
{
    if (asked->order_line_id[0] != '\0')
        return refuse_line(index, "order_line_id", STATUS_INVALID, "not_found",
                           arena_printf(arena, "No such line is on this %s.", where), arena);
    return refuse_line(index, "sku", STATUS_INVALID, "unknown_sku",
                       arena_printf(arena, "This SKU is not on this %s.", where), arena);
}

static const char *name_of(const struct asked_line *asked)
{
    return asked->sku[0] != '\0' ? asked->sku : "this line";
}

/* ---- request ---- */

static int64_t occupied(const struct return_order *one, const struct return_line *line)
{
    switch (one->status) {
    case RETURN_DECLINED:
    case RETURN_CANCELLED:
    case RETURN_EXPIRED:
        return 0;
    case RETURN_CLOSED:
        return line->received;
    case RETURN_REQUESTED:
    case RETURN_APPROVED:
    case RETURN_IN_TRANSIT:
    case RETURN_RECEIVED:
    case RETURN_INSPECTED:
        return line->requested;
    }
    return line->requested;
}

int64_t rules_in_returns(const struct sale *sale, const struct uuid *order_line_id)
{
    int64_t units = 0;
    for (size_t i = 0; i < sale->nreturns; i++)
        for (size_t k = 0; k < sale->returns[i].nlines; k++)
            if (uuid_equal(&sale->returns[i].lines[k].order_line_id, order_line_id))
                units += occupied(&sale->returns[i], &sale->returns[i].lines[k]);
    return units;
}

static void add_line(struct request_decision *decision, const struct sold_line *from,
                     const char *reason, int64_t units)
{
    size_t at = decision->nlines++;
    decision->lines[at] = (struct return_line){.line_no = (int32_t)at + 1,
                                               .order_line_id = from->line_id,
                                               .sku = from->sku,
                                               .reason = reason,
                                               .requested = units};
}

static struct refusal refuse_excess(const struct sale *sale, const struct asked_line *asked,
                                    size_t index, int64_t missing, struct arena *arena)
{
    int64_t shipped = 0, in_returns = 0;
    for (size_t i = 0; i < sale->nlines; i++) {
        if (!matches(asked, sale->lines[i].sku, &sale->lines[i].line_id))
            continue;
        shipped += sale->lines[i].shipped;
        in_returns += rules_in_returns(sale, &sale->lines[i].line_id);
    }
    struct refusal refusal = refuse_line(
        index, "quantity", STATUS_CONFLICT, "not_returnable",
        arena_printf(arena,
                     "Of %s %lld can be returned, not %lld: %lld shipped, %lld in returns already.",
                     name_of(asked), (long long)(asked->quantity - missing),
                     (long long)asked->quantity, (long long)shipped, (long long)in_returns),
        arena);
    refusal.figures[0] = (struct figure){"returnable", asked->quantity - missing};
    refusal.figures[1] = (struct figure){"shipped", shipped};
    refusal.figures[2] = (struct figure){"in_returns", in_returns};
    refusal.may_pass = true;
    return refusal;
}

/* Takes one asked line from the order's lines; what is taken by the lines asked before is in taken.
 */
static struct refusal request_one(const struct sale *sale, const struct asked_line *asked,
                                  size_t index, int64_t *taken, struct request_decision *decision,
                                  struct arena *arena)
{
    int64_t missing = asked->quantity;
    bool is_known = false;
    for (size_t i = 0; i < sale->nlines; i++) {
        const struct sold_line *line = &sale->lines[i];
        if (!matches(asked, line->sku, &line->line_id))
            continue;
        is_known = true;
        int64_t room = line->shipped - rules_in_returns(sale, &line->line_id) - taken[i];
        int64_t units = missing < room ? missing : room;
        if (units <= 0)
            continue;
        add_line(decision, line, asked->reason, units);
        taken[i] += units;
        missing -= units;
    }
    if (!is_known)
        return refuse_unknown(asked, index, "order", arena);
    return missing > 0 ? refuse_excess(sale, asked, index, missing, arena) : none;
}

struct request_decision rules_request(const struct sale *sale, const struct asked_line *lines,
                                      size_t count, struct arena *arena)
{
    /* An asked line may be shared out to every line of the order, but each of those ends or fills
     * it. */
    struct request_decision decision = {
        none, ARENA_ARRAY(arena, count + sale->nlines, struct return_line), 0};
    int64_t *taken = ARENA_ARRAY(arena, sale->nlines, int64_t);
    if (count == 0)
        decision.refusal = (struct refusal){.status = STATUS_INVALID,
                                            .code = "required",
                                            .field = "lines",
                                            .text = "Name what comes back."};
    for (size_t i = 0; i < count && decision.refusal.status == STATUS_OK; i++)
        decision.refusal = request_one(sale, &lines[i], i, taken, &decision, arena);
    return decision;
}

/* ---- receive and inspect ---- */

static int64_t inspected(const struct return_line *line)
{
    return line->restocked + line->quarantined + line->scrapped;
}

/* Takes an asked line from a return's lines, each with room[i] units, and adds to into[i]. */
static struct refusal take(const struct return_order *one, const struct asked_line *asked,
                           size_t index, const char *verb, int64_t *room, int64_t *into,
                           struct arena *arena)
{
    int64_t missing = asked->quantity;
    bool is_known = false;
    for (size_t i = 0; i < one->nlines; i++) {
        if (!matches(asked, one->lines[i].sku, &one->lines[i].order_line_id))
            continue;
        is_known = true;
        int64_t units = missing < room[i] ? missing : room[i];
        into[i] += units;
        room[i] -= units;
        missing -= units;
    }
    if (!is_known)
        return refuse_unknown(asked, index, "return", arena);
    if (missing == 0)
        return none;
    struct refusal refusal =
        refuse_line(index, "quantity", STATUS_CONFLICT, "quantity_too_large",
                    arena_printf(arena, "Only %lld of %s are left to %s, not %lld.",
                                 (long long)(asked->quantity - missing), name_of(asked), verb,
                                 (long long)asked->quantity),
                    arena);
    refusal.figures[0] = (struct figure){"left", asked->quantity - missing};
    return refusal;
}

static struct refusal refuse_state(const char *field, const char *text)
{
    return (struct refusal){
        .status = STATUS_CONFLICT, .code = "invalid_state", .field = field, .text = text};
}

static struct refusal check_location(const struct return_order *one, const char *location,
                                     struct arena *arena)
{
    if (location[0] == '\0')
        return (struct refusal){.status = STATUS_INVALID,
                                .code = "required",
                                .field = "location",
                                .text = "Name the location where it arrived."};
    if (strcmp(one->location, location) == 0)
        return none;
    for (size_t i = 0; i < one->nlines; i++)
        if (one->lines[i].received > inspected(&one->lines[i]))
            return refuse_state("location",
                                arena_printf(arena, "What was received at %s is not inspected yet.",
                                             one->location));
    return none;
}

struct receive_decision rules_receive(const struct return_order *one, const char *location,
                                      const struct asked_line *lines, size_t count,
                                      struct arena *arena)
{
    struct receive_decision decision = {check_location(one, location, arena),
                                        ARENA_ARRAY(arena, one->nlines, int64_t)};
    int64_t *room = ARENA_ARRAY(arena, one->nlines, int64_t);
    int64_t left = 0;
    for (size_t i = 0; i < one->nlines; i++) {
        room[i] = one->lines[i].requested - one->lines[i].received;
        left += room[i];
    }
    if (decision.refusal.status == STATUS_OK && left == 0)
        decision.refusal = refuse_state("", "All of it has been received.");
    if (count == 0)
        memcpy(decision.received, room, one->nlines * sizeof *room);
    for (size_t i = 0; i < count && decision.refusal.status == STATUS_OK; i++)
        decision.refusal = take(one, &lines[i], i, "receive", room, decision.received, arena);
    return decision;
}

int64_t rules_worth(int64_t total_minor, int64_t quantity, int64_t units)
{
    if (quantity <= 0 || total_minor <= 0 || units <= 0)
        return 0;
    if (units >= quantity)
        return total_minor;
    /* 10^15 by 10^6 does not fit in 64 bits. */
    return (int64_t)((__int128)total_minor * units / quantity);
}

int64_t rules_returned(const struct sale *sale, const struct uuid *order_line_id)
{
    int64_t units = 0;
    for (size_t i = 0; i < sale->nreturns; i++)
        for (size_t k = 0; k < sale->returns[i].nlines; k++)
            if (uuid_equal(&sale->returns[i].lines[k].order_line_id, order_line_id))
                units += inspected(&sale->returns[i].lines[k]);
    return units;
}

static int64_t refunded(const struct sale *sale, const struct uuid *order_line_id)
{
    int64_t minor = 0;
    for (size_t i = 0; i < sale->nreturns; i++)
        for (size_t k = 0; k < sale->returns[i].nlines; k++)
            if (uuid_equal(&sale->returns[i].lines[k].order_line_id, order_line_id))
                minor += sale->returns[i].lines[k].refund_minor;
    return minor;
}

/* Cancelled units take their part of the total with them, rounded as orders does. What all
 * inspected units of the order line are worth, less what was made due for it before: whatever was
 * rounded down comes back with the last unit. */
static int64_t refund_for(const struct sale *sale, const struct uuid *order_line_id,
                          int64_t more_units, int64_t refunded_here)
{
    for (size_t i = 0; i < sale->nlines; i++) {
        const struct sold_line *line = &sale->lines[i];
        if (!uuid_equal(&line->line_id, order_line_id))
            continue;
        int64_t left_minor =
            line->total_minor - rules_worth(line->total_minor, line->quantity, line->cancelled);
        int64_t worth = rules_worth(left_minor, line->quantity - line->cancelled,
                                    rules_returned(sale, order_line_id) + more_units);
        int64_t due = worth - refunded(sale, order_line_id) - refunded_here;
        return due > 0 ? due : 0;
    }
    return 0;
}

static int64_t *units_for(struct inspect_decision *decision, enum disposition disposition)
{
    switch (disposition) {
    case DISPOSITION_RESTOCK:
        return decision->restocked;
    case DISPOSITION_QUARANTINE:
        return decision->quarantined;
    case DISPOSITION_SCRAP:
        return decision->scrapped;
    }
    return decision->restocked;
}

/* Line by line, so that two lines of the return that came from one line of the order share its
 * worth. */
static void price(const struct sale *sale, const struct return_order *one,
                  struct inspect_decision *decision)
{
    for (size_t i = 0; i < one->nlines; i++) {
        int64_t units = decision->restocked[i] + decision->quarantined[i] + decision->scrapped[i];
        if (units == 0)
            continue;
        int64_t before = 0;
        for (size_t k = 0; k < i; k++) {
            if (!uuid_equal(&one->lines[k].order_line_id, &one->lines[i].order_line_id))
                continue;
            units += decision->restocked[k] + decision->quarantined[k] + decision->scrapped[k];
            before += decision->refund_minor[k];
        }
        decision->refund_minor[i] = refund_for(sale, &one->lines[i].order_line_id, units, before);
        decision->refund_total_minor += decision->refund_minor[i];
    }
}

struct inspect_decision rules_inspect(const struct sale *sale, const struct return_order *one,
                                      const struct asked_line *lines, size_t count,
                                      struct arena *arena)
{
    struct inspect_decision decision = {.refusal = none,
                                        .restocked = ARENA_ARRAY(arena, one->nlines, int64_t),
                                        .quarantined = ARENA_ARRAY(arena, one->nlines, int64_t),
                                        .scrapped = ARENA_ARRAY(arena, one->nlines, int64_t),
                                        .refund_minor = ARENA_ARRAY(arena, one->nlines, int64_t)};
    int64_t *room = ARENA_ARRAY(arena, one->nlines, int64_t);
    int64_t left = 0;
    for (size_t i = 0; i < one->nlines; i++) {
        room[i] = one->lines[i].received - inspected(&one->lines[i]);
        left += room[i];
    }
    if (left == 0)
        decision.refusal = refuse_state("", "Nothing has been received that is not inspected yet.");
    if (count == 0)
        memcpy(decision.restocked, room, one->nlines * sizeof *room);
    for (size_t i = 0; i < count && decision.refusal.status == STATUS_OK; i++)
        decision.refusal = take(one, &lines[i], i, "inspect", room,
                                units_for(&decision, lines[i].disposition), arena);
    if (decision.refusal.status == STATUS_OK)
        price(sale, one, &decision);
    return decision;
}

enum return_status rules_status(const struct return_order *one)
{
    for (size_t i = 0; i < one->nlines; i++)
        if (one->lines[i].received > inspected(&one->lines[i]))
            return RETURN_RECEIVED;
    return RETURN_INSPECTED;
}

bool rules_is_complete(const struct return_order *one)
{
    for (size_t i = 0; i < one->nlines; i++)
        if (inspected(&one->lines[i]) != one->lines[i].requested)
            return false;
    return true;
}
