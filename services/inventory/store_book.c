#include "store_book.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "queries.h"

#define BOOK_LIMIT_BYTES (512u << 20)
#define SCRATCH_LIMIT_BYTES (64u << 20)
#define SNAPSHOT_EVERY 200 /* movements of a level */

struct book {
    struct arena *memory;
    struct arena *scratch;
    bool is_loaded; /* places are there; items as they were asked for */
    bool is_unserved;
    int64_t version, position, moved_at_us;
    int32_t last_level_id;
    struct place **places; /* by rank, then code */
    size_t nplaces;
    struct item **slots; /* power of two */
    size_t nslots, nitems;
};

struct ledger_row {
    int64_t version, position, moved_at, next_due;
    int32_t last_level_id;
};
DB_SHAPE(ledger_shape, struct ledger_row, DB_FIELD(struct ledger_row, version, DB_INT64),
         DB_FIELD(struct ledger_row, position, DB_INT64),
         DB_FIELD(struct ledger_row, last_level_id, DB_INT32),
         DB_FIELD(struct ledger_row, moved_at, DB_TIMESTAMP),
         DB_FIELD(struct ledger_row, next_due, DB_TIMESTAMP));

struct place_row {
    const char *code;
    int32_t type, rank;
    bool is_sellable, is_active;
};
DB_SHAPE(place_shape, struct place_row, DB_FIELD(struct place_row, code, DB_TEXT),
         DB_FIELD(struct place_row, type, DB_INT32), DB_FIELD(struct place_row, rank, DB_INT32),
         DB_FIELD(struct place_row, is_sellable, DB_BOOLEAN),
         DB_FIELD(struct place_row, is_active, DB_BOOLEAN));

/* An item with one of its levels, or with none: level_id 0. */
struct item_row {
    const char *sku, *name, *location;
    bool is_active;
    int64_t queued, ahead_limit, ahead_held, promised_at;
    int32_t level_id, moves, selling_ahead;
    int64_t last_position, available, committed, reserved, safety, quality_control, damaged,
        incoming;
};
DB_SHAPE(
    item_shape, struct item_row, DB_FIELD(struct item_row, sku, DB_TEXT),
    DB_FIELD(struct item_row, name, DB_TEXT), DB_FIELD(struct item_row, is_active, DB_BOOLEAN),
    DB_FIELD(struct item_row, queued, DB_INT64), DB_FIELD(struct item_row, selling_ahead, DB_INT32),
    DB_FIELD(struct item_row, ahead_limit, DB_INT64),
    DB_FIELD(struct item_row, ahead_held, DB_INT64),
    DB_FIELD(struct item_row, promised_at, DB_TIMESTAMP),
    DB_FIELD(struct item_row, location, DB_TEXT), DB_FIELD(struct item_row, level_id, DB_INT32),
    DB_FIELD(struct item_row, moves, DB_INT32), DB_FIELD(struct item_row, last_position, DB_INT64),
    DB_FIELD(struct item_row, available, DB_INT64), DB_FIELD(struct item_row, committed, DB_INT64),
    DB_FIELD(struct item_row, reserved, DB_INT64), DB_FIELD(struct item_row, safety, DB_INT64),
    DB_FIELD(struct item_row, quality_control, DB_INT64),
    DB_FIELD(struct item_row, damaged, DB_INT64), DB_FIELD(struct item_row, incoming, DB_INT64));

struct book *book_open(void)
{
    struct book *book = calloc(1, sizeof *book);
    if (book == NULL)
        abort();
    book->memory = arena_open(BOOK_LIMIT_BYTES);
    book->scratch = arena_open(SCRATCH_LIMIT_BYTES);
    return book;
}

void book_close(struct book **book)
{
    if (*book == NULL)
        return;
    arena_close(&(*book)->memory);
    arena_close(&(*book)->scratch);
    free(*book);
    *book = NULL;
}

void book_forget(struct book *book)
{
    book->is_loaded = false;
}

void desk_list_add(struct arena *arena, void *list, size_t *count, size_t *room, void *pointer)
{
    void ***pointers = list;
    if (*count == *room) {
        size_t larger = *room == 0 ? 32 : *room * 2;
        void **moved = ARENA_ARRAY(arena, larger, void *);
        if (*count > 0)
            memcpy(moved, *pointers, *count * sizeof *moved);
        *pointers = moved;
        *room = larger;
    }
    (*pointers)[(*count)++] = pointer;
}

/* ---- what is kept ---- */

static size_t hash_sku(const char *sku)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (const char *c = sku; *c != '\0'; c++)
        hash = (hash ^ (uint8_t)*c) * UINT64_C(1099511628211);
    return (size_t)(hash ^ (hash >> 32));
}

static struct item *find_item(const struct book *book, const char *sku)
{
    struct item *item = book->slots[hash_sku(sku) & (book->nslots - 1)];
    while (item != NULL && strcmp(item->sku, sku) != 0)
        item = item->next;
    return item;
}

static void grow_table(struct book *book)
{
    struct item **old = book->slots;
    size_t nold = book->nslots;
    book->nslots = nold * 2;
    book->slots = ARENA_ARRAY(book->memory, book->nslots, struct item *);
    for (size_t i = 0; i < nold; i++)
        for (struct item *item = old[i], *next; item != NULL; item = next) {
            next = item->next;
            struct item **slot = &book->slots[hash_sku(item->sku) & (book->nslots - 1)];
            item->next = *slot;
            *slot = item;
        }
}

static struct item *add_item(struct book *book, const struct item_row *row)
{
    if (book->nitems >= book->nslots)
        grow_table(book);
    struct item *item = ARENA_NEW(book->memory, struct item);
    item->sku = arena_strdup(book->memory, row->sku);
    item->name = arena_strdup(book->memory, row->name);
    item->is_active = row->is_active;
    item->queued = row->queued;
    item->selling_ahead = (enum selling_ahead)row->selling_ahead;
    item->ahead_limit = row->ahead_limit;
    item->ahead_held = row->ahead_held;
    item->promised_at_us = row->promised_at;
    struct item **slot = &book->slots[hash_sku(row->sku) & (book->nslots - 1)];
    item->next = *slot;
    *slot = item;
    book->nitems++;
    return item;
}

static struct level *add_level(struct book *book, struct item *item, const struct place *place)
{
    struct level **levels = ARENA_ARRAY(book->memory, item->nlevels + 1, struct level *);
    size_t at = 0;
    while (at < item->nlevels && item->levels[at]->place->index < place->index)
        at++;
    if (at > 0)
        memcpy(levels, item->levels, at * sizeof *levels);
    if (at < item->nlevels)
        memcpy(&levels[at + 1], &item->levels[at], (item->nlevels - at) * sizeof *levels);
    levels[at] = ARENA_NEW(book->memory, struct level);
    levels[at]->item = item;
    levels[at]->place = place;
    item->levels = levels;
    item->nlevels++;
    return levels[at];
}

static const struct place *find_place(const struct book *book, const char *code)
{
    for (size_t i = 0; i < book->nplaces; i++)
        if (strcmp(book->places[i]->code, code) == 0)
            return book->places[i];
    return NULL;
}

/* Starts over from the ledger's row, with the places. */
static enum status reload(struct desk *desk, const struct ledger_row *ledger)
{
    struct book *book = desk->book;
    struct place_row *rows;
    size_t count;
    TRY(db_select(desk->db, Q_PLACES, &place_shape, &rows, &count));
    arena_reset(book->memory);
    book->places = ARENA_ARRAY(book->memory, count + 1, struct place *);
    book->nplaces = count;
    for (size_t i = 0; i < count; i++) {
        struct place *place = ARENA_NEW(book->memory, struct place);
        snprintf(place->code, sizeof place->code, "%s", rows[i].code);
        place->rank = rows[i].rank;
        place->type = (enum place_type)rows[i].type;
        place->is_sellable = rows[i].is_sellable;
        place->is_active = rows[i].is_active;
        place->index = i;
        book->places[i] = place;
    }
    book->nslots = 1024;
    book->nitems = 0;
    book->slots = ARENA_ARRAY(book->memory, book->nslots, struct item *);
    book->version = ledger->version;
    book->position = ledger->position;
    book->moved_at_us = ledger->moved_at;
    book->last_level_id = ledger->last_level_id;
    book->is_loaded = true;
    return STATUS_OK;
}

/* ---- the desk ---- */

/* The sets that a desk writes, in the order in which they have to be sent: what others refer to
 * first. A set keeps the place in which a transaction first opened it. */
static void open_sets(struct db *db)
{
    static const int queries_in_order[] = {
        Q_ORDER_INSERT,       Q_ORDER_UPDATE,     Q_LEVEL_INSERT,  Q_LEVEL_UPDATE,
        Q_SNAPSHOT_INSERT,    Q_MOVEMENT_INSERT,  Q_HOLD_INSERT,   Q_HOLD_DELETE,
        Q_RESERVATION_INSERT, Q_RESERVATION_END,  Q_BACKORDER_PUT, Q_BACKORDER_DROP,
        Q_SOURCING_INSERT,    Q_ADJUSTMENT_INSERT};
    for (size_t i = 0; i < sizeof queries_in_order / sizeof *queries_in_order; i++)
        db_columns(db, queries_in_order[i]);
}

enum status desk_open(struct desk *desk, struct db *db, struct arena *arena, struct book *book,
                      int64_t now_us, const char *actor)
{
    *desk = (struct desk){.db = db,
                          .arena = arena,
                          .scratch = book->scratch,
                          .book = book,
                          .now_us = now_us,
                          .actor = actor == NULL || *actor == '\0' ? "system:inventory" : actor};
    open_sets(db);
    struct ledger_row *rows;
    size_t count;
    TRY(db_select(db, Q_LEDGER, &ledger_shape, &rows, &count));
    assert(count == 1);
    desk->next_due_us = rows[0].next_due;
    if (book->is_loaded && book->version == rows[0].version &&
        arena_used(book->memory) < BOOK_BYTES)
        return STATUS_OK;
    return reload(desk, &rows[0]);
}

/* From the first change on, memory is ahead of the row until the transaction has committed. */
static void mark_written(struct desk *desk)
{
    if (!desk->has_written)
        desk->book->version++;
    desk->has_written = true;
}

struct item *desk_item(const struct desk *desk, const char *sku)
{
    return sku == NULL || *sku == '\0' ? NULL : find_item(desk->book, sku);
}

static void take_level(struct desk *desk, struct item *item, const struct item_row *row)
{
    const struct place *place = find_place(desk->book, row->location);
    assert(place != NULL);
    struct level *level = add_level(desk->book, item, place);
    level->id = row->level_id;
    level->moves = row->moves;
    level->last_position = row->last_position;
    level->units[BUCKET_AVAILABLE] = row->available;
    level->units[BUCKET_COMMITTED] = row->committed;
    level->units[BUCKET_RESERVED] = row->reserved;
    level->units[BUCKET_SAFETY] = row->safety;
    level->units[BUCKET_QUALITY_CONTROL] = row->quality_control;
    level->units[BUCKET_DAMAGED] = row->damaged;
    level->units[BUCKET_INCOMING] = row->incoming;
}

void desk_want(struct desk *desk, const char *sku)
{
    if (*sku != '\0' && find_item(desk->book, sku) == NULL)
        desk_list_add(desk->arena, &desk->wanted, &desk->nwanted, &desk->wanted_room,
                      (void *)(uintptr_t)sku);
}

enum status desk_load(struct desk *desk)
{
    struct item_row *rows;
    size_t nrows;
    if (desk->nwanted == 0)
        return STATUS_OK;
    TRY(db_select(desk->db, Q_ITEMS_WITH_LEVELS, &item_shape, &rows, &nrows,
                  db_texts(desk->wanted, desk->nwanted)));
    desk->nwanted = 0;
    for (size_t i = 0; i < nrows; i++) {
        struct item *item = find_item(desk->book, rows[i].sku);
        if (item == NULL)
            item = add_item(desk->book, &rows[i]);
        if (rows[i].level_id != 0)
            take_level(desk, item, &rows[i]);
    }
    return STATUS_OK;
}

struct places desk_places(const struct desk *desk)
{
    return (struct places){desk->book->places, desk->book->nplaces};
}

const struct place *desk_place(const struct desk *desk, const char *code)
{
    return code == NULL ? NULL : find_place(desk->book, code);
}

struct level *desk_level(const struct item *item, const struct place *place)
{
    for (size_t i = 0; i < item->nlevels; i++)
        if (item->levels[i]->place == place)
            return item->levels[i];
    return NULL;
}

struct level *desk_level_at(struct desk *desk, struct item *item, const struct place *place)
{
    struct level *level = desk_level(item, place);
    if (level != NULL)
        return level;
    level = add_level(desk->book, item, place);
    level->id = ++desk->book->last_level_id;
    level->is_new = true;
    level->is_dirty = true;
    mark_written(desk);
    desk_list_add(desk->arena, &desk->dirty, &desk->ndirty, &desk->dirty_room, level);
    return level;
}

void desk_move(struct desk *desk, struct level *level, enum bucket from, enum bucket to,
               int64_t units, struct cause_of cause)
{
    struct book *book = desk->book;
    assert(units > 0 && from != to);
    assert(from == BUCKET_OUTSIDE || level->units[from] >= units);
    if (book->moved_at_us < desk->now_us)
        book->moved_at_us = desk->now_us;
    mark_written(desk);
    book->position++;
    if (from != BUCKET_OUTSIDE)
        level->units[from] -= units;
    if (to != BUCKET_OUTSIDE)
        level->units[to] += units;
    level->moves++;
    db_add(db_columns(desk->db, Q_MOVEMENT_INSERT), db_int(level->id), db_int(book->position),
           db_int(level->last_position), db_int(from), db_int(to), db_int(units),
           db_int(cause.cause), db_int(cause.reason), db_uuid(cause.id), db_time(book->moved_at_us),
           db_text(desk->actor));
    level->last_position = book->position;
    if (!level->is_dirty) {
        level->is_dirty = true;
        desk_list_add(desk->arena, &desk->dirty, &desk->ndirty, &desk->dirty_room, level);
    }
    if (to == BUCKET_AVAILABLE)
        desk_raise(desk, level->item);
}

/* Whether any of it could be given to those who wait. */
static bool has_stock(const struct item *item)
{
    for (size_t i = 0; i < item->nlevels; i++)
        if (place_promises(item->levels[i]->place) && item->levels[i]->units[BUCKET_AVAILABLE] > 0)
            return item->is_active;
    return false;
}

void desk_raise(struct desk *desk, struct item *item)
{
    if (item->queued == 0 || item->is_raised || !has_stock(item))
        return;
    item->is_raised = true;
    desk_list_add(desk->arena, &desk->raised, &desk->nraised, &desk->raised_room, item);
}

struct item **desk_take_raised(struct desk *desk, size_t *count)
{
    struct item **list = desk->raised;
    *count = desk->nraised;
    for (size_t i = 0; i < *count; i++)
        list[i]->is_raised = false;
    desk->raised = NULL;
    desk->nraised = desk->raised_room = 0;
    return list;
}

void book_set_unserved(struct book *book, bool is_unserved)
{
    book->is_unserved = is_unserved;
}

bool book_is_unserved(const struct book *book)
{
    return book->is_unserved;
}

void desk_queue(struct desk *desk, struct item *item, int64_t change)
{
    item->queued += change;
    assert(item->queued >= 0);
    mark_written(desk);
    if (change > 0)
        desk_raise(desk, item);
}

void desk_hold_ahead(struct desk *desk, struct item *item, int64_t change)
{
    item->ahead_held += change;
    assert(item->ahead_held >= 0);
    mark_written(desk);
}

void desk_touch(struct desk *desk)
{
    mark_written(desk);
    book_forget(desk->book);
}

static void write_level(struct desk *desk, struct level *level)
{
    const int64_t *units = level->units;
    int32_t moves = level->moves >= SNAPSHOT_EVERY ? 0 : level->moves;
    if (level->is_new)
        db_add(db_columns(desk->db, Q_LEVEL_INSERT), db_int(level->id), db_text(level->item->sku),
               db_text(level->place->code), db_time(desk->book->moved_at_us),
               db_int(level_on_hand(units)), db_int(units[BUCKET_AVAILABLE]),
               db_int(units[BUCKET_COMMITTED]), db_int(units[BUCKET_RESERVED]),
               db_int(units[BUCKET_SAFETY]), db_int(units[BUCKET_QUALITY_CONTROL]),
               db_int(units[BUCKET_DAMAGED]), db_int(units[BUCKET_INCOMING]), db_int(moves),
               db_int(level->last_position));
    else
        db_add(db_columns(desk->db, Q_LEVEL_UPDATE), db_int(level->id),
               db_int(level_on_hand(units)), db_int(units[BUCKET_AVAILABLE]),
               db_int(units[BUCKET_COMMITTED]), db_int(units[BUCKET_RESERVED]),
               db_int(units[BUCKET_SAFETY]), db_int(units[BUCKET_QUALITY_CONTROL]),
               db_int(units[BUCKET_DAMAGED]), db_int(units[BUCKET_INCOMING]), db_int(moves),
               db_int(level->last_position));
    level->is_new = false;
    level->is_dirty = false;
}

/* After the levels, which they refer to. */
static void write_snapshot(struct desk *desk, struct level *level)
{
    const int64_t *units = level->units;
    db_add(db_columns(desk->db, Q_SNAPSHOT_INSERT), db_int(level->id),
           db_time(desk->book->moved_at_us), db_int(level->last_position),
           db_int(units[BUCKET_AVAILABLE]), db_int(units[BUCKET_COMMITTED]),
           db_int(units[BUCKET_RESERVED]), db_int(units[BUCKET_SAFETY]),
           db_int(units[BUCKET_QUALITY_CONTROL]), db_int(units[BUCKET_DAMAGED]),
           db_int(units[BUCKET_INCOMING]));
    level->moves = 0;
}

enum status desk_write(struct desk *desk)
{
    struct book *book = desk->book;
    if (!desk->has_written)
        return STATUS_OK;
    for (size_t i = 0; i < desk->ndirty; i++)
        write_level(desk, desk->dirty[i]);
    for (size_t i = 0; i < desk->ndirty; i++)
        if (desk->dirty[i]->moves >= SNAPSHOT_EVERY)
            write_snapshot(desk, desk->dirty[i]);
    desk->ndirty = 0;
    desk->has_written = false;
    return db_exec_expect(desk->db, Q_LEDGER_UPDATE, 1, db_int(book->version),
                          db_int(book->position), db_int(book->last_level_id),
                          db_time(book->moved_at_us), db_int(book->version - 1));
}
