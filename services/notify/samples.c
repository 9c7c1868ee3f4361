/* What a letter is about when it is only looked at: a parcel, a refund, a message, a code that are
 * made up for the order. */
#include "services/notify/letters.h"

#include "common/wording.h"

typedef Penstock__Orders__V1__Order Order;
typedef Penstock__Fulfillment__V1__WorkLine WorkLine;

#define SAMPLE_CODE "123456"

static char *text(struct arena *arena, const char *value)
{
    return arena_strdup(arena, value);
}

/* All of the order in one parcel. */
static const FulfillmentShipped *parcel_of(struct arena *arena, const Order *order)
{
    FulfillmentShipped *parcel = ARENA_NEW(arena, FulfillmentShipped);
    penstock__fulfillment__v1__fulfillment_shipped__init(parcel);
    parcel->carrier = text(arena, "sf-express");
    parcel->tracking_number = text(arena, "SF0123456789012");
    parcel->shipped_at_us = order->placed_at_us;
    parcel->lines = ARENA_ARRAY(arena, order->n_lines, WorkLine *);
    while (parcel->n_lines < order->n_lines) {
        const Penstock__Orders__V1__OrderLine *line = order->lines[parcel->n_lines];
        WorkLine *work = ARENA_NEW(arena, WorkLine);
        penstock__fulfillment__v1__work_line__init(work);
        work->order_line_id = line->id;
        work->sku = line->sku;
        work->quantity = work->total = line->quantity;
        parcel->lines[parcel->n_lines++] = work;
    }
    return parcel;
}

static const RefundRecorded *refund_of(struct arena *arena, const Order *order)
{
    RefundRecorded *refund = ARENA_NEW(arena, RefundRecorded);
    penstock__orders__v1__refund_recorded__init(refund);
    refund->amount = order->total;
    if (order->n_payments > 0)
        refund->payment_id = order->payments[0]->id;
    return refund;
}

struct letter_subject letters_sample(struct arena *arena, enum message_kind kind,
                                     const Contact *contact, const char *locale)
{
    static const Order no_order = PENSTOCK__ORDERS__V1__ORDER__INIT;
    static const char *const messages[LANGUAGE_COUNT] = {
        [LANGUAGE_ZH_HANT] = "您好，這是一則測試訊息。\n\n謝謝您的訂購。",
        [LANGUAGE_EN] = "Hello, this is a message to try things out.\n\nThank you for your order."};
    const Order *order = contact->order == NULL ? &no_order : contact->order;
    Contact *shown = arena_copy(arena, contact, sizeof(*contact));
    if (*shown->link_token != '\0')
        shown->link_token = text(arena, "preview"); /* and nothing that opens the order */
    struct letter_subject subject = {.kind = kind, .contact = shown, .locale = locale};
    if (kind == MESSAGE_SHIPMENT)
        subject.shipped = parcel_of(arena, order);
    else if (kind == MESSAGE_REFUND)
        subject.refund = refund_of(arena, order);
    else if (kind == MESSAGE_STAFF_MESSAGE)
        subject.text = messages[wording_language(locale, LANGUAGE_EN)];
    else if (kind == MESSAGE_ORDER_CODE)
        subject.text = SAMPLE_CODE;
    return subject;
}
