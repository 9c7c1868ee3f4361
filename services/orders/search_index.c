/* The search index: segments written and merged. */
#include "search_index.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "queries.h"
#include "search_rows.h"

#define MERGED_AT_ONCE 16
/* A merge reads its segments whole: three megabytes for each ten thousand orders. */
#define MERGE_ARENA_BYTES ((size_t)256 << 20)
#define READERS_GONE_US INT64_C(30000000)

/* ---- a segment under way ---- */

struct output {
    struct db *db;
    int64_t segment_id;
};

static void put_block(void *context, const struct segment_block *block)
{
    const struct output *output = context;
    db_add(db_columns(output->db, Q_SEGMENT_BLOCK_INSERT), db_int(output->segment_id),
           db_int(block->first_gram), db_int(block->first_rank),
           db_bytes(block->bytes, block->count));
}

static void put_docs(const struct output *output, const struct order_key *docs, size_t count)
{
    uint8_t bytes[SEGMENT_CHUNK_DOCS * SEGMENT_DOC_BYTES];
    for (size_t first = 0; first < count; first += SEGMENT_CHUNK_DOCS) {
        size_t here = count - first < SEGMENT_CHUNK_DOCS ? count - first : SEGMENT_CHUNK_DOCS;
        for (size_t i = 0; i < here; i++)
            segment_put_doc(bytes + i * SEGMENT_DOC_BYTES, &docs[first + i]);
        db_add(db_columns(output->db, Q_SEGMENT_DOC_INSERT), db_int(output->segment_id),
               db_int((int64_t)(first / SEGMENT_CHUNK_DOCS)),
               db_int(docs[first + here - 1].placed_at_us),
               db_bytes(bytes, here * SEGMENT_DOC_BYTES));
    }
}

static enum status put_head(const struct output *output, const struct order_key *docs, size_t count)
{
    return db_exec(output->db, Q_SEGMENT_INSERT, db_int(output->segment_id), db_int((int64_t)count),
                   db_int(docs[0].placed_at_us), db_int(docs[count - 1].placed_at_us));
}

/* ---- merging ---- */

struct merge_input {
    const struct segment_row *segment;
    struct order_key *docs;
    uint32_t *new_ranks;
    size_t doc_count, next_doc;
    const struct segment_bytes *blocks;
    size_t block_count, next_block;
    struct segment_reader reader;
    segment_pair pair; /* the next, with the new rank */
    bool has_pair;
};

static enum status read_docs(struct db *db, struct arena *arena, struct merge_input *input)
{
    struct segment_bytes *chunks;
    size_t count;
    TRY(db_select(db, Q_SEGMENT_DOCS, &segment_bytes_shape, &chunks, &count,
                  db_ints(&input->segment->id, 1)));
    input->docs = ARENA_ARRAY(arena, (size_t)input->segment->doc_count, struct order_key);
    input->new_ranks = ARENA_ARRAY(arena, (size_t)input->segment->doc_count, uint32_t);
    for (size_t i = 0; i < count; i++) {
        for (size_t at = 0; at + SEGMENT_DOC_BYTES <= chunks[i].bytes.count;
             at += SEGMENT_DOC_BYTES) {
            if (input->doc_count == (size_t)input->segment->doc_count)
                return STATUS_INTERNAL;
            segment_get_doc(chunks[i].bytes.bytes + at, &input->docs[input->doc_count++]);
        }
    }
    return STATUS_OK;
}

/* The next pair of an input. Ranks rise within a gram, and new ranks with them. */
static bool advance(struct merge_input *input)
{
    while (!segment_reader_next(&input->reader, &input->pair)) {
        if (input->reader.is_broken)
            return false;
        if (input->next_block == input->block_count) {
            input->has_pair = false;
            return true;
        }
        const struct db_bytea *bytes = &input->blocks[input->next_block++].bytes;
        segment_reader_open(&input->reader, bytes->bytes, bytes->count);
    }
    uint32_t rank = (uint32_t)input->pair;
    if (rank >= input->doc_count)
        return false;
    input->pair = (input->pair >> 32) << 32 | input->new_ranks[rank];
    input->has_pair = true;
    return true;
}

static enum status open_input(struct db *db, struct arena *arena, const struct segment_row *segment,
                              struct merge_input *input)
{
    struct segment_bytes *blocks;
    *input = (struct merge_input){.segment = segment};
    TRY(read_docs(db, arena, input));
    TRY(db_select(db, Q_SEGMENT_BLOCKS, &segment_bytes_shape, &blocks, &input->block_count,
                  db_ints(&segment->id, 1)));
    input->blocks = blocks;
    return STATUS_OK;
}

/* The orders of all inputs, newest first and each once; the inputs learn their new ranks. */
static size_t merge_docs(struct merge_input *inputs, size_t count, struct order_key *docs)
{
    size_t merged = 0;
    for (;;) {
        struct merge_input *first = NULL;
        for (size_t i = 0; i < count; i++) {
            struct merge_input *it = &inputs[i];
            if (it->next_doc < it->doc_count &&
                (first == NULL ||
                 segment_compare(&it->docs[it->next_doc], &first->docs[first->next_doc]) < 0))
                first = it;
        }
        if (first == NULL)
            return merged;
        const struct order_key *key = &first->docs[first->next_doc];
        if (merged == 0 || segment_compare(&docs[merged - 1], key) != 0)
            docs[merged++] = *key;
        first->new_ranks[first->next_doc++] = (uint32_t)(merged - 1);
    }
}

/* The input with the least pair, and the least of all others: up to it the first goes on alone,
 * which is most of the way where segments follow each other in time. */
static struct merge_input *first_input(struct merge_input *inputs, size_t count,
                                       segment_pair *others)
{
    struct merge_input *first = NULL;
    *others = UINT64_MAX;
    for (size_t i = 0; i < count; i++) {
        if (!inputs[i].has_pair)
            continue;
        if (first == NULL || inputs[i].pair < first->pair) {
            *others = first != NULL ? first->pair : UINT64_MAX;
            first = &inputs[i];
        } else if (inputs[i].pair < *others) {
            *others = inputs[i].pair;
        }
    }
    return first;
}

static bool merge_pairs(struct merge_input *inputs, size_t count, struct segment_writer *writer)
{
    segment_pair last = UINT64_MAX, others;
    struct merge_input *first;
    for (size_t i = 0; i < count; i++) {
        if (!advance(&inputs[i]))
            return false;
    }
    while ((first = first_input(inputs, count, &others)) != NULL) {
        do {
            if (first->pair != last)
                segment_writer_add(writer, first->pair);
            last = first->pair;
            if (!advance(first))
                return false;
        } while (first->has_pair && first->pair <= others);
    }
    return true;
}

static enum status merge_in(struct db *db, struct arena *arena, const struct segment_row *segments,
                            size_t count, int64_t new_id, int64_t now_us, struct segment_row *made)
{
    struct merge_input inputs[MERGED_AT_ONCE];
    struct segment_writer *writer = ARENA_NEW(arena, struct segment_writer);
    struct output output = {db, new_id};
    int64_t ids[MERGED_AT_ONCE];
    size_t room = 0;
    for (size_t i = 0; i < count; i++) {
        TRY(open_input(db, arena, &segments[i], &inputs[i]));
        ids[i] = segments[i].id;
        room += inputs[i].doc_count;
    }
    struct order_key *docs = ARENA_ARRAY(arena, room, struct order_key);
    size_t doc_count = merge_docs(inputs, count, docs);
    segment_writer_open(writer, put_block, &output);
    if (!merge_pairs(inputs, count, writer))
        return STATUS_INTERNAL;
    segment_writer_close(writer);
    put_docs(&output, docs, doc_count);
    *made = (struct segment_row){new_id, (int64_t)doc_count, docs[0].placed_at_us,
                                 docs[doc_count - 1].placed_at_us};
    TRY(put_head(&output, docs, doc_count));
    return db_exec(db, Q_SEGMENT_RETIRE, db_ints(ids, count), db_time(now_us));
}

/* ---- what to merge ---- */

/* Segments of about one size are merged, sixteen to one: each order is written again whenever its
 * segment has grown sixteenfold, and not after that has the size of the greatest. */
static int size_class(int64_t doc_count)
{
    int class = 0;
    for (; doc_count >= MERGED_AT_ONCE; doc_count /= MERGED_AT_ONCE)
        class ++;
    return class;
}

static int by_age(const void *a, const void *b)
{
    const struct segment_row *left = a, *right = b;
    return left->newest_us < right->newest_us ? -1 : left->newest_us > right->newest_us;
}

/* The oldest of a class that fit into one; 0: nothing to merge. Moves them to the front. */
static size_t pick(struct segment_row *segments, size_t count)
{
    static const int64_t full = SEGMENT_MAX_DOCS / 8 * 7;
    qsort(segments, count, sizeof(*segments), by_age);
    for (int class = 0; class <= size_class(SEGMENT_MAX_DOCS - 1); class ++) {
        size_t here = 0;
        int64_t docs = 0;
        for (size_t i = 0; i < count && here < MERGED_AT_ONCE; i++) {
            if (size_class(segments[i].doc_count) != class || segments[i].doc_count >= full ||
                docs + segments[i].doc_count > SEGMENT_MAX_DOCS)
                continue;
            docs += segments[i].doc_count;
            struct segment_row swap = segments[here];
            segments[here++] = segments[i];
            segments[i] = swap;
        }
        if (here == MERGED_AT_ONCE || (here > 1 && docs >= full))
            return here;
    }
    return 0;
}

static enum status merge_due(struct db *db, struct arena *own, struct segment_row *segments,
                             size_t count, int64_t next_id, int64_t now_us)
{
    size_t merged;
    while ((merged = pick(segments, count)) > 1) {
        struct segment_row made;
        TRY(merge_in(db, own, segments, merged, next_id++, now_us, &made));
        segments[0] = made;
        memmove(segments + 1, segments + merged, (count - merged) * sizeof(*segments));
        count -= merged - 1;
        arena_reset(own);
    }
    return STATUS_OK;
}

static enum status delete_retired(struct db *db, struct arena *arena, int64_t now_us)
{
    struct segment_row *rows;
    size_t count;
    TRY(db_select(db, Q_SEGMENTS_RETIRED, &segment_shape, &rows, &count,
                  db_time(now_us - READERS_GONE_US)));
    if (count == 0)
        return STATUS_OK;
    int64_t *ids = ARENA_ARRAY(arena, count, int64_t);
    for (size_t i = 0; i < count; i++)
        ids[i] = rows[i].id;
    TRY(db_exec(db, Q_SEGMENT_DELETE_BLOCKS, db_ints(ids, count)));
    TRY(db_exec(db, Q_SEGMENT_DELETE_DOCS, db_ints(ids, count)));
    return db_exec(db, Q_SEGMENT_DELETE, db_ints(ids, count));
}

enum status search_index_add(struct db *db, struct arena *arena, const struct order_key *docs,
                             size_t doc_count, const segment_pair *pairs, size_t pair_count,
                             int64_t now_us)
{
    struct segment_writer *writer = ARENA_NEW(arena, struct segment_writer);
    struct segment_row *last, *live, *segments;
    size_t count;
    TRY(delete_retired(db, arena, now_us));
    TRY(db_select(db, Q_SEGMENT_LAST_ID, &segment_shape, &last, &count));
    assert(count == 1 && doc_count > 0);
    TRY(db_select(db, Q_SEGMENTS_LIVE, &segment_shape, &live, &count));
    struct output output = {db, last->id + 1};
    segment_writer_open(writer, put_block, &output);
    for (size_t i = 0; i < pair_count; i++)
        segment_writer_add(writer, pairs[i]);
    segment_writer_close(writer);
    put_docs(&output, docs, doc_count);
    TRY(put_head(&output, docs, doc_count));
    segments = ARENA_ARRAY(arena, count + 1, struct segment_row);
    if (count > 0)
        memcpy(segments, live, count * sizeof(*live));
    segments[count] = (struct segment_row){output.segment_id, (int64_t)doc_count,
                                           docs[0].placed_at_us, docs[doc_count - 1].placed_at_us};
    /* The rows of a merge are many and short-lived. */
    struct arena *own = arena_open(MERGE_ARENA_BYTES);
    db_use_arena(db, own);
    enum status status = merge_due(db, own, segments, count + 1, output.segment_id + 1, now_us);
    db_use_arena(db, arena);
    arena_close(&own);
    return status;
}
