/* Reading: one return, and lists of them, newest first. */
#include <sodium.h>
#include <string.h>

#include "handlers.h"

typedef Penstock__Returns__V1__GetReturnRequest GetReturnRequest;
typedef Penstock__Returns__V1__GetReturnResponse GetReturnResponse;
typedef Penstock__Returns__V1__ListReturnsRequest ListReturnsRequest;
typedef Penstock__Returns__V1__ListReturnsResponse ListReturnsResponse;

#define DEFAULT_LIMIT 50
#define MAX_LIMIT 200
#define CURSOR_VARIANT sodium_base64_VARIANT_URLSAFE_NO_PADDING

enum status get_return(struct call *call, const ProtobufCMessage *message, ProtobufCMessage *answer)
{
    const GetReturnRequest *in = (const GetReturnRequest *)message;
    GetReturnResponse *out = (GetReturnResponse *)answer;
    struct target target;
    TRY(target_load(call, in->id, &target));
    out->return_ = return_view(call, target.sale, target.one);
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

static enum status filter_of(struct call *call, const ListReturnsRequest *in, struct uuid ids[2],
                             struct list_filter *filter)
{
    *filter = (struct list_filter){.limit = in->limit != 0 ? in->limit : DEFAULT_LIMIT};
    if (in->limit < 0 || in->limit > MAX_LIMIT)
        return refuse(call, STATUS_INVALID, "out_of_range", "limit", "A limit is 1 to %d.",
                      MAX_LIMIT);
    if ((int)in->status < 0 || (int)in->status > (int)RETURN_EXPIRED)
        return refuse(call, STATUS_INVALID, "invalid", "status", "There is no such status.");
    filter->status = (enum return_status)in->status;
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

static enum status show(struct call *call, const struct listed *rows, size_t count,
                        ListReturnsResponse *out)
{
    struct uuid *ids = ARENA_ARRAY(call->arena, count, struct uuid);
    struct sales sales;
    for (size_t i = 0; i < count; i++)
        ids[i] = rows[i].order_id;
    TRY(store_sales_load(call->db, call->arena, ids, count, &sales));
    out->data = ARENA_ARRAY(call->arena, count, ReturnOrder *);
    for (size_t i = 0; i < count; i++) {
        const struct sale *sale = store_sales_find(&sales, &rows[i].order_id);
        for (size_t k = 0; k < sale->nreturns; k++)
            if (uuid_equal(&sale->returns[k].id, &rows[i].id))
                out->data[out->n_data++] = return_view(call, sale, &sale->returns[k]);
    }
    return STATUS_OK;
}

enum status list_returns(struct call *call, const ProtobufCMessage *message,
                         ProtobufCMessage *answer)
{
    const ListReturnsRequest *in = (const ListReturnsRequest *)message;
    ListReturnsResponse *out = (ListReturnsResponse *)answer;
    struct uuid ids[2];
    struct list_filter filter;
    struct listed *rows;
    size_t count;
    enum status status = filter_of(call, in, ids, &filter);
    if (status == STATUS_NOT_FOUND)
        return STATUS_OK; /* no order of this number, or not heard of yet: nothing is listed */
    TRY(status);
    size_t limit = (size_t)filter.limit++;
    TRY(store_list(call->db, &filter, &rows, &count));
    if (count > limit) {
        count = limit;
        out->next_cursor = cursor_text(call->arena, &rows[limit - 1].id);
    }
    return count == 0 ? STATUS_OK : show(call, rows, count, out);
}
