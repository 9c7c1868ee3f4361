/* adapter_draft.h -- the canonical order while an adapter fills it.
 *
 * Both adapters build the same message and must be exact about money, so the building, the sums and
 * the balance against the channel's own total live here once. What goes wrong is remembered with
 * its code and sentence, the first one only; every function then returns false.
 *
 * Ownership: everything lives in the arena given. Limits: ADAPTER_MAX_LINES lines, 64 of every
 * other part, amounts as money.h.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/money.h"
#include "services/gateway/adapter.h"

typedef Penstock__Common__V1__Address Address;
typedef Penstock__Orders__V1__PlaceOrderRequest PlaceOrderRequest;
typedef Penstock__Orders__V1__PaymentEntryStatus PaymentEntryStatus;

#define DRAFT_PENDING PENSTOCK__ORDERS__V1__PAYMENT_ENTRY_STATUS__PAYMENT_ENTRY_STATUS_PENDING
#define DRAFT_AUTHORIZED PENSTOCK__ORDERS__V1__PAYMENT_ENTRY_STATUS__PAYMENT_ENTRY_STATUS_AUTHORIZED
#define DRAFT_CAPTURED PENSTOCK__ORDERS__V1__PAYMENT_ENTRY_STATUS__PAYMENT_ENTRY_STATUS_CAPTURED
#define DRAFT_VOIDED PENSTOCK__ORDERS__V1__PAYMENT_ENTRY_STATUS__PAYMENT_ENTRY_STATUS_VOIDED
#define DRAFT_FAILED PENSTOCK__ORDERS__V1__PAYMENT_ENTRY_STATUS__PAYMENT_ENTRY_STATUS_FAILED

struct draft {
    struct arena *arena;
    const char *code, *reason; /* NULL: nothing went wrong */
    char currency[4];
    ImportOrderRequest *import;
    PlaceOrderRequest *order; /* import->order */
    /* What has been added, in minor units. discounts are those of lines and of the order. */
    int64_t items_minor, discounts_minor, shipping_minor, tax_minor, charges_minor;
};

/* Starts an order; false when the currency is not known. */
bool draft_open(struct draft *draft, struct arena *arena, const struct adapter_input *input,
                const char *external_id, const char *currency);
/* Remembers what went wrong unless something had before. Always false. */
bool draft_fail(struct draft *draft, const char *code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A member that is an amount, absent: 0. where names the object in the reason: "line_items[0]". */
bool draft_read_e4(struct draft *draft, const struct json_value *object, const char *where,
                   const char *name, int64_t *out_e4);
/* The same in whole minor units. */
bool draft_read_minor(struct draft *draft, const struct json_value *object, const char *where,
                      const char *name, int64_t *out_minor);
bool draft_whole_minor(struct draft *draft, int64_t amount_e4, const char *where,
                       int64_t *out_minor);
/* A line's quantity; false for a fraction or what is none. */
bool draft_read_quantity(struct draft *draft, const struct json_value *object, const char *where,
                         int64_t *out);

struct draft_line {
    char *sku, *name, *external_id;
    int64_t quantity, cancelled;
    int64_t unit_minor, discount_minor, tax_minor;
    bool is_custom, no_shipping;
};
bool draft_add_line(struct draft *draft, const struct draft_line *line);
bool draft_add_shipping(struct draft *draft, char *code, char *title, int64_t minor);
/* Of the whole order; positive. */
bool draft_add_discount(struct draft *draft, char *code, char *title, int64_t minor);
/* A code whose money the lines' discounts hold already: listed with an amount of zero, once. */
bool draft_list_code(struct draft *draft, char *code);
bool draft_add_charge(struct draft *draft, char *title, int64_t minor);
bool draft_add_tax(struct draft *draft, char *title, int32_t rate_ppm, int64_t minor);
struct draft_payment {
    const char *method;
    PaymentEntryStatus status;
    int64_t minor, refunded_minor;
    char *reference;
    int64_t paid_at_us;
};
/* Nothing is added for an amount of zero. */
bool draft_add_payment(struct draft *draft, const struct draft_payment *payment);

/* The order's tax in one line, when its tax lines do not sum to what it says itself. */
bool draft_settle_taxes(struct draft *draft, int64_t total_minor);

/* A part of the total that may or may not be in it, as the channel's version and settings will
 * have it: a tip can stand apart or be a line. */
enum draft_kind { DRAFT_CHARGE, DRAFT_DISCOUNT, DRAFT_SHIPPING };
struct draft_option {
    enum draft_kind kind;
    char *code, *title;
    int64_t minor; /* positive for a discount too */
    bool by_default;
};
#define DRAFT_MAX_OPTIONS 12
struct draft_options {
    struct draft_option list[DRAFT_MAX_OPTIONS];
    size_t count;
};
/* Nothing is added for an amount of zero, or when there is no room. */
void draft_offer(struct draft_options *options, struct draft_option option);
/* Adds those options with which the parts sum to the stated total: the usual ones if they do, else
 * the choice that differs least from them. If none does and the difference is at most
 * rounding_minor, a charge "rounding" closes it; else fails as total_mismatch with the figures and
 * the hint. */
bool draft_balance(struct draft *draft, int64_t stated_minor, const struct draft_options *options,
                   int64_t rounding_minor, const char *hint);

/* The channel's own totals. */
void draft_state_total(struct draft *draft, int64_t total_minor);
void draft_state_current_total(struct draft *draft, int64_t total_minor);

/* A member's text in a line of at most 255 bytes, "" when absent. */
char *draft_text(struct draft *draft, const struct json_value *object, const char *name);
/* Adds a line "about: value" to the customer's note; about NULL: the value alone. */
void draft_add_note(struct draft *draft, const char *about, const char *value);
/* An empty address. */
Address *draft_address(struct draft *draft);
