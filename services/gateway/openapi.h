/* openapi.h -- describes the API from the route table and the descriptors, as OpenAPI 3.1.
 *
 * What the gateway checks and what it says that it checks come from the same tables, so that the
 * description cannot drift.
 */
#pragma once

#include <stddef.h>

#include "services/gateway/routes.h"

/* The document, to be freed by the caller. */
char *openapi_describe(const struct endpoints *endpoints, size_t *bytes);
