#include "csv_rows.h"

#include <csv.h>
#include <string.h>

struct reading {
    struct arena *arena;
    struct csv_rows *rows;
    const char **fields;
    size_t count;
};

static void on_field(void *field, size_t bytes, void *context)
{
    struct reading *it = context;
    if (it->count < CSV_MAX_COLUMNS)
        it->fields[it->count++] = arena_strndup(it->arena, field, bytes);
}

static void on_row(int terminator, void *context)
{
    struct reading *it = context;
    struct csv_row *row = &it->rows->list[it->rows->count];
    (void)terminator;
    row->count = it->count;
    row->fields = ARENA_ARRAY(it->arena, it->count + 1, const char *);
    memcpy(row->fields, it->fields, it->count * sizeof(*it->fields));
    it->rows->count++;
    it->count = 0;
}

/* Where each record begins, and where the last whole one ends: a line break within quotes ends
 * none. Returns how many there are. */
static size_t find_records(const char *text, size_t bytes, bool is_last, size_t *starts,
                           size_t *end)
{
    size_t count = 0, start = 0;
    bool is_quoted = false, is_blank = true;
    *end = 0;
    for (size_t i = 0; i < bytes; i++) {
        bool is_break = text[i] == '\n' && !is_quoted;
        is_quoted ^= text[i] == '"';
        is_blank = is_blank && (text[i] == '\r' || text[i] == '\n');
        if (!is_break)
            continue;
        if (!is_blank)
            starts[count++] = start;
        start = *end = i + 1;
        is_blank = true;
    }
    if (is_last && !is_blank)
        starts[count++] = start;
    if (is_last)
        *end = bytes;
    return count;
}

void csv_rows_read(const char *text, size_t bytes, bool is_last, struct arena *arena,
                   struct csv_rows *rows)
{
    size_t lines = 1;
    for (size_t i = 0; i < bytes; i++)
        lines += text[i] == '\n';
    size_t *starts = ARENA_ARRAY(arena, lines + 1, size_t);
    struct reading it = {arena, rows, ARENA_ARRAY(arena, CSV_MAX_COLUMNS, const char *), 0};
    struct csv_parser parser;
    *rows = (struct csv_rows){0};
    size_t records = find_records(text, bytes, is_last, starts, &rows->end);
    rows->list = ARENA_ARRAY(arena, lines + 1, struct csv_row);
    rows->is_malformed = bytes - rows->end > CSV_MAX_RECORD_BYTES ||
                         csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI) != 0;
    if (rows->is_malformed)
        return;
    size_t read = csv_parse(&parser, text, rows->end, on_field, on_row, &it);
    bool ended = read == rows->end && csv_fini(&parser, on_field, on_row, &it) == 0;
    csv_free(&parser);
    rows->is_malformed = !ended || rows->count != records;
    if (rows->count > records)
        rows->count = records;
    for (size_t i = 0; i < rows->count; i++)
        rows->list[i].offset = starts[i];
}
