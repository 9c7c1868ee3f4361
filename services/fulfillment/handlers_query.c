/* Reading: one fulfillment order, and lists of them, newest first. */
#include <sodium.h>
#include <string.h>

#include "handlers.h"

typedef Penstock__Fulfillment__V1__GetFulfillmentRequest GetFulfillmentRequest;
typedef Penstock__Fulfillment__V1__GetFulfillmentResponse GetFulfillmentResponse;
typedef Penstock__Fulfillment__V1__ListFulfillmentsRequest ListFulfillmentsRequest;
typedef Penstock__Fulfillment__V1__ListFulfillmentsResponse ListFulfillmentsResponse;

#define DEFAULT_LIMIT 50
#define MAX_LIMIT 200
#define CURSOR_VARIANT sodium_base64_VARIANT_URLSAFE_NO_PADDING

enum status get_fulfillment(struct call *call, const ProtobufCMessage *message,
                            ProtobufCMessage *answer)
{
    const GetFulfillmentRequest *in = (const GetFulfillmentRequest *)message;
    GetFulfillmentResponse *out = (GetFulfillmentResponse *)answer;
    struct target target;
    TRY(target_load(call, in->id, &target));
    out->fulfillment =
        fulfillment_view(call, target.work, target.one, target.parcels, target.nparcels);
    return STATUS_OK;
}

/* A cursor is the id of the last one on the page before. */
static char *cursor_text(struct arena *arena, const struct uuid *id)
{
    size_t bytes = sodium_base64_ENCODED_LEN(sizeof *id, CURSOR_VARIANT);
    return sodium_bin2base64(arena_alloc(arena, bytes), bytes, id->bytes, sizeof *id,
                             CURSOR_VARIANT);
}

static bool cursor_parse(const char *text, struct uuid *id)
{
    size_t bytes;
    return sodium_base642bin(id->bytes, sizeof *id, text, strlen(text), NULL, &bytes, NULL,
                             CURSOR_VARIANT) == 0 &&
           bytes == sizeof *id;
}

static enum status filter_of(struct call *call, const ListFulfillmentsRequest *in,
                             struct uuid ids[2], struct list_filter *filter)
{
    *filter = (struct list_filter){.limit = in->limit != 0 ? in->limit : DEFAULT_LIMIT};
    if (in->limit < 0 || in->limit > MAX_LIMIT)
        return refuse(call, STATUS_INVALID, "out_of_range", "limit", "A limit is 1 to %d.",
                      MAX_LIMIT);
    if ((int)in->status < 0 || (int)in->status > (int)FULFILLMENT_COLLECTED)
        return refuse(call, STATUS_INVALID, "invalid", "status", "There is no such status.");
    filter->status = (enum fulfillment_status)in->status;
    if (in->location[0] != '\0')
        filter->location = in->location;
    if (in->cursor[0] != '\0') {
        if (!cursor_parse(in->cursor, &ids[0]))
            return refuse(call, STATUS_INVALID, "invalid", "cursor",
                          "A cursor comes from next_cursor.");
        filter->before = &ids[0];
    }
    if (in->order[0] == '\0')
        return STATUS_OK;
    filter->order_id = &ids[1];
    return uuid_parse(in->order, &ids[1]) ? STATUS_OK
                                          : store_order_by_number(call->db, in->order, &ids[1]);
}

static const struct fulfillment *find(const struct works *works, const struct listed *row,
                                      const struct work **work)
{
    *work = store_works_find(works, &row->order_id);
    for (size_t i = 0; i < (*work)->nfulfillments; i++)
        if (uuid_equal(&(*work)->fulfillments[i].id, &row->id))
            return &(*work)->fulfillments[i];
    return NULL;
}

static enum status show(struct call *call, const struct listed *rows, size_t count,
                        ListFulfillmentsResponse *out)
{
    struct uuid *ids = ARENA_ARRAY(call->arena, count, struct uuid);
    struct works works;
    struct parcel *parcels;
    size_t nparcels;
    for (size_t i = 0; i < count; i++)
        ids[i] = rows[i].order_id;
    TRY(store_works_load(call->db, call->arena, ids, count, &works));
    TRY(store_parcels_load(call->db, call->arena, ids, works.count, &parcels, &nparcels));
    out->data = ARENA_ARRAY(call->arena, count, FulfillmentOrder *);
    for (size_t i = 0; i < count; i++) {
        const struct work *work;
        const struct fulfillment *one = find(&works, &rows[i], &work);
        if (one != NULL)
            out->data[out->n_data++] = fulfillment_view(call, work, one, parcels, nparcels);
    }
    return STATUS_OK;
}

enum status list_fulfillments(struct call *call, const ProtobufCMessage *message,
                              ProtobufCMessage *answer)
{
    const ListFulfillmentsRequest *in = (const ListFulfillmentsRequest *)message;
    ListFulfillmentsResponse *out = (ListFulfillmentsResponse *)answer;
    struct uuid ids[2];
    struct list_filter filter;
    struct listed *rows;
    size_t count;
    enum status status = filter_of(call, in, ids, &filter);
    if (status == STATUS_NOT_FOUND)
        return STATUS_OK; /* no order of this number, or not heard of yet: nothing is listed */
    TRY(status);
    size_t limit = (size_t)filter.limit++;
    TRY(store_list(call->db, call->arena, &filter, &rows, &count));
    if (count > limit) {
        count = limit;
        out->next_cursor = cursor_text(call->arena, &rows[limit - 1].id);
    }
    return count == 0 ? STATUS_OK : show(call, rows, count, out);
}
