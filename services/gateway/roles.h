/* roles.h -- what each role may do: one table, and default deny.
 *
 * A person and an API key have one role each, a key perhaps with a part of its permissions. They
 * travel with each request, and the service that is asked checks them again.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/arena.h"

/* For refusals. */
#define ROLES_SENTENCE                                                                             \
    "The roles are owner, order_desk, picker, packer, customer_service, finance, store and "       \
    "read_only."

#define ROLE_MAX_PERMISSIONS 64
struct role {
    const char *name;
    const char *const *permissions; /* NULL at the end */
};
/* Ends with a NULL name. */
extern const struct role roles[];

/* NULL when there is no such role. */
const struct role *role_find(const char *name);
bool role_allows(const struct role *role, const char *permission);
/* The role with those of its permissions only that stand in scopes, separated by spaces; in the
 * arena. */
const struct role *role_narrow(const struct role *role, const char *scopes, struct arena *arena);
/* A copy that outlives the arena that a narrowed role is in. */
const struct role *role_copy(const struct role *role, struct arena *arena);
