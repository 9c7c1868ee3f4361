/* roles.h -- what each role may do: one table, and default deny.
 *
 * An API key has one role. Its permissions travel with each request, and the service that is asked
 * checks them again.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct role {
    const char *name;
    const char *const *permissions; /* NULL at the end */
};
/* Ends with a NULL name. */
extern const struct role roles[];

/* NULL when there is no such role. */
const struct role *role_find(const char *name);
bool role_allows(const struct role *role, const char *permission);
