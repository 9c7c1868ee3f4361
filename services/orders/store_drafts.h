/* store_drafts.h -- drafts and offered delivery methods as rows.
 *
 * Ownership: what is loaded lives in the arena of the database's user, see db_use_arena().
 */
#pragma once

#include "common/db.h"
#include "common/id.h"

/* Stored and sent: append only. */
enum draft_status { DRAFT_OPEN = 1, DRAFT_PLACED = 2 };

struct draft {
    struct uuid id;
    enum draft_status status;
    int64_t version, created_at_us, updated_at_us;
    struct uuid reservation_id; /* nil: nothing is held */
    int64_t held_until_us;
    struct uuid order_id, customer_id;
    const char *created_by, *title;
    const char *phone, *email; /* as contacts are written */
    struct db_bytea body;      /* PlaceOrderRequest, packed */
};
#define DRAFT_MAX_BYTES ((size_t)256 << 10)

enum status store_draft_insert(struct db *db, const struct draft *draft) MUST_CHECK;
/* Guarded by the version it was loaded with, which it raises in the row and here. */
enum status store_draft_save(struct db *db, struct draft *draft, int64_t now_us) MUST_CHECK;
enum status store_draft_delete(struct db *db, const struct uuid *id) MUST_CHECK;
/* NOT_FOUND when there is none. */
enum status store_draft_load(struct db *db, const struct uuid *id, struct draft **draft) MUST_CHECK;
/* Before the id, newest first. */
enum status store_drafts_page(struct db *db, enum draft_status status, const struct uuid *before,
                              int64_t limit, struct draft **drafts, size_t *count) MUST_CHECK;
/* Drafts for these customers. */
enum status store_drafts_erase(struct db *db, const struct uuid *customer_ids,
                               size_t count) MUST_CHECK;

struct offer_row {
    const char *code;
    struct db_bytea offer;
};
enum status store_offers(struct db *db, struct offer_row **rows, size_t *count) MUST_CHECK;
enum status store_offer_put(struct db *db, const char *code, int64_t rank,
                            struct db_bytea offer) MUST_CHECK;
enum status store_offer_delete(struct db *db, const char *code) MUST_CHECK;
