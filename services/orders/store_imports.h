/* store_imports.h -- imports of files as rows.
 *
 * Ownership: what is loaded lives in the arena of the database's user, see db_use_arena().
 */
#pragma once

#include "imports.h"

enum status store_import_insert(struct db *db, const struct import *import) MUST_CHECK;
/* Guarded by the state it was loaded in: from is that status, next_part that part. */
enum status store_import_save(struct db *db, const struct import *import, enum import_status from,
                              int32_t next_part) MUST_CHECK;
enum status store_import_load(struct db *db, const struct uuid *id,
                              struct import **import) MUST_CHECK; /* NOT_FOUND */
enum status store_imports_page(struct db *db, const struct uuid *before, int64_t limit,
                               struct import **imports, size_t *count) MUST_CHECK;
/* The oldest that is checked or run; *import is NULL when none is. */
enum status store_import_at_work(struct db *db, struct import **import) MUST_CHECK;
/* One that was not run since; NULL: none. */
enum status store_import_forgotten(struct db *db, int64_t before_us,
                                   struct import **import) MUST_CHECK;

enum status store_import_part_put(struct db *db, const struct uuid *id, int32_t part,
                                  const char *csv, size_t bytes) MUST_CHECK;
/* {NULL, 0} when there is none. */
enum status store_import_part(struct db *db, const struct uuid *id, int32_t part,
                              struct db_bytea *body) MUST_CHECK;
enum status store_import_part_delete(struct db *db, const struct uuid *id, int32_t part) MUST_CHECK;

void store_import_order_add(struct db *db, const struct uuid *id, const struct import_order *order);
/* Checked and not placed, in the order of the file. */
enum status store_import_orders_due(struct db *db, const struct uuid *id, int64_t limit,
                                    struct import_order **orders, size_t *count) MUST_CHECK;
/* Placed, known or failed. */
void store_import_order_done(struct db *db, const struct uuid *id,
                             const struct import_order *order);
enum status store_import_errors(struct db *db, const struct uuid *id, int64_t after, int64_t limit,
                                struct import_order **orders, size_t *count) MUST_CHECK;
/* Everything of the file that says who somebody is. */
enum status store_import_drop(struct db *db, const struct uuid *id) MUST_CHECK;
