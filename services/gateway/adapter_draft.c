#include "services/gateway/adapter_draft.h"

#include <stdarg.h>
#include <string.h>

#include "services/gateway/adapter_read.h"

#define MAX_PARTS 50
#define NAME_BYTES 255
#define NOTE_BYTES 4000

typedef Penstock__Common__V1__Money Money;
typedef Penstock__Orders__V1__Customer Customer;
typedef Penstock__Orders__V1__ExternalVersion ExternalVersion;
typedef Penstock__Orders__V1__LineInput LineInput;
typedef Penstock__Orders__V1__ShippingLine ShippingLine;
typedef Penstock__Orders__V1__Discount Discount;
typedef Penstock__Orders__V1__TaxLine TaxLine;
typedef Penstock__Orders__V1__Charge Charge;
typedef Penstock__Orders__V1__PaymentInput PaymentInput;

/* A message with its defaults. */
static void *new_message(struct arena *arena, const ProtobufCMessageDescriptor *type)
{
    void *message = arena_alloc(arena, type->sizeof_message);
    protobuf_c_message_init(type, message);
    return message;
}

bool draft_fail(struct draft *draft, const char *code, const char *format, ...)
{
    if (draft->code != NULL)
        return false;
    va_list arguments;
    va_start(arguments, format);
    draft->code = code;
    draft->reason = arena_vprintf(draft->arena, format, arguments);
    va_end(arguments);
    return false;
}

static bool fail_too_large(struct draft *draft)
{
    return draft_fail(draft, "amount_too_large", "The amounts of the order overflow.");
}

static Money *new_money(const struct draft *draft, int64_t minor)
{
    Money *money = new_message(draft->arena, &penstock__common__v1__money__descriptor);
    money->amount_minor = minor;
    money->currency = arena_strdup(draft->arena, draft->currency);
    return money;
}

/* Adds to a sum of the draft; false past money.h's limit. */
static bool add_to(struct draft *draft, int64_t *sum, int64_t term)
{
    int64_t total;
    if (__builtin_add_overflow(*sum, term, &total) || total > MONEY_MAX_MINOR ||
        total < -MONEY_MAX_MINOR)
        return fail_too_large(draft);
    *sum = total;
    return true;
}

/* The body's hash and the trigger time are what two deliveries of one second are told apart by. */
static ExternalVersion *new_version(struct arena *arena, const struct adapter_input *input)
{
    ExternalVersion *version =
        new_message(arena, &penstock__orders__v1__external_version__descriptor);
    version->triggered_at_ns = input->triggered_at_ns;
    version->body_hash = arena_strdup(arena, input->body_hash);
    return version;
}

static PlaceOrderRequest *new_order(struct arena *arena, ImportOrderRequest *import)
{
    PlaceOrderRequest *order =
        new_message(arena, &penstock__orders__v1__place_order_request__descriptor);
    order->channel = import->channel;
    order->external_id = import->external_id;
    order->stock_policy = PENSTOCK__INVENTORY__V1__STOCK_POLICY__STOCK_POLICY_ACCEPT;
    order->customer = new_message(arena, &penstock__orders__v1__customer__descriptor);
    order->lines = ARENA_ARRAY(arena, ADAPTER_MAX_LINES, LineInput *);
    order->shipping_lines = ARENA_ARRAY(arena, MAX_PARTS, ShippingLine *);
    order->discounts = ARENA_ARRAY(arena, MAX_PARTS, Discount *);
    order->tax_lines = ARENA_ARRAY(arena, MAX_PARTS, TaxLine *);
    order->charges = ARENA_ARRAY(arena, MAX_PARTS, Charge *);
    order->payments = ARENA_ARRAY(arena, MAX_PARTS, PaymentInput *);
    return order;
}

bool draft_open(struct draft *draft, struct arena *arena, const struct adapter_input *input,
                const char *external_id, const char *currency)
{
    *draft = (struct draft){.arena = arena};
    if (money_exponent(currency) < 0)
        return draft_fail(draft, "unknown_currency",
                          "The order's currency is not one of ISO 4217.");
    memcpy(draft->currency, currency, sizeof(draft->currency));
    ImportOrderRequest *import =
        new_message(arena, &penstock__orders__v1__import_order_request__descriptor);
    import->channel = arena_strdup(arena, input->channel);
    import->external_id = arena_strdup(arena, external_id);
    import->source_topic = arena_strdup(arena, input->topic);
    import->delivery_id = arena_strdup(arena, input->delivery_id);
    import->version = new_version(arena, input);
    import->order = new_order(arena, import);
    import->order->currency = arena_strdup(arena, currency);
    draft->import = import;
    draft->order = import->order;
    return true;
}

bool draft_read_e4(struct draft *draft, const struct json_value *object, const char *where,
                   const char *name, int64_t *out_e4)
{
    return read_member_e4(object, name, draft->currency, out_e4) ||
           draft_fail(draft, "bad_amount", "%s.%s is not an amount of %s.", where, name,
                      draft->currency);
}

bool draft_whole_minor(struct draft *draft, int64_t amount_e4, const char *where,
                       int64_t *out_minor)
{
    return read_whole_minor(amount_e4, out_minor) ||
           draft_fail(draft, "bad_amount", "%s is finer than the smallest unit of %s.", where,
                      draft->currency);
}

bool draft_read_minor(struct draft *draft, const struct json_value *object, const char *where,
                      const char *name, int64_t *out_minor)
{
    int64_t amount_e4;
    return draft_read_e4(draft, object, where, name, &amount_e4) &&
           draft_whole_minor(draft, amount_e4, arena_printf(draft->arena, "%s.%s", where, name),
                             out_minor);
}

bool draft_read_quantity(struct draft *draft, const struct json_value *object, const char *where,
                         int64_t *out)
{
    switch (read_quantity(json_get_figure(object, "quantity"), out)) {
    case READ_QUANTITY_OK:
        return true;
    case READ_QUANTITY_FRACTION:
        return draft_fail(draft, "fractional_quantity",
                          "%s.quantity is a fraction; stock is counted in whole units.", where);
    case READ_QUANTITY_BAD:
        break;
    }
    return draft_fail(draft, "bad_quantity", "%s.quantity is not a number from 0 to 1000000.",
                      where);
}

bool draft_add_line(struct draft *draft, const struct draft_line *line)
{
    PlaceOrderRequest *order = draft->order;
    int64_t items_minor;
    if (order->n_lines == ADAPTER_MAX_LINES)
        return draft_fail(draft, "too_many", "The order has more than %d lines.",
                          ADAPTER_MAX_LINES);
    if (__builtin_mul_overflow(line->unit_minor, line->quantity, &items_minor))
        return fail_too_large(draft);
    LineInput *input = new_message(draft->arena, &penstock__orders__v1__line_input__descriptor);
    input->sku = line->sku;
    input->name = line->name;
    input->external_id = line->external_id;
    input->quantity = line->quantity;
    input->cancelled = line->cancelled;
    input->unit_price = new_money(draft, line->unit_minor);
    input->discount = line->discount_minor != 0 ? new_money(draft, line->discount_minor) : NULL;
    input->tax = line->tax_minor != 0 ? new_money(draft, line->tax_minor) : NULL;
    input->is_custom = line->is_custom;
    input->no_shipping = line->no_shipping;
    order->lines[order->n_lines++] = input;
    return add_to(draft, &draft->items_minor, items_minor) &&
           add_to(draft, &draft->discounts_minor, line->discount_minor);
}

static bool has_room(struct draft *draft, size_t count)
{
    return count < MAX_PARTS ||
           draft_fail(draft, "too_many", "The order has more than %d charges, taxes or payments.",
                      MAX_PARTS);
}

bool draft_add_shipping(struct draft *draft, char *code, char *title, int64_t minor)
{
    PlaceOrderRequest *order = draft->order;
    if (!has_room(draft, order->n_shipping_lines))
        return false;
    ShippingLine *line =
        new_message(draft->arena, &penstock__orders__v1__shipping_line__descriptor);
    line->code = code;
    line->title = title;
    line->price = new_money(draft, minor);
    order->shipping_lines[order->n_shipping_lines++] = line;
    return add_to(draft, &draft->shipping_minor, minor);
}

bool draft_add_discount(struct draft *draft, char *code, char *title, int64_t minor)
{
    PlaceOrderRequest *order = draft->order;
    if (!has_room(draft, order->n_discounts))
        return false;
    Discount *discount = new_message(draft->arena, &penstock__orders__v1__discount__descriptor);
    discount->code = code;
    discount->title = title;
    discount->amount = new_money(draft, minor);
    order->discounts[order->n_discounts++] = discount;
    return add_to(draft, &draft->discounts_minor, minor);
}

bool draft_list_code(struct draft *draft, char *code)
{
    const PlaceOrderRequest *order = draft->order;
    bool is_listed = *code == '\0';
    for (size_t i = 0; i < order->n_discounts; i++)
        is_listed |= strcmp(order->discounts[i]->code, code) == 0;
    return is_listed || draft_add_discount(draft, code, code, 0);
}

bool draft_add_charge(struct draft *draft, char *title, int64_t minor)
{
    PlaceOrderRequest *order = draft->order;
    if (!has_room(draft, order->n_charges))
        return false;
    Charge *charge = new_message(draft->arena, &penstock__orders__v1__charge__descriptor);
    charge->title = title;
    charge->amount = new_money(draft, minor);
    order->charges[order->n_charges++] = charge;
    return add_to(draft, &draft->charges_minor, minor);
}

bool draft_add_tax(struct draft *draft, char *title, int32_t rate_ppm, int64_t minor)
{
    PlaceOrderRequest *order = draft->order;
    if (!has_room(draft, order->n_tax_lines))
        return false;
    TaxLine *line = new_message(draft->arena, &penstock__orders__v1__tax_line__descriptor);
    line->title = title;
    line->rate_ppm = rate_ppm;
    line->amount = new_money(draft, minor);
    order->tax_lines[order->n_tax_lines++] = line;
    return add_to(draft, &draft->tax_minor, minor);
}

bool draft_settle_taxes(struct draft *draft, int64_t total_minor)
{
    PlaceOrderRequest *order = draft->order;
    if (draft->tax_minor == total_minor)
        return true;
    order->n_tax_lines = 0;
    draft->tax_minor = 0;
    return total_minor == 0 ||
           draft_add_tax(draft, arena_strdup(draft->arena, "Tax"), 0, total_minor);
}

bool draft_add_payment(struct draft *draft, const struct draft_payment *payment)
{
    PlaceOrderRequest *order = draft->order;
    if (payment->minor <= 0)
        return true;
    if (!has_room(draft, order->n_payments))
        return false;
    PaymentInput *input =
        new_message(draft->arena, &penstock__orders__v1__payment_input__descriptor);
    input->method = arena_strdup(draft->arena, payment->method);
    input->status = payment->status;
    input->amount = new_money(draft, payment->minor);
    input->reference = payment->reference != NULL ? payment->reference : input->reference;
    input->paid_at_us = payment->paid_at_us;
    if (payment->refunded_minor > 0)
        input->refunded = new_money(draft, payment->refunded_minor);
    order->payments[order->n_payments++] = input;
    return true;
}

/* ---- the balance ---- */

static int64_t sum_of(const struct draft *draft)
{
    /* Each term is within 10^15. */
    return draft->items_minor - draft->discounts_minor + draft->shipping_minor +
           draft->charges_minor + (draft->order->prices_include_tax ? 0 : draft->tax_minor);
}

static int64_t effect_of(const struct draft_options *options, unsigned chosen)
{
    int64_t effect = 0;
    for (size_t i = 0; i < options->count; i++) {
        const struct draft_option *option = &options->list[i];
        if ((chosen >> i & 1) != 0)
            effect += option->kind == DRAFT_DISCOUNT ? -option->minor : option->minor;
    }
    return effect;
}

/* Of the choices with the wanted effect the one that differs from the usual in the fewest options;
 * the usual one when there is none. */
static unsigned choose(const struct draft_options *options, int64_t wanted)
{
    unsigned usual = 0;
    for (size_t i = 0; i < options->count; i++)
        usual |= (unsigned)options->list[i].by_default << i;
    unsigned best = usual;
    int fewest = DRAFT_MAX_OPTIONS + 1;
    for (unsigned choice = 0; choice < 1u << options->count; choice++) {
        int distance = __builtin_popcount(choice ^ usual);
        if (distance < fewest && effect_of(options, choice) == wanted) {
            fewest = distance;
            best = choice;
        }
    }
    return best;
}

void draft_offer(struct draft_options *options, struct draft_option option)
{
    if (option.minor != 0 && options->count < DRAFT_MAX_OPTIONS)
        options->list[options->count++] = option;
}

static bool add_option(struct draft *draft, const struct draft_option *option)
{
    switch (option->kind) {
    case DRAFT_CHARGE:
        return draft_add_charge(draft, option->title, option->minor);
    case DRAFT_DISCOUNT:
        return draft_add_discount(draft, option->code, option->title, option->minor);
    case DRAFT_SHIPPING:
        return draft_add_shipping(draft, option->code, option->title, option->minor);
    }
    return false;
}

static const char *text_of(const struct draft *draft, int64_t minor)
{
    struct money money = {.minor = minor};
    memcpy(money.currency, draft->currency, sizeof(money.currency));
    return money_text(money, arena_alloc(draft->arena, MONEY_TEXT_BYTES));
}

static bool fail_mismatch(struct draft *draft, int64_t stated_minor, const char *hint)
{
    return draft_fail(
        draft, "total_mismatch",
        "The parts add up to %s %s, the channel's total is %s: items %s, discounts %s, "
        "shipping %s, tax %s%s, charges %s.%s",
        text_of(draft, sum_of(draft)), draft->currency, text_of(draft, stated_minor),
        text_of(draft, draft->items_minor), text_of(draft, draft->discounts_minor),
        text_of(draft, draft->shipping_minor), text_of(draft, draft->tax_minor),
        draft->order->prices_include_tax ? " (included)" : "", text_of(draft, draft->charges_minor),
        hint);
}

/* Lines' taxes inform about the order's. Without one they would be taken for it; and when they were
 * rounded up line by line to more than it, it is shared out by them. */
static void fit_line_taxes(struct draft *draft)
{
    const PlaceOrderRequest *order = draft->order;
    int64_t *taxes = ARENA_ARRAY(draft->arena, order->n_lines + 1, int64_t);
    int64_t *shares = ARENA_ARRAY(draft->arena, order->n_lines + 1, int64_t);
    __int128 sum = 0;
    for (size_t i = 0; i < order->n_lines; i++) {
        taxes[i] = order->lines[i]->tax != NULL ? order->lines[i]->tax->amount_minor : 0;
        sum += taxes[i];
    }
    if (sum == 0 || sum <= draft->tax_minor)
        return;
    money_share(draft->tax_minor, taxes, order->n_lines, shares);
    for (size_t i = 0; i < order->n_lines; i++)
        order->lines[i]->tax = shares[i] != 0 ? new_money(draft, shares[i]) : NULL;
}

bool draft_balance(struct draft *draft, int64_t stated_minor, const struct draft_options *options,
                   int64_t rounding_minor, const char *hint)
{
    unsigned chosen = choose(options, stated_minor - sum_of(draft));
    for (size_t i = 0; i < options->count; i++) {
        if ((chosen >> i & 1) != 0 && !add_option(draft, &options->list[i]))
            return false;
    }
    fit_line_taxes(draft);
    int64_t rest = stated_minor - sum_of(draft);
    if (rest == 0)
        return true;
    if (rest >= -rounding_minor && rest <= rounding_minor)
        return draft_add_charge(draft, arena_strdup(draft->arena, "rounding"), rest);
    return fail_mismatch(draft, stated_minor, hint);
}

void draft_state_total(struct draft *draft, int64_t total_minor)
{
    draft->import->stated_total = new_money(draft, total_minor);
}

void draft_state_current_total(struct draft *draft, int64_t total_minor)
{
    draft->import->stated_current_total = new_money(draft, total_minor);
}

char *draft_text(struct draft *draft, const struct json_value *object, const char *name)
{
    return read_text(draft->arena, json_get_figure(object, name), NAME_BYTES, false);
}

void draft_add_note(struct draft *draft, const char *about, const char *value)
{
    struct arena *arena = draft->arena;
    const char *note = draft->order->note;
    if (strlen(note) >= NOTE_BYTES || *value == '\0')
        return;
    const char *line = read_text(arena, value, NOTE_BYTES, true);
    if (about != NULL)
        line = arena_printf(arena, "%s: %s", read_text(arena, about, NAME_BYTES, false), line);
    const char *joined = *note == '\0' ? line : arena_printf(arena, "%s\n%s", note, line);
    draft->order->note = read_text(arena, joined, NOTE_BYTES, true);
}

Address *draft_address(struct draft *draft)
{
    return new_message(draft->arena, &penstock__common__v1__address__descriptor);
}
