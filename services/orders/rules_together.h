/* rules_together.h -- which orders may share a parcel.
 *
 * The same customer, recipient, address and method, and nothing of them on its way yet. Texts are
 * compared as people write them: blanks and the case of letters do not matter, and of a telephone
 * number its last eight digits do.
 */
#pragma once

#include "rules.h"

#define TOGETHER_WITHIN_US (INT64_C(30) * 86400 * 1000000)

/* Open, confirmed or to be confirmed, and nothing picked. */
bool rules_may_share(const struct order *order);
bool rules_same_recipient(const struct order *a, const struct order *b, struct arena *arena);
/* What candidates are searched by: the last digits of the telephone number, else the e-mail
 * address; "": there is neither. */
const char *rules_together_word(const struct order *order, struct arena *arena);
