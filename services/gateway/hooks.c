/* hooks.c -- what channels deliver, on its way from HTTP into the inbox. */
#include <string.h>

#include "services/gateway/http_internal.h"
#include "services/gateway/inbox.h"

/* The channel of the address, if it takes hooks. */
static const struct channel *find_channel(const struct http_request *request)
{
    const struct channel *channel =
        snapshot_find_channel(request->thread->snapshot, request->uri.segments[1]);
    bool takes_hooks = channel != NULL && channel->is_active && channel->secret_bytes > 0 &&
                       hook_knows_type(channel->type);
    return takes_hooks ? channel : NULL;
}

static void answer_not_found(struct http_request *request)
{
    http_problem(request, 404, "not_found", "", "There is no such channel.");
}

enum http_verdict hooks_begin(struct http_request *request)
{
    if (strcmp(request->method, "POST") != 0) {
        http_answer_header(request, "Allow", "POST");
        http_problem(request, 405, "method_not_allowed", "", "Deliveries are posted.");
        return VERDICT_ANSWERED;
    }
    if (find_channel(request) != NULL)
        return VERDICT_GO_ON;
    if (!request->was_checked)
        return VERDICT_UNKNOWN;
    answer_not_found(request);
    return VERDICT_ANSWERED;
}

static const char *look_up(void *context, const char *name)
{
    return http_header(context, name);
}

static void store(struct http_request *request, struct inbox_delivery *delivery)
{
    struct http_thread *thread = request->thread;
    if (thread->inbox == NULL || (int64_t)thread->in_inbox >= thread->http->conf->inbox_queue) {
        http_answer_header(request, "Retry-After", "1");
        http_problem(request, 503, "unavailable", "", "The inbox is full; deliver again.");
        return;
    }
    delivery->waiter = request;
    delivery->traceparent = request->traceparent;
    thread->in_inbox++;
    http_suspend(request);
    bus_channel_send(thread->inbox, delivery);
}

/* The secrets go with the snapshot; what the delivery may point to stays. */
static struct channel copy_channel(const struct channel *channel, struct arena *arena)
{
    struct channel copy = *channel;
    copy.name = arena_strdup(arena, channel->name);
    copy.type = arena_strdup(arena, channel->type);
    copy.number_prefix = arena_strdup(arena, channel->number_prefix);
    return copy;
}

void hooks_run(struct http_request *request)
{
    static uint8_t nothing[1];
    const struct channel *found = find_channel(request);
    if (found == NULL) {
        answer_not_found(request);
        return;
    }
    const struct channel channel = copy_channel(found, request->arena);
    const struct hook_request hook = {
        .channel = &channel,
        .body = request->body != NULL ? (const uint8_t *)request->body : nothing,
        .body_bytes = request->body_bytes,
        .header = look_up,
        .context = request,
        .now_us = clock_wall_us(),
    };
    struct inbox_delivery *delivery = ARENA_NEW(request->arena, struct inbox_delivery);
    HTTP_COUNT(request->thread, hooks, 1);
    switch (hook_accept(&hook, request->arena, delivery)) {
    case HOOK_STORE:
        store(request, delivery);
        break;
    case HOOK_PING:
        http_answer_text(request, 200, "text/plain", "");
        break;
    case HOOK_UNSIGNED:
        HTTP_COUNT(request->thread, unauthenticated, 1);
        log_warn("hook_unsigned", "A delivery without a good signature was refused",
                 LOG_TEXT("channel", channel.name));
        http_problem(request, 401, "unauthenticated", "", NULL);
        break;
    case HOOK_MALFORMED:
        http_problem(request, 400, "bad_request", "",
                     "The delivery lacks a header that its channel's type always sends.");
        break;
    }
}

void hooks_delivered(void *context, void *pointer)
{
    struct http_thread *thread = context;
    const struct inbox_delivery *delivery = pointer;
    struct http_request *request = delivery->waiter;
    thread->in_inbox--;
    if (delivery->result == STATUS_OK || delivery->result == STATUS_CONFLICT) {
        http_answer_text(request, 200, "text/plain", "");
    } else {
        http_answer_header(request, "Retry-After", "1");
        http_problem(request, 503, "unavailable", "", "It could not be stored; deliver again.");
    }
    http_resume(request);
}
