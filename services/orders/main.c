/* orders: what was sold, to whom, for how much, and what became of it. */
#include "handlers_rules.h"
#include "queries.h"

extern const struct migration orders_migrations[];
extern const size_t orders_nmigrations;

int main(int argc, char **argv)
{
    const struct service service = {
        .name = "orders",
        .api = &penstock__orders__v1__orders__descriptor,
        .routes = orders_routes,
        .subscriptions = orders_subscriptions,
        .projections = orders_projections,
        .timers = orders_timers,
        .outcalls = orders_outcalls,
        .counters = orders_counters,
        .conf_keys = orders_conf_keys,
        .conf_size = sizeof(struct orders_conf),
        .queries = queries,
        .nqueries = Q_COUNT,
        .migrations = orders_migrations,
        .nmigrations = orders_nmigrations,
        .events = orders_events,
        .open = orders_state_open,
        .close = orders_state_close,
        .lead = orders_lead,
    };
    return service_main(&service, argc, argv);
}
