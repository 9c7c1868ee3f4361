/* Orders placed, worked on by the other services, held, cancelled, paid and refunded. */
#include "orders_world.h"

/* ---- placing ---- */

/* All but the shop's customer, who is found a moment after the placing. */
static bool is_read_as_placed(const Order *placed, const char *id)
{
    Order *read = get(id);
    read->customer_id = placed->customer_id;
    return same(&placed->base, &read->base);
}

static void an_order_is_placed_reserved_confirmed_and_shown_whole(void **state)
{
    NEEDS_WORLD();
    PlaceOrderRequest *in = paid_request();
    Order *order = place(in);
    assert_int_equal(strncmp(order->number, "WEB-1", 5), 0);
    assert_int_equal(order->status, ORDER_CONFIRMED);
    assert_int_equal(order->payment_status, PAYMENT_PAID);
    assert_int_equal(order->fulfillment_status, FULFILLMENT_UNFULFILLED);
    assert_int_equal(order->return_status, RETURN_NONE);
    assert_int_equal(order->total->amount_minor, 12000);
    assert_int_equal(order->version, 1);
    assert_int_equal(order->n_lines, 1);
    assert_int_equal(order->lines[0]->reserved, 1);
    assert_int_equal(order->lines[0]->unallocated, 0);
    assert_string_equal(order->lines[0]->name, "an item");
    assert_string_equal(order->customer->name, "陳大文");
    assert_string_equal(order->shipping_address->address1, "觀塘道 1 號");
    assert_int_equal(events_of("OrderPlaced", order->id), 1);
    assert_int_equal(events_of("OrderConfirmed", order->id), 0);
    const Penstock__Orders__V1__OrderPlaced *event =
        (void *)last_event(&penstock__orders__v1__order_placed__descriptor, order->id);
    assert_string_equal(event->hold_id, last_hold);
    assert_true(event->command_id[0] != '\0');
    assert_int_equal(event->status, ORDER_CONFIRMED);
    assert_true(event->notify_customer);
    assert_string_equal(event->lines[0]->line_id, order->lines[0]->id);
    assert_true(is_read_as_placed(order, order->id));
    assert_true(is_read_as_placed(order, order->number));
}

static void a_repeat_gets_the_first_answer_and_no_reply_is_kept_with_personal_data(void **state)
{
    NEEDS_WORLD();
    PlaceOrderRequest *in = paid_request();
    const char *key = new_text("key");
    in->lines[1] = a_line(arena, "CAP", 2, 5000);
    in->lines[1]->name = TEXT("帽");
    in->n_lines = 2;
    assert_int_equal(try_place(in, key), STATUS_OK);
    Order *first = kept(((PlaceOrderResponse *)world->answer)->order);
    assert_int_equal(try_place(in, key), STATUS_OK);
    assert_true(world->reply->repeated);
    assert_true(same(&first->base, &((PlaceOrderResponse *)world->answer)->order->base));
    /* With another key but the same content under the same external id it is the same order. */
    assert_int_equal(try_place(in, new_text("key")), STATUS_OK);
    assert_true(same(&first->base, &((PlaceOrderResponse *)world->answer)->order->base));
    assert_int_equal(scripted_number(world, "SELECT count(*) FROM orders.command WHERE"
                                            " position(convert_to('陳', 'UTF8') in reply) > 0"),
                     0);
    assert_int_equal(scripted_number(world, "SELECT count(*) FROM orders.order_external WHERE"
                                            " position(convert_to('陳', 'UTF8') in answer) > 0"),
                     0);
    in->note = TEXT("other content");
    assert_int_equal(try_place(in, new_text("key")), STATUS_CONFLICT);
    assert_string_equal(world->reply->code, "duplicate_external_id");
    assert_non_null(strstr(world->reply->message, first->number));
    assert_string_equal(world->reply->details[1]->value, first->number);
    assert_int_equal(try_place(in, key), STATUS_CONFLICT);
    assert_string_equal(world->reply->code, "idempotency_key_reused");
}

struct many {
    int left, ok;
    char ids[64][UUID_TEXT_BYTES];
};

static void one_placed(void *context, const ReplyHeader *header, const uint8_t *payload,
                       size_t bytes)
{
    struct many *many = context;
    many->left--;
    if (header->status != PENSTOCK__BUS__V1__STATUS__STATUS_OK)
        return;
    PlaceOrderResponse *out =
        penstock__orders__v1__place_order_response__unpack(NULL, bytes, payload);
    snprintf(many->ids[many->ok++], UUID_TEXT_BYTES, "%s", out->order->id);
    penstock__orders__v1__place_order_response__free_unpacked(out, NULL);
}

static void place_at_once(const PlaceOrderRequest *in, struct many *many, int count)
{
    char permission[] = "orders:write", actor[] = "key:test", method[] = "orders.PlaceOrder";
    char *permissions[] = {permission};
    for (int i = 0; i < count; i++) {
        RequestHeader header = PENSTOCK__BUS__V1__REQUEST_HEADER__INIT;
        header.method = method;
        header.actor = actor;
        header.permissions = permissions;
        header.n_permissions = 1;
        header.command_id = TEXT(new_text("many"));
        many->left++;
        assert_int_equal(
            bus_ask_message(world->client, "orders", &header, &in->base, 5000, one_placed, many),
            STATUS_OK);
    }
    while (many->left > 0)
        bus_loop_once(world->loop, 10);
}

static void the_same_order_placed_many_times_in_one_batch_is_one_order(void **state)
{
    NEEDS_WORLD();
    static struct many many;
    PlaceOrderRequest *in = paid_request();
    memset(&many, 0, sizeof many);
    place_at_once(in, &many, 40);
    assert_int_equal(many.ok, 40);
    for (int i = 1; i < many.ok; i++)
        assert_string_equal(many.ids[i], many.ids[0]);
    assert_int_equal(events_of("OrderPlaced", many.ids[0]), 1);
    /* Without an external id they are as many as there are keys. */
    memset(&many, 0, sizeof many);
    in->external_id = TEXT("");
    place_at_once(in, &many, 40);
    assert_int_equal(many.ok, 40);
    assert_int_equal(
        scripted_number(world, "SELECT count(*) - count(DISTINCT number) FROM orders.orders"), 0);
}

static void what_cannot_be_had_is_refused_with_the_sku_and_nothing_is_written(void **state)
{
    NEEDS_WORLD();
    PlaceOrderRequest *in = paid_request();
    in->lines[1] = a_line(arena, "SHORT", 2, 100);
    in->n_lines = 2;
    long long before = scripted_number(world, "SELECT count(*) FROM orders.orders");
    long long number =
        scripted_number(world, "SELECT next_number FROM orders.channel WHERE name='web'");
    assert_int_equal(try_place(in, new_text("key")), STATUS_CONFLICT);
    assert_string_equal(world->reply->code, "insufficient_stock");
    assert_string_equal(world->reply->field, "lines[1].quantity");
    assert_string_equal(world->reply->details[0]->value, "SHORT");
    assert_string_equal(world->reply->details[1]->value, "1");
    in->lines[1]->sku = TEXT("NO-SUCH");
    assert_int_equal(try_place(in, new_text("key")), STATUS_INVALID);
    assert_string_equal(world->reply->code, "unknown_sku");
    assert_string_equal(world->reply->field, "lines[1].sku");
    in->stock_policy = (Penstock__Inventory__V1__StockPolicy)POLICY_ACCEPT;
    assert_int_equal(try_place(in, new_text("key")), STATUS_INVALID);
    assert_string_equal(world->reply->code, "unknown_sku");
    in->channel = TEXT("nowhere");
    assert_int_equal(try_place(in, new_text("key")), STATUS_INVALID);
    assert_string_equal(world->reply->field, "channel");
    in->lines[1]->quantity = 0;
    assert_int_equal(try_place(in, new_text("key")), STATUS_INVALID);
    assert_string_equal(world->reply->field, "lines[1].quantity");
    assert_int_equal(scripted_number(world, "SELECT count(*) FROM orders.orders"), before);
    assert_int_equal(
        scripted_number(world, "SELECT next_number FROM orders.channel WHERE name='web'"), number);
}

static void an_accepted_order_takes_what_there_is_and_goes_on_without_inventory(void **state)
{
    NEEDS_WORLD();
    PlaceOrderRequest *in = paid_request();
    in->stock_policy = (Penstock__Inventory__V1__StockPolicy)POLICY_ACCEPT;
    in->lines[0]->sku = TEXT("SHORT");
    in->lines[0]->quantity = 3;
    Order *order = place(in);
    assert_int_equal(order->lines[0]->reserved, 1);
    assert_int_equal(order->lines[0]->unallocated, 2);
    assert_int_equal(try_place(in, new_text("key")), STATUS_OK);
    assert_true(same(&order->base, &((PlaceOrderResponse *)world->answer)->order->base));
    inventory_is_away = true;
    in->external_id = TEXT(new_text("A"));
    order = place(in);
    assert_int_equal(order->lines[0]->unallocated, 3);
    const Penstock__Orders__V1__OrderPlaced *event =
        (void *)last_event(&penstock__orders__v1__order_placed__descriptor, order->id);
    assert_string_equal(event->hold_id, "");
    in->external_id = TEXT(new_text("A"));
    in->stock_policy = (Penstock__Inventory__V1__StockPolicy)POLICY_REQUIRE;
    assert_int_equal(try_place(in, new_text("key")), STATUS_UNAVAILABLE);
    assert_string_equal(world->reply->code, "inventory_unavailable");
}

/* ---- what the other logs say ---- */

static void an_allocation_that_was_held_already_writes_nothing(void **state)
{
    NEEDS_WORLD();
    PlaceOrderRequest *in = paid_request();
    in->stock_policy = (Penstock__Inventory__V1__StockPolicy)POLICY_ACCEPT;
    in->lines[0]->quantity = 3;
    Order *order = place(in);
    append_allocated(order, (const int64_t[]){3}, 0);
    show_all();
    assert_int_equal(get(order->id)->version, 1);
    append_allocated(order, (const int64_t[]){2}, 0);
    append_allocated(order, (const int64_t[]){3}, 0);
    append_allocated(order, (const int64_t[]){1}, 0);
    show_all();
    Order *now = get(order->id);
    assert_int_equal(now->lines[0]->reserved, 1);
    assert_int_equal(now->lines[0]->unallocated, 2);
    assert_int_equal(now->version, 4);
}

static void an_order_goes_through_picking_packing_shipping_and_completes(void **state)
{
    NEEDS_WORLD();
    PlaceOrderRequest *in = paid_request();
    in->lines[0]->quantity = 2;
    in->payments[0]->amount->amount_minor = 24000;
    Order *order = place(in);
    APPEND_WORK(FulfillmentPicked, order, 2);
    show_all();
    assert_int_equal(get(order->id)->lines[0]->picked, 2);
    APPEND_WORK(FulfillmentPacked, order, 1);
    show_all();
    Order *now = get(order->id);
    assert_int_equal(now->lines[0]->picked, 1);
    assert_int_equal(now->lines[0]->packed, 1);
    APPEND_WORK(FulfillmentShipped, order, 1);
    show_all();
    now = get(order->id);
    assert_int_equal(now->fulfillment_status, FULFILLMENT_PARTIALLY_FULFILLED);
    assert_int_equal(now->status, ORDER_CONFIRMED);
    append_allocated(order, (const int64_t[]){1}, 1);
    APPEND_WORK(FulfillmentShipped, order, 2);
    APPEND_WORK(ParcelDelivered, order, 2);
    show_all();
    now = get(order->id);
    assert_int_equal(now->status, ORDER_COMPLETED);
    assert_int_equal(now->fulfillment_status, FULFILLMENT_DELIVERED);
    assert_int_equal(events_of("OrderCompleted", order->id), 1);
}

static void an_item_that_inventory_does_not_know_puts_a_hold_on_a_confirmed_order(void **state)
{
    NEEDS_WORLD();
    PlaceOrderRequest *in = paid_request();
    in->stock_policy = (Penstock__Inventory__V1__StockPolicy)POLICY_ACCEPT;
    inventory_is_away = true;
    Order *order = place(in);
    append_allocated(order, (const int64_t[]){-1}, 0);
    append_allocated(order, (const int64_t[]){-1}, 0);
    show_all();
    Order *now = get(order->id);
    assert_int_equal(now->n_holds, 1);
    assert_string_equal(now->holds[0]->type, "unmatched_item");
    assert_int_equal(events_of("HoldPlaced", order->id), 1);
}

/* ---- holds, confirmation ---- */

static enum status put_hold(const Order *order, int64_t expires_at_us)
{
    Penstock__Orders__V1__PlaceHoldRequest in;
    penstock__orders__v1__place_hold_request__init(&in);
    in.id = order->id;
    in.type = TEXT("manual");
    in.reason = TEXT("call the customer");
    in.expires_at_us = expires_at_us;
    world->command_id = new_text("hold");
    return CALL(PlaceHold, place_hold, &in);
}

static enum status confirm(const char *id, const char *command_id)
{
    Penstock__Orders__V1__ConfirmOrderRequest in;
    penstock__orders__v1__confirm_order_request__init(&in);
    in.id = TEXT(id);
    world->command_id = command_id;
    return CALL(ConfirmOrder, confirm_order, &in);
}

static void a_manual_channel_waits_for_a_person_and_counts_for_itself(void **state)
{
    NEEDS_WORLD();
    add_channel("phone-hk", true);
    PlaceOrderRequest *in = paid_request();
    in->channel = TEXT("phone-hk");
    Order *order = place(in);
    assert_string_equal(order->number, "PHONE-HK-100001");
    assert_int_equal(order->status, ORDER_PENDING);
    const char *key = new_text("confirm");
    assert_int_equal(confirm(order->number, key), STATUS_OK);
    Order *first = kept(((Penstock__Orders__V1__ConfirmOrderResponse *)world->answer)->order);
    assert_int_equal(first->status, ORDER_CONFIRMED);
    assert_int_equal(events_of("OrderConfirmed", order->id), 1);
    assert_int_equal(confirm(order->number, key), STATUS_OK);
    assert_true(world->reply->repeated);
    assert_true(same(&first->base,
                     &((Penstock__Orders__V1__ConfirmOrderResponse *)world->answer)->order->base));
    assert_int_equal(confirm(order->id, new_text("confirm")), STATUS_OK);
    assert_int_equal(events_of("OrderConfirmed", order->id), 1);
    assert_int_equal(confirm("PHONE-HK-1", new_text("confirm")), STATUS_NOT_FOUND);
}

static void holds_are_a_set_and_expire(void **state)
{
    NEEDS_WORLD();
    Order *order = place(paid_request());
    assert_int_equal(put_hold(order, 0), STATUS_OK);
    char first[UUID_TEXT_BYTES];
    snprintf(first, sizeof first, "%s", ((PlaceHoldResponse *)world->answer)->hold->id);
    assert_int_equal(put_hold(order, clock_wall_us() + 500000), STATUS_OK);
    assert_int_equal(put_hold(order, clock_wall_us() - 1000000), STATUS_INVALID);
    assert_string_equal(world->reply->field, "expires_at");
    assert_int_equal(get(order->id)->n_holds, 2);
    for (int i = 0; i < 100 && get(order->id)->n_holds == 2; i++)
        scripted_pause_ms(50);
    assert_int_equal(get(order->id)->n_holds, 1);
    assert_int_equal(release_hold_of(order->id, order->id), STATUS_NOT_FOUND);
    assert_int_equal(release_hold_of(order->id, first), STATUS_OK);
    assert_int_equal(release_hold_of(order->id, first), STATUS_CONFLICT);
    const Penstock__Orders__V1__HoldReleased *event =
        (void *)last_event(&penstock__orders__v1__hold_released__descriptor, order->id);
    assert_true(event->is_last);
}

/* ---- cancelling ---- */

static enum status cancel(const Order *order, bool remaining)
{
    Penstock__Orders__V1__CancelOrderRequest in;
    penstock__orders__v1__cancel_order_request__init(&in);
    in.id = order->id;
    in.reason = TEXT("customer");
    in.remaining = remaining;
    world->command_id = new_text("cancel");
    return CALL(CancelOrder, cancel_order, &in);
}

static void a_cancelled_order_has_stopped_its_work_and_owes_the_money(void **state)
{
    NEEDS_WORLD();
    Order *order = place(paid_request());
    assert_int_equal(cancel(order, false), STATUS_OK);
    Order *now = get(order->id);
    assert_int_equal(now->status, ORDER_CANCELLED);
    assert_int_equal(now->refund_due->amount_minor, 12000);
    assert_int_equal(now->lines[0]->cancelled, 1);
    const Penstock__Orders__V1__OrderCancelled *event =
        (void *)last_event(&penstock__orders__v1__order_cancelled__descriptor, order->id);
    assert_string_equal(event->stop_hold_id, last_stop);
    assert_true(event->is_whole);
    assert_int_equal(event->lines[0]->cancelled, 1);
    assert_int_equal(event->lines[0]->remaining, 0);
    assert_int_equal(cancel(order, false), STATUS_CONFLICT);
    assert_string_equal(world->reply->code, "invalid_state");
    assert_int_equal(put_hold(order, 0), STATUS_CONFLICT);
}

static void what_has_shipped_is_told_with_figures_and_the_rest_can_go(void **state)
{
    NEEDS_WORLD();
    PlaceOrderRequest *in = paid_request();
    in->lines[0]->quantity = 3;
    Order *order = place(in);
    shipped_units = 1;
    assert_int_equal(cancel(order, false), STATUS_CONFLICT);
    assert_string_equal(world->reply->code, "already_shipped");
    assert_string_equal(world->reply->details[0]->value, "1");
    assert_string_equal(world->reply->details[1]->value, "2");
    assert_int_equal(get(order->id)->version, 1);
    assert_int_equal(cancel(order, true), STATUS_OK);
    APPEND_WORK(FulfillmentShipped, order, 1);
    show_all();
    Order *now = get(order->id);
    assert_int_equal(now->lines[0]->cancelled, 2);
    assert_int_equal(now->lines[0]->fulfilled, 1);
    assert_int_equal(now->status, ORDER_COMPLETED);
}

/* ---- money ---- */

static enum status pay(const Order *order, const char *reference, enum entry_status entry,
                       int64_t minor)
{
    Penstock__Orders__V1__RecordPaymentRequest in;
    penstock__orders__v1__record_payment_request__init(&in);
    in.id = order->id;
    in.method = TEXT("bank_transfer");
    in.status = (Penstock__Orders__V1__PaymentEntryStatus)entry;
    in.reference = TEXT(reference);
    in.amount = wire_money(arena, minor, "HKD");
    world->command_id = new_text("pay");
    return CALL(RecordPayment, record_payment, &in);
}

static enum status give_back(const Order *order, const char *payment, int64_t minor)
{
    Penstock__Orders__V1__RecordRefundRequest in;
    penstock__orders__v1__record_refund_request__init(&in);
    in.id = order->id;
    in.payment = TEXT(payment);
    in.reason = TEXT("goodwill");
    in.amount = wire_money(arena, minor, "HKD");
    world->command_id = new_text("refund");
    return CALL(RecordRefund, record_refund, &in);
}

static void payments_and_refunds_make_the_payment_status(void **state)
{
    NEEDS_WORLD();
    PlaceOrderRequest *in = paid_request();
    in->n_payments = 0;
    Order *order = place(in);
    assert_int_equal(order->payment_status, PAYMENT_UNPAID);
    assert_int_equal(pay(order, "t1", ENTRY_AUTHORIZED, 5000), STATUS_OK);
    assert_int_equal(pay(order, "t1", ENTRY_CAPTURED, 5000), STATUS_OK);
    assert_int_equal(pay(order, "t1", ENTRY_CAPTURED, 5000), STATUS_OK);
    assert_int_equal(get(order->id)->payment_status, PAYMENT_PARTIALLY_PAID);
    assert_int_equal(pay(order, "", ENTRY_CAPTURED, 7000), STATUS_OK);
    assert_int_equal(get(order->id)->payment_status, PAYMENT_PAID);
    assert_int_equal(pay(order, "", ENTRY_CAPTURED, 0), STATUS_INVALID);
    assert_string_equal(world->reply->field, "amount.amount");
    assert_int_equal(events_of("PaymentRecorded", order->id), 3);
    assert_int_equal(give_back(order, "", 12001), STATUS_CONFLICT);
    assert_string_equal(world->reply->code, "refund_exceeds_captured");
    assert_int_equal(give_back(order, "", 6000), STATUS_OK);
    Order *now = get(order->id);
    assert_int_equal(now->n_refunds, 2);
    assert_int_equal(now->refunds[0]->amount->amount_minor, 5000);
    assert_int_equal(now->payment_status, PAYMENT_PARTIALLY_REFUNDED);
    assert_int_equal(events_of("RefundRecorded", order->id), 2);
    assert_int_equal(give_back(order, now->payments[0]->id, 1), STATUS_CONFLICT);
    assert_int_equal(give_back(order, now->payments[1]->id, 6000), STATUS_OK);
    assert_int_equal(get(order->id)->payment_status, PAYMENT_REFUNDED);
}

static void append_inspected(const Order *order, const char *return_id, const char *inspection_id,
                             int64_t total, int64_t due)
{
    Penstock__Returns__V1__ReturnInspected event;
    Penstock__Returns__V1__DispositionLine line, *list[1] = {&line};
    penstock__returns__v1__return_inspected__init(&event);
    penstock__returns__v1__disposition_line__init(&line);
    line.order_line_id = order->lines[0]->id;
    line.quantity = 1;
    line.returned_total = total;
    event.order_id = order->id;
    event.return_id = TEXT(return_id);
    event.number = TEXT("WEB-1-R1");
    event.inspection_id = TEXT(inspection_id);
    event.lines = list;
    event.n_lines = 1;
    event.refund_due = wire_money(arena, due, "HKD");
    scripted_append(&world->logs[RETURNS], order->id, &event.base);
}

static void a_return_is_refunded_once_per_inspection(void **state)
{
    NEEDS_WORLD();
    char return_id[UUID_TEXT_BYTES], inspection_id[UUID_TEXT_BYTES];
    new_hold(return_id);
    new_hold(inspection_id);
    Order *order = place(paid_request());
    APPEND_WORK(FulfillmentShipped, order, 1);
    append_inspected(order, return_id, inspection_id, 1, 12000);
    append_inspected(order, return_id, inspection_id, 1, 12000);
    show_all();
    Order *now = get(order->id);
    assert_int_equal(now->return_status, RETURN_RETURNED);
    assert_int_equal(now->lines[0]->returned, 1);
    assert_int_equal(now->n_refunds, 1);
    assert_string_equal(now->refunds[0]->return_id, return_id);
    assert_int_equal(now->payment_status, PAYMENT_REFUNDED);
    assert_int_equal(now->refund_due->amount_minor, 0);
    assert_int_equal(events_of("RefundRecorded", order->id), 1);
}

/* ---- and after a kill ---- */

static void what_was_acknowledged_is_there_after_a_kill(void **state)
{
    NEEDS_WORLD();
    PlaceOrderRequest *in = paid_request();
    const char *key = new_text("key");
    assert_int_equal(try_place(in, key), STATUS_OK);
    Order *order = kept(((PlaceOrderResponse *)world->answer)->order);
    scripted_end(world, SIGKILL);
    scripted_spawn(world);
    scripted_await_ready(world);
    assert_int_equal(try_place(in, key), STATUS_OK);
    assert_true(same(&order->base, &((PlaceOrderResponse *)world->answer)->order->base));
    Order *next = place(paid_request());
    assert_string_not_equal(next->number, order->number);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_order_is_placed_reserved_confirmed_and_shown_whole),
        cmocka_unit_test(a_repeat_gets_the_first_answer_and_no_reply_is_kept_with_personal_data),
        cmocka_unit_test(the_same_order_placed_many_times_in_one_batch_is_one_order),
        cmocka_unit_test(what_cannot_be_had_is_refused_with_the_sku_and_nothing_is_written),
        cmocka_unit_test(an_accepted_order_takes_what_there_is_and_goes_on_without_inventory),
        cmocka_unit_test(an_allocation_that_was_held_already_writes_nothing),
        cmocka_unit_test(an_order_goes_through_picking_packing_shipping_and_completes),
        cmocka_unit_test(an_item_that_inventory_does_not_know_puts_a_hold_on_a_confirmed_order),
        cmocka_unit_test(a_manual_channel_waits_for_a_person_and_counts_for_itself),
        cmocka_unit_test(holds_are_a_set_and_expire),
        cmocka_unit_test(a_cancelled_order_has_stopped_its_work_and_owes_the_money),
        cmocka_unit_test(what_has_shipped_is_told_with_figures_and_the_rest_can_go),
        cmocka_unit_test(payments_and_refunds_make_the_payment_status),
        cmocka_unit_test(a_return_is_refunded_once_per_inspection),
        cmocka_unit_test(what_was_acknowledged_is_there_after_a_kill),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
