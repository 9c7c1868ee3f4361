#include "common/status.h"

const char *status_name(enum status status)
{
    switch (status) {
#define X(name, number)                                                                            \
    case STATUS_##name:                                                                            \
        return #name;
        STATUS_LIST(X)
#undef X
    }
    return "?"; /* a number that came over the wire */
}
