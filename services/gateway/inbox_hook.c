#include "services/gateway/inbox.h"

#include <string.h>

#include <sodium.h>

#include "services/gateway/adapter.h"

bool hook_knows_type(const char *type)
{
    return adapter_find(type) != NULL;
}

/* The body's tree is needed for a moment only and may be much larger than the body: it gets an
 * arena of its own instead of the request's. */
static enum hook_verdict identify(const struct adapter *adapter, const struct hook_request *request,
                                  struct arena *arena, struct inbox_delivery *delivery)
{
    struct arena *scratch = arena_open(ADAPTER_ARENA_BYTES);
    struct json_error error;
    const struct json_value *body =
        json_parse(request->body, request->body_bytes, JSON_LIMITS_HOOK, scratch, &error);
    enum hook_verdict verdict = adapter->identify(request, body, arena, delivery);
    arena_close(&scratch);
    return verdict;
}

enum hook_verdict hook_accept(const struct hook_request *request, struct arena *arena,
                              struct inbox_delivery *delivery)
{
    const struct adapter *adapter = adapter_find(request->channel->type);
    if (adapter == NULL)
        return HOOK_UNSIGNED;
    enum hook_verdict verdict = adapter->verify(request);
    if (verdict != HOOK_STORE)
        return verdict;
    *delivery = (struct inbox_delivery){.id = uuid_new(),
                                        .channel = arena_strdup(arena, request->channel->name),
                                        .channel_type = adapter->type,
                                        .topic = "",
                                        .external_id = "",
                                        .source = "",
                                        .traceparent = "",
                                        .received_at_us = request->now_us,
                                        .body = request->body,
                                        .body_bytes = request->body_bytes};
    crypto_hash_sha256(delivery->body_hash, request->body, request->body_bytes);
    char *hex = arena_alloc(arena, 2 * sizeof(delivery->body_hash) + 1);
    delivery->event_identity = sodium_bin2hex(hex, 2 * sizeof(delivery->body_hash) + 1,
                                              delivery->body_hash, sizeof(delivery->body_hash));
    verdict = identify(adapter, request, arena, delivery);
    delivery->triggered_at_us = delivery->triggered_at_ns / 1000;
    return verdict;
}
