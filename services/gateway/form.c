#include "services/gateway/form.h"

#include <string.h>

#include "services/gateway/utf8.h"

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* CR LF and a CR alone are one LF. */
static size_t join_lines(char *text, size_t bytes)
{
    size_t to = 0;
    for (size_t i = 0; i < bytes; i++) {
        if (text[i] == '\r' && i + 1 < bytes && text[i + 1] == '\n')
            continue;
        text[to++] = text[i] == '\r' ? '\n' : text[i];
    }
    return to;
}

static bool is_clean(const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        unsigned char c = (unsigned char)text[i];
        if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f)
            return false;
    }
    return utf8_is_valid(text, bytes);
}

/* NULL when it is not clean text. */
static const char *decode(const char *raw, size_t bytes, struct arena *arena)
{
    char *text = arena_alloc(arena, bytes + 1);
    size_t count = 0;
    for (size_t i = 0; i < bytes; i++) {
        if (raw[i] == '%') {
            int high = i + 2 < bytes ? hex_digit(raw[i + 1]) : -1;
            int low = i + 2 < bytes ? hex_digit(raw[i + 2]) : -1;
            if (high < 0 || low < 0)
                return NULL;
            text[count++] = (char)(high << 4 | low);
            i += 2;
        } else {
            text[count++] = raw[i] == '+' ? ' ' : raw[i];
        }
    }
    count = join_lines(text, count);
    text[count] = '\0';
    return is_clean(text, count) ? text : NULL;
}

bool form_read(const char *body, size_t bytes, struct arena *arena, struct form *form)
{
    form->count = 0;
    for (size_t at = 0; at < bytes;) {
        const char *from = body + at, *amp = memchr(from, '&', bytes - at);
        size_t length = amp == NULL ? bytes - at : (size_t)(amp - from);
        const char *equals = memchr(from, '=', length);
        if (equals == NULL || form->count == FORM_MAX_FIELDS)
            return false;
        size_t name_bytes = (size_t)(equals - from);
        const char *name = decode(from, name_bytes, arena);
        const char *value = decode(equals + 1, length - name_bytes - 1, arena);
        if (name == NULL || value == NULL || form_value(form, name)[0] != '\0')
            return false;
        form->fields[form->count].name = name;
        form->fields[form->count++].value = value;
        at += length + 1;
    }
    return true;
}

const char *form_value(const struct form *form, const char *name)
{
    for (size_t i = 0; i < form->count; i++) {
        if (strcmp(form->fields[i].name, name) == 0)
            return form->fields[i].value;
    }
    return "";
}
