/* store_notes.h -- internal notes as rows.
 *
 * Notes do not leave the shop: nothing that writes to customers includes this.
 */
#pragma once

#include "common/db.h"

struct note {
    struct uuid id, order_id;
    const char *number; /* of the order */
    int64_t created_at_us;
    const char *author, *body;
    const char *mentions; /* with blanks between them */
};
enum status store_note_add(struct db *db, const struct note *note, const char *const *mentions,
                           size_t mention_count) MUST_CHECK;
/* Newest first; before nil: from the newest; order_id nil: of all; mention NULL: any. */
enum status store_notes_list(struct db *db, const struct uuid *before, const struct uuid *order_id,
                             const char *mention, int64_t limit, struct note **notes,
                             size_t *count) MUST_CHECK;
