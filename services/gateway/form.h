/* form.h -- the fields of a posted form (application/x-www-form-urlencoded).
 *
 * Strict: UTF-8, no control characters but line ends, each name once. Line ends become LF.
 *
 * Ownership: texts live in the arena given. Limits: 16 fields.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/arena.h"

#define FORM_MAX_FIELDS 16

struct form {
    struct {
        const char *name, *value;
    } fields[FORM_MAX_FIELDS];
    size_t count;
};
/* False when it is no form that we would have made. */
bool form_read(const char *body, size_t bytes, struct arena *arena, struct form *form);
/* "" when it is not there. */
const char *form_value(const struct form *form, const char *name);
