/* handlers_rules.h -- how the other handlers ask the shop's rules.
 *
 * The writer keeps the rules in memory and reads them again after they have changed: a shop without
 * rules pays nothing for them.
 *
 * Ownership: the state belongs to its thread; main.c makes and frees it.
 */
#pragma once

#include "handlers.h"
#include "rules_auto.h"

/* What a thread of the service keeps between calls. The configuration comes first: call->state is
 * that, too. */
struct orders_state {
    struct orders_conf conf;
    struct arena *arena; /* of the set */
    struct auto_set set;
    bool is_fresh;
};
void *orders_state_open(void *conf);
void orders_state_close(void *state);
/* The writer leads: what another has changed meanwhile is read again. */
enum status orders_lead(struct call *call);
/* After this call has changed a rule or the blacklist. */
void rules_forget(struct call *call);

/* The rules as they are; NULL: there are none. In the writer only. */
enum status rules_now(struct call *call, const struct auto_set **set) MUST_CHECK;
/* What an order that is being placed needs of them; nothing when there are none. */
enum status rules_for_placing(struct call *call, struct placing *placing) MUST_CHECK;
/* Tells which rules fired. */
enum status emit_rules_fired(struct call *call, const struct order *order,
                             const struct auto_verdict *verdict) MUST_CHECK;
/* What is known of the order's customer. */
enum status load_history(struct call *call, const struct order *order,
                         struct auto_history *history) MUST_CHECK;
/* Confirms a pending order that nothing holds, if its channel and the rules let it go by itself.
 * channel NULL: it is loaded if that matters. */
enum status confirm_if_due(struct call *call, struct order *order, const struct act *act,
                           const struct channel *channel) MUST_CHECK;

/* ---- orders that are not paid in time (handlers_unpaid.c) ---- */

handler_fn get_verification, update_verification, reopen_order;
enum status expire_unpaid(struct call *call);
/* After a payment: the order had expired, and somebody decides what becomes of the money. */
enum status hold_if_paid_late(struct call *call, struct order *order,
                              const struct act *act) MUST_CHECK;
/* When a day begins where the shop is, or a refusal. */
enum status read_hold_until(struct call *call, const char *day, int64_t *at_us) MUST_CHECK;

handler_fn submit_transfer, approve_transfer, decline_transfer, list_transfers;

/* clang-format off */
/* Rows for tables.c. */
#define RULES_ROUTES \
    {.rpc = "CreateRule", .kind = ROUTE_COMMAND, .handler = create_rule, .permission = "settings:write"}, \
    {.rpc = "UpdateRule", .kind = ROUTE_COMMAND, .handler = update_rule, .permission = "settings:write"}, \
    {.rpc = "DeleteRule", .kind = ROUTE_COMMAND, .handler = delete_rule, .permission = "settings:write"}, \
    {.rpc = "ListRules", .kind = ROUTE_QUERY, .handler = list_rules, .permission = "settings:read"}, \
    {.rpc = "DryRunRule", .kind = ROUTE_QUERY, .handler = dry_run_rule, .permission = "settings:read"}, \
    {.rpc = "AddToBlacklist", .kind = ROUTE_COMMAND, .handler = add_to_blacklist, .permission = "orders:write"}, \
    {.rpc = "RemoveFromBlacklist", .kind = ROUTE_COMMAND, .handler = remove_from_blacklist, .permission = "orders:write"}, \
    {.rpc = "ListBlacklist", .kind = ROUTE_QUERY, .handler = list_blacklist, .permission = "orders:read"},
#define UNPAID_ROUTES \
    {.rpc = "GetVerification", .kind = ROUTE_QUERY, .handler = get_verification, .permission = "settings:read"}, \
    {.rpc = "UpdateVerification", .kind = ROUTE_COMMAND, .handler = update_verification, .permission = "settings:write"}, \
    {.rpc = "ReopenOrder", .kind = ROUTE_COMMAND, .handler = reopen_order, .permission = "orders:write", .strip = strip_order, .render = render_order},
#define TRANSFER_ROUTES \
    {.rpc = "SubmitTransfer", .kind = ROUTE_COMMAND, .handler = submit_transfer, .permission = "orders:write", .strip = strip_order, .render = render_order}, \
    {.rpc = "ApproveTransfer", .kind = ROUTE_COMMAND, .handler = approve_transfer, .permission = "payments:write", .strip = strip_order, .render = render_order}, \
    {.rpc = "DeclineTransfer", .kind = ROUTE_COMMAND, .handler = decline_transfer, .permission = "payments:write", .strip = strip_order, .render = render_order}, \
    {.rpc = "ListTransfers", .kind = ROUTE_QUERY, .handler = list_transfers, .permission = "orders:read"},
#define RULES_EVENTS \
    &penstock__orders__v1__order_expired__descriptor, \
    &penstock__orders__v1__order_reopened__descriptor, \
    &penstock__orders__v1__verification_changed__descriptor, \
    &penstock__orders__v1__rule_changed__descriptor, \
    &penstock__orders__v1__rule_fired__descriptor, \
    &penstock__orders__v1__blacklist_changed__descriptor,
/* clang-format on */
