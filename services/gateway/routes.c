#include "services/gateway/routes.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "penstock/bus/v1/bus.pb-c.h"
#include "penstock/fulfillment/v1/fulfillment.pb-c.h"
#include "penstock/gateway/v1/gateway.pb-c.h"
#include "penstock/inventory/v1/inventory.pb-c.h"
#include "penstock/notify/v1/notify.pb-c.h"
#include "penstock/orders/v1/orders.pb-c.h"
#include "penstock/returns/v1/returns.pb-c.h"

const char *const route_services[] = {"gateway", "orders", "inventory", "fulfillment",
                                      "returns", "notify", NULL};

const ProtobufCServiceDescriptor *route_service(const char *name)
{
    static const struct {
        const char *name;
        const ProtobufCServiceDescriptor *descriptor;
    } services[] = {
        {"gateway", &penstock__gateway__v1__gateway__descriptor},
        {"orders", &penstock__orders__v1__orders__descriptor},
        {"inventory", &penstock__inventory__v1__inventory__descriptor},
        {"fulfillment", &penstock__fulfillment__v1__fulfillment__descriptor},
        {"returns", &penstock__returns__v1__returns__descriptor},
        {"notify", &penstock__notify__v1__notify__descriptor},
    };
    for (size_t i = 0; i < sizeof services / sizeof services[0]; i++)
        if (strcmp(services[i].name, name) == 0)
            return services[i].descriptor;
    return NULL;
}

const char *http_method_name(enum http_method method)
{
    switch (method) {
    case HTTP_GET:
        return "GET";
    case HTTP_POST:
        return "POST";
    case HTTP_PATCH:
        return "PATCH";
    case HTTP_PUT:
        return "PUT";
    case HTTP_DELETE:
        return "DELETE";
    }
    return "";
}

bool http_method_has_body(enum http_method method)
{
    return method == HTTP_POST || method == HTTP_PATCH || method == HTTP_PUT;
}

/* Cuts "/v1/orders/{id}" into its segments, the braces taken off. */
static void cut_pattern(struct endpoint *endpoint, const char *pattern)
{
    while (*pattern == '/') {
        assert(endpoint->nsegments < HTTP_MAX_SEGMENTS);
        size_t bytes = strcspn(++pattern, "/"), index = endpoint->nsegments++;
        bool is_parameter = *pattern == '{';
        endpoint->is_parameter[index] = is_parameter;
        endpoint->segments[index] = strndup(pattern + is_parameter, bytes - (is_parameter ? 2 : 0));
        assert(endpoint->segments[index] != NULL);
        if (is_parameter && strcmp(endpoint->segments[index], "service") == 0)
            endpoint->service_segment = index;
        pattern += bytes;
    }
}

static void resolve(struct endpoint *endpoint, const struct http_route *route)
{
    const ProtobufCServiceDescriptor *service =
        (route->flags & ROUTE_EDGE) != 0 ? &penstock__gateway__v1__edge__descriptor
        : route->service != NULL         ? route_service(route->service)
                                         : &penstock__bus__v1__every__descriptor;
    assert(service != NULL);
    endpoint->route = route;
    endpoint->rpc = protobuf_c_service_descriptor_get_method_by_name(service, route->rpc);
    assert(endpoint->rpc != NULL);
    if (route->service != NULL) {
        char *name;
        int length = asprintf(&name, "%s.%s", route->service, route->rpc);
        assert(length > 0);
        endpoint->bus_method = name;
    }
    cut_pattern(endpoint, route->pattern);
    assert(route->service != NULL || endpoint->service_segment > 0);
}

struct endpoints *endpoints_open(void)
{
    struct endpoints *endpoints = calloc(1, sizeof *endpoints);
    assert(endpoints != NULL);
    while (http_routes[endpoints->count].pattern != NULL)
        endpoints->count++;
    endpoints->list = calloc(endpoints->count, sizeof *endpoints->list);
    assert(endpoints->list != NULL);
    for (size_t i = 0; i < endpoints->count; i++)
        resolve(&endpoints->list[i], &http_routes[i]);
    return endpoints;
}

/* What was made by resolve(); protobuf-c and we agree on nothing being const when it dies. */
static void free_text(const char *text)
{
    free((void *)(uintptr_t)text);
}

void endpoints_close(struct endpoints **endpoints)
{
    if (*endpoints == NULL)
        return;
    for (size_t i = 0; i < (*endpoints)->count; i++) {
        struct endpoint *endpoint = &(*endpoints)->list[i];
        free_text(endpoint->bus_method);
        for (size_t j = 0; j < endpoint->nsegments; j++)
            free_text(endpoint->segments[j]);
    }
    free((*endpoints)->list);
    free(*endpoints);
    *endpoints = NULL;
}

static bool matches(const struct endpoint *endpoint, const struct http_uri *uri)
{
    if (endpoint->nsegments != uri->nsegments)
        return false;
    for (size_t i = 0; i < uri->nsegments; i++)
        if (!endpoint->is_parameter[i] && strcmp(endpoint->segments[i], uri->segments[i]) != 0)
            return false;
    return endpoint->bus_method != NULL ||
           route_service(uri->segments[endpoint->service_segment]) != NULL;
}

const struct endpoint *endpoints_find(const struct endpoints *endpoints, const char *method,
                                      const struct http_uri *uri, char allow[ROUTE_ALLOW_BYTES])
{
    const char *wanted = strcmp(method, "HEAD") == 0 ? "GET" : method;
    char *to = allow;
    *to = '\0';
    for (size_t i = 0; i < endpoints->count; i++) {
        const struct endpoint *endpoint = &endpoints->list[i];
        if (!matches(endpoint, uri))
            continue;
        const char *name = http_method_name(endpoint->route->method);
        if (strcmp(name, wanted) == 0)
            return endpoint;
        to += snprintf(to, ROUTE_ALLOW_BYTES - (size_t)(to - allow), "%s%s", to > allow ? ", " : "",
                       name);
        if (endpoint->route->method == HTTP_GET)
            to += snprintf(to, ROUTE_ALLOW_BYTES - (size_t)(to - allow), ", HEAD");
    }
    return NULL;
}
