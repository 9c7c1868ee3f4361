/* adapter.h -- what a sales channel's own format means: one file and one struct per channel type.
 *
 * A channel signs what it sends, says in headers what it is about, and writes orders in a shape of
 * its own. An adapter answers for all three and for nothing else: it does no I/O, reads no clock,
 * and what it makes lives in the arena given. A bug in one costs no delivery, since what is signed
 * is stored before anything is decoded.
 *
 * decode() turns a body into the canonical order, or says by code and sentence why there is none.
 * Its money is exact: the parts of the order that it returns sum to the channel's own total, else
 * the delivery is parked as total_mismatch with the figures.
 *
 * Limits: body 2 MiB, JSON_LIMITS_HOOK; 500 lines per order.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "penstock/orders/v1/orders.pb-c.h"
#include "services/gateway/inbox.h"
#include "services/gateway/json.h"

typedef Penstock__Orders__V1__ImportOrderRequest ImportOrderRequest;

/* Room for one decoded body: JSON_LIMITS_HOOK bounds the tree to less than half of it. */
#define ADAPTER_ARENA_BYTES ((size_t)64 << 20)
#define ADAPTER_MAX_LINES 500

/* A delivery, as the inbox kept it. */
struct adapter_input {
    const char *channel;
    const char *topic;
    const char *delivery_id;
    const char *body_hash; /* SHA-256, hex */
    int64_t triggered_at_ns;
    bool is_test; /* a header said so */
    const uint8_t *body;
    size_t body_bytes;
};

enum adapter_verdict {
    ADAPTER_ORDER,   /* import is what to send to orders */
    ADAPTER_IGNORED, /* needs no effect */
    ADAPTER_PARKED,  /* someone should look at it */
};

struct adapter_result {
    enum adapter_verdict verdict;
    const char *code;   /* test_order, unsupported_topic, not_an_order, total_mismatch, ... */
    const char *reason; /* a sentence without personal data */
    /* ORDER: complete. Of an ignored test order: what it would have been, for checks; else NULL. */
    ImportOrderRequest *import;
    /* Only an order that we have already is to learn of this; else it is ignored as code says. */
    bool needs_known_order;
};

struct adapter {
    const char *type; /* the channel's type: "shopify" */
    /* HOOK_STORE when the signature over the raw bytes is right, HOOK_UNSIGNED when not, HOOK_PING
     * for what the channel sends unsigned to see whether anyone is there. */
    enum hook_verdict (*verify)(const struct hook_request *request);
    /* Fills topic, identity, external id, source, trigger time and test mark of a delivery whose
     * body hash is set. body is NULL when it is not JSON. HOOK_STORE or HOOK_MALFORMED. */
    enum hook_verdict (*identify)(const struct hook_request *request, const struct json_value *body,
                                  struct arena *arena, struct inbox_delivery *delivery);
    void (*decode)(const struct adapter_input *input, struct arena *arena,
                   struct adapter_result *result);
};

extern const struct adapter adapter_shopify, adapter_woocommerce;

/* NULL when the type has no adapter. */
const struct adapter *adapter_find(const char *type);

/* ---- shared by the adapters ---- */

/* True when base64 (standard alphabet, padded, blanks around it ignored) is the HMAC-SHA256 of the
 * raw body under the channel's secret, or under the one before while that is still accepted. Takes
 * the same time whatever differs. */
bool adapter_is_signed(const struct hook_request *request, const char *base64);
/* A header's value when it is printable ASCII of 1 to 255 bytes, else NULL. */
const char *adapter_header(const struct hook_request *request, const char *name);
/* Parses a body; NULL when it is not JSON, and then result says so. */
const struct json_value *adapter_parse(const struct adapter_input *input, struct arena *arena,
                                       struct adapter_result *result);
/* For the reason of not_an_order: what an object lacks of the members named (NULL at the end), or
 * that it is something else altogether; NULL when it lacks nothing. */
const char *adapter_lacks(const struct json_value *value, const char *const *members,
                          struct arena *arena);
void adapter_park(struct adapter_result *result, const char *code, const char *reason);
void adapter_ignore(struct adapter_result *result, const char *code, const char *reason);
