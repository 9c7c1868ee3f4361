/* The transcoder: JSON to messages and back, and the refusals that name the field. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "penstock/inventory/v1/inventory.pb-c.h"
#include "penstock/orders/v1/orders.pb-c.h"
#include "services/gateway/rfc3339.h"
#include "services/gateway/routes.h"
#include "services/gateway/transcode.h"

typedef Penstock__Orders__V1__PlaceOrderRequest PlaceOrderRequest;
#define PLACE_ORDER (&penstock__orders__v1__place_order_request__descriptor)

static struct arena *arena;
static struct transcode_refusal refusal;

static ProtobufCMessage *read_as(const ProtobufCMessageDescriptor *type, const char *text)
{
    arena_reset(arena);
    struct json_error error = {"", "", 0};
    const struct json_value *value = json_parse(text, strlen(text), JSON_LIMITS_API, arena, &error);
    if (value == NULL)
        fail_msg("%s: %s", text, error.sentence);
    ProtobufCMessage *message = transcode_new(type, arena);
    refusal = (struct transcode_refusal){"", "", ""};
    return transcode_read(value, message, arena, &refusal) == STATUS_OK ? message : NULL;
}

static void an_order_is_read_field_by_field(void **state)
{
    (void)state;
    PlaceOrderRequest *order = (PlaceOrderRequest *)read_as(
        PLACE_ORDER,
        "{\"channel\": \"web\", \"stock_policy\": \"require\", \"external_id\": null,"
        "\"customer\": {\"name\": \"陳大文\"}, \"prices_include_tax\": true,"
        "\"placed_at\": \"2026-11-11T12:00:03.5+08:00\","
        "\"tax_lines\": [{\"rate_ppm\": 50000}],"
        "\"lines\": [{\"sku\": \"TEE-M\", \"quantity\": 2, \"unit_price\": {\"amount\": \"120.5\","
        "\"currency\": \"HKD\"}}, {\"sku\": \"CAP\", \"quantity\": 1}],"
        "\"payments\": [{\"status\": \"captured\"}]}");
    assert_non_null(order);
    assert_string_equal(order->channel, "web");
    assert_string_equal(order->external_id, "");
    assert_int_equal(order->stock_policy,
                     PENSTOCK__INVENTORY__V1__STOCK_POLICY__STOCK_POLICY_REQUIRE);
    assert_string_equal(order->customer->name, "陳大文");
    assert_null(order->shipping_address);
    assert_true(order->prices_include_tax);
    assert_int_equal(order->placed_at_us, INT64_C(1794369603500000));
    assert_int_equal(order->tax_lines[0]->rate_ppm, 50000);
    assert_int_equal(order->n_lines, 2);
    assert_int_equal(order->lines[0]->quantity, 2);
    assert_int_equal(order->lines[0]->unit_price->amount_minor, 12050);
    assert_string_equal(order->lines[0]->unit_price->currency, "HKD");
    assert_string_equal(order->lines[1]->sku, "CAP");
    assert_null(order->lines[1]->unit_price);
    assert_int_equal(order->payments[0]->status,
                     PENSTOCK__ORDERS__V1__PAYMENT_ENTRY_STATUS__PAYMENT_ENTRY_STATUS_CAPTURED);
}

static void a_refusal_names_the_field_and_what_would_be_right(void **state)
{
    (void)state;
    static const struct {
        const char *text, *code, *field, *sentence_has;
    } cases[] = {
        {"[]", "invalid_type", "", "object"},
        {"{\"chanel\": 1}", "unknown_member", "chanel", ""},
        {"{\"channel\": 1}", "invalid_type", "channel", "a text"},
        {"{\"channel\": {}}", "invalid_type", "channel", "a text"},
        {"{\"lines\": {}}", "invalid_type", "lines", "a list"},
        {"{\"lines\": [null]}", "invalid_type", "lines[0]", "an object"},
        {"{\"lines\": [{}, {\"quantity\": \"1\"}]}", "invalid_type", "lines[1].quantity", "whole"},
        {"{\"lines\": [{\"quantity\": 1.5}]}", "invalid_type", "lines[0].quantity", "whole"},
        {"{\"lines\": [{\"quantity\": 1e3}]}", "invalid_type", "lines[0].quantity", "whole"},
        {"{\"lines\": [{\"quantity\": 9223372036854775808}]}", "out_of_range", "lines[0].quantity",
         "between"},
        {"{\"tax_lines\": [{\"rate_ppm\": 2147483648}]}", "out_of_range", "tax_lines[0].rate_ppm",
         "2147483647"},
        {"{\"stock_policy\": \"maybe\"}", "invalid", "stock_policy", "require, accept"},
        {"{\"stock_policy\": \"unspecified\"}", "invalid", "stock_policy", "require, accept"},
        {"{\"stock_policy\": 1}", "invalid_type", "stock_policy", "text"},
        {"{\"prices_include_tax\": \"true\"}", "invalid_type", "prices_include_tax",
         "true or false"},
        {"{\"placed_at_us\": 1}", "unknown_member", "placed_at_us", ""},
        {"{\"placed_at\": 1}", "invalid_type", "placed_at", "a time"},
        {"{\"placed_at\": \"2026-02-30T00:00:00Z\"}", "invalid", "placed_at", "a time"},
        {"{\"placed_at\": \"yesterday\"}", "invalid", "placed_at", "a time"},
        {"{\"customer\": {\"name\": [\"a\"]}}", "invalid_type", "customer.name", "a text"},
        {"{\"lines\": [{\"unit_price\": \"1\"}]}", "invalid_type", "lines[0].unit_price", "object"},
        {"{\"lines\": [{\"unit_price\": {}}]}", "required", "lines[0].unit_price.amount", ""},
        {"{\"lines\": [{\"unit_price\": {\"amount\": \"1\"}}]}", "required",
         "lines[0].unit_price.currency", ""},
        {"{\"lines\": [{\"unit_price\": {\"amount\": 1, \"currency\": \"HKD\"}}]}", "invalid_type",
         "lines[0].unit_price.amount", "text"},
        {"{\"lines\": [{\"unit_price\": {\"amount\": \"1\", \"currency\": \"XYZ\"}}]}",
         "unknown_currency", "lines[0].unit_price.currency", ""},
        {"{\"lines\": [{\"unit_price\": {\"amount\": \"1\", \"currency\": \"HKD\", \"x\": 1}}]}",
         "unknown_member", "lines[0].unit_price.x", ""},
        {"{\"lines\": [{\"unit_price\": {\"amount\": \"1.234\", \"currency\": \"HKD\"}}]}",
         "invalid", "lines[0].unit_price.amount", "2 decimals"},
        {"{\"lines\": [{\"unit_price\": {\"amount\": \"1.5\", \"currency\": \"TWD\"}}]}", "invalid",
         "lines[0].unit_price.amount", "0 decimals"},
        {"{\"lines\": [{\"unit_price\": {\"amount\": \"1e3\", \"currency\": \"HKD\"}}]}", "invalid",
         "lines[0].unit_price.amount", "digits"},
        {"{\"lines\": [{\"unit_price\": {\"amount\": \"\", \"currency\": \"HKD\"}}]}", "invalid",
         "lines[0].unit_price.amount", "digits"},
        {"{\"lines\": [{\"unit_price\": {\"amount\": \"99999999999999999999\", \"currency\": "
         "\"HKD\"}}]}",
         "amount_too_large", "lines[0].unit_price.amount", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (read_as(PLACE_ORDER, cases[i].text) != NULL)
            fail_msg("%s: accepted", cases[i].text);
        assert_string_equal(refusal.code, cases[i].code);
        assert_string_equal(refusal.field, cases[i].field);
        if (strstr(refusal.text, cases[i].sentence_has) == NULL)
            fail_msg("%s: %s", cases[i].text, refusal.text);
    }
}

static void zeros_past_a_currencys_decimals_are_no_decimals(void **state)
{
    (void)state;
    PlaceOrderRequest *order = (PlaceOrderRequest *)read_as(
        PLACE_ORDER,
        "{\"lines\": [{\"unit_price\": {\"amount\": \"600.00\", \"currency\": \"TWD\"}}]}");
    assert_int_equal(order->lines[0]->unit_price->amount_minor, 600);
}

static void an_answer_is_written_by_the_conventions(void **state)
{
    (void)state;
    Penstock__Common__V1__Money price = PENSTOCK__COMMON__V1__MONEY__INIT;
    price.amount_minor = 12000;
    price.currency = (char[]){"HKD"};
    Penstock__Orders__V1__OrderLine line = PENSTOCK__ORDERS__V1__ORDER_LINE__INIT;
    line.sku = (char[]){"TEE-M"};
    line.quantity = 3;
    line.unit_price = &price;
    Penstock__Orders__V1__Order order = PENSTOCK__ORDERS__V1__ORDER__INIT;
    order.id = (char[]){"0192"};
    order.payment_status = PENSTOCK__ORDERS__V1__PAYMENT_STATUS__PAYMENT_STATUS_PARTIALLY_PAID;
    order.version = 7;
    order.placed_at_us = INT64_C(1794369603123456);
    order.n_lines = 1;
    order.lines = (Penstock__Orders__V1__OrderLine *[]){&line};
    Penstock__Orders__V1__GetOrderResponse answer = PENSTOCK__ORDERS__V1__GET_ORDER_RESPONSE__INIT;
    answer.order = &order;

    const ProtobufCMessage *rendered = transcode_rendered(&answer.base);
    assert_ptr_equal(rendered, &order.base);
    assert_int_equal(transcode_int64(rendered, "version"), 7);
    struct json_writer writer;
    json_writer_open(&writer);
    transcode_write(&writer, rendered);
    json_put_null(&writer);
    writer.data[writer.bytes - 5] = '\0';
    static const char *const pieces[] = {
        "{\"id\":\"0192\",\"number\":null,",
        "\"status\":null,\"payment_status\":\"partially_paid\",",
        "\"placed_at\":\"2026-11-11T04:00:03.123456Z\",\"updated_at\":null,",
        "\"total\":null,",
        "\"customer\":null,",
        "\"lines\":[{\"id\":null,\"sku\":\"TEE-M\",",
        "\"quantity\":3,\"unit_price\":{\"amount\":\"120.00\",\"currency\":\"HKD\"},\"discount\":"
        "null",
        "\"is_custom\":false,",
        "\"holds\":[],",
    };
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++)
        if (strstr(writer.data, pieces[i]) == NULL)
            fail_msg("%s has no %s", writer.data, pieces[i]);
    json_writer_close(&writer);
}

static void a_list_is_data_and_next_cursor(void **state)
{
    (void)state;
    Penstock__Inventory__V1__ListLevelsResponse list =
        PENSTOCK__INVENTORY__V1__LIST_LEVELS_RESPONSE__INIT;
    struct json_writer writer;
    json_writer_open(&writer);
    transcode_write(&writer, transcode_rendered(&list.base));
    assert_memory_equal(writer.data, "{\"data\":[],\"next_cursor\":null}", writer.bytes);
    json_writer_close(&writer);
}

static void parameters_are_read_by_the_fields_type(void **state)
{
    (void)state;
    arena_reset(arena);
    Penstock__Orders__V1__ListOrdersRequest request =
        PENSTOCK__ORDERS__V1__LIST_ORDERS_REQUEST__INIT;
    static const struct {
        const char *name, *text, *code;
    } cases[] = {
        {"limit", "20", NULL},
        {"channel", "123", NULL},
        {"status", "confirmed", NULL},
        {"placed_after", "2026-11-11T12:00:03 08:00", NULL},
        {"limit", "many", "invalid_type"},
        {"limit", "", "invalid_type"},
        {"limit", "99999999999", "out_of_range"},
        {"status", "new", "invalid"},
        {"placed_before", "2026-11-11", "invalid"},
        {"colour", "red", "unknown_parameter"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        refusal.code = NULL;
        enum status status =
            transcode_read_parameter(cases[i].name, cases[i].text, &request.base, arena, &refusal);
        assert_int_equal(status, cases[i].code == NULL ? STATUS_OK : STATUS_INVALID);
        if (cases[i].code != NULL) {
            assert_string_equal(refusal.code, cases[i].code);
            assert_string_equal(refusal.field, cases[i].name);
        }
    }
    assert_int_equal(request.limit, 20);
    assert_string_equal(request.channel, "123");
    assert_int_equal(request.status, PENSTOCK__ORDERS__V1__ORDER_STATUS__ORDER_STATUS_CONFIRMED);
    assert_int_equal(request.placed_after_us, INT64_C(1794369603000000));
}

/* Walks every message of every route: its types are those that the transcoder knows, so that its
 * default: branches cannot be reached. */
static void check_types(const ProtobufCMessageDescriptor *type)
{
    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &type->fields[i];
        switch (field->type) {
        case PROTOBUF_C_TYPE_INT32:
        case PROTOBUF_C_TYPE_INT64:
        case PROTOBUF_C_TYPE_BOOL:
        case PROTOBUF_C_TYPE_ENUM:
        case PROTOBUF_C_TYPE_STRING:
        case PROTOBUF_C_TYPE_BYTES:
            break;
        case PROTOBUF_C_TYPE_MESSAGE:
            check_types(field->descriptor);
            break;
        default:
            fail_msg("%s.%s has a type that JSON does not show", type->name, field->name);
        }
    }
}

static void the_contract_uses_only_types_that_the_transcoder_knows(void **state)
{
    (void)state;
    struct endpoints *endpoints = endpoints_open();
    for (size_t i = 0; i < endpoints->count; i++) {
        check_types(endpoints->list[i].rpc->input);
        check_types(endpoints->list[i].rpc->output);
    }
    endpoints_close(&endpoints);
}

static void times_go_there_and_back(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t us;
    } good[] = {
        {"1970-01-01T00:00:00.000001Z", 1},
        {"2000-02-29T23:59:59Z", INT64_C(951868799000000)},
        {"2026-01-02t03:04:05.1234567z", INT64_C(1767323045123456)},
        {"2026-01-02T03:04:05-05:00", INT64_C(1767341045000000)},
        {"2016-12-31T23:59:60Z", INT64_C(1483228800000000)},
        {"9999-12-31T23:59:59.999999Z", INT64_C(253402300799999999)},
    };
    static const char *const bad[] = {
        "",
        "2026",
        "2026-01-02",
        "2026-01-02T03:04:05",
        "2026-01-02 03:04:05Z",
        "2026-13-02T03:04:05Z",
        "2026-02-29T03:04:05Z",
        "2026-01-00T03:04:05Z",
        "2026-01-02T24:04:05Z",
        "2026-01-02T03:60:05Z",
        "2026-01-02T03:04:61Z",
        "2026-01-02T03:04:05.Z",
        "2026-01-02T03:04:05.1234567890Z",
        "2026-01-02T03:04:05+0800",
        "2026-01-02T03:04:05+24:00",
        "2026-01-02T03:04:05Zx",
        "1970-01-01T00:00:00Z",
        "1969-12-31T23:59:59Z",
        "0000-01-01T00:00:00Z",
        "+2026-01-02T03:04:05Z",
        "1970-01-01T00:00:00+00:01",
    };
    int64_t us;
    char text[RFC3339_TEXT_BYTES];
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(rfc3339_parse(good[i].text, &us, NULL));
        assert_int_equal(us, good[i].us);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (rfc3339_parse(bad[i], &us, NULL))
            fail_msg("%s: accepted", bad[i]);
    for (int64_t at = 1; at < INT64_C(253402300800000000); at += INT64_C(86399999999) * 7) {
        assert_true(rfc3339_parse(rfc3339_text(at, text), &us, NULL));
        assert_int_equal(us, at);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_order_is_read_field_by_field),
        cmocka_unit_test(a_refusal_names_the_field_and_what_would_be_right),
        cmocka_unit_test(zeros_past_a_currencys_decimals_are_no_decimals),
        cmocka_unit_test(an_answer_is_written_by_the_conventions),
        cmocka_unit_test(a_list_is_data_and_next_cursor),
        cmocka_unit_test(parameters_are_read_by_the_fields_type),
        cmocka_unit_test(the_contract_uses_only_types_that_the_transcoder_knows),
        cmocka_unit_test(times_go_there_and_back),
    };
    arena = arena_open((size_t)16 << 20);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_close(&arena);
    return failed;
}
