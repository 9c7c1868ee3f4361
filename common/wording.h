/* wording.h -- amounts, dates, places and names as people in a language write them.
 *
 * Whatever a customer reads is written with these: mails, the customer's own page, canned replies.
 * Pure. What depends on the language and is not a sentence is here; sentences are in the templates.
 *
 * Ownership: texts are made in the arena given, or are constant.
 */
#pragma once

#include <stdint.h>

#include "common/arena.h"
#include "common/money.h"
#include "common/zone.h"
#include "penstock/common/v1/common.pb-c.h"

/* The languages that customers are served in. */
#define LANGUAGES(X)                                                                               \
    X(ZH_HANT, "zh-Hant")                                                                          \
    X(EN, "en")

enum language {
#define X(name, tag) LANGUAGE_##name,
    LANGUAGES(X)
#undef X
        LANGUAGE_COUNT
};

/* The language that a customer's BCP 47 locale is served in; fallback for what we have none for.
 * Any Chinese is served in Traditional Chinese, the nearest that there is. */
enum language wording_language(const char *locale, enum language fallback);
/* False when the tag is not one of ours, to the letter. */
bool wording_language_parse(const char *tag, enum language *out);
const char *wording_language_tag(enum language language);

/* "HK$1,120.00", "NT$689", "-US$3.00"; a currency without a sign of its own: "KWD 1.250". "" when
 * no amount was given. */
const char *wording_money(struct arena *arena, struct money money);
/* "2026年11月11日 12:00", "11 November 2026, 12:00". */
const char *wording_time(struct arena *arena, enum language language, const struct zone *zone,
                         int64_t at_us);
/* The lines of an address label, in the order that the country is used to; at most
 * WORDING_ADDRESS_LINES. Returns how many. */
#define WORDING_ADDRESS_LINES 7
size_t wording_address(struct arena *arena, enum language language,
                       const Penstock__Common__V1__Address *address,
                       const char *lines[WORDING_ADDRESS_LINES]);
/* "順豐速運" for sf-express; an unknown carrier's name as it came. */
const char *wording_carrier(enum language language, const char *carrier);
/* "信用卡" for card; "" for what is unknown, for a provider's code says nothing to a customer. */
const char *wording_payment(enum language language, const char *method);
