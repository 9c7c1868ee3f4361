/* Mails as bytes. What a customer may have typed is built into mails, and Python's parser must read
 * back exactly that, with no header more. */
#include "services/notify/mime.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static struct arena *arena;

static int open_arena(void **unused)
{
    (void)unused;
    arena = arena_open(1 << 26);
    return 0;
}

static int close_arena(void **unused)
{
    (void)unused;
    arena_close(&arena);
    return 0;
}

static struct buffer built(const char *to_name, const char *subject, const char *text)
{
    const struct mime_mail mail = {
        .from_name = "陳記 T恤 & Co.",
        .from_address = "shop@example.com",
        .to_name = to_name,
        .to_address = "tm@example.com",
        .reply_to = "",
        .subject = subject,
        .message_id = "<0192f0c1-0000-7000-8000-000000000001@example.com>",
        .language = "zh-Hant",
        .date_us = INT64_C(1794369603123456),
        .date_offset_s = 8 * 3600,
        .text = text,
        .html = text,
    };
    struct buffer out = buffer_open(arena, 64);
    mime_build(&mail, &out);
    return out;
}

static void save(const char *folder, int number, const char *ending, const char *bytes, size_t n)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%03d.%s", folder, number, ending);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, n, file), n);
    assert_int_equal(fclose(file), 0);
}

static void save_mail(const char *folder, int number, const char *name, const char *subject,
                      const char *text)
{
    struct buffer mail = built(name, subject, text);
    save(folder, number, "eml", mail.bytes, mail.count);
    save(folder, number, "to", name, strlen(name));
    save(folder, number, "address", "tm@example.com", strlen("tm@example.com"));
    save(folder, number, "subject", subject, strlen(subject));
    save(folder, number, "text", text, strlen(text));
}

static int run(const char *const argv[])
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        execv(argv[0], (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* What stands in the middle of a body, repeated so that soft breaks fall everywhere in it. */
static const char *long_text(const char *piece, int times)
{
    struct buffer text = buffer_open(arena, 256);
    for (int i = 0; i < times; i++)
        buffer_add_text(&text, piece);
    buffer_add_text(&text, "\n");
    return text.bytes;
}

static void pythons_parser_reads_back_what_was_written(void **unused)
{
    (void)unused;
    if (access("/usr/bin/python3", X_OK) != 0) {
        print_message("skipped: there is no /usr/bin/python3\n");
        skip();
    }
    static const char *const hostile[] = {
        "陳大文",
        "T. M. Chan",
        "Chan, Tai Man",
        "\"quoted\" \\ back",
        "=?UTF-8?B?SGFja2Vk?=",
        "=?utf-8?q?x?= =?utf-8?q?y?=",
        "evil@example.com",
        "<script>alert(1)</script>",
        "a;b:c,d(e)<f>[g]@h",
        "Ünïcode ✓ 😀 𠮷野家",
        "  blanks  inside  ",
        "O'Neil-Smith",
        "Bcc: evil@example.com",
        "一個非常非常非常非常非常非常非常非常非常非常非常非常非常非常非常非常非常非常長的名字",
        "An uncommonly long name of plain letters that does not fit on any line of a header at all",
    };
    static const char *const bodies[] = {
        "Hello\n.\n..\nFrom here\n=3D = \n tab\t\nlast\n",
        "您好，\n\n訂單 WEB-100001\n總計：NT$689\n",
        "trailing blank \nsoft\n",
        "<p style=\"color:#14171c\">a=b &amp; c</p>\n",
        "\n\n\n",
    };
    char folder[] = "/tmp/penstock-mails.XXXXXX";
    assert_non_null(mkdtemp(folder));
    int number = 0;
    for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++)
        save_mail(folder, number++, hostile[i], hostile[i], "x\n");
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
        save_mail(folder, number++, "tm", "Subject", bodies[i]);
    static const char *const pieces[] = {"abc def=", "一二三 ", "é ", ".", " ", "F. "};
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++)
        save_mail(folder, number++, "tm", "Subject", long_text(pieces[i], 97));
    const char *const check[] = {"/usr/bin/python3", "tests/unit/notify_mail_check.py", folder,
                                 NULL};
    int failed = run(check);
    const char *const tidy[] = {"/bin/rm", "-rf", folder, NULL};
    assert_int_equal(run(tidy), 0);
    assert_int_equal(failed, 0);
}

static void a_mail_is_the_same_bytes_each_time(void **unused)
{
    (void)unused;
    struct buffer one = built("陳大文", "訂單", "x\n"), two = built("陳大文", "訂單", "x\n");
    assert_int_equal(one.count, two.count);
    assert_memory_equal(one.bytes, two.bytes, one.count);
}

static void plain_words_stay_as_they_are(void **unused)
{
    (void)unused;
    struct buffer out = buffer_open(arena, 16);
    mime_add_words(&out, "Your refund for order WEB-100001", 9);
    assert_string_equal(out.bytes, "Your refund for order WEB-100001");
}

static void a_chinese_body_travels_as_base64_and_an_english_one_stays_readable(void **unused)
{
    (void)unused;
    struct buffer out = buffer_open(arena, 16);
    mime_add_body(&out, "您好，感謝您的訂購。\n");
    assert_non_null(strstr(out.bytes, "base64"));
    out = buffer_open(arena, 16);
    mime_add_body(&out, "Dear Mr Chan, thank you for your order.\n");
    assert_non_null(strstr(out.bytes, "quoted-printable\r\n\r\nDear Mr Chan, thank you"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pythons_parser_reads_back_what_was_written),
        cmocka_unit_test(a_mail_is_the_same_bytes_each_time),
        cmocka_unit_test(plain_words_stay_as_they_are),
        cmocka_unit_test(a_chinese_body_travels_as_base64_and_an_english_one_stays_readable),
    };
    return cmocka_run_group_tests(tests, open_arena, close_arena);
}
