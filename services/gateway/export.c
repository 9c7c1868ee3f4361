/* export.c -- lists as files: pages of rows become one answer that is streamed.
 *
 * The first page is asked for like any other request, so that what is refused is refused with a
 * problem. Each following page is asked for when the one before has been sent: however long the
 * file and however slow who reads it, there is one page of it in memory. What cannot be had ends
 * the connection before the end of the answer, which every client notices.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "penstock/orders/v1/search.pb-c.h"
#include "services/gateway/http_internal.h"
#include "services/gateway/xlsx.h"

#define BLOCK_BYTES ((size_t)32 << 10)
#define MAX_EXPORTS 16 /* of one thread */
#define ASK_TIMEOUT_MS 20000
#define MAX_FAILURES 5
#define STUCK_US INT64_C(60000000)

typedef Penstock__Orders__V1__ExportOrdersRequest ExportOrdersRequest;
typedef Penstock__Orders__V1__ExportOrdersResponse ExportOrdersResponse;

struct export
{
    struct export *next, **link;
    struct http_thread *thread;
    struct MHD_Connection *mhd; /* NULL: the client has gone */
    int fd;
    struct arena *arena;
    ExportOrdersRequest question;
    RequestHeader header;
    char cursor[128];
    struct xlsx *xlsx;
    char *bytes;
    size_t first, used, room;
    bool is_asking, is_suspended, is_whole, has_failed;
    int failures;
    int64_t moved_us;
};

/* ---- the buffer ---- */

static void append(void *context, const void *bytes, size_t count)
{
    struct export *it = context;
    if (it->used + count > it->room) {
        it->room = (it->used + count) * 2;
        it->bytes = realloc(it->bytes, it->room);
        assert(it->bytes != NULL);
    }
    memcpy(it->bytes + it->used, bytes, count);
    it->used += count;
}

static void wake(struct export *it)
{
    if (!it->is_suspended)
        return;
    it->is_suspended = false;
    it->moved_us = clock_monotonic_us();
    MHD_resume_connection(it->mhd);
}

static void take_page(struct export *it, const ExportOrdersResponse *page)
{
    if (it->first == it->used) /* else there is the workbook's beginning */
        it->first = it->used = 0;
    if (it->xlsx == NULL)
        append(it, page->rows.data, page->rows.len);
    else if (!xlsx_rows(it->xlsx, page->rows.data, page->rows.len, page->count))
        it->has_failed = true;
    it->is_whole = page->next_page[0] == '\0';
    if (it->is_whole && it->xlsx != NULL)
        xlsx_end(it->xlsx);
    assert(strlen(page->next_page) < sizeof it->cursor);
    strncpy(it->cursor, page->next_page, sizeof it->cursor - 1);
}

/* ---- the next page ---- */

static void export_free(struct export *it)
{
    *it->link = it->next;
    if (it->next != NULL)
        it->next->link = it->link;
    it->thread->nexports--;
    xlsx_free(&it->xlsx);
    arena_close(&it->arena);
    free(it->bytes);
    free(it);
}

static void got_page(void *context, const ReplyHeader *header, const uint8_t *payload,
                     size_t payload_bytes)
{
    struct export *it = context;
    ExportOrdersResponse *page = NULL;
    it->is_asking = false;
    if (it->mhd == NULL) {
        export_free(it);
        return;
    }
    if (header->status == PENSTOCK__BUS__V1__STATUS__STATUS_OK)
        page = penstock__orders__v1__export_orders_response__unpack(NULL, payload_bytes, payload);
    if (page != NULL) {
        it->failures = 0;
        take_page(it, page);
        penstock__orders__v1__export_orders_response__free_unpacked(page, NULL);
    } else if (++it->failures == MAX_FAILURES) {
        log_warn("export_failed", "A page of a file could not be had",
                 LOG_TEXT("error.code", header->code));
        it->has_failed = true;
    } else {
        return; /* exports_look() asks again */
    }
    wake(it);
}

static void ask(struct export *it)
{
    it->question.cursor = it->cursor;
    it->is_asking = true;
    if (bus_ask_message(it->thread->client, "orders", &it->header, &it->question.base,
                        ASK_TIMEOUT_MS, got_page, it) == STATUS_OK)
        return;
    it->is_asking = false;
    it->failures++;
}

/* ---- what the library asks for ---- */

static ssize_t read_export(void *context, uint64_t position, char *out, size_t room)
{
    struct export *it = context;
    (void)position;
    if (it->has_failed)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    if (it->first < it->used) {
        size_t bytes = it->used - it->first < room ? it->used - it->first : room;
        memcpy(out, it->bytes + it->first, bytes);
        it->first += bytes;
        it->moved_us = clock_monotonic_us();
        return (ssize_t)bytes;
    }
    if (it->is_whole)
        return MHD_CONTENT_READER_END_OF_STREAM;
    /* Suspended first: the answer may come from within. */
    it->is_suspended = true;
    MHD_suspend_connection(it->mhd);
    if (!it->is_asking)
        ask(it);
    return 0;
}

static void client_gone(void *context)
{
    struct export *it = context;
    it->mhd = NULL;
    it->is_suspended = false;
    if (!it->is_asking)
        export_free(it);
}

struct MHD_Response *export_response(struct export *it)
{
    struct MHD_Response *response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_BYTES,
                                                                      read_export, it, client_gone);
    assert(response != NULL);
    return response;
}

/* ---- begin and end ---- */

/* The request goes before the file does: what later pages are asked with is the export's own. */
static void keep_question(struct export *it, const struct http_request *request,
                          const ExportOrdersRequest *in)
{
    struct arena *arena = it->arena;
    size_t count = 0;
    while (request->role->permissions[count] != NULL)
        count++;
    penstock__orders__v1__export_orders_request__init(&it->question);
    it->question.format = arena_strdup(arena, in->format);
    it->question.q = arena_strdup(arena, in->q);
    it->question.sort = arena_strdup(arena, in->sort);
    penstock__bus__v1__request_header__init(&it->header);
    it->header.method = arena_strdup(arena, "orders.ExportOrders");
    it->header.actor = arena_strdup(arena, request->principal);
    it->header.traceparent = arena_strdup(arena, request->traceparent);
    it->header.n_permissions = count;
    it->header.permissions = ARENA_ARRAY(arena, count, char *);
    for (size_t i = 0; i < count; i++)
        it->header.permissions[i] = arena_strdup(arena, request->role->permissions[i]);
}

static struct export *export_new(struct http_request *request, const ExportOrdersRequest *in)
{
    struct http_thread *thread = request->thread;
    struct export *it = calloc(1, sizeof *it);
    assert(it != NULL);
    it->thread = thread;
    it->mhd = request->mhd;
    it->fd = request->connection->fd;
    it->arena = arena_open((size_t)1 << 20);
    it->moved_us = clock_monotonic_us();
    it->next = thread->exports;
    it->link = &thread->exports;
    if (it->next != NULL)
        it->next->link = &it->next;
    thread->exports = it;
    thread->nexports++;
    keep_question(it, request, in);
    if (strcmp(in->format, "xlsx") == 0)
        it->xlsx = xlsx_open(append, it);
    return it;
}

void export_begin(struct http_request *request, const ProtobufCMessage *message,
                  const ProtobufCMessage *answer)
{
    static const char bom[] = "\xef\xbb\xbf";
    const ExportOrdersRequest *in = (const ExportOrdersRequest *)message;
    if (request->thread->nexports >= MAX_EXPORTS) {
        http_answer_header(request, "Retry-After", "10");
        http_problem(request, 503, "unavailable", "", "Too many files are being made already.");
        return;
    }
    struct export *it = export_new(request, in);
    bool is_sheet = it->xlsx != NULL;
    take_page(it, (const ExportOrdersResponse *)answer);
    if (!is_sheet && in->bom) {
        append(it, bom, 3);
        memmove(it->bytes + 3, it->bytes, it->used - 3);
        memcpy(it->bytes, bom, 3);
    }
    request->export = it;
    http_answer_header(request, "Content-Disposition",
                       is_sheet ? "attachment; filename=\"orders.xlsx\""
                                : "attachment; filename=\"orders.csv\"");
    http_answer(request, 200,
                is_sheet ? "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
                         : "text/csv; charset=utf-8",
                NULL, 0);
}

void exports_look(struct http_thread *thread)
{
    int64_t late_us = clock_monotonic_us() - STUCK_US;
    for (struct export *it = thread->exports; it != NULL; it = it->next) {
        if (it->mhd == NULL)
            continue;
        if (it->is_suspended && !it->is_asking && it->failures > 0)
            ask(it);
        else if (!it->is_suspended && it->moved_us < late_us)
            shutdown(it->fd, SHUT_RDWR); /* who reads nothing is sent away */
    }
}

void exports_end(struct http_thread *thread)
{
    for (struct export *it = thread->exports; it != NULL; it = it->next) {
        it->has_failed = true;
        if (it->mhd != NULL)
            wake(it);
    }
}

void exports_close(struct http_thread *thread)
{
    while (thread->exports != NULL)
        export_free(thread->exports);
}
