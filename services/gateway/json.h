/* json.h -- a strict reader and a writer of JSON.
 *
 * RFC 8259 to the letter, and stricter where looseness hides attacks: one value and nothing after
 * it, valid UTF-8, no lone surrogate, no \u0000, no member twice in one object. The text of a
 * number is kept as it stands, since money and 64-bit ids must not pass through a double. The
 * gateway is the only place that knows JSON.
 *
 * Ownership: the tree and its texts live in the arena given; the input may go. A writer owns its
 * buffer until json_writer_take() or json_writer_close().
 * Limits: those of struct json_limits; past one the input is refused.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"

/* ---- reading ---- */

enum json_kind {
    JSON_KIND_NULL,
    JSON_KIND_FALSE,
    JSON_KIND_TRUE,
    JSON_KIND_NUMBER,
    JSON_KIND_STRING,
    JSON_KIND_ARRAY,
    JSON_KIND_OBJECT,
};

/* One value. Members of an object and items of an array are a list: first, then next. */
struct json_value {
    enum json_kind kind;
    uint32_t name_bytes;
    const char *name; /* in an object: the member's name, else NULL */
    const char *text; /* STRING: decoded; NUMBER: as it stands; NUL-terminated; others NULL */
    size_t bytes;     /* of text */
    size_t count;     /* ARRAY, OBJECT: how many */
    const struct json_value *first;
    const struct json_value *next;
};

struct json_limits {
    uint32_t depth;        /* of arrays and objects in one another */
    uint32_t members;      /* in one object */
    uint32_t string_bytes; /* decoded, of a string or a name */
    uint32_t values;       /* in all: bounds the memory, some 100 bytes each besides the texts */
};
/* What the public API takes. */
#define JSON_LIMITS_API ((struct json_limits){32, 1024, 4096, 65536})
/* The same where a part of a file travels as one text. */
#define JSON_LIMITS_FILE ((struct json_limits){32, 1024, 1048576, 65536})
/* What channels send: texts of theirs may be long. */
#define JSON_LIMITS_HOOK ((struct json_limits){64, 4096, 262144, 131072})

struct json_error {
    const char *code;     /* bad_json, bad_utf8, duplicate_member, too_deep, too_long, too_many */
    const char *sentence; /* constant text */
    size_t offset;        /* in bytes, where the reader stopped */
};

/* NULL when refused; then *error says why. */
const struct json_value *json_parse(const void *bytes, size_t count, struct json_limits limits,
                                    struct arena *arena, struct json_error *error);

/* The member of that name; NULL when there is none or value is no object (or NULL itself). */
const struct json_value *json_get(const struct json_value *value, const char *name);
/* The text of a string member; NULL when absent, null or not a string. */
const char *json_get_text(const struct json_value *value, const char *name);
/* The text of a string or number member ("12.50" and 12.50 alike); NULL otherwise. */
const char *json_get_figure(const struct json_value *value, const char *name);
/* An integer member, written as a number without fraction or exponent; false when it is not, or
 * does not fit. */
bool json_to_int(const struct json_value *value, int64_t *out);
static inline bool json_is(const struct json_value *value, enum json_kind kind)
{
    return value != NULL && value->kind == kind;
}
/* for (item) over the items of an array or the members of an object; nothing for NULL. */
#define json_each(item, value)                                                                     \
    for (const struct json_value *item = (value) != NULL ? (value)->first : NULL; item != NULL;    \
         item = item->next)

/* ---- writing ---- */

/* Grows as needed; the commas are the writer's. Strings must be valid UTF-8: a byte that is not
 * becomes U+FFFD. */
struct json_writer {
    char *data;
    size_t bytes, room;
    bool needs_comma;
};
void json_writer_open(struct json_writer *writer);
void json_writer_close(struct json_writer *writer);
/* Hands the buffer over: free() it. */
char *json_writer_take(struct json_writer *writer, size_t *bytes);

void json_begin_object(struct json_writer *writer);
void json_end_object(struct json_writer *writer);
void json_begin_array(struct json_writer *writer);
void json_end_array(struct json_writer *writer);
/* A name of ours: nothing in it needs an escape. */
void json_put_name(struct json_writer *writer, const char *name);
/* The same for a name that needs no escapes. */
void json_put_plain_name(struct json_writer *writer, const char *name, size_t bytes);
void json_put_text(struct json_writer *writer, const char *text); /* NULL is null */
void json_put_text_bytes(struct json_writer *writer, const char *text, size_t bytes);
void json_put_int(struct json_writer *writer, int64_t number);
void json_put_bool(struct json_writer *writer, bool value);
void json_put_null(struct json_writer *writer);
/* name and value at once */
void json_put_member_text(struct json_writer *writer, const char *name, const char *text);
void json_put_member_int(struct json_writer *writer, const char *name, int64_t number);
