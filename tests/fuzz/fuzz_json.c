/* Any bytes through the JSON reader and the transcoder, under libFuzzer.
 *
 * What our reader takes, jansson takes too (it is laxer in nothing that matters here); what becomes
 * a request survives the way through protobuf's bytes and back into JSON, which is read again.
 */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "common/arena.h"
#include "penstock/orders/v1/orders.pb-c.h"
#include "services/gateway/json.h"
#include "services/gateway/transcode.h"

#define ARENA_BYTES ((size_t)256 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_so)
{
    if (!is_so)
        abort();
}

static void compare_with_jansson(const uint8_t *data, size_t size, bool we_took_it)
{
    json_error_t error;
    json_t *theirs =
        json_loadb((const char *)data, size,
                   JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, &error);
    /* A number beyond a double's range is theirs to refuse and ours to keep as text. */
    bool is_out_of_range = theirs == NULL && json_error_code(&error) == json_error_numeric_overflow;
    require(!we_took_it || theirs != NULL || is_out_of_range);
    json_decref(theirs);
}

static void transcode(const struct json_value *value, struct arena *arena)
{
    const ProtobufCMessageDescriptor *type = &penstock__orders__v1__place_order_request__descriptor;
    ProtobufCMessage *message = transcode_new(type, arena);
    struct transcode_refusal refusal = {0};
    if (transcode_read(value, message, arena, &refusal) != STATUS_OK) {
        require(refusal.code != NULL && refusal.text != NULL && refusal.field != NULL);
        return;
    }
    size_t bytes = protobuf_c_message_get_packed_size(message);
    uint8_t *packed = arena_alloc(arena, bytes + 1);
    protobuf_c_message_pack(message, packed);
    require(protobuf_c_message_unpack(type, arena_protobuf(arena), bytes, packed) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_open(ARENA_BYTES);
    struct json_error error;
    const struct json_value *value = json_parse(data, size, JSON_LIMITS_API, arena, &error);
    compare_with_jansson(data, size, value != NULL);
    if (value != NULL)
        transcode(value, arena);
    arena_close(&arena);
    return 0;
}
