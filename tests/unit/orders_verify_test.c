/* What looks at orders and their money: the shop's rules, checks of contacts, expiry, and refunds
 * under random sequences of steps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "orders_fixture.h"
#include "rules_auto.h"
#include "rules_refund.h"
#include "rules_unpaid.h"

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

/* ---- checks ---- */

static const char *checked(const char *(*check)(const struct risk_facts *), const char *country,
                           const char *city, const char *postcode, const char *phone)
{
    Address address;
    penstock__common__v1__address__init(&address);
    address.country = TEXT(country);
    address.city = TEXT(city);
    address.postcode = TEXT(postcode);
    address.address1 = TEXT("1");
    const struct risk_facts facts = {
        .phone = phone, .email = "", .address = &address, .has_goods = true};
    return check(&facts);
}

static void a_postal_code_belongs_to_its_city(void **state)
{
    (void)state;
    static const struct {
        const char *country, *city, *postcode;
        bool is_right;
    } cases[] = {
        {"TW", "台北市", "106", true},      {"TW", "新北市", "220", true},
        {"TW", "新北市", "106", false},     {"TW", "臺南市", "70045", true},
        {"TW", "高雄市", "100", false},     {"TW", "Taipei City", "100", true},
        {"TW", "New Taipei", "100", false}, {"TW", "", "999", false},
        {"TW", "台北市", "1A6", false},     {"TW", "台北市", "", true},
        {"HK", "觀塘", "", true},           {"HK", "觀塘", "000000", true},
        {"HK", "觀塘", "518000", false},    {"JP", "東京", "100-0001", true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *why =
            checked(rules_risk_postcode, cases[i].country, cases[i].city, cases[i].postcode, "");
        if ((why == NULL) != cases[i].is_right)
            fail_msg("%s %s", cases[i].city, cases[i].postcode);
    }
}

static void a_telephone_number_has_the_shape_of_its_country(void **state)
{
    (void)state;
    static const struct {
        const char *country, *phone;
        bool is_right;
    } cases[] = {
        {"HK", "+852 9123 4567", true}, {"HK", "91234567", true},
        {"HK", "1234567", false},       {"HK", "0912345678", true},
        {"TW", "0912-345-678", true},   {"TW", "+886912345678", true},
        {"TW", "02 2345 6789", true},   {"TW", "0912", false},
        {"TW", "12345678", false},      {"TW", "+81 90 1234 5678", true},
        {"HK", "call me", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *why = checked(rules_risk_phone, cases[i].country, "", "", cases[i].phone);
        if ((why == NULL) != cases[i].is_right)
            fail_msg("%s %s", cases[i].country, cases[i].phone);
    }
}

static void a_blacklist_key_is_the_same_however_a_value_is_written(void **state)
{
    (void)state;
    static const struct {
        enum blacklist_kind kind;
        const char *a, *b;
        bool is_same;
    } cases[] = {
        {BLACKLIST_PHONE, "+852 6777-8888", "67778888", true},
        {BLACKLIST_PHONE, "67778888", "67778889", false},
        {BLACKLIST_EMAIL, "A@Example.com", " a@example.com", true},
        {BLACKLIST_ADDRESS, "1, King's Road", "1 kings road", true},
        {BLACKLIST_PHONE, "67778888", "", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct uuid a = rules_blacklist_key(cases[i].kind, cases[i].a, arena);
        struct uuid b = rules_blacklist_key(cases[i].kind, cases[i].b, arena);
        assert_int_equal(uuid_equal(&a, &b), cases[i].is_same);
    }
}

/* ---- expiry ---- */

static void an_expired_order_is_reopened_as_it_was(void **state)
{
    (void)state;
    struct refusal no;
    struct act act = an_act(arena);
    PlaceOrderRequest *in = a_request(arena);
    in->lines[in->n_lines++] = a_line(arena, "MUG", 3, 5000);
    in->lines[1]->cancelled = 1;
    struct order *order = an_order(arena, in, &no);
    int64_t total = order->current_total;
    struct expired_line lines[2];
    order->status = ORDER_PENDING;
    size_t count = rules_expire(order, &act, lines);
    assert_int_equal(count, 2);
    assert_int_equal(order->status, ORDER_EXPIRED);
    assert_int_equal(order->current_total, 0);
    assert_int_equal(order->lines[1].cancelled, 3);
    assert_true(rules_reopen(order, &act, lines, count, &no));
    assert_int_equal(order->current_total, total);
    assert_int_equal(order->lines[1].cancelled, 1);
    assert_false(rules_reopen(order, &act, lines, count, &no));
}

static void a_day_is_read_or_refused(void **state)
{
    (void)state;
    int64_t days;
    assert_true(rules_read_day("1970-01-01", &days) && days == 0);
    assert_true(rules_read_day("2000-03-01", &days) && days == 11017);
    assert_true(rules_read_day("2028-02-29", &days));
    assert_false(rules_read_day("2027-02-29", &days) || rules_read_day("2027-13-01", &days) ||
                 rules_read_day("27-01-01", &days) || rules_read_day("", &days));
}

/* ---- rules ---- */

static void a_rule_fires_when_all_of_its_conditions_hold(void **state)
{
    (void)state;
    struct refusal no;
    struct order *order = an_order(arena, a_request(arena), &no);
    Rule rule = PENSTOCK__ORDERS__V1__RULE__INIT, *list[] = {&rule};
    RuleConditions conditions = PENSTOCK__ORDERS__V1__RULE_CONDITIONS__INIT;
    RuleAction action = PENSTOCK__ORDERS__V1__RULE_ACTION__INIT, *actions[] = {&action};
    char *countries[] = {TEXT("TW"), TEXT("HK")};
    rule.conditions = &conditions;
    rule.actions = actions;
    rule.n_actions = 1;
    action.type = PENSTOCK__ORDERS__V1__RULE_ACTION_TYPE__RULE_ACTION_TYPE_WAIT;
    conditions.countries = countries;
    conditions.n_countries = 2;
    conditions.total_from = wire_money(arena, 12000, "HKD");
    const struct auto_set set = {.rules = list, .count = 1};
    struct auto_facts facts = rules_auto_facts(order, NULL);
    assert_int_equal(rules_auto_decide(&set, &facts, arena).wish, AUTO_WAIT);
    conditions.n_countries = 1; /* Taiwan only */
    assert_int_equal(rules_auto_decide(&set, &facts, arena).count, 0);
    conditions.n_countries = 2;
    conditions.total_from->amount_minor = 12001;
    assert_int_equal(rules_auto_decide(&set, &facts, arena).count, 0);
    conditions.total_from = wire_money(arena, 1, "USD"); /* another currency is never enough */
    assert_int_equal(rules_auto_decide(&set, &facts, arena).count, 0);
}

static void a_rule_of_the_past_waits_for_the_history(void **state)
{
    (void)state;
    struct refusal no;
    struct order *order = an_order(arena, a_request(arena), &no);
    Rule rule = PENSTOCK__ORDERS__V1__RULE__INIT, *list[] = {&rule};
    RuleConditions conditions = PENSTOCK__ORDERS__V1__RULE_CONDITIONS__INIT;
    rule.conditions = &conditions;
    conditions.duplicate_minutes = 10;
    const struct auto_set set = {.rules = list, .count = 1, .needs_history = true};
    struct auto_facts facts = rules_auto_facts(order, NULL);
    struct auto_history history = {.alike_us = INT64_C(600) * 1000000};
    assert_int_equal(rules_auto_decide(&set, &facts, arena).count, 0);
    facts.history = &history;
    assert_int_equal(rules_auto_decide(&set, &facts, arena).count, 1);
    history.alike_us++;
    assert_int_equal(rules_auto_decide(&set, &facts, arena).count, 0);
    history.alike_us = -1;
    assert_int_equal(rules_auto_decide(&set, &facts, arena).count, 0);
}

/* ---- refunds, whatever the order of the steps ---- */

static void check_ledger(const struct order *order)
{
    int64_t promised = 0, settled = 0, failed = 0;
    for (size_t i = 0; i < order->payment_count; i++) {
        int64_t sum = 0;
        for (size_t k = 0; k < order->refund_count; k++)
            if (uuid_equal(&order->refunds[k].payment_id, &order->payments[i].id) &&
                order->refunds[k].status != REFUND_CANCELLED)
                sum += order->refunds[k].amount;
        assert_int_equal(order->payments[i].refunded, sum);
        assert_true(sum <= order->payments[i].amount);
        promised += sum;
    }
    for (size_t k = 0; k < order->refund_count; k++) {
        settled += order->refunds[k].status == REFUND_SUCCEEDED ? order->refunds[k].amount : 0;
        failed += order->refunds[k].status == REFUND_FAILED ? order->refunds[k].amount : 0;
    }
    assert_true(promised <= order->captured_total && settled <= promised);
    assert_true(order->refund_due >= failed);
    assert_int_equal(order->payment_status == PAYMENT_REFUNDED,
                     settled > 0 && settled == order->captured_total);
}

static void step(struct order *order, unsigned *seed)
{
    struct refusal no;
    struct act act = an_act(arena);
    struct uuid id = order->refund_count > 0
                         ? order->refunds[(size_t)rand_r(seed) % order->refund_count].id
                         : uuid_new();
    struct refund_facts facts = {.reason = "",
                                 .amount = 1 + rand_r(seed) % 9000,
                                 .ids = some_ids(arena, order->payment_count),
                                 .request_id = uuid_new()};
    size_t count;
    switch (rand_r(seed) % 6) {
    case 0:
        facts.provider = rand_r(seed) % 2 == 0 ? PROVIDER_MANUAL : PROVIDER_CHANNEL;
        facts.status = rules_refund_begins(facts.amount, 4000, facts.provider);
        if (order->refund_count < 40)
            rules_refund(order, &act, &facts, &count, &no);
        break;
    case 1:
        act.actor = "key:other";
        rules_refund_approve(order, &act, &id, 8000, &no);
        break;
    case 2:
        rules_refund_decline(order, &act, &id, "", &no);
        break;
    case 3:
        rules_refund_retry(order, &act, &id, 0, &no);
        break;
    case 4:
        rules_refund_start(order, &act, &id);
        break;
    default:
        rules_refund_settle(order, &act, &id, rand_r(seed) % 2 == 0 ? "no" : NULL);
        break;
    }
}

static void refunds_never_exceed_what_was_captured(void **state)
{
    (void)state;
    unsigned seed = 20261122;
    for (int round = 0; round < 1500; round++) {
        struct refusal no;
        arena_reset(arena);
        PlaceOrderRequest *in = a_request(arena);
        in->payments[in->n_payments++] = a_payment(arena, "card", ENTRY_CAPTURED, 3000);
        in->payments[in->n_payments++] = a_payment(arena, "bank_transfer", ENTRY_CAPTURED, 9000);
        struct order *order = an_order(arena, in, &no);
        for (int i = 0; i < 40; i++) {
            step(order, &seed);
            check_ledger(order);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_postal_code_belongs_to_its_city),
        cmocka_unit_test(a_telephone_number_has_the_shape_of_its_country),
        cmocka_unit_test(a_blacklist_key_is_the_same_however_a_value_is_written),
        cmocka_unit_test(an_expired_order_is_reopened_as_it_was),
        cmocka_unit_test(a_day_is_read_or_refused),
        cmocka_unit_test(a_rule_fires_when_all_of_its_conditions_hold),
        cmocka_unit_test(a_rule_of_the_past_waits_for_the_history),
        cmocka_unit_test(refunds_never_exceed_what_was_captured),
    };
    return cmocka_run_group_tests(tests, open_arena, close_arena);
}
