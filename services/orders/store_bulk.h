/* store_bulk.h -- bulk actions and their results as rows.
 *
 * Ownership: what is read lives in the arena of the database's user.
 */
#pragma once

#include "common/db.h"
#include "store.h"

enum bulk_action {
    BULK_CONFIRM = 1,
    BULK_HOLD = 2,
    BULK_RELEASE_HOLD = 3,
    BULK_TAG = 4,
    BULK_UNTAG = 5,
    BULK_CANCEL = 6,
};
enum bulk_status { BULK_RUNNING = 1, BULK_DONE = 2, BULK_CANCELLED = 3 };
enum bulk_outcome { BULK_APPLIED = 1, BULK_UNCHANGED = 2, BULK_REFUSED = 3 };

#define BULK_MAX_IDS 10000

struct bulk {
    struct uuid id;
    int64_t action, status;
    const char *q, *hold_type, *reason, *tags, *actor; /* tags with commas between them */
    int64_t expires_at_us, offset_us, created_at_us, ended_at_us;
    struct order_key reached; /* placed_at_us 0: has not begun */
    int64_t seen, applied, unchanged, refused;
    struct uuid source_bulk; /* nil: none */
    int64_t source_outcome, id_count;
};
struct bulk_ids {
    const struct uuid *ids, *exclude;
    size_t count, exclude_count;
};
enum status store_bulk_add(struct db *db, const struct bulk *bulk, const struct bulk_ids *ids,
                           const char *const *tags, size_t tag_count) MUST_CHECK;
/* NULL when there is none. */
enum status store_bulk_load(struct db *db, const struct uuid *id, struct bulk **bulk) MUST_CHECK;
enum status store_bulk_next(struct db *db, struct bulk **bulk) MUST_CHECK;
/* before: nil: from the newest on. */
enum status store_bulk_list(struct db *db, const struct uuid *before, size_t room,
                            struct bulk **bulks, size_t *count) MUST_CHECK;
enum status store_bulk_given(struct db *db, const struct bulk *bulk, size_t room, struct uuid **ids,
                             size_t *count) MUST_CHECK;
enum status store_bulk_excluded(struct db *db, const struct uuid *bulk_id, struct uuid **ids,
                                size_t *count) MUST_CHECK;
/* From another's results of one outcome. */
enum status store_bulk_from_results(struct db *db, const struct bulk *bulk, size_t room,
                                    struct uuid **ids, size_t *count) MUST_CHECK;
/* The figures and the place of bulk, which had seen that many before. */
enum status store_bulk_advance(struct db *db, const struct bulk *bulk,
                               int64_t seen_before) MUST_CHECK;
enum status store_bulk_end(struct db *db, const struct uuid *id, enum bulk_status status,
                           int64_t now_us) MUST_CHECK;

struct bulk_result {
    struct uuid order_id;
    const char *number, *code;
    int64_t outcome;
};
void store_bulk_result_add(struct db *db, const struct uuid *bulk_id,
                           const struct bulk_result *result);
/* Beyond (outcome, order): all outcomes when only is 0. */
enum status store_bulk_results(struct db *db, const struct uuid *bulk_id,
                               const struct bulk_result *beyond, int64_t only, size_t room,
                               struct bulk_result **results, size_t *count) MUST_CHECK;
