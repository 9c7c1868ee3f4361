/* Refunds: asked for, approved by a second person where the policy wants one, declined, tried
 * again.
 */
#include <string.h>

#include "handlers.h"
#include "rules_family.h"
#include "rules_refund.h"
#include "store_payments.h"

typedef Penstock__Orders__V1__RecordRefundRequest RecordRefundRequest;
typedef Penstock__Orders__V1__RecordRefundResponse RecordRefundResponse;
typedef Penstock__Orders__V1__ApproveRefundRequest ApproveRefundRequest;
typedef Penstock__Orders__V1__ApproveRefundResponse ApproveRefundResponse;
typedef Penstock__Orders__V1__DeclineRefundRequest DeclineRefundRequest;
typedef Penstock__Orders__V1__DeclineRefundResponse DeclineRefundResponse;
typedef Penstock__Orders__V1__RetryRefundRequest RetryRefundRequest;
typedef Penstock__Orders__V1__RetryRefundResponse RetryRefundResponse;
typedef Penstock__Orders__V1__ListRefundsRequest ListRefundsRequest;
typedef Penstock__Orders__V1__ListRefundsResponse ListRefundsResponse;
typedef Penstock__Orders__V1__RefundRow RefundRow;
typedef Penstock__Orders__V1__RefundParts RefundParts;
typedef Penstock__Orders__V1__RefundLimit RefundLimit;
typedef Penstock__Orders__V1__GetRefundPolicyRequest GetRefundPolicyRequest;
typedef Penstock__Orders__V1__GetRefundPolicyResponse GetRefundPolicyResponse;
typedef Penstock__Orders__V1__UpdateRefundPolicyRequest UpdateRefundPolicyRequest;
typedef Penstock__Orders__V1__UpdateRefundPolicyResponse UpdateRefundPolicyResponse;

#define DEFAULT_LIMIT 50
#define MAX_LIMIT 200
#define MAX_LIMITS 200

/* ---- asking for one ---- */

static bool read_amount(const Money *money, const struct order *order, const char *field,
                        int64_t *minor, struct refusal *no)
{
    return money == NULL || rules_check_amount(money, order->currency, no, field, minor);
}

static bool read_lines(struct call *call, const RecordRefundRequest *in, struct refund_wish *wish,
                       struct refusal *no)
{
    struct wish_line *lines = ARENA_ARRAY(call->arena, in->n_lines, struct wish_line);
    if (in->n_lines > ORDERS_MAX_LINES)
        return rules_refuse(no, STATUS_INVALID, "too_many", "An order has at most 500 lines.", "%s",
                            "lines");
    for (size_t i = 0; i < in->n_lines; i++) {
        lines[i].quantity = in->lines[i]->quantity;
        if (!uuid_parse(in->lines[i]->line_id, &lines[i].line_id))
            return rules_refuse(no, STATUS_INVALID, "invalid", "The order has no such line.",
                                "lines[%zu].line_id", i);
    }
    wish->lines = lines;
    wish->line_count = in->n_lines;
    return true;
}

static bool read_wish(struct call *call, const RecordRefundRequest *in, const struct order *order,
                      struct refund_wish *wish, struct refusal *no)
{
    return read_lines(call, in, wish, no) &&
           read_amount(in->amount, order, "amount", &wish->amount, no) &&
           read_amount(in->shipping, order, "shipping", &wish->shipping, no) &&
           read_amount(in->goodwill, order, "goodwill", &wish->goodwill, no);
}

/* What it was made of stays with it, so that no unit is given back twice. */
static void keep_parts(struct call *call, const RecordRefundRequest *in,
                       const struct refund_wish *wish, struct refund_facts *facts)
{
    if (wish->line_count == 0 && wish->shipping == 0)
        return;
    RefundParts parts;
    penstock__orders__v1__refund_parts__init(&parts);
    parts.lines = in->lines;
    parts.n_lines = in->n_lines;
    parts.shipping_minor = wish->shipping;
    facts->parts_bytes = protobuf_c_message_get_packed_size(&parts.base);
    uint8_t *packed = arena_alloc(call->arena, facts->parts_bytes + 1);
    protobuf_c_message_pack(&parts.base, packed);
    facts->parts = packed;
}

/* Made of the caller's key: the same click has the same id for as long as the order is there. */
static struct uuid request_id(struct call *call, const struct order *order)
{
    char text[UUID_TEXT_BYTES];
    if (call->command_id[0] == '\0')
        return uuid_new();
    const char *name =
        arena_printf(call->arena, "%s %s", uuid_text(&order->id, text), call->command_id);
    return uuid_of_hash(name, strlen(name));
}

static bool is_asked_already(const struct order *order, const struct uuid *id)
{
    const struct order *ledger = rules_ledger_of(order);
    for (size_t i = 0; i < ledger->refund_count; i++)
        if (uuid_equal(&ledger->refunds[i].request_id, id))
            return true;
    return false;
}

static enum status limit_of(struct call *call, const struct order *order, int64_t *limit)
{
    struct refund_limit *limits;
    size_t count;
    TRY(store_refund_limits(call->db, &limits, &count));
    *limit = rules_refund_limit(limits, count, call->permissions, order->currency);
    return STATUS_OK;
}

/* Every refund whose step this command was, and the order as it is now. */
static enum status save_refunds(struct call *call, struct order *order, const struct act *act,
                                Order **shown)
{
    const struct order *ledger = rules_ledger_of(order);
    for (size_t i = 0; i < ledger->refund_count; i++)
        if (ledger->refunds[i].is_new || ledger->refunds[i].is_changed)
            TRY(emit_refunds(call, order, &ledger->refunds[i], 1));
    TRY(complete_if_due(call, order, act));
    store_order_save(call->db, order);
    *shown = view_order(call->arena, order, NULL);
    outcall_kick(call, "refunds");
    return STATUS_OK;
}

static enum status check_refund(struct call *call, const RecordRefundRequest *in,
                                struct uuid *payment_id, struct refund_facts *facts)
{
    struct refusal no;
    if (!rules_check_text(in->reason, 200, &no, "reason"))
        return refuse_by(call, &no);
    if (in->payment[0] != '\0' && !uuid_parse(in->payment, payment_id))
        return refuse(call, STATUS_INVALID, "invalid", "payment", "The order has no such payment.");
    if ((int)in->provider < 0 || (int)in->provider > (int)PROVIDER_CHANNEL)
        return refuse(call, STATUS_INVALID, "invalid", "provider",
                      "A provider is manual or channel.");
    facts->reason = in->reason;
    facts->payment_id = in->payment[0] != '\0' ? payment_id : NULL;
    facts->provider = (int)in->provider != 0 ? (enum refund_provider)in->provider : PROVIDER_MANUAL;
    return STATUS_OK;
}

ORDERS_HANDLER(record_refund, RecordRefundRequest, RecordRefundResponse)
{
    struct order *order;
    struct refusal no;
    struct act act = act_of(call);
    struct uuid payment_id;
    struct refund_facts facts = {0};
    struct refund_wish wish = {0};
    int64_t limit;
    size_t count;
    TRY(check_refund(call, in, &payment_id, &facts));
    TRY(load_order(call, in->id, "id", &order));
    facts.request_id = request_id(call, order);
    if (is_asked_already(order, &facts.request_id)) {
        out->order = view_order(call->arena, order, NULL);
        return STATUS_OK;
    }
    if (!read_wish(call, in, order, &wish, &no) ||
        !rules_refund_amount(order, &wish, call->arena, &facts.amount, &no))
        return refuse_by(call, &no);
    TRY(limit_of(call, order, &limit));
    facts.status = rules_refund_begins(facts.amount, limit, facts.provider);
    facts.ids = new_ids(call->arena, rules_refund_ids(order));
    keep_parts(call, in, &wish, &facts);
    if (rules_refund(order, &act, &facts, &count, &no) == NULL)
        return refuse_by(call, &no);
    return save_refunds(call, order, &act, &out->order);
}

/* ---- its steps ---- */

static enum status load_for_step(struct call *call, const char *id, const char *refund_text,
                                 struct order **order, struct uuid *refund_id)
{
    if (!uuid_parse(refund_text, refund_id))
        return refuse(call, STATUS_NOT_FOUND, "not_found", "refund_id",
                      "The order has no such refund.");
    return load_order(call, id, "id", order);
}

ORDERS_HANDLER(approve_refund, ApproveRefundRequest, ApproveRefundResponse)
{
    struct order *order;
    struct uuid refund_id;
    struct refusal no;
    struct act act = act_of(call);
    int64_t limit;
    TRY(load_for_step(call, in->id, in->refund_id, &order, &refund_id));
    TRY(limit_of(call, order, &limit));
    if (!rules_refund_approve(order, &act, &refund_id, limit, &no))
        return refuse_by(call, &no);
    return save_refunds(call, order, &act, &out->order);
}

ORDERS_HANDLER(decline_refund, DeclineRefundRequest, DeclineRefundResponse)
{
    struct order *order;
    struct uuid refund_id;
    struct refusal no;
    struct act act = act_of(call);
    if (!rules_check_text(in->reason, 200, &no, "reason"))
        return refuse_by(call, &no);
    TRY(load_for_step(call, in->id, in->refund_id, &order, &refund_id));
    if (!rules_refund_decline(order, &act, &refund_id, in->reason, &no))
        return refuse_by(call, &no);
    return save_refunds(call, order, &act, &out->order);
}

ORDERS_HANDLER(retry_refund, RetryRefundRequest, RetryRefundResponse)
{
    struct order *order;
    struct uuid refund_id;
    struct refusal no;
    struct act act = act_of(call);
    if ((int)in->provider < 0 || (int)in->provider > (int)PROVIDER_CHANNEL)
        return refuse(call, STATUS_INVALID, "invalid", "provider",
                      "A provider is manual or channel.");
    TRY(load_for_step(call, in->id, in->refund_id, &order, &refund_id));
    if (!rules_refund_retry(order, &act, &refund_id, (enum refund_provider)in->provider, &no))
        return refuse_by(call, &no);
    return save_refunds(call, order, &act, &out->order);
}

/* ---- the list ---- */

static const struct refund *refund_of(const struct order_set *set, const struct refund_key *key,
                                      const struct order **order)
{
    *order = store_orders_find(set, &key->order_id);
    for (size_t i = 0; *order != NULL && i < (*order)->refund_count; i++)
        if (uuid_equal(&(*order)->refunds[i].id, &key->id))
            return &(*order)->refunds[i];
    return NULL;
}

static enum status show_refunds(struct call *call, const struct refund_key *keys, size_t count,
                                ListRefundsResponse *out)
{
    struct order_set set;
    struct uuid *ids = ARENA_ARRAY(call->arena, count, struct uuid);
    for (size_t i = 0; i < count; i++)
        ids[i] = keys[i].order_id;
    TRY(store_orders_load_parts(call->db, call->arena, ids, count, PART_REFUNDS, &set));
    out->data = ARENA_ARRAY(call->arena, count, RefundRow *);
    for (size_t i = 0; i < count; i++) {
        const struct order *order;
        const struct refund *refund = refund_of(&set, &keys[i], &order);
        if (refund == NULL)
            continue;
        RefundRow *row = out->data[out->n_data++] = ARENA_NEW(call->arena, RefundRow);
        penstock__orders__v1__refund_row__init(row);
        row->order_id = wire_uuid(call->arena, &order->id);
        row->order_number = wire_text(order->number);
        row->refund = view_refund(call->arena, refund, order->currency);
    }
    return STATUS_OK;
}

ORDERS_HANDLER(list_refunds, ListRefundsRequest, ListRefundsResponse)
{
    static const int64_t needing_somebody[] = {REFUND_REQUESTED, REFUND_FAILED};
    struct uuid after = {{0}};
    struct refund_key *keys;
    size_t count;
    int64_t status = (int64_t)in->status;
    int64_t limit = in->limit == 0 ? DEFAULT_LIMIT : in->limit;
    if (limit < 1 || limit > MAX_LIMIT)
        return refuse(call, STATUS_INVALID, "out_of_range", "limit", "A page has 1 to 200.");
    if (in->cursor[0] != '\0' && !uuid_parse(in->cursor, &after))
        return refuse(call, STATUS_INVALID, "invalid", "cursor", "This is no cursor of this list.");
    if (status < 0 || status > REFUND_CANCELLED)
        return refuse(call, STATUS_INVALID, "invalid", "status", "There is no such status.");
    TRY(store_refund_keys(call->db, status != 0 ? &status : needing_somebody, status != 0 ? 1 : 2,
                          &after, limit + 1, &keys, &count));
    if (count > (size_t)limit) {
        count = (size_t)limit;
        out->next_cursor = wire_uuid(call->arena, &keys[count - 1].id);
    }
    return show_refunds(call, keys, count, out);
}

/* ---- the policy ---- */

static enum status show_limits(struct call *call, RefundLimit ***list, size_t *count)
{
    struct refund_limit *limits;
    TRY(store_refund_limits(call->db, &limits, count));
    *list = ARENA_ARRAY(call->arena, *count, RefundLimit *);
    for (size_t i = 0; i < *count; i++) {
        (*list)[i] = ARENA_NEW(call->arena, RefundLimit);
        penstock__orders__v1__refund_limit__init((*list)[i]);
        (*list)[i]->role = wire_text(limits[i].role);
        (*list)[i]->amount = wire_money(call->arena, limits[i].amount, limits[i].currency);
    }
    return STATUS_OK;
}

ORDERS_HANDLER(get_refund_policy, GetRefundPolicyRequest, GetRefundPolicyResponse)
{
    (void)in;
    return show_limits(call, &out->limits, &out->n_limits);
}

static bool is_repeated(RefundLimit *const *limits, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (strcmp(limits[i]->role, limits[index]->role) == 0 &&
            strcmp(limits[i]->amount->currency, limits[index]->amount->currency) == 0)
            return true;
    return false;
}

static bool check_limit(RefundLimit *const *limits, size_t i, struct refusal *no)
{
    const RefundLimit *limit = limits[i];
    if (!rules_check_token(limit->role, no, "limits.role"))
        return false;
    if (limit->amount == NULL || money_exponent(limit->amount->currency) < 0 ||
        limit->amount->amount_minor < 0)
        return rules_refuse(no, STATUS_INVALID, "invalid", "A limit is an amount, not negative.",
                            "limits[%zu].amount", i);
    return !is_repeated(limits, i) ||
           rules_refuse(no, STATUS_INVALID, "duplicate",
                        "The role has a limit in this currency already.", "limits[%zu].role", i);
}

ORDERS_HANDLER(update_refund_policy, UpdateRefundPolicyRequest, UpdateRefundPolicyResponse)
{
    struct refusal no;
    struct refund_limit *limits = ARENA_ARRAY(call->arena, in->n_limits, struct refund_limit);
    if (in->n_limits > MAX_LIMITS)
        return refuse(call, STATUS_INVALID, "too_many", "limits", "At most 200 limits.");
    for (size_t i = 0; i < in->n_limits; i++) {
        if (!check_limit(in->limits, i, &no))
            return refuse_by(call, &no);
        limits[i] = (struct refund_limit){in->limits[i]->role, in->limits[i]->amount->currency,
                                          in->limits[i]->amount->amount_minor};
    }
    TRY(store_refund_limits_put(call->db, limits, in->n_limits));
    Penstock__Orders__V1__RefundPolicyChanged event;
    penstock__orders__v1__refund_policy_changed__init(&event);
    event.limits = in->limits;
    event.n_limits = in->n_limits;
    TRY(emit(call, "refund_policy", &event.base));
    return show_limits(call, &out->limits, &out->n_limits);
}
