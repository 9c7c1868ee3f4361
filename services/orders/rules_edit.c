#include "rules_edit.h"

#include <string.h>

#include "rules_family.h"
#include "view.h"

/* ---- the copy that is worked on ---- */

struct editing {
    const struct edit *edit;
    struct arena *arena;
    struct refusal *no;
    struct order *order;
    OrderDetails *details;
    const EditOperation *operation;
    size_t at;      /* its index */
    size_t *editor; /* by line: the operation that touched it last */
};

static bool refuse_operation(struct editing *it, enum status status, const char *code,
                             const char *member, const char *text)
{
    return rules_refuse(it->no, status, code, text, "operations[%zu].%s", it->at, member);
}

static OrderDetails *copy_details(const struct order *order, struct arena *arena)
{
    OrderDetails *details = (OrderDetails *)(void *)protobuf_c_message_unpack(
        &penstock__orders__v1__order_details__descriptor, arena_protobuf(arena),
        order->details_bytes, order->details);
    if (details != NULL)
        return details;
    details = ARENA_NEW(arena, OrderDetails);
    penstock__orders__v1__order_details__init(details);
    return details;
}

/* The others of its family are copied too: what they owe may change with it. */
static void copy_family(struct order *copy, const struct order *order, struct arena *arena)
{
    const struct family *family = order->family;
    if (family == NULL)
        return;
    copy->family = arena_copy(arena, family, sizeof(*family));
    copy->family->members = ARENA_ARRAY(arena, family->count, struct order *);
    for (size_t i = 0; i < family->count; i++) {
        bool is_it = family->members[i] == order;
        struct order *member =
            is_it ? copy : arena_copy(arena, family->members[i], sizeof(*family->members[i]));
        member->family = copy->family;
        copy->family->members[i] = member;
    }
}

static void copy_order(struct editing *it, const struct order *order)
{
    struct arena *arena = it->arena;
    size_t room = order->line_count + it->edit->count;
    it->order = arena_copy(arena, order, sizeof(*order));
    it->order->lines = ARENA_ARRAY(arena, room + 1, struct order_line);
    if (order->line_count > 0)
        memcpy(it->order->lines, order->lines, order->line_count * sizeof(*order->lines));
    it->order->payments = ARENA_ARRAY(arena, order->payment_count + 1, struct payment);
    if (order->payment_count > 0)
        memcpy(it->order->payments, order->payments,
               order->payment_count * sizeof(*order->payments));
    copy_family(it->order, order, arena);
    it->editor = ARENA_ARRAY(arena, room + 1, size_t);
    it->details = copy_details(order, arena);
    rules_edit_base(it->order, it->details, arena);
}

static int64_t live_units(const struct order_line *line)
{
    return line->quantity - line->cancelled;
}

static const struct item_facts *facts_of(const struct editing *it, const char *sku)
{
    for (size_t i = 0; i < it->edit->item_count; i++) {
        if (strcmp(it->edit->items[i].sku, sku) == 0)
            return &it->edit->items[i];
    }
    return NULL;
}

/* ---- lines ---- */

static struct order_line *find_line(struct editing *it, const char *id, const char *member)
{
    struct uuid wanted;
    if (uuid_parse(id, &wanted)) {
        for (size_t i = 0; i < it->order->line_count; i++) {
            if (uuid_equal(&it->order->lines[i].id, &wanted))
                return &it->order->lines[i];
        }
    }
    refuse_operation(it, STATUS_INVALID, "unknown_line", member,
                     "The order has no line with this id.");
    return NULL;
}

/* What is on its way through the warehouse, or has left it, is not edited any more. What needs no
 * warehouse counts as done by itself, and stays open to edits unless it came back. */
static int64_t begun_units(const struct order_line *line)
{
    return rules_line_is_tracked(line) ? line->fulfilled + line->picked + line->packed
                                       : line->returned;
}

static bool set_units(struct editing *it, struct order_line *line, int64_t units,
                      const char *member)
{
    int64_t begun = begun_units(line);
    if (units < 0 || units > ORDERS_MAX_QUANTITY)
        return refuse_operation(it, STATUS_INVALID, "out_of_range", member,
                                "A quantity is from 0 to 1000000.");
    if (units < begun) {
        bool has_left = units < line->fulfilled;
        refuse_operation(
            it, STATUS_CONFLICT, has_left ? "already_shipped" : "already_picked", member,
            has_left ? "More of this line has shipped." : "More of this line is picked or packed.");
        rules_refuse_figure(it->no, "shipped", line->fulfilled);
        rules_refuse_figure(it->no, "picked", line->picked + line->packed);
        return false;
    }
    line->quantity = units + line->cancelled;
    it->editor[line - it->order->lines] = it->at;
    return true;
}

/* A price that nobody named is the catalogue's, as far as that is known yet. */
static bool price_of(struct editing *it, const char *sku, const Money *given, const char *member,
                     int64_t *price)
{
    const struct item_facts *facts = facts_of(it, sku);
    *price = 0;
    if (given != NULL && given->currency[0] != '\0') {
        if (strcmp(given->currency, it->order->currency) != 0)
            return refuse_operation(it, STATUS_INVALID, "invalid", member,
                                    "All amounts are in the order's currency.");
        if (given->amount_minor < 0 || given->amount_minor > MONEY_MAX_MINOR)
            return refuse_operation(it, STATUS_INVALID, "out_of_range", member,
                                    "A price is from 0 to 10^15 minor units.");
        *price = given->amount_minor;
        return true;
    }
    if (facts == NULL || !facts->is_known)
        return true;
    if (strcmp(facts->price.currency, it->order->currency) != 0)
        return refuse_operation(it, STATUS_INVALID, "required", member,
                                "The item has no price in the order's currency.");
    *price = facts->price.minor;
    return true;
}

static struct order_line *append_line(struct editing *it, const struct order_line *line)
{
    struct order *order = it->order;
    if (order->line_count >= 2 * ORDERS_MAX_LINES) {
        rules_refuse(it->no, STATUS_INVALID, "too_many",
                     "An order has at most 1000 lines, with those that are gone.",
                     "operations[%zu]", it->at);
        return NULL;
    }
    struct order_line *new = &order->lines[order->line_count];
    *new = *line;
    new->order_id = order->id;
    new->id = it->edit->ids[it->at];
    new->line_no = (int32_t)order->line_count;
    new->is_new = true;
    it->editor[order->line_count] = it->at;
    order->line_count++;
    rules_edit_base(order, it->details, it->arena);
    return new;
}

static bool add_line(struct editing *it)
{
    const LineInput *in = it->operation->add_line;
    const struct item_facts *facts = facts_of(it, in->sku);
    struct order_line line = {
        .sku = in->sku,
        .name = in->name,
        .external_id = in->external_id,
        .quantity = in->quantity,
        .discount = in->discount != NULL ? in->discount->amount_minor : 0,
        .tax = in->tax != NULL ? in->tax->amount_minor : 0,
        .is_custom = in->is_custom,
        .no_shipping = in->no_shipping,
    };
    if (line.name[0] == '\0' && facts != NULL)
        line.name = facts->name;
    return price_of(it, in->sku, in->unit_price, "add_line.unit_price", &line.unit_price) &&
           append_line(it, &line) != NULL;
}

/* A line that was emptied and has the SKU comes back as it was sold. */
static struct order_line *find_emptied(struct editing *it, const ReplaceLine *in)
{
    bool names_price = in->unit_price != NULL && in->unit_price->currency[0] != '\0';
    for (size_t i = 0; i < it->order->line_count; i++) {
        struct order_line *line = &it->order->lines[i];
        if (live_units(line) == 0 && rules_line_is_tracked(line) && line->unit_price > 0 &&
            strcmp(line->sku, in->sku) == 0 &&
            (!names_price || in->unit_price->amount_minor == line->unit_price))
            return line;
    }
    return NULL;
}

static bool replace_line(struct editing *it)
{
    const ReplaceLine *in = it->operation->replace_line;
    struct order_line *from = find_line(it, in->line, "replace_line.line");
    if (from == NULL)
        return false;
    int64_t open = live_units(from) - begun_units(from);
    int64_t units = in->quantity == 0 ? open : in->quantity;
    if (!rules_line_is_tracked(from) || in->sku[0] == '\0' || strlen(in->sku) > 64 ||
        strcmp(in->sku, from->sku) == 0)
        return refuse_operation(it, STATUS_INVALID, "invalid", "replace_line.sku",
                                "A line of the catalogue is replaced by another item.");
    if (in->quantity < 0 || units == 0 || units > live_units(from))
        return refuse_operation(it, STATUS_CONFLICT, "quantity_too_large", "replace_line.quantity",
                                "The line has no so many units left to replace.");
    struct order_line *emptied = find_emptied(it, in);
    if (!set_units(it, from, live_units(from) - units, "replace_line.quantity"))
        return false;
    if (emptied != NULL)
        return set_units(it, emptied, units, "replace_line.quantity");
    const struct item_facts *facts = facts_of(it, in->sku);
    struct order_line line = {.sku = in->sku,
                              .name = facts != NULL ? facts->name : "",
                              .external_id = "",
                              .quantity = units};
    return price_of(it, in->sku, in->unit_price, "replace_line.unit_price", &line.unit_price) &&
           append_line(it, &line) != NULL;
}

static bool set_quantity(struct editing *it)
{
    const SetQuantity *in = it->operation->set_quantity;
    struct order_line *line = find_line(it, in->line, "set_quantity.line");
    return line != NULL && set_units(it, line, in->quantity, "set_quantity.quantity");
}

static bool remove_line(struct editing *it)
{
    struct order_line *line = find_line(it, it->operation->remove_line->line, "remove_line.line");
    return line != NULL && set_units(it, line, 0, "remove_line.line");
}

static bool set_line_discount(struct editing *it)
{
    const SetLineDiscount *in = it->operation->set_line_discount;
    const Money *money = in->discount;
    struct order_line *line = find_line(it, in->line, "set_line_discount.line");
    if (line == NULL)
        return false;
    if (money == NULL || strcmp(money->currency, it->order->currency) != 0 ||
        money->amount_minor < 0 || money->amount_minor > MONEY_MAX_MINOR)
        return refuse_operation(it, STATUS_INVALID, "invalid", "set_line_discount.discount",
                                "A discount is an amount in the order's currency, not negative.");
    if (rules_line_is_tracked(line) && live_units(line) <= line->fulfilled)
        return refuse_operation(it, STATUS_CONFLICT, "already_shipped", "set_line_discount.line",
                                "Nothing of this line is left to ship; a refund is for that.");
    LineBase *base = rules_edit_line_base(it->details, (size_t)line->line_no);
    base->quantity = line->quantity;
    base->discount = money->amount_minor;
    return true;
}

/* ---- the order's own parts ---- */

static bool is_same(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

static bool too_many(struct editing *it, const char *member)
{
    return refuse_operation(it, STATUS_INVALID, "too_many", member,
                            "At most 50 entries are allowed here.");
}

static bool set_discount(struct editing *it)
{
    OrderDetails *details = it->details;
    Discount *in = it->operation->set_discount;
    Discount **list = ARENA_ARRAY(it->arena, details->n_discounts + 1, Discount *);
    size_t count = 0;
    bool is_there = false;
    for (size_t i = 0; i < details->n_discounts; i++) {
        bool is_it = is_same(details->discounts[i]->code, in->code) &&
                     is_same(details->discounts[i]->title, in->title);
        is_there |= is_it;
        if (!is_it || in->amount->amount_minor > 0)
            list[count++] = is_it ? in : details->discounts[i];
    }
    if (!is_there && in->amount->amount_minor > 0)
        list[count++] = in;
    details->discounts = list;
    details->n_discounts = count;
    return count <= ORDERS_MAX_ENTRIES || too_many(it, "set_discount");
}

static bool set_charge(struct editing *it)
{
    OrderDetails *details = it->details;
    Charge *in = it->operation->set_charge;
    Charge **list = ARENA_ARRAY(it->arena, details->n_charges + 1, Charge *);
    size_t count = 0;
    bool is_there = false;
    for (size_t i = 0; i < details->n_charges; i++) {
        bool is_it = is_same(details->charges[i]->title, in->title);
        is_there |= is_it;
        if (!is_it || in->amount->amount_minor != 0)
            list[count++] = is_it ? in : details->charges[i];
    }
    if (!is_there && in->amount->amount_minor != 0)
        list[count++] = in;
    details->charges = list;
    details->n_charges = count;
    return count <= ORDERS_MAX_ENTRIES || too_many(it, "set_charge");
}

/* Where it goes and how matters as long as something is to go. */
static bool is_still_to_go(struct editing *it, const char *member)
{
    for (size_t i = 0; i < it->order->line_count; i++) {
        const struct order_line *line = &it->order->lines[i];
        if (rules_line_is_tracked(line) && live_units(line) > line->fulfilled)
            return true;
    }
    if (it->order->fulfillment_status == FULFILLMENT_NOT_REQUIRED)
        return true;
    return refuse_operation(it, STATUS_CONFLICT, "already_shipped", member,
                            "Everything of this order has shipped.");
}

/* The country as other services know it: two capitals, or none. */
static const char *country_of(const Address *address, struct arena *arena)
{
    if (strlen(address->country) != 2)
        return "";
    char *code = arena_strdup(arena, address->country);
    for (size_t i = 0; i < 2; i++)
        code[i] = code[i] >= 'a' && code[i] <= 'z' ? (char)(code[i] - 'a' + 'A') : code[i];
    return code;
}

static bool set_address(struct editing *it)
{
    if (!is_still_to_go(it, "set_shipping_address"))
        return false;
    it->details->shipping_address = it->operation->set_shipping_address;
    it->order->country = country_of(it->operation->set_shipping_address, it->arena);
    return true;
}

static bool set_delivery(struct editing *it)
{
    if (!is_still_to_go(it, "set_delivery"))
        return false;
    it->details->delivery = arena_copy(it->arena, it->operation->set_delivery, sizeof(Delivery));
    rules_edit_drop_store(it->details->delivery);
    return true;
}

static bool set_shipping(struct editing *it)
{
    it->details->n_shipping_lines = it->operation->set_shipping->n_lines;
    it->details->shipping_lines = it->operation->set_shipping->lines;
    return true;
}

static bool set_text(char **text, const SetText *in)
{
    *text = in->text;
    return true;
}

static bool apply(struct editing *it)
{
    const EditOperation *operation = it->operation;
    if (operation->add_line != NULL)
        return add_line(it);
    if (operation->set_quantity != NULL)
        return set_quantity(it);
    if (operation->remove_line != NULL)
        return remove_line(it);
    if (operation->replace_line != NULL)
        return replace_line(it);
    if (operation->set_line_discount != NULL)
        return set_line_discount(it);
    if (operation->set_discount != NULL)
        return set_discount(it);
    if (operation->set_charge != NULL)
        return set_charge(it);
    if (operation->set_shipping_address != NULL)
        return set_address(it);
    if (operation->set_delivery != NULL)
        return set_delivery(it);
    if (operation->set_shipping != NULL)
        return set_shipping(it);
    if (operation->set_shipping_remark != NULL)
        return set_text(&it->details->shipping_remark, operation->set_shipping_remark);
    return set_text(&it->details->note, operation->set_note);
}

/* ---- what it takes ---- */

static void sum_up(const struct editing *it, const struct order *before, struct edited *edited)
{
    const struct order *after = edited->order;
    edited->needs = ARENA_ARRAY(it->arena, after->line_count, struct edit_units);
    edited->cuts = ARENA_ARRAY(it->arena, after->line_count, struct edit_units);
    for (size_t i = 0; i < after->line_count; i++) {
        const struct order_line *line = &after->lines[i];
        int64_t had = i < before->line_count ? live_units(&before->lines[i]) : 0;
        int64_t more = live_units(line) - had;
        if (!rules_line_is_tracked(line) || line->sku[0] == '\0')
            continue;
        if (more > 0)
            edited->needs[edited->need_count++] = (struct edit_units){i, it->editor[i], more, 0};
        if (more < 0)
            edited->cuts[edited->cut_count++] = (struct edit_units){i, it->editor[i], -more, 0};
    }
}

static bool check_state(const struct order *order, struct refusal *no)
{
    if (order->status == ORDER_PENDING || order->status == ORDER_CONFIRMED)
        return true;
    return rules_refuse(no, STATUS_CONFLICT, "invalid_state",
                        "Only an order that is pending or confirmed can be edited.", "%s", "");
}

static bool check_left(const struct order *order, struct refusal *no)
{
    for (size_t i = 0; i < order->line_count; i++) {
        if (live_units(&order->lines[i]) > 0)
            return true;
    }
    return rules_refuse(no, STATUS_CONFLICT, "nothing_left",
                        "Nothing would be left of the order; it can be cancelled instead.", "%s",
                        "operations");
}

/* What the carrier is to collect is what is due then; a family shares its ledger out by parcel. */
static void collect_what_is_due(struct order *order)
{
    struct payment *found = NULL;
    if (order->family != NULL)
        return;
    for (size_t i = 0; i < order->payment_count; i++) {
        struct payment *payment = &order->payments[i];
        if (payment->status != ENTRY_PENDING || strcmp(payment->method, "cash_on_delivery") != 0)
            continue;
        if (found != NULL)
            return;
        found = payment;
    }
    if (found == NULL || found->amount == order->amount_due)
        return;
    found->amount = order->amount_due;
    found->is_changed = true;
}

static bool is_rewritten(const struct order_line *line, const struct order_line *before)
{
    return line->quantity != before->quantity || line->discount != before->discount ||
           line->tax != before->tax || line->total != before->total;
}

/* A carrier's store collects no more than it may, nor nothing; what was so before stays. */
static bool check_collection(const struct editing *it, const struct order *before)
{
    bool is_chosen = false;
    for (size_t i = 0; i < it->edit->count; i++)
        is_chosen |= it->edit->operations[i]->set_delivery != NULL;
    if (!is_chosen && it->order->amount_due <= before->amount_due)
        return true;
    if (rules_check_collection(it->order, it->details->delivery, it->no))
        return true;
    memcpy(it->no->field, "operations", sizeof("operations"));
    return false;
}

struct edited *rules_edit(const struct order *order, const struct edit *edit, struct arena *arena,
                          struct refusal *no)
{
    struct editing it = {.edit = edit, .arena = arena, .no = no};
    if (!check_state(order, no))
        return NULL;
    copy_order(&it, order);
    const struct edit_figures before = rules_edit_figures(order, it.details);
    for (it.at = 0; it.at < edit->count; it.at++) {
        it.operation = edit->operations[it.at];
        if (!apply(&it))
            return NULL;
    }
    if (!check_left(it.order, no))
        return NULL;
    struct edited *edited = ARENA_NEW(arena, struct edited);
    edited->order = it.order;
    edited->details = it.details;
    sum_up(&it, order, edited);
    if (edit->items == NULL && edited->need_count > 0)
        return edited;
    if (!rules_edit_price(it.order, it.details, &before, arena, no))
        return NULL;
    for (size_t i = 0; i < order->line_count; i++)
        it.order->lines[i].is_rewritten = is_rewritten(&it.order->lines[i], &order->lines[i]);
    rules_order_derive(it.order);
    collect_what_is_due(it.order);
    return check_collection(&it, order) ? edited : NULL;
}
