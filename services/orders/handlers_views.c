/* Saved views: kept, shared, and counted. */
#include <string.h>

#include "find.h"
#include "handlers.h"
#include "penstock/orders/v1/views.pb-c.h"
#include "queries.h"

typedef Penstock__Orders__V1__View View;
typedef Penstock__Orders__V1__CreateViewRequest CreateViewRequest;
typedef Penstock__Orders__V1__CreateViewResponse CreateViewResponse;
typedef Penstock__Orders__V1__UpdateViewRequest UpdateViewRequest;
typedef Penstock__Orders__V1__UpdateViewResponse UpdateViewResponse;
typedef Penstock__Orders__V1__DeleteViewRequest DeleteViewRequest;
typedef Penstock__Orders__V1__DeleteViewResponse DeleteViewResponse;
typedef Penstock__Orders__V1__ListViewsRequest ListViewsRequest;
typedef Penstock__Orders__V1__ListViewsResponse ListViewsResponse;
typedef Penstock__Orders__V1__CountViewsRequest CountViewsRequest;
typedef Penstock__Orders__V1__CountViewsResponse CountViewsResponse;
typedef Penstock__Orders__V1__ViewCount ViewCount;

#define MAX_VIEWS 100 /* of one owner */
#define MAX_COLUMNS 40
#define MAX_SHOWN 300
#define MAX_COUNTED 1000
/* Of all views of one answer: past it their counts say has_more. */
#define COUNT_BUDGET 40000

struct view_row {
    struct uuid id;
    const char *owner, *name, *query, *columns, *sort, *density;
    bool is_shared;
    int64_t created_at_us, updated_at_us;
};
DB_SHAPE(view_shape, struct view_row, DB_FIELD(struct view_row, id, DB_UUID),
         DB_FIELD(struct view_row, owner, DB_TEXT), DB_FIELD(struct view_row, name, DB_TEXT),
         DB_FIELD(struct view_row, query, DB_TEXT), DB_FIELD(struct view_row, columns, DB_TEXT),
         DB_FIELD(struct view_row, sort, DB_TEXT), DB_FIELD(struct view_row, density, DB_TEXT),
         DB_FIELD(struct view_row, is_shared, DB_BOOLEAN),
         DB_FIELD_AS(struct view_row, created_at_us, "created_at", DB_TIMESTAMP),
         DB_FIELD_AS(struct view_row, updated_at_us, "updated_at", DB_TIMESTAMP));

struct owned_row {
    int64_t number;
};
DB_SHAPE(owned_shape, struct owned_row, DB_FIELD(struct owned_row, number, DB_INT64));

static View *show_view(const struct call *call, const struct view_row *row)
{
    View *view = ARENA_NEW(call->arena, View);
    penstock__orders__v1__view__init(view);
    view->id = wire_uuid(call->arena, &row->id);
    view->name = wire_text(row->name);
    view->query = wire_text(row->query);
    view->sort = wire_text(row->sort);
    view->density = wire_text(row->density);
    view->is_shared = row->is_shared;
    view->owner = wire_text(row->owner);
    view->is_mine = strcmp(row->owner, call->actor) == 0;
    view->created_at_us = row->created_at_us;
    view->updated_at_us = row->updated_at_us;
    view->columns = ARENA_ARRAY(call->arena, MAX_COLUMNS, char *);
    const char *at = row->columns;
    while (*at != '\0' && view->n_columns < MAX_COLUMNS) {
        size_t bytes = strcspn(at, ",");
        view->columns[view->n_columns++] = arena_strndup(call->arena, at, bytes);
        at += bytes + (at[bytes] == ',');
    }
    return view;
}

static bool check_columns(char *const *columns, size_t count, struct refusal *no)
{
    if (count > MAX_COLUMNS)
        return rules_refuse(no, STATUS_INVALID, "too_many", "A view has at most 40 columns.", "%s",
                            "columns");
    for (size_t i = 0; i < count; i++) {
        if (!rules_check_token(columns[i], no, "columns"))
            return false;
    }
    return true;
}

/* A view that could not be opened is not kept. */
static enum status check_view(struct call *call, const View *view)
{
    struct refusal no;
    struct query query = {.word_count = 0};
    if (view->name[0] == '\0')
        return refuse(call, STATUS_INVALID, "required", "name", "A view has a name.");
    if (view->sort[0] != '\0' && strcmp(view->sort, "newest") != 0 &&
        strcmp(view->sort, "oldest") != 0)
        return refuse(call, STATUS_INVALID, "invalid", "sort", "A sort is newest or oldest.");
    if (!rules_check_text(view->name, 100, &no, "name") ||
        !rules_check_text(view->query, QUERY_MAX_BYTES, &no, "query") ||
        !rules_check_text(view->density, 32, &no, "density") ||
        !check_columns(view->columns, view->n_columns, &no) ||
        !rules_query_parse(call->arena, view->query, call->now_us, 0, "query", &query, &no))
        return refuse_by(call, &no);
    return STATUS_OK;
}

static bool may(const struct call *call, const char *permission)
{
    for (const char *const *at = call->permissions; at != NULL && *at != NULL; at++) {
        if (strcmp(*at, permission) == 0)
            return true;
    }
    return false;
}

static enum status check_sharing(struct call *call, const View *view)
{
    if (!view->is_shared || may(call, "orders:write"))
        return STATUS_OK;
    return refuse(call, STATUS_FORBIDDEN, "forbidden", "is_shared",
                  "To share a view takes the permission orders:write.");
}

ORDERS_HANDLER(create_view, CreateViewRequest, CreateViewResponse)
{
    struct owned_row *owned;
    size_t count;
    struct uuid id = uuid_new();
    View *view = ARENA_NEW(call->arena, View);
    penstock__orders__v1__view__init(view);
    view->name = in->name;
    view->query = in->query;
    view->columns = in->columns;
    view->n_columns = in->n_columns;
    view->sort = in->sort[0] != '\0' ? in->sort : wire_text("newest");
    view->density = in->density;
    view->is_shared = in->is_shared;
    TRY(check_view(call, view));
    TRY(check_sharing(call, view));
    TRY(db_select(call->db, Q_VIEWS_OWNED, &owned_shape, &owned, &count, db_text(call->actor)));
    if (count > 0 && owned[0].number >= MAX_VIEWS)
        return refuse(call, STATUS_CONFLICT, "too_many", "",
                      "You have 100 views: that is the most.");
    view->id = wire_uuid(call->arena, &id);
    view->owner = wire_text(call->actor);
    view->is_mine = true;
    view->created_at_us = view->updated_at_us = call->now_us;
    out->view = view;
    return db_exec(call->db, Q_VIEW_INSERT, db_uuid(&id), db_text(call->actor), db_text(view->name),
                   db_text(view->query),
                   db_texts((const char *const *)view->columns, view->n_columns),
                   db_text(view->sort), db_text(view->density), db_bool(view->is_shared),
                   db_time(call->now_us));
}

/* One's own; and somebody else's shared one with the right to change settings. */
static enum status load_view(struct call *call, const char *id_text, struct view_row **row)
{
    struct uuid id;
    size_t count = 0;
    if (uuid_parse(id_text, &id))
        TRY(db_select(call->db, Q_VIEW_BY_ID, &view_shape, row, &count, db_uuid(&id)));
    bool is_mine = count > 0 && strcmp((*row)->owner, call->actor) == 0;
    if (count == 0 || (!is_mine && !(*row)->is_shared))
        return refuse(call, STATUS_NOT_FOUND, "not_found", "id", "There is no such view.");
    if (!is_mine && !may(call, "settings:write"))
        return refuse(call, STATUS_FORBIDDEN, "forbidden", "",
                      "This view is another's: to change it takes the permission settings:write.");
    return STATUS_OK;
}

ORDERS_HANDLER(update_view, UpdateViewRequest, UpdateViewResponse)
{
    struct view_row *row;
    TRY(load_view(call, in->id, &row));
    View *view = show_view(call, row);
    view->name = in->name;
    view->query = in->query;
    view->columns = in->columns;
    view->n_columns = in->n_columns;
    view->sort = in->sort[0] != '\0' ? in->sort : wire_text("newest");
    view->density = in->density;
    view->is_shared = in->is_shared;
    view->updated_at_us = call->now_us;
    TRY(check_view(call, view));
    TRY(check_sharing(call, view));
    out->view = view;
    return db_exec_expect(
        call->db, Q_VIEW_UPDATE, 1, db_uuid(&row->id), db_text(view->name), db_text(view->query),
        db_texts((const char *const *)view->columns, view->n_columns), db_text(view->sort),
        db_text(view->density), db_bool(view->is_shared), db_time(call->now_us));
}

ORDERS_HANDLER(delete_view, DeleteViewRequest, DeleteViewResponse)
{
    struct view_row *row;
    (void)out;
    TRY(load_view(call, in->id, &row));
    return db_exec_expect(call->db, Q_VIEW_DELETE, 1, db_uuid(&row->id));
}

static enum status load_views(struct call *call, const struct uuid *beyond, size_t room,
                              struct view_row **rows, size_t *count)
{
    struct uuid first = {{0}};
    first.bytes[15] = 1; /* the nil id would be NULL */
    return db_select(call->db, Q_VIEWS_OF, &view_shape, rows, count, db_text(call->actor),
                     db_uuid(beyond != NULL ? beyond : &first), db_int((int64_t)room));
}

ORDERS_HANDLER(list_views, ListViewsRequest, ListViewsResponse)
{
    struct view_row *rows;
    struct uuid beyond;
    size_t count, limit = in->limit == 0 ? MAX_SHOWN : (size_t)in->limit;
    if (in->limit < 0 || in->limit > MAX_SHOWN)
        return refuse(call, STATUS_INVALID, "out_of_range", "limit", "A limit is from 1 to 300.");
    if (in->cursor[0] != '\0' && !uuid_parse(in->cursor, &beyond))
        return refuse(call, STATUS_INVALID, "invalid", "cursor",
                      "A cursor is the next_cursor of the page before.");
    TRY(load_views(call, in->cursor[0] != '\0' ? &beyond : NULL, limit + 1, &rows, &count));
    out->data = ARENA_ARRAY(call->arena, count, View *);
    for (size_t i = 0; i < count && i < limit; i++)
        out->data[out->n_data++] = show_view(call, &rows[i]);
    if (count > limit)
        out->next_cursor = out->data[limit - 1]->id;
    return STATUS_OK;
}

/* ---- counts ---- */

static enum status count_view(struct call *call, const struct view_row *row, int64_t offset_us,
                              int64_t *budget, ViewCount *out)
{
    struct refusal no;
    struct finder *finder;
    struct found found;
    struct query query = {.word_count = 0};
    out->id = wire_uuid(call->arena, &row->id);
    out->has_more = true;
    if (*budget <= 0 ||
        !rules_query_parse(call->arena, row->query, call->now_us, offset_us, "query", &query, &no))
        return STATUS_OK;
    TRY(find_open(call->db, call->arena, &query, NULL, false, &finder));
    TRY(find_next(finder, MAX_COUNTED, FIND_BUDGET, &found));
    *budget -= found.spent;
    out->count = (int64_t)found.count;
    out->has_more = !found.is_all;
    return STATUS_OK;
}

ORDERS_HANDLER(count_views, CountViewsRequest, CountViewsResponse)
{
    struct view_row *rows;
    size_t count;
    int64_t offset_us = find_offset_us(call), budget = COUNT_BUDGET;
    (void)in;
    TRY(load_views(call, NULL, MAX_SHOWN, &rows, &count));
    out->counts = ARENA_ARRAY(call->arena, count, ViewCount *);
    for (size_t i = 0; i < count; i++) {
        ViewCount *it = ARENA_NEW(call->arena, ViewCount);
        penstock__orders__v1__view_count__init(it);
        TRY(count_view(call, &rows[i], offset_us, &budget, it));
        out->counts[out->n_counts++] = it;
    }
    return STATUS_OK;
}
