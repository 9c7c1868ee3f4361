#include "find_rows.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "queries.h"
#include "rules_terms.h"
#include "wire.h"

/* Shorter beginnings of a tracking number name too many parcels. */
#define MIN_TRACKING 6

/* ---- keys ---- */

DB_SHAPE(key_shape, struct order_key, DB_FIELD(struct order_key, order_id, DB_UUID),
         DB_FIELD_AS(struct order_key, placed_at_us, "placed_at", DB_TIMESTAMP));

enum status find_keys(struct db *db, int query, const struct order_key *beyond, size_t room,
                      struct order_key **keys, size_t *count)
{
    return db_select(db, query, &key_shape, keys, count, db_time(beyond->placed_at_us),
                     db_uuid(&beyond->order_id), db_int((int64_t)room));
}

enum status find_keys_by_tag(struct db *db, bool is_oldest_first, const struct query_list *tags,
                             const struct order_key *beyond, size_t room, struct order_key **keys,
                             size_t *count)
{
    return db_select(db, is_oldest_first ? Q_LIST_BY_TAG_OLDEST : Q_LIST_BY_TAG_NEWEST, &key_shape,
                     keys, count, db_time(beyond->placed_at_us), db_uuid(&beyond->order_id),
                     db_int((int64_t)room), db_texts(tags->values, tags->count));
}

DB_SHAPE(combination_shape, struct find_combination,
         DB_FIELD(struct find_combination, channel, DB_TEXT),
         DB_FIELD(struct find_combination, status, DB_INT64),
         DB_FIELD(struct find_combination, payment_status, DB_INT64),
         DB_FIELD(struct find_combination, fulfillment_status, DB_INT64));

enum status find_combinations(struct db *db, const struct query *query,
                              struct find_combinations *combinations)
{
    /* '~' comes after every character of a channel's name. */
    const char *first = "", *last = "~";
    const struct query_list *channels = &query->channels;
    for (size_t i = 0; i < channels->count; i++) {
        const char *name = channels->values[i];
        first = i == 0 || strcmp(name, first) < 0 ? name : first;
        last = i == 0 || strcmp(name, last) > 0 ? name : last;
    }
    return db_select(db, Q_LIST_COMBINATIONS, &combination_shape, &combinations->list,
                     &combinations->count, db_text(first), db_text(last), db_int(query->statuses),
                     db_int(query->payment_statuses), db_int(query->fulfillment_statuses),
                     channels->count > 0 ? db_texts(channels->values, channels->count) : db_null());
}

enum status find_keys_by_status(struct db *db, struct arena *arena, bool is_oldest_first,
                                const struct find_combinations *combinations,
                                const struct order_key *beyond, size_t room,
                                struct order_key **keys, size_t *count)
{
    size_t used = combinations->count;
    const char **channels = ARENA_ARRAY(arena, used, const char *);
    int64_t *statuses[3];
    for (size_t i = 0; i < 3; i++)
        statuses[i] = ARENA_ARRAY(arena, used, int64_t);
    for (size_t i = 0; i < used; i++) {
        const struct find_combination *it = &combinations->list[i];
        channels[i] = it->channel;
        statuses[0][i] = it->status;
        statuses[1][i] = it->payment_status;
        statuses[2][i] = it->fulfillment_status;
    }
    return db_select(db, is_oldest_first ? Q_LIST_BY_STATUS_OLDEST : Q_LIST_BY_STATUS_NEWEST,
                     &key_shape, keys, count, db_texts(channels, used), db_ints(statuses[0], used),
                     db_ints(statuses[1], used), db_ints(statuses[2], used),
                     db_time(beyond->placed_at_us), db_uuid(&beyond->order_id),
                     db_int((int64_t)room));
}

/* ---- what a word names outright ---- */

DB_SHAPE(tracking_shape, struct find_tracking, DB_FIELD(struct find_tracking, order_id, DB_UUID),
         DB_FIELD_AS(struct find_tracking, placed_at_us, "placed_at", DB_TIMESTAMP),
         DB_FIELD(struct find_tracking, tracking, DB_TEXT));

static char *upper(struct arena *arena, const char *text)
{
    char *copy = arena_strdup(arena, text);
    for (char *s = copy; *s != '\0'; s++) {
        if (*s >= 'a' && *s <= 'z')
            *s = (char)(*s - 'a' + 'A');
    }
    return copy;
}

static enum status find_exact_word(struct db *db, struct arena *arena,
                                   const struct query_word *word, struct find_tracking **rows,
                                   size_t *count)
{
    bool may_track = (word->field == QUERY_ANY || word->field == QUERY_TRACKING) &&
                     strlen(word->text) >= MIN_TRACKING;
    const char *from = may_track ? word->text : "";
    /* No canonical text has a character beyond this one. */
    const char *until = may_track ? arena_printf(arena, "%s\xf4\x8f\xbf\xbf", word->text) : "";
    bool may_name = word->field == QUERY_ANY || word->field == QUERY_NUMBER;
    const char *number = may_name ? upper(arena, word->raw) : "";
    const char *external =
        word->field == QUERY_ANY || word->field == QUERY_EXTERNAL ? word->raw : "";
    *count = 0;
    if (number[0] == '\0' && external[0] == '\0' && !may_track)
        return STATUS_OK;
    return db_select(db, Q_FIND_EXACT, &tracking_shape, rows, count, db_text(number),
                     db_text(external), db_text(from), db_text(until));
}

enum status find_exact(struct db *db, struct arena *arena, const struct query *query,
                       struct find_trackings *trackings, struct order_key **keys, size_t *count)
{
    struct find_tracking *rows[QUERY_MAX_WORDS];
    size_t counts[QUERY_MAX_WORDS], all = 0;
    for (size_t i = 0; i < query->word_count; i++) {
        TRY(find_exact_word(db, arena, &query->words[i], &rows[i], &counts[i]));
        all += counts[i];
    }
    *trackings = (struct find_trackings){ARENA_ARRAY(arena, all, struct find_tracking), 0};
    *keys = ARENA_ARRAY(arena, all, struct order_key);
    *count = all;
    for (size_t i = 0; i < query->word_count; i++) {
        for (size_t j = 0; j < counts[i]; j++) {
            (*keys)[trackings->count] =
                (struct order_key){rows[i][j].order_id, rows[i][j].placed_at_us};
            trackings->list[trackings->count++] = rows[i][j];
        }
    }
    return STATUS_OK;
}

/* ---- marks: what is compared as it stands in the row ---- */

struct mark {
    struct uuid order_id;
    int64_t status, payment_status, fulfillment_status, return_status, hold_count, current_total;
    int64_t placed_at_us;
    const char *channel, *currency, *country;
};
DB_SHAPE(mark_shape, struct mark, DB_FIELD(struct mark, order_id, DB_UUID),
         DB_FIELD_AS(struct mark, placed_at_us, "placed_at", DB_TIMESTAMP),
         DB_FIELD(struct mark, status, DB_INT64), DB_FIELD(struct mark, payment_status, DB_INT64),
         DB_FIELD(struct mark, fulfillment_status, DB_INT64),
         DB_FIELD(struct mark, return_status, DB_INT64),
         DB_FIELD(struct mark, hold_count, DB_INT64),
         DB_FIELD(struct mark, current_total, DB_INT64), DB_FIELD(struct mark, channel, DB_TEXT),
         DB_FIELD(struct mark, currency, DB_TEXT), DB_FIELD(struct mark, country, DB_TEXT));

struct word_row {
    struct uuid order_id;
    const char *word;
};
DB_SHAPE(word_shape, struct word_row, DB_FIELD(struct word_row, order_id, DB_UUID),
         DB_FIELD(struct word_row, word, DB_TEXT));

static bool in_list(const struct query_list *list, const char *value)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcasecmp(list->values[i], value) == 0)
            return true;
    }
    return false;
}

static bool in_mask(uint32_t mask, int64_t number)
{
    return mask == 0 || (mask >> number & 1) != 0;
}

/* Of the decimal text in this currency; digits beyond its minor unit are dropped. */
static int64_t minor_of(const char *text, const char *currency)
{
    int64_t minor = 0;
    int exponent = money_exponent(currency);
    for (; *text >= '0' && *text <= '9'; text++)
        minor = minor * 10 + (*text - '0');
    text += *text == '.';
    for (; exponent > 0; exponent--) {
        minor *= 10;
        if (*text >= '0' && *text <= '9')
            minor += *text++ - '0';
    }
    return minor;
}

static bool mark_fits(const struct query *query, const struct mark *mark)
{
    if (query->holding != HOLDING_ANY && (query->holding == HOLDING_SOME) != (mark->hold_count > 0))
        return false;
    if (query->total_min != NULL &&
        mark->current_total < minor_of(query->total_min, mark->currency))
        return false;
    if (query->total_max != NULL &&
        mark->current_total > minor_of(query->total_max, mark->currency))
        return false;
    if (mark->placed_at_us < query->placed_from_us ||
        (query->placed_until_us > 0 && mark->placed_at_us >= query->placed_until_us))
        return false;
    return in_mask(query->statuses, mark->status) &&
           in_mask(query->payment_statuses, mark->payment_status) &&
           in_mask(query->fulfillment_statuses, mark->fulfillment_status) &&
           in_mask(query->return_statuses, mark->return_status) &&
           (query->channels.count == 0 || in_list(&query->channels, mark->channel)) &&
           !in_list(&query->not_channels, mark->channel) &&
           (query->currencies.count == 0 || in_list(&query->currencies, mark->currency)) &&
           (query->countries.count == 0 || in_list(&query->countries, mark->country));
}

static int by_order(const void *id, const void *row)
{
    return uuid_compare(id, row);
}

/* Whether the order has one of the words; rows are sorted by order. */
static bool has_word(const struct word_row *rows, size_t count, const struct uuid *id,
                     const struct query_list *list)
{
    const struct word_row *at =
        count > 0 ? bsearch(id, rows, count, sizeof(*rows), by_order) : NULL;
    if (at == NULL)
        return false;
    while (at > rows && uuid_equal(&at[-1].order_id, id))
        at--;
    for (; at < rows + count && uuid_equal(&at->order_id, id); at++) {
        if (in_list(list, at->word))
            return true;
    }
    return false;
}

static enum status compare_list(struct db *db, int query, const struct query_list *list,
                                bool wanted, const struct uuid *ids, size_t count, bool *fits)
{
    struct word_row *rows;
    size_t found;
    if (list->count == 0)
        return STATUS_OK;
    TRY(db_select(db, query, &word_shape, &rows, &found, db_uuids(ids, count)));
    for (size_t i = 0; i < count; i++)
        fits[i] = fits[i] && has_word(rows, found, &ids[i], list) == wanted;
    return STATUS_OK;
}

enum status find_compare_marks(struct db *db, struct arena *arena, const struct query *query,
                               const struct uuid *ids, size_t count, bool *fits)
{
    struct mark *marks;
    size_t found;
    (void)arena;
    TRY(db_select(db, Q_FIND_MARKS, &mark_shape, &marks, &found, db_uuids(ids, count)));
    for (size_t i = 0; i < count; i++) {
        const struct mark *mark =
            found > 0 ? bsearch(&ids[i], marks, found, sizeof(*marks), by_order) : NULL;
        fits[i] = fits[i] && mark != NULL && mark_fits(query, mark);
    }
    TRY(compare_list(db, Q_FIND_TAGS, &query->tags, true, ids, count, fits));
    TRY(compare_list(db, Q_FIND_TAGS, &query->not_tags, false, ids, count, fits));
    return compare_list(db, Q_FIND_HOLDS, &query->holds, true, ids, count, fits);
}

/* ---- texts ---- */

struct head_row {
    struct uuid id;
    int64_t placed_at_us;
    const char *number, *external_id, *external_number, *customer_id, *customer_external_id;
    const char *customer_name, *email, *phone;
    struct db_bytea details;
};
#define HEAD_TEXT(member) DB_FIELD(struct head_row, member, DB_TEXT)
DB_SHAPE(head_shape, struct head_row, DB_FIELD(struct head_row, id, DB_UUID),
         DB_FIELD_AS(struct head_row, placed_at_us, "placed_at", DB_TIMESTAMP), HEAD_TEXT(number),
         HEAD_TEXT(external_id), HEAD_TEXT(external_number), HEAD_TEXT(customer_id),
         HEAD_TEXT(customer_external_id), HEAD_TEXT(customer_name), HEAD_TEXT(email),
         HEAD_TEXT(phone), DB_FIELD(struct head_row, details, DB_BYTEA));

struct item_row {
    struct uuid order_id;
    const char *sku, *name;
};
DB_SHAPE(item_shape, struct item_row, DB_FIELD(struct item_row, order_id, DB_UUID),
         DB_FIELD(struct item_row, sku, DB_TEXT), DB_FIELD(struct item_row, name, DB_TEXT));

#define HEAD_TEXTS 10

static void add_text(struct arena *arena, struct find_texts *texts, enum query_field field,
                     const char *text)
{
    assert(texts->count < texts->room);
    if (text != NULL && text[0] != '\0')
        texts->list[texts->count++] = (struct find_text){field, terms_canonical(arena, text)};
}

/* Who it goes to may be another than who bought it. */
static void add_recipient(struct arena *arena, struct find_texts *texts,
                          const struct head_row *head)
{
    const OrderDetails *details = (const OrderDetails *)(const void *)protobuf_c_message_unpack(
        &penstock__orders__v1__order_details__descriptor, arena_protobuf(arena),
        head->details.count, head->details.bytes);
    if (details == NULL || details->shipping_address == NULL)
        return;
    if (strcmp(details->shipping_address->name, head->customer_name) != 0)
        add_text(arena, texts, QUERY_NAME, details->shipping_address->name);
    if (strcmp(details->shipping_address->phone, head->phone) != 0)
        add_text(arena, texts, QUERY_PHONE, details->shipping_address->phone);
}

static void add_head(struct arena *arena, struct find_texts *texts, const struct head_row *head,
                     size_t item_count)
{
    texts->key = (struct order_key){head->id, head->placed_at_us};
    texts->room = HEAD_TEXTS + 2 * item_count;
    texts->list = ARENA_ARRAY(arena, texts->room, struct find_text);
    add_text(arena, texts, QUERY_NUMBER, head->number);
    add_text(arena, texts, QUERY_EXTERNAL, head->external_id);
    add_text(arena, texts, QUERY_EXTERNAL, head->external_number);
    add_text(arena, texts, QUERY_NAME, head->customer_name);
    add_text(arena, texts, QUERY_EMAIL, head->email);
    add_text(arena, texts, QUERY_PHONE, head->phone);
    add_text(arena, texts, QUERY_CUSTOMER, head->customer_id);
    add_text(arena, texts, QUERY_CUSTOMER, head->customer_external_id);
    add_recipient(arena, texts, head);
}

enum status find_load_texts(struct db *db, struct arena *arena, const struct uuid *ids,
                            size_t count, struct find_texts **texts, size_t *found)
{
    struct head_row *heads;
    struct item_row *items;
    size_t item_count, next = 0;
    TRY(db_select(db, Q_SEARCH_HEADS, &head_shape, &heads, found, db_uuids(ids, count)));
    TRY(db_select(db, Q_SEARCH_LINES, &item_shape, &items, &item_count, db_uuids(ids, count)));
    *texts = ARENA_ARRAY(arena, *found, struct find_texts);
    for (size_t i = 0; i < *found; i++) {
        struct find_texts *it = &(*texts)[i];
        size_t last = next;
        while (last < item_count && uuid_equal(&items[last].order_id, &heads[i].id))
            last++;
        add_head(arena, it, &heads[i], last - next);
        for (; next < last; next++) {
            add_text(arena, it, QUERY_SKU, items[next].sku);
            add_text(arena, it, QUERY_ITEM, items[next].name);
        }
    }
    return STATUS_OK;
}

/* ---- words ---- */

static bool is_of(enum query_field asked, enum query_field field)
{
    bool is_customers = field == QUERY_NAME || field == QUERY_EMAIL || field == QUERY_PHONE ||
                        field == QUERY_CUSTOMER;
    return asked == QUERY_ANY || asked == field || (asked == QUERY_CUSTOMER && is_customers);
}

static bool word_fits(const struct query_word *word, const struct find_texts *texts,
                      const struct find_trackings *trackings)
{
    for (size_t i = 0; i < texts->count; i++) {
        const char *text = texts->list[i].canonical;
        if (is_of(word->field, texts->list[i].field) &&
            (word->is_whole ? strcmp(text, word->text) == 0 : strstr(text, word->text) != NULL))
            return true;
    }
    bool may_track = word->field == QUERY_ANY || word->field == QUERY_TRACKING;
    for (size_t i = 0; i < trackings->count && may_track; i++) {
        const struct find_tracking *it = &trackings->list[i];
        if (uuid_equal(&it->order_id, &texts->key.order_id) &&
            strncmp(it->tracking, word->text, strlen(word->text)) == 0)
            return true;
    }
    return false;
}

static int by_key(const void *id, const void *texts)
{
    return uuid_compare(id, &((const struct find_texts *)texts)->key.order_id);
}

enum status find_compare_words(struct db *db, struct arena *arena, const struct query *query,
                               const struct find_trackings *trackings, const struct uuid *ids,
                               size_t count, bool *fits)
{
    struct uuid *asked = ARENA_ARRAY(arena, count, struct uuid);
    struct find_texts *texts;
    size_t asked_count = 0, found;
    for (size_t i = 0; i < count; i++) {
        if (fits[i])
            asked[asked_count++] = ids[i];
    }
    if (asked_count == 0)
        return STATUS_OK;
    TRY(find_load_texts(db, arena, asked, asked_count, &texts, &found));
    for (size_t i = 0; i < count; i++) {
        const struct find_texts *it =
            fits[i] && found > 0 ? bsearch(&ids[i], texts, found, sizeof(*texts), by_key) : NULL;
        fits[i] = it != NULL;
        for (size_t w = 0; w < query->word_count && fits[i]; w++)
            fits[i] = word_fits(&query->words[w], it, trackings);
    }
    return STATUS_OK;
}
