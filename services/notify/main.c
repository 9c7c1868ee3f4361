#include "penstock/notify/v1/notify.pb-c.h"
#include "queries.h"
#include "services/notify/handlers.h"

#define TEXT(member, default_text, doc) CONF_TEXT(struct notify_conf, member, default_text, doc)
#define INT(member, default_text, low, high, doc)                                                  \
    CONF_INT(struct notify_conf, member, default_text, low, high, doc)

static const struct conf_key conf_keys[] = {
    TEXT(shop_name, "Penstock", "The shop's name, as customers know it."),
    TEXT(shop_time_zone, "Asia/Hong_Kong", "The shop's time zone, by its IANA name."),
    TEXT(shop_languages, "zh-Hant,en", "The languages that the shop speaks, the first by default."),
    TEXT(shop_mail_from, "shop@localhost", "The sender of mails to customers."),
    TEXT(shop_public_url, "",
         "Where customers reach the shop's own pages: https://orders.example.com. With it mails "
         "link to the page of their order."),
    TEXT(mail_reply_to, "", "Where customers' answers go, if not to the sender."),
    TEXT(template_directory, "", "A folder whose templates win over those built in."),
    TEXT(maildir, "", "A Maildir that mails are written into as long as smtp_url is not set."),
    TEXT(smtp_url, "", "The server that takes mails: smtp://HOST:587 or smtps://HOST."),
    TEXT(smtp_user, "", "The name to sign in with, if the server asks for one."),
    CONF_SECRET(struct notify_conf, smtp_password, "", "The password to it."),
    TEXT(smtp_tls, "require", "For smtp://, whether to STARTTLS: require, try or none."),
    INT(smtp_connect_timeout_s, "10", 1, 300, "How long a connection may take, in seconds."),
    INT(smtp_timeout_s, "60", 1, 600, "How long the sending of one mail may take, in seconds."),
    INT(mails_per_job, "100", 1, 200, "Mails that a worker sends as one batch."),
    CONF_END,
};

static const struct counter counters[] = {
    {"mails_sent", "Mails that the server or the Maildir has taken."},
    {"mails_put_off", "Attempts that failed for now."},
    {"mails_ambiguous", "Attempts without an answer after the final dot."},
    {"mails_refused", "Mails refused for good."},
    {"mails_suppressed", "Mails with nobody to write to."},
    {"mails_deferred", "Mails taken and put back untried."},
    {0},
};

static const ProtobufCMessageDescriptor *const events[] = {
    &penstock__notify__v1__message_sent__descriptor,
    &penstock__notify__v1__message_failed__descriptor,
    &penstock__notify__v1__message_suppressed__descriptor,
    &penstock__notify__v1__message_retried__descriptor,
    &penstock__notify__v1__template_changed__descriptor,
    &penstock__notify__v1__notification_setting_changed__descriptor,
    NULL,
};

extern const struct migration notify_migrations[];
extern const size_t notify_nmigrations;

int main(int argc, char **argv)
{
    const struct service notify = {
        .name = "notify",
        .api = &penstock__notify__v1__notify__descriptor,
        .routes = notify_routes,
        .subscriptions = notify_subscriptions,
        .outcalls = notify_outcalls,
        .counters = counters,
        .conf_keys = conf_keys,
        .conf_size = sizeof(struct notify_conf),
        .queries = queries,
        .nqueries = Q_COUNT,
        .migrations = notify_migrations,
        .nmigrations = notify_nmigrations,
        .events = events,
        .follows = notify_follows,
        .open = notify_open,
        .close = notify_close,
        .lead = notify_lead,
        .start = notify_start,
        .stop = notify_stop,
    };
    return service_main(&notify, argc, argv);
}
