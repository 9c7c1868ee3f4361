/* user.h -- people who sign in, for more than one command. What is returned lives as long as the
 * answers of remote.
 */
#pragma once

#include "cli/remote.h"
#include "penstock/gateway/v1/people.pb-c.h"

/* NULL when there is none; *is_asked is false when the question failed, which has been printed. */
const Penstock__Gateway__V1__Person *user_find(struct remote *remote, const char *email,
                                               bool *is_asked);
/* With its password; NULL when refused, the reason printed. */
const Penstock__Gateway__V1__Person *user_add(struct remote *remote, const char *email,
                                              const char *name, const char *role,
                                              const char *locale);
