/* PlaceOrder: the hot path. A turn's orders are checked and decided in memory and written as sets.
 */
#include <string.h>

#include "handlers.h"
#include "handlers_fill.h"
#include "handlers_place.h"
#include "handlers_rules.h"
#include "penstock/inventory/v1/inventory.pb-c.h"

typedef Penstock__Inventory__V1__ReserveRequest ReserveRequest;
typedef Penstock__Inventory__V1__ReserveLine ReserveLine;

#define ACCEPT_WAITS_MS 500

/* ---- the question ---- */

static void ask_lines(struct call *call, const PlaceOrderRequest *in, ReserveRequest *question)
{
    question->lines = ARENA_ARRAY(call->arena, in->n_lines, ReserveLine *);
    for (size_t i = 0; i < in->n_lines; i++) {
        const LineInput *line = in->lines[i];
        ReserveLine *asked = ARENA_NEW(call->arena, ReserveLine);
        penstock__inventory__v1__reserve_line__init(asked);
        asked->sku = line->sku;
        asked->quantity = rules_input_takes_stock(line) ? line->quantity - line->cancelled : 0;
        question->lines[question->n_lines++] = asked;
    }
}

static bool takes_stock(const PlaceOrderRequest *in)
{
    for (size_t i = 0; i < in->n_lines; i++) {
        if (rules_input_takes_stock(in->lines[i]) &&
            in->lines[i]->quantity > in->lines[i]->cancelled)
            return true;
    }
    return false;
}

/* What is no order is not asked about; its handler says why. Nothing in a question depends on the
 * clock: a repeat asks the same. */
static enum status build_reserve(struct call *call, const PlaceOrderRequest *in, bool is_import,
                                 ProtobufCMessage *message)
{
    struct refusal no;
    ReserveRequest *question = (ReserveRequest *)message;
    if (!rules_check_order(in, is_import, call->now_us, &no) || !takes_stock(in))
        return STATUS_NOT_FOUND;
    bool requires = (int)in->stock_policy == (int)POLICY_REQUIRE;
    question->policy =
        (Penstock__Inventory__V1__StockPolicy)(requires ? POLICY_REQUIRE : POLICY_ACCEPT);
    question->reservation_id = in->reservation_id;
    question->wants_prices = !is_import && fill_lacks_prices(in);
    question->channel = in->channel;
    question->country =
        in->shipping_address != NULL ? in->shipping_address->country : question->country;
    question->placed_at_us = in->placed_at_us;
    ask_lines(call, in, question);
    return STATUS_OK;
}

enum status place_build_reserve(struct call *call, const PlaceOrderRequest *in,
                                ProtobufCMessage *question)
{
    return build_reserve(call, in, false, question);
}

enum status ask_reserve_for_place(struct call *call, const ProtobufCMessage *in,
                                  ProtobufCMessage *question)
{
    return place_build_reserve(call, (const PlaceOrderRequest *)in, question);
}

int place_timeout_ms(const ProtobufCMessage *in)
{
    const PlaceOrderRequest *request = (const PlaceOrderRequest *)in;
    return (int)request->stock_policy == (int)POLICY_REQUIRE ? 0 : ACCEPT_WAITS_MS;
}

/* The import's question; an order that is here already is not reserved for again. */
enum status ask_reserve_for_import(struct call *call, const ProtobufCMessage *in,
                                   ProtobufCMessage *question)
{
    const ImportOrderRequest *import = (const ImportOrderRequest *)in;
    if (import->order == NULL || import->is_cancelled)
        return STATUS_NOT_FOUND;
    struct uuid *known;
    size_t count;
    TRY(store_orders_by_external(call->db, import->channel, import->external_id, &known, &count));
    if (count > 0)
        return STATUS_NOT_FOUND;
    const PlaceOrderRequest *order = import->order;
    struct refusal no;
    if (!rules_check_order(order, true, call->now_us, &no))
        order = rules_clean_order(order, call->arena);
    return order != NULL ? build_reserve(call, order, true, question) : STATUS_NOT_FOUND;
}

int import_timeout_ms(const ProtobufCMessage *in)
{
    (void)in;
    return ACCEPT_WAITS_MS;
}

/* ---- the answer that is kept, and its way back ---- */

static bool is_all_reserved(const Order *order)
{
    for (size_t i = 0; i < order->n_lines; i++) {
        if (order->lines[i]->unallocated > 0)
            return false;
    }
    return true;
}

/* What was decided stays: ids, number, statuses, times, and what was reserved where that is not
 * all. Everything else stands in the request. */
static Order *keep_decided(const Order *order, struct arena *arena)
{
    Order *kept = ARENA_NEW(arena, Order);
    penstock__orders__v1__order__init(kept);
    kept->id = order->id;
    kept->number = order->number;
    kept->status = order->status;
    kept->version = order->version;
    kept->placed_at_us = order->placed_at_us;
    kept->updated_at_us = order->updated_at_us;
    kept->n_holds = order->n_holds;
    kept->holds = order->holds;
    if (is_all_reserved(order))
        return kept;
    kept->lines = ARENA_ARRAY(arena, order->n_lines, OrderLine *);
    for (size_t i = 0; i < order->n_lines; i++) {
        kept->lines[i] = ARENA_NEW(arena, OrderLine);
        penstock__orders__v1__order_line__init(kept->lines[i]);
        kept->lines[i]->reserved = order->lines[i]->reserved;
    }
    kept->n_lines = order->n_lines;
    return kept;
}

void strip_placed(ProtobufCMessage *out, struct arena *arena)
{
    PlaceOrderResponse *response = (PlaceOrderResponse *)out;
    if (response->order != NULL)
        response->order = keep_decided(response->order, arena);
}

/* The order's own ids, as they were given to it when it was placed. */
static struct uuid *ids_of(struct arena *arena, const PlaceOrderRequest *in,
                           const struct order *placed)
{
    struct uuid *ids = ARENA_ARRAY(arena, rules_place_ids(in), struct uuid);
    ids[0] = placed->id;
    for (size_t i = 0; i < in->n_lines && i < placed->line_count; i++)
        ids[1 + i] = placed->lines[i].id;
    for (size_t i = 0; i < in->n_payments && i < placed->payment_count; i++)
        ids[1 + in->n_lines + 2 * i] = placed->payments[i].id;
    return ids;
}

static struct held *held_of(struct arena *arena, const PlaceOrderRequest *in,
                            const struct order *placed, const Order *kept)
{
    struct held *held = ARENA_ARRAY(arena, in->n_lines, struct held);
    for (size_t i = 0; i < in->n_lines && i < placed->line_count; i++) {
        held[i].held = i < kept->n_lines ? kept->lines[i]->reserved : in->lines[i]->quantity;
        held[i].name = placed->lines[i].name;
    }
    return held;
}

/* The request's details, and the remark that a rule has set. */
static OrderDetails *details_shown(struct arena *arena, const PlaceOrderRequest *in,
                                   const struct order *placed)
{
    OrderDetails *details = ARENA_NEW(arena, OrderDetails);
    rules_details(in, details);
    if (in->shipping_remark[0] != '\0' || placed->version == 1)
        return details;
    const OrderDetails *kept = (const OrderDetails *)(const void *)protobuf_c_message_unpack(
        &penstock__orders__v1__order_details__descriptor, arena_protobuf(arena),
        placed->details_bytes, placed->details);
    if (kept != NULL)
        details->shipping_remark = kept->shipping_remark;
    return details;
}

/* The first answer again: the order is placed once more in memory, from the same request, with the
 * ids, times and status that it got then. */
static enum status render(struct call *call, const PlaceOrderRequest *asked, const Order *kept,
                          const struct order *placed, PlaceOrderResponse *out)
{
    const PlaceOrderRequest *in = fill_order_again(call->arena, asked, placed);
    const struct channel channel = {.name = in->channel,
                                    .confirms_manually = (int)kept->status == (int)ORDER_PENDING};
    const struct act act = {.arena = call->arena,
                            .source = "orders",
                            .actor = call->actor,
                            .now_us = kept->updated_at_us};
    const struct placing placing = {.in = in,
                                    .channel = &channel,
                                    .number = kept->number,
                                    .ids = ids_of(call->arena, in, placed),
                                    .held = held_of(call->arena, in, placed, kept)};
    struct refusal no;
    OrderDetails *details = details_shown(call->arena, in, placed);
    struct order *order = rules_place(&placing, &act, &no);
    if (order == NULL)
        return STATUS_INTERNAL;
    rules_complete(order, &act);
    out->order = view_order(call->arena, order, details);
    out->order->placed_at_us = kept->placed_at_us;
    out->order->version = kept->version;
    out->order->n_holds = kept->n_holds;
    out->order->holds = kept->holds;
    return STATUS_OK;
}

enum status render_placed(struct call *call, const ProtobufCMessage *in, ProtobufCMessage *out)
{
    PlaceOrderResponse *response = (PlaceOrderResponse *)out;
    struct uuid id;
    struct order *placed;
    if (response->order == NULL || !uuid_parse(response->order->id, &id))
        return STATUS_INTERNAL;
    TRY(store_order_load(call->db, call->arena, &id, &placed));
    return render(call, (const PlaceOrderRequest *)in, response->order, placed, response);
}

/* ---- placing ---- */

static struct external_key key_of(const struct call *call)
{
    const PlaceOrderRequest *in = (const PlaceOrderRequest *)call->in;
    return (struct external_key){in->channel, in->external_id};
}

/* What an answer to the same content needs: the hash is of the packed request. */
static struct uuid content_of(const struct call *call)
{
    if (!uuid_is_nil(&call->command_hash))
        return call->command_hash;
    size_t bytes = protobuf_c_message_get_packed_size(call->in);
    uint8_t *packed = arena_alloc(call->arena, bytes + 1);
    protobuf_c_message_pack(call->in, packed);
    return uuid_of_hash(packed, bytes);
}

/* The (channel, external id) is an order already: the same content gets the first answer, whatever
 * has become of the order since. The stock that was held for this call is none of its business. */
static enum status place_again(struct call *call, const struct known *known,
                               const struct external *external)
{
    const PlaceOrderRequest *in = (const PlaceOrderRequest *)call->in;
    const struct order *placed = store_orders_find(&known->orders, &external->order_id);
    struct uuid content = content_of(call);
    if (placed == NULL)
        return STATUS_INTERNAL;
    if (!uuid_equal(&external->content_hash, &content)) {
        refuse(call, STATUS_CONFLICT, "duplicate_external_id", "external_id",
               "The channel's order \"%.128s\" is %s, with other content.", in->external_id,
               placed->number);
        refuse_detail(call, "order_id", "%s", wire_uuid(call->arena, &placed->id));
        refuse_detail(call, "order_number", "%s", placed->number);
        return STATUS_OK;
    }
    PlaceOrderResponse *kept = (PlaceOrderResponse *)(void *)protobuf_c_message_unpack(
        &penstock__orders__v1__place_order_response__descriptor, arena_protobuf(call->arena),
        external->answer_bytes, external->answer);
    if (kept == NULL || kept->order == NULL)
        return STATUS_INTERNAL;
    call->answers[0].hold_id = (struct uuid){{0}};
    return render(call, in, kept->order, placed, (PlaceOrderResponse *)call->out);
}

static void keep_external(struct call *call, const struct order *order, const Order *shown)
{
    if (order->external_id[0] == '\0')
        return;
    PlaceOrderResponse kept;
    penstock__orders__v1__place_order_response__init(&kept);
    kept.order = keep_decided(shown, call->arena);
    size_t bytes = protobuf_c_message_get_packed_size(&kept.base);
    uint8_t *packed = arena_alloc(call->arena, bytes + 1);
    protobuf_c_message_pack(&kept.base, packed);
    struct external external = {.channel = order->channel,
                                .external_id = order->external_id,
                                .order_id = order->id,
                                .content_hash = content_of(call),
                                .answer = packed,
                                .answer_bytes = bytes};
    store_external_add(call->db, &external);
}

enum status place_new(struct call *call, const PlaceOrderRequest *in, struct channel *channel,
                      Order **shown)
{
    struct act act = act_of(call);
    struct refusal no;
    struct placing placing = {.in = in, .channel = channel};
    *shown = NULL;
    if (!read_reserve_answer(call, in, false, &placing.held))
        return STATUS_OK;
    placing.number = next_number(call->arena, channel);
    placing.ids = new_ids(call->arena, rules_place_ids(in));
    TRY(rules_for_placing(call, &placing));
    struct order *order = rules_place(&placing, &act, &no);
    if (order == NULL) {
        refuse_by(call, &no);
        return STATUS_OK;
    }
    channel->taken++;
    TRY(emit_placed(call, order, in));
    TRY(emit_rules_fired(call, order, placing.verdict));
    TRY(complete_if_due(call, order, &act));
    store_order_add(call->db, order);
    OrderDetails *details = details_shown(call->arena, in, order);
    *shown = view_order(call->arena, order, details);
    keep_external(call, order, *shown);
    count(call, "orders_placed_total", 1);
    call_log_order(call, "orders.placed", "An order is placed", (*shown)->id);
    return STATUS_OK;
}

static enum status place_one(struct call *call, const struct known *known, const struct fill *fill)
{
    const PlaceOrderRequest *in = (const PlaceOrderRequest *)call->in;
    struct external_key key = key_of(call);
    struct channel *channel = known_channel(known, in->channel);
    if (channel == NULL) {
        refuse_channel(call, in->channel);
        return STATUS_OK;
    }
    const struct external *external =
        key.external_id[0] != '\0' ? known_external(known, &key) : NULL;
    if (external != NULL)
        return place_again(call, known, external);
    in = fill_order(call, in, fill, &call->answers[0]);
    PlaceOrderResponse *out = (PlaceOrderResponse *)call->out;
    return in != NULL ? place_new(call, in, channel, &out->order) : STATUS_OK;
}

static size_t check_all(struct batch *batch, struct call **waiting)
{
    size_t count = 0;
    for_each_call(batch, call, const PlaceOrderRequest, in, PlaceOrderResponse, out) {
        struct refusal no;
        (void)out;
        if (rules_check_order(in, false, batch->now_us, &no))
            waiting[count++] = call;
        else
            refuse_by(call, &no);
    }
    return count;
}

enum status place_orders(struct batch *batch)
{
    struct call **waiting = ARENA_ARRAY(batch->arena, batch->count, struct call *);
    size_t count = check_all(batch, waiting);
    while (count > 0) {
        struct wave wave;
        struct known known;
        struct fill fill;
        wave_take(batch->arena, waiting, &count, key_of, &wave);
        TRY(known_load(batch, &wave, key_of, &known));
        TRY(fill_load(wave.calls, wave.count, &fill));
        for (size_t i = 0; i < wave.count; i++)
            TRY(place_one(wave.calls[i], &known, &fill));
        TRY(store_channels_save(batch->db, known.channels, known.channel_count));
    }
    return STATUS_OK;
}
