/* What the API shows, and what all commands begin with. */
#include <assert.h>
#include <string.h>

#include "handlers.h"

#define X(name, number)                                                                               \
    static_assert(                                                                                    \
        (int)FULFILLMENT_##name ==                                                                    \
            (int)                                                                                     \
                PENSTOCK__FULFILLMENT__V1__FULFILLMENT_ORDER_STATUS__FULFILLMENT_ORDER_STATUS_##name, \
        #name);
FULFILLMENT_STATUSES(X)
#undef X
#define X(name, number)                                                                            \
    static_assert((int)PARCEL_##name ==                                                            \
                      (int)PENSTOCK__FULFILLMENT__V1__PARCEL_STATUS__PARCEL_STATUS_##name,         \
                  #name);
PARCEL_STATUSES(X)
#undef X

typedef Penstock__Fulfillment__V1__FulfillmentLine LineView;
typedef Penstock__Fulfillment__V1__Parcel ParcelView;
typedef Penstock__Fulfillment__V1__ParcelLine ParcelLineView;

char *id_text(struct arena *arena, const struct uuid *id)
{
    return uuid_text(id, arena_alloc(arena, UUID_TEXT_BYTES));
}

static struct fulfillment *find_fulfillment(const struct work *work, const struct uuid *id)
{
    for (size_t i = 0; i < work->nfulfillments; i++)
        if (uuid_equal(&work->fulfillments[i].id, id))
            return &work->fulfillments[i];
    return NULL;
}

enum status target_load(struct call *call, const char *id, struct target *target)
{
    struct uuid fulfillment_id, order_id;
    enum status status = STATUS_NOT_FOUND;
    if (uuid_parse(id, &fulfillment_id))
        status = store_order_of(call->db, &fulfillment_id, &order_id);
    if (status == STATUS_NOT_FOUND)
        return refuse(call, STATUS_NOT_FOUND, "not_found", "id",
                      "There is no such fulfillment order.");
    TRY(status);
    TRY(store_work_load(call->db, call->arena, &order_id, &target->works));
    TRY(store_parcels_load(call->db, call->arena, &order_id, 1, &target->parcels,
                           &target->nparcels));
    size_t stops;
    TRY(store_stops_of_order(call->db, &order_id, &stops));
    target->is_stopped = stops != 0;
    target->work = target->works.list;
    target->one = find_fulfillment(target->work, &fulfillment_id);
    return target->one != NULL ? STATUS_OK : STATUS_INTERNAL;
}

enum status refuse_by_rule(struct call *call, const struct refusal *refusal)
{
    enum status status =
        refuse(call, refusal->status, refusal->code, refusal->field, "%s", refusal->text);
    if (refusal->has_figures) {
        refuse_detail(call, "left", "%lld", (long long)refusal->left);
        refuse_detail(call, "allocated", "%lld", (long long)refusal->allocated);
        refuse_detail(call, "picked", "%lld", (long long)refusal->picked);
        refuse_detail(call, "packed", "%lld", (long long)refusal->packed);
        refuse_detail(call, "shipped", "%lld", (long long)refusal->shipped);
    }
    return status;
}

static const char *name_of(const struct work *work, const struct uuid *line_id)
{
    for (size_t i = 0; i < work->nwanted; i++)
        if (uuid_equal(&work->wanted[i].line_id, line_id))
            return work->wanted[i].name;
    return "";
}

static LineView *line_view(struct call *call, const struct work *work,
                           const struct fulfillment *one, const struct fulfillment_line *line)
{
    LineView *view = ARENA_NEW(call->arena, LineView);
    penstock__fulfillment__v1__fulfillment_line__init(view);
    /* A line needs no row id of its own: fulfillment order and order line name it. */
    struct uuid key[2] = {one->id, line->order_line_id};
    struct uuid id = uuid_of_hash(key, sizeof key);
    view->id = id_text(call->arena, &id);
    view->order_line_id = id_text(call->arena, &line->order_line_id);
    view->sku = arena_strdup(call->arena, line->sku);
    view->name = arena_strdup(call->arena, name_of(work, &line->order_line_id));
    view->allocated = line->allocated;
    view->picked = line->picked;
    view->packed = line->packed;
    view->shipped = line->shipped;
    view->cancelled = line->cancelled;
    return view;
}

static ParcelView *parcel_view(struct call *call, const struct parcel *parcel)
{
    ParcelView *view = ARENA_NEW(call->arena, ParcelView);
    penstock__fulfillment__v1__parcel__init(view);
    view->id = id_text(call->arena, &parcel->id);
    view->status = (Penstock__Fulfillment__V1__ParcelStatus)parcel->status;
    view->carrier = arena_strdup(call->arena, parcel->carrier);
    view->tracking_number = arena_strdup(call->arena, parcel->tracking_number);
    view->shipped_at_us = parcel->shipped_at_us;
    view->delivered_at_us = parcel->delivered_at_us;
    view->lines = ARENA_ARRAY(call->arena, parcel->nlines, ParcelLineView *);
    for (size_t i = 0; i < parcel->nlines; i++) {
        ParcelLineView *line = view->lines[view->n_lines++] =
            ARENA_NEW(call->arena, ParcelLineView);
        penstock__fulfillment__v1__parcel_line__init(line);
        line->order_line_id = id_text(call->arena, &parcel->lines[i].order_line_id);
        line->sku = arena_strdup(call->arena, parcel->lines[i].sku);
        line->quantity = parcel->lines[i].quantity;
    }
    return view;
}

FulfillmentOrder *fulfillment_view(struct call *call, const struct work *work,
                                   const struct fulfillment *one, const struct parcel *parcels,
                                   size_t nparcels)
{
    FulfillmentOrder *view = ARENA_NEW(call->arena, FulfillmentOrder);
    penstock__fulfillment__v1__fulfillment_order__init(view);
    view->id = id_text(call->arena, &one->id);
    view->order_id = id_text(call->arena, &work->order_id);
    view->order_number = arena_strdup(call->arena, work->number);
    view->location = arena_strdup(call->arena, one->location);
    view->status = (Penstock__Fulfillment__V1__FulfillmentOrderStatus)one->status;
    view->version = one->version;
    view->created_at_us = one->created_at_us;
    view->updated_at_us = one->updated_at_us;
    view->delivery = (Penstock__Orders__V1__Delivery *)(uintptr_t)work->delivery;
    view->lines = ARENA_ARRAY(call->arena, one->nlines, LineView *);
    for (size_t i = 0; i < one->nlines; i++)
        view->lines[view->n_lines++] = line_view(call, work, one, &one->lines[i]);
    view->parcels = ARENA_ARRAY(call->arena, nparcels, ParcelView *);
    for (size_t i = 0; i < nparcels; i++)
        if (uuid_equal(&parcels[i].fulfillment_id, &one->id))
            view->parcels[view->n_parcels++] = parcel_view(call, &parcels[i]);
    return view;
}
