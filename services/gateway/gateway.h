/* gateway.h -- the gateway's own structs: its configuration.
 *
 * Every key of the group "gateway" in the configuration file is a member here and a row in conf.c
 * of this folder; the texts belong to the configuration.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/conf.h"

struct gateway_conf {
    /* HTTP */
    char *listen; /* "127.0.0.1:8080", comma separated */
    int64_t http_threads;
    int64_t request_timeout_ms;
    int64_t max_connections;
    int64_t max_connections_per_ip; /* 0: no limit */
    int64_t max_listeners;
    int64_t header_timeout_ms, body_timeout_ms, idle_timeout_ms;
    char *console_directory;           /* "": beside the binaries */
    char *trusted_proxies;             /* addresses or networks, comma separated */
    int64_t rate_per_key, rate_per_ip; /* requests per second; 0: no limit */
    int64_t rate_burst;
    int64_t customer_pages_per_minute, customer_forms_per_hour; /* from one address; 0: no limit */
    /* shop settings, as GetShop shows them */
    char *shop_name, *shop_time_zone, *shop_currency, *shop_languages, *shop_mail_from;
    bool shop_prices_include_tax;
    /* inbox */
    int64_t inbox_batch; /* deliveries in one transaction */
    int64_t inbox_queue; /* deliveries waiting for it; past it the answer is 503 */
};

extern const struct conf_key gateway_conf_keys[];
