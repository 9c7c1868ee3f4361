#include "rules.h"

#include <stdio.h>
#include <string.h>

/* Nothing was placed before this, and nothing is placed later than tomorrow. */
#define EARLIEST_US (INT64_C(946684800) * 1000000)
#define DAY_US (INT64_C(86400) * 1000000)

/* Where a value stands: "member", "parent.member" or "parent[index].member". */
struct at {
    const char *parent;
    size_t index; /* NO_INDEX: none */
    const char *member;
};
#define NO_INDEX SIZE_MAX

struct check {
    struct refusal *no;
    const char *currency;
    bool is_import;
};

static bool fail(const struct check *check, struct at at, const char *suffix, const char *code,
                 const char *text)
{
    if (at.parent == NULL)
        return rules_refuse(check->no, STATUS_INVALID, code, text, "%s%s", at.member, suffix);
    if (at.index == NO_INDEX)
        return rules_refuse(check->no, STATUS_INVALID, code, text, "%s.%s%s", at.parent, at.member,
                            suffix);
    return rules_refuse(check->no, STATUS_INVALID, code, text, "%s[%zu].%s%s", at.parent, at.index,
                        at.member, suffix);
}

/* ---- texts ---- */

/* The bytes of the UTF-8 character that starts here; 0 when there is none. */
static size_t character_bytes(const unsigned char *s)
{
    if (s[0] < 0x80)
        return 1;
    size_t count = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    if (s[0] < 0xc2 || s[0] > 0xf4)
        return 0;
    for (size_t i = 1; i < count; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    }
    bool is_overlong = (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xf0 && s[1] < 0x90);
    bool is_surrogate = s[0] == 0xed && s[1] >= 0xa0;
    bool is_past_the_end = s[0] == 0xf4 && s[1] >= 0x90;
    return is_overlong || is_surrogate || is_past_the_end ? 0 : count;
}

/* C0, DEL and C1: nothing that a name or an address needs, and what injections are made of. */
static bool is_control(const unsigned char *s, bool is_note)
{
    if (is_note && (s[0] == '\n' || s[0] == '\r' || s[0] == '\t'))
        return false;
    return s[0] < 0x20 || s[0] == 0x7f || (s[0] == 0xc2 && s[1] < 0xa0);
}

enum text_fault { TEXT_FINE, TEXT_NOT_UTF8, TEXT_CONTROL, TEXT_TOO_LONG };

static enum text_fault scan_text(const char *value, size_t max_characters, bool is_note)
{
    const unsigned char *s = (const unsigned char *)value;
    size_t characters = 0;
    while (*s != '\0') {
        if (is_control(s, is_note))
            return TEXT_CONTROL;
        size_t bytes = character_bytes(s);
        if (bytes == 0)
            return TEXT_NOT_UTF8;
        s += bytes;
        if (++characters > max_characters)
            return TEXT_TOO_LONG;
    }
    return TEXT_FINE;
}

static bool text_as(const struct check *check, const char *value, size_t max_characters,
                    bool is_note, struct at at)
{
    switch (scan_text(value, max_characters, is_note)) {
    case TEXT_FINE:
        return true;
    case TEXT_NOT_UTF8:
        return fail(check, at, "", "invalid", "The text is not UTF-8.");
    case TEXT_CONTROL:
        return fail(check, at, "", "invalid", "Control characters are not allowed here.");
    case TEXT_TOO_LONG:
        return fail(check, at, "", "too_long", "The text is longer than this field may be.");
    }
    return false;
}

static bool text(const struct check *check, const char *value, size_t max_characters, struct at at)
{
    return text_as(check, value, max_characters, false, at);
}

/* A word of our own making: "card", "bank_transfer". */
static bool token(const struct check *check, const char *value, struct at at)
{
    size_t length =
        strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.");
    if (value[0] == '\0')
        return fail(check, at, "", "required", "A value is required here.");
    if (value[length] != '\0' && !check->is_import)
        return fail(check, at, "", "invalid", "Only letters, digits, '_', '-' and '.' stand here.");
    return text(check, value, 64, at);
}

bool rules_check_text(const char *value, size_t max_characters, struct refusal *no,
                      const char *field)
{
    struct check check = {.no = no};
    return text_as(&check, value, max_characters, false, (struct at){NULL, NO_INDEX, field});
}

bool rules_check_lines(const char *value, size_t max_characters, struct refusal *no,
                       const char *field)
{
    struct check check = {.no = no};
    return text_as(&check, value, max_characters, true, (struct at){NULL, NO_INDEX, field});
}

bool rules_check_token(const char *value, struct refusal *no, const char *field)
{
    struct check check = {.no = no};
    return token(&check, value, (struct at){NULL, NO_INDEX, field});
}

static bool is_email(const char *value)
{
    const char *at = strchr(value, '@');
    if (at == NULL || at == value || strchr(at + 1, '@') != NULL || strlen(value) > 254)
        return false;
    const char *dot = strrchr(at, '.');
    if (dot == NULL || dot == at + 1 || dot[1] == '\0' || strstr(at, "..") != NULL)
        return false;
    return strpbrk(value, " \"<>(),;:\\[]") == NULL;
}

static bool is_phone(const char *value)
{
    size_t digits = 0;
    for (const char *s = value; *s != '\0'; s++) {
        if (*s >= '0' && *s <= '9')
            digits++;
        else if (!(*s == '+' && s == value) && strchr(" -().#/x", *s) == NULL)
            return false;
    }
    return digits >= 3 && digits <= 20;
}

static bool is_country(const char *value)
{
    for (int i = 0; i < 2; i++) {
        if ((value[i] | 0x20) < 'a' || (value[i] | 0x20) > 'z')
            return false;
    }
    return value[2] == '\0';
}

static bool email(const struct check *check, const char *value, struct at at)
{
    if (!text(check, value, 254, at))
        return false;
    if (value[0] == '\0' || check->is_import || is_email(value))
        return true;
    return fail(check, at, "", "invalid", "This is not an e-mail address.");
}

static bool phone(const struct check *check, const char *value, struct at at)
{
    if (!text(check, value, 40, at))
        return false;
    if (value[0] == '\0' || check->is_import || is_phone(value))
        return true;
    return fail(check, at, "", "invalid", "This is not a telephone number.");
}

bool rules_check_note(const char *value, size_t max_characters, struct refusal *no,
                      const char *field)
{
    struct check check = {.no = no};
    return text_as(&check, value, max_characters, true, (struct at){NULL, NO_INDEX, field});
}

bool rules_check_email(const char *value, struct refusal *no, const char *field)
{
    struct check check = {.no = no};
    return email(&check, value, (struct at){NULL, NO_INDEX, field});
}

bool rules_check_phone(const char *value, struct refusal *no, const char *field)
{
    struct check check = {.no = no};
    return phone(&check, value, (struct at){NULL, NO_INDEX, field});
}

static bool check_address(const struct check *check, const Address *address, const char *name)
{
    if (address == NULL)
        return true;
    const struct {
        const char *value, *member;
        size_t max;
    } texts[] = {
        {address->name, "name", 200},         {address->company, "company", 200},
        {address->address1, "address1", 200}, {address->address2, "address2", 200},
        {address->district, "district", 200}, {address->city, "city", 200},
        {address->region, "region", 200},     {address->postcode, "postcode", 40},
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (!text(check, texts[i].value, texts[i].max,
                  (struct at){name, NO_INDEX, texts[i].member}))
            return false;
    }
    struct at country = {name, NO_INDEX, "country"};
    if (!text(check, address->country, 64, country))
        return false;
    if (address->country[0] != '\0' && !check->is_import && !is_country(address->country))
        return fail(check, country, "", "invalid", "A country is two letters of ISO 3166-1.");
    return phone(check, address->phone, (struct at){name, NO_INDEX, "phone"}) &&
           email(check, address->email, (struct at){name, NO_INDEX, "email"});
}

bool rules_check_address(const Address *address, struct refusal *no, const char *name)
{
    struct check check = {.no = no};
    return check_address(&check, address, name);
}

static bool check_customer(const struct check *check, const Customer *customer)
{
    if (customer == NULL)
        return true;
    return text(check, customer->id, 128, (struct at){"customer", NO_INDEX, "id"}) &&
           text(check, customer->external_id, 128,
                (struct at){"customer", NO_INDEX, "external_id"}) &&
           text(check, customer->name, 200, (struct at){"customer", NO_INDEX, "name"}) &&
           email(check, customer->email, (struct at){"customer", NO_INDEX, "email"}) &&
           phone(check, customer->phone, (struct at){"customer", NO_INDEX, "phone"});
}

/* ---- money ---- */

static bool is_absent(const Money *money)
{
    return money == NULL || (money->currency[0] == '\0' && money->amount_minor == 0);
}

static bool amount(const struct check *check, const Money *money, bool may_be_negative,
                   struct at at)
{
    if (is_absent(money))
        return true;
    if (strcmp(money->currency, check->currency) != 0)
        return fail(check, at, ".currency", "invalid", "All amounts are in the order's currency.");
    if (money->amount_minor > MONEY_MAX_MINOR || money->amount_minor < -MONEY_MAX_MINOR)
        return fail(check, at, ".amount", "amount_too_large",
                    "Amounts are limited to 10^15 minor units.");
    if (money->amount_minor < 0 && !may_be_negative)
        return fail(check, at, ".amount", "out_of_range", "The amount must not be negative.");
    return true;
}

static bool required_amount(const struct check *check, const Money *money, bool may_be_negative,
                            struct at at)
{
    if (is_absent(money))
        return fail(check, at, "", "required", "An amount is required here.");
    return amount(check, money, may_be_negative, at);
}

bool rules_check_amount(const Money *money, const char *currency, struct refusal *no,
                        const char *field, int64_t *minor)
{
    struct check check = {.no = no, .currency = currency};
    struct at at = {NULL, NO_INDEX, field};
    if (!required_amount(&check, money, false, at))
        return false;
    if (money->amount_minor == 0)
        return fail(&check, at, ".amount", "out_of_range", "The amount must be more than zero.");
    *minor = money->amount_minor;
    return true;
}

/* ---- the parts of an order ---- */

bool rules_input_lacks_price(const LineInput *line)
{
    return is_absent(line->unit_price) && rules_input_takes_stock(line);
}

/* What an item costs may be left to the item. */
static bool line_price(const struct check *check, const LineInput *line, size_t i)
{
    return (!check->is_import && rules_input_lacks_price(line)) ||
           required_amount(check, line->unit_price, false, (struct at){"lines", i, "unit_price"});
}

static bool check_line(const struct check *check, const LineInput *line, size_t i)
{
    struct at sku = {"lines", i, "sku"}, quantity = {"lines", i, "quantity"};
    if (line->sku[0] == '\0' && !line->is_custom && !check->is_import)
        return fail(check, sku, "", "required", "A line that is not custom needs a SKU.");
    if (line->is_custom && line->name[0] == '\0' && !check->is_import)
        return fail(check, (struct at){"lines", i, "name"}, "", "required",
                    "A custom line needs a name.");
    if (line->quantity < 1 || line->quantity > ORDERS_MAX_QUANTITY)
        return fail(check, quantity, "", "out_of_range", "A quantity is from 1 to 1000000.");
    if (line->cancelled < 0 || line->cancelled > line->quantity ||
        (line->cancelled != 0 && !check->is_import))
        return fail(check, (struct at){"lines", i, "cancelled"}, "", "out_of_range",
                    "Only a channel's order tells what was taken back, at most the quantity.");
    return text(check, line->sku, 64, sku) &&
           text(check, line->name, 200, (struct at){"lines", i, "name"}) &&
           text(check, line->external_id, 128, (struct at){"lines", i, "external_id"}) &&
           line_price(check, line, i) &&
           amount(check, line->discount, false, (struct at){"lines", i, "discount"}) &&
           amount(check, line->tax, false, (struct at){"lines", i, "tax"});
}

static bool check_lines(const struct check *check, const PlaceOrderRequest *in)
{
    struct at lines = {NULL, NO_INDEX, "lines"};
    if (in->n_lines == 0)
        return fail(check, lines, "", "required", "An order has at least one line.");
    if (in->n_lines > ORDERS_MAX_LINES)
        return fail(check, lines, "", "too_many", "An order has at most 500 lines.");
    for (size_t i = 0; i < in->n_lines; i++) {
        if (!check_line(check, in->lines[i], i))
            return false;
    }
    return true;
}

static bool at_most(const struct check *check, size_t count, const char *list)
{
    if (count <= ORDERS_MAX_ENTRIES)
        return true;
    return fail(check, (struct at){NULL, NO_INDEX, list}, "", "too_many",
                "At most 50 entries are allowed here.");
}

static bool check_shipping_and_discounts(const struct check *check, const PlaceOrderRequest *in)
{
    if (!at_most(check, in->n_shipping_lines, "shipping_lines") ||
        !at_most(check, in->n_discounts, "discounts"))
        return false;
    for (size_t i = 0; i < in->n_shipping_lines; i++) {
        const ShippingLine *line = in->shipping_lines[i];
        if (!text(check, line->code, 200, (struct at){"shipping_lines", i, "code"}) ||
            !text(check, line->title, 200, (struct at){"shipping_lines", i, "title"}) ||
            !required_amount(check, line->price, false, (struct at){"shipping_lines", i, "price"}))
            return false;
    }
    for (size_t i = 0; i < in->n_discounts; i++) {
        const Discount *discount = in->discounts[i];
        if (!text(check, discount->code, 200, (struct at){"discounts", i, "code"}) ||
            !text(check, discount->title, 200, (struct at){"discounts", i, "title"}) ||
            !text(check, discount->reason, 200, (struct at){"discounts", i, "reason"}) ||
            !required_amount(check, discount->amount, false, (struct at){"discounts", i, "amount"}))
            return false;
    }
    return true;
}

static bool check_taxes_and_charges(const struct check *check, const PlaceOrderRequest *in)
{
    if (!at_most(check, in->n_tax_lines, "tax_lines") || !at_most(check, in->n_charges, "charges"))
        return false;
    for (size_t i = 0; i < in->n_tax_lines; i++) {
        const TaxLine *tax = in->tax_lines[i];
        if (!text(check, tax->title, 200, (struct at){"tax_lines", i, "title"}) ||
            !required_amount(check, tax->amount, false, (struct at){"tax_lines", i, "amount"}))
            return false;
        if (tax->rate_ppm < 0 || tax->rate_ppm > 10000000)
            return fail(check, (struct at){"tax_lines", i, "rate_ppm"}, "", "out_of_range",
                        "A rate is from 0 to 10000000 parts per million.");
    }
    for (size_t i = 0; i < in->n_charges; i++) {
        const Charge *charge = in->charges[i];
        if (!text(check, charge->title, 200, (struct at){"charges", i, "title"}) ||
            !text(check, charge->reason, 200, (struct at){"charges", i, "reason"}) ||
            !required_amount(check, charge->amount, true, (struct at){"charges", i, "amount"}))
            return false;
    }
    return true;
}

static bool check_payment(const struct check *check, const PlaceOrderRequest *in, size_t i)
{
    const PaymentInput *payment = in->payments[i];
    struct at refunded = {"payments", i, "refunded"}, status = {"payments", i, "status"};
    if (!token(check, payment->method, (struct at){"payments", i, "method"}) ||
        !text(check, payment->reference, 128, (struct at){"payments", i, "reference"}) ||
        !required_amount(check, payment->amount, false, (struct at){"payments", i, "amount"}) ||
        !amount(check, payment->refunded, false, refunded))
        return false;
    if ((int)payment->status == 0)
        return fail(check, status, "", "required", "A payment has a status.");
    if ((int)payment->status < ENTRY_PENDING || (int)payment->status > ENTRY_FAILED)
        return fail(check, status, "", "invalid", "This status of a payment is not known.");
    if (!is_absent(payment->refunded)) {
        if (!check->is_import)
            return fail(check, refunded, "", "invalid",
                        "Refunds of an order that is placed here are recorded by their own route.");
        if (payment->refunded->amount_minor > payment->amount->amount_minor)
            return fail(check, refunded, ".amount", "out_of_range",
                        "No more can be refunded than was paid.");
    }
    for (size_t j = 0; payment->reference[0] != '\0' && j < i; j++) {
        if (strcmp(in->payments[j]->reference, payment->reference) == 0)
            return fail(check, (struct at){"payments", i, "reference"}, "", "invalid",
                        "Another payment of the order has this reference.");
    }
    return true;
}

static bool check_payments(const struct check *check, const PlaceOrderRequest *in)
{
    int64_t sum = 0;
    if (!at_most(check, in->n_payments, "payments"))
        return false;
    for (size_t i = 0; i < in->n_payments; i++) {
        if (!check_payment(check, in, i))
            return false;
        sum += in->payments[i]->amount->amount_minor;
    }
    if (sum > MONEY_MAX_MINOR)
        return fail(check, (struct at){NULL, NO_INDEX, "payments"}, "", "amount_too_large",
                    "The payments of one order are limited to 10^15 minor units.");
    return true;
}

static bool check_head(const struct check *check, const PlaceOrderRequest *in, int64_t now_us)
{
    struct at currency = {NULL, NO_INDEX, "currency"}, channel = {NULL, NO_INDEX, "channel"};
    struct at locale = {NULL, NO_INDEX, "locale"}, placed_at = {NULL, NO_INDEX, "placed_at"};
    if (in->channel[0] == '\0')
        return fail(check, channel, "", "required", "An order comes from a channel.");
    if (in->currency[0] == '\0')
        return fail(check, currency, "", "required", "An order has a currency.");
    if (money_exponent(in->currency) < 0)
        return fail(check, currency, "", "invalid", "This is no currency of ISO 4217.");
    if (!text(check, in->channel, 64, channel) || !text(check, in->locale, 35, locale) ||
        !text(check, in->external_id, 128, (struct at){NULL, NO_INDEX, "external_id"}))
        return false;
    if (strspn(in->locale, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") !=
            strlen(in->locale) &&
        !check->is_import)
        return fail(check, locale, "", "invalid", "A locale is a BCP 47 tag, such as zh-Hant.");
    if ((int)in->stock_policy < 0 || (int)in->stock_policy > POLICY_ACCEPT)
        return fail(check, (struct at){NULL, NO_INDEX, "stock_policy"}, "", "invalid",
                    "The policy is require or accept.");
    bool is_timely = in->placed_at_us >= EARLIEST_US && in->placed_at_us <= now_us + DAY_US;
    if (in->placed_at_us != 0 && !is_timely && !check->is_import)
        return fail(check, placed_at, "", "out_of_range",
                    "An order is placed between the year 2000 and tomorrow.");
    return true;
}

/* What only people and programs of our own say. */
static bool check_desk(const struct check *check, const PlaceOrderRequest *in)
{
    struct uuid customer_id;
    if (check->is_import)
        return true;
    if (in->customer_id[0] != '\0' && !uuid_parse(in->customer_id, &customer_id))
        return rules_refuse(check->no, STATUS_INVALID, "invalid", "A customer's id is a UUID.",
                            "%s", "customer_id");
    return rules_check_delivery(in->delivery, check->no);
}

bool rules_check_order(const PlaceOrderRequest *in, bool is_import, int64_t now_us,
                       struct refusal *no)
{
    struct check check = {no, in->currency, is_import};
    struct uuid reservation;
    if (in->reservation_id[0] != '\0' && !uuid_parse(in->reservation_id, &reservation))
        return rules_refuse(no, STATUS_INVALID, "invalid", "A reservation's id is a UUID.", "%s",
                            "reservation_id");
    return check_head(&check, in, now_us) && check_lines(&check, in) &&
           check_customer(&check, in->customer) &&
           check_address(&check, in->shipping_address, "shipping_address") &&
           check_address(&check, in->billing_address, "billing_address") &&
           check_shipping_and_discounts(&check, in) && check_taxes_and_charges(&check, in) &&
           check_payments(&check, in) && check_desk(&check, in) &&
           text_as(&check, in->note, 2000, true, (struct at){NULL, NO_INDEX, "note"}) &&
           text_as(&check, in->shipping_remark, ORDERS_MAX_REMARK, true,
                   (struct at){NULL, NO_INDEX, "shipping_remark"});
}

/* ---- a channel's texts, made fit ---- */

static char *clean_text(const char *value, size_t max_characters, bool is_note, struct arena *arena)
{
    const unsigned char *s = (const unsigned char *)value;
    char *clean = arena_alloc(arena, strlen(value) + 1), *to = clean;
    for (size_t characters = 0; *s != '\0' && characters < max_characters; characters++) {
        size_t bytes = character_bytes(s);
        if (bytes == 0 || is_control(s, is_note)) {
            *to++ = bytes == 0 ? '?' : ' ';
            s += bytes == 0 ? 1 : bytes;
            continue;
        }
        memcpy(to, s, bytes);
        to += bytes;
        s += bytes;
    }
    return clean;
}

static size_t limit_of(const char *field)
{
    static const struct {
        const char *field;
        size_t max;
    } limits[] = {
        {"sku", 64},        {"external_id", 128},
        {"reference", 128}, {"note", 2000},
        {"phone", 40},      {"postcode", 40},
        {"country", 64},    {"shipping_remark", ORDERS_MAX_REMARK},
        {"method", 64},     {"locale", 35},
        {"channel", 64},    {"id", 128},
    };
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        if (strcmp(limits[i].field, field) == 0)
            return limits[i].max;
    }
    return 200;
}

static void clean_message(ProtobufCMessage *message, struct arena *arena);

static void clean_member(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
                         struct arena *arena)
{
    char *base = (char *)message;
    void *member = base + field->offset;
    bool is_note = strcmp(field->name, "note") == 0 || strcmp(field->name, "shipping_remark") == 0;
    if (field->type == PROTOBUF_C_TYPE_STRING) {
        char **value = member;
        *value = clean_text(*value, limit_of(field->name), is_note, arena);
        return;
    }
    if (field->type != PROTOBUF_C_TYPE_MESSAGE)
        return;
    if (field->label != PROTOBUF_C_LABEL_REPEATED) {
        ProtobufCMessage **one = member;
        if (*one != NULL)
            clean_message(*one, arena);
        return;
    }
    size_t count = *(const size_t *)(void *)(base + field->quantifier_offset);
    ProtobufCMessage **list = *(ProtobufCMessage ***)member;
    for (size_t i = 0; i < count; i++)
        clean_message(list[i], arena);
}

/* Orders are three levels deep and no type is recursive. */
static void clean_message(ProtobufCMessage *message, struct arena *arena)
{
    for (unsigned i = 0; i < message->descriptor->n_fields; i++)
        clean_member(message, &message->descriptor->fields[i], arena);
}

PlaceOrderRequest *rules_clean_order(const PlaceOrderRequest *in, struct arena *arena)
{
    size_t bytes = protobuf_c_message_get_packed_size(&in->base);
    uint8_t *packed = arena_alloc(arena, bytes + 1);
    protobuf_c_message_pack(&in->base, packed);
    PlaceOrderRequest *copy = (PlaceOrderRequest *)(void *)protobuf_c_message_unpack(
        in->base.descriptor, arena_protobuf(arena), bytes, packed);
    if (copy != NULL)
        clean_message(&copy->base, arena);
    return copy;
}
