/* The names, and messages to JSON. */
#include "services/gateway/transcode.h"

#include <assert.h>
#include <string.h>

#include "common/money.h"
#include "penstock/common/v1/common.pb-c.h"
#include "services/gateway/rfc3339.h"

typedef Penstock__Common__V1__Money Money;

#define MEMBER(message, offset, type) (*(type const *)((const char *)(message) + (offset)))

bool transcode_is_time(const ProtobufCFieldDescriptor *field)
{
    size_t length = strlen(field->name);
    return field->type == PROTOBUF_C_TYPE_INT64 && length > 3 &&
           strcmp(field->name + length - 3, "_us") == 0;
}

bool transcode_is_money(const ProtobufCFieldDescriptor *field)
{
    return field->type == PROTOBUF_C_TYPE_MESSAGE &&
           field->descriptor == &penstock__common__v1__money__descriptor;
}

bool transcode_is_shown(const ProtobufCFieldDescriptor *field)
{
    return field->type != PROTOBUF_C_TYPE_BYTES;
}

/* How many bytes of a field's name are its member's. */
static size_t member_name_bytes(const ProtobufCFieldDescriptor *field)
{
    size_t bytes = strlen(field->name);
    bool is_time = field->type == PROTOBUF_C_TYPE_INT64 && bytes > 3 &&
                   memcmp(field->name + bytes - 3, "_us", 3) == 0;
    return is_time ? bytes - 3 : bytes;
}

char *transcode_member_name(const ProtobufCFieldDescriptor *field,
                            char buffer[TRANSCODE_NAME_BYTES])
{
    size_t length = member_name_bytes(field);
    assert(length < TRANSCODE_NAME_BYTES);
    memcpy(buffer, field->name, length);
    buffer[length] = '\0';
    return buffer;
}

const ProtobufCFieldDescriptor *transcode_field(const ProtobufCMessageDescriptor *type,
                                                const char *name)
{
    size_t length = strlen(name);
    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &type->fields[i];
        if (strncmp(field->name, name, length) != 0 || !transcode_is_shown(field))
            continue;
        const char *rest = field->name + length;
        if (transcode_is_time(field) ? strcmp(rest, "_us") == 0 : *rest == '\0')
            return field;
    }
    return NULL;
}

/* How many characters of a value's name are its enum's: OrderStatus has ORDER_STATUS_. */
static size_t enum_prefix_length(const ProtobufCEnumDescriptor *type)
{
    size_t length = 1;
    for (const char *at = type->short_name; *at != '\0'; at++)
        length += at > type->short_name && *at >= 'A' && *at <= 'Z' ? 2 : 1;
    return length;
}

char *transcode_enum_word(const ProtobufCEnumDescriptor *type, int32_t number,
                          char buffer[TRANSCODE_NAME_BYTES])
{
    const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value(type, number);
    if (value == NULL || number == 0)
        return NULL;
    const char *from = value->name + enum_prefix_length(type);
    size_t length = strlen(from);
    assert(length < TRANSCODE_NAME_BYTES);
    for (size_t i = 0; i <= length; i++)
        buffer[i] = from[i] >= 'A' && from[i] <= 'Z' ? (char)(from[i] | 0x20) : from[i];
    return buffer;
}

ProtobufCMessage *transcode_new(const ProtobufCMessageDescriptor *type, struct arena *arena)
{
    ProtobufCMessage *message = arena_alloc(arena, type->sizeof_message);
    type->message_init(message);
    return message;
}

/* ---- writing ---- */

static void write_money(struct json_writer *writer, const Money *money)
{
    struct money amount = {.minor = money != NULL ? money->amount_minor : 0};
    char text[MONEY_TEXT_BYTES];
    if (money == NULL || strlen(money->currency) != 3) {
        json_put_null(writer);
        return;
    }
    memcpy(amount.currency, money->currency, 3);
    json_begin_object(writer);
    json_put_member_text(writer, "amount", money_text(amount, text));
    json_put_member_text(writer, "currency", amount.currency);
    json_end_object(writer);
}

static void write_int64(struct json_writer *writer, const ProtobufCFieldDescriptor *field,
                        int64_t number)
{
    char text[RFC3339_TEXT_BYTES];
    if (!transcode_is_time(field))
        json_put_int(writer, number);
    else if (number == 0)
        json_put_null(writer);
    else
        json_put_text(writer, rfc3339_text(number, text));
}

static void write_text(struct json_writer *writer, const char *text)
{
    json_put_text(writer, text != NULL && text[0] != '\0' ? text : NULL);
}

static void write_message(struct json_writer *writer, const ProtobufCFieldDescriptor *field,
                          const ProtobufCMessage *message)
{
    if (transcode_is_money(field))
        write_money(writer, (const Money *)message);
    else if (message == NULL)
        json_put_null(writer);
    else
        transcode_write(writer, message);
}

/* One value: the field's, or one item of a list. */
static void write_value(struct json_writer *writer, const ProtobufCFieldDescriptor *field,
                        const void *at)
{
    char word[TRANSCODE_NAME_BYTES];
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32:
        json_put_int(writer, *(const int32_t *)at);
        break;
    case PROTOBUF_C_TYPE_INT64:
        write_int64(writer, field, *(const int64_t *)at);
        break;
    case PROTOBUF_C_TYPE_BOOL:
        json_put_bool(writer, *(const protobuf_c_boolean *)at);
        break;
    case PROTOBUF_C_TYPE_ENUM:
        json_put_text(writer, transcode_enum_word(field->descriptor, *(const int *)at, word));
        break;
    case PROTOBUF_C_TYPE_STRING:
        write_text(writer, *(char *const *)at);
        break;
    case PROTOBUF_C_TYPE_MESSAGE:
        write_message(writer, field, *(ProtobufCMessage *const *)at);
        break;
    default: /* of protobuf's types the contract uses no other; a test holds it to that */
        assert(false);
    }
}

size_t transcode_item_bytes(const ProtobufCFieldDescriptor *field)
{
    if (field->type == PROTOBUF_C_TYPE_INT64)
        return sizeof(int64_t);
    if (field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_MESSAGE)
        return sizeof(void *);
    return sizeof(int32_t);
}

static void write_list(struct json_writer *writer, const ProtobufCFieldDescriptor *field,
                       const ProtobufCMessage *message)
{
    size_t count = MEMBER(message, field->quantifier_offset, size_t);
    const char *items = MEMBER(message, field->offset, char *);
    json_begin_array(writer);
    for (size_t i = 0; i < count; i++)
        write_value(writer, field, items + i * transcode_item_bytes(field));
    json_end_array(writer);
}

void transcode_write(struct json_writer *writer, const ProtobufCMessage *message)
{
    const ProtobufCMessageDescriptor *type = message->descriptor;
    json_begin_object(writer);
    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &type->fields[i];
        if (!transcode_is_shown(field))
            continue;
        json_put_plain_name(writer, field->name, member_name_bytes(field));
        if (field->label == PROTOBUF_C_LABEL_REPEATED)
            write_list(writer, field, message);
        else
            write_value(writer, field, (const char *)message + field->offset);
    }
    json_end_object(writer);
}

static bool is_wrapper(const ProtobufCMessageDescriptor *type)
{
    return type->n_fields == 1 && type->fields[0].type == PROTOBUF_C_TYPE_MESSAGE &&
           type->fields[0].label != PROTOBUF_C_LABEL_REPEATED;
}

const ProtobufCMessage *transcode_rendered(const ProtobufCMessage *answer)
{
    if (!is_wrapper(answer->descriptor))
        return answer;
    return MEMBER(answer, answer->descriptor->fields[0].offset, ProtobufCMessage *);
}

const ProtobufCMessageDescriptor *transcode_rendered_type(const ProtobufCMessageDescriptor *type)
{
    return is_wrapper(type) ? type->fields[0].descriptor : type;
}

int64_t transcode_int64(const ProtobufCMessage *message, const char *name)
{
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(message->descriptor, name);
    if (field == NULL || field->type != PROTOBUF_C_TYPE_INT64 ||
        field->label == PROTOBUF_C_LABEL_REPEATED)
        return 0;
    return MEMBER(message, field->offset, int64_t);
}
