#include "store.h"

#include "queries.h"
#include "rules_terms.h"
#include "store_family.h"

/* Column sets are written in the order in which a turn first opened them. What others refer to
 * comes first, whichever command of the turn was the first to write anything. */
static void open_sets(struct db *db)
{
    static const int in_order[] = {
        Q_ORDER_INSERT, Q_LINE_INSERT,  Q_PAYMENT_INSERT, Q_ORDER_UPDATE,      Q_ORDER_REWRITE,
        Q_LINE_UPDATE,  Q_LINE_REWRITE, Q_PAYMENT_UPDATE, Q_REFUND_INSERT,     Q_REFUND_UPDATE,
        Q_HOLD_INSERT,  Q_HOLD_RELEASE, Q_RETURN_UPSERT,  Q_INSPECTION_INSERT, Q_TIMELINE_INSERT,
    };
    for (size_t i = 0; i < sizeof(in_order) / sizeof(in_order[0]); i++)
        db_columns(db, in_order[i]);
}

static struct db_arg details_of(const struct order *order)
{
    return db_bytes(order->details_bytes > 0 ? order->details : (const uint8_t *)"",
                    order->details_bytes);
}

static void insert_head(struct db *db, const struct order *o)
{
    db_add(db_columns(db, Q_ORDER_INSERT), db_uuid(&o->id), db_time(o->placed_at_us),
           db_time(o->created_at_us), db_time(o->confirmed_at_us), db_time(o->cancelled_at_us),
           db_time(o->completed_at_us), db_int(o->version), db_int(o->items_total),
           db_int(o->discount_total), db_int(o->shipping_total), db_int(o->tax_total),
           db_int(o->charges_total), db_int(o->total), db_int(o->current_total),
           db_int(o->cancelled_value), db_int(o->captured_total), db_int(o->refunded_total),
           db_int(o->hold_count), db_int(o->status), db_int(o->payment_status),
           db_int(o->fulfillment_status), db_int(o->stock_policy), db_bool(o->prices_include_tax),
           db_text(o->number), db_text(o->channel), db_text(o->external_id),
           db_text(o->external_number), db_text(o->currency), db_text(o->locale),
           db_text(o->country), db_text(o->cancel_reason), db_text(o->created_by),
           db_text(o->customer_id), db_text(o->customer_external_id), db_text(o->customer_name),
           db_text(o->email), db_text(o->phone), details_of(o));
}

static void update_head(struct db *db, const struct order *o)
{
    db_add(db_columns(db, Q_ORDER_UPDATE), db_uuid(&o->id), db_time(o->updated_at_us),
           db_time(o->confirmed_at_us), db_time(o->cancelled_at_us), db_time(o->completed_at_us),
           db_int(o->version), db_int(o->current_total), db_int(o->cancelled_value),
           db_int(o->returned_value), db_int(o->captured_total), db_int(o->refunded_total),
           db_int(o->hold_count), db_int(o->status), db_int(o->payment_status),
           db_int(o->fulfillment_status), db_int(o->return_status), db_text(o->cancel_reason));
}

static void rewrite_head(struct db *db, const struct order *o)
{
    db_add(db_columns(db, Q_ORDER_REWRITE), db_uuid(&o->id), db_int(o->items_total),
           db_int(o->discount_total), db_int(o->shipping_total), db_int(o->tax_total),
           db_int(o->charges_total), db_int(o->total), db_bool(o->prices_include_tax),
           db_text(o->country), db_text(o->external_number), db_text(o->customer_id),
           db_text(o->customer_external_id), db_text(o->customer_name), db_text(o->email),
           db_text(o->phone), details_of(o));
}

static void insert_line(struct db *db, const struct order_line *l)
{
    db_add(db_columns(db, Q_LINE_INSERT), db_uuid(&l->order_id), db_uuid(&l->id),
           db_int(l->quantity), db_int(l->unit_price), db_int(l->discount), db_int(l->tax),
           db_int(l->total), db_int(l->cancelled), db_int(l->allocated_total),
           db_int(l->unallocated), db_int(l->reserved), db_int(l->fulfilled), db_int(l->line_no),
           db_bool(l->is_custom), db_bool(l->no_shipping), db_text(l->sku), db_text(l->name),
           db_text(l->external_id));
}

static void update_line(struct db *db, const struct order_line *l)
{
    db_add(db_columns(db, Q_LINE_UPDATE), db_uuid(&l->order_id), db_int(l->line_no),
           db_int(l->cancelled), db_int(l->allocated_total), db_int(l->picked_total),
           db_int(l->packed_total), db_int(l->shipped_total), db_int(l->delivered_total),
           db_int(l->returned_total), db_int(l->unallocated), db_int(l->backordered),
           db_int(l->preordered), db_int(l->reserved), db_int(l->picked), db_int(l->packed),
           db_int(l->fulfilled), db_int(l->delivered), db_int(l->returned));
}

/* Only lines that nobody has worked on are rewritten: picked and packed are zero, before and after.
 */
static void rewrite_line(struct db *db, const struct order_line *l)
{
    db_add(db_columns(db, Q_LINE_REWRITE), db_uuid(&l->order_id), db_int(l->line_no),
           db_int(l->quantity), db_int(l->unit_price), db_int(l->discount), db_int(l->tax),
           db_int(l->total), db_int(l->cancelled), db_int(l->allocated_total),
           db_int(l->unallocated), db_int(l->reserved), db_int(l->fulfilled), db_bool(l->is_custom),
           db_bool(l->no_shipping), db_text(l->sku), db_text(l->name), db_text(l->external_id),
           db_int(l->backordered), db_int(l->preordered));
}

static void write_payment(struct db *db, const struct payment *p)
{
    if (p->is_new)
        db_add(db_columns(db, Q_PAYMENT_INSERT), db_uuid(&p->order_id), db_uuid(&p->id),
               db_int(p->amount), db_int(p->refunded), db_time(p->paid_at_us),
               db_time(p->recorded_at_us), db_int(p->status), db_text(p->method),
               db_text(p->reference));
    else if (p->is_changed)
        db_add(db_columns(db, Q_PAYMENT_UPDATE), db_uuid(&p->order_id), db_uuid(&p->id),
               db_int(p->amount), db_int(p->refunded), db_time(p->paid_at_us), db_int(p->status),
               db_text(p->reference));
}

static void write_refund(struct db *db, const struct refund *r)
{
    if (r->is_new)
        db_add(db_columns(db, Q_REFUND_INSERT), db_uuid(&r->order_id), db_uuid(&r->id),
               db_uuid(&r->payment_id), db_int(r->status), db_int(r->amount), db_text(r->reason),
               db_uuid(&r->return_id), db_uuid(&r->inspection_id), db_time(r->recorded_at_us),
               db_text(r->actor), db_uuid(&r->request_id), db_int(r->provider),
               db_text(r->approved_by), db_time(r->settled_at_us),
               db_bytes(r->parts_bytes > 0 ? r->parts : (const uint8_t *)"", r->parts_bytes),
               db_uuid(&r->member_id));
    else if (r->is_changed)
        db_add(db_columns(db, Q_REFUND_UPDATE), db_uuid(&r->order_id), db_uuid(&r->id),
               db_int(r->status), db_int(r->provider), db_text(r->approved_by), db_int(r->attempts),
               db_text(r->error), db_time(r->next_attempt_at_us), db_time(r->settled_at_us));
}

static void write_hold(struct db *db, const struct hold *h)
{
    if (h->is_new)
        db_add(db_columns(db, Q_HOLD_INSERT), db_uuid(&h->order_id), db_uuid(&h->id),
               db_text(h->type), db_text(h->reason), db_text(h->actor), db_time(h->placed_at_us),
               db_time(h->expires_at_us), db_time(h->released_at_us), db_text(h->released_by));
    else if (h->is_changed)
        db_add(db_columns(db, Q_HOLD_RELEASE), db_uuid(&h->order_id), db_uuid(&h->id),
               db_time(h->released_at_us), db_text(h->released_by));
}

/* Payments, refunds, holds, returns, and the timeline: whatever is new or changed of them. */
static void write_belongings(struct db *db, struct order *order)
{
    for (size_t i = 0; i < order->payment_count; i++) {
        write_payment(db, &order->payments[i]);
        order->payments[i].is_new = order->payments[i].is_changed = false;
    }
    for (size_t i = 0; i < order->refund_count; i++) {
        write_refund(db, &order->refunds[i]);
        order->refunds[i].is_new = order->refunds[i].is_changed = false;
    }
    for (size_t i = 0; i < order->hold_rows; i++) {
        write_hold(db, &order->holds[i]);
        order->holds[i].is_new = order->holds[i].is_changed = false;
    }
    for (size_t i = 0; i < order->return_count; i++) {
        const struct order_return *r = &order->returns[i];
        if (r->is_changed)
            db_add(db_columns(db, Q_RETURN_UPSERT), db_uuid(&r->order_id), db_uuid(&r->return_id),
                   db_bool(r->is_open));
        order->returns[i].is_changed = false;
    }
    for (size_t i = 0; i < order->inspection_count; i++) {
        const struct inspection *n = &order->inspections[i];
        if (n->is_new)
            db_add(db_columns(db, Q_INSPECTION_INSERT), db_uuid(&n->order_id),
                   db_uuid(&n->inspection_id), db_uuid(&n->return_id), db_int(n->refund_due));
        order->inspections[i].is_new = false;
    }
    for (size_t i = 0; i < order->change_count; i++) {
        const struct change *c = &order->changes[i];
        db_add(db_columns(db, Q_TIMELINE_INSERT), db_uuid(&order->id), db_int(c->version),
               db_time(c->occurred_at_us), db_text(c->source), db_text(c->type), db_text(c->actor),
               db_text(c->detail));
    }
    order->change_count = 0;
}

static void write_line(struct db *db, struct order_line *line)
{
    if (line->is_new && line->is_resized)
        store_line_part_insert(db, line);
    else if (line->is_new)
        insert_line(db, line);
    else if (line->is_resized)
        store_line_resize(db, line);
    else if (line->is_rewritten)
        rewrite_line(db, line);
    else if (line->is_changed)
        update_line(db, line);
    if (line->is_ahead && !line->is_resized)
        store_line_ahead(db, line);
    line->is_new = line->is_changed = line->is_rewritten = false;
    line->is_resized = line->is_ahead = false;
}

void store_order_add(struct db *db, struct order *order)
{
    open_sets(db);
    insert_head(db, order);
    for (size_t i = 0; i < order->line_count; i++)
        write_line(db, &order->lines[i]);
    db_add(db_columns(db, Q_NUMBER_INSERT), db_text(order->number), db_uuid(&order->id));
    write_belongings(db, order);
}

static void save_one(struct db *db, struct order *order)
{
    if (order->is_rewritten)
        rewrite_head(db, order);
    if (order->is_changed || order->is_rewritten)
        update_head(db, order);
    for (size_t i = 0; i < order->line_count; i++)
        write_line(db, &order->lines[i]);
    write_belongings(db, order);
    order->is_changed = order->is_rewritten = false;
}

void store_order_save(struct db *db, struct order *order)
{
    open_sets(db);
    if (order->family == NULL)
        save_one(db, order);
    for (size_t i = 0; order->family != NULL && i < order->family->count; i++)
        save_one(db, order->family->members[i]);
}

void store_tracking_add(struct db *db, struct arena *arena, const struct uuid *order_id,
                        const char *tracking_number)
{
    const char *tracking = terms_canonical(arena, tracking_number);
    if (tracking[0] != '\0')
        db_add(db_columns(db, Q_TRACKING_INSERT), db_text(tracking), db_uuid(order_id),
               db_text(tracking_number));
}

/* ---- channels' own keys ---- */

void store_external_add(struct db *db, const struct external *e)
{
    db_add(db_columns(db, Q_EXTERNAL_INSERT), db_text(e->channel), db_text(e->external_id),
           db_uuid(&e->order_id), db_uuid(&e->content_hash), db_bytes(e->answer, e->answer_bytes));
}

void store_external_import(struct db *db, const struct external *e, const char *financial_status)
{
    db_add(db_columns(db, Q_EXTERNAL_IMPORT), db_text(e->channel), db_text(e->external_id),
           db_uuid(&e->order_id), db_int(e->version.updated_at_us),
           db_int(e->version.triggered_at_ns), db_text(e->version.body_hash),
           db_uuid(&e->source_content_hash), db_text(financial_status));
}
