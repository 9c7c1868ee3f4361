/* rules_rows.h -- rows of a file to orders.
 *
 * Pure: a part of a file comes in, orders with their faults come out. One table says which column
 * of which format is what; everything after that is common to both formats.
 *
 * Ownership: everything lives in the given arena.
 */
#pragma once

#include "common/arena.h"
#include "imports.h"
#include "rules.h"

/* What a part of a file held. */
struct read_part {
    struct import_order *orders;
    size_t count;
    int64_t rows;           /* read and decided by this part */
    struct db_bytea header; /* of the file, as it stands */
    struct db_bytea carry;  /* what the next part goes on with */
};
/* Reads carry + text. Faults of the file itself (no header, a column missing, malformed CSV) are an
 * order that failed. now_us: nothing is placed later than tomorrow. */
void rules_read_part(const struct import *import, struct db_bytea text, bool is_last,
                     int64_t now_us, struct arena *arena, struct read_part *part);
