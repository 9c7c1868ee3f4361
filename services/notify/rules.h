/* rules.h -- who may be written to, what comes after an attempt, and when.
 *
 * Pure: times and ids are arguments. Even the jitter of a retry is drawn from the message's id, so
 * that the same history always gives the same plan.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/id.h"
#include "services/notify/notify.h"

#define RULES_RETRY_FIRST_US INT64_C(60000000)
#define RULES_RETRY_LONGEST_US (INT64_C(4) * 3600 * 1000000)
#define RULES_RETRY_FOR_US (INT64_C(5) * 24 * 3600 * 1000000)
#define RULES_DEFER_US INT64_C(5000000)
#define RULES_ADDRESS_BYTES 255

/* A message's id, made of what it is about: the same (order, kind, subject) has one id, which is
 * why the primary key alone keeps a message from being queued twice. It begins with the order's own
 * bytes of time, so that rows go to the index's right edge and one order's messages lie together.
 */
struct uuid rules_message_id(const struct uuid *order_id, enum message_kind kind,
                             const struct uuid *subject_id);
/* The range of ids in which all messages of an order lie; others of the same moment may, too. */
void rules_message_id_range(const struct uuid *order_id, struct uuid *first, struct uuid *last);

/* One mailbox, by a grammar stricter than RFC 5321's: a dot-atom, @, and at least two labels of
 * letters, digits and hyphens. No quotes, comments, literals, blanks, controls or non-ASCII: what
 * passes is safe in an SMTP command and in a header. */
bool rules_address_is_valid(const char *address);
/* The same for the shop's own address, whose domain may be one label: shop@localhost. */
bool rules_sender_is_valid(const char *address);
/* "t***@example.com", at most buffer_bytes with the NUL; "" for "". */
char *rules_mask_address(const char *address, char *buffer, size_t buffer_bytes);

const char *rules_kind_name(enum message_kind kind);

/* What an SMTP reply code means for the message. has_data_ended: the final dot had been sent. */
enum mail_outcome rules_smtp_outcome(int code, bool has_data_ended);

struct attempt_decision {
    enum message_state state;
    int32_t attempts_more, ambiguous_more;
    int64_t next_attempt_at_us; /* 0 unless it stays queued */
    bool has_run_out;           /* temporary trouble for so long that it counts as failed */
};
/* What becomes of a message after an attempt: tried again after a minute, doubling to four hours,
 * each a fifth earlier or later, for five days. */
struct attempt_decision rules_after_attempt(const struct uuid *id, struct message_history history,
                                            enum mail_outcome outcome, int64_t now_us);

/* What a row says of a message that is about a parcel or a refund, before it is tried: the
 * customer's wish stands with the order's confirmation, which comes from another log and may not be
 * here yet. */
/* Whether mails of this kind are sent to orders of the channel. Those that say nothing are. */
bool rules_is_switched_on(const struct setting_row *settings, size_t count, enum message_kind kind,
                          const char *channel);
/* The kind of a name, of those that there are templates for; 0 when there is none. */
int rules_letter_kind(const char *name);

/* Whether the customer's wish not to be written to holds for it, and stands elsewhere. */
bool rules_asks_wish(enum message_kind kind);
enum wish { WISH_UNKNOWN, WISH_YES, WISH_NO };
enum wish_decision { WISH_SEND, WISH_WAIT, WISH_SUPPRESS };
enum wish_decision rules_wish(enum wish wish, int64_t queued_at_us, int64_t now_us);
