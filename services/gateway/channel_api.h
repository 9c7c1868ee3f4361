/* channel_api.h -- one call to a channel's own API, and how a refund is asked for there.
 *
 * What a channel's API wants is pure: an adapter makes the request's path and body and reads the
 * answer. The call itself follows no redirect, goes to https only (http to this very machine, for
 * tests), and keeps at most CHANNEL_API_MAX_BYTES of an answer.
 *
 * Ownership: everything lives in the arena given.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/arena.h"
#include "services/gateway/json.h"

#define CHANNEL_API_MAX_BYTES ((size_t)1 << 20)
#define CHANNEL_API_TIMEOUT_S 10L

struct channel_api {
    const char *channel, *type, *url, *user, *secret;
};

struct api_request {
    const char *path;
    const char *body;   /* NULL: GET */
    const char *header; /* one more, "Name: value"; NULL: none */
    bool has_password;  /* user and secret as HTTP Basic */
};
struct api_answer {
    int code; /* 0: none came */
    const char *error;
    const struct json_value *body; /* NULL: no JSON */
};
void channel_api_call(const struct channel_api *api, const struct api_request *request,
                      struct arena *arena, struct api_answer *answer);
/* Whether an address may be an API's: https, or http to the loopback; no blanks, no user part. */
bool channel_api_url_is_valid(const char *url);

/* ---- a refund (channel_refund.c) ---- */

struct api_refund {
    const char *key, *external_id, *reason, *payment_method, *payment_reference;
    const char *amount; /* "12.50" */
    bool is_repeat;
};
struct api_refunded {
    bool is_made;
    const char *error;     /* why not */
    const char *reference; /* "" when the channel gave none */
};
/* Asks the channel for it; a repeat finds what an attempt before it has made. */
void channel_api_refund(const struct channel_api *api, const struct api_refund *refund,
                        struct arena *arena, struct api_refunded *result);
