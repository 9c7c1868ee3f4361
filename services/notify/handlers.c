/* What people ask of notify: the list of messages, and another try. */
#include "services/notify/handlers.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "penstock/notify/v1/notify.pb-c.h"
#include "penstock/orders/v1/orders.pb-c.h"
#include "services/notify/rules.h"
#include "services/notify/store.h"

typedef Penstock__Notify__V1__Message Message;
typedef Penstock__Notify__V1__MessageStatus MessageStatus;
typedef Penstock__Notify__V1__ListMessagesRequest ListMessagesRequest;
typedef Penstock__Notify__V1__ListMessagesResponse ListMessagesResponse;
typedef Penstock__Notify__V1__RetryMessageRequest RetryMessageRequest;
typedef Penstock__Notify__V1__RetryMessageResponse RetryMessageResponse;
typedef Penstock__Notify__V1__MessageRetried MessageRetried;

/* Our states and the wire's are the same numbers, and stay so. */
#define X(name, number)                                                                            \
    static_assert(MESSAGE_##name ==                                                                \
                      (int)PENSTOCK__NOTIFY__V1__MESSAGE_STATUS__MESSAGE_STATUS_##name,            \
                  "message state " #name);
MESSAGE_STATES(X)
#undef X

static char *text_or_empty(struct arena *arena, const char *text)
{
    return text == NULL ? arena_strdup(arena, "") : arena_strdup(arena, text);
}

static char *id_text(struct arena *arena, const struct uuid *id)
{
    char buffer[UUID_TEXT_BYTES];
    return arena_strdup(arena, uuid_text(id, buffer));
}

static Message *message_view(struct arena *arena, const struct message_row *row)
{
    Message *message = ARENA_NEW(arena, Message);
    penstock__notify__v1__message__init(message);
    message->id = id_text(arena, &row->id);
    message->order_id = id_text(arena, &row->order_id);
    message->template_ = text_or_empty(arena, rules_kind_name((enum message_kind)row->kind));
    message->locale = text_or_empty(arena, row->locale);
    message->recipient_masked = text_or_empty(arena, row->recipient_masked);
    message->status = (MessageStatus)row->status;
    message->message_id = text_or_empty(arena, row->message_id);
    message->attempts = row->attempts;
    message->ambiguous_attempts = row->ambiguous_attempts;
    message->last_error = text_or_empty(arena, row->last_error);
    message->queued_at_us = row->queued_at;
    message->sent_at_us = row->sent_at;
    message->next_attempt_at_us = row->next_attempt_at;
    return message;
}

/* ---- ListMessages ---- */

#define LIMIT_DEFAULT 50
#define LIMIT_MOST 200

/* A cursor is the position of the page's last message. */
static bool cursor_parse(const char *cursor, int64_t *before)
{
    *before = INT64_MAX;
    if (*cursor == '\0')
        return true;
    char *end;
    *before = strtoll(cursor, &end, 36);
    return *end == '\0' && *before > 0 && *before < INT64_MAX;
}

static char *cursor_text(struct arena *arena, int64_t position)
{
    static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
    char buffer[16];
    size_t at = sizeof(buffer) - 1;
    for (buffer[at] = '\0'; position > 0; position /= 36)
        buffer[--at] = digits[position % 36];
    return arena_strdup(arena, buffer + at);
}

static enum status read_filter(struct call *call, const ListMessagesRequest *in,
                               struct message_filter *filter)
{
    int32_t limit = in->limit == 0 ? LIMIT_DEFAULT : in->limit;
    if (limit < 1 || limit > LIMIT_MOST)
        return refuse(call, STATUS_INVALID, "out_of_range", "limit",
                      "A page holds 1 to %d messages.", LIMIT_MOST);
    if (!cursor_parse(in->cursor, &filter->before))
        return refuse(call, STATUS_INVALID, "invalid", "cursor",
                      "A cursor is what next_cursor of the page before said.");
    filter->limit = (size_t)limit;
    filter->status = (int32_t)in->status;
    if (filter->status < 0 || filter->status > MESSAGE_SUPPRESSED)
        return refuse(call, STATUS_INVALID, "invalid", "status",
                      "A status is queued, sent, failed or suppressed.");
    if (*in->order == '\0' || uuid_parse(in->order, &filter->order_id))
        return STATUS_OK;
    return store_order_of_number(call->db, in->order, &filter->order_id);
}

HANDLER(list_messages, ListMessagesRequest, ListMessagesResponse)
{
    struct message_filter filter = {0};
    enum status status = read_filter(call, in, &filter);
    if (status == STATUS_NOT_FOUND) /* an order that we never heard of has no messages */
        return STATUS_OK;
    TRY(status);
    size_t limit = filter.limit++, count; /* one more tells whether there is a next page */
    struct message_row *rows;
    TRY(store_message_list(call->db, &filter, &rows, &count));
    out->n_data = count > limit ? limit : count;
    out->data = ARENA_ARRAY(call->arena, out->n_data, Message *);
    for (size_t i = 0; i < out->n_data; i++)
        out->data[i] = message_view(call->arena, &rows[i]);
    if (count > limit)
        out->next_cursor = cursor_text(call->arena, rows[limit - 1].position);
    return STATUS_OK;
}

/* ---- RetryMessage ---- */

static enum status emit_retried(struct call *call, const Message *message)
{
    MessageRetried event = PENSTOCK__NOTIFY__V1__MESSAGE_RETRIED__INIT;
    event.order_id = message->order_id;
    event.message_id = message->message_id;
    event.template_ = message->template_;
    return emit(call, message->order_id, &event.base);
}

HANDLER(retry_message, RetryMessageRequest, RetryMessageResponse)
{
    struct uuid id;
    struct message_row *row;
    enum status status = STATUS_NOT_FOUND;
    if (uuid_parse(in->id, &id))
        status = store_message_by_id(call->db, &id, &row);
    if (status == STATUS_NOT_FOUND)
        return refuse(call, STATUS_NOT_FOUND, "not_found", "id", "There is no such message.");
    TRY(status);
    if (row->status != MESSAGE_FAILED && row->status != MESSAGE_SUPPRESSED)
        return refuse(call, STATUS_CONFLICT, "invalid_state", "id",
                      "Only a failed or suppressed message can be sent again.");
    TRY(store_message_requeue(call->db, row, call->now_us));
    row->status = MESSAGE_QUEUED;
    row->next_attempt_at = call->now_us;
    out->message = message_view(call->arena, row);
    outcall_kick(call, "send");
    return emit_retried(call, out->message);
}

/* For a template that is looked at with a real order. */
#define ASKS_CONTACT(build_)                                                                       \
    {                                                                                              \
        .service = "orders", .rpc = "GetContacts",                                                 \
        .question = &penstock__orders__v1__get_contacts_request__descriptor,                       \
        .answer = &penstock__orders__v1__get_contacts_response__descriptor, .build = (build_)      \
    }

const struct route notify_routes[] = {
    {.rpc = "ListMessages",
     .kind = ROUTE_QUERY,
     .handler = list_messages,
     .permission = "messages:read"},
    {.rpc = "RetryMessage",
     .kind = ROUTE_COMMAND,
     .handler = retry_message,
     .permission = "messages:write"},
    {.rpc = "ListTemplates",
     .kind = ROUTE_QUERY,
     .handler = list_templates,
     .permission = "settings:read"},
    {.rpc = "GetTemplate",
     .kind = ROUTE_QUERY,
     .handler = get_template,
     .permission = "settings:read"},
    {.rpc = "PutTemplate",
     .kind = ROUTE_COMMAND,
     .handler = put_template,
     .permission = "settings:write"},
    {.rpc = "DeleteTemplate",
     .kind = ROUTE_COMMAND,
     .handler = delete_template,
     .permission = "settings:write"},
    {.rpc = "ListTemplateVersions",
     .kind = ROUTE_QUERY,
     .handler = list_template_versions,
     .permission = "settings:read"},
    {.rpc = "PreviewTemplate",
     .kind = ROUTE_COMMAND,
     .handler = preview_template,
     .permission = "settings:write",
     .asks = {ASKS_CONTACT(ask_contact_for_preview)},
     .strip = strip_preview,
     .render = render_preview},
    {.rpc = "SendTestMail",
     .kind = ROUTE_COMMAND,
     .handler = send_test_mail,
     .permission = "settings:write",
     .asks = {ASKS_CONTACT(ask_contact_for_test)}},
    {.rpc = "ListNotificationSettings",
     .kind = ROUTE_QUERY,
     .handler = list_notification_settings,
     .permission = "settings:read"},
    {.rpc = "UpdateNotificationSetting",
     .kind = ROUTE_COMMAND,
     .handler = update_notification_setting,
     .permission = "settings:write"},
    {0},
};
