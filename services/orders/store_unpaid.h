/* store_unpaid.h -- orders that expire, and what they gave up, as rows.
 *
 * Ownership: what is loaded lives in the arena of the database's user.
 */
#pragma once

#include "common/db.h"
#include "rules_unpaid.h"

/* Orders whose time is over, at most 50 a channel. */
enum status store_unpaid_due(struct db *db, int64_t now_us, struct uuid **ids,
                             size_t *count) MUST_CHECK;
void store_expiry_add(struct db *db, const struct uuid *order_id, const struct expired_line *line);
enum status store_expiry_load(struct db *db, const struct uuid *order_id,
                              struct expired_line **lines, size_t *count) MUST_CHECK;
enum status store_expiry_delete(struct db *db, const struct uuid *order_id) MUST_CHECK;
enum status store_channel_set_unpaid(struct db *db, const char *channel,
                                     int32_t minutes) MUST_CHECK;
