/* fulfillment: what has to be picked, packed and shipped, where, and what became of it. */
#include "handlers.h"
#include "queries.h"

extern const struct migration fulfillment_migrations[];
extern const size_t fulfillment_nmigrations;

int main(int argc, char **argv)
{
    const struct service service = {
        .name = "fulfillment",
        .api = &penstock__fulfillment__v1__fulfillment__descriptor,
        .routes = fulfillment_routes,
        .subscriptions = fulfillment_subscriptions,
        .counters = fulfillment_counters,
        .queries = queries,
        .nqueries = Q_COUNT,
        .migrations = fulfillment_migrations,
        .nmigrations = fulfillment_nmigrations,
        .events = fulfillment_events,
        .unsettled = fulfillment_unsettled,
        .follows = fulfillment_follows,
    };
    return service_main(&service, argc, argv);
}
