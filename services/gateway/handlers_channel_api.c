/* The way out to channels: where their APIs are, and refunds asked of them. */
#include <string.h>

#include "common/money.h"
#include "penstock/gateway/v1/channel_api.pb-c.h"
#include "queries.h"
#include "services/gateway/access.h"
#include "services/gateway/channel_api.h"

typedef Penstock__Gateway__V1__ChannelApi ChannelApi;
typedef Penstock__Gateway__V1__GetChannelApiRequest GetChannelApiRequest;
typedef Penstock__Gateway__V1__GetChannelApiResponse GetChannelApiResponse;
typedef Penstock__Gateway__V1__SetChannelApiRequest SetChannelApiRequest;
typedef Penstock__Gateway__V1__SetChannelApiResponse SetChannelApiResponse;
typedef Penstock__Gateway__V1__RefundThroughChannelRequest RefundRequest;
typedef Penstock__Gateway__V1__RefundThroughChannelResponse RefundResponse;

#define ACCESS_HANDLER(fn, In, Out)                                                                \
    static enum status fn##_typed(struct call *call, const In *in, Out *out);                      \
    enum status handle_##fn(struct call *call, const ProtobufCMessage *in, ProtobufCMessage *out)  \
    {                                                                                              \
        return fn##_typed(call, (const In *)in, (Out *)out);                                       \
    }                                                                                              \
    static enum status fn##_typed(struct call *call, const In *in, Out *out)

DB_SHAPE(api_shape, struct channel_api, DB_FIELD_AS(struct channel_api, channel, "name", DB_TEXT),
         DB_FIELD(struct channel_api, type, DB_TEXT),
         DB_FIELD_AS(struct channel_api, url, "api_url", DB_TEXT),
         DB_FIELD_AS(struct channel_api, user, "api_user", DB_TEXT),
         DB_FIELD_AS(struct channel_api, secret, "api_secret", DB_TEXT));

static enum status load(struct call *call, const char *channel, struct channel_api **api)
{
    size_t count;
    TRY(db_select(call->db, Q_CHANNEL_API, &api_shape, api, &count, db_text(channel)));
    if (count == 0)
        return refuse(call, STATUS_NOT_FOUND, "not_found", "channel",
                      "There is no channel of this name.");
    return STATUS_OK;
}

static ChannelApi *view(struct arena *arena, const struct channel_api *api)
{
    ChannelApi *out = ARENA_NEW(arena, ChannelApi);
    penstock__gateway__v1__channel_api__init(out);
    out->channel = arena_strdup(arena, api->channel);
    out->url = arena_strdup(arena, api->url);
    out->user = arena_strdup(arena, api->user);
    out->has_secret = api->secret[0] != '\0';
    return out;
}

ACCESS_HANDLER(get_channel_api, GetChannelApiRequest, GetChannelApiResponse)
{
    struct channel_api *api;
    TRY(load(call, in->channel, &api));
    out->api = view(call->arena, api);
    return STATUS_OK;
}

/* It goes into a header: printable, without blanks. */
static bool is_word(const char *text)
{
    size_t length = strlen(text);
    for (size_t i = 0; i < length; i++)
        if (text[i] <= ' ' || text[i] > '~')
            return false;
    return length <= 255;
}

ACCESS_HANDLER(set_channel_api, SetChannelApiRequest, SetChannelApiResponse)
{
    struct channel_api *api;
    if (!channel_api_url_is_valid(in->url))
        return refuse(call, STATUS_INVALID, "invalid", "url",
                      "An API's address begins with https:// and has no user, query or blank.");
    if (!is_word(in->user) || strchr(in->user, ':') != NULL)
        return refuse(call, STATUS_INVALID, "invalid", "user", "A name without blanks or colons.");
    if (!is_word(in->secret))
        return refuse(call, STATUS_INVALID, "invalid", "secret", "A secret without blanks.");
    TRY(load(call, in->channel, &api));
    api->url = in->url;
    api->user = in->user;
    api->secret = in->secret[0] != '\0' ? in->secret : api->secret;
    TRY(db_exec_expect(call->db, Q_CHANNEL_API_UPDATE, 1, db_text(api->channel), db_text(api->url),
                       db_text(api->user), db_text(api->secret)));
    Penstock__Gateway__V1__ChannelApiChanged event =
        PENSTOCK__GATEWAY__V1__CHANNEL_API_CHANGED__INIT;
    event.channel = in->channel;
    event.url = in->url;
    event.has_new_secret = in->secret[0] != '\0';
    out->api = view(call->arena, api);
    return emit(call, arena_printf(call->arena, "channel:%s", in->channel), &event.base);
}

/* Asked by orders from its outside call: what comes of it is a result and no refusal. */
ACCESS_HANDLER(refund_through_channel, RefundRequest, RefundResponse)
{
    struct channel_api *api;
    struct money money = {.minor = in->amount != NULL ? in->amount->amount_minor : 0};
    char text[MONEY_TEXT_BYTES];
    struct api_refunded result;
    if (in->amount == NULL || money_exponent(in->amount->currency) < 0 || money.minor <= 0)
        return refuse(call, STATUS_INVALID, "invalid", "amount", "A refund has an amount.");
    memcpy(money.currency, in->amount->currency, sizeof(money.currency));
    TRY(load(call, in->channel, &api));
    const struct api_refund refund = {.key = in->key,
                                      .external_id = in->external_id,
                                      .reason = in->reason,
                                      .payment_method = in->payment_method,
                                      .payment_reference = in->payment_reference,
                                      .amount = money_text(money, text),
                                      .is_repeat = in->is_repeat};
    channel_api_refund(api, &refund, call->arena, &result);
    out->is_made = result.is_made;
    out->error = arena_strdup(call->arena, result.error);
    out->reference = arena_strdup(call->arena, result.reference);
    return STATUS_OK;
}
