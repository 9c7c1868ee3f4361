/* audit_internal.h -- a note on its way from an HTTP thread to the audit thread. Private to
 * audit*.c. The HTTP thread allocates, the audit thread frees.
 */
#pragma once

#include <stdatomic.h>

#include "services/gateway/audit.h"

#define AUDIT_MAX_WAITING 4096

struct audit_box {
    struct audit_note note;
    char texts[];
};
/* With copies of the texts. */
struct audit_box *audit_box_new(const struct audit_note *note);
/* How many are on their way, from all threads. */
_Atomic int64_t *audit_waiting(struct audit *audit);
