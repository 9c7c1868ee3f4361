/* What would become of an order if it were placed now: priced, with what its items lack, and every
 * reason that speaks against it. Nothing is held by asking. */
#include <string.h>

#include "handlers_drafts.h"
#include "handlers_fill.h"
#include "penstock/inventory/v1/inventory.pb-c.h"

#define RPC(Name)                                                                                  \
    typedef Penstock__Orders__V1__##Name##Request Name##Request;                                   \
    typedef Penstock__Orders__V1__##Name##Response Name##Response;
RPC(PreviewOrder)
RPC(PreviewDraft)
#undef RPC
typedef Penstock__Orders__V1__OrderPreview OrderPreview;
typedef Penstock__Orders__V1__LinePreview LinePreview;
typedef Penstock__Common__V1__Refusal Problem;
typedef Penstock__Inventory__V1__QuoteStockRequest QuoteStockRequest;
typedef Penstock__Inventory__V1__QuoteStockResponse QuoteStockResponse;
typedef Penstock__Inventory__V1__StockQuote StockQuote;

/* ---- the question ---- */

static enum status build_quote(struct call *call, const PlaceOrderRequest *order,
                               const char *reservation_id, ProtobufCMessage *asked)
{
    QuoteStockRequest *question = (QuoteStockRequest *)asked;
    if (order == NULL || order->n_lines > ORDERS_MAX_LINES)
        return STATUS_NOT_FOUND;
    question->reservation_id = wire_text(reservation_id);
    question->skus = ARENA_ARRAY(call->arena, order->n_lines + 1, char *);
    for (size_t i = 0; i < order->n_lines; i++) {
        if (rules_input_takes_stock(order->lines[i]))
            question->skus[question->n_skus++] = order->lines[i]->sku;
    }
    return question->n_skus > 0 ? STATUS_OK : STATUS_NOT_FOUND;
}

enum status ask_quote_for_order(struct call *call, const ProtobufCMessage *message,
                                ProtobufCMessage *question)
{
    const PlaceOrderRequest *order = ((const PreviewOrderRequest *)message)->order;
    return build_quote(call, order, order != NULL ? order->reservation_id : "", question);
}

enum status ask_quote_for_draft(struct call *call, const ProtobufCMessage *message,
                                ProtobufCMessage *question)
{
    struct draft *draft;
    struct uuid id;
    if (!uuid_parse(((const PreviewDraftRequest *)message)->id, &id))
        return STATUS_NOT_FOUND;
    TRY(store_draft_load(call->db, &id, &draft));
    return build_quote(call, draft_order(call->arena, draft), draft_reservation(call, draft),
                       question);
}

/* ---- the answer ---- */

struct previewing {
    struct call *call;
    PlaceOrderRequest *order; /* a copy, whose prices are filled in */
    struct held *held;
    OrderPreview *out;
};

static void problem(struct previewing *it, const char *code, const char *field, const char *text)
{
    Problem *say = ARENA_NEW(it->call->arena, Problem);
    penstock__common__v1__refusal__init(say);
    say->code = wire_text(code);
    say->field = arena_strdup(it->call->arena, field);
    say->message = wire_text(text);
    it->out->problems[it->out->n_problems++] = say;
}

static const StockQuote *quote_of(const struct call *call, const char *sku)
{
    const struct answer *answer = &call->answers[0];
    if (!answer->came || answer->status != STATUS_OK)
        return NULL;
    const QuoteStockResponse *said = (const QuoteStockResponse *)answer->message;
    for (size_t i = 0; i < said->n_quotes; i++) {
        if (strcmp(said->quotes[i]->sku, sku) == 0)
            return said->quotes[i];
    }
    return NULL;
}

/* What lines above have already taken of the same item. */
static int64_t taken_before(const PlaceOrderRequest *order, size_t line)
{
    int64_t taken = 0;
    for (size_t i = 0; i < line; i++) {
        if (rules_input_takes_stock(order->lines[i]) &&
            strcmp(order->lines[i]->sku, order->lines[line]->sku) == 0)
            taken += order->lines[i]->quantity;
    }
    return taken;
}

static void preview_item(struct previewing *it, size_t i, LinePreview *view)
{
    LineInput *line = it->order->lines[i];
    const char *field = arena_printf(it->call->arena, "lines[%zu].", i);
    const StockQuote *quote = quote_of(it->call, line->sku);
    if (quote == NULL) {
        problem(it, "unknown_sku", arena_printf(it->call->arena, "%ssku", field),
                "There is no item with this SKU.");
        return;
    }
    int64_t left = quote->available - taken_before(it->order, i);
    view->is_known = true;
    view->name = quote->name;
    view->price = quote->price;
    view->available = left > 0 ? left : 0;
    view->missing = line->quantity > view->available ? line->quantity - view->available : 0;
    it->held[i] = (struct held){.held = line->quantity - view->missing, .name = quote->name};
    if (view->missing > 0)
        problem(it, "insufficient_stock", arena_printf(it->call->arena, "%squantity", field),
                "There is not enough of this item.");
    bool has_price =
        quote->price != NULL && strcmp(quote->price->currency, it->order->currency) == 0;
    if (!rules_input_lacks_price(line))
        return;
    if (has_price)
        line->unit_price = quote->price;
    else
        problem(it, "no_price", arena_printf(it->call->arena, "%sunit_price", field),
                "The item has no price in this currency: say what it costs.");
}

static void preview_line(struct previewing *it, size_t i)
{
    const LineInput *line = it->order->lines[i];
    LinePreview *view = ARENA_NEW(it->call->arena, LinePreview);
    penstock__orders__v1__line_preview__init(view);
    view->sku = line->sku;
    view->asked = line->quantity;
    it->out->lines[it->out->n_lines++] = view;
    if (rules_input_takes_stock(line))
        preview_item(it, i, view);
}

/* Priced in memory, as it would be placed; without number and ids. */
static void preview_whole(struct previewing *it)
{
    struct refusal no;
    struct act act = act_of(it->call);
    const struct channel channel = {.name = it->order->channel};
    const struct placing placing = {
        .in = it->order,
        .channel = &channel,
        .number = "",
        .ids = ARENA_ARRAY(it->call->arena, rules_place_ids(it->order), struct uuid),
        .held = it->held};
    bool is_order = rules_check_order(it->order, false, it->call->now_us, &no);
    struct order *order = is_order ? rules_place(&placing, &act, &no) : NULL;
    if (order == NULL)
        problem(it, no.code, no.field, no.text);
    else
        it->out->order = view_order(it->call->arena, order, NULL);
}

static enum status preview(struct call *call, const PlaceOrderRequest *asked, OrderPreview **out)
{
    struct previewing it = {.call = call};
    struct fill fill;
    it.out = *out = ARENA_NEW(call->arena, OrderPreview);
    penstock__orders__v1__order_preview__init(it.out);
    if (asked->n_lines > ORDERS_MAX_LINES)
        return refuse(call, STATUS_INVALID, "too_many", "order.lines",
                      "An order has at most 500 lines.");
    TRY(fill_load_one(call, asked, &fill));
    it.order = fill_copy(call->arena, asked);
    it.held = ARENA_ARRAY(call->arena, asked->n_lines + 1, struct held);
    it.out->problems = ARENA_ARRAY(call->arena, 2 * asked->n_lines + 3, Problem *);
    it.out->lines = ARENA_ARRAY(call->arena, asked->n_lines + 1, LinePreview *);
    if (!fill_contact_of(call->arena, &fill, it.order))
        problem(&it, "unknown_customer", "customer_id", "There is no such customer.");
    for (size_t i = 0; i < asked->n_lines; i++)
        preview_line(&it, i);
    if (!fill_lacks_prices(it.order))
        preview_whole(&it);
    return STATUS_OK;
}

ORDERS_HANDLER(preview_order, PreviewOrderRequest, PreviewOrderResponse)
{
    if (in->order == NULL)
        return refuse(call, STATUS_INVALID, "required", "order", "An order is needed.");
    return preview(call, in->order, &out->preview);
}

ORDERS_HANDLER(preview_draft, PreviewDraftRequest, PreviewDraftResponse)
{
    struct draft *draft;
    TRY(load_draft(call, in->id, &draft));
    return preview(call, draft_order(call->arena, draft), &out->preview);
}
