/* The inbox's outcall: take in the writer, decode and ask orders in a worker, done in the writer.
 */
#include "services/gateway/inbox.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "common/crash.h"
#include "penstock/orders/v1/orders.pb-c.h"
#include "services/gateway/adapter.h"
#include "services/gateway/rules_inbox.h"
#include "services/gateway/store_inbox.h"

#define TAKE_BYTES (INT64_C(16) << 20)
/* Nothing is in flight for longer; the next leader does not wait for it. */
#define LEASE_US (INT64_C(120) * 1000000)
#define ASK_TIMEOUT_MS 10000
/* Below the credit of an outcall's client. */
#define MAX_IN_FLIGHT 60
#define MAX_RESULT_BYTES 1024

typedef Penstock__Orders__V1__ImportOrderResponse ImportOrderResponse;

/* A delivery on its way through the worker. */
struct work {
    struct inbox_due due;
    const uint8_t *body; /* NULL: no longer kept */
    size_t body_bytes;
    struct inbox_result result;
};

/* ---- take ---- */

enum status inbox_lead(struct call *call)
{
    return store_inbox_untake(call->db, call->now_us);
}

/* The rows' texts live as long as the turn, the job's as long as the work. */
static struct work *new_work(struct arena *arena, const struct inbox_due *due)
{
    struct work *work = ARENA_NEW(arena, struct work);
    work->due = *due;
    work->due.channel = arena_strdup(arena, due->channel);
    work->due.channel_type = arena_strdup(arena, due->channel_type);
    work->due.topic = arena_strdup(arena, due->topic);
    work->due.external_id = arena_strdup(arena, due->external_id);
    work->due.traceparent = arena_strdup(arena, due->traceparent);
    work->due.order_number =
        arena_strdup(arena, due->order_number != NULL ? due->order_number : "");
    work->due.body_sha256.bytes = arena_copy(arena, due->body_sha256.bytes, due->body_sha256.count);
    return work;
}

static enum status load_bodies(struct call *call, struct outcall_job *jobs, size_t count)
{
    struct uuid *ids = ARENA_ARRAY(call->arena, count, struct uuid);
    struct inbox_body *bodies;
    size_t found;
    for (size_t i = 0; i < count; i++)
        ids[i] = jobs[i].id;
    TRY(store_inbox_bodies(call->db, ids, count, &bodies, &found));
    for (size_t i = 0; i < count; i++) {
        struct work *work = jobs[i].data;
        for (size_t k = 0; k < found && work->body == NULL; k++) {
            if (!uuid_equal(&bodies[k].id, &jobs[i].id))
                continue;
            work->body = arena_copy(jobs[i].arena, bodies[k].body.bytes, bodies[k].body.count);
            work->body_bytes = bodies[k].body.count;
        }
    }
    return store_inbox_take(call->db, ids, count, call->now_us + LEASE_US);
}

enum status inbox_take(struct call *call, struct outcall_job *jobs, size_t *count)
{
    struct inbox_due *due;
    size_t room = *count, found;
    bool is_waiting;
    *count = 0;
    TRY(store_inbox_is_waiting(call->db, call->now_us, &is_waiting));
    if (is_waiting)
        return STATUS_OK;
    TRY(store_inbox_due(call->db, call->now_us, room, &due, &found));
    if (found == 0)
        return STATUS_OK;
    size_t *chosen = ARENA_ARRAY(call->arena, found, size_t);
    *count = rules_inbox_choose(due, found, TAKE_BYTES, chosen);
    for (size_t i = 0; i < *count; i++) {
        jobs[i].id = due[chosen[i]].id;
        jobs[i].data = new_work(jobs[i].arena, &due[chosen[i]]);
    }
    if (*count < found)
        outcall_kick(call, "inbox");
    return load_bodies(call, jobs, *count);
}

/* ---- make ---- */

void *inbox_worker_open(const struct service *service, void *conf)
{
    (void)service;
    (void)conf;
    return arena_open(ADAPTER_ARENA_BYTES);
}

void inbox_worker_close(void *state)
{
    struct arena *scratch = state;
    arena_close(&scratch);
}

/* All questions of one make. */
struct asking {
    struct outcall_worker *worker;
    size_t in_flight;
};
/* One of them. */
struct question {
    struct asking *asking;
    struct work *work;
};

static void set_result(struct work *work, enum inbox_status status, const char *code,
                       const char *reason)
{
    work->result = (struct inbox_result){.id = work->due.id,
                                         .status = status,
                                         .reason_code = code,
                                         .reason = reason,
                                         .order_number = "",
                                         .effect = ""};
}

static const char *effect_name(Penstock__Orders__V1__ImportEffect effect)
{
    static const char prefix[] = "IMPORT_EFFECT_";
    const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value(
        &penstock__orders__v1__import_effect__descriptor, (int)effect);
    return value != NULL ? value->name + sizeof(prefix) - 1 : "";
}

static char *lower_case(struct arena *arena, const char *text)
{
    char *copy = arena_strdup(arena, text);
    for (char *at = copy; *at != '\0'; at++)
        *at = *at >= 'A' && *at <= 'Z' ? (char)(*at + 32) : *at;
    return copy;
}

/* False when the answer is none that we understand. */
static bool read_answer(struct work *work, const uint8_t *payload, size_t bytes,
                        struct arena *arena)
{
    ImportOrderResponse *answer =
        penstock__orders__v1__import_order_response__unpack(arena_protobuf(arena), bytes, payload);
    struct uuid order_id;
    if (answer == NULL || !uuid_parse(answer->order_id, &order_id))
        return false;
    set_result(work, INBOX_DONE, "", "");
    work->result.order_id = order_id;
    work->result.order_number = answer->number;
    work->result.effect = lower_case(arena, effect_name(answer->effect));
    return true;
}

static void judge(struct work *work, const struct inbox_answer *answer, struct arena *arena)
{
    work->result = rules_inbox_judge(&work->due, answer, clock_wall_us(), arena);
}

static void on_answer(void *context, const ReplyHeader *header, const uint8_t *payload,
                      size_t payload_bytes)
{
    struct question *question = context;
    struct arena *arena = question->asking->worker->arena;
    struct inbox_answer answer = {(enum status)header->status, header->code, header->field,
                                  header->message};
    question->asking->in_flight--;
    if (answer.status != STATUS_OK || !read_answer(question->work, payload, payload_bytes, arena))
        judge(question->work, &answer, arena);
}

/* A delivery that is read anew, after a replay or another version of ours, is another command. */
static char *command_id(const struct work *work, struct arena *arena)
{
    char id[UUID_TEXT_BYTES];
    uuid_text(&work->due.id, id);
    return work->due.replays == 0 ? arena_printf(arena, "inbox/%s", id)
                                  : arena_printf(arena, "inbox/%s/%d", id, (int)work->due.replays);
}

static void ask_orders(struct asking *asking, struct work *work, const ImportOrderRequest *import)
{
    struct arena *arena = asking->worker->arena;
    char method[] = "orders.ImportOrder", internal[] = "internal";
    char *permissions[] = {internal};
    RequestHeader header;
    penstock__bus__v1__request_header__init(&header);
    header.method = method;
    header.traceparent = arena_strdup(arena, work->due.traceparent);
    header.actor = arena_printf(arena, "channel:%s", work->due.channel);
    header.permissions = permissions;
    header.n_permissions = 1;
    header.command_id = command_id(work, arena);
    struct question *question = ARENA_NEW(arena, struct question);
    *question = (struct question){asking, work};
    /* Without this look a question would wait for somebody to come until its time is over. */
    enum status status = STATUS_UNAVAILABLE;
    if (bus_client_is_connected(asking->worker->client, "orders"))
        status = bus_ask_message(asking->worker->client, "orders", &header, &import->base,
                                 ASK_TIMEOUT_MS, on_answer, question);
    if (status == STATUS_OK)
        asking->in_flight++;
    else
        judge(work, &(struct inbox_answer){status, "", "", "It could not be sent to orders."},
              arena);
}

static void decode(struct asking *asking, struct work *work, struct arena *scratch)
{
    struct arena *arena = asking->worker->arena;
    const struct adapter *adapter = adapter_find(work->due.channel_type);
    if (adapter == NULL) {
        set_result(work, INBOX_PARKED, "unknown_channel_type",
                   "Nothing here reads what channels of this type send.");
        return;
    }
    char id[UUID_TEXT_BYTES];
    char hash[65];
    const struct adapter_input input = {.channel = work->due.channel,
                                        .topic = work->due.topic,
                                        .delivery_id = uuid_text(&work->due.id, id),
                                        .body_hash = sodium_bin2hex(hash, sizeof(hash),
                                                                    work->due.body_sha256.bytes,
                                                                    work->due.body_sha256.count),
                                        .triggered_at_ns = work->due.triggered_at_ns,
                                        .is_test = work->due.is_test,
                                        .body = work->body,
                                        .body_bytes = work->body_bytes};
    struct adapter_result result = {.verdict = ADAPTER_PARKED};
    adapter->decode(&input, scratch, &result);
    bool is_order = result.verdict == ADAPTER_ORDER &&
                    (!uuid_is_nil(&work->due.order_id) || !result.needs_known_order);
    if (is_order)
        ask_orders(asking, work, result.import);
    else
        set_result(work, result.verdict == ADAPTER_PARKED ? INBOX_PARKED : INBOX_IGNORED,
                   arena_strdup(arena, result.code),
                   arena_strndup(arena, result.reason, strnlen(result.reason, MAX_RESULT_BYTES)));
}

static void begin(struct asking *asking, struct work *work)
{
    struct arena *scratch = asking->worker->state;
    if (work->due.lost >= INBOX_MAX_LOST) {
        set_result(work, INBOX_PARKED, "crashed",
                   "The gateway died each time that it worked on this.");
        return;
    }
    if (work->due.is_repeat && work->due.replays == 0) {
        set_result(work, INBOX_DONE, "", "");
        work->result.order_id = work->due.order_id;
        work->result.order_number = work->due.order_number;
        work->result.effect = "unchanged";
        return;
    }
    if (work->body == NULL) {
        set_result(work, INBOX_PARKED, "body_forgotten", "Its body is no longer kept.");
        return;
    }
    decode(asking, work, scratch);
    arena_reset(scratch);
}

/* A moment for the connection to come about, when this is the first thing that we ask. */
static void wait_for_orders(struct outcall_worker *worker)
{
    for (int i = 0; i < 10 && !bus_client_is_connected(worker->client, "orders"); i++)
        bus_loop_once(bus_client_loop(worker->client), 50);
}

void inbox_make(struct outcall_worker *worker, struct outcall_job *jobs, size_t count)
{
    struct asking asking = {.worker = worker};
    struct bus_loop *loop = bus_client_loop(worker->client);
    CRASHPOINT("inbox.before_decode");
    wait_for_orders(worker);
    for (size_t i = 0; i < count; i++) {
        while (asking.in_flight >= MAX_IN_FLIGHT)
            bus_loop_once(loop, -1);
        begin(&asking, jobs[i].data);
    }
    while (asking.in_flight > 0)
        bus_loop_once(loop, -1);
}

/* ---- done ---- */

static void tell(struct call *call, const struct work *work)
{
    char id[UUID_TEXT_BYTES];
    const struct inbox_result *result = &work->result;
    switch (result->status) {
    case INBOX_DONE:
        count(call, "inbox_done", 1);
        call_log_order(call, "inbox_done", "A delivery had its effect",
                       uuid_text(&result->order_id, id));
        return;
    case INBOX_PARKED:
        count(call, "inbox_parked", 1);
        log_warn("inbox_parked", "A delivery was set aside", LOG_TEXT("channel", work->due.channel),
                 LOG_TEXT("topic", work->due.topic),
                 LOG_TEXT("delivery_id", uuid_text(&result->id, id)),
                 LOG_TEXT("error.code", result->reason_code));
        return;
    case INBOX_IGNORED:
        count(call, "inbox_ignored", 1);
        return;
    case INBOX_RECEIVED:
        return;
    }
}

enum status inbox_done(struct call *call, struct outcall_job *jobs, size_t count)
{
    bool reads_anew = false;
    CRASHPOINT("inbox.before_done");
    for (size_t i = 0; i < count; i++) {
        const struct work *work = jobs[i].data;
        store_inbox_result_add(call->db, &work->result, call->now_us);
        tell(call, work);
        reads_anew |= work->result.more_replays > 0;
    }
    if (reads_anew)
        outcall_kick(call, "inbox");
    return STATUS_OK;
}

/* ---- forgetting ---- */

#define KEEP_BODIES_US (INT64_C(30) * 86400 * 1000000)
#define FORGET_AT_ONCE 2000

/* The id of a UUIDv7 made at a moment, before any other of that millisecond. */
static struct uuid first_id_of(int64_t at_us)
{
    struct uuid id = {{0}};
    uint64_t ms = (uint64_t)(at_us / 1000);
    for (size_t i = 0; i < 6; i++)
        id.bytes[i] = (uint8_t)(ms >> (40 - 8 * i));
    return id;
}

enum status inbox_forget(struct call *call)
{
    const struct uuid before = first_id_of(call->now_us - KEEP_BODIES_US);
    return store_inbox_forget(call->db, &before, FORGET_AT_ONCE);
}
