/* access.h -- rows for the tables of main.c: keys, channels, the shop's settings.
 *
 * Commands run in the writer and leave an event each. What they change reaches the HTTP threads
 * through the directory within a second; what orders must know of a channel is told by an outcall
 * until orders has heard it.
 */
#pragma once

#include "common/service.h"
#include "services/gateway/rules_access.h"

/* As HANDLER() of service.h, but visible to the route table in main.c. */
#define ACCESS_HANDLER(fn, In, Out)                                                                \
    static enum status fn##_typed(struct call *call, const In *in, Out *out);                      \
    enum status handle_##fn(struct call *call, const ProtobufCMessage *in, ProtobufCMessage *out)  \
    {                                                                                              \
        return fn##_typed(call, (const In *)in, (Out *)out);                                       \
    }                                                                                              \
    static enum status fn##_typed(struct call *call, const In *in, Out *out)

/* For handlers of this folder: how long a page may be, and refusals that they have in common. */
enum status access_page_limit(struct call *call, int32_t asked, size_t *limit) MUST_CHECK;
enum status access_bad_cursor(struct call *call);
enum status access_refuse(struct call *call, struct access_refusal refusal);

handler_fn handle_create_key, handle_list_keys, handle_revoke_key;
handler_fn handle_add_channel, handle_list_channels, handle_get_shop;
handler_fn handle_get_channel_api, handle_set_channel_api, handle_refund_through_channel;
/* A repeat of the command does not show the key again. */
void strip_key(ProtobufCMessage *out, struct arena *arena);

#define ACCESS_ROUTES                                                                              \
    {.rpc = "CreateKey",                                                                           \
     .kind = ROUTE_COMMAND,                                                                        \
     .handler = handle_create_key,                                                                 \
     .permission = "settings:write",                                                               \
     .strip = strip_key},                                                                          \
        {.rpc = "ListKeys",                                                                        \
         .kind = ROUTE_QUERY,                                                                      \
         .handler = handle_list_keys,                                                              \
         .permission = "settings:read"},                                                           \
        {.rpc = "RevokeKey",                                                                       \
         .kind = ROUTE_COMMAND,                                                                    \
         .handler = handle_revoke_key,                                                             \
         .permission = "settings:write"},                                                          \
        {.rpc = "AddChannel",                                                                      \
         .kind = ROUTE_COMMAND,                                                                    \
         .handler = handle_add_channel,                                                            \
         .permission = "settings:write"},                                                          \
        {.rpc = "ListChannels",                                                                    \
         .kind = ROUTE_QUERY,                                                                      \
         .handler = handle_list_channels,                                                          \
         .permission = "settings:read"},                                                           \
        {.rpc = "GetShop",                                                                         \
         .kind = ROUTE_QUERY,                                                                      \
         .handler = handle_get_shop,                                                               \
         .permission = "settings:read"},                                                           \
        {.rpc = "GetChannelApi",                                                                   \
         .kind = ROUTE_QUERY,                                                                      \
         .handler = handle_get_channel_api,                                                        \
         .permission = "settings:read"},                                                           \
        {.rpc = "SetChannelApi",                                                                   \
         .kind = ROUTE_COMMAND,                                                                    \
         .handler = handle_set_channel_api,                                                        \
         .permission = "settings:write"},                                                          \
        {.rpc = "RefundThroughChannel",                                                            \
         .kind = ROUTE_QUERY,                                                                      \
         .handler = handle_refund_through_channel,                                                 \
         .permission = "internal"},

enum status channels_take(struct call *call, struct outcall_job *jobs, size_t *count);
void channels_make(struct outcall_worker *worker, struct outcall_job *jobs, size_t count);
enum status channels_done(struct call *call, struct outcall_job *jobs, size_t count);
#define ACCESS_OUTCALLS                                                                            \
    {.name = "channels",                                                                           \
     .workers = 1,                                                                                 \
     .period_ms = 1000,                                                                            \
     .max_jobs = 16,                                                                               \
     .take = channels_take,                                                                        \
     .make = channels_make,                                                                        \
     .done = channels_done},
