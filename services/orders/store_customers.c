#include "store_customers.h"

#include <assert.h>

#include "queries.h"

#define TIME(type_, member, column) DB_FIELD_AS(type_, member, column, DB_TIMESTAMP)

DB_SHAPE(contact_shape, struct customer_contact, DB_FIELD(struct customer_contact, asked, DB_UUID),
         DB_FIELD(struct customer_contact, id, DB_UUID),
         DB_FIELD(struct customer_contact, name, DB_TEXT),
         DB_FIELD(struct customer_contact, email, DB_TEXT),
         DB_FIELD(struct customer_contact, phone, DB_TEXT),
         DB_FIELD(struct customer_contact, locale, DB_TEXT),
         DB_FIELD(struct customer_contact, is_erased, DB_BOOLEAN));

DB_SHAPE(facts_shape, struct customer_facts,
         DB_FIELD_AS(struct customer_facts, order_id, "id", DB_UUID),
         TIME(struct customer_facts, placed_at_us, "placed_at"),
         TIME(struct customer_facts, created_at_us, "created_at"),
         DB_FIELD(struct customer_facts, channel, DB_TEXT),
         DB_FIELD(struct customer_facts, country, DB_TEXT),
         DB_FIELD(struct customer_facts, locale, DB_TEXT),
         DB_FIELD(struct customer_facts, customer_id, DB_TEXT),
         DB_FIELD_AS(struct customer_facts, external_id, "customer_external_id", DB_TEXT),
         DB_FIELD_AS(struct customer_facts, name, "customer_name", DB_TEXT),
         DB_FIELD(struct customer_facts, email, DB_TEXT),
         DB_FIELD(struct customer_facts, phone, DB_TEXT),
         DB_FIELD(struct customer_facts, linked_to, DB_UUID));

static_assert(sizeof(enum contact_kind) == sizeof(int32_t), "kinds are read as int32");
DB_SHAPE(owner_shape, struct contact_owner, DB_FIELD(struct contact_owner, kind, DB_INT32),
         DB_FIELD(struct contact_owner, value, DB_TEXT),
         DB_FIELD(struct contact_owner, customer_id, DB_UUID));

struct id_row {
    struct uuid id;
};
static_assert(sizeof(struct id_row) == sizeof(struct uuid), "an array of them is an array of ids");
DB_SHAPE(id_shape, struct id_row, DB_FIELD(struct id_row, id, DB_UUID));

DB_SHAPE(customer_shape, struct customer, DB_FIELD(struct customer, id, DB_UUID),
         DB_FIELD(struct customer, merged_into, DB_UUID), DB_FIELD(struct customer, name, DB_TEXT),
         DB_FIELD(struct customer, email, DB_TEXT), DB_FIELD(struct customer, phone, DB_TEXT),
         DB_FIELD(struct customer, locale, DB_TEXT), DB_FIELD(struct customer, note, DB_TEXT),
         DB_FIELD(struct customer, tags, DB_TEXT),
         DB_FIELD(struct customer, accepts_marketing, DB_BOOLEAN),
         DB_FIELD(struct customer, version, DB_INT64),
         TIME(struct customer, created_at_us, "created_at"),
         TIME(struct customer, updated_at_us, "updated_at"),
         TIME(struct customer, consented_at_us, "consented_at"),
         TIME(struct customer, erasing_since_us, "erasing_since"),
         TIME(struct customer, erased_at_us, "erased_at"));

DB_SHAPE(address_shape, struct address_row, DB_FIELD(struct address_row, customer_id, DB_UUID),
         DB_FIELD(struct address_row, id, DB_UUID), DB_FIELD(struct address_row, label, DB_TEXT),
         DB_FIELD(struct address_row, address, DB_BYTEA));

DB_SHAPE(history_shape, struct history_row, DB_FIELD(struct history_row, currency, DB_CHAR4),
         DB_FIELD(struct history_row, orders, DB_INT64),
         DB_FIELD(struct history_row, cancelled_orders, DB_INT64),
         DB_FIELD(struct history_row, returned_orders, DB_INT64),
         DB_FIELD(struct history_row, cod_refusals, DB_INT64),
         DB_FIELD(struct history_row, ordered, DB_INT64),
         DB_FIELD(struct history_row, paid, DB_INT64),
         TIME(struct history_row, first_at_us, "first_at"),
         TIME(struct history_row, last_at_us, "last_at"));

DB_SHAPE(key_shape, struct order_key, DB_FIELD(struct order_key, order_id, DB_UUID),
         TIME(struct order_key, placed_at_us, "placed_at"));
DB_SHAPE(order_owner_shape, struct order_owner, DB_FIELD(struct order_owner, order_id, DB_UUID),
         DB_FIELD(struct order_owner, customer_id, DB_UUID));
DB_SHAPE(suggestion_shape, struct suggestion_row,
         DB_FIELD(struct suggestion_row, customer_id, DB_UUID),
         DB_FIELD(struct suggestion_row, by_phone, DB_BOOLEAN),
         DB_FIELD(struct suggestion_row, by_email, DB_BOOLEAN));

struct number_row {
    int64_t number;
};
DB_SHAPE(number_shape, struct number_row, DB_FIELD(struct number_row, number, DB_INT64));

/* rows by its address: the arguments of a call are evaluated in any order. */
static enum status take_ids(enum status status, struct id_row *const *rows, struct uuid **ids)
{
    *ids = status == STATUS_OK ? &(*rows)->id : NULL;
    return status;
}

/* ---- whom an order names ---- */

enum status store_customer_contacts(struct db *db, const struct uuid *ids, size_t count,
                                    struct customer_contact **contacts, size_t *found)
{
    return db_select(db, Q_CUSTOMER_ROOTS, &contact_shape, contacts, found, db_uuids(ids, count));
}

/* ---- the projection ---- */

enum status store_customer_facts(struct db *db, const struct uuid *order_ids, size_t count,
                                 struct customer_facts **facts, size_t *found)
{
    return db_select(db, Q_CUSTOMER_ORDER_FACTS, &facts_shape, facts, found,
                     db_uuids(order_ids, count));
}

enum status store_contact_owners(struct db *db, const int64_t *kinds, const char *const *values,
                                 size_t count, struct contact_owner **owners, size_t *found)
{
    return db_select(db, Q_CUSTOMER_CONTACT_OWNERS, &owner_shape, owners, found,
                     db_ints(kinds, count), db_texts(values, count));
}

enum status store_customers_existing(struct db *db, const struct uuid *ids, size_t count,
                                     struct uuid **existing, size_t *found)
{
    struct id_row *rows = NULL;
    return take_ids(
        db_select(db, Q_CUSTOMERS_EXISTING, &id_shape, &rows, found, db_uuids(ids, count)), &rows,
        existing);
}

void store_customer_add(struct db *db, const struct customer *c)
{
    db_add(db_columns(db, Q_CUSTOMER_INSERT), db_uuid(&c->id), db_time(c->created_at_us),
           db_time(c->consented_at_us), db_bool(c->accepts_marketing), db_text(c->name),
           db_text(c->email), db_text(c->phone), db_text(c->locale), db_text(c->note),
           db_text(c->tags));
}

void store_contact_add(struct db *db, const struct uuid *customer_id, const struct contact *contact)
{
    db_add(db_columns(db, Q_CUSTOMER_CONTACT_INSERT), db_int(contact->kind),
           db_text(contact->value), db_uuid(customer_id));
}

void store_customer_order_add(struct db *db, const struct customer_facts *facts,
                              const struct uuid *customer_id)
{
    db_add(db_columns(db, Q_CUSTOMER_ORDER_INSERT), db_uuid(&facts->order_id), db_uuid(customer_id),
           db_time(facts->placed_at_us));
}

/* ---- reading ---- */

enum status store_customers_load(struct db *db, const struct uuid *ids, size_t count,
                                 struct customer **customers, size_t *found)
{
    return db_select(db, Q_CUSTOMERS_BY_ID, &customer_shape, customers, found,
                     db_uuids(ids, count));
}

enum status store_customer_load(struct db *db, const struct uuid *id, struct customer **customer)
{
    size_t count;
    TRY(store_customers_load(db, id, 1, customer, &count));
    return count > 0 ? STATUS_OK : STATUS_NOT_FOUND;
}

enum status store_customer_family(struct db *db, const struct uuid *id, struct uuid **ids,
                                  size_t *count)
{
    struct id_row *rows = NULL;
    return take_ids(db_select(db, Q_CUSTOMER_FAMILY, &id_shape, &rows, count, db_uuid(id),
                              db_int(CUSTOMER_MAX_FAMILY)),
                    &rows, ids);
}

enum status store_customers_find(struct db *db, enum customer_search search, const char *text,
                                 const struct uuid *before, int64_t limit, struct uuid **ids,
                                 size_t *count)
{
    struct id_row *rows = NULL;
    enum status status = STATUS_INTERNAL;
    switch (search) {
    case SEARCH_NEWEST:
        status = db_select(db, Q_CUSTOMERS_NEWEST, &id_shape, &rows, count, db_uuid(before),
                           db_int(limit));
        break;
    case SEARCH_NAME:
        status = db_select(db, Q_CUSTOMERS_BY_NAME, &id_shape, &rows, count, db_text(text),
                           db_uuid(before), db_int(limit));
        break;
    case SEARCH_EMAIL:
        status = db_select(db, Q_CUSTOMERS_BY_EMAIL, &id_shape, &rows, count, db_text(text),
                           db_uuid(before), db_int(limit));
        break;
    case SEARCH_PHONE:
        status = db_select(db, Q_CUSTOMERS_BY_PHONE, &id_shape, &rows, count, db_text(text),
                           db_uuid(before), db_int(limit));
        break;
    }
    return take_ids(status, &rows, ids);
}

enum status store_customer_addresses(struct db *db, const struct uuid *ids, size_t count,
                                     struct address_row **rows, size_t *found)
{
    return db_select(db, Q_CUSTOMER_ADDRESSES, &address_shape, rows, found, db_uuids(ids, count));
}

enum status store_customer_known_by(struct db *db, const struct uuid *ids, size_t count,
                                    struct contact_owner **owners, size_t *found)
{
    return db_select(db, Q_CUSTOMER_CONTACTS, &owner_shape, owners, found, db_uuids(ids, count));
}

enum status store_customer_history(struct db *db, const struct uuid *ids, size_t count,
                                   struct history_row **rows, size_t *found)
{
    return db_select(db, Q_CUSTOMER_HISTORY, &history_shape, rows, found, db_uuids(ids, count));
}

enum status store_customer_orders(struct db *db, const struct uuid *ids, size_t count,
                                  const struct order_key *before, int64_t limit,
                                  struct order_key **keys, size_t *found)
{
    return db_select(db, Q_CUSTOMER_ORDERS, &key_shape, keys, found, db_uuids(ids, count),
                     db_time(before->placed_at_us), db_uuid(&before->order_id), db_int(limit));
}

enum status store_customers_of_orders(struct db *db, const struct uuid *order_ids, size_t count,
                                      struct order_owner **owners, size_t *found)
{
    return db_select(db, Q_CUSTOMERS_OF_ORDERS, &order_owner_shape, owners, found,
                     db_uuids(order_ids, count));
}

enum status store_customer_suggestions(struct db *db, const struct uuid *ids, size_t count,
                                       struct suggestion_row **rows, size_t *found)
{
    return db_select(db, Q_CUSTOMER_SUGGESTIONS, &suggestion_shape, rows, found,
                     db_uuids(ids, count));
}

/* ---- commands ---- */

enum status store_customer_save(struct db *db, struct customer *c, int64_t now_us)
{
    c->updated_at_us = now_us;
    return db_exec_expect(db, Q_CUSTOMER_UPDATE, 1, db_uuid(&c->id), db_int(c->version++),
                          db_time(now_us), db_time(c->consented_at_us),
                          db_time(c->erasing_since_us), db_time(c->erased_at_us),
                          db_uuid(&c->merged_into), db_bool(c->accepts_marketing), db_text(c->name),
                          db_text(c->email), db_text(c->phone), db_text(c->locale),
                          db_text(c->note), db_text(c->tags));
}

enum status store_contact_delete(struct db *db, const struct uuid *customer_id,
                                 const struct contact *contact)
{
    return db_exec(db, Q_CUSTOMER_CONTACT_DELETE, db_uuid(customer_id), db_int(contact->kind),
                   db_text(contact->value));
}

enum status store_address_put(struct db *db, const struct address_row *row)
{
    return db_exec(db, Q_CUSTOMER_ADDRESS_PUT, db_uuid(&row->customer_id), db_uuid(&row->id),
                   db_text(row->label), db_bytes(row->address.bytes, row->address.count));
}

enum status store_address_delete(struct db *db, const struct uuid *customer_id,
                                 const struct uuid *id)
{
    return db_exec(db, Q_CUSTOMER_ADDRESS_DELETE, db_uuid(customer_id), db_uuid(id));
}

/* ---- erasing ---- */

static enum status read_number(enum status status, const struct number_row *rows, size_t count,
                               int64_t *number)
{
    *number = status == STATUS_OK && count > 0 ? rows[0].number : 0;
    return status;
}

enum status store_customer_live_orders(struct db *db, const struct uuid *ids, size_t count,
                                       int64_t *number)
{
    struct number_row *rows = NULL;
    size_t found = 0;
    enum status status =
        db_select(db, Q_CUSTOMER_LIVE_ORDERS, &number_shape, &rows, &found, db_uuids(ids, count));
    return read_number(status, rows, found, number);
}

enum status store_customers_erasing(struct db *db, struct customer **customers, size_t *found)
{
    return db_select(db, Q_CUSTOMERS_ERASING, &customer_shape, customers, found);
}

enum status store_orders_to_erase(struct db *db, const struct customer *customer, int64_t limit,
                                  struct uuid **order_ids, size_t *count)
{
    struct id_row *rows = NULL;
    return take_ids(db_select(db, Q_CUSTOMER_ORDERS_TO_ERASE, &id_shape, &rows, count,
                              db_uuid(&customer->id), db_time(customer->erasing_since_us),
                              db_int(limit)),
                    &rows, order_ids);
}

enum status store_orders_erased(struct db *db, const struct uuid *order_ids, size_t count)
{
    TRY(db_exec(db, Q_ERASE_MESSAGES, db_uuids(order_ids, count)));
    TRY(db_exec(db, Q_ERASE_NOTES, db_uuids(order_ids, count)));
    TRY(db_exec(db, Q_ERASE_TIMELINE, db_uuids(order_ids, count)));
    return db_exec(db, Q_CUSTOMER_ORDERS_ERASED, db_uuids(order_ids, count));
}

enum status store_customer_may_have_more(struct db *db, int64_t until_us, bool *may)
{
    struct number_row *rows = NULL;
    size_t found = 0;
    int64_t number;
    enum status status =
        db_select(db, Q_CUSTOMER_UNPROJECTED, &number_shape, &rows, &found, db_time(until_us));
    status = read_number(status, rows, found, &number);
    *may = number > 0;
    return status;
}

enum status store_customer_forget(struct db *db, const struct uuid *id)
{
    TRY(db_exec(db, Q_CUSTOMER_CONTACTS_DELETE, db_uuids(id, 1)));
    return db_exec(db, Q_CUSTOMER_ADDRESSES_DELETE, db_uuids(id, 1));
}
