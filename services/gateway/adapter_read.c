#include "services/gateway/adapter_read.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/money.h"
#include "services/gateway/rfc3339.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* ---- amounts ---- */

static bool push_digit(int64_t *value, char digit)
{
    const int64_t limit = READ_MAX_MINOR * READ_E4;
    if (*value > limit / 10)
        return false;
    *value = *value * 10 + (digit - '0');
    return *value <= limit;
}

/* The digits after the point, to count decimals; false when one beyond them is not zero. */
static bool push_decimals(const char *text, int count, int64_t *value)
{
    int seen = 0;
    for (; is_digit(*text); text++, seen++) {
        if (seen < count ? !push_digit(value, *text) : *text != '0')
            return false;
    }
    if (*text != '\0')
        return false;
    for (; seen < count; seen++) {
        if (!push_digit(value, '0'))
            return false;
    }
    return true;
}

/* A decimal number without exponent as an integer of 10^-decimals. */
static bool read_decimal(const char *text, int decimals, int64_t *out)
{
    bool is_negative = *text == '-';
    text += is_negative;
    if (!is_digit(*text))
        return false;
    int64_t value = 0;
    for (; is_digit(*text); text++) {
        if (!push_digit(&value, *text))
            return false;
    }
    if (*text == '.' && !is_digit(text[1]))
        return false;
    if (!push_decimals(*text == '.' ? text + 1 : text, decimals, &value))
        return false;
    *out = is_negative ? -value : value;
    return true;
}

bool read_amount_e4(const char *text, const char *currency, int64_t *out_e4)
{
    int exponent = money_exponent(currency);
    return text != NULL && exponent >= 0 && read_decimal(text, exponent + 4, out_e4);
}

bool read_whole_minor(int64_t amount_e4, int64_t *out_minor)
{
    *out_minor = amount_e4 / READ_E4;
    return amount_e4 % READ_E4 == 0;
}

int64_t read_nearest_minor(int64_t amount_e4)
{
    int64_t half = amount_e4 < 0 ? -READ_E4 / 2 : READ_E4 / 2;
    return (amount_e4 + half) / READ_E4;
}

bool read_member_e4(const struct json_value *object, const char *name, const char *currency,
                    int64_t *out_e4)
{
    const struct json_value *member = json_get(object, name);
    *out_e4 = 0;
    if (member == NULL || member->kind == JSON_KIND_NULL)
        return true;
    const char *text = json_get_figure(object, name);
    return text != NULL && (*text == '\0' || read_amount_e4(text, currency, out_e4));
}

enum read_quantity read_quantity(const char *text, int64_t *out)
{
    const int64_t limit = 1000000;
    int64_t value = 0;
    if (text == NULL || !is_digit(*text))
        return READ_QUANTITY_BAD;
    for (; is_digit(*text); text++) {
        value = value * 10 + (*text - '0');
        if (value > limit)
            return READ_QUANTITY_BAD;
    }
    *out = value;
    if (*text == '\0')
        return READ_QUANTITY_OK;
    if (*text != '.' || !is_digit(text[1]))
        return READ_QUANTITY_BAD;
    const char *rest = text + 1 + strspn(text + 1, "0");
    if (*rest == '\0')
        return READ_QUANTITY_OK;
    return rest[strspn(rest, "0123456789")] == '\0' ? READ_QUANTITY_FRACTION : READ_QUANTITY_BAD;
}

int32_t read_rate_ppm(const char *text, bool is_percent)
{
    /* Rates come with any number of decimals: what is beyond a millionth is cut off. */
    char cut[24];
    if (text == NULL)
        return 0;
    const char *point = strchr(text, '.');
    int decimals = is_percent ? 4 : 6;
    size_t length = strlen(text);
    if (point != NULL && length > (size_t)(point - text) + 1 + (size_t)decimals)
        length = (size_t)(point - text) + 1 + (size_t)decimals;
    if (length >= sizeof(cut))
        return 0;
    memcpy(cut, text, length);
    cut[length] = '\0';
    int64_t ppm;
    bool is_good = read_decimal(cut, decimals, &ppm) && ppm >= 0 && ppm <= 10000000;
    return is_good ? (int32_t)ppm : 0;
}

/* ---- times ---- */

/* What zone-less channels write becomes RFC 3339: "2026-03-01 09:30:28" is "2026-03-01T09:30:28Z".
 */
static bool normalize_time(const char *text, char *to, size_t room)
{
    size_t length = strlen(text);
    if (length < 19 || length + 2 > room)
        return false;
    memcpy(to, text, length + 1);
    if (to[10] == ' ')
        to[10] = 'T';
    size_t digits = 19 + strspn(to + 19, ".0123456789");
    if (to[digits] == '\0')
        memcpy(to + digits, "Z", 2);
    return true;
}

int64_t read_time_ns(const char *text)
{
    char normal[48];
    int64_t us, rest;
    if (text == NULL || !normalize_time(text, normal, sizeof(normal)) ||
        !rfc3339_parse(normal, &us, &rest) || us > INT64_MAX / 1000 - 1)
        return 0;
    return us * 1000 + rest;
}

int64_t read_time_us(const char *text)
{
    return read_time_ns(text) / 1000;
}

/* ---- texts ---- */

static bool is_control(unsigned char c)
{
    return c < 0x20 || c == 0x7f;
}

char *read_text(struct arena *arena, const char *text, size_t limit, bool keeps_lines)
{
    if (text == NULL)
        text = "";
    while (isspace((unsigned char)*text))
        text++;
    size_t length = strlen(text);
    if (length > limit) {
        length = limit;
        while (length > 0 && ((unsigned char)text[length] & 0xC0) == 0x80)
            length--;
    }
    while (length > 0 && isspace((unsigned char)text[length - 1]))
        length--;
    char *copy = arena_strndup(arena, text, length);
    for (size_t i = 0; i < length; i++) {
        if (is_control((unsigned char)copy[i]) && !(keeps_lines && copy[i] == '\n'))
            copy[i] = ' ';
    }
    return copy;
}

static const struct {
    const char *name;
    const char *text;
} entities[] = {
    {"amp;", "&"},        {"lt;", "<"},          {"gt;", ">"},         {"quot;", "\""},
    {"apos;", "'"},       {"nbsp;", " "},        {"ndash;", "\u2013"}, {"mdash;", "\u2014"},
    {"times;", "\u00d7"}, {"hellip;", "\u2026"}, {"lsquo;", "\u2018"}, {"rsquo;", "\u2019"},
    {"ldquo;", "\u201c"}, {"rdquo;", "\u201d"},  {"reg;", "\u00ae"},   {"trade;", "\u2122"},
    {"deg;", "\u00b0"},   {"eacute;", "\u00e9"},
};

static size_t put_utf8(char *to, unsigned long point)
{
    if (point < 0x80) {
        to[0] = (char)point;
        return 1;
    }
    size_t count = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    static const unsigned char leads[] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (size_t i = count; i-- > 1; point >>= 6)
        to[i] = (char)(0x80 | (point & 0x3F));
    to[0] = (char)(leads[count] | point);
    return count;
}

/* "#8211;" or "#x2013;", after the ampersand. What it stands for is never longer than itself. */
static size_t numeric_entity(const char *at, char **to)
{
    if (*at != '#')
        return 0;
    int base = at[1] == 'x' || at[1] == 'X' ? 16 : 10;
    const char *digits = at + (base == 16 ? 2 : 1);
    if (!isxdigit((unsigned char)*digits))
        return 0;
    char *end;
    unsigned long point = strtoul(digits, &end, base);
    if (*end != ';' || end - digits > 7 || point < 0x20 || point > 0x10FFFF ||
        (point >= 0xD800 && point <= 0xDFFF))
        return 0;
    *to += put_utf8(*to, point);
    return (size_t)(end + 1 - at);
}

static size_t named_entity(const char *at, char **to)
{
    for (size_t i = 0; i < sizeof(entities) / sizeof(entities[0]); i++) {
        size_t length = strlen(entities[i].name);
        if (strncmp(at, entities[i].name, length) != 0)
            continue;
        *to = stpcpy(*to, entities[i].text);
        return length;
    }
    return 0;
}

char *read_html_text(struct arena *arena, const char *text, size_t limit)
{
    if (text == NULL || strchr(text, '&') == NULL)
        return read_text(arena, text, limit, false);
    char *decoded = arena_strdup(arena, text);
    char *to = decoded;
    for (const char *at = text; *at != '\0';) {
        size_t skipped = 0;
        if (*at == '&') {
            skipped = numeric_entity(at + 1, &to);
            if (skipped == 0)
                skipped = named_entity(at + 1, &to);
        }
        if (skipped > 0)
            at += 1 + skipped;
        else
            *to++ = *at++;
    }
    *to = '\0';
    return read_text(arena, decoded, limit, false);
}

/* CJK ideographs, U+2E80 to U+9FFF and U+F900 to U+FAFF: three bytes from E2 BA, to E9, and EF A4.
 */
static bool is_han(const char *text)
{
    unsigned char a = (unsigned char)text[0];
    unsigned char b = a != '\0' ? (unsigned char)text[1] : 0;
    return (a >= 0xE3 && a <= 0xE9) || (a == 0xE2 && b >= 0xBA) ||
           (a == 0xEF && b >= 0xA4 && b <= 0xAB);
}

char *read_person(struct arena *arena, const char *first, const char *last)
{
    char *given = read_text(arena, first, 200, false);
    char *family = read_text(arena, last, 200, false);
    if (*given == '\0' || *family == '\0')
        return *given == '\0' ? family : given;
    return is_han(given) && is_han(family) ? arena_printf(arena, "%s%s", family, given)
                                           : arena_printf(arena, "%s %s", given, family);
}

char *read_first(char *first, char *second, char *third)
{
    return *first != '\0' ? first : *second != '\0' ? second : third;
}

static bool is_one_of(const char *text, const char *const *list)
{
    for (; *list != NULL; list++) {
        if (strcasecmp(text, *list) == 0)
            return true;
    }
    return false;
}

const char *read_locale(struct arena *arena, const char *tag, const char *country)
{
    static const char *const traditional[] = {"zh-tw", "zh-hk", "zh-mo", "zh-hant", NULL};
    static const char *const chinese_places[] = {"HK", "TW", "MO", NULL};
    if (tag == NULL || *tag == '\0')
        return country != NULL && is_one_of(country, chinese_places) ? "zh-Hant" : "en";
    char *cleaned = read_text(arena, tag, 35, false);
    for (char *at = cleaned; *at != '\0'; at++)
        *at = *at == '_' ? '-' : *at;
    if (is_one_of(cleaned, traditional) || strncasecmp(cleaned, "zh-hant-", 8) == 0)
        return "zh-Hant";
    if (strncasecmp(cleaned, "zh", 2) == 0 && (cleaned[2] == '-' || cleaned[2] == '\0'))
        return "zh-Hans";
    size_t primary = strspn(cleaned, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
    if (primary < 2 || primary > 3 || (cleaned[primary] != '-' && cleaned[primary] != '\0'))
        return read_locale(arena, NULL, country);
    cleaned[primary] = '\0';
    for (char *at = cleaned; *at != '\0'; at++)
        *at = (char)tolower((unsigned char)*at);
    return cleaned;
}

static const struct {
    const char *word; /* in the channel's words, lower case; a part of them is enough */
    const char *method;
} methods[] = {
    {"cash on delivery", "cash_on_delivery"},
    {"(cod)", "cash_on_delivery"},
    {"\u8ca8\u5230\u4ed8\u6b3e", "cash_on_delivery"},
    {"bank deposit", "bank_transfer"},
    {"bank transfer", "bank_transfer"},
    {"money order", "money_order"},
    {"shopify_payments", "card"},
    {"shopify payments", "card"},
    {"credit_card", "card"},
    {"credit card", "card"},
    {"stripe", "card"},
    {"gift_card", "gift_card"},
};
static const struct {
    const char *word;
    const char *method;
} exact_methods[] = {
    {"cod", "cash_on_delivery"},
    {"bacs", "bank_transfer"},
    {"cheque", "cheque"},
    {"", "unknown"},
};

const char *read_method(struct arena *arena, const char *text)
{
    char *lower = read_text(arena, text, 64, false);
    for (char *at = lower; *at != '\0'; at++)
        *at = (char)tolower((unsigned char)*at);
    for (size_t i = 0; i < sizeof(exact_methods) / sizeof(exact_methods[0]); i++) {
        if (strcmp(lower, exact_methods[i].word) == 0)
            return exact_methods[i].method;
    }
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        if (strstr(lower, methods[i].word) != NULL)
            return methods[i].method;
    }
    for (char *at = lower; *at != '\0'; at++)
        *at = isalnum((unsigned char)*at) || (unsigned char)*at >= 0x80 ? *at : '_';
    return lower;
}

bool read_is_id(const char *text)
{
    size_t length = text != NULL ? strlen(text) : 0;
    if (length == 0 || length > 64)
        return false;
    for (size_t i = 0; i < length; i++) {
        if (text[i] <= 0x20 || text[i] > 0x7e)
            return false;
    }
    return true;
}
