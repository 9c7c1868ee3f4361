/* The search index, read: orders out of all segments at once, in the order of a list. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "queries.h"
#include "search_index.h"
#include "search_rows.h"

/* Segments looked up with one query: the next in time, so that a question that many orders answer
 * reads no more than it needs. */
#define SEGMENTS_AT_ONCE 8
/* Ranks of a segment looked at first; later as many as there are. */
#define FIRST_WINDOW 16384
/* Orders of a segment whose keys are read at once: first as many as a page has, then more. */
#define FIRST_KEYS 64
#define KEYS_AT_ONCE 256

/* Orders of a segment that are few enough to be looked at. */
#define FEW_RANKS 4

struct source {
    struct segment_row segment;
    /* Ranks not yet looked up: [from, until). */
    uint32_t from, until;
    bool is_seeked;
    /* Found, in the order of the list, and not yet read as keys. */
    uint32_t *ranks;
    size_t rank_count, next_rank;
    struct order_key *keys;
    size_t key_count, next_key;
    struct order_key bound; /* nothing that is left comes before it */
};

struct search_stream {
    struct db *db;
    struct arena *arena;
    const uint32_t *grams;
    size_t gram_count;
    bool is_oldest_first, has_beyond, has_last;
    struct order_key beyond, last;
    struct source *sources;
    size_t source_count;
    int waves, key_reads;
};

/* In the order of the list: negative when a comes before b. */
static int compare(const struct search_stream *stream, const struct order_key *a,
                   const struct order_key *b)
{
    int order = segment_compare(a, b);
    return stream->is_oldest_first ? -order : order;
}

static bool is_beyond(const struct search_stream *stream, const struct order_key *key)
{
    return compare(stream, &stream->beyond, key) < 0;
}

static bool has_key(const struct source *source)
{
    return source->next_key < source->key_count;
}

static bool is_exhausted(const struct source *source)
{
    return !has_key(source) && source->next_rank == source->rank_count &&
           source->from >= source->until;
}

/* The first order that a segment could have. */
static struct order_key first_bound(const struct search_stream *stream,
                                    const struct segment_row *segment)
{
    struct order_key bound;
    memset(&bound, stream->is_oldest_first ? 0x00 : 0xff, sizeof(bound));
    bound.placed_at_us = stream->is_oldest_first ? segment->oldest_us : segment->newest_us;
    return bound;
}

static enum status add_segments(struct search_stream *stream, size_t extra)
{
    struct segment_row *rows;
    size_t count;
    TRY(db_select(stream->db, Q_SEGMENTS_LIVE, &segment_shape, &rows, &count));
    stream->sources = ARENA_ARRAY(stream->arena, count + extra, struct source);
    for (size_t i = 0; i < count; i++) {
        int64_t edge = stream->is_oldest_first ? rows[i].newest_us : rows[i].oldest_us;
        bool is_out = stream->is_oldest_first ? edge < stream->beyond.placed_at_us
                                              : edge > stream->beyond.placed_at_us;
        if (is_out || stream->gram_count == 0)
            continue;
        struct source *source = &stream->sources[stream->source_count++];
        source->segment = rows[i];
        source->until = (uint32_t)rows[i].doc_count;
        source->bound = first_bound(stream, &rows[i]);
        /* All of it lies beyond: nothing to seek. */
        source->is_seeked = is_beyond(stream, &source->bound);
    }
    return STATUS_OK;
}

static void add_extra(struct search_stream *stream, const struct order_key *extra, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct source *source = &stream->sources[stream->source_count];
        if (!is_beyond(stream, &extra[i]))
            continue;
        source->keys = ARENA_NEW(stream->arena, struct order_key);
        source->keys[0] = source->bound = extra[i];
        source->key_count = 1;
        stream->source_count++;
    }
}

enum status search_stream_open(struct db *db, struct arena *arena, const uint32_t *grams,
                               size_t gram_count, const struct order_key *beyond,
                               bool is_oldest_first, const struct order_key *extra,
                               size_t extra_count, struct search_stream **out)
{
    struct search_stream *stream = ARENA_NEW(arena, struct search_stream);
    *stream = (struct search_stream){.db = db,
                                     .arena = arena,
                                     .grams = grams,
                                     .gram_count = gram_count,
                                     .is_oldest_first = is_oldest_first,
                                     .beyond = *beyond};
    assert(gram_count <= SEARCH_MAX_GRAMS);
    TRY(add_segments(stream, extra_count));
    add_extra(stream, extra, extra_count);
    *out = stream;
    return STATUS_OK;
}

/* ---- one wave: the next segments in time are looked up together ---- */

struct lookup_row {
    int64_t place, first_rank;
    struct db_bytea bytes;
};
DB_SHAPE(lookup_shape, struct lookup_row, DB_FIELD(struct lookup_row, place, DB_INT64),
         DB_FIELD(struct lookup_row, first_rank, DB_INT64),
         DB_FIELD(struct lookup_row, bytes, DB_BYTEA));

struct wave_part {
    struct source *source;
    uint32_t from, until;
};

static bool needs_lookup(const struct source *source)
{
    return !has_key(source) && source->next_rank == source->rank_count &&
           source->from < source->until;
}

static bool needs_keys(const struct source *source)
{
    return !has_key(source) && source->next_rank < source->rank_count;
}

/* Of those that need it: the first in the list, and the next. */
static size_t choose(struct search_stream *stream, bool (*needs)(const struct source *),
                     struct wave_part *wave)
{
    size_t count = 0;
    for (size_t i = 0; i < stream->source_count; i++) {
        struct source *source = &stream->sources[i];
        size_t at = count;
        if (!needs(source))
            continue;
        while (at > 0 && compare(stream, &source->bound, &wave[at - 1].source->bound) < 0)
            at--;
        if (at == SEGMENTS_AT_ONCE)
            continue;
        size_t last = count < SEGMENTS_AT_ONCE ? count++ : SEGMENTS_AT_ONCE - 1;
        memmove(wave + at + 1, wave + at, (last - at) * sizeof(*wave));
        wave[at].source = source;
    }
    return count;
}

/* Skips what of a segment does not lie beyond, to within a chunk. */
static enum status seek(struct search_stream *stream, struct wave_part *wave, size_t count)
{
    int64_t places[SEGMENTS_AT_ONCE], ids[SEGMENTS_AT_ONCE];
    size_t asked = 0, found;
    struct lookup_row *rows;
    for (size_t i = 0; i < count; i++) {
        if (wave[i].source->is_seeked)
            continue;
        places[asked] = (int64_t)i;
        ids[asked++] = wave[i].source->segment.id;
    }
    if (asked == 0)
        return STATUS_OK;
    TRY(db_select(stream->db, Q_SEGMENT_SEEK, &lookup_shape, &rows, &found, db_ints(places, asked),
                  db_ints(ids, asked), db_int(stream->beyond.placed_at_us)));
    for (size_t i = 0; i < found; i++) {
        struct source *source = wave[rows[i].place].source;
        uint32_t chunk = (uint32_t)(rows[i].first_rank + 0);
        source->is_seeked = true;
        if (rows[i].first_rank < 0)
            continue;
        if (!stream->is_oldest_first)
            source->from = chunk * SEGMENT_CHUNK_DOCS;
        else if ((chunk + 1) * SEGMENT_CHUNK_DOCS < source->until)
            source->until = (chunk + 1) * SEGMENT_CHUNK_DOCS;
    }
    return STATUS_OK;
}

static void take_window(const struct search_stream *stream, struct wave_part *part)
{
    struct source *source = part->source;
    uint32_t left = source->until - source->from;
    uint32_t window = stream->waves == 0 && left > FIRST_WINDOW ? FIRST_WINDOW : left;
    if (stream->is_oldest_first) {
        part->until = source->until;
        part->from = source->until -= window;
    } else {
        part->from = source->from;
        part->until = source->from += window;
    }
}

/* Keeps of ranks what others has too; both rise. */
static size_t intersect(uint32_t *ranks, size_t count, const uint32_t *others, size_t other_count)
{
    size_t kept = 0, j = 0;
    for (size_t i = 0; i < count; i++) {
        while (j < other_count && others[j] < ranks[i])
            j++;
        if (j < other_count && others[j] == ranks[i])
            ranks[kept++] = ranks[i];
    }
    return kept;
}

static void reverse(uint32_t *ranks, size_t count)
{
    for (size_t i = 0; i < count / 2; i++) {
        uint32_t swap = ranks[i];
        ranks[i] = ranks[count - 1 - i];
        ranks[count - 1 - i] = swap;
    }
}

/* The ranks of one gram in a window, from its rows. */
static bool read_ranks(struct arena *arena, const struct lookup_row *rows, size_t count,
                       uint32_t gram, const struct wave_part *part, uint32_t **ranks, size_t *found)
{
    size_t room = 0; /* a rank takes a byte at least */
    for (size_t i = 0; i < count; i++)
        room += rows[i].bytes.count;
    *ranks = ARENA_ARRAY(arena, room, uint32_t);
    *found = 0;
    for (size_t i = 0; i < count; i++) {
        if (!segment_ranks(rows[i].bytes.bytes, rows[i].bytes.count, gram, part->from, part->until,
                           *ranks, room, found))
            return false;
    }
    return true;
}

/* The rows of one gram. */
struct gram_rows {
    uint32_t gram;
    const struct lookup_row *rows;
    size_t count, bytes;
};

static int by_bytes(const void *a, const void *b)
{
    const struct gram_rows *left = a, *right = b;
    return (left->bytes > right->bytes) - (left->bytes < right->bytes);
}

/* rows: those of a part, by gram. The rarest come first. */
static void sort_rows(const struct search_stream *stream, const struct lookup_row *rows,
                      size_t count, int64_t first_place, struct gram_rows *grams)
{
    size_t at = 0;
    for (size_t i = 0; i < stream->gram_count; i++) {
        grams[i] = (struct gram_rows){.gram = stream->grams[i], .rows = rows + at};
        for (; at < count && rows[at].place == first_place + (int64_t)i; at++) {
            grams[i].count++;
            grams[i].bytes += rows[at].bytes.count;
        }
    }
    qsort(grams, stream->gram_count, sizeof(*grams), by_bytes);
}

/* A few orders are looked at sooner than a long list is read that might leave some of them out. */
static bool find_ranks(struct search_stream *stream, struct wave_part *part,
                       const struct lookup_row *rows, size_t count, int64_t first_place)
{
    struct source *source = part->source;
    struct gram_rows grams[SEARCH_MAX_GRAMS];
    size_t found, kept = 0;
    uint32_t *ranks = NULL, *others;
    sort_rows(stream, rows, count, first_place, grams);
    for (size_t i = 0; i < stream->gram_count; i++) {
        const struct gram_rows *it = &grams[i];
        if (i > 0 && (kept == 0 || (kept <= FEW_RANKS && it->bytes > SEGMENT_BLOCK_BYTES)))
            break;
        if (!read_ranks(stream->arena, it->rows, it->count, it->gram, part, &others, &found))
            return false;
        kept = i == 0 ? found : intersect(ranks, kept, others, found);
        ranks = i == 0 ? others : ranks;
    }
    if (stream->is_oldest_first)
        reverse(ranks, kept);
    source->ranks = ranks;
    source->rank_count = kept;
    source->next_rank = 0;
    return true;
}

static enum status look_up(struct search_stream *stream, struct wave_part *wave, size_t count)
{
    int64_t values[5][SEGMENTS_AT_ONCE * SEARCH_MAX_GRAMS];
    struct lookup_row *rows;
    size_t asked = 0, found, at = 0;
    for (size_t i = 0; i < count; i++) {
        take_window(stream, &wave[i]);
        for (size_t j = 0; j < stream->gram_count; j++, asked++) {
            values[0][asked] = (int64_t)(i * stream->gram_count + j);
            values[1][asked] = wave[i].source->segment.id;
            values[2][asked] = stream->grams[j];
            values[3][asked] = wave[i].from;
            values[4][asked] = wave[i].until;
        }
    }
    TRY(db_select(stream->db, Q_SEGMENT_LOOKUP, &lookup_shape, &rows, &found,
                  db_ints(values[0], asked), db_ints(values[1], asked), db_ints(values[2], asked),
                  db_ints(values[3], asked), db_ints(values[4], asked)));
    for (size_t i = 0; i < count; i++) {
        size_t first = at;
        int64_t first_place = (int64_t)(i * stream->gram_count);
        while (at < found && rows[at].place < first_place + (int64_t)stream->gram_count)
            at++;
        if (!find_ranks(stream, &wave[i], rows + first, at - first, first_place))
            return STATUS_INTERNAL;
    }
    stream->waves++;
    return STATUS_OK;
}

/* ---- keys ---- */

/* Reads the next keys of the first in the list, and of the next while those are few. */
static enum status read_keys(struct search_stream *stream, const struct wave_part *wave,
                             size_t count)
{
    size_t most = stream->key_reads++ == 0 ? FIRST_KEYS : KEYS_AT_ONCE;
    int64_t *places = ARENA_ARRAY(stream->arena, 2 * most, int64_t);
    int64_t *ids = ARENA_ARRAY(stream->arena, 2 * most, int64_t);
    int64_t *ranks = ARENA_ARRAY(stream->arena, 2 * most, int64_t);
    struct lookup_row *rows;
    size_t asked = 0, found;
    for (size_t i = 0; i < count && asked < most; i++) {
        struct source *source = wave[i].source;
        source->keys = ARENA_ARRAY(stream->arena, most, struct order_key);
        source->key_count = source->next_key = 0;
        for (size_t j = 0; j < most && source->next_rank < source->rank_count; j++) {
            places[asked] = (int64_t)(i * most + j);
            ids[asked] = source->segment.id;
            ranks[asked++] = source->ranks[source->next_rank++];
        }
    }
    TRY(db_select(stream->db, Q_SEGMENT_KEYS, &lookup_shape, &rows, &found, db_ints(places, asked),
                  db_ints(ids, asked), db_ints(ranks, asked)));
    for (size_t i = 0; i < found; i++) {
        struct source *source = wave[rows[i].place / (int64_t)most].source;
        struct order_key key;
        if (rows[i].bytes.count != SEGMENT_DOC_BYTES)
            return STATUS_INTERNAL;
        segment_get_doc(rows[i].bytes.bytes, &key);
        source->bound = key;
        if (is_beyond(stream, &key))
            source->keys[source->key_count++] = key;
    }
    return STATUS_OK;
}

/* ---- the stream ---- */

/* Of what could come next, the first. */
static struct source *first_source(struct search_stream *stream)
{
    struct source *first = NULL;
    for (size_t i = 0; i < stream->source_count; i++) {
        struct source *source = &stream->sources[i];
        if (is_exhausted(source))
            continue;
        const struct order_key *key =
            has_key(source) ? &source->keys[source->next_key] : &source->bound;
        const struct order_key *best = first == NULL    ? NULL
                                       : has_key(first) ? &first->keys[first->next_key]
                                                        : &first->bound;
        int order = best == NULL ? -1 : compare(stream, key, best);
        /* Equal: whoever does not know yet is asked before the other is believed. */
        if (order < 0 || (order == 0 && !has_key(source)))
            first = source;
    }
    return first;
}

/* The first source has no key yet: finds it one, or that it has none. */
static enum status fill(struct search_stream *stream, const struct source *first)
{
    struct wave_part wave[SEGMENTS_AT_ONCE];
    size_t count = choose(stream, needs_keys, wave);
    if (needs_keys(first))
        return read_keys(stream, wave, count);
    count = choose(stream, needs_lookup, wave);
    TRY(seek(stream, wave, count));
    return look_up(stream, wave, count);
}

enum status search_stream_next(struct search_stream *stream, struct order_key *keys, size_t room,
                               size_t *count)
{
    struct source *source;
    *count = 0;
    while (*count < room && (source = first_source(stream)) != NULL) {
        if (!has_key(source)) {
            TRY(fill(stream, source));
            continue;
        }
        const struct order_key *key = &source->keys[source->next_key++];
        /* An order that has changed is in two segments. */
        if (!stream->has_last || compare(stream, &stream->last, key) != 0)
            keys[(*count)++] = *key;
        stream->last = *key;
        stream->has_last = true;
    }
    return STATUS_OK;
}
