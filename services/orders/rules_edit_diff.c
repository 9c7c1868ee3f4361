#include "rules_edit.h"

#include <string.h>

#include "view.h"

/* ---- collecting ---- */

struct diff {
    struct arena *arena;
    struct changes changes;
};

static void note(struct diff *diff, const char *field, const char *label, const char *before,
                 const char *after)
{
    struct changes *changes = &diff->changes;
    if (strcmp(before, after) == 0)
        return;
    if (changes->count == changes->room) {
        size_t room = changes->room * 2 + 8;
        FieldChange **list = ARENA_ARRAY(diff->arena, room, FieldChange *);
        if (changes->count > 0)
            memcpy(list, changes->list, changes->count * sizeof(*list));
        changes->list = list;
        changes->room = room;
    }
    FieldChange *change = changes->list[changes->count++] = ARENA_NEW(diff->arena, FieldChange);
    penstock__orders__v1__field_change__init(change);
    change->field = wire_text(field);
    change->label = wire_text(label);
    change->before = wire_text(before);
    change->after = wire_text(after);
}

static const char *words_of(struct arena *arena, const Money *money)
{
    if (money == NULL || money->currency[0] == '\0')
        return "";
    struct money value = {.minor = money->amount_minor};
    memcpy(value.currency, money->currency, 3);
    char text[MONEY_TEXT_BYTES];
    return arena_printf(arena, "%s %s", money_text(value, text), value.currency);
}

static const char *units_of(struct arena *arena, const OrderLine *line)
{
    return arena_printf(arena, "%lld", (long long)(line->quantity - line->cancelled));
}

/* ---- lines ---- */

static const OrderLine *line_of(const Order *order, const char *id)
{
    for (size_t i = 0; i < order->n_lines; i++) {
        if (strcmp(order->lines[i]->id, id) == 0)
            return order->lines[i];
    }
    return NULL;
}

static const char *label_of(const OrderLine *line)
{
    return line->sku[0] != '\0' ? line->sku : line->name;
}

static void note_line(struct diff *diff, const OrderLine *before, const OrderLine *after)
{
    struct arena *arena = diff->arena;
    const char *id = after->id, *label = label_of(after);
#define LINE_FIELD(member) arena_printf(arena, "lines.%s." member, id)
    note(diff, LINE_FIELD("quantity"), label, before != NULL ? units_of(arena, before) : "",
         units_of(arena, after));
    if (before == NULL) {
        note(diff, LINE_FIELD("unit_price"), label, "", words_of(arena, after->unit_price));
        return;
    }
    note(diff, LINE_FIELD("sku"), label, before->sku, after->sku);
    note(diff, LINE_FIELD("unit_price"), label, words_of(arena, before->unit_price),
         words_of(arena, after->unit_price));
    if (after->quantity > after->cancelled)
        note(diff, LINE_FIELD("discount"), label, words_of(arena, before->discount),
             words_of(arena, after->discount));
#undef LINE_FIELD
}

static void note_lines(struct diff *diff, const Order *before, const Order *after)
{
    for (size_t i = 0; i < after->n_lines; i++)
        note_line(diff, line_of(before, after->lines[i]->id), after->lines[i]);
    for (size_t i = 0; i < before->n_lines; i++) {
        const OrderLine *line = before->lines[i];
        if (line_of(after, line->id) == NULL)
            note(diff, arena_printf(diff->arena, "lines.%s.quantity", line->id), label_of(line),
                 units_of(diff->arena, line), "");
    }
}

/* ---- the order's own parts ---- */

static const char *discount_field(struct arena *arena, const Discount *discount)
{
    return arena_printf(arena, "discounts.%s.%s", discount->code, discount->title);
}

static const char *charge_field(struct arena *arena, const Charge *charge)
{
    return arena_printf(arena, "charges.%s", charge->title);
}

static const char *amount_of_discount(struct arena *arena, const Order *order, const char *field)
{
    for (size_t i = 0; i < order->n_discounts; i++) {
        if (strcmp(discount_field(arena, order->discounts[i]), field) == 0)
            return words_of(arena, order->discounts[i]->amount);
    }
    return "";
}

static const char *amount_of_charge(struct arena *arena, const Order *order, const char *field)
{
    for (size_t i = 0; i < order->n_charges; i++) {
        if (strcmp(charge_field(arena, order->charges[i]), field) == 0)
            return words_of(arena, order->charges[i]->amount);
    }
    return "";
}

static void note_discounts(struct diff *diff, const Order *before, const Order *after)
{
    for (size_t i = 0; i < after->n_discounts; i++) {
        const char *field = discount_field(diff->arena, after->discounts[i]);
        note(diff, field, after->discounts[i]->title,
             amount_of_discount(diff->arena, before, field),
             words_of(diff->arena, after->discounts[i]->amount));
    }
    for (size_t i = 0; i < before->n_discounts; i++) {
        const char *field = discount_field(diff->arena, before->discounts[i]);
        if (amount_of_discount(diff->arena, after, field)[0] == '\0')
            note(diff, field, before->discounts[i]->title,
                 words_of(diff->arena, before->discounts[i]->amount), "");
    }
}

static void note_charges(struct diff *diff, const Order *before, const Order *after)
{
    for (size_t i = 0; i < after->n_charges; i++) {
        const char *field = charge_field(diff->arena, after->charges[i]);
        note(diff, field, after->charges[i]->title, amount_of_charge(diff->arena, before, field),
             words_of(diff->arena, after->charges[i]->amount));
    }
    for (size_t i = 0; i < before->n_charges; i++) {
        const char *field = charge_field(diff->arena, before->charges[i]);
        if (amount_of_charge(diff->arena, after, field)[0] == '\0')
            note(diff, field, before->charges[i]->title,
                 words_of(diff->arena, before->charges[i]->amount), "");
    }
}

static const char *shipping_words(struct arena *arena, const Order *order)
{
    const char *words = "";
    for (size_t i = 0; i < order->n_shipping_lines; i++) {
        const ShippingLine *line = order->shipping_lines[i];
        words = arena_printf(arena, "%s%s%s %s", words, i > 0 ? ", " : "",
                             line->title[0] != '\0' ? line->title : line->code,
                             words_of(arena, line->price));
    }
    return words;
}

/* Every text of a message, by its name; NULL is a message whose texts are empty. */
static void note_texts(struct diff *diff, const char *name, const ProtobufCMessageDescriptor *type,
                       const ProtobufCMessage *before, const ProtobufCMessage *after)
{
    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &type->fields[i];
        const void *was = before != NULL ? (const char *)before + field->offset : NULL;
        const void *is = after != NULL ? (const char *)after + field->offset : NULL;
        const char *path = arena_printf(diff->arena, "%s.%s", name, field->name);
        if (field->type == PROTOBUF_C_TYPE_STRING) {
            note(diff, path, "", was != NULL ? *(char *const *)was : "",
                 is != NULL ? *(char *const *)is : "");
        } else if (field->type == PROTOBUF_C_TYPE_BOOL) {
            bool was_set = was != NULL && *(const protobuf_c_boolean *)was;
            bool is_set = is != NULL && *(const protobuf_c_boolean *)is;
            note(diff, path, "", was_set ? "true" : "false", is_set ? "true" : "false");
        }
    }
}

static const char *method_words(struct arena *arena, const Delivery *delivery)
{
    const ProtobufCEnumValue *value =
        delivery != NULL
            ? protobuf_c_enum_descriptor_get_value(
                  &penstock__orders__v1__delivery_method__descriptor, (int)delivery->method)
            : NULL;
    if (value == NULL || (int)delivery->method == 0)
        return "";
    char *word = arena_strdup(arena, value->name + strlen("DELIVERY_METHOD_"));
    for (char *c = word; *c != '\0'; c++)
        *c = *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;
    return word;
}

struct changes rules_edit_diff(const Order *before, const Order *after, struct arena *arena)
{
    struct diff diff = {.arena = arena};
    note_lines(&diff, before, after);
    note_discounts(&diff, before, after);
    note_charges(&diff, before, after);
    note(&diff, "shipping_lines", "", shipping_words(arena, before), shipping_words(arena, after));
    note_texts(&diff, "shipping_address", &penstock__common__v1__address__descriptor,
               before->shipping_address != NULL ? &before->shipping_address->base : NULL,
               after->shipping_address != NULL ? &after->shipping_address->base : NULL);
    note(&diff, "delivery.method", "", method_words(arena, before->delivery),
         method_words(arena, after->delivery));
    note_texts(&diff, "delivery", &penstock__orders__v1__delivery__descriptor,
               before->delivery != NULL ? &before->delivery->base : NULL,
               after->delivery != NULL ? &after->delivery->base : NULL);
    note(&diff, "shipping_remark", "", before->shipping_remark, after->shipping_remark);
    note(&diff, "note", "", before->note, after->note);
    note(&diff, "total", "", words_of(arena, before->total), words_of(arena, after->total));
    return diff.changes;
}

/* ---- in words ---- */

static bool begins(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* A sentence's part for one change, or NULL: what says who somebody is, is only named, once. */
static const char *words_for(const FieldChange *change, struct arena *arena, bool *names_address,
                             bool *names_delivery)
{
    const char *member = strrchr(change->field, '.');
    if (begins(change->field, "lines.") && strcmp(member, ".unit_price") == 0 &&
        change->before[0] == '\0')
        return NULL;
    if (begins(change->field, "lines."))
        return arena_printf(arena, "%s %s %s -> %s", change->label, member + 1,
                            change->before[0] != '\0' ? change->before : "0",
                            change->after[0] != '\0' ? change->after : "0");
    if (begins(change->field, "discounts.") || begins(change->field, "charges."))
        return arena_printf(arena, "%s %s -> %s", change->label,
                            change->before[0] != '\0' ? change->before : "none",
                            change->after[0] != '\0' ? change->after : "none");
    bool *named = begins(change->field, "shipping_address.") ? names_address
                  : begins(change->field, "delivery.")       ? names_delivery
                                                             : NULL;
    if (named != NULL) {
        bool is_first = !*named;
        *named = true;
        return !is_first ? NULL : named == names_address ? "shipping address" : "delivery method";
    }
    if (strcmp(change->field, "shipping_remark") == 0)
        return "shipping remark";
    if (strcmp(change->field, "note") == 0)
        return "note";
    return arena_printf(arena, "%s %s -> %s",
                        strcmp(change->field, "total") == 0 ? "total" : "shipping", change->before,
                        change->after);
}

#define MOST_WORDS 12

const char *rules_edit_words(const struct changes *changes, struct arena *arena)
{
    const char *words = "";
    bool names_address = false, names_delivery = false;
    size_t told = 0;
    for (size_t i = 0; i < changes->count; i++) {
        const char *part = words_for(changes->list[i], arena, &names_address, &names_delivery);
        if (part == NULL)
            continue;
        bool is_total = strcmp(changes->list[i]->field, "total") == 0;
        if (++told > MOST_WORDS && !is_total)
            continue;
        words = arena_printf(arena, "%s%s%s", words, words[0] != '\0' ? ", " : "", part);
    }
    return words;
}

/* ---- who is in whose way ---- */

/* What of an order the operation is about, as the beginning of a change's field; NULL: nothing that
 * was there. */
static const char *subject_of(const EditOperation *operation, struct arena *arena)
{
    const char *line = operation->set_quantity != NULL        ? operation->set_quantity->line
                       : operation->remove_line != NULL       ? operation->remove_line->line
                       : operation->replace_line != NULL      ? operation->replace_line->line
                       : operation->set_line_discount != NULL ? operation->set_line_discount->line
                                                              : NULL;
    if (line != NULL)
        return arena_printf(arena, "lines.%s.", line);
    if (operation->set_discount != NULL)
        return discount_field(arena, operation->set_discount);
    if (operation->set_charge != NULL)
        return charge_field(arena, operation->set_charge);
    if (operation->set_shipping_address != NULL)
        return "shipping_address.";
    if (operation->set_delivery != NULL)
        return "delivery.";
    if (operation->set_shipping != NULL)
        return "shipping_lines";
    if (operation->set_shipping_remark != NULL)
        return "shipping_remark";
    return operation->set_note != NULL ? "note" : NULL;
}

bool rules_edit_overlaps(EditOperation *const *operations, size_t count,
                         const struct changes *changes, struct arena *arena)
{
    for (size_t i = 0; i < count; i++) {
        const char *subject = subject_of(operations[i], arena);
        for (size_t j = 0; subject != NULL && j < changes->count; j++) {
            if (begins(changes->list[j]->field, subject))
                return true;
        }
    }
    return false;
}

bool rules_edit_touches_lines(EditOperation *const *operations, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const EditOperation *operation = operations[i];
        if (operation->set_quantity != NULL || operation->remove_line != NULL ||
            operation->replace_line != NULL || operation->set_line_discount != NULL)
            return true;
    }
    return false;
}
