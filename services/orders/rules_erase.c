#include <string.h>

#include "rules_customers.h"
#include "view.h"

/* The country stays: it says where goods went, and of whom nothing. */
static Address *only_country(struct arena *arena, const Address *address)
{
    if (address == NULL)
        return NULL;
    Address *kept = ARENA_NEW(arena, Address);
    penstock__common__v1__address__init(kept);
    kept->country = strlen(address->country) == 2 ? address->country : kept->country;
    return kept;
}

static void erase_details(OrderDetails *details, struct arena *arena)
{
    details->shipping_address = only_country(arena, details->shipping_address);
    details->billing_address = NULL;
    details->is_erased = true;
    details->note = details->shipping_remark = wire_text("");
    for (size_t i = 0; i < details->n_discounts; i++)
        details->discounts[i]->reason = wire_text("");
    for (size_t i = 0; i < details->n_charges; i++)
        details->charges[i]->reason = wire_text("");
    if (details->delivery != NULL)
        details->delivery->store_code = details->delivery->store_name = wire_text("");
}

void rules_erase_order(struct order *order, const struct act *act)
{
    struct uuid ours;
    OrderDetails *details = (OrderDetails *)(void *)protobuf_c_message_unpack(
        &penstock__orders__v1__order_details__descriptor, arena_protobuf(act->arena),
        order->details_bytes, order->details);
    if (details != NULL) {
        erase_details(details, act->arena);
        order->details_bytes = protobuf_c_message_get_packed_size(&details->base);
        uint8_t *packed = arena_alloc(act->arena, order->details_bytes + 1);
        protobuf_c_message_pack(&details->base, packed);
        order->details = packed;
    }
    if (!uuid_parse(order->customer_id, &ours))
        order->customer_id = "";
    order->customer_external_id = order->customer_name = order->email = order->phone = "";
    order->is_rewritten = true;
    rules_note(order, act, "customer_erased", NULL);
}
