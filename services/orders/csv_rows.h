/* csv_rows.h -- the rows of a part of a CSV file.
 *
 * The only module that includes libcsv. A file comes in parts that are cut anywhere: what is not a
 * whole row yet is left for the next part. Records are those of RFC 4180; empty lines count as
 * none.
 *
 * Ownership: rows live in the given arena; the text may go.
 * Limits: 200 columns, 64 KiB a record.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/arena.h"

#define CSV_MAX_COLUMNS 200
#define CSV_MAX_RECORD_BYTES ((size_t)64 << 10)

struct csv_row {
    const char **fields;
    size_t count;
    size_t offset; /* of its first byte in the text */
};
struct csv_rows {
    struct csv_row *list;
    size_t count;
    size_t end;        /* the first byte that no row holds */
    bool is_malformed; /* the text from end on cannot be read as CSV */
};

/* is_last: the last row needs no line break. */
void csv_rows_read(const char *text, size_t bytes, bool is_last, struct arena *arena,
                   struct csv_rows *rows);
