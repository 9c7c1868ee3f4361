/* inventory: what there is, where it lies, whom it is promised to, and why. */
#include "handlers.h"
#include "queries.h"

extern const struct migration inventory_migrations[];
extern const size_t inventory_nmigrations;

int main(int argc, char **argv)
{
    const struct service service = {
        .name = "inventory",
        .api = &penstock__inventory__v1__inventory__descriptor,
        .routes = inventory_routes,
        .subscriptions = inventory_subscriptions,
        .timers = inventory_timers,
        .counters = inventory_counters,
        .queries = queries,
        .nqueries = Q_COUNT,
        .migrations = inventory_migrations,
        .nmigrations = inventory_nmigrations,
        .events = inventory_events,
        .follows = inventory_follows,
        .open = inventory_open,
        .close = inventory_close,
        .lead = inventory_lead,
        .unsettled = inventory_unsettled,
    };
    return service_main(&service, argc, argv);
}
