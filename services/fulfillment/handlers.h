/* handlers.h -- what the handlers of fulfillment share: loading a target, refusing, showing.
 *
 * Ownership: everything lives in the call's arena.
 */
#pragma once

#include "common/service.h"
#include "penstock/fulfillment/v1/fulfillment.pb-c.h"
#include "rules.h"
#include "store.h"

typedef Penstock__Fulfillment__V1__FulfillmentOrder FulfillmentOrder;

/* One fulfillment order with all that is known of its order. */
struct target {
    struct works works;
    struct work *work;
    struct fulfillment *one;
    struct parcel *parcels; /* of the whole order */
    size_t nparcels;
    bool is_stopped;
};

/* Refuses with NOT_FOUND when there is no such fulfillment order. */
enum status target_load(struct call *call, const char *id, struct target *target) MUST_CHECK;

/* Answers the call with a rule's "no". */
enum status refuse_by_rule(struct call *call, const struct refusal *refusal);

/* The fulfillment order as the API shows it; of parcels those that are its own. */
FulfillmentOrder *fulfillment_view(struct call *call, const struct work *work,
                                   const struct fulfillment *one, const struct parcel *parcels,
                                   size_t nparcels);

/* An id as text, in the arena. */
char *id_text(struct arena *arena, const struct uuid *id);

const char *fulfillment_follows(const ProtobufCMessage *event);
extern const struct subscription fulfillment_subscriptions[];
extern const struct route fulfillment_routes[];
extern const struct counter fulfillment_counters[];
extern const ProtobufCMessageDescriptor *const fulfillment_events[];

/* As HANDLER() of service.h, but visible to the route table. */
#define FULFILLMENT_HANDLER(fn, In, Out)                                                           \
    static enum status fn##_typed(struct call *call, const In *in, Out *out);                      \
    enum status fn(struct call *call, const ProtobufCMessage *in, ProtobufCMessage *out)           \
    {                                                                                              \
        return fn##_typed(call, (const In *)in, (Out *)out);                                       \
    }                                                                                              \
    static enum status fn##_typed(struct call *call, const In *in, Out *out)

/* What a parcel is known by; key "" is its id, parcel_id nil a new one. */
struct label {
    const char *carrier, *tracking_number, *key;
    struct uuid parcel_id;
};
/* Whether the warehouse may touch it now: refuses, or waits for what is on its way. */
enum status target_may_work(struct call *call, const struct target *target) MUST_CHECK;
/* One parcel leaves with what the plan says, and says so. */
enum status target_ship(struct call *call, struct target *target, const struct label *label,
                        const struct step_plan *plan) MUST_CHECK;

/* A parcel of this id, if the fulfillment order has one that is still on its way, has arrived. */
enum status target_deliver(struct call *call, const char *fulfillment_id,
                           const struct uuid *parcel_id, int64_t at_us) MUST_CHECK;

/* ---- parcels that several orders share (handlers_shipment.c) ---- */

handler_fn ship_together, get_shipment, list_shipments, ship_shipment, take_apart_shipment;
enum status ask_recipients(struct call *call, const ProtobufCMessage *in,
                           ProtobufCMessage *question);
/* Those that are open and have any of these orders in them: each order goes its own way again. */
enum status shipments_take_apart(struct call *call, const struct uuid *order_ids, size_t count,
                                 const char *reason) MUST_CHECK;
/* What has arrived for one order of a shared parcel has arrived for the others. */
enum status shipments_deliver_others(struct call *call, const struct uuid *parcel_id,
                                     const struct uuid *order_id, int64_t at_us) MUST_CHECK;
/* Refuses when the order is in an open one: its things leave with the others'. */
enum status shipments_refuse_alone(struct call *call, const struct uuid *order_id) MUST_CHECK;

/* The routes of handlers_query.c and handlers_stop.c, for the table that closes handlers.c. */
handler_fn get_fulfillment, list_fulfillments, stop_work;
enum status fulfillment_unsettled(struct call *call, int64_t age_us, struct unsettled *list,
                                  size_t *count);

#define COUNT_CREATED "orders_created_total"
#define COUNT_PICKED "units_picked_total"
#define COUNT_PACKED "units_packed_total"
#define COUNT_SHIPPED "units_shipped_total"
#define COUNT_PARCELS "parcels_total"
#define COUNT_CANCELLED "orders_cancelled_total"
#define COUNT_STOPS "stops_total"
