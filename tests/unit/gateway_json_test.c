/* The JSON reader: RFC 8259 to the letter, the limits, and agreement with jansson on a corpus and
 * on random mutations of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "services/gateway/json.h"

#define ARENA_BYTES ((size_t)64 << 20)

static struct arena *arena;

static const struct json_value *parse_bytes(const char *text, size_t bytes,
                                            struct json_error *error)
{
    arena_reset(arena);
    /* An exact copy on the heap, so that a sanitizer sees a read past the end. */
    char *copy = malloc(bytes > 0 ? bytes : 1);
    memcpy(copy, text, bytes);
    const struct json_value *value = json_parse(copy, bytes, JSON_LIMITS_API, arena, error);
    free(copy);
    return value;
}

static const struct json_value *parse(const char *text)
{
    struct json_error error;
    return parse_bytes(text, strlen(text), &error);
}

static const char *code_of(const char *text)
{
    struct json_error error = {"", "", 0};
    return parse_bytes(text, strlen(text), &error) != NULL ? "accepted" : error.code;
}

static void the_text_of_a_number_is_kept(void **state)
{
    (void)state;
    const struct json_value *value =
        parse("{\"a\": 12.10, \"b\": 9007199254740993, \"c\": -0, \"d\": 1e400}");
    assert_string_equal(json_get_figure(value, "a"), "12.10");
    assert_string_equal(json_get_figure(value, "b"), "9007199254740993");
    assert_string_equal(json_get_figure(value, "c"), "-0");
    assert_string_equal(json_get_figure(value, "d"), "1e400");
}

static void integers_are_exact_to_the_last_of_64_bits(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_integer;
        int64_t number;
    } cases[] = {
        {"0", true, 0},
        {"-0", true, 0},
        {"9223372036854775807", true, INT64_MAX},
        {"9223372036854775808", false, 0},
        {"-9223372036854775808", true, INT64_MIN},
        {"-9223372036854775809", false, 0},
        {"1.0", false, 0},
        {"1e2", false, 0},
        {"\"1\"", false, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t number = 0;
        assert_int_equal(json_to_int(parse(cases[i].text), &number), cases[i].is_integer);
        assert_true(number == cases[i].number);
    }
}

static void escapes_are_decoded(void **state)
{
    (void)state;
    const struct json_value *value =
        parse("[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\", \"\\u0041\\u00e9\\u9673\\ud83d\\ude00\", \"陳\"]");
    assert_string_equal(value->first->text, "\"\\/\b\f\n\r\t");
    assert_string_equal(value->first->next->text, "Aé陳😀");
    assert_string_equal(value->first->next->next->text, "陳");
}

static void what_is_not_json_is_refused_with_its_code(void **state)
{
    (void)state;
    static const struct {
        const char *text, *code;
    } cases[] = {
        {"", "bad_json"},
        {" ", "bad_json"},
        {"{", "bad_json"},
        {"[1,]", "bad_json"},
        {"{\"a\":1,}", "bad_json"},
        {"{a:1}", "bad_json"},
        {"{\"a\" 1}", "bad_json"},
        {"[1 2]", "bad_json"},
        {"1 2", "bad_json"},
        {"01", "bad_json"},
        {"-01", "bad_json"},
        {"-", "bad_json"},
        {"+1", "bad_json"},
        {"1.", "bad_json"},
        {".5", "bad_json"},
        {"1e", "bad_json"},
        {"0x10", "bad_json"},
        {"NaN", "bad_json"},
        {"Infinity", "bad_json"},
        {"nul", "bad_json"},
        {"True", "bad_json"},
        {"'a'", "bad_json"},
        {"\"a", "bad_json"},
        {"\"\\", "bad_json"},
        {"\"\\x\"", "bad_json"},
        {"\"\\u12\"", "bad_json"},
        {"\"\\u12g4\"", "bad_json"},
        {"\"\t\"", "bad_json"},
        {"\"\\u0000\"", "bad_json"},
        {"{\"\\u0000\":1}", "bad_json"},
        {"// a comment\n1", "bad_json"},
        {"\xEF\xBB\xBF{}", "bad_json"},
        {"\"\\ud800\"", "bad_utf8"},
        {"\"\\udc00\"", "bad_utf8"},
        {"\"\\ud800\\u0041\"", "bad_utf8"},
        {"\"\xff\"", "bad_utf8"},
        {"\"\xc0\x80\"", "bad_utf8"},
        {"\"\xed\xa0\x80\"", "bad_utf8"},
        {"\"\xf4\x90\x80\x80\"", "bad_utf8"},
        {"\"\xe9\x99\"", "bad_utf8"},
        {"{\"a\":1,\"a\":2}", "duplicate_member"},
        {"{\"a\":1,\"\\u0061\":2}", "duplicate_member"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (strcmp(code_of(cases[i].text), cases[i].code) != 0)
            fail_msg("%s: %s, not %s", cases[i].text, code_of(cases[i].text), cases[i].code);
}

static void a_zero_byte_is_no_end(void **state)
{
    (void)state;
    struct json_error error;
    assert_null(parse_bytes("1\0", 2, &error));
    assert_null(parse_bytes("\"a\0b\"", 5, &error));
}

static char *repeat(const char *before, const char *piece, size_t times, const char *after)
{
    size_t length = strlen(piece);
    char *text = malloc(strlen(before) + times * length + strlen(after) + 1), *at = text;
    at = stpcpy(at, before);
    for (size_t i = 0; i < times; i++)
        at = stpcpy(at, piece);
    stpcpy(at, after);
    return text;
}

static void each_limit_holds(void **state)
{
    (void)state;
    static const struct {
        const char *before, *piece, *after, *code;
        size_t times;
    } cases[] = {
        {"", "[", "", "bad_json", 32},         {"", "[", "", "too_deep", 33},
        {"", "[", "", "too_deep", 1000000},    {"", "{\"a\":", "", "too_deep", 1000000},
        {"\"", "a", "\"", "accepted", 4096},   {"\"", "a", "\"", "too_long", 4097},
        {"\"", "\\n", "\"", "accepted", 4096}, {"", "1", "", "too_long", 5000},
        {"[1", ",1", "]", "accepted", 65535},  {"[1", ",1", "]", "too_many", 65536},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *text = repeat(cases[i].before, cases[i].piece, cases[i].times, cases[i].after);
        assert_string_equal(code_of(text), cases[i].code);
        free(text);
    }
}

/* An object of count members, of which the last repeats the first's name if asked. */
static const char *code_of_object(int count, bool repeats)
{
    struct json_writer writer;
    json_writer_open(&writer);
    json_begin_object(&writer);
    for (int i = 0; i < count; i++) {
        char name[16];
        snprintf(name, sizeof name, "m%d", repeats && i == count - 1 ? 0 : i);
        json_put_member_int(&writer, name, i);
    }
    json_end_object(&writer);
    struct json_error error = {"", "", 0};
    bool is_accepted = parse_bytes(writer.data, writer.bytes, &error) != NULL;
    json_writer_close(&writer);
    return is_accepted ? "accepted" : error.code;
}

static void a_repeated_name_is_found_among_few_and_among_many(void **state)
{
    (void)state;
    for (int count = 2; count <= 1024; count++) {
        assert_string_equal(code_of_object(count, false), "accepted");
        assert_string_equal(code_of_object(count, true), "duplicate_member");
    }
    assert_string_equal(code_of_object(1025, false), "too_many");
}

/* ---- agreement with jansson ---- */

static bool agrees(const struct json_value *ours, json_t *theirs)
{
    if (ours->kind == JSON_KIND_OBJECT || ours->kind == JSON_KIND_ARRAY) {
        size_t index = 0;
        if (ours->kind == JSON_KIND_OBJECT ? !json_is_object(theirs) : !json_is_array(theirs))
            return false;
        json_each(child, ours) {
            json_t *other = ours->kind == JSON_KIND_OBJECT ? json_object_get(theirs, child->name)
                                                           : json_array_get(theirs, index++);
            if (other == NULL || !agrees(child, other))
                return false;
        }
        return ours->count == (ours->kind == JSON_KIND_OBJECT ? json_object_size(theirs)
                                                              : json_array_size(theirs));
    }
    int64_t number;
    switch (ours->kind) {
    case JSON_KIND_NULL:
        return json_is_null(theirs);
    case JSON_KIND_TRUE:
        return json_is_true(theirs);
    case JSON_KIND_FALSE:
        return json_is_false(theirs);
    case JSON_KIND_STRING:
        return json_is_string(theirs) && ours->bytes == json_string_length(theirs) &&
               memcmp(ours->text, json_string_value(theirs), ours->bytes) == 0;
    case JSON_KIND_NUMBER:
        if (json_to_int(ours, &number))
            return json_is_integer(theirs) && json_integer_value(theirs) == number;
        return json_is_real(theirs) && json_real_value(theirs) == strtod(ours->text, NULL);
    case JSON_KIND_OBJECT:
    case JSON_KIND_ARRAY:
        break;
    }
    return false;
}

/* jansson refuses what our reader leaves to its user (numbers that a double or an int64 cannot
 * hold), and knows none of our limits. */
static void check_agreement(const char *text, size_t bytes)
{
    struct json_error error = {"", "", 0};
    const struct json_value *ours = parse_bytes(text, bytes, &error);
    json_error_t their_error;
    json_t *theirs =
        json_loadb(text, bytes, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &their_error);
    bool is_figure = theirs == NULL && json_error_code(&their_error) == json_error_numeric_overflow;
    bool is_limit = ours == NULL && error.code[0] == 't';
    if (!is_figure && !is_limit) {
        if ((ours == NULL) != (theirs == NULL))
            fail_msg("%.*s: we say %s, jansson %s", (int)bytes, text,
                     ours == NULL ? error.sentence : "yes",
                     theirs == NULL ? their_error.text : "yes");
        if (ours != NULL && !agrees(ours, theirs))
            fail_msg("%.*s: read differently", (int)bytes, text);
    }
    json_decref(theirs);
}

static const char *const corpus[] = {
    "{\"channel\": \"web\", \"external_id\": \"A-1001\", \"lines\": [{\"sku\": \"TEE-M\", "
    "\"quantity\": 1, \"unit_price\": {\"amount\": \"120.00\", \"currency\": \"HKD\"}}], "
    "\"prices_include_tax\": true, \"note\": null}",
    "[0, -1, 1.5, 1e3, -2.5E-7, 10000000000, true, false, null, \"\", [], {}]",
    "{\"\\u0061\": \"\\ud83d\\ude00\\n\\t\\\\ \\/\", \"陳\": [\"大文\", \"\\u9673\"], \"é\": {}}",
    "[[[[[[[[[[]]]]]]]]]]",
    " \r\n\t\"text\" ",
    "{\"a\":{\"a\":{\"a\":[1,2,{\"b\":\"c\"}]}},\"b\":\"a\"}",
};

static uint64_t random_next(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    return *seed ^= *seed << 17;
}

static void it_agrees_with_jansson_on_random_mutations(void **state)
{
    (void)state;
    static const char alphabet[] =
        "{}[]\",:\\u0123456789abcdefntr+-.eE \t\n/dD8\xed\xa0\x80\xc3\xa9\xf0";
    uint64_t seed = UINT64_C(0x9E3779B97F4A7C15);
    size_t texts = sizeof corpus / sizeof corpus[0];
    for (size_t i = 0; i < texts; i++)
        check_agreement(corpus[i], strlen(corpus[i]));
    for (int round = 0; round < 60000; round++) {
        char text[512];
        size_t bytes = strlen(corpus[(size_t)round % texts]);
        memcpy(text, corpus[(size_t)round % texts], bytes);
        for (uint64_t changes = 1 + random_next(&seed) % 3; changes > 0 && bytes > 0; changes--) {
            size_t at = random_next(&seed) % bytes;
            char with = alphabet[random_next(&seed) % (sizeof alphabet - 1)];
            if (random_next(&seed) % 3 == 0) {
                memmove(text + at, text + at + 1, --bytes - at);
            } else if (random_next(&seed) % 2 == 0 && bytes < sizeof text) {
                memmove(text + at + 1, text + at, bytes++ - at);
                text[at] = with;
            } else {
                text[at] = with;
            }
        }
        check_agreement(text, bytes);
    }
}

/* ---- writing ---- */

static void what_is_written_reads_back(void **state)
{
    (void)state;
    struct json_writer writer;
    json_writer_open(&writer);
    json_begin_object(&writer);
    json_put_member_text(&writer, "text", "\"\\\b\f\n\r\t\x01\x7f 陳\xff.");
    json_put_member_int(&writer, "low", INT64_MIN);
    json_put_member_int(&writer, "high", INT64_MAX);
    json_put_name(&writer, "list");
    json_begin_array(&writer);
    json_begin_object(&writer);
    json_end_object(&writer);
    json_put_bool(&writer, true);
    json_put_bool(&writer, false);
    json_put_text(&writer, NULL);
    json_begin_array(&writer);
    json_end_array(&writer);
    json_end_array(&writer);
    json_end_object(&writer);
    assert_memory_equal(writer.data,
                        "{\"text\":\"\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u007f 陳\xEF\xBF\xBD.\","
                        "\"low\":-9223372036854775808,\"high\":9223372036854775807,\"list\":[{},"
                        "true,false,null,[]]}",
                        writer.bytes);
    struct json_error error;
    assert_non_null(parse_bytes(writer.data, writer.bytes, &error));
    json_writer_close(&writer);
}

static void a_writer_grows(void **state)
{
    (void)state;
    struct json_writer writer;
    json_writer_open(&writer);
    json_begin_array(&writer);
    for (int i = 0; i < 10000; i++)
        json_put_int(&writer, i);
    json_end_array(&writer);
    struct json_error error;
    assert_int_equal(parse_bytes(writer.data, writer.bytes, &error)->count, 10000);
    size_t bytes;
    char *taken = json_writer_take(&writer, &bytes);
    assert_int_equal(taken[bytes - 1], ']');
    free(taken);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_text_of_a_number_is_kept),
        cmocka_unit_test(integers_are_exact_to_the_last_of_64_bits),
        cmocka_unit_test(escapes_are_decoded),
        cmocka_unit_test(what_is_not_json_is_refused_with_its_code),
        cmocka_unit_test(a_zero_byte_is_no_end),
        cmocka_unit_test(each_limit_holds),
        cmocka_unit_test(a_repeated_name_is_found_among_few_and_among_many),
        cmocka_unit_test(it_agrees_with_jansson_on_random_mutations),
        cmocka_unit_test(what_is_written_reads_back),
        cmocka_unit_test(a_writer_grows),
    };
    arena = arena_open(ARENA_BYTES);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_close(&arena);
    return failed;
}
