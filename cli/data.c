/* data.c -- migrate, backup, restore: the database as a whole. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/cli.h"
#include "common/db.h"
#include "common/migrate.h"

#define OWNER "penstock"

#define SERVICE_MIGRATIONS(X) X(inventory) X(orders) X(fulfillment) X(returns) X(notify) X(gateway)
#define X(name)                                                                                    \
    extern const struct migration name##_migrations[];                                             \
    extern const size_t name##_nmigrations;
SERVICE_MIGRATIONS(X)
#undef X

struct schema {
    const char *name;
    const struct migration *migrations;
    const size_t *count;
};
static const struct schema schemas[] = {
#define X(name) {#name, name##_migrations, &name##_nmigrations},
    SERVICE_MIGRATIONS(X)
#undef X
};
#define NSCHEMAS (sizeof(schemas) / sizeof(schemas[0]))

static void say_migration(const char *schema, const char *name)
{
    printf("  %s: %s\n", schema, name);
    fflush(stdout);
}

/* Runs statements as the owner beside the database, each on its own: they cannot be in a
 * transaction. */
static int run_statements(const struct home *home, const char *const *statements)
{
    char dsn[CLI_PATH_BYTES + 64];
    struct db *db = NULL;
    snprintf(dsn, sizeof(dsn), "host=%s dbname=postgres user=%s", home->cluster, OWNER);
    struct db_options options = {.dsn = dsn, .application_name = "penstock-migrate"};
    if (db_open(&options, &db) != STATUS_OK)
        return cli_fail("cannot connect to PostgreSQL: %s", db_error(db));
    int result = 0;
    for (; *statements != NULL && result == 0; statements++)
        if (db_command(db, *statements, NULL) != STATUS_OK)
            result = cli_fail("%s: %s", *statements, db_error(db));
    db_close(&db);
    return result;
}

/* The private cluster starts with the database "postgres" only. */
static int make_database(const struct home *home)
{
    static const char *const create[] = {"CREATE DATABASE penstock", NULL};
    char dsn[CLI_PATH_BYTES + 64];
    struct db *db = NULL;
    int64_t exists = 0;
    snprintf(dsn, sizeof(dsn), "host=%s dbname=postgres user=%s", home->cluster, OWNER);
    struct db_options options = {.dsn = dsn, .application_name = "penstock-migrate"};
    if (db_open(&options, &db) != STATUS_OK)
        return cli_fail("cannot connect to PostgreSQL: %s", db_error(db));
    enum status status =
        db_command(db, "SELECT 1 FROM pg_database WHERE datname = 'penstock'", &exists);
    int result =
        status == STATUS_OK ? 0 : cli_fail("cannot look for the database: %s", db_error(db));
    db_close(&db);
    return result == 0 && exists == 0 ? run_statements(home, create) : result;
}

int data_migrate(const struct home *home, int *applied)
{
    char dsn[CLI_PATH_BYTES + 64];
    const char *message = NULL;
    size_t missing[NSCHEMAS] = {0}, all = 0;
    *applied = 0;
    if (home->is_private && make_database(home) != 0)
        return 1;
    home_dsn(home, OWNER, dsn, sizeof(dsn));
    for (size_t i = 0; i < NSCHEMAS; i++) {
        if (migrate_check(dsn, schemas[i].name, schemas[i].migrations, *schemas[i].count,
                          &missing[i], &message) == STATUS_UNAVAILABLE)
            return cli_fail("cannot connect to PostgreSQL as %s: %s", OWNER, message);
        all += missing[i];
    }
    if (all > 0)
        printf("Migrating the database to this version: %zu steps\n", all);
    fflush(stdout);
    for (size_t i = 0; i < NSCHEMAS; i++) {
        char role[64];
        snprintf(role, sizeof(role), "penstock_%s", schemas[i].name);
        if (migrate_apply(dsn, schemas[i].name, role, schemas[i].migrations, *schemas[i].count,
                          say_migration, &message) != STATUS_OK)
            return cli_fail("the schema %s cannot be migrated: %s", schemas[i].name, message);
        *applied += (int)missing[i];
    }
    return 0;
}

int command_migrate(int argc, char **argv)
{
    struct home home;
    int applied = 0, result = home_locate(argc, argv, &home);
    if (result != 0 || (result = home_read(&home)) != 0 ||
        (result = data_migrate(&home, &applied)) != 0)
        return result;
    printf(applied > 0 ? "Migrated.\n" : "Every schema is at this version already.\n");
    return 0;
}

static int run(const char *const argv[])
{
    int state = 0;
    pid_t pid = fork();
    if (pid == 0) {
        execv(argv[0], (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    if (pid < 0 || waitpid(pid, &state, 0) != pid)
        return 1;
    return WIFEXITED(state) && WEXITSTATUS(state) == 0 ? 0 : 1;
}

/* A backup is taken from one snapshot of the whole database, so that every consumer's cursor fits
 * the logs beside it. */
int command_backup(int argc, char **argv)
{
    struct home home;
    const char *file = cli_word(argc, argv, 0);
    char dsn[CLI_PATH_BYTES + 64], program[CLI_PATH_BYTES];
    if (file == NULL)
        return cli_usage("usage: penstock backup FILE");
    int result = home_locate(argc, argv, &home);
    if (result != 0 || (result = home_read(&home)) != 0 ||
        (result = cluster_program("pg_dump", program, sizeof(program))) != 0)
        return result;
    home_dsn(&home, OWNER, dsn, sizeof(dsn));
    printf("Writing the database to %s\n", file);
    fflush(stdout);
    const char *command[] = {
        program, "--format=custom", "--compress=1", "--file", file, "--dbname", dsn, NULL};
    if (run(command) != 0)
        return cli_fail("pg_dump failed; nothing was changed");
    printf("Done. penstock restore %s --home OTHER makes a home of it.\n", file);
    return 0;
}

/* Into a database of its own first, which takes the place of the present one when all of it is
 * there. */
static int restore_into(const struct home *home, const char *file)
{
    static const char *const before[] = {"DROP DATABASE IF EXISTS penstock_restored",
                                         "CREATE DATABASE penstock_restored", NULL};
    static const char *const after[] = {
        "DROP DATABASE penstock", "ALTER DATABASE penstock_restored RENAME TO penstock", NULL};
    char dsn[CLI_PATH_BYTES + 64], program[CLI_PATH_BYTES];
    int applied, result = cluster_program("pg_restore", program, sizeof(program));
    if (result != 0)
        return result;
    /* Makes the roles that the backup's rights name. */
    if ((result = data_migrate(home, &applied)) != 0 ||
        (result = run_statements(home, before)) != 0)
        return result;
    snprintf(dsn, sizeof(dsn), "host=%s dbname=penstock_restored user=%s", home->cluster, OWNER);
    const char *command[] = {
        program, "--exit-on-error", "--single-transaction", "--dbname", dsn, file, NULL};
    if (run(command) != 0)
        return cli_fail("pg_restore failed; the database is as it was");
    if ((result = run_statements(home, after)) != 0)
        return result;
    return data_migrate(home, &applied);
}

int command_restore(int argc, char **argv)
{
    struct home home;
    const char *file = cli_word(argc, argv, 0);
    if (file == NULL)
        return cli_usage("usage: penstock restore FILE [--home FOLDER]");
    if (access(file, R_OK) != 0)
        return cli_fail("cannot read %s: %s", file, strerror(errno));
    int result = home_locate(argc, argv, &home);
    if (result != 0 || (result = home_create(&home, "127.0.0.1:8080")) != 0 ||
        (result = home_read(&home)) != 0)
        return result;
    if (home_supervisor(&home) != 0)
        return cli_fail("this home is up; first: penstock down --home %s", home.path);
    if (!home.is_private)
        return cli_fail(
            "the database of this home is managed elsewhere; there: pg_restore --dbname=... %s",
            file);
    if (cluster_create(&home) != 0 || supervisor_start(&home, NULL) != 0 ||
        cluster_wait(&home) != 0)
        return 1;
    printf("Restoring %s\n", file);
    fflush(stdout);
    result = restore_into(&home, file);
    char *down[] = {argv[0], (char *)(uintptr_t) "down", (char *)(uintptr_t) "--home", home.path,
                    NULL};
    if (command_down(4, down) != 0)
        return 1;
    if (result == 0)
        printf("Restored. Next: penstock up --home %s\n", home.path);
    return result;
}
