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
