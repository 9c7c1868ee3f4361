#include "store_bulk.h"

#include <assert.h>

#include "queries.h"

#define BULK_TEXT(member) DB_FIELD(struct bulk, member, DB_TEXT)
#define BULK_INT(member) DB_FIELD(struct bulk, member, DB_INT64)
#define BULK_TIME(member, column) DB_FIELD_AS(struct bulk, member, column, DB_TIMESTAMP)
DB_SHAPE(bulk_shape, struct bulk, DB_FIELD(struct bulk, id, DB_UUID), BULK_INT(action),
         BULK_INT(status), BULK_TEXT(q), BULK_TEXT(hold_type), BULK_TEXT(reason), BULK_TEXT(tags),
         BULK_TEXT(actor), BULK_TIME(expires_at_us, "expires_at"), BULK_INT(offset_us),
         BULK_TIME(created_at_us, "created_at"), BULK_TIME(ended_at_us, "ended_at"),
         BULK_TIME(reached.placed_at_us, "reached_at"),
         DB_FIELD_AS(struct bulk, reached.order_id, "reached_id", DB_UUID), BULK_INT(seen),
         BULK_INT(applied), BULK_INT(unchanged), BULK_INT(refused),
         DB_FIELD(struct bulk, source_bulk, DB_UUID), BULK_INT(source_outcome), BULK_INT(id_count));

struct bulk_id_row {
    struct uuid order_id;
};
DB_SHAPE(bulk_id_shape, struct bulk_id_row, DB_FIELD(struct bulk_id_row, order_id, DB_UUID));

enum status store_bulk_add(struct db *db, const struct bulk *bulk, const struct bulk_ids *ids,
                           const char *const *tags, size_t tag_count)
{
    return db_exec(db, Q_BULK_INSERT, db_uuid(&bulk->id), db_int(bulk->action), db_text(bulk->q),
                   db_uuids(ids->ids, ids->count), db_uuids(ids->exclude, ids->exclude_count),
                   db_uuid(&bulk->source_bulk), db_int(bulk->source_outcome),
                   db_text(bulk->hold_type), db_text(bulk->reason), db_time(bulk->expires_at_us),
                   db_texts(tags, tag_count), db_text(bulk->actor), db_int(bulk->offset_us),
                   db_time(bulk->created_at_us));
}

enum status store_bulk_load(struct db *db, const struct uuid *id, struct bulk **bulk)
{
    size_t count;
    TRY(db_select(db, Q_BULK_BY_ID, &bulk_shape, bulk, &count, db_uuid(id)));
    if (count == 0)
        *bulk = NULL;
    return STATUS_OK;
}

enum status store_bulk_next(struct db *db, struct bulk **bulk)
{
    size_t count;
    TRY(db_select(db, Q_BULK_NEXT, &bulk_shape, bulk, &count));
    if (count == 0)
        *bulk = NULL;
    return STATUS_OK;
}

enum status store_bulk_list(struct db *db, const struct uuid *before, size_t room,
                            struct bulk **bulks, size_t *count)
{
    return db_select(db, Q_BULK_LIST, &bulk_shape, bulks, count, db_uuid(before),
                     db_int((int64_t)room));
}

/* Nothing but an id: an array of such rows is an array of ids. */
static_assert(sizeof(struct bulk_id_row) == sizeof(struct uuid), "an id row is an id");

enum status store_bulk_given(struct db *db, const struct bulk *bulk, size_t room, struct uuid **ids,
                             size_t *count)
{
    return db_select(db, Q_BULK_GIVEN, &bulk_id_shape, ids, count, db_uuid(&bulk->id),
                     db_int(bulk->seen), db_int((int64_t)room));
}

enum status store_bulk_excluded(struct db *db, const struct uuid *bulk_id, struct uuid **ids,
                                size_t *count)
{
    return db_select(db, Q_BULK_EXCLUDED, &bulk_id_shape, ids, count, db_uuid(bulk_id));
}

enum status store_bulk_from_results(struct db *db, const struct bulk *bulk, size_t room,
                                    struct uuid **ids, size_t *count)
{
    struct uuid first = {{0}};
    first.bytes[15] = 1; /* the nil id would be NULL */
    const struct uuid *beyond =
        uuid_is_nil(&bulk->reached.order_id) ? &first : &bulk->reached.order_id;
    return db_select(db, Q_BULK_FROM_RESULTS, &bulk_id_shape, ids, count,
                     db_uuid(&bulk->source_bulk), db_int(bulk->source_outcome), db_uuid(beyond),
                     db_int((int64_t)room));
}

enum status store_bulk_advance(struct db *db, const struct bulk *bulk, int64_t seen_before)
{
    return db_exec_expect(db, Q_BULK_ADVANCE, 1, db_uuid(&bulk->id), db_int(seen_before),
                          db_int(bulk->seen), db_int(bulk->applied), db_int(bulk->unchanged),
                          db_int(bulk->refused), db_time(bulk->reached.placed_at_us),
                          db_uuid(&bulk->reached.order_id), db_int(bulk->status),
                          db_time(bulk->ended_at_us));
}

enum status store_bulk_end(struct db *db, const struct uuid *id, enum bulk_status status,
                           int64_t now_us)
{
    return db_exec(db, Q_BULK_END, db_uuid(id), db_int(status), db_time(now_us));
}

DB_SHAPE(result_shape, struct bulk_result, DB_FIELD(struct bulk_result, order_id, DB_UUID),
         DB_FIELD(struct bulk_result, number, DB_TEXT), DB_FIELD(struct bulk_result, code, DB_TEXT),
         DB_FIELD(struct bulk_result, outcome, DB_INT64));

void store_bulk_result_add(struct db *db, const struct uuid *bulk_id,
                           const struct bulk_result *result)
{
    db_add(db_columns(db, Q_BULK_RESULT_INSERT), db_uuid(bulk_id), db_int(result->outcome),
           db_uuid(&result->order_id), db_text(result->number), db_text(result->code));
}

enum status store_bulk_results(struct db *db, const struct uuid *bulk_id,
                               const struct bulk_result *beyond, int64_t only, size_t room,
                               struct bulk_result **results, size_t *count)
{
    return db_select(db, Q_BULK_RESULTS, &result_shape, results, count, db_uuid(bulk_id),
                     db_int(beyond->outcome), db_uuid(&beyond->order_id), db_int(only),
                     db_int((int64_t)room));
}
