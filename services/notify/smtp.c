#include "services/notify/smtp.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/notify/rules.h"

/* A mail under way, as the callbacks see it. */
struct upload {
    const char *bytes;
    size_t count, at;
    bool has_ended; /* all was handed over: the final dot may have been sent */
    int code;       /* of the server's last reply, 0 before any */
    char reply[SMTP_REASON_BYTES];
    const atomic_bool *stopping;
};

struct smtp {
    CURL *curl;
    struct upload upload;
};

/* ---- callbacks ---- */

static size_t give_bytes(char *to, size_t size, size_t many, void *context)
{
    struct upload *upload = context;
    size_t count = upload->count - upload->at;
    if (count > size * many)
        count = size * many;
    memcpy(to, upload->bytes + upload->at, count);
    upload->at += count;
    upload->has_ended = upload->has_ended || count == 0;
    return count;
}

/* Printable ASCII only, and every word with an @ in it is hidden: a reason is kept, an address not.
 */
static void keep_reply(struct upload *upload, const char *line, size_t count)
{
    size_t n = 0;
    for (size_t i = 0; i < count;) {
        size_t word = i;
        while (word < count && line[word] > ' ' && line[word] <= '~')
            word++;
        bool is_address = memchr(line + i, '@', word - i) != NULL;
        const char *text = is_address ? "***" : line + i;
        size_t length = is_address ? 3 : word - i;
        if (length > 0 && n + length + 2 < sizeof(upload->reply)) {
            if (n > 0)
                upload->reply[n++] = ' ';
            memcpy(upload->reply + n, text, length);
            n += length;
        }
        i = word + 1;
    }
    upload->reply[n] = '\0';
}

static size_t take_reply(char *line, size_t size, size_t many, void *context)
{
    struct upload *upload = context;
    size_t count = size * many;
    if (count >= 3 && line[0] >= '2' && line[0] <= '5') {
        upload->code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
        keep_reply(upload, line, count);
    }
    return count;
}

static int look_up(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    (void)a, (void)b, (void)c, (void)d;
    const struct upload *upload = context;
    return atomic_load_explicit(upload->stopping, memory_order_relaxed) ? 1 : 0;
}

/* ---- opening ---- */

static enum status set_tls(CURL *curl, const char *mode, const char **message)
{
    long level = CURLUSESSL_ALL;
    if (strcmp(mode, "try") == 0)
        level = CURLUSESSL_TRY;
    else if (strcmp(mode, "none") == 0)
        level = CURLUSESSL_NONE;
    else if (strcmp(mode, "require") != 0) {
        *message = "smtp_tls must be require, try or none";
        return STATUS_INVALID;
    }
    curl_easy_setopt(curl, CURLOPT_USE_SSL, level);
    return STATUS_OK;
}

static enum status set_options(struct smtp *smtp, const struct notify_conf *conf,
                               const char **message)
{
    CURL *curl = smtp->curl;
    if (strncmp(conf->smtp_url, "smtp://", 7) != 0 && strncmp(conf->smtp_url, "smtps://", 8) != 0) {
        *message = "smtp_url must begin with smtp:// or smtps://";
        return STATUS_INVALID;
    }
    curl_easy_setopt(curl, CURLOPT_URL, conf->smtp_url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_PROXY, ""); /* whatever the environment says */
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    if (*conf->smtp_user != '\0') {
        curl_easy_setopt(curl, CURLOPT_USERNAME, conf->smtp_user);
        curl_easy_setopt(curl, CURLOPT_PASSWORD, conf->smtp_password);
    }
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)conf->smtp_connect_timeout_s);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)conf->smtp_timeout_s);
    curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(curl, CURLOPT_READFUNCTION, give_bytes);
    curl_easy_setopt(curl, CURLOPT_READDATA, &smtp->upload);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_reply);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, &smtp->upload);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, look_up);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &smtp->upload);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    return set_tls(curl, conf->smtp_tls, message);
}

enum status smtp_open(const struct notify_conf *conf, const atomic_bool *stopping,
                      struct smtp **out, const char **message)
{
    struct smtp *smtp = calloc(1, sizeof(*smtp));
    if (smtp == NULL)
        abort();
    smtp->upload.stopping = stopping;
    /* Counted, and safe beside other threads, since 7.84. */
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        abort();
    smtp->curl = curl_easy_init();
    if (smtp->curl == NULL)
        abort();
    enum status status = set_options(smtp, conf, message);
    *out = smtp;
    if (status != STATUS_OK)
        smtp_close(out);
    return status;
}

void smtp_close(struct smtp **smtp)
{
    if (*smtp == NULL)
        return;
    curl_easy_cleanup((*smtp)->curl);
    curl_global_cleanup();
    free(*smtp);
    *smtp = NULL;
}

/* ---- sending ---- */

static CURLcode perform(struct smtp *smtp, const char *bytes, size_t count)
{
    const atomic_bool *stopping = smtp->upload.stopping;
    smtp->upload = (struct upload){.bytes = bytes, .count = count, .stopping = stopping};
    return curl_easy_perform(smtp->curl);
}

/* A refusal of this mail comes to MAIL, RCPT or DATA, or after the dot; one in the greeting, in TLS
 * or at the password is about us or the server, and passes. */
static enum mail_outcome outcome_of(const struct upload *upload, CURLcode result)
{
    if (result == CURLE_OK)
        return OUTCOME_SENT;
    bool is_refusal = upload->code >= 400;
    if (is_refusal && (upload->has_ended || result == CURLE_SEND_ERROR))
        return rules_smtp_outcome(upload->code, upload->has_ended);
    if (is_refusal)
        return OUTCOME_TEMPORARY;
    return rules_smtp_outcome(0, upload->has_ended);
}

static void tell_reason(const struct upload *upload, CURLcode result, char *reason)
{
    if (result == CURLE_OK)
        reason[0] = '\0';
    else if (upload->code >= 400)
        snprintf(reason, SMTP_REASON_BYTES, "%s", upload->reply);
    else
        snprintf(reason, SMTP_REASON_BYTES, "%s%s", curl_easy_strerror(result),
                 upload->has_ended ? " (after the final dot)" : "");
}

/* The server may have closed a connection that was kept open: then nothing was said yet. */
static bool was_stale(struct smtp *smtp, CURLcode result)
{
    long connects = 0;
    curl_easy_getinfo(smtp->curl, CURLINFO_NUM_CONNECTS, &connects);
    return result != CURLE_OK && result != CURLE_ABORTED_BY_CALLBACK && connects == 0 &&
           smtp->upload.code == 0 && !smtp->upload.has_ended;
}

void smtp_send(struct smtp *smtp, const char *from, const char *to, const char *bytes, size_t count,
               struct smtp_result *result)
{
    char mailbox[300];
    snprintf(mailbox, sizeof(mailbox), "<%s>", to);
    struct curl_slist *recipients = curl_slist_append(NULL, mailbox);
    snprintf(mailbox, sizeof(mailbox), "<%s>", from);
    curl_easy_setopt(smtp->curl, CURLOPT_MAIL_FROM, mailbox);
    curl_easy_setopt(smtp->curl, CURLOPT_MAIL_RCPT, recipients);
    CURLcode code = perform(smtp, bytes, count);
    if (was_stale(smtp, code)) {
        curl_easy_setopt(smtp->curl, CURLOPT_FRESH_CONNECT, 1L);
        code = perform(smtp, bytes, count);
        curl_easy_setopt(smtp->curl, CURLOPT_FRESH_CONNECT, 0L);
    }
    curl_slist_free_all(recipients);
    result->outcome = outcome_of(&smtp->upload, code);
    result->reached_server = code == CURLE_OK || smtp->upload.code != 0;
    tell_reason(&smtp->upload, code, result->reason);
    if (code == CURLE_ABORTED_BY_CALLBACK && !smtp->upload.has_ended)
        result->outcome = OUTCOME_DEFERRED;
}
