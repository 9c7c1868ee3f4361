/* Bytes from outside to an order, by both adapters, under libFuzzer.
 *
 * Whatever a channel sends, decoding ends with a verdict; an order that comes out of it sums to the
 * channel's own total, has every text that its consumers rely on, and survives the wire. A body
 * that starts as JSON does goes to both adapters, so that plain files are a corpus; any other first
 * byte chooses adapter, topic and test mark for what follows.
 *
 *   clang -fsanitize=fuzzer,address,undefined ... && ./fuzz_adapter -max_len=65536 CORPUS
 */
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "common/arena.h"
#include "common/id.h"
#include "services/gateway/adapter.h"

typedef Penstock__Orders__V1__PlaceOrderRequest PlaceOrderRequest;
typedef Penstock__Common__V1__Money Money;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_so)
{
    if (!is_so)
        abort();
}

static __int128 minor_of(const Money *money)
{
    return money != NULL ? money->amount_minor : 0;
}

static __int128 sum_of(const PlaceOrderRequest *order)
{
    __int128 sum = 0;
    for (size_t i = 0; i < order->n_lines; i++) {
        require(order->lines[i]->quantity >= 1 && order->lines[i]->quantity <= 1000000);
        require(order->lines[i]->cancelled >= 0 &&
                order->lines[i]->cancelled <= order->lines[i]->quantity);
        sum += minor_of(order->lines[i]->unit_price) * order->lines[i]->quantity;
        sum -= minor_of(order->lines[i]->discount);
    }
    for (size_t i = 0; i < order->n_shipping_lines; i++)
        sum += minor_of(order->shipping_lines[i]->price);
    for (size_t i = 0; i < order->n_discounts; i++)
        sum -= minor_of(order->discounts[i]->amount);
    for (size_t i = 0; i < order->n_tax_lines && !order->prices_include_tax; i++)
        sum += minor_of(order->tax_lines[i]->amount);
    for (size_t i = 0; i < order->n_charges; i++)
        sum += minor_of(order->charges[i]->amount);
    return sum;
}

static void check_order(const ImportOrderRequest *import)
{
    const PlaceOrderRequest *order = import->order;
    require(order->n_lines >= 1 && order->n_lines <= ADAPTER_MAX_LINES);
    require(sum_of(order) == minor_of(import->stated_total));
    require(*import->external_id != '\0' && strlen(order->currency) == 3);
    for (size_t i = 0; i < order->n_payments; i++)
        require(minor_of(order->payments[i]->amount) > 0 &&
                minor_of(order->payments[i]->refunded) <= minor_of(order->payments[i]->amount));
    size_t bytes = penstock__orders__v1__import_order_request__get_packed_size(import);
    uint8_t *packed = malloc(bytes);
    require(packed != NULL &&
            penstock__orders__v1__import_order_request__pack(import, packed) == bytes);
    ImportOrderRequest *again =
        penstock__orders__v1__import_order_request__unpack(NULL, bytes, packed);
    require(again != NULL && again->order->n_lines == order->n_lines);
    penstock__orders__v1__import_order_request__free_unpacked(again, NULL);
    free(packed);
}

static void decode(const struct adapter *adapter, const char *topic, bool is_test,
                   const uint8_t *body, size_t bytes)
{
    struct arena *arena = arena_open(ADAPTER_ARENA_BYTES);
    const struct adapter_input input = {.channel = "shop",
                                        .topic = topic,
                                        .delivery_id = "0192f0c4-0000-7000-8000-000000000001",
                                        .body_hash = "00",
                                        .is_test = is_test,
                                        .body = body,
                                        .body_bytes = bytes};
    struct adapter_result result = {.verdict = (enum adapter_verdict) - 1};
    adapter->decode(&input, arena, &result);
    switch (result.verdict) {
    case ADAPTER_ORDER:
        check_order(result.import);
        break;
    case ADAPTER_IGNORED:
    case ADAPTER_PARKED:
        require(*result.code != '\0' && *result.reason != '\0');
        break;
    }
    arena_close(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct {
        const struct adapter *adapter;
        const char *topic;
    } ways[] = {{&adapter_shopify, "orders/updated"},
                {&adapter_woocommerce, "order.updated"},
                {&adapter_shopify, "refunds/create"},
                {&adapter_woocommerce, "product.updated"}};
    if (size == 0)
        return 0;
    if (data[0] == '{') {
        decode(ways[0].adapter, ways[0].topic, false, data, size);
        decode(ways[1].adapter, ways[1].topic, false, data, size);
    } else {
        size_t way = data[0] % 4;
        decode(ways[way].adapter, ways[way].topic, (data[0] & 8) != 0, data + 1, size - 1);
    }
    return 0;
}
