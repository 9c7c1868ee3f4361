/* store_inbox.h -- deliveries to rows and back.
 *
 * What the inbox thread stores, what the leader takes and finishes, what people list. Statements
 * are in queries_inbox.sql. What is loaded lives in the arena that the connection uses.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/db.h"
#include "common/id.h"
#include "common/status.h"
#include "services/gateway/inbox.h"

/* ---- storing ---- */

/* Inserts those that are new, with their bodies, and sets every result: OK, or CONFLICT for an
 * event that is there already. Not committed. */
enum status store_inbox_insert(struct db *db, struct arena *arena, struct inbox_delivery **list,
                               size_t count, int64_t now_us) MUST_CHECK;

/* ---- working off ---- */

struct inbox_due {
    struct uuid id;
    const char *channel, *channel_type, *topic, *external_id, *traceparent;
    bool is_test;
    struct uuid order_id; /* that earlier deliveries led to; nil: none */
    const char *order_number;
    bool is_repeat; /* one of them had the same body, of no earlier moment */
    int64_t triggered_at_ns;
    struct db_bytea body_sha256;
    int32_t body_bytes, attempts, replays;
    int32_t faults; /* results in a row that were a fault of ours */
    int32_t lost;   /* attempts in a row under which the process died */
};
/* True while orders is away and what has been tried is not due again. */
enum status store_inbox_is_waiting(struct db *db, int64_t now_us, bool *is_waiting) MUST_CHECK;
enum status store_inbox_due(struct db *db, int64_t now_us, size_t limit, struct inbox_due **list,
                            size_t *count) MUST_CHECK;

struct inbox_body {
    struct uuid id;
    struct db_bytea body;
};
/* Those that are still kept, in any order. */
enum status store_inbox_bodies(struct db *db, const struct uuid *ids, size_t count,
                               struct inbox_body **list, size_t *found) MUST_CHECK;
/* Begins an attempt; nobody takes them again before then_us. */
enum status store_inbox_take(struct db *db, const struct uuid *ids, size_t count,
                             int64_t then_us) MUST_CHECK;

struct inbox_result {
    struct uuid id;
    enum inbox_status status;
    const char *reason_code, *reason; /* "" when there is none */
    struct uuid order_id;             /* nil: as it was */
    const char *order_number, *effect;
    int32_t more_replays, faults;
    int64_t next_attempt_at_us; /* of one that stays received */
};
void store_inbox_result_add(struct db *db, const struct inbox_result *result, int64_t now_us);
enum status store_inbox_untake(struct db *db, int64_t now_us) MUST_CHECK;
enum status store_inbox_replay(struct db *db, const struct uuid *id, int64_t now_us) MUST_CHECK;
enum status store_inbox_forget(struct db *db, const struct uuid *before, size_t limit) MUST_CHECK;
/* The bodies of what channels delivered about these orders. */
enum status store_inbox_erase(struct db *db, const char *const *channels,
                              const char *const *external_ids, size_t count) MUST_CHECK;

/* ---- reading ---- */

struct inbox_row {
    struct uuid id, order_id;
    const char *channel, *topic, *external_id, *reason_code, *reason, *order_number, *effect;
    int32_t status, attempts, body_bytes;
    int64_t received_at, done_at;
    bool has_body;
};
/* NOT_FOUND when there is none. */
enum status store_inbox_by_id(struct db *db, const struct uuid *id,
                              struct inbox_row **row) MUST_CHECK;
struct inbox_filter {
    struct uuid before; /* nil: from the newest on */
    int32_t status;     /* 0: any */
    const char *channel, *external_id;
    size_t limit;
};
/* Newest first. */
enum status store_inbox_page(struct db *db, const struct inbox_filter *filter,
                             struct inbox_row **rows, size_t *count) MUST_CHECK;
