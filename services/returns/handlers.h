/* handlers.h -- what the handlers of returns share: loading a target, refusing, showing.
 *
 * Ownership: everything lives in the call's arena.
 */
#pragma once

#include "common/service.h"
#include "penstock/returns/v1/returns.pb-c.h"
#include "rules.h"
#include "store.h"

typedef Penstock__Returns__V1__ReturnOrder ReturnOrder;
typedef Penstock__Common__V1__Money Money;

/* One return with all that is known of its order. */
struct target {
    struct sales sales;
    struct sale *sale;
    struct return_order *one;
};

/* By id or number; refuses with NOT_FOUND when there is no such return. */
enum status target_load(struct call *call, const char *id, struct target *target) MUST_CHECK;

/* Answers the call with a rule's "no". */
enum status refuse_by_rule(struct call *call, const struct refusal *refusal);

ReturnOrder *return_view(struct call *call, const struct sale *sale,
                         const struct return_order *one);
Money *money_view(struct call *call, int64_t minor, const char *currency);
/* An id as text, in the arena. */
char *id_text(struct arena *arena, const struct uuid *id);

const char *returns_follows(const ProtobufCMessage *event);
extern const struct subscription returns_subscriptions[];
extern const struct route returns_routes[];
extern const struct counter returns_counters[];
extern const ProtobufCMessageDescriptor *const returns_events[];

/* The routes of handlers_query.c, for the table that closes handlers.c. */
handler_fn get_return, list_returns;

#define COUNT_REQUESTED "requested_total"
#define COUNT_RECEIVED "units_received_total"
#define COUNT_INSPECTED "units_inspected_total"
