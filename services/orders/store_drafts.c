#include "store_drafts.h"

#include <assert.h>

#include "queries.h"

static_assert(sizeof(enum draft_status) == sizeof(int32_t), "statuses are read as int32");
DB_SHAPE(draft_shape, struct draft, DB_FIELD(struct draft, id, DB_UUID),
         DB_FIELD(struct draft, status, DB_INT32), DB_FIELD(struct draft, version, DB_INT64),
         DB_FIELD_AS(struct draft, created_at_us, "created_at", DB_TIMESTAMP),
         DB_FIELD_AS(struct draft, updated_at_us, "updated_at", DB_TIMESTAMP),
         DB_FIELD_AS(struct draft, held_until_us, "held_until", DB_TIMESTAMP),
         DB_FIELD(struct draft, reservation_id, DB_UUID), DB_FIELD(struct draft, order_id, DB_UUID),
         DB_FIELD(struct draft, customer_id, DB_UUID), DB_FIELD(struct draft, created_by, DB_TEXT),
         DB_FIELD(struct draft, title, DB_TEXT), DB_FIELD(struct draft, phone, DB_TEXT),
         DB_FIELD(struct draft, email, DB_TEXT), DB_FIELD(struct draft, body, DB_BYTEA));
DB_SHAPE(offer_shape, struct offer_row, DB_FIELD(struct offer_row, code, DB_TEXT),
         DB_FIELD(struct offer_row, offer, DB_BYTEA));

/* An empty text is no NULL. */
static struct db_arg bytes_of(struct db_bytea body)
{
    return db_bytes(body.count > 0 ? body.bytes : (const uint8_t *)"", body.count);
}

enum status store_draft_insert(struct db *db, const struct draft *d)
{
    return db_exec(db, Q_DRAFT_INSERT, db_uuid(&d->id), db_time(d->created_at_us),
                   db_uuid(&d->customer_id), db_text(d->created_by), db_text(d->title),
                   db_text(d->phone), db_text(d->email), bytes_of(d->body));
}

enum status store_draft_save(struct db *db, struct draft *d, int64_t now_us)
{
    d->updated_at_us = now_us;
    return db_exec_expect(db, Q_DRAFT_UPDATE, 1, db_uuid(&d->id), db_int(d->version++),
                          db_time(now_us), db_time(d->held_until_us), db_int(d->status),
                          db_uuid(&d->reservation_id), db_uuid(&d->order_id),
                          db_uuid(&d->customer_id), db_text(d->title), db_text(d->phone),
                          db_text(d->email), bytes_of(d->body));
}

enum status store_draft_delete(struct db *db, const struct uuid *id)
{
    return db_exec(db, Q_DRAFT_DELETE, db_uuid(id));
}

enum status store_draft_load(struct db *db, const struct uuid *id, struct draft **draft)
{
    size_t count;
    TRY(db_select(db, Q_DRAFT_BY_ID, &draft_shape, draft, &count, db_uuid(id)));
    return count > 0 ? STATUS_OK : STATUS_NOT_FOUND;
}

enum status store_drafts_page(struct db *db, enum draft_status status, const struct uuid *before,
                              int64_t limit, struct draft **drafts, size_t *count)
{
    return db_select(db, Q_DRAFTS, &draft_shape, drafts, count, db_int(status), db_uuid(before),
                     db_int(limit));
}

enum status store_drafts_erase(struct db *db, const struct uuid *customer_ids, size_t count)
{
    return db_exec(db, Q_DRAFTS_ERASE, db_uuids(customer_ids, count));
}

enum status store_offers(struct db *db, struct offer_row **rows, size_t *count)
{
    return db_select(db, Q_DELIVERY_OFFERS, &offer_shape, rows, count);
}

enum status store_offer_put(struct db *db, const char *code, int64_t rank, struct db_bytea offer)
{
    return db_exec(db, Q_DELIVERY_OFFER_PUT, db_text(code), db_int(rank), bytes_of(offer));
}

enum status store_offer_delete(struct db *db, const char *code)
{
    return db_exec(db, Q_DELIVERY_OFFER_DELETE, db_text(code));
}
