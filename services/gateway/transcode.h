/* transcode.h -- JSON to protobuf messages and back, over the descriptors.
 *
 * With this a new rpc needs one line in the route table and no hand-written JSON, and every refusal
 * names the field at fault in the same way. The conventions:
 *   - members are named as the fields; enums are lower-case words without their prefix
 *   - Money is {"amount": "12.50", "currency": "HKD"}
 *   - an int64 x_us is "x": an RFC 3339 time in UTC with microseconds
 *   - null, in a request, is the same as absent; in an answer it stands for "", for time 0, for an
 *     enum's UNSPECIFIED, and for a message or amount that is not there
 *   - bytes are never shown; unknown members are refused
 *
 * Pure. Ownership: what is read lives in the arena; texts of the tree are not copied, so the tree
 * must live as long. Limits: those of the tree; no message type is recursive, so that depth is
 * bounded by the schema.
 */
#pragma once

#include <stdbool.h>

#include <protobuf-c/protobuf-c.h>

#include "common/arena.h"
#include "common/status.h"
#include "services/gateway/json.h"

/* Why a request cannot be read: what problem.h makes an answer of. */
struct transcode_refusal {
    const char *code;  /* stable */
    const char *field; /* "lines[0].unit_price.amount" */
    const char *text;  /* a sentence */
};

/* Fills message (initialised) from an object. INVALID: *refusal says why, in the arena. */
enum status transcode_read(const struct json_value *object, ProtobufCMessage *message,
                           struct arena *arena, struct transcode_refusal *refusal) MUST_CHECK;
/* One field from the text of a path or query parameter: a scalar, enum or time. Fails with INVALID
 * on an unknown name too. text must live as long as the message. */
enum status transcode_read_parameter(const char *name, const char *text, ProtobufCMessage *message,
                                     struct arena *arena,
                                     struct transcode_refusal *refusal) MUST_CHECK;
/* A new message of that type, all fields empty. */
ProtobufCMessage *transcode_new(const ProtobufCMessageDescriptor *type, struct arena *arena);

/* Writes message as a value. */
void transcode_write(struct json_writer *writer, const ProtobufCMessage *message);
/* What an answer is rendered as: its one member when that is a message ({"order": {...}} is the
 * order itself), else itself. NULL when that member is absent. */
const ProtobufCMessage *transcode_rendered(const ProtobufCMessage *answer);
const ProtobufCMessageDescriptor *transcode_rendered_type(const ProtobufCMessageDescriptor *type);
/* An int64 field by name, 0 when there is none: the version for an ETag. */
int64_t transcode_int64(const ProtobufCMessage *message, const char *field);

/* ---- names, for the descriptions too ---- */

#define TRANSCODE_NAME_BYTES 64
/* The member's name: the field's, for times without "_us". Returns the buffer. */
char *transcode_member_name(const ProtobufCFieldDescriptor *field,
                            char buffer[TRANSCODE_NAME_BYTES]);
bool transcode_is_time(const ProtobufCFieldDescriptor *field);
bool transcode_is_money(const ProtobufCFieldDescriptor *field);
bool transcode_is_shown(const ProtobufCFieldDescriptor *field);
/* The bytes that one item of a list takes. */
size_t transcode_item_bytes(const ProtobufCFieldDescriptor *field);
/* The field behind a member's name, or NULL. */
const ProtobufCFieldDescriptor *transcode_field(const ProtobufCMessageDescriptor *type,
                                                const char *name);
/* "partially_paid"; NULL for UNSPECIFIED and unknown numbers. Returns the buffer. */
char *transcode_enum_word(const ProtobufCEnumDescriptor *type, int32_t number,
                          char buffer[TRANSCODE_NAME_BYTES]);
