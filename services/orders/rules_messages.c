#include "rules_messages.h"

#include <string.h>

#define PERSON_MAX_BYTES 100
#define STREET_SHOWN 6

bool rules_check_body(const char *body, size_t max_characters, struct refusal *no,
                      const char *field)
{
    if (body[strspn(body, " \t\r\n")] == '\0')
        return rules_refuse(no, STATUS_INVALID, "required", "There is nothing written.", "%s",
                            field);
    return rules_check_lines(body, max_characters, no, field);
}

bool rules_check_person(const char *person, struct refusal *no, const char *field)
{
    static const char *const kinds[] = {"user:", "role:", "key:"};
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.@";
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        size_t bytes = strlen(kinds[i]), length = strlen(person);
        if (strncmp(person, kinds[i], bytes) == 0 && length > bytes && length <= PERSON_MAX_BYTES &&
            person[bytes + strspn(person + bytes, allowed)] == '\0')
            return true;
    }
    return rules_refuse(no, STATUS_INVALID, "invalid",
                        "This is \"user:\", \"role:\" or \"key:\" and an id or a name.", "%s",
                        field);
}

/* ---- masks ---- */

static bool begins_character(char c)
{
    return ((unsigned char)c & 0xc0) != 0x80;
}

/* The bytes of the first characters of a text. */
static size_t bytes_of_characters(const char *text, size_t characters)
{
    size_t bytes = 0;
    while (text[bytes] != '\0') {
        if (begins_character(text[bytes]) && characters-- == 0)
            break;
        bytes++;
    }
    return bytes;
}

char *rules_mask_name(struct arena *arena, const char *name)
{
    size_t first = bytes_of_characters(name, 1);
    bool is_wide = first > 1; /* 陳**, but J*** */
    return first == 0 ? arena_strdup(arena, "")
                      : arena_printf(arena, "%.*s%s", (int)first, name, is_wide ? "**" : "***");
}

char *rules_mask_phone(struct arena *arena, const char *phone)
{
    char last[5] = "";
    size_t digits = 0, kept = 4;
    for (const char *s = phone + strlen(phone); s > phone; s--) {
        if (s[-1] < '0' || s[-1] > '9')
            continue;
        digits++;
        if (kept > 0)
            last[--kept] = s[-1];
    }
    if (digits == 0)
        return arena_strdup(arena, "");
    return arena_printf(arena, "••••%s", digits > 7 ? last : "");
}

char *rules_mask_email(struct arena *arena, const char *email)
{
    const char *at = strchr(email, '@');
    size_t first = bytes_of_characters(email, 1);
    if (at == NULL || at == email)
        return arena_strdup(arena, "");
    return arena_printf(arena, "%.*s***%s", (int)first, email, at);
}

Address *rules_mask_address(struct arena *arena, const Address *address)
{
    Address *out = ARENA_NEW(arena, Address);
    penstock__common__v1__address__init(out);
    if (address == NULL)
        return out;
    out->country = address->country;
    out->region = address->region;
    out->city = address->city;
    out->district = address->district;
    size_t shown = bytes_of_characters(address->address1, STREET_SHOWN);
    if (address->address1[0] != '\0')
        out->address1 = arena_printf(arena, "%.*s***", (int)shown, address->address1);
    return out;
}

char *rules_contains_pattern(struct arena *arena, const char *text)
{
    char *pattern = arena_alloc(arena, 2 * strlen(text) + 3), *to = pattern;
    *to++ = '%';
    for (; *text != '\0'; text++) {
        if (*text == '%' || *text == '_' || *text == '\\')
            *to++ = '\\';
        *to++ = *text;
    }
    *to++ = '%';
    *to = '\0';
    return pattern;
}
