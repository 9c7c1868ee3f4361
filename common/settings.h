/* settings.h -- the configuration that every service has, and the shop's.
 *
 * The tables are here so that the command line and the reference read the same keys as the
 * services. Group "common" holds the settings, and a service's own group may override each; group
 * "shop" holds what customers see of the shop: a service that wants one of its keys declares it as
 * shop_<key>.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/conf.h"

#define SERVICE_MAX_LANES 8

struct settings {
    char *database, *run_directory, *log_level;
    char *bus_peers, *bus_bind, *bus_secret_key_file, *bus_allow_file;
    bool allow_lossy_database;
    int64_t lanes, credit, queue_limit, queue_age_ms, lane_timeout_ms, stand_back_ms;
};
extern const struct conf_key settings_keys[];

struct shop_settings {
    char *name, *time_zone, *currency, *languages, *mail_from, *public_url;
    bool prices_include_tax;
};
extern const struct conf_key shop_keys[];
