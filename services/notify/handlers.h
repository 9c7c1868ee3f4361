/* handlers.h -- what notify answers, what it listens to, and how it sends: the tables of main.c. */
#pragma once

#include "common/service.h"
#include "services/notify/notify.h"

/* The state of the writer and of each lane. */
struct notify {
    const struct notify_conf *conf;
    const char *message_id_domain;
    struct uuid run_id;      /* the writer's present life, see sending_recover */
    struct letters *letters; /* opened when somebody asks for a template: handlers_templates.c */
};

/* Why a message was never meant to be sent: the order said so. Stored. */
#define REASON_SWITCHED_OFF "switched_off"
/* Why this one message was not meant to be sent; others of the order may. Stored. */
#define REASON_NOT_ASKED_FOR "not_asked_for"
/* The shop does not send mails of this kind, to this channel. Stored. */
#define REASON_SETTING_OFF "not_sent_by_the_shop"
/* Why there is nobody to write to. Stored. */
#define REASON_NO_ADDRESS "no_address"
#define REASON_ERASED "erased"
/* What it would have said is gone, or good no longer. Stored. */
#define REASON_EXPIRED "expired"

const char *notify_follows(const ProtobufCMessage *event);
/* As HANDLER() of service.h, but visible to the route table. */
#define NOTIFY_HANDLER(fn, In, Out)                                                                \
    static enum status fn##_typed(struct call *call, const In *in, Out *out);                      \
    enum status fn(struct call *call, const ProtobufCMessage *in, ProtobufCMessage *out)           \
    {                                                                                              \
        return fn##_typed(call, (const In *)in, (Out *)out);                                       \
    }                                                                                              \
    static enum status fn##_typed(struct call *call, const In *in, Out *out)

extern const struct route notify_routes[];
handler_fn list_templates, get_template, put_template, delete_template, list_template_versions;
handler_fn preview_template, send_test_mail, list_notification_settings;
handler_fn update_notification_setting;
enum status ask_contact_for_preview(struct call *call, const ProtobufCMessage *in,
                                    ProtobufCMessage *question);
enum status ask_contact_for_test(struct call *call, const ProtobufCMessage *in,
                                 ProtobufCMessage *question);
void strip_preview(ProtobufCMessage *out, struct arena *arena);
enum status render_preview(struct call *call, const ProtobufCMessage *in, ProtobufCMessage *out);
extern const struct subscription notify_subscriptions[];
extern const struct outcall notify_outcalls[];

void *notify_open(void *conf);
void notify_close(void *state);
enum status notify_lead(struct call *call);
enum status notify_start(const struct service *service, struct bus *bus, void *conf);
void notify_stop(void);
