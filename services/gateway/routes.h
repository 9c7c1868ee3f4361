/* routes.h -- which HTTP request is which rpc.
 *
 * One table: method, path pattern, service and rpc, the permission it takes, flags. Everything else
 * follows from it and the descriptors: binding of parameters, validation, /openapi.json. A name in
 * braces binds a path segment to the request's field of that name; query parameters of a GET bind
 * to fields by theirs.
 *
 * Ownership: a table of endpoints is made once and shared read-only by all threads.
 * Limits: those of http_guard.h.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <protobuf-c/protobuf-c.h>

#include "services/gateway/http_guard.h"

enum http_method { HTTP_GET, HTTP_POST, HTTP_PATCH, HTTP_PUT, HTTP_DELETE };

/* It moves stock or money: without an Idempotency-Key a retry could do it twice. */
#define ROUTE_NEEDS_KEY 1u
/* Answers 201. */
#define ROUTE_CREATES 2u
/* One text of its body may be as long as the body: a part of a file. */
#define ROUTE_LONG_TEXT 4096u
/* Answered by the HTTP thread and the sign-in thread: an rpc of service Edge. */
#define ROUTE_EDGE 64u
/* For who has not signed in yet; every other route takes a permission. */
#define ROUTE_PUBLIC 128u
/* Answers with a file, page by page: export.c. */
#define ROUTE_FILE 256u

struct http_route {
    enum http_method method;
    const char *pattern;
    const char *service, *rpc; /* service NULL: what every service answers; {service} says which */
    const char *permission;
    unsigned flags;
    const char *summary; /* for the description */
};
/* Ends with a NULL pattern. */
extern const struct http_route http_routes[];

/* A route with what its names stand for. */
struct endpoint {
    const struct http_route *route;
    const ProtobufCMethodDescriptor *rpc;
    const char *bus_method; /* "orders.PlaceOrder"; NULL when {service} says which */
    const char *segments[HTTP_MAX_SEGMENTS];
    bool is_parameter[HTTP_MAX_SEGMENTS]; /* the segment is a field's name */
    size_t nsegments;
    size_t service_segment; /* where {service} stands, when bus_method is NULL */
};
struct endpoints {
    struct endpoint *list;
    size_t count;
};

/* The descriptor behind a service's name, or NULL. */
const ProtobufCServiceDescriptor *route_service(const char *name);
extern const char *const route_services[]; /* NULL at the end */

/* Resolves the table; a route that names nothing is a bug and asserts. */
struct endpoints *endpoints_open(void);
void endpoints_close(struct endpoints **endpoints);
/* The endpoint of a request, or NULL; then allow (64 bytes) lists the methods that the path knows,
 * "" when the path is unknown. HEAD finds GET. */
#define ROUTE_ALLOW_BYTES 64
const struct endpoint *endpoints_find(const struct endpoints *endpoints, const char *method,
                                      const struct http_uri *uri, char allow[ROUTE_ALLOW_BYTES]);
const char *http_method_name(enum http_method method);
bool http_method_has_body(enum http_method method);
