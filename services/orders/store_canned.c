/* The canned replies of store_messages.h. */
#include "queries.h"
#include "store_messages.h"

DB_SHAPE(canned_shape, struct canned_reply, DB_FIELD(struct canned_reply, id, DB_UUID),
         DB_FIELD(struct canned_reply, name, DB_TEXT),
         DB_FIELD_AS(struct canned_reply, updated_at_us, "updated_at", DB_TIMESTAMP),
         DB_FIELD(struct canned_reply, updated_by, DB_TEXT));
DB_SHAPE(text_shape, struct canned_text, DB_FIELD(struct canned_text, reply_id, DB_UUID),
         DB_FIELD(struct canned_text, locale, DB_TEXT),
         DB_FIELD(struct canned_text, body, DB_TEXT));

/* The texts of all of them in one query; they come sorted by their reply. */
static enum status load_texts(struct db *db, struct canned_reply *replies, size_t count)
{
    struct uuid ids[256];
    struct canned_text *texts;
    size_t found;
    for (size_t i = 0; i < count; i++)
        ids[i] = replies[i].id;
    TRY(db_select(db, Q_CANNED_TEXTS, &text_shape, &texts, &found, db_uuids(ids, count)));
    for (size_t i = 0; i < count; i++) {
        size_t first = 0;
        while (first < found && !uuid_equal(&texts[first].reply_id, &replies[i].id))
            first++;
        size_t end = first;
        while (end < found && uuid_equal(&texts[end].reply_id, &replies[i].id))
            end++;
        replies[i].texts = found > 0 ? texts + first : NULL;
        replies[i].text_count = end - first;
    }
    return STATUS_OK;
}

enum status store_canned_page(struct db *db, const char *after_name, int64_t limit,
                              struct canned_reply **rows, size_t *count)
{
    TRY(db_select(db, Q_CANNED_LIST, &canned_shape, rows, count, db_text(after_name),
                  db_int(limit)));
    return load_texts(db, *rows, *count);
}

static enum status one(struct db *db, struct canned_reply *rows, size_t count)
{
    return count > 0 ? load_texts(db, rows, count) : STATUS_NOT_FOUND;
}

enum status store_canned_load(struct db *db, const struct uuid *id, struct canned_reply **reply)
{
    size_t count;
    TRY(db_select(db, Q_CANNED_BY_ID, &canned_shape, reply, &count, db_uuid(id)));
    return one(db, *reply, count);
}

enum status store_canned_of_name(struct db *db, const char *name, struct canned_reply **reply)
{
    size_t count;
    TRY(db_select(db, Q_CANNED_BY_NAME, &canned_shape, reply, &count, db_text(name)));
    return one(db, *reply, count);
}

static void add_texts(struct db *db, const struct canned_reply *reply)
{
    for (size_t i = 0; i < reply->text_count; i++)
        db_add(db_columns(db, Q_CANNED_TEXT_INSERT), db_uuid(&reply->id),
               db_text(reply->texts[i].locale), db_text(reply->texts[i].body));
}

enum status store_canned_add(struct db *db, const struct canned_reply *reply)
{
    TRY(db_exec(db, Q_CANNED_INSERT, db_uuid(&reply->id), db_text(reply->name),
                db_time(reply->updated_at_us), db_text(reply->updated_by)));
    add_texts(db, reply);
    return STATUS_OK;
}

enum status store_canned_save(struct db *db, const struct canned_reply *reply)
{
    TRY(db_exec_expect(db, Q_CANNED_UPDATE, 1, db_uuid(&reply->id), db_text(reply->name),
                       db_time(reply->updated_at_us), db_text(reply->updated_by)));
    TRY(db_exec(db, Q_CANNED_TEXTS_DELETE, db_uuid(&reply->id)));
    add_texts(db, reply);
    return STATUS_OK;
}

enum status store_canned_delete(struct db *db, const struct uuid *id)
{
    TRY(db_exec(db, Q_CANNED_TEXTS_DELETE, db_uuid(id)));
    return db_exec_expect(db, Q_CANNED_DELETE, 1, db_uuid(id));
}
