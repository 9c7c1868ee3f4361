/* mailer.h -- what an outcall worker does with a batch of messages: asks orders who to write to,
 * writes the letters, and hands them to an SMTP server or a Maildir.
 *
 * Ownership: a worker's mailer lives as long as its thread; batches live in their job's arena.
 * Limits: a batch stops after two minutes; what was not tried by then is put off, and counts for
 * nothing.
 */
#pragma once

#include "common/service.h"
#include "services/notify/notify.h"

struct mail {
    int64_t position;
    struct uuid id, order_id;
    enum message_kind kind;
    const char *message_id;
    const uint8_t *detail; /* the event, packed; NULL for a confirmation */
    size_t detail_bytes;
    struct message_history history;
    int64_t queued_at_us;
    const char *text; /* what a person wrote, or a code; NULL: there is none */
    /* What came of it. */
    enum mail_outcome outcome;
    const char *locale, *recipient_masked, *reason; /* NULL: nothing to say */
};
struct mail_batch {
    struct uuid id;
    const struct setting_row *settings; /* as they stood when the batch was taken */
    size_t setting_count;
    int64_t template_generation;
    struct mail *mails;
    size_t count;
};

/* The functions of struct outcall. A mailer is NULL when the settings are wrong: nothing is sent
 * then. */
void *mailer_open(const struct service *service, void *conf);
void mailer_close(void *mailer);
void mailer_make(struct outcall_worker *worker, struct outcall_job *jobs, size_t count);
/* Breaks off what is under way, from any thread. */
void mailer_stop(void);
/* Logs what is wrong with the settings, so that the service does not start with them. */
enum status mailer_check(const struct service *service, void *conf) MUST_CHECK;
