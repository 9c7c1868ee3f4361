/* demo.c -- a shop to look at: catalogue, stock, three channels, and orders in every stage.
 *
 * Everything goes the way that a merchant's things go: commands over the bus, deliveries of
 * storefronts through the gateway's webhooks, signed. Each command has an identity, so that a demo
 * that was interrupted goes on where it stopped.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "cli/demo_data.h"
#include "cli/http.h"
#include "cli/remote.h"
#include "cli/user.h"
#include "common/id.h"
#include "penstock/fulfillment/v1/fulfillment.pb-c.h"
#include "penstock/gateway/v1/gateway.pb-c.h"
#include "penstock/inventory/v1/inventory.pb-c.h"
#include "penstock/orders/v1/orders.pb-c.h"
#include "penstock/returns/v1/returns.pb-c.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define WAIT_US INT64_C(10000000)

typedef Penstock__Common__V1__Money Money;
typedef Penstock__Orders__V1__Order Order;
typedef Penstock__Fulfillment__V1__FulfillmentOrder FulfillmentOrder;

static char *own(const char *text)
{
    return (char *)(uintptr_t)text; /* protobuf-c has no const; nothing writes to it */
}

static const char *identity(char *buffer, size_t bytes, const char *what, const char *which)
{
    snprintf(buffer, bytes, "demo/%s/%s", what, which);
    return buffer;
}

/* ---- catalogue and stock ---- */

/* The last of the sample orders is there. */
static bool is_loaded(struct remote *remote)
{
    Penstock__Orders__V1__ListOrdersRequest list = PENSTOCK__ORDERS__V1__LIST_ORDERS_REQUEST__INIT;
    list.channel = own("web");
    list.external_id = own(demo_orders[COUNT(demo_orders) - 1].external_id);
    const Penstock__Orders__V1__ListOrdersResponse *found =
        (const Penstock__Orders__V1__ListOrdersResponse *)remote_ask(
            remote, "orders", "ListOrders", &list.base,
            &penstock__orders__v1__list_orders_response__descriptor);
    return found != NULL && found->n_data > 0;
}

static int load_locations(struct remote *remote)
{
    char id[256];
    for (size_t i = 0; i < COUNT(demo_locations); i++) {
        Penstock__Inventory__V1__CreateLocationRequest request =
            PENSTOCK__INVENTORY__V1__CREATE_LOCATION_REQUEST__INIT;
        request.code = own(demo_locations[i].code);
        request.name = own(demo_locations[i].name);
        request.type = (Penstock__Inventory__V1__LocationType)demo_locations[i].type;
        if (remote_command(remote, "inventory", "CreateLocation",
                           identity(id, sizeof(id), "location", demo_locations[i].code),
                           &request.base,
                           &penstock__inventory__v1__create_location_response__descriptor) == NULL)
            return 1;
    }
    return 0;
}

static int load_item(struct remote *remote, const char *sku, const char *name, int64_t price_minor)
{
    char id[256];
    Money price = PENSTOCK__COMMON__V1__MONEY__INIT;
    Penstock__Inventory__V1__CreateItemRequest item =
        PENSTOCK__INVENTORY__V1__CREATE_ITEM_REQUEST__INIT;
    price.amount_minor = price_minor;
    price.currency = own("HKD");
    item.sku = own(sku);
    item.name = own(name);
    item.price = &price;
    if (remote_command(remote, "inventory", "CreateItem", identity(id, sizeof(id), "item", sku),
                       &item.base,
                       &penstock__inventory__v1__create_item_response__descriptor) == NULL)
        return 1;
    for (size_t i = 0; i < COUNT(demo_locations); i++) {
        char what[200];
        Penstock__Inventory__V1__AdjustStockRequest adjust =
            PENSTOCK__INVENTORY__V1__ADJUST_STOCK_REQUEST__INIT;
        adjust.location = own(demo_locations[i].code);
        adjust.sku = own(sku);
        adjust.delta = i == 2 ? 12 : 60;
        adjust.reason = own("received");
        snprintf(what, sizeof(what), "%s/%s", demo_locations[i].code, sku);
        if (remote_command(remote, "inventory", "AdjustStock",
                           identity(id, sizeof(id), "stock", what), &adjust.base,
                           &penstock__inventory__v1__adjust_stock_response__descriptor) == NULL)
            return 1;
    }
    return 0;
}

static int load_catalogue(struct remote *remote, size_t *items)
{
    for (size_t f = 0; f < COUNT(demo_families); f++)
        for (size_t c = 0; c < COUNT(demo_colours); c++)
            for (const char *const *size = demo_families[f].sizes; *size != NULL;
                 size++, (*items)++) {
                char sku[64], name[128];
                snprintf(sku, sizeof(sku), "%s-%s-%s", demo_families[f].sku, demo_colours[c].code,
                         *size);
                snprintf(name, sizeof(name), "%s %s %s", demo_families[f].name,
                         demo_colours[c].name, *size);
                if (load_item(remote, sku, name, demo_families[f].price_minor) != 0)
                    return 1;
                remote_reset(remote);
            }
    return 0;
}

/* ---- channels and their webhooks ---- */

static int add_channel(struct remote *remote, const char *name, const char *type,
                       const char *secret, const char *prefix)
{
    char id[256];
    Penstock__Gateway__V1__AddChannelRequest request =
        PENSTOCK__GATEWAY__V1__ADD_CHANNEL_REQUEST__INIT;
    request.name = own(name);
    request.type = own(type);
    request.secret = own(secret);
    request.number_prefix = own(prefix);
    return remote_command(remote, "gateway", "AddChannel",
                          identity(id, sizeof(id), "channel", name), &request.base,
                          &penstock__gateway__v1__add_channel_response__descriptor) == NULL;
}

static int send_hook(const char *address, const struct demo_hook *hook)
{
    unsigned char mac[crypto_auth_hmacsha256_BYTES];
    crypto_auth_hmacsha256_state state;
    char signature[64], headers[512], path[128];
    crypto_auth_hmacsha256_init(&state, (const unsigned char *)hook->secret, strlen(hook->secret));
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)hook->body, strlen(hook->body));
    crypto_auth_hmacsha256_final(&state, mac);
    sodium_bin2base64(signature, sizeof(signature), mac, sizeof(mac),
                      sodium_base64_VARIANT_ORIGINAL);
    snprintf(headers, sizeof(headers),
             "%s: %s\r\n%s: demo-1\r\n%s: %s\r\nX-WC-Webhook-Source: https://shop.example/\r\n",
             hook->topic_header, hook->topic, hook->identity_header, hook->signature_header,
             signature);
    snprintf(path, sizeof(path), "/hooks/%s", hook->channel);
    if (!http_await(address, "POST", path, "", 404))
        return cli_fail("the gateway does not know the channel %s", hook->channel);
    int status = http_status(address, "POST", path, headers, hook->body);
    return status == 200 ? 0 : cli_fail("the webhook of %s was answered %d", hook->channel, status);
}

static int load_channels(struct remote *remote, const struct home *home)
{
    char address[128];
    if (add_channel(remote, "shopify-hk", "shopify", DEMO_SHOPIFY_SECRET, "SHK") != 0 ||
        add_channel(remote, "woocommerce-tw", "woocommerce", DEMO_WOOCOMMERCE_SECRET, "WTW") != 0)
        return 1;
    if (!home_http(home, address, sizeof(address)))
        return cli_fail("the gateway does not listen");
    for (size_t i = 0; i < COUNT(demo_hooks); i++)
        if (send_hook(address, &demo_hooks[i]) != 0)
            return 1;
    return 0;
}

/* ---- orders ---- */

static int64_t price_of(const char *sku)
{
    for (size_t f = 0; f < COUNT(demo_families); f++)
        if (strncmp(sku, demo_families[f].sku, strlen(demo_families[f].sku)) == 0 &&
            sku[strlen(demo_families[f].sku)] == '-')
            return demo_families[f].price_minor;
    return 0;
}

static const Order *place(struct remote *remote, const struct demo_order *sample)
{
    char id[256];
    Penstock__Orders__V1__PlaceOrderRequest request =
        PENSTOCK__ORDERS__V1__PLACE_ORDER_REQUEST__INIT;
    Penstock__Orders__V1__Customer customer = PENSTOCK__ORDERS__V1__CUSTOMER__INIT;
    Penstock__Common__V1__Address address = PENSTOCK__COMMON__V1__ADDRESS__INIT;
    Penstock__Orders__V1__PaymentInput payment = PENSTOCK__ORDERS__V1__PAYMENT_INPUT__INIT,
                                       *payments[1] = {&payment};
    Penstock__Orders__V1__LineInput lines[3], *list[3];
    Money prices[3], paid = PENSTOCK__COMMON__V1__MONEY__INIT;
    size_t count = 0;
    paid.currency = own("HKD");
    for (; count < 3 && sample->skus[count] != NULL; count++) {
        lines[count] = (Penstock__Orders__V1__LineInput)PENSTOCK__ORDERS__V1__LINE_INPUT__INIT;
        prices[count] = (Money)PENSTOCK__COMMON__V1__MONEY__INIT;
        prices[count].amount_minor = price_of(sample->skus[count]);
        prices[count].currency = own("HKD");
        lines[count].sku = own(sample->skus[count]);
        lines[count].quantity = sample->quantities[count];
        lines[count].unit_price = &prices[count];
        list[count] = &lines[count];
        paid.amount_minor += prices[count].amount_minor * sample->quantities[count];
    }
    customer.name = address.name = own(sample->customer);
    customer.email = own(sample->email);
    customer.phone = address.phone = own(sample->phone);
    address.address1 = own(sample->address);
    address.city = own(sample->city);
    address.country = own(sample->country);
    bool is_cod = strcmp(sample->method, "cash_on_delivery") == 0;
    payment.method = own(sample->method);
    payment.status =
        is_cod ? PENSTOCK__ORDERS__V1__PAYMENT_ENTRY_STATUS__PAYMENT_ENTRY_STATUS_PENDING
               : PENSTOCK__ORDERS__V1__PAYMENT_ENTRY_STATUS__PAYMENT_ENTRY_STATUS_CAPTURED;
    payment.amount = &paid;
    request.channel = own("web");
    request.external_id = own(sample->external_id);
    request.currency = own("HKD");
    request.locale = own(sample->locale);
    request.stock_policy = PENSTOCK__INVENTORY__V1__STOCK_POLICY__STOCK_POLICY_REQUIRE;
    request.customer = &customer;
    request.shipping_address = &address;
    request.n_lines = count;
    request.lines = list;
    request.prices_include_tax = true;
    request.n_payments = 1;
    request.payments = payments;
    const Penstock__Orders__V1__PlaceOrderResponse *answer =
        (const Penstock__Orders__V1__PlaceOrderResponse *)remote_command(
            remote, "orders", "PlaceOrder", identity(id, sizeof(id), "order", sample->external_id),
            &request.base, &penstock__orders__v1__place_order_response__descriptor);
    return answer != NULL ? answer->order : NULL;
}

/* The order's work in the warehouse, once its allocation has arrived there. */
static const FulfillmentOrder *wait_for_work(struct remote *remote, const char *number)
{
    Penstock__Fulfillment__V1__ListFulfillmentsRequest list =
        PENSTOCK__FULFILLMENT__V1__LIST_FULFILLMENTS_REQUEST__INIT;
    list.order = own(number);
    for (int64_t until = clock_monotonic_us() + WAIT_US; clock_monotonic_us() < until;
         usleep(50000)) {
        const Penstock__Fulfillment__V1__ListFulfillmentsResponse *found =
            (const Penstock__Fulfillment__V1__ListFulfillmentsResponse *)remote_ask(
                remote, "fulfillment", "ListFulfillments", &list.base,
                &penstock__fulfillment__v1__list_fulfillments_response__descriptor);
        if (found == NULL)
            return NULL;
        if (found->n_data > 0 &&
            found->data[0]->status !=
                PENSTOCK__FULFILLMENT__V1__FULFILLMENT_ORDER_STATUS__FULFILLMENT_ORDER_STATUS_SCHEDULED)
            return found->data[0];
    }
    cli_fail("the warehouse did not get the order %s within ten seconds", number);
    return NULL;
}

static int pick(struct remote *remote, const FulfillmentOrder *work)
{
    char id[256];
    Penstock__Fulfillment__V1__PickFulfillmentRequest request =
        PENSTOCK__FULFILLMENT__V1__PICK_FULFILLMENT_REQUEST__INIT;
    request.id = work->id;
    return remote_command(remote, "fulfillment", "PickFulfillment",
                          identity(id, sizeof(id), "pick", work->id), &request.base,
                          &penstock__fulfillment__v1__pick_fulfillment_response__descriptor) ==
           NULL;
}

static int pack_and_ship(struct remote *remote, const FulfillmentOrder *work, const char *country)
{
    char id[256], tracking[64];
    Penstock__Fulfillment__V1__PackFulfillmentRequest pack =
        PENSTOCK__FULFILLMENT__V1__PACK_FULFILLMENT_REQUEST__INIT;
    Penstock__Fulfillment__V1__ShipFulfillmentRequest ship =
        PENSTOCK__FULFILLMENT__V1__SHIP_FULFILLMENT_REQUEST__INIT;
    pack.id = ship.id = work->id;
    if (remote_command(remote, "fulfillment", "PackFulfillment",
                       identity(id, sizeof(id), "pack", work->id), &pack.base,
                       &penstock__fulfillment__v1__pack_fulfillment_response__descriptor) == NULL)
        return 1;
    snprintf(tracking, sizeof(tracking), "DEMO%.8s", work->id);
    ship.carrier = own(strcmp(country, "TW") == 0 ? "hct-logistics" : "sf-express");
    ship.tracking_number = tracking;
    return remote_command(remote, "fulfillment", "ShipFulfillment",
                          identity(id, sizeof(id), "ship", work->id), &ship.base,
                          &penstock__fulfillment__v1__ship_fulfillment_response__descriptor) ==
           NULL;
}

static int bring_back(struct remote *remote, const Order *order, const char *sku,
                      const char *location)
{
    char id[256];
    Penstock__Returns__V1__RequestReturnRequest request =
        PENSTOCK__RETURNS__V1__REQUEST_RETURN_REQUEST__INIT;
    Penstock__Returns__V1__ApproveReturnRequest approve =
        PENSTOCK__RETURNS__V1__APPROVE_RETURN_REQUEST__INIT;
    Penstock__Returns__V1__ReceiveReturnRequest receive =
        PENSTOCK__RETURNS__V1__RECEIVE_RETURN_REQUEST__INIT;
    Penstock__Returns__V1__InspectReturnRequest inspect =
        PENSTOCK__RETURNS__V1__INSPECT_RETURN_REQUEST__INIT;
    Penstock__Returns__V1__ReturnQuantity line = PENSTOCK__RETURNS__V1__RETURN_QUANTITY__INIT,
                                          *lines[1] = {&line};
    line.sku = own(sku);
    line.quantity = 1;
    line.reason = own("size_too_small");
    request.order = order->number;
    request.n_lines = 1;
    request.lines = lines;
    const Penstock__Returns__V1__RequestReturnResponse *made =
        (const Penstock__Returns__V1__RequestReturnResponse *)remote_command(
            remote, "returns", "RequestReturn", identity(id, sizeof(id), "return", order->number),
            &request.base, &penstock__returns__v1__request_return_response__descriptor);
    if (made == NULL)
        return 1;
    approve.id = receive.id = inspect.id = made->return_->id;
    receive.location = own(location);
    if (remote_command(remote, "returns", "ApproveReturn",
                       identity(id, sizeof(id), "approve", made->return_->id), &approve.base,
                       &penstock__returns__v1__approve_return_response__descriptor) == NULL ||
        remote_command(remote, "returns", "ReceiveReturn",
                       identity(id, sizeof(id), "receive", made->return_->id), &receive.base,
                       &penstock__returns__v1__receive_return_response__descriptor) == NULL)
        return 1;
    return remote_command(remote, "returns", "InspectReturn",
                          identity(id, sizeof(id), "inspect", made->return_->id), &inspect.base,
                          &penstock__returns__v1__inspect_return_response__descriptor) == NULL;
}

static int hold(struct remote *remote, const Order *order)
{
    char id[256];
    Penstock__Orders__V1__PlaceHoldRequest request = PENSTOCK__ORDERS__V1__PLACE_HOLD_REQUEST__INIT;
    request.id = order->id;
    request.type = own("manual");
    request.reason = own("customer asks to wait for a second order");
    return remote_command(remote, "orders", "PlaceHold",
                          identity(id, sizeof(id), "hold", order->id), &request.base,
                          &penstock__orders__v1__place_hold_response__descriptor) == NULL;
}

static int cancel(struct remote *remote, const Order *order)
{
    char id[256];
    Penstock__Orders__V1__CancelOrderRequest request =
        PENSTOCK__ORDERS__V1__CANCEL_ORDER_REQUEST__INIT;
    request.id = order->id;
    request.reason = own("customer");
    return remote_command(remote, "orders", "CancelOrder",
                          identity(id, sizeof(id), "cancel", order->id), &request.base,
                          &penstock__orders__v1__cancel_order_response__descriptor) == NULL;
}

static int run_fate(struct remote *remote, const struct demo_order *sample, const Order *order)
{
    if (sample->fate == DEMO_HELD)
        return hold(remote, order);
    const FulfillmentOrder *work = wait_for_work(remote, order->number);
    if (work == NULL)
        return 1;
    switch (sample->fate) {
    case DEMO_WAITS:
    case DEMO_HELD:
        return 0;
    case DEMO_PICKED:
        return pick(remote, work);
    case DEMO_CANCELLED:
        return cancel(remote, order);
    case DEMO_SHIPPED:
        return pick(remote, work) != 0 || pack_and_ship(remote, work, sample->country) != 0;
    case DEMO_RETURNED:
        return pick(remote, work) != 0 || pack_and_ship(remote, work, sample->country) != 0 ||
               bring_back(remote, order, sample->skus[0], work->location) != 0;
    }
    return 0;
}

static int load(struct remote *remote, const struct home *home)
{
    size_t items = 0;
    printf("Loading the demonstration shop\n");
    fflush(stdout);
    if (load_locations(remote) != 0 || load_catalogue(remote, &items) != 0)
        return 1;
    printf("  %zu products in %zu locations\n", items, COUNT(demo_locations));
    if (load_channels(remote, home) != 0)
        return 1;
    printf("  channels web, shopify-hk, woocommerce-tw, each with an order of its own\n");
    fflush(stdout);
    for (size_t i = 0; i < COUNT(demo_orders); i++) {
        remote_reset(remote);
        const Order *order = place(remote, &demo_orders[i]);
        if (order == NULL || run_fate(remote, &demo_orders[i], order) != 0)
            return 1;
    }
    printf("  %zu orders placed on web: waiting, picked, shipped, returned, held, cancelled\n",
           COUNT(demo_orders));
    return 0;
}

/* ---- who signs in ---- */

#define OWNER_EMAIL "owner@penstock.example"

static int let_owner_in(struct remote *remote, const struct home *home)
{
    bool is_asked;
    char address[128] = "";
    const Penstock__Gateway__V1__Person *owner = user_find(remote, OWNER_EMAIL, &is_asked);
    if (!is_asked || !home_http(home, address, sizeof(address)))
        return 1;
    if (owner == NULL &&
        (owner = user_add(remote, OWNER_EMAIL, "店主", "owner", "zh-Hant")) == NULL)
        return 1;
    printf("  console   http://%s/\n  sign in   %s\n", address, OWNER_EMAIL);
    if (owner->password[0] != '\0')
        printf("  password  %s   (shown once)\n", owner->password);
    else
        printf("  password  as printed the first time; for a new one: penstock user password %s "
               "--home %s\n",
               OWNER_EMAIL, home->path);
    return 0;
}

int command_demo(int argc, char **argv)
{
    struct home home;
    int result;
    struct remote *remote = remote_of(argc, argv, &home, &result);
    if (remote == NULL)
        return result;
    if (is_loaded(remote))
        printf("The demonstration shop is loaded already.\n");
    else
        result = load(remote, &home);
    if (result == 0)
        result = let_owner_in(remote, &home);
    remote_close(&remote);
    return result;
}
