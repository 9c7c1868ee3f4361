/* channels.h -- a sales channel as the edge needs to know it.
 *
 * A row of the table channel, cached by the directory (directory.h) in an immutable snapshot that
 * every HTTP thread holds a copy of, so that checking a webhook's signature needs no database.
 * Secrets are here and nowhere else: they are never logged and never leave the process.
 *
 * Ownership: the snapshot owns all of it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHANNEL_NAME_BYTES 64

/* The types are the adapters' names; "api" takes orders over /v1/orders only. */
struct channel {
    const char *name;
    const char *type; /* "api", "shopify", "woocommerce" */
    const char *number_prefix;
    bool confirms_manually;
    bool is_active;
    const uint8_t *secret;
    size_t secret_bytes; /* 0: none; such a channel takes no hooks */
    /* The one before, while a rotation is under way. */
    const uint8_t *previous_secret;
    size_t previous_secret_bytes;
    int64_t previous_secret_until_us;
    int64_t created_at_us;
};
