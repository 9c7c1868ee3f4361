/* health.c -- /readyz and /metrics: what every service says of itself, in one answer. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/gateway/http_internal.h"

#define ASK_TIMEOUT_MS 1000
#define MAX_SERVICES 8

typedef Penstock__Bus__V1__GetHealthResponse Health;

/* One question to all services. */
struct survey {
    struct http_request *request;
    void (*finish)(struct survey *survey);
    struct answer_of {
        struct survey *survey;
        const Health *health; /* NULL: did not answer */
    } answers[MAX_SERVICES];
    size_t waiting;
};

static void end(struct survey *survey)
{
    if (--survey->waiting > 0)
        return;
    survey->finish(survey);
    http_resume(survey->request);
}

static void replied(void *context, const ReplyHeader *header, const uint8_t *payload,
                    size_t payload_bytes)
{
    struct answer_of *answer = context;
    if (header->status == PENSTOCK__BUS__V1__STATUS__STATUS_OK)
        answer->health = penstock__bus__v1__get_health_response__unpack(
            arena_protobuf(answer->survey->request->arena), payload_bytes, payload);
    end(answer->survey);
}

static enum status ask_one(struct http_request *request, const char *service,
                           struct answer_of *answer)
{
    static char internal[] = "internal", actor[] = "system:gateway";
    char *permissions[] = {internal};
    const Penstock__Bus__V1__GetHealthRequest question =
        PENSTOCK__BUS__V1__GET_HEALTH_REQUEST__INIT;
    RequestHeader header = PENSTOCK__BUS__V1__REQUEST_HEADER__INIT;
    header.method = arena_printf(request->arena, "%s.GetHealth", service);
    header.actor = actor;
    header.traceparent = request->traceparent;
    header.permissions = permissions;
    header.n_permissions = 1;
    return bus_ask_message(request->thread->client, service, &header, &question.base,
                           ASK_TIMEOUT_MS, replied, answer);
}

static void survey(struct http_request *request, void (*finish)(struct survey *survey))
{
    struct survey *it = ARENA_NEW(request->arena, struct survey);
    it->request = request;
    it->finish = finish;
    /* One more, so that it cannot end before all are asked. */
    it->waiting = 1;
    http_suspend(request);
    for (size_t i = 0; route_services[i] != NULL; i++) {
        it->answers[i].survey = it;
        it->waiting++;
        if (ask_one(request, route_services[i], &it->answers[i]) != STATUS_OK)
            it->waiting--;
    }
    end(it);
}

/* ---- /readyz ---- */

static void write_service(struct json_writer *writer, const char *name, const Health *health)
{
    const char *reason = health == NULL              ? "it does not answer"
                         : health->reason[0] != '\0' ? health->reason
                                                     : NULL;
    json_put_name(writer, name);
    json_begin_object(writer);
    json_put_name(writer, "ready");
    json_put_bool(writer, health != NULL && health->ready);
    json_put_name(writer, "leader");
    json_put_bool(writer, health != NULL && health->leader);
    json_put_member_text(writer, "reason", reason);
    json_put_member_text(writer, "version",
                         health != NULL && health->version[0] != '\0' ? health->version : NULL);
    json_end_object(writer);
}

static void finish_ready(struct survey *survey)
{
    struct json_writer writer;
    bool is_ready = true;
    for (size_t i = 0; route_services[i] != NULL; i++)
        is_ready =
            is_ready && survey->answers[i].health != NULL && survey->answers[i].health->ready;
    json_writer_open(&writer);
    json_begin_object(&writer);
    json_put_name(&writer, "ready");
    json_put_bool(&writer, is_ready);
    json_put_name(&writer, "services");
    json_begin_object(&writer);
    for (size_t i = 0; route_services[i] != NULL; i++)
        write_service(&writer, route_services[i], survey->answers[i].health);
    json_end_object(&writer);
    json_end_object(&writer);
    http_answer_json(survey->request, is_ready ? 200 : 503, &writer);
}

void health_ready(struct http_request *request)
{
    survey(request, finish_ready);
}

/* ---- /metrics ---- */

/* Prometheus wants all samples of one name together: they are gathered first. */
struct sample {
    const char *name, *kind, *help; /* name without labels */
    const char *labels;             /* with the service's, without braces */
    int64_t value;
};
struct samples {
    struct arena *arena;
    struct sample *list;
    size_t count, room;
};

static void add_sample(struct samples *samples, struct sample sample)
{
    if (samples->count == samples->room) {
        size_t room = samples->room == 0 ? 256 : samples->room * 2;
        struct sample *list = ARENA_ARRAY(samples->arena, room, struct sample);
        if (samples->count > 0)
            memcpy(list, samples->list, samples->count * sizeof list[0]);
        samples->list = list;
        samples->room = room;
    }
    samples->list[samples->count++] = sample;
}

/* "requests_total{class="2xx"}" of a service, with its name among the labels. */
static void add_metric(struct samples *samples, const char *service, const char *kind,
                       const char *help, int64_t value, const char *full_name)
{
    size_t bytes = strcspn(full_name, "{");
    const char *own = full_name[bytes] == '{' ? full_name + bytes + 1 : "}";
    add_sample(samples,
               (struct sample){arena_strndup(samples->arena, full_name, bytes), kind, help,
                               arena_printf(samples->arena, "service=\"%s\"%s%.*s", service,
                                            own[0] != '}' ? "," : "", (int)strcspn(own, "}"), own),
                               value});
}

static void add_subscription(struct samples *samples, const char *service,
                             const Penstock__Bus__V1__SubscriptionHealth *it)
{
    const struct {
        const char *name, *help;
        int64_t value;
    } figures[] = {
        {"penstock_subscription_lag_events", "Events not yet applied",
         it->head_position - it->cursor_position},
        {"penstock_subscription_cursor_position", "Position applied", it->cursor_position},
        {"penstock_subscription_oldest_age_us", "Age of the oldest event not yet applied",
         it->oldest_age_us},
        {"penstock_subscription_parked", "Events set aside", it->parked},
        {"penstock_subscription_halted", "1: diverged or truncated", it->halted},
    };
    for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++)
        add_metric(samples, service, "gauge", figures[i].help, figures[i].value,
                   arena_printf(samples->arena, "%s{source=\"%s\"}", figures[i].name, it->source));
}

static void add_service(struct samples *samples, const char *service, const Health *health)
{
    add_metric(samples, service, "gauge", "1: the service answers", health != NULL, "penstock_up");
    if (health == NULL)
        return;
    add_metric(samples, service, "gauge", "1: the service is ready", health->ready,
               "penstock_ready");
    add_metric(samples, service, "gauge", "1: this instance writes", health->leader,
               "penstock_leader");
    add_metric(samples, service, "gauge", "Position of the newest event", health->head_position,
               "penstock_head_position");
    for (size_t i = 0; i < health->n_subscriptions; i++)
        add_subscription(samples, service, health->subscriptions[i]);
    for (size_t i = 0; i < health->n_metrics; i++)
        add_metric(samples, service, health->metrics[i]->kind, health->metrics[i]->help,
                   health->metrics[i]->value, health->metrics[i]->name);
}

static void add_own(struct samples *samples, const struct http *http)
{
    const struct http_metrics *own = &http->metrics;
    const struct {
        const char *name, *kind, *help;
        const _Atomic int64_t *value;
    } figures[] = {
        {"http_answer_us_total", "counter", "Time from a request's first line to its answer",
         &own->answer_us},
        {"http_body_bytes_total{direction=\"in\"}", "counter", "Bytes of bodies", &own->bytes_in},
        {"http_body_bytes_total{direction=\"out\"}", "counter", "Bytes of bodies", &own->bytes_out},
        {"http_in_flight", "gauge", "Requests waiting for their answer", &own->in_flight},
        {"http_connections", "gauge", "Open connections", &own->connections},
        {"http_guarded_total", "counter", "Requests that the guard refused", &own->guarded},
        {"http_unauthenticated_total", "counter", "Requests answered 401", &own->unauthenticated},
        {"http_forbidden_total", "counter", "Requests answered 403", &own->forbidden},
        {"http_limited_total", "counter", "Requests answered 429", &own->limited},
        {"http_timed_out_total", "counter", "Connections closed for being slow", &own->timed_out},
        {"http_listeners", "gauge", "Open streams of events", &own->listeners},
        {"http_lagged_total", "counter", "Times that a stream left events out", &own->lagged},
        {"http_hooks_total", "counter", "Deliveries posted", &own->hooks},
    };
    for (int class = 1; class < 6; class ++)
        add_metric(
            samples, "gateway", "counter", "Requests answered", atomic_load(&own->requests[class]),
            arena_printf(samples->arena, "penstock_http_requests_total{class=\"%dxx\"}", class));
    for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++)
        add_metric(samples, "gateway", figures[i].kind, figures[i].help,
                   atomic_load(figures[i].value),
                   arena_printf(samples->arena, "penstock_%s", figures[i].name));
}

static bool is_first_of_name(const struct samples *samples, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (strcmp(samples->list[i].name, samples->list[index].name) == 0)
            return false;
    return true;
}

static char *write_samples(const struct samples *samples, size_t *bytes)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, bytes);
    for (size_t i = 0; out != NULL && i < samples->count; i++) {
        const struct sample *first = &samples->list[i];
        if (!is_first_of_name(samples, i))
            continue;
        fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", first->name, first->help, first->name,
                first->kind);
        for (size_t j = i; j < samples->count; j++)
            if (strcmp(samples->list[j].name, first->name) == 0)
                fprintf(out, "%s{%s} %lld\n", first->name, samples->list[j].labels,
                        (long long)samples->list[j].value);
    }
    if (out != NULL)
        fclose(out);
    return text;
}

static void finish_metrics(struct survey *survey)
{
    struct samples samples = {survey->request->arena, NULL, 0, 0};
    size_t bytes = 0;
    add_own(&samples, survey->request->thread->http);
    for (size_t i = 0; route_services[i] != NULL; i++)
        add_service(&samples, route_services[i], survey->answers[i].health);
    char *text = write_samples(&samples, &bytes);
    http_answer(survey->request, 200, "text/plain; version=0.0.4; charset=utf-8", text, bytes);
}

void health_metrics(struct http_request *request)
{
    survey(request, finish_metrics);
}
