/* rules_tags.h -- what tags an order has after some are added and some taken away.
 *
 * Pure. Ownership: everything lives in the arena of the act.
 * Limits: TAGS_MAX tags of an order, TAG_MAX_BYTES each.
 */
#pragma once

#include "rules.h"

#define TAGS_MAX 20
#define TAG_MAX_BYTES 64

/* A tag is 1 to 64 bytes of text without commas and quotes, and without blanks around it. */
bool rules_check_tags(char *const *tags, size_t count, const char *field, struct refusal *no);

struct tag_change {
    const char **added, **removed;
    size_t added_count, removed_count; /* both 0: it was so already */
};
/* tags: what it has. Notes the change on the order. False: refused. */
bool rules_tag(struct order *order, const struct act *act, const char *const *tags,
               size_t tag_count, char *const *add, size_t add_count, char *const *remove,
               size_t remove_count, struct tag_change *change, struct refusal *no);
