/* What the service is made of: its routes, what it listens to, its timers, its keys. */
#include "handlers.h"
#include "penstock/fulfillment/v1/fulfillment.pb-c.h"
#include "penstock/inventory/v1/inventory.pb-c.h"
#include "penstock/returns/v1/returns.pb-c.h"

#define ASKS_RESERVE(build_, reads_, timeout_)                                                     \
    {                                                                                              \
        .service = "inventory", .rpc = "Reserve",                                                  \
        .question = &penstock__inventory__v1__reserve_request__descriptor,                         \
        .answer = &penstock__inventory__v1__reserve_response__descriptor, .build = (build_),       \
        .reads = (reads_), .timeout_ms = (timeout_)                                                \
    }
#define ASKS_STOP(build_)                                                                          \
    {                                                                                              \
        .service = "fulfillment", .rpc = "StopWork",                                               \
        .question = &penstock__fulfillment__v1__stop_work_request__descriptor,                     \
        .answer = &penstock__fulfillment__v1__stop_work_response__descriptor, .build = (build_),   \
        .reads = true                                                                              \
    }

const struct route orders_routes[] = {
    {.rpc = "PlaceOrder",
     .kind = ROUTE_BATCH,
     .batch = place_orders,
     .permission = "orders:write",
     .asks = {ASKS_RESERVE(ask_reserve_for_place, false, place_timeout_ms)},
     .strip = strip_placed,
     .render = render_placed},
    {.rpc = "ImportOrder",
     .kind = ROUTE_BATCH,
     .batch = import_orders,
     .asks = {ASKS_RESERVE(ask_reserve_for_import, true, import_timeout_ms),
              ASKS_STOP(ask_stop_for_import)}},
    {.rpc = "GetOrder", .kind = ROUTE_QUERY, .handler = get_order, .permission = "orders:read"},
    {.rpc = "ListOrders", .kind = ROUTE_QUERY, .handler = list_orders, .permission = "orders:read"},
    {.rpc = "ConfirmOrder",
     .kind = ROUTE_COMMAND,
     .handler = confirm_order,
     .permission = "orders:write",
     .strip = strip_order,
     .render = render_order},
    {.rpc = "CancelOrder",
     .kind = ROUTE_COMMAND,
     .handler = cancel_order,
     .permission = "orders:write",
     .asks = {ASKS_STOP(ask_stop_for_cancel)},
     .strip = strip_order,
     .render = render_order},
    {.rpc = "PlaceHold",
     .kind = ROUTE_COMMAND,
     .handler = place_hold,
     .permission = "orders:write"},
    {.rpc = "ReleaseHold",
     .kind = ROUTE_COMMAND,
     .handler = release_hold,
     .permission = "orders:write",
     .strip = strip_order,
     .render = render_order},
    {.rpc = "RecordPayment",
     .kind = ROUTE_COMMAND,
     .handler = record_payment,
     .permission = "payments:write",
     .strip = strip_order,
     .render = render_order},
    {.rpc = "RecordRefund",
     .kind = ROUTE_COMMAND,
     .handler = record_refund,
     .permission = "payments:write",
     .strip = strip_order,
     .render = render_order},
    {.rpc = "GetTimeline",
     .kind = ROUTE_QUERY,
     .handler = get_timeline,
     .permission = "orders:read"},
    {.rpc = "GetContacts", .kind = ROUTE_QUERY, .handler = get_contacts},
    {.rpc = "UpsertChannel", .kind = ROUTE_COMMAND, .handler = upsert_channel},
    {.rpc = "ApproveRefund",
     .kind = ROUTE_COMMAND,
     .handler = approve_refund,
     .permission = "payments:write",
     .strip = strip_order,
     .render = render_order},
    {.rpc = "DeclineRefund",
     .kind = ROUTE_COMMAND,
     .handler = decline_refund,
     .permission = "payments:write",
     .strip = strip_order,
     .render = render_order},
    {.rpc = "RetryRefund",
     .kind = ROUTE_COMMAND,
     .handler = retry_refund,
     .permission = "payments:write",
     .strip = strip_order,
     .render = render_order},
    {.rpc = "ListRefunds",
     .kind = ROUTE_QUERY,
     .handler = list_refunds,
     .permission = "orders:read"},
    {.rpc = "GetRefundPolicy",
     .kind = ROUTE_QUERY,
     .handler = get_refund_policy,
     .permission = "settings:read"},
    {.rpc = "UpdateRefundPolicy",
     .kind = ROUTE_COMMAND,
     .handler = update_refund_policy,
     .permission = "settings:write"},
    {.rpc = NULL},
};

const struct subscription orders_subscriptions[] = {
    {"inventory", &penstock__inventory__v1__stock_allocated__descriptor, on_stock_allocated},
    {"inventory", &penstock__inventory__v1__stock_released__descriptor, on_stock_released},
    {"fulfillment", &penstock__fulfillment__v1__fulfillment_picked__descriptor,
     on_fulfillment_picked},
    {"fulfillment", &penstock__fulfillment__v1__fulfillment_packed__descriptor,
     on_fulfillment_packed},
    {"fulfillment", &penstock__fulfillment__v1__fulfillment_shipped__descriptor,
     on_fulfillment_shipped},
    {"fulfillment", &penstock__fulfillment__v1__fulfillment_cancelled__descriptor,
     on_fulfillment_cancelled},
    {"fulfillment", &penstock__fulfillment__v1__parcel_delivered__descriptor, on_parcel_delivered},
    {"returns", &penstock__returns__v1__return_requested__descriptor, on_return_requested},
    {"returns", &penstock__returns__v1__return_approved__descriptor, on_return_approved},
    {"returns", &penstock__returns__v1__return_received__descriptor, on_return_received},
    {"returns", &penstock__returns__v1__return_inspected__descriptor, on_return_inspected},
    {"returns", &penstock__returns__v1__return_ended__descriptor, on_return_ended},
    {NULL, NULL, NULL},
};

const struct projection orders_projections[] = {
    {"search", NULL, project_search},
    {NULL, NULL, NULL},
};

const struct timer orders_timers[] = {
    {"expire_holds", 1000, expire_holds},
    {NULL, 0, NULL},
};

const struct counter orders_counters[] = {
    {"orders_placed_total", "Orders placed over the API."},
    {"orders_imported_total", "Orders placed by channels."},
    {"orders_cancelled_total", "Cancellations, whole or in part."},
    {NULL, NULL},
};

const struct conf_key orders_conf_keys[] = {
    CONF_INT(
        struct orders_conf, notify_max_age_hours, "2160", 0, 87600,
        "Customers of orders that were placed longer ago than this hear nothing when the order "
        "is taken over."),
    CONF_END,
};

const ProtobufCMessageDescriptor *const orders_events[] = {
    &penstock__orders__v1__order_placed__descriptor,
    &penstock__orders__v1__order_confirmed__descriptor,
    &penstock__orders__v1__order_cancelled__descriptor,
    &penstock__orders__v1__order_changed__descriptor,
    &penstock__orders__v1__order_contact_changed__descriptor,
    &penstock__orders__v1__order_completed__descriptor,
    &penstock__orders__v1__hold_placed__descriptor,
    &penstock__orders__v1__hold_released__descriptor,
    &penstock__orders__v1__payment_recorded__descriptor,
    &penstock__orders__v1__refund_recorded__descriptor,
    &penstock__orders__v1__refund_policy_changed__descriptor,
    NULL,
};
