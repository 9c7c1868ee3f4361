/* rules_refund.h -- refunds on their way: asked for, approved, made, tried again.
 *
 * A request may be spread over several payments and is then several refunds with one request id;
 * whoever approves or declines it does so to all of them. Whatever is not cancelled keeps its share
 * of its payment (payment.refunded), so that all of it together never exceeds what was captured.
 *
 * Pure, as rules.h.
 */
#pragma once

#include "rules.h"

/* An attempt of which nobody has heard for so long is made again. */
#define REFUND_LOST_AFTER_US (INT64_C(60) * 1000000)

struct wish_line {
    struct uuid line_id;
    int64_t quantity;
};
/* What is asked for, in minor units of the order's currency. */
struct refund_wish {
    int64_t amount; /* 0: the sum of the parts */
    const struct wish_line *lines;
    size_t line_count;
    int64_t shipping, goodwill;
};
/* What the wish is worth: units at what was paid for them, as far as they were not given back
 * before. False: refused. */
bool rules_refund_amount(const struct order *order, const struct refund_wish *wish,
                         struct arena *arena, int64_t *amount, struct refusal *no);

/* How much a role gives back without a second person. */
struct refund_limit {
    const char *role, *currency;
    int64_t amount;
};
/* Of whom has these permissions; INT64_MAX: none. */
int64_t rules_refund_limit(const struct refund_limit *limits, size_t count,
                           const char *const *permissions, const char *currency);
/* How a refund begins that somebody with this limit asks for. */
enum refund_status rules_refund_begins(int64_t amount, int64_t limit,
                                       enum refund_provider provider);
bool rules_refund_may(enum refund_status from, enum refund_status to);

/* The steps; each marks what it changed. refund_id is that of any refund of the request. */
bool rules_refund_approve(struct order *order, const struct act *act, const struct uuid *refund_id,
                          int64_t limit, struct refusal *no);
bool rules_refund_decline(struct order *order, const struct act *act, const struct uuid *refund_id,
                          const char *reason, struct refusal *no);
/* What failed of the request goes to its provider again; by hand: it has been paid. */
bool rules_refund_retry(struct order *order, const struct act *act, const struct uuid *refund_id,
                        enum refund_provider provider, struct refusal *no);
/* To its provider, or once more when nobody heard how that ended; false when it is no longer to be
 * made. */
bool rules_refund_start(struct order *order, const struct act *act, const struct uuid *refund_id);
/* What the provider said; error NULL: it is made. False when nobody was waiting for that. */
bool rules_refund_settle(struct order *order, const struct act *act, const struct uuid *refund_id,
                         const char *error);
