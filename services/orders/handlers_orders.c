/* What people do to an order by hand: confirm it, hold it, record money. And the timer that ends
 * holds whose time is over. */
#include <string.h>

#include "handlers_rules.h"

typedef Penstock__Orders__V1__ConfirmOrderRequest ConfirmOrderRequest;
typedef Penstock__Orders__V1__ConfirmOrderResponse ConfirmOrderResponse;
typedef Penstock__Orders__V1__PlaceHoldRequest PlaceHoldRequest;
typedef Penstock__Orders__V1__PlaceHoldResponse PlaceHoldResponse;
typedef Penstock__Orders__V1__ReleaseHoldRequest ReleaseHoldRequest;
typedef Penstock__Orders__V1__ReleaseHoldResponse ReleaseHoldResponse;
typedef Penstock__Orders__V1__RecordPaymentRequest RecordPaymentRequest;
typedef Penstock__Orders__V1__RecordPaymentResponse RecordPaymentResponse;
typedef Penstock__Orders__V1__UpsertChannelRequest UpsertChannelRequest;
typedef Penstock__Orders__V1__UpsertChannelResponse UpsertChannelResponse;

#define DAY_US (INT64_C(86400) * 1000000)

/* ---- answers that are kept ---- */

static Order **order_in(ProtobufCMessage *out)
{
    return (void *)((char *)out + out->descriptor->fields[0].offset);
}

/* Everything as it was then, but no word about who: that is read again from the order. */
void strip_order(ProtobufCMessage *out, struct arena *arena)
{
    Order *order = *order_in(out);
    (void)arena;
    if (order == NULL)
        return;
    order->customer = NULL;
    order->shipping_address = order->billing_address = NULL;
    order->note = order->shipping_remark = wire_text("");
}

enum status render_order(struct call *call, const ProtobufCMessage *in, ProtobufCMessage *out)
{
    Order *kept = *order_in(out);
    struct uuid id;
    struct order *order;
    (void)in;
    if (kept == NULL || !uuid_parse(kept->id, &id))
        return STATUS_INTERNAL;
    TRY(store_order_load(call->db, call->arena, &id, &order));
    const Order *now = view_order(call->arena, order, NULL);
    kept->customer = now->customer;
    kept->shipping_address = now->shipping_address;
    kept->billing_address = now->billing_address;
    kept->note = now->note;
    kept->shipping_remark = now->shipping_remark;
    return STATUS_OK;
}

/* ---- confirming ---- */

/* Confirmed already is what was asked for, and changes nothing. */
ORDERS_HANDLER(confirm_order, ConfirmOrderRequest, ConfirmOrderResponse)
{
    struct order *order;
    struct refusal no = {.status = STATUS_OK};
    struct act act = act_of(call);
    TRY(load_order(call, in->id, "id", &order));
    bool is_confirmed = rules_confirm(order, &act, &no);
    if (no.status != STATUS_OK)
        return refuse_by(call, &no);
    if (is_confirmed) {
        TRY(emit_confirmed(call, order));
        TRY(complete_if_due(call, order, &act));
        store_order_save(call->db, order);
    }
    out->order = view_order(call->arena, order, NULL);
    return STATUS_OK;
}

/* ---- holds ---- */

ORDERS_HANDLER(place_hold, PlaceHoldRequest, PlaceHoldResponse)
{
    struct order *order;
    struct refusal no;
    struct act act = act_of(call);
    struct uuid id = uuid_new();
    const char *type = in->type[0] != '\0' ? in->type : "manual";
    if (!rules_check_token(type, &no, "type") || !rules_check_text(in->reason, 500, &no, "reason"))
        return refuse_by(call, &no);
    int64_t expires_at_us = in->expires_at_us;
    if (in->until[0] != '\0')
        TRY(read_hold_until(call, in->until, &expires_at_us));
    if (expires_at_us != 0 && expires_at_us <= call->now_us)
        return refuse(call, STATUS_INVALID, "out_of_range", "expires_at",
                      "A hold expires in the future.");
    TRY(load_order(call, in->id, "id", &order));
    struct hold *hold = rules_hold(order, &act, &id, type, in->reason, expires_at_us, &no);
    if (hold == NULL)
        return refuse_by(call, &no);
    TRY(emit_hold_placed(call, order, hold));
    out->hold = view_hold(call->arena, hold);
    store_order_save(call->db, order);
    return STATUS_OK;
}

/* With the last hold goes what kept a pending order of an automatic channel from being confirmed.
 */
enum status release_hold_of(struct call *call, struct order *order, const struct uuid *hold_id,
                            const struct channel *channel)
{
    struct refusal no = {.status = STATUS_OK};
    struct act act = act_of(call);
    struct hold *hold = rules_release(order, &act, hold_id, &no);
    if (hold == NULL)
        return refuse_by(call, &no);
    TRY(emit_hold_released(call, order, hold));
    return confirm_if_due(call, order, &act, channel);
}

static enum status load_channel(struct call *call, const char *name, struct channel **channel)
{
    size_t count;
    TRY(store_channels_load(call->db, &name, 1, channel, &count));
    if (count == 0)
        *channel = NULL;
    return STATUS_OK;
}

ORDERS_HANDLER(release_hold, ReleaseHoldRequest, ReleaseHoldResponse)
{
    struct order *order;
    struct channel *channel;
    struct uuid hold_id;
    if (!uuid_parse(in->hold_id, &hold_id))
        return refuse(call, STATUS_NOT_FOUND, "not_found", "hold_id", "There is no such hold.");
    TRY(load_order(call, in->id, "id", &order));
    TRY(load_channel(call, order->channel, &channel));
    TRY(release_hold_of(call, order, &hold_id, channel));
    store_order_save(call->db, order);
    out->order = view_order(call->arena, order, NULL);
    return STATUS_OK;
}

static enum status expire_holds_of(struct call *call, struct order *order)
{
    struct channel *channel;
    TRY(load_channel(call, order->channel, &channel));
    for (size_t i = 0; i < order->hold_rows; i++) {
        const struct hold *hold = &order->holds[i];
        bool is_due = hold->expires_at_us != 0 && hold->expires_at_us <= call->now_us;
        if (hold->released_at_us == 0 && is_due)
            TRY(release_hold_of(call, order, &hold->id, channel));
    }
    store_order_save(call->db, order);
    return STATUS_OK;
}

enum status expire_holds(struct call *call)
{
    struct uuid *ids;
    size_t count;
    struct order_set set;
    TRY(store_expired_holds(call->db, call->now_us, &ids, &count));
    TRY(store_orders_load(call->db, call->arena, ids, count, &set));
    for (size_t i = 0; i < set.count; i++)
        TRY(expire_holds_of(call, &set.orders[i]));
    return STATUS_OK;
}

/* ---- money ---- */

static bool check_payment(const RecordPaymentRequest *in, int64_t now_us, struct refusal *no)
{
    if (!rules_check_token(in->method, no, "method") ||
        !rules_check_text(in->reference, 128, no, "reference"))
        return false;
    if ((int)in->status == 0)
        return rules_refuse(no, STATUS_INVALID, "required", "A payment has a status.", "%s",
                            "status");
    if ((int)in->status < ENTRY_PENDING || (int)in->status > ENTRY_FAILED)
        return rules_refuse(no, STATUS_INVALID, "invalid",
                            "A status is pending, authorized, captured, voided or failed.", "%s",
                            "status");
    if (in->paid_at_us < 0 || in->paid_at_us > now_us + DAY_US)
        return rules_refuse(no, STATUS_INVALID, "out_of_range", "Nothing is paid in the future.",
                            "%s", "paid_at");
    return true;
}

ORDERS_HANDLER(record_payment, RecordPaymentRequest, RecordPaymentResponse)
{
    struct order *order;
    struct refusal no;
    struct act act = act_of(call);
    struct uuid id = uuid_new();
    struct payment_facts facts = {.method = in->method,
                                  .reference = in->reference,
                                  .status = (enum entry_status)in->status,
                                  .paid_at_us = in->paid_at_us};
    if (!check_payment(in, call->now_us, &no))
        return refuse_by(call, &no);
    TRY(load_order(call, in->id, "id", &order));
    if (!rules_check_amount(in->amount, order->currency, &no, "amount", &facts.amount))
        return refuse_by(call, &no);
    bool changed;
    const struct payment *payment = rules_payment(order, &act, &id, &facts, &changed, &no);
    if (payment == NULL)
        return refuse_by(call, &no);
    if (changed) {
        TRY(emit_payment(call, order, payment));
        TRY(hold_if_paid_late(call, order, &act));
        TRY(confirm_if_due(call, order, &act, NULL));
        TRY(complete_if_due(call, order, &act));
        store_order_save(call->db, order);
    }
    out->order = view_order(call->arena, order, NULL);
    return STATUS_OK;
}

/* ---- channels ---- */

/* "shop-hk" counts as SHOP-HK-100001. */
static bool read_prefix(struct arena *arena, const UpsertChannelRequest *in, const char **prefix)
{
    char *text = arena_strdup(arena, in->number_prefix[0] != '\0' ? in->number_prefix : in->name);
    for (char *s = text; *s != '\0'; s++) {
        if (*s >= 'a' && *s <= 'z')
            *s = (char)(*s - 'a' + 'A');
        else if (*s == '_' || *s == '.')
            *s = '-';
    }
    *prefix = text;
    size_t length = strlen(text);
    return length >= 1 && length <= 40 &&
           strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") == length;
}

ORDERS_HANDLER(upsert_channel, UpsertChannelRequest, UpsertChannelResponse)
{
    struct refusal no;
    struct channel *other, *channel;
    const char *prefix;
    if (!rules_check_token(in->name, &no, "name"))
        return refuse_by(call, &no);
    if (!read_prefix(call->arena, in, &prefix))
        return refuse(call, STATUS_INVALID, "invalid", "number_prefix",
                      "A prefix is 1 to 40 letters, digits and '-'.");
    TRY(load_channel(call, in->name, &channel));
    if (channel != NULL && in->number_prefix[0] == '\0')
        prefix = channel->number_prefix;
    TRY(store_channel_of_prefix(call->db, prefix, &other));
    if (other != NULL && strcmp(other->name, in->name) != 0)
        return refuse(call, STATUS_CONFLICT, "duplicate_prefix", "number_prefix",
                      "The channel %.64s counts with this prefix.", other->name);
    TRY(store_channel_put(call->db, in->name, prefix, in->confirms_manually));
    out->name = in->name;
    out->number_prefix = wire_text(prefix);
    out->confirms_manually = in->confirms_manually;
    return STATUS_OK;
}
