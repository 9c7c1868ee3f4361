/* returns: what customers send back, what becomes of it, and what they are owed for it. */
#include "handlers.h"
#include "queries.h"

extern const struct migration returns_migrations[];
extern const size_t returns_nmigrations;

int main(int argc, char **argv)
{
    const struct service service = {
        .name = "returns",
        .api = &penstock__returns__v1__returns__descriptor,
        .routes = returns_routes,
        .subscriptions = returns_subscriptions,
        .follows = returns_follows,
        .counters = returns_counters,
        .queries = queries,
        .nqueries = Q_COUNT,
        .migrations = returns_migrations,
        .nmigrations = returns_nmigrations,
        .events = returns_events,
    };
    return service_main(&service, argc, argv);
}
