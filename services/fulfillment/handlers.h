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
