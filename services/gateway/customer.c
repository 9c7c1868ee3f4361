/* customer.c -- the customer's pages over HTTP: what is asked of whom, and what is answered. */
#include "services/gateway/customer.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "services/gateway/customer_internal.h"
#include "services/gateway/form.h"
#include "services/gateway/http_internal.h"

#define PAGES_ARENA_BYTES ((size_t)16 << 20)
#define FORM_BYTES ((int64_t)32 << 10)
#define ASK_TIMEOUT_MS 5000
#define MAX_TOKEN_BYTES 100
#define NUMBER_BYTES 64
#define PHONE_BYTES 40

/* ---- templates ---- */

static const char *file_text(void *context, const char *name)
{
    (void)context;
    for (size_t i = 0; i < customer_nfiles; i++) {
        if (strcmp(customer_files[i].name, name) == 0)
            return customer_files[i].text;
    }
    return NULL;
}

static enum status read_templates(struct customer_pages *pages)
{
    static const char *const names[PAGE_COUNT] = {
        [PAGE_ORDER] = "order.html", [PAGE_TRACK] = "track.html", [PAGE_NOTICE] = "notice.html"};
    const struct view *sample = customer_sample(pages->arena, pages, LANGUAGE_EN);
    for (int i = 0; i < PAGE_COUNT; i++) {
        const char *wrong = "";
        enum status status = template_parse(pages->arena, TEMPLATE_HTML, file_text(NULL, names[i]),
                                            file_text, NULL, &pages->templates[i], &wrong);
        if (status == STATUS_OK)
            status = template_check(pages->templates[i], sample, pages->arena, &wrong);
        if (status != STATUS_OK) {
            log_error("customer_page_wrong", "A template of the customer's pages is wrong",
                      LOG_TEXT("template", names[i]), LOG_TEXT("reason", wrong));
            return status;
        }
    }
    return STATUS_OK;
}

enum status customer_pages_open(const struct gateway_conf *conf, struct customer_pages **out)
{
    struct customer_pages *pages = calloc(1, sizeof *pages);
    assert(pages != NULL);
    pages->arena = arena_open(PAGES_ARENA_BYTES);
    pages->shop_name = arena_strdup(pages->arena, conf->shop_name);
    pages->fallback = words_accepted(conf->shop_languages, LANGUAGE_ZH_HANT);
    enum status status = zone_open(conf->shop_time_zone, &pages->zone);
    if (status == STATUS_OK)
        status = read_templates(pages);
    else
        log_error("customer_zone_unknown", "The shop's time zone is not known on this machine",
                  LOG_TEXT("time_zone", conf->shop_time_zone));
    if (status != STATUS_OK)
        customer_pages_close(&pages);
    *out = pages;
    return status;
}

void customer_pages_close(struct customer_pages **pages)
{
    if (*pages == NULL)
        return;
    zone_close(&(*pages)->zone);
    arena_close(&(*pages)->arena);
    free(*pages);
    *pages = NULL;
}

/* ---- a visit ---- */

/* What a request is about, from its form to its page. */
struct visit {
    struct http_request *request;
    struct form form;
    const char *token; /* of /o/TOKEN */
    const char *error, *draft;
    int status; /* of the page, when all goes well */
    const CustomerPage *order;
};

/* The wire's structs have no const; what they point to is not changed. */
static char *loan(const char *text)
{
    return (char *)(uintptr_t)text;
}

static const char *parameter(const struct http_request *request, const char *name)
{
    for (size_t i = 0; i < request->uri.nparameters; i++) {
        if (strcmp(request->uri.parameters[i].name, name) == 0)
            return request->uri.parameters[i].value;
    }
    return "";
}

/* Chosen on the page, else that of the order, else of the browser, else the shop's first. */
static enum language language_of(const struct http_request *request, const char *locale)
{
    enum language language;
    if (wording_language_parse(parameter(request, "lang"), &language))
        return language;
    language = wording_language(locale, LANGUAGE_COUNT);
    if (language != LANGUAGE_COUNT)
        return language;
    return words_accepted(http_header(request, "Accept-Language"),
                          request->thread->http->customer_pages->fallback);
}

static struct page_view page_for(struct http_request *request, const char *locale)
{
    return (struct page_view){.arena = request->arena,
                              .pages = request->thread->http->customer_pages,
                              .language = language_of(request, locale)};
}

static char *random_text(struct arena *arena)
{
    uint8_t bytes[16];
    char *text = arena_alloc(arena, NONCE_TEXT_BYTES);
    randombytes_buf(bytes, sizeof bytes);
    return sodium_bin2base64(text, NONCE_TEXT_BYTES, bytes, sizeof bytes,
                             sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

static void answer_headers(struct http_request *request, const char *style_nonce)
{
    http_answer_header(request, "Content-Security-Policy",
                       arena_printf(request->arena,
                                    "default-src 'none'; style-src 'nonce-%s'; form-action 'self'; "
                                    "frame-ancestors 'none'; base-uri 'none'",
                                    style_nonce));
    http_answer_header(request, "Referrer-Policy", "no-referrer");
    http_answer_header(request, "Cross-Origin-Opener-Policy", "same-origin");
    http_answer_header(request, "X-Robots-Tag", "noindex, nofollow");
    http_answer_header(request, "Vary", "Accept-Language");
    if (http_is_secure(request))
        http_answer_header(request, "Strict-Transport-Security", "max-age=31536000");
}

static void answer_page(struct http_request *request, int status, enum page_kind kind,
                        struct page_view *page)
{
    page->style_nonce = random_text(request->arena);
    page->form_nonce = random_text(request->arena);
    if (page->title == NULL)
        page->title = words(page->language, "t_track_title");
    struct buffer html = buffer_open(request->arena, 32 << 10);
    template_render(page->pages->templates[kind], customer_view(page), &html);
    answer_headers(request, page->style_nonce);
    http_answer_text(request, status, "text/html; charset=utf-8", html.bytes);
}

static void answer_notice(struct http_request *request, int status, const char *title,
                          const char *text)
{
    struct page_view page = page_for(request, "");
    page.title = words(page.language, title);
    page.text = words(page.language, text);
    answer_page(request, status, PAGE_NOTICE, &page);
}

/* Elsewhere, to be read: a reload sends nothing twice. */
static void answer_see_other(struct http_request *request, const char *where)
{
    answer_headers(request, random_text(request->arena));
    http_answer_header(request, "Location", where);
    http_answer_text(request, 303, "text/plain", "");
}

static bool ask(struct visit *visit, const char *service, const char *method,
                const ProtobufCMessage *question, const char *command_id, bus_reply_fn *replied)
{
    struct http_request *request = visit->request;
    char *permissions[] = {loan("internal")};
    RequestHeader header = PENSTOCK__BUS__V1__REQUEST_HEADER__INIT;
    header.method = loan(method);
    header.actor = loan("customer:page");
    header.traceparent = request->traceparent;
    header.command_id = loan(command_id);
    header.permissions = permissions;
    header.n_permissions = 1;
    return bus_ask_message(request->thread->client, service, &header, question, ASK_TIMEOUT_MS,
                           replied, visit) == STATUS_OK;
}

static void end_with_trouble(struct visit *visit)
{
    answer_notice(visit->request, 503, "t_away_title", "t_away_text");
    http_resume(visit->request);
}

/* ---- the order's page ---- */

static void show_order(struct visit *visit, const ListFulfillmentsResponse *work)
{
    struct http_request *request = visit->request;
    struct page_view page = page_for(request, visit->order->locale);
    page.order = visit->order;
    page.work = work;
    page.title = arena_printf(request->arena, "%s %s", words(page.language, "t_order"),
                              visit->order->number);
    page.action = arena_printf(request->arena, "/o/%s?lang=%s#messages", visit->token,
                               wording_language_tag(page.language));
    page.draft = visit->draft;
    page.was_sent = strcmp(parameter(request, "sent"), "1") == 0 && visit->error == NULL;
    if (visit->error != NULL)
        page.error = words(page.language, visit->error);
    answer_page(request, visit->status, PAGE_ORDER, &page);
    http_resume(request);
}

static void on_work(void *context, const ReplyHeader *header, const uint8_t *payload, size_t bytes)
{
    struct visit *visit = context;
    const ListFulfillmentsResponse *work = NULL;
    if (header->status == PENSTOCK__BUS__V1__STATUS__STATUS_OK)
        work = penstock__fulfillment__v1__list_fulfillments_response__unpack(
            arena_protobuf(visit->request->arena), bytes, payload);
    show_order(visit, work);
}

static void on_page(void *context, const ReplyHeader *header, const uint8_t *payload, size_t bytes)
{
    struct visit *visit = context;
    struct http_request *request = visit->request;
    const Penstock__Orders__V1__GetCustomerPageResponse *answer = NULL;
    if (header->status == PENSTOCK__BUS__V1__STATUS__STATUS_OK)
        answer = penstock__orders__v1__get_customer_page_response__unpack(
            arena_protobuf(request->arena), bytes, payload);
    if (header->status == PENSTOCK__BUS__V1__STATUS__STATUS_NOT_FOUND) {
        answer_notice(request, 404, "t_gone_title", "t_gone_text");
        http_resume(request);
        return;
    }
    if (answer == NULL || answer->page == NULL) {
        end_with_trouble(visit);
        return;
    }
    visit->order = answer->page;
    Penstock__Fulfillment__V1__ListFulfillmentsRequest question =
        PENSTOCK__FULFILLMENT__V1__LIST_FULFILLMENTS_REQUEST__INIT;
    question.order = answer->page->order_id;
    if (!ask(visit, "fulfillment", "fulfillment.ListFulfillments", &question.base, "", on_work))
        show_order(visit, NULL);
}

static void ask_page(struct visit *visit)
{
    Penstock__Orders__V1__GetCustomerPageRequest question =
        PENSTOCK__ORDERS__V1__GET_CUSTOMER_PAGE_REQUEST__INIT;
    question.token = loan(visit->token);
    if (!ask(visit, "orders", "orders.GetCustomerPage", &question.base, "", on_page))
        end_with_trouble(visit);
}

/* ---- a message ---- */

static const char *error_of(const ReplyHeader *header)
{
    static const struct {
        const char *code, *text;
    } errors[] = {
        {"required", "t_empty"}, {"too_long", "t_too_long"}, {"too_many_messages", "t_too_many"}};
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        if (strcmp(header->code, errors[i].code) == 0)
            return errors[i].text;
    }
    return "t_not_sent";
}

static void on_posted(void *context, const ReplyHeader *header, const uint8_t *payload,
                      size_t bytes)
{
    struct visit *visit = context;
    struct http_request *request = visit->request;
    (void)payload;
    (void)bytes;
    if (header->status == PENSTOCK__BUS__V1__STATUS__STATUS_OK) {
        enum language language;
        const char *chosen = parameter(request, "lang");
        bool has_chosen = wording_language_parse(chosen, &language);
        answer_see_other(request,
                         arena_printf(request->arena, "/o/%s?sent=1%s%s#messages", visit->token,
                                      has_chosen ? "&lang=" : "", has_chosen ? chosen : ""));
        http_resume(request);
        return;
    }
    visit->error = error_of(header);
    visit->draft = form_value(&visit->form, "body");
    visit->status = header->status == PENSTOCK__BUS__V1__STATUS__STATUS_TOO_MANY ? 429 : 422;
    ask_page(visit);
}

/* A form that is sent twice is one message: the nonce that it came with is its identity. */
static void post_message(struct visit *visit)
{
    struct http_request *request = visit->request;
    Penstock__Orders__V1__PostCustomerMessageRequest question =
        PENSTOCK__ORDERS__V1__POST_CUSTOMER_MESSAGE_REQUEST__INIT;
    question.token = loan(visit->token);
    question.body = loan(form_value(&visit->form, "body"));
    const char *nonce = form_value(&visit->form, "nonce");
    const char *identity =
        *nonce == '\0' ? ""
                       : arena_printf(request->arena, "customer/%s/%.64s", visit->token, nonce);
    if (!ask(visit, "orders", "orders.PostCustomerMessage", &question.base, identity, on_posted))
        end_with_trouble(visit);
}

/* ---- finding an order ---- */

static void answer_track(struct http_request *request, int status, const struct form *form,
                         bool asks_code, const char *error)
{
    struct page_view page = page_for(request, "");
    page.number = form_value(form, "number");
    page.phone = form_value(form, "phone");
    page.asks_code = asks_code;
    page.title = words(page.language, asks_code ? "t_code_title" : "t_track_title");
    if (error != NULL)
        page.error = words(page.language, error);
    answer_page(request, status, PAGE_TRACK, &page);
}

static void nobody_waits(void *context, const ReplyHeader *header, const uint8_t *payload,
                         size_t bytes)
{
    (void)context;
    (void)header;
    (void)payload;
    (void)bytes;
}

/* The answer does not wait for what orders finds: it is the same, and as quick, for every number.
 */
static void request_code(struct visit *visit)
{
    Penstock__Orders__V1__RequestOrderCodeRequest question =
        PENSTOCK__ORDERS__V1__REQUEST_ORDER_CODE_REQUEST__INIT;
    question.number = loan(form_value(&visit->form, "number"));
    question.phone = loan(form_value(&visit->form, "phone"));
    if (ask(visit, "orders", "orders.RequestOrderCode", &question.base, "", nobody_waits))
        answer_track(visit->request, 200, &visit->form, true, NULL);
    else
        answer_notice(visit->request, 503, "t_away_title", "t_away_text");
}

static void on_redeemed(void *context, const ReplyHeader *header, const uint8_t *payload,
                        size_t bytes)
{
    struct visit *visit = context;
    struct http_request *request = visit->request;
    const Penstock__Orders__V1__RedeemOrderCodeResponse *answer = NULL;
    if (header->status == PENSTOCK__BUS__V1__STATUS__STATUS_OK)
        answer = penstock__orders__v1__redeem_order_code_response__unpack(
            arena_protobuf(request->arena), bytes, payload);
    if (answer == NULL && header->status != PENSTOCK__BUS__V1__STATUS__STATUS_INVALID) {
        end_with_trouble(visit);
        return;
    }
    if (answer != NULL && answer->token[0] != '\0')
        answer_see_other(request, arena_printf(request->arena, "/o/%s", answer->token));
    else
        answer_track(request, 422, &visit->form, true, "t_wrong_code");
    http_resume(request);
}

static void redeem_code(struct visit *visit)
{
    Penstock__Orders__V1__RedeemOrderCodeRequest question =
        PENSTOCK__ORDERS__V1__REDEEM_ORDER_CODE_REQUEST__INIT;
    question.number = loan(form_value(&visit->form, "number"));
    question.phone = loan(form_value(&visit->form, "phone"));
    question.code = loan(form_value(&visit->form, "code"));
    http_suspend(visit->request);
    if (!ask(visit, "orders", "orders.RedeemOrderCode", &question.base, "", on_redeemed))
        end_with_trouble(visit);
}

static bool is_short_line(const char *text, size_t most)
{
    return strlen(text) <= most && strpbrk(text, "\n\t") == NULL;
}

static void run_track(struct visit *visit)
{
    const char *number = form_value(&visit->form, "number");
    const char *phone = form_value(&visit->form, "phone");
    bool is_complete = number[0] != '\0' && phone[0] != '\0' &&
                       is_short_line(number, NUMBER_BYTES) && is_short_line(phone, PHONE_BYTES);
    if (!is_complete)
        answer_track(visit->request, 200, &visit->form, false, NULL);
    else if (form_value(&visit->form, "code")[0] != '\0')
        redeem_code(visit);
    else
        request_code(visit);
}

/* ---- requests ---- */

bool customer_owns(const struct http_request *request)
{
    const struct http_uri *uri = &request->uri;
    if (request->thread->http->customer_pages == NULL || uri->nsegments == 0)
        return false;
    return (uri->nsegments == 2 && strcmp(uri->segments[0], "o") == 0) ||
           (uri->nsegments == 1 && strcmp(uri->segments[0], "track") == 0);
}

/* Another site's page may lead here, but send no form. */
static bool is_of_our_pages(const struct http_request *request)
{
    const char *site = http_header(request, "Sec-Fetch-Site");
    return site == NULL || strcmp(site, "same-origin") == 0 || strcmp(site, "none") == 0;
}

static bool pass_rates(struct http_request *request, bool is_form)
{
    struct http_thread *thread = request->thread;
    struct address client = http_client(request);
    struct rate *forms = is_form ? thread->rate_customer_forms : NULL;
    int64_t wait_ms = 0;
    if (rate_take(thread->rate_customer_pages, &client, sizeof client, request->started_us,
                  &wait_ms) &&
        rate_take(forms, &client, sizeof client, request->started_us, &wait_ms))
        return true;
    HTTP_COUNT(thread, limited, 1);
    http_answer_header(request, "Retry-After",
                       arena_printf(request->arena, "%lld", (long long)(wait_ms + 999) / 1000));
    answer_notice(request, 429, "t_busy_title", "t_busy_text");
    return false;
}

enum http_verdict customer_begin(struct http_request *request)
{
    bool is_form = strcmp(request->method, "POST") == 0;
    if (!is_form && strcmp(request->method, "GET") != 0 && strcmp(request->method, "HEAD") != 0) {
        http_answer_header(request, "Allow", "GET, HEAD, POST");
        http_problem(request, 405, "method_not_allowed", "",
                     "This page is read, or its form sent.");
        return VERDICT_ANSWERED;
    }
    if (!pass_rates(request, is_form))
        return VERDICT_ANSWERED;
    if (is_form && !is_of_our_pages(request)) {
        answer_notice(request, 403, "t_away_title", "t_away_text");
        return VERDICT_ANSWERED;
    }
    if (request->framing.content_length > FORM_BYTES) {
        answer_notice(request, 413, "t_not_sent", "t_too_long");
        return VERDICT_ANSWERED;
    }
    return VERDICT_GO_ON;
}

void customer_run(struct http_request *request)
{
    struct visit *visit = ARENA_NEW(request->arena, struct visit);
    *visit = (struct visit){.request = request, .status = 200};
    bool is_form = strcmp(request->method, "POST") == 0;
    if (is_form && !form_read(request->body, request->body_bytes, request->arena, &visit->form)) {
        answer_notice(request, 400, "t_not_sent", "t_away_text");
        return;
    }
    if (request->uri.nsegments == 1) {
        run_track(visit);
        return;
    }
    visit->token = request->uri.segments[1];
    if (strlen(visit->token) > MAX_TOKEN_BYTES) {
        answer_notice(request, 404, "t_gone_title", "t_gone_text");
        return;
    }
    http_suspend(request);
    if (is_form)
        post_message(visit);
    else
        ask_page(visit);
}
