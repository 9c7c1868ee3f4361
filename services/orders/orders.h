/* orders.h -- an order as this service thinks of it.
 *
 * One aggregate: the order, its lines, payments, refunds, holds and returns. Quantities and ledgers
 * are the truth; the four statuses are derived from them (rules.h) and stored for search. The life
 * cycle is the only status with transitions of its own.
 *
 * Amounts are minor units of the order's one currency. Times are microseconds since 1970 UTC, 0:
 * not yet. Texts are never NULL in an order that rules made or store loaded, except where said.
 *
 * Ownership: everything lives in the arena of the call that loaded or placed the order.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/id.h"
#include "common/money.h"

/* Stored and sent: append only, never renumber. */
#define ORDER_STATUSES(X)                                                                          \
    X(DRAFT, 1)                                                                                    \
    X(PENDING, 2)                                                                                  \
    X(CONFIRMED, 3)                                                                                \
    X(COMPLETED, 4)                                                                                \
    X(ARCHIVED, 5)                                                                                 \
    X(CANCELLED, 6)                                                                                \
    X(EXPIRED, 7)
/* From, to, and what takes it there. */
#define ORDER_TRANSITIONS(X)                                                                       \
    X(DRAFT, PENDING, placed)                                                                      \
    X(DRAFT, CANCELLED, cancelled)                                                                 \
    X(PENDING, CONFIRMED, confirmed)                                                               \
    X(PENDING, CANCELLED, cancelled)                                                               \
    X(PENDING, EXPIRED, unpaid_in_time)                                                            \
    X(EXPIRED, PENDING, reopened)                                                                  \
    X(CONFIRMED, COMPLETED, fulfilled_and_settled)                                                 \
    X(CONFIRMED, CANCELLED, cancelled)                                                             \
    X(COMPLETED, CONFIRMED, reopened)                                                              \
    X(COMPLETED, ARCHIVED, archived)                                                               \
    X(CANCELLED, ARCHIVED, archived)                                                               \
    X(EXPIRED, ARCHIVED, archived)

#define PAYMENT_STATUSES(X)                                                                        \
    X(UNPAID, 1)                                                                                   \
    X(PENDING, 2)                                                                                  \
    X(AUTHORIZED, 3)                                                                               \
    X(PARTIALLY_PAID, 4)                                                                           \
    X(PAID, 5)                                                                                     \
    X(OVERPAID, 6)                                                                                 \
    X(PARTIALLY_REFUNDED, 7)                                                                       \
    X(REFUNDED, 8)                                                                                 \
    X(VOIDED, 9)

#define FULFILLMENT_STATUSES(X)                                                                    \
    X(UNFULFILLED, 1)                                                                              \
    X(PARTIALLY_FULFILLED, 2)                                                                      \
    X(FULFILLED, 3)                                                                                \
    X(PARTIALLY_DELIVERED, 4)                                                                      \
    X(DELIVERED, 5)                                                                                \
    X(NOT_REQUIRED, 6)

#define RETURN_STATUSES(X)                                                                         \
    X(NONE, 1)                                                                                     \
    X(REQUESTED, 2)                                                                                \
    X(PARTIALLY_RETURNED, 3)                                                                       \
    X(RETURNED, 4)

#define ENTRY_STATUSES(X)                                                                          \
    X(PENDING, 1)                                                                                  \
    X(AUTHORIZED, 2)                                                                               \
    X(CAPTURED, 3)                                                                                 \
    X(VOIDED, 4)                                                                                   \
    X(FAILED, 5)
#define ENTRY_TRANSITIONS(X)                                                                       \
    X(PENDING, AUTHORIZED)                                                                         \
    X(PENDING, CAPTURED)                                                                           \
    X(PENDING, VOIDED)                                                                             \
    X(PENDING, FAILED)                                                                             \
    X(AUTHORIZED, CAPTURED)                                                                        \
    X(AUTHORIZED, VOIDED)                                                                          \
    X(AUTHORIZED, FAILED)

#define REFUND_STATUSES(X)                                                                         \
    X(REQUESTED, 1)                                                                                \
    X(APPROVED, 2)                                                                                 \
    X(PROCESSING, 3)                                                                               \
    X(SUCCEEDED, 4)                                                                                \
    X(FAILED, 5)                                                                                   \
    X(CANCELLED, 6)
/* A failed one is still owed: it keeps its share of what was captured, and is tried again. */
#define REFUND_TRANSITIONS(X)                                                                      \
    X(REQUESTED, APPROVED)                                                                         \
    X(REQUESTED, SUCCEEDED)                                                                        \
    X(REQUESTED, CANCELLED)                                                                        \
    X(APPROVED, PROCESSING)                                                                        \
    X(PROCESSING, SUCCEEDED)                                                                       \
    X(PROCESSING, FAILED)                                                                          \
    X(FAILED, APPROVED)                                                                            \
    X(FAILED, SUCCEEDED)                                                                           \
    X(FAILED, CANCELLED)
#define REFUND_PROVIDERS(X)                                                                        \
    X(MANUAL, 1)                                                                                   \
    X(CHANNEL, 2)

#define X(name, number) ORDER_##name = number,
enum order_status { ORDER_STATUSES(X) };
#undef X
#define X(name, number) PAYMENT_##name = number,
enum payment_status { PAYMENT_STATUSES(X) };
#undef X
#define X(name, number) FULFILLMENT_##name = number,
enum fulfillment_status { FULFILLMENT_STATUSES(X) };
#undef X
#define X(name, number) RETURN_##name = number,
enum return_status { RETURN_STATUSES(X) };
#undef X
#define X(name, number) ENTRY_##name = number,
enum entry_status { ENTRY_STATUSES(X) };
#undef X
#define X(name, number) REFUND_##name = number,
enum refund_status { REFUND_STATUSES(X) };
#undef X

#define X(name, number) PROVIDER_##name = number,
enum refund_provider { REFUND_PROVIDERS(X) };
#undef X

/* What a stock policy of the wire becomes: unspecified is ACCEPT. */
enum stock_policy { POLICY_REQUIRE = 1, POLICY_ACCEPT = 2 };

struct order_line {
    struct uuid order_id, id;
    int32_t line_no; /* 0, 1, ... in the order in which they were placed */
    const char *sku, *name, *external_id;
    int64_t quantity;
    int64_t unit_price, discount, tax;
    int64_t
        total; /* what the customer pays for the line, the order's discounts and taxes shared out */
    bool is_custom, no_shipping;
    int64_t cancelled;
    /* Running totals as other logs tell them; they may be ahead of each other. */
    int64_t allocated_total; /* inventory: live allocations and what was consumed */
    int64_t picked_total, packed_total, shipped_total, delivered_total; /* fulfillment */
    int64_t returned_total;                                             /* returns */
    /* The terms, derived: quantity = cancelled + open + fulfilled, open = the first six. */
    int64_t unallocated, backordered, preordered, reserved, picked, packed, fulfilled;
    int64_t delivered, returned; /* of fulfilled */
    bool is_new, is_changed;
    bool is_rewritten; /* by its channel: quantity, SKU, price */
    /* Of what it waits for, as inventory tells. */
    int64_t preordered_total, backordered_total, promised_at_us;
    struct uuid origin_id; /* part of a line that was split: that line's; nil: none */
    bool is_ahead;         /* what it waits for changed */
    bool is_resized;       /* by a split: quantity and amounts, whatever was worked on */
};

struct payment {
    struct uuid order_id, id;
    const char *method, *reference; /* reference "": none */
    enum entry_status status;
    int64_t amount;
    int64_t refunded; /* of it, promised: all but what was cancelled */
    int64_t paid_at_us, recorded_at_us;
    bool is_changed, is_new;
};

struct refund {
    struct uuid order_id, id, payment_id;
    enum refund_status status;
    int64_t amount;
    const char *reason;
    struct uuid return_id, inspection_id; /* nil: not of a return */
    struct uuid member_id; /* of the family's member that it was made for; nil: the root */
    int64_t recorded_at_us;
    const char *actor;
    struct uuid request_id; /* nil: asked for by itself */
    enum refund_provider provider;
    const char *approved_by, *error; /* "": nobody, none */
    int32_t attempts;
    int64_t next_attempt_at_us; /* if nobody hears how the last one ended; 0: none was made */
    int64_t settled_at_us;
    const uint8_t *parts; /* RefundParts, packed; on the first of its request */
    size_t parts_bytes;
    bool is_new, is_changed;
};

struct hold {
    struct uuid order_id, id;
    const char *type, *reason, *actor;
    int64_t placed_at_us, expires_at_us, released_at_us;
    const char *released_by;
    bool is_changed, is_new;
};

struct order_return {
    struct uuid order_id, return_id;
    bool is_open;
    bool is_changed;
};

/* What an inspection of returned goods said is due: counted once. */
struct inspection {
    struct uuid order_id, inspection_id, return_id;
    int64_t refund_due;
    bool is_new;
};

struct family;

/* One change of an order, for its timeline. */
struct change {
    int64_t version; /* of the order after it */
    int64_t occurred_at_us;
    const char *source, *type, *actor, *detail;
};

struct order {
    struct uuid id;
    const char *number, *channel, *external_id, *external_number;
    enum order_status status;
    enum payment_status payment_status;
    enum fulfillment_status fulfillment_status;
    enum return_status return_status;
    int32_t stock_policy;
    char currency[4];
    const char *locale, *country;
    bool prices_include_tax;

    /* As sold. */
    int64_t items_total, discount_total, shipping_total, tax_total, charges_total, total;
    /* What came off since: the value of cancelled quantities, and of goods that came back. */
    int64_t cancelled_value, returned_value;
    /* The ledger, summed. */
    int64_t captured_total, refunded_total;
    int64_t current_total, amount_due, refund_due; /* derived; only the first is stored */

    int64_t version;
    int64_t placed_at_us, created_at_us, updated_at_us;
    int64_t confirmed_at_us, cancelled_at_us, completed_at_us;
    int64_t edited_at_us; /* by us, and not by its channel; 0: never */
    const char *cancel_reason, *created_by;
    int32_t hold_count; /* holds that stand */

    const char *customer_id, *customer_external_id, *customer_name, *email, *phone;
    const uint8_t *details; /* an OrderDetails, packed */
    size_t details_bytes;

    struct order_line *lines;
    size_t line_count;
    struct payment *payments; /* oldest first */
    size_t payment_count;
    struct refund *refunds;
    size_t refund_count;
    struct hold *holds; /* released ones too */
    size_t hold_rows;
    struct order_return *returns;
    size_t return_count;
    struct inspection *inspections;
    size_t inspection_count;

    /* What was split belongs together (rules_family.h); NULL and nil: it never was. */
    struct uuid root_id, parent_id;
    struct family *family;
    enum payment_status payment_status_before; /* as it was loaded, for what is told of it */
    int64_t amount_due_before;

    /* What is to be written. */
    struct change *changes;
    size_t change_count;
    bool is_changed;   /* status, figures, version */
    bool is_rewritten; /* totals as sold, contact, details, external number */
};

/* How a channel counts and confirms. */
struct channel {
    const char *name, *number_prefix;
    bool confirms_manually;
    int64_t next_number;
    int64_t taken;          /* numbers taken in this turn */
    int32_t unpaid_minutes; /* how long an order may stay unpaid; 0: it waits for no payment */
};

/* The version of an order at its source: the greatest wins, so that equal times have one outcome.
 */
struct source_version {
    int64_t updated_at_us, triggered_at_ns;
    const char *body_hash;
};

/* What makes (channel, external id) one order for good. */
struct external {
    const char *channel, *external_id;
    struct uuid order_id;
    struct uuid content_hash; /* of the request that placed it over the API; nil: imported */
    const uint8_t *answer;    /* that request's first answer, without personal data */
    size_t answer_bytes;
    struct source_version version;   /* imported; zeros: never */
    struct uuid source_content_hash; /* of the channel's lines, address and amounts */
};

#define ORDERS_MAX_LINES 500
#define ORDERS_MAX_QUANTITY 1000000
#define ORDERS_MAX_ENTRIES 50 /* of each other list of an order */
#define ORDERS_MAX_PAYMENTS 100
#define ORDERS_MAX_HOLDS 100
#define ORDERS_MAX_REMARK 255 /* characters that a slip has room for */
