/* adapter_read.h -- reads what channels write: amounts, quantities, times, names.
 *
 * Channels send the same thing in many notations: amounts as text or as a bare number, with fewer
 * or more decimals than the currency has; times with an offset, with nine decimals, or without a
 * zone; names with HTML entities. Everything is read from its text, nothing goes through a double.
 *
 * Amounts are read in ten-thousandths of a minor unit (the suffix _e4), so that a price without tax
 * and its tax, each with a fraction of a cent, still sum to the whole cents that were paid.
 *
 * Ownership: texts returned live in the arena given. Limits: |amount| <= 10^14 minor units.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "services/gateway/json.h"

#define READ_E4 INT64_C(10000)
#define READ_MAX_MINOR INT64_C(100000000000000)

/* "120.00", "120", "-3.5" in a currency; up to four decimals beyond its own, any more must be
 * zeros. False on anything else (NULL too), on an unknown currency, and past the limit. */
bool read_amount_e4(const char *text, const char *currency, int64_t *out_e4);
/* False when it is not a whole number of minor units. */
bool read_whole_minor(int64_t amount_e4, int64_t *out_minor);
/* The nearest minor unit, halves away from zero: for what only informs. */
int64_t read_nearest_minor(int64_t amount_e4);
/* A member that is an amount, as text or number. Absent, null and "" are 0; false when malformed.
 */
bool read_member_e4(const struct json_value *object, const char *name, const char *currency,
                    int64_t *out_e4);

enum read_quantity { READ_QUANTITY_OK, READ_QUANTITY_FRACTION, READ_QUANTITY_BAD };
/* "3" and "3.0" are 3, "1.5" is a fraction; at most 1,000,000 and not negative. */
enum read_quantity read_quantity(const char *text, int64_t *out);
/* "0.0825" as a fraction of one, or "8.25" as percent, to parts per million; 0 when unreadable. */
int32_t read_rate_ppm(const char *text, bool is_percent);

/* RFC 3339, also with a blank for the T and without a zone, which then means UTC; up to nine
 * decimals. Nanoseconds since 1970, 0 when unreadable or before 1970. */
int64_t read_time_ns(const char *text);
int64_t read_time_us(const char *text);

/* The text without blanks around it, control characters turned into blanks (lines kept when asked),
 * cut at whole characters to at most limit bytes. NULL becomes "". */
char *read_text(struct arena *arena, const char *text, size_t limit, bool keeps_lines);
/* The same after turning HTML entities into what they stand for. */
char *read_html_text(struct arena *arena, const char *text, size_t limit);
/* The first that is not empty; "" when all are. */
char *read_first(char *first, char *second, char *third);
/* A person's name: family name first and without a blank where it is written in Han characters. */
char *read_person(struct arena *arena, const char *first, const char *last);
/* The language of what we send: "zh_TW" and "zh-HK" are zh-Hant, "en-GB" is en; without a word of
 * the channel zh-Hant in Hong Kong, Taiwan and Macau, else en. */
const char *read_locale(struct arena *arena, const char *tag, const char *country);
/* A payment method in our words: card, bank_transfer, cash_on_delivery, ..., else the channel's own
 * in snake_case. */
const char *read_method(struct arena *arena, const char *text);
/* True when the text is an identifier that we can keep: 1 to 64 printable ASCII characters without
 * blanks. NULL is none. */
bool read_is_id(const char *text);
