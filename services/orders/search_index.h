/* search_index.h -- the search index as rows: segments written, merged and read (search_segment.h).
 *
 * Only the projection writes; it merges as it goes, so that there are a few dozen segments however
 * many orders. Readers take orders out of all of them at once, in the order of a list.
 *
 * Ownership: what is read lives in the given arena. Limits: SEARCH_MAX_GRAMS of a question are
 * looked up, the rest is left to the comparison with the order itself.
 */
#pragma once

#include "common/db.h"
#include "search_segment.h"

#define SEARCH_MAX_GRAMS 6

/* ---- writing, by the projection ---- */

/* docs newest first, each once; pairs sorted. now_us: when what it replaces is retired. */
enum status search_index_add(struct db *db, struct arena *arena, const struct order_key *docs,
                             size_t doc_count, const segment_pair *pairs, size_t pair_count,
                             int64_t now_us) MUST_CHECK;

/* ---- reading ---- */

struct search_stream;
/* Orders that have all the grams (one or more), beyond the key: older, or newer if is_oldest_first.
 * extra: keys that take part besides, in any order. */
enum status search_stream_open(struct db *db, struct arena *arena, const uint32_t *grams,
                               size_t gram_count, const struct order_key *beyond,
                               bool is_oldest_first, const struct order_key *extra,
                               size_t extra_count, struct search_stream **out) MUST_CHECK;
/* The next at most room keys, each once, in the order of the list; 0: that was all. */
enum status search_stream_next(struct search_stream *stream, struct order_key *keys, size_t room,
                               size_t *count) MUST_CHECK;
