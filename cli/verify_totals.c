/* verify_totals.c -- an order's totals from its parts: lines, and what its row keeps packed. */
#include <string.h>

#include "cli/verify.h"
#include "common/id.h"
#include "penstock/orders/v1/orders.pb-c.h"
#include "verify_queries.h"

typedef Penstock__Orders__V1__OrderDetails OrderDetails;
typedef Penstock__Common__V1__Money Money;

struct totals_row {
    struct uuid id;
    const char *number, *currency;
    bool prices_include_tax;
    int64_t items_total, discount_total, shipping_total, tax_total, charges_total, total;
    struct db_bytea details;
    int64_t lines_price, lines_discount, lines_tax, lines_total;
};
DB_SHAPE(totals_shape, struct totals_row, DB_FIELD(struct totals_row, id, DB_UUID),
         DB_FIELD(struct totals_row, number, DB_TEXT),
         DB_FIELD(struct totals_row, currency, DB_TEXT),
         DB_FIELD(struct totals_row, prices_include_tax, DB_BOOLEAN),
         DB_FIELD(struct totals_row, items_total, DB_INT64),
         DB_FIELD(struct totals_row, discount_total, DB_INT64),
         DB_FIELD(struct totals_row, shipping_total, DB_INT64),
         DB_FIELD(struct totals_row, tax_total, DB_INT64),
         DB_FIELD(struct totals_row, charges_total, DB_INT64),
         DB_FIELD(struct totals_row, total, DB_INT64),
         DB_FIELD(struct totals_row, details, DB_BYTEA),
         DB_FIELD(struct totals_row, lines_price, DB_INT64),
         DB_FIELD(struct totals_row, lines_discount, DB_INT64),
         DB_FIELD(struct totals_row, lines_tax, DB_INT64),
         DB_FIELD(struct totals_row, lines_total, DB_INT64));

struct parts {
    int64_t shipping, discounts, taxes, charges;
    const char *foreign; /* a currency that is not the order's */
};

static void add(struct parts *parts, int64_t *sum, const Money *money, const char *currency)
{
    if (money == NULL)
        return;
    *sum += money->amount_minor;
    if (money->currency[0] != '\0' && strcmp(money->currency, currency) != 0)
        parts->foreign = money->currency;
}

static struct parts add_up(const OrderDetails *details, const char *currency)
{
    struct parts parts = {0};
    for (size_t i = 0; i < details->n_shipping_lines; i++)
        add(&parts, &parts.shipping, details->shipping_lines[i]->price, currency);
    for (size_t i = 0; i < details->n_discounts; i++)
        add(&parts, &parts.discounts, details->discounts[i]->amount, currency);
    for (size_t i = 0; i < details->n_tax_lines; i++)
        add(&parts, &parts.taxes, details->tax_lines[i]->amount, currency);
    for (size_t i = 0; i < details->n_charges; i++)
        add(&parts, &parts.charges, details->charges[i]->amount, currency);
    return parts;
}

static void compare(struct verify *verify, const struct totals_row *row, const char *what,
                    int64_t stored, int64_t computed)
{
    char id[UUID_TEXT_BYTES];
    if (stored != computed)
        verify_differ(verify, INVARIANT_ORDER_LINES,
                      "order %s (%s): its %s are %lld, its parts add up to %lld", row->number,
                      uuid_text(&row->id, id), what, (long long)stored, (long long)computed);
}

/* Lines carry the order's discounts, as far as they can, and the taxes that come on top: all of
 * them but shipping's share. */
static void judge_shares(struct verify *verify, const struct totals_row *row)
{
    char id[UUID_TEXT_BYTES];
    int64_t net = row->items_total - row->discount_total;
    int64_t least = net > 0 ? net : 0;
    int64_t most = least + (row->prices_include_tax ? 0 : row->tax_total);
    if (row->lines_total < least || row->lines_total > most)
        verify_differ(verify, INVARIANT_ORDER_LINES,
                      "order %s (%s): its lines' totals add up to %lld, not to %lld..%lld",
                      row->number, uuid_text(&row->id, id), (long long)row->lines_total,
                      (long long)least, (long long)most);
}

static void judge(struct verify *verify, const struct totals_row *row)
{
    char id[UUID_TEXT_BYTES];
    const OrderDetails *details = penstock__orders__v1__order_details__unpack(
        arena_protobuf(verify->arena), row->details.count, row->details.bytes);
    if (details == NULL) {
        verify_differ(verify, INVARIANT_ORDER_LINES, "order %s (%s): its details cannot be read",
                      row->number, uuid_text(&row->id, id));
        return;
    }
    struct parts parts = add_up(details, row->currency);
    if (parts.foreign != NULL)
        verify_differ(verify, INVARIANT_ORDER_LINES, "order %s (%s) is in %s and has amounts in %s",
                      row->number, uuid_text(&row->id, id), row->currency, parts.foreign);
    compare(verify, row, "items", row->items_total, row->lines_price);
    compare(verify, row, "discounts", row->discount_total, row->lines_discount + parts.discounts);
    compare(verify, row, "shipping costs", row->shipping_total, parts.shipping);
    compare(verify, row, "taxes", row->tax_total,
            details->n_tax_lines > 0 ? parts.taxes : row->lines_tax);
    compare(verify, row, "charges", row->charges_total, parts.charges);
    compare(verify, row, "totals", row->total,
            row->items_total - row->discount_total + row->shipping_total + row->charges_total +
                (row->prices_include_tax ? 0 : row->tax_total));
    judge_shares(verify, row);
}

enum status verify_totals(struct verify *verify)
{
    struct uuid after = {{0}};
    size_t count;
    int64_t done = 0;
    do {
        struct totals_row *rows;
        arena_reset(verify->arena);
        TRY(db_select(verify->db, V_TOTALS_PAGE, &totals_shape, &rows, &count, db_uuid(&after)));
        for (size_t i = 0; i < count; i++)
            judge(verify, &rows[i]);
        if (count > 0)
            after = rows[count - 1].id;
        done += (int64_t)count;
        verify_progress(verify, "order.lines: the totals of %lld of %lld orders", (long long)done,
                        (long long)verify->sizes.orders);
    } while (count == VERIFY_PAGE);
    return STATUS_OK;
}
