/* toy.c -- "toyshop" and "toystock": services as small as they can be, to try the skeleton on.
 *
 * The shop sells and adds; before it sells it asks the stock, which keeps the hold until the shop's
 * log says what became of it. The stock applies every event of the shop to a table without any
 * unique key, so that a double would show.
 */
#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/service.h"
#include "penstock/bus/v1/bus.pb-c.h"
#include "toy.pb-c.h"

typedef Penstock__Toy__V1__PlaceRequest PlaceRequest;
typedef Penstock__Toy__V1__PlaceResponse PlaceResponse;
typedef Penstock__Toy__V1__AddRequest AddRequest;
typedef Penstock__Toy__V1__AddResponse AddResponse;
typedef Penstock__Toy__V1__CountRequest CountRequest;
typedef Penstock__Toy__V1__CountResponse CountResponse;
typedef Penstock__Toy__V1__ReserveRequest ReserveRequest;
typedef Penstock__Toy__V1__ReserveResponse ReserveResponse;

/* ---- rows ---- */

static const struct migration toy_migrations[] = {
    {"0001_create_toy",
     "CREATE TABLE added (id text PRIMARY KEY, tries bigint NOT NULL CHECK (tries < 1000));"
     "CREATE TABLE placed (id text PRIMARY KEY, quantity bigint NOT NULL, hold_id uuid);"
     "CREATE TABLE applied (position bigint NOT NULL, type text NOT NULL, id text NOT NULL);"
     "CREATE TABLE level (id smallint PRIMARY KEY, available bigint CHECK (available >= 0));"
     "INSERT INTO level VALUES (1, 1000);"
     "CREATE TABLE hold (id uuid PRIMARY KEY, command_id text NOT NULL, question_hash text NOT "
     "NULL,"
     " asker text NOT NULL, quantity bigint NOT NULL, state smallint NOT NULL,"
     " made_at timestamptz NOT NULL);"
     "CREATE INDEX hold_by_command ON hold (command_id);"
     "CREATE TABLE letter (id text PRIMARY KEY, attempts int NOT NULL, was_sent boolean NOT NULL);",
     false},
};

enum {
    Q_ADDED_INSERT,
    Q_ADDED_SEEN,
    Q_PLACED_INSERT,
    Q_APPLIED_INSERT,
    Q_COUNTS,
    Q_LEVEL,
    Q_LEVEL_MOVE,
    Q_HOLD_FIND,
    Q_HOLD_INSERT,
    Q_HOLD_MOVE,
    Q_HOLD_BY_ID,
    Q_HOLDS_OF_COMMAND,
    Q_UNSETTLED,
    Q_LETTER_INSERT,
    Q_LETTER_TAKE,
    Q_LETTER_DONE,
    Q_COUNT
};
static const struct db_query toy_queries[Q_COUNT] = {
    [Q_ADDED_INSERT] = {"added_insert", "INSERT INTO added (id, tries) SELECT * FROM"
                                        " unnest($1::text[], $2::bigint[])"},
    [Q_ADDED_SEEN] = {"added_seen", "SELECT count(*) AS number FROM added WHERE id = $1"},
    [Q_PLACED_INSERT] = {"placed_insert", "INSERT INTO placed (id, quantity, hold_id) SELECT * FROM"
                                          " unnest($1::text[], $2::bigint[], $3::uuid[])"},
    [Q_APPLIED_INSERT] = {"applied_insert", "INSERT INTO applied (position, type, id) SELECT * FROM"
                                            " unnest($1::bigint[], $2::text[], $3::text[])"},
    [Q_COUNTS] = {"counts", "SELECT (SELECT count(*) FROM added) AS added,"
                            " (SELECT count(*) FROM placed) AS placed,"
                            " (SELECT count(*) FROM applied) AS applied,"
                            " (SELECT available FROM level) AS available"},
    [Q_LEVEL] = {"level", "SELECT available AS number FROM level WHERE id = 1"},
    [Q_LEVEL_MOVE] = {"level_move", "UPDATE level SET available = available + $1 WHERE id = 1"},
    [Q_HOLD_FIND] = {"hold_find", "SELECT id, quantity, state, command_id, asker FROM hold"
                                  " WHERE command_id = $1 AND question_hash = $2 AND state < 3"},
    [Q_HOLD_INSERT] = {"hold_insert",
                       "INSERT INTO hold (id, command_id, question_hash, asker, quantity, state,"
                       " made_at) VALUES ($1, $2, $3, $4, $5, $6, $7)"},
    [Q_HOLD_MOVE] = {"hold_move", "UPDATE hold SET state = $2 WHERE id = $1"},
    [Q_HOLD_BY_ID] = {"hold_by_id", "SELECT id, quantity, state, command_id, asker FROM hold"
                                    " WHERE id = $1"},
    [Q_HOLDS_OF_COMMAND] = {"holds_of_command",
                            "SELECT id, quantity, state, command_id, asker FROM hold"
                            " WHERE command_id = $1 AND state = 1"},
    [Q_UNSETTLED] = {"unsettled", "SELECT id, quantity, state, command_id, asker FROM hold"
                                  " WHERE state = 1 AND made_at < $1 LIMIT $2"},
    [Q_LETTER_INSERT] = {"letter_insert", "INSERT INTO letter (id, attempts, was_sent)"
                                          " VALUES ($1, 0, false) ON CONFLICT DO NOTHING"},
    [Q_LETTER_TAKE] = {"letter_take",
                       "UPDATE letter SET attempts = attempts + 1 WHERE id IN"
                       " (SELECT id FROM letter WHERE NOT was_sent ORDER BY id LIMIT $1)"
                       " RETURNING id"},
    [Q_LETTER_DONE] = {"letter_done", "UPDATE letter SET was_sent = true WHERE id = $1"},
};

struct number {
    int64_t number;
};
DB_SHAPE(number_shape, struct number, DB_FIELD(struct number, number, DB_INT64));
struct counts {
    int64_t added, placed, applied, available;
};
DB_SHAPE(counts_shape, struct counts, DB_FIELD(struct counts, added, DB_INT64),
         DB_FIELD(struct counts, placed, DB_INT64), DB_FIELD(struct counts, applied, DB_INT64),
         DB_FIELD(struct counts, available, DB_INT64));
struct hold {
    struct uuid id;
    int64_t quantity, state;
    const char *command_id, *asker;
};
DB_SHAPE(hold_shape, struct hold, DB_FIELD(struct hold, id, DB_UUID),
         DB_FIELD(struct hold, quantity, DB_INT64), DB_FIELD(struct hold, state, DB_INT64),
         DB_FIELD(struct hold, command_id, DB_TEXT), DB_FIELD(struct hold, asker, DB_TEXT));
struct letter {
    const char *id;
};
DB_SHAPE(letter_shape, struct letter, DB_FIELD(struct letter, id, DB_TEXT));

/* ---- the shop ---- */

static enum status emit_added(struct call *call, const AddRequest *in)
{
    Penstock__Toy__V1__Added event = PENSTOCK__TOY__V1__ADDED__INIT;
    event.id = in->id;
    event.mode = in->mode;
    return emit(call, *in->key == '\0' ? in->id : in->key, &event.base);
}

HANDLER(add, AddRequest, AddResponse)
{
    struct number *rows;
    size_t found;
    TRY(db_select(call->db, Q_ADDED_SEEN, &number_shape, &rows, &found, db_text(in->id)));
    if (rows[0].number > 0)
        return refuse(call, STATUS_CONFLICT, "added_already", "id", "%s was added", in->id);
    if (strcmp(in->mode, "refuse") == 0) {
        refuse(call, STATUS_CONFLICT, "refused", "mode", "%s asked for it", in->id);
        refuse_detail(call, "mode", "%s", in->mode);
        return STATUS_CONFLICT;
    }
    if (strcmp(in->mode, "later") == 0 && !call->is_last_try)
        return call_later(call);
    if (strcmp(in->mode, "crash") == 0)
        raise(SIGKILL);
    db_add(db_columns(call->db, Q_ADDED_INSERT), db_text(in->id),
           db_int(strcmp(in->mode, "fail") == 0 ? 5000 : 1));
    if (strcmp(in->mode, "refuse_written") == 0)
        return refuse(call, STATUS_CONFLICT, "refused", "mode", "too late, but no");
    if (strcmp(in->mode, "mail") == 0) {
        TRY(db_exec(call->db, Q_LETTER_INSERT, db_text(in->id)));
        outcall_kick(call, "letters");
    }
    out->id = in->id;
    out->tries = in->mode;
    count(call, "added_total", 1);
    call_log_order(call, "toy_added", "Something was added", in->id);
    return emit_added(call, in);
}

BATCH_HANDLER(add_many)
{
    struct db_columns *rows = db_columns(batch->db, Q_ADDED_INSERT);
    for_each_call(batch, call, const AddRequest, in, AddResponse, out) {
        if (strcmp(in->mode, "refuse") == 0) {
            refuse(call, STATUS_CONFLICT, "refused", "mode", "asked for it");
            continue;
        }
        db_add(rows, db_text(in->id), db_int(strcmp(in->mode, "fail") == 0 ? 5000 : 1));
        out->id = in->id;
        TRY(emit_added(call, in));
    }
    return STATUS_OK;
}

static enum status place_question(struct call *call, const ProtobufCMessage *in_,
                                  ProtobufCMessage *question_)
{
    const PlaceRequest *in = (const PlaceRequest *)in_;
    ReserveRequest *question = (ReserveRequest *)question_;
    if (in->quantity == 0)
        return STATUS_NOT_FOUND;
    if (in->quantity < 0)
        return refuse(call, STATUS_INVALID, "out_of_range", "quantity", "at least nothing");
    question->quantity = in->quantity;
    question->accept = in->accept;
    return STATUS_OK;
}

static int place_timeout(const ProtobufCMessage *in)
{
    return ((const PlaceRequest *)in)->accept ? 500 : 0;
}

BATCH_HANDLER(place)
{
    struct db_columns *rows = db_columns(batch->db, Q_PLACED_INSERT);
    for_each_call(batch, call, const PlaceRequest, in, PlaceResponse, out) {
        const struct answer *answer = &call->answers[0];
        if (answer->came && answer->status != STATUS_OK) {
            refuse(call, answer->status, answer->code, answer->field, "%s", answer->text);
            continue;
        }
        if (in->refuse) {
            refuse(call, STATUS_CONFLICT, "refused", "refuse", "asked for it");
            continue;
        }
        if (answer->was_asked && !answer->came && !in->accept) {
            refuse(call, STATUS_UNAVAILABLE, "stock_away", "", "no word from the stock");
            continue;
        }
        db_add(rows, db_text(in->id), db_int(in->quantity), db_uuid(&answer->hold_id));
        char hold_id[UUID_TEXT_BYTES] = "";
        if (!uuid_is_nil(&answer->hold_id))
            uuid_text(&answer->hold_id, hold_id);
        Penstock__Toy__V1__Placed event = PENSTOCK__TOY__V1__PLACED__INIT;
        event.id = out->id = in->id;
        event.quantity = in->quantity;
        event.hold_id = hold_id;
        event.command_id = (char *)(uintptr_t)call->command_id;
        out->hold_id = arena_strdup(call->arena, hold_id);
        TRY(emit(call, in->id, &event.base));
    }
    return STATUS_OK;
}

HANDLER(counts, CountRequest, CountResponse)
{
    (void)in;
    struct counts *rows;
    size_t found;
    TRY(db_select(call->db, Q_COUNTS, &counts_shape, &rows, &found));
    out->added = rows[0].added;
    out->placed = rows[0].placed;
    out->applied = rows[0].applied;
    out->available = rows[0].available;
    return STATUS_OK;
}

/* ---- the stock ---- */

static enum status release(struct call *call, const struct hold *hold)
{
    if (hold->state != 1)
        return STATUS_OK;
    TRY(db_exec(call->db, Q_HOLD_MOVE, db_uuid(&hold->id), db_int(3)));
    return db_exec(call->db, Q_LEVEL_MOVE, db_int(hold->quantity));
}

static enum status release_by_id(struct call *call, const struct uuid *id)
{
    struct hold *holds;
    size_t found;
    TRY(db_select(call->db, Q_HOLD_BY_ID, &hold_shape, &holds, &found, db_uuid(id)));
    return found == 0 ? STATUS_OK : release(call, &holds[0]);
}

static enum status take_hold(struct call *call, int64_t quantity)
{
    struct uuid id = uuid_new();
    TRY(db_exec(call->db, Q_HOLD_INSERT, db_uuid(&id), db_text(call->command_id),
                db_text(call->question_hash), db_text(call->asker), db_int(quantity), db_int(1),
                db_time(call->now_us)));
    TRY(db_exec(call->db, Q_LEVEL_MOVE, db_int(-quantity)));
    call->reply_hold_id = id;
    return STATUS_OK;
}

HANDLER(reserve, ReserveRequest, ReserveResponse)
{
    struct hold *holds;
    struct number *level;
    size_t found, one;
    if (!uuid_is_nil(&call->void_hold_id))
        TRY(release_by_id(call, &call->void_hold_id));
    TRY(db_select(call->db, Q_HOLD_FIND, &hold_shape, &holds, &found, db_text(call->command_id),
                  db_text(call->question_hash)));
    out->quantity = in->quantity;
    if (found > 0) {
        call->reply_hold_id = holds[0].id;
        return STATUS_OK;
    }
    TRY(db_select(call->db, Q_LEVEL, &number_shape, &level, &one));
    if (level[0].number < in->quantity)
        return refuse(call, STATUS_CONFLICT, "insufficient_stock", "quantity", "only %lld left",
                      (long long)level[0].number);
    return take_hold(call, in->quantity);
}

static enum status adopt(struct call *call, const Penstock__Toy__V1__Placed *event)
{
    struct uuid named = {{0}};
    struct hold *holds;
    size_t found;
    uuid_parse(event->hold_id, &named);
    TRY(db_select(call->db, Q_HOLDS_OF_COMMAND, &hold_shape, &holds, &found,
                  db_text(event->command_id)));
    bool was_there = uuid_is_nil(&named);
    for (size_t i = 0; i < found; i++) {
        if (uuid_equal(&holds[i].id, &named)) {
            was_there = true;
            TRY(db_exec(call->db, Q_HOLD_MOVE, db_uuid(&named), db_int(2)));
        } else {
            TRY(release(call, &holds[i]));
        }
    }
    if (!was_there)
        return refuse(call, STATUS_CONFLICT, "hold_gone", "",
                      "the order names a hold that is gone");
    return STATUS_OK;
}

static void applied(struct batch *batch, const struct call *call, const char *id)
{
    db_add(db_columns(batch->db, Q_APPLIED_INSERT), db_int(call->event->position),
           db_text(call->event->type), db_text(id));
}

BATCH_HANDLER(on_placed)
{
    for_each_event(batch, call, Penstock__Toy__V1__Placed, event) {
        applied(batch, call, event->id);
        enum status status = adopt(call, event);
        if (call->status == STATUS_OK)
            TRY(status);
    }
    return STATUS_OK;
}

BATCH_HANDLER(on_voided)
{
    for_each_event(batch, call, Penstock__Bus__V1__HoldVoided, event) {
        struct uuid id;
        applied(batch, call, event->hold_id);
        if (uuid_parse(event->hold_id, &id))
            TRY(release_by_id(call, &id));
    }
    return STATUS_OK;
}

/* A mode of an added thing says what becomes of its event here: "poison" is refused until the file
 * TOY_ANTIDOTE is there. */
BATCH_HANDLER(on_added)
{
    for_each_event(batch, call, Penstock__Toy__V1__Added, event) {
        const char *antidote = getenv("TOY_ANTIDOTE");
        if (strcmp(event->mode, "poison") == 0 &&
            (antidote == NULL || access(antidote, F_OK) != 0)) {
            refuse(call, STATUS_CONFLICT, "poisoned", "", "%s is not wanted", event->id);
            continue;
        }
        if (strcmp(event->mode, "deadly") == 0)
            raise(SIGKILL);
        applied(batch, call, event->id);
    }
    return STATUS_OK;
}

BATCH_HANDLER(mirror)
{
    for_each_event(batch, call, Penstock__Toy__V1__Added, event)
        applied(batch, call, event->id);
    return STATUS_OK;
}

static enum status unsettled(struct call *call, int64_t age_us, struct unsettled *list,
                             size_t *count_)
{
    struct hold *holds;
    size_t found;
    const char *age = getenv("TOY_AGE_US");
    if (age != NULL)
        age_us = atoll(age);
    TRY(db_select(call->db, Q_UNSETTLED, &hold_shape, &holds, &found,
                  db_time(call->now_us - age_us), db_int((int64_t)*count_)));
    *count_ = found;
    for (size_t i = 0; i < found; i++)
        list[i] = (struct unsettled){holds[i].command_id, holds[i].asker, holds[i].id};
    return STATUS_OK;
}

/* ---- letters: calls to the outside ---- */

static enum status letters_take(struct call *call, struct outcall_job *jobs, size_t *count_)
{
    struct letter *letters;
    size_t found;
    TRY(db_select(call->db, Q_LETTER_TAKE, &letter_shape, &letters, &found,
                  db_int((int64_t)*count_)));
    *count_ = found;
    for (size_t i = 0; i < found; i++)
        jobs[i].data = arena_strdup(jobs[i].arena, letters[i].id);
    return STATUS_OK;
}

static void letters_make(struct outcall_worker *worker, struct outcall_job *jobs, size_t count_)
{
    (void)worker;
    for (size_t i = 0; i < count_; i++)
        assert(jobs[i].data != NULL);
}

static enum status letters_done(struct call *call, struct outcall_job *jobs, size_t count_)
{
    for (size_t i = 0; i < count_; i++)
        TRY(db_exec(call->db, Q_LETTER_DONE, db_text(jobs[i].data)));
    return STATUS_OK;
}

/* ---- tables ---- */

static const struct route shop_routes[] = {
    {.rpc = "Place",
     .kind = ROUTE_BATCH,
     .batch = place,
     .permission = "orders:write",
     .asks = {{.service = "toystock",
               .rpc = "Reserve",
               .question = &penstock__toy__v1__reserve_request__descriptor,
               .answer = &penstock__toy__v1__reserve_response__descriptor,
               .build = place_question,
               .timeout_ms = place_timeout}}},
    {.rpc = "Add", .kind = ROUTE_COMMAND, .handler = add, .permission = "orders:write"},
    {.rpc = "AddMany", .kind = ROUTE_BATCH, .batch = add_many, .permission = "orders:write"},
    {.rpc = "Count", .kind = ROUTE_QUERY, .handler = counts, .permission = "orders:read"},
    {.rpc = NULL},
};
static const struct route stock_routes[] = {
    {.rpc = "Reserve", .kind = ROUTE_COMMAND, .handler = reserve},
    {.rpc = "Count", .kind = ROUTE_QUERY, .handler = counts, .permission = "orders:read"},
    {.rpc = NULL},
};
static const struct subscription stock_subscriptions[] = {
    {"toyshop", &penstock__toy__v1__placed__descriptor, on_placed},
    {"toyshop", &penstock__toy__v1__added__descriptor, on_added},
    {"toyshop", &penstock__bus__v1__hold_voided__descriptor, on_voided},
    {NULL, NULL, NULL},
};
static const struct projection shop_projections[] = {
    {"mirror", &penstock__toy__v1__added__descriptor, mirror},
    {NULL, NULL, NULL},
};
static const struct outcall shop_outcalls[] = {
    {.name = "letters",
     .workers = 1,
     .period_ms = 500,
     .max_jobs = 8,
     .take = letters_take,
     .make = letters_make,
     .done = letters_done},
    {.name = NULL},
};
static const struct counter shop_counters[] = {{"added_total", "Things added"}, {NULL, NULL}};

static const struct service shop = {
    .name = "toyshop",
    .api = &penstock__toy__v1__toy__descriptor,
    .routes = shop_routes,
    .projections = shop_projections,
    .outcalls = shop_outcalls,
    .counters = shop_counters,
    .queries = toy_queries,
    .nqueries = Q_COUNT,
    .migrations = toy_migrations,
    .nmigrations = 1,
};
static const struct service stock = {
    .name = "toystock",
    .api = &penstock__toy__v1__toy__descriptor,
    .routes = stock_routes,
    .subscriptions = stock_subscriptions,
    .queries = toy_queries,
    .nqueries = Q_COUNT,
    .migrations = toy_migrations,
    .nmigrations = 1,
    .unsettled = unsettled,
};

/* toy migrate DSN | toy toyshop|toystock --config FILE */
int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "migrate") == 0) {
        static const char *const names[] = {"toyshop", "toystock"};
        for (int i = 0; i < 2; i++) {
            char role[64];
            const char *message = NULL;
            snprintf(role, sizeof role, "penstock_%s", names[i]);
            if (migrate_apply(argv[2], names[i], role, toy_migrations, 1, NULL, &message) !=
                STATUS_OK) {
                fprintf(stderr, "%s\n", message);
                return 1;
            }
        }
        return 0;
    }
    assert(argc > 1);
    return service_main(strcmp(argv[1], "toyshop") == 0 ? &shop : &stock, argc - 1, argv + 1);
}
