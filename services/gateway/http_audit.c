/* What the HTTP threads note for the audit: refusals, and readings of personal data. */
#include <arpa/inet.h>
#include <string.h>

#include "services/gateway/audit.h"
#include "services/gateway/http_internal.h"

/* Whoever reads with one of these sees who bought, where they live or what they wrote. */
static bool is_personal(const char *permission)
{
    static const char *const personal[] = {"orders:read", "customers:read", "messages:read",
                                           "exports:read"};
    for (size_t i = 0; i < sizeof personal / sizeof personal[0]; i++)
        if (strcmp(personal[i], permission) == 0)
            return true;
    return false;
}

/* What stands in the address where the route has its first parameter. */
static const char *target_of(const struct http_request *request)
{
    const struct endpoint *endpoint = request->endpoint;
    for (size_t i = 0; i < endpoint->nsegments; i++)
        if (endpoint->is_parameter[i])
            return request->uri.segments[i];
    return "";
}

void http_audit(struct http_request *request, const char *action, const char *target)
{
    char address[ADDRESS_TEXT_BYTES];
    struct address client = http_client(request);
    if (request->thread->audit == NULL)
        return;
    const struct audit_note note = {
        .at_us = clock_wall_us(),
        .actor = request->principal != NULL ? request->principal : "",
        .action = action,
        .route = arena_printf(request->arena, "%s %s",
                              http_method_name(request->endpoint->route->method),
                              request->endpoint->route->pattern),
        .target = target,
        .address = address_text(&client, address),
        .times = 1,
    };
    audit_book_note(request->thread->audit, &note, clock_monotonic_us());
}

void http_audit_refused(struct http_request *request)
{
    http_audit(request, "refused", target_of(request));
}

/* Of a program only which route it reads is noted: it reads everything. */
void http_audit_read(struct http_request *request)
{
    const struct http_route *route = request->endpoint->route;
    if (route->method == HTTP_GET && is_personal(route->permission))
        http_audit(request, "read", request->session != NULL ? target_of(request) : "");
}
