/* The Shopify adapter: webhooks of the Admin REST shape.
 *
 * Everything is read in the shop's own currency (the members without suffix; *_set holds both). A
 * line's discount is the sum of its discount_allocations: total_discount stays zero beside them,
 * and counts only in shapes older than allocations. Lines keep the quantity sold; what edits and
 * refunds took back is the distance to current_quantity.
 */
#include "services/gateway/adapter.h"

#include <string.h>
#include <strings.h>

#include "services/gateway/adapter_read.h"
#include "services/gateway/adapter_shopify.h"

/* ---- the hook ---- */

/* Webhooks name their headers with X- in front, the newer events without. */
static const char *shopify_header(const struct hook_request *request, const char *with_x)
{
    const char *value = adapter_header(request, with_x);
    return value != NULL ? value : adapter_header(request, with_x + 2);
}

static enum hook_verdict verify(const struct hook_request *request)
{
    const char *signature = request->header(request->context, "X-Shopify-Hmac-Sha256");
    if (signature == NULL)
        signature = request->header(request->context, "Shopify-Hmac-Sha256");
    return adapter_is_signed(request, signature) ? HOOK_STORE : HOOK_UNSIGNED;
}

/* REST answers wrap the order that a webhook brings bare. */
static const struct json_value *order_of(const struct json_value *body)
{
    const struct json_value *wrapped = json_get(body, "order");
    return json_is(wrapped, JSON_KIND_OBJECT) && json_get(body, "id") == NULL ? wrapped : body;
}

static enum hook_verdict identify(const struct hook_request *request, const struct json_value *body,
                                  struct arena *arena, struct inbox_delivery *delivery)
{
    const char *topic = shopify_header(request, "X-Shopify-Topic");
    if (topic == NULL)
        return HOOK_MALFORMED;
    const char *event = shopify_header(request, "X-Shopify-Event-Id");
    if (event == NULL)
        event = shopify_header(request, "X-Shopify-Webhook-Id");
    const char *test = shopify_header(request, "X-Shopify-Test");
    const char *source = shopify_header(request, "X-Shopify-Shop-Domain");
    const char *id = json_get_figure(order_of(body), "id");
    delivery->topic = arena_strdup(arena, topic);
    if (event != NULL)
        delivery->event_identity = arena_strdup(arena, event);
    delivery->external_id = read_is_id(id) ? arena_strdup(arena, id) : "";
    delivery->source = source != NULL ? arena_strdup(arena, source) : "";
    delivery->is_test = test != NULL && strcasecmp(test, "true") == 0;
    delivery->triggered_at_ns = read_time_ns(shopify_header(request, "X-Shopify-Triggered-At"));
    return HOOK_STORE;
}

/* ---- topics ---- */

static const struct {
    const char *topic;
    const char *why_not; /* NULL: it brings an order */
} topics[] = {
    {"orders/create", NULL},
    {"orders/updated", NULL},
    {"orders/paid", NULL},
    {"orders/cancelled", NULL},
    {"orders/edited", "It brings only what an edit changed; orders/updated brings the order."},
    {"orders/delete", "A deleted order is not taken back by itself: cancel ours if need be."},
    {"refunds/create", "It brings the refund alone; orders/updated brings the order with it."},
    {"app/uninstalled", "The shop has removed the app: no more orders will come from it."},
    {"customers/redact", "A customer's data is to be erased: see to it by hand."},
    {"customers/data_request", "A customer asks for their data: see to it by hand."},
    {"shop/redact", "The shop's data is to be erased: see to it by hand."},
};

/* NULL when the topic brings orders. */
static const char *why_not_topic(const char *topic)
{
    for (size_t i = 0; i < sizeof(topics) / sizeof(topics[0]); i++) {
        if (strcmp(topics[i].topic, topic) == 0)
            return topics[i].why_not;
    }
    return "The topic brings no order: subscribe to orders/create, orders/updated, orders/paid and "
           "orders/cancelled.";
}

/* ---- the order ---- */

static bool is_true(const struct json_value *object, const char *name)
{
    return json_is(json_get(object, name), JSON_KIND_TRUE);
}

static bool is_false(const struct json_value *object, const char *name)
{
    return json_is(json_get(object, name), JSON_KIND_FALSE);
}

static bool add_up(struct shopify_reading *reading, const struct json_value *list,
                   const char *member, const char *where, int64_t *sum_minor)
{
    *sum_minor = 0;
    json_each(item, list) {
        int64_t minor;
        if (!draft_read_minor(&reading->draft, item, where, member, &minor))
            return false;
        if (__builtin_add_overflow(*sum_minor, minor, sum_minor))
            return draft_fail(&reading->draft, "amount_too_large", "%s overflows.", where);
    }
    return true;
}

static bool read_line_discount(struct shopify_reading *reading, const struct json_value *item,
                               const char *where, int64_t *minor)
{
    const struct json_value *allocations = json_get(item, "discount_allocations");
    return json_is(allocations, JSON_KIND_ARRAY)
               ? add_up(reading, allocations, "amount", where, minor)
               : draft_read_minor(&reading->draft, item, where, "total_discount", minor);
}

/* A line's tax only informs: the order's tax lines are what counts. */
static int64_t read_line_tax(const struct shopify_reading *reading, const struct json_value *item)
{
    int64_t sum_e4 = 0;
    json_each(tax, json_get(item, "tax_lines")) {
        int64_t tax_e4;
        if (!read_member_e4(tax, "price", reading->draft.currency, &tax_e4) || tax_e4 < 0 ||
            __builtin_add_overflow(sum_e4, tax_e4, &sum_e4))
            return 0;
    }
    return read_nearest_minor(sum_e4);
}

static char *line_name(struct shopify_reading *reading, const struct json_value *item)
{
    char *name = draft_text(&reading->draft, item, "name");
    return *name != '\0' ? name : draft_text(&reading->draft, item, "title");
}

static int64_t current_quantity(const struct json_value *item, int64_t quantity)
{
    int64_t current;
    bool is_known =
        read_quantity(json_get_figure(item, "current_quantity"), &current) == READ_QUANTITY_OK;
    return is_known && current < quantity ? current : quantity;
}

static bool add_line(struct shopify_reading *reading, const struct json_value *item, size_t index)
{
    struct draft *draft = &reading->draft;
    const char *where = arena_printf(draft->arena, "line_items[%zu]", index);
    struct draft_line line = {.sku = draft_text(&reading->draft, item, "sku"),
                              .name = line_name(reading, item),
                              .external_id = draft_text(&reading->draft, item, "id"),
                              .tax_minor = read_line_tax(reading, item)};
    if (!draft_read_quantity(draft, item, where, &line.quantity) ||
        !draft_read_minor(draft, item, where, "price", &line.unit_minor) ||
        !read_line_discount(reading, item, where, &line.discount_minor))
        return false;
    int64_t current = current_quantity(item, line.quantity);
    line.cancelled = reading->is_now ? 0 : line.quantity - current;
    line.quantity = reading->is_now ? current : line.quantity;
    if (line.quantity == 0)
        return true;
    bool is_gift_card = is_true(item, "gift_card");
    line.no_shipping = is_gift_card || is_false(item, "requires_shipping");
    /* What is not shipped and has no SKU to be matched takes no stock: tips, services, gift cards.
     */
    line.is_custom = is_gift_card || (line.no_shipping && *line.sku == '\0');
    reading->allocated_minor += line.discount_minor;
    return draft_add_line(draft, &line);
}

static bool add_lines(struct shopify_reading *reading)
{
    size_t index = 0;
    json_each(item, json_get(reading->order, "line_items")) {
        if (!add_line(reading, item, index++))
            return false;
    }
    return reading->draft.order->n_lines > 0 ||
           draft_fail(&reading->draft, "no_lines", "The order has no lines.");
}

/* discounted_price is without the order's discounts in some versions and with them in others, so
 * the greater of the two counts as a matter of course, and the other if the total says so. */
static bool add_shipping_line(struct shopify_reading *reading, const struct json_value *item,
                              size_t index, struct draft_options *options)
{
    struct draft *draft = &reading->draft;
    const char *where = arena_printf(draft->arena, "shipping_lines[%zu]", index);
    int64_t price, discounted, allocated;
    if (!draft_read_minor(draft, item, where, "price", &price) ||
        !draft_read_minor(draft, item, where, "discounted_price", &discounted) ||
        !add_up(reading, json_get(item, "discount_allocations"), "amount", where, &allocated))
        return false;
    const char *discounted_text = json_get_figure(item, "discounted_price");
    int64_t off = discounted_text != NULL && *discounted_text != '\0' ? price - discounted : 0;
    int64_t greater = off > allocated ? off : allocated, lesser = off > allocated ? allocated : off;
    char *title = draft_text(&reading->draft, item, "title"),
         *code = draft_text(&reading->draft, item, "code");
    reading->allocated_minor += greater;
    if (is_true(item, "is_removed")) {
        if (!reading->is_now)
            draft_offer(options, (struct draft_option){DRAFT_SHIPPING, code, title, price - greater,
                                                       .by_default = true});
        return true;
    }
    draft_offer(options,
                (struct draft_option){DRAFT_DISCOUNT, code, arena_strdup(draft->arena, "shipping"),
                                      lesser, .by_default = false});
    return draft_add_shipping(draft, code, title, price - greater);
}

static bool add_shipping(struct shopify_reading *reading, struct draft_options *options)
{
    size_t index = 0;
    json_each(item, json_get(reading->order, "shipping_lines")) {
        if (!add_shipping_line(reading, item, index++, options))
            return false;
    }
    return true;
}

static bool add_taxes(struct shopify_reading *reading)
{
    struct draft *draft = &reading->draft;
    bool is_included = is_true(reading->order, "taxes_included");
    const char *total_name = reading->is_now ? "current_total_tax" : "total_tax";
    draft->order->prices_include_tax = is_included;
    json_each(item, json_get(reading->order, "tax_lines")) {
        int64_t price_e4;
        if (!draft_read_e4(draft, item, "tax_lines[]", "price", &price_e4) ||
            !draft_add_tax(draft, draft_text(&reading->draft, item, "title"),
                           read_rate_ppm(json_get_figure(item, "rate"), false),
                           read_nearest_minor(price_e4)))
            return false;
    }
    int64_t total_e4;
    const char *total = json_get_figure(reading->order, total_name);
    if (total == NULL || *total == '\0')
        return true;
    if (!draft_read_e4(draft, reading->order, "order", total_name, &total_e4))
        return false;
    int64_t total_minor = read_nearest_minor(total_e4);
    return draft_settle_taxes(draft, total_minor);
}

/* The amount in the shop's currency of a money bag such as original_total_duties_set. */
static bool read_bag(struct shopify_reading *reading, const char *name, int64_t *minor)
{
    const struct json_value *bag = json_get(reading->order, name);
    return draft_read_minor(&reading->draft, json_get(bag, "shop_money"), name, "amount", minor);
}

static char *first_discount_code(struct shopify_reading *reading)
{
    const struct json_value *codes = json_get(reading->order, "discount_codes");
    return draft_text(&reading->draft, codes != NULL ? codes->first : NULL, "code");
}

static void offer_charge(struct shopify_reading *reading, struct draft_options *options,
                         const char *title, int64_t minor, bool by_default)
{
    char *owned = arena_strdup(reading->draft.arena, title);
    draft_offer(options, (struct draft_option){DRAFT_CHARGE, NULL, owned, minor, by_default});
}

/* What is counted only if the total needs it: a tip may be a line too, duties may be in the prices.
 */
static bool offer_options(struct shopify_reading *reading, struct draft_options *options)
{
    struct draft *draft = &reading->draft;
    const struct json_value *order = reading->order;
    int64_t discounts, tips, duties, fees, rounding;
    const char *discounts_name = reading->is_now ? "current_total_discounts" : "total_discounts";
    if (!draft_read_minor(draft, order, "order", discounts_name, &discounts) ||
        !draft_read_minor(draft, order, "order", "total_tip_received", &tips) ||
        !read_bag(reading, "original_total_duties_set", &duties) ||
        !read_bag(reading, "original_total_additional_fees_set", &fees) ||
        !read_bag(reading, "total_cash_rounding_payment_adjustment_set", &rounding))
        return false;
    int64_t unallocated = discounts - reading->allocated_minor;
    char *code = first_discount_code(reading);
    if (unallocated > 0)
        draft_offer(options, (struct draft_option){DRAFT_DISCOUNT, code, code, unallocated, true});
    offer_charge(reading, options, "tip", tips, true);
    offer_charge(reading, options, "duties", duties, !is_true(order, "duties_included"));
    offer_charge(reading, options, "additional fees", fees, true);
    offer_charge(reading, options, "cash rounding", rounding, false);
    return true;
}

static bool list_codes(struct shopify_reading *reading)
{
    json_each(item, json_get(reading->order, "discount_codes")) {
        if (!draft_list_code(&reading->draft, draft_text(&reading->draft, item, "code")))
            return false;
    }
    return true;
}

static const char *mismatch_hint(struct shopify_reading *reading)
{
    int64_t items;
    const char *text = json_get_figure(reading->order, "total_line_items_price");
    bool is_told = text != NULL && draft_read_minor(&reading->draft, reading->order, "order",
                                                    "total_line_items_price", &items);
    if (!is_told || items == reading->draft.items_minor)
        return "";
    struct money money = {.minor = items};
    char buffer[MONEY_TEXT_BYTES];
    memcpy(money.currency, reading->draft.currency, sizeof(money.currency));
    return arena_printf(reading->draft.arena,
                        " It says itself that its items cost %s: lines are missing from it.",
                        money_text(money, buffer));
}

static bool add_money(struct shopify_reading *reading)
{
    struct draft *draft = &reading->draft;
    struct draft_options options = {.count = 0};
    int64_t total, current;
    const char *total_name = reading->is_now ? "current_total_price" : "total_price";
    if (!add_lines(reading) || !add_shipping(reading, &options) || !add_taxes(reading) ||
        !offer_options(reading, &options) ||
        !draft_read_minor(draft, reading->order, "order", total_name, &total) ||
        !draft_balance(draft, total, &options, 0, mismatch_hint(reading)) || !list_codes(reading))
        return false;
    draft_state_total(draft, total);
    if (json_get_figure(reading->order, "current_total_price") == NULL)
        return true;
    if (!draft_read_minor(draft, reading->order, "order", "current_total_price", &current))
        return false;
    draft_state_current_total(draft, current);
    return true;
}

/* ---- people, times, words ---- */

static Address *add_address(struct shopify_reading *reading, const char *member)
{
    const struct json_value *from = json_get(reading->order, member);
    if (!json_is(from, JSON_KIND_OBJECT))
        return NULL;
    Address *address = draft_address(&reading->draft);
    address->name = draft_text(&reading->draft, from, "name");
    if (*address->name == '\0')
        address->name = read_person(reading->draft.arena, json_get_text(from, "first_name"),
                                    json_get_text(from, "last_name"));
    address->company = draft_text(&reading->draft, from, "company");
    address->phone = draft_text(&reading->draft, from, "phone");
    address->address1 = draft_text(&reading->draft, from, "address1");
    address->address2 = draft_text(&reading->draft, from, "address2");
    address->city = draft_text(&reading->draft, from, "city");
    address->region = draft_text(&reading->draft, from, "province");
    address->postcode = draft_text(&reading->draft, from, "zip");
    address->country = draft_text(&reading->draft, from, "country_code");
    return address;
}

static char none[] = "";

static void add_people(struct shopify_reading *reading)
{
    PlaceOrderRequest *order = reading->draft.order;
    const struct json_value *from = json_get(reading->order, "customer");
    Address *shipping = order->shipping_address = add_address(reading, "shipping_address");
    Address *billing = order->billing_address = add_address(reading, "billing_address");
    Address *any = shipping != NULL ? shipping : billing;
    order->customer->external_id = draft_text(&reading->draft, from, "id");
    order->customer->name =
        read_first(read_person(reading->draft.arena, json_get_text(from, "first_name"),
                               json_get_text(from, "last_name")),
                   billing != NULL ? billing->name : none, any != NULL ? any->name : none);
    order->customer->email =
        read_first(draft_text(&reading->draft, reading->order, "email"),
                   draft_text(&reading->draft, reading->order, "contact_email"),
                   draft_text(&reading->draft, from, "email"));
    order->customer->phone =
        read_first(draft_text(&reading->draft, reading->order, "phone"),
                   draft_text(&reading->draft, from, "phone"), any != NULL ? any->phone : none);
    order->locale = arena_strdup(reading->draft.arena,
                                 read_locale(reading->draft.arena,
                                             json_get_text(reading->order, "customer_locale"),
                                             any != NULL ? any->country : NULL));
}

/* Attributes as lines of the note; those whose name starts with an underscore are between programs.
 * Some shapes have one object where others have the list. */
static void add_attributes(struct shopify_reading *reading, const char *about,
                           const struct json_value *list)
{
    const struct json_value *item = json_is(list, JSON_KIND_ARRAY) ? list->first : list;
    for (; item != NULL; item = item == list ? NULL : item->next) {
        const char *name = json_get_figure(item, "name"), *value = json_get_figure(item, "value");
        if (name != NULL && *name != '_' && value != NULL)
            draft_add_note(&reading->draft, arena_printf(reading->draft.arena, "%s%s", about, name),
                           value);
    }
}

static void add_note(struct shopify_reading *reading)
{
    const char *note = json_get_text(reading->order, "note");
    if (note != NULL)
        draft_add_note(&reading->draft, NULL, note);
    add_attributes(reading, "", json_get(reading->order, "note_attributes"));
    json_each(item, json_get(reading->order, "line_items"))
        add_attributes(reading,
                       arena_printf(reading->draft.arena, "%s: ", line_name(reading, item)),
                       json_get(item, "properties"));
}

static const struct {
    const char *word, *reason;
} cancel_reasons[] = {
    {"customer", "customer"},
    {"fraud", "fraud"},
    {"inventory", "stock"},
    {"declined", "unpaid"},
};

static void add_cancellation(struct shopify_reading *reading)
{
    ImportOrderRequest *import = reading->draft.import;
    const char *word = json_get_text(reading->order, "cancel_reason");
    const char *reason = "other";
    import->is_cancelled = json_get_text(reading->order, "cancelled_at") != NULL;
    for (size_t i = 0; i < sizeof(cancel_reasons) / sizeof(cancel_reasons[0]); i++) {
        if (word != NULL && strcmp(cancel_reasons[i].word, word) == 0)
            reason = cancel_reasons[i].reason;
    }
    if (import->is_cancelled)
        import->cancel_reason = arena_strdup(reading->draft.arena, reason);
}

static int64_t first_time_us(const struct json_value *order, const char *first, const char *second)
{
    int64_t at_us = read_time_us(json_get_text(order, first));
    return at_us != 0 ? at_us : read_time_us(json_get_text(order, second));
}

static void add_identity(struct shopify_reading *reading)
{
    ImportOrderRequest *import = reading->draft.import;
    char *name = draft_text(&reading->draft, reading->order, "name");
    import->external_number =
        *name != '\0' ? name : draft_text(&reading->draft, reading->order, "order_number");
    import->order->placed_at_us = first_time_us(reading->order, "processed_at", "created_at");
    import->version->updated_at_us = first_time_us(reading->order, "updated_at", "created_at");
}

static bool read_order(struct shopify_reading *reading, const struct adapter_input *input,
                       struct arena *arena)
{
    const char *currency = json_get_text(reading->order, "currency");
    const char *id = json_get_figure(reading->order, "id");
    if (!draft_open(&reading->draft, arena, input, id, currency) || !add_money(reading) ||
        !shopify_add_payments(reading))
        return false;
    add_identity(reading);
    add_people(reading);
    add_note(reading);
    add_cancellation(reading);
    return true;
}

/* As sold; or, when lines were added since and the sold total is no longer the sum of anything, as
 * it is now. */
static void read_either(const struct adapter_input *input, const struct json_value *order,
                        struct arena *arena, struct adapter_result *result)
{
    struct shopify_reading sold = {.order = order}, now = {.order = order, .is_now = true};
    if (read_order(&sold, input, arena)) {
        *result = (struct adapter_result){.verdict = ADAPTER_ORDER, .import = sold.draft.import};
        return;
    }
    bool has_now = strcmp(sold.draft.code, "total_mismatch") == 0 &&
                   json_get_figure(order, "current_total_price") != NULL;
    if (has_now && read_order(&now, input, arena))
        *result = (struct adapter_result){.verdict = ADAPTER_ORDER, .import = now.draft.import};
    else
        adapter_park(result, sold.draft.code, sold.draft.reason);
}

static const char *const members_of_order[] = {"id", "line_items", "currency", "total_price", NULL};

static void read_shape(const struct adapter_input *input, const struct json_value *order,
                       struct arena *arena, struct adapter_result *result)
{
    const char *lack = adapter_lacks(order, members_of_order, arena);
    bool is_order = lack == NULL && read_is_id(json_get_figure(order, "id")) &&
                    json_is(json_get(order, "line_items"), JSON_KIND_ARRAY) &&
                    json_get_figure(order, "total_price") != NULL;
    if (is_order)
        read_either(input, order, arena, result);
    else
        adapter_park(result, "not_an_order",
                     lack != NULL ? lack
                                  : "The body's id, line_items or total are of another kind.");
}

static void decode(const struct adapter_input *input, struct arena *arena,
                   struct adapter_result *result)
{
    const struct json_value *body = adapter_parse(input, arena, result);
    if (body == NULL)
        return;
    const struct json_value *order = order_of(body);
    const char *why_not = why_not_topic(input->topic);
    bool is_test = input->is_test || is_true(order, "test");
    if (why_not == NULL)
        read_shape(input, order, arena, result);
    else
        adapter_park(result, "unsupported_topic", why_not);
    if (is_test)
        adapter_ignore(result, "test_order", "The channel marks it as a test.");
}

const struct adapter adapter_shopify = {
    .type = "shopify", .verify = verify, .identify = identify, .decode = decode};
