/* JSON to messages. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/money.h"
#include "penstock/common/v1/common.pb-c.h"
#include "services/gateway/rfc3339.h"
#include "services/gateway/transcode.h"

typedef Penstock__Common__V1__Money Money;

/* Where the reader is: from the innermost member outwards. */
struct path {
    const struct path *parent;
    const char *name;
    ssize_t index; /* -1: not an item of a list */
};

struct reading {
    struct arena *arena;
    struct transcode_refusal *refusal;
    bool is_parameter; /* a figure is text, and a blank may be a plus that was decoded */
};

static const char *path_text(const struct path *path, struct arena *arena)
{
    if (path == NULL)
        return "";
    const char *before = path_text(path->parent, arena);
    const char *dot = before[0] != '\0' ? "." : "";
    if (path->index >= 0)
        return arena_printf(arena, "%s%s%s[%zd]", before, dot, path->name, path->index);
    return arena_printf(arena, "%s%s%s", before, dot, path->name);
}

__attribute__((format(printf, 4, 5))) static enum status refuse_at(const struct reading *reading,
                                                                   const struct path *path,
                                                                   const char *code,
                                                                   const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    reading->refusal->code = code;
    reading->refusal->field = path_text(path, reading->arena);
    reading->refusal->text = arena_vprintf(reading->arena, format, arguments);
    va_end(arguments);
    return STATUS_INVALID;
}

static enum status wrong_type(const struct reading *reading, const struct path *path,
                              const char *expected)
{
    return refuse_at(reading, path, "invalid_type", "This must be %s.", expected);
}

/* ---- money ---- */

/* "-12.50": what money_parse() reads, if the figure were small and the decimals few enough. */
static bool is_decimal(const char *text)
{
    text += *text == '-';
    size_t whole = strspn(text, "0123456789");
    if (whole == 0)
        return false;
    text += whole;
    if (*text != '.')
        return *text == '\0';
    size_t decimals = strspn(text + 1, "0123456789");
    return decimals > 0 && text[1 + decimals] == '\0';
}

/* The decimals up to the last that is not a zero. */
static size_t decimals_used(const char *text)
{
    const char *dot = strchr(text, '.');
    if (dot == NULL)
        return 0;
    size_t length = strlen(dot + 1);
    while (length > 0 && dot[length] == '0')
        length--;
    return length;
}

static enum status refuse_amount(const struct reading *reading, const struct path *path,
                                 const char *text, const char *currency)
{
    int exponent = money_exponent(currency);
    if (!is_decimal(text))
        return refuse_at(reading, path, "invalid",
                         "An amount is written as digits with a point, such as \"12.50\".");
    if (decimals_used(text) > (size_t)exponent)
        return refuse_at(reading, path, "invalid", "%s has %d decimals; this amount has more.",
                         currency, exponent);
    return refuse_at(reading, path, "amount_too_large", "This amount is larger than can be kept.");
}

static enum status money_member(const struct reading *reading, const struct path *path,
                                const struct json_value *object, const char *name,
                                const char **text)
{
    const struct path here = {path, name, -1};
    const struct json_value *member = json_get(object, name);
    if (member == NULL || member->kind == JSON_KIND_NULL)
        return refuse_at(reading, &here, "required", "An amount of money needs its %s.", name);
    if (member->kind != JSON_KIND_STRING)
        return wrong_type(reading, &here,
                          strcmp(name, "amount") == 0 ? "a text such as \"12.50\""
                                                      : "a text such as \"HKD\"");
    *text = member->text;
    return STATUS_OK;
}

static enum status read_money(const struct reading *reading, const struct path *path,
                              const struct json_value *value, Money *money)
{
    const char *amount_text, *currency;
    json_each(member, value) {
        const struct path here = {path, member->name, -1};
        if (strcmp(member->name, "amount") != 0 && strcmp(member->name, "currency") != 0)
            return refuse_at(reading, &here, "unknown_member",
                             "There is no such member; money has amount and currency.");
    }
    TRY(money_member(reading, path, value, "amount", &amount_text));
    TRY(money_member(reading, path, value, "currency", &currency));
    if (money_exponent(currency) < 0) {
        const struct path here = {path, "currency", -1};
        return refuse_at(reading, &here, "unknown_currency",
                         "This is not the ISO 4217 code of a currency that is known here.");
    }
    struct money parsed;
    if (!money_parse(amount_text, currency, &parsed)) {
        const struct path here = {path, "amount", -1};
        return refuse_amount(reading, &here, amount_text, currency);
    }
    money->amount_minor = parsed.minor;
    money->currency = arena_strdup(reading->arena, parsed.currency);
    return STATUS_OK;
}

/* ---- scalars ---- */

static enum status read_time(const struct reading *reading, const struct path *path,
                             const struct json_value *value, int64_t *out)
{
    if (value->kind != JSON_KIND_STRING)
        return wrong_type(reading, path, "a time such as \"2026-11-11T04:00:03Z\"");
    char *text = arena_strdup(reading->arena, value->text);
    if (reading->is_parameter && strlen(text) > 19)
        for (char *at = text + 19; (at = strchr(at, ' ')) != NULL;)
            *at = '+';
    if (!rfc3339_parse(text, out, NULL))
        return refuse_at(reading, path, "invalid",
                         "This must be a time such as \"2026-11-11T04:00:03Z\", after 1970.");
    return STATUS_OK;
}

static enum status read_int(const struct reading *reading, const struct path *path,
                            const struct json_value *value, int64_t low, int64_t high, int64_t *out)
{
    if (value->kind != JSON_KIND_NUMBER)
        return wrong_type(reading, path, "a whole number");
    if (json_to_int(value, out) && *out >= low && *out <= high)
        return STATUS_OK;
    if (strpbrk(value->text, ".eE") != NULL)
        return wrong_type(reading, path, "a whole number, written without point or exponent");
    return refuse_at(reading, path, "out_of_range", "This must lie between %lld and %lld.",
                     (long long)low, (long long)high);
}

static const char *allowed_words(const ProtobufCEnumDescriptor *type, struct arena *arena)
{
    const char *list = "";
    char word[TRANSCODE_NAME_BYTES];
    for (unsigned i = 0; i < type->n_values; i++)
        if (transcode_enum_word(type, type->values[i].value, word) != NULL)
            list = arena_printf(arena, "%s%s%s", list, list[0] != '\0' ? ", " : "", word);
    return list;
}

/* "off" and false are the same where a word says whether something is on. */
static const char *switch_word(const struct json_value *value)
{
    return value->kind == JSON_KIND_TRUE    ? "on"
           : value->kind == JSON_KIND_FALSE ? "off"
                                            : value->text;
}

static bool is_switch(const ProtobufCEnumDescriptor *type)
{
    return strcmp(type->short_name, "Switch") == 0;
}

static enum status read_enum(const struct reading *reading, const struct path *path,
                             const struct json_value *value, const ProtobufCEnumDescriptor *type,
                             int *out)
{
    char word[TRANSCODE_NAME_BYTES];
    const char *text = is_switch(type) ? switch_word(value) : value->text;
    if (value->kind != JSON_KIND_STRING && text == value->text)
        return wrong_type(reading, path, "a text");
    for (unsigned i = 0; i < type->n_values; i++) {
        int number = type->values[i].value;
        if (transcode_enum_word(type, number, word) == NULL || strcmp(word, text) != 0)
            continue;
        *out = number;
        return STATUS_OK;
    }
    return refuse_at(reading, path, "invalid", "This must be one of: %s.",
                     allowed_words(type, reading->arena));
}

static enum status read_message(const struct reading *reading, const struct path *path,
                                const struct json_value *object, ProtobufCMessage *message);

static enum status read_submessage(const struct reading *reading, const struct path *path,
                                   const ProtobufCFieldDescriptor *field,
                                   const struct json_value *value, ProtobufCMessage **out)
{
    if (value->kind != JSON_KIND_OBJECT)
        return wrong_type(reading, path, "an object");
    *out = transcode_new(field->descriptor, reading->arena);
    if (transcode_is_money(field))
        return read_money(reading, path, value, (Money *)*out);
    return read_message(reading, path, value, *out);
}

/* Like the JSON tree, the message borrows the text; protobuf-c has no const. */
static char *borrowed(const char *text)
{
    return (char *)(uintptr_t)text;
}

static enum status read_value(const struct reading *reading, const struct path *path,
                              const ProtobufCFieldDescriptor *field, const struct json_value *value,
                              void *at)
{
    int64_t number = 0;
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32:
        TRY(read_int(reading, path, value, INT32_MIN, INT32_MAX, &number));
        *(int32_t *)at = (int32_t)number;
        return STATUS_OK;
    case PROTOBUF_C_TYPE_INT64:
        if (transcode_is_time(field))
            return read_time(reading, path, value, at);
        return read_int(reading, path, value, INT64_MIN, INT64_MAX, at);
    case PROTOBUF_C_TYPE_BOOL:
        if (value->kind != JSON_KIND_TRUE && value->kind != JSON_KIND_FALSE)
            return wrong_type(reading, path, "true or false");
        *(protobuf_c_boolean *)at = value->kind == JSON_KIND_TRUE;
        return STATUS_OK;
    case PROTOBUF_C_TYPE_ENUM:
        return read_enum(reading, path, value, field->descriptor, at);
    case PROTOBUF_C_TYPE_STRING:
        if (value->kind != JSON_KIND_STRING)
            return wrong_type(reading, path, "a text");
        *(char **)at = borrowed(value->text);
        return STATUS_OK;
    case PROTOBUF_C_TYPE_MESSAGE:
        return read_submessage(reading, path, field, value, at);
    default: /* of protobuf's types the contract uses no other; a test holds it to that */
        return wrong_type(reading, path, "absent");
    }
}

static enum status read_list(const struct reading *reading, const struct path *path,
                             const ProtobufCFieldDescriptor *field, const struct json_value *value,
                             ProtobufCMessage *message)
{
    if (value->kind != JSON_KIND_ARRAY)
        return wrong_type(reading, path, "a list");
    char *items = arena_array(reading->arena, value->count, transcode_item_bytes(field));
    size_t count = 0;
    json_each(item, value) {
        const struct path here = {path->parent, path->name, (ssize_t)count};
        TRY(read_value(reading, &here, field, item, items + count * transcode_item_bytes(field)));
        count++;
    }
    *(size_t *)((char *)message + field->quantifier_offset) = count;
    *(char **)((char *)message + field->offset) = items;
    return STATUS_OK;
}

static enum status read_message(const struct reading *reading, const struct path *path,
                                const struct json_value *object, ProtobufCMessage *message)
{
    json_each(member, object) {
        const struct path here = {path, member->name, -1};
        const ProtobufCFieldDescriptor *field = transcode_field(message->descriptor, member->name);
        if (field == NULL)
            return refuse_at(reading, &here, "unknown_member",
                             "There is no such member in this request.");
        if (member->kind == JSON_KIND_NULL)
            continue;
        if (field->label == PROTOBUF_C_LABEL_REPEATED)
            TRY(read_list(reading, &here, field, member, message));
        else
            TRY(read_value(reading, &here, field, member, (char *)message + field->offset));
    }
    return STATUS_OK;
}

enum status transcode_read(const struct json_value *object, ProtobufCMessage *message,
                           struct arena *arena, struct transcode_refusal *refusal)
{
    const struct reading reading = {arena, refusal, false};
    if (object->kind != JSON_KIND_OBJECT)
        return wrong_type(&reading, NULL, "a JSON object");
    return read_message(&reading, NULL, object, message);
}

/* ---- parameters ---- */

/* A text as the JSON value that the field's type would have. */
static struct json_value parameter_value(const ProtobufCFieldDescriptor *field, const char *text)
{
    struct json_value value = {.kind = JSON_KIND_STRING, .text = text, .bytes = strlen(text)};
    bool is_number = field->type == PROTOBUF_C_TYPE_INT32 ||
                     (field->type == PROTOBUF_C_TYPE_INT64 && !transcode_is_time(field));
    if (is_number) {
        const char *digits = text + (text[0] == '-');
        if (digits[0] != '\0' && digits[strspn(digits, "0123456789")] == '\0')
            value.kind = JSON_KIND_NUMBER;
    } else if (field->type == PROTOBUF_C_TYPE_BOOL) {
        if (strcmp(text, "true") == 0)
            value.kind = JSON_KIND_TRUE;
        else if (strcmp(text, "false") == 0)
            value.kind = JSON_KIND_FALSE;
    }
    return value;
}

enum status transcode_read_parameter(const char *name, const char *text, ProtobufCMessage *message,
                                     struct arena *arena, struct transcode_refusal *refusal)
{
    const struct reading reading = {arena, refusal, true};
    const struct path path = {NULL, name, -1};
    const ProtobufCFieldDescriptor *field = transcode_field(message->descriptor, name);
    if (field == NULL || field->label == PROTOBUF_C_LABEL_REPEATED ||
        field->type == PROTOBUF_C_TYPE_MESSAGE)
        return refuse_at(&reading, &path, "unknown_parameter",
                         "There is no such parameter on this route.");
    const struct json_value value = parameter_value(field, text);
    return read_value(&reading, &path, field, &value, (char *)message + field->offset);
}
