#include "services/notify/rules.h"

#include <assert.h>
#include <string.h>

/* ---- ids ---- */

/* Bytes 0 to 7 of a UUIDv7 are its time; the rest is made from what the message is about. */
static struct uuid id_of(const struct uuid *order_id, const uint8_t rest[8])
{
    struct uuid id;
    memcpy(id.bytes, order_id->bytes, 8);
    id.bytes[6] = (uint8_t)(0x70 | (id.bytes[6] & 0x0f));
    memcpy(id.bytes + 8, rest, 8);
    id.bytes[8] = (uint8_t)(0x80 | (rest[0] & 0x3f));
    return id;
}

struct uuid rules_message_id(const struct uuid *order_id, enum message_kind kind,
                             const struct uuid *subject_id)
{
    uint8_t about[sizeof(order_id->bytes) * 2 + 1];
    memcpy(about, order_id->bytes, sizeof(order_id->bytes));
    memcpy(about + sizeof(order_id->bytes), subject_id->bytes, sizeof(subject_id->bytes));
    about[sizeof(about) - 1] = (uint8_t)kind;
    struct uuid hash = uuid_of_hash(about, sizeof(about));
    return id_of(order_id, hash.bytes);
}

void rules_message_id_range(const struct uuid *order_id, struct uuid *first, struct uuid *last)
{
    static const uint8_t lowest[8] = {0};
    static const uint8_t highest[8] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    *first = id_of(order_id, lowest);
    *last = id_of(order_id, highest);
}

/* ---- addresses ---- */

static bool is_ascii_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_atext(char c)
{
    return is_ascii_alnum(c) || (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

static bool local_part_is_valid(const char *from, const char *end)
{
    if (from == end || end - from > 64 || *from == '.' || end[-1] == '.')
        return false;
    for (; from < end; from++) {
        if (*from == '.' ? from[1] == '.' : !is_atext(*from))
            return false;
    }
    return true;
}

static bool label_is_valid(const char *from, const char *end)
{
    if (from == end || end - from > 63 || *from == '-' || end[-1] == '-')
        return false;
    for (; from < end; from++) {
        if (!is_ascii_alnum(*from) && *from != '-')
            return false;
    }
    return true;
}

static bool domain_is_valid(const char *domain, int least_labels)
{
    for (int labels = 1;; labels++) {
        const char *end = strchrnul(domain, '.');
        if (!label_is_valid(domain, end))
            return false;
        if (*end == '\0')
            return labels >= least_labels;
        domain = end + 1;
    }
}

static bool mailbox_is_valid(const char *address, int least_labels)
{
    size_t length = strnlen(address, RULES_ADDRESS_BYTES);
    if (length >= RULES_ADDRESS_BYTES)
        return false;
    const char *at = strchr(address, '@');
    return at != NULL && local_part_is_valid(address, at) && domain_is_valid(at + 1, least_labels);
}

bool rules_address_is_valid(const char *address)
{
    return mailbox_is_valid(address, 2);
}

bool rules_sender_is_valid(const char *address)
{
    return mailbox_is_valid(address, 1);
}

char *rules_mask_address(const char *address, char *buffer, size_t buffer_bytes)
{
    assert(buffer_bytes > 0);
    buffer[0] = '\0';
    const char *at = strchr(address, '@');
    size_t needed = at == NULL ? 0 : strlen(at) + 5;
    if (at == NULL || at == address || needed > buffer_bytes)
        return buffer;
    buffer[0] = address[0];
    memcpy(buffer + 1, "***", 3);
    memcpy(buffer + 4, at, strlen(at) + 1);
    return buffer;
}

/* ---- kinds ---- */

const char *rules_kind_name(enum message_kind kind)
{
    switch (kind) {
#define X(name, number, text)                                                                      \
    case MESSAGE_##name:                                                                           \
        return text;
        MESSAGE_KINDS(X)
#undef X
    }
    return "";
}

/* ---- after an attempt ---- */

enum mail_outcome rules_smtp_outcome(int code, bool has_data_ended)
{
    if (code >= 200 && code < 300)
        return OUTCOME_SENT;
    if (code >= 400 && code < 500)
        return OUTCOME_TEMPORARY;
    if (code >= 500 && code < 600)
        return OUTCOME_PERMANENT;
    return has_data_ended ? OUTCOME_AMBIGUOUS : OUTCOME_TEMPORARY;
}

/* Between 0.8 and 1.2 of the delay, by the message's id and the number of the attempt: thousands of
 * mails that failed together do not come back together. */
static int64_t jitter(const struct uuid *id, int32_t attempts, int64_t delay_us)
{
    uint32_t bits = (uint32_t)attempts * 2654435761u;
    for (size_t i = 8; i < sizeof(id->bytes); i++)
        bits = (bits ^ id->bytes[i]) * 16777619u;
    return delay_us * 8 / 10 + delay_us * 4 / 10 * (int64_t)(bits >> 16) / 65536;
}

static int64_t retry_delay(const struct uuid *id, int32_t attempts)
{
    int64_t delay_us = RULES_RETRY_FIRST_US;
    for (int32_t i = 1; i < attempts && delay_us < RULES_RETRY_LONGEST_US; i++)
        delay_us *= 2;
    if (delay_us > RULES_RETRY_LONGEST_US)
        delay_us = RULES_RETRY_LONGEST_US;
    return jitter(id, attempts, delay_us);
}

static struct attempt_decision try_again(const struct uuid *id, struct message_history history,
                                         int32_t ambiguous_more, int64_t now_us)
{
    int64_t next_us = now_us + retry_delay(id, history.attempts + 1);
    struct attempt_decision decision = {MESSAGE_QUEUED, 1, ambiguous_more, next_us, false};
    if (next_us > history.since_us + RULES_RETRY_FOR_US) {
        decision.state = MESSAGE_FAILED;
        decision.next_attempt_at_us = 0;
        decision.has_run_out = true;
    }
    return decision;
}

struct attempt_decision rules_after_attempt(const struct uuid *id, struct message_history history,
                                            enum mail_outcome outcome, int64_t now_us)
{
    switch (outcome) {
    case OUTCOME_SENT:
        return (struct attempt_decision){MESSAGE_SENT, 1, 0, 0, false};
    case OUTCOME_TEMPORARY:
        return try_again(id, history, 0, now_us);
    case OUTCOME_AMBIGUOUS:
        return try_again(id, history, 1, now_us);
    case OUTCOME_PERMANENT:
        return (struct attempt_decision){MESSAGE_FAILED, 1, 0, 0, false};
    case OUTCOME_SUPPRESSED:
        return (struct attempt_decision){MESSAGE_SUPPRESSED, 0, 0, 0, false};
    case OUTCOME_DEFERRED:
        break;
    }
    return (struct attempt_decision){MESSAGE_QUEUED, 0, 0, now_us + RULES_DEFER_US, false};
}

bool rules_is_switched_on(const struct setting_row *settings, size_t count, enum message_kind kind,
                          const char *channel)
{
    bool is_on = true;
    for (size_t i = 0; i < count; i++) {
        if (settings[i].kind != (int32_t)kind)
            continue;
        if (strcmp(settings[i].channel, channel) == 0)
            return settings[i].email;
        if (settings[i].channel[0] == '\0')
            is_on = settings[i].email;
    }
    return is_on;
}

int rules_letter_kind(const char *name)
{
    for (int kind = 1; kind <= MESSAGE_KIND_COUNT; kind++) {
        if (strcmp(rules_kind_name((enum message_kind)kind), name) == 0)
            return kind;
    }
    return 0;
}

bool rules_asks_wish(enum message_kind kind)
{
    return kind == MESSAGE_SHIPMENT || kind == MESSAGE_REFUND;
}

enum wish_decision rules_wish(enum wish wish, int64_t queued_at_us, int64_t now_us)
{
    static const int64_t patience_us = INT64_C(3600) * 1000000;
    switch (wish) {
    case WISH_YES:
        return WISH_SEND;
    case WISH_NO:
        return WISH_SUPPRESS;
    case WISH_UNKNOWN:
        break;
    }
    return now_us - queued_at_us < patience_us ? WISH_WAIT : WISH_SEND;
}
