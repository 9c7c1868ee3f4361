/* gateway: the edge. HTTP in, channels' deliveries, API keys; everything else is asked of others.
 */
#include "penstock/gateway/v1/channel_api.pb-c.h"
#include "penstock/gateway/v1/gateway.pb-c.h"
#include "penstock/orders/v1/customers.pb-c.h"
#include "queries.h"
#include "services/gateway/access.h"
#include "services/gateway/audit.h"
#include "services/gateway/edge.h"
#include "services/gateway/gateway.h"
#include "services/gateway/inbox.h"
#include "services/gateway/people.h"

extern const struct migration gateway_migrations[];
extern const size_t gateway_nmigrations;

static const struct route gateway_routes[] = {
    INBOX_ROUTES ACCESS_ROUTES PEOPLE_ROUTES AUDIT_ROUTES{.rpc = NULL}};
static const struct timer gateway_timers[] = {
    INBOX_TIMERS PEOPLE_TIMERS AUDIT_TIMERS{.name = NULL}};
static const struct outcall gateway_outcalls[] = {INBOX_OUTCALLS ACCESS_OUTCALLS{.name = NULL}};
static const struct counter gateway_counters[] = {INBOX_COUNTERS{NULL, NULL}};
static const ProtobufCMessageDescriptor *const gateway_events[] = {
    &penstock__gateway__v1__key_created__descriptor,
    &penstock__gateway__v1__key_revoked__descriptor,
    &penstock__gateway__v1__channel_changed__descriptor,
    &penstock__gateway__v1__channel_api_changed__descriptor,
    &penstock__gateway__v1__person_added__descriptor,
    &penstock__gateway__v1__person_changed__descriptor,
    NULL,
};

static const struct subscription gateway_subscriptions[] = {
    {"orders", &penstock__orders__v1__customer_erased__descriptor, on_customer_erased},
    {NULL, NULL, NULL},
};

/* Handlers need nothing but the configuration. */
static void *open_state(void *conf)
{
    return conf;
}

int main(int argc, char **argv)
{
    const struct service service = {
        .name = "gateway",
        .api = &penstock__gateway__v1__gateway__descriptor,
        .routes = gateway_routes,
        .subscriptions = gateway_subscriptions,
        .timers = gateway_timers,
        .outcalls = gateway_outcalls,
        .counters = gateway_counters,
        .conf_keys = gateway_conf_keys,
        .conf_size = sizeof(struct gateway_conf),
        .queries = queries,
        .nqueries = Q_COUNT,
        .migrations = gateway_migrations,
        .nmigrations = gateway_nmigrations,
        .events = gateway_events,
        .open = open_state,
        .lead = inbox_lead,
        .start = edge_start,
        .stop = edge_stop,
        .is_stopped = edge_is_stopped,
        .end = edge_end,
    };
    return service_main(&service, argc, argv);
}
