#include "services/gateway/adapter.h"

#include <ctype.h>
#include <string.h>

#include <sodium.h>

static const struct adapter *const adapters[] = {&adapter_shopify, &adapter_woocommerce};

const struct adapter *adapter_find(const char *type)
{
    for (size_t i = 0; i < sizeof(adapters) / sizeof(adapters[0]); i++) {
        if (strcmp(adapters[i]->type, type) == 0)
            return adapters[i];
    }
    return NULL;
}

/* ---- signatures ---- */

/* The 32 bytes that base64 stands for; false when it is anything else. */
static bool decode_mac(const char *base64, uint8_t mac[crypto_auth_hmacsha256_BYTES])
{
    while (isspace((unsigned char)*base64))
        base64++;
    size_t length = strlen(base64);
    while (length > 0 && isspace((unsigned char)base64[length - 1]))
        length--;
    uint8_t decoded[crypto_auth_hmacsha256_BYTES + 4];
    size_t count = 0;
    const char *end = NULL;
    if (sodium_base642bin(decoded, sizeof(decoded), base64, length, NULL, &count, &end,
                          sodium_base64_VARIANT_ORIGINAL) != 0)
        return false;
    if (end != base64 + length || count != crypto_auth_hmacsha256_BYTES)
        return false;
    memcpy(mac, decoded, count);
    return true;
}

static bool is_mac_of(const uint8_t mac[crypto_auth_hmacsha256_BYTES], const uint8_t *secret,
                      size_t secret_bytes, const uint8_t *body, size_t body_bytes)
{
    crypto_auth_hmacsha256_state state;
    uint8_t expected[crypto_auth_hmacsha256_BYTES];
    crypto_auth_hmacsha256_init(&state, secret, secret_bytes);
    crypto_auth_hmacsha256_update(&state, body, body_bytes);
    crypto_auth_hmacsha256_final(&state, expected);
    bool is_equal = sodium_memcmp(mac, expected, sizeof(expected)) == 0;
    sodium_memzero(&state, sizeof(state));
    sodium_memzero(expected, sizeof(expected));
    return is_equal;
}

bool adapter_is_signed(const struct hook_request *request, const char *base64)
{
    const struct channel *channel = request->channel;
    uint8_t mac[crypto_auth_hmacsha256_BYTES];
    if (base64 == NULL || channel->secret_bytes == 0 || !decode_mac(base64, mac))
        return false;
    bool is_good =
        is_mac_of(mac, channel->secret, channel->secret_bytes, request->body, request->body_bytes);
    bool has_previous =
        channel->previous_secret_bytes > 0 && request->now_us < channel->previous_secret_until_us;
    if (has_previous)
        is_good |= is_mac_of(mac, channel->previous_secret, channel->previous_secret_bytes,
                             request->body, request->body_bytes);
    return is_good;
}

const char *adapter_header(const struct hook_request *request, const char *name)
{
    const char *value = request->header(request->context, name);
    size_t length = value != NULL ? strlen(value) : 0;
    if (length == 0 || length > INBOX_TEXT_BYTES)
        return NULL;
    for (size_t i = 0; i < length; i++) {
        if (value[i] < 0x20 || value[i] > 0x7e)
            return NULL;
    }
    return value;
}

/* ---- verdicts ---- */

void adapter_park(struct adapter_result *result, const char *code, const char *reason)
{
    *result = (struct adapter_result){
        .verdict = ADAPTER_PARKED, .code = code, .reason = reason, .import = NULL};
}

void adapter_ignore(struct adapter_result *result, const char *code, const char *reason)
{
    *result = (struct adapter_result){
        .verdict = ADAPTER_IGNORED, .code = code, .reason = reason, .import = result->import};
}

const struct json_value *adapter_parse(const struct adapter_input *input, struct arena *arena,
                                       struct adapter_result *result)
{
    struct json_error error;
    const struct json_value *root =
        json_parse(input->body, input->body_bytes, JSON_LIMITS_HOOK, arena, &error);
    if (root == NULL)
        adapter_park(result, error.code,
                     arena_printf(arena, "The body cannot be read as JSON: %s, at byte %zu.",
                                  error.sentence, error.offset));
    return root;
}

/* An object's only member, when that is a container: REST answers wrap what they bring. */
static const struct json_value *only_container(const struct json_value *value)
{
    if (!json_is(value, JSON_KIND_OBJECT) || value->count != 1)
        return NULL;
    const struct json_value *member = value->first;
    return member->kind == JSON_KIND_ARRAY || member->kind == JSON_KIND_OBJECT ? member : NULL;
}

static bool is_plain_name(const char *name)
{
    size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
    return length > 0 && length <= 40 && name[length] == '\0';
}

const char *adapter_lacks(const struct json_value *value, const char *const *members,
                          struct arena *arena)
{
    if (!json_is(value, JSON_KIND_OBJECT))
        return json_is(value, JSON_KIND_ARRAY)
                   ? arena_printf(arena, "The body is a list of %zu, not an order.", value->count)
                   : "The body is a single value, not an order.";
    const char *missing = NULL;
    for (; *members != NULL; members++) {
        const struct json_value *member = json_get(value, *members);
        if (member != NULL && member->kind != JSON_KIND_NULL)
            continue;
        missing = missing == NULL ? *members : arena_printf(arena, "%s, %s", missing, *members);
    }
    if (missing == NULL)
        return NULL;
    const struct json_value *only = only_container(value);
    if (only != NULL && is_plain_name(only->name))
        return arena_printf(arena, "The body is not an order: it holds \"%s\" and has no %s.",
                            only->name, missing);
    return arena_printf(arena, "The body is not an order: it has no %s.", missing);
}
