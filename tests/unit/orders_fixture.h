/* orders_fixture.h -- orders and requests for the tests of the orders service, made in an arena.
 *
 * Included by several tests; everything is static, and inline where a test may not need it.
 */
#pragma once

#include <stdio.h>
#include <string.h>

#include "common/arena.h"
#include "rules.h"
#include "view.h"

#define TEXT(text) ((char *)(uintptr_t)(text))
#define NOW_US (INT64_C(1794300000) * 1000000)

static inline LineInput *a_line(struct arena *arena, const char *sku, int64_t quantity,
                                int64_t price)
{
    LineInput *line = ARENA_NEW(arena, LineInput);
    penstock__orders__v1__line_input__init(line);
    line->sku = TEXT(sku);
    line->quantity = quantity;
    line->unit_price = wire_money(arena, price, "HKD");
    return line;
}

static inline PaymentInput *a_payment(struct arena *arena, const char *method,
                                      enum entry_status status, int64_t minor)
{
    PaymentInput *payment = ARENA_NEW(arena, PaymentInput);
    penstock__orders__v1__payment_input__init(payment);
    payment->method = TEXT(method);
    payment->status = (Penstock__Orders__V1__PaymentEntryStatus)status;
    payment->amount = wire_money(arena, minor, "HKD");
    return payment;
}

static inline Discount *a_discount(struct arena *arena, int64_t minor)
{
    Discount *discount = ARENA_NEW(arena, Discount);
    penstock__orders__v1__discount__init(discount);
    discount->amount = wire_money(arena, minor, "HKD");
    return discount;
}

static inline ShippingLine *a_shipping(struct arena *arena, int64_t minor)
{
    ShippingLine *line = ARENA_NEW(arena, ShippingLine);
    penstock__orders__v1__shipping_line__init(line);
    line->title = TEXT("順豐");
    line->price = wire_money(arena, minor, "HKD");
    return line;
}

static inline TaxLine *a_tax(struct arena *arena, int64_t minor)
{
    TaxLine *tax = ARENA_NEW(arena, TaxLine);
    penstock__orders__v1__tax_line__init(tax);
    tax->amount = wire_money(arena, minor, "HKD");
    return tax;
}

/* Room for 16 of everything; one line of TEE-M at 120.00, to a customer in Hong Kong. */
static inline PlaceOrderRequest *a_request(struct arena *arena)
{
    PlaceOrderRequest *in = ARENA_NEW(arena, PlaceOrderRequest);
    penstock__orders__v1__place_order_request__init(in);
    in->channel = TEXT("web");
    in->currency = TEXT("HKD");
    in->locale = TEXT("zh-Hant");
    in->prices_include_tax = true;
    in->customer = ARENA_NEW(arena, Customer);
    penstock__orders__v1__customer__init(in->customer);
    in->customer->name = TEXT("陳大文");
    in->customer->email = TEXT("tm@example.com");
    in->customer->phone = TEXT("+85291234567");
    in->shipping_address = ARENA_NEW(arena, Address);
    penstock__common__v1__address__init(in->shipping_address);
    in->shipping_address->name = TEXT("陳大文");
    in->shipping_address->address1 = TEXT("觀塘道 1 號");
    in->shipping_address->country = TEXT("HK");
    in->lines = ARENA_ARRAY(arena, 16, LineInput *);
    in->payments = ARENA_ARRAY(arena, 16, PaymentInput *);
    in->discounts = ARENA_ARRAY(arena, 16, Discount *);
    in->shipping_lines = ARENA_ARRAY(arena, 16, ShippingLine *);
    in->tax_lines = ARENA_ARRAY(arena, 16, TaxLine *);
    in->charges = ARENA_ARRAY(arena, 16, Charge *);
    in->lines[in->n_lines++] = a_line(arena, "TEE-M", 1, 12000);
    return in;
}

static inline struct uuid *some_ids(struct arena *arena, size_t count)
{
    struct uuid *ids = ARENA_ARRAY(arena, count, struct uuid);
    for (size_t i = 0; i < count; i++)
        ids[i] = uuid_new();
    return ids;
}

static inline struct act an_act(struct arena *arena)
{
    return (struct act){.arena = arena, .source = "orders", .actor = "key:test", .now_us = NOW_US};
}

/* Places it through an automatic channel, all of it held; NULL when refused. */
static inline struct order *an_order(struct arena *arena, const PlaceOrderRequest *in,
                                     struct refusal *no)
{
    static const struct channel web = {"web", "WEB", false, 100001, 0, 0};
    struct act act = an_act(arena);
    struct held *held = ARENA_ARRAY(arena, in->n_lines, struct held);
    for (size_t i = 0; i < in->n_lines; i++)
        held[i].held = in->lines[i]->quantity;
    struct placing placing = {.in = in,
                              .channel = &web,
                              .number = "WEB-100001",
                              .ids = some_ids(arena, rules_place_ids(in)),
                              .held = held};
    return rules_place(&placing, &act, no);
}
