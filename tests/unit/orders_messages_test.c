/* Who may see an order and who may write: links, codes, masks; and that a note cannot leave. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "penstock/orders/v1/orders.pb-c.h"
#include "rules_link.h"
#include "rules_messages.h"
#include "view.h"

#define NOW INT64_C(1794369603000000)
#define HOUR (INT64_C(3600) * 1000000)

static struct arena *arena;
static const uint8_t secret[LINK_SECRET_BYTES] = "not so secret, in a test of it..";
static const uint8_t other_secret[LINK_SECRET_BYTES] = "Not so secret, in a test of it..";

static int open_arena(void **unused)
{
    (void)unused;
    arena = arena_open((size_t)16 << 20);
    return 0;
}

static int close_arena(void **unused)
{
    (void)unused;
    arena_close(&arena);
    return 0;
}

/* ---- links ---- */

static void a_link_opens_its_order_until_it_expires(void **unused)
{
    (void)unused;
    const struct link link = {uuid_new(), 3, NOW + HOUR};
    struct link read;
    char token[LINK_TOKEN_BYTES];
    rules_link_token(secret, &link, token);
    assert_int_equal(strlen(token), LINK_TOKEN_BYTES - 1);
    assert_int_equal(
        strspn(token, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"),
        LINK_TOKEN_BYTES - 1);
    assert_true(rules_link_read(secret, token, NOW, &read));
    assert_true(uuid_equal(&read.order_id, &link.order_id));
    assert_int_equal(read.version, 3);
    assert_true(rules_link_read(secret, token, NOW + HOUR - 1, &read));
    assert_false(rules_link_read(secret, token, NOW + HOUR, &read));
    assert_false(rules_link_read(other_secret, token, NOW, &read));
}

static void a_link_with_any_character_changed_is_none(void **unused)
{
    (void)unused;
    const struct link link = {uuid_new(), 1, NOW + HOUR};
    struct link read;
    char token[LINK_TOKEN_BYTES];
    rules_link_token(secret, &link, token);
    for (size_t i = 0; i < LINK_TOKEN_BYTES - 1; i++) {
        char changed[LINK_TOKEN_BYTES];
        memcpy(changed, token, sizeof changed);
        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        assert_false(rules_link_read(secret, changed, NOW, &read));
        changed[i] = '\0';
        assert_false(rules_link_read(secret, changed, NOW, &read));
        changed[i] = '%';
        assert_false(rules_link_read(secret, changed, NOW, &read));
    }
    assert_false(rules_link_read(secret, "", NOW, &read));
    assert_false(rules_link_read(secret, arena_printf(arena, "%sA", token), NOW, &read));
}

/* ---- codes and lookups ---- */

static void a_code_matches_as_people_type_it(void **unused)
{
    (void)unused;
    const struct uuid id = uuid_new();
    char code[LINK_CODE_DIGITS + 1];
    rules_code_text(secret, &id, code);
    assert_int_equal(strspn(code, "0123456789"), LINK_CODE_DIGITS);
    assert_true(rules_code_matches(secret, &id, code));
    assert_true(rules_code_matches(secret, &id, arena_printf(arena, " %.3s %s ", code, code + 3)));
    assert_false(rules_code_matches(other_secret, &id, code));
    assert_false(rules_code_matches(secret, &id, ""));
    assert_false(rules_code_matches(secret, &id, arena_printf(arena, "%s0", code)));
    code[2] = code[2] == '1' ? '2' : '1';
    assert_false(rules_code_matches(secret, &id, code));
}

static void telephone_numbers_match_however_they_are_written(void **unused)
{
    (void)unused;
    assert_true(rules_phones_match("+852 9123 4567", "91234567"));
    assert_true(rules_phones_match("0912-345-678", "+886 912 345 678"));
    assert_false(rules_phones_match("91234568", "91234567"));
    assert_false(rules_phones_match("4567", "4567"));
    assert_false(rules_phones_match("", ""));
    assert_false(rules_phones_match("1234567", "91234567"));
}

static void a_lookup_is_the_same_however_it_is_typed(void **unused)
{
    (void)unused;
    struct uuid a = rules_lookup_key("web-100023", "+852 9123 4567");
    struct uuid b = rules_lookup_key(" WEB-100023", "91234567");
    struct uuid c = rules_lookup_key("WEB-100024", "91234567");
    assert_true(uuid_equal(&a, &b));
    assert_false(uuid_equal(&a, &c));
}

static void five_codes_an_hour_and_five_tries_a_code(void **unused)
{
    (void)unused;
    struct lookup lookup = {.window_at_us = NOW, .code_id = uuid_new(), .code_at_us = NOW};
    for (int i = 0; i < LOOKUP_MAX_REQUESTS; i++)
        assert_true(rules_lookup_request(&lookup, NOW + i));
    assert_false(rules_lookup_request(&lookup, NOW + HOUR - 1));
    assert_true(rules_lookup_request(&lookup, NOW + HOUR));
    assert_false(rules_lookup_code_is_good(&lookup, NOW + LOOKUP_CODE_US));
    for (int i = 0; i < LOOKUP_MAX_TRIES; i++)
        assert_true(rules_lookup_try(&lookup, NOW + 1));
    assert_false(rules_lookup_try(&lookup, NOW + 1));
    lookup.tries = 0;
    lookup.code_id = (struct uuid){{0}};
    assert_false(rules_lookup_try(&lookup, NOW + 1)); /* there was no such order */
}

/* ---- masks ---- */

static void what_a_customer_sees_of_a_person_is_masked(void **unused)
{
    (void)unused;
    assert_string_equal(rules_mask_name(arena, "陳大文"), "陳**");
    assert_string_equal(rules_mask_name(arena, "Joanna Lee"), "J***");
    assert_string_equal(rules_mask_name(arena, ""), "");
    assert_string_equal(rules_mask_phone(arena, "+852 9123 4567"), "••••4567");
    assert_string_equal(rules_mask_phone(arena, "123456"), "••••");
    assert_string_equal(rules_mask_phone(arena, "n/a"), "");
    assert_string_equal(rules_mask_email(arena, "tm@example.com"), "t***@example.com");
    assert_string_equal(rules_mask_email(arena, "nobody"), "");
    Address address;
    penstock__common__v1__address__init(&address);
    address.name = wire_text("陳大文");
    address.phone = wire_text("91234567");
    address.email = wire_text("tm@example.com");
    address.address1 = wire_text("觀塘道1號創紀之城五期 18 樓 1801 室");
    address.address2 = wire_text("後座");
    address.postcode = wire_text("100");
    address.city = wire_text("觀塘");
    const Address *masked = rules_mask_address(arena, &address);
    assert_string_equal(masked->address1, "觀塘道1號創***");
    assert_string_equal(masked->city, "觀塘");
    assert_string_equal(masked->name, "");
    assert_string_equal(masked->phone, "");
    assert_string_equal(masked->email, "");
    assert_string_equal(masked->address2, "");
    assert_string_equal(masked->postcode, "");
}

static void a_pattern_finds_what_it_contains_and_no_more(void **unused)
{
    (void)unused;
    assert_string_equal(rules_contains_pattern(arena, "50%_\\"), "%50\\%\\_\\\\%");
}

static void people_and_roles_are_named_by_their_kind(void **unused)
{
    (void)unused;
    struct refusal no;
    assert_true(rules_check_person("role:order_desk", &no, "x"));
    assert_true(rules_check_person("user:0195f7c2-0000-7000-8000-000000000001", &no, "x"));
    assert_false(rules_check_person("role:", &no, "x"));
    assert_false(rules_check_person("customer:1", &no, "x"));
    assert_false(rules_check_person("role:a b", &no, "x"));
}

/* ---- notes ---- */

/* Whether a message of type wanted can stand anywhere in a message of this type. */
static bool holds(const ProtobufCMessageDescriptor *type, const ProtobufCMessageDescriptor *wanted)
{
    if (type == wanted)
        return true;
    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &type->fields[i];
        if (field->type == PROTOBUF_C_TYPE_MESSAGE && holds(field->descriptor, wanted))
            return true;
    }
    return false;
}

/* Everything that orders answers to services, which write mails and the customer's page, and the
 * order itself, which the public API shows: none of it has room for a note. */
static void no_message_that_leaves_the_shop_can_hold_a_note(void **unused)
{
    (void)unused;
    const ProtobufCMessageDescriptor *note = &penstock__orders__v1__note__descriptor;
    const ProtobufCServiceDescriptor *api = &penstock__orders__v1__orders__descriptor;
    size_t holding = 0;
    assert_true(holds(&penstock__orders__v1__add_note_response__descriptor, note));
    for (unsigned i = 0; i < api->n_methods; i++) {
        const ProtobufCMethodDescriptor *rpc = &api->methods[i];
        bool is_of_notes = strcmp(rpc->name, "AddNote") == 0 || strcmp(rpc->name, "ListNotes") == 0;
        assert_int_equal(holds(rpc->output, note), is_of_notes);
        holding += is_of_notes;
    }
    assert_int_equal(holding, 2);
    assert_false(holds(&penstock__orders__v1__note_added__descriptor, note));
    for (unsigned i = 0; i < penstock__orders__v1__note_added__descriptor.n_fields; i++)
        assert_string_not_equal(penstock__orders__v1__note_added__descriptor.fields[i].name,
                                "body");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_link_opens_its_order_until_it_expires),
        cmocka_unit_test(a_link_with_any_character_changed_is_none),
        cmocka_unit_test(a_code_matches_as_people_type_it),
        cmocka_unit_test(telephone_numbers_match_however_they_are_written),
        cmocka_unit_test(a_lookup_is_the_same_however_it_is_typed),
        cmocka_unit_test(five_codes_an_hour_and_five_tries_a_code),
        cmocka_unit_test(what_a_customer_sees_of_a_person_is_masked),
        cmocka_unit_test(a_pattern_finds_what_it_contains_and_no_more),
        cmocka_unit_test(people_and_roles_are_named_by_their_kind),
        cmocka_unit_test(no_message_that_leaves_the_shop_can_hold_a_note),
    };
    return cmocka_run_group_tests(tests, open_arena, close_arena);
}
