#include "store_family.h"

#include "queries.h"

struct family_row {
    struct uuid root_id, order_id, parent_id;
    int32_t letter;
};
DB_SHAPE(family_shape, struct family_row, DB_FIELD(struct family_row, root_id, DB_UUID),
         DB_FIELD(struct family_row, letter, DB_INT32),
         DB_FIELD(struct family_row, order_id, DB_UUID),
         DB_FIELD(struct family_row, parent_id, DB_UUID));

static size_t roots_of(const struct order_set *set, struct uuid *roots)
{
    size_t count = 0;
    for (size_t i = 0; i < set->count; i++) {
        if (!uuid_is_nil(&set->orders[i].root_id))
            roots[count++] = set->orders[i].root_id;
    }
    return count;
}

/* All members are loaded by then, the root first. */
static enum status join(struct arena *arena, const struct order_set *set,
                        const struct family_row *rows, size_t count)
{
    struct family *family = NULL;
    for (size_t i = 0; i < count; i++) {
        struct order *member = store_orders_find(set, &rows[i].order_id);
        if (member == NULL || (rows[i].letter != 0 && family == NULL))
            return STATUS_INTERNAL;
        if (rows[i].letter == 0)
            family = rules_family_found(member, arena);
        else
            rules_family_join(family, member);
        family->last_letter = rows[i].letter;
        member->parent_id = rows[i].parent_id;
    }
    for (size_t i = 0; i < count; i++) {
        struct order *member = store_orders_find(set, &rows[i].order_id);
        rules_derive_due(member);
        member->payment_status_before = member->payment_status;
        member->amount_due_before = member->amount_due;
    }
    return STATUS_OK;
}

enum status store_families_complete(struct db *db, struct arena *arena, unsigned parts,
                                    struct order_set *set)
{
    struct uuid *roots = ARENA_ARRAY(arena, set->count + 1, struct uuid);
    size_t nroots = roots_of(set, roots), count;
    struct family_row *rows;
    if (nroots == 0)
        return STATUS_OK;
    TRY(db_select(db, Q_FAMILIES_BY_ROOT, &family_shape, &rows, &count, db_uuids(roots, nroots)));
    struct uuid *ids = ARENA_ARRAY(arena, set->count + count, struct uuid);
    for (size_t i = 0; i < set->count; i++)
        ids[i] = set->orders[i].id;
    for (size_t i = 0; i < count; i++)
        ids[set->count + i] = rows[i].order_id;
    TRY(store_orders_load_parts(db, arena, ids, set->count + count, parts, set));
    return join(arena, set, rows, count);
}

static void add_place(struct db *db, const struct order *member, int32_t letter)
{
    db_add(db_columns(db, Q_FAMILY_MARK), db_uuid(&member->id), db_uuid(&member->root_id));
    db_add(db_columns(db, Q_FAMILY_INSERT), db_uuid(&member->root_id), db_int(letter),
           db_uuid(&member->id), db_uuid(&member->parent_id));
}

void store_child_add(struct db *db, struct order *child)
{
    store_order_add(db, child);
    if (child->family->count == 2)
        add_place(db, child->family->members[0], 0);
    add_place(db, child, child->family->last_letter);
}

void store_line_part_insert(struct db *db, const struct order_line *l)
{
    db_add(db_columns(db, Q_LINE_PART_INSERT), db_uuid(&l->order_id), db_uuid(&l->id),
           db_uuid(&l->origin_id), db_int(l->quantity), db_int(l->unit_price), db_int(l->discount),
           db_int(l->tax), db_int(l->total), db_int(l->cancelled), db_int(l->allocated_total),
           db_int(l->preordered_total), db_int(l->backordered_total), db_time(l->promised_at_us),
           db_int(l->unallocated), db_int(l->backordered), db_int(l->preordered),
           db_int(l->reserved), db_int(l->fulfilled), db_int(l->line_no), db_bool(l->is_custom),
           db_bool(l->no_shipping), db_text(l->sku), db_text(l->name), db_text(l->external_id));
}

void store_line_resize(struct db *db, const struct order_line *l)
{
    db_add(db_columns(db, Q_LINE_RESIZE), db_uuid(&l->order_id), db_int(l->line_no),
           db_int(l->quantity), db_int(l->discount), db_int(l->tax), db_int(l->total),
           db_int(l->cancelled), db_int(l->allocated_total), db_int(l->preordered_total),
           db_int(l->backordered_total), db_time(l->promised_at_us), db_int(l->unallocated),
           db_int(l->backordered), db_int(l->preordered), db_int(l->reserved), db_int(l->picked),
           db_int(l->packed), db_int(l->fulfilled), db_int(l->delivered), db_int(l->returned));
}

void store_line_ahead(struct db *db, const struct order_line *l)
{
    db_add(db_columns(db, Q_LINE_AHEAD), db_uuid(&l->order_id), db_int(l->line_no),
           db_int(l->preordered_total), db_int(l->backordered_total), db_time(l->promised_at_us));
}
