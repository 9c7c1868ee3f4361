/* verify.c -- `penstock verify`: the table of invariants and the loop over it. */
#include "cli/verify.h"

#include <stdarg.h>
#include <string.h>

#include "cli/cli.h"
#include "common/id.h"
#include "verify_queries.h"

#define VERIFIER "penstock_verify"
#define ARENA_BYTES (UINT64_C(1) << 30)
#define QUIET_US 3000000

/* ---- one statement that answers with the differences ---- */

struct difference {
    const char *what;
    int64_t number; /* of them in all */
};
DB_SHAPE(difference_shape, struct difference, DB_FIELD(struct difference, what, DB_TEXT),
         DB_FIELD(struct difference, number, DB_INT64));

struct sizes {
    int64_t orders, movements, events;
};
DB_SHAPE(sizes_shape, struct sizes, DB_FIELD(struct sizes, orders, DB_INT64),
         DB_FIELD(struct sizes, movements, DB_INT64), DB_FIELD(struct sizes, events, DB_INT64));

void verify_differ(struct verify *verify, const char *format, ...)
{
    va_list arguments;
    verify->found++;
    verify->differences++;
    if (verify->shown >= VERIFY_SHOWN)
        return;
    verify->shown++;
    printf("%s: ", verify->invariant);
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

static enum status run_query(struct verify *verify, int query)
{
    struct difference *rows;
    size_t count;
    arena_reset(verify->arena);
    TRY(db_select(verify->db, query, &difference_shape, &rows, &count));
    for (size_t i = 0; i < count; i++)
        verify_differ(verify, "%s", rows[i].what);
    if (count > 0 && rows[0].number > (int64_t)count) {
        verify->found += rows[0].number - (int64_t)count;
        verify->differences += rows[0].number - (int64_t)count;
    }
    return STATUS_OK;
}

/* ---- the invariants ---- */

/* Rows of one invariant stand together. A statement, or a function for what no statement can say.
 */
struct check {
    const char *invariant;
    const char *kind; /* "local": one schema; "across": a consumer against the logs it read */
    int query;
    enum status (*run)(struct verify *verify);
};
#define NO_QUERY (-1)
static const struct check checks[] = {
    {"stock.balance", "local", V_STOCK_BALANCE, NULL},
    {"stock.nonnegative", "local", V_STOCK_NONNEGATIVE, NULL},
    {"stock.ledger", "local", V_STOCK_LEDGER_SUMS, NULL},
    {"event.gapless", "local", V_EVENT_GAPLESS_LOGS, NULL},
    {"event.actor", "local", V_EVENT_ACTOR, NULL},
};
#define NCHECKS (sizeof(checks) / sizeof(checks[0]))

static void close_invariant(struct verify *verify)
{
    if (verify->found > verify->shown)
        printf("%s: and %lld more\n", verify->invariant,
               (long long)(verify->found - verify->shown));
}

static enum status run_checks(struct verify *verify, int *invariants)
{
    *invariants = 0;
    for (size_t i = 0; i < NCHECKS; i++) {
        const struct check *check = &checks[i];
        if (i == 0 || strcmp(check->invariant, checks[i - 1].invariant) != 0) {
            if (i > 0)
                close_invariant(verify);
            verify->invariant = check->invariant;
            verify->found = verify->shown = 0;
            (*invariants)++;
        }
        verify_progress(verify, "%s (%s)", check->invariant, check->kind);
        TRY(check->run != NULL ? check->run(verify) : run_query(verify, check->query));
    }
    close_invariant(verify);
    return STATUS_OK;
}

static enum status judge(struct verify *verify)
{
    struct sizes *sizes;
    size_t count;
    int invariants;
    TRY(db_begin_read_only(verify->db));
    TRY(db_select(verify->db, V_SIZES, &sizes_shape, &sizes, &count));
    struct sizes size = sizes[0];
    TRY(run_checks(verify, &invariants));
    db_rollback(verify->db);
    if (verify->differences > 0) {
        printf("verify: %lld differences\n", (long long)verify->differences);
        return STATUS_OK;
    }
    printf("verify: clean; %d invariants over %lld orders, %lld movements and %lld events\n",
           invariants, (long long)size.orders, (long long)size.movements, (long long)size.events);
    return STATUS_OK;
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
                         VERIFIER, verify->db != NULL ? db_error(verify->db) : dsn, home->path);
    db_use_arena(verify->db, verify->arena);
    int result = 0;
    if (judge(verify) != STATUS_OK)
        result = cli_usage("the database cannot be read to the end: %s", db_error(verify->db));
    else if (verify->differences > 0)
        result = 1;
    return result;
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
