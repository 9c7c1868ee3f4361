#include "services/gateway/store_people.h"

#include <string.h>

#include "queries.h"
#include "services/gateway/rules_people.h"

DB_SHAPE(person_shape, struct person_row, DB_FIELD(struct person_row, id, DB_UUID),
         DB_FIELD(struct person_row, name, DB_TEXT), DB_FIELD(struct person_row, email, DB_TEXT),
         DB_FIELD(struct person_row, role, DB_TEXT), DB_FIELD(struct person_row, locale, DB_TEXT),
         DB_FIELD(struct person_row, password_hash, DB_TEXT),
         DB_FIELD(struct person_row, has_first_password, DB_BOOLEAN),
         DB_FIELD_AS(struct person_row, created_at_us, "created_at", DB_TIMESTAMP),
         DB_FIELD_AS(struct person_row, signed_in_at_us, "signed_in_at", DB_TIMESTAMP),
         DB_FIELD_AS(struct person_row, disabled_at_us, "disabled_at", DB_TIMESTAMP));

struct count_row {
    int64_t count;
};
DB_SHAPE(count_shape, struct count_row, DB_FIELD(struct count_row, count, DB_INT64));

struct id_row {
    struct uuid id;
};
DB_SHAPE(id_shape, struct id_row, DB_FIELD(struct id_row, id, DB_UUID));

/* ---- people ---- */

enum status store_person_insert(struct db *db, const struct person_row *person,
                                const char *created_by)
{
    return db_exec(db, Q_PERSON_INSERT, db_uuid(&person->id), db_text(person->name),
                   db_text(person->email), db_text(person->role), db_text(person->locale),
                   db_text(person->password_hash), db_text(created_by),
                   db_time(person->created_at_us));
}

enum status store_person_by_id(struct db *db, const struct uuid *id, struct person_row **person)
{
    size_t count;
    TRY(db_select(db, Q_PERSON_BY_ID, &person_shape, person, &count, db_uuid(id)));
    return count == 1 ? STATUS_OK : STATUS_NOT_FOUND;
}

enum status store_person_by_email(struct db *db, const char *email, struct person_row **person)
{
    size_t count;
    TRY(db_select(db, Q_PERSON_BY_EMAIL, &person_shape, person, &count, db_text(email)));
    return count == 1 ? STATUS_OK : STATUS_NOT_FOUND;
}

enum status store_person_page(struct db *db, const struct uuid *after, const char *email,
                              size_t limit, struct person_row **people, size_t *count)
{
    return db_select(db, Q_PERSON_PAGE, &person_shape, people, count, db_uuid(after),
                     db_text(email), db_int((int64_t)limit));
}

enum status store_person_update(struct db *db, const struct person_row *person)
{
    return db_exec_expect(db, Q_PERSON_UPDATE, 1, db_uuid(&person->id), db_text(person->name),
                          db_text(person->email), db_text(person->role), db_text(person->locale),
                          db_text(person->password_hash), db_bool(person->has_first_password),
                          db_time(person->disabled_at_us));
}

static enum status read_count(struct count_row *rows, size_t n, int64_t *count)
{
    *count = n == 1 ? rows[0].count : 0;
    return STATUS_OK;
}

enum status store_person_owners(struct db *db, const struct uuid *besides, int64_t *count)
{
    struct count_row *rows;
    size_t n;
    TRY(db_select(db, Q_PERSON_OWNERS, &count_shape, &rows, &n, db_uuid(besides)));
    return read_count(rows, n, count);
}

enum status store_person_count(struct db *db, int64_t *count)
{
    struct count_row *rows;
    size_t n;
    TRY(db_select(db, Q_PERSON_COUNT, &count_shape, &rows, &n));
    return read_count(rows, n, count);
}

enum status store_person_password(struct db *db, const struct uuid *id, const char *checked_hash,
                                  const char *hash)
{
    struct id_row *rows;
    size_t count;
    TRY(db_select(db, Q_PERSON_PASSWORD, &id_shape, &rows, &count, db_uuid(id),
                  db_text(checked_hash), db_text(hash)));
    return count == 1 ? STATUS_OK : STATUS_NOT_FOUND;
}

/* ---- sessions ---- */

enum status store_session_begin(struct db *db, const struct session_row *session,
                                const char *checked_hash, const char *new_hash)
{
    struct id_row *rows;
    size_t count;
    TRY(db_select(db, Q_SESSION_INSERT, &id_shape, &rows, &count,
                  db_bytes(session->hash, SESSION_HASH_BYTES), db_uuid(&session->person_id),
                  db_time(session->created_at_us), db_time(session->expires_at_us),
                  db_text(checked_hash)));
    if (count == 0)
        return STATUS_NOT_FOUND;
    TRY(db_exec(db, Q_PERSON_SIGNED_IN, db_uuid(&session->person_id),
                db_time(session->created_at_us), db_text(new_hash)));
    return db_exec(db, Q_SESSION_TRIM, db_uuid(&session->person_id), db_int(SESSION_MAX_OF_PERSON));
}

enum status store_session_end(struct db *db, const uint8_t *hash)
{
    return db_exec(db, Q_SESSION_END, db_bytes(hash, SESSION_HASH_BYTES));
}

enum status store_session_end_of_person(struct db *db, const struct uuid *person_id,
                                        const uint8_t *keep)
{
    static const uint8_t none[SESSION_HASH_BYTES];
    return db_exec(db, Q_SESSION_END_OF_PERSON, db_uuid(person_id),
                   db_bytes(keep != NULL ? keep : none, SESSION_HASH_BYTES));
}

enum status store_session_forget(struct db *db, int64_t now_us)
{
    return db_exec(db, Q_SESSION_FORGET, db_time(now_us), db_time(now_us - SESSION_IDLE_US));
}

/* ---- the snapshot ---- */

struct live_row {
    struct db_bytea token_sha256;
    int64_t expires_at, seen_at;
    struct uuid id;
    const char *role, *name, *email, *locale;
    bool has_first_password;
};
DB_SHAPE(live_shape, struct live_row, DB_FIELD(struct live_row, token_sha256, DB_BYTEA),
         DB_FIELD(struct live_row, expires_at, DB_TIMESTAMP),
         DB_FIELD(struct live_row, seen_at, DB_TIMESTAMP), DB_FIELD(struct live_row, id, DB_UUID),
         DB_FIELD(struct live_row, role, DB_TEXT), DB_FIELD(struct live_row, name, DB_TEXT),
         DB_FIELD(struct live_row, email, DB_TEXT), DB_FIELD(struct live_row, locale, DB_TEXT),
         DB_FIELD(struct live_row, has_first_password, DB_BOOLEAN));

enum status store_session_load(struct db *db, struct snapshot *snapshot, int64_t now_us)
{
    struct live_row *rows;
    size_t count;
    TRY(db_select(db, Q_SESSION_LIVE, &live_shape, &rows, &count, db_time(now_us),
                  db_time(now_us - SESSION_IDLE_US), db_int(SNAPSHOT_MAX_SESSIONS)));
    snapshot->sessions = ARENA_ARRAY(snapshot->arena, count, struct session);
    for (size_t i = 0; i < count; i++) {
        const struct role *role = role_find(rows[i].role);
        if (role == NULL)
            continue;
        struct session *session = &snapshot->sessions[snapshot->nsessions++];
        memcpy(session->hash, rows[i].token_sha256.bytes, SESSION_HASH_BYTES);
        session->person_id = rows[i].id;
        session->role = role;
        session->name = rows[i].name;
        session->email = rows[i].email;
        session->locale = rows[i].locale;
        session->has_first_password = rows[i].has_first_password;
        session->expires_at_us = rows[i].expires_at;
        session->stored_seen_at_us = rows[i].seen_at;
    }
    return STATUS_OK;
}

void store_session_used(struct db *db, const struct snapshot *snapshot, int64_t age_us)
{
    struct db_columns *columns = NULL;
    for (size_t i = 0; i < snapshot->nsessions; i++) {
        const struct session *session = &snapshot->sessions[i];
        if (session->used_at_us - session->stored_seen_at_us < age_us)
            continue;
        if (columns == NULL)
            columns = db_columns(db, Q_SESSION_USED);
        db_add(columns, db_bytes(session->hash, SESSION_HASH_BYTES), db_time(session->used_at_us));
    }
}
