/* verify.h -- an independent judge of what is in the database.
 *
 * Everything that can be recomputed is recomputed, in one read-only snapshot of all schemas, so
 * that rows, logs and cursors fit each other exactly while the system works on. Nothing here shares
 * code with the services' rules: two that agree because they are one prove nothing.
 *
 * Ownership: struct verify lives in command_verify(); rows live in its arena until the next page.
 * Limits: at most VERIFY_SHOWN differences of an invariant are printed, all are counted. Memory is
 * bounded by folding at most VERIFY_ORDERS_A_PASS orders at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/db.h"
#include "common/status.h"

#define VERIFY_SHOWN 20
#define VERIFY_PAGE 10000
#define VERIFY_ORDERS_A_PASS 250000

struct verify {
    struct db *db;
    struct arena *arena;
    bool is_strict;
    int64_t now_us;
    int64_t started_us, said_us; /* monotonic */
    const char *invariant;       /* being judged */
    int64_t found;               /* of it */
    int64_t shown;
    int64_t differences; /* in all */
};

/* One difference of an invariant: a sentence with ids and figures. */
void verify_differ(struct verify *verify, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Says on standard error what is being done, if it has been quiet for some seconds. */
void verify_progress(struct verify *verify, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
