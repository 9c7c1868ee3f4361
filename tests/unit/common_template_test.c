/* The template engine: what it says, and that nothing hostile gets through a hole. */
#include "common/template.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct arena *arena;

static int open_arena(void **unused)
{
    (void)unused;
    arena = arena_open(1 << 24);
    return 0;
}

static int close_arena(void **unused)
{
    (void)unused;
    arena_close(&arena);
    return 0;
}

static const struct view_value shirt[] = {
    {"name", "T恤 <M>", NULL, 0}, {"sku", "TEE-M", NULL, 0}, {NULL, NULL, NULL, 0}};
static const struct view_value cap[] = {
    {"name", "Cap", NULL, 0}, {"sku", "", NULL, 0}, {NULL, NULL, NULL, 0}};
static const struct view lines[] = {{shirt}, {cap}};
static const struct view_value values[] = {
    {"shop", "Smith & Sons", NULL, 0},
    {"hostile", "</p><script>alert('x\"')</script>\r\nBcc: evil@example.com\x01\x7f", NULL, 0},
    {"empty", "", NULL, 0},
    {"lines", NULL, lines, 2},
    {"none", NULL, NULL, 0},
    {NULL, NULL, NULL, 0},
};
static const struct view view = {values};

static const char *rendered(enum template_kind kind, const char *text)
{
    struct template *template;
    const char *message = "";
    assert_int_equal(template_parse(arena, kind, text, NULL, NULL, &template, &message), STATUS_OK);
    struct buffer out = buffer_open(arena, 4);
    template_render(template, &view, &out);
    return out.bytes;
}

static const char *complaint(const char *text)
{
    struct template *template;
    const char *message = "none";
    assert_int_equal(template_parse(arena, TEMPLATE_HTML, text, NULL, NULL, &template, &message),
                     STATUS_INVALID);
    return message;
}

static void fields_are_escaped_in_html(void **unused)
{
    (void)unused;
    assert_string_equal(rendered(TEMPLATE_HTML, "<b>{{shop}}</b>"), "<b>Smith &amp; Sons</b>");
    assert_string_equal(rendered(TEMPLATE_HTML, "{{ hostile }}"),
                        "&lt;/p&gt;&lt;script&gt;alert(&#39;x&quot;&#39;)&lt;/script&gt;"
                        "  Bcc: evil@example.com  ");
}

static void fields_bring_no_line_ends_into_text(void **unused)
{
    (void)unused;
    const char *text = rendered(TEMPLATE_TEXT, "Subject: {{hostile}}\n");
    assert_ptr_equal(strpbrk(text, "\r\n"), text + strlen(text) - 1);
    assert_string_equal(rendered(TEMPLATE_TEXT, "{{shop}}"), "Smith & Sons");
}

static void separators_and_marks_of_direction_become_blanks(void **unused)
{
    (void)unused;
    struct buffer out = buffer_open(arena, 16);
    template_add_inert(&out, TEMPLATE_TEXT,
                       "a\u2028b\u202ec\xc2\x85"
                       "d\u2066e陳\u200b");
    assert_string_equal(out.bytes, "a b c d e陳\u200b");
}

static void sections_repeat_for_lists_and_ask_of_texts(void **unused)
{
    (void)unused;
    assert_string_equal(rendered(TEMPLATE_TEXT, "{{#lines}}[{{name}}|{{shop}}]{{/lines}}"),
                        "[T恤 <M>|Smith & Sons][Cap|Smith & Sons]");
    assert_string_equal(rendered(TEMPLATE_TEXT, "{{#lines}}{{#sku}}({{sku}}){{/sku}}"
                                                "{{^sku}}-{{/sku}}{{/lines}}"),
                        "(TEE-M)-");
    assert_string_equal(rendered(TEMPLATE_TEXT, "{{#none}}x{{/none}}{{^none}}nothing{{/none}}"),
                        "nothing");
    assert_string_equal(rendered(TEMPLATE_TEXT, "{{#empty}}x{{/empty}}{{^shop}}x{{/shop}}"), "");
    assert_string_equal(rendered(TEMPLATE_TEXT, "{{^empty}}y{{/empty}}"), "y");
}

static void a_section_alone_on_its_line_leaves_none(void **unused)
{
    (void)unused;
    assert_string_equal(rendered(TEMPLATE_TEXT, "a\n  {{#lines}}\n- {{name}}\n{{/lines}}  \nb\n"),
                        "a\n- T恤 <M>\n- Cap\nb\n");
    assert_string_equal(rendered(TEMPLATE_TEXT, "{{#empty}}\nx\n{{/empty}}\n"), "");
    assert_string_equal(rendered(TEMPLATE_TEXT, "a {{#shop}}\nb{{/shop}}\n"), "a \nb\n");
}

static const char *part(void *context, const char *name)
{
    (void)context;
    if (strcmp(name, "head") == 0)
        return "[{{shop}}]\n";
    return strcmp(name, "loop") == 0 ? "{{> head}}" : NULL;
}

static void parts_are_put_in_once(void **unused)
{
    (void)unused;
    struct template *template;
    const char *message = "";
    assert_int_equal(template_parse(arena, TEMPLATE_TEXT, "{{> head}}\nx\n{{> head}}\n", part, NULL,
                                    &template, &message),
                     STATUS_OK);
    struct buffer out = buffer_open(arena, 4);
    template_render(template, &view, &out);
    assert_string_equal(out.bytes, "[Smith & Sons]\nx\n[Smith & Sons]\n");
    assert_int_equal(
        template_parse(arena, TEMPLATE_TEXT, "\n{{> loop}}", part, NULL, &template, &message),
        STATUS_INVALID);
    assert_int_equal(
        template_parse(arena, TEMPLATE_TEXT, "{{> gone}}", part, NULL, &template, &message),
        STATUS_INVALID);
}

static void a_broken_template_names_its_line(void **unused)
{
    (void)unused;
    assert_string_equal(complaint("a\nb {{shop"), "line 2: a tag does not end");
    assert_string_equal(complaint("{{#lines}}\n{{/none}}"),
                        "line 2: a section ends under another name");
    assert_string_equal(complaint("\n\n{{/lines}}"), "line 3: a section ends that was not begun");
    assert_non_null(strstr(complaint("{{#lines}}"), "a section does not end"));
    assert_non_null(strstr(complaint("{{}}"), "a name is not"));
    assert_non_null(strstr(complaint("{{{shop}}}"), "a name is not"));
    assert_non_null(strstr(complaint("{{&shop}}"), "a name is not"));
    assert_non_null(strstr(complaint("{{#a}}{{#a}}{{#a}}{{#a}}{{#a}}{{#a}}{{#a}}"), "too deep"));
}

static void a_field_that_is_not_there_is_found_at_the_start(void **unused)
{
    (void)unused;
    static const char *const wrong[] = {"{{nme}}",
                                        "{{#empty}}{{nme}}{{/empty}}",
                                        "{{#lines}}{{nme}}{{/lines}}",
                                        "{{^lines}}{{name}}{{/lines}}",
                                        "{{lines}}",
                                        "{{name}}"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct template *template;
        const char *message = "";
        assert_int_equal(
            template_parse(arena, TEMPLATE_HTML, wrong[i], NULL, NULL, &template, &message),
            STATUS_OK);
        assert_int_equal(template_check(template, &view, arena, &message), STATUS_INVALID);
        assert_non_null(strstr(message, "there is no field"));
    }
}

static const char *two_line_part(void *context, const char *name)
{
    (void)context;
    return strcmp(name, "_two") == 0 ? "first\nsecond {{nme}}\n" : "first\nsecond\n";
}

/* Lines are counted as they were written, whatever was put in above. */
static void a_line_is_the_one_that_was_written(void **unused)
{
    (void)unused;
    static const struct {
        const char *text, *said;
    } cases[] = {
        {"a\n{{> _one}}\nb\n{{nme}}\n", "line 4: "},
        {"{{> _one}}\n{{> _one}}\n\n {{#lines}}\n{{nme}}{{/lines}}", "line 5: "},
        {"x {{> _one}} {{nme}}", "line 1: "},
        {"a\n{{> _two}}\n", "part _two: "},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct template *template;
        const char *message = "";
        assert_int_equal(template_parse(arena, TEMPLATE_HTML, cases[i].text, two_line_part, NULL,
                                        &template, &message),
                         STATUS_OK);
        assert_int_equal(template_check(template, &view, arena, &message), STATUS_INVALID);
        assert_memory_equal(message, cases[i].said, strlen(cases[i].said));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_escaped_in_html),
        cmocka_unit_test(fields_bring_no_line_ends_into_text),
        cmocka_unit_test(separators_and_marks_of_direction_become_blanks),
        cmocka_unit_test(sections_repeat_for_lists_and_ask_of_texts),
        cmocka_unit_test(a_section_alone_on_its_line_leaves_none),
        cmocka_unit_test(parts_are_put_in_once),
        cmocka_unit_test(a_broken_template_names_its_line),
        cmocka_unit_test(a_field_that_is_not_there_is_found_at_the_start),
        cmocka_unit_test(a_line_is_the_one_that_was_written),
    };
    return cmocka_run_group_tests(tests, open_arena, close_arena);
}
