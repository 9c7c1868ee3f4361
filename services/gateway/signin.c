/* The sign-in thread: its queue, its counts of failures, its rows. */
#include "services/gateway/signin.h"

#include <assert.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/log.h"
#include "services/gateway/audit.h"
#include "services/gateway/http.h"
#include "services/gateway/rules_people.h"
#include "services/gateway/signin_internal.h"
#include "services/gateway/store_people.h"
#include "services/gateway/throttle.h"

#define QUEUE_LIMIT 32
#define ARENA_BYTES ((size_t)4 << 20)
/* Failures that cost no pause: of one account from one address, of one address, of one account. */
#define FREE_OF_PAIR 5
#define FREE_OF_ADDRESS 100
#define FREE_OF_ACCOUNT 30
#define ACCOUNT_BYTES 256

/* The end of one HTTP thread's channel. */
struct door {
    struct signin *signin;
    struct bus_channel *channel;
};
struct bench {
    struct signin *signin;
    struct signin_worker worker;
    struct bus_channel *channel;
    struct signin_work work;
    bool is_busy;
};
struct signin {
    const struct service *service;
    struct bus *bus;
    size_t ndoors;
    pthread_t thread;
    int stop_fd;
    /* the thread's own */
    struct bus_loop *loop;
    struct door doors[HTTP_MAX_THREADS];
    struct bench benches[SIGNIN_WORKERS];
    struct db *db; /* NULL: not connected */
    struct arena *arena;
    struct throttle *of_pair, *of_address, *of_account;
    char nobodys_hash[PASSWORD_HASH_BYTES];
    struct signin_attempt *queue[QUEUE_LIMIT];
    size_t first, count;
};

char *signin_channel_name(int http_thread, char buffer[SIGNIN_CHANNEL_NAME_BYTES])
{
    snprintf(buffer, SIGNIN_CHANNEL_NAME_BYTES, "signin.%d", http_thread);
    return buffer;
}

static void answer(struct signin_attempt *attempt, enum signin_result result)
{
    struct door *door = attempt->own;
    attempt->result = result;
    bus_channel_send(door->channel, attempt);
}

/* ---- who fails too often ---- */

/* The account and, after it, the address: the pair is all of it, the account its first part. */
struct caller {
    uint8_t bytes[ACCOUNT_BYTES + sizeof(struct address)];
    size_t account_bytes;
};

static struct caller caller_of(const struct signin_attempt *attempt)
{
    struct caller caller = {.account_bytes = ACCOUNT_BYTES};
    char id[UUID_TEXT_BYTES];
    const char *account =
        attempt->kind == SIGNIN_BEGIN ? attempt->email : uuid_text(&attempt->person_id, id);
    /* What is longer is no account of ours; it still counts as one. */
    memcpy(caller.bytes, account, strnlen(account, ACCOUNT_BYTES));
    memcpy(caller.bytes + ACCOUNT_BYTES, &attempt->client, sizeof attempt->client);
    return caller;
}

static int64_t begin_counts(struct signin *signin, const struct signin_attempt *attempt)
{
    const struct caller it = caller_of(attempt);
    int64_t now_us = clock_monotonic_us(), wait_ms;
    bool is_known = throttle_has_succeeded(signin->of_pair, it.bytes, sizeof it.bytes);
    wait_ms = throttle_begin(signin->of_pair, it.bytes, sizeof it.bytes, now_us);
    if (wait_ms > 0 || is_known)
        return wait_ms;
    wait_ms = throttle_begin(signin->of_address, &attempt->client, sizeof attempt->client, now_us);
    if (wait_ms == 0) {
        wait_ms = throttle_begin(signin->of_account, it.bytes, it.account_bytes, now_us);
        if (wait_ms > 0)
            throttle_take_back(signin->of_address, &attempt->client, sizeof attempt->client);
    }
    if (wait_ms > 0)
        throttle_take_back(signin->of_pair, it.bytes, sizeof it.bytes);
    return wait_ms;
}

static void take_back_counts(struct signin *signin, const struct signin_attempt *attempt)
{
    const struct caller it = caller_of(attempt);
    throttle_take_back(signin->of_pair, it.bytes, sizeof it.bytes);
    throttle_take_back(signin->of_address, &attempt->client, sizeof attempt->client);
    throttle_take_back(signin->of_account, it.bytes, it.account_bytes);
}

/* The address keeps its other failures: one account of one's own must not pay for guessing those
 * of others. */
static void succeed_counts(struct signin *signin, const struct signin_attempt *attempt)
{
    const struct caller it = caller_of(attempt);
    take_back_counts(signin, attempt);
    throttle_succeeded(signin->of_pair, it.bytes, sizeof it.bytes, clock_monotonic_us());
}

/* ---- rows ---- */

static enum status connect_database(struct signin *signin)
{
    if (signin->db != NULL && db_is_broken(signin->db))
        db_close(&signin->db);
    if (signin->db == NULL)
        TRY(service_db_open(signin->service, "gateway sign-in", &signin->db));
    arena_reset(signin->arena);
    db_use_arena(signin->db, signin->arena);
    return STATUS_OK;
}

/* Runs fn in a transaction; a second time when the database asks for it or had gone away. */
typedef enum status rows_fn(struct signin *signin, void *context);

static enum status run_once(struct signin *signin, rows_fn *fn, void *context)
{
    TRY(connect_database(signin));
    TRY(db_begin(signin->db));
    enum status status = fn(signin, context);
    if (status != STATUS_OK) {
        db_rollback(signin->db);
        return status;
    }
    return db_commit(signin->db);
}

static enum status run_rows(struct signin *signin, rows_fn *fn, void *context)
{
    enum status status = run_once(signin, fn, context);
    if (status == STATUS_RETRY || status == STATUS_UNAVAILABLE)
        status = run_once(signin, fn, context);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        log_warn("signin_no_database", "A sign-in could not be read or written",
                 LOG_TEXT("status", status_name(status)));
    return status;
}

struct account {
    const struct signin_attempt *attempt;
    struct person_row *person;
};

static enum status load_account(struct signin *signin, void *context)
{
    struct account *account = context;
    const struct signin_attempt *attempt = account->attempt;
    if (attempt->kind == SIGNIN_BEGIN)
        return store_person_by_email(signin->db, attempt->email, &account->person);
    return store_person_by_id(signin->db, &attempt->person_id, &account->person);
}

/* Of an attempt that failed it is not known who made it, but whose account it was about. */
static void note(struct signin *signin, const struct signin_attempt *attempt, const char *action)
{
    char id[UUID_TEXT_BYTES], address[ADDRESS_TEXT_BYTES];
    bool is_known = !uuid_is_nil(&attempt->person_id);
    const char *person =
        is_known ? arena_printf(signin->arena, "person:%s", uuid_text(&attempt->person_id, id))
                 : "";
    bool has_failed = strcmp(action, "sign_in_failed") == 0;
    const struct audit_note it = {.at_us = clock_wall_us(),
                                  .actor = has_failed ? "" : person,
                                  .action = action,
                                  .route = "",
                                  .target = person,
                                  .address = address_text(&attempt->client, address),
                                  .times = 1};
    audit_write(signin->db, &it);
}

static enum status note_failure(struct signin *signin, void *context)
{
    const struct signin_attempt *attempt = context;
    note(signin, attempt,
         attempt->kind == SIGNIN_BEGIN ? "sign_in_failed" : "password_change_failed");
    return STATUS_OK;
}

static enum status end_session(struct signin *signin, void *context)
{
    const struct signin_attempt *attempt = context;
    note(signin, attempt, "signed_out");
    return store_session_end(signin->db, attempt->hash);
}

/* A browser that signs in anew leaves its old session behind. */
static enum status begin_session(struct signin *signin, void *context)
{
    const struct signin_work *work = context;
    struct signin_attempt *attempt = work->attempt;
    uint8_t hash[SESSION_HASH_BYTES];
    int64_t now_us = clock_wall_us();
    session_token_new(attempt->token, hash);
    const struct session_row row = {hash, attempt->person_id, now_us, now_us + SESSION_LONGEST_US};
    if (attempt->has_session)
        TRY(store_session_end(signin->db, attempt->hash));
    TRY(store_session_begin(signin->db, &row, work->checked_hash,
                            work->hashes_anew ? work->new_hash : NULL));
    note(signin, attempt, "signed_in");
    return STATUS_OK;
}

static enum status change_password(struct signin *signin, void *context)
{
    const struct signin_work *work = context;
    const struct signin_attempt *attempt = work->attempt;
    TRY(store_person_password(signin->db, &attempt->person_id, work->checked_hash, work->new_hash));
    note(signin, attempt, "password_changed");
    return store_session_end_of_person(signin->db, &attempt->person_id, attempt->hash);
}

/* ---- one attempt after the other ---- */

static void describe(struct signin_attempt *attempt, const struct person_row *person)
{
    attempt->person_id = person->id;
    attempt->session = (struct session){
        .person_id = person->id,
        .role = role_find(person->role),
        .name = arena_strdup(attempt->arena, person->name),
        .email = arena_strdup(attempt->arena, person->email),
        .locale = arena_strdup(attempt->arena, person->locale),
        .has_first_password = person->has_first_password && attempt->kind == SIGNIN_BEGIN,
    };
}

/* False: the attempt has its answer already. */
static bool prepare(struct signin *signin, struct signin_attempt *attempt, struct signin_work *work)
{
    struct account account = {.attempt = attempt};
    enum status status = run_rows(signin, load_account, &account);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
        take_back_counts(signin, attempt);
        answer(attempt, SIGNIN_UNAVAILABLE);
        return false;
    }
    const struct person_row *person = status == STATUS_OK ? account.person : NULL;
    *work = (struct signin_work){.attempt = attempt, .new_password = attempt->password};
    work->is_somebody =
        person != NULL && person->disabled_at_us == 0 && role_find(person->role) != NULL;
    snprintf(work->checked_hash, sizeof work->checked_hash, "%s",
             work->is_somebody ? person->password_hash : signin->nobodys_hash);
    if (!work->is_somebody)
        return true;
    describe(attempt, person);
    if (attempt->kind != SIGNIN_PASSWORD)
        return true;
    work->hashes_anew = true;
    work->new_password = attempt->new_password;
    attempt->why = password_refusal(attempt->new_password, person->email, person->name);
    if (attempt->why == NULL)
        return true;
    take_back_counts(signin, attempt);
    answer(attempt, SIGNIN_WEAK);
    return false;
}

static void dispatch(struct signin *signin)
{
    for (size_t i = 0; i < SIGNIN_WORKERS; i++) {
        struct bench *bench = &signin->benches[i];
        while (!bench->is_busy && signin->count > 0) {
            struct signin_attempt *attempt = signin->queue[signin->first];
            signin->first = (signin->first + 1) % QUEUE_LIMIT;
            signin->count--;
            bench->is_busy = prepare(signin, attempt, &bench->work);
            if (bench->is_busy)
                bus_channel_send(bench->channel, &bench->work);
        }
    }
}

static enum signin_result finish(struct signin *signin, struct signin_work *work)
{
    struct signin_attempt *attempt = work->attempt;
    if (!work->is_right) {
        enum status ignored = run_rows(signin, note_failure, attempt); /* which has been logged */
        (void)ignored;
        return SIGNIN_WRONG;
    }
    succeed_counts(signin, attempt);
    bool changes = attempt->kind == SIGNIN_PASSWORD;
    if (changes && !work->hashes_anew)
        return SIGNIN_UNAVAILABLE; /* no memory to hash with */
    enum status status = run_rows(signin, changes ? change_password : begin_session, work);
    return status == STATUS_OK          ? SIGNIN_OK
           : status == STATUS_NOT_FOUND ? SIGNIN_WRONG
                                        : SIGNIN_UNAVAILABLE;
}

static void on_computed(void *context, void *pointer)
{
    struct bench *bench = context;
    struct signin_work *work = pointer;
    answer(work->attempt, finish(bench->signin, work));
    sodium_memzero(work, sizeof *work);
    bench->is_busy = false;
    dispatch(bench->signin);
}

static void on_attempt(void *context, void *pointer)
{
    struct door *door = context;
    struct signin *signin = door->signin;
    struct signin_attempt *attempt = pointer;
    attempt->own = door;
    if (attempt->kind == SIGNIN_END) {
        bool is_ended = run_rows(signin, end_session, attempt) == STATUS_OK;
        answer(attempt, is_ended ? SIGNIN_OK : SIGNIN_UNAVAILABLE);
        return;
    }
    if (signin->count == QUEUE_LIMIT) {
        answer(attempt, SIGNIN_BUSY);
        return;
    }
    attempt->wait_ms = begin_counts(signin, attempt);
    if (attempt->wait_ms > 0) {
        answer(attempt, SIGNIN_PAUSE);
        return;
    }
    signin->queue[(signin->first + signin->count++) % QUEUE_LIMIT] = attempt;
    dispatch(signin);
}

/* ---- the thread ---- */

static void on_stop(void *context, int fd)
{
    struct signin *signin = context;
    uint64_t wakes;
    if (read(fd, &wakes, sizeof wakes) < 0)
        assert(errno == EAGAIN);
    bus_loop_stop(signin->loop);
}

static void make_nobodys_hash(struct signin *signin)
{
    char password[PASSWORD_MADE_BYTES];
    password_make(password);
    bool is_made = password_hash(password, signin->nobodys_hash);
    assert(is_made);
}

static void start_workers(struct signin *signin)
{
    char name[SIGNIN_WORKER_NAME_BYTES];
    for (int i = 0; i < SIGNIN_WORKERS; i++) {
        struct bench *bench = &signin->benches[i];
        bench->signin = signin;
        bench->worker = (struct signin_worker){.bus = signin->bus, .index = i};
        bench->channel =
            bus_channel_bind(signin->loop, signin_worker_name(i, name), on_computed, bench);
        int failed = pthread_create(&bench->worker.thread, NULL, signin_worker_run, &bench->worker);
        assert(failed == 0);
    }
}

static void *run(void *argument)
{
    struct signin *signin = argument;
    char name[SIGNIN_CHANNEL_NAME_BYTES];
    signin->loop = bus_loop_open(signin->bus);
    signin->arena = arena_open(ARENA_BYTES);
    signin->of_pair = throttle_open(FREE_OF_PAIR);
    signin->of_address = throttle_open(FREE_OF_ADDRESS);
    signin->of_account = throttle_open(FREE_OF_ACCOUNT);
    make_nobodys_hash(signin);
    start_workers(signin);
    for (size_t i = 0; i < signin->ndoors; i++) {
        struct door *door = &signin->doors[i];
        door->signin = signin;
        door->channel =
            bus_channel_bind(signin->loop, signin_channel_name((int)i, name), on_attempt, door);
    }
    bus_loop_watch_fd(signin->loop, signin->stop_fd, on_stop, signin);
    bus_loop_run(signin->loop);
    for (size_t i = 0; i < SIGNIN_WORKERS; i++) {
        bus_channel_send(signin->benches[i].channel, NULL);
        pthread_join(signin->benches[i].worker.thread, NULL);
    }
    if (signin->db != NULL)
        db_close(&signin->db);
    throttle_close(&signin->of_pair);
    throttle_close(&signin->of_address);
    throttle_close(&signin->of_account);
    bus_loop_close(&signin->loop);
    arena_close(&signin->arena);
    return NULL;
}

enum status signin_open(const struct service *service, struct bus *bus, int http_threads,
                        struct signin **out)
{
    struct signin *signin = calloc(1, sizeof *signin);
    assert(signin != NULL && http_threads >= 1 && http_threads <= HTTP_MAX_THREADS);
    signin->service = service;
    signin->bus = bus;
    signin->ndoors = (size_t)http_threads;
    signin->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (signin->stop_fd < 0 || pthread_create(&signin->thread, NULL, run, signin) != 0) {
        log_error("signin_not_started", "The sign-in thread could not be started");
        free(signin);
        return STATUS_INTERNAL;
    }
    *out = signin;
    return STATUS_OK;
}

void signin_close(struct signin **signin)
{
    struct signin *it = *signin;
    const uint64_t one = 1;
    if (it == NULL)
        return;
    if (write(it->stop_fd, &one, sizeof one) < 0)
        assert(errno == EAGAIN);
    pthread_join(it->thread, NULL);
    close(it->stop_fd);
    free(it);
    *signin = NULL;
}
