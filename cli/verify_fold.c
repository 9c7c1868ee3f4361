/* verify_fold.c -- slices, tables, and the walk over the logs. */
#include "cli/verify_fold.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "verify_queries.h"

#define ARENA_BYTES (UINT64_C(4) << 30)
#define SLICES_MOST 256 /* two hexadecimal digits */

/* ---- tables: chained, of fixed width, keyed by ids that are random at their end ---- */

static size_t hash_of(const struct uuid *id)
{
    uint64_t tail;
    memcpy(&tail, id->bytes + 8, sizeof(tail));
    return (size_t)((tail ^ (tail >> 32)) * UINT64_C(0x9e3779b97f4a7c15) >> 17);
}

struct fold_order *fold_order(struct fold *fold, const struct uuid *id, bool make)
{
    struct fold_order **slot = &fold->orders[hash_of(id) % fold->nslots];
    for (struct fold_order *order = *slot; order != NULL; order = order->next)
        if (uuid_equal(&order->id, id))
            return order;
    if (!make)
        return NULL;
    struct fold_order *order = ARENA_NEW(fold->arena, struct fold_order);
    order->id = *id;
    order->number = order->waits = "";
    order->next = *slot;
    *slot = order;
    fold->count++;
    return order;
}

struct fold_line *fold_line(struct fold *fold, struct fold_order *order, const struct uuid *id,
                            bool make)
{
    for (size_t i = 0; i < order->nlines; i++)
        if (uuid_equal(&order->lines[i].id, id))
            return &order->lines[i];
    if (!make)
        return NULL;
    if (order->nlines == order->room) {
        size_t room = order->room * 2 + 2;
        struct fold_line *lines = ARENA_ARRAY(fold->arena, room, struct fold_line);
        if (order->nlines > 0)
            memcpy(lines, order->lines, order->nlines * sizeof(*lines));
        order->lines = lines;
        order->room = room;
    }
    struct fold_line *line = &order->lines[order->nlines++];
    *line = (struct fold_line){.id = *id,
                               .allocated_orders = NOT_TOLD,
                               .allocated_fulfillment = NOT_TOLD,
                               .allocated = NOT_TOLD};
    return line;
}

static void table_open(struct fold_table *table, struct arena *arena, size_t nslots)
{
    *table = (struct fold_table){arena, ARENA_ARRAY(arena, nslots, struct fold_entry *), nslots, 0};
}

struct fold_entry *fold_entry(struct fold_table *table, const struct uuid *id, int32_t a, int32_t b,
                              bool make)
{
    struct fold_entry **slot = &table->slots[(hash_of(id) + (size_t)a) % table->nslots];
    for (struct fold_entry *entry = *slot; entry != NULL; entry = entry->next)
        if (entry->a == a && entry->b == b && uuid_equal(&entry->id, id))
            return entry;
    if (!make)
        return NULL;
    struct fold_entry *entry = ARENA_NEW(table->arena, struct fold_entry);
    entry->id = *id;
    entry->a = a;
    entry->b = b;
    entry->next = *slot;
    *slot = entry;
    table->count++;
    return entry;
}

/* ---- levels ---- */

DB_SHAPE(level_shape, struct fold_level, DB_FIELD_AS(struct fold_level, id, "level_id", DB_INT32),
         DB_FIELD(struct fold_level, sku, DB_TEXT), DB_FIELD(struct fold_level, location, DB_TEXT));

static int compare_levels(const void *left, const void *right)
{
    const struct fold_level *a = left, *b = right;
    int by_sku = strcmp(a->sku, b->sku);
    return by_sku != 0 ? by_sku : strcmp(a->location, b->location);
}

int32_t fold_level(const struct fold *fold, const char *sku, const char *location)
{
    struct fold_level key = {.sku = sku, .location = location};
    const struct fold_level *found = fold->nlevels == 0 ? NULL
                                                        : bsearch(&key, fold->levels, fold->nlevels,
                                                                  sizeof(key), compare_levels);
    return found != NULL ? found->id : 0;
}

static enum status load_levels(struct fold *fold)
{
    db_use_arena(fold->verify->db, fold->whole);
    enum status status =
        db_select(fold->verify->db, V_FOLD_LEVELS, &level_shape, &fold->levels, &fold->nlevels);
    db_use_arena(fold->verify->db, fold->verify->arena);
    if (status == STATUS_OK && fold->nlevels > 0)
        qsort(fold->levels, fold->nlevels, sizeof(*fold->levels), compare_levels);
    return status;
}

/* ---- cursors, parked keys, holds ---- */

static const char *const service_words[FOLD_COUNT] = {
#define X(name, word) [FOLD_##name] = word,
    FOLD_SERVICES(X)
#undef X
};

static int service_of(const char *word)
{
    for (int i = 0; i < FOLD_COUNT; i++)
        if (strcmp(service_words[i], word) == 0)
            return i;
    return -1;
}

struct cursor_row {
    const char *consumer, *source;
    int64_t position;
};
DB_SHAPE(cursor_shape, struct cursor_row, DB_FIELD(struct cursor_row, consumer, DB_TEXT),
         DB_FIELD(struct cursor_row, source, DB_TEXT),
         DB_FIELD(struct cursor_row, position, DB_INT64));

static enum status load_cursors(struct fold *fold)
{
    struct cursor_row *rows;
    size_t count;
    arena_reset(fold->verify->arena);
    TRY(db_select(fold->verify->db, V_FOLD_CURSORS, &cursor_shape, &rows, &count));
    for (size_t i = 0; i < count; i++) {
        int consumer = service_of(rows[i].consumer), log = service_of(rows[i].source);
        if (consumer >= 0 && log >= 0)
            fold->cursors[consumer][log] = rows[i].position;
    }
    return STATUS_OK;
}

struct parked_row {
    const char *consumer, *key;
};
DB_SHAPE(parked_shape, struct parked_row, DB_FIELD(struct parked_row, consumer, DB_TEXT),
         DB_FIELD(struct parked_row, key, DB_TEXT));

bool fold_has(const struct fold *fold, const struct uuid *id)
{
    char text[UUID_TEXT_BYTES];
    const char *tail = uuid_text(id, text) + UUID_TEXT_BYTES - 3;
    return strcmp(tail, fold->from) >= 0 && strcmp(tail, fold->to) < 0;
}

static enum status load_parked(struct fold *fold)
{
    struct parked_row *rows;
    size_t count;
    struct uuid id;
    if (fold->verify->sizes.parked == 0)
        return STATUS_OK;
    arena_reset(fold->verify->arena);
    TRY(db_select(fold->verify->db, V_FOLD_PARKED, &parked_shape, &rows, &count));
    for (size_t i = 0; i < count; i++) {
        int consumer = service_of(rows[i].consumer);
        if (consumer >= 0 && uuid_parse(rows[i].key, &id) && fold_has(fold, &id))
            fold_order(fold, &id, true)->parked |= 1u << consumer;
    }
    return STATUS_OK;
}

struct hold_row {
    struct uuid hold_id, known_as;
};
DB_SHAPE(hold_shape, struct hold_row, DB_FIELD(struct hold_row, hold_id, DB_UUID),
         DB_FIELD(struct hold_row, known_as, DB_UUID));

static enum status load_holds(struct fold *fold, int query, struct fold_table *table)
{
    struct hold_row *rows;
    size_t count;
    arena_reset(fold->verify->arena);
    TRY(db_select(fold->verify->db, query, &hold_shape, &rows, &count));
    table_open(table, fold->whole, count + 1);
    for (size_t i = 0; i < count; i++)
        fold_entry(table, &rows[i].known_as, 0, 0, true);
    return STATUS_OK;
}

/* ---- the walk ---- */

DB_SHAPE(event_shape, struct fold_event, DB_FIELD(struct fold_event, position, DB_INT64),
         DB_FIELD(struct fold_event, type, DB_TEXT), DB_FIELD(struct fold_event, key, DB_TEXT),
         DB_FIELD(struct fold_event, payload, DB_BYTEA));

static const struct log {
    enum fold_service service;
    int query;
    bool (*apply)(struct fold *fold, const struct fold_event *event);
} logs[] = {
    {FOLD_ORDERS, V_FOLD_LOG_ORDERS, fold_orders_event},
    {FOLD_INVENTORY, V_FOLD_LOG_INVENTORY, fold_inventory_event},
    {FOLD_FULFILLMENT, V_FOLD_LOG_FULFILLMENT, fold_fulfillment_event},
    {FOLD_RETURNS, V_FOLD_LOG_RETURNS, fold_returns_event},
};

static enum status walk_page(struct fold *fold, const struct log *log, int64_t after, int64_t last)
{
    struct fold_event *events;
    size_t count;
    arena_reset(fold->verify->arena);
    TRY(db_select(fold->verify->db, log->query, &event_shape, &events, &count, db_int(after),
                  db_int(last), db_text(fold->from), db_text(fold->to)));
    for (size_t i = 0; i < count; i++)
        if (!log->apply(fold, &events[i]))
            verify_differ(fold->verify, INVARIANT_EVENT_EFFECT,
                          "event %lld of %s (%s, key %s) cannot be read",
                          (long long)events[i].position, service_words[log->service],
                          events[i].type, events[i].key);
    return STATUS_OK;
}

static enum status walk(struct fold *fold, const struct log *log, int slices)
{
    int64_t head = fold->cursors[log->service][log->service];
    int64_t width = (int64_t)VERIFY_PAGE * slices;
    for (int64_t after = 0; after < head; after += width) {
        int64_t last = after + width < head ? after + width : head;
        TRY(walk_page(fold, log, after, last));
        verify_progress(fold->verify, "event.effect: orders %s..%s, the log of %s, %lld of %lld",
                        fold->from, fold->to, service_words[log->service], (long long)last,
                        (long long)head);
    }
    return STATUS_OK;
}

/* ---- a slice ---- */

static void open_pass(struct fold *fold)
{
    arena_reset(fold->arena);
    fold->nslots = 2 * VERIFY_ORDERS_A_PASS;
    fold->orders = ARENA_ARRAY(fold->arena, fold->nslots, struct fold_order *);
    fold->count = 0;
    table_open(&fold->shipped, fold->arena, fold->nslots);
    table_open(&fold->returns, fold->arena, fold->nslots / 8);
    table_open(&fold->inspections, fold->arena, fold->nslots / 8);
    table_open(&fold->own_inspections, fold->arena, fold->nslots / 8);
}

static enum status run_slice(struct fold *fold, int slices)
{
    open_pass(fold);
    TRY(load_parked(fold));
    for (size_t i = 0; i < sizeof(logs) / sizeof(logs[0]); i++)
        TRY(walk(fold, &logs[i], slices));
    TRY(fold_judge_orders(fold));
    TRY(fold_judge_inventory(fold));
    TRY(fold_judge_fulfillment(fold));
    TRY(fold_judge_returns(fold));
    return fold_judge_notify(fold);
}

static enum status run_slices(struct fold *fold)
{
    char from[8], to[8];
    int64_t wanted = fold->verify->sizes.orders / VERIFY_ORDERS_A_PASS + 1;
    int slices = wanted < SLICES_MOST ? (int)wanted : SLICES_MOST;
    fold->from = from;
    fold->to = to;
    for (int i = 0; i < slices; i++) {
        snprintf(from, sizeof(from), "%02x", (unsigned)(i * SLICES_MOST / slices));
        snprintf(to, sizeof(to), "%02x", (unsigned)((i + 1) * SLICES_MOST / slices));
        /* Keys that end otherwise go with the first or the last. */
        if (i == 0)
            from[0] = '\0';
        if (i == slices - 1)
            snprintf(to, sizeof(to), "%s", "~~~");
        TRY(run_slice(fold, slices));
    }
    return fold_judge_whole(fold);
}

enum status verify_fold(struct verify *verify)
{
    struct fold fold = {
        .verify = verify, .arena = arena_open(ARENA_BYTES), .whole = arena_open(ARENA_BYTES)};
    table_open(&fold.restocked, fold.whole, VERIFY_ORDERS_A_PASS);
    enum status status = load_cursors(&fold);
    if (status == STATUS_OK)
        status = load_levels(&fold);
    if (status == STATUS_OK)
        status = load_holds(&fold, V_FOLD_HOLDS, &fold.holds);
    if (status == STATUS_OK)
        status = load_holds(&fold, V_FOLD_STOPS, &fold.stops);
    if (status == STATUS_OK)
        status = run_slices(&fold);
    arena_close(&fold.arena);
    arena_close(&fold.whole);
    return status;
}
