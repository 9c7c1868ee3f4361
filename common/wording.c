#include "common/wording.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* ---- languages ---- */

static const char *const language_tags[LANGUAGE_COUNT] = {
#define X(name, tag) [LANGUAGE_##name] = tag,
    LANGUAGES(X)
#undef X
};

bool wording_language_parse(const char *tag, enum language *out)
{
    for (int i = 0; i < LANGUAGE_COUNT; i++) {
        if (strcmp(tag, language_tags[i]) == 0) {
            *out = (enum language)i;
            return true;
        }
    }
    return false;
}

const char *wording_language_tag(enum language language)
{
    return language_tags[language];
}

/* The primary subtag is what comes before the first '-' or '_' (some channels write zh_TW). */
static bool primary_is(const char *locale, const char *primary)
{
    size_t length = strcspn(locale, "-_");
    return length == strlen(primary) && strncasecmp(locale, primary, length) == 0;
}

enum language wording_language(const char *locale, enum language fallback)
{
    if (primary_is(locale, "zh"))
        return LANGUAGE_ZH_HANT;
    if (primary_is(locale, "en"))
        return LANGUAGE_EN;
    return fallback;
}

/* ---- money ---- */

struct sign {
    const char *currency, *text;
};
static const struct sign signs[] = {
    {"HKD", "HK$"}, {"TWD", "NT$"},  {"USD", "US$"}, {"CNY", "CN¥"}, {"JPY", "JP¥"},
    {"EUR", "€"},   {"GBP", "£"},    {"AUD", "A$"},  {"CAD", "CA$"}, {"SGD", "S$"},
    {"NZD", "NZ$"}, {"MOP", "MOP$"}, {"KRW", "₩"},   {"THB", "฿"},   {"MYR", "RM"},
};

static const char *sign_of(struct arena *arena, const char *currency)
{
    for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
        if (strcmp(signs[i].currency, currency) == 0)
            return signs[i].text;
    }
    return arena_printf(arena, "%s ", currency);
}

const char *wording_money(struct arena *arena, struct money money)
{
    if (money.currency[0] == '\0')
        return "";
    char plain[MONEY_TEXT_BYTES];
    money_text(money, plain);
    const char *digits = plain[0] == '-' ? plain + 1 : plain;
    size_t whole = strcspn(digits, ".");
    char grouped[MONEY_TEXT_BYTES * 2];
    size_t n = 0;
    for (size_t i = 0; i < whole; i++) {
        if (i > 0 && (whole - i) % 3 == 0)
            grouped[n++] = ',';
        grouped[n++] = digits[i];
    }
    snprintf(grouped + n, sizeof(grouped) - n, "%s", digits + whole);
    return arena_printf(arena, "%s%s%s", digits > plain ? "-" : "", sign_of(arena, money.currency),
                        grouped);
}

/* ---- time ---- */

const char *wording_time(struct arena *arena, enum language language, const struct zone *zone,
                         int64_t at_us)
{
    static const char *const months[] = {"January",   "February", "March",    "April",
                                         "May",       "June",     "July",     "August",
                                         "September", "October",  "November", "December"};
    struct civil t = zone_civil(at_us, zone_offset_s(zone, at_us));
    switch (language) {
    case LANGUAGE_ZH_HANT:
        return arena_printf(arena, "%d年%d月%d日 %02d:%02d", t.year, t.month, t.day, t.hour,
                            t.minute);
    case LANGUAGE_EN:
    case LANGUAGE_COUNT:
        break;
    }
    return arena_printf(arena, "%d %s %d, %02d:%02d", t.day, months[t.month - 1], t.year, t.hour,
                        t.minute);
}

/* ---- words: one row for each, a column for each language ---- */

struct word {
    const char *code;
    const char *texts[LANGUAGE_COUNT];
};

static const struct word countries[] = {
    {"HK", {"香港", "Hong Kong"}},      {"TW", {"台灣", "Taiwan"}},
    {"MO", {"澳門", "Macao"}},          {"CN", {"中國", "China"}},
    {"JP", {"日本", "Japan"}},          {"KR", {"韓國", "South Korea"}},
    {"SG", {"新加坡", "Singapore"}},    {"MY", {"馬來西亞", "Malaysia"}},
    {"TH", {"泰國", "Thailand"}},       {"VN", {"越南", "Vietnam"}},
    {"PH", {"菲律賓", "Philippines"}},  {"ID", {"印尼", "Indonesia"}},
    {"US", {"美國", "United States"}},  {"CA", {"加拿大", "Canada"}},
    {"GB", {"英國", "United Kingdom"}}, {"AU", {"澳洲", "Australia"}},
    {"NZ", {"紐西蘭", "New Zealand"}},  {"DE", {"德國", "Germany"}},
    {"FR", {"法國", "France"}},
};
static const struct word carriers[] = {
    {"sf-express", {"順豐速運", "SF Express"}},
    {"hongkong-post", {"香港郵政", "Hongkong Post"}},
    {"chunghwa-post", {"中華郵政", "Chunghwa Post"}},
    {"t-cat", {"黑貓宅急便", "T-CAT"}},
    {"hct", {"新竹物流", "HCT Logistics"}},
    {"kerry", {"嘉里快遞", "Kerry Express"}},
    {"7-eleven", {"7-ELEVEN 交貨便", "7-ELEVEN"}},
    {"familymart", {"全家店到店", "FamilyMart"}},
    {"dhl", {"DHL", "DHL"}},
    {"fedex", {"FedEx", "FedEx"}},
    {"ups", {"UPS", "UPS"}},
};
static const struct word payments[] = {
    {"card", {"信用卡", "Card"}},
    {"bank_transfer", {"銀行轉帳", "Bank transfer"}},
    {"cash_on_delivery", {"貨到付款", "Cash on delivery"}},
    {"cash", {"現金", "Cash"}},
    {"wallet", {"電子錢包", "E-wallet"}},
    {"fps", {"轉數快", "FPS"}},
    {"paypal", {"PayPal", "PayPal"}},
    {"store_credit", {"購物金", "Store credit"}},
    {"gift_card", {"禮物卡", "Gift card"}},
};

static const char *word_of(const struct word *words, size_t count, enum language language,
                           const char *code, const char *otherwise)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(words[i].code, code) == 0)
            return words[i].texts[language];
    }
    return otherwise;
}
#define WORD_OF(words, language, code, otherwise)                                                  \
    word_of((words), sizeof(words) / sizeof((words)[0]), (language), (code), (otherwise))

const char *wording_carrier(enum language language, const char *carrier)
{
    return WORD_OF(carriers, language, carrier, carrier);
}

const char *wording_payment(enum language language, const char *method)
{
    return WORD_OF(payments, language, method, "");
}

/* ---- addresses ---- */

static const char *joined(struct arena *arena, const char *separator, const char *const *parts,
                          size_t count)
{
    const char *text = "";
    for (size_t i = 0; i < count; i++) {
        if (*parts[i] != '\0')
            text =
                *text == '\0' ? parts[i] : arena_printf(arena, "%s%s%s", text, separator, parts[i]);
    }
    return text;
}

static bool is_mostly_chinese(const char *text)
{
    return (unsigned char)text[0] >= 0xe3 && (unsigned char)text[0] <= 0xe9;
}

size_t wording_address(struct arena *arena, enum language language,
                       const Penstock__Common__V1__Address *a,
                       const char *lines[WORDING_ADDRESS_LINES])
{
    /* Written in Chinese, an address goes from the large to the small, its country in Chinese too.
     */
    bool large_first = is_mostly_chinese(a->address1) || is_mostly_chinese(a->city);
    if (large_first)
        language = LANGUAGE_ZH_HANT;
    const char *country = WORD_OF(countries, language, a->country, a->country);
    const char *region = strcmp(a->region, a->city) == 0 ? "" : a->region;
    const char *from_large[] = {a->postcode, country, region, a->city, a->district};
    const char *from_small[] = {a->district, a->city, region, a->postcode};
    const char *place =
        large_first ? joined(arena, " ", from_large, 5) : joined(arena, ", ", from_small, 4);
    const char *small_to_large[] = {a->name, a->company, a->address1, a->address2,
                                    place,   country,    a->phone};
    const char *large_to_small[] = {a->name,     a->company, place, a->address1,
                                    a->address2, a->phone,   ""};
    size_t count = 0;
    for (size_t i = 0; i < WORDING_ADDRESS_LINES; i++) {
        const char *line = large_first ? large_to_small[i] : small_to_large[i];
        if (*line != '\0')
            lines[count++] = line;
    }
    return count;
}
