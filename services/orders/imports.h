/* imports.h -- a file of orders on its way in.
 *
 * Ownership: the arena of the call or of the job.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/db.h"
#include "common/id.h"

/* Stored and sent: append only, never renumber. */
enum import_status {
    IMPORT_RECEIVING = 1,
    IMPORT_CHECKING = 2,
    IMPORT_CHECKED = 3,
    IMPORT_RUNNING = 4,
    IMPORT_DONE = 5,
    IMPORT_CANCELLED = 6,
};
enum import_format { FORMAT_PENSTOCK = 1, FORMAT_SHOPIFY = 2 };
enum error_policy { ERRORS_REJECT_ALL = 1, ERRORS_SKIP_ROWS = 2 };
enum import_stock { STOCK_SKIP = 1, STOCK_ACCEPT = 2, STOCK_REQUIRE = 3 };
enum import_order_status { ROW_CHECKED = 1, ROW_FAILED = 2, ROW_KNOWN = 3, ROW_PLACED = 4 };

struct import {
    struct uuid id;
    int64_t created_at_us, finished_at_us;
    int64_t bytes, rows, orders, failed, known, placed;
    int32_t parts, next_part;
    enum import_status status;
    enum import_format format;
    enum error_policy error_policy;
    enum import_stock stock_policy;
    bool is_historic, notify_customers;
    const char *name, *channel, *currency, *created_by;
    struct db_bytea header, carry;
};

/* One order of the file. */
struct import_order {
    int64_t seq, row;
    enum import_order_status status;
    const char *external_id, *code, *field, *message;
    struct uuid order_id;
    struct db_bytea body; /* ImportOrderRequest, packed */
};

#define IMPORT_MAX_PART_BYTES ((size_t)768 << 10)
#define IMPORT_MAX_PARTS 200
#define IMPORT_MAX_ROWS 500000
