#include "services/notify/store.h"

#include "queries.h"
#include "services/notify/rules.h"

/* ---- queueing ---- */

void store_message_add(struct db *db, const struct message_new *m, int64_t now_us)
{
    bool gave_up = m->status != MESSAGE_QUEUED;
    db_add(db_columns(db, Q_MESSAGE_INSERT), db_uuid(&m->id), db_uuid(&m->order_id),
           db_int(m->kind), db_int(m->status), db_text(m->message_id), db_text(m->order_number),
           m->detail == NULL ? db_null() : db_bytes(m->detail, m->detail_bytes), db_time(now_us),
           db_time(gave_up ? now_us : 0), db_text(m->reason));
}

/* ---- taking ---- */

DB_SHAPE(due_shape, struct due, DB_FIELD(struct due, position, DB_INT64),
         DB_FIELD(struct due, id, DB_UUID), DB_FIELD(struct due, order_id, DB_UUID),
         DB_FIELD(struct due, kind, DB_INT32), DB_FIELD(struct due, status, DB_INT32),
         DB_FIELD(struct due, message_id, DB_TEXT), DB_FIELD(struct due, detail, DB_BYTEA),
         DB_FIELD(struct due, attempts, DB_INT32),
         DB_FIELD(struct due, ambiguous_attempts, DB_INT32),
         DB_FIELD(struct due, queued_at, DB_TIMESTAMP),
         DB_FIELD(struct due, since_at, DB_TIMESTAMP),
         DB_FIELD(struct due, checks_wish, DB_BOOLEAN));

DB_SHAPE(look_shape, struct sender_look, DB_FIELD(struct sender_look, taken_position, DB_INT64),
         DB_FIELD(struct sender_look, last_position, DB_INT64),
         DB_FIELD(struct sender_look, has_due, DB_BOOLEAN),
         DB_FIELD(struct sender_look, has_lost, DB_BOOLEAN));

enum status store_sender_look(struct db *db, int64_t now_us, const struct uuid *run_id,
                              int64_t lost_before_us, struct sender_look *look)
{
    struct sender_look *row;
    size_t count;
    TRY(db_select(db, Q_SENDER_LOOK, &look_shape, &row, &count, db_time(now_us), db_uuid(run_id),
                  db_time(lost_before_us)));
    if (count != 1)
        return STATUS_INTERNAL;
    *look = *row;
    return STATUS_OK;
}

enum status store_sending_recover(struct db *db, const struct uuid *run_id, int64_t lost_before_us,
                                  int64_t now_us)
{
    return db_exec(db, Q_SENDING_RECOVER, db_uuid(run_id), db_time(lost_before_us),
                   db_time(now_us));
}

enum status store_retry_take(struct db *db, int64_t now_us, size_t limit, struct due **rows,
                             size_t *count)
{
    return db_select(db, Q_RETRY_TAKE, &due_shape, rows, count, db_time(now_us),
                     db_int((int64_t)limit));
}

enum status store_fresh_take(struct db *db, int64_t taken_position, size_t limit, struct due **rows,
                             size_t *count)
{
    TRY(db_select(db, Q_FRESH_TAKE, &due_shape, rows, count, db_int(taken_position),
                  db_int((int64_t)limit)));
    if (*count == 0)
        return STATUS_OK;
    return db_exec_expect(db, Q_SENDER_MOVE, 1, db_int(taken_position),
                          db_int((*rows)[*count - 1].position));
}

enum status store_sending_add(struct db *db, const struct uuid *id, const struct uuid *run_id,
                              int64_t now_us, const int64_t *positions, size_t count)
{
    return db_exec(db, Q_SENDING_INSERT, db_uuid(id), db_uuid(run_id), db_time(now_us),
                   db_ints(positions, count));
}

DB_SHAPE(wish_shape, struct wish_row, DB_FIELD(struct wish_row, id, DB_UUID),
         DB_FIELD(struct wish_row, status, DB_INT32),
         DB_FIELD(struct wish_row, last_error, DB_TEXT));

enum status store_wishes(struct db *db, const struct uuid *confirmations, size_t count,
                         struct wish_row **rows, size_t *nrows)
{
    return db_select(db, Q_MESSAGE_WISHES, &wish_shape, rows, nrows,
                     db_uuids(confirmations, count));
}

/* ---- results ---- */

DB_SHAPE(id_shape, struct id_row, DB_FIELD(struct id_row, id, DB_UUID));

enum status store_sending_present(struct db *db, const struct uuid *ids, size_t count,
                                  struct id_row **rows, size_t *nrows)
{
    return db_select(db, Q_SENDING_PRESENT, &id_shape, rows, nrows, db_uuids(ids, count));
}

enum status store_sending_delete(struct db *db, const struct uuid *ids, size_t count)
{
    return db_exec(db, Q_SENDING_DELETE, db_uuids(ids, count));
}

void store_result_add(struct db *db, const struct message_result *r, int64_t now_us)
{
    bool gave_up = r->status == MESSAGE_FAILED || r->status == MESSAGE_SUPPRESSED;
    db_add(db_columns(db, Q_MESSAGE_RESULT), db_int(r->position), db_int(r->status),
           db_int(r->attempts_more), db_int(r->ambiguous_more), db_text(r->locale),
           db_text(r->recipient_masked), db_text(r->reason),
           db_time(r->status == MESSAGE_SENT ? now_us : 0), db_time(gave_up ? now_us : 0));
}

void store_retry_add(struct db *db, int64_t position, int64_t due_us, int64_t since_us,
                     bool checks_wish)
{
    db_add(db_columns(db, Q_RETRY_INSERT), db_int(position), db_time(due_us), db_time(since_us),
           db_bool(checks_wish));
}

/* ---- reading ---- */

DB_SHAPE(row_shape, struct message_row, DB_FIELD(struct message_row, position, DB_INT64),
         DB_FIELD(struct message_row, id, DB_UUID), DB_FIELD(struct message_row, order_id, DB_UUID),
         DB_FIELD(struct message_row, kind, DB_INT32),
         DB_FIELD(struct message_row, status, DB_INT32),
         DB_FIELD(struct message_row, message_id, DB_TEXT),
         DB_FIELD(struct message_row, attempts, DB_INT32),
         DB_FIELD(struct message_row, ambiguous_attempts, DB_INT32),
         DB_FIELD(struct message_row, locale, DB_TEXT),
         DB_FIELD(struct message_row, recipient_masked, DB_TEXT),
         DB_FIELD(struct message_row, last_error, DB_TEXT),
         DB_FIELD(struct message_row, queued_at, DB_TIMESTAMP),
         DB_FIELD(struct message_row, sent_at, DB_TIMESTAMP),
         DB_FIELD(struct message_row, next_attempt_at, DB_TIMESTAMP));

enum status store_message_by_id(struct db *db, const struct uuid *id, struct message_row **row)
{
    size_t count;
    TRY(db_select(db, Q_MESSAGE_BY_ID, &row_shape, row, &count, db_uuid(id)));
    return count == 0 ? STATUS_NOT_FOUND : STATUS_OK;
}

struct order_row {
    struct uuid order_id;
};
DB_SHAPE(order_shape, struct order_row, DB_FIELD(struct order_row, order_id, DB_UUID));

enum status store_order_of_number(struct db *db, const char *number, struct uuid *order_id)
{
    struct order_row *row;
    size_t count;
    TRY(db_select(db, Q_MESSAGE_ORDER_OF_NUMBER, &order_shape, &row, &count, db_text(number)));
    if (count == 0)
        return STATUS_NOT_FOUND;
    *order_id = row->order_id;
    return STATUS_OK;
}

enum status store_message_list(struct db *db, const struct message_filter *f,
                               struct message_row **rows, size_t *count)
{
    int64_t limit = (int64_t)f->limit;
    if (!uuid_is_nil(&f->order_id)) {
        struct uuid first, last;
        rules_message_id_range(&f->order_id, &first, &last);
        return db_select(db, Q_MESSAGE_LIST_OF_ORDER, &row_shape, rows, count, db_uuid(&first),
                         db_uuid(&last), db_uuid(&f->order_id), db_int(f->before),
                         db_int(f->status), db_int(limit));
    }
    bool gave_up = f->status == MESSAGE_FAILED || f->status == MESSAGE_SUPPRESSED;
    int query = gave_up                       ? Q_MESSAGE_LIST_GIVEN_UP
                : f->status == MESSAGE_QUEUED ? Q_MESSAGE_LIST_QUEUED
                                              : Q_MESSAGE_LIST;
    return db_select(db, query, &row_shape, rows, count, db_int(f->before), db_int(f->status),
                     db_int(limit));
}

enum status store_message_requeue(struct db *db, const struct message_row *row, int64_t now_us)
{
    TRY(db_exec_expect(db, Q_MESSAGE_REQUEUE, 1, db_uuid(&row->id)));
    store_retry_add(db, row->position, now_us, now_us, false);
    return STATUS_OK;
}
