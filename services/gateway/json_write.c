/* The writer. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "services/gateway/json.h"
#include "services/gateway/utf8.h"

/* Most answers fit. */
#define WRITER_BYTES 4096

void json_writer_open(struct json_writer *writer)
{
    *writer = (struct json_writer){malloc(WRITER_BYTES), 0, WRITER_BYTES, false};
    assert(writer->data != NULL);
}

void json_writer_close(struct json_writer *writer)
{
    free(writer->data);
    *writer = (struct json_writer){NULL, 0, 0, false};
}

char *json_writer_take(struct json_writer *writer, size_t *bytes)
{
    char *data = writer->data;
    *bytes = writer->bytes;
    *writer = (struct json_writer){NULL, 0, 0, false};
    return data;
}

static char *reserve(struct json_writer *writer, size_t more)
{
    if (writer->room - writer->bytes < more) {
        while (writer->room - writer->bytes < more)
            writer->room *= 2;
        writer->data = realloc(writer->data, writer->room);
        assert(writer->data != NULL);
    }
    return writer->data + writer->bytes;
}

static void put(struct json_writer *writer, const char *bytes, size_t count)
{
    memcpy(reserve(writer, count), bytes, count);
    writer->bytes += count;
}

/* What stands before a value. */
static void separate(struct json_writer *writer)
{
    if (writer->needs_comma)
        put(writer, ",", 1);
    writer->needs_comma = true;
}

static void open_bracket(struct json_writer *writer, const char *bracket)
{
    separate(writer);
    put(writer, bracket, 1);
    writer->needs_comma = false;
}

static void close_bracket(struct json_writer *writer, const char *bracket)
{
    put(writer, bracket, 1);
    writer->needs_comma = true;
}

void json_begin_object(struct json_writer *writer)
{
    open_bracket(writer, "{");
}

void json_end_object(struct json_writer *writer)
{
    close_bracket(writer, "}");
}

void json_begin_array(struct json_writer *writer)
{
    open_bracket(writer, "[");
}

void json_end_array(struct json_writer *writer)
{
    close_bracket(writer, "]");
}

static char *put_escape(char *to, uint8_t c)
{
    static const char hex[] = "0123456789abcdef";
    static const char from[] = "\"\\\b\f\n\r\t", letter[] = "\"\\bfnrt";
    const char *found = c != 0 ? strchr(from, c) : NULL;
    *to++ = '\\';
    if (found != NULL) {
        *to++ = letter[found - from];
        return to;
    }
    memcpy(to, "u00", 3);
    to[3] = hex[c >> 4];
    to[4] = hex[c & 15];
    return to + 5;
}

/* What stands in a text as it is. */
static bool is_plain(uint8_t c)
{
    return c >= 0x20 && c < 0x7F && c != '"' && c != '\\';
}

static void put_quoted(struct json_writer *writer, const char *text, size_t bytes)
{
    const uint8_t *at = (const uint8_t *)text, *end = at + bytes;
    char *start = reserve(writer, 6 * bytes + 2), *to = start;
    *to++ = '"';
    while (at < end) {
        size_t length = 1;
        if (is_plain(*at)) {
            *to++ = (char)*at;
        } else if (*at < 0x80) {
            to = put_escape(to, *at);
        } else if ((length = utf8_sequence_bytes(at, end)) > 0) {
            memcpy(to, at, length);
            to += length;
        } else {
            to = utf8_put(to, 0xFFFD);
            length = 1;
        }
        at += length;
    }
    *to++ = '"';
    writer->bytes += (size_t)(to - start);
}

void json_put_plain_name(struct json_writer *writer, const char *name, size_t bytes)
{
    char *to = reserve(writer, bytes + 4), *start = to;
    if (writer->needs_comma)
        *to++ = ',';
    *to++ = '"';
    memcpy(to, name, bytes);
    to += bytes;
    *to++ = '"';
    *to++ = ':';
    writer->bytes += (size_t)(to - start);
    writer->needs_comma = false;
}

void json_put_name(struct json_writer *writer, const char *name)
{
    json_put_plain_name(writer, name, strlen(name));
}

void json_put_text_bytes(struct json_writer *writer, const char *text, size_t bytes)
{
    separate(writer);
    put_quoted(writer, text, bytes);
}

void json_put_text(struct json_writer *writer, const char *text)
{
    if (text == NULL)
        json_put_null(writer);
    else
        json_put_text_bytes(writer, text, strlen(text));
}

void json_put_int(struct json_writer *writer, int64_t number)
{
    char digits[24], *at = digits + sizeof digits;
    uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    do
        *--at = (char)('0' + rest % 10);
    while ((rest /= 10) != 0);
    if (number < 0)
        *--at = '-';
    separate(writer);
    put(writer, at, (size_t)(digits + sizeof digits - at));
}

void json_put_bool(struct json_writer *writer, bool value)
{
    separate(writer);
    put(writer, value ? "true" : "false", value ? 4 : 5);
}

void json_put_null(struct json_writer *writer)
{
    separate(writer);
    put(writer, "null", 4);
}

void json_put_member_text(struct json_writer *writer, const char *name, const char *text)
{
    json_put_name(writer, name);
    json_put_text(writer, text);
}

void json_put_member_int(struct json_writer *writer, const char *name, int64_t number)
{
    json_put_name(writer, name);
    json_put_int(writer, number);
}
