/* rules_export.h -- the cells of a file that a spreadsheet opens.
 *
 * CSV as RFC 4180 has it. A text that a spreadsheet would take for a formula (it begins with = + -
 * @ or a control character) gets an apostrophe in front: a customer's name is never run. Cells of a
 * sheet are texts or numbers by their type, so that there is nothing to guard against.
 *
 * Pure. Ownership: the buffer grows in the given arena.
 */
#pragma once

#include "common/arena.h"
#include <stdbool.h>
#include <stdint.h>

enum export_format { EXPORT_CSV, EXPORT_XLSX };

struct export_rows {
    struct arena *arena;
    enum export_format format;
    char *bytes;
    size_t count, room;
    bool is_in_row;
};
void export_begin_row(struct export_rows *rows);
void export_text(struct export_rows *rows, const char *text);
/* A number that we have written ourselves: "120.00". */
void export_number(struct export_rows *rows, const char *number);
void export_end_row(struct export_rows *rows);
