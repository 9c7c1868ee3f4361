/* store_customers.h -- customers as rows: how they are known, and which orders are theirs.
 *
 * Used by commands and by the projection, each on its own connection. Nothing is decided here.
 *
 * Ownership: what is loaded lives in the arena of the database's user, see db_use_arena().
 */
#pragma once

#include "common/db.h"
#include "customers.h"
#include "store.h"

/* ---- whom an order names ---- */

struct customer_contact {
    struct uuid asked, id; /* id: whoever asked is now, merges followed */
    const char *name, *email, *phone, *locale;
    bool is_erased;
};
enum status store_customer_contacts(struct db *db, const struct uuid *ids, size_t count,
                                    struct customer_contact **contacts, size_t *found) MUST_CHECK;

/* ---- the projection ---- */

enum status store_customer_facts(struct db *db, const struct uuid *order_ids, size_t count,
                                 struct customer_facts **facts, size_t *found) MUST_CHECK;
struct contact_owner {
    enum contact_kind kind;
    const char *value;
    struct uuid customer_id;
};
/* Whoever has been known longest comes first. */
enum status store_contact_owners(struct db *db, const int64_t *kinds, const char *const *values,
                                 size_t count, struct contact_owner **owners,
                                 size_t *found) MUST_CHECK;
/* Those of the ids that are customers, sorted. */
enum status store_customers_existing(struct db *db, const struct uuid *ids, size_t count,
                                     struct uuid **existing, size_t *found) MUST_CHECK;
void store_customer_add(struct db *db, const struct customer *customer);
void store_contact_add(struct db *db, const struct uuid *customer_id,
                       const struct contact *contact);
void store_customer_order_add(struct db *db, const struct customer_facts *facts,
                              const struct uuid *customer_id);

/* ---- reading ---- */

/* Newest first; an id that is no customer is left out. */
enum status store_customers_load(struct db *db, const struct uuid *ids, size_t count,
                                 struct customer **customers, size_t *found) MUST_CHECK;
enum status store_customer_load(struct db *db, const struct uuid *id,
                                struct customer **customer) MUST_CHECK; /* NOT_FOUND */
/* The customer and all who were merged into them. */
enum status store_customer_family(struct db *db, const struct uuid *id, struct uuid **ids,
                                  size_t *count) MUST_CHECK;
enum customer_search { SEARCH_NEWEST, SEARCH_NAME, SEARCH_EMAIL, SEARCH_PHONE };
/* Ids before the given one, newest first; they may have been merged. */
enum status store_customers_find(struct db *db, enum customer_search search, const char *text,
                                 const struct uuid *before, int64_t limit, struct uuid **ids,
                                 size_t *count) MUST_CHECK;

struct address_row {
    struct uuid customer_id, id;
    const char *label;
    struct db_bytea address;
};
enum status store_customer_addresses(struct db *db, const struct uuid *ids, size_t count,
                                     struct address_row **rows, size_t *found) MUST_CHECK;
enum status store_customer_known_by(struct db *db, const struct uuid *ids, size_t count,
                                    struct contact_owner **owners, size_t *found) MUST_CHECK;
struct history_row {
    char currency[4];
    int64_t orders, cancelled_orders, returned_orders, cod_refusals;
    int64_t ordered, paid, first_at_us, last_at_us;
};
enum status store_customer_history(struct db *db, const struct uuid *ids, size_t count,
                                   struct history_row **rows, size_t *found) MUST_CHECK;
enum status store_customer_orders(struct db *db, const struct uuid *ids, size_t count,
                                  const struct order_key *before, int64_t limit,
                                  struct order_key **keys, size_t *found) MUST_CHECK;
struct order_owner {
    struct uuid order_id, customer_id;
};
enum status store_customers_of_orders(struct db *db, const struct uuid *order_ids, size_t count,
                                      struct order_owner **owners, size_t *found) MUST_CHECK;
struct suggestion_row {
    struct uuid customer_id;
    bool by_phone, by_email;
};
enum status store_customer_suggestions(struct db *db, const struct uuid *ids, size_t count,
                                       struct suggestion_row **rows, size_t *found) MUST_CHECK;

/* ---- commands ---- */

/* Guarded by the version it was loaded with, which it raises in the row and here. */
enum status store_customer_save(struct db *db, struct customer *customer,
                                int64_t now_us) MUST_CHECK;
enum status store_contact_delete(struct db *db, const struct uuid *customer_id,
                                 const struct contact *contact) MUST_CHECK;
enum status store_address_put(struct db *db, const struct address_row *row) MUST_CHECK;
enum status store_address_delete(struct db *db, const struct uuid *customer_id,
                                 const struct uuid *id) MUST_CHECK;

/* ---- erasing ---- */

enum status store_customer_live_orders(struct db *db, const struct uuid *ids, size_t count,
                                       int64_t *number) MUST_CHECK;
enum status store_customers_erasing(struct db *db, struct customer **customers,
                                    size_t *found) MUST_CHECK;
/* Orders placed until then that still say who it was. */
enum status store_orders_to_erase(struct db *db, const struct customer *customer, int64_t limit,
                                  struct uuid **order_ids, size_t *count) MUST_CHECK;
/* Marks them, and empties what is kept besides their rows. */
enum status store_orders_erased(struct db *db, const struct uuid *order_ids,
                                size_t count) MUST_CHECK;
/* True while the projection may still find orders of theirs that were placed until then. */
enum status store_customer_may_have_more(struct db *db, int64_t until_us, bool *may) MUST_CHECK;
/* Contacts and addresses. */
enum status store_customer_forget(struct db *db, const struct uuid *id) MUST_CHECK;
