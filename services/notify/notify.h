/* notify.h -- what a message to a customer is.
 *
 * A message is a row that says to whom something is to be told about which order; the mail itself
 * is rendered when it is sent and not kept. States, templates and outcomes are lists, from which
 * enums, names and checks come.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Stored and sent: append only, never renumber. */
#define MESSAGE_STATES(X)                                                                          \
    X(QUEUED, 1)                                                                                   \
    X(SENT, 2)                                                                                     \
    X(FAILED, 3)     /* for good; an operator may try again */                                     \
    X(SUPPRESSED, 4) /* not wanted or not possible: no address, erased, switched off */

enum message_state {
#define X(name, number) MESSAGE_##name = number,
    MESSAGE_STATES(X)
#undef X
};

/* What is told: one mail per order, per parcel, per refund, per message of the shop, per code that
 * was asked for, per edit of which the customer is to hear. Stored, so append only. */
#define MESSAGE_KINDS(X)                                                                           \
    X(ORDER_CONFIRMATION, 1, "order_confirmation")                                                 \
    X(SHIPMENT, 2, "shipment")                                                                     \
    X(REFUND, 3, "refund")                                                                         \
    X(STAFF_MESSAGE, 4, "staff_message")                                                           \
    X(ORDER_CODE, 5, "order_code")                                                                 \
    X(ORDER_EDITED, 6, "order_edited")                                                             \
    X(TEST, 100, "test") /* one of the others, to an address of the shop's own */

enum message_kind {
#define X(name, number, text) MESSAGE_##name = number,
    MESSAGE_KINDS(X)
#undef X
};
#define MESSAGE_KIND_COUNT 6 /* from 1 on: those that there are templates for */

/* Whether mails of a kind are sent to orders of a channel; "" is every channel that has no setting
 * of its own. Stored. */
struct setting_row {
    int32_t kind;
    const char *channel;
    bool email;
    int64_t updated_at_us;
    const char *updated_by;
};

/* What came of an attempt. */
enum mail_outcome {
    OUTCOME_SENT,
    OUTCOME_TEMPORARY,  /* not delivered, and may be tomorrow: 4xx, no connection, a timeout */
    OUTCOME_AMBIGUOUS,  /* silence after the final dot: it may have arrived */
    OUTCOME_PERMANENT,  /* 5xx, or an address that is none */
    OUTCOME_SUPPRESSED, /* there is nobody to write to */
    OUTCOME_DEFERRED,   /* not tried at all; counts for nothing */
};

/* How often, and since when, a message has been tried. */
struct message_history {
    int32_t attempts;
    int32_t ambiguous_attempts;
    int64_t since_us; /* when this round of tries began: queued, or asked for again */
};

/* The group "notify" of the configuration; what begins with shop_ is the shop's own. */
struct notify_conf {
    char *shop_name;
    char *shop_time_zone;
    char *shop_languages;
    char *shop_mail_from;
    char *shop_public_url;
    char *mail_reply_to;
    char *template_directory;
    char *maildir;
    char *smtp_url;
    char *smtp_user;
    char *smtp_password;
    char *smtp_tls;
    int64_t smtp_connect_timeout_s;
    int64_t smtp_timeout_s;
    int64_t mails_per_job;
};
