/* store_audit.h -- the audit: structs to rows and back, and what the chain is made of. */
#pragma once

#include "common/db.h"
#include "services/gateway/audit.h"

#define AUDIT_HASH_BYTES 32

struct audit_row {
    struct uuid id;
    int64_t at_us;
    const char *actor, *action, *route, *target, *address;
    int64_t times, position;
    struct db_bytea sha256;
};

struct audit_filter {
    int64_t before_position;
    const char *actor, *action, *target; /* "": all */
    int64_t from_us, until_us;           /* 0: all */
};

enum status store_audit_pending(struct db *db, size_t limit, struct audit_row **rows,
                                size_t *count) MUST_CHECK;
/* NOT_FOUND while there is none. */
enum status store_audit_last(struct db *db, struct audit_row **row) MUST_CHECK;
/* From pending to the chain; positions and hashes are filled in. */
enum status store_audit_chain(struct db *db, const struct audit_row *rows, const uint8_t *hashes,
                              struct uuid *ids, size_t count) MUST_CHECK;
enum status store_audit_page(struct db *db, const struct audit_filter *filter, size_t limit,
                             struct audit_row **rows, size_t *count) MUST_CHECK;
