/* store.h -- messages to rows and back.
 *
 * Never decides. Positions, not ids, name messages inside the service: they are small and dense.
 */
#pragma once

#include "common/db.h"
#include "services/notify/notify.h"

/* ---- queueing ---- */

struct message_new {
    struct uuid id, order_id;
    enum message_kind kind;
    enum message_state status; /* QUEUED, or SUPPRESSED with a reason */
    const char *message_id;    /* of RFC 5322 */
    const char *order_number;  /* NULL but for a confirmation, by which orders are found */
    const void *detail;        /* the event, packed; NULL for a confirmation */
    size_t detail_bytes;
    const char *reason;
};
void store_message_add(struct db *db, const struct message_new *message, int64_t now_us);

/* ---- taking and results ---- */

/* A message that is due. */
struct due {
    int64_t position;
    struct uuid id, order_id;
    int32_t kind, status;
    const char *message_id;
    struct db_bytea detail;
    int32_t attempts, ambiguous_attempts;
    int64_t queued_at, since_at;
    bool checks_wish;
};

/* What there is to do. */
struct sender_look {
    int64_t taken_position, last_position;
    bool has_due, has_lost;
};
enum status store_sender_look(struct db *db, int64_t now_us, const struct uuid *run_id,
                              int64_t lost_before_us, struct sender_look *look) MUST_CHECK;
/* Batches of another life of the writer, and those taken before the moment given, go to retry. */
enum status store_sending_recover(struct db *db, const struct uuid *run_id, int64_t lost_before_us,
                                  int64_t now_us) MUST_CHECK;
/* Takes what waits for an attempt and is due: it is in no place until it is put in one. */
enum status store_retry_take(struct db *db, int64_t now_us, size_t limit, struct due **rows,
                             size_t *count) MUST_CHECK;
/* Takes what follows the sender's position, and moves that past it; STALE when it has moved. */
enum status store_fresh_take(struct db *db, int64_t taken_position, size_t limit, struct due **rows,
                             size_t *count) MUST_CHECK;
enum status store_sending_add(struct db *db, const struct uuid *id, const struct uuid *run_id,
                              int64_t now_us, const int64_t *positions, size_t count) MUST_CHECK;

struct wish_row {
    struct uuid id;
    int32_t status;
    const char *last_error;
};
enum status store_wishes(struct db *db, const struct uuid *confirmations, size_t count,
                         struct wish_row **rows, size_t *nrows) MUST_CHECK;

struct id_row {
    struct uuid id;
};
enum status store_sending_present(struct db *db, const struct uuid *ids, size_t count,
                                  struct id_row **rows, size_t *nrows) MUST_CHECK;
enum status store_sending_delete(struct db *db, const struct uuid *ids, size_t count) MUST_CHECK;

struct message_result {
    int64_t position;
    enum message_state status;
    int32_t attempts_more, ambiguous_more;
    const char *locale, *recipient_masked, *reason; /* NULL: as before */
};
/* sent_at or gave_up_at are set by the status. */
void store_result_add(struct db *db, const struct message_result *result, int64_t now_us);
void store_retry_add(struct db *db, int64_t position, int64_t due_us, int64_t since_us,
                     bool checks_wish);

/* ---- reading ---- */

struct message_row {
    int64_t position;
    struct uuid id, order_id;
    int32_t kind, status;
    const char *message_id;
    int32_t attempts, ambiguous_attempts;
    const char *locale, *recipient_masked, *last_error;
    int64_t queued_at, sent_at, next_attempt_at;
};
/* NOT_FOUND when there is none. */
enum status store_message_by_id(struct db *db, const struct uuid *id,
                                struct message_row **row) MUST_CHECK;
enum status store_order_of_number(struct db *db, const char *number,
                                  struct uuid *order_id) MUST_CHECK;

struct message_filter {
    struct uuid order_id; /* nil: any */
    int32_t status;       /* 0: any */
    int64_t before;       /* position */
    size_t limit;
};
/* Newest first. */
enum status store_message_list(struct db *db, const struct message_filter *filter,
                               struct message_row **rows, size_t *count) MUST_CHECK;
/* Queued again, due at once; STALE when it is neither failed nor suppressed any more. */
enum status store_message_requeue(struct db *db, const struct message_row *row,
                                  int64_t now_us) MUST_CHECK;
