/* Who is whom: telephone numbers, what an order's customer is known by, and what may be merged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "orders_fixture.h"
#include "rules_customers.h"

static struct arena *arena;

static int open_arena(void **state)
{
    (void)state;
    arena = arena_open(1 << 20);
    return 0;
}

static int close_arena(void **state)
{
    (void)state;
    arena_close(&arena);
    return 0;
}

static void a_number_is_written_one_way_however_it_was_typed(void **state)
{
    (void)state;
    static const struct {
        const char *typed, *country, *wanted;
    } cases[] = {
        {"0912-345-678", "TW", "+886912345678"},
        {"+886 912 345 678", "", "+886912345678"},
        {"886912345678", "TW", "+886912345678"},
        {"00886912345678", "HK", "+886912345678"},
        {"9876 5432", "HK", "+85298765432"},
        {"85298765432", "hk", "+85298765432"},
        {"85212345", "HK", "+85285212345"},
        {"(852) 9876-5432", "HK", "+85298765432"},
        {"98765432", "", "98765432"},
        {"98765432", "ZZ", "98765432"},
        {"(+852) 98765432", "TW", "+85298765432"},
        {"02-2345-6789 #12", "TW", "+886223456789"},
        {"1234", "HK", ""},
        {"", "HK", ""},
        {"1234567890123456", "", ""},
        {"call me", "HK", ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_string_equal(rules_phone(cases[i].typed, cases[i].country, arena), cases[i].wanted);
}

static void an_order_is_known_by_its_channels_customer_first(void **state)
{
    (void)state;
    struct contact contacts[CUSTOMER_MAX_CONTACTS];
    struct customer_facts facts = {.channel = "hk-store",
                                   .country = "HK",
                                   .customer_id = "",
                                   .external_id = "7001",
                                   .email = "TM@Example.com",
                                   .phone = "9876 5432"};
    assert_int_equal(rules_contacts(&facts, arena, contacts), 3);
    assert_int_equal(contacts[0].kind, CONTACT_CHANNEL);
    assert_string_equal(contacts[0].value, "hk-store/7001");
    assert_string_equal(contacts[1].value, "+85298765432");
    assert_string_equal(contacts[2].value, "tm@example.com");
    facts.external_id = facts.email = "";
    facts.customer_id = "0190a1b2-0000-7000-8000-000000000000"; /* ours is no channel's */
    assert_int_equal(rules_contacts(&facts, arena, contacts), 1);
    facts.phone = "";
    assert_int_equal(rules_contacts(&facts, arena, contacts), 0);
}

static void only_two_who_stand_alone_are_merged(void **state)
{
    (void)state;
    struct refusal no = {0};
    struct customer one = {.id = uuid_new()}, two = {.id = uuid_new()};
    assert_true(rules_merge(&one, &two, &no));
    assert_false(rules_merge(&one, &one, &no));
    two.merged_into = one.id;
    assert_false(rules_merge(&one, &two, &no));
    assert_false(rules_merge(&two, &one, &no));
    two.merged_into = (struct uuid){{0}};
    two.erasing_since_us = 1;
    assert_false(rules_merge(&one, &two, &no));
}

static void an_erased_order_says_nobody_and_keeps_its_money(void **state)
{
    (void)state;
    struct act act = {.arena = arena, .source = "orders", .actor = "test", .now_us = NOW_US};
    Address address;
    penstock__common__v1__address__init(&address);
    address.name = address.address1 = TEXT("canary");
    address.country = TEXT("HK");
    OrderDetails details;
    penstock__orders__v1__order_details__init(&details);
    details.shipping_address = details.billing_address = &address;
    details.note = details.shipping_remark = TEXT("canary");
    uint8_t packed[512];
    struct order order = {.customer_name = "canary",
                          .email = "canary@example.com",
                          .phone = "canary",
                          .customer_id = "canary",
                          .customer_external_id = "canary",
                          .total = 12000,
                          .details = packed};
    order.details_bytes = protobuf_c_message_pack(&details.base, packed);
    rules_erase_order(&order, &act);
    assert_string_equal(order.customer_name, "");
    assert_string_equal(order.email, "");
    assert_string_equal(order.phone, "");
    assert_string_equal(order.customer_id, "");
    assert_string_equal(order.customer_external_id, "");
    assert_null(memmem(order.details, order.details_bytes, "canary", 6));
    assert_true(rules_is_erased(&order, arena));
    assert_int_equal(order.total, 12000);
    assert_true(order.is_rewritten && order.change_count == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_number_is_written_one_way_however_it_was_typed),
        cmocka_unit_test(an_order_is_known_by_its_channels_customer_first),
        cmocka_unit_test(only_two_who_stand_alone_are_merged),
        cmocka_unit_test(an_erased_order_says_nobody_and_keeps_its_money),
    };
    return cmocka_run_group_tests(tests, open_arena, close_arena);
}
