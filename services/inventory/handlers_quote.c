/* QuoteStock: what there is and what it costs, for somebody who only asks. */
#include "handlers.h"

#define SKUS_MAX 500

enum status quote_stock(struct call *call, const ProtobufCMessage *message,
                        ProtobufCMessage *answer)
{
    const QuoteStockRequest *in = (const QuoteStockRequest *)message;
    QuoteStockResponse *out = (QuoteStockResponse *)answer;
    struct uuid reservation_id = {{0}};
    struct quote_row *rows;
    size_t count;
    if (in->n_skus > SKUS_MAX)
        return refuse(call, STATUS_INVALID, "too_many", "skus", "At most 500 SKUs at a time.");
    if (*in->reservation_id != '\0' && !uuid_parse(in->reservation_id, &reservation_id))
        return refuse(call, STATUS_INVALID, "invalid", "reservation_id", "An id is a UUID.");
    TRY(store_quotes(call->db, (const char *const *)in->skus, in->n_skus, call->now_us,
                     &reservation_id, &rows, &count));
    out->quotes = ARENA_ARRAY(call->arena, count + 1, StockQuote *);
    for (size_t i = 0; i < count; i++) {
        StockQuote *quote = out->quotes[out->n_quotes++] = ARENA_NEW(call->arena, StockQuote);
        penstock__inventory__v1__stock_quote__init(quote);
        quote->sku = view_text(call->arena, rows[i].sku);
        quote->name = view_text(call->arena, rows[i].name);
        quote->price = view_price(call->arena, rows, count, rows[i].sku);
        quote->available = rows[i].available;
    }
    return STATUS_OK;
}
