/* money.h -- amounts as integers in the currency's minor units, with checked arithmetic.
 *
 * No double anywhere. The exponents are those of ISO 4217, except where the trade differs: TWD is
 * counted without decimals, as shops in Taiwan price, and as the design says.
 *
 * Limits: |amount_minor| <= MONEY_MAX_MINOR (10^15); past it the functions say so and change
 * nothing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MONEY_MAX_MINOR INT64_C(1000000000000000)
#define MONEY_TEXT_BYTES 32

struct money {
    int64_t minor;
    char currency[4]; /* ISO 4217, upper case; "" means no amount */
};

/* The number of decimals, or -1 for a code that is not in the table. */
int money_exponent(const char *currency);

/* "120.00" with "HKD" -> 12000. The text may have fewer decimals than the currency, or more if the
 * rest are zeros ("600.00" TWD); exponents, signs other than '-', blanks and thousands separators
 * are refused. False on anything else, on an unknown currency, and past the limit. */
__attribute__((warn_unused_result)) bool money_parse(const char *text, const char *currency,
                                                     struct money *out);
/* "12.50"; with exactly the currency's decimals. Returns the buffer. */
char *money_text(struct money money, char buffer[MONEY_TEXT_BYTES]);

/* False on overflow or on two different currencies; an amount without currency adopts the other's.
 */
__attribute__((warn_unused_result)) bool money_add(struct money *sum, struct money term);
__attribute__((warn_unused_result)) bool money_subtract(struct money *from, struct money term);
__attribute__((warn_unused_result)) bool money_multiply(struct money unit, int64_t quantity,
                                                        struct money *out);

/* Shares total out by weights (non-negative, at least one positive; all zero: equally), by largest
 * remainder: the shares sum to total exactly, ties go to the lower index. Works for negative
 * totals. */
void money_share(int64_t total_minor, const int64_t *weights, size_t count, int64_t *shares);
