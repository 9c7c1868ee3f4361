/* rules.h -- what may happen to an order, and what follows from its quantities and ledgers.
 *
 * Pure functions: the facts come in, a changed aggregate or a refusal comes out. No rows, no
 * messages sent, no clock; ids and times are arguments, memory comes from the given arena.
 *
 * A rule that refuses has changed nothing. A rule that changes the order notes it (rules_note),
 * which raises its version and becomes a line of its timeline, and leaves every derived figure
 * right.
 *
 * Limits: 500 lines, 10^6 units a line, 10^15 minor units for any amount or sum.
 */
#pragma once

#include "common/arena.h"
#include "common/status.h"
#include "orders.h"
#include "wire.h"

/* ---- saying no ---- */

#define REFUSAL_FIGURES 3
struct refusal {
    enum status status; /* STATUS_OK: no refusal */
    const char *code, *text;
    char field[96];
    struct {
        const char *name;
        int64_t value;
    } figures[REFUSAL_FIGURES];
    size_t figure_count;
};
/* Fills it in; always false, so that a check ends with return rules_refuse(...). */
bool rules_refuse(struct refusal *refusal, enum status status, const char *code, const char *text,
                  const char *field_format, ...) __attribute__((format(printf, 5, 6)));
void rules_refuse_figure(struct refusal *refusal, const char *name, int64_t value);

/* ---- who does it, and when ---- */

struct act {
    struct arena *arena;
    const char *source; /* the service whose log says so: "orders", "inventory" */
    const char *actor;
    int64_t now_us;
};
/* Raises the version and adds a line to the timeline; detail is what a sentence needs besides. */
void rules_note(struct order *order, const struct act *act, const char *type, const char *detail);

/* ---- what follows from quantities and ledgers (rules_derive.c) ---- */

/* True when the warehouse has to ship it: neither a custom line nor one without shipping. */
bool rules_line_is_tracked(const struct order_line *line);
int64_t rules_line_open(const struct order_line *line);
/* The terms of a tracked line from its running totals, in any interleaving of them. */
void rules_line_derive(struct order_line *line);
/* The sum of those that failed: promised, and owed until they are tried again or cancelled. */
int64_t rules_refunds_failed(const struct order *order);
enum payment_status rules_payment_status(const struct order *order);
enum fulfillment_status rules_fulfillment_status(const struct order *order);
enum return_status rules_return_status(const struct order *order);
/* What the customer has to pay for what is left of the order, before refunds out of kindness. */
int64_t rules_charge(const struct order *order);
/* Current total and what is due, from the charge and what was captured and refunded. */
void rules_derive_due(struct order *order);
/* All of it: lines, statuses, sums, what is due; of the family's other members, what is due.
 * Idempotent. */
void rules_order_derive(struct order *order);
/* The part of a line's total that falls on this many of its units: parts of it, taken one after the
 * other, sum to the whole. */
int64_t rules_line_value(const struct order_line *line, int64_t units);

/* ---- the life cycle (rules_order.c) ---- */

bool rules_order_may(enum order_status from, enum order_status to);
bool rules_entry_may(enum entry_status from, enum entry_status to);
const char *rules_order_status_name(enum order_status status);
/* True when it changed to confirmed; an order that is confirmed already stays as it is. */
bool rules_confirm(struct order *order, const struct act *act, struct refusal *no);
/* True when everything is shipped or cancelled and nothing is due: then the order is completed. */
bool rules_complete(struct order *order, const struct act *act);

/* What fulfillment said about one line. */
struct stopped {
    struct uuid line_id;
    int64_t stopped, shipped;
};
struct cancel {
    const char *reason;
    bool remaining;
    bool is_channels; /* the channel's wish: takes what can be stopped, whatever has shipped */
    const struct stopped *stopped;
    size_t stopped_count;
};
/* How many units of each line were cancelled by this; NULL when refused. */
const int64_t *rules_cancel(struct order *order, const struct act *act, const struct cancel *cancel,
                            struct refusal *no);
bool rules_cancel_reason_is_known(const char *reason);
/* The quantities to be stopped before a cancel; returns how many of them. */
size_t rules_stop_lines(const struct order *order, struct stopped *lines);

/* ---- holds (rules_holds.c) ---- */

/* The new hold, or NULL when refused. */
struct hold *rules_hold(struct order *order, const struct act *act, const struct uuid *id,
                        const char *type, const char *reason, int64_t expires_at_us,
                        struct refusal *no);
/* The hold that was released, or NULL. */
struct hold *rules_release(struct order *order, const struct act *act, const struct uuid *id,
                           struct refusal *no);
const struct hold *rules_standing_hold(const struct order *order, const char *type);

/* ---- the payments ledger (rules_payments.c) ---- */

struct payment_facts {
    const char *method, *reference;
    enum entry_status status;
    int64_t amount, paid_at_us;
};
/* Adds an entry, or moves the one with the same reference on. *changed is false when the ledger
 * says so already. NULL when refused. */
struct payment *rules_payment(struct order *order, const struct act *act, const struct uuid *id,
                              const struct payment_facts *facts, bool *changed, struct refusal *no);
/* Moves the pending entry with that id to a status and the amount that there was; NULL when
 * refused. */
struct payment *rules_payment_decide(struct order *order, const struct act *act,
                                     const struct uuid *id, enum entry_status status,
                                     int64_t amount, struct refusal *no);
struct refund_facts {
    int64_t amount;
    const char *reason;
    const struct uuid *payment_id; /* NULL: spread over the payments, oldest first */
    struct uuid return_id, inspection_id;
    const struct uuid *ids;    /* for the new refunds: one per payment of the order */
    enum refund_status status; /* in which they begin; 0: succeeded */
    enum refund_provider provider;
    struct uuid request_id;
    const uint8_t *parts; /* RefundParts, packed */
    size_t parts_bytes;
};
/* Records refunds; the first new one and their count. NULL when refused: never more than
 * what was captured and not refunded, per payment and in all. */
struct refund *rules_refund(struct order *order, const struct act *act,
                            const struct refund_facts *facts, size_t *count, struct refusal *no);
/* What of the order, or of one of its payments, can still be refunded. */
int64_t rules_refundable(const struct order *order);
int64_t rules_payment_refundable(const struct payment *payment);
/* An inspection of returned goods says what is due. True the first time: then what came back is
 * worth that much, and as much of it as was captured is to be refunded: *refund_minor. */
bool rules_inspection(struct order *order, const struct act *act, const struct uuid *inspection_id,
                      const struct uuid *return_id, int64_t due_minor, int64_t *refund_minor);

/* ---- placing (rules_check.c, rules_place.c) ---- */

/* Whether a request is an order at all: shapes, lengths, limits, money of one currency. is_import:
 * contacts are the channel's business and their shape is not ours to refuse. */
bool rules_check_order(const PlaceOrderRequest *in, bool is_import, int64_t now_us,
                       struct refusal *no);
/* A copy of a channel's order whose texts have no control characters, are UTF-8 and within limits.
 */
PlaceOrderRequest *rules_clean_order(const PlaceOrderRequest *in, struct arena *arena);
bool rules_check_text(const char *value, size_t max_characters, struct refusal *no,
                      const char *field);
/* The same for what may have line ends. */
bool rules_check_lines(const char *value, size_t max_characters, struct refusal *no,
                       const char *field);
bool rules_check_token(const char *value, struct refusal *no, const char *field);
/* As rules_check_text, line breaks and tabs allowed. */
bool rules_check_note(const char *value, size_t max_characters, struct refusal *no,
                      const char *field);
bool rules_check_email(const char *value, struct refusal *no, const char *field);
bool rules_check_phone(const char *value, struct refusal *no, const char *field);
/* name: the request's field that it is. */
bool rules_check_address(const Address *address, struct refusal *no, const char *name);
/* An amount of the currency, positive; its minor units. */
bool rules_check_amount(const Money *money, const char *currency, struct refusal *no,
                        const char *field, int64_t *minor);

/* True when the line goes to inventory: tracked, and it has a SKU. */
bool rules_input_takes_stock(const LineInput *line);
/* True when the line's price is to be the item's. */
bool rules_input_lacks_price(const LineInput *line);
/* How it is delivered (rules_delivery.c): NULL is nothing to object to. */
bool rules_check_delivery(const Delivery *delivery, struct refusal *no);
/* Whether what is due can be collected on delivery. */
bool rules_check_collection(const struct order *order, const Delivery *delivery,
                            struct refusal *no);

/* What inventory said about one line. */
struct held {
    int64_t held;
    const char *name; /* the item's; NULL: not told */
    bool is_unknown;  /* no such SKU */
};
struct auto_set;
struct auto_verdict;
struct placing {
    const PlaceOrderRequest *in;
    const struct channel *channel;
    const char *number;
    const struct uuid *ids;  /* rules_place_ids() of them, the order's first */
    const struct held *held; /* one per line; NULL: nobody was asked, or nobody answered */
    bool is_import;
    const char *external_number;
    bool is_cancelled; /* the channel cancelled it before we heard of it */
    const char *cancel_reason;
    const Money *current_total; /* the channel's own figure; NULL: ours */
    /* The shop's rules (rules_auto.h); NULL: none. */
    const struct auto_set *rules;
    const struct uuid *rule_ids;  /* rules_auto_ids() of them */
    struct auto_verdict *verdict; /* becomes what they said */
};
size_t rules_place_ids(const PlaceOrderRequest *in);
/* The order as it begins: priced, shared out, confirmed if nothing stands against it. NULL: refused
 * (an amount overflows, a total is negative). */
struct order *rules_place(const struct placing *placing, const struct act *act, struct refusal *no);
/* What of a request is kept packed with the order; points into the request. */
void rules_details(const PlaceOrderRequest *in, OrderDetails *details);
/* Money as sold from the request's parts, into the order's totals and its lines' (rules_totals.c).
 */
bool rules_totals(struct order *order, const PlaceOrderRequest *in, struct arena *arena,
                  struct refusal *no);

/* ---- what a channel sends again (rules_import.c) ---- */

/* -1, 0, 1: the greatest version wins. */
int rules_version_compare(const struct source_version *a, const struct source_version *b);
/* Of the lines, the address and the amounts: what we lead on once we have worked on an order. */
struct uuid rules_content_hash(const PlaceOrderRequest *in, struct arena *arena);
/* True when nobody has picked, shipped, cancelled or edited anything of it. */
bool rules_is_untouched(const struct order *order);
/* Payments as the channel has them now, matched by reference, else by method. Returns how many
 * changed; refunds that the channel made are recorded once. ids: two per payment. */
size_t rules_import_payments(struct order *order, const struct act *act,
                             const PlaceOrderRequest *in, const struct uuid *ids);
/* True when its customer was erased: what its channel says of them is not taken up again. */
bool rules_is_erased(const struct order *order, struct arena *arena);
/* The customer as the channel has them now: true when that changed anything. */
bool rules_import_contact(struct order *order, const struct act *act, const PlaceOrderRequest *in);
/* Lines, addresses and amounts as the channel has them now; ids: one per line. False: refused. */
bool rules_import_content(struct order *order, const struct act *act, const PlaceOrderRequest *in,
                          const struct uuid *ids, struct refusal *no);
/* The channel's own figure for what is left of the total; NULL changes nothing. */
void rules_import_current_total(struct order *order, const Money *current_total);
/* What the channel has changed on lines, address and total, for a person: never NULL. */
const char *rules_import_difference(const struct order *order, const PlaceOrderRequest *in,
                                    struct arena *arena);
