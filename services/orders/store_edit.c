#include "store_edit.h"

#include "queries.h"

#define FIELD(member, kind_) DB_FIELD(struct version_row, member, kind_)
DB_SHAPE(version_shape, struct version_row, FIELD(order_id, DB_UUID), FIELD(version, DB_INT64),
         DB_FIELD_AS(struct version_row, made_at_us, "made_at", DB_TIMESTAMP), FIELD(kind, DB_TEXT),
         FIELD(actor, DB_TEXT), FIELD(reason, DB_TEXT), FIELD(content, DB_BYTEA),
         FIELD(contact, DB_BYTEA));

struct number_row {
    int64_t number;
};
DB_SHAPE(number_shape, struct number_row, DB_FIELD(struct number_row, number, DB_INT64));

void store_version_add(struct db *db, const struct version_row *row)
{
    db_add(db_columns(db, Q_VERSION_INSERT), db_uuid(&row->order_id), db_int(row->version),
           db_time(row->made_at_us), db_text(row->kind), db_text(row->actor), db_text(row->reason),
           db_bytes(row->content.bytes, row->content.count),
           db_bytes(row->contact.bytes, row->contact.count));
}

enum status store_order_edited(struct db *db, const struct uuid *order_id, int64_t edited_at_us)
{
    return db_exec(db, Q_ORDER_EDITED, db_uuid(order_id), db_time(edited_at_us));
}

enum status store_versions_page(struct db *db, const struct uuid *order_id, int64_t up_to,
                                int64_t limit, struct version_row **rows, size_t *count)
{
    return db_select(db, Q_VERSIONS_PAGE, &version_shape, rows, count, db_uuid(order_id),
                     db_int(up_to), db_int(limit));
}

enum status store_versions_around(struct db *db, const struct uuid *order_id, int64_t first,
                                  int64_t last, struct version_row **rows, size_t *count)
{
    struct version_row *before;
    size_t found;
    int64_t from = first;
    TRY(store_versions_page(db, order_id, first - 1, 1, &before, &found));
    if (found > 0)
        from = before->version;
    return db_select(db, Q_VERSIONS_BETWEEN, &version_shape, rows, count, db_uuid(order_id),
                     db_int(from), db_int(last));
}

enum status store_cancelled_after(struct db *db, const struct uuid *order_id, int64_t version,
                                  bool *was_cancelled)
{
    struct number_row *rows;
    size_t count;
    TRY(db_select(db, Q_CANCELLED_AFTER, &number_shape, &rows, &count, db_uuid(order_id),
                  db_int(version)));
    *was_cancelled = count > 0 && rows->number > 0;
    return STATUS_OK;
}

enum status store_versions_erase(struct db *db, const struct uuid *order_ids, size_t count)
{
    return count == 0 ? STATUS_OK : db_exec(db, Q_VERSIONS_ERASE, db_uuids(order_ids, count));
}
