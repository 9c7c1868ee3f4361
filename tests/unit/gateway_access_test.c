/* Keys, channels and the shop's settings, by the gateway that ships: what is made over the bus
 * counts over HTTP, and orders hears of channels. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sodium.h>

#include "penstock/gateway/v1/gateway.pb-c.h"
#include "penstock/orders/v1/orders.pb-c.h"
#include "services/gateway/snapshot.h"
#include "tests/unit/gateway_raw_http.h"
/* Of its functions only some are wanted here. */
#pragma GCC diagnostic ignored "-Wunused-function"
#include "tests/unit/scripted.h"

extern const struct migration gateway_migrations[];
extern const size_t gateway_nmigrations;

typedef Penstock__Gateway__V1__Key Key;
typedef Penstock__Gateway__V1__Channel Channel;
typedef Penstock__Orders__V1__UpsertChannelRequest UpsertChannelRequest;

static struct scripted *world;

/* What orders was told last, and whether it listens. */
static struct {
    pthread_mutex_t lock;
    char name[64], prefix[64];
    bool confirms_manually;
    int count;
    bool is_away;
} told = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bool hear_channel(struct scripted_log *log, const char *method, struct bus_request *request)
{
    if (strcmp(method, "UpsertChannel") != 0)
        return false;
    UpsertChannelRequest *in = penstock__orders__v1__upsert_channel_request__unpack(
        NULL, request->payload_bytes, request->payload);
    ReplyHeader header = PENSTOCK__BUS__V1__REPLY_HEADER__INIT;
    Penstock__Orders__V1__UpsertChannelResponse out =
        PENSTOCK__ORDERS__V1__UPSERT_CHANNEL_RESPONSE__INIT;
    pthread_mutex_lock(&told.lock);
    header.status = told.is_away ? PENSTOCK__BUS__V1__STATUS__STATUS_UNAVAILABLE
                                 : PENSTOCK__BUS__V1__STATUS__STATUS_OK;
    snprintf(told.name, sizeof told.name, "%s", in->name);
    snprintf(told.prefix, sizeof told.prefix, "%s", in->number_prefix);
    told.confirms_manually = in->confirms_manually;
    told.count++;
    pthread_mutex_unlock(&told.lock);
    bus_server_reply(log->server, &request, &header, told.is_away ? NULL : &out.base);
    penstock__orders__v1__upsert_channel_request__free_unpacked(in, NULL);
    return true;
}

static bool was_told(const char *name, const char *prefix)
{
    pthread_mutex_lock(&told.lock);
    bool was = strcmp(told.name, name) == 0 && strcmp(told.prefix, prefix) == 0;
    pthread_mutex_unlock(&told.lock);
    return was;
}

static void await_told(const char *name, const char *prefix)
{
    for (int waited = 0; !was_told(name, prefix); waited += 20) {
        assert_true(waited < 5000);
        scripted_pause_ms(20);
    }
}

static void read_port(void)
{
    char path[128];
    snprintf(path, sizeof path, "%s/http.port", world->folder);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%d", &raw.port), 1);
    fclose(file);
}

static int set_up(void **state)
{
    (void)state;
    setenv("PENSTOCK_GATEWAY_LISTEN", "127.0.0.1:0", 1);
    setenv("PENSTOCK_SHOP_NAME", "Lamps & Co", 1);
    world =
        scripted_open("gateway", gateway_migrations, gateway_nmigrations, "orders", "inventory");
    if (world == NULL)
        exit(0);
    world->logs[0].handle = hear_channel;
    read_port();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    scripted_close(world);
    return 0;
}

/* ---- asking ---- */

static Key *create_key(const char *role)
{
    Penstock__Gateway__V1__CreateKeyRequest in = PENSTOCK__GATEWAY__V1__CREATE_KEY_REQUEST__INIT;
    in.name = (char[]){"a test"};
    in.role = (char *)(uintptr_t)role;
    if (scripted_call(world, "CreateKey", &in.base,
                      &penstock__gateway__v1__create_key_response__descriptor) != STATUS_OK)
        return NULL;
    return ((Penstock__Gateway__V1__CreateKeyResponse *)world->answer)->key;
}

static Channel *add_channel(const char *name, const char *type, const char *secret,
                            const char *prefix)
{
    Penstock__Gateway__V1__AddChannelRequest in = PENSTOCK__GATEWAY__V1__ADD_CHANNEL_REQUEST__INIT;
    in.name = (char *)(uintptr_t)name;
    in.type = (char *)(uintptr_t)type;
    in.secret = (char *)(uintptr_t)secret;
    in.number_prefix = (char *)(uintptr_t)prefix;
    if (scripted_call(world, "AddChannel", &in.base,
                      &penstock__gateway__v1__add_channel_response__descriptor) != STATUS_OK)
        return NULL;
    return ((Penstock__Gateway__V1__AddChannelResponse *)world->answer)->channel;
}

__attribute__((format(printf, 1, 2))) static int http(const char *format, ...)
{
    char *text;
    va_list arguments;
    va_start(arguments, format);
    int bytes = vasprintf(&text, format, arguments);
    va_end(arguments);
    assert_true(bytes > 0);
    int status = raw_exchange(text, (size_t)bytes);
    free(text);
    return status;
}

static int get(const char *path, const char *key)
{
    return http("GET %s HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\n\r\n", path, key);
}

static int deliver(const char *channel, const char *secret, int order)
{
    uint8_t mac[crypto_auth_hmacsha256_BYTES];
    char signature[64], body[64];
    crypto_auth_hmacsha256_state hmac;
    int bytes = snprintf(body, sizeof body, "{\"id\": %d}", order);
    crypto_auth_hmacsha256_init(&hmac, (const uint8_t *)secret, strlen(secret));
    crypto_auth_hmacsha256_update(&hmac, (const uint8_t *)body, strlen(body));
    crypto_auth_hmacsha256_final(&hmac, mac);
    sodium_bin2base64(signature, sizeof signature, mac, sizeof mac, sodium_base64_VARIANT_ORIGINAL);
    return http("POST /hooks/%s HTTP/1.1\r\nHost: a\r\nX-WC-Webhook-Signature: %s\r\n"
                "X-WC-Webhook-Topic: order.created\r\nX-WC-Webhook-Resource: order\r\n"
                "X-WC-Webhook-Event: created\r\nX-WC-Webhook-ID: 1\r\n"
                "X-WC-Webhook-Delivery-ID: d%d\r\nX-WC-Webhook-Source: https://shop.example/\r\n"
                "Content-Length: %d\r\n\r\n%s",
                channel, signature, order, bytes, body);
}

/* ---- keys ---- */

static void a_key_lets_in_at_once_and_is_out_within_a_second_of_its_end(void **state)
{
    char text[API_KEY_TEXT_BYTES], id[UUID_TEXT_BYTES];
    (void)state;
    Key *key = create_key("owner");
    assert_non_null(key);
    assert_int_equal(strlen(key->secret), API_KEY_TEXT_BYTES - 1);
    assert_memory_equal(key->secret, key->prefix, API_KEY_SHOWN_BYTES);
    snprintf(text, sizeof text, "%s", key->secret);
    snprintf(id, sizeof id, "%s", key->id);
    assert_int_equal(get("/v1/shop", text), 200);

    assert_int_equal(
        http("DELETE /v1/keys/%s HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\n\r\n", id,
             text),
        200);
    int64_t revoked_us = clock_monotonic_us();
    while (get("/v1/shop", text) == 200)
        assert_true(clock_monotonic_us() - revoked_us < 1000000);
    assert_int_equal(raw_status(), 401);

    Penstock__Gateway__V1__RevokeKeyRequest again = PENSTOCK__GATEWAY__V1__REVOKE_KEY_REQUEST__INIT;
    again.id = id;
    assert_int_equal(scripted_call(world, "RevokeKey", &again.base,
                                   &penstock__gateway__v1__revoke_key_response__descriptor),
                     STATUS_OK);
    assert_int_equal(scripted_number(world, "SELECT count(*) FROM gateway.event WHERE type = "
                                            "'KeyRevoked' AND actor <> ''"),
                     1);
}

static void a_key_is_shown_once_and_kept_as_a_hash(void **state)
{
    char text[API_KEY_TEXT_BYTES], sql[512];
    (void)state;
    world->command_id = "a-test/CreateKey/1";
    Key *key = create_key("finance");
    assert_non_null(key);
    snprintf(text, sizeof text, "%s", key->secret);
    world->command_id = "a-test/CreateKey/1";
    key = create_key("finance");
    assert_non_null(key);
    assert_true(world->reply->repeated);
    assert_string_equal(key->secret, "");
    assert_memory_equal(key->prefix, text, API_KEY_SHOWN_BYTES);
    static const char *const places[] = {
        "SELECT count(*) FROM gateway.api_key WHERE api_key::text LIKE '%%%s%%'",
        "SELECT count(*) FROM gateway.event WHERE position('%s'::bytea IN payload) > 0",
        "SELECT count(*) FROM gateway.command WHERE position('%s'::bytea IN reply) > 0",
    };
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(sql, sizeof sql, places[i], text + 20);
#pragma GCC diagnostic pop
        assert_int_equal(scripted_number(world, sql), 0);
    }
    assert_int_equal(scripted_number(world, "SELECT count(*) FROM gateway.event WHERE type = "
                                            "'KeyCreated'"),
                     2);
}

static void a_role_opens_its_own_doors_only(void **state)
{
    char text[API_KEY_TEXT_BYTES];
    (void)state;
    Key *key = create_key("picker");
    snprintf(text, sizeof text, "%s", key->secret);
    assert_int_equal(get("/v1/shop", text), 403);
    assert_non_null(strstr(raw.answer, "settings:read"));
    assert_null(create_key("root"));
    assert_string_equal(world->reply->code, "invalid");
    assert_string_equal(world->reply->field, "role");
    assert_non_null(strstr(world->reply->message, "customer_service"));
    assert_null(create_key(""));
    assert_string_equal(world->reply->code, "required");
    Penstock__Gateway__V1__CreateKeyRequest late = PENSTOCK__GATEWAY__V1__CREATE_KEY_REQUEST__INIT;
    late.name = (char[]){"late"};
    late.role = (char[]){"owner"};
    late.expires_at_us = 1;
    assert_int_equal(scripted_call(world, "CreateKey", &late.base,
                                   &penstock__gateway__v1__create_key_response__descriptor),
                     STATUS_INVALID);
    assert_string_equal(world->reply->field, "expires_at");
}

static void a_key_that_expires_does(void **state)
{
    char text[API_KEY_TEXT_BYTES];
    (void)state;
    Penstock__Gateway__V1__CreateKeyRequest in = PENSTOCK__GATEWAY__V1__CREATE_KEY_REQUEST__INIT;
    in.name = (char[]){"brief"};
    in.role = (char[]){"owner"};
    in.expires_at_us = clock_wall_us() + 1500000;
    assert_int_equal(scripted_call(world, "CreateKey", &in.base,
                                   &penstock__gateway__v1__create_key_response__descriptor),
                     STATUS_OK);
    Key *key = ((Penstock__Gateway__V1__CreateKeyResponse *)world->answer)->key;
    snprintf(text, sizeof text, "%s", key->secret);
    assert_int_equal(get("/v1/shop", text), 200);
    scripted_pause_ms(1600);
    assert_int_equal(get("/v1/shop", text), 401);
}

static void the_list_pages_and_tells_when_a_key_was_used(void **state)
{
    char text[API_KEY_TEXT_BYTES], cursor[UUID_TEXT_BYTES] = "";
    int seen = 0;
    (void)state;
    Key *key = create_key("owner");
    snprintf(text, sizeof text, "%s", key->secret);
    assert_int_equal(get("/v1/shop", text), 200);
    for (int waited = 0; scripted_number(world, "SELECT count(*) FROM gateway.api_key WHERE role = "
                                                "'owner' AND revoked_at IS NULL AND last_used_at "
                                                "IS NOT NULL AND expires_at IS NULL") == 0;
         waited += 50) {
        assert_true(waited < 3000);
        scripted_pause_ms(50);
    }
    do {
        Penstock__Gateway__V1__ListKeysRequest in = PENSTOCK__GATEWAY__V1__LIST_KEYS_REQUEST__INIT;
        in.cursor = cursor;
        in.limit = 2;
        assert_int_equal(scripted_call(world, "ListKeys", &in.base,
                                       &penstock__gateway__v1__list_keys_response__descriptor),
                         STATUS_OK);
        const Penstock__Gateway__V1__ListKeysResponse *page =
            (const Penstock__Gateway__V1__ListKeysResponse *)world->answer;
        for (size_t i = 0; i < page->n_data; i++)
            assert_string_equal(page->data[i]->secret, "");
        seen += (int)page->n_data;
        snprintf(cursor, sizeof cursor, "%s", page->next_cursor);
    } while (cursor[0] != '\0');
    assert_int_equal(seen, scripted_number(world, "SELECT count(*) FROM gateway.api_key"));
}

/* ---- channels ---- */

static void orders_hears_of_the_first_channel_and_of_each_new_one(void **state)
{
    (void)state;
    for (int waited = 0;
         scripted_number(world, "SELECT told_version FROM gateway.channel WHERE name "
                                "= 'web'") == 0;
         waited += 20) {
        assert_true(waited < 5000);
        scripted_pause_ms(20);
    }
    Channel *channel = add_channel("shop-hk", "woocommerce", "a long secret", "");
    assert_non_null(channel);
    assert_string_equal(channel->number_prefix, "SHOPHK");
    assert_string_equal(channel->type, "woocommerce");
    await_told("shop-hk", "SHOPHK");
    assert_int_equal(deliver("shop-hk", "a long secret", 1), 200);
}

static void orders_hears_of_a_channel_when_it_is_back(void **state)
{
    (void)state;
    pthread_mutex_lock(&told.lock);
    told.is_away = true;
    pthread_mutex_unlock(&told.lock);
    assert_non_null(add_channel("patient", "api", "", "PAT"));
    await_told("patient", "PAT");
    pthread_mutex_lock(&told.lock);
    told.is_away = false;
    told.name[0] = '\0';
    pthread_mutex_unlock(&told.lock);
    await_told("patient", "PAT");
    for (int waited = 0; scripted_number(world, "SELECT count(*) FROM gateway.channel WHERE "
                                                "told_version < version") > 0;
         waited += 20) {
        assert_true(waited < 5000);
        scripted_pause_ms(20);
    }
}

static void a_rotated_secret_and_the_one_before_it_are_good_together(void **state)
{
    (void)state;
    assert_non_null(add_channel("rotating", "woocommerce", "first secret", ""));
    assert_int_equal(deliver("rotating", "first secret", 1), 200);
    assert_int_equal(deliver("rotating", "second secret", 2), 401);
    assert_non_null(add_channel("rotating", "woocommerce", "second secret", ""));
    scripted_pause_ms(1000);
    assert_int_equal(deliver("rotating", "first secret", 3), 200);
    assert_int_equal(deliver("rotating", "second secret", 4), 200);
    /* The same again changes nothing: the first one is not pushed out. */
    assert_non_null(add_channel("rotating", "woocommerce", "second secret", ""));
    assert_non_null(add_channel("rotating", "woocommerce", "", ""));
    scripted_pause_ms(1000);
    assert_int_equal(deliver("rotating", "first secret", 5), 200);
    assert_int_equal(scripted_number(world, "SELECT version FROM gateway.channel WHERE name = "
                                            "'rotating'"),
                     2);
    assert_int_equal(scripted_number(world, "SELECT count(*) FROM gateway.event WHERE "
                                            "position('secret'::bytea IN payload) > 0"),
                     0);
}

static void a_channel_that_cannot_be_is_refused(void **state)
{
    static const struct {
        const char *name, *type, *secret, *prefix, *code, *field;
    } cases[] = {
        {"", "api", "", "", "required", "name"},
        {"Shop", "api", "", "", "invalid", "name"},
        {"../x", "api", "", "", "invalid", "name"},
        {"-x", "api", "", "", "invalid", "name"},
        {"ebay", "ebay", "12345678", "", "invalid", "type"},
        {"shop", "shopify", "", "", "required", "secret"},
        {"shop", "shopify", "short", "", "out_of_range", "secret"},
        {"desk", "api", "12345678", "", "invalid", "secret"},
        {"desk", "api", "", "web", "invalid", "number_prefix"},
        {"desk", "api", "", "1A", "invalid", "number_prefix"},
        {"desk", "api", "", "ABCDEFGHIJKLM", "invalid", "number_prefix"},
        {"desk", "api", "", "WEB", "duplicate_prefix", "number_prefix"},
        {"web", "shopify", "12345678", "", "invalid_state", "type"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_null(add_channel(cases[i].name, cases[i].type, cases[i].secret, cases[i].prefix));
        assert_string_equal(world->reply->code, cases[i].code);
        assert_string_equal(world->reply->field, cases[i].field);
    }
}

static void the_list_of_channels_shows_no_secret(void **state)
{
    char text[API_KEY_TEXT_BYTES];
    (void)state;
    Key *key = create_key("read_only");
    snprintf(text, sizeof text, "%s", key->secret);
    assert_int_equal(get("/v1/channels?limit=200", text), 200);
    assert_non_null(
        strstr(raw.answer, "\"name\":\"web\",\"type\":\"api\",\"number_prefix\":\"WEB\""));
    assert_non_null(strstr(raw.answer, "rotating"));
    assert_null(strstr(raw.answer, "secret"));
}

/* ---- the rest ---- */

static void the_shops_settings_can_be_read(void **state)
{
    char text[API_KEY_TEXT_BYTES];
    (void)state;
    Key *key = create_key("order_desk");
    snprintf(text, sizeof text, "%s", key->secret);
    assert_int_equal(get("/v1/shop", text), 200);
    assert_non_null(strstr(raw.answer, "\"name\":\"Lamps & Co\",\"time_zone\":\"Asia/Hong_Kong\","
                                       "\"currency\":\"HKD\",\"prices_include_tax\":true,"
                                       "\"languages\":[\"zh-Hant\",\"en\"]"));
}

static void readiness_names_the_services_that_do_not_answer(void **state)
{
    (void)state;
    int fd = raw_dial(raw.port);
    static const char request[] = "GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n"
                                  "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n";
    raw_say(fd, request, strlen(request));
    raw_hear(fd, 2500);
    close(fd);
    assert_int_equal(raw_status(), 503);
    assert_non_null(strstr(raw.answer, "\"ready\":false"));
    assert_non_null(strstr(raw.answer, "\"gateway\":{\"ready\":true"));
    assert_non_null(strstr(raw.answer, "\"returns\":{\"ready\":false,\"leader\":false,\"reason\":"
                                       "\"it does not answer\""));
    assert_non_null(strstr(raw.answer, "# TYPE penstock_http_requests_total counter\n"));
    assert_non_null(strstr(raw.answer, "penstock_up{service=\"returns\"} 0\n"));
    assert_non_null(strstr(raw.answer, "penstock_up{service=\"gateway\"} 1\n"));
}

static void it_stops_cleanly_while_connections_are_open(void **state)
{
    (void)state;
    int idle = raw_dial(raw.port), half = raw_dial(raw.port);
    raw_say(half, "POST /v1/orders HT", 18);
    int64_t start_us = clock_monotonic_us();
    int status = scripted_end(world, SIGTERM);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_true(clock_monotonic_us() - start_us < 5000000);
    assert_true(raw_dial(raw.port) < 0);
    close(idle);
    close(half);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_lets_in_at_once_and_is_out_within_a_second_of_its_end),
        cmocka_unit_test(a_key_is_shown_once_and_kept_as_a_hash),
        cmocka_unit_test(a_role_opens_its_own_doors_only),
        cmocka_unit_test(a_key_that_expires_does),
        cmocka_unit_test(the_list_pages_and_tells_when_a_key_was_used),
        cmocka_unit_test(orders_hears_of_the_first_channel_and_of_each_new_one),
        cmocka_unit_test(orders_hears_of_a_channel_when_it_is_back),
        cmocka_unit_test(a_rotated_secret_and_the_one_before_it_are_good_together),
        cmocka_unit_test(a_channel_that_cannot_be_is_refused),
        cmocka_unit_test(the_list_of_channels_shows_no_secret),
        cmocka_unit_test(the_shops_settings_can_be_read),
        cmocka_unit_test(readiness_names_the_services_that_do_not_answer),
        cmocka_unit_test(it_stops_cleanly_while_connections_are_open),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
