#include "services/gateway/store_audit.h"

#include "queries.h"

DB_SHAPE(audit_shape, struct audit_row, DB_FIELD(struct audit_row, id, DB_UUID),
         DB_FIELD_AS(struct audit_row, at_us, "at", DB_TIMESTAMP),
         DB_FIELD(struct audit_row, actor, DB_TEXT), DB_FIELD(struct audit_row, action, DB_TEXT),
         DB_FIELD(struct audit_row, route, DB_TEXT), DB_FIELD(struct audit_row, target, DB_TEXT),
         DB_FIELD(struct audit_row, address, DB_TEXT), DB_FIELD(struct audit_row, times, DB_INT64),
         DB_FIELD(struct audit_row, position, DB_INT64),
         DB_FIELD(struct audit_row, sha256, DB_BYTEA));

void audit_write(struct db *db, const struct audit_note *note)
{
    struct uuid id = uuid_new();
    db_add(db_columns(db, Q_AUDIT_ADD), db_uuid(&id), db_time(note->at_us), db_text(note->actor),
           db_text(note->action), db_text(note->route), db_text(note->target),
           db_text(note->address), db_int(note->times));
}

enum status store_audit_pending(struct db *db, size_t limit, struct audit_row **rows, size_t *count)
{
    return db_select(db, Q_AUDIT_PENDING, &audit_shape, rows, count, db_int((int64_t)limit));
}

enum status store_audit_last(struct db *db, struct audit_row **row)
{
    size_t count;
    TRY(db_select(db, Q_AUDIT_LAST, &audit_shape, row, &count));
    return count == 1 ? STATUS_OK : STATUS_NOT_FOUND;
}

enum status store_audit_chain(struct db *db, const struct audit_row *rows, const uint8_t *hashes,
                              struct uuid *ids, size_t count)
{
    struct db_columns *columns = db_columns(db, Q_AUDIT_APPEND);
    for (size_t i = 0; i < count; i++) {
        const struct audit_row *row = &rows[i];
        ids[i] = row->id;
        db_add(columns, db_int(row->position), db_uuid(&row->id), db_time(row->at_us),
               db_text(row->actor), db_text(row->action), db_text(row->route), db_text(row->target),
               db_text(row->address), db_int(row->times),
               db_bytes(hashes + i * AUDIT_HASH_BYTES, AUDIT_HASH_BYTES));
    }
    return db_exec_expect(db, Q_AUDIT_TAKEN, (int64_t)count, db_uuids(ids, count));
}

enum status store_audit_page(struct db *db, const struct audit_filter *filter, size_t limit,
                             struct audit_row **rows, size_t *count)
{
    return db_select(db, Q_AUDIT_PAGE, &audit_shape, rows, count, db_int(filter->before_position),
                     db_text(filter->actor), db_text(filter->action), db_text(filter->target),
                     db_time(filter->from_us), db_time(filter->until_us), db_int((int64_t)limit));
}
