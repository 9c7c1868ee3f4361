/* remote.c -- commands that ask the running services, over the bus. */
#include <stdlib.h>
#include <string.h>

#include "cli/http.h"
#include "cli/remote.h"
#include "common/bus.h"
#include "penstock/gateway/v1/gateway.pb-c.h"

#define ARENA_BYTES (16 << 20)
#define ANSWER_MS 5000
#define CREDIT 16

struct remote {
    struct bus *bus;
    struct bus_loop *loop;
    struct bus_client *client;
    struct arena *arena;
};

struct remote *remote_open(const struct home *home)
{
    struct remote *remote = calloc(1, sizeof(*remote));
    struct bus_options options = {.directory = home->run, .self = "cli"};
    if (remote == NULL || bus_open(&options, &remote->bus) != STATUS_OK) {
        free(remote);
        return NULL;
    }
    remote->loop = bus_loop_open(remote->bus);
    remote->client = bus_client_open(remote->loop, CREDIT);
    remote->arena = arena_open(ARENA_BYTES);
    return remote;
}

void remote_close(struct remote **remote)
{
    if (*remote == NULL)
        return;
    arena_close(&(*remote)->arena);
    bus_loop_close(&(*remote)->loop);
    bus_close(&(*remote)->bus);
    free(*remote);
    *remote = NULL;
}

void remote_reset(struct remote *remote)
{
    arena_reset(remote->arena);
}

char *remote_text(struct remote *remote, const char *text)
{
    return arena_strdup(remote->arena, text);
}

static const ProtobufCMessage *ask(struct remote *remote, const char *service, const char *rpc,
                                   const char *command_id, const ProtobufCMessage *message,
                                   const ProtobufCMessageDescriptor *answer_type, int timeout_ms,
                                   const ReplyHeader **reply)
{
    static const char *permissions[] = {"internal"};
    RequestHeader header = PENSTOCK__BUS__V1__REQUEST_HEADER__INIT;
    ProtobufCMessage *answer = NULL;
    header.method = arena_printf(remote->arena, "%s.%s", service, rpc);
    header.actor = arena_strdup(remote->arena, "operator:cli");
    header.command_id = arena_strdup(remote->arena, command_id);
    header.n_permissions = 1;
    header.permissions = (char **)arena_copy(remote->arena, permissions, sizeof(permissions));
    if (bus_call(remote->client, service, &header, message, timeout_ms, answer_type, remote->arena,
                 reply, &answer) != STATUS_OK)
        return NULL;
    return answer;
}

const ProtobufCMessage *remote_command(struct remote *remote, const char *service, const char *rpc,
                                       const char *command_id, const ProtobufCMessage *message,
                                       const ProtobufCMessageDescriptor *answer_type)
{
    const ReplyHeader *reply = NULL;
    const ProtobufCMessage *answer =
        ask(remote, service, rpc, command_id, message, answer_type, ANSWER_MS, &reply);
    if (answer == NULL && (reply == NULL || reply->message[0] == '\0'))
        cli_fail("%s does not answer", service);
    else if (answer == NULL)
        cli_fail("%s: %s%s%s", service, reply->message, reply->field[0] ? " at " : "",
                 reply->field);
    return answer;
}

const ProtobufCMessage *remote_ask(struct remote *remote, const char *service, const char *rpc,
                                   const ProtobufCMessage *message,
                                   const ProtobufCMessageDescriptor *answer_type)
{
    return remote_command(remote, service, rpc, "", message, answer_type);
}

bool remote_is_ready(struct remote *remote, const char *service, int timeout_ms, char *reason,
                     size_t bytes)
{
    Penstock__Bus__V1__GetHealthRequest request = PENSTOCK__BUS__V1__GET_HEALTH_REQUEST__INIT;
    const ReplyHeader *reply = NULL;
    arena_reset(remote->arena);
    const Penstock__Bus__V1__GetHealthResponse *health =
        (const Penstock__Bus__V1__GetHealthResponse *)ask(
            remote, service, "GetHealth", "", &request.base,
            &penstock__bus__v1__get_health_response__descriptor, timeout_ms, &reply);
    snprintf(reason, bytes, "%s", health == NULL ? "does not answer" : health->reason);
    return health != NULL && health->ready;
}

struct remote *remote_of(int argc, char **argv, struct home *home, int *result)
{
    *result = home_locate(argc, argv, home);
    if (*result != 0 || (*result = home_read(home)) != 0)
        return NULL;
    if (home_supervisor(home) == 0) {
        *result =
            cli_fail("nothing runs in %s; penstock up --home %s starts it", home->path, home->path);
        return NULL;
    }
    struct remote *remote = remote_open(home);
    if (remote == NULL)
        *result = cli_fail("cannot open the bus in %s", home->run);
    return remote;
}

/* So that what is printed works the moment it is read. */
static void await_key(const struct home *home, const char *secret)
{
    char address[128], header[128];
    snprintf(header, sizeof(header), "Authorization: Bearer %s\r\n", secret);
    if (home_http(home, address, sizeof(address)) &&
        !http_await(address, "GET", "/v1/shop", header, 401))
        fprintf(stderr,
                "penstock: the gateway does not take the key yet; it will within a second\n");
}

static void await_channel(const struct home *home, const char *name)
{
    char address[128], path[256];
    snprintf(path, sizeof(path), "/hooks/%s", name);
    if (home_http(home, address, sizeof(address)) && !http_await(address, "POST", path, "", 404))
        fprintf(stderr,
                "penstock: the gateway does not know the channel yet; it will within a second\n");
}

int command_key(int argc, char **argv)
{
    const char *verb = cli_word(argc, argv, 0);
    const char *role = cli_option(argc, argv, "--role", NULL);
    if (verb == NULL || strcmp(verb, "create") != 0 || role == NULL)
        return cli_usage(
            "usage: penstock key create --role owner [--name NAME]; roles: owner, order_desk, "
            "picker, packer, customer_service, finance, store, read_only");
    int result;
    struct home home;
    struct remote *remote = remote_of(argc, argv, &home, &result);
    if (remote == NULL)
        return result;
    Penstock__Gateway__V1__CreateKeyRequest request =
        PENSTOCK__GATEWAY__V1__CREATE_KEY_REQUEST__INIT;
    const char *name = cli_option(argc, argv, "--name", "cli");
    request.role = arena_strdup(remote->arena, role);
    request.name = arena_strdup(remote->arena, name != NULL ? name : "cli");
    const Penstock__Gateway__V1__CreateKeyResponse *answer =
        (const Penstock__Gateway__V1__CreateKeyResponse *)remote_ask(
            remote, "gateway", "CreateKey", &request.base,
            &penstock__gateway__v1__create_key_response__descriptor);
    if (answer != NULL) {
        await_key(&home, answer->key->secret);
        printf("%s\n", answer->key->secret);
    }
    remote_close(&remote);
    return answer != NULL ? 0 : 1;
}

int command_channel(int argc, char **argv)
{
    const char *verb = cli_word(argc, argv, 0);
    const char *type = cli_option(argc, argv, "--type", NULL);
    const char *name = cli_option(argc, argv, "--name", NULL);
    const char *secret = cli_option(argc, argv, "--secret", "");
    const char *prefix = cli_option(argc, argv, "--prefix", "");
    if (verb == NULL || strcmp(verb, "add") != 0 || type == NULL || name == NULL ||
        secret == NULL || prefix == NULL)
        return cli_usage("usage: penstock channel add --type shopify|woocommerce|api --name NAME "
                         "--secret SECRET "
                         "[--prefix WEB] [--manual]");
    int result;
    struct home home;
    struct remote *remote = remote_of(argc, argv, &home, &result);
    if (remote == NULL)
        return result;
    Penstock__Gateway__V1__AddChannelRequest request =
        PENSTOCK__GATEWAY__V1__ADD_CHANNEL_REQUEST__INIT;
    request.type = arena_strdup(remote->arena, type);
    request.name = arena_strdup(remote->arena, name);
    request.secret = arena_strdup(remote->arena, secret);
    request.number_prefix = arena_strdup(remote->arena, prefix);
    request.confirms_manually = cli_flag(argc, argv, "--manual");
    const Penstock__Gateway__V1__AddChannelResponse *answer =
        (const Penstock__Gateway__V1__AddChannelResponse *)remote_ask(
            remote, "gateway", "AddChannel", &request.base,
            &penstock__gateway__v1__add_channel_response__descriptor);
    if (answer != NULL && strcmp(type, "api") != 0)
        await_channel(&home, answer->channel->name);
    if (answer != NULL)
        printf(
            "Channel %s (%s) is in; its webhooks go to /hooks/%s, its orders are numbered %s-...\n",
            answer->channel->name, answer->channel->type, answer->channel->name,
            answer->channel->number_prefix);
    remote_close(&remote);
    return answer != NULL ? 0 : 1;
}

static const char *enum_word(const ProtobufCEnumDescriptor *type, int value)
{
    const ProtobufCEnumValue *found = protobuf_c_enum_descriptor_get_value(type, value);
    const char *word = found != NULL ? strrchr(found->name, '_') : NULL;
    return word != NULL ? word + 1 : "?";
}

static int inbox_list(struct remote *remote, int argc, char **argv)
{
    const ProtobufCEnumDescriptor *type = &penstock__gateway__v1__delivery_status__descriptor;
    Penstock__Gateway__V1__ListInboxRequest request =
        PENSTOCK__GATEWAY__V1__LIST_INBOX_REQUEST__INIT;
    const char *status = cli_option(argc, argv, "--status", NULL);
    for (unsigned i = 0; status != NULL && i < type->n_values; i++)
        if (strcasecmp(enum_word(type, type->values[i].value), status) == 0)
            request.status = (Penstock__Gateway__V1__DeliveryStatus)type->values[i].value;
    if (status != NULL && request.status == 0)
        return cli_usage("--status is one of received, done, parked, ignored");
    size_t count = 0;
    request.limit = 200;
    request.cursor = arena_strdup(remote->arena, "");
    do {
        const Penstock__Gateway__V1__ListInboxResponse *page =
            (const Penstock__Gateway__V1__ListInboxResponse *)remote_ask(
                remote, "gateway", "ListInbox", &request.base,
                &penstock__gateway__v1__list_inbox_response__descriptor);
        if (page == NULL)
            return 1;
        for (size_t i = 0; i < page->n_data; i++) {
            const Penstock__Gateway__V1__InboxDelivery *d = page->data[i];
            printf("%s  %-9s %-12s %-20s %s%s%s\n", d->id, enum_word(type, d->status), d->channel,
                   d->topic, d->order_number, d->reason[0] ? d->reason_code : "",
                   d->reason[0] ? ": " : "");
            if (d->reason[0])
                printf("    %s\n", d->reason);
        }
        count += page->n_data;
        request.cursor = page->next_cursor;
    } while (request.cursor[0] != '\0');
    printf("%zu %s.\n", count, count == 1 ? "delivery" : "deliveries");
    return 0;
}

static int replay_one(struct remote *remote, char *id)
{
    Penstock__Gateway__V1__ReplayDeliveryRequest request =
        PENSTOCK__GATEWAY__V1__REPLAY_DELIVERY_REQUEST__INIT;
    request.id = id;
    if (remote_ask(remote, "gateway", "ReplayDelivery", &request.base,
                   &penstock__gateway__v1__replay_delivery_response__descriptor) == NULL)
        return 1;
    printf("%s is worked on again; penstock inbox list says what became of it.\n", id);
    return 0;
}

static int replay_parked(struct remote *remote)
{
    Penstock__Gateway__V1__ListInboxRequest request =
        PENSTOCK__GATEWAY__V1__LIST_INBOX_REQUEST__INIT;
    int failed = 0;
    request.limit = 200;
    request.status = PENSTOCK__GATEWAY__V1__DELIVERY_STATUS__DELIVERY_STATUS_PARKED;
    request.cursor = arena_strdup(remote->arena, "");
    do {
        const Penstock__Gateway__V1__ListInboxResponse *page =
            (const Penstock__Gateway__V1__ListInboxResponse *)remote_ask(
                remote, "gateway", "ListInbox", &request.base,
                &penstock__gateway__v1__list_inbox_response__descriptor);
        if (page == NULL)
            return 1;
        for (size_t i = 0; i < page->n_data; i++)
            failed |= replay_one(remote, page->data[i]->id);
        request.cursor = page->next_cursor;
    } while (request.cursor[0] != '\0');
    return failed;
}

int command_inbox(int argc, char **argv)
{
    const char *verb = cli_word(argc, argv, 0), *id = cli_word(argc, argv, 1);
    bool is_list = verb != NULL && strcmp(verb, "list") == 0;
    bool is_replay = verb != NULL && strcmp(verb, "replay") == 0;
    if (!is_list && !(is_replay && (id != NULL || cli_flag(argc, argv, "--parked"))))
        return cli_usage(
            "usage: penstock inbox list [--status parked] | penstock inbox replay ID|--parked");
    int result;
    struct home home;
    struct remote *remote = remote_of(argc, argv, &home, &result);
    if (remote == NULL)
        return result;
    if (is_list)
        result = inbox_list(remote, argc, argv);
    else
        result = id != NULL ? replay_one(remote, arena_strdup(remote->arena, id))
                            : replay_parked(remote);
    remote_close(&remote);
    return result;
}

int command_health(int argc, char **argv)
{
    const char *service = cli_word(argc, argv, 0);
    struct home home;
    char reason[256];
    if (service == NULL)
        return cli_usage("usage: penstock health SERVICE");
    int result = home_locate(argc, argv, &home);
    if (result != 0 || (result = home_read(&home)) != 0)
        return result;
    struct remote *remote = remote_open(&home);
    if (remote == NULL)
        return cli_fail("cannot open the bus in %s", home.run);
    bool is_ready = remote_is_ready(remote, service, ANSWER_MS, reason, sizeof(reason));
    printf("%s: %s%s%s\n", service, is_ready ? "ready" : "not ready", reason[0] ? ": " : "",
           reason);
    remote_close(&remote);
    return is_ready ? 0 : 1;
}
