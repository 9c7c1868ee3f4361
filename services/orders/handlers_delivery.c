/* The delivery methods that the shop offers to whoever types an order in. */
#include <string.h>

#include "handlers.h"
#include "store_drafts.h"

#define RPC(Name)                                                                                  \
    typedef Penstock__Orders__V1__##Name##Request Name##Request;                                   \
    typedef Penstock__Orders__V1__##Name##Response Name##Response;
RPC(ListDeliveryMethods)
RPC(PutDeliveryMethod)
RPC(DeleteDeliveryMethod)
#undef RPC
typedef Penstock__Orders__V1__DeliveryOffer DeliveryOffer;

#define MAX_OFFERS 100

static DeliveryOffer *unpack(struct arena *arena, const struct offer_row *row)
{
    return (DeliveryOffer *)(void *)protobuf_c_message_unpack(
        &penstock__orders__v1__delivery_offer__descriptor, arena_protobuf(arena), row->offer.count,
        row->offer.bytes);
}

/* A shop has a few of them: all are one page. */
ORDERS_HANDLER(list_delivery_methods, ListDeliveryMethodsRequest, ListDeliveryMethodsResponse)
{
    struct offer_row *rows;
    size_t count;
    (void)in;
    TRY(store_offers(call->db, &rows, &count));
    out->data = ARENA_ARRAY(call->arena, count, DeliveryOffer *);
    for (size_t i = 0; i < count; i++) {
        DeliveryOffer *offer = unpack(call->arena, &rows[i]);
        if (offer != NULL)
            out->data[out->n_data++] = offer;
    }
    return STATUS_OK;
}

static enum status emit_changed_offer(struct call *call, const char *code, bool is_deleted)
{
    Penstock__Orders__V1__DeliveryMethodChanged event;
    penstock__orders__v1__delivery_method_changed__init(&event);
    event.code = wire_text(code);
    event.is_deleted = is_deleted;
    return emit(call, arena_printf(call->arena, "delivery:%s", code), &event.base);
}

static bool check_prices(Money *const *prices, size_t count, struct refusal *no)
{
    if (count > 20)
        return rules_refuse(no, STATUS_INVALID, "too_many", "At most 20 prices.", "%s", "prices");
    for (size_t i = 0; i < count; i++) {
        bool is_fine = money_exponent(prices[i]->currency) >= 0 && prices[i]->amount_minor >= 0 &&
                       prices[i]->amount_minor <= MONEY_MAX_MINOR;
        if (!is_fine)
            return rules_refuse(no, STATUS_INVALID, "out_of_range", "A price is not negative.",
                                "prices[%zu]", i);
    }
    return true;
}

static bool check(const PutDeliveryMethodRequest *in, struct refusal *no)
{
    if ((int)in->method < 1 ||
        (int)in->method > (int)PENSTOCK__ORDERS__V1__DELIVERY_METHOD__DELIVERY_METHOD_DIGITAL)
        return rules_refuse(no, STATUS_INVALID, "required", "A delivery has a method.", "%s",
                            "method");
    if (in->name[0] == '\0')
        return rules_refuse(no, STATUS_INVALID, "required", "An offer has a name.", "%s", "name");
    return rules_check_token(in->code, no, "code") && rules_check_text(in->name, 100, no, "name") &&
           (in->carrier[0] == '\0' || rules_check_token(in->carrier, no, "carrier")) &&
           check_prices(in->prices, in->n_prices, no);
}

ORDERS_HANDLER(put_delivery_method, PutDeliveryMethodRequest, PutDeliveryMethodResponse)
{
    struct refusal no;
    struct offer_row *rows;
    size_t count;
    if (!check(in, &no))
        return refuse_by(call, &no);
    TRY(store_offers(call->db, &rows, &count));
    if (count >= MAX_OFFERS)
        return refuse(call, STATUS_CONFLICT, "too_many", "code", "At most %d methods are offered.",
                      MAX_OFFERS);
    DeliveryOffer *offer = ARENA_NEW(call->arena, DeliveryOffer);
    penstock__orders__v1__delivery_offer__init(offer);
    offer->code = in->code;
    offer->name = in->name;
    offer->method = in->method;
    offer->carrier = in->carrier;
    offer->cash_on_delivery = in->cash_on_delivery;
    offer->n_prices = in->n_prices;
    offer->prices = in->prices;
    offer->rank = in->rank;
    size_t bytes = protobuf_c_message_get_packed_size(&offer->base);
    uint8_t *packed = arena_alloc(call->arena, bytes + 1);
    protobuf_c_message_pack(&offer->base, packed);
    TRY(store_offer_put(call->db, in->code, in->rank, (struct db_bytea){packed, bytes}));
    out->offer = offer;
    return emit_changed_offer(call, in->code, false);
}

ORDERS_HANDLER(delete_delivery_method, DeleteDeliveryMethodRequest, DeleteDeliveryMethodResponse)
{
    struct offer_row *rows;
    size_t count;
    TRY(store_offers(call->db, &rows, &count));
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rows[i].code, in->code) != 0)
            continue;
        out->offer = unpack(call->arena, &rows[i]);
        TRY(store_offer_delete(call->db, in->code));
        return emit_changed_offer(call, in->code, true);
    }
    return refuse(call, STATUS_NOT_FOUND, "not_found", "code", "No such method is offered.");
}
