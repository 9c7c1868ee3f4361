/* Bulk actions: begun, looked at beforehand and while they run, ended early. */
#include <stdlib.h>
#include <string.h>

#include "bulk.h"
#include "rules_tags.h"

typedef Penstock__Orders__V1__Bulk Bulk;
typedef Penstock__Orders__V1__BulkSelection BulkSelection;
typedef Penstock__Orders__V1__BulkParameters BulkParameters;
typedef Penstock__Orders__V1__BulkResult BulkResult;
typedef Penstock__Orders__V1__BulkReason BulkReason;
typedef Penstock__Orders__V1__StartBulkRequest StartBulkRequest;
typedef Penstock__Orders__V1__StartBulkResponse StartBulkResponse;
typedef Penstock__Orders__V1__PreviewBulkRequest PreviewBulkRequest;
typedef Penstock__Orders__V1__PreviewBulkResponse PreviewBulkResponse;
typedef Penstock__Orders__V1__GetBulkRequest GetBulkRequest;
typedef Penstock__Orders__V1__GetBulkResponse GetBulkResponse;
typedef Penstock__Orders__V1__ListBulksRequest ListBulksRequest;
typedef Penstock__Orders__V1__ListBulksResponse ListBulksResponse;
typedef Penstock__Orders__V1__CancelBulkRequest CancelBulkRequest;
typedef Penstock__Orders__V1__CancelBulkResponse CancelBulkResponse;
typedef Penstock__Orders__V1__ListBulkResultsRequest ListBulkResultsRequest;
typedef Penstock__Orders__V1__ListBulkResultsResponse ListBulkResultsResponse;

#define PREVIEW_ORDERS 2000
#define PREVIEW_CHUNK 200
#define PREVIEW_BUDGET 40000
#define MAX_REASONS 20
#define MAX_LIMIT 200

/* ---- what is asked for ---- */

static int by_id(const void *a, const void *b)
{
    return uuid_compare(a, b);
}

/* Sorted, each once. */
static bool read_ids(struct arena *arena, char *const *texts, size_t count, struct uuid **ids,
                     size_t *id_count, const char *field, struct refusal *no)
{
    size_t kept = 0;
    if (count > BULK_MAX_IDS)
        return rules_refuse(no, STATUS_INVALID, "too_many",
                            "At most 10000 ids; more are selected by a search.", "%s", field);
    *ids = ARENA_ARRAY(arena, count, struct uuid);
    for (size_t i = 0; i < count; i++) {
        if (!uuid_parse(texts[i], &(*ids)[i]))
            return rules_refuse(no, STATUS_INVALID, "invalid", "An id is a UUID.", "%s[%zu]", field,
                                i);
    }
    qsort(*ids, count, sizeof(**ids), by_id);
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || !uuid_equal(&(*ids)[kept - 1], &(*ids)[i]))
            (*ids)[kept++] = (*ids)[i];
    }
    *id_count = kept;
    return true;
}

/* Everything is never meant by leaving something out. */
static bool read_selection(const struct call *call, const BulkSelection *in, struct bulk *bulk,
                           struct bulk_ids *ids, struct refusal *no)
{
    struct query query = {.word_count = 0};
    struct uuid *given, *exclude;
    int kinds = 0;
    if (in != NULL)
        kinds = (in->q[0] != '\0' || in->all) + (in->n_ids > 0) + (in->bulk_id[0] != '\0');
    if (kinds != 1)
        return rules_refuse(no, STATUS_INVALID, "required",
                            "A selection is one of: q (or all: true), ids, bulk_id.", "%s",
                            "selection");
    if (!read_ids(call->arena, in->ids, in->n_ids, &given, &ids->count, "selection.ids", no) ||
        !read_ids(call->arena, in->exclude_ids, in->n_exclude_ids, &exclude, &ids->exclude_count,
                  "selection.exclude_ids", no))
        return false;
    ids->ids = given;
    ids->exclude = exclude;
    bulk->q = in->q;
    bulk->id_count = (int64_t)ids->count;
    bulk->source_outcome = (int64_t)in->outcome;
    if (in->bulk_id[0] != '\0' && !uuid_parse(in->bulk_id, &bulk->source_bulk))
        return rules_refuse(no, STATUS_INVALID, "invalid", "An id is a UUID.", "%s",
                            "selection.bulk_id");
    if (in->bulk_id[0] != '\0' && (in->outcome < 1 || (int)in->outcome > BULK_REFUSED))
        return rules_refuse(no, STATUS_INVALID, "required",
                            "Which results of that bulk: applied, unchanged or refused.", "%s",
                            "selection.outcome");
    return rules_check_text(in->q, QUERY_MAX_BYTES, no, "selection.q") &&
           rules_query_parse(call->arena, in->q, call->now_us, bulk->offset_us, "selection.q",
                             &query, no);
}

static const char *joined(struct arena *arena, char *const *tags, size_t count)
{
    const char *text = "";
    for (size_t i = 0; i < count; i++)
        text = arena_printf(arena, "%s%s%s", text, i > 0 ? "," : "", tags[i]);
    return text;
}

static bool read_parameters(const struct call *call, const BulkParameters *in, struct bulk *bulk,
                            struct refusal *no)
{
    static const BulkParameters none = PENSTOCK__ORDERS__V1__BULK_PARAMETERS__INIT;
    in = in != NULL ? in : &none;
    bool needs_tags = bulk->action == BULK_TAG || bulk->action == BULK_UNTAG;
    if (needs_tags && in->n_tags == 0)
        return rules_refuse(no, STATUS_INVALID, "required", "Which tags?", "%s", "parameters.tags");
    if (in->expires_at_us != 0 && in->expires_at_us <= call->now_us)
        return rules_refuse(no, STATUS_INVALID, "out_of_range", "A hold expires in the future.",
                            "%s", "parameters.expires_at");
    bulk->hold_type =
        bulk->action == BULK_HOLD && in->hold_type[0] == '\0' ? "manual" : in->hold_type;
    bulk->reason = bulk->action == BULK_CANCEL && in->reason[0] == '\0' ? "other" : in->reason;
    if (bulk->action == BULK_CANCEL && !rules_cancel_reason_is_known(bulk->reason))
        return rules_refuse(no, STATUS_INVALID, "invalid",
                            "A reason is customer, fraud, stock, unpaid or other.", "%s",
                            "parameters.reason");
    bulk->expires_at_us = in->expires_at_us;
    bulk->tags = joined(call->arena, in->tags, in->n_tags);
    return rules_check_tags(in->tags, in->n_tags, "parameters.tags", no) &&
           rules_check_text(bulk->reason, 500, no, "parameters.reason") &&
           (bulk->hold_type[0] == '\0' ||
            rules_check_token(bulk->hold_type, no, "parameters.hold_type"));
}

static enum status read_bulk(struct call *call, const StartBulkRequest *in, struct bulk *bulk,
                             struct bulk_ids *ids)
{
    struct refusal no;
    *bulk = (struct bulk){.id = uuid_new(),
                          .action = (int64_t)in->action,
                          .status = BULK_RUNNING,
                          .actor = call->actor,
                          .offset_us = find_offset_us(call),
                          .created_at_us = call->now_us};
    *ids = (struct bulk_ids){0};
    if ((int)in->action < BULK_CONFIRM || (int)in->action > BULK_CANCEL)
        return refuse(call, STATUS_INVALID, "invalid", "action",
                      "An action is confirm, hold, release_hold, tag, untag or cancel.");
    if (!read_selection(call, in->selection, bulk, ids, &no) ||
        !read_parameters(call, in->parameters, bulk, &no))
        return refuse_by(call, &no);
    return STATUS_OK;
}

/* ---- what is shown ---- */

static Bulk *show_bulk(struct arena *arena, const struct bulk *bulk)
{
    Bulk *out = ARENA_NEW(arena, Bulk);
    BulkParameters *parameters = ARENA_NEW(arena, BulkParameters);
    penstock__orders__v1__bulk__init(out);
    penstock__orders__v1__bulk_parameters__init(parameters);
    out->id = wire_uuid(arena, &bulk->id);
    out->action = (Penstock__Orders__V1__BulkAction)bulk->action;
    out->status = (Penstock__Orders__V1__BulkStatus)bulk->status;
    out->q = wire_text(bulk->q);
    out->applied = bulk->applied;
    out->unchanged = bulk->unchanged;
    out->refused = bulk->refused;
    out->created_by = wire_text(bulk->actor);
    out->created_at_us = bulk->created_at_us;
    out->ended_at_us = bulk->ended_at_us;
    out->parameters = parameters;
    parameters->hold_type = wire_text(bulk->hold_type);
    parameters->reason = wire_text(bulk->reason);
    parameters->expires_at_us = bulk->expires_at_us;
    parameters->tags = bulk_tags(arena, bulk, &parameters->n_tags);
    return out;
}

static enum status load_bulk(struct call *call, const char *id_text, struct bulk **bulk)
{
    struct uuid id;
    *bulk = NULL;
    if (uuid_parse(id_text, &id))
        TRY(store_bulk_load(call->db, &id, bulk));
    return *bulk != NULL
               ? STATUS_OK
               : refuse(call, STATUS_NOT_FOUND, "not_found", "id", "There is no such bulk.");
}

/* ---- begin, end ---- */

ORDERS_HANDLER(start_bulk, StartBulkRequest, StartBulkResponse)
{
    struct bulk bulk;
    struct bulk_ids ids;
    size_t tag_count;
    TRY(read_bulk(call, in, &bulk, &ids));
    char **tags = bulk_tags(call->arena, &bulk, &tag_count);
    TRY(store_bulk_add(call->db, &bulk, &ids, (const char *const *)tags, tag_count));
    outcall_kick(call, "bulk");
    out->bulk = show_bulk(call->arena, &bulk);
    return STATUS_OK;
}

ORDERS_HANDLER(cancel_bulk, CancelBulkRequest, CancelBulkResponse)
{
    struct bulk *bulk;
    TRY(load_bulk(call, in->id, &bulk));
    if (bulk->status == BULK_RUNNING) {
        bulk->status = BULK_CANCELLED;
        bulk->ended_at_us = call->now_us;
        TRY(store_bulk_end(call->db, &bulk->id, BULK_CANCELLED, call->now_us));
    }
    out->bulk = show_bulk(call->arena, bulk);
    return STATUS_OK;
}

/* ---- beforehand ---- */

static void count_reason(struct arena *arena, const struct bulk_verdict *verdict,
                         PreviewBulkResponse *out)
{
    for (size_t i = 0; i < out->n_refused; i++) {
        if (strcmp(out->refused[i]->code, verdict->code) == 0 &&
            strcmp(out->refused[i]->text, verdict->text) == 0) {
            out->refused[i]->orders++;
            return;
        }
    }
    if (out->n_refused == MAX_REASONS)
        return;
    BulkReason *reason = ARENA_NEW(arena, BulkReason);
    penstock__orders__v1__bulk_reason__init(reason);
    reason->code = wire_text(verdict->code);
    reason->text = wire_text(verdict->text);
    reason->orders = 1;
    out->refused[out->n_refused++] = reason;
}

static enum status preview_chunk(struct call *call, struct bulk *bulk, const struct bulk_choice *at,
                                 PreviewBulkResponse *out)
{
    struct order_set set;
    struct bulk_verdict *verdicts = ARENA_ARRAY(call->arena, at->count, struct bulk_verdict);
    TRY(bulk_apply(call, bulk, at->ids, at->count, true, &set, verdicts));
    for (size_t i = 0; i < at->count; i++) {
        out->would_apply += verdicts[i].outcome == BULK_APPLIED;
        out->unchanged += verdicts[i].outcome == BULK_UNCHANGED;
        if (verdicts[i].outcome == BULK_REFUSED)
            count_reason(call->arena, &verdicts[i], out);
    }
    out->matched += (int64_t)at->count;
    return STATUS_OK;
}

static struct bulk_choice slice(const struct uuid *ids, size_t count, size_t first)
{
    size_t left = count - first;
    return (struct bulk_choice){(struct uuid *)(uintptr_t)(ids + first),
                                left < PREVIEW_CHUNK ? left : PREVIEW_CHUNK, false};
}

ORDERS_HANDLER(preview_bulk, PreviewBulkRequest, PreviewBulkResponse)
{
    struct bulk bulk;
    struct bulk_ids ids;
    struct query query;
    StartBulkRequest start = PENSTOCK__ORDERS__V1__START_BULK_REQUEST__INIT;
    start.action = in->action;
    start.selection = in->selection;
    start.parameters = in->parameters;
    TRY(read_bulk(call, &start, &bulk, &ids));
    TRY(bulk_query(call->arena, &bulk, &query));
    out->refused = ARENA_ARRAY(call->arena, MAX_REASONS, BulkReason *);
    for (size_t at = 0; bulk.id_count > 0 && at < ids.count && at < PREVIEW_ORDERS;
         at += PREVIEW_CHUNK) {
        struct bulk_choice part = slice(ids.ids, ids.count, at);
        TRY(preview_chunk(call, &bulk, &part, out));
    }
    out->is_complete = bulk.id_count > 0 && ids.count <= PREVIEW_ORDERS;
    for (int64_t rounds = 0; bulk.id_count == 0 && !out->is_complete &&
                             out->matched < PREVIEW_ORDERS && rounds < PREVIEW_BUDGET / FIND_BUDGET;
         rounds++) {
        struct bulk_choice choice;
        TRY(bulk_choose(call->db, call->arena, &bulk, &query, ids.exclude, ids.exclude_count,
                        PREVIEW_CHUNK, FIND_BUDGET, &choice));
        TRY(preview_chunk(call, &bulk, &choice, out));
        rounds -= choice.count == PREVIEW_CHUNK; /* bounded by the orders then */
        out->is_complete = choice.is_all;
    }
    return STATUS_OK;
}

/* ---- afterwards ---- */

ORDERS_HANDLER(get_bulk, GetBulkRequest, GetBulkResponse)
{
    struct bulk *bulk;
    TRY(load_bulk(call, in->id, &bulk));
    out->bulk = show_bulk(call->arena, bulk);
    return STATUS_OK;
}

static enum status read_limit(struct call *call, int32_t asked, size_t *limit)
{
    *limit = asked == 0 ? 50 : (size_t)asked;
    if (asked >= 0 && asked <= MAX_LIMIT)
        return STATUS_OK;
    return refuse(call, STATUS_INVALID, "out_of_range", "limit", "A limit is from 1 to 200.");
}

static enum status refuse_cursor(struct call *call)
{
    return refuse(call, STATUS_INVALID, "invalid", "cursor",
                  "A cursor is the next_cursor of the page before.");
}

ORDERS_HANDLER(list_bulks, ListBulksRequest, ListBulksResponse)
{
    struct uuid before = {{0}};
    struct bulk *bulks;
    size_t count, limit;
    TRY(read_limit(call, in->limit, &limit));
    if (in->cursor[0] != '\0' && !uuid_parse(in->cursor, &before))
        return refuse_cursor(call);
    TRY(store_bulk_list(call->db, &before, limit + 1, &bulks, &count));
    out->data = ARENA_ARRAY(call->arena, count, Bulk *);
    for (size_t i = 0; i < count && i < limit; i++)
        out->data[out->n_data++] = show_bulk(call->arena, &bulks[i]);
    if (count > limit)
        out->next_cursor = out->data[limit - 1]->id;
    return STATUS_OK;
}

static BulkResult *show_result(struct arena *arena, const struct bulk_result *row)
{
    BulkResult *out = ARENA_NEW(arena, BulkResult);
    penstock__orders__v1__bulk_result__init(out);
    out->order_id = wire_uuid(arena, &row->order_id);
    out->number = wire_text(row->number);
    out->outcome = (Penstock__Orders__V1__BulkOutcome)row->outcome;
    out->code = wire_text(row->code);
    return out;
}

/* A cursor is the outcome's digit and the order's id. */
ORDERS_HANDLER(list_bulk_results, ListBulkResultsRequest, ListBulkResultsResponse)
{
    struct bulk *bulk;
    struct bulk_result beyond = {.outcome = 0}, *rows;
    size_t count, limit;
    TRY(read_limit(call, in->limit, &limit));
    if ((int)in->outcome < 0 || (int)in->outcome > BULK_REFUSED)
        return refuse(call, STATUS_INVALID, "invalid", "outcome",
                      "An outcome is applied, unchanged or refused.");
    beyond.order_id.bytes[15] = 1;
    if (in->cursor[0] != '\0') {
        beyond.outcome = in->cursor[0] - '0';
        if (beyond.outcome < 1 || beyond.outcome > BULK_REFUSED ||
            !uuid_parse(in->cursor + 1, &beyond.order_id))
            return refuse_cursor(call);
    } else if (in->outcome > 0) {
        beyond.outcome = (int64_t)in->outcome;
    }
    TRY(load_bulk(call, in->id, &bulk));
    TRY(store_bulk_results(call->db, &bulk->id, &beyond, (int64_t)in->outcome, limit + 1, &rows,
                           &count));
    out->data = ARENA_ARRAY(call->arena, count, BulkResult *);
    for (size_t i = 0; i < count && i < limit; i++)
        out->data[out->n_data++] = show_result(call->arena, &rows[i]);
    if (count > limit)
        out->next_cursor = arena_printf(call->arena, "%d%s", (int)out->data[limit - 1]->outcome,
                                        out->data[limit - 1]->order_id);
    return STATUS_OK;
}
