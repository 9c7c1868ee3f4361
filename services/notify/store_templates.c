#include "services/notify/store_templates.h"

#include "queries.h"

DB_SHAPE(template_shape, struct template_row, DB_FIELD(struct template_row, kind, DB_INT32),
         DB_FIELD(struct template_row, locale, DB_TEXT),
         DB_FIELD(struct template_row, part, DB_TEXT),
         DB_FIELD(struct template_row, version, DB_INT32),
         DB_FIELD(struct template_row, body, DB_TEXT),
         DB_FIELD_AS(struct template_row, updated_at_us, "updated_at", DB_TIMESTAMP),
         DB_FIELD(struct template_row, updated_by, DB_TEXT));

enum status store_templates_newest(struct db *db, struct template_row **rows, size_t *count)
{
    return db_select(db, Q_TEMPLATES_NEWEST, &template_shape, rows, count);
}

enum status store_template_versions(struct db *db, const struct template_row *which, int32_t before,
                                    int64_t limit, struct template_row **rows, size_t *count)
{
    return db_select(db, Q_TEMPLATE_VERSIONS, &template_shape, rows, count, db_int(which->kind),
                     db_text(which->locale), db_text(which->part), db_int(before), db_int(limit));
}

enum status store_template_add(struct db *db, const struct template_row *row)
{
    return db_exec(db, Q_TEMPLATE_INSERT, db_int(row->kind), db_text(row->locale),
                   db_text(row->part), db_int(row->version), db_text(row->body),
                   db_time(row->updated_at_us), db_text(row->updated_by));
}

struct generation_row {
    int64_t generation;
};
DB_SHAPE(generation_shape, struct generation_row,
         DB_FIELD(struct generation_row, generation, DB_INT64));

enum status store_template_generation(struct db *db, int64_t *generation)
{
    struct generation_row *rows;
    size_t count;
    TRY(db_select(db, Q_TEMPLATE_GENERATION, &generation_shape, &rows, &count));
    *generation = count > 0 ? rows[0].generation : 0;
    return STATUS_OK;
}

DB_SHAPE(setting_shape, struct setting_row, DB_FIELD(struct setting_row, kind, DB_INT32),
         DB_FIELD(struct setting_row, channel, DB_TEXT),
         DB_FIELD(struct setting_row, email, DB_BOOLEAN),
         DB_FIELD_AS(struct setting_row, updated_at_us, "updated_at", DB_TIMESTAMP),
         DB_FIELD(struct setting_row, updated_by, DB_TEXT));

enum status store_settings_all(struct db *db, struct setting_row **rows, size_t *count)
{
    return db_select(db, Q_SETTINGS_ALL, &setting_shape, rows, count);
}

enum status store_setting_put(struct db *db, const struct setting_row *row)
{
    return db_exec(db, Q_SETTING_UPSERT, db_int(row->kind), db_text(row->channel),
                   db_bool(row->email), db_time(row->updated_at_us), db_text(row->updated_by));
}
