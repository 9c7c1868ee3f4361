#include "services/gateway/store_inbox.h"

#include <sodium.h>

#include "queries.h"

/* ---- storing ---- */

struct id_row {
    struct uuid id;
};
DB_SHAPE(id_shape, struct id_row, DB_FIELD(struct id_row, id, DB_UUID));

/* One array per column of a set of deliveries. */
struct insert_columns {
    struct uuid *ids;
    const char **channels, **types, **topics, **identities, **sources, **external_ids;
    const char **traceparents, **hashes;
    int64_t *tests, *triggers, *sizes;
};

static const char *hex_of(struct arena *arena, const uint8_t hash[32])
{
    return sodium_bin2hex(arena_alloc(arena, 65), 65, hash, 32);
}

static struct insert_columns columns_of(struct arena *arena, struct inbox_delivery **list,
                                        size_t count)
{
    const char **texts = ARENA_ARRAY(arena, count * 8, const char *);
    int64_t *figures = ARENA_ARRAY(arena, count * 3, int64_t);
    struct insert_columns columns = {
        .ids = ARENA_ARRAY(arena, count, struct uuid),
        .channels = texts,
        .types = texts + count,
        .topics = texts + count * 2,
        .identities = texts + count * 3,
        .sources = texts + count * 4,
        .external_ids = texts + count * 5,
        .traceparents = texts + count * 6,
        .hashes = texts + count * 7,
        .tests = figures,
        .triggers = figures + count,
        .sizes = figures + count * 2,
    };
    for (size_t i = 0; i < count; i++) {
        const struct inbox_delivery *delivery = list[i];
        columns.ids[i] = delivery->id;
        columns.channels[i] = delivery->channel;
        columns.types[i] = delivery->channel_type;
        columns.topics[i] = delivery->topic;
        columns.identities[i] = delivery->event_identity;
        columns.sources[i] = delivery->source;
        columns.external_ids[i] = delivery->external_id;
        columns.traceparents[i] = delivery->traceparent != NULL ? delivery->traceparent : "";
        columns.hashes[i] = hex_of(arena, delivery->body_hash);
        columns.tests[i] = delivery->is_test;
        columns.triggers[i] = delivery->triggered_at_ns;
        columns.sizes[i] = (int64_t)delivery->body_bytes;
    }
    return columns;
}

/* True when the id is among those that came back. They come in the order in which they went in, so
 * that looking on from the last one found finds the next at once. */
static bool was_inserted(const struct id_row *inserted, size_t count, size_t *at,
                         const struct uuid *id)
{
    for (size_t i = 0; i < count; i++) {
        size_t place = (*at + i) % count;
        if (!uuid_equal(&inserted[place].id, id))
            continue;
        *at = place + 1;
        return true;
    }
    return false;
}

static void insert_bodies(struct db *db, struct inbox_delivery **list, size_t count,
                          const struct id_row *inserted, size_t ninserted)
{
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        bool is_new = was_inserted(inserted, ninserted, &at, &list[i]->id);
        list[i]->result = is_new ? STATUS_OK : STATUS_CONFLICT;
        if (is_new)
            db_add(db_columns(db, Q_INBOX_BODY_INSERT), db_uuid(&list[i]->id),
                   db_bytes(list[i]->body, list[i]->body_bytes));
    }
}

enum status store_inbox_insert(struct db *db, struct arena *arena, struct inbox_delivery **list,
                               size_t count, int64_t now_us)
{
    const struct insert_columns c = columns_of(arena, list, count);
    struct id_row *inserted;
    size_t ninserted;
    TRY(db_select(db, Q_INBOX_INSERT, &id_shape, &inserted, &ninserted, db_uuids(c.ids, count),
                  db_texts(c.channels, count), db_texts(c.types, count), db_texts(c.topics, count),
                  db_texts(c.identities, count), db_texts(c.sources, count),
                  db_texts(c.external_ids, count), db_ints(c.tests, count),
                  db_ints(c.triggers, count), db_texts(c.traceparents, count),
                  db_texts(c.hashes, count), db_ints(c.sizes, count), db_time(now_us)));
    insert_bodies(db, list, count, inserted, ninserted);
    return STATUS_OK;
}

/* ---- working off ---- */

struct waiting_row {
    bool is_waiting;
};
DB_SHAPE(waiting_shape, struct waiting_row, DB_FIELD(struct waiting_row, is_waiting, DB_BOOLEAN));

enum status store_inbox_is_waiting(struct db *db, int64_t now_us, bool *is_waiting)
{
    struct waiting_row *row;
    size_t count;
    TRY(db_select(db, Q_INBOX_IS_WAITING, &waiting_shape, &row, &count, db_time(now_us)));
    *is_waiting = count > 0 && row->is_waiting;
    return STATUS_OK;
}

DB_SHAPE(
    due_shape, struct inbox_due, DB_FIELD(struct inbox_due, id, DB_UUID),
    DB_FIELD(struct inbox_due, channel, DB_TEXT), DB_FIELD(struct inbox_due, channel_type, DB_TEXT),
    DB_FIELD(struct inbox_due, topic, DB_TEXT), DB_FIELD(struct inbox_due, external_id, DB_TEXT),
    DB_FIELD(struct inbox_due, traceparent, DB_TEXT),
    DB_FIELD(struct inbox_due, is_test, DB_BOOLEAN), DB_FIELD(struct inbox_due, order_id, DB_UUID),
    DB_FIELD(struct inbox_due, order_number, DB_TEXT),
    DB_FIELD(struct inbox_due, is_repeat, DB_BOOLEAN),
    DB_FIELD(struct inbox_due, triggered_at_ns, DB_INT64),
    DB_FIELD(struct inbox_due, body_sha256, DB_BYTEA),
    DB_FIELD(struct inbox_due, body_bytes, DB_INT32),
    DB_FIELD(struct inbox_due, attempts, DB_INT32), DB_FIELD(struct inbox_due, lost, DB_INT32),
    DB_FIELD(struct inbox_due, faults, DB_INT32), DB_FIELD(struct inbox_due, replays, DB_INT32));

enum status store_inbox_due(struct db *db, int64_t now_us, size_t limit, struct inbox_due **list,
                            size_t *count)
{
    return db_select(db, Q_INBOX_DUE, &due_shape, list, count, db_time(now_us),
                     db_int((int64_t)limit));
}

DB_SHAPE(body_shape, struct inbox_body, DB_FIELD(struct inbox_body, id, DB_UUID),
         DB_FIELD(struct inbox_body, body, DB_BYTEA));

enum status store_inbox_bodies(struct db *db, const struct uuid *ids, size_t count,
                               struct inbox_body **list, size_t *found)
{
    return db_select(db, Q_INBOX_BODIES, &body_shape, list, found, db_uuids(ids, count));
}

enum status store_inbox_take(struct db *db, const struct uuid *ids, size_t count, int64_t then_us)
{
    return db_exec(db, Q_INBOX_TAKE, db_uuids(ids, count), db_time(then_us));
}

void store_inbox_result_add(struct db *db, const struct inbox_result *result, int64_t now_us)
{
    bool stays = result->status == INBOX_RECEIVED;
    db_add(db_columns(db, Q_INBOX_RESULT), db_uuid(&result->id), db_int(result->status),
           db_text(result->reason_code), db_text(result->reason), db_uuid(&result->order_id),
           db_text(result->order_number), db_text(result->effect), db_int(result->more_replays),
           db_int(result->faults), db_time(stays ? result->next_attempt_at_us : now_us),
           db_time(stays ? 0 : now_us));
}

enum status store_inbox_untake(struct db *db, int64_t now_us)
{
    return db_exec(db, Q_INBOX_UNTAKE, db_time(now_us));
}

enum status store_inbox_replay(struct db *db, const struct uuid *id, int64_t now_us)
{
    return db_exec(db, Q_INBOX_REPLAY, db_uuid(id), db_time(now_us));
}

enum status store_inbox_forget(struct db *db, const struct uuid *before, size_t limit)
{
    return db_exec(db, Q_INBOX_BODY_FORGET, db_uuid(before), db_int((int64_t)limit));
}

enum status store_inbox_erase(struct db *db, const char *const *channels,
                              const char *const *external_ids, size_t count)
{
    return db_exec(db, Q_INBOX_BODY_ERASE, db_texts(channels, count),
                   db_texts(external_ids, count));
}

/* ---- reading ---- */

DB_SHAPE(row_shape, struct inbox_row, DB_FIELD(struct inbox_row, id, DB_UUID),
         DB_FIELD(struct inbox_row, order_id, DB_UUID),
         DB_FIELD(struct inbox_row, channel, DB_TEXT), DB_FIELD(struct inbox_row, topic, DB_TEXT),
         DB_FIELD(struct inbox_row, external_id, DB_TEXT),
         DB_FIELD(struct inbox_row, reason_code, DB_TEXT),
         DB_FIELD(struct inbox_row, reason, DB_TEXT),
         DB_FIELD(struct inbox_row, order_number, DB_TEXT),
         DB_FIELD(struct inbox_row, effect, DB_TEXT), DB_FIELD(struct inbox_row, status, DB_INT32),
         DB_FIELD(struct inbox_row, attempts, DB_INT32),
         DB_FIELD(struct inbox_row, body_bytes, DB_INT32),
         DB_FIELD(struct inbox_row, received_at, DB_TIMESTAMP),
         DB_FIELD(struct inbox_row, done_at, DB_TIMESTAMP),
         DB_FIELD(struct inbox_row, has_body, DB_BOOLEAN));

enum status store_inbox_by_id(struct db *db, const struct uuid *id, struct inbox_row **row)
{
    size_t count;
    TRY(db_select(db, Q_INBOX_BY_ID, &row_shape, row, &count, db_uuid(id)));
    return count == 0 ? STATUS_NOT_FOUND : STATUS_OK;
}

/* Those parked and those waiting have indexes of their own. */
static int page_query(int32_t status)
{
    return status == INBOX_PARKED     ? Q_INBOX_PAGE_PARKED
           : status == INBOX_RECEIVED ? Q_INBOX_PAGE_RECEIVED
                                      : Q_INBOX_PAGE;
}

enum status store_inbox_page(struct db *db, const struct inbox_filter *filter,
                             struct inbox_row **rows, size_t *count)
{
    struct db_arg before = db_uuid(&filter->before), status = db_int(filter->status);
    struct db_arg channel = db_text(filter->channel), limit = db_int((int64_t)filter->limit);
    if (*filter->external_id != '\0')
        return db_select(db, Q_INBOX_PAGE_OF_ORDER, &row_shape, rows, count, before, status,
                         channel, limit, db_text(filter->external_id));
    return db_select(db, page_query(filter->status), &row_shape, rows, count, before, status,
                     channel, limit);
}
