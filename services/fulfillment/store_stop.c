/* Stops: holds on the work of an order, kept for commands of other services. */
#include "queries.h"
#include "store.h"

struct stop_row {
    struct uuid hold_id;
    const char *command_id, *asker;
};
DB_SHAPE(stop_shape, struct stop_row, DB_FIELD(struct stop_row, hold_id, DB_UUID),
         DB_FIELD(struct stop_row, command_id, DB_TEXT), DB_FIELD(struct stop_row, asker, DB_TEXT));

struct answer_row {
    struct uuid hold_id;
    struct db_bytea answer;
};
DB_SHAPE(answer_shape, struct answer_row, DB_FIELD(struct answer_row, hold_id, DB_UUID),
         DB_FIELD(struct answer_row, answer, DB_BYTEA));

enum status store_stop_find(struct db *db, const char *command_id, const char *question_hash,
                            struct stop *out)
{
    struct answer_row *rows;
    size_t count;
    TRY(db_select(db, Q_STOP_BY_QUESTION, &answer_shape, &rows, &count, db_text(command_id),
                  db_text(question_hash)));
    if (count == 0)
        return STATUS_NOT_FOUND;
    *out = (struct stop){
        .hold_id = rows->hold_id, .answer = rows->answer.bytes, .answer_bytes = rows->answer.count};
    return STATUS_OK;
}

enum status store_stop_insert(struct db *db, const struct stop *stop)
{
    return db_exec(db, Q_STOP_INSERT, db_uuid(&stop->hold_id), db_uuid(&stop->order_id),
                   db_text(stop->command_id), db_text(stop->question_hash), db_text(stop->asker),
                   db_bytes(stop->answer, stop->answer_bytes), db_time(stop->stopped_at_us));
}

enum status store_stops_of_order(struct db *db, const struct uuid *order_id, size_t *count)
{
    struct stop_row *rows;
    return db_select(db, Q_STOPS_OF_ORDER, &stop_shape, &rows, count, db_uuid(order_id));
}

enum status store_stops_end(struct db *db, const struct uuid *hold_ids, size_t count)
{
    return count == 0 ? STATUS_OK : db_exec(db, Q_STOPS_END, db_uuids(hold_ids, count));
}

enum status store_stops_end_by_command(struct db *db, const char *const *command_ids, size_t count)
{
    return count == 0 ? STATUS_OK
                      : db_exec(db, Q_STOPS_END_BY_COMMAND, db_texts(command_ids, count));
}

enum status store_stops_unsettled(struct db *db, int64_t before_us, struct stop *out, size_t *count)
{
    struct stop_row *rows;
    size_t nrows;
    TRY(db_select(db, Q_STOPS_UNSETTLED, &stop_shape, &rows, &nrows, db_time(before_us),
                  db_int((int64_t)*count)));
    for (size_t i = 0; i < nrows; i++)
        out[i] = (struct stop){
            .hold_id = rows[i].hold_id, .command_id = rows[i].command_id, .asker = rows[i].asker};
    *count = nrows;
    return STATUS_OK;
}
