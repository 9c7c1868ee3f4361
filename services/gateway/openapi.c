#include "services/gateway/openapi.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/gateway/json.h"
#include "services/gateway/transcode.h"

#define MAX_SCHEMAS 256
#define NAME_BYTES 128

/* The message types to describe, found while walking. */
struct schemas {
    const ProtobufCMessageDescriptor *list[MAX_SCHEMAS];
    size_t count;
};

static void remember(struct schemas *schemas, const ProtobufCMessageDescriptor *type)
{
    for (size_t i = 0; i < schemas->count; i++)
        if (schemas->list[i] == type)
            return;
    assert(schemas->count < MAX_SCHEMAS);
    schemas->list[schemas->count++] = type;
    for (unsigned i = 0; i < type->n_fields; i++)
        if (type->fields[i].type == PROTOBUF_C_TYPE_MESSAGE &&
            !transcode_is_money(&type->fields[i]))
            remember(schemas, type->fields[i].descriptor);
}

static void put_reference(struct json_writer *writer, const char *name)
{
    char reference[NAME_BYTES];
    snprintf(reference, sizeof reference, "#/components/schemas/%s", name);
    json_begin_object(writer);
    json_put_member_text(writer, "$ref", reference);
    json_end_object(writer);
}

static void put_type(struct json_writer *writer, const char *type, bool is_nullable)
{
    json_put_name(writer, "type");
    if (!is_nullable) {
        json_put_text(writer, type);
        return;
    }
    json_begin_array(writer);
    json_put_text(writer, type);
    json_put_text(writer, "null");
    json_end_array(writer);
}

static void put_words(struct json_writer *writer, const ProtobufCEnumDescriptor *type,
                      bool is_nullable)
{
    char word[TRANSCODE_NAME_BYTES];
    put_type(writer, "string", is_nullable);
    json_put_name(writer, "enum");
    json_begin_array(writer);
    for (unsigned i = 0; i < type->n_values; i++)
        if (transcode_enum_word(type, type->values[i].value, word) != NULL)
            json_put_text(writer, word);
    if (is_nullable)
        json_put_null(writer);
    json_end_array(writer);
}

static void put_scalar(struct json_writer *writer, const ProtobufCFieldDescriptor *field,
                       bool is_nullable)
{
    json_begin_object(writer);
    if (field->type == PROTOBUF_C_TYPE_ENUM) {
        put_words(writer, field->descriptor, is_nullable);
    } else if (field->type == PROTOBUF_C_TYPE_BOOL) {
        put_type(writer, "boolean", false);
    } else if (transcode_is_time(field)) {
        put_type(writer, "string", is_nullable);
        json_put_member_text(writer, "format", "date-time");
    } else if (field->type == PROTOBUF_C_TYPE_STRING) {
        put_type(writer, "string", is_nullable);
    } else {
        put_type(writer, "integer", false);
        json_put_member_text(writer, "format",
                             field->type == PROTOBUF_C_TYPE_INT32 ? "int32" : "int64");
    }
    json_end_object(writer);
}

static void put_item(struct json_writer *writer, const ProtobufCFieldDescriptor *field,
                     bool is_nullable)
{
    if (field->type != PROTOBUF_C_TYPE_MESSAGE) {
        put_scalar(writer, field, is_nullable);
        return;
    }
    const ProtobufCMessageDescriptor *type = field->descriptor;
    const char *name = transcode_is_money(field) ? "Money" : type->short_name;
    if (!is_nullable) {
        put_reference(writer, name);
        return;
    }
    json_begin_object(writer);
    json_put_name(writer, "anyOf");
    json_begin_array(writer);
    put_reference(writer, name);
    json_begin_object(writer);
    put_type(writer, "null", false);
    json_end_object(writer);
    json_end_array(writer);
    json_end_object(writer);
}

static void put_field(struct json_writer *writer, const ProtobufCFieldDescriptor *field)
{
    if (field->label != PROTOBUF_C_LABEL_REPEATED) {
        put_item(writer, field, true);
        return;
    }
    json_begin_object(writer);
    put_type(writer, "array", false);
    json_put_name(writer, "items");
    put_item(writer, field, false);
    json_end_object(writer);
}

/* skip: fields that the path binds; NULL for none. */
static void put_message(struct json_writer *writer, const ProtobufCMessageDescriptor *type,
                        const struct endpoint *skip)
{
    char name[TRANSCODE_NAME_BYTES];
    json_begin_object(writer);
    put_type(writer, "object", false);
    json_put_name(writer, "properties");
    json_begin_object(writer);
    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &type->fields[i];
        bool is_bound = false;
        for (size_t j = 0; skip != NULL && j < skip->nsegments; j++)
            is_bound =
                is_bound || (skip->is_parameter[j] && strcmp(skip->segments[j], field->name) == 0);
        if (is_bound || !transcode_is_shown(field))
            continue;
        json_put_name(writer, transcode_member_name(field, name));
        put_field(writer, field);
    }
    json_end_object(writer);
    if (skip != NULL) {
        json_put_name(writer, "additionalProperties");
        json_put_bool(writer, false);
    }
    json_end_object(writer);
}

/* ---- operations ---- */

static void put_parameter(struct json_writer *writer, const char *name, const char *in,
                          bool is_required)
{
    json_put_member_text(writer, "name", name);
    json_put_member_text(writer, "in", in);
    json_put_name(writer, "required");
    json_put_bool(writer, is_required);
    json_put_name(writer, "schema");
}

static void put_text_parameter(struct json_writer *writer, const char *name, const char *in,
                               bool is_required)
{
    json_begin_object(writer);
    put_parameter(writer, name, in, is_required);
    json_begin_object(writer);
    put_type(writer, "string", false);
    json_end_object(writer);
    json_end_object(writer);
}

static bool is_bound_by_path(const struct endpoint *endpoint, const char *name)
{
    for (size_t i = 0; i < endpoint->nsegments; i++)
        if (endpoint->is_parameter[i] && strcmp(endpoint->segments[i], name) == 0)
            return true;
    return false;
}

static void put_parameters(struct json_writer *writer, const struct endpoint *endpoint)
{
    const ProtobufCMessageDescriptor *type = endpoint->rpc->input;
    char name[TRANSCODE_NAME_BYTES];
    json_put_name(writer, "parameters");
    json_begin_array(writer);
    for (size_t i = 0; i < endpoint->nsegments; i++)
        if (endpoint->is_parameter[i])
            put_text_parameter(writer, endpoint->segments[i], "path", true);
    if (endpoint->route->method == HTTP_POST)
        put_text_parameter(writer, "Idempotency-Key", "header",
                           (endpoint->route->flags & ROUTE_NEEDS_KEY) != 0);
    for (unsigned i = 0; endpoint->route->method == HTTP_GET && i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &type->fields[i];
        bool is_query = field->label != PROTOBUF_C_LABEL_REPEATED &&
                        field->type != PROTOBUF_C_TYPE_MESSAGE && transcode_is_shown(field) &&
                        !is_bound_by_path(endpoint, field->name);
        if (!is_query)
            continue;
        json_begin_object(writer);
        put_parameter(writer, transcode_member_name(field, name), "query", false);
        put_scalar(writer, field, false);
        json_end_object(writer);
    }
    json_end_array(writer);
}

static void begin_content(struct json_writer *writer, const char *type)
{
    json_put_name(writer, "content");
    json_begin_object(writer);
    json_put_name(writer, type);
    json_begin_object(writer);
    json_put_name(writer, "schema");
}

static void end_content(struct json_writer *writer)
{
    json_end_object(writer);
    json_end_object(writer);
}

static void put_body(struct json_writer *writer, const struct endpoint *endpoint)
{
    bool has_body = http_method_has_body(endpoint->route->method);
    if (!has_body)
        return;
    json_put_name(writer, "requestBody");
    json_begin_object(writer);
    begin_content(writer, "application/json");
    put_message(writer, endpoint->rpc->input, endpoint);
    end_content(writer);
    json_end_object(writer);
}

static void put_responses(struct json_writer *writer, const struct endpoint *endpoint)
{
    bool creates = (endpoint->route->flags & ROUTE_CREATES) != 0;
    json_put_name(writer, "responses");
    json_begin_object(writer);
    json_put_name(writer, creates ? "201" : "200");
    json_begin_object(writer);
    json_put_member_text(writer, "description", creates ? "Created" : "Done");
    begin_content(writer, "application/json");
    put_reference(writer, transcode_rendered_type(endpoint->rpc->output)->short_name);
    end_content(writer);
    json_end_object(writer);
    json_put_name(writer, "default");
    json_begin_object(writer);
    json_put_member_text(writer, "description", "Why not");
    begin_content(writer, "application/problem+json");
    put_reference(writer, "Problem");
    end_content(writer);
    json_end_object(writer);
    json_end_object(writer);
}

static void put_operation(struct json_writer *writer, const struct endpoint *endpoint)
{
    char method[8] = "";
    const char *upper = http_method_name(endpoint->route->method);
    for (size_t i = 0; upper[i] != '\0' && i < sizeof method - 1; i++)
        method[i] = (char)(upper[i] | 0x20);
    json_put_name(writer, method);
    json_begin_object(writer);
    json_put_member_text(writer, "operationId", endpoint->route->rpc);
    json_put_member_text(writer, "summary", endpoint->route->summary);
    json_put_member_text(writer, "x-permission", endpoint->route->permission);
    json_put_name(writer, "tags");
    json_begin_array(writer);
    json_put_text(writer,
                  endpoint->route->service != NULL ? endpoint->route->service : "every service");
    json_end_array(writer);
    put_parameters(writer, endpoint);
    put_body(writer, endpoint);
    put_responses(writer, endpoint);
    json_end_object(writer);
}

static bool is_first_of_path(const struct endpoints *endpoints, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (strcmp(endpoints->list[i].route->pattern, endpoints->list[index].route->pattern) == 0)
            return false;
    return true;
}

static void put_paths(struct json_writer *writer, const struct endpoints *endpoints)
{
    json_put_name(writer, "paths");
    json_begin_object(writer);
    for (size_t i = 0; i < endpoints->count; i++) {
        const char *pattern = endpoints->list[i].route->pattern;
        if (!is_first_of_path(endpoints, i))
            continue;
        json_put_name(writer, pattern);
        json_begin_object(writer);
        for (size_t j = i; j < endpoints->count; j++)
            if (strcmp(endpoints->list[j].route->pattern, pattern) == 0)
                put_operation(writer, &endpoints->list[j]);
        json_end_object(writer);
    }
    json_end_object(writer);
}

/* ---- components ---- */

static void put_text_object(struct json_writer *writer, const char *name,
                            const char *const *members)
{
    json_put_name(writer, name);
    json_begin_object(writer);
    put_type(writer, "object", false);
    json_put_name(writer, "required");
    json_begin_array(writer);
    for (const char *const *at = members; *at != NULL; at++)
        json_put_text(writer, *at);
    json_end_array(writer);
    json_put_name(writer, "properties");
    json_begin_object(writer);
    for (const char *const *at = members; *at != NULL; at++) {
        json_put_name(writer, *at);
        json_begin_object(writer);
        put_type(writer, strcmp(*at, "status") == 0 ? "integer" : "string",
                 strcmp(*at, "field") == 0);
        json_end_object(writer);
    }
    json_end_object(writer);
    json_end_object(writer);
}

static void put_components(struct json_writer *writer, const struct endpoints *endpoints)
{
    static const char *const money[] = {"amount", "currency", NULL};
    static const char *const problem[] = {"type",   "title", "status",   "code",
                                          "detail", "field", "trace_id", NULL};
    struct schemas schemas = {.count = 0};
    for (size_t i = 0; i < endpoints->count; i++) {
        remember(&schemas, transcode_rendered_type(endpoints->list[i].rpc->output));
        for (unsigned j = 0; j < endpoints->list[i].rpc->input->n_fields; j++) {
            const ProtobufCFieldDescriptor *field = &endpoints->list[i].rpc->input->fields[j];
            if (field->type == PROTOBUF_C_TYPE_MESSAGE && !transcode_is_money(field))
                remember(&schemas, field->descriptor);
        }
    }
    json_put_name(writer, "components");
    json_begin_object(writer);
    json_put_name(writer, "securitySchemes");
    json_begin_object(writer);
    json_put_name(writer, "key");
    json_begin_object(writer);
    json_put_member_text(writer, "type", "http");
    json_put_member_text(writer, "scheme", "bearer");
    json_end_object(writer);
    json_put_name(writer, "session");
    json_begin_object(writer);
    json_put_member_text(writer, "type", "apiKey");
    json_put_member_text(writer, "in", "cookie");
    json_put_member_text(writer, "name", "penstock_session");
    json_end_object(writer);
    json_end_object(writer);
    json_put_name(writer, "schemas");
    json_begin_object(writer);
    put_text_object(writer, "Money", money);
    put_text_object(writer, "Problem", problem);
    for (size_t i = 0; i < schemas.count; i++) {
        json_put_name(writer, schemas.list[i]->short_name);
        put_message(writer, schemas.list[i], NULL);
    }
    json_end_object(writer);
    json_end_object(writer);
}

char *openapi_describe(const struct endpoints *endpoints, size_t *bytes)
{
    struct json_writer writer;
    json_writer_open(&writer);
    json_begin_object(&writer);
    json_put_member_text(&writer, "openapi", "3.1.0");
    json_put_name(&writer, "info");
    json_begin_object(&writer);
    json_put_member_text(&writer, "title", "Penstock");
    json_put_member_text(&writer, "version", "1");
    json_put_member_text(&writer, "description",
                         "Members are snake_case. Times are RFC 3339 in UTC, amounts decimal texts "
                         "with their currency. In a request null is the same as absent, and an "
                         "unknown member is an error. Lists page by next_cursor.");
    json_end_object(&writer);
    json_put_name(&writer, "security");
    json_begin_array(&writer);
    json_begin_object(&writer);
    json_put_name(&writer, "key");
    json_begin_array(&writer);
    json_end_array(&writer);
    json_end_object(&writer);
    json_begin_object(&writer);
    json_put_name(&writer, "session");
    json_begin_array(&writer);
    json_end_array(&writer);
    json_end_object(&writer);
    json_end_array(&writer);
    put_paths(&writer, endpoints);
    put_components(&writer, endpoints);
    json_end_object(&writer);
    return json_writer_take(&writer, bytes);
}
