/* pages_console.c -- the console over HTTP: its page, its files, and what a browser may do with
 * them.
 *
 * Every address that is no file and looks like none is the page itself, which knows by the address
 * what to show. The page's style elements carry a nonce: it is put in place of CSP_NONCE_MARK, and
 * is another for each answer.
 */
#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "services/gateway/console.h"
#include "services/gateway/http_internal.h"

#define CSP_NONCE_MARK "__CSP_NONCE__"
#define NONCE_BYTES 25 /* 24 of base64 for 144 bits, NUL */
#define IMMUTABLE "public, max-age=31536000, immutable"
#define AN_HOUR "public, max-age=3600"

static const char no_console_page[] =
    "<!doctype html>\n"
    "<html lang=\"en\">\n"
    "<head><meta charset=\"utf-8\"><title>Penstock</title>\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"></head>\n"
    "<body>\n"
    "<h1>Penstock</h1>\n"
    "<p>Multi-channel order management. The web console has not been built here (<code>make\n"
    "console</code> builds it); this is the API. Every request under <code>/v1</code> takes\n"
    "<code>Authorization: Bearer</code> and a key that <code>penstock key create --role "
    "owner</code> prints.</p>\n"
    "<ul>\n"
    "<li><a href=\"/openapi.json\">/openapi.json</a>: every route and every field</li>\n"
    "<li><a href=\"/readyz\">/readyz</a>: whether every service is ready</li>\n"
    "<li><a href=\"/metrics\">/metrics</a>: figures, for Prometheus</li>\n"
    "<li><a href=\"/livez\">/livez</a>: whether this process answers</li>\n"
    "</ul>\n"
    "</body>\n"
    "</html>\n";

/* ---- headers ---- */

static void answer_common(struct http_request *request, const char *policy)
{
    http_answer_header(request, "Content-Security-Policy", policy);
    http_answer_header(request, "Referrer-Policy", "no-referrer");
    http_answer_header(request, "Cross-Origin-Opener-Policy", "same-origin");
    http_answer_header(request, "Cross-Origin-Resource-Policy", "same-origin");
}

static char *copy_bytes(const char *bytes, size_t count)
{
    char *copy = malloc(count + 1);
    assert(copy != NULL);
    memcpy(copy, bytes, count);
    copy[count] = '\0';
    return copy;
}

/* "gzip" among what the client takes, and not at weight 0. */
static bool takes_gzip(const struct http_request *request)
{
    const char *at = http_header(request, "Accept-Encoding");
    while (at != NULL && *at != '\0') {
        at += strspn(at, ", \t");
        size_t bytes = strcspn(at, ",");
        if (strncasecmp(at, "gzip", 4) == 0 && strchr(",; \t", at[4]) != NULL) {
            const char *weight = memmem(at, bytes, "q=0", 3);
            return weight == NULL || strspn(weight + 3, ".0") < strcspn(weight + 3, ", \t");
        }
        at += bytes;
    }
    return false;
}

/* ---- the page ---- */

static char *with_nonce(const struct console_file *file, const char *nonce, size_t *count)
{
    char *text = malloc(file->count * 2 + 1), *to = text;
    const char *from = file->bytes, *end = file->bytes + file->count;
    assert(text != NULL);
    _Static_assert(NONCE_BYTES - 1 <= 2 * (sizeof CSP_NONCE_MARK - 1), "it fits in twice the room");
    for (const char *mark; (mark = strstr(from, CSP_NONCE_MARK)) != NULL;) {
        to = mempcpy(to, from, (size_t)(mark - from));
        to = mempcpy(to, nonce, strlen(nonce));
        from = mark + strlen(CSP_NONCE_MARK);
    }
    to = mempcpy(to, from, (size_t)(end - from));
    *count = (size_t)(to - text);
    return text;
}

static void answer_page(struct http_request *request, const struct console_file *file)
{
    uint8_t random[18];
    char nonce[NONCE_BYTES];
    size_t count;
    randombytes_buf(random, sizeof random);
    sodium_bin2base64(nonce, sizeof nonce, random, sizeof random, sodium_base64_VARIANT_ORIGINAL);
    answer_common(request,
                  arena_printf(request->arena,
                               "default-src 'none'; script-src 'self'; style-src 'self' "
                               "'nonce-%s'; img-src 'self' data:; font-src 'self'; connect-src "
                               "'self'; manifest-src 'self'; form-action 'self'; frame-ancestors "
                               "'none'; base-uri 'none'",
                               nonce));
    if (http_is_secure(request))
        http_answer_header(request, "Strict-Transport-Security", "max-age=31536000");
    char *text = with_nonce(file, nonce, &count);
    http_answer(request, 200, file->content_type, text, count);
}

static void answer_no_console(struct http_request *request)
{
    answer_common(request, "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; "
                           "form-action 'none'");
    http_answer_text(request, 200, "text/html; charset=utf-8", no_console_page);
}

/* ---- files ---- */

static void answer_file(struct http_request *request, const struct console_file *file)
{
    bool is_gzipped = file->gzipped != NULL && takes_gzip(request);
    answer_common(request, "default-src 'none'; frame-ancestors 'none'");
    request->cache_control = file->is_hashed ? IMMUTABLE : AN_HOUR;
    if (file->gzipped != NULL)
        http_answer_header(request, "Vary", "Accept-Encoding");
    if (is_gzipped)
        http_answer_header(request, "Content-Encoding", "gzip");
    size_t count = is_gzipped ? file->gzipped_count : file->count;
    http_answer(request, 200, file->content_type,
                copy_bytes(is_gzipped ? file->gzipped : file->bytes, count), count);
}

static bool looks_like_a_file(const struct http_uri *uri)
{
    return uri->nsegments > 0 && (strchr(uri->segments[uri->nsegments - 1], '.') != NULL ||
                                  strcmp(uri->segments[0], "assets") == 0);
}

void pages_console(struct http_request *request)
{
    static const char page[] = "/index.html";
    struct console *console = request->thread->console;
    const struct http_uri *uri = &request->uri;
    const struct console_file *file = console_find(console, uri->path);
    if (file == NULL || strcmp(uri->path, page) == 0) {
        console_refresh(console);
        file = console_find(console, looks_like_a_file(uri) ? uri->path : page);
    }
    if (file != NULL && strcmp(file->path, page) == 0)
        answer_page(request, file);
    else if (file != NULL)
        answer_file(request, file);
    else if (uri->nsegments == 0)
        answer_no_console(request);
    else
        http_problem(request, 404, "not_found", "", "There is nothing at this address.");
}
