/* What is held about a customer: told in full, and taken out of everything.
 *
 * Erasing goes on in turns: a timer empties their orders a hundred at a time, each with an event
 * that everybody obeys who holds something of that order. Last of all go the row and the contacts
 * by which orders are recognised as theirs, once the projection has read what was placed before. */
#include "handlers_customers.h"
#include "store_drafts.h"
#include "store_edit.h"

#define RPC(Name)                                                                                  \
    typedef Penstock__Orders__V1__##Name##Request Name##Request;                                   \
    typedef Penstock__Orders__V1__##Name##Response Name##Response;
RPC(ExportCustomer)
RPC(EraseCustomer)
#undef RPC
typedef Penstock__Orders__V1__CustomerExport CustomerExport;

#define ERASE_AT_ONCE 100

/* ---- telling ---- */

static enum status export_known_by(struct call *call, const struct uuid *ids, size_t count,
                                   CustomerExport *out)
{
    struct contact_owner *contacts;
    size_t found;
    TRY(store_customer_known_by(call->db, ids, count, &contacts, &found));
    out->known_by = ARENA_ARRAY(call->arena, found, char *);
    for (size_t i = 0; i < found; i++)
        out->known_by[out->n_known_by++] = wire_text(contacts[i].value);
    return STATUS_OK;
}

static enum status export_merged(struct call *call, const struct customer *customer,
                                 const struct uuid *ids, size_t count, CustomerExport *out)
{
    struct customer *family;
    size_t found;
    TRY(store_customers_load(call->db, ids, count, &family, &found));
    out->merged = ARENA_ARRAY(call->arena, found, CustomerProfile *);
    for (size_t i = 0; i < found; i++) {
        if (!uuid_equal(&family[i].id, &customer->id))
            out->merged[out->n_merged++] = view_customer_row(call->arena, &family[i]);
    }
    return STATUS_OK;
}

ORDERS_HANDLER(export_customer, ExportCustomerRequest, ExportCustomerResponse)
{
    struct customer *customer;
    struct uuid *ids;
    size_t count;
    TRY(load_customer(call, in->id, "id", &customer));
    TRY(store_customer_family(call->db, &customer->id, &ids, &count));
    CustomerExport *all = ARENA_NEW(call->arena, CustomerExport);
    penstock__orders__v1__customer_export__init(all);
    TRY(view_customer_whole(call, customer, &all->customer));
    TRY(export_known_by(call, ids, count, all));
    TRY(export_merged(call, customer, ids, count, all));
    out->export = all;
    return view_customer_orders(call, ids, count, in->after, "after", PAGE_MAX, &all->orders,
                                &all->n_orders, &all->more_after);
}

/* ---- erasing ---- */

ORDERS_HANDLER(erase_customer, EraseCustomerRequest, EraseCustomerResponse)
{
    struct customer *customer, *family;
    struct uuid *ids;
    size_t count, found;
    int64_t live;
    TRY(load_customer(call, in->id, "id", &customer));
    if (!uuid_is_nil(&customer->merged_into))
        return refuse(call, STATUS_CONFLICT, "invalid_state", "id",
                      "This customer has been merged into another: erase that one.");
    TRY(store_customer_family(call->db, &customer->id, &ids, &count));
    TRY(store_customer_live_orders(call->db, ids, count, &live));
    if (live > 0 && customer->erasing_since_us == 0) {
        refuse(call, STATUS_CONFLICT, "orders_under_way", "id",
               "Orders of this customer are under way and need their address: complete or cancel "
               "them first.");
        refuse_detail(call, "orders", "%lld", (long long)live);
        return call->status;
    }
    TRY(store_drafts_erase(call->db, ids, count));
    TRY(store_customers_load(call->db, ids, count, &family, &found));
    for (size_t i = 0; i < found && customer->erasing_since_us == 0; i++) {
        family[i].erasing_since_us = call->now_us;
        TRY(store_customer_save(call->db, &family[i], call->now_us));
        TRY(emit_customer_changed(call, &family[i].id, "erasing", NULL));
    }
    TRY(store_customer_load(call->db, &customer->id, &customer));
    out->customer = view_customer_row(call->arena, customer);
    return STATUS_OK;
}

static enum status emit_erased(struct call *call, const struct customer *customer,
                               const struct order *order)
{
    Penstock__Orders__V1__CustomerErased event;
    penstock__orders__v1__customer_erased__init(&event);
    event.customer_id = wire_uuid(call->arena, &customer->id);
    event.order_id = wire_uuid(call->arena, &order->id);
    event.channel = wire_text(order->channel);
    event.external_id = wire_text(order->external_id);
    return emit(call, event.order_id, &event.base);
}

static enum status erase_orders(struct call *call, const struct customer *customer,
                                const struct uuid *ids, size_t count)
{
    struct act act = act_of(call);
    struct order_set set;
    TRY(store_orders_load(call->db, call->arena, ids, count, &set));
    TRY(store_orders_erased(call->db, ids, count));
    for (size_t i = 0; i < set.count; i++) {
        rules_erase_order(&set.orders[i], &act);
        store_order_save(call->db, &set.orders[i]);
        TRY(emit_erased(call, customer, &set.orders[i]));
    }
    return store_versions_erase(call->db, ids, count);
}

static enum status finish(struct call *call, struct customer *customer)
{
    bool may_have_more;
    TRY(store_customer_may_have_more(call->db, customer->erasing_since_us, &may_have_more));
    if (may_have_more)
        return STATUS_OK;
    customer->name = customer->email = customer->phone = customer->note = customer->tags = "";
    customer->locale = "";
    customer->accepts_marketing = false;
    customer->erased_at_us = call->now_us;
    TRY(store_customer_forget(call->db, &customer->id));
    TRY(store_customer_save(call->db, customer, call->now_us));
    return emit_customer_changed(call, &customer->id, "erased", NULL);
}

/* A timer: one customer's hundred orders a turn. */
enum status erase_customers(struct call *call)
{
    struct customer *customers;
    struct uuid *ids;
    size_t found, count;
    TRY(store_customers_erasing(call->db, &customers, &found));
    for (size_t i = 0; i < found; i++) {
        TRY(store_orders_to_erase(call->db, &customers[i], ERASE_AT_ONCE, &ids, &count));
        if (count > 0)
            return erase_orders(call, &customers[i], ids, count);
        TRY(finish(call, &customers[i]));
    }
    return STATUS_OK;
}
