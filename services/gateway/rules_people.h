/* rules_people.h -- which people may be added and how they may be changed: pure checks.
 *
 * A refusal is that of rules_access.h: NULL code, nothing against it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "services/gateway/rules_access.h"

#define PEOPLE_MAX 5000
#define EMAIL_BYTES 254
/* Sessions. */
#define SESSION_IDLE_US (INT64_C(30) * 60 * 1000000)
#define SESSION_LONGEST_US (INT64_C(12) * 3600 * 1000000)
#define SESSION_MAX_OF_PERSON 20
#define LOCALE_DEFAULT "zh-Hant"

struct person_wish {
    const char *name, *email, *role, *locale;
};
struct access_refusal rules_person(const struct person_wish *wish);
/* In lower case and without the blanks around it, as addresses are stored and compared. */
const char *rules_email(const char *email, struct arena *arena);
