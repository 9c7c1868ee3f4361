/* store_people.h -- people and sessions: structs to rows and back.
 *
 * Used by handlers in the writer's transaction, by the sign-in thread and by the directory, each on
 * a connection of its own. What is read lives in the arena that the connection uses.
 */
#pragma once

#include "common/db.h"
#include "services/gateway/snapshot.h"

struct person_row {
    struct uuid id;
    const char *name, *email, *role, *locale, *password_hash;
    bool has_first_password;
    int64_t created_at_us, signed_in_at_us, disabled_at_us;
};

enum status store_person_insert(struct db *db, const struct person_row *person,
                                const char *created_by) MUST_CHECK;
/* NOT_FOUND when there is none. */
enum status store_person_by_id(struct db *db, const struct uuid *id,
                               struct person_row **person) MUST_CHECK;
enum status store_person_by_email(struct db *db, const char *email,
                                  struct person_row **person) MUST_CHECK;
/* after: nil for the first; email: "" for all. */
enum status store_person_page(struct db *db, const struct uuid *after, const char *email,
                              size_t limit, struct person_row **people, size_t *count) MUST_CHECK;
enum status store_person_update(struct db *db, const struct person_row *person) MUST_CHECK;
/* Active owners besides this person. */
enum status store_person_owners(struct db *db, const struct uuid *besides,
                                int64_t *count) MUST_CHECK;
enum status store_person_count(struct db *db, int64_t *count) MUST_CHECK;
/* Of his own: in place of the one that was checked; NOT_FOUND when it has changed meanwhile. */
enum status store_person_password(struct db *db, const struct uuid *id, const char *checked_hash,
                                  const char *hash) MUST_CHECK;

/* ---- sessions ---- */

struct session_row {
    const uint8_t *hash; /* SESSION_HASH_BYTES */
    struct uuid person_id;
    int64_t created_at_us, expires_at_us;
};
/* NOT_FOUND when the person was disabled or the password changed since it was checked. new_hash:
 * NULL unless the password was hashed anew. */
enum status store_session_begin(struct db *db, const struct session_row *session,
                                const char *checked_hash, const char *new_hash) MUST_CHECK;
enum status store_session_end(struct db *db, const uint8_t *hash) MUST_CHECK;
/* All of a person's but one; keep: NULL for none. */
enum status store_session_end_of_person(struct db *db, const struct uuid *person_id,
                                        const uint8_t *keep) MUST_CHECK;
/* What has expired by now_us goes. */
enum status store_session_forget(struct db *db, int64_t now_us) MUST_CHECK;

/* The snapshot's part: see store_snapshot_load() and store_snapshot_used(). */
enum status store_session_load(struct db *db, struct snapshot *snapshot, int64_t now_us) MUST_CHECK;
void store_session_used(struct db *db, const struct snapshot *snapshot, int64_t age_us);
