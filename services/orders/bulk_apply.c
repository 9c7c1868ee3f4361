/* What a bulk does to each of its orders. */
#include <string.h>

#include "bulk.h"
#include "handlers_tags.h"
#include "store_tags.h"

struct run {
    struct call *call;
    const struct bulk *bulk;
    bool is_preview;
    struct act act;
    char **tags;
    size_t tag_count;
    int64_t *tag_changes; /* how many orders more have each */
    struct channel *channels;
    size_t channel_count;
    struct tag_row *order_tags;
    size_t order_tag_count;
};

char **bulk_tags(struct arena *arena, const struct bulk *bulk, size_t *count)
{
    char **tags = ARENA_ARRAY(arena, TAGS_MAX, char *);
    const char *at = bulk->tags;
    for (*count = 0; *at != '\0' && *count < TAGS_MAX; (*count)++) {
        size_t bytes = strcspn(at, ",");
        tags[*count] = arena_strndup(arena, at, bytes);
        at += bytes + (at[bytes] == ',');
    }
    return tags;
}

static struct bulk_verdict applied_if(bool is_changed)
{
    return (struct bulk_verdict){is_changed ? BULK_APPLIED : BULK_UNCHANGED, "", ""};
}

static struct bulk_verdict refused_by(const struct refusal *no)
{
    return (struct bulk_verdict){BULK_REFUSED, no->code, no->text};
}

static enum status confirm(struct run *run, struct order *order, struct bulk_verdict *verdict)
{
    struct refusal no = {.status = STATUS_OK};
    bool is_confirmed = rules_confirm(order, &run->act, &no);
    *verdict = no.status != STATUS_OK ? refused_by(&no) : applied_if(is_confirmed);
    if (!is_confirmed || run->is_preview)
        return STATUS_OK;
    TRY(emit_confirmed(run->call, order));
    TRY(complete_if_due(run->call, order, &run->act));
    store_order_save(run->call->db, order);
    return STATUS_OK;
}

static enum status put_on_hold(struct run *run, struct order *order, struct bulk_verdict *verdict)
{
    struct refusal no = {.status = STATUS_OK};
    const struct bulk *bulk = run->bulk;
    struct uuid id = uuid_new();
    if (rules_standing_hold(order, bulk->hold_type) != NULL) {
        *verdict = applied_if(false);
        return STATUS_OK;
    }
    const struct hold *hold =
        rules_hold(order, &run->act, &id, bulk->hold_type, bulk->reason, bulk->expires_at_us, &no);
    *verdict = hold == NULL ? refused_by(&no) : applied_if(true);
    if (hold == NULL || run->is_preview)
        return STATUS_OK;
    TRY(emit_hold_placed(run->call, order, hold));
    store_order_save(run->call->db, order);
    return STATUS_OK;
}

static const struct channel *channel_of(const struct run *run, const struct order *order)
{
    for (size_t i = 0; i < run->channel_count; i++) {
        if (strcmp(run->channels[i].name, order->channel) == 0)
            return &run->channels[i];
    }
    return NULL;
}

static enum status release_holds(struct run *run, struct order *order, struct bulk_verdict *verdict)
{
    const char *type = run->bulk->hold_type;
    bool is_changed = false;
    for (size_t i = 0; i < order->hold_rows; i++) {
        const struct hold *hold = &order->holds[i];
        if (hold->released_at_us != 0 || (type[0] != '\0' && strcmp(hold->type, type) != 0))
            continue;
        is_changed = true;
        if (!run->is_preview)
            TRY(release_hold_of(run->call, order, &hold->id, channel_of(run, order)));
    }
    *verdict = applied_if(is_changed);
    if (is_changed && !run->is_preview)
        store_order_save(run->call->db, order);
    return STATUS_OK;
}

static void note_tags(struct run *run, const struct tag_change *change)
{
    for (size_t i = 0; i < run->tag_count; i++) {
        for (size_t j = 0; j < change->added_count; j++)
            run->tag_changes[i] += strcmp(change->added[j], run->tags[i]) == 0;
        for (size_t j = 0; j < change->removed_count; j++)
            run->tag_changes[i] -= strcmp(change->removed[j], run->tags[i]) == 0;
    }
}

static enum status tag(struct run *run, struct order *order, struct bulk_verdict *verdict)
{
    struct refusal no = {.status = STATUS_OK};
    struct tag_change change;
    const char **tags = ARENA_ARRAY(run->call->arena, run->order_tag_count, const char *);
    size_t count = 0, adds = run->bulk->action == BULK_TAG ? run->tag_count : 0;
    for (size_t i = 0; i < run->order_tag_count; i++) {
        if (uuid_equal(&run->order_tags[i].order_id, &order->id))
            tags[count++] = run->order_tags[i].word;
    }
    if (!rules_tag(order, &run->act, tags, count, run->tags, adds, run->tags, run->tag_count - adds,
                   &change, &no)) {
        *verdict = refused_by(&no);
        return STATUS_OK;
    }
    *verdict = applied_if(change.added_count + change.removed_count > 0);
    if (run->is_preview)
        return STATUS_OK;
    note_tags(run, &change);
    return tag_write(run->call, order, &change);
}

/* Of a preview only: what the warehouse has shipped by then it says itself. */
static struct bulk_verdict may_cancel(const struct order *order)
{
    if (order->status == ORDER_CANCELLED)
        return applied_if(false);
    if (rules_order_may(order->status, ORDER_CANCELLED))
        return applied_if(true);
    return (struct bulk_verdict){BULK_REFUSED, "invalid_state",
                                 "An order that has ended cannot be cancelled."};
}

static enum status apply_to(struct run *run, struct order *order, struct bulk_verdict *verdict)
{
    switch ((enum bulk_action)run->bulk->action) {
    case BULK_CONFIRM:
        return confirm(run, order, verdict);
    case BULK_HOLD:
        return put_on_hold(run, order, verdict);
    case BULK_RELEASE_HOLD:
        return release_holds(run, order, verdict);
    case BULK_TAG:
    case BULK_UNTAG:
        return tag(run, order, verdict);
    case BULK_CANCEL:
        *verdict = may_cancel(order);
        return STATUS_OK;
    }
    return STATUS_INTERNAL;
}

static enum status load_more(struct run *run, const struct order_set *set, const struct uuid *ids,
                             size_t count)
{
    struct call *call = run->call;
    if (run->bulk->action == BULK_TAG || run->bulk->action == BULK_UNTAG)
        return store_tags_load(call->db, ids, count, &run->order_tags, &run->order_tag_count);
    if (run->bulk->action != BULK_RELEASE_HOLD)
        return STATUS_OK;
    const char **names = ARENA_ARRAY(call->arena, set->count, const char *);
    for (size_t i = 0; i < set->count; i++)
        names[i] = set->orders[i].channel;
    return store_channels_load(call->db, names, set->count, &run->channels, &run->channel_count);
}

enum status bulk_apply(struct call *call, const struct bulk *bulk, const struct uuid *ids,
                       size_t count, bool is_preview, struct order_set *set,
                       struct bulk_verdict *verdicts)
{
    struct run run = {.call = call, .bulk = bulk, .is_preview = is_preview, .act = act_of(call)};
    run.tags = bulk_tags(call->arena, bulk, &run.tag_count);
    run.tag_changes = ARENA_ARRAY(call->arena, run.tag_count, int64_t);
    TRY(store_orders_load(call->db, call->arena, ids, count, set));
    TRY(load_more(&run, set, ids, count));
    for (size_t i = 0; i < count; i++) {
        struct order *order = store_orders_find(set, &ids[i]);
        verdicts[i] = (struct bulk_verdict){BULK_REFUSED, "not_found", "There is no such order."};
        if (order != NULL)
            TRY(apply_to(&run, order, &verdicts[i]));
    }
    for (size_t i = 0; i < run.tag_count; i++) {
        if (run.tag_changes[i] != 0)
            store_tag_count_add(call->db, run.tags[i], run.tag_changes[i]);
    }
    return STATUS_OK;
}
