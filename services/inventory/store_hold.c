#include "store_hold.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "queries.h"
#include "store_order.h"

#define DUE_AT_ONCE 500

struct hold_row {
    struct uuid hold_id, claim_id, command_key, question_key;
    int64_t expires_at;
    bool is_adopted;
    struct db_bytea decision;
};
DB_SHAPE(hold_shape, struct hold_row, DB_FIELD(struct hold_row, hold_id, DB_UUID),
         DB_FIELD(struct hold_row, claim_id, DB_UUID),
         DB_FIELD(struct hold_row, command_key, DB_UUID),
         DB_FIELD(struct hold_row, question_key, DB_UUID),
         DB_FIELD(struct hold_row, expires_at, DB_TIMESTAMP),
         DB_FIELD(struct hold_row, is_adopted, DB_BOOLEAN),
         DB_FIELD(struct hold_row, decision, DB_BYTEA));

DB_SHAPE(unsettled_shape, struct unsettled_row, DB_FIELD(struct unsettled_row, hold_id, DB_UUID),
         DB_FIELD(struct unsettled_row, command_id, DB_TEXT),
         DB_FIELD(struct unsettled_row, asker, DB_TEXT));

DB_SHAPE(reservation_shape, struct reservation_row,
         DB_FIELD(struct reservation_row, reservation_id, DB_UUID),
         DB_FIELD(struct reservation_row, order_id, DB_UUID),
         DB_FIELD(struct reservation_row, status, DB_INT32),
         DB_FIELD(struct reservation_row, created_at, DB_TIMESTAMP),
         DB_FIELD(struct reservation_row, expires_at, DB_TIMESTAMP),
         DB_FIELD(struct reservation_row, decision, DB_BYTEA),
         DB_FIELD(struct reservation_row, allocated, DB_BYTEA),
         DB_FIELD(struct reservation_row, is_claimed, DB_BOOLEAN));

struct uuid store_key(const char *text)
{
    if (text == NULL || *text == '\0')
        return (struct uuid){{0}};
    return uuid_of_hash(text, strlen(text));
}

/* ---- reading ---- */

static enum status resolve_takes(struct desk *desk, struct hold *hold)
{
    const SourcingDecision *decision = hold->decision;
    size_t room = 0;
    for (size_t i = 0; i < decision->n_lines; i++)
        room += decision->lines[i]->n_allocations;
    hold->takes = ARENA_ARRAY(desk->arena, room + 1, struct take);
    for (size_t i = 0; i < decision->n_lines; i++) {
        const SourcingLine *line = decision->lines[i];
        struct item *item = desk_item(desk, line->sku);
        for (size_t j = 0; j < line->n_allocations; j++) {
            const struct place *place = desk_place(desk, line->allocations[j]->location);
            struct level *level = item && place ? desk_level(item, place) : NULL;
            if (level == NULL) {
                log_error("stock_hold_broken", "A hold names a level that does not exist");
                return STATUS_INTERNAL;
            }
            hold->takes[hold->ntakes++] =
                (struct take){(size_t)line->line, level, line->allocations[j]->quantity};
        }
    }
    return STATUS_OK;
}

static struct hold *hold_of_row(struct desk *desk, const struct hold_row *row)
{
    struct hold *hold = ARENA_NEW(desk->arena, struct hold);
    hold->hold_id = row->hold_id;
    hold->claim_id = uuid_is_nil(&row->claim_id) ? row->hold_id : row->claim_id;
    hold->command_key = row->command_key;
    hold->question_key = row->question_key;
    hold->expires_at_us = row->expires_at;
    hold->is_adopted = row->is_adopted;
    hold->packed = row->decision;
    hold->decision = (SourcingDecision *)protobuf_c_message_unpack(
        &penstock__inventory__v1__sourcing_decision__descriptor, arena_protobuf(desk->arena),
        row->decision.count, row->decision.bytes);
    return hold;
}

/* Rows to holds, with the SKUs that they name in the book. */
static enum status take_rows(struct desk *desk, const struct hold_row *rows, size_t count,
                             struct hold **holds)
{
    for (size_t i = 0; i < count; i++) {
        holds[i] = hold_of_row(desk, &rows[i]);
        if (holds[i]->decision == NULL) {
            log_error("stock_hold_broken", "The decision of a hold cannot be read");
            return STATUS_INTERNAL;
        }
        for (size_t j = 0; j < holds[i]->decision->n_lines; j++)
            desk_want(desk, holds[i]->decision->lines[j]->sku);
    }
    TRY(desk_load(desk));
    for (size_t i = 0; i < count; i++)
        TRY(resolve_takes(desk, holds[i]));
    return STATUS_OK;
}

static void link_hold(struct holds *holds, struct hold *hold)
{
    hold->next = lookup_get(&holds->by_command, &hold->command_key);
    lookup_put(&holds->by_command, &hold->command_key, hold);
}

enum status store_holds_load(struct desk *desk, struct holds *holds,
                             const struct uuid *command_keys, size_t count)
{
    struct hold_row *rows;
    size_t nrows;
    holds->by_command.arena = holds->by_id.arena = desk->arena;
    if (count == 0)
        return STATUS_OK;
    TRY(db_select(desk->db, Q_HOLDS_BY_COMMAND, &hold_shape, &rows, &nrows,
                  db_uuids(command_keys, count)));
    struct hold **list = ARENA_ARRAY(desk->arena, nrows + 1, struct hold *);
    TRY(take_rows(desk, rows, nrows, list));
    for (size_t i = 0; i < nrows; i++)
        link_hold(holds, list[i]);
    return STATUS_OK;
}

enum status store_checkouts_load(struct desk *desk, struct holds *holds, const struct uuid *ids,
                                 size_t count)
{
    struct hold_row *rows;
    size_t nrows;
    holds->by_command.arena = holds->by_id.arena = desk->arena;
    if (count == 0)
        return STATUS_OK;
    TRY(db_select(desk->db, Q_CHECKOUTS_BY_ID, &hold_shape, &rows, &nrows, db_uuids(ids, count)));
    struct hold **list = ARENA_ARRAY(desk->arena, nrows + 1, struct hold *);
    TRY(take_rows(desk, rows, nrows, list));
    for (size_t i = 0; i < nrows; i++)
        lookup_put(&holds->by_id, &list[i]->hold_id, list[i]);
    return STATUS_OK;
}

enum status store_holds_due(struct desk *desk, struct hold ***list, size_t *count)
{
    struct hold_row *rows;
    TRY(db_select(desk->db, Q_HOLDS_DUE, &hold_shape, &rows, count, db_time(desk->now_us),
                  db_int(DUE_AT_ONCE)));
    *list = ARENA_ARRAY(desk->arena, *count + 1, struct hold *);
    return take_rows(desk, rows, *count, *list);
}

struct hold *store_hold_first(const struct holds *holds, const struct uuid *command_key)
{
    return lookup_get(&holds->by_command, command_key);
}

/* ---- writing ---- */

void array_text_add(struct array_text *array, struct arena *arena, int64_t number)
{
    if (array->room - array->used < 24) {
        size_t room = array->room == 0 ? 48 : array->room * 2;
        char *text = arena_alloc(arena, room);
        if (array->used > 0)
            memcpy(text, array->text, array->used);
        array->text = text;
        array->room = room;
    }
    if (array->used == 0)
        array->text[array->used++] = '{';
    else
        array->text[array->used++] = ',';
    char digits[24];
    size_t n = 0;
    assert(number >= 0);
    do {
        digits[n++] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    while (n > 0)
        array->text[array->used++] = digits[--n];
}

const char *array_text_end(struct array_text *array, struct arena *arena)
{
    if (array->used == 0)
        return "{}";
    if (array->room == array->used + 1) {
        char *text = arena_alloc(arena, array->room + 2);
        memcpy(text, array->text, array->used);
        array->text = text;
    }
    array->text[array->used] = '}';
    array->text[array->used + 1] = '\0';
    return array->text;
}

struct arrays {
    const char *lines, *levels, *quantities;
};

static struct arrays arrays_of(struct desk *desk, const struct hold *hold)
{
    struct array_text lines = {0}, levels = {0}, quantities = {0};
    for (size_t i = 0; i < hold->ntakes; i++) {
        array_text_add(&lines, desk->arena, (int64_t)hold->takes[i].line);
        array_text_add(&levels, desk->arena, hold->takes[i].level->id);
        array_text_add(&quantities, desk->arena, hold->takes[i].units);
    }
    return (struct arrays){array_text_end(&lines, desk->arena),
                           array_text_end(&levels, desk->arena),
                           array_text_end(&quantities, desk->arena)};
}

/* What the row says instead of repeating the hold's own id. */
static const struct uuid *claim_of(const struct hold *hold)
{
    return uuid_equal(&hold->claim_id, &hold->hold_id) ? NULL : &hold->claim_id;
}

/* What a hold has of items' limits counts until an order waits for it instead. */
static void hold_ahead(struct desk *desk, const struct hold *hold)
{
    for (size_t i = 0; i < hold->decision->n_lines; i++) {
        const SourcingLine *line = hold->decision->lines[i];
        struct item *item = desk_item(desk, line->sku);
        int64_t units = line->preordered + line->backordered;
        if (units == 0 || item == NULL)
            continue;
        db_add(db_columns(desk->db, Q_AHEAD_HOLD_INSERT), db_uuid(&hold->hold_id),
               db_int((int64_t)i), db_text(line->sku), db_int(units));
        desk_hold_ahead(desk, item, units);
    }
}

static void end_ahead(struct desk *desk, const struct hold *hold)
{
    bool had_any = false;
    for (size_t i = 0; i < hold->decision->n_lines; i++) {
        const SourcingLine *line = hold->decision->lines[i];
        struct item *item = desk_item(desk, line->sku);
        int64_t units = line->preordered + line->backordered;
        if (units == 0 || item == NULL)
            continue;
        desk_hold_ahead(desk, item, -units);
        had_any = true;
    }
    if (had_any)
        db_add(db_columns(desk->db, Q_AHEAD_HOLD_DELETE), db_uuid(&hold->hold_id));
}

void store_hold_insert(struct desk *desk, struct holds *holds, struct hold *hold)
{
    hold->packed = store_pack(desk->arena, &hold->decision->base);
    struct arrays arrays = arrays_of(desk, hold);
    bool is_claimed = !uuid_is_nil(&hold->command_key);
    db_add(db_columns(desk->db, Q_HOLD_INSERT), db_uuid(&hold->hold_id), db_uuid(claim_of(hold)),
           db_uuid(&hold->command_key), db_uuid(&hold->question_key), db_text(hold->command_id),
           db_text(hold->asker), db_time(hold->asked_at_us), db_time(hold->expires_at_us),
           db_time(is_claimed ? 0 : hold->expires_at_us),
           db_bytes(hold->packed.bytes, hold->packed.count), db_text(arrays.lines),
           db_text(arrays.levels), db_text(arrays.quantities));
    if (is_claimed)
        link_hold(holds, hold);
    hold_ahead(desk, hold);
}

void store_hold_delete(struct desk *desk, struct hold *hold)
{
    hold->is_gone = true;
    db_add(db_columns(desk->db, Q_HOLD_DELETE), db_uuid(&hold->hold_id));
    end_ahead(desk, hold);
}

enum status store_hold_claim(struct desk *desk, struct holds *holds, struct hold *hold)
{
    hold->packed = store_pack(desk->arena, &hold->decision->base);
    struct arrays arrays = arrays_of(desk, hold);
    bool is_claimed = !uuid_is_nil(&hold->command_key);
    if (is_claimed)
        link_hold(holds, hold);
    return db_exec_expect(desk->db, Q_HOLD_CLAIM, 1, db_uuid(&hold->hold_id),
                          db_uuid(claim_of(hold)), db_uuid(&hold->command_key),
                          db_uuid(&hold->question_key), db_text(hold->command_id),
                          db_text(hold->asker), db_time(hold->asked_at_us),
                          db_time(is_claimed ? 0 : hold->expires_at_us),
                          db_bytes(hold->packed.bytes, hold->packed.count), db_text(arrays.lines),
                          db_text(arrays.levels), db_text(arrays.quantities));
}

enum status store_unsettled(struct db *db, int64_t before_us, size_t room,
                            struct unsettled_row **rows, size_t *count)
{
    return db_select(db, Q_HOLDS_UNSETTLED, &unsettled_shape, rows, count, db_time(before_us),
                     db_int((int64_t)room));
}

/* ---- reservations ---- */

enum status store_reservation(struct db *db, const struct uuid *id, struct reservation_row **row)
{
    struct reservation_row *rows;
    size_t count;
    TRY(db_select(db, Q_RESERVATION, &reservation_shape, &rows, &count, db_uuid(id)));
    *row = count == 0 ? NULL : rows;
    return STATUS_OK;
}

void store_reservation_insert(struct desk *desk, const struct hold *hold)
{
    db_add(db_columns(desk->db, Q_RESERVATION_INSERT), db_uuid(&hold->hold_id),
           db_int(RESERVATION_HELD), db_time(desk->now_us), db_time(hold->expires_at_us),
           db_bytes(hold->packed.bytes, hold->packed.count));
}

enum status store_reservation_extend(struct db *db, const struct uuid *id, int64_t expires_at_us)
{
    TRY(db_exec_expect(db, Q_HOLD_EXTEND, 1, db_uuid(id), db_time(expires_at_us)));
    return db_exec_expect(db, Q_RESERVATION_EXTEND, 1, db_uuid(id), db_time(expires_at_us));
}

void store_reservation_end(struct desk *desk, const struct uuid *id, enum reservation_state state,
                           const struct uuid *order_id)
{
    db_add(db_columns(desk->db, Q_RESERVATION_END), db_uuid(id), db_int(state), db_uuid(order_id));
}
