#include "store_unpaid.h"

#include <assert.h>

#include "queries.h"

struct id_row {
    struct uuid order_id;
};
static_assert(sizeof(struct id_row) == sizeof(struct uuid), "an id row is an id");
DB_SHAPE(id_shape, struct id_row, DB_FIELD(struct id_row, order_id, DB_UUID));
DB_SHAPE(line_shape, struct expired_line, DB_FIELD(struct expired_line, line_id, DB_UUID),
         DB_FIELD(struct expired_line, units, DB_INT32));

enum status store_unpaid_due(struct db *db, int64_t now_us, struct uuid **ids, size_t *count)
{
    struct id_row *rows;
    TRY(db_select(db, Q_UNPAID_DUE, &id_shape, &rows, count, db_time(now_us)));
    *ids = *count > 0 ? &rows->order_id : NULL;
    return STATUS_OK;
}

void store_expiry_add(struct db *db, const struct uuid *order_id, const struct expired_line *line)
{
    db_add(db_columns(db, Q_EXPIRY_INSERT), db_uuid(order_id), db_uuid(&line->line_id),
           db_int(line->units));
}

enum status store_expiry_load(struct db *db, const struct uuid *order_id,
                              struct expired_line **lines, size_t *count)
{
    return db_select(db, Q_EXPIRY_BY_ORDER, &line_shape, lines, count, db_uuid(order_id));
}

enum status store_expiry_delete(struct db *db, const struct uuid *order_id)
{
    return db_exec(db, Q_EXPIRY_DELETE, db_uuid(order_id));
}

enum status store_channel_set_unpaid(struct db *db, const char *channel, int32_t minutes)
{
    return db_exec_expect(db, Q_CHANNEL_SET_UNPAID, 1, db_text(channel), db_int(minutes));
}
