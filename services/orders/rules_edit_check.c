#include "rules_edit.h"

#include <stdio.h>
#include <string.h>

#include "view.h"

#define CONVENIENCE_STORE PENSTOCK__ORDERS__V1__DELIVERY_METHOD__DELIVERY_METHOD_CONVENIENCE_STORE
#define STORE_PICKUP PENSTOCK__ORDERS__V1__DELIVERY_METHOD__DELIVERY_METHOD_STORE_PICKUP

void rules_edit_drop_store(Delivery *delivery)
{
    if (delivery->method != CONVENIENCE_STORE && delivery->method != STORE_PICKUP)
        delivery->store_code = delivery->store_name = wire_text("");
}

static size_t members_of(const EditOperation *operation)
{
    const ProtobufCMessageDescriptor *type = operation->base.descriptor;
    size_t count = 0;
    for (unsigned i = 0; i < type->n_fields; i++)
        count += *(void *const *)(const void *)((const char *)operation + type->fields[i].offset) !=
                 NULL;
    return count;
}

/* "lines[0].sku" of an order becomes "operations[3].add_line.sku". */
static bool rename_field(struct refusal *no, size_t index, const char *was, const char *member)
{
    char field[sizeof(no->field)];
    size_t bytes = strlen(was);
    const char *rest = strncmp(no->field, was, bytes) == 0 ? no->field + bytes : "";
    snprintf(field, sizeof(field), "operations[%zu].%s%s", index, member, rest);
    memcpy(no->field, field, sizeof(field));
    return false;
}

/* What an operation brings is checked as the part of an order that it becomes. */
static bool check_part(PlaceOrderRequest *part, size_t index, int64_t now_us, const char *was,
                       const char *member, struct refusal *no)
{
    LineInput filler;
    Money nothing;
    LineInput *lines[] = {&filler};
    penstock__orders__v1__line_input__init(&filler);
    penstock__common__v1__money__init(&nothing);
    nothing.currency = part->currency;
    filler.is_custom = true;
    filler.name = wire_text("-");
    filler.quantity = 1;
    filler.unit_price = &nothing;
    part->channel = wire_text("-");
    if (part->n_lines == 0) {
        part->n_lines = 1;
        part->lines = lines;
    }
    return rules_check_order(part, false, now_us, no) || rename_field(no, index, was, member);
}

static bool check_added(const LineInput *in, PlaceOrderRequest *part, size_t index, int64_t now_us,
                        struct refusal *no)
{
    LineInput line = *in;
    Money nothing;
    LineInput *lines[] = {&line};
    penstock__common__v1__money__init(&nothing);
    nothing.currency = part->currency;
    bool is_of_catalogue = !line.is_custom && !line.no_shipping;
    if (line.unit_price == NULL && is_of_catalogue)
        line.unit_price = &nothing;
    part->n_lines = 1;
    part->lines = lines;
    return check_part(part, index, now_us, "lines[0]", "add_line", no);
}

static bool check_delivery(const Delivery *in, PlaceOrderRequest *part, size_t index,
                           int64_t now_us, struct refusal *no)
{
    Delivery delivery = *in;
    rules_edit_drop_store(&delivery);
    part->delivery = &delivery;
    return check_part(part, index, now_us, "delivery", "set_delivery", no);
}

static bool check_one(const EditOperation *operation, size_t index, const char *currency,
                      int64_t now_us, struct refusal *no)
{
    PlaceOrderRequest part;
    Discount *discounts[] = {operation->set_discount};
    Charge *charges[] = {operation->set_charge};
    penstock__orders__v1__place_order_request__init(&part);
    part.currency = wire_text(currency);
    if (operation->add_line != NULL)
        return check_added(operation->add_line, &part, index, now_us, no);
    part.n_discounts = operation->set_discount != NULL;
    part.discounts = discounts;
    if (operation->set_discount != NULL)
        return check_part(&part, index, now_us, "discounts[0]", "set_discount", no);
    part.n_charges = operation->set_charge != NULL;
    part.charges = charges;
    if (operation->set_charge != NULL)
        return check_part(&part, index, now_us, "charges[0]", "set_charge", no);
    part.shipping_address = operation->set_shipping_address;
    if (operation->set_shipping_address != NULL)
        return check_part(&part, index, now_us, "shipping_address", "set_shipping_address", no);
    if (operation->set_delivery != NULL)
        return check_delivery(operation->set_delivery, &part, index, now_us, no);
    if (operation->set_shipping != NULL) {
        part.n_shipping_lines = operation->set_shipping->n_lines;
        part.shipping_lines = operation->set_shipping->lines;
        return check_part(&part, index, now_us, "shipping_lines", "set_shipping.lines", no);
    }
    if (operation->set_shipping_remark != NULL) {
        part.shipping_remark = operation->set_shipping_remark->text;
        return check_part(&part, index, now_us, "shipping_remark", "set_shipping_remark.text", no);
    }
    part.note = operation->set_note != NULL ? operation->set_note->text : part.note;
    return check_part(&part, index, now_us, "note", "set_note.text", no);
}

bool rules_check_edit(EditOperation *const *operations, size_t count, const char *currency,
                      int64_t now_us, struct refusal *no)
{
    if (count == 0)
        return rules_refuse(no, STATUS_INVALID, "required", "An edit has at least one operation.",
                            "%s", "operations");
    if (count > EDIT_MAX_OPERATIONS)
        return rules_refuse(no, STATUS_INVALID, "too_many", "An edit has at most 100 operations.",
                            "%s", "operations");
    for (size_t i = 0; i < count; i++) {
        if (members_of(operations[i]) != 1)
            return rules_refuse(no, STATUS_INVALID, "invalid",
                                "An operation is exactly one of its members.", "operations[%zu]",
                                i);
        if (!check_one(operations[i], i, currency, now_us, no))
            return false;
    }
    return true;
}
