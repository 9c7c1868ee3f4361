/* pages.c -- the few addresses that are no rpc. */
#include <stdlib.h>
#include <string.h>

#include "services/gateway/http_internal.h"

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
        {"/openapi.json", run_openapi},
        {"/livez", run_live},
        {"/readyz", health_ready},
        {"/metrics", health_metrics},
    };
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++)
        if (strcmp(pages[i].path, path) == 0)
            return &pages[i];
    return NULL;
}

const struct page *page_of_console(void)
{
    static const struct page console = {"/", pages_console};
    return &console;
}
