#include "common/money.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

__extension__ typedef unsigned __int128 wide;

/* ISO 4217's currencies in the order of their codes, each followed by its number of decimals. */
static const char currencies[] =
    "AED2AFN2ALL2AMD2ANG2AOA2ARS2AUD2AWG2AZN2BAM2BBD2BDT2BGN2BHD3BIF0BMD2BND2BOB2BOV2BRL2"
    "BSD2BTN2BWP2BYN2BZD2CAD2CDF2CHE2CHF2CHW2CLF4CLP0CNH2CNY2COP2COU2CRC2CUC2CUP2CVE2CZK2"
    "DJF0DKK2DOP2DZD2EGP2ERN2ETB2EUR2FJD2FKP2GBP2GEL2GHS2GIP2GMD2GNF0GTQ2GYD2HKD2HNL2HRK2"
    "HTG2HUF2IDR2ILS2INR2IQD3IRR2ISK0JMD2JOD3JPY0KES2KGS2KHR2KMF0KPW2KRW0KWD3KYD2KZT2LAK2"
    "LBP2LKR2LRD2LSL2LYD3MAD2MDL2MGA2MKD2MMK2MNT2MOP2MRU2MUR2MVR2MWK2MXN2MXV2MYR2MZN2NAD2"
    "NGN2NIO2NOK2NPR2NZD2OMR3PAB2PEN2PGK2PHP2PKR2PLN2PYG0QAR2RON2RSD2RUB2RWF0SAR2SBD2SCR2"
    "SDG2SEK2SGD2SHP2SLE2SLL2SOS2SRD2SSP2STN2SVC2SYP2SZL2THB2TJS2TMT2TND3TOP2TRY2TTD2TWD0"
    "TZS2UAH2UGX0USD2USN2UYI0UYU2UYW4UZS2VED2VES2VND0VUV0WST2XAF0XCD2XOF0XPF0YER2ZAR2ZMW2"
    "ZWL2";

int money_exponent(const char *currency)
{
    if (currency == NULL || strlen(currency) != 3)
        return -1;
    size_t low = 0, high = (sizeof(currencies) - 1) / 4;
    while (low < high) {
        size_t middle = (low + high) / 2;
        const char *found = currencies + 4 * middle;
        int order = memcmp(currency, found, 3);
        if (order == 0)
            return found[3] - '0';
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return -1;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Appends a decimal digit; false past the limit. */
static bool push_digit(int64_t *minor, char digit)
{
    *minor = *minor * 10 + (digit - '0'); /* at most 10^16 + 9 */
    return *minor <= MONEY_MAX_MINOR;
}

/* Digits after the point: as many as the exponent count, any others must be zero. */
static bool parse_decimals(const char *text, int exponent, int64_t *minor)
{
    int seen = 0;
    for (; is_digit(*text); text++, seen++) {
        if (seen < exponent ? !push_digit(minor, *text) : *text != '0')
            return false;
    }
    if (seen == 0 || *text != '\0')
        return false;
    for (; seen < exponent; seen++) {
        if (!push_digit(minor, '0'))
            return false;
    }
    return true;
}

bool money_parse(const char *text, const char *currency, struct money *out)
{
    int exponent = money_exponent(currency);
    if (exponent < 0 || text == NULL)
        return false;
    bool is_negative = *text == '-';
    text += is_negative;
    if (!is_digit(*text))
        return false;
    int64_t minor = 0;
    for (; is_digit(*text); text++) {
        if (!push_digit(&minor, *text))
            return false;
    }
    if (*text != '\0' && *text != '.')
        return false;
    if (!parse_decimals(*text == '.' ? text + 1 : "0", exponent, &minor))
        return false;
    out->minor = is_negative ? -minor : minor;
    memcpy(out->currency, currency, sizeof(out->currency));
    return true;
}

char *money_text(struct money money, char buffer[MONEY_TEXT_BYTES])
{
    uint64_t left = money.minor < 0 ? -(uint64_t)money.minor : (uint64_t)money.minor;
    int exponent = money_exponent(money.currency);
    char reversed[MONEY_TEXT_BYTES];
    size_t count = 0;
    for (int place = 0; left > 0 || place <= exponent || place == 0; place++) {
        if (place > 0 && place == exponent)
            reversed[count++] = '.';
        reversed[count++] = (char)('0' + left % 10);
        left /= 10;
    }
    char *to = buffer;
    if (money.minor < 0)
        *to++ = '-';
    while (count > 0)
        *to++ = reversed[--count];
    *to = '\0';
    return buffer;
}

static bool is_within_limit(int64_t minor)
{
    return minor >= -MONEY_MAX_MINOR && minor <= MONEY_MAX_MINOR;
}

/* The currency of a sum; NULL when the two differ. */
static const char *common_currency(const struct money *a, const struct money *b)
{
    if (a->currency[0] == '\0')
        return b->currency;
    if (b->currency[0] == '\0' || memcmp(a->currency, b->currency, sizeof(a->currency)) == 0)
        return a->currency;
    return NULL;
}

static bool set_sum(struct money *sum, const struct money *term, int64_t minor)
{
    const char *currency = common_currency(sum, term);
    if (currency == NULL || !is_within_limit(minor))
        return false;
    sum->minor = minor;
    memmove(sum->currency, currency, sizeof(sum->currency));
    return true;
}

bool money_add(struct money *sum, struct money term)
{
    int64_t minor;
    return !__builtin_add_overflow(sum->minor, term.minor, &minor) && set_sum(sum, &term, minor);
}

bool money_subtract(struct money *from, struct money term)
{
    int64_t minor;
    return !__builtin_sub_overflow(from->minor, term.minor, &minor) && set_sum(from, &term, minor);
}

bool money_multiply(struct money unit, int64_t quantity, struct money *out)
{
    int64_t minor;
    if (__builtin_mul_overflow(unit.minor, quantity, &minor) || !is_within_limit(minor))
        return false;
    *out = unit;
    out->minor = minor;
    return true;
}

struct remainder {
    wide size;
    size_t index;
};

static int by_size_then_index(const void *left, const void *right)
{
    const struct remainder *a = left, *b = right;
    if (a->size != b->size)
        return a->size > b->size ? -1 : 1;
    return a->index < b->index ? -1 : 1;
}

/* Everyone's whole part; what each was owed beyond it goes to remainders. Returns what is left. */
static uint64_t share_whole(uint64_t total, const int64_t *weights, size_t count, int64_t *shares,
                            struct remainder *remainders)
{
    wide sum = 0;
    for (size_t i = 0; i < count; i++) {
        assert(weights[i] >= 0);
        sum += (uint64_t)weights[i];
    }
    bool is_equal = sum == 0;
    if (is_equal)
        sum = count;
    uint64_t left = total;
    for (size_t i = 0; i < count; i++) {
        wide product = (wide)total * (is_equal ? 1 : (uint64_t)weights[i]);
        uint64_t share = (uint64_t)(product / sum);
        shares[i] = (int64_t)share;
        remainders[i] = (struct remainder){product % sum, i};
        left -= share;
    }
    return left;
}

void money_share(int64_t total_minor, const int64_t *weights, size_t count, int64_t *shares)
{
    assert(total_minor != INT64_MIN);
    if (count == 0)
        return;
    struct remainder few[32];
    struct remainder *remainders = few;
    if (count > sizeof(few) / sizeof(few[0])) {
        remainders = malloc(count * sizeof(*remainders));
        if (remainders == NULL)
            abort();
    }
    uint64_t total = (uint64_t)(total_minor < 0 ? -total_minor : total_minor);
    uint64_t left = share_whole(total, weights, count, shares, remainders);
    assert(left < count);
    if (left > 0)
        qsort(remainders, count, sizeof(*remainders), by_size_then_index);
    for (uint64_t i = 0; i < left; i++)
        shares[remainders[i].index]++;
    for (size_t i = 0; total_minor < 0 && i < count; i++)
        shares[i] = -shares[i];
    if (remainders != few)
        free(remainders);
}
