#include "rules.h"

#include <string.h>

static int compare(int64_t a, int64_t b)
{
    return a < b ? -1 : a > b;
}

int rules_version_compare(const struct source_version *a, const struct source_version *b)
{
    int by_update = compare(a->updated_at_us, b->updated_at_us);
    if (by_update != 0)
        return by_update;
    int by_trigger = compare(a->triggered_at_ns, b->triggered_at_ns);
    if (by_trigger != 0)
        return by_trigger;
    int by_hash = strcmp(a->body_hash, b->body_hash);
    return compare(by_hash, 0);
}

struct uuid rules_content_hash(const PlaceOrderRequest *in, struct arena *arena)
{
    PlaceOrderRequest content;
    penstock__orders__v1__place_order_request__init(&content);
    content.currency = in->currency;
    content.shipping_address = in->shipping_address;
    content.n_lines = in->n_lines;
    content.lines = in->lines;
    content.n_shipping_lines = in->n_shipping_lines;
    content.shipping_lines = in->shipping_lines;
    content.n_discounts = in->n_discounts;
    content.discounts = in->discounts;
    content.n_tax_lines = in->n_tax_lines;
    content.tax_lines = in->tax_lines;
    content.prices_include_tax = in->prices_include_tax;
    content.n_charges = in->n_charges;
    content.charges = in->charges;
    size_t bytes = protobuf_c_message_get_packed_size(&content.base);
    uint8_t *packed = arena_alloc(arena, bytes + 1);
    protobuf_c_message_pack(&content.base, packed);
    return uuid_of_hash(packed, bytes);
}

bool rules_is_untouched(const struct order *order)
{
    if (order->status != ORDER_PENDING && order->status != ORDER_CONFIRMED)
        return false;
    for (size_t i = 0; i < order->line_count; i++) {
        const struct order_line *line = &order->lines[i];
        if (line->picked_total > 0 || line->packed_total > 0 || line->shipped_total > 0)
            return false;
    }
    return order->cancel_reason[0] == '\0' && order->edited_at_us == 0;
}

/* ---- payments: the channel leads ---- */

static bool is_same_payment(const struct payment *payment, const PaymentInput *input)
{
    if (input->reference[0] != '\0' && payment->reference[0] != '\0')
        return strcmp(payment->reference, input->reference) == 0;
    return strcmp(payment->method, input->method) == 0;
}

/* By reference where both have one, else the first of that method which no other has claimed: a
 * provider's reference often comes only with the capture. */
static struct payment *match_payment(struct order *order, const PaymentInput *input, bool *claimed)
{
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < order->payment_count; i++) {
            struct payment *payment = &order->payments[i];
            bool by_reference = input->reference[0] != '\0' && payment->reference[0] != '\0';
            if (claimed[i] || by_reference != (pass == 0) || !is_same_payment(payment, input))
                continue;
            claimed[i] = true;
            return payment;
        }
    }
    return NULL;
}

static bool update_payment(struct payment *payment, const PaymentInput *input)
{
    enum entry_status status = (enum entry_status)input->status;
    int64_t amount = input->amount->amount_minor;
    bool adopts = payment->reference[0] == '\0' && input->reference[0] != '\0';
    bool moves = payment->status != status && rules_entry_may(payment->status, status);
    bool resizes = payment->amount != amount && amount >= payment->refunded &&
                   (moves || payment->status == status);
    if (moves)
        payment->status = status;
    if (resizes)
        payment->amount = amount;
    if (adopts)
        payment->reference = input->reference;
    payment->is_changed = payment->is_changed || adopts || moves || resizes;
    return moves || resizes;
}

/* The channel says how much of a payment is refunded in all: what we have not heard of is new. */
static void refund_payment(struct order *order, const struct act *act, struct payment *payment,
                           const PaymentInput *input, const struct uuid *id)
{
    int64_t told = input->refunded != NULL ? input->refunded->amount_minor : 0;
    int64_t amount = told - payment->refunded;
    if (amount > rules_payment_refundable(payment))
        amount = rules_payment_refundable(payment);
    if (amount <= 0)
        return;
    struct refund_facts facts = {.amount = amount,
                                 .reason = "channel",
                                 .payment_id = &payment->id,
                                 .ids = id,
                                 .provider = PROVIDER_CHANNEL};
    struct refusal no = {0};
    size_t count;
    rules_refund(order, act, &facts, &count, &no);
}

static struct payment *import_payment(struct order *order, const struct act *act,
                                      const PaymentInput *input, const struct uuid *id)
{
    struct payment_facts facts = {
        .method = input->method,
        .reference = input->reference,
        .status = (enum entry_status)input->status,
        .amount = input->amount->amount_minor,
        .paid_at_us = input->paid_at_us,
    };
    struct refusal no = {0};
    bool changed;
    return rules_payment(order, act, id, &facts, &changed, &no);
}

size_t rules_import_payments(struct order *order, const struct act *act,
                             const PlaceOrderRequest *in, const struct uuid *ids)
{
    bool *claimed = ARENA_ARRAY(act->arena, order->payment_count + in->n_payments + 1, bool);
    int64_t version = order->version;
    for (size_t i = 0; i < in->n_payments; i++) {
        struct payment *payment = match_payment(order, in->payments[i], claimed);
        if (payment == NULL) {
            payment = import_payment(order, act, in->payments[i], &ids[2 * i]);
            if (payment == NULL)
                continue;
            claimed[order->payment_count - 1] = true;
        } else if (update_payment(payment, in->payments[i])) {
            rules_note(order, act, "payment_changed", payment->method);
            rules_order_derive(order);
        }
        refund_payment(order, act, payment, in->payments[i], &ids[2 * i + 1]);
    }
    return (size_t)(order->version - version);
}

/* ---- contact ---- */

static bool replace(const char **mine, const char *theirs)
{
    if (strcmp(*mine, theirs) == 0)
        return false;
    *mine = theirs;
    return true;
}

static OrderDetails *details_open(const struct order *order, struct arena *arena)
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

/* True when the packed details differ from before. */
static bool details_close(struct order *order, const OrderDetails *details, struct arena *arena)
{
    size_t bytes = protobuf_c_message_get_packed_size(&details->base);
    uint8_t *packed = arena_alloc(arena, bytes + 1);
    protobuf_c_message_pack(&details->base, packed);
    bool changed =
        bytes != order->details_bytes || (bytes > 0 && memcmp(packed, order->details, bytes) != 0);
    order->details = packed;
    order->details_bytes = bytes;
    order->is_rewritten = order->is_rewritten || changed;
    return changed;
}

bool rules_is_erased(const struct order *order, struct arena *arena)
{
    return details_open(order, arena)->is_erased;
}

bool rules_import_contact(struct order *order, const struct act *act, const PlaceOrderRequest *in)
{
    const Customer *customer = in->customer;
    bool changed = false;
    if (rules_is_erased(order, act->arena))
        return false;
    if (customer != NULL) {
        changed |= replace(&order->customer_id, customer->id);
        changed |= replace(&order->customer_external_id, customer->external_id);
        changed |= replace(&order->customer_name, customer->name);
        changed |= replace(&order->email, customer->email);
        changed |= replace(&order->phone, customer->phone);
    }
    OrderDetails *details = details_open(order, act->arena);
    details->billing_address = in->billing_address;
    details->note = in->note;
    changed |= details_close(order, details, act->arena);
    if (!changed)
        return false;
    order->is_rewritten = true;
    rules_note(order, act, "contact_changed", NULL);
    return true;
}

/* ---- lines, address and amounts: ours once we have worked on them ---- */

static struct order_line *match_line(struct order *order, const LineInput *input, size_t index,
                                     const bool *claimed)
{
    for (size_t i = 0; i < order->line_count; i++) {
        const char *external_id = order->lines[i].external_id;
        if (!claimed[i] && external_id[0] != '\0' && strcmp(external_id, input->external_id) == 0)
            return &order->lines[i];
    }
    bool is_known_by_id = input->external_id[0] != '\0';
    if (is_known_by_id || index >= order->line_count || claimed[index] ||
        strcmp(order->lines[index].sku, input->sku) != 0)
        return NULL;
    return &order->lines[index];
}

static void read_line(struct order_line *line, const LineInput *input)
{
    if (strcmp(line->sku, input->sku) != 0)
        line->allocated_total = 0;
    line->sku = input->sku;
    if (input->name[0] != '\0')
        line->name = input->name;
    line->external_id = input->external_id;
    line->quantity = input->quantity;
    line->cancelled = input->cancelled;
    line->unit_price = input->unit_price->amount_minor;
    line->discount = input->discount != NULL ? input->discount->amount_minor : 0;
    line->tax = input->tax != NULL ? input->tax->amount_minor : 0;
    line->is_custom = input->is_custom;
    line->no_shipping = input->no_shipping;
    line->is_rewritten = true;
}

/* A line that the channel no longer has stays as a row of quantity 0: other services know its id.
 */
static void empty_line(struct order_line *line)
{
    line->quantity = line->cancelled = line->unit_price = line->discount = line->tax = 0;
    line->is_rewritten = true;
}

static void read_lines(struct order *order, const PlaceOrderRequest *in, const struct uuid *ids,
                       struct arena *arena)
{
    size_t before = order->line_count;
    bool *claimed = ARENA_ARRAY(arena, before + in->n_lines + 1, bool);
    struct order_line *lines = ARENA_ARRAY(arena, before + in->n_lines, struct order_line);
    memcpy(lines, order->lines, before * sizeof(*lines));
    order->lines = lines;
    for (size_t i = 0; i < in->n_lines; i++) {
        struct order_line *line = match_line(order, in->lines[i], i, claimed);
        if (line == NULL) {
            line = &order->lines[order->line_count];
            *line = (struct order_line){.order_id = order->id,
                                        .id = ids[i],
                                        .line_no = (int32_t)order->line_count,
                                        .sku = "",
                                        .name = "",
                                        .is_new = true};
            order->line_count++;
        }
        claimed[line - order->lines] = true;
        read_line(line, in->lines[i]);
    }
    for (size_t i = 0; i < before; i++) {
        if (!claimed[i])
            empty_line(&order->lines[i]);
    }
}

static void value_cancelled_lines(struct order *order)
{
    order->cancelled_value = 0;
    for (size_t i = 0; i < order->line_count; i++)
        order->cancelled_value += rules_line_value(&order->lines[i], order->lines[i].cancelled);
}

bool rules_import_content(struct order *order, const struct act *act, const PlaceOrderRequest *in,
                          const struct uuid *ids, struct refusal *no)
{
    if (order->line_count + in->n_lines > 2 * ORDERS_MAX_LINES)
        return rules_refuse(no, STATUS_INVALID, "too_many",
                            "The channel has changed this order's lines too often.", "%s", "lines");
    read_lines(order, in, ids, act->arena);
    order->prices_include_tax = in->prices_include_tax;
    if (!rules_totals(order, in, act->arena, no))
        return false;
    value_cancelled_lines(order);
    OrderDetails *details = details_open(order, act->arena);
    details->shipping_address = in->shipping_address;
    details->n_shipping_lines = in->n_shipping_lines;
    details->shipping_lines = in->shipping_lines;
    details->n_discounts = in->n_discounts;
    details->discounts = in->discounts;
    details->n_tax_lines = in->n_tax_lines;
    details->tax_lines = in->tax_lines;
    details->n_charges = in->n_charges;
    details->charges = in->charges;
    details->shipping_remark = in->shipping_remark;
    details_close(order, details, act->arena);
    order->is_rewritten = true;
    rules_note(order, act, "order_changed", NULL);
    rules_order_derive(order);
    return true;
}

void rules_import_current_total(struct order *order, const Money *current_total)
{
    if (current_total == NULL || current_total->currency[0] == '\0')
        return;
    int64_t target = current_total->amount_minor;
    int64_t net = order->captured_total - order->refunded_total;
    /* Refunds that gave back no more than was paid beyond the charge are in it already. */
    int64_t charge = target <= net ? target : target + order->refunded_total;
    int64_t value = order->total - order->returned_value - charge;
    if (value < 0)
        value = 0;
    if (value == order->cancelled_value)
        return;
    order->cancelled_value = value;
    order->is_changed = true;
}

/* ---- the difference, for a person ---- */

static const char *money_words(int64_t minor, const char *currency, struct arena *arena)
{
    struct money money = {.minor = minor};
    memcpy(money.currency, currency, 3);
    char text[MONEY_TEXT_BYTES];
    return arena_strdup(arena, money_text(money, text));
}

static const char *line_difference(const struct order *order, const PlaceOrderRequest *in,
                                   struct arena *arena)
{
    const char *words = "";
    size_t told = 0;
    for (size_t i = 0; i < in->n_lines || i < order->line_count; i++) {
        int64_t ours =
            i < order->line_count ? order->lines[i].quantity - order->lines[i].cancelled : 0;
        int64_t theirs = i < in->n_lines ? in->lines[i]->quantity - in->lines[i]->cancelled : 0;
        const char *our_sku = i < order->line_count ? order->lines[i].sku : "";
        const char *their_sku = i < in->n_lines ? in->lines[i]->sku : our_sku;
        if ((ours == theirs && strcmp(our_sku, their_sku) == 0) || ++told > 5)
            continue;
        words = arena_printf(arena, "%s%s: %lld -> %lld; ", words, their_sku, (long long)ours,
                             (long long)theirs);
    }
    return told > 5 ? arena_printf(arena, "%sand more; ", words) : words;
}

static bool has_other_address(const struct order *order, const PlaceOrderRequest *in,
                              struct arena *arena)
{
    Address nowhere;
    penstock__common__v1__address__init(&nowhere);
    const OrderDetails *details = details_open(order, arena);
    const Address *ours = details->shipping_address ? details->shipping_address : &nowhere;
    const Address *theirs = in->shipping_address ? in->shipping_address : &nowhere;
    return strcmp(ours->name, theirs->name) != 0 || strcmp(ours->company, theirs->company) != 0 ||
           strcmp(ours->address1, theirs->address1) != 0 ||
           strcmp(ours->address2, theirs->address2) != 0 ||
           strcmp(ours->district, theirs->district) != 0 || strcmp(ours->city, theirs->city) != 0 ||
           strcmp(ours->region, theirs->region) != 0 ||
           strcmp(ours->postcode, theirs->postcode) != 0 ||
           strcmp(ours->country, theirs->country) != 0 || strcmp(ours->phone, theirs->phone) != 0;
}

const char *rules_import_difference(const struct order *order, const PlaceOrderRequest *in,
                                    struct arena *arena)
{
    struct order theirs = *order;
    struct refusal no = {0};
    theirs.lines = ARENA_ARRAY(arena, order->line_count, struct order_line);
    memcpy(theirs.lines, order->lines, order->line_count * sizeof(*theirs.lines));
    size_t most = in->n_lines + 1;
    read_lines(&theirs, in, ARENA_ARRAY(arena, most, struct uuid), arena);
    const char *words = line_difference(order, in, arena);
    if (rules_totals(&theirs, in, arena, &no) && theirs.total != order->total)
        words = arena_printf(arena, "%stotal: %s -> %s %s; ", words,
                             money_words(order->total, order->currency, arena),
                             money_words(theirs.total, order->currency, arena), order->currency);
    if (has_other_address(order, in, arena))
        words = arena_printf(arena, "%sthe shipping address; ", words);
    return arena_printf(arena, "The channel changed what was being worked on: %s",
                        words[0] != '\0' ? words : "figures that do not change the total.");
}
