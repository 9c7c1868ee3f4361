#include "store_transfers.h"

#include "queries.h"

#define TIME(member, column) DB_FIELD_AS(struct transfer, member, column, DB_TIMESTAMP)
DB_SHAPE(transfer_shape, struct transfer, DB_FIELD(struct transfer, payment_id, DB_UUID),
         DB_FIELD(struct transfer, order_id, DB_UUID), DB_FIELD(struct transfer, number, DB_TEXT),
         DB_FIELD(struct transfer, status, DB_INT32), DB_FIELD(struct transfer, claimed, DB_INT64),
         DB_FIELD(struct transfer, received, DB_INT64),
         DB_FIELD(struct transfer, currency, DB_CHAR4),
         DB_FIELD(struct transfer, last_five, DB_TEXT),
         DB_FIELD(struct transfer, reference, DB_TEXT), DB_FIELD(struct transfer, note, DB_TEXT),
         DB_FIELD(struct transfer, submitted_by, DB_TEXT),
         DB_FIELD(struct transfer, decided_by, DB_TEXT), TIME(submitted_at_us, "submitted_at"),
         TIME(decided_at_us, "decided_at"));

enum status store_transfer_add(struct db *db, const struct transfer *t)
{
    return db_exec(db, Q_TRANSFER_INSERT, db_uuid(&t->payment_id), db_uuid(&t->order_id),
                   db_int(t->claimed), db_text(t->currency), db_text(t->last_five),
                   db_text(t->reference), db_text(t->note), db_time(t->submitted_at_us),
                   db_text(t->submitted_by));
}

enum status store_transfer_by_payment(struct db *db, const struct uuid *payment_id,
                                      struct transfer **transfer)
{
    size_t count;
    TRY(db_select(db, Q_TRANSFER_BY_PAYMENT, &transfer_shape, transfer, &count,
                  db_uuid(payment_id)));
    if (count == 0)
        *transfer = NULL;
    return STATUS_OK;
}

enum status store_transfer_page(struct db *db, int32_t status, const struct uuid *after,
                                int64_t limit, struct transfer **rows, size_t *count)
{
    return db_select(db, Q_TRANSFER_PAGE, &transfer_shape, rows, count, db_int(status),
                     db_uuid(after), db_int(limit));
}

enum status store_transfer_decide(struct db *db, const struct transfer *t, const char *note)
{
    return db_exec_expect(db, Q_TRANSFER_DECIDE, 1, db_uuid(&t->payment_id), db_int(t->status),
                          db_int(t->received), db_time(t->decided_at_us), db_text(t->decided_by),
                          db_text(note));
}
