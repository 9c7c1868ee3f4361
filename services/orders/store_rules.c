#include "store_rules.h"

#include "queries.h"

struct body_row {
    struct db_bytea body;
};
DB_SHAPE(body_shape, struct body_row, DB_FIELD(struct body_row, body, DB_BYTEA));

enum status store_rules_load(struct db *db, struct arena *arena, Rule ***rules, size_t *count)
{
    struct body_row *rows;
    size_t found;
    TRY(db_select(db, Q_RULES_ALL, &body_shape, &rows, &found));
    *rules = ARENA_ARRAY(arena, found, Rule *);
    *count = 0;
    for (size_t i = 0; i < found; i++) {
        Rule *rule = (Rule *)(void *)protobuf_c_message_unpack(
            &penstock__orders__v1__rule__descriptor, arena_protobuf(arena), rows[i].body.count,
            rows[i].body.bytes);
        if (rule == NULL)
            return STATUS_INTERNAL;
        (*rules)[(*count)++] = rule;
    }
    return STATUS_OK;
}

enum status store_rules_put(struct db *db, struct arena *arena, Rule *const *rules, size_t count)
{
    TRY(db_exec(db, Q_RULES_DELETE));
    for (size_t i = 0; i < count; i++) {
        struct uuid id;
        rules[i]->place = (int32_t)i + 1;
        size_t bytes = protobuf_c_message_get_packed_size(&rules[i]->base);
        uint8_t *packed = arena_alloc(arena, bytes + 1);
        protobuf_c_message_pack(&rules[i]->base, packed);
        if (!uuid_parse(rules[i]->id, &id))
            return STATUS_INTERNAL;
        TRY(db_exec(db, Q_RULE_INSERT, db_uuid(&id), db_int(rules[i]->place),
                    db_bytes(packed, bytes)));
    }
    return STATUS_OK;
}

/* ---- following the log ---- */

struct number_row {
    int64_t position;
};
DB_SHAPE(position_shape, struct number_row, DB_FIELD(struct number_row, position, DB_INT64));
DB_SHAPE(count_shape, struct number_row,
         DB_FIELD_AS(struct number_row, position, "count", DB_INT64));

enum status store_rule_cursor(struct db *db, int64_t *position)
{
    struct number_row *rows;
    size_t count;
    TRY(db_select(db, Q_RULE_CURSOR, &position_shape, &rows, &count));
    *position = count > 0 ? rows[0].position : 0;
    return STATUS_OK;
}

enum status store_rule_cursor_move(struct db *db, int64_t position)
{
    return db_exec_expect(db, Q_RULE_CURSOR_MOVE, 1, db_int(position));
}

enum status store_rule_cursor_to_head(struct db *db)
{
    return db_exec_expect(db, Q_RULE_CURSOR_TO_HEAD, 1);
}

struct placed_row {
    int64_t end_position;
    const char *key; /* NULL: none was placed */
};
DB_SHAPE(placed_shape, struct placed_row, DB_FIELD(struct placed_row, end_position, DB_INT64),
         DB_FIELD(struct placed_row, key, DB_TEXT));

enum status store_orders_placed(struct db *db, int64_t after, struct arena *arena,
                                struct uuid **ids, size_t *count, int64_t *end)
{
    struct placed_row *rows;
    size_t found;
    TRY(db_select(db, Q_RULE_ORDERS_PLACED, &placed_shape, &rows, &found, db_int(after)));
    *ids = ARENA_ARRAY(arena, found, struct uuid);
    *count = 0;
    *end = found > 0 && rows[0].end_position > after ? rows[0].end_position : after;
    for (size_t i = 0; i < found; i++)
        *count += rows[i].key != NULL && uuid_parse(rows[i].key, &(*ids)[*count]);
    return STATUS_OK;
}

enum status store_search_is_at(struct db *db, int64_t position, bool *is_there)
{
    struct number_row *rows;
    size_t count;
    TRY(db_select(db, Q_RULE_SEARCH_IS_AT, &position_shape, &rows, &count, db_int(position)));
    *is_there = count > 0;
    return STATUS_OK;
}

enum status store_refusals(struct db *db, const struct uuid *ids, size_t count, int64_t *refusals)
{
    struct number_row *rows;
    size_t found;
    TRY(db_select(db, Q_RULE_REFUSALS, &count_shape, &rows, &found, db_uuids(ids, count)));
    *refusals = rows[0].position;
    return STATUS_OK;
}

/* ---- the blacklist ---- */

struct key_row {
    struct uuid key;
};
DB_SHAPE(key_shape, struct key_row, DB_FIELD(struct key_row, key, DB_UUID));

enum status store_blacklist_keys(struct db *db, struct arena *arena, struct uuid **keys,
                                 size_t *count)
{
    struct key_row *rows;
    TRY(db_select(db, Q_BLACKLIST_KEYS, &key_shape, &rows, count));
    *keys = ARENA_ARRAY(arena, *count, struct uuid);
    for (size_t i = 0; i < *count; i++)
        (*keys)[i] = rows[i].key;
    return STATUS_OK;
}

enum status store_blacklist_count(struct db *db, int64_t *count)
{
    struct number_row *rows;
    size_t found;
    TRY(db_select(db, Q_BLACKLIST_COUNT, &count_shape, &rows, &found));
    *count = rows[0].position;
    return STATUS_OK;
}

enum status store_blacklist_add(struct db *db, const struct blacklist_row *row,
                                const struct uuid *key)
{
    return db_exec(db, Q_BLACKLIST_INSERT, db_uuid(&row->id), db_int(row->kind), db_uuid(key),
                   db_text(row->value), db_text(row->reason), db_time(row->added_at_us),
                   db_text(row->added_by));
}

enum status store_blacklist_remove(struct db *db, const struct uuid *id)
{
    return db_exec_expect(db, Q_BLACKLIST_DELETE, 1, db_uuid(id));
}

DB_SHAPE(blacklist_shape, struct blacklist_row, DB_FIELD(struct blacklist_row, id, DB_UUID),
         DB_FIELD(struct blacklist_row, kind, DB_INT32),
         DB_FIELD(struct blacklist_row, value, DB_TEXT),
         DB_FIELD(struct blacklist_row, reason, DB_TEXT),
         DB_FIELD(struct blacklist_row, added_by, DB_TEXT),
         DB_FIELD_AS(struct blacklist_row, added_at_us, "added_at", DB_TIMESTAMP));

static enum status one_row(struct db *db, int query, const struct uuid *by,
                           struct blacklist_row **row)
{
    size_t count;
    TRY(db_select(db, query, &blacklist_shape, row, &count, db_uuid(by)));
    if (count == 0)
        *row = NULL;
    return STATUS_OK;
}

enum status store_blacklist_by_key(struct db *db, const struct uuid *key,
                                   struct blacklist_row **row)
{
    return one_row(db, Q_BLACKLIST_BY_KEY, key, row);
}

enum status store_blacklist_by_id(struct db *db, const struct uuid *id, struct blacklist_row **row)
{
    return one_row(db, Q_BLACKLIST_BY_ID, id, row);
}

enum status store_blacklist_page(struct db *db, const struct uuid *after, int64_t limit,
                                 struct blacklist_row **rows, size_t *count)
{
    return db_select(db, Q_BLACKLIST_PAGE, &blacklist_shape, rows, count, db_uuid(after),
                     db_int(limit));
}
