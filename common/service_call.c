#include "common/service_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* ---- messages ---- */

ProtobufCMessage *message_new(struct arena *arena, const ProtobufCMessageDescriptor *type)
{
    ProtobufCMessage *message = arena_alloc(arena, type->sizeof_message);
    protobuf_c_message_init(type, message);
    return message;
}

const uint8_t *pack_into(struct arena *arena, const ProtobufCMessage *message, size_t *bytes)
{
    *bytes = protobuf_c_message_get_packed_size(message);
    uint8_t *packed = arena_alloc(arena, *bytes + 1);
    protobuf_c_message_pack(message, packed);
    return packed;
}

/* ---- calls ---- */

void call_init(struct call *call, struct call_own *own, struct process *process,
               struct arena *arena)
{
    *own = (struct call_own){.process = process};
    *call = (struct call){.arena = arena,
                          .actor = process->actor,
                          .traceparent = "",
                          .command_id = "",
                          .question_hash = "",
                          .asker = "",
                          .status = STATUS_OK,
                          .own = own};
    static const char *const nobody[] = {NULL};
    call->permissions = nobody;
}

void call_again(struct call *call, const ProtobufCMessageDescriptor *out)
{
    struct call_own *own = call->own;
    bool may_wait = own->may_wait;
    *own = (struct call_own){.process = own->process, .may_wait = may_wait};
    call->status = STATUS_OK;
    call->reply_hold_id = (struct uuid){{0}};
    call->out = out == NULL ? NULL : message_new(call->arena, out);
}

bool status_is_refusal(enum status status)
{
    return status >= STATUS_INVALID && status <= STATUS_TOO_MANY;
}

static const char *plain_code(enum status status)
{
    switch (status) {
    case STATUS_INVALID:
        return "invalid";
    case STATUS_UNAUTHENTICATED:
        return "unauthenticated";
    case STATUS_FORBIDDEN:
        return "forbidden";
    case STATUS_NOT_FOUND:
        return "not_found";
    case STATUS_CONFLICT:
        return "conflict";
    case STATUS_STALE:
        return "stale";
    case STATUS_TOO_LARGE:
        return "too_large";
    case STATUS_TOO_MANY:
        return "too_many";
    case STATUS_UNAVAILABLE:
        return "unavailable";
    case STATUS_DEADLINE:
        return "deadline";
    case STATUS_NOT_LEADER:
        return "not_leader";
    case STATUS_OK:
    case STATUS_INTERNAL:
    case STATUS_RETRY:
    case STATUS_UNKNOWN:
    case STATUS_LATER:
        break;
    }
    return "internal";
}

enum status call_outcome(struct call *call, enum status returned)
{
    if (call->status == STATUS_OK)
        call->status = returned;
    if (call->own->code == NULL && call->status != STATUS_OK)
        call->own->code = plain_code(call->status);
    return call->status;
}

enum status refuse(struct call *call, enum status status, const char *code, const char *field,
                   const char *format, ...)
{
    struct call_own *own = call->own;
    va_list arguments;
    va_start(arguments, format);
    own->text = arena_vprintf(call->arena, format, arguments);
    va_end(arguments);
    own->code = arena_strdup(call->arena, code);
    own->field = arena_strdup(call->arena, field == NULL ? "" : field);
    own->is_refused = true;
    own->first = own->last = NULL;
    call->status = status;
    return status;
}

void refuse_detail(struct call *call, const char *name, const char *format, ...)
{
    struct call_own *own = call->own;
    Penstock__Bus__V1__Detail *detail = ARENA_NEW(call->arena, Penstock__Bus__V1__Detail);
    penstock__bus__v1__detail__init(detail);
    va_list arguments;
    va_start(arguments, format);
    detail->value = arena_vprintf(call->arena, format, arguments);
    va_end(arguments);
    detail->name = arena_strdup(call->arena, name);
    Penstock__Bus__V1__Detail **more =
        ARENA_ARRAY(call->arena, own->ndetails + 1, Penstock__Bus__V1__Detail *);
    if (own->ndetails > 0)
        memcpy(more, own->details, own->ndetails * sizeof(*more));
    more[own->ndetails++] = detail;
    own->details = more;
}

enum status call_later(struct call *call)
{
    assert(call->own->may_wait && !call->is_last_try);
    call->status = STATUS_LATER;
    return STATUS_LATER;
}

enum status emit(struct call *call, const char *key, const ProtobufCMessage *event)
{
    struct emitted *emitted = ARENA_NEW(call->arena, struct emitted);
    emitted->type = event->descriptor->short_name;
    emitted->key = arena_strdup(call->arena, key);
    emitted->payload = pack_into(call->arena, event, &emitted->bytes);
    if (emitted->bytes > EVENT_MAX_BYTES) {
        log_error("event_too_large", "An event is larger than the bus carries",
                  LOG_TEXT("type", emitted->type), LOG_INT("bytes", emitted->bytes));
        return STATUS_INTERNAL;
    }
    struct call_own *own = call->own;
    if (own->last == NULL)
        own->first = emitted;
    else
        own->last->next = emitted;
    own->last = emitted;
    return STATUS_OK;
}

void count(const struct call *call, const char *name, int64_t by)
{
    struct call_own *own = call->own;
    const struct counter *counters = own->process->service->counters;
    for (size_t i = 0; i < own->process->ncounters; i++)
        if (strcmp(counters[i].name, name) == 0) {
            if (own->counts == NULL)
                own->counts = ARENA_ARRAY(call->arena, own->process->ncounters, int64_t);
            own->counts[i] += by;
            return;
        }
    assert(!"count() of a name that is not in service.counters");
}

void call_apply_counts(const struct call *call)
{
    const struct call_own *own = call->own;
    for (size_t i = 0; own->counts != NULL && i < own->process->ncounters; i++)
        if (own->counts[i] != 0)
            METRIC_ADD(own->process->metrics.counters[i], own->counts[i]);
}

void call_log_order(struct call *call, const char *event_name, const char *body,
                    const char *order_id)
{
    struct order_line *line = ARENA_NEW(call->arena, struct order_line);
    *line = (struct order_line){event_name, body, arena_strdup(call->arena, order_id),
                                call->own->lines};
    call->own->lines = line;
}

void call_log_lines(const struct call *call)
{
    if (!call->own->process->logs_info)
        return;
    for (const struct order_line *line = call->own->lines; line != NULL; line = line->next) {
        log_context(call->traceparent, line->order_id);
        log_info(line->event_name, line->body);
    }
    log_context(NULL, NULL);
}

void outcall_kick(struct call *call, const char *name)
{
    const struct service *service = call->own->process->service;
    for (size_t i = 0; i < call->own->process->noutcalls; i++)
        if (strcmp(service->outcalls[i].name, name) == 0) {
            call->own->kicks |= UINT32_C(1) << i;
            return;
        }
    assert(!"outcall_kick() of a name that is not in service.outcalls");
}

/* ---- jobs ---- */

#define POOLED_JOBS 64
#define POOLED_ARENA_BYTES ((size_t)64 << 10)

struct job *job_new(struct process *process, struct job_pool *pool)
{
    struct job *job = pool->first;
    struct arena *arena;
    if (job != NULL) {
        pool->first = job->next;
        pool->count--;
        arena = job->arena;
        *job = (struct job){0};
    } else {
        job = calloc(1, sizeof *job);
        assert(job != NULL);
        arena = arena_open(SERVICE_JOB_BYTES);
    }
    job->arena = arena;
    call_init(&job->call, &job->own, process, arena);
    return job;
}

/* A job that grew large gives its memory back: idle services stay small. */
void job_free(struct job *job, struct job_pool *pool)
{
    if (pool->count >= POOLED_JOBS || arena_used(job->arena) > POOLED_ARENA_BYTES) {
        arena_close(&job->arena);
        free(job);
        return;
    }
    arena_reset(job->arena);
    job->next = pool->first;
    pool->first = job;
    pool->count++;
}

void job_pool_close(struct job_pool *pool)
{
    while (pool->first != NULL) {
        struct job *job = pool->first;
        pool->first = job->next;
        arena_close(&job->arena);
        free(job);
    }
    pool->count = 0;
}

void job_fail(struct job *job, enum status status, const char *code, const char *text)
{
    job->status = status;
    job->packed = NULL;
    job->packed_bytes = 0;
    job->own.code = code;
    job->own.field = "";
    job->own.text = text;
    job->own.ndetails = 0;
}

void job_answer(struct job *job)
{
    job->status = STATUS_OK;
    job->packed = pack_into(job->arena, job->call.out, &job->packed_bytes);
}

void job_list_push(struct job_list *list, struct job *job)
{
    job->next = NULL;
    if (list->last == NULL)
        list->first = job;
    else
        list->last->next = job;
    list->last = job;
    list->count++;
}

struct job *job_list_pop(struct job_list *list)
{
    struct job *job = list->first;
    if (job == NULL)
        return NULL;
    list->first = job->next;
    if (list->first == NULL)
        list->last = NULL;
    list->count--;
    job->next = NULL;
    return job;
}

/* ---- text maps ---- */

void textmap_init(struct textmap *map, struct arena *arena, size_t count)
{
    size_t room = 16;
    while (room < count * 2)
        room *= 2;
    map->mask = room - 1;
    map->texts = ARENA_ARRAY(arena, room, const char *);
    map->numbers = ARENA_ARRAY(arena, room, int64_t);
}

static size_t text_place(const struct textmap *map, const char *text)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (const char *at = text; *at != '\0'; at++)
        hash = (hash ^ (uint8_t)*at) * UINT64_C(1099511628211);
    size_t place = (size_t)(hash ^ (hash >> 32)) & map->mask;
    while (map->texts[place] != NULL && strcmp(map->texts[place], text) != 0)
        place = (place + 1) & map->mask;
    return place;
}

int64_t *textmap_at(struct textmap *map, const char *text, bool *is_new)
{
    size_t place = text_place(map, text);
    *is_new = map->texts[place] == NULL;
    map->texts[place] = text;
    return &map->numbers[place];
}

bool textmap_has(const struct textmap *map, const char *text)
{
    return map->texts != NULL && map->texts[text_place(map, text)] != NULL;
}
