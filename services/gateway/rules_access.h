/* rules_access.h -- which keys and channels may be made: pure checks of what was asked for.
 *
 * A rule's refusal is a code, a field and a sentence, all constant; NULL code: nothing against it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"

struct access_refusal {
    const char *code, *field, *text;
};

#define ACCESS_NAME_BYTES 100
#define CHANNEL_SECRET_MIN_BYTES 8
#define CHANNEL_SECRET_MAX_BYTES 255
#define CHANNEL_PREFIX_BYTES 12
/* How long the secret before stays good after a rotation. */
#define CHANNEL_ROTATION_US (INT64_C(24) * 3600 * 1000000)

struct access_refusal rules_key(const char *name, const char *role, int64_t expires_at_us,
                                int64_t now_us);
/* Each a permission of the role. */
struct access_refusal rules_scopes(const char *role, char *const *scopes, size_t count);

struct channel_wish {
    const char *name, *type, *secret;
    const char *number_prefix; /* "": the name in capitals */
    bool takes_hooks;          /* its type has an adapter */
    bool is_new;
};
struct access_refusal rules_channel(const struct channel_wish *wish);
/* "shop-hk" is numbered SHOPHK; at most CHANNEL_PREFIX_BYTES. */
const char *rules_channel_prefix(const char *name, struct arena *arena);
