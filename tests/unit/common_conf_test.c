/* Configuration: what is read from where, and that each mistake gets one clear line. */
#include "common/conf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct lamp {
    char *listen, *name, *token;
    int64_t lanes, bytes;
    bool is_lit;
};
static const struct conf_key keys[] = {
    CONF_TEXT(struct lamp, listen, "127.0.0.1:0", "Where."),
    CONF_TEXT(struct lamp, name, NULL, "Who."),
    CONF_SECRET(struct lamp, token, "", "What nobody may know."),
    CONF_INT(struct lamp, lanes, "2", 1, 32, "How many."),
    CONF_INT(struct lamp, bytes, "1000000000000", 0, INT64_MAX, "How much."),
    CONF_BOOL(struct lamp, is_lit, "true", "Whether."),
    CONF_END,
};

struct fixture {
    char folder[64], path[128], secret[128];
    struct conf *conf;
    struct lamp lamp;
    const char *message;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    strcpy(fixture->folder, "/tmp/penstock-conf.XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    snprintf(fixture->path, sizeof(fixture->path), "%s/p.conf", fixture->folder);
    snprintf(fixture->secret, sizeof(fixture->secret), "%s/token", fixture->folder);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    static const char *const names[] = {"LISTEN", "NAME",  "TOKEN",  "TOKEN_FILE",
                                        "LANES",  "BYTES", "IS_LIT", "LAMES"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char name[64];
        snprintf(name, sizeof(name), "PENSTOCK_LAMP_%s", names[i]);
        unsetenv(name);
    }
    conf_close(&fixture->conf);
    unlink(fixture->path);
    unlink(fixture->secret);
    rmdir(fixture->folder);
    free(fixture);
    return 0;
}

static void write_file(const char *path, const char *text, mode_t mode)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    chmod(path, mode);
}

/* Opens and reads the group "lamp" of a file with this text. */
static enum status read_text_mode(struct fixture *fixture, const char *text, mode_t mode)
{
    write_file(fixture->path, text, mode);
    conf_close(&fixture->conf);
    enum status status = conf_open(fixture->path, &fixture->conf, &fixture->message);
    if (status != STATUS_OK)
        return status;
    return conf_read(fixture->conf, "lamp", keys, &fixture->lamp, &fixture->message);
}

static enum status read_text(struct fixture *fixture, const char *text)
{
    return read_text_mode(fixture, text, 0600);
}

static void assert_refused(struct fixture *fixture, const char *text, const char *const *words)
{
    assert_int_equal(read_text(fixture, text), STATUS_INVALID);
    assert_non_null(fixture->message);
    assert_null(strchr(fixture->message, '\n'));
    for (; *words != NULL; words++) {
        if (strstr(fixture->message, *words) == NULL)
            fail_msg("\"%s\" does not say \"%s\"", fixture->message, *words);
    }
}

#define REFUSED(fixture, text, ...)                                                                \
    assert_refused((fixture), (text), (const char *const[]){__VA_ARGS__, NULL})

static void values_come_from_the_file(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(read_text(fixture, "# 9999999999\nlamp = { name = \"a\\\"b 9999999999\";"
                                        " lanes = 7; /* 9999999999 */ bytes = 9999999999L;"
                                        " is_lit = false; token = \"t\"; };"),
                     STATUS_OK);
    assert_string_equal(fixture->lamp.name, "a\"b 9999999999");
    assert_int_equal(fixture->lamp.lanes, 7);
    assert_true(fixture->lamp.bytes == 9999999999);
    assert_false(fixture->lamp.is_lit);
    assert_string_equal(fixture->lamp.token, "t");
    assert_null(fixture->message);
}

static void what_is_left_out_has_its_default(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(read_text(fixture, "lamp = { name = \"n\"; };"), STATUS_OK);
    assert_string_equal(fixture->lamp.listen, "127.0.0.1:0");
    assert_int_equal(fixture->lamp.lanes, 2);
    assert_true(fixture->lamp.bytes == 1000000000000);
    assert_true(fixture->lamp.is_lit);
}

static void what_is_required_must_be_there(void **state)
{
    struct fixture *fixture = *state;
    REFUSED(fixture, "lamp = { };", "lamp.name", "PENSTOCK_LAMP_NAME", "p.conf");
    REFUSED(fixture, "", "lamp.name");
}

static void the_environment_wins(void **state)
{
    struct fixture *fixture = *state;
    setenv("PENSTOCK_LAMP_LANES", "9", 1);
    setenv("PENSTOCK_LAMP_NAME", "from outside", 1);
    setenv("PENSTOCK_LAMP_IS_LIT", "false", 1);
    assert_int_equal(read_text(fixture, "lamp = { lanes = 7; name = \"n\"; };"), STATUS_OK);
    assert_int_equal(fixture->lamp.lanes, 9);
    assert_string_equal(fixture->lamp.name, "from outside");
    assert_false(fixture->lamp.is_lit);
}

static void the_environment_is_enough(void **state)
{
    struct fixture *fixture = *state;
    setenv("PENSTOCK_LAMP_NAME", "n", 1);
    assert_int_equal(conf_open(NULL, &fixture->conf, &fixture->message), STATUS_OK);
    assert_int_equal(conf_read(fixture->conf, "lamp", keys, &fixture->lamp, &fixture->message),
                     STATUS_OK);
    assert_string_equal(fixture->lamp.name, "n");
}

static void an_unknown_key_is_told_its_nearest(void **state)
{
    struct fixture *fixture = *state;
    REFUSED(fixture, "lamp = { name = \"n\";\n lnaes = 3; };", "p.conf:2", "\"lnaes\"",
            "\"lanes\"");
    REFUSED(fixture, "lamp = { name_file = \"n\"; };", "name_file");
    setenv("PENSTOCK_LAMP_LAMES", "3", 1);
    REFUSED(fixture, "lamp = { name = \"n\"; };", "PENSTOCK_LAMP_LAMES", "\"lanes\"");
}

static void an_unknown_group_is_told_its_nearest(void **state)
{
    struct fixture *fixture = *state;
    static const char *const groups[] = {"common", "orders", "lamp", NULL};
    assert_int_equal(read_text(fixture, "lamp = { name = \"n\"; };\nordres = { };"), STATUS_OK);
    assert_int_equal(conf_check_groups(fixture->conf, groups, &fixture->message), STATUS_INVALID);
    assert_non_null(strstr(fixture->message, "\"ordres\""));
    assert_non_null(strstr(fixture->message, "\"orders\""));
    assert_int_equal(read_text(fixture, "lamp = { name = \"n\"; }; orders = { };"), STATUS_OK);
    assert_int_equal(conf_check_groups(fixture->conf, groups, &fixture->message), STATUS_OK);
    assert_int_equal(read_text(fixture, "lamp = { name = \"n\"; }; orders = 5;"), STATUS_OK);
    assert_int_equal(conf_check_groups(fixture->conf, groups, &fixture->message), STATUS_INVALID);
}

static void integers_past_32_bits_are_not_cut(void **state)
{
    struct fixture *fixture = *state;
    REFUSED(fixture, "lamp = { name = \"n\";\n\n bytes = 4294967297; };", "p.conf:3", "4294967297",
            "4294967297L");
    REFUSED(fixture, "lamp = { name = \"n\"; bytes = -9999999999; };", "9999999999");
    REFUSED(fixture, "lamp = { name = \"n\"; bytes = 0xFFFFFFFFFF; };", "0xFFFFFFFFFF");
    REFUSED(fixture, "lamp = { name = \"n\"; bytes = 99999999999999999999L; };", "64 bits");
    REFUSED(fixture, "@include \"other.conf\"", "@include");
}

static void a_value_out_of_range_is_told_the_limits(void **state)
{
    struct fixture *fixture = *state;
    REFUSED(fixture, "lamp = { name = \"n\"; lanes = 33; };", "lamp.lanes", "33", "1 and 32");
    REFUSED(fixture, "lamp = { name = \"n\"; lanes = 0; };", "lamp.lanes", "1 and 32");
    setenv("PENSTOCK_LAMP_LANES", "-1", 1);
    REFUSED(fixture, "lamp = { name = \"n\"; };", "PENSTOCK_LAMP_LANES", "-1", "1 and 32");
    setenv("PENSTOCK_LAMP_LANES", "many", 1);
    REFUSED(fixture, "lamp = { name = \"n\"; };", "PENSTOCK_LAMP_LANES", "many", "integer");
    setenv("PENSTOCK_LAMP_LANES", "99999999999999999999", 1);
    REFUSED(fixture, "lamp = { name = \"n\"; };", "PENSTOCK_LAMP_LANES");
    setenv("PENSTOCK_LAMP_LANES", "", 1);
    REFUSED(fixture, "lamp = { name = \"n\"; };", "PENSTOCK_LAMP_LANES");
}

static void a_value_of_the_wrong_type_is_refused(void **state)
{
    struct fixture *fixture = *state;
    REFUSED(fixture, "lamp = { name = 5; };", "lamp.name", "text");
    REFUSED(fixture, "lamp = { name = \"n\"; lanes = \"2\"; };", "lamp.lanes", "integer");
    REFUSED(fixture, "lamp = { name = \"n\"; lanes = 2.5; };", "lamp.lanes", "integer");
    REFUSED(fixture, "lamp = { name = \"n\"; is_lit = 1; };", "lamp.is_lit", "true or false");
    REFUSED(fixture, "lamp = 5;", "\"lamp\"", "group");
    setenv("PENSTOCK_LAMP_IS_LIT", "yes", 1);
    REFUSED(fixture, "lamp = { name = \"n\"; };", "PENSTOCK_LAMP_IS_LIT", "true or false");
}

static void a_file_that_does_not_parse_is_named_with_its_line(void **state)
{
    struct fixture *fixture = *state;
    REFUSED(fixture, "lamp = {\n name = ;\n};", "p.conf:2");
    REFUSED(fixture, "lamp = { name = \"a\";\n name = \"b\"; };", "p.conf:2", "duplicate");
    REFUSED(fixture, "lamp = { name = \"a\"; };\nlamp = { };", "p.conf:2", "duplicate");
    struct conf *conf;
    assert_int_equal(conf_open("/nonexistent.conf", &conf, &fixture->message), STATUS_INVALID);
    assert_null(conf);
    assert_non_null(strstr(fixture->message, "/nonexistent.conf"));
    assert_int_equal(conf_open("/tmp", &conf, &fixture->message), STATUS_INVALID);
}

static void a_secret_comes_from_a_file_of_its_own(void **state)
{
    struct fixture *fixture = *state;
    char text[300];
    write_file(fixture->secret, "hush\n", 0400);
    snprintf(text, sizeof(text), "lamp = { name = \"n\"; token_file = \"%s\"; };", fixture->secret);
    assert_int_equal(read_text(fixture, text), STATUS_OK);
    assert_string_equal(fixture->lamp.token, "hush");
    setenv("PENSTOCK_LAMP_TOKEN_FILE", fixture->secret, 1);
    assert_int_equal(read_text(fixture, "lamp = { name = \"n\"; };"), STATUS_OK);
    assert_string_equal(fixture->lamp.token, "hush");
    setenv("PENSTOCK_LAMP_TOKEN", "louder", 1);
    REFUSED(fixture, "lamp = { name = \"n\"; };", "PENSTOCK_LAMP_TOKEN", "both");
}

static void a_secret_that_others_may_read_is_refused(void **state)
{
    struct fixture *fixture = *state;
    write_file(fixture->secret, "hush\n", 0644);
    setenv("PENSTOCK_LAMP_TOKEN_FILE", fixture->secret, 1);
    REFUSED(fixture, "lamp = { name = \"n\"; };", "PENSTOCK_LAMP_TOKEN_FILE", "0644", "chmod");
    setenv("PENSTOCK_LAMP_TOKEN_FILE", "/nonexistent", 1);
    REFUSED(fixture, "lamp = { name = \"n\"; };", "/nonexistent");
    unsetenv("PENSTOCK_LAMP_TOKEN_FILE");
    assert_int_equal(read_text_mode(fixture, "lamp = { name = \"n\"; token = \"hush\"; };", 0640),
                     STATUS_INVALID);
    assert_non_null(strstr(fixture->message, "token_file"));
    assert_null(strstr(fixture->message, "hush"));
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(values_come_from_the_file),
        TEST(what_is_left_out_has_its_default),
        TEST(what_is_required_must_be_there),
        TEST(the_environment_wins),
        TEST(the_environment_is_enough),
        TEST(an_unknown_key_is_told_its_nearest),
        TEST(an_unknown_group_is_told_its_nearest),
        TEST(integers_past_32_bits_are_not_cut),
        TEST(a_value_out_of_range_is_told_the_limits),
        TEST(a_value_of_the_wrong_type_is_refused),
        TEST(a_file_that_does_not_parse_is_named_with_its_line),
        TEST(a_secret_comes_from_a_file_of_its_own),
        TEST(a_secret_that_others_may_read_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
