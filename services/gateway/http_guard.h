/* http_guard.h -- what a request must look like before anything believes it.
 *
 * The HTTP library lets pass what two parsers may read in two ways, which is how requests are
 * smuggled past a proxy: a second Content-Length, a body in chunks beside a length, "Content-Length
 * :". The guard refuses all of it and the connection is closed, since nobody can say where the next
 * request would begin. Pure, over the list of headers.
 *
 * Limits: 64 headers of 8 KiB in all, 2 KiB of URI, 8 path segments, 32 query parameters.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"

#define HTTP_MAX_HEADERS 64
#define HTTP_MAX_HEADER_BYTES 8192
#define HTTP_MAX_URI_BYTES 2048
#define HTTP_MAX_SEGMENTS 8
#define HTTP_MAX_PARAMETERS 32

struct http_header {
    const char *name, *value;
    size_t name_bytes, value_bytes;
};

/* A refusal by HTTP status; closes says that the connection cannot go on. */
struct http_refusal {
    int status;
    const char *code, *text;
    bool closes;
};

/* What the guard learned. */
struct http_framing {
    bool has_length;
    int64_t content_length;
    bool expects_continue;
};

/* False: *refusal says why. count may be over the limit, then headers has HTTP_MAX_HEADERS of them.
 */
bool http_guard_headers(const struct http_header *headers, size_t count, bool needs_host,
                        struct http_framing *framing, struct http_refusal *refusal);

struct http_parameter {
    const char *name, *value;
};
/* A path cut at its slashes and a query at its ampersands, both decoded. */
struct http_uri {
    const char *path; /* as it came, without the query */
    const char *segments[HTTP_MAX_SEGMENTS];
    size_t nsegments;
    struct http_parameter parameters[HTTP_MAX_PARAMETERS];
    size_t nparameters;
};
/* Refuses what is not strictly encoded, control characters, bad UTF-8, empty and dot segments. */
bool http_guard_uri(const char *raw, struct arena *arena, struct http_uri *uri,
                    struct http_refusal *refusal);

/* True for bytes that are valid UTF-8 without control characters. */
bool http_is_clean_text(const char *text, size_t bytes);
