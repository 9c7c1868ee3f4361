#include "rules_export.h"

#include <string.h>

static void put(struct export_rows *rows, const char *bytes, size_t count)
{
    if (rows->count + count > rows->room) {
        size_t room = (rows->count + count) * 2;
        char *grown = arena_alloc(rows->arena, room);
        if (rows->count > 0)
            memcpy(grown, rows->bytes, rows->count);
        rows->bytes = grown;
        rows->room = room;
    }
    memcpy(rows->bytes + rows->count, bytes, count);
    rows->count += count;
}

static void put_text(struct export_rows *rows, const char *text)
{
    put(rows, text, strlen(text));
}

void export_begin_row(struct export_rows *rows)
{
    rows->is_in_row = false;
    if (rows->format == EXPORT_XLSX)
        put_text(rows, "<row>");
}

void export_end_row(struct export_rows *rows)
{
    put_text(rows, rows->format == EXPORT_XLSX ? "</row>" : "\r\n");
}

static void begin_cell(struct export_rows *rows)
{
    if (rows->format == EXPORT_CSV && rows->is_in_row)
        put(rows, ",", 1);
    rows->is_in_row = true;
}

/* ---- CSV ---- */

static bool is_formula(const char *text)
{
    return strchr("=+-@", text[0]) != NULL ? text[0] != '\0' : (unsigned char)text[0] < ' ';
}

static void put_csv(struct export_rows *rows, const char *text)
{
    bool guards = is_formula(text);
    bool quotes = strpbrk(text, ",\"\r\n") != NULL;
    if (quotes)
        put(rows, "\"", 1);
    if (guards && text[0] != '\0')
        put(rows, "'", 1);
    for (; *text != '\0'; text++)
        put(rows, *text == '"' ? "\"\"" : text, *text == '"' ? 2 : 1);
    if (quotes)
        put(rows, "\"", 1);
}

/* ---- a sheet ---- */

/* What XML cannot hold is left out: it was refused when it came in, but for old imports. */
static void put_xml(struct export_rows *rows, const char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '&')
            put_text(rows, "&amp;");
        else if (c == '<')
            put_text(rows, "&lt;");
        else if (c == '>')
            put_text(rows, "&gt;");
        else if (c >= ' ' || c == '\n' || c == '\t')
            put(rows, text, 1);
    }
}

void export_text(struct export_rows *rows, const char *text)
{
    begin_cell(rows);
    if (rows->format == EXPORT_CSV) {
        put_csv(rows, text);
    } else if (text[0] == '\0') {
        put_text(rows, "<c/>");
    } else {
        put_text(rows, "<c t=\"inlineStr\"><is><t xml:space=\"preserve\">");
        put_xml(rows, text);
        put_text(rows, "</t></is></c>");
    }
}

void export_number(struct export_rows *rows, const char *number)
{
    begin_cell(rows);
    if (rows->format == EXPORT_XLSX)
        put_text(rows, "<c><v>");
    put_text(rows, number);
    if (rows->format == EXPORT_XLSX)
        put_text(rows, "</v></c>");
}
