/* wire.h -- the proto's names, short, and the proof that our numbers are the wire's.
 *
 * The only place where enum values of the wire become ours: a value that we do not know is a
 * refusal where it comes in (rules_check.c), never a member of our enums.
 */
#pragma once

#include <assert.h>

#include "orders.h"
#include "penstock/orders/v1/orders.pb-c.h"

typedef Penstock__Common__V1__Money Money;
typedef Penstock__Common__V1__Address Address;
typedef Penstock__Orders__V1__Order Order;
typedef Penstock__Orders__V1__OrderLine OrderLine;
typedef Penstock__Orders__V1__Payment Payment;
typedef Penstock__Orders__V1__Refund Refund;
typedef Penstock__Orders__V1__Hold Hold;
typedef Penstock__Orders__V1__Family Family;
typedef Penstock__Orders__V1__FamilyMember FamilyMember;
typedef Penstock__Orders__V1__Customer Customer;
typedef Penstock__Orders__V1__LineInput LineInput;
typedef Penstock__Orders__V1__ShippingLine ShippingLine;
typedef Penstock__Orders__V1__Discount Discount;
typedef Penstock__Orders__V1__TaxLine TaxLine;
typedef Penstock__Orders__V1__Charge Charge;
typedef Penstock__Orders__V1__PaymentInput PaymentInput;
typedef Penstock__Orders__V1__OrderDetails OrderDetails;
typedef Penstock__Orders__V1__Delivery Delivery;
typedef Penstock__Orders__V1__PlaceOrderRequest PlaceOrderRequest;
typedef Penstock__Orders__V1__PlaceOrderResponse PlaceOrderResponse;
typedef Penstock__Orders__V1__ImportOrderRequest ImportOrderRequest;
typedef Penstock__Orders__V1__ImportOrderResponse ImportOrderResponse;
typedef Penstock__Orders__V1__Delivery Delivery;
typedef Penstock__Orders__V1__EditBase EditBase;
typedef Penstock__Orders__V1__LineBase LineBase;
typedef Penstock__Orders__V1__FieldChange FieldChange;
typedef Penstock__Orders__V1__EditOperation EditOperation;
typedef Penstock__Orders__V1__SetQuantity SetQuantity;
typedef Penstock__Orders__V1__ReplaceLine ReplaceLine;
typedef Penstock__Orders__V1__SetLineDiscount SetLineDiscount;
typedef Penstock__Orders__V1__SetText SetText;
typedef Penstock__Orders__V1__OrderVersion OrderVersion;

#define X(name, number)                                                                            \
    static_assert(number == (int)PENSTOCK__ORDERS__V1__ORDER_STATUS__ORDER_STATUS_##name, #name);
ORDER_STATUSES(X)
#undef X
#define X(name, number)                                                                            \
    static_assert(number == (int)PENSTOCK__ORDERS__V1__PAYMENT_STATUS__PAYMENT_STATUS_##name,      \
                  #name);
PAYMENT_STATUSES(X)
#undef X
#define X(name, number)                                                                            \
    static_assert(number ==                                                                        \
                      (int)PENSTOCK__ORDERS__V1__FULFILLMENT_STATUS__FULFILLMENT_STATUS_##name,    \
                  #name);
FULFILLMENT_STATUSES(X)
#undef X
#define X(name, number)                                                                            \
    static_assert(number == (int)PENSTOCK__ORDERS__V1__RETURN_STATUS__RETURN_STATUS_##name, #name);
RETURN_STATUSES(X)
#undef X
#define X(name, number)                                                                            \
    static_assert(                                                                                 \
        number == (int)PENSTOCK__ORDERS__V1__PAYMENT_ENTRY_STATUS__PAYMENT_ENTRY_STATUS_##name,    \
        #name);
ENTRY_STATUSES(X)
#undef X
#define X(name, number)                                                                            \
    static_assert(number == (int)PENSTOCK__ORDERS__V1__REFUND_STATUS__REFUND_STATUS_##name, #name);
REFUND_STATUSES(X)
#undef X
#define X(name, number)                                                                            \
    static_assert(number == (int)PENSTOCK__ORDERS__V1__REFUND_PROVIDER__REFUND_PROVIDER_##name,    \
                  #name);
REFUND_PROVIDERS(X)
#undef X
static_assert((int)POLICY_REQUIRE ==
                      (int)PENSTOCK__INVENTORY__V1__STOCK_POLICY__STOCK_POLICY_REQUIRE &&
                  (int)POLICY_ACCEPT ==
                      (int)PENSTOCK__INVENTORY__V1__STOCK_POLICY__STOCK_POLICY_ACCEPT,
              "stock policies");
