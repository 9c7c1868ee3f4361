#include "services/gateway/rules_people.h"

#include <string.h>

#include "services/gateway/roles.h"

#define NOTHING ((struct access_refusal){NULL, NULL, NULL})

/* Mail is not sent there by the gateway: it has to be recognisable, not deliverable. */
static bool is_email(const char *text)
{
    const char *at = strchr(text, '@');
    if (at == NULL || at == text || at[1] == '\0' || strchr(at + 1, '@') != NULL)
        return false;
    for (const char *c = text; *c != '\0'; c++)
        if ((unsigned char)*c <= ' ' || *c == 0x7F || strchr("<>,;\"()[]\\", *c) != NULL)
            return false;
    return true;
}

struct access_refusal rules_person(const struct person_wish *wish)
{
    if (wish->email[0] == '\0')
        return (struct access_refusal){"required", "email", "A person signs in by an address."};
    if (strlen(wish->email) > EMAIL_BYTES || !is_email(wish->email))
        return (struct access_refusal){"invalid", "email", "This is no e-mail address."};
    if (wish->name[0] == '\0')
        return (struct access_refusal){"required", "name", "A person needs a name."};
    if (strlen(wish->name) > ACCESS_NAME_BYTES)
        return (struct access_refusal){"too_long", "name", "A name has 100 bytes at most."};
    if (wish->role[0] == '\0')
        return (struct access_refusal){"required", "role", "A person needs a role."};
    if (role_find(wish->role) == NULL)
        return (struct access_refusal){"invalid", "role", ROLES_SENTENCE};
    if (strcmp(wish->locale, "zh-Hant") != 0 && strcmp(wish->locale, "en") != 0)
        return (struct access_refusal){"invalid", "locale", "The console speaks zh-Hant and en."};
    return NOTHING;
}

const char *rules_email(const char *email, struct arena *arena)
{
    email += strspn(email, " \t");
    size_t bytes = strlen(email);
    while (bytes > 0 && (email[bytes - 1] == ' ' || email[bytes - 1] == '\t'))
        bytes--;
    char *lower = arena_strndup(arena, email, bytes);
    for (char *at = lower; *at != '\0'; at++)
        if (*at >= 'A' && *at <= 'Z')
            *at = (char)(*at - 'A' + 'a');
    return lower;
}
