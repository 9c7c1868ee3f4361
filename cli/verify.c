/* verify.c -- `penstock verify`: the table of checks and the loop over it. */
#include "cli/verify.h"

#include <stdarg.h>
#include <string.h>

#include "cli/cli.h"
#include "common/id.h"
#include "verify_queries.h"

#define VERIFIER "penstock_verify"
#define ARENA_BYTES (UINT64_C(2) << 30)
#define QUIET_US 3000000
#define SETTLED_US INT64_C(60000000) /* what was asked longer ago has ended, says --strict */

static const char *const words[INVARIANT_ALL] = {
#define X(name, word, kind) [INVARIANT_##name] = word,
    INVARIANTS(X)
#undef X
        [INVARIANT_STRICT] = "strict",
};

void verify_differ(struct verify *verify, enum invariant invariant, const char *format, ...)
{
    va_list arguments;
    if (++verify->found[invariant] > VERIFY_SHOWN)
        return;
    printf("%s: ", words[invariant]);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
}

void verify_progress(struct verify *verify, const char *format, ...)
{
    int64_t now = clock_monotonic_us();
    va_list arguments;
    if (now - verify->said_us < QUIET_US)
        return;
    verify->said_us = now;
    fprintf(stderr, "  after %lld s: ", (long long)((now - verify->started_us) / 1000000));
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fprintf(stderr, "\n");
}

/* ---- the checks ---- */

/* A statement that answers with the differences, or a function for what no statement can say. */
static const struct check {
    enum invariant invariant; /* that it is mostly about */
    int query;
    enum status (*run)(struct verify *verify);
} checks[] = {
    {INVARIANT_EVENT_GAPLESS, V_EVENT_GAPLESS_LOGS, NULL},
    {INVARIANT_EVENT_GAPLESS, V_EVENT_GAPLESS_CURSORS, NULL},
    {INVARIANT_EVENT_ACTOR, V_EVENT_ACTOR, NULL},
    {INVARIANT_EVENT_ACTOR, V_EVENT_ACTOR_ORDERS, NULL},
    {INVARIANT_STOCK_BALANCE, V_STOCK_BALANCE, NULL},
    {INVARIANT_STOCK_NONNEGATIVE, V_STOCK_NONNEGATIVE, NULL},
    {INVARIANT_STOCK_NONNEGATIVE, V_STOCK_NONNEGATIVE_EVER, NULL},
    {INVARIANT_STOCK_LEDGER, V_STOCK_LEDGER_SUMS, NULL},
    {INVARIANT_STOCK_LEDGER, V_STOCK_LEDGER_CAUSES, NULL},
    {INVARIANT_STOCK_RESERVATION, V_STOCK_RESERVATION, NULL},
    {INVARIANT_STOCK_OWNER, V_STOCK_OWNER_HOLDS, NULL},
    {INVARIANT_STOCK_SOLD, V_STOCK_SOLD, NULL},
    {INVARIANT_ORDER_LINES, V_ORDER_LINES_IDENTITY, NULL},
    {INVARIANT_ORDER_LINES, V_ORDER_LINES_TERMS, NULL},
    {INVARIANT_ORDER_LINES, V_ORDER_LINES_VERSIONS, NULL},
    {INVARIANT_ORDER_LINES, 0, verify_totals},
    {INVARIANT_ORDER_STATUS, V_ORDER_STATUS, NULL},
    {INVARIANT_ORDER_STATUS, V_ORDER_STATUS_WORK, NULL},
    {INVARIANT_ORDER_ONCE, V_ORDER_ONCE, NULL},
    {INVARIANT_ORDER_FAMILY, V_ORDER_FAMILY, NULL},
    {INVARIANT_MONEY_REFUND, V_MONEY_REFUND, NULL},
    {INVARIANT_MONEY_LEDGER, V_MONEY_LEDGER, NULL},
    {INVARIANT_FULFILLMENT_QUANTITY, V_FULFILLMENT_QUANTITY, NULL},
    {INVARIANT_RETURN_QUANTITY, V_RETURN_QUANTITY, NULL},
    {INVARIANT_INGEST_ONCE, V_INGEST_ONCE, NULL},
    {INVARIANT_NOTIFY_ONCE, V_NOTIFY_ONCE_PLACES, NULL},
    {INVARIANT_AUDIT_CHAIN, V_AUDIT_CHAIN, NULL},
    {INVARIANT_AUDIT_CHAIN, V_AUDIT_WAITS, NULL},
    {INVARIANT_EVENT_EFFECT, V_EVENT_EFFECT_SEARCH, NULL},
    {INVARIANT_EVENT_EFFECT, V_EVENT_EFFECT_BULK, NULL},
    {INVARIANT_PRIVACY_ERASED, V_PRIVACY_ERASED, NULL},
    {INVARIANT_EVENT_EFFECT, 0, verify_fold},
};
#define NCHECKS (sizeof(checks) / sizeof(checks[0]))

struct difference {
    const char *what;
    int64_t number; /* of them in all */
};
DB_SHAPE(difference_shape, struct difference, DB_FIELD(struct difference, what, DB_TEXT),
         DB_FIELD(struct difference, number, DB_INT64));

static void report(struct verify *verify, enum invariant invariant, const struct difference *rows,
                   size_t count)
{
    for (size_t i = 0; i < count; i++)
        verify_differ(verify, invariant, "%s", rows[i].what);
    if (count > 0)
        verify->found[invariant] += rows[0].number - (int64_t)count;
}

static enum status run_query(struct verify *verify, enum invariant invariant, int query)
{
    struct difference *rows;
    size_t count;
    arena_reset(verify->arena);
    TRY(db_select(verify->db, query, &difference_shape, &rows, &count));
    report(verify, invariant, rows, count);
    return STATUS_OK;
}

static enum status run_strict(struct verify *verify)
{
    struct difference *rows;
    size_t count;
    arena_reset(verify->arena);
    TRY(db_select(verify->db, V_STRICT, &difference_shape, &rows, &count,
                  db_time(verify->now_us - SETTLED_US)));
    report(verify, INVARIANT_STRICT, rows, count);
    return STATUS_OK;
}

static enum status run_checks(struct verify *verify)
{
    for (size_t i = 0; i < NCHECKS; i++) {
        const struct check *check = &checks[i];
        verify_progress(verify, "%s", words[check->invariant]);
        TRY(check->run != NULL ? check->run(verify)
                               : run_query(verify, check->invariant, check->query));
    }
    return verify->is_strict ? run_strict(verify) : STATUS_OK;
}

/* ---- the snapshot ---- */

DB_SHAPE(sizes_shape, struct sizes, DB_FIELD(struct sizes, orders, DB_INT64),
         DB_FIELD(struct sizes, movements, DB_INT64), DB_FIELD(struct sizes, events, DB_INT64),
         DB_FIELD(struct sizes, parked, DB_INT64));

static int64_t conclude(const struct verify *verify)
{
    int64_t differences = 0;
    for (int i = 0; i < INVARIANT_ALL; i++) {
        differences += verify->found[i];
        if (verify->found[i] > VERIFY_SHOWN)
            printf("%s: and %lld more\n", words[i], (long long)(verify->found[i] - VERIFY_SHOWN));
    }
    if (verify->sizes.parked > 0)
        printf("verify: %lld events are parked; what they are about was left out\n",
               (long long)verify->sizes.parked);
    if (differences > 0)
        printf("verify: %lld differences\n", (long long)differences);
    else
        printf("verify: clean; %d invariants over %lld orders, %lld movements and %lld events\n",
               INVARIANT_COUNT, (long long)verify->sizes.orders, (long long)verify->sizes.movements,
               (long long)verify->sizes.events);
    return differences;
}

static enum status judge(struct verify *verify)
{
    struct sizes *sizes;
    size_t count;
    TRY(db_begin_read_only(verify->db));
    TRY(db_select(verify->db, V_SIZES, &sizes_shape, &sizes, &count));
    verify->sizes = sizes[0];
    TRY(run_checks(verify));
    db_rollback(verify->db);
    return STATUS_OK;
}

/* Sets are sorted and joined as a whole here: more room than a service's statement would need. */
static enum status prepare_session(struct db *db)
{
    return db_command(db, "SET work_mem = '128MB'", NULL);
}

static int open_and_judge(const struct home *home, struct verify *verify)
{
    char dsn[CLI_PATH_BYTES + 64];
    home_dsn(home, VERIFIER, dsn, sizeof(dsn));
    struct db_options options = {.dsn = dsn,
                                 .application_name = "penstock-verify",
                                 .queries = verify_queries,
                                 .nqueries = V_COUNT,
                                 .scans = true};
    if (db_open(&options, &verify->db) != STATUS_OK)
        return cli_usage("cannot read the database as %s: %s (is it up and migrated? penstock up "
                         "--home %s)",
                         VERIFIER, db_error(NULL), home->path);
    db_use_arena(verify->db, verify->arena);
    if (prepare_session(verify->db) != STATUS_OK || judge(verify) != STATUS_OK)
        return cli_usage("the database cannot be read to the end: %s", db_error(verify->db));
    return conclude(verify) == 0 ? 0 : 1;
}

int command_verify(int argc, char **argv)
{
    struct home home;
    struct verify verify = {.is_strict = cli_flag(argc, argv, "--strict"),
                            .now_us = clock_wall_us(),
                            .started_us = clock_monotonic_us()};
    if (home_locate(argc, argv, &home) != 0 || home_read(&home) != 0)
        return 2;
    verify.said_us = verify.started_us;
    verify.arena = arena_open(ARENA_BYTES);
    int result = open_and_judge(&home, &verify);
    if (verify.db != NULL)
        db_close(&verify.db);
    arena_close(&verify.arena);
    return result;
}
