#include "services/notify/views.h"

#include <string.h>

#include "common/wording.h"
#include "services/notify/rules.h"

typedef Penstock__Orders__V1__Order Order;
typedef Penstock__Orders__V1__OrderLine OrderLine;
typedef Penstock__Fulfillment__V1__WorkLine WorkLine;
typedef Penstock__Common__V1__Money Money;
typedef Penstock__Common__V1__Address Address;

/* Every field of a letter, and every list with the fields of its items: the struct, the view, and
 * with them what a template may say, come from here. */
#define VIEW_FIELDS(X)                                                                             \
    X(shop_name)                                                                                   \
    X(language)                                                                                    \
    X(number)                                                                                      \
    X(customer_name)                                                                               \
    X(placed_at)                                                                                   \
    X(items_total)                                                                                 \
    X(discount_total)                                                                              \
    X(shipping_total)                                                                              \
    X(shipping_title)                                                                              \
    X(tax_total)                                                                                   \
    X(charges_total)                                                                               \
    X(shows_breakdown)                                                                             \
    X(total)                                                                                       \
    X(prices_include_tax)                                                                          \
    X(amount_due)                                                                                  \
    X(payment_method)                                                                              \
    X(carrier)                                                                                     \
    X(has_address)                                                                                 \
    X(has_tracking)                                                                                \
    X(tracking_number)                                                                             \
    X(shipped_at)                                                                                  \
    X(more_to_come)                                                                                \
    X(refund_amount)                                                                               \
    X(refund_method)                                                                               \
    X(refunded_total)                                                                              \
    X(is_return)                                                                                   \
    X(order_link)                                                                                  \
    X(code)
#define VIEW_LISTS(X)                                                                              \
    X(lines)                                                                                       \
    X(address)                                                                                     \
    X(message)

struct fields {
#define X(name) const char *name;
    VIEW_FIELDS(X)
#undef X
#define X(name)                                                                                    \
    const struct view *name;                                                                       \
    size_t n_##name;
    VIEW_LISTS(X)
#undef X
};

static const struct view *view_of(struct arena *arena, const struct fields *f)
{
    const struct view_value values[] = {
#define X(name) {#name, f->name == NULL ? "" : f->name, NULL, 0},
        VIEW_FIELDS(X)
#undef X
#define X(name) {#name, NULL, f->name, f->n_##name},
            VIEW_LISTS(X)
#undef X
                {NULL, NULL, NULL, 0},
    };
    struct view *view = ARENA_NEW(arena, struct view);
    view->values = arena_copy(arena, values, sizeof(values));
    return view;
}

/* ---- pieces ---- */

static struct money money_of(const Money *money)
{
    struct money out = {0, ""};
    if (money == NULL || money_exponent(money->currency) < 0)
        return out;
    out.minor = money->amount_minor;
    memcpy(out.currency, money->currency, sizeof(out.currency));
    return out;
}

static const char *amount(const struct view_context *context, const Money *money)
{
    return wording_money(context->arena, money_of(money));
}

/* A row of the totals that is only shown when there is something in it. */
static const char *amount_if_any(const struct view_context *context, const Money *money)
{
    return money == NULL || money->amount_minor == 0 ? "" : amount(context, money);
}

static const char *negative(const struct view_context *context, const Money *money)
{
    struct money out = money_of(money);
    out.minor = -out.minor;
    return out.minor == 0 ? "" : wording_money(context->arena, out);
}

static const struct view *line_view(struct arena *arena, const char *name, const char *sku,
                                    int64_t quantity, const char *const amounts[2])
{
    const struct view_value values[] = {
        {"name", *name == '\0' ? sku : name, NULL, 0},
        {"sku", sku, NULL, 0},
        {"quantity", arena_printf(arena, "%lld", (long long)quantity), NULL, 0},
        {"unit_price", amounts[0], NULL, 0},
        {"line_total", amounts[1], NULL, 0},
        {NULL, NULL, NULL, 0},
    };
    struct view *view = ARENA_NEW(arena, struct view);
    view->values = arena_copy(arena, values, sizeof(values));
    return view;
}

/* A line is shown as it was priced: discounts and taxes stand below, and all adds up. */
static const char *line_price(const struct view_context *context, const OrderLine *line)
{
    struct money unit = money_of(line->unit_price), price;
    return money_multiply(unit, line->quantity, &price) ? wording_money(context->arena, price) : "";
}

/* A line that an edit has emptied is a row of the order still, and no line of a letter. */
static void order_lines(const struct view_context *context, const Order *order, struct fields *f)
{
    struct view *views = ARENA_ARRAY(context->arena, order->n_lines, struct view);
    for (size_t i = 0; i < order->n_lines; i++) {
        const OrderLine *line = order->lines[i];
        const char *amounts[] = {amount(context, line->unit_price), line_price(context, line)};
        if (line->quantity == 0 && order->edited_at_us != 0)
            continue;
        views[f->n_lines++] =
            *line_view(context->arena, line->name, line->sku, line->quantity, amounts);
    }
    f->lines = views;
}

static const OrderLine *line_by_id(const Order *order, const char *id)
{
    for (size_t i = 0; i < order->n_lines; i++) {
        if (strcmp(order->lines[i]->id, id) == 0)
            return order->lines[i];
    }
    return NULL;
}

static void parcel_lines(const struct view_context *context, const Order *order,
                         const FulfillmentShipped *shipped, struct fields *f)
{
    static const char *const no_amounts[2] = {"", ""};
    struct view *views = ARENA_ARRAY(context->arena, shipped->n_lines, struct view);
    for (size_t i = 0; i < shipped->n_lines; i++) {
        const WorkLine *work = shipped->lines[i];
        const OrderLine *line = line_by_id(order, work->order_line_id);
        const char *name = line == NULL ? work->sku : line->name;
        views[i] = *line_view(context->arena, name, work->sku, work->quantity, no_amounts);
    }
    f->lines = views;
    f->n_lines = shipped->n_lines;
}

/* What had been shipped of a line when this parcel went: the parcel's own total, or what orders
 * knows of other parcels. */
static int64_t shipped_of(const OrderLine *line, const FulfillmentShipped *shipped)
{
    for (size_t i = 0; i < shipped->n_lines; i++) {
        if (strcmp(shipped->lines[i]->order_line_id, line->id) == 0)
            return shipped->lines[i]->total;
    }
    return line->fulfilled;
}

static bool more_to_come(const Order *order, const FulfillmentShipped *shipped)
{
    for (size_t i = 0; i < order->n_lines; i++) {
        const OrderLine *line = order->lines[i];
        if (!line->no_shipping && shipped_of(line, shipped) < line->quantity - line->cancelled)
            return true;
    }
    return false;
}

static void address_lines(const struct view_context *context, const Address *address,
                          struct fields *f)
{
    const char *lines[WORDING_ADDRESS_LINES];
    if (address == NULL)
        return;
    f->n_address = wording_address(context->arena, context->language, address, lines);
    struct view *views = ARENA_ARRAY(context->arena, f->n_address, struct view);
    for (size_t i = 0; i < f->n_address; i++) {
        const struct view_value values[] = {{"line", lines[i], NULL, 0}, {NULL, NULL, NULL, 0}};
        views[i].values = arena_copy(context->arena, values, sizeof(values));
    }
    f->address = views;
    f->has_address = f->n_address > 0 ? "1" : "";
}

/* What a person wrote, line by line: fields bring no line ends. An empty line stays one. */
static void message_lines(struct arena *arena, const char *text, struct fields *f)
{
    size_t count = 1;
    for (const char *c = text; *c != '\0'; c++)
        count += *c == '\n';
    struct view *views = ARENA_ARRAY(arena, count, struct view);
    for (size_t i = 0; i < count; i++) {
        size_t bytes = strcspn(text, "\n");
        size_t shown = bytes > 0 && text[bytes - 1] == '\r' ? bytes - 1 : bytes;
        const struct view_value values[] = {{"line", arena_strndup(arena, text, shown), NULL, 0},
                                            {NULL, NULL, NULL, 0}};
        views[i].values = arena_copy(arena, values, sizeof(values));
        text += bytes + (text[bytes] == '\n');
    }
    f->message = views;
    f->n_message = count;
}

/* ---- the whole ---- */

static void order_fields(const struct view_context *context, const Order *order, struct fields *f)
{
    f->number = order->number;
    f->placed_at =
        wording_time(context->arena, context->language, context->zone, order->placed_at_us);
    f->items_total = amount(context, order->items_total);
    f->discount_total = negative(context, order->discount_total);
    f->shipping_total = amount_if_any(context, order->shipping_total);
    f->shipping_title = order->n_shipping_lines > 0 ? order->shipping_lines[0]->title : "";
    f->tax_total = amount_if_any(context, order->tax_total);
    f->charges_total = amount_if_any(context, order->charges_total);
    f->total = amount(context, order->total);
    bool adds_tax = *f->tax_total != '\0' && !order->prices_include_tax;
    bool has_parts = *f->discount_total != '\0' || *f->shipping_total != '\0' ||
                     *f->charges_total != '\0' || adds_tax;
    f->shows_breakdown = has_parts ? "1" : "";
    f->prices_include_tax = order->prices_include_tax ? "1" : "";
    f->amount_due = amount_if_any(context, order->amount_due);
    f->refunded_total = amount_if_any(context, order->refunded_total);
    if (order->n_payments > 0)
        f->payment_method = wording_payment(context->language, order->payments[0]->method);
}

static void parcel_fields(const struct view_context *context, const Order *order,
                          const FulfillmentShipped *shipped, struct fields *f)
{
    parcel_lines(context, order, shipped, f);
    f->carrier = wording_carrier(context->language, shipped->carrier);
    f->tracking_number = shipped->tracking_number;
    f->has_tracking = *f->carrier != '\0' || *f->tracking_number != '\0' ? "1" : "";
    f->shipped_at =
        wording_time(context->arena, context->language, context->zone, shipped->shipped_at_us);
    f->more_to_come = more_to_come(order, shipped) ? "1" : "";
}

static void refund_fields(const struct view_context *context, const Order *order,
                          const RefundRecorded *refund, struct fields *f)
{
    f->refund_amount = amount(context, refund->amount);
    f->is_return = *refund->return_id == '\0' ? "" : "1";
    for (size_t i = 0; i < order->n_payments; i++) {
        if (strcmp(order->payments[i]->id, refund->payment_id) == 0)
            f->refund_method = wording_payment(context->language, order->payments[i]->method);
    }
}

static const char *customer_name(const Contact *contact)
{
    if (contact->customer != NULL && *contact->customer->name != '\0')
        return contact->customer->name;
    return contact->shipping_address == NULL ? "" : contact->shipping_address->name;
}

const struct view *views_of(const struct view_context *context,
                            const struct letter_subject *subject)
{
    static const Order no_order = PENSTOCK__ORDERS__V1__ORDER__INIT;
    const Contact *contact = subject->contact;
    const Order *order = contact->order == NULL ? &no_order : contact->order;
    struct fields f = {.shop_name = context->shop_name,
                       .language = wording_language_tag(context->language),
                       .customer_name = customer_name(contact)};
    order_fields(context, order, &f);
    f.number = contact->number;
    if (*context->public_url != '\0' && *contact->link_token != '\0')
        f.order_link =
            arena_printf(context->arena, "%s/o/%s", context->public_url, contact->link_token);
    switch (subject->kind) {
    case MESSAGE_ORDER_CONFIRMATION:
    case MESSAGE_ORDER_EDITED:
        order_lines(context, order, &f);
        break;
    case MESSAGE_SHIPMENT:
        parcel_fields(context, order, subject->shipped, &f);
        break;
    case MESSAGE_REFUND:
        refund_fields(context, order, subject->refund, &f);
        break;
    case MESSAGE_STAFF_MESSAGE:
    case MESSAGE_TEST: /* is one of the others by then */
        break;
    case MESSAGE_ORDER_CODE:
        f.code = subject->text;
        break;
    }
    if (subject->text != NULL)
        message_lines(context->arena, subject->text, &f);
    if (subject->kind == MESSAGE_ORDER_CONFIRMATION || subject->kind == MESSAGE_SHIPMENT ||
        subject->kind == MESSAGE_ORDER_EDITED)
        address_lines(context, contact->shipping_address, &f);
    return view_of(context->arena, &f);
}

const struct view *views_sample(const struct view_context *context)
{
    OrderLine line = PENSTOCK__ORDERS__V1__ORDER_LINE__INIT;
    OrderLine *lines[] = {&line};
    Order order = PENSTOCK__ORDERS__V1__ORDER__INIT;
    order.lines = lines;
    order.n_lines = 1;
    Address address = PENSTOCK__COMMON__V1__ADDRESS__INIT;
    char country[] = "HK";
    address.country = country;
    Contact contact = PENSTOCK__ORDERS__V1__CONTACT__INIT;
    contact.order = &order;
    contact.shipping_address = &address;
    const struct letter_subject subject = {
        MESSAGE_ORDER_CONFIRMATION, &contact, NULL, NULL, "", NULL};
    return views_of(context, &subject);
}
