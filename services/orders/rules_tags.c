#include "rules_tags.h"

#include <string.h>

bool rules_check_tags(char *const *tags, size_t count, const char *field, struct refusal *no)
{
    if (count > TAGS_MAX)
        return rules_refuse(no, STATUS_INVALID, "too_many", "An order has at most 20 tags.", "%s",
                            field);
    for (size_t i = 0; i < count; i++) {
        size_t bytes = strlen(tags[i]);
        if (!rules_check_text(tags[i], TAG_MAX_BYTES, no, field))
            return false;
        if (bytes == 0 || strpbrk(tags[i], ",\"") != NULL || tags[i][0] == ' ' ||
            tags[i][bytes - 1] == ' ')
            return rules_refuse(no, STATUS_INVALID, "invalid",
                                "A tag is 1 to 64 bytes without commas and quotes, and without "
                                "blanks around it.",
                                "%s", field);
    }
    return true;
}

static bool is_among(const char *const *tags, size_t count, const char *tag)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(tags[i], tag) == 0)
            return true;
    }
    return false;
}

static const char *detail_of(struct arena *arena, const struct tag_change *change)
{
    const char *text = "";
    for (size_t i = 0; i < change->added_count; i++)
        text = arena_printf(arena, "%s%s+%s", text, text[0] != '\0' ? ", " : "", change->added[i]);
    for (size_t i = 0; i < change->removed_count; i++)
        text =
            arena_printf(arena, "%s%s-%s", text, text[0] != '\0' ? ", " : "", change->removed[i]);
    return text;
}

bool rules_tag(struct order *order, const struct act *act, const char *const *tags,
               size_t tag_count, char *const *add, size_t add_count, char *const *remove,
               size_t remove_count, struct tag_change *change, struct refusal *no)
{
    *change = (struct tag_change){.added = ARENA_ARRAY(act->arena, add_count, const char *),
                                  .removed = ARENA_ARRAY(act->arena, remove_count, const char *)};
    for (size_t i = 0; i < remove_count; i++) {
        if (is_among(tags, tag_count, remove[i]) &&
            !is_among(change->removed, change->removed_count, remove[i]))
            change->removed[change->removed_count++] = remove[i];
    }
    for (size_t i = 0; i < add_count; i++) {
        if (is_among(change->removed, change->removed_count, add[i]))
            return rules_refuse(no, STATUS_INVALID, "invalid",
                                "A tag is added or removed, and not both.", "%s", "remove");
        if (!is_among(tags, tag_count, add[i]) &&
            !is_among(change->added, change->added_count, add[i]))
            change->added[change->added_count++] = add[i];
    }
    if (tag_count + change->added_count - change->removed_count > TAGS_MAX)
        return rules_refuse(no, STATUS_CONFLICT, "too_many", "An order has at most 20 tags.", "%s",
                            "add");
    if (change->added_count + change->removed_count > 0)
        rules_note(order, act, "tagged", detail_of(act->arena, change));
    return true;
}
