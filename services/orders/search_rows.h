/* search_rows.h -- the rows of the search index, for the two files that read and write them. */
#pragma once

#include "common/db.h"

struct segment_row {
    int64_t id, doc_count, newest_us, oldest_us;
};
DB_SHAPE(segment_shape, struct segment_row, DB_FIELD(struct segment_row, id, DB_INT64),
         DB_FIELD(struct segment_row, doc_count, DB_INT64),
         DB_FIELD(struct segment_row, newest_us, DB_INT64),
         DB_FIELD(struct segment_row, oldest_us, DB_INT64));
/* A chunk of orders, or a block of entries, of the segment asked for. */
struct segment_bytes {
    int64_t place;
    struct db_bytea bytes;
};
DB_SHAPE(segment_bytes_shape, struct segment_bytes, DB_FIELD(struct segment_bytes, place, DB_INT64),
         DB_FIELD(struct segment_bytes, bytes, DB_BYTEA));
