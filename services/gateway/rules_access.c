#include "services/gateway/rules_access.h"

#include <string.h>

#include "services/gateway/channels.h"
#include "services/gateway/roles.h"

#define NOTHING ((struct access_refusal){NULL, NULL, NULL})

struct access_refusal rules_key(const char *name, const char *role, int64_t expires_at_us,
                                int64_t now_us)
{
    if (name[0] == '\0')
        return (struct access_refusal){"required", "name",
                                       "A key needs a name that says what it is for."};
    if (strlen(name) > ACCESS_NAME_BYTES)
        return (struct access_refusal){"too_long", "name", "A name has 100 bytes at most."};
    if (role[0] == '\0')
        return (struct access_refusal){"required", "role", "A key needs a role."};
    if (role_find(role) == NULL)
        return (struct access_refusal){"invalid", "role", ROLES_SENTENCE};
    if (expires_at_us != 0 && expires_at_us <= now_us)
        return (struct access_refusal){"invalid", "expires_at", "This moment has passed."};
    return NOTHING;
}

struct access_refusal rules_scopes(const char *role, char *const *scopes, size_t count)
{
    const struct role *of = role_find(role);
    if (count > ROLE_MAX_PERMISSIONS)
        return (struct access_refusal){"too_many", "scopes", "There are fewer permissions."};
    for (size_t i = 0; i < count; i++)
        if (!role_allows(of, scopes[i]))
            return (struct access_refusal){"invalid", "scopes",
                                           "A scope is a permission that the role of the key has."};
    return NOTHING;
}

static bool is_made_of(const char *text, const char *first, const char *rest, size_t most)
{
    return text[0] != '\0' && strchr(first, text[0]) != NULL && strlen(text) <= most &&
           strspn(text, rest) == strlen(text);
}

static struct access_refusal check_secret(const struct channel_wish *wish)
{
    size_t bytes = strlen(wish->secret);
    if (!wish->takes_hooks)
        return bytes == 0 ? NOTHING
                          : (struct access_refusal){"invalid", "secret",
                                                    "A channel of type api or manual takes no "
                                                    "webhooks and has no secret."};
    if (bytes == 0 && wish->is_new)
        return (struct access_refusal){"required", "secret",
                                       "The secret with which the channel signs is needed."};
    if (bytes != 0 && (bytes < CHANNEL_SECRET_MIN_BYTES || bytes > CHANNEL_SECRET_MAX_BYTES))
        return (struct access_refusal){"out_of_range", "secret", "A secret has 8 to 255 bytes."};
    return NOTHING;
}

struct access_refusal rules_channel(const struct channel_wish *wish)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    static const char more[] = "abcdefghijklmnopqrstuvwxyz0123456789-_";
    static const char capitals[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    static const char numbered[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    if (wish->name[0] == '\0')
        return (struct access_refusal){"required", "name", "A channel needs a name."};
    if (!is_made_of(wish->name, letters, more, CHANNEL_NAME_BYTES - 1))
        return (struct access_refusal){"invalid", "name",
                                       "A name is made of a-z, 0-9, - and _, begins with a letter "
                                       "or digit, and has 63 characters at most."};
    bool is_ours = strcmp(wish->type, "api") == 0 || strcmp(wish->type, "manual") == 0;
    if (!wish->takes_hooks && !is_ours)
        return (struct access_refusal){"invalid", "type",
                                       "The types are api, manual, shopify and woocommerce."};
    if (wish->number_prefix[0] != '\0' &&
        !is_made_of(wish->number_prefix, capitals, numbered, CHANNEL_PREFIX_BYTES))
        return (struct access_refusal){"invalid", "number_prefix",
                                       "A prefix is made of A-Z and 0-9, begins with a letter, and "
                                       "has 12 characters at most."};
    return check_secret(wish);
}

const char *rules_channel_prefix(const char *name, struct arena *arena)
{
    char *prefix = arena_alloc(arena, CHANNEL_PREFIX_BYTES + 1), *to = prefix;
    /* A number must not begin with a digit: it would read as an amount of something. */
    if (name[0] >= '0' && name[0] <= '9')
        *to++ = 'C';
    for (const char *at = name; *at != '\0' && to < prefix + CHANNEL_PREFIX_BYTES; at++) {
        if (*at >= 'a' && *at <= 'z')
            *to++ = (char)(*at - 'a' + 'A');
        else if (*at >= '0' && *at <= '9')
            *to++ = *at;
    }
    return prefix;
}
