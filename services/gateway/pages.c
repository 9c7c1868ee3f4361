/* pages.c -- the few addresses that are no rpc. */
#include <stdlib.h>
#include <string.h>

#include "services/gateway/http_internal.h"

static const char index_page[] =
    "<!doctype html>\n"
    "<html lang=\"en\">\n"
    "<head><meta charset=\"utf-8\"><title>Penstock</title>\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"></head>\n"
    "<body>\n"
    "<h1>Penstock</h1>\n"
    "<p>Multi-channel order management. This is its API; every request under <code>/v1</code> "
    "takes\n"
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

static void run_index(struct http_request *request)
{
    http_answer_header(request, "Content-Security-Policy",
                       "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; "
                       "form-action 'none'");
    http_answer_header(request, "Referrer-Policy", "no-referrer");
    http_answer_text(request, 200, "text/html; charset=utf-8", index_page);
}

static void run_openapi(struct http_request *request)
{
    const struct http *http = request->thread->http;
    char *copy = malloc(http->openapi_bytes);
    if (copy != NULL)
        memcpy(copy, http->openapi, http->openapi_bytes);
    http_answer(request, 200, "application/json", copy, copy != NULL ? http->openapi_bytes : 0);
}

static void run_live(struct http_request *request)
{
    http_answer_text(request, 200, "text/plain", "ok\n");
}

const struct page *page_find(const char *path)
{
    static const struct page pages[] = {
        {"/", run_index},          {"/openapi.json", run_openapi}, {"/livez", run_live},
        {"/readyz", health_ready}, {"/metrics", health_metrics},
    };
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++)
        if (strcmp(pages[i].path, path) == 0)
            return &pages[i];
    return NULL;
}
