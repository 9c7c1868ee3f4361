/* gateway_channels.h -- what the adapters' tests share: files, a decoded delivery, sums made
 * afresh.
 *
 * Included by one test program each. Samples recorded from real channels lie beside the project;
 * tests that want them say so and skip where they are absent.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sodium.h>

#include "common/arena.h"
#include "common/money.h"
#include "services/gateway/adapter.h"
#include "services/gateway/json.h"

#define SAMPLES "../shared/channels/samples/"
#define FIXTURES "tests/fixtures/channels/"

typedef Penstock__Orders__V1__PlaceOrderRequest PlacedOrder;
typedef Penstock__Orders__V1__LineInput PlacedLine;
typedef Penstock__Orders__V1__PaymentInput PlacedPayment;
typedef Penstock__Common__V1__Money PlacedMoney;

/* A file's bytes; skips the test with a word when a sample is absent. */
static inline char *read_file(struct arena *arena, const char *path, size_t *bytes)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL && strncmp(path, "..", 2) == 0) {
        print_message("[  SKIPPED ] %s is not there\n", path);
        skip();
    }
    assert_non_null(file);
    char *buffer = arena_alloc(arena, 1 << 20);
    *bytes = fread(buffer, 1, (1 << 20) - 1, file);
    fclose(file);
    return buffer;
}

static inline struct adapter_result decode_bytes(const struct adapter *adapter, struct arena *arena,
                                                 const char *topic, const char *body, size_t bytes)
{
    uint8_t hash[crypto_hash_sha256_BYTES];
    char *hex = arena_alloc(arena, 2 * sizeof(hash) + 1);
    crypto_hash_sha256(hash, (const uint8_t *)body, bytes);
    sodium_bin2hex(hex, 2 * sizeof(hash) + 1, hash, sizeof(hash));
    struct adapter_input input = {.channel = "shop",
                                  .topic = topic,
                                  .delivery_id = "0192f0c4-0000-7000-8000-000000000001",
                                  .body_hash = hex,
                                  .triggered_at_ns = 1700000000123456789,
                                  .body = (const uint8_t *)body,
                                  .body_bytes = bytes};
    struct adapter_result result = {0};
    adapter->decode(&input, arena, &result);
    return result;
}

static inline struct adapter_result decode_text(const struct adapter *adapter, struct arena *arena,
                                                const char *topic, const char *body)
{
    return decode_bytes(adapter, arena, topic, body, strlen(body));
}

static inline struct adapter_result decode_file(const struct adapter *adapter, struct arena *arena,
                                                const char *topic, const char *path)
{
    size_t bytes;
    char *body = read_file(arena, path, &bytes);
    return decode_bytes(adapter, arena, topic, body, bytes);
}

static inline int64_t minor_of(const PlacedMoney *money)
{
    return money != NULL ? money->amount_minor : 0;
}

/* What the customer pays, summed from the parts as whoever receives them does. */
static inline int64_t sum_of_parts(const ImportOrderRequest *import)
{
    const PlacedOrder *order = import->order;
    int64_t sum = 0;
    for (size_t i = 0; i < order->n_lines; i++)
        sum += minor_of(order->lines[i]->unit_price) * order->lines[i]->quantity -
               minor_of(order->lines[i]->discount);
    for (size_t i = 0; i < order->n_shipping_lines; i++)
        sum += minor_of(order->shipping_lines[i]->price);
    for (size_t i = 0; i < order->n_discounts; i++)
        sum -= minor_of(order->discounts[i]->amount);
    for (size_t i = 0; i < order->n_tax_lines && !order->prices_include_tax; i++)
        sum += minor_of(order->tax_lines[i]->amount);
    for (size_t i = 0; i < order->n_charges; i++)
        sum += minor_of(order->charges[i]->amount);
    return sum;
}

/* An order whose parts sum to what the channel says: "297.90", "HKD". */
static inline const PlacedOrder *assert_totals(const ImportOrderRequest *import, const char *total,
                                               const char *currency)
{
    struct money stated;
    assert_non_null(import);
    assert_true(money_parse(total, currency, &stated));
    assert_string_equal(import->order->currency, currency);
    assert_int_equal(minor_of(import->stated_total), stated.minor);
    assert_int_equal(sum_of_parts(import), stated.minor);
    assert_string_equal(import->stated_total->currency, currency);
    return import->order;
}

static inline const PlacedOrder *assert_order(const struct adapter_result *result,
                                              const char *total, const char *currency)
{
    if (result->verdict != ADAPTER_ORDER)
        print_message("%s: %s\n", result->code, result->reason);
    assert_int_equal(result->verdict, ADAPTER_ORDER);
    return assert_totals(result->import, total, currency);
}

static inline void assert_parked(const struct adapter_result *result, const char *code,
                                 const char *words)
{
    assert_int_equal(result->verdict, ADAPTER_PARKED);
    assert_string_equal(result->code, code);
    if (strstr(result->reason, words) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", result->reason, words);
}

static inline void assert_payment(const PlacedPayment *payment, const char *method,
                                  Penstock__Orders__V1__PaymentEntryStatus status, int64_t minor,
                                  int64_t refunded)
{
    assert_string_equal(payment->method, method);
    assert_int_equal(payment->status, status);
    assert_int_equal(minor_of(payment->amount), minor);
    assert_int_equal(minor_of(payment->refunded), refunded);
}
#define CAPTURED PENSTOCK__ORDERS__V1__PAYMENT_ENTRY_STATUS__PAYMENT_ENTRY_STATUS_CAPTURED
#define PENDING PENSTOCK__ORDERS__V1__PAYMENT_ENTRY_STATUS__PAYMENT_ENTRY_STATUS_PENDING
#define AUTHORIZED PENSTOCK__ORDERS__V1__PAYMENT_ENTRY_STATUS__PAYMENT_ENTRY_STATUS_AUTHORIZED
#define VOIDED PENSTOCK__ORDERS__V1__PAYMENT_ENTRY_STATUS__PAYMENT_ENTRY_STATUS_VOIDED

/* The text of a value and all in it, written back: for tests that take a body apart. */
static inline void write_value(struct json_writer *writer, const struct json_value *value)
{
    switch (value->kind) {
    case JSON_KIND_NULL:
        json_put_null(writer);
        return;
    case JSON_KIND_FALSE:
    case JSON_KIND_TRUE:
        json_put_bool(writer, value->kind == JSON_KIND_TRUE);
        return;
    case JSON_KIND_NUMBER:
    case JSON_KIND_STRING: /* adapters read figures from either */
        json_put_text(writer, value->text);
        return;
    case JSON_KIND_ARRAY:
        json_begin_array(writer);
        json_each(item, value)
            write_value(writer, item);
        json_end_array(writer);
        return;
    case JSON_KIND_OBJECT:
        json_begin_object(writer);
        json_each(member, value) {
            json_put_name(writer, member->name);
            write_value(writer, member);
        }
        json_end_object(writer);
        return;
    }
}

static inline char *text_of_value(struct arena *arena, const struct json_value *value)
{
    struct json_writer writer;
    json_writer_open(&writer);
    write_value(&writer, value);
    char *text = arena_strndup(arena, writer.data, writer.bytes);
    json_writer_close(&writer);
    return text;
}

static inline int open_arena(void **state)
{
    *state = arena_open(ADAPTER_ARENA_BYTES);
    return sodium_init() < 0;
}

static inline int close_arena(void **state)
{
    arena_close((struct arena **)state);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_arena, close_arena)
