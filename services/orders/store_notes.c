#include "store_notes.h"

#include "queries.h"

DB_SHAPE(note_shape, struct note, DB_FIELD(struct note, id, DB_UUID),
         DB_FIELD(struct note, order_id, DB_UUID), DB_FIELD(struct note, number, DB_TEXT),
         DB_FIELD_AS(struct note, created_at_us, "created_at", DB_TIMESTAMP),
         DB_FIELD(struct note, author, DB_TEXT), DB_FIELD(struct note, body, DB_TEXT),
         DB_FIELD(struct note, mentions, DB_TEXT));

enum status store_note_add(struct db *db, const struct note *note, const char *const *mentions,
                           size_t mention_count)
{
    return db_exec(db, Q_NOTE_INSERT, db_uuid(&note->id), db_uuid(&note->order_id),
                   db_time(note->created_at_us), db_text(note->author), db_text(note->body),
                   db_texts(mentions, mention_count));
}

enum status store_notes_list(struct db *db, const struct uuid *before, const struct uuid *order_id,
                             const char *mention, int64_t limit, struct note **notes, size_t *count)
{
    struct db_arg mentions = mention != NULL ? db_texts(&mention, 1) : db_null();
    return db_select(db, Q_NOTE_LIST, &note_shape, notes, count, db_uuid(before), db_uuid(order_id),
                     mentions, db_int(limit));
}
