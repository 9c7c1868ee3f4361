/* How each channel is asked for a refund, and what its answers mean. */
#include <stdlib.h>
#include <string.h>

#include "services/gateway/channel_api.h"

#define KEY_NAME "_penstock_refund"

/* ---- small things ---- */

static bool is_figure(const char *text)
{
    size_t length = strlen(text);
    return length > 0 && length <= 32 && strspn(text, "0123456789") == length;
}

/* What the writer has gathered, in the arena. */
static const char *written(struct json_writer *writer, struct arena *arena)
{
    size_t bytes;
    char *text = json_writer_take(writer, &bytes);
    const char *copy = arena_strndup(arena, text, bytes);
    free(text);
    return copy;
}

static void fail(struct api_refunded *result, const char *error)
{
    *result = (struct api_refunded){.error = error, .reference = ""};
}

static void succeed(struct api_refunded *result, const char *reference)
{
    *result = (struct api_refunded){.is_made = true, .error = "", .reference = reference};
}

/* Printable ASCII, at most 160 bytes: a channel's words are shown, not trusted. */
static const char *tame(const char *text, struct arena *arena)
{
    char *copy = arena_strndup(arena, text, strnlen(text, 160));
    for (char *s = copy; *s != '\0'; s++)
        if (*s < ' ' || *s > '~')
            *s = '?';
    return copy;
}

static void fail_by(struct api_refunded *result, const struct api_answer *answer, const char *words,
                    struct arena *arena)
{
    if (answer->code == 0)
        fail(result, arena_printf(arena, "no answer: %s", answer->error));
    else if (words == NULL)
        fail(result, arena_printf(arena, "HTTP %d", answer->code));
    else
        fail(result, arena_printf(arena, "HTTP %d: %s", answer->code, tame(words, arena)));
}

/* ---- WooCommerce: the refund carries our key, by which a repeat finds it ---- */

static bool has_key(const struct json_value *refund, const char *key)
{
    json_each(meta, json_get(refund, "meta_data")) {
        const char *name = json_get_text(meta, "key"), *value = json_get_text(meta, "value");
        if (name != NULL && value != NULL && strcmp(name, KEY_NAME) == 0 && strcmp(value, key) == 0)
            return true;
    }
    return false;
}

static const char *id_of(const struct json_value *refund, struct arena *arena)
{
    const char *id = json_get_figure(refund, "id");
    return id != NULL ? tame(id, arena) : "";
}

/* True when it is decided: found, or nobody can say. */
static bool find_before(const struct channel_api *api, const char *path, const char *key,
                        struct arena *arena, struct api_refunded *result)
{
    struct api_answer answer;
    const struct api_request request = {.path = arena_printf(arena, "%s?per_page=100", path),
                                        .has_password = true};
    channel_api_call(api, &request, arena, &answer);
    if (answer.code != 200 || !json_is(answer.body, JSON_KIND_ARRAY)) {
        fail_by(result, &answer, json_get_text(answer.body, "message"), arena);
        return true;
    }
    json_each(refund, answer.body) {
        if (!has_key(refund, key))
            continue;
        succeed(result, id_of(refund, arena));
        return true;
    }
    return false;
}

static const char *woocommerce_body(const struct api_refund *refund, struct arena *arena)
{
    struct json_writer writer;
    json_writer_open(&writer);
    json_begin_object(&writer);
    json_put_member_text(&writer, "amount", refund->amount);
    json_put_member_text(&writer, "reason", refund->reason);
    json_put_name(&writer, "api_refund");
    json_put_bool(&writer, true);
    json_put_name(&writer, "meta_data");
    json_begin_array(&writer);
    json_begin_object(&writer);
    json_put_member_text(&writer, "key", KEY_NAME);
    json_put_member_text(&writer, "value", refund->key);
    json_end_object(&writer);
    json_end_array(&writer);
    json_end_object(&writer);
    return written(&writer, arena);
}

static void refund_woocommerce(const struct channel_api *api, const struct api_refund *refund,
                               struct arena *arena, struct api_refunded *result)
{
    struct api_answer answer;
    const char *path = arena_printf(arena, "wp-json/wc/v3/orders/%s/refunds", refund->external_id);
    if (refund->is_repeat && find_before(api, path, refund->key, arena, result))
        return;
    const struct api_request request = {
        .path = path, .body = woocommerce_body(refund, arena), .has_password = true};
    channel_api_call(api, &request, arena, &answer);
    if (answer.code == 201 || answer.code == 200)
        succeed(result, id_of(answer.body, arena));
    else
        fail_by(result, &answer, json_get_text(answer.body, "message"), arena);
}

/* ---- Shopify: its own idempotency key ---- */

static const char mutation[] =
    "mutation refund($input: RefundInput!, $key: String!) { refundCreate(input: $input) "
    "@idempotent(key: $key) { refund { id } userErrors { field message } } }";

static const char *shopify_body(const struct api_refund *refund, struct arena *arena)
{
    struct json_writer writer;
    const char *order = arena_printf(arena, "gid://shopify/Order/%s", refund->external_id);
    json_writer_open(&writer);
    json_begin_object(&writer);
    json_put_member_text(&writer, "query", mutation);
    json_put_name(&writer, "variables");
    json_begin_object(&writer);
    json_put_member_text(&writer, "key", refund->key);
    json_put_name(&writer, "input");
    json_begin_object(&writer);
    json_put_member_text(&writer, "orderId", order);
    json_put_member_text(&writer, "note", refund->reason);
    json_put_name(&writer, "transactions");
    json_begin_array(&writer);
    json_begin_object(&writer);
    json_put_member_text(&writer, "orderId", order);
    json_put_member_text(
        &writer, "parentId",
        arena_printf(arena, "gid://shopify/OrderTransaction/%s", refund->payment_reference));
    json_put_member_text(&writer, "gateway", refund->payment_method);
    json_put_member_text(&writer, "kind", "REFUND");
    json_put_member_text(&writer, "amount", refund->amount);
    json_end_object(&writer);
    json_end_array(&writer);
    json_end_object(&writer);
    json_end_object(&writer);
    json_end_object(&writer);
    return written(&writer, arena);
}

static const char *first_message(const struct json_value *list)
{
    json_each(error, list)
        return json_get_text(error, "message") != NULL ? json_get_text(error, "message")
                                                       : "refused";
    return NULL;
}

static void refund_shopify(const struct channel_api *api, const struct api_refund *refund,
                           struct arena *arena, struct api_refunded *result)
{
    struct api_answer answer;
    if (!is_figure(refund->payment_reference)) {
        fail(result, "the payment has no transaction of the channel to be refunded");
        return;
    }
    const struct api_request request = {
        .path = "admin/api/2026-04/graphql.json",
        .body = shopify_body(refund, arena),
        .header = arena_printf(arena, "X-Shopify-Access-Token: %s", api->secret)};
    channel_api_call(api, &request, arena, &answer);
    const struct json_value *made = json_get(json_get(answer.body, "data"), "refundCreate");
    const char *words = first_message(json_get(answer.body, "errors"));
    if (words == NULL)
        words = first_message(json_get(made, "userErrors"));
    const char *id = json_get_text(json_get(made, "refund"), "id");
    if (answer.code == 200 && words == NULL && id != NULL)
        succeed(result, tame(id, arena));
    else
        fail_by(result, &answer, words, arena);
}

void channel_api_refund(const struct channel_api *api, const struct api_refund *refund,
                        struct arena *arena, struct api_refunded *result)
{
    if (api->url[0] == '\0' || api->secret[0] == '\0')
        fail(result, "the channel's API is not set");
    else if (!is_figure(refund->external_id))
        fail(result, "the order is none of this channel's");
    else if (strcmp(api->type, "shopify") == 0)
        refund_shopify(api, refund, arena, result);
    else if (strcmp(api->type, "woocommerce") == 0)
        refund_woocommerce(api, refund, arena, result);
    else
        fail(result, "channels of this type make no refunds");
}
