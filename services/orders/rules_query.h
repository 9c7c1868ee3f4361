/* rules_query.h -- what a person types into the search field, understood.
 *
 * Words are found anywhere in an order; key:value narrows: "status:pending channel:shop
 * placed:>2026-11-01 tag:vip 9123 純棉". A value may be a list (status:pending,confirmed), a minus
 * turns it round (-tag:vip), quotes keep blanks together. Values of one key are alternatives, keys
 * are conditions that all hold. Nothing is guessed: a key or value that is not known is a refusal
 * that names it.
 *
 * Pure: the time and the shop's offset from UTC are arguments. Ownership: everything lives in the
 * given arena. Limits: QUERY_MAX_BYTES, QUERY_MAX_WORDS words, QUERY_MAX_VALUES values a key.
 */
#pragma once

#include "common/arena.h"
#include "orders.h"
#include "rules.h"

#define QUERY_MAX_BYTES 500
#define QUERY_MAX_WORDS 12
#define QUERY_MAX_VALUES 20

/* Where a word is looked for. */
#define QUERY_FIELDS(X)                                                                            \
    X(ANY, "")                                                                                     \
    X(NUMBER, "number")                                                                            \
    X(EXTERNAL, "external")                                                                        \
    X(CUSTOMER, "customer")                                                                        \
    X(NAME, "name")                                                                                \
    X(EMAIL, "email")                                                                              \
    X(PHONE, "phone")                                                                              \
    X(SKU, "sku")                                                                                  \
    X(ITEM, "item")                                                                                \
    X(TRACKING, "tracking")
#define X(name, key) QUERY_##name,
enum query_field { QUERY_FIELDS(X) QUERY_FIELD_COUNT };
#undef X

struct query_word {
    enum query_field field;
    const char *text; /* canonical (rules_terms.h), never empty */
    const char *raw;  /* as it was typed */
    bool is_whole;    /* it is all of a text and not only part of it */
};
struct query_list {
    const char *values[QUERY_MAX_VALUES];
    size_t count;
};

enum query_holding { HOLDING_ANY, HOLDING_SOME, HOLDING_NONE };

/* Masks: bit n is the status of number n; 0: any. */
struct query {
    struct query_word words[QUERY_MAX_WORDS];
    size_t word_count;
    uint32_t statuses, payment_statuses, fulfillment_statuses, return_statuses;
    struct query_list channels, not_channels, tags, not_tags, holds, currencies, countries;
    enum query_holding holding;
    int64_t placed_from_us;  /* inclusive; 0: any */
    int64_t placed_until_us; /* exclusive; 0: any */
    /* Decimal texts, inclusive, compared in each order's own currency; NULL: any. */
    const char *total_min, *total_max;
};

/* Adds what the text says to the query, which starts as zeros. False: refused, with field. */
bool rules_query_parse(struct arena *arena, const char *text, int64_t now_us, int64_t offset_us,
                       const char *field, struct query *query, struct refusal *no);
/* Adds a word, in its canonical form; nothing for a text without letters and digits. */
bool rules_query_add_word(struct arena *arena, enum query_field field, const char *text,
                          struct query *query, struct refusal *no, const char *request_field);
bool rules_query_add_value(struct query_list *list, const char *value, struct refusal *no,
                           const char *request_field);
