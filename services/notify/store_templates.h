/* store_templates.h -- the shop's own templates and notification settings, as rows.
 *
 * Never decides. Ownership: what is loaded lives in the arena of the database's user.
 */
#pragma once

#include "common/db.h"
#include "services/notify/notify.h"

struct template_row {
    int32_t kind;
    const char *locale, *part;
    int32_t version;
    const char *body; /* NULL: back to the file */
    int64_t updated_at_us;
    const char *updated_by;
};
/* The newest of each that was ever changed. */
enum status store_templates_newest(struct db *db, struct template_row **rows,
                                   size_t *count) MUST_CHECK;
/* Newest first; before 0: from the newest. */
enum status store_template_versions(struct db *db, const struct template_row *which, int32_t before,
                                    int64_t limit, struct template_row **rows,
                                    size_t *count) MUST_CHECK;
enum status store_template_add(struct db *db, const struct template_row *row) MUST_CHECK;
/* Rises with every change. */
enum status store_template_generation(struct db *db, int64_t *generation) MUST_CHECK;

/* Ordered by kind, that for all channels first. */
enum status store_settings_all(struct db *db, struct setting_row **rows, size_t *count) MUST_CHECK;
enum status store_setting_put(struct db *db, const struct setting_row *row) MUST_CHECK;
