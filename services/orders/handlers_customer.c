/* The customer's own page: links to it, codes for those who have none, and what it shows.
 *
 * Asked by the gateway for somebody who has shown a link or a code and nothing else: whatever
 * leaves here is masked already, and internal notes are not even within reach. */
#include <string.h>

#include "handlers_messages.h"

typedef Penstock__Orders__V1__GetContactsResponse GetContactsResponse;
typedef Penstock__Orders__V1__CreateOrderLinkRequest CreateOrderLinkRequest;
typedef Penstock__Orders__V1__CreateOrderLinkResponse CreateOrderLinkResponse;
typedef Penstock__Orders__V1__RevokeOrderLinksRequest RevokeOrderLinksRequest;
typedef Penstock__Orders__V1__RevokeOrderLinksResponse RevokeOrderLinksResponse;
typedef Penstock__Orders__V1__GetCustomerPageRequest GetCustomerPageRequest;
typedef Penstock__Orders__V1__GetCustomerPageResponse GetCustomerPageResponse;
typedef Penstock__Orders__V1__CustomerPage CustomerPage;
typedef Penstock__Orders__V1__CustomerPageLine CustomerPageLine;
typedef Penstock__Orders__V1__CustomerPageMessage CustomerPageMessage;
typedef Penstock__Orders__V1__PostCustomerMessageRequest PostCustomerMessageRequest;
typedef Penstock__Orders__V1__PostCustomerMessageResponse PostCustomerMessageResponse;
typedef Penstock__Orders__V1__RequestOrderCodeRequest RequestOrderCodeRequest;
typedef Penstock__Orders__V1__RequestOrderCodeResponse RequestOrderCodeResponse;
typedef Penstock__Orders__V1__RedeemOrderCodeRequest RedeemOrderCodeRequest;
typedef Penstock__Orders__V1__RedeemOrderCodeResponse RedeemOrderCodeResponse;

#define HOUR_US (INT64_C(3600) * 1000000)
/* A link in a mail, and one that a code was exchanged for. */
#define LINK_US (INT64_C(180) * 24 * HOUR_US)
#define CODE_LINK_US (INT64_C(24) * HOUR_US)

/* ---- links ---- */

static char *new_token(struct arena *arena, const struct links *links, size_t index,
                       const struct uuid *order_id, int64_t expires_at_us)
{
    const struct link link = {*order_id, links->versions[index], expires_at_us};
    return rules_link_token(links->secret, &link, arena_alloc(arena, LINK_TOKEN_BYTES));
}

enum status add_links(struct call *call, const struct uuid *ids, size_t count,
                      GetContactsResponse *out)
{
    const struct orders_conf *conf = call->state;
    struct links links;
    if (conf->shop_public_url[0] == '\0' || out->n_contacts == 0)
        return STATUS_OK;
    TRY(store_links_load(call->db, call->arena, ids, count, &links));
    for (size_t i = 0, at = 0; i < count && at < out->n_contacts; i++) {
        struct uuid id;
        if (!uuid_parse(out->contacts[at]->order_id, &id) || !uuid_equal(&id, &ids[i]))
            continue;
        out->contacts[at++]->link_token =
            new_token(call->arena, &links, i, &ids[i], call->now_us + LINK_US);
    }
    return STATUS_OK;
}

enum status order_link(struct call *call, const struct uuid *order_id, const char **url,
                       const char **token, int64_t *expires_at_us)
{
    const struct orders_conf *conf = call->state;
    struct links links;
    TRY(store_links_load(call->db, call->arena, order_id, 1, &links));
    *expires_at_us = (call->now_us + LINK_US) / 1000000 * 1000000;
    *token = new_token(call->arena, &links, 0, order_id, *expires_at_us);
    *url = arena_printf(call->arena, "%s/o/%s", conf->shop_public_url, *token);
    return STATUS_OK;
}

ORDERS_HANDLER(create_order_link, CreateOrderLinkRequest, CreateOrderLinkResponse)
{
    struct order *order;
    const char *url, *token;
    TRY(load_order(call, in->id, "id", &order));
    TRY(order_link(call, &order->id, &url, &token, &out->expires_at_us));
    out->url = wire_text(url);
    out->token = wire_text(token);
    return STATUS_OK;
}

ORDERS_HANDLER(revoke_order_links, RevokeOrderLinksRequest, RevokeOrderLinksResponse)
{
    struct order *order;
    struct act act = act_of(call);
    (void)out;
    TRY(load_order(call, in->id, "id", &order));
    Penstock__Orders__V1__OrderLinksRevoked event;
    penstock__orders__v1__order_links_revoked__init(&event);
    event.order_id = wire_uuid(call->arena, &order->id);
    rules_note(order, &act, "links_revoked", NULL);
    TRY(store_links_end(call->db, &order->id));
    store_order_save(call->db, order);
    return emit(call, event.order_id, &event.base);
}

/* The order that a token is for; one refusal for everything that can be wrong with it. */
static enum status load_by_token(struct call *call, const char *token, struct order **order)
{
    struct links links;
    struct link link;
    TRY(store_links_load(call->db, call->arena, NULL, 0, &links));
    enum status status = STATUS_NOT_FOUND;
    if (rules_link_read(links.secret, token, call->now_us, &link)) {
        TRY(store_links_load(call->db, call->arena, &link.order_id, 1, &links));
        if (links.versions[0] == link.version)
            status = store_order_load(call->db, call->arena, &link.order_id, order);
    }
    if (status == STATUS_NOT_FOUND)
        return refuse(call, STATUS_NOT_FOUND, "not_found", "token",
                      "This link is not good, or not any more.");
    return status;
}

/* ---- the page ---- */

static void show_lines(struct arena *arena, const struct order *order, CustomerPage *page)
{
    page->lines = ARENA_ARRAY(arena, order->line_count, CustomerPageLine *);
    for (size_t i = 0; i < order->line_count; i++) {
        const struct order_line *line = &order->lines[i];
        if (line->quantity == 0)
            continue;
        CustomerPageLine *out = ARENA_NEW(arena, CustomerPageLine);
        penstock__orders__v1__customer_page_line__init(out);
        out->id = wire_uuid(arena, &line->id);
        out->name = wire_text(line->name[0] != '\0' ? line->name : line->sku);
        out->sku = wire_text(line->sku);
        out->quantity = line->quantity - line->cancelled;
        out->cancelled = line->cancelled;
        out->fulfilled = line->fulfilled;
        out->unit_price = wire_money(arena, line->unit_price, order->currency);
        page->lines[page->n_lines++] = out;
    }
}

static void show_money(struct arena *arena, const struct order *order, CustomerPage *page)
{
    page->items_total = wire_money(arena, order->items_total, order->currency);
    page->discount_total = wire_money(arena, order->discount_total, order->currency);
    page->shipping_total = wire_money(arena, order->shipping_total, order->currency);
    page->tax_total = wire_money(arena, order->tax_total, order->currency);
    page->charges_total = wire_money(arena, order->charges_total, order->currency);
    page->total = wire_money(arena, order->current_total, order->currency);
    page->amount_due = wire_money(arena, order->amount_due, order->currency);
    page->refunded_total = wire_money(arena, order->refunded_total, order->currency);
    page->prices_include_tax = order->prices_include_tax;
    if (order->payment_count > 0)
        page->payment_method = wire_text(order->payments[0].method);
}

static void show_person(struct arena *arena, const struct order *order, const Order *view,
                        CustomerPage *page)
{
    const Address *address = view->shipping_address;
    const char *name =
        address != NULL && address->name[0] != '\0' ? address->name : order->customer_name;
    const char *phone =
        address != NULL && address->phone[0] != '\0' ? address->phone : order->phone;
    page->recipient_masked = rules_mask_name(arena, name);
    page->phone_masked = rules_mask_phone(arena, phone);
    page->email_masked = rules_mask_email(arena, order->email);
    page->address_masked = rules_mask_address(arena, address);
    page->shipping_remark = view->shipping_remark;
}

static enum status show_messages(struct call *call, const struct order *order, CustomerPage *page)
{
    struct thread_message *rows;
    size_t count;
    TRY(store_messages_last(call->db, &order->id, MESSAGES_SHOWN, &rows, &count));
    page->messages = ARENA_ARRAY(call->arena, count, CustomerPageMessage *);
    while (count-- > 0) {
        CustomerPageMessage *out = ARENA_NEW(call->arena, CustomerPageMessage);
        penstock__orders__v1__customer_page_message__init(out);
        out->is_from_shop = rows[count].direction == DIRECTION_STAFF;
        out->body = wire_text(rows[count].body);
        out->created_at_us = rows[count].created_at_us;
        page->messages[page->n_messages++] = out;
    }
    return STATUS_OK;
}

ORDERS_HANDLER(get_customer_page, GetCustomerPageRequest, GetCustomerPageResponse)
{
    struct order *order;
    TRY(load_by_token(call, in->token, &order));
    CustomerPage *page = ARENA_NEW(call->arena, CustomerPage);
    penstock__orders__v1__customer_page__init(page);
    page->order_id = wire_uuid(call->arena, &order->id);
    page->number = wire_text(order->number);
    page->locale = wire_text(order->locale);
    page->status = (Penstock__Orders__V1__OrderStatus)order->status;
    page->payment_status = (Penstock__Orders__V1__PaymentStatus)order->payment_status;
    page->fulfillment_status = (Penstock__Orders__V1__FulfillmentStatus)order->fulfillment_status;
    page->return_status = (Penstock__Orders__V1__ReturnStatus)order->return_status;
    page->placed_at_us = order->placed_at_us;
    show_lines(call->arena, order, page);
    show_money(call->arena, order, page);
    show_person(call->arena, order, view_order(call->arena, order, NULL), page);
    TRY(show_messages(call, order, page));
    out->page = page;
    return STATUS_OK;
}

/* ---- the customer writes ---- */

ORDERS_HANDLER(post_customer_message, PostCustomerMessageRequest, PostCustomerMessageResponse)
{
    struct order *order;
    struct refusal no;
    struct thread_message message;
    int64_t lately;
    if (!rules_check_body(in->body, CUSTOMER_MESSAGE_MAX_CHARACTERS, &no, "body"))
        return refuse_by(call, &no);
    TRY(load_by_token(call, in->token, &order));
    TRY(store_messages_since(call->db, &order->id, call->now_us - HOUR_US, &lately));
    if (lately >= CUSTOMER_MESSAGES_AN_HOUR)
        return refuse(call, STATUS_TOO_MANY, "too_many_messages", "body",
                      "There are many messages already; write again in an hour.");
    call->actor = arena_printf(call->arena, "customer:%s", order->number);
    TRY(write_message(call, order, DIRECTION_CUSTOMER, in->body, &message));
    out->message_id = wire_uuid(call->arena, &message.id);
    return STATUS_OK;
}

/* ---- codes ---- */

/* The order of this number, if the telephone number is its customer's or recipient's. */
static enum status find_order(struct call *call, const char *number, const char *phone,
                              struct uuid *id)
{
    struct uuid found;
    struct order *order;
    *id = (struct uuid){{0}};
    enum status status = store_order_resolve(call->db, number, &found);
    if (status == STATUS_NOT_FOUND)
        return STATUS_OK;
    TRY(status);
    TRY(store_order_load(call->db, call->arena, &found, &order));
    const Order *view = view_order(call->arena, order, NULL);
    const Address *address = view->shipping_address;
    bool is_theirs = rules_phones_match(phone, order->phone) ||
                     (address != NULL && rules_phones_match(phone, address->phone));
    if (is_theirs && order->status != ORDER_DRAFT)
        *id = found;
    return STATUS_OK;
}

static enum status load_lookup(struct call *call, const char *number, const char *phone,
                               struct lookup *lookup)
{
    struct lookup *known;
    const struct uuid key = rules_lookup_key(number, phone);
    enum status status = store_lookup_load(call->db, &key, &known);
    *lookup =
        status == STATUS_OK ? *known : (struct lookup){.key = key, .window_at_us = call->now_us};
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status emit_code_requested(struct call *call, const struct lookup *lookup)
{
    Penstock__Orders__V1__OrderCodeRequested event;
    penstock__orders__v1__order_code_requested__init(&event);
    event.order_id = wire_uuid(call->arena, &lookup->order_id);
    event.code_id = wire_uuid(call->arena, &lookup->code_id);
    return emit(call, event.order_id, &event.base);
}

/* A number as people copy it: "#web-100023 " is WEB-100023. */
static const char *tidy_number(struct arena *arena, const char *number)
{
    char *text = arena_strdup(arena, number + strspn(number, " #")), *to = text;
    for (const char *s = text; *s != '\0'; s++) {
        if (*s >= 'a' && *s <= 'z')
            *to++ = (char)(*s - 'a' + 'A');
        else if (*s != ' ')
            *to++ = *s;
    }
    *to = '\0';
    return text;
}

static bool check_lookup(const char *number, const char *phone, struct refusal *no)
{
    return rules_check_text(number, 64, no, "number") && rules_check_text(phone, 40, no, "phone");
}

ORDERS_HANDLER(request_order_code, RequestOrderCodeRequest, RequestOrderCodeResponse)
{
    struct refusal no;
    struct lookup lookup;
    const char *number = tidy_number(call->arena, in->number);
    (void)out;
    if (!check_lookup(number, in->phone, &no))
        return refuse_by(call, &no);
    TRY(load_lookup(call, number, in->phone, &lookup));
    if (!rules_lookup_request(&lookup, call->now_us))
        return STATUS_OK;
    TRY(find_order(call, number, in->phone, &lookup.order_id));
    lookup.tries = 0;
    lookup.code_at_us = call->now_us;
    lookup.code_id = uuid_is_nil(&lookup.order_id) ? lookup.order_id : uuid_new();
    TRY(store_lookup_save(call->db, &lookup));
    return uuid_is_nil(&lookup.order_id) ? STATUS_OK : emit_code_requested(call, &lookup);
}

/* A wrong code is no refusal, which would forget that it was tried: the token stays empty. */
ORDERS_HANDLER(redeem_order_code, RedeemOrderCodeRequest, RedeemOrderCodeResponse)
{
    struct refusal no;
    struct lookup lookup;
    struct links links;
    const char *number = tidy_number(call->arena, in->number);
    if (!check_lookup(number, in->phone, &no) || !rules_check_text(in->code, 20, &no, "code"))
        return refuse_by(call, &no);
    TRY(load_lookup(call, number, in->phone, &lookup));
    TRY(store_links_load(call->db, call->arena, &lookup.order_id, 1, &links));
    bool is_good = rules_lookup_try(&lookup, call->now_us) &&
                   rules_code_matches(links.secret, &lookup.code_id, in->code);
    if (is_good) {
        out->token =
            new_token(call->arena, &links, 0, &lookup.order_id, call->now_us + CODE_LINK_US);
        lookup.code_id = lookup.order_id = (struct uuid){{0}};
    }
    return store_lookup_save(call->db, &lookup);
}

enum status forget_lookups(struct call *call)
{
    return store_lookups_forget(call->db, call->now_us - 24 * HOUR_US);
}
