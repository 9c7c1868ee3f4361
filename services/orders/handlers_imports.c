#include "handlers_imports.h"

#include <stdlib.h>
#include <string.h>

#define RPC(Name)                                                                                  \
    typedef Penstock__Orders__V1__##Name##Request Name##Request;                                   \
    typedef Penstock__Orders__V1__##Name##Response Name##Response;
RPC(CreateImport)
RPC(ListImports)
RPC(GetImport)
RPC(AddImportPart)
RPC(CheckImport)
RPC(RunImport)
RPC(CancelImport)
RPC(ListImportErrors)
#undef RPC
typedef Penstock__Orders__V1__Import Import;
typedef Penstock__Orders__V1__ImportError ImportError;

#define KEEP_US (INT64_C(7) * 86400 * 1000000)

/* ---- shared ---- */

static Import *view_import(struct arena *arena, const struct import *import)
{
    Import *view = ARENA_NEW(arena, Import);
    penstock__orders__v1__import__init(view);
    view->id = wire_uuid(arena, &import->id);
    view->name = wire_text(import->name);
    view->format = (Penstock__Orders__V1__ImportFormat)import->format;
    view->channel = wire_text(import->channel);
    view->currency = wire_text(import->currency);
    view->status = (Penstock__Orders__V1__ImportStatus)import->status;
    view->error_policy = (Penstock__Orders__V1__ImportErrorPolicy)import->error_policy;
    view->stock_policy = (Penstock__Orders__V1__ImportStockPolicy)import->stock_policy;
    view->is_historic = import->is_historic;
    view->notify_customers = import->notify_customers;
    view->bytes = import->bytes;
    view->rows = import->rows;
    view->orders = import->orders;
    view->failed = import->failed;
    view->known = import->known;
    view->placed = import->placed;
    view->parts = import->parts;
    view->created_at_us = import->created_at_us;
    view->finished_at_us = import->finished_at_us;
    view->created_by = wire_text(import->created_by);
    return view;
}

enum status emit_import(struct call *call, const struct import *import)
{
    Penstock__Orders__V1__ImportChanged event;
    penstock__orders__v1__import_changed__init(&event);
    event.import_id = wire_uuid(call->arena, &import->id);
    event.status = (Penstock__Orders__V1__ImportStatus)import->status;
    return emit(call, arena_printf(call->arena, "import:%s", event.import_id), &event.base);
}

static enum status load_import(struct call *call, const char *id, struct import **import)
{
    struct uuid uuid;
    enum status status = STATUS_NOT_FOUND;
    if (uuid_parse(id, &uuid))
        status = store_import_load(call->db, &uuid, import);
    if (status == STATUS_NOT_FOUND)
        return refuse(call, STATUS_NOT_FOUND, "not_found", "id", "There is no such import.");
    return status;
}

static enum status refuse_state(struct call *call, const char *text)
{
    return refuse(call, STATUS_CONFLICT, "invalid_state", "id", "%s", text);
}

static enum status read_limit(struct call *call, int32_t asked, int64_t *limit)
{
    *limit = asked == 0 ? 50 : asked;
    if (*limit >= 1 && *limit <= 200)
        return STATUS_OK;
    return refuse(call, STATUS_INVALID, "out_of_range", "limit", "A limit is from 1 to 200.");
}

/* ---- beginning ---- */

static enum status check_head(struct call *call, const CreateImportRequest *in)
{
    struct refusal no;
    struct channel *channel;
    size_t count;
    if ((int)in->format < FORMAT_PENSTOCK || (int)in->format > FORMAT_SHOPIFY)
        return refuse(call, STATUS_INVALID, "required", "format",
                      "A format is penstock or shopify.");
    if ((int)in->error_policy < 0 || (int)in->error_policy > ERRORS_SKIP_ROWS)
        return refuse(call, STATUS_INVALID, "invalid", "error_policy",
                      "The policy is reject_all or skip_rows.");
    if ((int)in->stock_policy < 0 || (int)in->stock_policy > STOCK_REQUIRE)
        return refuse(call, STATUS_INVALID, "invalid", "stock_policy",
                      "The policy is skip, accept or require.");
    if (in->is_historic && (int)in->stock_policy > STOCK_SKIP)
        return refuse(call, STATUS_INVALID, "invalid", "stock_policy",
                      "Orders of the past move no stock.");
    if (!rules_check_text(in->name, 200, &no, "name") ||
        !rules_check_token(in->channel, &no, "channel"))
        return refuse_by(call, &no);
    if (in->currency[0] != '\0' && money_exponent(in->currency) < 0)
        return refuse(call, STATUS_INVALID, "invalid", "currency",
                      "This is no currency of ISO 4217.");
    const char *name = in->channel;
    TRY(store_channels_load(call->db, &name, 1, &channel, &count));
    return count > 0 ? STATUS_OK : refuse_channel(call, name);
}

static enum status add_part(struct call *call, struct import *import, int32_t part, const char *csv)
{
    size_t bytes = strlen(csv);
    if (bytes == 0 || bytes > IMPORT_MAX_PART_BYTES)
        return refuse(call, STATUS_TOO_LARGE, "too_large", "csv", "A part has 1 byte to 768 KiB.");
    TRY(store_import_part_put(call->db, &import->id, part, csv, bytes));
    import->parts = part;
    import->bytes += (int64_t)bytes;
    return STATUS_OK;
}

ORDERS_HANDLER(create_import, CreateImportRequest, CreateImportResponse)
{
    TRY(check_head(call, in));
    enum import_stock stock = in->is_historic              ? STOCK_SKIP
                              : (int)in->stock_policy == 0 ? STOCK_ACCEPT
                                                           : (enum import_stock)in->stock_policy;
    struct import import = {.id = uuid_new(),
                            .created_at_us = call->now_us,
                            .next_part = 1,
                            .status = IMPORT_RECEIVING,
                            .format = (enum import_format)in->format,
                            .error_policy = (int)in->error_policy == 0
                                                ? ERRORS_REJECT_ALL
                                                : (enum error_policy)in->error_policy,
                            .stock_policy = stock,
                            .is_historic = in->is_historic,
                            .notify_customers = in->notify_customers,
                            .name = in->name,
                            .channel = in->channel,
                            .currency = in->currency,
                            .created_by = call->actor};
    if (strlen(in->csv) > IMPORT_MAX_PART_BYTES)
        return refuse(call, STATUS_TOO_LARGE, "too_large", "csv",
                      "A file of more than 768 KiB is sent in parts.");
    TRY(store_import_insert(call->db, &import));
    if (in->csv[0] != '\0') {
        TRY(add_part(call, &import, 1, in->csv));
        import.status = IMPORT_CHECKING;
        TRY(store_import_save(call->db, &import, IMPORT_RECEIVING, 1));
        outcall_kick(call, "imports");
    }
    TRY(emit_import(call, &import));
    out->import = view_import(call->arena, &import);
    return STATUS_OK;
}

/* The next part; one that is there already is not wanted again. */
ORDERS_HANDLER(add_import_part, AddImportPartRequest, AddImportPartResponse)
{
    struct import *import;
    TRY(load_import(call, in->id, &import));
    if (import->status != IMPORT_RECEIVING)
        return refuse_state(call, "The file is complete already.");
    if (in->part < 1 || in->part > IMPORT_MAX_PARTS || in->part > import->parts + 1)
        return refuse(call, STATUS_INVALID, "out_of_range", "part",
                      "The next part is %d; a file has at most %d.", import->parts + 1,
                      IMPORT_MAX_PARTS);
    if (in->part == import->parts + 1) {
        TRY(add_part(call, import, in->part, in->csv));
        TRY(store_import_save(call->db, import, IMPORT_RECEIVING, import->next_part));
    }
    out->import = view_import(call->arena, import);
    return STATUS_OK;
}

/* ---- going on ---- */

static enum status move(struct call *call, struct import *import, enum import_status to)
{
    enum import_status from = import->status;
    import->status = to;
    TRY(store_import_save(call->db, import, from, import->next_part));
    outcall_kick(call, "imports");
    return emit_import(call, import);
}

ORDERS_HANDLER(check_import_file, CheckImportRequest, CheckImportResponse)
{
    struct import *import;
    TRY(load_import(call, in->id, &import));
    if (import->status == IMPORT_RECEIVING && import->parts == 0)
        return refuse_state(call, "Nothing of the file has been sent.");
    if (import->status == IMPORT_RECEIVING)
        TRY(move(call, import, IMPORT_CHECKING));
    out->import = view_import(call->arena, import);
    return STATUS_OK;
}

ORDERS_HANDLER(run_import, RunImportRequest, RunImportResponse)
{
    struct import *import;
    TRY(load_import(call, in->id, &import));
    bool is_under_way = import->status == IMPORT_RUNNING || import->status == IMPORT_DONE;
    if (!is_under_way && import->status != IMPORT_CHECKED)
        return refuse_state(call, "An import is run once it is checked.");
    if (import->status == IMPORT_CHECKED && import->failed > 0 &&
        import->error_policy == ERRORS_REJECT_ALL) {
        refuse(call, STATUS_CONFLICT, "import_has_errors", "id",
               "The file has errors, and is to be taken whole or not at all.");
        refuse_detail(call, "failed", "%lld", (long long)import->failed);
        return call->status;
    }
    if (import->status == IMPORT_CHECKED)
        TRY(move(call, import, IMPORT_RUNNING));
    out->import = view_import(call->arena, import);
    return STATUS_OK;
}

static enum status cancel(struct call *call, struct import *import)
{
    TRY(store_import_drop(call->db, &import->id));
    import->finished_at_us = call->now_us;
    import->carry = (struct db_bytea){NULL, 0};
    return move(call, import, IMPORT_CANCELLED);
}

ORDERS_HANDLER(cancel_import, CancelImportRequest, CancelImportResponse)
{
    struct import *import;
    TRY(load_import(call, in->id, &import));
    if (import->status == IMPORT_DONE)
        return refuse_state(call, "The import is done.");
    if (import->status != IMPORT_CANCELLED)
        TRY(cancel(call, import));
    out->import = view_import(call->arena, import);
    return STATUS_OK;
}

enum status forget_imports(struct call *call)
{
    struct import *import;
    TRY(store_import_forgotten(call->db, call->now_us - KEEP_US, &import));
    return import != NULL ? cancel(call, import) : STATUS_OK;
}

/* ---- reading ---- */

ORDERS_HANDLER(get_import, GetImportRequest, GetImportResponse)
{
    struct import *import;
    TRY(load_import(call, in->id, &import));
    out->import = view_import(call->arena, import);
    return STATUS_OK;
}

ORDERS_HANDLER(list_imports, ListImportsRequest, ListImportsResponse)
{
    struct import *imports;
    struct uuid before;
    size_t count;
    int64_t limit;
    TRY(read_limit(call, in->limit, &limit));
    memset(before.bytes, 0xff, sizeof(before.bytes));
    if (in->cursor[0] != '\0' && !uuid_parse(in->cursor, &before))
        return refuse(call, STATUS_INVALID, "invalid", "cursor",
                      "A cursor is the next_cursor of the page before.");
    TRY(store_imports_page(call->db, &before, limit + 1, &imports, &count));
    size_t shown = count > (size_t)limit ? (size_t)limit : count;
    out->data = ARENA_ARRAY(call->arena, shown, Import *);
    for (size_t i = 0; i < shown; i++)
        out->data[out->n_data++] = view_import(call->arena, &imports[i]);
    if (count > shown)
        out->next_cursor = wire_uuid(call->arena, &imports[shown - 1].id);
    return STATUS_OK;
}

ORDERS_HANDLER(list_import_errors, ListImportErrorsRequest, ListImportErrorsResponse)
{
    struct import *import;
    struct import_order *orders;
    size_t count;
    int64_t limit;
    char *end;
    long long after = strtoll(in->cursor, &end, 10);
    if (*end != '\0' || after < 0)
        return refuse(call, STATUS_INVALID, "invalid", "cursor",
                      "A cursor is the next_cursor of the page before.");
    TRY(read_limit(call, in->limit, &limit));
    TRY(load_import(call, in->id, &import));
    TRY(store_import_errors(call->db, &import->id, after, limit + 1, &orders, &count));
    size_t shown = count > (size_t)limit ? (size_t)limit : count;
    out->data = ARENA_ARRAY(call->arena, shown, ImportError *);
    for (size_t i = 0; i < shown; i++) {
        ImportError *error = out->data[out->n_data++] = ARENA_NEW(call->arena, ImportError);
        penstock__orders__v1__import_error__init(error);
        error->row = orders[i].row;
        error->external_id = wire_text(orders[i].external_id);
        error->code = wire_text(orders[i].code);
        error->field = wire_text(orders[i].field);
        error->message = wire_text(orders[i].message);
    }
    if (count > shown)
        out->next_cursor = arena_printf(call->arena, "%lld", (long long)orders[shown - 1].seq);
    return STATUS_OK;
}
