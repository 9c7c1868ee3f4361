/* The reader. */
#include "services/gateway/json.h"

#include <string.h>

#include "services/gateway/utf8.h"

/* Members of one object beyond which duplicates are looked for in a hash table. */
#define FEW_MEMBERS 12

struct reader {
    const uint8_t *start, *at, *end;
    struct json_limits limits;
    uint32_t values_left;
    struct arena *arena;
    struct json_error *error;
};

/* The names seen in one object. */
struct names {
    const struct json_value **slots; /* NULL while they are few */
    size_t mask;
};

static bool fail(struct reader *reader, const char *code, const char *sentence)
{
    *reader->error = (struct json_error){code, sentence, (size_t)(reader->at - reader->start)};
    return false;
}

static void skip_blanks(struct reader *reader)
{
    while (reader->at < reader->end && (*reader->at == ' ' || *reader->at == '\n' ||
                                        *reader->at == '\t' || *reader->at == '\r'))
        reader->at++;
}

static bool read_hex4(struct reader *reader, uint32_t *out)
{
    if (reader->end - reader->at < 4)
        return fail(reader, "bad_json", "\\u needs four hexadecimal digits");
    uint32_t value = 0;
    for (int i = 0; i < 4; i++) {
        uint8_t c = *reader->at;
        uint32_t digit;
        if (c >= '0' && c <= '9')
            digit = (uint32_t)c - '0';
        else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
            digit = (uint32_t)(c | 0x20) - 'a' + 10;
        else
            return fail(reader, "bad_json", "\\u needs four hexadecimal digits");
        value = value * 16 + digit;
        reader->at++;
    }
    *out = value;
    return true;
}

/* After "\u". */
static bool read_code_point(struct reader *reader, char **to)
{
    uint32_t point;
    if (!read_hex4(reader, &point))
        return false;
    if (point >= 0xDC00 && point <= 0xDFFF)
        return fail(reader, "bad_utf8", "a low surrogate stands alone");
    if (point >= 0xD800 && point <= 0xDBFF) {
        uint32_t low;
        if (reader->end - reader->at < 2 || reader->at[0] != '\\' || reader->at[1] != 'u')
            return fail(reader, "bad_utf8", "a high surrogate stands alone");
        reader->at += 2;
        if (!read_hex4(reader, &low))
            return false;
        if (low < 0xDC00 || low > 0xDFFF)
            return fail(reader, "bad_utf8", "a high surrogate stands alone");
        point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
    }
    if (point == 0)
        return fail(reader, "bad_json", "\\u0000 is not accepted in texts");
    *to = utf8_put(*to, point);
    return true;
}

/* After a backslash. */
static bool read_escape(struct reader *reader, char **to)
{
    static const char from[] = "\"\\/bfnrt", into[] = "\"\\/\b\f\n\r\t";
    if (reader->at == reader->end)
        return fail(reader, "bad_json", "a text has no end");
    uint8_t c = *reader->at;
    if (c == 'u') {
        reader->at++;
        return read_code_point(reader, to);
    }
    const char *found = c != '\0' ? strchr(from, c) : NULL;
    if (found == NULL)
        return fail(reader, "bad_json", "there is no such escape sequence");
    reader->at++;
    *(*to)++ = into[found - from];
    return true;
}

/* Where the text that starts here ends, or NULL: decoded it is never longer than as it stands. */
static const uint8_t *find_closing_quote(const struct reader *reader)
{
    for (const uint8_t *at = reader->at; at < reader->end; at++) {
        if (*at == '"')
            return at;
        if (*at == '\\' && ++at == reader->end)
            return NULL;
    }
    return NULL;
}

/* After the opening quote. */
static bool read_string(struct reader *reader, const char **text, size_t *bytes)
{
    const uint8_t *close = find_closing_quote(reader);
    if (close == NULL)
        return fail(reader, "bad_json", "a text has no end");
    char *buffer = (char *)arena_alloc(reader->arena, (size_t)(close - reader->at) + 1);
    char *to = buffer;
    while (*reader->at != '"') {
        uint8_t c = *reader->at;
        if (c == '\\') {
            reader->at++;
            if (!read_escape(reader, &to))
                return false;
        } else if (c < 0x20) {
            return fail(reader, "bad_json", "a control character must be escaped in a text");
        } else if (c < 0x80) {
            *to++ = (char)c;
            reader->at++;
        } else {
            size_t length = utf8_sequence_bytes(reader->at, reader->end);
            if (length == 0)
                return fail(reader, "bad_utf8", "a text is not valid UTF-8");
            memcpy(to, reader->at, length);
            to += length;
            reader->at += length;
        }
    }
    *text = buffer;
    *bytes = (size_t)(to - buffer);
    if (*bytes > reader->limits.string_bytes)
        return fail(reader, "too_long", "a text is longer than is accepted");
    reader->at++;
    return true;
}

static bool is_digit(const struct reader *reader)
{
    return reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9';
}

static bool read_digits(struct reader *reader)
{
    if (!is_digit(reader))
        return fail(reader, "bad_json", "a digit is missing in a number");
    while (is_digit(reader))
        reader->at++;
    return true;
}

static bool read_number(struct reader *reader, struct json_value *value)
{
    const uint8_t *from = reader->at;
    if (*reader->at == '-')
        reader->at++;
    bool is_zero = reader->at < reader->end && *reader->at == '0';
    if (!read_digits(reader))
        return false;
    if (is_zero && reader->at - from > (*from == '-' ? 2 : 1))
        return fail(reader, "bad_json", "a number has a leading zero");
    if (reader->at < reader->end && *reader->at == '.') {
        reader->at++;
        if (!read_digits(reader))
            return false;
    }
    if (reader->at < reader->end && (*reader->at | 0x20) == 'e') {
        reader->at++;
        if (reader->at < reader->end && (*reader->at == '+' || *reader->at == '-'))
            reader->at++;
        if (!read_digits(reader))
            return false;
    }
    value->kind = JSON_KIND_NUMBER;
    value->bytes = (size_t)(reader->at - from);
    if (value->bytes > reader->limits.string_bytes)
        return fail(reader, "too_long", "a number is longer than is accepted");
    value->text = arena_strndup(reader->arena, (const char *)from, value->bytes);
    return true;
}

static bool read_word(struct reader *reader, const char *word, enum json_kind kind,
                      struct json_value *value)
{
    size_t length = strlen(word);
    if ((size_t)(reader->end - reader->at) < length || memcmp(reader->at, word, length) != 0)
        return fail(reader, "bad_json", "a value is expected here");
    reader->at += length;
    value->kind = kind;
    return true;
}

static bool same_name(const struct json_value *a, const struct json_value *b)
{
    return a->name_bytes == b->name_bytes && memcmp(a->name, b->name, a->name_bytes) == 0;
}

static const struct json_value **name_slot(const struct names *names,
                                           const struct json_value *member)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (uint32_t i = 0; i < member->name_bytes; i++)
        hash = (hash ^ (uint8_t)member->name[i]) * UINT64_C(1099511628211);
    size_t slot = (size_t)(hash ^ (hash >> 32)) & names->mask;
    while (names->slots[slot] != NULL && !same_name(names->slots[slot], member))
        slot = (slot + 1) & names->mask;
    return &names->slots[slot];
}

/* Makes room for twice the members that the object has by now. */
static void names_grow(struct names *names, struct arena *arena, const struct json_value *object)
{
    size_t room = 4 * FEW_MEMBERS;
    while (room < 4 * object->count)
        room *= 2;
    size_t size = 1;
    while (size < room)
        size *= 2;
    names->slots = ARENA_ARRAY(arena, size, const struct json_value *);
    names->mask = size - 1;
    json_each(member, object)
        *name_slot(names, member) = member;
}

/* False when the object has a member of that name already. */
static bool names_add(struct names *names, struct arena *arena, const struct json_value *object,
                      const struct json_value *member)
{
    if (object->count < FEW_MEMBERS) {
        json_each(other, object)
            if (same_name(other, member))
                return false;
        return true;
    }
    if (names->slots == NULL || object->count * 2 > names->mask)
        names_grow(names, arena, object);
    const struct json_value **slot = name_slot(names, member);
    if (*slot != NULL)
        return false;
    *slot = member;
    return true;
}

static bool read_value(struct reader *reader, uint32_t depth, struct json_value *value);

/* After a comma or the opening bracket: an item, or a member with its name, hung onto the list. */
static bool read_element(struct reader *reader, uint32_t depth, struct json_value *parent,
                         struct json_value **last, struct names *names)
{
    if (reader->values_left == 0)
        return fail(reader, "too_many", "there are more values than are accepted");
    reader->values_left--;
    struct json_value *value = ARENA_NEW(reader->arena, struct json_value);
    if (parent->kind == JSON_KIND_OBJECT) {
        if (parent->count >= reader->limits.members)
            return fail(reader, "too_many", "an object has more members than are accepted");
        if (reader->at == reader->end || *reader->at != '"')
            return fail(reader, "bad_json", "the name of a member is expected here");
        reader->at++;
        size_t bytes;
        if (!read_string(reader, &value->name, &bytes))
            return false;
        value->name_bytes = (uint32_t)bytes;
        if (!names_add(names, reader->arena, parent, value))
            return fail(reader, "duplicate_member", "an object has two members of one name");
        skip_blanks(reader);
        if (reader->at == reader->end || *reader->at != ':')
            return fail(reader, "bad_json", "a colon is expected here");
        reader->at++;
        skip_blanks(reader);
    }
    if (*last == NULL)
        parent->first = value;
    else
        (*last)->next = value;
    *last = value;
    parent->count++;
    return read_value(reader, depth, value);
}

/* After the opening bracket of an array or object. */
static bool read_container(struct reader *reader, uint32_t depth, struct json_value *value)
{
    uint8_t close = value->kind == JSON_KIND_ARRAY ? ']' : '}';
    struct json_value *last = NULL;
    struct names names = {NULL, 0};
    if (depth >= reader->limits.depth)
        return fail(reader, "too_deep", "arrays and objects are nested too deeply");
    skip_blanks(reader);
    if (reader->at < reader->end && *reader->at == close) {
        reader->at++;
        return true;
    }
    for (;;) {
        if (!read_element(reader, depth + 1, value, &last, &names))
            return false;
        skip_blanks(reader);
        if (reader->at == reader->end || (*reader->at != ',' && *reader->at != close))
            return fail(reader, "bad_json", "a comma or the closing bracket is expected here");
        if (*reader->at++ == close)
            return true;
        skip_blanks(reader);
    }
}

static bool read_value(struct reader *reader, uint32_t depth, struct json_value *value)
{
    if (reader->at == reader->end)
        return fail(reader, "bad_json", "the text ends before the value does");
    switch (*reader->at) {
    case '{':
    case '[':
        value->kind = *reader->at++ == '{' ? JSON_KIND_OBJECT : JSON_KIND_ARRAY;
        return read_container(reader, depth, value);
    case '"':
        reader->at++;
        value->kind = JSON_KIND_STRING;
        return read_string(reader, &value->text, &value->bytes);
    case 't':
        return read_word(reader, "true", JSON_KIND_TRUE, value);
    case 'f':
        return read_word(reader, "false", JSON_KIND_FALSE, value);
    case 'n':
        return read_word(reader, "null", JSON_KIND_NULL, value);
    default:
        if (*reader->at == '-' || is_digit(reader))
            return read_number(reader, value);
        return fail(reader, "bad_json", "a value is expected here");
    }
}

const struct json_value *json_parse(const void *bytes, size_t count, struct json_limits limits,
                                    struct arena *arena, struct json_error *error)
{
    const uint8_t *start = bytes;
    struct reader reader = {start, start, start + count, limits, limits.values, arena, error};
    struct json_value *value = ARENA_NEW(arena, struct json_value);
    skip_blanks(&reader);
    if (!read_value(&reader, 0, value))
        return NULL;
    skip_blanks(&reader);
    if (reader.at != reader.end) {
        fail(&reader, "bad_json", "something follows the value");
        return NULL;
    }
    return value;
}

const struct json_value *json_get(const struct json_value *value, const char *name)
{
    if (!json_is(value, JSON_KIND_OBJECT))
        return NULL;
    size_t bytes = strlen(name);
    json_each(member, value)
        if (member->name_bytes == bytes && memcmp(member->name, name, bytes) == 0)
            return member;
    return NULL;
}

const char *json_get_text(const struct json_value *value, const char *name)
{
    const struct json_value *member = json_get(value, name);
    return json_is(member, JSON_KIND_STRING) ? member->text : NULL;
}

const char *json_get_figure(const struct json_value *value, const char *name)
{
    const struct json_value *member = json_get(value, name);
    return json_is(member, JSON_KIND_STRING) || json_is(member, JSON_KIND_NUMBER) ? member->text
                                                                                  : NULL;
}

bool json_to_int(const struct json_value *value, int64_t *out)
{
    if (!json_is(value, JSON_KIND_NUMBER))
        return false;
    const char *at = value->text;
    bool is_negative = *at == '-';
    int64_t number = 0;
    for (at += is_negative ? 1 : 0; *at != '\0'; at++) {
        if (*at < '0' || *at > '9')
            return false;
        int digit = *at - '0';
        /* Counted downwards, where there is room for the smallest. */
        if (__builtin_mul_overflow(number, 10, &number) ||
            __builtin_sub_overflow(number, digit, &number))
            return false;
    }
    if (!is_negative && number == INT64_MIN)
        return false;
    *out = is_negative ? number : -number;
    return true;
}
