/* An order as the fields of its customer's page. */
#include <assert.h>
#include <string.h>

#include "services/gateway/customer_internal.h"

typedef Penstock__Common__V1__Money Money;
typedef Penstock__Fulfillment__V1__FulfillmentOrder FulfillmentOrder;
typedef Penstock__Fulfillment__V1__Parcel Parcel;

#define VALUES_ROOM (WORDS_ROOM + 64)

/* ---- building ---- */

struct builder {
    const struct page_view *page;
    struct arena *arena;
    struct view_value *values;
    size_t count, room;
};

static struct builder begin(const struct page_view *page, size_t room)
{
    struct view_value *values = ARENA_ARRAY(page->arena, room + 1, struct view_value);
    return (struct builder){page, page->arena, values, 0, room};
}

static void put(struct builder *to, const char *name, const char *text)
{
    assert(to->count < to->room);
    to->values[to->count++] = (struct view_value){name, text == NULL ? "" : text, NULL, 0};
}

static void put_list(struct builder *to, const char *name, const struct view *items, size_t count)
{
    assert(to->count < to->room);
    to->values[to->count++] = (struct view_value){name, NULL, items, count};
}

static struct view end(const struct builder *from)
{
    from->values[from->count] = (struct view_value){NULL, NULL, NULL, 0};
    return (struct view){from->values};
}

/* ---- pieces ---- */

static const char *amount(const struct page_view *page, const Money *money)
{
    struct money out = {0, ""};
    if (money == NULL || money_exponent(money->currency) < 0)
        return "";
    out.minor = money->amount_minor;
    memcpy(out.currency, money->currency, sizeof out.currency);
    return wording_money(page->arena, out);
}

static const char *amount_if_any(const struct page_view *page, const Money *money)
{
    return money == NULL || money->amount_minor == 0 ? "" : amount(page, money);
}

static const char *moment(const struct page_view *page, int64_t at_us)
{
    return at_us == 0 ? "" : wording_time(page->arena, page->language, page->pages->zone, at_us);
}

static const char *number(const struct page_view *page, int64_t value)
{
    return value == 0 ? "" : arena_printf(page->arena, "%lld", (long long)value);
}

static void put_status(struct builder *to, const char *name, const char *tone_name,
                       struct status_word word)
{
    put(to, name, word.text);
    put(to, tone_name, word.tone);
}

/* Lines of text as a list: fields bring no line ends. */
static struct view text_line(const struct page_view *page, const char *text, size_t bytes)
{
    struct builder line = begin(page, 1);
    put(&line, "line", arena_strndup(page->arena, text, bytes));
    return end(&line);
}

static void put_text_lines(struct builder *to, const char *name, const char *text)
{
    size_t room = 1, count = 0;
    for (const char *c = text; *c != '\0'; c++)
        room += *c == '\n';
    struct view *views = ARENA_ARRAY(to->arena, room, struct view);
    while (count < room) {
        size_t bytes = strcspn(text, "\n");
        views[count++] = text_line(to->page, text, bytes);
        text += bytes + (text[bytes] == '\n');
    }
    put_list(to, name, views, count);
}

/* ---- the order's parts ---- */

static void put_lines(struct builder *to, const CustomerPage *order)
{
    const struct page_view *page = to->page;
    struct view *views = ARENA_ARRAY(to->arena, order->n_lines, struct view);
    for (size_t i = 0; i < order->n_lines; i++) {
        const Penstock__Orders__V1__CustomerPageLine *line = order->lines[i];
        struct builder item = begin(page, 5);
        put(&item, "name", line->name);
        put(&item, "sku", strcmp(line->sku, line->name) == 0 ? "" : line->sku);
        put(&item, "quantity", number(page, line->quantity));
        put(&item, "cancelled", number(page, line->cancelled));
        put(&item, "unit_price", amount(page, line->unit_price));
        views[i] = end(&item);
    }
    put_list(to, "lines", views, order->n_lines);
}

static const char *line_name(const CustomerPage *order, const char *line_id, const char *sku)
{
    for (size_t i = 0; i < order->n_lines; i++) {
        if (strcmp(order->lines[i]->id, line_id) == 0)
            return order->lines[i]->name;
    }
    return sku;
}

static struct view parcel_view(const struct page_view *page, const Parcel *parcel)
{
    struct builder item = begin(page, 7);
    struct view *lines = ARENA_ARRAY(page->arena, parcel->n_lines, struct view);
    for (size_t i = 0; i < parcel->n_lines; i++) {
        struct builder line = begin(page, 2);
        put(&line, "item",
            line_name(page->order, parcel->lines[i]->order_line_id, parcel->lines[i]->sku));
        put(&line, "units", number(page, parcel->lines[i]->quantity));
        lines[i] = end(&line);
    }
    put_status(&item, "parcel_status", "parcel_tone",
               words_parcel_status(page->language, (int)parcel->status));
    put(&item, "carrier", wording_carrier(page->language, parcel->carrier));
    put(&item, "tracking_number", parcel->tracking_number);
    put(&item, "shipped_at", moment(page, parcel->shipped_at_us));
    put(&item, "delivered_at", moment(page, parcel->delivered_at_us));
    put_list(&item, "contents", lines, parcel->n_lines);
    return end(&item);
}

static void put_parcels(struct builder *to, const ListFulfillmentsResponse *work)
{
    size_t room = 0, count = 0;
    for (size_t i = 0; work != NULL && i < work->n_data; i++)
        room += work->data[i]->n_parcels;
    struct view *views = ARENA_ARRAY(to->arena, room + 1, struct view);
    for (size_t i = 0; room > 0 && i < work->n_data; i++) {
        for (size_t p = 0; p < work->data[i]->n_parcels; p++) {
            const Parcel *parcel = work->data[i]->parcels[p];
            if (words_parcel_status(to->page->language, (int)parcel->status).text[0] != '\0')
                views[count++] = parcel_view(to->page, parcel);
        }
    }
    put_list(to, "parcels", views, count);
    put(to, "parcels_away", work == NULL ? "1" : "");
}

static void put_messages(struct builder *to, const CustomerPage *order)
{
    struct view *views = ARENA_ARRAY(to->arena, order->n_messages, struct view);
    for (size_t i = 0; i < order->n_messages; i++) {
        const Penstock__Orders__V1__CustomerPageMessage *message = order->messages[i];
        struct builder item = begin(to->page, 3);
        put(&item, "is_from_shop", message->is_from_shop ? "1" : "");
        put(&item, "written_at", moment(to->page, message->created_at_us));
        put_text_lines(&item, "body", message->body);
        views[i] = end(&item);
    }
    put_list(to, "messages", views, order->n_messages);
}

static void put_money(struct builder *to, const CustomerPage *order)
{
    const struct page_view *page = to->page;
    const Money *discount = order->discount_total;
    put(to, "items_total", amount(page, order->items_total));
    const char *off = amount_if_any(page, discount);
    put(to, "discount_total", *off == '\0' ? "" : arena_printf(page->arena, "-%s", off));
    put(to, "shipping_total", amount_if_any(page, order->shipping_total));
    put(to, "charges_total", amount_if_any(page, order->charges_total));
    put(to, "tax_total", order->prices_include_tax ? "" : amount_if_any(page, order->tax_total));
    put(to, "total", amount(page, order->total));
    put(to, "refunded_total", amount_if_any(page, order->refunded_total));
    put(to, "amount_due", amount_if_any(page, order->amount_due));
    put(to, "payment_method", wording_payment(page->language, order->payment_method));
}

static void put_person(struct builder *to, const CustomerPage *order)
{
    const char *lines[WORDING_ADDRESS_LINES];
    size_t count = 0;
    if (order->address_masked != NULL)
        count = wording_address(to->arena, to->page->language, order->address_masked, lines);
    struct view *views = ARENA_ARRAY(to->arena, WORDING_ADDRESS_LINES, struct view);
    for (size_t i = 0; i < count; i++)
        views[i] = text_line(to->page, lines[i], strlen(lines[i]));
    put(to, "recipient", order->recipient_masked);
    put(to, "phone_masked", order->phone_masked);
    put(to, "email_masked", order->email_masked);
    put_list(to, "address", views, count);
    put(to, "has_remark", order->shipping_remark);
    put_text_lines(to, "remark", order->shipping_remark);
}

/* How far it is: "done", "now" or "" for each of the steps; no steps when it goes nowhere. */
static void put_steps(struct builder *to, const CustomerPage *order)
{
    static const char *const names[] = {"step_placed", "step_confirmed", "step_shipped",
                                        "step_delivered"};
    int status = (int)order->status, shipped = (int)order->fulfillment_status;
    int reached = 0;
    if (status == PENSTOCK__ORDERS__V1__ORDER_STATUS__ORDER_STATUS_CONFIRMED)
        reached = 1;
    if (shipped == PENSTOCK__ORDERS__V1__FULFILLMENT_STATUS__FULFILLMENT_STATUS_FULFILLED ||
        shipped == PENSTOCK__ORDERS__V1__FULFILLMENT_STATUS__FULFILLMENT_STATUS_PARTIALLY_DELIVERED)
        reached = 2;
    if (shipped == PENSTOCK__ORDERS__V1__FULFILLMENT_STATUS__FULFILLMENT_STATUS_DELIVERED)
        reached = 3;
    bool goes_nowhere =
        status == PENSTOCK__ORDERS__V1__ORDER_STATUS__ORDER_STATUS_CANCELLED ||
        status == PENSTOCK__ORDERS__V1__ORDER_STATUS__ORDER_STATUS_EXPIRED ||
        shipped == PENSTOCK__ORDERS__V1__FULFILLMENT_STATUS__FULFILLMENT_STATUS_NOT_REQUIRED;
    put(to, "has_steps", goes_nowhere ? "" : "1");
    for (int i = 0; i < 4; i++)
        put(to, names[i], i < reached ? "done" : i == reached ? "now" : "next");
}

static void put_order(struct builder *to, const CustomerPage *order)
{
    const struct page_view *page = to->page;
    enum language language = page->language;
    put(to, "placed_at", moment(page, order->placed_at_us));
    put_status(to, "order_status", "order_tone", words_order_status(language, (int)order->status));
    put_status(to, "payment_status", "payment_tone",
               words_payment_status(language, (int)order->payment_status));
    put_status(to, "delivery_status", "delivery_tone",
               words_fulfillment_status(language, (int)order->fulfillment_status));
    put_status(to, "return_status", "return_tone",
               words_return_status(language, (int)order->return_status));
    put_steps(to, order);
    put_parcels(to, page->work);
    put_lines(to, order);
    put_money(to, order);
    put_person(to, order);
    put_messages(to, order);
}

/* ---- the whole ---- */

/* A text area keeps its line ends, so the first line has none before it. */
static void put_draft(struct builder *to, const char *draft)
{
    size_t first = strcspn(draft, "\n");
    put(to, "draft_first", arena_strndup(to->arena, draft, first));
    if (draft[first] == '\0' && !to->page->is_sample)
        put_list(to, "draft_rest", NULL, 0);
    else
        put_text_lines(to, "draft_rest", draft + first + (draft[first] == '\n'));
}

static enum language other_than(enum language language)
{
    return language == LANGUAGE_EN ? LANGUAGE_ZH_HANT : LANGUAGE_EN;
}

const struct view *customer_view(const struct page_view *page)
{
    static const CustomerPage no_order = PENSTOCK__ORDERS__V1__CUSTOMER_PAGE__INIT;
    const CustomerPage *order = page->order != NULL ? page->order : &no_order;
    struct builder to = begin(page, VALUES_ROOM);
    to.count = words_values(page->language, to.values);
    put(&to, "shop_name", page->pages->shop_name);
    put(&to, "language", wording_language_tag(page->language));
    put(&to, "other_language", wording_language_tag(other_than(page->language)));
    put(&to, "style_nonce", page->style_nonce);
    put(&to, "form_nonce", page->form_nonce);
    put(&to, "action", page->action);
    put(&to, "number", page->order != NULL ? order->number : page->number);
    put(&to, "phone", page->phone);
    put(&to, "asks_code", page->asks_code ? "1" : "");
    put(&to, "was_sent", page->was_sent ? "1" : "");
    put(&to, "error", page->error);
    put(&to, "title", page->title);
    put(&to, "text", page->text);
    put_draft(&to, page->draft != NULL ? page->draft : "");
    put_order(&to, order);
    struct view *view = ARENA_NEW(page->arena, struct view);
    *view = end(&to);
    return view;
}

const struct view *customer_sample(struct arena *arena, const struct customer_pages *pages,
                                   enum language language)
{
    CustomerPage order = PENSTOCK__ORDERS__V1__CUSTOMER_PAGE__INIT;
    Penstock__Orders__V1__CustomerPageLine line = PENSTOCK__ORDERS__V1__CUSTOMER_PAGE_LINE__INIT;
    Penstock__Orders__V1__CustomerPageLine *lines[] = {&line};
    Penstock__Orders__V1__CustomerPageMessage message =
        PENSTOCK__ORDERS__V1__CUSTOMER_PAGE_MESSAGE__INIT;
    Penstock__Orders__V1__CustomerPageMessage *messages[] = {&message};
    Penstock__Common__V1__Address address = PENSTOCK__COMMON__V1__ADDRESS__INIT;
    char country[] = "HK";
    address.country = country;
    Penstock__Fulfillment__V1__ParcelLine content = PENSTOCK__FULFILLMENT__V1__PARCEL_LINE__INIT;
    Penstock__Fulfillment__V1__ParcelLine *contents[] = {&content};
    Parcel parcel = PENSTOCK__FULFILLMENT__V1__PARCEL__INIT, *parcels[] = {&parcel};
    FulfillmentOrder work = PENSTOCK__FULFILLMENT__V1__FULFILLMENT_ORDER__INIT, *works[] = {&work};
    ListFulfillmentsResponse all = PENSTOCK__FULFILLMENT__V1__LIST_FULFILLMENTS_RESPONSE__INIT;
    order.lines = lines;
    order.messages = messages;
    order.n_lines = order.n_messages = 1;
    order.address_masked = &address;
    parcel.lines = contents;
    parcel.n_lines = 1;
    parcel.status = PENSTOCK__FULFILLMENT__V1__PARCEL_STATUS__PARCEL_STATUS_IN_TRANSIT;
    work.parcels = parcels;
    work.n_parcels = 1;
    all.data = works;
    all.n_data = 1;
    const struct page_view page = {.arena = arena,
                                   .pages = pages,
                                   .language = language,
                                   .order = &order,
                                   .work = &all,
                                   .is_sample = true};
    return customer_view(&page);
}
