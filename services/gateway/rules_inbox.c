#include "services/gateway/rules_inbox.h"

#include <string.h>

#define FIRST_PAUSE_US INT64_C(250000)
#define AWAY_PAUSE_US INT64_C(5000000)
#define FAULT_PAUSE_US INT64_C(60000000)

int64_t rules_inbox_pause_us(const struct uuid *id, int32_t attempts, bool is_away)
{
    int64_t longest = is_away ? AWAY_PAUSE_US : FAULT_PAUSE_US;
    int64_t pause = FIRST_PAUSE_US << (attempts < 8 ? attempts : 8);
    if (pause > longest)
        pause = longest;
    /* The last bytes of a UUIDv7 are random: three quarters to all of the pause. */
    return pause - pause / 4 * id->bytes[15] / 255;
}

static struct inbox_result again(const struct inbox_due *due, const char *code, const char *reason,
                                 int64_t at_us)
{
    return (struct inbox_result){.id = due->id,
                                 .status = INBOX_RECEIVED,
                                 .reason_code = code,
                                 .reason = reason,
                                 .order_number = "",
                                 .effect = "",
                                 .next_attempt_at_us = at_us};
}

static struct inbox_result park(const struct inbox_due *due, const struct inbox_answer *answer,
                                struct arena *arena)
{
    const char *reason = arena_strdup(arena, answer->message);
    if (*answer->field != '\0')
        reason = arena_printf(arena, "%s (%s)", answer->message, answer->field);
    return (struct inbox_result){
        .id = due->id,
        .status = INBOX_PARKED,
        .reason_code = *answer->code != '\0' ? arena_strdup(arena, answer->code) : "refused",
        .reason = reason,
        .order_number = "",
        .effect = ""};
}

/* Refusals park, but for one: the same delivery was imported before under another reading, so this
 * one needs an identity of its own; the order's version keeps it from a second effect. */
static struct inbox_result refused(const struct inbox_due *due, const struct inbox_answer *answer,
                                   int64_t now_us, struct arena *arena)
{
    if (strcmp(answer->code, "idempotency_key_reused") != 0 || due->replays > 100)
        return park(due, answer, arena);
    struct inbox_result result = again(due, "read_anew", "It was read otherwise before.", now_us);
    result.more_replays = 1;
    return result;
}

static struct inbox_result failed(const struct inbox_due *due, const struct inbox_answer *answer,
                                  int64_t now_us, struct arena *arena)
{
    if (due->faults + 1 >= INBOX_MAX_FAULTS)
        return park(due, answer, arena);
    struct inbox_result result =
        again(due, "orders_fault", "orders could not work on it; it is tried again.",
              now_us + rules_inbox_pause_us(&due->id, due->faults, false));
    result.faults = due->faults + 1;
    return result;
}

struct inbox_result rules_inbox_judge(const struct inbox_due *due,
                                      const struct inbox_answer *answer, int64_t now_us,
                                      struct arena *arena)
{
    switch (answer->status) {
    case STATUS_INVALID:
    case STATUS_UNAUTHENTICATED:
    case STATUS_FORBIDDEN:
    case STATUS_NOT_FOUND:
    case STATUS_CONFLICT:
    case STATUS_STALE:
    case STATUS_TOO_LARGE:
        return refused(due, answer, now_us, arena);
    case STATUS_OK: /* an answer that cannot be read */
    case STATUS_INTERNAL:
        return failed(due, answer, now_us, arena);
    case STATUS_TOO_MANY:
    case STATUS_UNAVAILABLE:
    case STATUS_DEADLINE:
    case STATUS_NOT_LEADER:
    case STATUS_RETRY:
    case STATUS_UNKNOWN:
    case STATUS_LATER:
        break;
    }
    return again(due, INBOX_AWAY, "orders does not answer; it waits.",
                 now_us + rules_inbox_pause_us(&due->id, due->attempts, true));
}

static bool is_same_order(const struct inbox_due *a, const struct inbox_due *b)
{
    return *a->external_id != '\0' && strcmp(a->external_id, b->external_id) == 0 &&
           strcmp(a->channel, b->channel) == 0;
}

static bool has_order(const struct inbox_due *due, const size_t *chosen, size_t count,
                      const struct inbox_due *one)
{
    for (size_t i = 0; i < count; i++) {
        if (is_same_order(&due[chosen[i]], one))
            return true;
    }
    return false;
}

size_t rules_inbox_choose(const struct inbox_due *due, size_t count, int64_t max_bytes,
                          size_t *chosen)
{
    size_t n = 0;
    int64_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        bool is_alone = due[i].lost > 0;
        if (n > 0 && (is_alone || bytes + due[i].body_bytes > max_bytes ||
                      has_order(due, chosen, n, &due[i])))
            continue;
        chosen[n++] = i;
        bytes += due[i].body_bytes;
        if (is_alone)
            break;
    }
    return n;
}
