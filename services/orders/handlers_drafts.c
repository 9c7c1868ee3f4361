/* Drafts: made, edited, held for and given back, and placed once. */
#include "handlers_drafts.h"

#include <string.h>

#include "handlers_fill.h"
#include "handlers_place.h"
#include "penstock/inventory/v1/inventory.pb-c.h"
#include "rules_customers.h"

#define RPC(Name)                                                                                  \
    typedef Penstock__Orders__V1__##Name##Request Name##Request;                                   \
    typedef Penstock__Orders__V1__##Name##Response Name##Response;
RPC(CreateDraft)
RPC(GetDraft)
RPC(ListDrafts)
RPC(UpdateDraft)
RPC(DeleteDraft)
RPC(HoldDraft)
RPC(ReleaseDraft)
RPC(PlaceDraft)
#undef RPC
typedef Penstock__Orders__V1__Draft Draft;
typedef Penstock__Inventory__V1__CreateReservationRequest CreateReservationRequest;
typedef Penstock__Inventory__V1__CreateReservationResponse CreateReservationResponse;
typedef Penstock__Inventory__V1__ExtendReservationRequest ExtendReservationRequest;
typedef Penstock__Inventory__V1__ExtendReservationResponse ExtendReservationResponse;
typedef Penstock__Inventory__V1__ReleaseReservationRequest ReleaseReservationRequest;
typedef Penstock__Inventory__V1__Reservation Reservation;
typedef Penstock__Inventory__V1__ReserveLine ReserveLine;

#define DEFAULT_LIMIT 50
#define MAX_LIMIT 200
#define MAX_PAGE_BYTES ((size_t)900 << 10)

/* ---- shared ---- */

enum status load_draft(struct call *call, const char *id, struct draft **draft)
{
    struct uuid uuid;
    enum status status = STATUS_NOT_FOUND;
    if (uuid_parse(id, &uuid))
        status = store_draft_load(call->db, &uuid, draft);
    if (status == STATUS_NOT_FOUND)
        return refuse(call, STATUS_NOT_FOUND, "not_found", "id", "There is no such draft.");
    return status;
}

PlaceOrderRequest *draft_order(struct arena *arena, const struct draft *draft)
{
    PlaceOrderRequest *order = (PlaceOrderRequest *)(void *)protobuf_c_message_unpack(
        &penstock__orders__v1__place_order_request__descriptor, arena_protobuf(arena),
        draft->body.count, draft->body.bytes);
    if (order != NULL)
        return order;
    order = ARENA_NEW(arena, PlaceOrderRequest);
    penstock__orders__v1__place_order_request__init(order);
    return order;
}

static bool is_held(const struct call *call, const struct draft *draft)
{
    return !uuid_is_nil(&draft->reservation_id) && draft->held_until_us > call->now_us;
}

const char *draft_reservation(struct call *call, const struct draft *draft)
{
    return is_held(call, draft) ? wire_uuid(call->arena, &draft->reservation_id) : "";
}

static enum status view_draft(struct call *call, const struct draft *draft, Draft **out)
{
    Draft *view = *out = ARENA_NEW(call->arena, Draft);
    penstock__orders__v1__draft__init(view);
    view->id = wire_uuid(call->arena, &draft->id);
    view->title = wire_text(draft->title);
    view->status = (Penstock__Orders__V1__DraftStatus)draft->status;
    view->version = draft->version;
    view->created_at_us = draft->created_at_us;
    view->updated_at_us = draft->updated_at_us;
    view->created_by = wire_text(draft->created_by);
    view->order_id = wire_uuid(call->arena, &draft->order_id);
    if (draft->status == DRAFT_OPEN)
        view->order = draft_order(call->arena, draft);
    if (is_held(call, draft)) {
        view->reservation_id = wire_uuid(call->arena, &draft->reservation_id);
        view->held_until_us = draft->held_until_us;
    }
    if (draft->status != DRAFT_PLACED)
        return STATUS_OK;
    struct order *order;
    TRY(store_order_load(call->db, call->arena, &draft->order_id, &order));
    view->order_number = wire_text(order->number);
    return STATUS_OK;
}

static enum status emit_draft(struct call *call, const struct draft *draft, const char *change)
{
    Penstock__Orders__V1__DraftChanged event;
    penstock__orders__v1__draft_changed__init(&event);
    event.draft_id = wire_uuid(call->arena, &draft->id);
    event.change = wire_text(change);
    event.order_id = wire_uuid(call->arena, &draft->order_id);
    return emit(call, arena_printf(call->arena, "draft:%s", event.draft_id), &event.base);
}

static Draft **draft_in(ProtobufCMessage *out)
{
    return (void *)((char *)out + out->descriptor->fields[0].offset);
}

void strip_draft(ProtobufCMessage *out, struct arena *arena)
{
    Draft **view = draft_in(out);
    if (*view == NULL)
        return;
    char *id = (*view)->id;
    *view = ARENA_NEW(arena, Draft);
    penstock__orders__v1__draft__init(*view);
    (*view)->id = id;
}

enum status render_draft(struct call *call, const ProtobufCMessage *in, ProtobufCMessage *out)
{
    Draft **view = draft_in(out);
    struct uuid id;
    struct draft *draft;
    (void)in;
    if (*view == NULL || !uuid_parse((*view)->id, &id))
        return STATUS_INTERNAL;
    enum status status = store_draft_load(call->db, &id, &draft);
    return status == STATUS_NOT_FOUND ? STATUS_OK
           : status != STATUS_OK      ? status
                                      : view_draft(call, draft, view);
}

/* ---- what a draft may be ---- */

/* Anything that fits: what is missing or wrong is told by the preview. False: refused. */
static bool take_order(struct call *call, PlaceOrderRequest *order, struct draft *draft)
{
    struct refusal no;
    if (order->n_lines > ORDERS_MAX_LINES)
        return refuse(call, STATUS_INVALID, "too_many", "order.lines",
                      "An order has at most 500 lines.") == STATUS_OK;
    if (order->external_id[0] != '\0' || order->reservation_id[0] != '\0')
        return refuse(call, STATUS_INVALID, "invalid",
                      order->external_id[0] != '\0' ? "order.external_id" : "order.reservation_id",
                      "A draft has no external id, and holds stock by its own route.") == STATUS_OK;
    size_t bytes = protobuf_c_message_get_packed_size(&order->base);
    if (bytes > DRAFT_MAX_BYTES)
        return refuse(call, STATUS_TOO_LARGE, "too_large", "order",
                      "A draft is at most 256 KiB.") == STATUS_OK;
    if (!rules_check_address(order->shipping_address, &no, "shipping_address")) {
        refuse_by(call, &no);
        return false;
    }
    uint8_t *packed = arena_alloc(call->arena, bytes + 1);
    protobuf_c_message_pack(&order->base, packed);
    draft->body = (struct db_bytea){packed, bytes};
    const char *country = order->shipping_address != NULL ? order->shipping_address->country : "";
    draft->phone = draft->email = "";
    if (order->customer != NULL) {
        draft->phone = rules_phone(order->customer->phone, country, call->arena);
        draft->email = rules_email(order->customer->email, call->arena);
    }
    if (!uuid_parse(order->customer_id, &draft->customer_id))
        draft->customer_id = (struct uuid){{0}};
    return true;
}

static bool is_same_goods(const PlaceOrderRequest *a, const PlaceOrderRequest *b)
{
    if (a->n_lines != b->n_lines)
        return false;
    for (size_t i = 0; i < a->n_lines; i++) {
        if (strcmp(a->lines[i]->sku, b->lines[i]->sku) != 0 ||
            a->lines[i]->quantity != b->lines[i]->quantity ||
            rules_input_takes_stock(a->lines[i]) != rules_input_takes_stock(b->lines[i]))
            return false;
    }
    return true;
}

/* ---- making and reading ---- */

ORDERS_HANDLER(create_draft, CreateDraftRequest, CreateDraftResponse)
{
    struct refusal no;
    struct draft draft = {.id = uuid_new(),
                          .status = DRAFT_OPEN,
                          .version = 1,
                          .created_at_us = call->now_us,
                          .updated_at_us = call->now_us,
                          .created_by = call->actor,
                          .title = in->title,
                          .phone = "",
                          .email = ""};
    if (!rules_check_text(in->title, 200, &no, "title"))
        return refuse_by(call, &no);
    if (in->order != NULL && !take_order(call, in->order, &draft))
        return call->status;
    TRY(store_draft_insert(call->db, &draft));
    TRY(emit_draft(call, &draft, "created"));
    return view_draft(call, &draft, &out->draft);
}

ORDERS_HANDLER(get_draft, GetDraftRequest, GetDraftResponse)
{
    struct draft *draft;
    TRY(load_draft(call, in->id, &draft));
    return view_draft(call, draft, &out->draft);
}

ORDERS_HANDLER(list_drafts, ListDraftsRequest, ListDraftsResponse)
{
    struct draft *drafts;
    struct uuid before;
    size_t count, bytes = 0;
    int64_t limit = in->limit == 0 ? DEFAULT_LIMIT : in->limit;
    int status = (int)in->status == 0 ? DRAFT_OPEN : (int)in->status;
    if (limit < 1 || limit > MAX_LIMIT)
        return refuse(call, STATUS_INVALID, "out_of_range", "limit", "A limit is from 1 to 200.");
    if (status < DRAFT_OPEN || status > DRAFT_PLACED)
        return refuse(call, STATUS_INVALID, "invalid", "status", "A draft is open or placed.");
    memset(before.bytes, 0xff, sizeof(before.bytes));
    if (in->cursor[0] != '\0' && !uuid_parse(in->cursor, &before))
        return refuse(call, STATUS_INVALID, "invalid", "cursor",
                      "A cursor is the next_cursor of the page before.");
    TRY(store_drafts_page(call->db, (enum draft_status)status, &before, limit + 1, &drafts,
                          &count));
    out->data = ARENA_ARRAY(call->arena, count, Draft *);
    for (size_t i = 0; i < count; i++) {
        bytes += drafts[i].body.count + 512;
        if (i > 0 && (i == (size_t)limit || bytes > MAX_PAGE_BYTES)) {
            out->next_cursor = wire_uuid(call->arena, &drafts[i - 1].id);
            return STATUS_OK;
        }
        TRY(view_draft(call, &drafts[i], &out->data[out->n_data]));
        out->n_data++;
    }
    return STATUS_OK;
}

/* ---- editing ---- */

static enum status refuse_placed(struct call *call, const struct draft *draft)
{
    refuse(call, STATUS_CONFLICT, "invalid_state", "id", "This draft is an order already.");
    refuse_detail(call, "order_id", "%s", wire_uuid(call->arena, &draft->order_id));
    return call->status;
}

static void let_go(struct draft *draft)
{
    draft->reservation_id = (struct uuid){{0}};
    draft->held_until_us = 0;
}

/* The question that gives back what is held; NOT_FOUND: nothing is. */
static enum status build_release(struct call *call, const struct draft *draft,
                                 ProtobufCMessage *question)
{
    if (!is_held(call, draft))
        return STATUS_NOT_FOUND;
    ((ReleaseReservationRequest *)question)->id = wire_uuid(call->arena, &draft->reservation_id);
    return STATUS_OK;
}

/* True when nothing is held for the draft any more: given back, or gone by itself. */
static bool was_released(struct call *call, const struct draft *draft)
{
    const struct answer *answer = &call->answers[0];
    if (!is_held(call, draft))
        return true;
    if (answer->was_asked && answer->came &&
        (answer->status == STATUS_OK || answer->status == STATUS_NOT_FOUND))
        return true;
    refuse(call, STATUS_UNAVAILABLE, "inventory_unavailable", "",
           "What is held for the draft could not be given back in time; try again.");
    return false;
}

static enum status find_draft(struct call *call, const char *id, struct draft **draft)
{
    struct uuid uuid;
    return uuid_parse(id, &uuid) ? store_draft_load(call->db, &uuid, draft) : STATUS_NOT_FOUND;
}

enum status ask_release_for_update(struct call *call, const ProtobufCMessage *message,
                                   ProtobufCMessage *question)
{
    const UpdateDraftRequest *in = (const UpdateDraftRequest *)message;
    struct draft *draft;
    if (in->order == NULL)
        return STATUS_NOT_FOUND;
    TRY(find_draft(call, in->id, &draft));
    if (is_same_goods(in->order, draft_order(call->arena, draft)))
        return STATUS_NOT_FOUND;
    return build_release(call, draft, question);
}

ORDERS_HANDLER(update_draft, UpdateDraftRequest, UpdateDraftResponse)
{
    struct draft *draft;
    struct refusal no;
    TRY(load_draft(call, in->id, &draft));
    if (draft->status != DRAFT_OPEN)
        return refuse_placed(call, draft);
    if (in->version != 0 && in->version != draft->version)
        return refuse(call, STATUS_STALE, "version_conflict", "version",
                      "The draft was changed meanwhile: read version %lld.",
                      (long long)draft->version);
    if (!rules_check_text(in->title, 200, &no, "title"))
        return refuse_by(call, &no);
    if (in->title[0] != '\0')
        draft->title = in->title;
    if (in->order != NULL) {
        bool keeps = is_same_goods(in->order, draft_order(call->arena, draft));
        if ((!keeps && !was_released(call, draft)) || !take_order(call, in->order, draft))
            return call->status;
        if (!keeps)
            let_go(draft);
    }
    TRY(store_draft_save(call->db, draft, call->now_us));
    TRY(emit_draft(call, draft, "updated"));
    return view_draft(call, draft, &out->draft);
}

enum status ask_release_for_delete(struct call *call, const ProtobufCMessage *message,
                                   ProtobufCMessage *question)
{
    struct draft *draft;
    TRY(find_draft(call, ((const DeleteDraftRequest *)message)->id, &draft));
    return build_release(call, draft, question);
}

ORDERS_HANDLER(delete_draft, DeleteDraftRequest, DeleteDraftResponse)
{
    struct draft *draft;
    TRY(load_draft(call, in->id, &draft));
    if (draft->status != DRAFT_OPEN)
        return refuse_placed(call, draft);
    if (!was_released(call, draft))
        return call->status;
    let_go(draft);
    TRY(view_draft(call, draft, &out->draft));
    TRY(store_draft_delete(call->db, &draft->id));
    return emit_draft(call, draft, "deleted");
}

/* ---- holding stock ---- */

enum status ask_create_for_hold(struct call *call, const ProtobufCMessage *message,
                                ProtobufCMessage *asked)
{
    const HoldDraftRequest *in = (const HoldDraftRequest *)message;
    CreateReservationRequest *question = (CreateReservationRequest *)asked;
    struct draft *draft;
    TRY(find_draft(call, in->id, &draft));
    if (draft->status != DRAFT_OPEN || is_held(call, draft))
        return STATUS_NOT_FOUND;
    const PlaceOrderRequest *order = draft_order(call->arena, draft);
    question->expires_in_seconds = in->expires_in_seconds;
    question->lines = ARENA_ARRAY(call->arena, order->n_lines + 1, ReserveLine *);
    for (size_t i = 0; i < order->n_lines; i++) {
        if (!rules_input_takes_stock(order->lines[i]))
            continue;
        ReserveLine *line = ARENA_NEW(call->arena, ReserveLine);
        penstock__inventory__v1__reserve_line__init(line);
        line->sku = order->lines[i]->sku;
        line->quantity = order->lines[i]->quantity;
        question->lines[question->n_lines++] = line;
    }
    return question->n_lines > 0 ? STATUS_OK : STATUS_NOT_FOUND;
}

enum status ask_extend_for_hold(struct call *call, const ProtobufCMessage *message,
                                ProtobufCMessage *asked)
{
    const HoldDraftRequest *in = (const HoldDraftRequest *)message;
    ExtendReservationRequest *question = (ExtendReservationRequest *)asked;
    struct draft *draft;
    TRY(find_draft(call, in->id, &draft));
    if (draft->status != DRAFT_OPEN || !is_held(call, draft))
        return STATUS_NOT_FOUND;
    question->id = wire_uuid(call->arena, &draft->reservation_id);
    question->expires_in_seconds = in->expires_in_seconds;
    return STATUS_OK;
}

/* The reservation that either answer tells of; NULL: refused. */
static const Reservation *read_reservation(struct call *call)
{
    const struct answer *answer = &call->answers[call->answers[0].was_asked ? 0 : 1];
    if (!answer->was_asked) {
        refuse(call, STATUS_CONFLICT, "nothing_to_hold", "id",
               "No line of the draft takes stock, or it has changed meanwhile.");
        return NULL;
    }
    if (!answer->came) {
        refuse(call, STATUS_UNAVAILABLE, "inventory_unavailable", "",
               "The stock could not be held in time; try again.");
        return NULL;
    }
    if (answer->status != STATUS_OK) {
        refuse(call, answer->status, answer->code, answer->field, "%s", answer->text);
        return NULL;
    }
    return answer == &call->answers[0]
               ? ((const CreateReservationResponse *)answer->message)->reservation
               : ((const ExtendReservationResponse *)answer->message)->reservation;
}

ORDERS_HANDLER(hold_draft, HoldDraftRequest, HoldDraftResponse)
{
    struct draft *draft;
    TRY(load_draft(call, in->id, &draft));
    if (draft->status != DRAFT_OPEN)
        return refuse_placed(call, draft);
    const Reservation *reservation = read_reservation(call);
    if (reservation == NULL)
        return call->status;
    if (!uuid_parse(reservation->id, &draft->reservation_id))
        return STATUS_INTERNAL;
    draft->held_until_us = reservation->expires_at_us;
    TRY(store_draft_save(call->db, draft, call->now_us));
    TRY(emit_draft(call, draft, "held"));
    return view_draft(call, draft, &out->draft);
}

enum status ask_release_for_release(struct call *call, const ProtobufCMessage *message,
                                    ProtobufCMessage *question)
{
    struct draft *draft;
    TRY(find_draft(call, ((const ReleaseDraftRequest *)message)->id, &draft));
    return build_release(call, draft, question);
}

ORDERS_HANDLER(release_draft, ReleaseDraftRequest, ReleaseDraftResponse)
{
    struct draft *draft;
    TRY(load_draft(call, in->id, &draft));
    if (draft->status != DRAFT_OPEN)
        return refuse_placed(call, draft);
    if (!was_released(call, draft))
        return call->status;
    if (!uuid_is_nil(&draft->reservation_id)) {
        let_go(draft);
        TRY(store_draft_save(call->db, draft, call->now_us));
        TRY(emit_draft(call, draft, "released"));
    }
    return view_draft(call, draft, &out->draft);
}

/* ---- placing ---- */

/* What was held for it is what it is placed with. */
static PlaceOrderRequest *order_to_place(struct call *call, const struct draft *draft)
{
    PlaceOrderRequest *order = draft_order(call->arena, draft);
    order->reservation_id = wire_text(draft_reservation(call, draft));
    return order;
}

enum status ask_reserve_for_draft(struct call *call, const ProtobufCMessage *message,
                                  ProtobufCMessage *question)
{
    struct draft *draft;
    TRY(find_draft(call, ((const PlaceDraftRequest *)message)->id, &draft));
    if (draft->status != DRAFT_OPEN)
        return STATUS_NOT_FOUND;
    return place_build_reserve(call, order_to_place(call, draft), question);
}

/* It is an order already: the same one. What was held for this call is not needed. */
static enum status placed_before(struct call *call, const struct draft *draft,
                                 PlaceDraftResponse *out)
{
    struct order *order;
    call->answers[0].hold_id = (struct uuid){{0}};
    TRY(store_order_load(call->db, call->arena, &draft->order_id, &order));
    out->order = view_order(call->arena, order, NULL);
    return STATUS_OK;
}

static enum status find_channel(struct call *call, const char *name, struct channel **channel)
{
    size_t count;
    TRY(store_channels_load(call->db, &name, 1, channel, &count));
    return count > 0 ? STATUS_OK : refuse_channel(call, name);
}

ORDERS_HANDLER(place_draft, PlaceDraftRequest, PlaceDraftResponse)
{
    struct draft *draft;
    struct refusal no;
    struct fill fill;
    struct channel *channel;
    TRY(load_draft(call, in->id, &draft));
    if (draft->status == DRAFT_PLACED)
        return placed_before(call, draft, out);
    const PlaceOrderRequest *order = order_to_place(call, draft);
    if (!rules_check_order(order, false, call->now_us, &no))
        return refuse_by(call, &no);
    TRY(find_channel(call, order->channel, &channel));
    TRY(fill_load_one(call, order, &fill));
    order = fill_order(call, order, &fill, &call->answers[0]);
    if (order == NULL)
        return call->status;
    TRY(place_new(call, order, channel, &out->order));
    if (out->order == NULL)
        return call->status;
    TRY(store_channels_save(call->db, channel, 1));
    draft->status = DRAFT_PLACED;
    draft->body = (struct db_bytea){NULL, 0};
    draft->phone = draft->email = "";
    let_go(draft);
    if (!uuid_parse(out->order->id, &draft->order_id))
        return STATUS_INTERNAL;
    TRY(store_draft_save(call->db, draft, call->now_us));
    return emit_draft(call, draft, "placed");
}
