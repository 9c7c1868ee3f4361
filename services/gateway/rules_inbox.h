/* rules_inbox.h -- what becomes of a delivery, by what orders answered.
 *
 * Pure. A refusal parks the delivery with its reason, for someone to look at. That orders is away
 * parks nothing, however long it lasts. A fault of ours is tried again a few times before it is
 * parked, since most such faults pass; so is a delivery under which the process died, alone, so
 * that one that kills it every time cannot hold up the others.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/status.h"
#include "services/gateway/store_inbox.h"

#define INBOX_AWAY "orders_away"
/* Results of a fault, and deaths in a row, after which a delivery is parked. */
#define INBOX_MAX_FAULTS 8
#define INBOX_MAX_LOST 5

struct inbox_answer {
    enum status status;
    const char *code, *field, *message; /* of a refusal; never NULL */
};
/* For any answer but OK. due.attempts and due.faults count what was before. */
struct inbox_result rules_inbox_judge(const struct inbox_due *due,
                                      const struct inbox_answer *answer, int64_t now_us,
                                      struct arena *arena);
/* How long to wait after so many attempts or faults: up to 5 s while orders is away, up to a minute
 * after a fault; spread by the delivery's id, so that what failed together does not come back
 * together. */
int64_t rules_inbox_pause_us(const struct uuid *id, int32_t attempts, bool is_away);

/* Which of what is due to take now, in its order: none twice of one order, none together with one
 * under which the process died, bodies of at most max_bytes together unless it is one. Writes the
 * indexes into chosen and returns their number. */
size_t rules_inbox_choose(const struct inbox_due *due, size_t count, int64_t max_bytes,
                          size_t *chosen);
