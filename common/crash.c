#include "common/crash.h"

#ifdef PENSTOCK_CRASHPOINTS
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

void crash_point(const char *name)
{
    static _Atomic long hits;
    const char *wanted = getenv("PENSTOCK_CRASHPOINT");
    size_t length = strlen(name);
    if (wanted == NULL || strncmp(wanted, name, length) != 0 || wanted[length] != ':')
        return;
    if (atomic_fetch_add(&hits, 1) + 1 == atol(wanted + length + 1))
        raise(SIGKILL);
}
#else
/* A translation unit must hold something. */
typedef int crash_points_are_off;
#endif
