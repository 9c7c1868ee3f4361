#include "services/gateway/http_guard.h"

#include <string.h>
#include <strings.h>

#include "services/gateway/utf8.h"

static bool refuse(struct http_refusal *refusal, int status, const char *code, const char *text)
{
    *refusal = (struct http_refusal){status, code, text, true};
    return false;
}

/* RFC 9110 5.6.2: what a name may consist of. */
static bool is_token(const char *text, size_t bytes)
{
    static const char others[] = "!#$%&'*+-.^_`|~";
    for (size_t i = 0; i < bytes; i++) {
        char c = text[i];
        bool is_letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
        if (!is_letter && !(c >= '0' && c <= '9') && (c == '\0' || strchr(others, c) == NULL))
            return false;
    }
    return bytes > 0;
}

static bool is_field_value(const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        if (((unsigned char)text[i] < 0x20 && text[i] != '\t') || text[i] == 0x7F)
            return false;
    return true;
}

static bool is_named(const struct http_header *header, const char *name)
{
    return header->name_bytes == strlen(name) &&
           strncasecmp(header->name, name, header->name_bytes) == 0;
}

static bool read_length(const struct http_header *header, struct http_framing *framing,
                        struct http_refusal *refusal)
{
    int64_t length = 0;
    for (size_t i = 0; i < header->value_bytes; i++) {
        int digit = header->value[i] - '0';
        if (digit < 0 || digit > 9 || __builtin_mul_overflow(length, 10, &length) ||
            __builtin_add_overflow(length, digit, &length))
            return refuse(refusal, 400, "bad_request", "Content-Length is not a plain number.");
    }
    if (header->value_bytes == 0)
        return refuse(refusal, 400, "bad_request", "Content-Length is empty.");
    framing->has_length = true;
    framing->content_length = length;
    return true;
}

static bool read_header(const struct http_header *header, struct http_framing *framing,
                        struct http_refusal *refusal)
{
    if (!is_token(header->name, header->name_bytes))
        return refuse(refusal, 400, "bad_request",
                      "The name of a header has a character that does not belong in it.");
    if (!is_field_value(header->value, header->value_bytes))
        return refuse(refusal, 400, "bad_request", "A header has a control character in it.");
    if (is_named(header, "Transfer-Encoding"))
        return refuse(refusal, 411, "length_required",
                      "Bodies are taken with a Content-Length only.");
    if (is_named(header, "Content-Length"))
        return read_length(header, framing, refusal);
    if (is_named(header, "Expect")) {
        framing->expects_continue = true;
        if (header->value_bytes != 12 || strncasecmp(header->value, "100-continue", 12) != 0)
            return refuse(refusal, 417, "expectation_failed", "Only 100-continue can be expected.");
    }
    return true;
}

/* Headers that two parties must not read differently. */
static bool check_singles(const struct http_header *headers, size_t count,
                          struct http_refusal *refusal)
{
    static const char *const singles[] = {"Content-Length", "Host", "Authorization", "Content-Type",
                                          "Idempotency-Key"};
    for (size_t i = 0; i < sizeof singles / sizeof singles[0]; i++) {
        int found = 0;
        for (size_t j = 0; j < count; j++)
            found += is_named(&headers[j], singles[i]);
        if (found > 1)
            return refuse(refusal, 400, "bad_request",
                          "A header stands there twice that may stand there once.");
    }
    return true;
}

bool http_guard_headers(const struct http_header *headers, size_t count, bool needs_host,
                        struct http_framing *framing, struct http_refusal *refusal)
{
    *framing = (struct http_framing){false, 0, false};
    if (count > HTTP_MAX_HEADERS)
        return refuse(refusal, 431, "too_many", "There are more headers than are accepted.");
    size_t bytes = 0;
    bool has_host = false;
    for (size_t i = 0; i < count; i++) {
        has_host = has_host || is_named(&headers[i], "Host");
        bytes += headers[i].name_bytes + headers[i].value_bytes + 4;
        if (!read_header(&headers[i], framing, refusal))
            return false;
    }
    if (bytes > HTTP_MAX_HEADER_BYTES)
        return refuse(refusal, 431, "too_long", "The headers are longer than is accepted.");
    if (needs_host && !has_host)
        return refuse(refusal, 400, "bad_request", "HTTP/1.1 needs a Host.");
    return check_singles(headers, count, refusal);
}

/* ---- the URI ---- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool http_is_clean_text(const char *text, size_t bytes)
{
    return memchr(text, '\0', bytes) == NULL && is_field_value(text, bytes) &&
           memchr(text, '\t', bytes) == NULL && utf8_is_valid(text, bytes);
}

/* Decodes %XX, and + as a blank in a query; NULL when it is not clean text. */
static const char *decode(const char *raw, size_t bytes, bool is_query, struct arena *arena)
{
    char *text = arena_strndup(arena, raw, bytes), *to = text;
    for (size_t i = 0; i < bytes; i++) {
        if (raw[i] == '%') {
            int high = i + 2 < bytes ? hex_digit(raw[i + 1]) : -1;
            int low = i + 2 < bytes ? hex_digit(raw[i + 2]) : -1;
            if (high < 0 || low < 0)
                return NULL;
            *to++ = (char)(high * 16 + low);
            i += 2;
        } else {
            *to++ = raw[i] == '+' && is_query ? ' ' : raw[i];
        }
    }
    *to = '\0';
    return http_is_clean_text(text, (size_t)(to - text)) ? text : NULL;
}

/* What may stand in an address is encoded, but for visible ASCII. */
static bool is_visible(const char *text)
{
    for (; *text != '\0'; text++)
        if (*text <= ' ' || *text >= 0x7F)
            return false;
    return true;
}

static bool read_path(const char *raw, size_t bytes, struct arena *arena, struct http_uri *uri,
                      struct http_refusal *refusal)
{
    const char *at = raw, *end = raw + bytes;
    if (at == end || *at != '/')
        return refuse(refusal, 400, "bad_request", "The path must begin with a slash.");
    uri->path = arena_strndup(arena, raw, bytes);
    if (bytes == 1)
        return true;
    while (at < end) {
        const char *slash = memchr(at + 1, '/', (size_t)(end - at - 1));
        const char *stop = slash != NULL ? slash : end;
        const char *segment = decode(at + 1, (size_t)(stop - at - 1), false, arena);
        if (segment == NULL)
            return refuse(refusal, 400, "bad_request", "The path is not properly encoded.");
        bool is_dots = strcmp(segment, ".") == 0 || strcmp(segment, "..") == 0;
        if (segment[0] == '\0' || is_dots || uri->nsegments == HTTP_MAX_SEGMENTS) {
            *refusal = (struct http_refusal){404, "not_found", "There is nothing here.", false};
            return false;
        }
        uri->segments[uri->nsegments++] = segment;
        at = stop;
    }
    return true;
}

static bool read_query(const char *raw, struct arena *arena, struct http_uri *uri,
                       struct http_refusal *refusal)
{
    while (*raw != '\0') {
        size_t bytes = strcspn(raw, "&");
        const char *equals = memchr(raw, '=', bytes);
        size_t name_bytes = equals != NULL ? (size_t)(equals - raw) : bytes;
        const char *name = decode(raw, name_bytes, true, arena);
        const char *value =
            equals != NULL ? decode(equals + 1, bytes - name_bytes - 1, true, arena) : "";
        if (name == NULL || value == NULL)
            return refuse(refusal, 400, "bad_request", "The query is not properly encoded.");
        if (uri->nparameters == HTTP_MAX_PARAMETERS)
            return refuse(refusal, 400, "too_many", "The query has too many parameters.");
        if (bytes > 0)
            uri->parameters[uri->nparameters++] = (struct http_parameter){name, value};
        raw += bytes + (raw[bytes] == '&');
    }
    return true;
}

bool http_guard_uri(const char *raw, struct arena *arena, struct http_uri *uri,
                    struct http_refusal *refusal)
{
    memset(uri, 0, sizeof *uri);
    size_t bytes = strlen(raw), path_bytes = strcspn(raw, "?");
    if (bytes > HTTP_MAX_URI_BYTES)
        return refuse(refusal, 414, "too_long", "The address is longer than is accepted.");
    if (!is_visible(raw))
        return refuse(refusal, 400, "bad_request", "The address is not properly encoded.");
    if (!read_path(raw, path_bytes, arena, uri, refusal))
        return false;
    return raw[path_bytes] == '\0' || read_query(raw + path_bytes + 1, arena, uri, refusal);
}
