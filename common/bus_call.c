#include "common/bus.h"

/* One call, waited for. */

struct waiting {
    bool is_done;
    struct arena *arena;
    const ProtobufCMessageDescriptor *type;
    ReplyHeader *header;
    ProtobufCMessage *answer;
};

static void waited_for(void *context, const ReplyHeader *header, const uint8_t *payload,
                       size_t payload_bytes)
{
    struct waiting *waiting = context;
    waiting->is_done = true;
    size_t bytes = penstock__bus__v1__reply_header__get_packed_size(header);
    uint8_t *packed = arena_alloc(waiting->arena, bytes + 1);
    penstock__bus__v1__reply_header__pack(header, packed);
    waiting->header =
        penstock__bus__v1__reply_header__unpack(arena_protobuf(waiting->arena), bytes, packed);
    if (payload != NULL && waiting->type != NULL)
        waiting->answer = protobuf_c_message_unpack(waiting->type, arena_protobuf(waiting->arena),
                                                    payload_bytes, payload);
}

enum status bus_call(struct bus_client *client, const char *service, RequestHeader *header,
                     const ProtobufCMessage *message, int timeout_ms,
                     const ProtobufCMessageDescriptor *answer_type, struct arena *arena,
                     const ReplyHeader **reply, ProtobufCMessage **answer)
{
    struct waiting waiting = {false, arena, answer_type, NULL, NULL};
    TRY(bus_ask_message(client, service, header, message, timeout_ms, waited_for, &waiting));
    while (!waiting.is_done)
        bus_loop_once(bus_client_loop(client), -1);
    if (waiting.header == NULL)
        return STATUS_INTERNAL;
    if (reply != NULL)
        *reply = waiting.header;
    if (answer != NULL)
        *answer = waiting.answer;
    if (waiting.header->status != PENSTOCK__BUS__V1__STATUS__STATUS_OK)
        return (enum status)waiting.header->status;
    return answer_type != NULL && waiting.answer == NULL ? STATUS_INTERNAL : STATUS_OK;
}
