/* The WooCommerce adapter: webhooks of the REST v3 order and of the legacy {"order": ...} one.
 *
 * WooCommerce keeps every amount without tax, whatever the shop shows. Where its prices include
 * tax, each amount and its tax are put together again, so that the customer's mail says what they
 * saw; if that does not sum to the total (a shop that rounds taxes at the end), the amounts are
 * taken as they stand and the taxes added. `price` is a float quotient and is never read: the unit
 * price is subtotal / quantity, rounded up when it does not divide, and the line's discount takes
 * back the few cents, so that a line's total is exact and its id stays one.
 */
#include "services/gateway/adapter.h"

#include <string.h>
#include <strings.h>

#include "services/gateway/adapter_draft.h"
#include "services/gateway/adapter_read.h"

/* ---- the hook ---- */

/* When a webhook is made, the shop posts webhook_id=NN without signature and wants a 200. */
static bool is_ping(const struct hook_request *request)
{
    static const char prefix[] = "webhook_id=";
    const size_t length = sizeof(prefix) - 1;
    if (request->header(request->context, "X-WC-Webhook-Signature") != NULL ||
        request->body_bytes <= length || request->body_bytes > length + 20 ||
        memcmp(request->body, prefix, length) != 0)
        return false;
    for (size_t i = length; i < request->body_bytes; i++) {
        if (request->body[i] < '0' || request->body[i] > '9')
            return false;
    }
    return true;
}

static enum hook_verdict verify(const struct hook_request *request)
{
    if (is_ping(request))
        return HOOK_PING;
    const char *signature = request->header(request->context, "X-WC-Webhook-Signature");
    return adapter_is_signed(request, signature) ? HOOK_STORE : HOOK_UNSIGNED;
}

/* The legacy API wraps the order. */
static const struct json_value *order_of(const struct json_value *body)
{
    const struct json_value *wrapped = json_get(body, "order");
    return json_is(wrapped, JSON_KIND_OBJECT) && json_get(body, "id") == NULL ? wrapped : body;
}

/* A member under its name in v3, or else in the legacy API. */
static const struct json_value *either(const struct json_value *object, const char *name,
                                       const char *legacy)
{
    const struct json_value *member = json_get(object, name);
    return member != NULL ? member : json_get(object, legacy);
}

static const char *either_text(const struct json_value *object, const char *name,
                               const char *legacy)
{
    const char *text = json_get_figure(object, name);
    return text != NULL ? text : json_get_figure(object, legacy);
}

/* The delivery id is shared by all orders of one second, so the event is what the shop, the order,
 * its time of change and the body say together. */
static const char *identity_of(struct arena *arena, const struct inbox_delivery *delivery,
                               const struct json_value *order)
{
    const char *modified = either_text(order, "date_modified_gmt", "updated_at");
    const char *text = arena_printf(arena, "%s|%s|%s|%s", delivery->source, delivery->external_id,
                                    modified != NULL ? modified : "", delivery->event_identity);
    for (const char *at = text; *at != '\0'; at++) {
        if (*at < 0x20 || *at > 0x7e)
            return delivery->event_identity;
    }
    return strlen(text) <= INBOX_TEXT_BYTES ? text : delivery->event_identity;
}

static enum hook_verdict identify(const struct hook_request *request, const struct json_value *body,
                                  struct arena *arena, struct inbox_delivery *delivery)
{
    const char *topic = adapter_header(request, "X-WC-Webhook-Topic");
    if (topic == NULL)
        return HOOK_MALFORMED;
    const char *source = adapter_header(request, "X-WC-Webhook-Source");
    const char *id = json_get_figure(order_of(body), "id");
    delivery->topic = arena_strdup(arena, topic);
    delivery->source = source != NULL ? arena_strdup(arena, source) : "";
    delivery->external_id = read_is_id(id) ? arena_strdup(arena, id) : "";
    delivery->event_identity = identity_of(arena, delivery, order_of(body));
    return HOOK_STORE;
}

/* ---- money ---- */

struct reading {
    struct draft draft;
    const struct json_value *order;
    bool is_gross;   /* amounts and their taxes are put together */
    bool is_rounded; /* a small rest is taken for rounding */
    size_t rows;     /* lines, shipping and fees, each of which the shop may have rounded */
};

/* An amount of a row, with its tax where prices include it. */
static bool read_amount(struct reading *reading, const struct json_value *row, const char *where,
                        const char *name, const char *tax_name, int64_t *minor)
{
    struct draft *draft = &reading->draft;
    int64_t amount_e4, tax_e4 = 0;
    return draft_read_e4(draft, row, where, name, &amount_e4) &&
           (!reading->is_gross || draft_read_e4(draft, row, where, tax_name, &tax_e4)) &&
           draft_whole_minor(draft, amount_e4 + tax_e4,
                             arena_printf(draft->arena, "%s.%s", where, name), minor);
}

static char *row_text(struct reading *reading, const struct json_value *row, const char *name)
{
    return read_html_text(reading->draft.arena, json_get_figure(row, name), 255);
}

/* subtotal / quantity as unit price and what it takes off again; a line that costs more than its
 * subtotal, as surcharges make it, is priced by its total. */
static void price_line(struct draft_line *line, int64_t subtotal, int64_t total)
{
    if (subtotal < total)
        subtotal = total;
    line->unit_minor = (subtotal + line->quantity - 1) / line->quantity;
    line->discount_minor = line->unit_minor * line->quantity - total;
}

static bool add_line(struct reading *reading, const struct json_value *item, size_t index)
{
    struct draft *draft = &reading->draft;
    const char *where = arena_printf(draft->arena, "line_items[%zu]", index);
    int64_t subtotal, total, tax_e4;
    struct draft_line line = {.sku = draft_text(draft, item, "sku"),
                              .name = row_text(reading, item, "name"),
                              .external_id = draft_text(draft, item, "id")};
    reading->rows++;
    if (!draft_read_quantity(draft, item, where, &line.quantity) ||
        !read_amount(reading, item, where, "subtotal", "subtotal_tax", &subtotal) ||
        !read_amount(reading, item, where, "total", "total_tax", &total) ||
        !draft_read_e4(draft, item, where, "total_tax", &tax_e4))
        return false;
    /* A row of nothing, or one that only takes money off, is a part of the total but no goods. */
    if (line.quantity == 0 || total < 0)
        return total == 0 || draft_add_charge(draft, line.name, total);
    line.tax_minor = tax_e4 > 0 ? read_nearest_minor(tax_e4) : 0;
    price_line(&line, subtotal, total);
    return draft_add_line(draft, &line);
}

static bool add_lines(struct reading *reading)
{
    size_t index = 0;
    json_each(item, json_get(reading->order, "line_items")) {
        if (!add_line(reading, item, index++))
            return false;
    }
    return reading->draft.order->n_lines > 0 ||
           draft_fail(&reading->draft, "no_lines", "The order has no lines.");
}

static bool add_shipping(struct reading *reading)
{
    struct draft *draft = &reading->draft;
    json_each(item, json_get(reading->order, "shipping_lines")) {
        int64_t minor;
        reading->rows++;
        if (!read_amount(reading, item, "shipping_lines[]", "total", "total_tax", &minor) ||
            !draft_add_shipping(draft, draft_text(draft, item, "method_id"),
                                row_text(reading, item, "method_title"), minor))
            return false;
    }
    return true;
}

static bool add_fees(struct reading *reading)
{
    json_each(item, json_get(reading->order, "fee_lines")) {
        int64_t minor;
        char *title = read_first(row_text(reading, item, "name"), row_text(reading, item, "title"),
                                 arena_strdup(reading->draft.arena, "fee"));
        reading->rows++;
        if (!read_amount(reading, item, "fee_lines[]", "total", "total_tax", &minor) ||
            (minor != 0 && !draft_add_charge(&reading->draft, title, minor)))
            return false;
    }
    return true;
}

static bool add_tax_line(struct reading *reading, const struct json_value *item)
{
    struct draft *draft = &reading->draft;
    int64_t tax_e4, shipping_e4, legacy_e4;
    char *title = read_first(row_text(reading, item, "label"), row_text(reading, item, "title"),
                             row_text(reading, item, "rate_code"));
    return draft_read_e4(draft, item, "tax_lines[]", "tax_total", &tax_e4) &&
           draft_read_e4(draft, item, "tax_lines[]", "shipping_tax_total", &shipping_e4) &&
           draft_read_e4(draft, item, "tax_lines[]", "total", &legacy_e4) &&
           draft_add_tax(draft, title, read_rate_ppm(json_get_figure(item, "rate_percent"), true),
                         read_nearest_minor(tax_e4 + shipping_e4 + legacy_e4));
}

static bool add_taxes(struct reading *reading)
{
    struct draft *draft = &reading->draft;
    int64_t total_e4;
    draft->order->prices_include_tax = reading->is_gross;
    json_each(item, json_get(reading->order, "tax_lines")) {
        if (!add_tax_line(reading, item))
            return false;
    }
    if (!draft_read_e4(draft, reading->order, "order", "total_tax", &total_e4))
        return false;
    return draft_settle_taxes(draft, read_nearest_minor(total_e4));
}

/* Gift cards of the shop's extension come off the total without being a line or a fee; the legacy
 * API had discounts of the whole order. */
static bool offer_options(struct reading *reading, struct draft_options *options)
{
    struct draft *draft = &reading->draft;
    int64_t discount;
    json_each(card, json_get(reading->order, "gift_cards")) {
        int64_t minor;
        if (!draft_read_minor(draft, card, "gift_cards[]", "amount", &minor))
            return false;
        draft_offer(options, (struct draft_option){DRAFT_CHARGE, NULL,
                                                   arena_strdup(draft->arena, "gift card"), -minor,
                                                   .by_default = true});
    }
    if (!draft_read_minor(draft, reading->order, "order", "total_discount", &discount))
        return false;
    discount -= draft->discounts_minor;
    if (discount > 0)
        draft_offer(options, (struct draft_option){DRAFT_DISCOUNT, arena_strdup(draft->arena, ""),
                                                   arena_strdup(draft->arena, "order discount"),
                                                   discount, .by_default = false});
    return true;
}

static bool list_codes(struct reading *reading)
{
    json_each(item, json_get(reading->order, "coupon_lines")) {
        if (!draft_list_code(&reading->draft, draft_text(&reading->draft, item, "code")))
            return false;
    }
    return true;
}

static bool read_refunded(struct reading *reading, int64_t total, int64_t *refunded)
{
    *refunded = 0;
    json_each(refund, json_get(reading->order, "refunds")) {
        int64_t minor;
        if (!draft_read_minor(&reading->draft, refund, "refunds[]", "total", &minor))
            return false;
        *refunded += minor < 0 ? -minor : minor;
        if (*refunded > total)
            *refunded = total;
    }
    const char *status = json_get_text(reading->order, "status");
    if (*refunded == 0 && status != NULL && strcmp(status, "refunded") == 0)
        *refunded = total;
    return true;
}

/* Rows rounded one by one may together differ from the rounded sum by half a unit each. */
static bool add_money(struct reading *reading, int64_t *refunded)
{
    struct draft *draft = &reading->draft;
    struct draft_options options = {.count = 0};
    int64_t total;
    if (!add_lines(reading) || !add_shipping(reading) || !add_fees(reading) ||
        !add_taxes(reading) || !offer_options(reading, &options) ||
        !draft_read_minor(draft, reading->order, "order", "total", &total))
        return false;
    int64_t rounding = reading->is_rounded ? (int64_t)(reading->rows + 1) / 2 : 0;
    if (!draft_balance(draft, total, &options, rounding, "") || !list_codes(reading) ||
        !read_refunded(reading, total, refunded))
        return false;
    draft_state_total(draft, total);
    draft_state_current_total(draft, total - *refunded);
    return true;
}

/* ---- status and payment ---- */

enum money_state { MONEY_PENDING, MONEY_CAPTURED, MONEY_VOIDED };
static const struct status_meaning {
    const char *word;
    enum money_state money; /* when no date of payment is given */
    bool is_cancelled;
    const char *ignored; /* why it makes no order; NULL: it does */
    bool needs_known_order;
} statuses[] = {
    {.word = "pending"},
    {.word = "on-hold"},
    {.word = "processing", .money = MONEY_CAPTURED},
    {.word = "completed", .money = MONEY_CAPTURED},
    {.word = "cancelled", .money = MONEY_VOIDED, .is_cancelled = true},
    {.word = "trash", .money = MONEY_VOIDED, .is_cancelled = true},
    {.word = "refunded", .money = MONEY_CAPTURED, .is_cancelled = true},
    /* The customer may try again, and then it is the same payment. */
    {.word = "failed", .needs_known_order = true},
    {.word = "auto-draft", .ignored = "The order is a draft of the shop's."},
    {.word = "draft", .ignored = "The order is a draft of the shop's."},
    {.word = "checkout-draft", .ignored = "The customer has not placed the order yet."},
};
/* Plugins add statuses of their own: such an order is taken, its payment by its date alone. */
static const struct status_meaning unknown_status = {.word = ""};

static const struct status_meaning *meaning_of(const struct json_value *order)
{
    const char *word = json_get_text(order, "status");
    if (word != NULL && strncmp(word, "wc-", 3) == 0)
        word += 3;
    for (size_t i = 0; word != NULL && i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        if (strcmp(statuses[i].word, word) == 0)
            return &statuses[i];
    }
    return &unknown_status;
}

static PaymentEntryStatus entry_status_of(enum money_state state)
{
    switch (state) {
    case MONEY_PENDING:
        return DRAFT_PENDING;
    case MONEY_CAPTURED:
        return DRAFT_CAPTURED;
    case MONEY_VOIDED:
        return DRAFT_VOIDED;
    }
    return DRAFT_PENDING;
}

/* One entry: WooCommerce sends a status, a date of payment and what was refunded. Money for a
 * parcel paid on delivery has come only when the date says so. */
static bool add_payment(struct reading *reading, const struct status_meaning *meaning,
                        int64_t refunded)
{
    struct draft *draft = &reading->draft;
    const struct json_value *order = reading->order;
    const struct json_value *legacy = json_get(order, "payment_details");
    const char *method = json_get_text(order, "payment_method");
    const char *paid_at = either_text(order, "date_paid_gmt", "date_paid");
    bool is_paid = paid_at != NULL || json_is(json_get(legacy, "paid"), JSON_KIND_TRUE);
    struct draft_payment payment = {
        .method =
            read_method(draft->arena, method != NULL ? method : json_get_text(legacy, "method_id")),
        .minor = draft->import->stated_total->amount_minor,
        .refunded_minor = refunded,
        .reference = draft_text(draft, order, "transaction_id"),
        .paid_at_us = read_time_us(paid_at)};
    bool is_on_delivery = strcmp(payment.method, "cash_on_delivery") == 0;
    enum money_state state = meaning->money;
    if (state == MONEY_CAPTURED && is_on_delivery && refunded == 0)
        state = MONEY_PENDING;
    if ((is_paid && !meaning->needs_known_order) || refunded > 0)
        state = MONEY_CAPTURED;
    payment.status = entry_status_of(state);
    draft->import->financial_status = draft_text(draft, order, "status");
    return draft_add_payment(draft, &payment);
}

/* ---- people, times, words ---- */

static Address *add_address(struct reading *reading, const struct json_value *from)
{
    struct draft *draft = &reading->draft;
    if (!json_is(from, JSON_KIND_OBJECT))
        return NULL;
    Address *address = draft_address(draft);
    address->name = read_person(draft->arena, json_get_text(from, "first_name"),
                                json_get_text(from, "last_name"));
    address->company = draft_text(draft, from, "company");
    address->phone = draft_text(draft, from, "phone");
    address->email = draft_text(draft, from, "email");
    address->address1 = draft_text(draft, from, "address_1");
    address->address2 = draft_text(draft, from, "address_2");
    address->city = draft_text(draft, from, "city");
    address->region = draft_text(draft, from, "state");
    address->postcode = draft_text(draft, from, "postcode");
    address->country = draft_text(draft, from, "country");
    return address;
}

/* The shop leaves the shipping address empty, but for a country of its own, when it is the billing
 * one. */
static bool is_empty(const Address *address)
{
    return address == NULL || (*address->name == '\0' && *address->address1 == '\0' &&
                               *address->address2 == '\0' && *address->city == '\0');
}

static void add_addresses(struct reading *reading)
{
    PlaceOrderRequest *order = reading->draft.order;
    Address *billing = add_address(reading, either(reading->order, "billing", "billing_address"));
    Address *shipping =
        add_address(reading, either(reading->order, "shipping", "shipping_address"));
    order->billing_address = is_empty(billing) ? NULL : billing;
    order->shipping_address = is_empty(shipping) ? order->billing_address : shipping;
    if (order->shipping_address == NULL || billing == NULL)
        return;
    order->shipping_address->phone =
        read_first(order->shipping_address->phone, billing->phone, billing->phone);
    order->shipping_address->email =
        read_first(order->shipping_address->email, billing->email, billing->email);
}

/* Several plugins note the customer's language, each under a name of its own. */
static const char *language_of(const struct json_value *order)
{
    static const char *const keys[] = {"wpml_language", "trp_language", "pll_language", "lang",
                                       "locale"};
    json_each(item, json_get(order, "meta_data")) {
        const char *key = json_get_text(item, "key");
        for (size_t i = 0; key != NULL && i < sizeof(keys) / sizeof(keys[0]); i++) {
            if (strcmp(key + (*key == '_'), keys[i]) == 0)
                return json_get_text(item, "value");
        }
    }
    return NULL;
}

static void add_people(struct reading *reading)
{
    struct draft *draft = &reading->draft;
    PlaceOrderRequest *order = draft->order;
    const struct json_value *billing = either(reading->order, "billing", "billing_address");
    const Address *any =
        order->shipping_address != NULL ? order->shipping_address : order->billing_address;
    char *id = draft_text(draft, reading->order, "customer_id");
    if (strcmp(id, "0") != 0)
        order->customer->external_id = id;
    order->customer->name = read_person(draft->arena, json_get_text(billing, "first_name"),
                                        json_get_text(billing, "last_name"));
    order->customer->email = draft_text(draft, billing, "email");
    order->customer->phone = draft_text(draft, billing, "phone");
    order->locale =
        arena_strdup(draft->arena, read_locale(draft->arena, language_of(reading->order),
                                               any != NULL ? any->country : NULL));
}

/* What a customer asked of a line (an engraving) stands in its meta data beside what the shop's
 * programs keep there and the choices that the line's name says already. */
static void add_line_notes(struct reading *reading, const struct json_value *item)
{
    const char *name = row_text(reading, item, "name");
    json_each(meta, either(item, "meta_data", "meta")) {
        const char *key = json_get_text(meta, "key"), *value = json_get_figure(meta, "value");
        bool is_asked = key != NULL && value != NULL && *key != '_' &&
                        strncmp(key, "pa_", 3) != 0 && strcasestr(name, value) == NULL;
        if (is_asked)
            draft_add_note(&reading->draft, arena_printf(reading->draft.arena, "%s: %s", name, key),
                           value);
    }
}

static void add_words(struct reading *reading)
{
    struct draft *draft = &reading->draft;
    const char *note = either_text(reading->order, "customer_note", "note");
    if (note != NULL)
        draft_add_note(draft, NULL, note);
    json_each(item, json_get(reading->order, "line_items"))
        add_line_notes(reading, item);
    ImportOrderRequest *import = draft->import;
    import->external_number =
        read_first(draft_text(draft, reading->order, "number"),
                   draft_text(draft, reading->order, "order_number"), import->external_id);
    import->order->placed_at_us =
        read_time_us(either_text(reading->order, "date_created_gmt", "created_at"));
    import->version->updated_at_us =
        read_time_us(either_text(reading->order, "date_modified_gmt", "updated_at"));
    if (import->version->updated_at_us == 0)
        import->version->updated_at_us = import->order->placed_at_us;
}

static bool read_order(struct reading *reading, const struct adapter_input *input,
                       struct arena *arena, const struct status_meaning *meaning)
{
    int64_t refunded;
    if (!draft_open(&reading->draft, arena, input, json_get_figure(reading->order, "id"),
                    json_get_text(reading->order, "currency")) ||
        !add_money(reading, &refunded) || !add_payment(reading, meaning, refunded))
        return false;
    add_addresses(reading);
    add_people(reading);
    add_words(reading);
    ImportOrderRequest *import = reading->draft.import;
    import->is_cancelled = meaning->is_cancelled;
    if (meaning->is_cancelled)
        import->cancel_reason = arena_strdup(arena, "other");
    return true;
}

static void read_either(const struct adapter_input *input, const struct json_value *order,
                        struct arena *arena, const struct status_meaning *meaning,
                        struct adapter_result *result)
{
    /* What sums exactly comes before what needs rounding, prices as shown before plain amounts. */
    static const struct {
        bool is_gross, is_rounded;
    } ways[] = {{true, false}, {false, false}, {true, true}, {false, true}};
    bool includes_tax = json_is(json_get(order, "prices_include_tax"), JSON_KIND_TRUE);
    struct reading reading;
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        if (ways[i].is_gross && !includes_tax)
            continue;
        reading = (struct reading){
            .order = order, .is_gross = ways[i].is_gross, .is_rounded = ways[i].is_rounded};
        if (read_order(&reading, input, arena, meaning))
            break;
    }
    if (reading.draft.code != NULL)
        adapter_park(result, reading.draft.code, reading.draft.reason);
    else
        *result = (struct adapter_result){.verdict = ADAPTER_ORDER, .import = reading.draft.import};
    if (result->verdict == ADAPTER_ORDER && meaning->needs_known_order) {
        result->needs_known_order = true;
        result->code = "payment_failed";
        result->reason = "The payment failed before we had the order: it comes when it is paid.";
    }
}

/* ---- what a delivery is ---- */

static const char *const members_of_order[] = {"id", "line_items", "currency", "total", NULL};

static void read_shape(const struct adapter_input *input, const struct json_value *order,
                       struct arena *arena, struct adapter_result *result)
{
    const char *lack = adapter_lacks(order, members_of_order, arena);
    const struct status_meaning *meaning = meaning_of(order);
    bool is_order = lack == NULL && read_is_id(json_get_figure(order, "id")) &&
                    json_is(json_get(order, "line_items"), JSON_KIND_ARRAY) &&
                    json_get_figure(order, "total") != NULL;
    if (lack != NULL)
        adapter_park(result, "not_an_order", lack);
    else if (!is_order)
        adapter_park(result, "not_an_order",
                     "The body's id, line_items or total are of another kind than an order's.");
    else if (meaning->ignored != NULL)
        adapter_ignore(result, "draft_order", meaning->ignored);
    else
        read_either(input, order, arena, meaning, result);
}

static void decode(const struct adapter_input *input, struct arena *arena,
                   struct adapter_result *result)
{
    const struct json_value *body = adapter_parse(input, arena, result);
    if (body == NULL)
        return;
    bool is_order_topic =
        strcmp(input->topic, "order.created") == 0 || strcmp(input->topic, "order.updated") == 0;
    if (is_order_topic)
        read_shape(input, order_of(body), arena, result);
    else if (strncmp(input->topic, "order.", 6) == 0)
        adapter_park(result, "unsupported_topic",
                     "Deleted and restored orders change nothing by themselves: cancel ours if "
                     "need be.");
    else
        adapter_park(result, "not_an_order",
                     "The topic brings no order: subscribe to order.created and order.updated.");
}

const struct adapter adapter_woocommerce = {
    .type = "woocommerce", .verify = verify, .identify = identify, .decode = decode};
