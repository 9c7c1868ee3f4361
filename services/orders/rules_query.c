#include "rules_query.h"

#include <string.h>

#include "rules_terms.h"

#define SECOND_US INT64_C(1000000)
#define DAY_US (86400 * SECOND_US)

/* ---- statuses by their words ---- */

struct status_word {
    const char *word;
    int number;
};
#define X(name, number_) {#name, number_},
static const struct status_word order_words[] = {ORDER_STATUSES(X){NULL, 0}};
static const struct status_word payment_words[] = {PAYMENT_STATUSES(X){NULL, 0}};
static const struct status_word fulfillment_words[] = {FULFILLMENT_STATUSES(X){NULL, 0}};
static const struct status_word return_words[] = {RETURN_STATUSES(X){NULL, 0}};
#undef X

static bool find_status(const struct status_word *words, const char *value, int *number)
{
    for (; words->word != NULL; words++) {
        if (strcasecmp(words->word, value) == 0) {
            *number = words->number;
            return true;
        }
    }
    return false;
}

/* ---- dates ---- */

struct parse {
    struct arena *arena;
    const char *field; /* of the request */
    int64_t now_us, offset_us;
    struct query *query;
    struct refusal *no;
};

static bool refuse_value(const struct parse *parse, const char *key, const char *sentence)
{
    return rules_refuse(parse->no, STATUS_INVALID, "invalid_query",
                        arena_printf(parse->arena, "%s: %s", key, sentence), "%s", parse->field);
}

/* Days since 1970 of a date of the Gregorian calendar. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;
    int64_t era = year / 400, of_era = year - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static bool read_digits(const char **text, size_t digits, int64_t *value)
{
    *value = 0;
    for (size_t i = 0; i < digits; i++, (*text)++) {
        if (**text < '0' || **text > '9')
            return false;
        *value = *value * 10 + (**text - '0');
    }
    return true;
}

/* A span of the shop's calendar: 2026, 2026-11, 2026-11-01, today, yesterday, 7d (the last seven
 * days, today among them). */
static bool read_span(const struct parse *parse, const char *text, int64_t *from_us,
                      int64_t *until_us)
{
    int64_t today = (parse->now_us + parse->offset_us) / DAY_US, first, last;
    int64_t year, month = 1, day = 1, count;
    const char *end = text;
    size_t digits = strspn(text, "0123456789");
    if (strcmp(text, "today") == 0) {
        first = last = today;
    } else if (strcmp(text, "yesterday") == 0) {
        first = last = today - 1;
    } else if (digits >= 1 && digits <= 4 && strcmp(text + digits, "d") == 0 &&
               read_digits(&end, digits, &count) && count >= 1) {
        first = today - count + 1;
        last = today;
    } else {
        if (!read_digits(&end, 4, &year) || year < 1971 || year > 9998)
            return false;
        bool has_month = *end == '-', has_day = false;
        if (has_month) {
            end++;
            if (!read_digits(&end, 2, &month) || month < 1 || month > 12)
                return false;
            has_day = *end == '-';
        }
        if (has_day) {
            end++;
            if (!read_digits(&end, 2, &day) || day < 1 ||
                day > days_of(year + (month == 12), month % 12 + 1, 1) - days_of(year, month, 1))
                return false;
        }
        if (*end != '\0')
            return false;
        first = days_of(year, month, day);
        last = has_day     ? first
               : has_month ? days_of(year + (month == 12), month % 12 + 1, 1) - 1
                           : days_of(year + 1, 1, 1) - 1;
    }
    *from_us = first * DAY_US - parse->offset_us;
    *until_us = (last + 1) * DAY_US - parse->offset_us;
    return true;
}

static void narrow(struct query *query, int64_t from_us, int64_t until_us)
{
    if (from_us != 0 && from_us > query->placed_from_us)
        query->placed_from_us = from_us;
    if (until_us != 0 && (query->placed_until_us == 0 || until_us < query->placed_until_us))
        query->placed_until_us = until_us;
}

/* The two ends of "a..b", either of which may be missing. */
static bool split_range(const struct parse *parse, const char *text, const char **low,
                        const char **high)
{
    const char *dots = strstr(text, "..");
    if (dots == NULL)
        return false;
    *low = arena_strndup(parse->arena, text, (size_t)(dots - text));
    *high = dots + 2;
    return true;
}

/* Takes > >= < <= off the front. */
static const char *read_comparison(const char *text, bool *greater, bool *less, bool *equal)
{
    *greater = *text == '>';
    *less = *text == '<';
    *equal = (*greater || *less) && text[1] == '=';
    return text + (*greater || *less) + *equal;
}

static bool read_placed(const struct parse *parse, const char *value)
{
    static const char wrong[] =
        "a date is 2026-11-01, 2026-11, today, yesterday or 7d, with >, >=, <, <= or a..b.";
    const char *low, *high;
    int64_t from_us = 0, until_us = 0, ignored;
    bool greater, less, equal;
    if (split_range(parse, value, &low, &high)) {
        if ((low[0] != '\0' && !read_span(parse, low, &from_us, &ignored)) ||
            (high[0] != '\0' && !read_span(parse, high, &ignored, &until_us)))
            return refuse_value(parse, "placed", wrong);
        narrow(parse->query, from_us, until_us);
        return true;
    }
    const char *date = read_comparison(value, &greater, &less, &equal);
    if (!read_span(parse, date, &from_us, &until_us))
        return refuse_value(parse, "placed", wrong);
    /* After a day begins when it is over; 7d is that long ago. */
    if (greater)
        narrow(parse->query, equal || strchr(date, 'd') != NULL ? from_us : until_us, 0);
    else if (less)
        narrow(parse->query, 0, equal ? until_us : from_us);
    else
        narrow(parse->query, from_us, until_us);
    return true;
}

/* ---- amounts ---- */

static bool is_amount(const char *text)
{
    size_t whole = strspn(text, "0123456789");
    size_t rest = text[whole] == '.' ? 1 + strspn(text + whole + 1, "0123456789") : 0;
    return whole >= 1 && whole <= 12 && rest != 1 && rest <= 5 && text[whole + rest] == '\0';
}

/* More than and at least are told apart by nobody who looks for an order by its amount. */
static bool read_total(const struct parse *parse, const char *value)
{
    static const char wrong[] = "an amount is 100 or 99.50, with >, <, or a..b.";
    const char *low = NULL, *high = NULL;
    bool greater, less, equal;
    if (!split_range(parse, value, &low, &high)) {
        const char *amount = read_comparison(value, &greater, &less, &equal);
        low = less ? "" : amount;
        high = greater ? "" : amount;
    }
    if ((low[0] != '\0' && !is_amount(low)) || (high[0] != '\0' && !is_amount(high)) ||
        (low[0] == '\0' && high[0] == '\0'))
        return refuse_value(parse, "total", wrong);
    if (low[0] != '\0')
        parse->query->total_min = low;
    if (high[0] != '\0')
        parse->query->total_max = high;
    return true;
}

/* ---- keys ---- */

static bool add_statuses(const struct parse *parse, const char *key,
                         const struct status_word *words, const struct query_list *values,
                         bool is_not, uint32_t *mask)
{
    uint32_t named = 0, all = 0;
    int number;
    for (size_t i = 0; i < values->count; i++) {
        if (!find_status(words, values->values[i], &number))
            return refuse_value(
                parse, key,
                arena_printf(parse->arena, "\"%.40s\" is no such status.", values->values[i]));
        named |= 1u << number;
    }
    for (; words->word != NULL; words++)
        all |= 1u << words->number;
    named = is_not ? all & ~named : named;
    /* Of a contradiction nothing is left but a bit that no order has. */
    *mask = *mask == 0 ? named : (*mask & named) != 0 ? *mask & named : 1u;
    return true;
}

bool rules_query_add_value(struct query_list *list, const char *value, struct refusal *no,
                           const char *request_field)
{
    if (list->count == QUERY_MAX_VALUES)
        return rules_refuse(no, STATUS_INVALID, "too_many", "At most 20 values of one key.", "%s",
                            request_field);
    list->values[list->count++] = value;
    return true;
}

static bool add_values(const struct parse *parse, const struct query_list *values,
                       struct query_list *list)
{
    for (size_t i = 0; i < values->count; i++) {
        if (!rules_query_add_value(list, values->values[i], parse->no, parse->field))
            return false;
    }
    return true;
}

static bool add_holds(const struct parse *parse, const struct query_list *values, bool is_not)
{
    struct query *query = parse->query;
    bool is_any = values->count == 1 && strcmp(values->values[0], "any") == 0;
    bool is_none = values->count == 1 && strcmp(values->values[0], "none") == 0;
    if (is_not && !is_any)
        return refuse_value(parse, "hold", "only -hold:any can be turned round.");
    query->holding = is_none || is_not ? HOLDING_NONE : HOLDING_SOME;
    return is_any || is_none || add_values(parse, values, &query->holds);
}

bool rules_query_add_word(struct arena *arena, enum query_field field, const char *text,
                          struct query *query, struct refusal *no, const char *request_field)
{
    const char *canonical = terms_canonical(arena, text);
    if (canonical[0] == '\0')
        return true;
    if (query->word_count == QUERY_MAX_WORDS)
        return rules_refuse(no, STATUS_INVALID, "too_many", "A search has at most 12 words.", "%s",
                            request_field);
    query->words[query->word_count++] = (struct query_word){field, canonical, text, false};
    return true;
}

static bool find_field(const char *key, enum query_field *field)
{
#define X(name, key_) key_,
    static const char *const keys[] = {QUERY_FIELDS(X)};
#undef X
    for (size_t i = 1; i < QUERY_FIELD_COUNT; i++) {
        if (strcmp(keys[i], key) == 0) {
            *field = (enum query_field)i;
            return true;
        }
    }
    return false;
}

static bool split_values(const struct parse *parse, const char *text, struct query_list *values)
{
    *values = (struct query_list){.count = 0};
    while (*text != '\0') {
        size_t bytes = strcspn(text, ",");
        if (bytes > 0 && !rules_query_add_value(values, arena_strndup(parse->arena, text, bytes),
                                                parse->no, parse->field))
            return false;
        text += bytes + (text[bytes] == ',');
    }
    return true;
}

static bool add_key(const struct parse *parse, const char *key, const char *value, bool is_not)
{
    struct query *query = parse->query;
    struct query_list values;
    enum query_field field;
    if (value[0] == '\0')
        return refuse_value(parse, key, "a value follows the colon.");
    if (find_field(key, &field) && !is_not)
        return rules_query_add_word(parse->arena, field, value, query, parse->no, parse->field);
    if (strcmp(key, "placed") == 0 && !is_not)
        return read_placed(parse, value);
    if (strcmp(key, "total") == 0 && !is_not)
        return read_total(parse, value);
    if (!split_values(parse, value, &values))
        return false;
    if (strcmp(key, "status") == 0)
        return add_statuses(parse, key, order_words, &values, is_not, &query->statuses);
    if (strcmp(key, "payment") == 0)
        return add_statuses(parse, key, payment_words, &values, is_not, &query->payment_statuses);
    if (strcmp(key, "fulfillment") == 0)
        return add_statuses(parse, key, fulfillment_words, &values, is_not,
                            &query->fulfillment_statuses);
    if (strcmp(key, "return") == 0)
        return add_statuses(parse, key, return_words, &values, is_not, &query->return_statuses);
    if (strcmp(key, "channel") == 0)
        return add_values(parse, &values, is_not ? &query->not_channels : &query->channels);
    if (strcmp(key, "tag") == 0)
        return add_values(parse, &values, is_not ? &query->not_tags : &query->tags);
    if (strcmp(key, "hold") == 0)
        return add_holds(parse, &values, is_not);
    if (strcmp(key, "currency") == 0 && !is_not)
        return add_values(parse, &values, &query->currencies);
    if (strcmp(key, "country") == 0 && !is_not)
        return add_values(parse, &values, &query->countries);
    return refuse_value(parse, key,
                        "known are status, payment, fulfillment, return, channel, tag, hold, "
                        "placed, total, currency, country, number, external, customer, name, "
                        "email, phone, sku, item and tracking.");
}

/* ---- words ---- */

/* The next word: quotes keep blanks together and are taken off. */
static char *next_word(struct arena *arena, const char **text)
{
    const char *at = *text + strspn(*text, " \t\r\n");
    if (*at == '\0')
        return NULL;
    char *word = arena_alloc(arena, strlen(at) + 1), *to = word;
    bool is_quoted = false;
    for (; *at != '\0' && (is_quoted || strchr(" \t\r\n", *at) == NULL); at++) {
        if (*at == '"')
            is_quoted = !is_quoted;
        else
            *to++ = *at;
    }
    *text = at;
    return word;
}

/* key:value, where the key is lower-case letters: an address of the web is a word like any other.
 */
static size_t key_bytes(const char *word)
{
    size_t bytes = strspn(word, "abcdefghijklmnopqrstuvwxyz");
    return bytes > 0 && word[bytes] == ':' && word[bytes + 1] != '/' ? bytes : 0;
}

bool rules_query_parse(struct arena *arena, const char *text, int64_t now_us, int64_t offset_us,
                       const char *field, struct query *query, struct refusal *no)
{
    const struct parse parse = {arena, field, now_us, offset_us, query, no};
    char *word;
    if (strlen(text) > QUERY_MAX_BYTES)
        return rules_refuse(no, STATUS_INVALID, "too_long", "A search has at most 500 bytes.", "%s",
                            field);
    while ((word = next_word(arena, &text)) != NULL) {
        bool is_not = word[0] == '-';
        size_t bytes = key_bytes(word + is_not);
        if (bytes == 0) {
            if (!rules_query_add_word(arena, QUERY_ANY, word, query, no, field))
                return false;
            continue;
        }
        const char *key = arena_strndup(arena, word + is_not, bytes);
        if (!add_key(&parse, key, word + is_not + bytes + 1, is_not))
            return false;
    }
    return true;
}
