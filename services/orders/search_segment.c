#include "search_segment.h"

#include <assert.h>
#include <string.h>

/* ---- orders ---- */

int segment_compare(const struct order_key *a, const struct order_key *b)
{
    if (a->placed_at_us != b->placed_at_us)
        return a->placed_at_us > b->placed_at_us ? -1 : 1;
    return -uuid_compare(&a->order_id, &b->order_id);
}

void segment_put_doc(uint8_t bytes[SEGMENT_DOC_BYTES], const struct order_key *key)
{
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)((uint64_t)key->placed_at_us >> (56 - 8 * i));
    memcpy(bytes + 8, key->order_id.bytes, 16);
}

void segment_get_doc(const uint8_t bytes[SEGMENT_DOC_BYTES], struct order_key *key)
{
    uint64_t placed_at_us = 0;
    for (int i = 0; i < 8; i++)
        placed_at_us = placed_at_us << 8 | bytes[i];
    key->placed_at_us = (int64_t)placed_at_us;
    memcpy(key->order_id.bytes, bytes + 8, 16);
}

/* ---- pairs ---- */

#define RADIX_BITS 11
#define RADIX_SIZE (1u << RADIX_BITS)

/* By eleven bits at a time from the lowest: a batch's pairs are many and their bits few. */
static void radix_pass(const segment_pair *from, segment_pair *to, size_t count, unsigned shift)
{
    size_t starts[RADIX_SIZE] = {0};
    size_t start = 0;
    for (size_t i = 0; i < count; i++)
        starts[from[i] >> shift & (RADIX_SIZE - 1)]++;
    for (size_t i = 0; i < RADIX_SIZE; i++) {
        size_t here = starts[i];
        starts[i] = start;
        start += here;
    }
    for (size_t i = 0; i < count; i++)
        to[starts[from[i] >> shift & (RADIX_SIZE - 1)]++] = from[i];
}

size_t segment_sort(segment_pair *pairs, segment_pair *spare, size_t count)
{
    segment_pair *from = pairs, *to = spare;
    segment_pair used = 0;
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        used |= pairs[i];
    for (unsigned shift = 0; shift < 64; shift += RADIX_BITS) {
        if ((used >> shift & (RADIX_SIZE - 1)) == 0)
            continue;
        radix_pass(from, to, count, shift);
        segment_pair *swap = from;
        from = to;
        to = swap;
    }
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || pairs[kept - 1] != from[i])
            pairs[kept++] = from[i];
    }
    return kept;
}

/* ---- writing ---- */

#define ENTRY_HEAD_BYTES (4 + 5 + 5)

static size_t put_varint(uint8_t *to, uint32_t value)
{
    size_t bytes = 0;
    for (; value >= 0x80; value >>= 7)
        to[bytes++] = (uint8_t)(value | 0x80);
    to[bytes++] = (uint8_t)value;
    return bytes;
}

static bool get_varint(const uint8_t **at, const uint8_t *end, uint32_t *value)
{
    *value = 0;
    for (unsigned shift = 0; *at < end && shift < 35; shift += 7) {
        uint8_t byte = *(*at)++;
        *value |= (uint32_t)(byte & 0x7F) << shift;
        if (byte < 0x80)
            return true;
    }
    return false;
}

void segment_writer_open(struct segment_writer *writer, segment_block_fn *put, void *context)
{
    memset(writer, 0, sizeof(*writer));
    writer->put = put;
    writer->context = context;
}

static void end_block(struct segment_writer *writer)
{
    if (writer->block_bytes == 0)
        return;
    struct segment_block block = {writer->block_gram, writer->block_rank, writer->block,
                                  writer->block_bytes};
    writer->put(writer->context, &block);
    writer->block_bytes = 0;
}

/* The list under way becomes an entry: of the block under way, or of a new one. */
static void end_list(struct segment_writer *writer)
{
    size_t bytes = ENTRY_HEAD_BYTES + writer->list_bytes;
    bool starts_block = writer->is_continued || bytes > SEGMENT_BLOCK_BYTES / 2 ||
                        writer->block_bytes + bytes > SEGMENT_BLOCK_BYTES;
    if (writer->count == 0)
        return;
    if (starts_block)
        end_block(writer);
    if (writer->block_bytes == 0) {
        writer->block_gram = writer->gram;
        writer->block_rank = writer->is_continued ? writer->list_rank : 0;
    }
    uint8_t *to = writer->block + writer->block_bytes;
    memcpy(to, &writer->gram, 4);
    size_t head = 4 + put_varint(to + 4, writer->count);
    head += put_varint(to + head, (uint32_t)writer->list_bytes);
    memcpy(to + head, writer->list, writer->list_bytes);
    writer->block_bytes += head + writer->list_bytes;
    if (writer->is_continued)
        end_block(writer);
    writer->count = 0;
    writer->list_bytes = 0;
}

void segment_writer_add(struct segment_writer *writer, segment_pair pair)
{
    uint32_t gram = (uint32_t)(pair >> 32), rank = (uint32_t)pair;
    bool is_full = writer->list_bytes + ENTRY_HEAD_BYTES + 5 > SEGMENT_BLOCK_BYTES;
    if (writer->has_gram && (gram != writer->gram || is_full)) {
        bool goes_on = gram == writer->gram;
        end_list(writer);
        /* A list of several blocks shares none of them. */
        if (goes_on)
            end_block(writer);
        writer->is_continued = goes_on;
    }
    if (writer->count == 0) {
        writer->gram = gram;
        writer->has_gram = true;
        writer->list_rank = rank;
        writer->last_rank = 0;
    }
    writer->list_bytes += put_varint(writer->list + writer->list_bytes, rank - writer->last_rank);
    writer->last_rank = rank;
    writer->count++;
}

void segment_writer_close(struct segment_writer *writer)
{
    end_list(writer);
    end_block(writer);
}

/* ---- reading ---- */

void segment_reader_open(struct segment_reader *reader, const uint8_t *block, size_t bytes)
{
    *reader = (struct segment_reader){.at = block, .end = block + bytes};
}

/* The head of the next entry. */
static bool next_entry(struct segment_reader *reader)
{
    uint32_t bytes;
    if (reader->at == reader->end)
        return false;
    reader->is_broken = true;
    if (reader->end - reader->at < 4)
        return false;
    memcpy(&reader->gram, reader->at, 4);
    reader->at += 4;
    if (!get_varint(&reader->at, reader->end, &reader->left) ||
        !get_varint(&reader->at, reader->end, &bytes) ||
        bytes > (size_t)(reader->end - reader->at) || reader->left == 0)
        return false;
    reader->list_end = reader->at + bytes;
    reader->rank = 0;
    reader->is_broken = false;
    return true;
}

bool segment_reader_next(struct segment_reader *reader, segment_pair *pair)
{
    uint32_t step;
    if (reader->left == 0 && !next_entry(reader))
        return false;
    if (!get_varint(&reader->at, reader->list_end, &step)) {
        reader->is_broken = true;
        return false;
    }
    reader->rank += step;
    reader->left--;
    *pair = (uint64_t)reader->gram << 32 | reader->rank;
    return true;
}

bool segment_ranks(const uint8_t *block, size_t bytes, uint32_t gram, uint32_t from, uint32_t until,
                   uint32_t *ranks, size_t room, size_t *count)
{
    struct segment_reader reader;
    uint32_t step;
    segment_reader_open(&reader, block, bytes);
    while (next_entry(&reader)) {
        if (reader.gram != gram) {
            reader.at = reader.list_end;
            continue;
        }
        for (; reader.left > 0; reader.left--) {
            if (!get_varint(&reader.at, reader.list_end, &step))
                return false;
            reader.rank += step;
            if (reader.rank >= until || *count == room)
                return true;
            if (reader.rank >= from)
                ranks[(*count)++] = reader.rank;
        }
        return true;
    }
    return !reader.is_broken;
}
