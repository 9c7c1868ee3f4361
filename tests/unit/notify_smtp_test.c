/* How mails leave: an SMTP server that answers by a script, and a Maildir. */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <curl/curl.h>

#include "services/notify/maildir.h"
#include "services/notify/smtp.h"

/* ---- the server ---- */

/* What is answered to what; NULL closes the connection, "" stays silent. */
struct script {
    const char *greeting, *ehlo, *mail, *rcpt, *data, *end;
};
struct server {
    struct script script;
    int listener, port;
    pthread_t thread;
    atomic_int connections, mails;
    atomic_bool ends;
    char last[65536]; /* the last mail, as it came */
};

static const struct script all_well = {
    "220 ready",    "250-hello\r\n250-SIZE 1000000\r\n250 8BITMIME",
    "250 2.1.0 ok", "250 2.1.5 ok",
    "354 go on",    "250 2.0.0 queued as 42"};

static bool answer(FILE *out, const char *reply)
{
    if (reply == NULL)
        return false;
    if (*reply != '\0')
        fprintf(out, "%s\r\n", reply);
    return fflush(out) == 0;
}

static bool take_mail(struct server *server, FILE *in, FILE *out)
{
    char line[2048];
    size_t n = 0;
    while (fgets(line, sizeof(line), in) != NULL && strcmp(line, ".\r\n") != 0) {
        size_t length = strlen(line);
        if (n + length + 1 < sizeof(server->last))
            memcpy(server->last + n, line, length + 1), n += length;
    }
    if (feof(in))
        return false;
    server->mails++;
    return answer(out, server->script.end);
}

static bool take_command(struct server *server, const char *line, FILE *in, FILE *out)
{
    const struct script *script = &server->script;
    if (strncmp(line, "EHLO", 4) == 0 || strncmp(line, "HELO", 4) == 0)
        return answer(out, script->ehlo);
    if (strncmp(line, "MAIL", 4) == 0)
        return answer(out, script->mail);
    if (strncmp(line, "RCPT", 4) == 0)
        return answer(out, script->rcpt);
    if (strncmp(line, "DATA", 4) == 0) {
        if (!answer(out, script->data))
            return false;
        return strncmp(script->data, "354", 3) != 0 || take_mail(server, in, out);
    }
    if (strncmp(line, "QUIT", 4) == 0)
        return false;
    return answer(out, "250 ok");
}

static void serve(struct server *server, int fd)
{
    FILE *in = fdopen(fd, "r"), *out = fdopen(dup(fd), "w");
    char line[2048];
    if (answer(out, server->script.greeting)) {
        while (fgets(line, sizeof(line), in) != NULL && take_command(server, line, in, out))
            ;
    }
    fclose(in);
    fclose(out);
}

static void *server_run(void *context)
{
    struct server *server = context;
    for (;;) {
        int fd = accept(server->listener, NULL, NULL);
        if (fd < 0 || server->ends)
            return NULL;
        server->connections++;
        serve(server, fd);
    }
}

static void server_start(struct server *server, struct script script)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof(address);
    *server = (struct server){.script = script};
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(server->listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(server->listener, 16), 0);
    assert_int_equal(getsockname(server->listener, (struct sockaddr *)&address, &size), 0);
    server->port = ntohs(address.sin_port);
    assert_int_equal(pthread_create(&server->thread, NULL, server_run, server), 0);
}

static void server_stop(struct server *server)
{
    server->ends = true;
    shutdown(server->listener, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->listener);
}

/* ---- the client ---- */

static atomic_bool stopping;
static const char letter[] = "Subject: x\r\n\r\nHello\r\n.\r\n..dots\r\n";

static struct smtp *client(const struct server *server)
{
    static char url[64], tls[] = "none", nothing[] = "";
    snprintf(url, sizeof(url), "smtp://127.0.0.1:%d/penstock.example", server->port);
    const struct notify_conf conf = {.smtp_url = url,
                                     .smtp_user = nothing,
                                     .smtp_password = nothing,
                                     .smtp_tls = tls,
                                     .smtp_connect_timeout_s = 2,
                                     .smtp_timeout_s = 1};
    struct smtp *smtp;
    const char *message = "";
    assert_int_equal(smtp_open(&conf, &stopping, &smtp, &message), STATUS_OK);
    return smtp;
}

static struct smtp_result send_one(struct smtp *smtp)
{
    struct smtp_result result;
    smtp_send(smtp, "shop@example.com", "tm@example.com", letter, strlen(letter), &result);
    return result;
}

/* One mail to a server with this script. */
static struct smtp_result sent_to(struct script script)
{
    struct server server;
    server_start(&server, script);
    struct smtp *smtp = client(&server);
    struct smtp_result result = send_one(smtp);
    smtp_close(&smtp);
    server_stop(&server);
    return result;
}

/* ---- SMTP ---- */

static void mails_go_over_one_connection_and_arrive_whole(void **unused)
{
    (void)unused;
    static struct server server;
    server_start(&server, all_well);
    struct smtp *smtp = client(&server);
    for (int i = 0; i < 3; i++) {
        struct smtp_result result = send_one(smtp);
        assert_int_equal(result.outcome, OUTCOME_SENT);
        assert_string_equal(result.reason, "");
    }
    smtp_close(&smtp);
    server_stop(&server);
    assert_int_equal(server.mails, 3);
    assert_int_equal(server.connections, 1);
    assert_string_equal(server.last, "Subject: x\r\n\r\nHello\r\n..\r\n...dots\r\n");
}

static void a_refusal_has_the_class_of_its_code(void **unused)
{
    (void)unused;
    static const struct {
        const char *mail, *rcpt, *data, *end;
        enum mail_outcome outcome;
        const char *reason;
    } cases[] = {
        {"421 4.3.2 going down", NULL, NULL, NULL, OUTCOME_TEMPORARY, "421 4.3.2 going down"},
        {"250 ok", "450 4.2.0 greylisted", NULL, NULL, OUTCOME_TEMPORARY, "450 4.2.0 greylisted"},
        {"250 ok", "450-4.2.0 come\r\n450 4.2.0 again", NULL, NULL, OUTCOME_TEMPORARY,
         "450 4.2.0 again"},
        {"250 ok", "550 5.1.1 <tm@example.com>: no such user", NULL, NULL, OUTCOME_PERMANENT,
         "550 5.1.1 *** no such user"},
        {"553 5.1.8 bad sender", NULL, NULL, NULL, OUTCOME_PERMANENT, "553 5.1.8 bad sender"},
        {"250 ok", "552 5.2.2 mailbox full", NULL, NULL, OUTCOME_PERMANENT,
         "552 5.2.2 mailbox full"},
        {"250 ok", "250 ok", "451 4.3.0 later", NULL, OUTCOME_TEMPORARY, "451 4.3.0 later"},
        {"250 ok", "250 ok", "554 5.7.1 no", NULL, OUTCOME_PERMANENT, "554 5.7.1 no"},
        {"250 ok", "250 ok", "354 go", "452 4.3.1 disk full", OUTCOME_TEMPORARY,
         "452 4.3.1 disk full"},
        {"250 ok", "250 ok", "354 go", "550-5.7.1 spam\r\n550 5.7.1 says\tthe \x01 filter",
         OUTCOME_PERMANENT, "550 5.7.1 says the filter"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct script script = {"220-hello\r\n220 ready",
                                all_well.ehlo,
                                cases[i].mail,
                                cases[i].rcpt,
                                cases[i].data,
                                cases[i].end};
        struct smtp_result result = sent_to(script);
        assert_int_equal(result.outcome, cases[i].outcome);
        assert_string_equal(result.reason, cases[i].reason);
        assert_true(result.reached_server);
    }
}

static void a_server_that_wants_no_one_refuses_no_mail_for_good(void **unused)
{
    (void)unused;
    struct script script = all_well;
    script.greeting = "554 5.3.2 not today";
    assert_int_equal(sent_to(script).outcome, OUTCOME_TEMPORARY);
    script = all_well;
    script.ehlo = "550 5.7.1 blocked";
    assert_int_equal(sent_to(script).outcome, OUTCOME_TEMPORARY);
}

static void a_connection_lost_before_the_dot_is_tried_again_and_after_it_is_ambiguous(void **unused)
{
    (void)unused;
    struct script script = all_well;
    script.rcpt = NULL;
    assert_int_equal(sent_to(script).outcome, OUTCOME_TEMPORARY);
    script = all_well;
    script.data = NULL;
    assert_int_equal(sent_to(script).outcome, OUTCOME_TEMPORARY);
    script = all_well;
    script.end = NULL;
    struct smtp_result result = sent_to(script);
    assert_int_equal(result.outcome, OUTCOME_AMBIGUOUS);
    assert_non_null(strstr(result.reason, "after the final dot"));
}

static void silence_is_told_apart_in_the_same_way(void **unused)
{
    (void)unused;
    struct script script = all_well;
    script.mail = "";
    assert_int_equal(sent_to(script).outcome, OUTCOME_TEMPORARY);
    script = all_well;
    script.end = "";
    assert_int_equal(sent_to(script).outcome, OUTCOME_AMBIGUOUS);
}

static void a_server_that_is_away_is_known_to_be(void **unused)
{
    (void)unused;
    struct server server;
    server_start(&server, all_well);
    struct smtp *smtp = client(&server);
    server_stop(&server);
    struct smtp_result result = send_one(smtp);
    assert_int_equal(result.outcome, OUTCOME_TEMPORARY);
    assert_false(result.reached_server);
    smtp_close(&smtp);
}

static void a_connection_that_the_server_closed_is_made_anew(void **unused)
{
    (void)unused;
    struct server server;
    struct script script = all_well;
    server_start(&server, script);
    struct smtp *smtp = client(&server);
    assert_int_equal(send_one(smtp).outcome, OUTCOME_SENT);
    /* The next command on the old connection finds it closed. */
    server.script.mail = NULL;
    struct smtp_result result = send_one(smtp);
    assert_int_equal(result.outcome, OUTCOME_TEMPORARY);
    assert_int_equal(server.connections, 2); /* it was tried on a new one, which closed as well */
    server.script.mail = all_well.mail;
    assert_int_equal(send_one(smtp).outcome, OUTCOME_SENT);
    smtp_close(&smtp);
    server_stop(&server);
}

static void a_service_that_stops_breaks_off_and_counts_nothing(void **unused)
{
    (void)unused;
    struct script script = all_well;
    script.mail = "";
    stopping = true;
    assert_int_equal(sent_to(script).outcome, OUTCOME_DEFERRED);
    stopping = false;
}

static void wrong_settings_are_told(void **unused)
{
    (void)unused;
    char nothing[] = "", web[] = "http://example.com", mail[] = "smtp://127.0.0.1", odd[] = "maybe";
    struct notify_conf conf = {.smtp_url = web, .smtp_user = nothing, .smtp_tls = nothing};
    struct smtp *smtp;
    const char *message = "";
    assert_int_equal(smtp_open(&conf, &stopping, &smtp, &message), STATUS_INVALID);
    assert_non_null(strstr(message, "smtp_url"));
    conf.smtp_url = mail;
    conf.smtp_tls = odd;
    assert_int_equal(smtp_open(&conf, &stopping, &smtp, &message), STATUS_INVALID);
    assert_non_null(strstr(message, "smtp_tls"));
}

/* ---- Maildir ---- */

static int count_files(const char *folder, const char *part)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/%s", folder, part);
    DIR *directory = opendir(path);
    assert_non_null(directory);
    int count = 0;
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(directory);
    return count;
}

static void a_mail_written_twice_is_there_once(void **unused)
{
    (void)unused;
    char folder[] = "/tmp/penstock-maildir.XXXXXX", path[512], command[600];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/mail", folder);
    struct maildir *maildir;
    int error = 0;
    assert_int_equal(maildir_open(path, &maildir, &error), STATUS_OK);
    struct maildir_mail mails[600];
    char names[600][32];
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < 600; i++) {
            snprintf(names[i], sizeof(names[i]), "%zu.penstock", i);
            mails[i] = (struct maildir_mail){names[i], letter, strlen(letter), -1};
        }
        maildir_write(maildir, mails, 600);
        for (size_t i = 0; i < 600; i++)
            assert_int_equal(mails[i].error, 0);
        assert_int_equal(count_files(path, "new"), 600);
        assert_int_equal(count_files(path, "tmp"), 0);
    }
    struct stat stat_of;
    assert_int_equal(stat(path, &stat_of), 0);
    assert_int_equal(stat_of.st_mode & 0777, 0700);
    maildir_close(&maildir);
    snprintf(command, sizeof(command), "rm -rf %s", folder);
    assert_int_equal(system(command), 0);
}

static void a_folder_that_cannot_be_made_is_told(void **unused)
{
    (void)unused;
    struct maildir *maildir;
    int error = 0;
    assert_int_equal(maildir_open("/proc/nowhere/mail", &maildir, &error), STATUS_INVALID);
    assert_int_equal(error, ENOENT);
}

static int start_curl(void **unused)
{
    (void)unused;
    return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mails_go_over_one_connection_and_arrive_whole),
        cmocka_unit_test(a_refusal_has_the_class_of_its_code),
        cmocka_unit_test(a_server_that_wants_no_one_refuses_no_mail_for_good),
        cmocka_unit_test(a_connection_lost_before_the_dot_is_tried_again_and_after_it_is_ambiguous),
        cmocka_unit_test(silence_is_told_apart_in_the_same_way),
        cmocka_unit_test(a_server_that_is_away_is_known_to_be),
        cmocka_unit_test(a_connection_that_the_server_closed_is_made_anew),
        cmocka_unit_test(a_service_that_stops_breaks_off_and_counts_nothing),
        cmocka_unit_test(wrong_settings_are_told),
        cmocka_unit_test(a_mail_written_twice_is_there_once),
        cmocka_unit_test(a_folder_that_cannot_be_made_is_told),
    };
    return cmocka_run_group_tests(tests, start_curl, NULL);
}
