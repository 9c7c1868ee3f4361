#include "timeline.h"

#include <string.h>

/* %s: the detail. */
static const struct {
    const char *type, *sentence;
} sentences[] = {
    {"order_placed", "Placed: %s."},
    {"order_confirmed", "Confirmed."},
    {"order_completed", "Completed: everything has shipped and nothing is due."},
    {"order_cancelled", "Cancelled (units, reason): %s."},
    {"order_changed", "Changed by its channel."},
    {"order_edited", "Edited: %s."},
    {"contact_changed", "Customer, billing address or note changed by the channel."},
    {"total_changed", "Total changed by the channel."},
    {"channel_changed", "%s"},
    {"customer_erased", "The customer was erased."},
    {"note_added", "Note: %s"},
    {"tagged", "Tags: %s."},
    {"rule_fired", "Rule %s."},
    {"order_expired", "Expired: it was not paid in time."},
    {"order_reopened", "Reopened: it is wanted after all."},
    {"hold_placed", "Put on hold: %s."},
    {"hold_released", "Hold released: %s."},
    {"payment_recorded", "Payment recorded: %s."},
    {"payment_changed", "Payment changed by the channel: %s."},
    {"refund_recorded", "Refund recorded: %s."},
    {"refund_requested", "Refund asked for: %s."},
    {"refund_approved", "Refund approved: %s."},
    {"refund_declined", "Refund declined: %s."},
    {"refund_started", "Refund sent to its provider: %s."},
    {"refund_failed", "Refund failed, it is still owed: %s."},
    {"refund_retried", "Refund is tried again: %s."},
    {"stock_allocated", "Stock allocated: %s."},
    {"stock_released", "Stock released: %s."},
    {"picked", "Picked: %s."},
    {"packed", "Packed: %s."},
    {"parcel_shipped", "Shipped: %s."},
    {"parcel_delivered", "Delivered: %s."},
    {"fulfillment_cancelled", "The warehouse cancelled its work: %s."},
    {"return_requested", "Return requested: %s."},
    {"return_approved", "Return approved."},
    {"return_received", "Return received: %s."},
    {"return_inspected", "Return inspected: %s."},
    {"return_ended", "Return ended."},
    {"order_split", "Split off: %s."},
    {"split_off", "Split off from %s."},
    {"order_unsplit", "Put together again with %s."},
    {"unsplit", "Gone back into %s."},
    {"shares_parcel", "Leaves in one parcel with others: %s."},
    {"parcel_taken_apart", "Leaves by itself again: %s."},
    {"family_payment_changed", "Its part of the family's payments changed: %s due."},
    {"message_received", "The customer wrote."},
    {"message_sent", "A message was sent to the customer."},
    {"internal_note_added", "An internal note was added."},
    {"remark_changed", "The shipping remark was changed."},
    {"links_revoked", "The links to the customer's page were revoked."},
};

const char *timeline_sentence(struct arena *arena, const struct change *change)
{
    for (size_t i = 0; i < sizeof(sentences) / sizeof(sentences[0]); i++) {
        if (strcmp(sentences[i].type, change->type) != 0)
            continue;
        const char *hole = strstr(sentences[i].sentence, "%s");
        if (hole == NULL)
            return sentences[i].sentence;
        return arena_printf(arena, "%.*s%s%s", (int)(hole - sentences[i].sentence),
                            sentences[i].sentence, change->detail, hole + 2);
    }
    return change->detail;
}

struct change timeline_of_placing(struct arena *arena, const struct order *order)
{
    struct money total = {.minor = order->total};
    memcpy(total.currency, order->currency, sizeof(total.currency));
    char text[MONEY_TEXT_BYTES];
    return (struct change){
        .version = 1,
        .occurred_at_us = order->created_at_us,
        .source = "orders",
        .type = "order_placed",
        .actor = order->created_by,
        .detail = arena_printf(arena, "%s through %s, %s %s", order->number, order->channel,
                               money_text(total, text), order->currency),
    };
}
