#include "find.h"

#include <stdio.h>
#include <string.h>

#include "common/zone.h"
#include "find_rows.h"
#include "handlers.h"
#include "queries.h"
#include "rules_terms.h"
#include "search_index.h"

/* A source with fewer keys than this is small: it leads, and the search index need not be asked. */
#define SMALL_SOURCE 400
#define BATCH_KEYS 256
#define WORD_COST 6
#define LAST_US (INT64_C(253402300799) * 1000000) /* the end of the year 9999 */

enum find_source { SOURCE_INDEX, SOURCE_TAG, SOURCE_HELD, SOURCE_STATUS, SOURCE_TIME };

struct finder {
    struct db *db;
    struct arena *arena;
    const struct query *query;
    bool is_oldest_first, is_all;
    struct order_key reached, end; /* from there on nothing is in the span asked for */
    enum find_source source;
    struct search_stream *stream;
    struct find_combinations combinations;
    struct find_trackings trackings;
    /* Read ahead of what was asked for. */
    struct order_key *ahead;
    size_t ahead_count, ahead_next;
    bool is_ahead_all;
};

/* ---- cursors ---- */

#define CURSOR_BYTES (16 + 32 + 1)

char *find_cursor_text(struct arena *arena, const struct order_key *key)
{
    char *text = arena_alloc(arena, CURSOR_BYTES);
    snprintf(text, CURSOR_BYTES, "%016llx", (unsigned long long)key->placed_at_us);
    for (size_t i = 0; i < sizeof(key->order_id.bytes); i++)
        snprintf(text + 16 + 2 * i, 3, "%02x", key->order_id.bytes[i]);
    return text;
}

static bool hex_value(const char *text, size_t digits, uint64_t *value)
{
    *value = 0;
    for (size_t i = 0; i < digits; i++) {
        const char *hex = "0123456789abcdef";
        const char *at = text[i] != '\0' ? strchr(hex, text[i]) : NULL;
        if (at == NULL)
            return false;
        *value = *value << 4 | (uint64_t)(at - hex);
    }
    return true;
}

bool find_cursor_read(const char *text, struct order_key *key)
{
    uint64_t value;
    if (strlen(text) != CURSOR_BYTES - 1 || !hex_value(text, 16, &value))
        return false;
    key->placed_at_us = (int64_t)value;
    for (size_t i = 0; i < sizeof(key->order_id.bytes); i++) {
        if (!hex_value(text + 16 + 2 * i, 2, &value))
            return false;
        key->order_id.bytes[i] = (uint8_t)value;
    }
    return key->placed_at_us > 0 && key->placed_at_us <= LAST_US && !uuid_is_nil(&key->order_id);
}

/* No id is smaller than the first, and the nil id would be NULL. */
static struct order_key edge_of(int64_t placed_at_us, bool is_high)
{
    struct order_key key = {.placed_at_us = placed_at_us};
    memset(key.order_id.bytes, is_high ? 0xff : 0x00, sizeof(key.order_id.bytes));
    if (!is_high)
        key.order_id.bytes[15] = 1;
    return key;
}

struct order_key find_edge(bool is_oldest_first)
{
    return is_oldest_first ? edge_of(1, false) : edge_of(LAST_US, true);
}

/* ---- where a list begins and ends ---- */

/* In the order of the list: negative when a comes before b. */
static int compare(const struct finder *finder, const struct order_key *a,
                   const struct order_key *b)
{
    int order = segment_compare(a, b);
    return finder->is_oldest_first ? -order : order;
}

static void set_span(struct finder *finder, const struct order_key *beyond)
{
    const struct query *query = finder->query;
    int64_t from_us = query->placed_from_us > 1 ? query->placed_from_us : 1;
    int64_t until_us = query->placed_until_us > 0 && query->placed_until_us < LAST_US
                           ? query->placed_until_us
                           : LAST_US;
    /* The first key that is not in the span any more, going down: below from; going up: until. */
    struct order_key low = edge_of(from_us, false), high = edge_of(until_us, until_us == LAST_US);
    finder->reached = finder->is_oldest_first ? low : high;
    finder->end = finder->is_oldest_first ? high : low;
    if (beyond != NULL && compare(finder, beyond, &finder->reached) > 0)
        finder->reached = *beyond;
}

static bool has_ended(const struct finder *finder, const struct order_key *key)
{
    return compare(finder, key, &finder->end) > 0;
}

/* ---- the source ---- */

static bool has_status(const struct query *query)
{
    return query->statuses != 0 || query->payment_statuses != 0 ||
           query->fulfillment_statuses != 0 || query->channels.count > 0;
}

static enum find_source narrowest(const struct query *query)
{
    if (query->tags.count > 0)
        return SOURCE_TAG;
    if (query->holding == HOLDING_SOME)
        return SOURCE_HELD;
    return has_status(query) ? SOURCE_STATUS : SOURCE_TIME;
}

static enum status read_source(struct finder *finder, const struct order_key *beyond, size_t room,
                               struct order_key **keys, size_t *count)
{
    const struct query *query = finder->query;
    bool up = finder->is_oldest_first;
    switch (finder->source) {
    case SOURCE_INDEX:
        *keys = ARENA_ARRAY(finder->arena, room, struct order_key);
        return search_stream_next(finder->stream, *keys, room, count);
    case SOURCE_TAG:
        return find_keys_by_tag(finder->db, up, &query->tags, beyond, room, keys, count);
    case SOURCE_HELD:
        return find_keys(finder->db, up ? Q_LIST_HELD_OLDEST : Q_LIST_HELD_NEWEST, beyond, room,
                         keys, count);
    case SOURCE_STATUS:
        return find_keys_by_status(finder->db, finder->arena, up, &finder->combinations, beyond,
                                   room, keys, count);
    case SOURCE_TIME:
        return find_keys(finder->db, up ? Q_LIST_OLDEST : Q_LIST_NEWEST, beyond, room, keys, count);
    }
    return STATUS_INTERNAL;
}

/* The grams to look up: of all words, those evenly spread over them. */
static size_t choose_grams(const struct finder *finder, uint32_t chosen[SEARCH_MAX_GRAMS])
{
    const struct query *query = finder->query;
    size_t room = 0, count = 0, taken = 0;
    for (size_t i = 0; i < query->word_count; i++)
        room += TERMS_MAX_GRAMS(strlen(query->words[i].text));
    uint32_t *grams = ARENA_ARRAY(finder->arena, room, uint32_t);
    for (size_t i = 0; i < query->word_count; i++)
        count += terms_grams(query->words[i].text, grams + count);
    size_t most = count < SEARCH_MAX_GRAMS ? count : SEARCH_MAX_GRAMS;
    for (size_t i = 0; i < most; i++) {
        uint32_t gram = grams[most == 1 ? 0 : i * (count - 1) / (most - 1)];
        bool is_new = true;
        for (size_t j = 0; j < taken; j++)
            is_new = is_new && chosen[j] != gram;
        if (is_new)
            chosen[taken++] = gram;
    }
    return taken;
}

static enum status open_stream(struct finder *finder, const uint32_t *grams, size_t count)
{
    uint32_t *kept = ARENA_ARRAY(finder->arena, count, uint32_t);
    struct order_key *extra;
    size_t extra_count;
    memcpy(kept, grams, count * sizeof(*kept));
    TRY(find_exact(finder->db, finder->arena, finder->query, &finder->trackings, &extra,
                   &extra_count));
    finder->source = SOURCE_INDEX;
    return search_stream_open(finder->db, finder->arena, kept, count, &finder->reached,
                              finder->is_oldest_first, extra, extra_count, &finder->stream);
}

/* With words: the index, unless what else is asked for leaves so few orders that each can be looked
 * at. What was read to find that out is not read again. */
static enum status choose_source(struct finder *finder)
{
    uint32_t grams[SEARCH_MAX_GRAMS];
    size_t count = finder->query->word_count > 0 ? choose_grams(finder, grams) : 0;
    finder->source = narrowest(finder->query);
    if (finder->source == SOURCE_STATUS)
        TRY(find_combinations(finder->db, finder->query, &finder->combinations));
    if (count == 0)
        return STATUS_OK;
    if (finder->source != SOURCE_TIME) {
        TRY(read_source(finder, &finder->reached, SMALL_SOURCE, &finder->ahead,
                        &finder->ahead_count));
        finder->is_ahead_all = finder->ahead_count < SMALL_SOURCE;
        if (finder->is_ahead_all)
            return STATUS_OK;
        finder->ahead_count = 0;
    }
    return open_stream(finder, grams, count);
}

enum status find_open(struct db *db, struct arena *arena, const struct query *query,
                      const struct order_key *beyond, bool is_oldest_first, struct finder **out)
{
    struct finder *finder = ARENA_NEW(arena, struct finder);
    *finder = (struct finder){
        .db = db, .arena = arena, .query = query, .is_oldest_first = is_oldest_first};
    set_span(finder, beyond);
    TRY(choose_source(finder));
    *out = finder;
    return STATUS_OK;
}

/* ---- going through ---- */

/* The next keys, up to the end of the span. */
static enum status next_keys(struct finder *finder, size_t room, const struct order_key **keys,
                             size_t *count)
{
    if (finder->ahead_next == finder->ahead_count && finder->is_ahead_all) {
        *count = 0;
    } else if (finder->ahead_next == finder->ahead_count) {
        size_t asked = finder->source == SOURCE_INDEX ? room : room + 1;
        TRY(read_source(finder, &finder->reached, asked, &finder->ahead, &finder->ahead_count));
        finder->ahead_next = 0;
        finder->is_ahead_all =
            finder->source == SOURCE_INDEX ? finder->ahead_count == 0 : finder->ahead_count < asked;
    }
    size_t left = finder->ahead_count - finder->ahead_next;
    *keys = finder->ahead + finder->ahead_next;
    *count = left < room ? left : room;
    for (size_t i = 0; i < *count; i++) {
        if (has_ended(finder, &(*keys)[i])) {
            *count = i;
            finder->ahead_count = finder->ahead_next + i;
            finder->is_ahead_all = true;
        }
    }
    finder->ahead_next += *count;
    finder->is_all = finder->is_ahead_all && finder->ahead_next == finder->ahead_count;
    return STATUS_OK;
}

/* Whether the source alone answers the query. */
static bool needs_marks(const struct finder *finder)
{
    const struct query *query = finder->query;
    bool by_status = finder->source == SOURCE_STATUS || !has_status(query);
    bool by_tag = finder->source == SOURCE_TAG || query->tags.count == 0;
    bool by_hold = finder->source == SOURCE_HELD || query->holding == HOLDING_ANY;
    return !by_status || !by_tag || !by_hold || query->holds.count > 0 ||
           query->return_statuses != 0 || query->not_channels.count > 0 ||
           query->not_tags.count > 0 || query->currencies.count > 0 || query->countries.count > 0 ||
           query->total_min != NULL || query->total_max != NULL;
}

static enum status compare_batch(struct finder *finder, const struct order_key *keys, size_t count,
                                 bool *fits, int64_t *budget)
{
    struct uuid *ids = ARENA_ARRAY(finder->arena, count, struct uuid);
    memset(fits, true, count * sizeof(*fits));
    for (size_t i = 0; i < count; i++)
        ids[i] = keys[i].order_id;
    *budget -= (int64_t)count;
    if (needs_marks(finder))
        TRY(find_compare_marks(finder->db, finder->arena, finder->query, ids, count, fits));
    if (finder->query->word_count == 0)
        return STATUS_OK;
    size_t left = 0;
    for (size_t i = 0; i < count; i++)
        left += fits[i];
    *budget -= (int64_t)left * WORD_COST;
    return find_compare_words(finder->db, finder->arena, finder->query, &finder->trackings, ids,
                              count, fits);
}

/* So many at a time: what a full page needs, if most of them fit. */
static size_t batch_size(const struct finder *finder, size_t missing, int tries)
{
    bool is_sure = finder->query->word_count == 0 && !needs_marks(finder);
    size_t size = is_sure ? missing : missing + 16 * (size_t)(tries < 8 ? 1 << tries : 256);
    return size < BATCH_KEYS || is_sure ? size : BATCH_KEYS;
}

enum status find_next(struct finder *finder, size_t room, int64_t budget, struct found *found)
{
    *found = (struct found){.keys = ARENA_ARRAY(finder->arena, room, struct order_key),
                            .uses_index = finder->source == SOURCE_INDEX};
    int64_t given = budget;
    for (int tries = 0; found->count < room && !finder->is_all && budget > 0; tries++) {
        const struct order_key *keys;
        size_t count;
        TRY(next_keys(finder, batch_size(finder, room - found->count, tries), &keys, &count));
        bool *fits = ARENA_ARRAY(finder->arena, count, bool);
        TRY(compare_batch(finder, keys, count, fits, &budget));
        for (size_t i = 0; i < count; i++) {
            if (found->count == room) {
                finder->ahead_next -= count - i; /* looked at for the next page again */
                finder->is_all = false;
                break;
            }
            if (fits[i])
                found->keys[found->count++] = keys[i];
            finder->reached = keys[i];
        }
    }
    found->is_all = finder->is_all;
    found->is_short = !finder->is_all && found->count < room;
    found->reached = finder->reached;
    found->spent = given - budget;
    return STATUS_OK;
}

enum status find_these(struct db *db, struct arena *arena, const struct query *query,
                       struct uuid *ids, size_t *count)
{
    const struct find_trackings none = {NULL, 0};
    bool *fits = ARENA_ARRAY(arena, *count, bool);
    size_t kept = 0;
    memset(fits, true, *count);
    TRY(find_compare_marks(db, arena, query, ids, *count, fits));
    if (query->word_count > 0)
        TRY(find_compare_words(db, arena, query, &none, ids, *count, fits));
    for (size_t i = 0; i < *count; i++) {
        if (fits[i])
            ids[kept++] = ids[i];
    }
    *count = kept;
    return STATUS_OK;
}

int64_t find_offset_us(const struct call *call)
{
    const struct orders_conf *conf = call->state;
    struct zone *zone;
    if (zone_open(conf->shop_time_zone, &zone) != STATUS_OK)
        return 0;
    int32_t offset_s = zone_offset_s(zone, call->now_us);
    zone_close(&zone);
    return (int64_t)offset_s * 1000000;
}
