#include "store_messages.h"

#include <assert.h>
#include <string.h>

#include "queries.h"

/* ---- shapes ---- */

#define MESSAGE_FIELDS(type_, prefix_)                                                             \
    DB_FIELD_AS(type_, prefix_ direction, "direction", DB_INT32),                                  \
        DB_FIELD_AS(type_, prefix_ is_read, "is_read", DB_BOOLEAN),                                \
        DB_FIELD_AS(type_, prefix_ created_at_us, "created_at", DB_TIMESTAMP),                     \
        DB_FIELD_AS(type_, prefix_ author, "author", DB_TEXT),                                     \
        DB_FIELD_AS(type_, prefix_ body, "body", DB_TEXT)

DB_SHAPE(message_shape, struct thread_message, DB_FIELD(struct thread_message, order_id, DB_UUID),
         DB_FIELD(struct thread_message, id, DB_UUID), MESSAGE_FIELDS(struct thread_message, ));

DB_SHAPE(thread_shape, struct thread, DB_FIELD(struct thread, order_id, DB_UUID),
         DB_FIELD(struct thread, last_message_id, DB_UUID),
         DB_FIELD(struct thread, unread, DB_INT64), DB_FIELD(struct thread, messages, DB_INT64),
         DB_FIELD(struct thread, is_closed, DB_BOOLEAN), DB_FIELD(struct thread, assignee, DB_TEXT),
         DB_FIELD(struct thread, number, DB_TEXT), DB_FIELD(struct thread, channel, DB_TEXT),
         DB_FIELD(struct thread, customer_name, DB_TEXT), DB_FIELD(struct thread, locale, DB_TEXT),
         DB_FIELD_AS(struct thread, order_status, "status", DB_INT32),
         MESSAGE_FIELDS(struct thread, last.));

struct number_row {
    int64_t number;
};
DB_SHAPE(number_shape, struct number_row, DB_FIELD(struct number_row, number, DB_INT64));

/* ---- messages ---- */

enum status store_message_add(struct db *db, const struct thread_message *message)
{
    TRY(db_exec(db, Q_THREAD_UPSERT, db_uuid(&message->order_id), db_uuid(&message->id),
                db_int(message->direction)));
    if (message->direction == DIRECTION_STAFF)
        TRY(db_exec(db, Q_THREAD_MESSAGES_READ, db_uuid(&message->order_id)));
    return db_exec(db, Q_THREAD_MESSAGE_INSERT, db_uuid(&message->order_id), db_uuid(&message->id),
                   db_int(message->direction), db_bool(message->is_read),
                   db_time(message->created_at_us), db_text(message->author),
                   db_text(message->body));
}

enum status store_messages_page(struct db *db, const struct uuid *order_id,
                                const struct uuid *after, int64_t limit,
                                struct thread_message **rows, size_t *count)
{
    return db_select(db, Q_THREAD_MESSAGES_PAGE, &message_shape, rows, count, db_uuid(order_id),
                     db_uuid(after), db_int(limit));
}

enum status store_messages_last(struct db *db, const struct uuid *order_id, int64_t limit,
                                struct thread_message **rows, size_t *count)
{
    return db_select(db, Q_THREAD_MESSAGES_LAST, &message_shape, rows, count, db_uuid(order_id),
                     db_int(limit));
}

enum status store_messages_by_id(struct db *db, const struct uuid *ids, size_t count,
                                 struct thread_message **rows, size_t *found)
{
    return db_select(db, Q_THREAD_MESSAGES_BY_ID, &message_shape, rows, found,
                     db_uuids(ids, count));
}

enum status store_messages_since(struct db *db, const struct uuid *order_id, int64_t since_us,
                                 int64_t *number)
{
    struct number_row *rows;
    size_t count;
    TRY(db_select(db, Q_THREAD_MESSAGES_SINCE, &number_shape, &rows, &count, db_uuid(order_id),
                  db_time(since_us)));
    *number = count > 0 ? rows[0].number : 0;
    return STATUS_OK;
}

/* ---- threads ---- */

/* The last message's ids are the thread's own. */
static void complete(struct thread *threads, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        threads[i].last.order_id = threads[i].order_id;
        threads[i].last.id = threads[i].last_message_id;
    }
}

enum status store_threads_list(struct db *db, const struct thread_filter *filter,
                               struct thread **threads, size_t *count)
{
    TRY(db_select(db, Q_THREAD_LIST, &thread_shape, threads, count, db_uuid(&filter->before),
                  db_bool(filter->unread), db_int(filter->status), db_text(filter->assignee),
                  db_text(filter->pattern), db_int(filter->limit)));
    complete(*threads, *count);
    return STATUS_OK;
}

enum status store_thread_load(struct db *db, const struct uuid *order_id, struct thread **thread)
{
    size_t count;
    TRY(db_select(db, Q_THREAD_BY_ORDER, &thread_shape, thread, &count, db_uuid(order_id)));
    complete(*thread, count);
    return count > 0 ? STATUS_OK : STATUS_NOT_FOUND;
}

enum status store_thread_save(struct db *db, const struct thread *thread)
{
    return db_exec_expect(db, Q_THREAD_UPDATE, 1, db_uuid(&thread->order_id),
                          db_int(thread->unread), db_bool(thread->is_closed),
                          db_text(thread->assignee));
}

enum status store_thread_mark_read(struct db *db, const struct uuid *order_id)
{
    return db_exec(db, Q_THREAD_MESSAGES_READ, db_uuid(order_id));
}

enum status store_thread_mark_unread(struct db *db, const struct uuid *order_id)
{
    return db_exec_expect(db, Q_THREAD_MESSAGE_UNREAD, 1, db_uuid(order_id));
}

DB_SHAPE(counts_shape, struct thread_counts,
         DB_FIELD(struct thread_counts, unread_threads, DB_INT64),
         DB_FIELD(struct thread_counts, unread_messages, DB_INT64),
         DB_FIELD(struct thread_counts, open_threads, DB_INT64),
         DB_FIELD(struct thread_counts, unassigned_threads, DB_INT64));

enum status store_thread_counts(struct db *db, const char *assignee, struct thread_counts *counts)
{
    struct thread_counts *rows;
    size_t count;
    TRY(db_select(db, Q_THREAD_COUNTS, &counts_shape, &rows, &count, db_text(assignee)));
    *counts = count > 0 ? rows[0] : (struct thread_counts){0};
    return STATUS_OK;
}

/* ---- links ---- */

struct link_row {
    struct db_bytea secret;
    struct uuid order_id;
    int32_t version;
};
DB_SHAPE(link_shape, struct link_row, DB_FIELD(struct link_row, secret, DB_BYTEA),
         DB_FIELD(struct link_row, order_id, DB_UUID),
         DB_FIELD(struct link_row, version, DB_INT32));

enum status store_links_load(struct db *db, struct arena *arena, const struct uuid *order_ids,
                             size_t count, struct links *links)
{
    struct link_row *rows;
    size_t found;
    TRY(db_select(db, Q_LINKS_LOAD, &link_shape, &rows, &found, db_uuids(order_ids, count)));
    assert(found > 0 && rows[0].secret.count == LINK_SECRET_BYTES);
    memcpy(links->secret, rows[0].secret.bytes, LINK_SECRET_BYTES);
    int32_t *versions = ARENA_ARRAY(arena, count + 1, int32_t);
    for (size_t i = 0; i < count; i++) {
        versions[i] = 1;
        for (size_t r = 0; r < found; r++) {
            if (uuid_equal(&rows[r].order_id, &order_ids[i]))
                versions[i] = rows[r].version;
        }
    }
    links->versions = versions;
    return STATUS_OK;
}

enum status store_links_end(struct db *db, const struct uuid *order_id)
{
    return db_exec(db, Q_LINK_VERSION_UPSERT, db_uuid(order_id));
}

/* ---- lookups ---- */

DB_SHAPE(lookup_shape, struct lookup, DB_FIELD(struct lookup, key, DB_UUID),
         DB_FIELD_AS(struct lookup, window_at_us, "window_at", DB_TIMESTAMP),
         DB_FIELD(struct lookup, requests, DB_INT32), DB_FIELD(struct lookup, tries, DB_INT32),
         DB_FIELD_AS(struct lookup, code_at_us, "code_at", DB_TIMESTAMP),
         DB_FIELD(struct lookup, code_id, DB_UUID), DB_FIELD(struct lookup, order_id, DB_UUID));

enum status store_lookup_load(struct db *db, const struct uuid *key, struct lookup **lookup)
{
    size_t count;
    TRY(db_select(db, Q_LOOKUP_BY_KEY, &lookup_shape, lookup, &count, db_uuid(key)));
    return count > 0 ? STATUS_OK : STATUS_NOT_FOUND;
}

enum status store_lookups_by_codes(struct db *db, const struct uuid *code_ids, size_t count,
                                   struct lookup **lookups, size_t *found)
{
    return db_select(db, Q_LOOKUP_BY_CODES, &lookup_shape, lookups, found,
                     db_uuids(code_ids, count));
}

enum status store_lookup_save(struct db *db, const struct lookup *lookup)
{
    return db_exec(db, Q_LOOKUP_UPSERT, db_uuid(&lookup->key), db_time(lookup->window_at_us),
                   db_int(lookup->requests), db_int(lookup->tries), db_time(lookup->code_at_us),
                   db_uuid(&lookup->code_id), db_uuid(&lookup->order_id));
}

enum status store_lookups_forget(struct db *db, int64_t before_us)
{
    return db_exec(db, Q_LOOKUP_FORGET, db_time(before_us));
}
