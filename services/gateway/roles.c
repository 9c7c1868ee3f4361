#include "services/gateway/roles.h"

#include <string.h>

/* Whoever comes in may know who he is and what his colleagues are called, and change his password.
 */
#define LIST(...) ((const char *const[]){"self:read", "self:write", __VA_ARGS__, NULL})

const struct role roles[] = {
    {"owner",
     LIST("orders:read", "orders:write", "customers:read", "customers:write", "payments:write",
          "stock:read", "stock:write", "fulfillment:read", "fulfillment:write", "returns:read",
          "returns:write", "messages:read", "messages:write", "settings:read", "settings:write",
          "inbox:read", "inbox:write", "audit:read")},
    {"order_desk",
     LIST("orders:read", "orders:write", "customers:read", "customers:write", "payments:write",
          "stock:read", "fulfillment:read", "returns:read", "returns:write", "messages:read",
          "messages:write", "settings:read", "inbox:read", "inbox:write")},
    /* Whoever picks or packs sees no purchaser and no price, so no order. */
    {"picker", LIST("stock:read", "fulfillment:read", "fulfillment:write")},
    {"packer", LIST("stock:read", "fulfillment:read", "fulfillment:write")},
    {"customer_service",
     LIST("orders:read", "orders:write", "customers:read", "customers:write", "stock:read",
          "fulfillment:read", "returns:read", "returns:write", "messages:read", "messages:write")},
    {"finance",
     LIST("orders:read", "payments:write", "returns:read", "messages:read", "settings:read")},
    {"store", LIST("orders:read", "orders:write", "customers:read", "customers:write",
                   "payments:write", "stock:read", "stock:write", "fulfillment:read",
                   "fulfillment:write", "returns:read", "returns:write")},
    {"read_only", LIST("orders:read", "customers:read", "stock:read", "fulfillment:read",
                       "returns:read", "messages:read", "settings:read", "inbox:read")},
    {NULL, NULL},
};

const struct role *role_find(const char *name)
{
    for (const struct role *role = roles; role->name != NULL; role++)
        if (strcmp(role->name, name) == 0)
            return role;
    return NULL;
}

bool role_allows(const struct role *role, const char *permission)
{
    for (const char *const *at = role->permissions; *at != NULL; at++)
        if (strcmp(*at, permission) == 0)
            return true;
    return false;
}

static bool is_among(const char *scopes, const char *permission)
{
    size_t bytes = strlen(permission);
    while (*scopes != '\0') {
        size_t word = strcspn(scopes, " ");
        if (word == bytes && strncmp(scopes, permission, bytes) == 0)
            return true;
        scopes += word + (scopes[word] == ' ');
    }
    return false;
}

static size_t count_permissions(const struct role *role)
{
    size_t count = 0;
    while (role->permissions[count] != NULL)
        count++;
    return count;
}

const struct role *role_narrow(const struct role *role, const char *scopes, struct arena *arena)
{
    struct role *narrow = ARENA_NEW(arena, struct role);
    const char **permissions = ARENA_ARRAY(arena, count_permissions(role) + 1, const char *);
    size_t count = 0;
    for (const char *const *at = role->permissions; *at != NULL; at++)
        if (is_among(scopes, *at))
            permissions[count++] = *at;
    *narrow = (struct role){role->name, permissions};
    return narrow;
}

const struct role *role_copy(const struct role *role, struct arena *arena)
{
    struct role *copy = ARENA_NEW(arena, struct role);
    size_t bytes = (count_permissions(role) + 1) * sizeof(const char *);
    *copy = (struct role){role->name, arena_copy(arena, role->permissions, bytes)};
    return copy;
}
