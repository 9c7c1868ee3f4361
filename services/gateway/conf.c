#include "services/gateway/gateway.h"

#define TEXT(member, default_text, doc) CONF_TEXT(struct gateway_conf, member, default_text, doc)
#define INT(member, default_text, low, high, doc)                                                  \
    CONF_INT(struct gateway_conf, member, default_text, low, high, doc)

const struct conf_key gateway_conf_keys[] = {
    TEXT(listen, "127.0.0.1:8080",
         "Addresses and ports to serve HTTP on, comma separated; port 0 takes a free one."),
    INT(http_threads, "1", 1, 16, "Threads that serve HTTP."),
    INT(request_timeout_ms, "10000", 100, 60000, "How long a request may wait for its answer."),
    INT(max_connections, "12288", 1, 65536, "Open HTTP connections per thread."),
    INT(max_connections_per_ip, "0", 0, 65536,
        "Open HTTP connections per thread from one address; 0 sets no limit."),
    INT(max_listeners, "500", 0, 10000, "Open streams of events per thread."),
    INT(header_timeout_ms, "5000", 100, 60000, "How long a request's headers may take to arrive."),
    INT(body_timeout_ms, "10000", 100, 60000, "How long a request's body may take to arrive."),
    INT(idle_timeout_ms, "60000", 1000, 600000, "How long a connection may stay open unused."),
    TEXT(console_directory, "",
         "The folder of the web console's files; empty: the folder console beside that of the "
         "binaries."),
    TEXT(trusted_proxies, "",
         "Addresses or networks (10.0.0.0/8), comma separated, whose X-Forwarded-For counts."),
    INT(rate_per_key, "0", 0, 1000000, "Requests per second for one API key; 0 sets no limit."),
    INT(rate_per_ip, "0", 0, 1000000, "Requests per second from one address; 0 sets no limit."),
    INT(rate_burst, "100", 1, 1000000, "Requests at once that a rate limit lets through."),
    INT(customer_pages_per_minute, "120", 0, 100000,
        "Pages of customers' orders a minute for one address; 0 sets no limit."),
    INT(customer_forms_per_hour, "60", 0, 100000,
        "Forms an hour that customers may send from one address, to find an order or to write; 0 "
        "sets no limit."),
    TEXT(shop_name, "Penstock", "The shop's name, as customers know it."),
    TEXT(shop_time_zone, "Asia/Hong_Kong", "The shop's time zone, by its IANA name."),
    TEXT(shop_currency, "HKD", "The shop's own currency, ISO 4217."),
    TEXT(shop_languages, "zh-Hant,en", "The languages that the shop speaks, the first by default."),
    TEXT(shop_mail_from, "shop@localhost", "The sender of mails to customers."),
    CONF_BOOL(struct gateway_conf, shop_prices_include_tax, "true",
              "Whether prices include tax unless an order says otherwise."),
    INT(inbox_batch, "256", 1, 1024, "Deliveries that the inbox stores in one transaction."),
    INT(inbox_queue, "4096", 1, 65536,
        "Deliveries that wait to be stored; past it channels are told to come again."),
    CONF_END,
};
