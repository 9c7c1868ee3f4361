/* Which mails are sent: by their type, for all channels of sale or for one. */
#include "services/notify/handlers.h"

#include <string.h>

#include "penstock/notify/v1/notify.pb-c.h"
#include "services/notify/rules.h"
#include "services/notify/store_templates.h"

typedef Penstock__Notify__V1__NotificationSetting NotificationSetting;
typedef Penstock__Notify__V1__ListNotificationSettingsRequest ListNotificationSettingsRequest;
typedef Penstock__Notify__V1__ListNotificationSettingsResponse ListNotificationSettingsResponse;
typedef Penstock__Notify__V1__UpdateNotificationSettingRequest UpdateNotificationSettingRequest;
typedef Penstock__Notify__V1__UpdateNotificationSettingResponse UpdateNotificationSettingResponse;

#define MAX_SETTINGS 1000
#define MAX_CHANNEL 64

static NotificationSetting *view_setting(struct arena *arena, const struct setting_row *row)
{
    NotificationSetting *out = ARENA_NEW(arena, NotificationSetting);
    penstock__notify__v1__notification_setting__init(out);
    out->type = arena_strdup(arena, rules_kind_name((enum message_kind)row->kind));
    out->channel = arena_strdup(arena, row->channel);
    out->email = row->email;
    out->updated_at_us = row->updated_at_us;
    out->updated_by = arena_strdup(arena, row->updated_by == NULL ? "" : row->updated_by);
    return out;
}

/* Every type is there for all channels, whether or not anybody has set it; they are one page. */
NOTIFY_HANDLER(list_notification_settings, ListNotificationSettingsRequest,
               ListNotificationSettingsResponse)
{
    struct setting_row *rows;
    size_t count;
    (void)in;
    TRY(store_settings_all(call->db, &rows, &count));
    out->data = ARENA_ARRAY(call->arena, count + MESSAGE_KIND_COUNT, NotificationSetting *);
    for (int kind = 1; kind <= MESSAGE_KIND_COUNT; kind++) {
        if (kind == MESSAGE_ORDER_CODE)
            continue;
        struct setting_row all = {.kind = kind, .channel = ""};
        all.email = rules_is_switched_on(rows, count, (enum message_kind)kind, "");
        size_t first = out->n_data++;
        out->data[first] = view_setting(call->arena, &all);
        for (size_t i = 0; i < count; i++) {
            if (rows[i].kind == kind && rows[i].channel[0] == '\0')
                out->data[first] = view_setting(call->arena, &rows[i]);
            else if (rows[i].kind == kind)
                out->data[out->n_data++] = view_setting(call->arena, &rows[i]);
        }
    }
    return STATUS_OK;
}

static enum status check(struct call *call, const UpdateNotificationSettingRequest *in)
{
    struct setting_row *rows;
    size_t count;
    int kind = rules_letter_kind(in->type);
    if (kind == 0)
        return refuse(call, STATUS_INVALID, "invalid", "type", "There is no such type.");
    if (kind == MESSAGE_ORDER_CODE)
        return refuse(call, STATUS_CONFLICT, "always_sent", "type",
                      "A code that a customer asks for is always sent.");
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
    if (strlen(in->channel) > MAX_CHANNEL || in->channel[strspn(in->channel, allowed)] != '\0')
        return refuse(call, STATUS_INVALID, "invalid", "channel", "This is no channel's name.");
    TRY(store_settings_all(call->db, &rows, &count));
    if (count >= MAX_SETTINGS)
        return refuse(call, STATUS_CONFLICT, "too_many", "channel",
                      "There are %d settings already.", MAX_SETTINGS);
    return STATUS_OK;
}

NOTIFY_HANDLER(update_notification_setting, UpdateNotificationSettingRequest,
               UpdateNotificationSettingResponse)
{
    TRY(check(call, in));
    const struct setting_row row = {.kind = rules_letter_kind(in->type),
                                    .channel = in->channel,
                                    .email = in->email,
                                    .updated_at_us = call->now_us,
                                    .updated_by = call->actor};
    TRY(store_setting_put(call->db, &row));
    out->setting = view_setting(call->arena, &row);
    Penstock__Notify__V1__NotificationSettingChanged event =
        PENSTOCK__NOTIFY__V1__NOTIFICATION_SETTING_CHANGED__INIT;
    event.type = in->type;
    event.channel = in->channel;
    event.email = in->email;
    return emit(call, arena_printf(call->arena, "notification:%s", in->type), &event.base);
}
