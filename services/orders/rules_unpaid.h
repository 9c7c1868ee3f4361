/* rules_unpaid.h -- orders whose payment does not come in time, and money that comes too late.
 *
 * Pure, as rules.h. An expired order wants nothing any more: all that was open of it is cancelled,
 * and what that was is kept beside it, so that it can be taken back.
 */
#pragma once

#include "rules.h"

struct expired_line {
    struct uuid line_id;
    int32_t units;
};
/* What was open of each line, as many as the order has lines at most; returns how many. */
size_t rules_expire(struct order *order, const struct act *act, struct expired_line *lines);
/* An expired order is pending again, and wants what it gave up. False: refused. */
bool rules_reopen(struct order *order, const struct act *act, const struct expired_line *lines,
                  size_t count, struct refusal *no);
/* The hold for money that came when the order had expired, or NULL when there is none to place. */
struct hold *rules_paid_late(struct order *order, const struct act *act, const struct uuid *id);
/* "2026-11-30" to the days since 1970; false when it is no day. */
bool rules_read_day(const char *text, int64_t *days);
