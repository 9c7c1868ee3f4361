/* Transfers to the shop's bank account: the customer says that they have paid, finance looks, and
 * then it is money or not. */
#include <string.h>

#include "handlers_rules.h"
#include "rules_family.h"
#include "store_transfers.h"

typedef Penstock__Orders__V1__Transfer Transfer;
typedef Penstock__Orders__V1__SubmitTransferRequest SubmitTransferRequest;
typedef Penstock__Orders__V1__SubmitTransferResponse SubmitTransferResponse;
typedef Penstock__Orders__V1__ApproveTransferRequest ApproveTransferRequest;
typedef Penstock__Orders__V1__ApproveTransferResponse ApproveTransferResponse;
typedef Penstock__Orders__V1__DeclineTransferRequest DeclineTransferRequest;
typedef Penstock__Orders__V1__DeclineTransferResponse DeclineTransferResponse;
typedef Penstock__Orders__V1__ListTransfersRequest ListTransfersRequest;
typedef Penstock__Orders__V1__ListTransfersResponse ListTransfersResponse;

#define DEFAULT_LIMIT 50
#define MAX_LIMIT 200
#define DAY_US (INT64_C(86400) * 1000000)

/* ---- saying that it was made ---- */

static bool is_last_five(const char *text)
{
    size_t length = strlen(text);
    return length <= 5 && strspn(text, "0123456789") == length;
}

static bool check_transfer(const SubmitTransferRequest *in, int64_t now_us, struct refusal *no)
{
    if (!is_last_five(in->last_five))
        return rules_refuse(no, STATUS_INVALID, "invalid", "At most five digits of the account.",
                            "%s", "last_five");
    if (in->paid_at_us < 0 || in->paid_at_us > now_us + DAY_US)
        return rules_refuse(no, STATUS_INVALID, "out_of_range", "Nothing is paid in the future.",
                            "%s", "paid_at");
    return rules_check_text(in->reference, 128, no, "reference") &&
           rules_check_text(in->note, 500, no, "note");
}

static enum status save(struct call *call, struct order *order, const struct act *act,
                        const struct payment *payment, Order **shown)
{
    TRY(emit_payment(call, order, payment));
    TRY(hold_if_paid_late(call, order, act));
    TRY(confirm_if_due(call, order, act, NULL));
    TRY(complete_if_due(call, order, act));
    store_order_save(call->db, order);
    *shown = view_order(call->arena, order, NULL);
    return STATUS_OK;
}

static enum status keep(struct call *call, const struct order *order,
                        const SubmitTransferRequest *in, const struct payment *payment)
{
    struct transfer transfer = {.payment_id = payment->id,
                                .order_id = order->id,
                                .claimed = payment->amount,
                                .last_five = in->last_five,
                                .reference = in->reference,
                                .note = in->note,
                                .submitted_at_us = call->now_us,
                                .submitted_by = call->actor};
    memcpy(transfer.currency, order->currency, sizeof(transfer.currency));
    return store_transfer_add(call->db, &transfer);
}

/* The same reference and amount again is the transfer that is known. */
ORDERS_HANDLER(submit_transfer, SubmitTransferRequest, SubmitTransferResponse)
{
    struct order *order;
    struct refusal no;
    struct act act = act_of(call);
    struct uuid id = uuid_new();
    bool changed;
    struct payment_facts facts = {.method = "bank_transfer",
                                  .reference = in->reference,
                                  .status = ENTRY_PENDING,
                                  .paid_at_us = in->paid_at_us};
    if (!check_transfer(in, call->now_us, &no))
        return refuse_by(call, &no);
    TRY(load_order(call, in->id, "id", &order));
    facts.amount = order->amount_due;
    if (in->amount != NULL &&
        !rules_check_amount(in->amount, order->currency, &no, "amount", &facts.amount))
        return refuse_by(call, &no);
    if (facts.amount == 0)
        return refuse(call, STATUS_CONFLICT, "nothing_due", "amount",
                      "Nothing is due; name the amount that was transferred.");
    const struct payment *payment = rules_payment(order, &act, &id, &facts, &changed, &no);
    if (payment == NULL)
        return refuse_by(call, &no);
    if (!changed) {
        out->order = view_order(call->arena, order, NULL);
        return STATUS_OK;
    }
    TRY(save(call, order, &act, payment, &out->order));
    return keep(call, order, in, payment);
}

/* ---- deciding ---- */

static enum status load_pending(struct call *call, const char *id, const char *payment_text,
                                struct order **order, struct transfer **transfer)
{
    struct uuid payment_id;
    *transfer = NULL;
    TRY(load_order(call, id, "id", order));
    if (uuid_parse(payment_text, &payment_id))
        TRY(store_transfer_by_payment(call->db, &payment_id, transfer));
    if (*transfer == NULL || !uuid_equal(&(*transfer)->order_id, &(*order)->id))
        return refuse(call, STATUS_NOT_FOUND, "not_found", "payment_id",
                      "The order has no such transfer.");
    if ((*transfer)->status != TRANSFER_PENDING)
        return refuse(call, STATUS_CONFLICT, "invalid_state", "payment_id",
                      "Somebody has decided about this transfer before.");
    return STATUS_OK;
}

static enum status decide(struct call *call, struct order *order, struct transfer *transfer,
                          enum entry_status status, const char *note, Order **shown)
{
    struct refusal no;
    struct act act = act_of(call);
    int64_t amount = status == ENTRY_CAPTURED ? transfer->received : transfer->claimed;
    const struct payment *payment =
        rules_payment_decide(order, &act, &transfer->payment_id, status, amount, &no);
    if (payment == NULL)
        return refuse_by(call, &no);
    transfer->status = status == ENTRY_CAPTURED ? TRANSFER_APPROVED : TRANSFER_DECLINED;
    transfer->decided_at_us = call->now_us;
    transfer->decided_by = call->actor;
    TRY(save(call, order, &act, payment, shown));
    return store_transfer_decide(call->db, transfer, note);
}

ORDERS_HANDLER(approve_transfer, ApproveTransferRequest, ApproveTransferResponse)
{
    struct order *order;
    struct transfer *transfer;
    struct refusal no;
    if (!is_last_five(in->last_five))
        return refuse(call, STATUS_INVALID, "invalid", "last_five",
                      "At most five digits of the account.");
    TRY(load_pending(call, in->id, in->payment_id, &order, &transfer));
    if (in->last_five[0] != '\0' && strcmp(in->last_five, transfer->last_five) != 0)
        return refuse(call, STATUS_CONFLICT, "last_five_mismatch", "last_five",
                      "The customer gave other digits of their account.");
    transfer->received = transfer->claimed;
    if (in->amount != NULL &&
        !rules_check_amount(in->amount, order->currency, &no, "amount", &transfer->received))
        return refuse_by(call, &no);
    return decide(call, order, transfer, ENTRY_CAPTURED, "", &out->order);
}

ORDERS_HANDLER(decline_transfer, DeclineTransferRequest, DeclineTransferResponse)
{
    struct order *order;
    struct transfer *transfer;
    struct refusal no;
    if (!rules_check_text(in->reason, 200, &no, "reason"))
        return refuse_by(call, &no);
    TRY(load_pending(call, in->id, in->payment_id, &order, &transfer));
    return decide(call, order, transfer, ENTRY_FAILED, in->reason, &out->order);
}

/* ---- the list ---- */

static Transfer *view(struct arena *arena, const struct transfer *row)
{
    Transfer *out = ARENA_NEW(arena, Transfer);
    penstock__orders__v1__transfer__init(out);
    out->order_id = wire_uuid(arena, &row->order_id);
    out->order_number = wire_text(row->number);
    out->payment_id = wire_uuid(arena, &row->payment_id);
    out->status = (Penstock__Orders__V1__TransferStatus)row->status;
    out->claimed = wire_money(arena, row->claimed, row->currency);
    if (row->status == TRANSFER_APPROVED)
        out->received = wire_money(arena, row->received, row->currency);
    out->last_five = wire_text(row->last_five);
    out->reference = wire_text(row->reference);
    out->note = wire_text(row->note);
    out->submitted_at_us = row->submitted_at_us;
    out->submitted_by = wire_text(row->submitted_by);
    out->decided_at_us = row->decided_at_us;
    out->decided_by = wire_text(row->decided_by);
    return out;
}

ORDERS_HANDLER(list_transfers, ListTransfersRequest, ListTransfersResponse)
{
    struct uuid after = {{0}};
    struct transfer *rows;
    size_t count;
    int32_t status = (int)in->status != 0 ? (int32_t)in->status : TRANSFER_PENDING;
    int64_t limit = in->limit == 0 ? DEFAULT_LIMIT : in->limit;
    if (limit < 1 || limit > MAX_LIMIT)
        return refuse(call, STATUS_INVALID, "out_of_range", "limit", "A page has 1 to 200.");
    if (in->cursor[0] != '\0' && !uuid_parse(in->cursor, &after))
        return refuse(call, STATUS_INVALID, "invalid", "cursor", "This is no cursor of this list.");
    TRY(store_transfer_page(call->db, status, &after, limit + 1, &rows, &count));
    if (count > (size_t)limit) {
        count = (size_t)limit;
        out->next_cursor = wire_uuid(call->arena, &rows[count - 1].payment_id);
    }
    out->data = ARENA_ARRAY(call->arena, count, Transfer *);
    for (size_t i = 0; i < count; i++)
        out->data[out->n_data++] = view(call->arena, &rows[i]);
    return STATUS_OK;
}
