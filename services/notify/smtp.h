/* smtp.h -- hands mails to an SMTP server, one after the other over one connection.
 *
 * The only module of this service that includes libcurl. What matters is what an end without a
 * clear answer means: before the final dot nothing was accepted; after it, the mail may have been.
 *
 * Ownership: smtp_open() makes, smtp_close() frees; used by one thread.
 * Limits: the server's sentence is kept to SMTP_REASON_BYTES, without the addresses in it.
 */
#pragma once

#include <stdatomic.h>
#include <stddef.h>

#include "common/status.h"
#include "services/notify/notify.h"

#define SMTP_REASON_BYTES 200

struct smtp;

/* INVALID with a constant sentence in *message when a setting is wrong. When *stopping becomes
 * true, a mail under way is broken off. */
enum status smtp_open(const struct notify_conf *conf, const atomic_bool *stopping,
                      struct smtp **out, const char **message) MUST_CHECK;
void smtp_close(struct smtp **smtp);

struct smtp_result {
    enum mail_outcome outcome;
    char reason[SMTP_REASON_BYTES]; /* "" when sent; else a code and the server's words */
    bool reached_server;            /* false: no use in trying the next one now */
};
/* from and to have passed rules_address_is_valid(); bytes end their lines with CR LF. */
void smtp_send(struct smtp *smtp, const char *from, const char *to, const char *bytes, size_t count,
               struct smtp_result *result);
