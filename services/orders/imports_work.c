/* The work behind imports: parts are read, orders are placed. */
#include <string.h>

#include "common/bus.h"
#include "handlers_imports.h"
#include "rules_rows.h"

#define ASK_TIMEOUT_MS 10000
/* Below the credit of an outcall's client. */
#define MAX_IN_FLIGHT 60

/* What a unit of work is about: the same for all its jobs. Reading is one job. */
struct import_work {
    struct import import;
    struct db_bytea text; /* of the part; reading */
    bool is_last;
    struct read_part part;     /* what came of it */
    struct import_order order; /* placing: this job's */
    bool is_answered;
};

/* ---- take ---- */

static struct db_bytea keep(struct arena *arena, struct db_bytea bytes)
{
    return (struct db_bytea){
        arena_copy(arena, bytes.count > 0 ? bytes.bytes : (const uint8_t *)"", bytes.count),
        bytes.count};
}

/* Rows live as long as the turn, a job longer. */
static struct import_work *new_work(struct arena *arena, const struct import *import)
{
    struct import_work *work = ARENA_NEW(arena, struct import_work);
    work->import = *import;
    work->import.name = arena_strdup(arena, import->name);
    work->import.channel = arena_strdup(arena, import->channel);
    work->import.currency = arena_strdup(arena, import->currency);
    work->import.created_by = arena_strdup(arena, import->created_by);
    work->import.header = keep(arena, import->header);
    work->import.carry = keep(arena, import->carry);
    return work;
}

static enum status take_part(struct call *call, const struct import *import,
                             struct outcall_job *job)
{
    struct import_work *work = job->data = new_work(job->arena, import);
    struct db_bytea text;
    TRY(store_import_part(call->db, &import->id, import->next_part, &text));
    work->text = keep(job->arena, text);
    work->is_last = import->next_part >= import->parts;
    return STATUS_OK;
}

static enum status finish_run(struct call *call, struct import *import)
{
    import->status = IMPORT_DONE;
    import->finished_at_us = call->now_us;
    TRY(store_import_save(call->db, import, IMPORT_RUNNING, import->next_part));
    outcall_kick(call, "imports");
    return emit_import(call, import);
}

static enum status take_orders(struct call *call, struct import *import, struct outcall_job *jobs,
                               size_t room, size_t *count)
{
    struct import_order *orders;
    size_t found;
    TRY(store_import_orders_due(call->db, &import->id, (int64_t)room, &orders, &found));
    if (found == 0)
        return finish_run(call, import);
    for (size_t i = 0; i < found; i++) {
        struct arena *arena = jobs[i].arena;
        struct import_work *work = jobs[i].data = ARENA_NEW(arena, struct import_work);
        work->import.id = import->id;
        work->import.status = import->status;
        work->import.created_by = arena_strdup(arena, import->created_by);
        work->order = orders[i];
        work->order.external_id = "";
        work->order.body = keep(arena, orders[i].body);
        work->order.code = work->order.field = work->order.message = "";
    }
    *count = found;
    return STATUS_OK;
}

enum status imports_take(struct call *call, struct outcall_job *jobs, size_t *count)
{
    struct import *import;
    size_t room = *count;
    *count = 0;
    TRY(store_import_at_work(call->db, &import));
    if (import == NULL)
        return STATUS_OK;
    if (import->status == IMPORT_RUNNING)
        return take_orders(call, import, jobs, room, count);
    *count = 1;
    return take_part(call, import, &jobs[0]);
}

/* ---- make ---- */

struct placing_orders {
    struct outcall_worker *worker;
    size_t in_flight;
};
struct placing_one {
    struct placing_orders *all;
    struct import_work *work;
};

static void refused(struct import_work *work, struct arena *arena, const ReplyHeader *header)
{
    work->order.status = ROW_FAILED;
    work->order.code = arena_strdup(arena, header->code);
    work->order.field = arena_strdup(arena, header->field);
    work->order.message = arena_strdup(arena, header->message);
    work->is_answered = true;
}

static void placed(struct import_work *work, struct arena *arena, const uint8_t *payload,
                   size_t bytes)
{
    ImportOrderResponse *answer = (ImportOrderResponse *)(void *)protobuf_c_message_unpack(
        &penstock__orders__v1__import_order_response__descriptor, arena_protobuf(arena), bytes,
        payload);
    if (answer == NULL || !uuid_parse(answer->order_id, &work->order.order_id))
        return;
    bool is_new = answer->effect == PENSTOCK__ORDERS__V1__IMPORT_EFFECT__IMPORT_EFFECT_PLACED ||
                  answer->effect == PENSTOCK__ORDERS__V1__IMPORT_EFFECT__IMPORT_EFFECT_CANCELLED;
    work->order.status = is_new ? ROW_PLACED : ROW_KNOWN;
    work->is_answered = true;
}

/* Without an answer, or with trouble instead of one, the order is asked for again. */
static void on_answer(void *context, const ReplyHeader *header, const uint8_t *payload,
                      size_t payload_bytes)
{
    struct placing_one *one = context;
    struct arena *arena = one->all->worker->arena;
    enum status status = (enum status)header->status;
    one->all->in_flight--;
    bool is_refused = status >= STATUS_INVALID && status <= STATUS_TOO_LARGE;
    bool is_short = status == STATUS_CONFLICT || is_refused;
    if (status == STATUS_OK)
        placed(one->work, arena, payload, payload_bytes);
    else if (is_short)
        refused(one->work, arena, header);
}

static void ask(struct placing_orders *all, struct import_work *work)
{
    struct arena *arena = all->worker->arena;
    char method[] = "orders.ImportOrder", internal[] = "internal", id[UUID_TEXT_BYTES];
    char *permissions[] = {internal};
    RequestHeader header;
    penstock__bus__v1__request_header__init(&header);
    header.method = method;
    header.actor = arena_strdup(arena, work->import.created_by);
    header.permissions = permissions;
    header.n_permissions = 1;
    header.command_id = arena_printf(arena, "import/%s/%lld", uuid_text(&work->import.id, id),
                                     (long long)work->order.seq);
    struct placing_one *one = ARENA_NEW(arena, struct placing_one);
    *one = (struct placing_one){all, work};
    if (bus_client_is_connected(all->worker->client, "orders") &&
        bus_ask(all->worker->client, "orders", &header, work->order.body.bytes,
                work->order.body.count, ASK_TIMEOUT_MS, on_answer, one) == STATUS_OK)
        all->in_flight++;
}

static void place_all(struct outcall_worker *worker, struct outcall_job *jobs, size_t count)
{
    struct placing_orders all = {.worker = worker};
    struct bus_loop *loop = bus_client_loop(worker->client);
    for (int i = 0; i < 10 && !bus_client_is_connected(worker->client, "orders"); i++)
        bus_loop_once(loop, 50);
    for (size_t i = 0; i < count; i++) {
        while (all.in_flight >= MAX_IN_FLIGHT)
            bus_loop_once(loop, -1);
        ask(&all, jobs[i].data);
    }
    while (all.in_flight > 0)
        bus_loop_once(loop, -1);
}

void imports_make(struct outcall_worker *worker, struct outcall_job *jobs, size_t count)
{
    struct import_work *work = jobs[0].data;
    if (work->import.status == IMPORT_RUNNING) {
        place_all(worker, jobs, count);
        return;
    }
    rules_read_part(&work->import, work->text, work->is_last, clock_wall_us(), worker->arena,
                    &work->part);
    work->is_answered = true;
}

/* ---- done ---- */

/* Orders of the part that are here already, by channel and external id. */
static enum status find_known(struct call *call, const struct import *import,
                              struct read_part *part)
{
    const char **channels = ARENA_ARRAY(call->arena, part->count + 1, const char *);
    const char **external_ids = ARENA_ARRAY(call->arena, part->count + 1, const char *);
    struct external *externals;
    size_t asked = 0, found;
    for (size_t i = 0; i < part->count; i++) {
        if (part->orders[i].status != ROW_CHECKED)
            continue;
        channels[asked] = import->channel;
        external_ids[asked++] = part->orders[i].external_id;
    }
    if (asked == 0)
        return STATUS_OK;
    TRY(store_externals_load(call->db, channels, external_ids, asked, &externals, &found));
    for (size_t k = 0; k < found; k++) {
        for (size_t i = 0; i < part->count; i++) {
            if (part->orders[i].status == ROW_CHECKED &&
                strcmp(part->orders[i].external_id, externals[k].external_id) == 0)
                part->orders[i].status = ROW_KNOWN;
        }
    }
    return STATUS_OK;
}

static enum status done_reading(struct call *call, struct import_work *work)
{
    struct import *now;
    struct read_part *part = &work->part;
    TRY(store_import_load(call->db, &work->import.id, &now));
    if (now->status != IMPORT_CHECKING || now->next_part != work->import.next_part)
        return STATUS_OK; /* cancelled meanwhile */
    TRY(find_known(call, now, part));
    for (size_t i = 0; i < part->count; i++) {
        struct import_order *order = &part->orders[i];
        order->seq = now->orders + 1 + (int64_t)i;
        now->failed += order->status == ROW_FAILED;
        now->known += order->status == ROW_KNOWN;
        store_import_order_add(call->db, &now->id, order);
    }
    now->orders += (int64_t)part->count;
    now->rows += part->rows;
    now->header = part->header;
    now->carry = work->is_last ? (struct db_bytea){NULL, 0} : part->carry;
    TRY(store_import_part_delete(call->db, &now->id, now->next_part));
    now->next_part++;
    if (work->is_last || now->rows > IMPORT_MAX_ROWS) {
        now->status = IMPORT_CHECKED;
        TRY(emit_import(call, now));
    }
    TRY(store_import_save(call->db, now, IMPORT_CHECKING, now->next_part - 1));
    outcall_kick(call, "imports");
    return STATUS_OK;
}

static enum status done_placing(struct call *call, struct outcall_job *jobs, size_t count)
{
    struct import *now;
    TRY(store_import_load(call->db, &((struct import_work *)jobs[0].data)->import.id, &now));
    bool is_cancelled = now->status != IMPORT_RUNNING;
    for (size_t i = 0; i < count; i++) {
        const struct import_work *work = jobs[i].data;
        if (!work->is_answered || is_cancelled)
            continue;
        now->failed += work->order.status == ROW_FAILED;
        now->known += work->order.status == ROW_KNOWN;
        now->placed += work->order.status == ROW_PLACED;
        store_import_order_done(call->db, &now->id, &work->order);
    }
    if (is_cancelled)
        return STATUS_OK;
    TRY(store_import_save(call->db, now, IMPORT_RUNNING, now->next_part));
    outcall_kick(call, "imports");
    return STATUS_OK;
}

enum status imports_done(struct call *call, struct outcall_job *jobs, size_t count)
{
    struct import_work *work = jobs[0].data;
    if (work->import.status == IMPORT_RUNNING)
        return done_placing(call, jobs, count);
    return done_reading(call, work);
}
