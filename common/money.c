#include "common/money.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

__extension__ typedef unsigned __int128 wide;

/* ISO 4217's currencies by number of decimals, each code followed by a blank. */
static const char *const codes_by_exponent[] = {
    [0] = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF TWD UGX UYI VND VUV XAF XOF XPF ",
    [2] = "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP "
          "BYN BZD CAD CDF CHE CHF CHW CNH CNY COP COU CRC CUC CUP CVE CZK DKK DOP DZD EGP ERN ETB "
          "EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HRK HTG HUF IDR ILS INR IRR JMD KES KGS "
          "KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV "
          "MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG "
          "SEK SGD SHP SLE SLL SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TZS UAH USD USN "
          "UYU UZS VED VES WST XCD YER ZAR ZMW ZWL ",
    [3] = "BHD IQD JOD KWD LYD OMR TND ",
    [4] = "CLF UYW ",
};

int money_exponent(const char *currency)
{
    if (currency == NULL || strlen(currency) != 3)
        return -1;
    for (size_t i = 0; i < sizeof(codes_by_exponent) / sizeof(codes_by_exponent[0]); i++) {
        const char *codes = codes_by_exponent[i];
        for (; codes != NULL && *codes != '\0'; codes += 4) {
            if (memcmp(codes, currency, 3) == 0)
                return (int)i;
        }
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
