/* Keys, channels and the shop's settings. */
#include <sodium.h>
#include <string.h>

#include "penstock/gateway/v1/gateway.pb-c.h"
#include "services/gateway/access.h"
#include "services/gateway/audit.h"
#include "services/gateway/gateway.h"
#include "services/gateway/inbox.h"
#include "services/gateway/rules_access.h"
#include "services/gateway/store_access.h"

typedef Penstock__Gateway__V1__Key Key;
typedef Penstock__Gateway__V1__CreateKeyRequest CreateKeyRequest;
typedef Penstock__Gateway__V1__CreateKeyResponse CreateKeyResponse;
typedef Penstock__Gateway__V1__ListKeysRequest ListKeysRequest;
typedef Penstock__Gateway__V1__ListKeysResponse ListKeysResponse;
typedef Penstock__Gateway__V1__RevokeKeyRequest RevokeKeyRequest;
typedef Penstock__Gateway__V1__RevokeKeyResponse RevokeKeyResponse;
typedef Penstock__Gateway__V1__Channel Channel;
typedef Penstock__Gateway__V1__AddChannelRequest AddChannelRequest;
typedef Penstock__Gateway__V1__AddChannelResponse AddChannelResponse;
typedef Penstock__Gateway__V1__ListChannelsRequest ListChannelsRequest;
typedef Penstock__Gateway__V1__ListChannelsResponse ListChannelsResponse;
typedef Penstock__Gateway__V1__GetShopRequest GetShopRequest;
typedef Penstock__Gateway__V1__GetShopResponse GetShopResponse;
typedef Penstock__Gateway__V1__Shop Shop;

#define PAGE_LIMIT 50
#define PAGE_MAX_LIMIT 200

enum status access_page_limit(struct call *call, int32_t asked, size_t *limit)
{
    *limit = asked == 0 ? PAGE_LIMIT : (size_t)asked;
    if (asked < 0 || asked > PAGE_MAX_LIMIT)
        return refuse(call, STATUS_INVALID, "out_of_range", "limit", "A page has 1 to %d entries.",
                      PAGE_MAX_LIMIT);
    return STATUS_OK;
}

enum status access_bad_cursor(struct call *call)
{
    return refuse(call, STATUS_INVALID, "invalid", "cursor",
                  "The cursor is not one that a list has given.");
}

enum status access_refuse(struct call *call, struct access_refusal refusal)
{
    return refuse(call, STATUS_INVALID, refusal.code, refusal.field, "%s", refusal.text);
}

/* ---- keys ---- */

static const char *join_scopes(struct arena *arena, char *const *scopes, size_t count)
{
    const char *joined = "";
    for (size_t i = 0; i < count; i++)
        joined = arena_printf(arena, "%s%s%s", joined, i > 0 ? " " : "", scopes[i]);
    return joined;
}

static void cut_scopes(struct arena *arena, const char *joined, Key *view)
{
    view->scopes = ARENA_ARRAY(arena, strlen(joined) / 2 + 1, char *);
    while (*joined != '\0') {
        size_t bytes = strcspn(joined, " ");
        view->scopes[view->n_scopes++] = arena_strndup(arena, joined, bytes);
        joined += bytes + (joined[bytes] == ' ');
    }
}

static Key *key_view(struct arena *arena, const struct key_row *row)
{
    static const Key empty = PENSTOCK__GATEWAY__V1__KEY__INIT;
    Key *view = arena_copy(arena, &empty, sizeof empty);
    view->id = uuid_text(&row->id, arena_alloc(arena, UUID_TEXT_BYTES));
    view->name = arena_strdup(arena, row->name);
    view->role = arena_strdup(arena, row->role);
    view->prefix = arena_strdup(arena, row->prefix);
    cut_scopes(arena, row->scopes, view);
    view->created_at_us = row->created_at_us;
    view->expires_at_us = row->expires_at_us;
    view->last_used_at_us = row->last_used_at_us;
    view->revoked_at_us = row->revoked_at_us;
    return view;
}

/* Both events say who and what, never the key. */
static enum status emit_key_created(struct call *call, const struct key_row *row)
{
    Penstock__Gateway__V1__KeyCreated event = PENSTOCK__GATEWAY__V1__KEY_CREATED__INIT;
    event.key_id = uuid_text(&row->id, arena_alloc(call->arena, UUID_TEXT_BYTES));
    event.name = arena_strdup(call->arena, row->name);
    event.role = arena_strdup(call->arena, row->role);
    event.expires_at_us = row->expires_at_us;
    return emit(call, arena_printf(call->arena, "key:%s", event.key_id), &event.base);
}

static enum status emit_key_revoked(struct call *call, const struct key_row *row)
{
    Penstock__Gateway__V1__KeyRevoked event = PENSTOCK__GATEWAY__V1__KEY_REVOKED__INIT;
    event.key_id = uuid_text(&row->id, arena_alloc(call->arena, UUID_TEXT_BYTES));
    return emit(call, arena_printf(call->arena, "key:%s", event.key_id), &event.base);
}

ACCESS_HANDLER(create_key, CreateKeyRequest, CreateKeyResponse)
{
    struct access_refusal refusal = rules_key(in->name, in->role, in->expires_at_us, call->now_us);
    if (refusal.code == NULL)
        refusal = rules_scopes(in->role, in->scopes, in->n_scopes);
    if (refusal.code != NULL)
        return access_refuse(call, refusal);
    int64_t count;
    TRY(store_key_count(call->db, &count));
    if (count >= SNAPSHOT_MAX_KEYS)
        return refuse(call, STATUS_CONFLICT, "too_many", "",
                      "There are %d keys; revoke some that are not needed.", SNAPSHOT_MAX_KEYS);

    char text[API_KEY_TEXT_BYTES];
    uint8_t hash[API_KEY_HASH_BYTES];
    api_key_new(text, hash);
    const struct key_row row = {
        .id = uuid_new(),
        .name = in->name,
        .role = in->role,
        .prefix = arena_strndup(call->arena, text, API_KEY_SHOWN_BYTES),
        .scopes = join_scopes(call->arena, in->scopes, in->n_scopes),
        .created_at_us = call->now_us,
        .expires_at_us = in->expires_at_us,
    };
    TRY(store_key_insert(call->db, &row, hash, call->actor));
    out->key = key_view(call->arena, &row);
    out->key->secret = arena_strdup(call->arena, text);
    sodium_memzero(text, sizeof text);
    audit_call(call, "key_created", arena_printf(call->arena, "key:%s", out->key->id));
    return emit_key_created(call, &row);
}

void strip_key(ProtobufCMessage *message, struct arena *arena)
{
    CreateKeyResponse *out = (CreateKeyResponse *)message;
    if (out->key != NULL)
        out->key->secret = arena_strdup(arena, "");
}

ACCESS_HANDLER(list_keys, ListKeysRequest, ListKeysResponse)
{
    struct uuid before = {{0}};
    struct key_row *rows;
    size_t limit, count;
    if (in->cursor[0] != '\0' && !uuid_parse(in->cursor, &before))
        return access_bad_cursor(call);
    TRY(access_page_limit(call, in->limit, &limit));
    TRY(store_key_page(call->db, &before, limit + 1, &rows, &count));
    out->n_data = count < limit ? count : limit;
    out->data = ARENA_ARRAY(call->arena, out->n_data, Key *);
    for (size_t i = 0; i < out->n_data; i++)
        out->data[i] = key_view(call->arena, &rows[i]);
    if (count > limit)
        out->next_cursor = out->data[limit - 1]->id;
    return STATUS_OK;
}

ACCESS_HANDLER(revoke_key, RevokeKeyRequest, RevokeKeyResponse)
{
    struct uuid id;
    struct key_row *row;
    enum status status = STATUS_NOT_FOUND;
    if (uuid_parse(in->id, &id))
        status = store_key_by_id(call->db, &id, &row);
    if (status == STATUS_NOT_FOUND)
        return refuse(call, STATUS_NOT_FOUND, "not_found", "id", "There is no key with this id.");
    TRY(status);
    if (row->revoked_at_us == 0) {
        row->revoked_at_us = call->now_us;
        TRY(store_key_revoke(call->db, &id, call->now_us));
        audit_call(call, "key_revoked", arena_printf(call->arena, "key:%s", in->id));
        TRY(emit_key_revoked(call, row));
    }
    out->key = key_view(call->arena, row);
    return STATUS_OK;
}

/* ---- channels ---- */

static Channel *channel_view(struct arena *arena, const struct channel_row *row)
{
    static const Channel empty = PENSTOCK__GATEWAY__V1__CHANNEL__INIT;
    Channel *view = arena_copy(arena, &empty, sizeof empty);
    view->name = arena_strdup(arena, row->name);
    view->type = arena_strdup(arena, row->type);
    view->number_prefix = arena_strdup(arena, row->number_prefix);
    view->confirms_manually = row->confirms_manually;
    view->is_active = row->is_active;
    view->created_at_us = row->created_at_us;
    return view;
}

static enum status emit_channel_changed(struct call *call, const struct channel_row *row,
                                        bool has_new_secret)
{
    Penstock__Gateway__V1__ChannelChanged event = PENSTOCK__GATEWAY__V1__CHANNEL_CHANGED__INIT;
    event.name = arena_strdup(call->arena, row->name);
    event.type = arena_strdup(call->arena, row->type);
    event.number_prefix = arena_strdup(call->arena, row->number_prefix);
    event.confirms_manually = row->confirms_manually;
    event.has_new_secret = has_new_secret;
    audit_call(call, "channel_changed", arena_printf(call->arena, "channel:%s", row->name));
    return emit(call, arena_printf(call->arena, "channel:%s", row->name), &event.base);
}

/* The secret that it has stays good for a while beside the new one. */
static void rotate(struct channel_row *row, struct db_bytea secret, int64_t now_us)
{
    row->previous_secret = row->secret;
    row->previous_secret_until_us = row->secret.count > 0 ? now_us + CHANNEL_ROTATION_US : 0;
    row->secret = secret;
}

static bool is_same_secret(struct db_bytea a, struct db_bytea b)
{
    return a.count == b.count && (a.count == 0 || sodium_memcmp(a.bytes, b.bytes, a.count) == 0);
}

static enum status change_channel(struct call *call, struct channel_row *row,
                                  const AddChannelRequest *in, const char *prefix)
{
    const struct db_bytea secret = {(const uint8_t *)in->secret, strlen(in->secret)};
    bool has_new_secret = secret.count > 0 && !is_same_secret(row->secret, secret);
    bool is_same = !has_new_secret && row->is_active &&
                   row->confirms_manually == (bool)in->confirms_manually &&
                   strcmp(row->number_prefix, prefix) == 0;
    if (is_same)
        return STATUS_OK;
    if (has_new_secret)
        rotate(row, secret, call->now_us);
    row->number_prefix = prefix;
    row->confirms_manually = in->confirms_manually;
    row->is_active = true;
    TRY(store_channel_update(call->db, row));
    outcall_kick(call, "channels");
    return emit_channel_changed(call, row, has_new_secret);
}

static enum status add_channel(struct call *call, struct channel_row *row,
                               const AddChannelRequest *in, const char *prefix)
{
    *row = (struct channel_row){
        .name = in->name,
        .type = in->type,
        .number_prefix = prefix,
        .confirms_manually = in->confirms_manually,
        .is_active = true,
        .secret = {(const uint8_t *)in->secret, strlen(in->secret)},
        .created_at_us = call->now_us,
    };
    TRY(store_channel_insert(call->db, row));
    outcall_kick(call, "channels");
    return emit_channel_changed(call, row, row->secret.count > 0);
}

/* Adding what is there already changes it: that is how a secret is rotated. */
ACCESS_HANDLER(add_channel, AddChannelRequest, AddChannelResponse)
{
    struct channel_row *found, added, *row = NULL;
    size_t count;
    const char *prefix = in->number_prefix;
    TRY(store_channel_find(call->db, in->name, prefix, &found, &count));
    for (size_t i = 0; i < count; i++)
        if (strcmp(found[i].name, in->name) == 0)
            row = &found[i];
    const struct channel_wish wish = {
        in->name, in->type, in->secret, prefix, hook_knows_type(in->type), row == NULL};
    struct access_refusal refusal = rules_channel(&wish);
    if (refusal.code != NULL)
        return access_refuse(call, refusal);
    if (row != NULL && strcmp(row->type, in->type) != 0)
        return refuse(call, STATUS_CONFLICT, "invalid_state", "type",
                      "There is a channel of this name already, of type %s.", row->type);

    if (prefix[0] == '\0')
        prefix = row != NULL ? row->number_prefix : rules_channel_prefix(in->name, call->arena);
    TRY(store_channel_find(call->db, "", prefix, &found, &count));
    if (count > 0 && strcmp(found[0].name, in->name) != 0)
        return refuse(call, STATUS_CONFLICT, "duplicate_prefix", "number_prefix",
                      "The channel %s has the prefix %s already; choose another.", found[0].name,
                      prefix);
    TRY(row != NULL ? change_channel(call, row, in, prefix)
                    : add_channel(call, row = &added, in, prefix));
    out->channel = channel_view(call->arena, row);
    return STATUS_OK;
}

ACCESS_HANDLER(list_channels, ListChannelsRequest, ListChannelsResponse)
{
    struct channel_row *rows;
    size_t limit, count;
    TRY(access_page_limit(call, in->limit, &limit));
    TRY(store_channel_page(call->db, in->cursor, limit + 1, &rows, &count));
    out->n_data = count < limit ? count : limit;
    out->data = ARENA_ARRAY(call->arena, out->n_data, Channel *);
    for (size_t i = 0; i < out->n_data; i++)
        out->data[i] = channel_view(call->arena, &rows[i]);
    if (count > limit)
        out->next_cursor = out->data[limit - 1]->name;
    return STATUS_OK;
}

/* ---- the shop ---- */

static void split_languages(struct arena *arena, const char *list, Shop *shop)
{
    shop->languages = ARENA_ARRAY(arena, strlen(list) + 1, char *);
    while (*list != '\0') {
        size_t bytes = strcspn(list, ", ");
        if (bytes > 0)
            shop->languages[shop->n_languages++] = arena_strndup(arena, list, bytes);
        list += bytes + (list[bytes] != '\0');
    }
}

ACCESS_HANDLER(get_shop, GetShopRequest, GetShopResponse)
{
    static const Shop empty = PENSTOCK__GATEWAY__V1__SHOP__INIT;
    const struct gateway_conf *conf = call->state;
    Shop *shop = arena_copy(call->arena, &empty, sizeof empty);
    (void)in;
    shop->name = arena_strdup(call->arena, conf->shop_name);
    shop->time_zone = arena_strdup(call->arena, conf->shop_time_zone);
    shop->currency = arena_strdup(call->arena, conf->shop_currency);
    shop->prices_include_tax = conf->shop_prices_include_tax;
    shop->mail_from = arena_strdup(call->arena, conf->shop_mail_from);
    split_languages(call->arena, conf->shop_languages, shop);
    out->shop = shop;
    return STATUS_OK;
}
