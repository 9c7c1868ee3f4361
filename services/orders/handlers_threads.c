/* The message centre: what is unread, whose it is, and what is done with. */
#include <string.h>

#include "handlers_messages.h"

typedef Penstock__Orders__V1__ListThreadsRequest ListThreadsRequest;
typedef Penstock__Orders__V1__ListThreadsResponse ListThreadsResponse;
typedef Penstock__Orders__V1__CountThreadsRequest CountThreadsRequest;
typedef Penstock__Orders__V1__CountThreadsResponse CountThreadsResponse;
typedef Penstock__Orders__V1__GetThreadRequest GetThreadRequest;
typedef Penstock__Orders__V1__GetThreadResponse GetThreadResponse;
typedef Penstock__Orders__V1__ReadThreadRequest ReadThreadRequest;
typedef Penstock__Orders__V1__ReadThreadResponse ReadThreadResponse;
typedef Penstock__Orders__V1__UnreadThreadRequest UnreadThreadRequest;
typedef Penstock__Orders__V1__UnreadThreadResponse UnreadThreadResponse;
typedef Penstock__Orders__V1__AssignThreadRequest AssignThreadRequest;
typedef Penstock__Orders__V1__AssignThreadResponse AssignThreadResponse;
typedef Penstock__Orders__V1__CloseThreadRequest CloseThreadRequest;
typedef Penstock__Orders__V1__CloseThreadResponse CloseThreadResponse;
typedef Penstock__Orders__V1__ReopenThreadRequest ReopenThreadRequest;
typedef Penstock__Orders__V1__ReopenThreadResponse ReopenThreadResponse;

enum { THREAD_OPEN = 1, THREAD_CLOSED = 2 };
#define THREAD_STATUS(name) ((int)PENSTOCK__ORDERS__V1__THREAD_STATUS__THREAD_STATUS_##name)
static_assert((int)THREAD_OPEN == THREAD_STATUS(OPEN) &&
                  (int)THREAD_CLOSED == THREAD_STATUS(CLOSED),
              "thread statuses");

static Penstock__Orders__V1__ThreadStatus status_of(const struct thread *thread)
{
    return (Penstock__Orders__V1__ThreadStatus)(thread->is_closed ? THREAD_CLOSED : THREAD_OPEN);
}

static Thread *view_thread(struct arena *arena, const struct thread *thread)
{
    Thread *out = ARENA_NEW(arena, Thread);
    penstock__orders__v1__thread__init(out);
    out->order_id = wire_uuid(arena, &thread->order_id);
    out->order_number = wire_text(thread->number);
    out->channel = wire_text(thread->channel);
    out->customer_name = wire_text(thread->customer_name);
    out->locale = wire_text(thread->locale);
    out->status = status_of(thread);
    out->assignee = wire_text(thread->assignee);
    out->unread = thread->unread;
    out->messages = thread->messages;
    out->last_message = view_message(arena, &thread->last);
    out->order_status = (Penstock__Orders__V1__OrderStatus)thread->order_status;
    return out;
}

/* ---- reading ---- */

static const char *assignee_asked(const char *assignee)
{
    if (assignee[0] == '\0')
        return NULL;
    return strcmp(assignee, "none") == 0 ? "" : assignee;
}

ORDERS_HANDLER(list_threads, ListThreadsRequest, ListThreadsResponse)
{
    struct refusal no;
    struct thread *rows;
    size_t found;
    struct thread_filter filter = {
        .unread = in->unread, .status = (int)in->status, .assignee = assignee_asked(in->assignee)};
    if (filter.status < 0 || filter.status > THREAD_CLOSED)
        return refuse(call, STATUS_INVALID, "invalid", "status", "A status is open or closed.");
    if (!rules_check_text(in->q, 100, &no, "q") ||
        !rules_check_text(in->assignee, 100, &no, "assignee"))
        return refuse_by(call, &no);
    if (!page_limit(call, in->limit, &filter.limit) ||
        !page_cursor(call, in->cursor, &filter.before))
        return call->status;
    if (in->q[0] != '\0')
        filter.pattern = rules_contains_pattern(call->arena, in->q);
    size_t limit = (size_t)filter.limit++;
    TRY(store_threads_list(call->db, &filter, &rows, &found));
    size_t count = found > limit ? limit : found;
    out->data = ARENA_ARRAY(call->arena, count, Thread *);
    while (out->n_data < count) {
        out->data[out->n_data] = view_thread(call->arena, &rows[out->n_data]);
        out->n_data++;
    }
    if (found > count)
        out->next_cursor = wire_uuid(call->arena, &rows[count - 1].last_message_id);
    return STATUS_OK;
}

ORDERS_HANDLER(count_threads, CountThreadsRequest, CountThreadsResponse)
{
    struct thread_counts counts;
    TRY(store_thread_counts(call->db, assignee_asked(in->assignee), &counts));
    out->unread_threads = counts.unread_threads;
    out->unread_messages = counts.unread_messages;
    out->open_threads = counts.open_threads;
    out->unassigned_threads = counts.unassigned_threads;
    return STATUS_OK;
}

/* By the order's id or number. */
static enum status load_thread(struct call *call, const char *order, struct thread **thread)
{
    struct uuid id;
    enum status status = store_order_resolve(call->db, order, &id);
    if (status == STATUS_OK)
        status = store_thread_load(call->db, &id, thread);
    if (status == STATUS_NOT_FOUND)
        return refuse(call, STATUS_NOT_FOUND, "not_found", "order",
                      "There is no such order, or nobody has written about it.");
    return status;
}

ORDERS_HANDLER(get_thread, GetThreadRequest, GetThreadResponse)
{
    struct thread *thread;
    TRY(load_thread(call, in->order, &thread));
    out->thread = view_thread(call->arena, thread);
    return STATUS_OK;
}

/* ---- changing ---- */

static enum status emit_thread_changed(struct call *call, const struct thread *thread)
{
    Penstock__Orders__V1__ThreadChanged event;
    penstock__orders__v1__thread_changed__init(&event);
    event.order_id = wire_uuid(call->arena, &thread->order_id);
    event.status = status_of(thread);
    event.assignee = wire_text(thread->assignee);
    event.unread = thread->unread;
    return emit(call, event.order_id, &event.base);
}

static enum status save_thread(struct call *call, const struct thread *thread)
{
    TRY(store_thread_save(call->db, thread));
    return emit_thread_changed(call, thread);
}

ORDERS_HANDLER(read_thread, ReadThreadRequest, ReadThreadResponse)
{
    struct thread *thread;
    TRY(load_thread(call, in->order, &thread));
    if (thread->unread > 0) {
        thread->unread = 0;
        thread->last.is_read = true;
        TRY(store_thread_mark_read(call->db, &thread->order_id));
        TRY(save_thread(call, thread));
    }
    out->thread = view_thread(call->arena, thread);
    return STATUS_OK;
}

ORDERS_HANDLER(unread_thread, UnreadThreadRequest, UnreadThreadResponse)
{
    struct thread *thread;
    struct thread_message *rows;
    size_t count, customers = 0;
    TRY(load_thread(call, in->order, &thread));
    TRY(store_messages_last(call->db, &thread->order_id, MESSAGES_SHOWN, &rows, &count));
    for (size_t i = 0; i < count; i++)
        customers += rows[i].direction == DIRECTION_CUSTOMER;
    if (customers == 0)
        return refuse(call, STATUS_CONFLICT, "nothing_to_read", "order",
                      "The customer has not written.");
    if (thread->unread == 0) {
        thread->unread = 1;
        thread->last.is_read = thread->last.direction == DIRECTION_STAFF;
        TRY(store_thread_mark_unread(call->db, &thread->order_id));
        TRY(save_thread(call, thread));
    }
    out->thread = view_thread(call->arena, thread);
    return STATUS_OK;
}

ORDERS_HANDLER(assign_thread, AssignThreadRequest, AssignThreadResponse)
{
    struct thread *thread;
    struct refusal no;
    if (in->assignee[0] != '\0' && !rules_check_person(in->assignee, &no, "assignee"))
        return refuse_by(call, &no);
    TRY(load_thread(call, in->order, &thread));
    if (strcmp(thread->assignee, in->assignee) != 0) {
        thread->assignee = in->assignee;
        TRY(save_thread(call, thread));
    }
    out->thread = view_thread(call->arena, thread);
    return STATUS_OK;
}

static enum status set_closed(struct call *call, const char *order, bool is_closed, Thread **out)
{
    struct thread *thread;
    TRY(load_thread(call, order, &thread));
    if (thread->is_closed != is_closed) {
        thread->is_closed = is_closed;
        TRY(save_thread(call, thread));
    }
    *out = view_thread(call->arena, thread);
    return STATUS_OK;
}

ORDERS_HANDLER(close_thread, CloseThreadRequest, CloseThreadResponse)
{
    return set_closed(call, in->order, true, &out->thread);
}

ORDERS_HANDLER(reopen_thread, ReopenThreadRequest, ReopenThreadResponse)
{
    return set_closed(call, in->order, false, &out->thread);
}

/* With the thread goes what was written last: a repeat reads it as it is by then. */
void strip_thread(ProtobufCMessage *out, struct arena *arena)
{
    Thread *thread = ((ReadThreadResponse *)out)->thread;
    (void)arena;
    if (thread == NULL)
        return;
    thread->customer_name = wire_text("");
    thread->last_message = NULL;
}

enum status render_thread(struct call *call, const ProtobufCMessage *in, ProtobufCMessage *out)
{
    Thread *kept = ((ReadThreadResponse *)out)->thread;
    struct thread *now;
    struct uuid id;
    (void)in;
    if (kept == NULL || !uuid_parse(kept->order_id, &id))
        return STATUS_INTERNAL;
    TRY(store_thread_load(call->db, &id, &now));
    kept->customer_name = wire_text(now->customer_name);
    kept->last_message = view_message(call->arena, &now->last);
    return STATUS_OK;
}
