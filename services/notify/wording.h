/* wording.h -- amounts, dates, places and names as people in a language write them.
 *
 * Pure. What depends on the language and is not a sentence is here; sentences are in the templates.
 *
 * Ownership: texts are made in the arena given, or are constant.
 */
#pragma once

#include <stdint.h>

#include "common/arena.h"
#include "common/money.h"
#include "penstock/common/v1/common.pb-c.h"
#include "services/notify/notify.h"
#include "services/notify/zone.h"

/* "HK$1,120.00", "NT$689", "-US$3.00"; a currency without a sign of its own: "KWD 1.250". "" when
 * no amount was given. */
const char *wording_money(struct arena *arena, struct money money);
/* "2026年11月11日 12:00", "11 November 2026, 12:00". */
const char *wording_time(struct arena *arena, enum mail_language language, const struct zone *zone,
                         int64_t at_us);
/* The lines of an address label, in the order that the country is used to; at most
 * WORDING_ADDRESS_LINES. Returns how many. */
#define WORDING_ADDRESS_LINES 7
size_t wording_address(struct arena *arena, enum mail_language language,
                       const Penstock__Common__V1__Address *address,
                       const char *lines[WORDING_ADDRESS_LINES]);
/* "順豐速運" for sf-express; an unknown carrier's name as it came. */
const char *wording_carrier(enum mail_language language, const char *carrier);
/* "信用卡" for card; "" for what is unknown, for a provider's code says nothing to a customer. */
const char *wording_payment(enum mail_language language, const char *method);
