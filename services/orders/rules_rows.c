#include "rules_rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "csv_rows.h"
#include "view.h"

/* What a column is, and its name in each format; NULL: that format has none. */
#define COLUMNS(X)                                                                                 \
    X(KEY, "order", "Name")                                                                        \
    X(ID, NULL, "Id")                                                                              \
    X(CHANNEL, "channel", NULL)                                                                    \
    X(CURRENCY, "currency", "Currency")                                                            \
    X(PLACED_AT, "placed_at", "Created at")                                                        \
    X(CANCELLED_AT, "cancelled_at", "Cancelled at")                                                \
    X(LOCALE, "locale", NULL)                                                                      \
    X(NAME, "customer_name", "Billing Name")                                                       \
    X(EMAIL, "email", "Email")                                                                     \
    X(PHONE, "phone", "Phone")                                                                     \
    X(SKU, "sku", "Lineitem sku")                                                                  \
    X(ITEM, "item", "Lineitem name")                                                               \
    X(QUANTITY, "quantity", "Lineitem quantity")                                                   \
    X(PRICE, "unit_price", "Lineitem price")                                                       \
    X(LINE_DISCOUNT, "line_discount", "Lineitem discount")                                         \
    X(NEEDS_SHIPPING, NULL, "Lineitem requires shipping")                                          \
    X(SHIPPING, "shipping", "Shipping")                                                            \
    X(SHIPPING_TITLE, "shipping_method", "Shipping Method")                                        \
    X(DISCOUNT, "discount", "Discount Amount")                                                     \
    X(DISCOUNT_CODE, "discount_code", "Discount Code")                                             \
    X(TAX, "tax", "Taxes")                                                                         \
    X(TOTAL, "total", "Total")                                                                     \
    X(FINANCIAL, "payment_status", "Financial Status")                                             \
    X(PAID, "paid", NULL)                                                                          \
    X(OUTSTANDING, NULL, "Outstanding Balance")                                                    \
    X(REFUNDED, "refunded", "Refunded Amount")                                                     \
    X(METHOD, "payment_method", "Payment Method")                                                  \
    X(REFERENCE, "payment_reference", "Payment Reference")                                         \
    X(NOTE, "note", "Notes")                                                                       \
    X(TO_NAME, "recipient", "Shipping Name")                                                       \
    X(TO_COMPANY, "company", "Shipping Company")                                                   \
    X(TO_PHONE, "recipient_phone", "Shipping Phone")                                               \
    X(TO_ADDRESS1, "address1", "Shipping Address1")                                                \
    X(TO_ADDRESS2, "address2", "Shipping Address2")                                                \
    X(TO_DISTRICT, "district", NULL)                                                               \
    X(TO_CITY, "city", "Shipping City")                                                            \
    X(TO_REGION, "region", "Shipping Province")                                                    \
    X(TO_POSTCODE, "postcode", "Shipping Zip")                                                     \
    X(TO_COUNTRY, "country", "Shipping Country")

enum column {
#define X(name, ours, shopifys) COLUMN_##name,
    COLUMNS(X)
#undef X
        COLUMN_COUNT
};
static const char *const names[COLUMN_COUNT][2] = {
#define X(name, ours, shopifys) {ours, shopifys},
    COLUMNS(X)
#undef X
};
static const enum column required[] = {COLUMN_KEY, COLUMN_QUANTITY, COLUMN_PRICE, COLUMN_ITEM};

struct decoding {
    const struct import *import;
    struct arena *arena;
    int64_t now_us;
    int at[COLUMN_COUNT]; /* where each column stands; -1: nowhere */
    const struct csv_row *rows;
    size_t count;
    int64_t first_row; /* of rows[0], in the file */
    PlaceOrderRequest *order;
    ImportOrderRequest *wrapped;
    struct import_order *out;
};

/* ---- fields ---- */

static const char *field(const struct decoding *it, size_t row, enum column column)
{
    int at = it->at[column];
    return at >= 0 && (size_t)at < it->rows[row].count ? it->rows[row].fields[at] : "";
}

static bool fail(struct decoding *it, size_t row, const char *code, enum column column,
                 const char *text)
{
    const char *name = names[column][it->import->format - 1];
    it->out->row = it->first_row + (int64_t)row;
    it->out->status = ROW_FAILED;
    it->out->code = code;
    it->out->field = name != NULL ? name : "";
    it->out->message = text;
    return false;
}

/* NULL when the field is empty. */
static bool amount(struct decoding *it, size_t row, enum column column, Money **out)
{
    const char *text = field(it, row, column);
    struct money money;
    *out = NULL;
    if (text[0] == '\0')
        return true;
    if (!money_parse(text, it->order->currency, &money))
        return fail(it, row, "invalid", column, "This is no amount of the order's currency.");
    *out = wire_money(it->arena, money.minor, it->order->currency);
    return true;
}

static bool digits(const char *text, size_t count, int *out)
{
    *out = 0;
    for (size_t i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        *out = *out * 10 + (text[i] - '0');
    }
    return true;
}

/* "2026-11-20 10:00:00 +0800", "2026-11-20T10:00:00+08:00", "...Z"; without a zone it is UTC. */
static bool read_time(const char *text, int64_t *us)
{
    struct tm tm = {0};
    int zone_hours = 0, zone_minutes = 0;
    bool is_time = strlen(text) >= 19 && digits(text, 4, &tm.tm_year) && text[4] == '-' &&
                   digits(text + 5, 2, &tm.tm_mon) && text[7] == '-' &&
                   digits(text + 8, 2, &tm.tm_mday) && digits(text + 11, 2, &tm.tm_hour) &&
                   digits(text + 14, 2, &tm.tm_min) && digits(text + 17, 2, &tm.tm_sec);
    if (!is_time)
        return false;
    const char *zone = text + 19;
    zone += strspn(zone, ".0123456789 ");
    if (*zone == '+' || *zone == '-') {
        size_t colon = zone[1] != '\0' && zone[2] != '\0' && zone[3] == ':';
        if (!digits(zone + 1, 2, &zone_hours) || !digits(zone + 3 + colon, 2, &zone_minutes))
            return false;
    }
    int64_t offset = (zone_hours * 60 + zone_minutes) * 60 * (*zone == '-' ? -1 : 1);
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    *us = ((int64_t)timegm(&tm) - offset) * 1000000;
    return true;
}

/* ---- lines ---- */

static bool read_line(struct decoding *it, size_t row)
{
    const char *quantity = field(it, row, COLUMN_QUANTITY);
    LineInput *line = ARENA_NEW(it->arena, LineInput);
    penstock__orders__v1__line_input__init(line);
    char *end;
    line->quantity = strtoll(quantity, &end, 10);
    if (quantity[0] == '\0' || *end != '\0' || line->quantity < 1 ||
        line->quantity > ORDERS_MAX_QUANTITY)
        return fail(it, row, "out_of_range", COLUMN_QUANTITY, "A quantity is from 1 to 1000000.");
    if (!amount(it, row, COLUMN_PRICE, &line->unit_price) ||
        !amount(it, row, COLUMN_LINE_DISCOUNT, &line->discount))
        return false;
    if (line->unit_price == NULL)
        return fail(it, row, "required", COLUMN_PRICE, "A line has a price.");
    line->sku = wire_text(field(it, row, COLUMN_SKU));
    line->name = wire_text(field(it, row, COLUMN_ITEM));
    line->is_custom = line->sku[0] == '\0';
    if (line->is_custom && line->name[0] == '\0')
        return fail(it, row, "required", COLUMN_ITEM, "A line has a SKU or a name.");
    bool moves_stock = !it->import->is_historic && it->import->stock_policy != STOCK_SKIP;
    line->no_shipping = !moves_stock || strcmp(field(it, row, COLUMN_NEEDS_SHIPPING), "false") == 0;
    it->order->lines[it->order->n_lines++] = line;
    return true;
}

/* ---- the order ---- */

static void read_people(struct decoding *it)
{
    Customer *customer = it->order->customer = ARENA_NEW(it->arena, Customer);
    Address *to = ARENA_NEW(it->arena, Address);
    penstock__orders__v1__customer__init(customer);
    penstock__common__v1__address__init(to);
    const char *name = field(it, 0, COLUMN_NAME);
    customer->name = wire_text(name[0] != '\0' ? name : field(it, 0, COLUMN_TO_NAME));
    customer->email = wire_text(field(it, 0, COLUMN_EMAIL));
    const char *phone = field(it, 0, COLUMN_PHONE);
    customer->phone = wire_text(phone[0] != '\0' ? phone : field(it, 0, COLUMN_TO_PHONE));
    to->name = wire_text(field(it, 0, COLUMN_TO_NAME));
    to->company = wire_text(field(it, 0, COLUMN_TO_COMPANY));
    to->phone = wire_text(field(it, 0, COLUMN_TO_PHONE));
    to->address1 = wire_text(field(it, 0, COLUMN_TO_ADDRESS1));
    to->address2 = wire_text(field(it, 0, COLUMN_TO_ADDRESS2));
    to->district = wire_text(field(it, 0, COLUMN_TO_DISTRICT));
    to->city = wire_text(field(it, 0, COLUMN_TO_CITY));
    to->region = wire_text(field(it, 0, COLUMN_TO_REGION));
    /* Spreadsheets keep leading zeros with an apostrophe. */
    const char *postcode = field(it, 0, COLUMN_TO_POSTCODE);
    to->postcode = wire_text(postcode + (postcode[0] == '\''));
    to->country = wire_text(field(it, 0, COLUMN_TO_COUNTRY));
    if (protobuf_c_message_get_packed_size(&to->base) > 0)
        it->order->shipping_address = to;
}

static bool read_sums(struct decoding *it)
{
    PlaceOrderRequest *order = it->order;
    Money *shipping, *discount, *tax;
    if (!amount(it, 0, COLUMN_SHIPPING, &shipping) || !amount(it, 0, COLUMN_DISCOUNT, &discount) ||
        !amount(it, 0, COLUMN_TAX, &tax) ||
        !amount(it, 0, COLUMN_TOTAL, &it->wrapped->stated_total))
        return false;
    if (shipping != NULL) {
        order->shipping_lines = ARENA_NEW(it->arena, ShippingLine *);
        ShippingLine *line = order->shipping_lines[order->n_shipping_lines++] =
            ARENA_NEW(it->arena, ShippingLine);
        penstock__orders__v1__shipping_line__init(line);
        line->title = wire_text(field(it, 0, COLUMN_SHIPPING_TITLE));
        line->price = shipping;
    }
    if (discount != NULL && discount->amount_minor > 0) {
        order->discounts = ARENA_NEW(it->arena, Discount *);
        Discount *given = order->discounts[order->n_discounts++] = ARENA_NEW(it->arena, Discount);
        penstock__orders__v1__discount__init(given);
        given->code = wire_text(field(it, 0, COLUMN_DISCOUNT_CODE));
        given->amount = discount;
    }
    if (tax != NULL && tax->amount_minor > 0) {
        order->tax_lines = ARENA_NEW(it->arena, TaxLine *);
        TaxLine *line = order->tax_lines[order->n_tax_lines++] = ARENA_NEW(it->arena, TaxLine);
        penstock__orders__v1__tax_line__init(line);
        line->amount = tax;
    }
    return true;
}

/* A word for what was paid where no figure says it. */
static bool read_paid(struct decoding *it, int64_t total, int64_t *paid)
{
    Money *money, *outstanding;
    const char *word = field(it, 0, COLUMN_FINANCIAL);
    if (!amount(it, 0, COLUMN_PAID, &money) || !amount(it, 0, COLUMN_OUTSTANDING, &outstanding))
        return false;
    bool was_paid = strcmp(word, "paid") == 0 || strcmp(word, "refunded") == 0 ||
                    strcmp(word, "partially_refunded") == 0;
    *paid = money != NULL ? money->amount_minor : was_paid ? total : 0;
    if (strcmp(word, "partially_paid") == 0 && outstanding != NULL)
        *paid = total - outstanding->amount_minor;
    return true;
}

static const char *method_of(struct arena *arena, const char *text)
{
    char *word = arena_strndup(arena, text[0] != '\0' ? text : "imported", 64);
    for (char *s = word; *s != '\0'; s++) {
        if (*s >= 'A' && *s <= 'Z')
            *s = (char)(*s - 'A' + 'a');
        else if (*s == ' ')
            *s = '_';
    }
    return word;
}

static bool read_payment(struct decoding *it, int64_t total)
{
    int64_t paid;
    Money *refunded;
    if (!read_paid(it, total, &paid) || !amount(it, 0, COLUMN_REFUNDED, &refunded))
        return false;
    if (paid <= 0)
        return true;
    PlaceOrderRequest *order = it->order;
    order->payments = ARENA_NEW(it->arena, PaymentInput *);
    PaymentInput *payment = order->payments[order->n_payments++] =
        ARENA_NEW(it->arena, PaymentInput);
    penstock__orders__v1__payment_input__init(payment);
    payment->method = wire_text(method_of(it->arena, field(it, 0, COLUMN_METHOD)));
    payment->reference = wire_text(field(it, 0, COLUMN_REFERENCE));
    payment->status = (Penstock__Orders__V1__PaymentEntryStatus)ENTRY_CAPTURED;
    payment->amount = wire_money(it->arena, paid, order->currency);
    payment->refunded = refunded;
    payment->paid_at_us = order->placed_at_us;
    return true;
}

static bool read_head(struct decoding *it)
{
    PlaceOrderRequest *order = it->order;
    const struct import *import = it->import;
    const char *channel = field(it, 0, COLUMN_CHANNEL), *currency = field(it, 0, COLUMN_CURRENCY);
    const char *id = field(it, 0, COLUMN_ID), *key = field(it, 0, COLUMN_KEY);
    order->channel = wire_text(channel[0] != '\0' ? channel : import->channel);
    order->currency = wire_text(currency[0] != '\0' ? currency : import->currency);
    order->external_id = wire_text(id[0] != '\0' ? id : key);
    it->out->external_id = order->external_id;
    it->wrapped->external_number = wire_text(key);
    if (order->external_id[0] == '\0')
        return fail(it, 0, "required", COLUMN_KEY, "Every row names its order.");
    if (money_exponent(order->currency) < 0)
        return fail(it, 0, "invalid", COLUMN_CURRENCY, "This is no currency of ISO 4217.");
    const char *at = field(it, 0, COLUMN_PLACED_AT);
    if (at[0] != '\0' && !read_time(at, &order->placed_at_us))
        return fail(it, 0, "invalid", COLUMN_PLACED_AT,
                    "A time is written 2026-11-20T10:00:00+08:00.");
    if (import->is_historic && order->placed_at_us == 0)
        return fail(it, 0, "required", COLUMN_PLACED_AT, "An order of the past has its time.");
    order->locale = wire_text(field(it, 0, COLUMN_LOCALE));
    order->note = wire_text(field(it, 0, COLUMN_NOTE));
    order->stock_policy =
        (Penstock__Inventory__V1__StockPolicy)(import->stock_policy == STOCK_REQUIRE
                                                   ? POLICY_REQUIRE
                                                   : POLICY_ACCEPT);
    if (import->is_historic || !import->notify_customers)
        order->notify_customer = PENSTOCK__INVENTORY__V1__SWITCH__SWITCH_OFF;
    it->wrapped->is_cancelled = field(it, 0, COLUMN_CANCELLED_AT)[0] != '\0';
    return true;
}

/* ---- whether it is an order ---- */

static struct order *priced(struct decoding *it, struct refusal *no)
{
    const struct act act = {
        .arena = it->arena, .source = "orders", .actor = "", .now_us = it->now_us};
    const struct channel channel = {.name = it->order->channel};
    const struct placing placing = {
        .in = it->order,
        .channel = &channel,
        .number = "",
        .ids = ARENA_ARRAY(it->arena, rules_place_ids(it->order), struct uuid),
        .is_import = true};
    return rules_place(&placing, &act, no);
}

static bool fail_by(struct decoding *it, const struct refusal *no)
{
    fail(it, 0, no->code, COLUMN_KEY, no->text);
    it->out->field = arena_strdup(it->arena, no->field);
    return false;
}

/* A file does not say whether its prices include the tax: its total does. */
static bool read_total(struct decoding *it, int64_t *total)
{
    struct refusal no;
    const Money *stated = it->wrapped->stated_total;
    it->order->prices_include_tax = true;
    struct order *order = priced(it, &no);
    if (order != NULL && stated != NULL && order->total != stated->amount_minor) {
        it->order->prices_include_tax = false;
        order = priced(it, &no);
    }
    if (order == NULL)
        return fail_by(it, &no);
    *total = order->total;
    if (stated != NULL && order->total != stated->amount_minor)
        return fail(it, 0, "total_mismatch", COLUMN_TOTAL,
                    "Lines, discounts, shipping and taxes do not add up to the total.");
    return true;
}

static bool decode(struct decoding *it)
{
    struct refusal no;
    int64_t total;
    it->order->lines = ARENA_ARRAY(it->arena, it->count, LineInput *);
    if (it->count > ORDERS_MAX_LINES)
        return fail(it, 0, "too_many", COLUMN_KEY, "An order has at most 500 lines.");
    if (!read_head(it))
        return false;
    for (size_t i = 0; i < it->count; i++) {
        if (!read_line(it, i))
            return false;
    }
    read_people(it);
    if (!read_sums(it))
        return false;
    if (!rules_check_order(it->order, true, it->now_us, &no)) {
        PlaceOrderRequest *cleaned = rules_clean_order(it->order, it->arena);
        it->order = cleaned != NULL ? cleaned : it->order;
    }
    if (!rules_check_order(it->order, true, it->now_us, &no))
        return fail_by(it, &no);
    if (!read_total(it, &total) || !read_payment(it, total))
        return false;
    return rules_check_order(it->order, true, it->now_us, &no) ? true : fail_by(it, &no);
}

static void pack(struct decoding *it)
{
    ImportOrderRequest *wrapped = it->wrapped;
    char id[UUID_TEXT_BYTES];
    struct uuid hash = rules_content_hash(it->order, it->arena);
    wrapped->channel = it->order->channel;
    wrapped->external_id = it->order->external_id;
    wrapped->order = it->order;
    wrapped->cancel_reason = wire_text("other");
    wrapped->source_topic = wire_text("file");
    wrapped->version = ARENA_NEW(it->arena, Penstock__Orders__V1__ExternalVersion);
    penstock__orders__v1__external_version__init(wrapped->version);
    wrapped->version->body_hash = arena_strdup(it->arena, uuid_text(&hash, id));
    size_t bytes = protobuf_c_message_get_packed_size(&wrapped->base);
    uint8_t *packed = arena_alloc(it->arena, bytes + 1);
    protobuf_c_message_pack(&wrapped->base, packed);
    it->out->body = (struct db_bytea){packed, bytes};
}

static void decode_order(struct decoding *it)
{
    *it->out = (struct import_order){.row = it->first_row,
                                     .status = ROW_CHECKED,
                                     .external_id = "",
                                     .code = "",
                                     .field = "",
                                     .message = ""};
    it->order = ARENA_NEW(it->arena, PlaceOrderRequest);
    it->wrapped = ARENA_NEW(it->arena, ImportOrderRequest);
    penstock__orders__v1__place_order_request__init(it->order);
    penstock__orders__v1__import_order_request__init(it->wrapped);
    if (decode(it))
        pack(it);
    if (strlen(it->out->external_id) > 128)
        it->out->external_id = arena_strndup(it->arena, it->out->external_id, 128);
}

/* ---- the part ---- */

static bool is_named(const char *have, const char *want)
{
    return want != NULL && strcasecmp(have, want) == 0;
}

/* Where each column stands; the first that is missing and must not be: else NULL. */
static const char *read_header(struct decoding *it, const struct csv_row *header)
{
    for (size_t c = 0; c < COLUMN_COUNT; c++) {
        it->at[c] = -1;
        for (size_t i = 0; i < header->count && it->at[c] < 0; i++) {
            if (is_named(header->fields[i], names[c][it->import->format - 1]))
                it->at[c] = (int)i;
        }
    }
    for (size_t i = 0; i < sizeof(required) / sizeof(required[0]); i++) {
        if (it->at[required[i]] < 0)
            return names[required[i]][it->import->format - 1];
    }
    return NULL;
}

static void fail_file(struct read_part *part, int64_t row, const char *code, const char *field_name,
                      const char *text)
{
    part->orders[part->count++] = (struct import_order){.row = row,
                                                        .status = ROW_FAILED,
                                                        .external_id = "",
                                                        .code = code,
                                                        .field = field_name,
                                                        .message = text};
}

/* Rows of one order stand together. */
static size_t same_order(const struct decoding *it, const struct csv_row *rows, size_t count)
{
    size_t same = 1;
    struct decoding one = *it;
    one.rows = rows;
    while (same < count && strcmp(field(&one, same, COLUMN_KEY), field(&one, 0, COLUMN_KEY)) == 0)
        same++;
    return same;
}

static struct db_bytea join(struct arena *arena, struct db_bytea a, struct db_bytea b)
{
    uint8_t *all = arena_alloc(arena, a.count + b.count + 1);
    if (a.count > 0)
        memcpy(all, a.bytes, a.count);
    if (b.count > 0)
        memcpy(all + a.count, b.bytes, b.count);
    return (struct db_bytea){all, a.count + b.count};
}

static struct db_bytea without_mark(struct db_bytea text)
{
    bool has_mark = text.count >= 3 && memcmp(text.bytes, "\xef\xbb\xbf", 3) == 0;
    return has_mark ? (struct db_bytea){text.bytes + 3, text.count - 3} : text;
}

void rules_read_part(const struct import *import, struct db_bytea text, bool is_last,
                     int64_t now_us, struct arena *arena, struct read_part *part)
{
    struct decoding it = {.import = import, .arena = arena, .now_us = now_us};
    struct csv_rows rows;
    bool is_first = import->header.count == 0;
    if (is_first && import->carry.count == 0)
        text = without_mark(text);
    struct db_bytea head = join(arena, import->header, import->carry);
    struct db_bytea all = join(arena, head, text);
    csv_rows_read((const char *)all.bytes, all.count, is_last, arena, &rows);
    *part = (struct read_part){.orders = ARENA_ARRAY(arena, rows.count + 2, struct import_order),
                               .header = import->header};
    if (rows.count == 0) {
        part->carry = all;
        if (is_last || rows.is_malformed)
            fail_file(part, 2, "bad_csv", "", "There is no header that can be read.");
        return;
    }
    size_t header_end = rows.count > 1 ? rows.list[1].offset : rows.end;
    part->header = (struct db_bytea){all.bytes, header_end};
    const char *missing = read_header(&it, &rows.list[0]);
    if (missing != NULL) {
        fail_file(part, 2, "missing_column", missing, "The file has no such column.");
        return;
    }
    size_t next = 1, carried_from = rows.end;
    while (next < rows.count) {
        size_t same = same_order(&it, &rows.list[next], rows.count - next);
        bool may_go_on = next + same == rows.count && !is_last && !rows.is_malformed;
        if (may_go_on) {
            carried_from = rows.list[next].offset;
            break;
        }
        it.rows = &rows.list[next];
        it.count = same;
        it.first_row = import->rows + 1 + (int64_t)next;
        it.out = &part->orders[part->count++];
        decode_order(&it);
        next += same;
    }
    part->rows = (int64_t)next - 1;
    part->carry = (struct db_bytea){all.bytes + carried_from, all.count - carried_from};
    if (rows.is_malformed)
        fail_file(part, import->rows + part->rows + 2, "bad_csv", "",
                  "From this row on the file cannot be read as CSV.");
}
