/* search_segment.h -- the search index's own form: orders and grams, packed into blocks.
 *
 * A segment is a set of orders, newest first; an order's rank is its place among them. Behind each
 * gram stand the ranks of the orders that have it, as differences. Segments are made whole from a
 * batch of orders, never changed, and merged into bigger ones, so that an order's grams are written
 * a few times in sequence and never to random places of a tree (docs/decisions/0075).
 *
 * Entries of a block: gram (4 bytes), number of ranks, number of bytes, ranks; the three in
 * varints. A list that fills no block shares one with its neighbours and is never split; a longer
 * one has blocks of its own.
 *
 * Pure. Ownership: blocks live in the given arena; readers point into what they read.
 * Limits: SEGMENT_MAX_DOCS orders; a rank fits 32 bits.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "store.h"

#define SEGMENT_MAX_DOCS 65536
#define SEGMENT_CHUNK_DOCS 128 /* orders in one row of the table of orders */
#define SEGMENT_DOC_BYTES 24
#define SEGMENT_BLOCK_BYTES 4000

/* Newest first; where orders were placed at the same moment, the greatest id. */
int segment_compare(const struct order_key *a, const struct order_key *b);
void segment_put_doc(uint8_t bytes[SEGMENT_DOC_BYTES], const struct order_key *key);
void segment_get_doc(const uint8_t bytes[SEGMENT_DOC_BYTES], struct order_key *key);

/* One gram of one order: gram << 32 | rank. */
typedef uint64_t segment_pair;
/* Sorts, and takes repeats out; the new count. spare: room for as many. */
size_t segment_sort(segment_pair *pairs, segment_pair *spare, size_t count);

struct segment_block {
    uint32_t first_gram;
    uint32_t first_rank; /* 0 unless the block goes on with its gram's list */
    const uint8_t *bytes;
    size_t count;
};
/* Takes pairs in their order and hands full blocks on. */
typedef void segment_block_fn(void *context, const struct segment_block *block);
struct segment_writer {
    segment_block_fn *put;
    void *context;
    uint8_t block[2 * SEGMENT_BLOCK_BYTES], list[SEGMENT_BLOCK_BYTES];
    size_t block_bytes, list_bytes;
    uint32_t block_gram, block_rank;            /* of the block's first entry */
    uint32_t gram, count, list_rank, last_rank; /* of the list under way */
    bool has_gram, is_continued;
};
void segment_writer_open(struct segment_writer *writer, segment_block_fn *put, void *context);
void segment_writer_add(struct segment_writer *writer, segment_pair pair);
void segment_writer_close(struct segment_writer *writer);

/* The ranks of a gram in a block that are in [from, until), appended to ranks from *count on while
 * there is room. False: the block is broken. */
bool segment_ranks(const uint8_t *block, size_t bytes, uint32_t gram, uint32_t from, uint32_t until,
                   uint32_t *ranks, size_t room, size_t *count);

/* All pairs of a block, one after the other. */
struct segment_reader {
    const uint8_t *at, *end, *list_end;
    uint32_t gram, rank, left;
    bool is_broken;
};
void segment_reader_open(struct segment_reader *reader, const uint8_t *block, size_t bytes);
bool segment_reader_next(struct segment_reader *reader, segment_pair *pair);
