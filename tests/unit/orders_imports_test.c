/* What channels send: in any order, again, changed, cancelled, and not quite fit. */
#include "orders_world.h"

/* ---- imports ---- */

static ImportOrderRequest *an_import(int64_t updated_at_us)
{
    ImportOrderRequest *in = ARENA_NEW(arena, ImportOrderRequest);
    penstock__orders__v1__import_order_request__init(in);
    in->order = a_request(arena);
    in->order->external_id = in->external_id = TEXT(new_text("S"));
    in->order->channel = in->channel = TEXT("web");
    in->order->lines[0]->external_id = TEXT("l1");
    in->version = ARENA_NEW(arena, Penstock__Orders__V1__ExternalVersion);
    penstock__orders__v1__external_version__init(in->version);
    in->version->updated_at_us = updated_at_us;
    in->stated_total = wire_money(arena, 12000, "HKD");
    return in;
}

static ImportOrderResponse *import(const ImportOrderRequest *in)
{
    world->command_id = new_text("delivery");
    enum status status = CALL(ImportOrder, import_order, in);
    if (status != STATUS_OK)
        print_message("%s: %s\n", world->reply->code, world->reply->message);
    assert_int_equal(status, STATUS_OK);
    return (ImportOrderResponse *)world->answer;
}

#define EFFECT(name) PENSTOCK__ORDERS__V1__IMPORT_EFFECT__IMPORT_EFFECT_##name

static void the_greatest_version_of_a_channels_order_wins(void **state)
{
    NEEDS_WORLD();
    ImportOrderRequest *in = an_import(NOW_US);
    in->order->payments[in->order->n_payments++] = a_payment(arena, "cod", ENTRY_PENDING, 12000);
    ImportOrderResponse *out = import(in);
    assert_int_equal(out->effect, EFFECT(PLACED));
    char id[UUID_TEXT_BYTES];
    snprintf(id, sizeof id, "%s", out->order_id);
    assert_int_equal(get(id)->payment_status, PAYMENT_PENDING);
    assert_int_equal(import(in)->effect, EFFECT(UNCHANGED));
    in->version->updated_at_us -= 1;
    in->order->payments[0]->amount->amount_minor = 1;
    assert_int_equal(import(in)->effect, EFFECT(UNCHANGED));
    in->version->updated_at_us += 2;
    in->order->payments[0]->amount->amount_minor = 12000;
    in->order->payments[0]->status = (Penstock__Orders__V1__PaymentEntryStatus)ENTRY_CAPTURED;
    in->order->payments[0]->reference = TEXT("ch_9");
    assert_int_equal(import(in)->effect, EFFECT(UPDATED));
    Order *now = get(id);
    assert_int_equal(now->payment_status, PAYMENT_PAID);
    assert_int_equal(now->n_payments, 1);
    assert_string_equal(now->payments[0]->reference, "ch_9");
    in->version->updated_at_us += 1;
    in->order->payments[0]->refunded = wire_money(arena, 2000, "HKD");
    assert_int_equal(import(in)->effect, EFFECT(UPDATED));
    in->version->updated_at_us += 1;
    import(in);
    now = get(id);
    assert_int_equal(now->refunded_total->amount_minor, 2000);
    assert_int_equal(now->n_refunds, 1);
    assert_int_equal(events_of("OrderPlaced", id), 1);
}

static void a_cancel_that_comes_before_the_order_is_remembered(void **state)
{
    NEEDS_WORLD();
    ImportOrderRequest *in = an_import(NOW_US + 5);
    in->is_cancelled = true;
    int asked = reserves;
    ImportOrderResponse *out = import(in);
    assert_int_equal(out->effect, EFFECT(CANCELLED));
    char id[UUID_TEXT_BYTES];
    snprintf(id, sizeof id, "%s", out->order_id);
    assert_int_equal(get(id)->status, ORDER_CANCELLED);
    assert_int_equal(reserves, asked);
    const Penstock__Orders__V1__OrderPlaced *event =
        (void *)last_event(&penstock__orders__v1__order_placed__descriptor, id);
    assert_false(event->lines[0]->takes_stock);
    assert_false(event->notify_customer);
    in->is_cancelled = false;
    in->version->updated_at_us = NOW_US;
    assert_int_equal(import(in)->effect, EFFECT(UNCHANGED));
    assert_int_equal(get(id)->status, ORDER_CANCELLED);
}

static void a_channels_cancel_stops_the_work(void **state)
{
    NEEDS_WORLD();
    ImportOrderRequest *in = an_import(NOW_US);
    char id[UUID_TEXT_BYTES];
    snprintf(id, sizeof id, "%s", import(in)->order_id);
    in->is_cancelled = true;
    in->cancel_reason = TEXT("customer");
    in->version->updated_at_us++;
    int stopped = stops;
    assert_int_equal(import(in)->effect, EFFECT(CANCELLED));
    assert_int_equal(stops, stopped + 1);
    assert_int_equal(get(id)->status, ORDER_CANCELLED);
    const Penstock__Orders__V1__OrderCancelled *event =
        (void *)last_event(&penstock__orders__v1__order_cancelled__descriptor, id);
    assert_string_equal(event->stop_hold_id, last_stop);
}

static void lines_follow_the_channel_until_somebody_has_picked(void **state)
{
    NEEDS_WORLD();
    ImportOrderRequest *in = an_import(NOW_US);
    char id[UUID_TEXT_BYTES];
    snprintf(id, sizeof id, "%s", import(in)->order_id);
    Order *order = get(id);
    in->version->updated_at_us++;
    in->order->lines[0]->quantity = 2;
    in->order->lines[1] = a_line(arena, "CAP", 1, 5000);
    in->order->lines[1]->external_id = TEXT("l2");
    in->order->n_lines = 2;
    in->stated_total->amount_minor = 29000;
    assert_int_equal(import(in)->effect, EFFECT(UPDATED));
    Order *now = get(id);
    assert_int_equal(now->total->amount_minor, 29000);
    assert_int_equal(now->n_lines, 2);
    assert_string_equal(now->lines[0]->id, order->lines[0]->id);
    assert_int_equal(now->lines[0]->unallocated, 1);
    const Penstock__Orders__V1__OrderChanged *event =
        (void *)last_event(&penstock__orders__v1__order_changed__descriptor, id);
    assert_int_equal(event->n_lines, 2);
    assert_int_equal(event->lines[0]->quantity, 2);
    APPEND_WORK(FulfillmentPicked, order, 1);
    show_all();
    in->version->updated_at_us++;
    in->order->lines[0]->quantity = 1;
    in->stated_total->amount_minor = 17000;
    assert_int_equal(import(in)->effect, EFFECT(HELD));
    now = get(id);
    assert_int_equal(now->total->amount_minor, 29000);
    assert_string_equal(now->holds[0]->type, "channel_changed");
    assert_non_null(strstr(now->holds[0]->reason, "TEE-M: 2 -> 1"));
    in->version->updated_at_us++;
    assert_int_not_equal(import(in)->effect, EFFECT(HELD)); /* the same words are said once */
    assert_int_equal(get(id)->n_holds, 1);
}

static void an_unknown_sku_is_held_and_its_money_is_exact(void **state)
{
    NEEDS_WORLD();
    ImportOrderRequest *in = an_import(NOW_US);
    in->order->lines[0]->sku = TEXT("NO-SUCH");
    char id[UUID_TEXT_BYTES];
    snprintf(id, sizeof id, "%s", import(in)->order_id);
    Order *now = get(id);
    assert_int_equal(now->status, ORDER_PENDING);
    assert_string_equal(now->holds[0]->type, "unmatched_item");
    assert_int_equal(now->total->amount_minor, 12000);
    assert_int_equal(release_hold_of(id, now->holds[0]->id), STATUS_OK);
    assert_int_equal(get(id)->status, ORDER_CONFIRMED);
    assert_int_equal(events_of("OrderConfirmed", id), 1);
    in = an_import(NOW_US);
    in->stated_total->amount_minor = 12001;
    world->command_id = new_text("delivery");
    assert_int_equal(CALL(ImportOrder, import_order, in), STATUS_INVALID);
    assert_string_equal(world->reply->code, "total_mismatch");
}

static void a_channels_texts_are_made_fit_and_not_refused(void **state)
{
    NEEDS_WORLD();
    ImportOrderRequest *in = an_import(NOW_US);
    in->order->customer->name = TEXT("A\r\nBcc: x@example.com");
    in->order->customer->email = TEXT("not an address");
    in->order->note = TEXT("two\nlines");
    in->order->shipping_address->country = TEXT("Hong Kong");
    char id[UUID_TEXT_BYTES];
    snprintf(id, sizeof id, "%s", import(in)->order_id);
    Order *now = get(id);
    assert_string_equal(now->customer->name, "A  Bcc: x@example.com");
    assert_string_equal(now->note, "two\nlines");
}

/* Every order of the same deliveries ends the same. */
static void deliveries_in_any_order_have_one_outcome(void **state)
{
    NEEDS_WORLD();
    static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                     {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    for (int n = 0; n < 6; n++) {
        ImportOrderRequest *story[3];
        const char *external_id = new_text("P");
        char id[UUID_TEXT_BYTES] = "";
        for (int i = 0; i < 3; i++) {
            story[i] = an_import(NOW_US + i);
            story[i]->external_id = story[i]->order->external_id = TEXT(external_id);
            story[i]->order->lines[0]->quantity = 1 + i;
            story[i]->stated_total->amount_minor = 12000 * (1 + i);
            story[i]->order->payments[story[i]->order->n_payments++] =
                a_payment(arena, "card", i == 0 ? ENTRY_AUTHORIZED : ENTRY_CAPTURED, 12000);
        }
        for (int i = 0; i < 3; i++)
            snprintf(id, sizeof id, "%s", import(story[orders[n][i]])->order_id);
        Order *now = get(id);
        assert_int_equal(now->total->amount_minor, 36000);
        assert_int_equal(now->lines[0]->quantity, 3);
        assert_int_equal(now->n_payments, 1);
        assert_int_equal(now->payment_status, PAYMENT_PARTIALLY_PAID);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_greatest_version_of_a_channels_order_wins),
        cmocka_unit_test(a_cancel_that_comes_before_the_order_is_remembered),
        cmocka_unit_test(a_channels_cancel_stops_the_work),
        cmocka_unit_test(lines_follow_the_channel_until_somebody_has_picked),
        cmocka_unit_test(an_unknown_sku_is_held_and_its_money_is_exact),
        cmocka_unit_test(a_channels_texts_are_made_fit_and_not_refused),
        cmocka_unit_test(deliveries_in_any_order_have_one_outcome),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
