/* What is pure of searching: texts and their grams, segments, and what a person types. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rules_export.h"
#include "rules_query.h"
#include "rules_tags.h"
#include "rules_terms.h"
#include "search_segment.h"

#define NOW_US (INT64_C(1793491200) * 1000000) /* 2026-11-01 00:00 UTC */
#define HOUR_US (INT64_C(3600) * 1000000)
static struct arena *arena;

static int open_arena(void **state)
{
    (void)state;
    arena = arena_open((size_t)256 << 20);
    return 0;
}

static int close_arena(void **state)
{
    (void)state;
    arena_close(&arena);
    return 0;
}

/* ---- texts ---- */

static void a_text_is_its_letters_and_digits(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"+852 9123-4567", "85291234567"},
        {"WEB-100023-A", "web100023a"},
        {"Chan.Tai@Example.com", "chantaiexamplecom"},
        {"純棉Ｔ恤（黑）", "純棉t恤黑"},
        {"ＡＢＣ１２３", "abc123"},
        {"É té", "été"},
        {" - ", ""},
        {"", ""},
        {"保溫瓶、帽子", "保溫瓶帽子"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_string_equal(terms_canonical(arena, cases[i][0]), cases[i][1]);
}

static bool has_gram(const uint32_t *grams, size_t count, uint32_t gram)
{
    for (size_t i = 0; i < count; i++) {
        if (grams[i] == gram)
            return true;
    }
    return false;
}

/* The promise that the index rests on. */
static void every_gram_of_a_part_is_one_of_the_whole(void **state)
{
    (void)state;
    static const char *const letters[] = {"a", "b", "1", "2", "9", "純", "棉", "é", "𠮷"};
    uint32_t whole[TERMS_MAX_TEXT], part[TERMS_MAX_TEXT];
    srand(7);
    for (int round = 0; round < 3000; round++) {
        size_t starts[32], bytes = 0, count = 2 + (size_t)rand() % 20;
        char text[256];
        for (size_t i = 0; i < count; i++) {
            const char *letter = letters[rand() % 9];
            starts[i] = bytes;
            bytes += strlen(strcpy(text + bytes, letter));
        }
        size_t first = (size_t)rand() % count, last = first + (size_t)rand() % (count - first);
        char *piece = strdup(text + starts[first]);
        if (last + 1 < count)
            piece[starts[last + 1] - starts[first]] = '\0';
        size_t whole_count = terms_grams(text, whole), part_count = terms_grams(piece, part);
        for (size_t i = 0; i < part_count; i++)
            assert_true(has_gram(whole, whole_count, part[i]));
        free(piece);
    }
}

static void chinese_is_cut_into_pairs_digits_into_fours_letters_into_threes(void **state)
{
    (void)state;
    uint32_t grams[TERMS_MAX_TEXT];
    assert_int_equal(terms_grams("純", grams), 0);
    assert_int_equal(terms_grams("純棉", grams), 1);
    assert_int_equal(terms_grams("ab", grams), 0);
    assert_int_equal(terms_grams("abc", grams), 1);
    assert_int_equal(terms_grams("123", grams), 0);
    assert_int_equal(terms_grams("1234", grams), 1);
    assert_int_equal(terms_grams("91234567", grams), 5);
    assert_int_equal(terms_grams("ab1234", grams), 3); /* ab1, b12, 1234 */
    assert_int_equal(terms_grams("a純", grams), 1);
}

/* ---- segments ---- */

struct blocks {
    struct segment_block list[4096];
    size_t count;
};

static void keep_block(void *context, const struct segment_block *block)
{
    struct blocks *blocks = context;
    assert_true(blocks->count < 4096 && block->count <= 2 * SEGMENT_BLOCK_BYTES);
    blocks->list[blocks->count] = *block;
    blocks->list[blocks->count++].bytes = arena_copy(arena, block->bytes, block->count);
}

static void what_is_written_into_blocks_is_read_out_of_them(void **state)
{
    (void)state;
    enum { PAIRS = 60000 };
    segment_pair *pairs = ARENA_ARRAY(arena, PAIRS, segment_pair);
    segment_pair *spare = ARENA_ARRAY(arena, PAIRS, segment_pair);
    struct blocks *blocks = ARENA_NEW(arena, struct blocks);
    struct segment_writer *writer = ARENA_NEW(arena, struct segment_writer);
    srand(11);
    for (size_t i = 0; i < PAIRS; i++) {
        /* One gram that nearly all orders have, and many rare ones. */
        uint32_t gram = i % 3 == 0 ? 4000000000u : (uint32_t)rand() % 5000u * 700001u;
        pairs[i] = (uint64_t)gram << 32 | (uint32_t)rand() % 65536u;
    }
    size_t count = segment_sort(pairs, spare, PAIRS);
    for (size_t i = 1; i < count; i++)
        assert_true(pairs[i - 1] < pairs[i]);
    segment_writer_open(writer, keep_block, blocks);
    for (size_t i = 0; i < count; i++)
        segment_writer_add(writer, pairs[i]);
    segment_writer_close(writer);
    size_t next = 0;
    for (size_t i = 0; i < blocks->count; i++) {
        struct segment_reader reader;
        segment_pair pair;
        assert_true(i == 0 || blocks->list[i].first_gram > blocks->list[i - 1].first_gram ||
                    (blocks->list[i].first_gram == blocks->list[i - 1].first_gram &&
                     blocks->list[i].first_rank > blocks->list[i - 1].first_rank));
        segment_reader_open(&reader, blocks->list[i].bytes, blocks->list[i].count);
        while (segment_reader_next(&reader, &pair))
            assert_true(pair == pairs[next++]);
        assert_false(reader.is_broken);
    }
    assert_int_equal(next, count);
}

static void a_broken_block_is_noticed(void **state)
{
    (void)state;
    static const uint8_t block[] = {1, 0, 0, 0, 3, 9, 1, 1};
    struct segment_reader reader;
    segment_pair pair;
    uint32_t ranks[8];
    size_t count = 0;
    segment_reader_open(&reader, block, sizeof(block));
    assert_false(segment_reader_next(&reader, &pair));
    assert_true(reader.is_broken);
    assert_false(segment_ranks(block, sizeof(block), 1, 0, 100, ranks, 8, &count));
}

/* ---- what a person types ---- */

static bool parse(const char *text, struct query *query, struct refusal *no)
{
    *query = (struct query){.word_count = 0};
    return rules_query_parse(arena, text, NOW_US, 8 * HOUR_US, "q", query, no);
}

static void a_search_is_words_and_keys(void **state)
{
    (void)state;
    struct query query;
    struct refusal no;
    assert_true(
        parse("status:pending channel:shop placed:>2026-11-01 tag:vip 9123 純棉", &query, &no));
    assert_int_equal(query.statuses, 1u << ORDER_PENDING);
    assert_string_equal(query.channels.values[0], "shop");
    assert_string_equal(query.tags.values[0], "vip");
    assert_int_equal(query.word_count, 2);
    assert_string_equal(query.words[0].text, "9123");
    assert_string_equal(query.words[1].text, "純棉");
    /* After the first of November begins with the second, in Hong Kong. */
    assert_true(query.placed_from_us == NOW_US + 24 * HOUR_US - 8 * HOUR_US);
    assert_true(query.placed_until_us == 0);

    assert_true(parse("status:pending,confirmed -payment:paid -tag:vip hold:address \"red shirt\"",
                      &query, &no));
    assert_int_equal(query.statuses, 1u << ORDER_PENDING | 1u << ORDER_CONFIRMED);
    assert_int_equal(query.payment_statuses & 1u << PAYMENT_PAID, 0);
    assert_true((query.payment_statuses & 1u << PAYMENT_UNPAID) != 0);
    assert_string_equal(query.not_tags.values[0], "vip");
    assert_string_equal(query.holds.values[0], "address");
    assert_int_equal(query.holding, HOLDING_SOME);
    assert_string_equal(query.words[0].text, "redshirt");

    assert_true(parse("phone:9123 sku:tee-m total:100..250.50 hold:none", &query, &no));
    assert_int_equal(query.words[0].field, QUERY_PHONE);
    assert_int_equal(query.words[1].field, QUERY_SKU);
    assert_string_equal(query.total_min, "100");
    assert_string_equal(query.total_max, "250.50");
    assert_int_equal(query.holding, HOLDING_NONE);
    assert_true(parse("https://x.example/1", &query, &no));
    assert_int_equal(query.word_count, 1);
}

static void dates_are_days_of_the_shop(void **state)
{
    (void)state;
    struct query query;
    struct refusal no;
    const int64_t day = 24 * HOUR_US, today = NOW_US - 8 * HOUR_US;
    static const struct {
        const char *text;
        int from, until; /* days from today's beginning; 99: none */
    } cases[] = {
        {"placed:today", 0, 1},
        {"placed:yesterday", -1, 0},
        {"placed:7d", -6, 1},
        {"placed:2026-11-01", 0, 1},
        {"placed:2026-10", -31, 0},
        {"placed:<2026-11-01", 99, 0},
        {"placed:<=2026-11-01", 99, 1},
        {"placed:>=2026-10-31", -1, 99},
        {"placed:2026-10-30..2026-10-31", -2, 0},
        {"placed:2026-10-30..", -2, 99},
        {"placed:>2026-10-29 placed:<2026-10-31", -2, -1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_true(parse(cases[i].text, &query, &no));
        assert_true(query.placed_from_us ==
                    (cases[i].from == 99 ? 0 : today + cases[i].from * day));
        assert_true(query.placed_until_us ==
                    (cases[i].until == 99 ? 0 : today + cases[i].until * day));
    }
}

static void what_is_not_known_is_refused_by_name(void **state)
{
    (void)state;
    struct query query;
    struct refusal no;
    static const char *const wrong[] = {"status:nonsense",   "colour:red",     "placed:soon",
                                        "placed:2026-02-29", "placed:2026-13", "total:abc",
                                        "total:..",          "status:",        "-phone:9123",
                                        "total:1.123456",    "-hold:address"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_false(parse(wrong[i], &query, &no));
        assert_string_equal(no.code, "invalid_query");
        assert_string_equal(no.field, "q");
    }
    assert_false(parse("aa bb cc dd ee ff gg hh ii jj kk ll mm", &query, &no));
    assert_string_equal(no.code, "too_many");
    assert_true(parse("status:pending status:confirmed", &query, &no));
    assert_int_equal(query.statuses, 1); /* no order is both */
}

/* ---- files ---- */

static const char *row_of(enum export_format format, const char *text)
{
    struct export_rows rows = {.arena = arena, .format = format};
    export_begin_row(&rows);
    export_text(&rows, text);
    export_number(&rows, "-1.50");
    export_end_row(&rows);
    return arena_strndup(arena, rows.bytes, rows.count);
}

static void a_cell_is_never_a_formula(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"plain", "plain,-1.50\r\n"},
        {"=1+1", "'=1+1,-1.50\r\n"},
        {"+852", "'+852,-1.50\r\n"},
        {"-x", "'-x,-1.50\r\n"},
        {"@me", "'@me,-1.50\r\n"},
        {"\tx", "'\tx,-1.50\r\n"},
        {"", ",-1.50\r\n"},
        {"a,b", "\"a,b\",-1.50\r\n"},
        {"=\"a\"", "\"'=\"\"a\"\"\",-1.50\r\n"},
        {"two\nlines", "\"two\nlines\",-1.50\r\n"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_string_equal(row_of(EXPORT_CSV, cases[i][0]), cases[i][1]);
    assert_string_equal(row_of(EXPORT_XLSX, "=a<b>&\x01"),
                        "<row><c t=\"inlineStr\"><is><t xml:space=\"preserve\">=a&lt;b&gt;&amp;"
                        "</t></is></c><c><v>-1.50</v></c></row>");
}

/* ---- tags ---- */

static void tags_are_added_once_and_no_more_than_twenty(void **state)
{
    (void)state;
    const struct act act = {arena, "orders", "key:test", NOW_US};
    struct order order = {.version = 1};
    struct refusal no;
    struct tag_change change;
    char a[] = "a", b[] = "b", bad[] = "a,b";
    char *ab[] = {a, b, a}, *one[] = {a}, *wrong[] = {bad};
    const char *has[TAGS_MAX] = {"a"};
    assert_true(rules_tag(&order, &act, has, 1, ab, 3, NULL, 0, &change, &no));
    assert_int_equal(change.added_count, 1);
    assert_string_equal(change.added[0], "b");
    assert_int_equal(order.version, 2);
    assert_true(rules_tag(&order, &act, has, 1, one, 1, NULL, 0, &change, &no));
    assert_int_equal(change.added_count + change.removed_count, 0);
    assert_int_equal(order.version, 2);
    assert_true(rules_tag(&order, &act, has, 1, NULL, 0, ab, 3, &change, &no));
    assert_int_equal(change.removed_count, 1);
    for (size_t i = 0; i < TAGS_MAX; i++)
        has[i] = arena_printf(arena, "tag%zu", i);
    assert_false(rules_tag(&order, &act, has, TAGS_MAX, one, 1, NULL, 0, &change, &no));
    assert_string_equal(no.code, "too_many");
    assert_false(rules_check_tags(wrong, 1, "add", &no));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_is_its_letters_and_digits),
        cmocka_unit_test(every_gram_of_a_part_is_one_of_the_whole),
        cmocka_unit_test(chinese_is_cut_into_pairs_digits_into_fours_letters_into_threes),
        cmocka_unit_test(what_is_written_into_blocks_is_read_out_of_them),
        cmocka_unit_test(a_broken_block_is_noticed),
        cmocka_unit_test(a_search_is_words_and_keys),
        cmocka_unit_test(dates_are_days_of_the_shop),
        cmocka_unit_test(what_is_not_known_is_refused_by_name),
        cmocka_unit_test(a_cell_is_never_a_formula),
        cmocka_unit_test(tags_are_added_once_and_no_more_than_twenty),
    };
    return cmocka_run_group_tests(tests, open_arena, close_arena);
}
