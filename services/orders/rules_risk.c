#include "rules_risk.h"

#include <stdlib.h>
#include <string.h>

#define PHONE_DIGITS 8

static const char *text_of(const char *text)
{
    return text != NULL ? text : "";
}

static const char *country_of(const struct risk_facts *facts)
{
    return facts->address != NULL ? text_of(facts->address->country) : "";
}

/* "": neither the customer nor the parcel has one. */
static const char *phone_of(const struct risk_facts *facts)
{
    if (facts->phone[0] != '\0' || facts->address == NULL)
        return facts->phone;
    return text_of(facts->address->phone);
}

static bool goes_to_a_door(const struct risk_facts *facts)
{
    int method = facts->delivery != NULL ? (int)facts->delivery->method : 0;
    return facts->has_goods &&
           (method == 0 ||
            method == (int)PENSTOCK__ORDERS__V1__DELIVERY_METHOD__DELIVERY_METHOD_HOME);
}

const char *rules_risk_contact(const struct risk_facts *facts)
{
    if (phone_of(facts)[0] == '\0' && facts->email[0] == '\0')
        return "There is neither a telephone number nor an e-mail address.";
    if (goes_to_a_door(facts) &&
        (facts->address == NULL || text_of(facts->address->address1)[0] == '\0'))
        return "There is no address to send the goods to.";
    return NULL;
}

const char *rules_risk_store(const struct risk_facts *facts)
{
    if (facts->delivery == NULL ||
        facts->delivery->method !=
            PENSTOCK__ORDERS__V1__DELIVERY_METHOD__DELIVERY_METHOD_CONVENIENCE_STORE)
        return NULL;
    if (facts->delivery->store_code[0] == '\0')
        return "The convenience store has no code.";
    return facts->delivery->carrier[0] == '\0' ? "The convenience store has no brand." : NULL;
}

/* ---- telephone numbers ---- */

#define DIGITS_ROOM 24

/* The digits, with a leading 00 or the country's own code taken off where it is written; -1: it has
 * other characters than a number has, or too many. */
static int digits_of(const char *phone, char digits[DIGITS_ROOM])
{
    int count = 0;
    for (const char *s = phone; *s != '\0'; s++) {
        if (*s >= '0' && *s <= '9' && count < DIGITS_ROOM - 1)
            digits[count++] = *s;
        else if (strchr(" +-().#/", *s) == NULL)
            return -1;
    }
    digits[count] = '\0';
    return count;
}

static const char *after(const char *digits, const char *prefix)
{
    size_t length = strlen(prefix);
    return strncmp(digits, prefix, length) == 0 ? digits + length : NULL;
}

static bool is_hong_kong(const char *digits)
{
    const char *local = after(digits, "852");
    if (local == NULL || strlen(local) != 8)
        local = digits;
    return strlen(local) == 8 && local[0] >= '2' && local[0] <= '9';
}

/* 09 and eight digits, or an area code and six to eight; with 886 the zero may be missing. */
static bool is_taiwan(const char *digits)
{
    const char *local = after(digits, "886");
    local = local != NULL ? local : digits;
    local += local[0] == '0';
    size_t length = strlen(local);
    if (local[0] == '9')
        return length == 9;
    return local[0] >= '2' && local[0] <= '8' && length >= 8 && length <= 9;
}

const char *rules_risk_phone(const struct risk_facts *facts)
{
    char digits[DIGITS_ROOM];
    const char *phone = phone_of(facts), *country = country_of(facts);
    if (phone[0] == '\0')
        return NULL;
    int count = digits_of(phone, digits);
    bool is_foreign =
        phone[0] == '+' && strncmp(digits, "852", 3) != 0 && strncmp(digits, "886", 3) != 0;
    if (count < 6 || count > 15)
        return "The telephone number is none.";
    if (is_foreign)
        return NULL;
    if (strcmp(country, "HK") == 0 && !is_hong_kong(digits) && !is_taiwan(digits))
        return "The telephone number is none of Hong Kong.";
    if (strcmp(country, "TW") == 0 && !is_taiwan(digits) && !is_hong_kong(digits))
        return "The telephone number is none of Taiwan.";
    return NULL;
}

/* ---- postal codes ---- */

/* Taiwan's by their first three digits; the first name that an address contains decides, so that
 * New Taipei comes before Taipei and a county before its city. */
static const struct {
    const char *names[4];
    struct {
        int from, to;
    } ranges[3];
} cities[] = {
    {{"新北", "New Taipei", "Xinbei"}, {{207, 208}, {220, 253}}},
    {{"台北", "臺北", "Taipei"}, {{100, 116}}},
    {{"基隆", "Keelung"}, {{200, 206}}},
    {{"連江", "馬祖", "Lienchiang", "Matsu"}, {{209, 212}}},
    {{"宜蘭", "Yilan"}, {{260, 290}}},
    {{"新竹", "Hsinchu"}, {{300, 315}}},
    {{"桃園", "Taoyuan"}, {{320, 338}}},
    {{"苗栗", "Miaoli"}, {{350, 369}}},
    {{"台中", "臺中", "Taichung"}, {{400, 439}}},
    {{"彰化", "Changhua"}, {{500, 530}}},
    {{"南投", "Nantou"}, {{540, 558}}},
    {{"嘉義", "Chiayi"}, {{600, 625}}},
    {{"雲林", "Yunlin"}, {{630, 655}}},
    {{"台南", "臺南", "Tainan"}, {{700, 745}}},
    {{"高雄", "Kaohsiung"}, {{800, 852}}},
    {{"澎湖", "Penghu"}, {{880, 885}}},
    {{"金門", "Kinmen"}, {{890, 896}}},
    {{"屏東", "Pingtung"}, {{900, 947}}},
    {{"台東", "臺東", "Taitung"}, {{950, 966}}},
    {{"花蓮", "Hualien"}, {{970, 983}}},
};
#define NCITIES (sizeof(cities) / sizeof(cities[0]))

static bool is_in(size_t city, int code)
{
    for (size_t i = 0; i < 3; i++)
        if (cities[city].ranges[i].from != 0 && code >= cities[city].ranges[i].from &&
            code <= cities[city].ranges[i].to)
            return true;
    return false;
}

static bool names(size_t city, const char *text)
{
    for (size_t i = 0; i < 4; i++)
        if (cities[city].names[i] != NULL && strcasestr(text, cities[city].names[i]) != NULL)
            return true;
    return false;
}

static const char *check_taiwan(const Address *address)
{
    const char *postcode = text_of(address->postcode);
    size_t length = strlen(postcode);
    const char *texts[] = {text_of(address->city), text_of(address->region),
                           text_of(address->district)};
    if (length == 0)
        return NULL;
    if ((length != 3 && length != 5 && length != 6) || strspn(postcode, "0123456789") != length)
        return "A postal code of Taiwan has three, five or six digits.";
    int code = (postcode[0] - '0') * 100 + (postcode[1] - '0') * 10 + (postcode[2] - '0');
    for (size_t t = 0; t < sizeof(texts) / sizeof(texts[0]); t++)
        for (size_t i = 0; i < NCITIES; i++)
            if (names(i, texts[t]))
                return is_in(i, code) ? NULL : "The postal code is not one of the city.";
    for (size_t i = 0; i < NCITIES; i++)
        if (is_in(i, code))
            return NULL;
    return "Taiwan has no such postal code.";
}

/* Forms that insist on a code get one of these. */
static bool is_filler(const char *postcode)
{
    return strspn(postcode, "0") == strlen(postcode) || strcmp(postcode, "999077") == 0;
}

const char *rules_risk_postcode(const struct risk_facts *facts)
{
    if (facts->address == NULL || !goes_to_a_door(facts))
        return NULL;
    if (strcmp(country_of(facts), "TW") == 0)
        return check_taiwan(facts->address);
    if (strcmp(country_of(facts), "HK") == 0 && !is_filler(text_of(facts->address->postcode)))
        return "Hong Kong has no postal codes.";
    return NULL;
}

/* ---- the blacklist ---- */

static struct uuid key_of(enum blacklist_kind kind, const char *text, size_t length,
                          struct arena *arena)
{
    if (length == 0)
        return (struct uuid){{0}};
    const char *named = arena_printf(arena, "%d:%.*s", (int)kind, (int)length, text);
    return uuid_of_hash(named, strlen(named));
}

static bool is_ignored(char c)
{
    return (unsigned char)c <= ' ' || (c >= '!' && c <= '/') || (c >= ':' && c <= '@') ||
           (c >= '[' && c <= '`') || (c >= '{' && c <= '~');
}

struct uuid rules_blacklist_key(enum blacklist_kind kind, const char *value, struct arena *arena)
{
    char *kept = arena_strdup(arena, value);
    size_t count = 0;
    for (const char *s = value; *s != '\0'; s++) {
        char c = *s >= 'A' && *s <= 'Z' ? (char)(*s - 'A' + 'a') : *s;
        bool is_kept = kind == BLACKLIST_PHONE   ? c >= '0' && c <= '9'
                       : kind == BLACKLIST_EMAIL ? (unsigned char)c > ' '
                                                 : !is_ignored(c);
        if (is_kept)
            kept[count++] = c;
    }
    kept[count] = '\0';
    if (kind == BLACKLIST_PHONE && count > PHONE_DIGITS)
        return key_of(kind, kept + count - PHONE_DIGITS, PHONE_DIGITS, arena);
    return key_of(kind, kept, count, arena);
}

static int by_key(const void *a, const void *b)
{
    return uuid_compare(a, b);
}

static bool is_listed(const struct uuid *keys, size_t count, enum blacklist_kind kind,
                      const char *value, struct arena *arena)
{
    struct uuid key = rules_blacklist_key(kind, value, arena);
    return !uuid_is_nil(&key) && bsearch(&key, keys, count, sizeof(*keys), by_key) != NULL;
}

bool rules_is_blacklisted(const struct uuid *keys, size_t count, const struct risk_facts *facts,
                          struct arena *arena)
{
    const Address *address = facts->address;
    if (count == 0)
        return false;
    if (is_listed(keys, count, BLACKLIST_PHONE, facts->phone, arena) ||
        is_listed(keys, count, BLACKLIST_EMAIL, facts->email, arena))
        return true;
    if (address == NULL)
        return false;
    const char *place =
        arena_printf(arena, "%s %s", text_of(address->address1), text_of(address->city));
    return is_listed(keys, count, BLACKLIST_PHONE, text_of(address->phone), arena) ||
           is_listed(keys, count, BLACKLIST_ADDRESS, place, arena);
}

/* ---- alike ---- */

static int64_t units_of(const struct order *order, const char *sku)
{
    int64_t sum = 0;
    for (size_t i = 0; i < order->line_count; i++)
        if (strcmp(order->lines[i].sku, sku) == 0)
            sum += order->lines[i].quantity;
    return sum;
}

static bool covers(const struct order *a, const struct order *b)
{
    for (size_t i = 0; i < a->line_count; i++)
        if (units_of(a, a->lines[i].sku) != units_of(b, a->lines[i].sku))
            return false;
    return true;
}

bool rules_lines_are_alike(const struct order *a, const struct order *b)
{
    return a->line_count > 0 && covers(a, b) && covers(b, a);
}
