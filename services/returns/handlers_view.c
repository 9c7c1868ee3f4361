/* What the API shows, and what all commands begin with. */
#include <assert.h>
#include <string.h>

#include "handlers.h"

#define X(name, number)                                                                            \
    static_assert((int)RETURN_##name ==                                                            \
                      (int)PENSTOCK__RETURNS__V1__RETURN_ORDER_STATUS__RETURN_ORDER_STATUS_##name, \
                  #name);
RETURN_STATUSES(X)
#undef X
#define X(name, number)                                                                            \
    static_assert((int)DISPOSITION_##name ==                                                       \
                      (int)PENSTOCK__RETURNS__V1__DISPOSITION__DISPOSITION_##name,                 \
                  #name);
DISPOSITIONS(X)
#undef X

typedef Penstock__Returns__V1__ReturnLine LineView;

char *id_text(struct arena *arena, const struct uuid *id)
{
    return uuid_text(id, arena_alloc(arena, UUID_TEXT_BYTES));
}

Money *money_view(struct call *call, int64_t minor, const char *currency)
{
    Money *view = ARENA_NEW(call->arena, Money);
    penstock__common__v1__money__init(view);
    view->amount_minor = minor;
    view->currency = arena_strdup(call->arena, currency);
    return view;
}

enum status refuse_by_rule(struct call *call, const struct refusal *refusal)
{
    enum status status =
        refuse(call, refusal->status, refusal->code, refusal->field, "%s", refusal->text);
    for (size_t i = 0; refusal->figures[i].name != NULL; i++)
        refuse_detail(call, refusal->figures[i].name, "%lld", (long long)refusal->figures[i].value);
    return status;
}

static struct return_order *find(const struct sale *sale, const struct uuid *id, const char *number)
{
    for (size_t i = 0; i < sale->nreturns; i++)
        if (id != NULL ? uuid_equal(&sale->returns[i].id, id)
                       : strcmp(sale->returns[i].number, number) == 0)
            return &sale->returns[i];
    return NULL;
}

enum status target_load(struct call *call, const char *id, struct target *target)
{
    struct uuid return_id, order_id;
    bool is_id = uuid_parse(id, &return_id);
    enum status status = is_id ? store_order_of_return(call->db, &return_id, &order_id)
                               : store_order_of_return_number(call->db, id, &order_id);
    if (status == STATUS_NOT_FOUND)
        return refuse(call, STATUS_NOT_FOUND, "not_found", "id", "There is no such return.");
    TRY(status);
    TRY(store_sales_load(call->db, call->arena, &order_id, 1, &target->sales));
    target->sale = target->sales.list;
    target->one = find(target->sale, is_id ? &return_id : NULL, id);
    return target->one != NULL ? STATUS_OK : STATUS_INTERNAL;
}

static const char *name_of(const struct sale *sale, const struct uuid *line_id)
{
    for (size_t i = 0; i < sale->nlines; i++)
        if (uuid_equal(&sale->lines[i].line_id, line_id))
            return sale->lines[i].name;
    return "";
}

static LineView *line_view(struct call *call, const struct sale *sale,
                           const struct return_order *one, const struct return_line *line)
{
    LineView *view = ARENA_NEW(call->arena, LineView);
    penstock__returns__v1__return_line__init(view);
    /* A line needs no row id of its own: return and number name it. */
    char *key =
        arena_printf(call->arena, "%s/%d", id_text(call->arena, &one->id), (int)line->line_no);
    struct uuid id = uuid_of_hash(key, strlen(key));
    view->id = id_text(call->arena, &id);
    view->order_line_id = id_text(call->arena, &line->order_line_id);
    view->sku = arena_strdup(call->arena, line->sku);
    view->name = arena_strdup(call->arena, name_of(sale, &line->order_line_id));
    view->reason = arena_strdup(call->arena, line->reason);
    view->requested = line->requested;
    view->received = line->received;
    view->restocked = line->restocked;
    view->quarantined = line->quarantined;
    view->scrapped = line->scrapped;
    view->refund = money_view(call, line->refund_minor, one->currency);
    return view;
}

ReturnOrder *return_view(struct call *call, const struct sale *sale, const struct return_order *one)
{
    ReturnOrder *view = ARENA_NEW(call->arena, ReturnOrder);
    int64_t refund_minor = 0;
    penstock__returns__v1__return_order__init(view);
    view->id = id_text(call->arena, &one->id);
    view->number = arena_strdup(call->arena, one->number);
    view->order_id = id_text(call->arena, &sale->order_id);
    view->order_number = arena_strdup(call->arena, sale->number);
    view->status = (Penstock__Returns__V1__ReturnOrderStatus)one->status;
    view->location = arena_strdup(call->arena, one->location);
    view->note = arena_strdup(call->arena, one->note);
    view->version = one->version;
    view->requested_at_us = one->requested_at_us;
    view->updated_at_us = one->updated_at_us;
    view->lines = ARENA_ARRAY(call->arena, one->nlines, LineView *);
    for (size_t i = 0; i < one->nlines; i++) {
        view->lines[view->n_lines++] = line_view(call, sale, one, &one->lines[i]);
        refund_minor += one->lines[i].refund_minor;
    }
    view->refund_due = money_view(call, refund_minor, one->currency);
    return view;
}
