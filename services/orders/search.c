/* The projection "search_segments": the search index, a segment for each batch of orders. It runs
 * behind the writer, in a thread of its own, and reads the orders' rows as they are by then: an
 * order that has changed goes into a segment once more, and what it was found by before is compared
 * with its row and left out. */
#include <stdlib.h>
#include <string.h>

#include "find_rows.h"
#include "handlers.h"
#include "rules_terms.h"
#include "search_index.h"

/* Pairs of one segment that is made at once, and the memory for a batch of the longest orders. */
#define MAX_PAIRS ((size_t)2 << 20)
#define BATCH_ARENA_BYTES ((size_t)1 << 30)

/* The events after which an order may be found by something else than before. */
static bool touches_texts(const char *type)
{
    static const char *const types[] = {"OrderPlaced",   "OrderChanged",  "OrderContactChanged",
                                        "OrderEdited",   "OrderSplitOff", "OrderUnsplit",
                                        "CustomerErased"};
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (strcmp(types[i], type) == 0)
            return true;
    }
    return false;
}

static int newest_first(const void *a, const void *b)
{
    const struct find_texts *left = a, *right = b;
    return segment_compare(&left->key, &right->key);
}

static size_t most_grams(const struct find_texts *texts)
{
    size_t most = 0;
    for (size_t i = 0; i < texts->count; i++)
        most += TERMS_MAX_GRAMS(strlen(texts->list[i].canonical));
    return most;
}

static size_t add_pairs(const struct find_texts *texts, uint32_t rank, segment_pair *pairs)
{
    uint32_t grams[TERMS_MAX_TEXT];
    size_t count = 0;
    for (size_t i = 0; i < texts->count; i++) {
        size_t here = terms_grams(texts->list[i].canonical, grams);
        for (size_t j = 0; j < here; j++)
            pairs[count++] = (segment_pair)grams[j] << 32 | rank;
    }
    return count;
}

static enum status index_group(struct batch *batch, struct arena *arena,
                               const struct find_texts *texts, size_t count, size_t room)
{
    struct order_key *docs = ARENA_ARRAY(arena, count, struct order_key);
    segment_pair *pairs = ARENA_ARRAY(arena, room, segment_pair);
    segment_pair *spare = ARENA_ARRAY(arena, room, segment_pair);
    size_t pair_count = 0;
    for (size_t i = 0; i < count; i++) {
        docs[i] = texts[i].key;
        pair_count += add_pairs(&texts[i], (uint32_t)i, pairs + pair_count);
    }
    pair_count = segment_sort(pairs, spare, pair_count);
    return search_index_add(batch->db, arena, docs, count, pairs, pair_count, batch->now_us);
}

/* One segment, unless the orders are so long that their grams would fill the memory. */
static enum status index_orders(struct batch *batch, struct arena *arena, struct find_texts *texts,
                                size_t count)
{
    qsort(texts, count, sizeof(*texts), newest_first);
    for (size_t first = 0, next = 0; first < count; first = next) {
        size_t room = 0;
        do
            room += most_grams(&texts[next++]);
        while (next < count && room < MAX_PAIRS);
        TRY(index_group(batch, arena, texts + first, next - first, room));
    }
    return STATUS_OK;
}

static enum status project_orders(struct batch *batch, struct arena *arena, const struct uuid *ids,
                                  size_t count)
{
    struct find_texts *texts;
    size_t found;
    TRY(find_load_texts(batch->db, arena, ids, count, &texts, &found));
    return found > 0 ? index_orders(batch, arena, texts, found) : STATUS_OK;
}

enum status project_search(struct batch *batch)
{
    struct uuid *ids = ARENA_ARRAY(batch->arena, batch->count, struct uuid);
    size_t count = 0;
    for (size_t i = 0; i < batch->count; i++) {
        const struct event_source *event = batch->calls[i].event;
        if (touches_texts(event->type) && uuid_parse(event->key, &ids[count]))
            count++;
    }
    if (count == 0)
        return STATUS_OK;
    struct arena *own = arena_open(BATCH_ARENA_BYTES);
    db_use_arena(batch->db, own);
    enum status status = project_orders(batch, own, ids, count);
    db_use_arena(batch->db, batch->arena);
    arena_close(&own);
    return status;
}
