/* migrate.h -- brings a schema to the version that a binary knows, and checks that it is there.
 *
 * Migrations are numbered files, forward only, embedded in the binary (tools/migrations.awk makes
 * the table), one transaction each, checksummed. The platform's own (common/migrations) come first
 * in every schema, without being passed. Each is `expand` (default) or `contract`, said in its
 * first line
 * ("-- contract: why"): a binary starts on a newer schema if all that it does not know is `expand`.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/status.h"

struct migration {
    const char *name; /* "platform/0001_create_event_log", "0001_create_order" */
    const char *sql;
    bool is_contract;
};

/* As the owner: creates the schema, the service's role (LOGIN, rights in this schema only) and
 * penstock_verify (reads all), then applies what is missing under an advisory lock, so that it can
 * be interrupted and run again. progress is told each one that it applies; may be NULL. Fails with
 * INTERNAL when an applied migration's checksum differs, naming it in *message. */
enum status migrate_apply(const char *owner_dsn, const char *schema, const char *role,
                          const struct migration *migrations, size_t count,
                          void (*progress)(const char *schema, const char *name),
                          const char **message) MUST_CHECK;
/* How many migrations are missing; *message says why a binary must not start on this schema (older,
 * or newer with a contract that it does not know), else NULL. */
enum status migrate_check(const char *dsn, const char *schema, const struct migration *migrations,
                          size_t count, size_t *missing, const char **message) MUST_CHECK;

/* common/migrations, as built. */
extern const struct migration platform_migrations[];
extern const size_t platform_nmigrations;
