#include "handlers_fill.h"

#include <string.h>

#include "handlers.h"
#include "penstock/inventory/v1/inventory.pb-c.h"

typedef Penstock__Inventory__V1__ReserveResponse ReserveResponse;
typedef Penstock__Inventory__V1__HoldLine HoldLine;

bool fill_lacks_prices(const PlaceOrderRequest *in)
{
    for (size_t i = 0; i < in->n_lines; i++) {
        if (rules_input_lacks_price(in->lines[i]))
            return true;
    }
    return false;
}

/* ---- loading ---- */

static enum status load(struct db *db, const struct uuid *ids, size_t count, struct fill *fill)
{
    *fill = (struct fill){NULL, 0};
    return count > 0 ? store_customer_contacts(db, ids, count, &fill->customers, &fill->count)
                     : STATUS_OK;
}

enum status fill_load(struct call *const *calls, size_t count, struct fill *fill)
{
    *fill = (struct fill){NULL, 0};
    struct uuid *ids = NULL;
    size_t named = 0;
    for (size_t i = 0; i < count; i++) {
        const PlaceOrderRequest *in = (const PlaceOrderRequest *)calls[i]->in;
        if (in->customer_id[0] == '\0')
            continue;
        if (ids == NULL)
            ids = ARENA_ARRAY(calls[i]->arena, count, struct uuid);
        if (uuid_parse(in->customer_id, &ids[named]))
            named++;
    }
    return named > 0 ? load(calls[0]->db, ids, named, fill) : STATUS_OK;
}

enum status fill_load_one(struct call *call, const PlaceOrderRequest *in, struct fill *fill)
{
    struct uuid *id = ARENA_NEW(call->arena, struct uuid);
    return load(call->db, id, uuid_parse(in->customer_id, id) ? 1 : 0, fill);
}

/* ---- filling ---- */

PlaceOrderRequest *fill_copy(struct arena *arena, const PlaceOrderRequest *in)
{
    PlaceOrderRequest *copy = arena_copy(arena, in, sizeof(*in));
    copy->lines = ARENA_ARRAY(arena, in->n_lines, LineInput *);
    for (size_t i = 0; i < in->n_lines; i++)
        copy->lines[i] = arena_copy(arena, in->lines[i], sizeof(*in->lines[i]));
    copy->customer = ARENA_NEW(arena, Customer);
    if (in->customer != NULL)
        *copy->customer = *in->customer;
    else
        penstock__orders__v1__customer__init(copy->customer);
    return copy;
}

/* What the order says itself comes first. */
static void fill_contact(PlaceOrderRequest *order, const char *name, const char *email,
                         const char *phone)
{
    Customer *customer = order->customer;
    if (customer->name[0] == '\0')
        customer->name = wire_text(name);
    if (customer->email[0] == '\0')
        customer->email = wire_text(email);
    if (customer->phone[0] == '\0')
        customer->phone = wire_text(phone);
}

bool fill_contact_of(struct arena *arena, const struct fill *fill, PlaceOrderRequest *order)
{
    struct uuid id;
    const struct customer_contact *found = NULL;
    if (order->customer_id[0] == '\0')
        return true;
    for (size_t i = 0; i < fill->count && uuid_parse(order->customer_id, &id); i++) {
        if (uuid_equal(&fill->customers[i].asked, &id))
            found = &fill->customers[i];
    }
    if (found == NULL || found->is_erased)
        return false;
    order->customer_id = wire_uuid(arena, &found->id);
    fill_contact(order, found->name, found->email, found->phone);
    if (order->locale[0] == '\0')
        order->locale = wire_text(found->locale);
    return true;
}

static bool fill_customer(struct call *call, const struct fill *fill, PlaceOrderRequest *order)
{
    if (fill_contact_of(call->arena, fill, order))
        return true;
    refuse(call, STATUS_INVALID, "unknown_customer", "customer_id", "There is no such customer.");
    return false;
}

static bool fill_price(struct call *call, LineInput *line, const char *currency, size_t i,
                       const HoldLine *quoted)
{
    const char *field = arena_printf(call->arena, "lines[%zu].unit_price", i);
    bool has_price =
        quoted != NULL && quoted->price != NULL && strcmp(quoted->price->currency, currency) == 0;
    if (quoted != NULL && !quoted->is_known) {
        refuse(call, STATUS_INVALID, "unknown_sku", arena_printf(call->arena, "lines[%zu].sku", i),
               "There is no item with the SKU %.64s.", line->sku);
        return false;
    }
    if (!has_price) {
        refuse(call, STATUS_INVALID, "no_price", field,
               "The item has no price in %s: say what it costs.", currency);
        return false;
    }
    line->unit_price = quoted->price;
    return true;
}

static bool fill_prices(struct call *call, PlaceOrderRequest *order, const struct answer *reserved)
{
    const ReserveResponse *said = (const ReserveResponse *)reserved->message;
    if (!reserved->came || reserved->status != STATUS_OK) {
        refuse(call, STATUS_UNAVAILABLE, "inventory_unavailable", "",
               "The items' prices could not be read in time; try again.");
        return false;
    }
    for (size_t i = 0; i < order->n_lines; i++) {
        if (rules_input_lacks_price(order->lines[i]) &&
            !fill_price(call, order->lines[i], order->currency, i,
                        i < said->n_lines ? said->lines[i] : NULL))
            return false;
    }
    return true;
}

const PlaceOrderRequest *fill_order(struct call *call, const PlaceOrderRequest *in,
                                    const struct fill *fill, const struct answer *reserved)
{
    bool needs_prices = fill_lacks_prices(in);
    if (in->customer_id[0] == '\0' && !needs_prices)
        return in;
    PlaceOrderRequest *order = fill_copy(call->arena, in);
    if (!fill_customer(call, fill, order) || (needs_prices && !fill_prices(call, order, reserved)))
        return NULL;
    return order;
}

const PlaceOrderRequest *fill_order_again(struct arena *arena, const PlaceOrderRequest *in,
                                          const struct order *placed)
{
    if (in->customer_id[0] == '\0' && !fill_lacks_prices(in))
        return in;
    PlaceOrderRequest *order = fill_copy(arena, in);
    if (in->customer_id[0] != '\0') {
        order->customer_id = wire_text(placed->customer_id);
        order->locale = wire_text(placed->locale);
        fill_contact(order, placed->customer_name, placed->email, placed->phone);
    }
    for (size_t i = 0; i < order->n_lines && i < placed->line_count; i++) {
        if (rules_input_lacks_price(order->lines[i]))
            order->lines[i]->unit_price =
                wire_money(arena, placed->lines[i].unit_price, placed->currency);
    }
    return order;
}
