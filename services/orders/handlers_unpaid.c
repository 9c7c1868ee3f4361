/* Orders that are not paid in time expire, and give their stock back by the events of that; money
 * that comes too late is recorded all the same, and somebody decides. */
#include <string.h>

#include "common/zone.h"
#include "handlers_rules.h"
#include "store_unpaid.h"

typedef Penstock__Orders__V1__Verification Verification;
typedef Penstock__Orders__V1__GetVerificationRequest GetVerificationRequest;
typedef Penstock__Orders__V1__GetVerificationResponse GetVerificationResponse;
typedef Penstock__Orders__V1__UpdateVerificationRequest UpdateVerificationRequest;
typedef Penstock__Orders__V1__UpdateVerificationResponse UpdateVerificationResponse;
typedef Penstock__Orders__V1__ReopenOrderRequest ReopenOrderRequest;
typedef Penstock__Orders__V1__ReopenOrderResponse ReopenOrderResponse;

#define DAY_US (INT64_C(86400) * 1000000)
#define MAX_MINUTES 129600 /* ninety days */

/* ---- expiring ---- */

static enum status expire_one(struct call *call, struct order *order)
{
    struct act act = act_of(call);
    Penstock__Orders__V1__OrderExpired event;
    struct expired_line *lines = ARENA_ARRAY(call->arena, order->line_count, struct expired_line);
    if (!rules_order_may(order->status, ORDER_EXPIRED))
        return STATUS_OK;
    size_t count = rules_expire(order, &act, lines);
    penstock__orders__v1__order_expired__init(&event);
    event.order_id = wire_uuid(call->arena, &order->id);
    TRY(emit(call, event.order_id, &event.base));
    TRY(emit_changed(call, order));
    store_order_save(call->db, order);
    for (size_t i = 0; i < count; i++)
        store_expiry_add(call->db, &order->id, &lines[i]);
    call_log_order(call, "orders.expired", "The order was not paid in time", event.order_id);
    return STATUS_OK;
}

enum status expire_unpaid(struct call *call)
{
    struct uuid *ids;
    size_t count;
    struct order_set set;
    TRY(store_unpaid_due(call->db, call->now_us, &ids, &count));
    for (size_t i = 0; i < count; i++) {
        /* One by one: members of a family are loaded together. */
        TRY(store_orders_load(call->db, call->arena, &ids[i], 1, &set));
        struct order *order = store_orders_find(&set, &ids[i]);
        if (order != NULL)
            TRY(expire_one(call, order));
    }
    return STATUS_OK;
}

/* ---- money that comes too late, and the way back ---- */

enum status hold_if_paid_late(struct call *call, struct order *order, const struct act *act)
{
    struct uuid id = uuid_new();
    struct hold *hold = rules_paid_late(order, act, &id);
    return hold != NULL ? emit_hold_placed(call, order, hold) : STATUS_OK;
}

static enum status release_paid_late(struct call *call, struct order *order, const struct act *act)
{
    struct refusal no;
    const struct hold *standing = rules_standing_hold(order, "paid_late");
    if (standing == NULL)
        return STATUS_OK;
    struct uuid id = standing->id;
    const struct hold *hold = rules_release(order, act, &id, &no);
    return hold != NULL ? emit_hold_released(call, order, hold) : STATUS_OK;
}

ORDERS_HANDLER(reopen_order, ReopenOrderRequest, ReopenOrderResponse)
{
    struct order *order;
    struct refusal no;
    struct act act = act_of(call);
    struct expired_line *lines;
    size_t count;
    Penstock__Orders__V1__OrderReopened event;
    TRY(load_order(call, in->id, "id", &order));
    TRY(store_expiry_load(call->db, &order->id, &lines, &count));
    if (!rules_reopen(order, &act, lines, count, &no))
        return refuse_by(call, &no);
    penstock__orders__v1__order_reopened__init(&event);
    event.order_id = wire_uuid(call->arena, &order->id);
    TRY(emit(call, event.order_id, &event.base));
    TRY(emit_changed(call, order));
    TRY(release_paid_late(call, order, &act));
    TRY(confirm_if_due(call, order, &act, NULL));
    TRY(store_expiry_delete(call->db, &order->id));
    store_order_save(call->db, order);
    call_log_order(call, "orders.reopened", "An expired order is wanted again", event.order_id);
    out->order = view_order(call->arena, order, NULL);
    return STATUS_OK;
}

/* ---- how long a channel waits ---- */

static enum status show_channel(struct call *call, const char *name, Verification **out)
{
    struct channel *channel;
    size_t count;
    TRY(store_channels_load(call->db, &name, 1, &channel, &count));
    if (count == 0)
        return refuse(call, STATUS_NOT_FOUND, "not_found", "channel",
                      "There is no channel of this name.");
    *out = ARENA_NEW(call->arena, Verification);
    penstock__orders__v1__verification__init(*out);
    (*out)->channel = wire_text(channel->name);
    (*out)->unpaid_minutes = channel->unpaid_minutes;
    return STATUS_OK;
}

ORDERS_HANDLER(get_verification, GetVerificationRequest, GetVerificationResponse)
{
    return show_channel(call, in->channel, &out->verification);
}

ORDERS_HANDLER(update_verification, UpdateVerificationRequest, UpdateVerificationResponse)
{
    Penstock__Orders__V1__VerificationChanged event;
    if (in->unpaid_minutes < 0 || in->unpaid_minutes > MAX_MINUTES)
        return refuse(call, STATUS_INVALID, "out_of_range", "unpaid_minutes",
                      "An order waits for at most ninety days; 0: it waits for no payment.");
    TRY(show_channel(call, in->channel, &out->verification));
    TRY(store_channel_set_unpaid(call->db, in->channel, in->unpaid_minutes));
    out->verification->unpaid_minutes = in->unpaid_minutes;
    penstock__orders__v1__verification_changed__init(&event);
    event.channel = in->channel;
    event.unpaid_minutes = in->unpaid_minutes;
    return emit(call, arena_printf(call->arena, "channel:%s", in->channel), &event.base);
}

/* ---- holds until a day ---- */

/* The moment at which the day begins where the shop is. Its offset there and then is looked up
 * twice: on a day on which the clock changes, the first guess may be an hour off. */
enum status read_hold_until(struct call *call, const char *day, int64_t *at_us)
{
    const struct orders_conf *conf = call->state;
    struct zone *zone;
    int64_t days;
    if (!rules_read_day(day, &days))
        return refuse(call, STATUS_INVALID, "invalid", "until", "A day is written 2026-11-30.");
    *at_us = days * DAY_US;
    if (zone_open(conf->shop_time_zone, &zone) != STATUS_OK)
        return STATUS_INTERNAL;
    for (int i = 0; i < 2; i++)
        *at_us = days * DAY_US - (int64_t)zone_offset_s(zone, *at_us) * 1000000;
    zone_close(&zone);
    return STATUS_OK;
}
