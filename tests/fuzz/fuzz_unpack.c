/* Any bytes as each message that crosses the bus, under libFuzzer.
 *
 * The first byte chooses the message. Memory stays within the arena's limit, and what was unpacked
 * can be packed again.
 */
#include <stdlib.h>

#include "common/arena.h"
#include "penstock/bus/v1/bus.pb-c.h"
#include "penstock/fulfillment/v1/fulfillment.pb-c.h"
#include "penstock/gateway/v1/gateway.pb-c.h"
#include "penstock/inventory/v1/inventory.pb-c.h"
#include "penstock/notify/v1/notify.pb-c.h"
#include "penstock/orders/v1/orders.pb-c.h"
#include "penstock/returns/v1/returns.pb-c.h"

#define ARENA_BYTES ((size_t)64 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const ProtobufCServiceDescriptor *const services[] = {
    &penstock__bus__v1__every__descriptor,
    &penstock__orders__v1__orders__descriptor,
    &penstock__inventory__v1__inventory__descriptor,
    &penstock__fulfillment__v1__fulfillment__descriptor,
    &penstock__returns__v1__returns__descriptor,
    &penstock__notify__v1__notify__descriptor,
    &penstock__gateway__v1__gateway__descriptor,
};
static const ProtobufCMessageDescriptor *const others[] = {
    &penstock__bus__v1__request_header__descriptor,
    &penstock__bus__v1__reply_header__descriptor,
    &penstock__orders__v1__order_placed__descriptor,
    &penstock__inventory__v1__stock_allocated__descriptor,
    &penstock__fulfillment__v1__fulfillment_shipped__descriptor,
    &penstock__returns__v1__return_inspected__descriptor,
};
#define NOTHERS (sizeof(others) / sizeof(others[0]))

static const ProtobufCMessageDescriptor *type_of(unsigned number)
{
    if (number < NOTHERS)
        return others[number];
    number -= NOTHERS;
    for (size_t s = 0; s < sizeof(services) / sizeof(services[0]); s++) {
        if (number < services[s]->n_methods * 2)
            return number % 2 ? services[s]->methods[number / 2].output
                              : services[s]->methods[number / 2].input;
        number -= services[s]->n_methods * 2;
    }
    return others[0];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    struct arena *arena = arena_open(ARENA_BYTES);
    ProtobufCMessage *message =
        protobuf_c_message_unpack(type_of(data[0]), arena_protobuf(arena), size - 1, data + 1);
    if (message != NULL) {
        size_t bytes = protobuf_c_message_get_packed_size(message);
        uint8_t *packed = malloc(bytes + 1);
        if (packed == NULL || protobuf_c_message_pack(message, packed) != bytes)
            abort();
        free(packed);
    }
    arena_close(&arena);
    return 0;
}
