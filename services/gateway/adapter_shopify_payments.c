#include "services/gateway/adapter_shopify.h"

#include <string.h>

#include "services/gateway/adapter_read.h"

struct status_word {
    const char *word;
    PaymentEntryStatus status;
};
static const struct status_word financial_statuses[] = {
    {"pending", DRAFT_PENDING},
    {"authorized", DRAFT_AUTHORIZED},
    {"partially_paid", DRAFT_CAPTURED},
    {"paid", DRAFT_CAPTURED},
    {"partially_refunded", DRAFT_CAPTURED},
    {"refunded", DRAFT_CAPTURED},
    {"voided", DRAFT_VOIDED},
    {"expired", DRAFT_VOIDED},
};

static PaymentEntryStatus entry_status_of(const char *financial_status)
{
    for (size_t i = 0; i < sizeof(financial_statuses) / sizeof(financial_statuses[0]); i++) {
        if (strcmp(financial_statuses[i].word, financial_status) == 0)
            return financial_statuses[i].status;
    }
    return DRAFT_PENDING;
}

static bool has_word(const struct json_value *object, const char *name, const char *word)
{
    const char *text = json_get_text(object, name);
    return text != NULL && strcmp(text, word) == 0;
}

/* An amount of money that moved in the order's currency; 0 for any other. */
static int64_t moved_minor(const struct shopify_reading *reading,
                           const struct json_value *transaction)
{
    const char *currency = json_get_text(transaction, "currency");
    int64_t amount_e4;
    bool is_ours = currency == NULL || strcmp(currency, reading->draft.currency) == 0;
    if (!is_ours || !has_word(transaction, "status", "success") ||
        !read_member_e4(transaction, "amount", reading->draft.currency, &amount_e4))
        return 0;
    return amount_e4 > 0 ? read_nearest_minor(amount_e4) : 0;
}

static int64_t refunded_in(const struct shopify_reading *reading,
                           const struct json_value *transactions)
{
    int64_t sum = 0;
    json_each(transaction, transactions) {
        int64_t moved = moved_minor(reading, transaction);
        if (has_word(transaction, "kind", "refund") && sum < READ_MAX_MINOR)
            sum += moved;
    }
    return sum;
}

/* What was paid back, by the list that tells more: the order's transactions or its refunds'. */
static int64_t refunded_minor(const struct shopify_reading *reading)
{
    int64_t by_order = refunded_in(reading, json_get(reading->order, "transactions"));
    int64_t by_refunds = 0;
    json_each(refund, json_get(reading->order, "refunds")) {
        if (by_refunds < READ_MAX_MINOR)
            by_refunds += refunded_in(reading, json_get(refund, "transactions"));
    }
    return by_order > by_refunds ? by_order : by_refunds;
}

/* True when a successful transaction of the kind says that this one is its parent. */
static bool has_child(const struct shopify_reading *reading, const struct json_value *parent,
                      const char *kind)
{
    const char *id = json_get_figure(parent, "id");
    json_each(transaction, json_get(reading->order, "transactions")) {
        const char *parent_id = json_get_figure(transaction, "parent_id");
        if (id != NULL && parent_id != NULL && strcmp(id, parent_id) == 0 &&
            has_word(transaction, "kind", kind) && has_word(transaction, "status", "success"))
            return true;
    }
    return false;
}

/* False when the transaction is no entry of its own: a refund, a void, or captured since. */
static bool status_of_transaction(const struct shopify_reading *reading,
                                  const struct json_value *transaction, PaymentEntryStatus *status)
{
    bool is_capture =
        has_word(transaction, "kind", "sale") || has_word(transaction, "kind", "capture");
    if (!is_capture && (!has_word(transaction, "kind", "authorization") ||
                        has_child(reading, transaction, "capture")))
        return false;
    *status = is_capture                                ? DRAFT_CAPTURED
              : has_child(reading, transaction, "void") ? DRAFT_VOIDED
                                                        : DRAFT_AUTHORIZED;
    return true;
}

/* Each movement of money as an entry, where the channel sends them; refunds are taken from what was
 * captured, oldest first. */
static bool add_transactions(struct shopify_reading *reading)
{
    struct draft *draft = &reading->draft;
    int64_t refunded = refunded_minor(reading);
    json_each(transaction, json_get(reading->order, "transactions")) {
        struct draft_payment payment = {.minor = moved_minor(reading, transaction)};
        if (payment.minor == 0 || !status_of_transaction(reading, transaction, &payment.status))
            continue;
        payment.method = read_method(draft->arena, json_get_text(transaction, "gateway"));
        payment.reference = draft_text(&reading->draft, transaction, "id");
        payment.paid_at_us = read_time_us(json_get_text(transaction, "created_at"));
        if (payment.status == DRAFT_CAPTURED) {
            payment.refunded_minor = refunded < payment.minor ? refunded : payment.minor;
            refunded -= payment.refunded_minor;
        }
        if (!draft_add_payment(draft, &payment))
            return false;
    }
    return true;
}

static const char *method_of(struct shopify_reading *reading)
{
    const char *word = json_get_text(reading->order, "gateway");
    json_each(name, json_get(reading->order, "payment_gateway_names")) {
        bool is_usable = json_is(name, JSON_KIND_STRING) && strcmp(name->text, "gift_card") != 0;
        if ((word == NULL || *word == '\0') && is_usable)
            word = name->text;
    }
    return read_method(reading->draft.arena, word);
}

/* What a status alone tells of the amounts: the order's total, less what is said to be open or was
 * paid back. */
static bool add_status_payment(struct shopify_reading *reading, const char *financial_status)
{
    struct draft *draft = &reading->draft;
    int64_t total = draft->import->stated_total->amount_minor, outstanding;
    struct draft_payment payment = {
        .method = method_of(reading), .status = entry_status_of(financial_status), .minor = total};
    if (!draft_read_minor(draft, reading->order, "order", "total_outstanding", &outstanding))
        return false;
    if (strcmp(financial_status, "partially_paid") == 0) {
        bool is_told = outstanding > 0 && outstanding < total;
        payment.status = is_told ? DRAFT_CAPTURED : DRAFT_PENDING;
        payment.minor = is_told ? total - outstanding : total;
    }
    if (payment.status == DRAFT_CAPTURED) {
        const Penstock__Common__V1__Money *current = draft->import->stated_current_total;
        int64_t refunded = refunded_minor(reading);
        if (refunded == 0 && strcmp(financial_status, "refunded") == 0)
            refunded = total;
        if (refunded == 0 && strcmp(financial_status, "partially_refunded") == 0 && current != NULL)
            refunded = total - current->amount_minor;
        payment.refunded_minor = refunded < payment.minor ? refunded : payment.minor;
    }
    return draft_add_payment(draft, &payment);
}

bool shopify_add_payments(struct shopify_reading *reading)
{
    char *financial_status = draft_text(&reading->draft, reading->order, "financial_status");
    reading->draft.import->financial_status = financial_status;
    if (!add_transactions(reading))
        return false;
    return reading->draft.order->n_payments > 0 || add_status_payment(reading, financial_status);
}
