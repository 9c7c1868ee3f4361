#include "common/settings.h"

#define S struct settings
const struct conf_key settings_keys[] = {
    CONF_TEXT(S, database, NULL,
              "How to reach PostgreSQL, as a libpq connection string without a user."),
    CONF_TEXT(S, run_directory, NULL, "The folder of the services' sockets, mode 0700."),
    CONF_TEXT(S, log_level, "info", "The least severity that is logged: debug, info, warn, error."),
    CONF_TEXT(S, bus_peers, "",
              "Services on other hosts: orders=tcp://10.0.0.1:7001,...; the others by ipc."),
    CONF_TEXT(S, bus_bind, "", "Where to listen besides ipc: tcp://0.0.0.0:7001,..."),
    CONF_TEXT(S, bus_secret_key_file, "", "This service's CURVE secret key, for tcp."),
    CONF_TEXT(S, bus_allow_file, "", "Who may connect by tcp: lines of service and public key."),
    CONF_BOOL(S, allow_lossy_database, "false",
              "Write to a database that may lose what it has acknowledged."),
    CONF_INT(S, lanes, "2", 1, SERVICE_MAX_LANES, "Threads that answer queries."),
    CONF_INT(S, credit, "2048", 16, 4096, "Questions under way to one other service."),
    CONF_INT(S, queue_limit, "4000", 16, 8000, "Commands waiting before others are refused."),
    CONF_INT(S, queue_age_ms, "2000", 50, 60000,
             "How long a command may wait before others are refused."),
    CONF_INT(S, lane_timeout_ms, "10000", 100, 600000, "The longest that a query may take."),
    CONF_INT(
        S, stand_back_ms, "60000", 0, 600000,
        "How far followers may fall behind while many wait at once; 0: they never stand back."),
    CONF_END,
};
#undef S

#define S struct shop_settings
const struct conf_key shop_keys[] = {
    CONF_TEXT(S, name, "Penstock", "The shop's name, as customers know it."),
    CONF_TEXT(S, time_zone, "Asia/Hong_Kong", "The shop's time zone, by its IANA name."),
    CONF_TEXT(S, currency, "HKD", "The shop's own currency, ISO 4217."),
    CONF_TEXT(S, languages, "zh-Hant,en",
              "The languages that the shop speaks, the first by default."),
    CONF_TEXT(S, mail_from, "shop@localhost", "The sender of mails to customers."),
    CONF_TEXT(S, public_url, "",
              "Where customers reach the shop's own pages: https://orders.example.com."),
    CONF_BOOL(S, prices_include_tax, "true",
              "Whether prices include tax unless an order says otherwise."),
    CONF_END,
};
#undef S
