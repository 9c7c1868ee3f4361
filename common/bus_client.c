#include "common/bus_internal.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/id.h"
#include "common/log.h"

/* How often a waiting question looks for an instance that would take it. */
#define LOOK_AGAIN_US 50000
#define RESCAN_US 500000
#define REPLIES_PER_ROUND 1024

struct instance {
    struct peer *peer;
    void *socket, *monitor; /* the monitor tells when the connection is lost */
    char endpoint[BUS_ENDPOINT_BYTES];
    size_t in_flight;
};
struct peer {
    struct bus_client *client;
    char service[64];
    struct instance *instances[BUS_MAX_INSTANCES];
    size_t ninstances, preferred;
    int in_flight;
    bool is_ipc;
    int64_t next_scan_us;
};
/* A question under way. It lives in a slot; the request id names slot and generation, so that an
 * answer that comes too late finds nobody. */
struct ask {
    bool is_live, was_sent, is_repeatable;
    uint32_t generation;
    uint32_t next_free;
    struct peer *peer;
    struct instance *instance; /* NULL: waits for one */
    int64_t deadline_us, retry_at_us;
    size_t refusals; /* instances in a row that said that they do not lead */
    zmq_msg_t header, payload;
    bus_reply_fn *fn;
    void *context;
};
struct bus_client {
    struct bus_loop *loop;
    struct bus *bus;
    int credit;
    struct peer *peers[BUS_MAX_PEERS];
    size_t npeers;
    struct ask *asks;
    uint32_t nasks, first_free;
    size_t in_flight;
    struct loop_ticker *ticker;
};

#define NO_SLOT UINT32_MAX

static void send_ask(struct bus_client *client, struct ask *ask);

/* ---- instances ---- */

static void instance_ready(void *context);
static void monitor_ready(void *context);

static void instance_close(struct instance *instance)
{
    bus_socket_close(instance->monitor);
    bus_socket_close(instance->socket);
    free(instance);
}

static bool instance_connect(struct instance *instance)
{
    struct peer *peer = instance->peer;
    struct bus *bus = peer->client->bus;
    char name[64];
    snprintf(name, sizeof name, "inproc://monitor.%p", (void *)instance);
    bool is_tcp = strncmp(instance->endpoint, "tcp://", 6) == 0;
    instance->socket = bus_socket(bus, ZMQ_DEALER, BUS_SOCKET_REQUESTS, is_tcp);
    instance->monitor = bus_socket(bus, ZMQ_PAIR, BUS_SOCKET_CONTROL, false);
    assert(instance->socket != NULL && instance->monitor != NULL);
    return (!is_tcp || (bus->security != NULL &&
                        bus_security_connect(bus->security, instance->socket, peer->service))) &&
           zmq_socket_monitor(instance->socket, name, ZMQ_EVENT_DISCONNECTED) == 0 &&
           zmq_connect(instance->monitor, name) == 0 &&
           zmq_connect(instance->socket, instance->endpoint) == 0;
}

static void instance_open(struct peer *peer, const char *endpoint)
{
    struct bus_client *client = peer->client;
    for (size_t i = 0; i < peer->ninstances; i++)
        if (strcmp(peer->instances[i]->endpoint, endpoint) == 0)
            return;
    if (peer->ninstances == BUS_MAX_INSTANCES)
        return;
    struct instance *instance = calloc(1, sizeof *instance);
    assert(instance != NULL);
    instance->peer = peer;
    snprintf(instance->endpoint, sizeof instance->endpoint, "%s", endpoint);
    if (!instance_connect(instance)) {
        log_error("bus_connect_failed", "A service cannot be connected to",
                  LOG_TEXT("peer", peer->service), LOG_TEXT("endpoint", endpoint));
        instance_close(instance);
        return;
    }
    peer->instances[peer->ninstances++] = instance;
    loop_watch_socket(client->loop, instance->socket, instance_ready, instance);
    loop_watch_socket(client->loop, instance->monitor, monitor_ready, instance);
}

/* The first instance's socket is always connected to; the others when their file is there. */
static void scan_ipc(struct peer *peer)
{
    const char *directory = peer->client->bus->directory;
    for (int n = 1; n <= BUS_MAX_INSTANCES; n++) {
        char endpoint[BUS_ENDPOINT_BYTES];
        int length = n == 1 ? snprintf(endpoint, sizeof endpoint, "ipc://%s/%s.sock", directory,
                                       peer->service)
                            : snprintf(endpoint, sizeof endpoint, "ipc://%s/%s.%d.sock", directory,
                                       peer->service, n);
        assert(length > 0 && (size_t)length < sizeof endpoint);
        if (n == 1 || access(endpoint + 6, F_OK) == 0)
            instance_open(peer, endpoint);
    }
}

/* peers: "orders=tcp://10.0.0.1:7001,orders=tcp://10.0.0.2:7001,inventory=ipc". */
static void scan_peer(struct peer *peer, int64_t now_us)
{
    if (now_us < peer->next_scan_us)
        return;
    peer->next_scan_us = now_us + RESCAN_US;
    char *list = strdup(peer->client->bus->peers), *rest = NULL;
    assert(list != NULL);
    bool was_named = false;
    size_t name_bytes = strlen(peer->service);
    for (char *one = strtok_r(list, ", ", &rest); one != NULL; one = strtok_r(NULL, ", ", &rest)) {
        if (strncmp(one, peer->service, name_bytes) != 0 || one[name_bytes] != '=')
            continue;
        const char *endpoint = one + name_bytes + 1;
        if (strcmp(endpoint, "ipc") == 0)
            continue;
        was_named = true;
        instance_open(peer, endpoint);
    }
    free(list);
    peer->is_ipc = !was_named;
    if (peer->is_ipc)
        scan_ipc(peer);
}

static struct peer *peer_of(struct bus_client *client, const char *service)
{
    for (size_t i = 0; i < client->npeers; i++)
        if (strcmp(client->peers[i]->service, service) == 0)
            return client->peers[i];
    assert(client->npeers < BUS_MAX_PEERS && strlen(service) < 64);
    struct peer *peer = calloc(1, sizeof *peer);
    assert(peer != NULL);
    peer->client = client;
    snprintf(peer->service, sizeof peer->service, "%s", service);
    client->peers[client->npeers++] = peer;
    scan_peer(peer, clock_monotonic_us());
    return peer;
}

/* With ZMQ_IMMEDIATE a socket can be written to only while its peer is there. */
static bool instance_is_connected(const struct instance *instance)
{
    uint32_t events = 0;
    size_t size = sizeof events;
    return zmq_getsockopt(instance->socket, ZMQ_EVENTS, &events, &size) == 0 &&
           (events & ZMQ_POLLOUT) != 0;
}

bool bus_client_is_connected(const struct bus_client *client, const char *service)
{
    /* The peer is made on first mention: its sockets are how we know. */
    struct peer *peer = peer_of((struct bus_client *)(uintptr_t)client, service);
    scan_peer(peer, clock_monotonic_us());
    for (size_t i = 0; i < peer->ninstances; i++)
        if (instance_is_connected(peer->instances[i]))
            return true;
    return false;
}

/* ---- slots ---- */

static struct ask *take_slot(struct bus_client *client)
{
    if (client->first_free == NO_SLOT) {
        uint32_t room = client->nasks == 0 ? 32 : client->nasks * 2;
        client->asks = reallocarray(client->asks, room, sizeof *client->asks);
        assert(client->asks != NULL);
        for (uint32_t i = room; i-- > client->nasks;) {
            client->asks[i] = (struct ask){.next_free = client->first_free};
            client->first_free = i;
        }
        client->nasks = room;
    }
    struct ask *ask = &client->asks[client->first_free];
    client->first_free = ask->next_free;
    client->in_flight++;
    return ask;
}

static void detach(struct ask *ask)
{
    if (ask->instance != NULL)
        ask->instance->in_flight--;
    ask->instance = NULL;
}

/* The slot is free before fn runs: fn may ask again, and move the array. */
static void finish(struct bus_client *client, struct ask *ask, const ReplyHeader *header,
                   const uint8_t *payload, size_t bytes)
{
    bus_reply_fn *fn = ask->fn;
    void *context = ask->context;
    detach(ask);
    ask->peer->in_flight--;
    zmq_msg_close(&ask->header);
    zmq_msg_close(&ask->payload);
    ask->is_live = false;
    ask->generation++;
    ask->next_free = client->first_free;
    client->first_free = (uint32_t)(ask - client->asks);
    client->in_flight--;
    fn(context, header, payload, bytes);
}

static void finish_without_answer(struct bus_client *client, struct ask *ask, enum status status)
{
    ReplyHeader header = PENSTOCK__BUS__V1__REPLY_HEADER__INIT;
    header.status = (Penstock__Bus__V1__Status)status;
    header.code = (char *)(uintptr_t)(status == STATUS_DEADLINE ? "deadline" : "unavailable");
    header.retry_after_ms = 1000;
    finish(client, ask, &header, NULL, 0);
}

/* ---- sending ---- */

/* What remains of the deadline is the header's last field: of a scalar given twice the last wins,
 * so a question that is sent again keeps its packed header and gets another tail. */
static void header_with_time(const struct ask *ask, int64_t now_us, zmq_msg_t *out)
{
    size_t packed = zmq_msg_size((zmq_msg_t *)(uintptr_t)&ask->header);
    int64_t left_ms = (ask->deadline_us - now_us) / 1000;
    uint32_t value = left_ms < 1 ? 1 : left_ms > INT32_MAX ? INT32_MAX : (uint32_t)left_ms;
    int failed = zmq_msg_init_size(out, packed + 6);
    assert(failed == 0);
    uint8_t *bytes = zmq_msg_data(out);
    memcpy(bytes, zmq_msg_data((zmq_msg_t *)(uintptr_t)&ask->header), packed);
    bytes += packed;
    *bytes++ = 3 << 3;
    for (int i = 0; i < 4; i++, value >>= 7)
        *bytes++ = (uint8_t)(value | 0x80);
    *bytes = (uint8_t)(value & 0x7f);
}

/* Asking whether it is connected makes the socket see a loss that its sending alone would overlook.
 */
static bool send_to(struct ask *ask, struct instance *instance, int64_t now_us)
{
    if (!instance_is_connected(instance))
        return false;
    zmq_msg_t header, payload;
    header_with_time(ask, now_us, &header);
    if (!bus_send_part(instance->socket, &header, ZMQ_SNDMORE)) {
        zmq_msg_close(&header);
        return false;
    }
    zmq_msg_init(&payload);
    zmq_msg_copy(&payload, &ask->payload);
    if (!bus_send_part(instance->socket, &payload, 0))
        zmq_msg_close(&payload);
    ask->instance = instance;
    ask->was_sent = true;
    instance->in_flight++;
    return true;
}

static void look_again(struct bus_client *client, struct ask *ask, int64_t now_us)
{
    ask->retry_at_us = now_us + LOOK_AGAIN_US;
    if (client->ticker->next_us > ask->retry_at_us)
        client->ticker->next_us = ask->retry_at_us;
}

static void send_ask(struct bus_client *client, struct ask *ask)
{
    struct peer *peer = ask->peer;
    int64_t now_us = clock_monotonic_us();
    for (size_t i = 0; i < peer->ninstances; i++) {
        size_t which = (peer->preferred + i) % peer->ninstances;
        if (send_to(ask, peer->instances[which], now_us)) {
            peer->preferred = which;
            return;
        }
    }
    scan_peer(peer, now_us);
    look_again(client, ask, now_us);
}

/* ---- answers ---- */

static struct ask *ask_of(struct bus_client *client, uint64_t request_id,
                          const struct instance *instance)
{
    uint32_t slot = (uint32_t)request_id;
    if (slot >= client->nasks)
        return NULL;
    struct ask *ask = &client->asks[slot];
    bool is_this = ask->is_live && ask->generation == (uint32_t)(request_id >> 32) &&
                   ask->instance == instance;
    return is_this ? ask : NULL;
}

static void try_next_instance(struct bus_client *client, struct ask *ask)
{
    struct peer *peer = ask->peer;
    size_t which = 0;
    while (which < peer->ninstances && peer->instances[which] != ask->instance)
        which++;
    detach(ask);
    ask->refusals++;
    if (peer->preferred == which)
        peer->preferred = (which + 1) % peer->ninstances;
    if (ask->refusals % peer->ninstances == 0) {
        peer->next_scan_us = 0;
        scan_peer(peer, clock_monotonic_us());
        look_again(client, ask, clock_monotonic_us());
    } else {
        send_ask(client, ask);
    }
}

static void receive_answer(struct instance *instance, zmq_msg_t *head, zmq_msg_t *payload)
{
    struct bus_client *client = instance->peer->client;
    uint64_t space[512];
    struct bus_scratch scratch;
    bus_scratch_init(&scratch, space, sizeof space);
    ReplyHeader *header = penstock__bus__v1__reply_header__unpack(
        &scratch.allocator, zmq_msg_size(head), zmq_msg_data(head));
    struct ask *ask = header == NULL ? NULL : ask_of(client, header->request_id, instance);
    if (ask == NULL)
        return; /* too late, or no reply at all */
    if (header->status == PENSTOCK__BUS__V1__STATUS__STATUS_NOT_LEADER) {
        try_next_instance(client, ask);
        return;
    }
    bool is_good = header->status == PENSTOCK__BUS__V1__STATUS__STATUS_OK;
    finish(client, ask, header, is_good ? zmq_msg_data(payload) : NULL,
           is_good ? zmq_msg_size(payload) : 0);
}

static bool receive_one(struct instance *instance)
{
    zmq_msg_t head, payload;
    zmq_msg_init(&head);
    zmq_msg_init(&payload);
    bool came = zmq_msg_recv(&head, instance->socket, ZMQ_DONTWAIT) >= 0;
    bool is_whole =
        came && zmq_msg_more(&head) && zmq_msg_recv(&payload, instance->socket, ZMQ_DONTWAIT) >= 0;
    while (came && is_whole && zmq_msg_more(&payload)) {
        is_whole = false;
        if (zmq_msg_recv(&payload, instance->socket, ZMQ_DONTWAIT) < 0)
            break;
    }
    if (is_whole)
        receive_answer(instance, &head, &payload);
    zmq_msg_close(&head);
    zmq_msg_close(&payload);
    return came;
}

static void instance_ready(void *context)
{
    struct instance *instance = context;
    for (int i = 0; i < REPLIES_PER_ROUND && receive_one(instance); i++)
        continue;
}

/* ---- time ---- */

/* What was sent to an instance that is gone: whoever gave the command an identity may have it sent
 * again, since the identity tells; for the rest nobody knows what became of it. */
static void bury(struct bus_client *client, const struct instance *instance, int64_t now_us)
{
    for (uint32_t i = 0; i < client->nasks; i++) {
        struct ask *ask = &client->asks[i];
        if (!ask->is_live || ask->instance != instance)
            continue;
        if (ask->is_repeatable) {
            detach(ask);
            look_again(client, ask, now_us);
        } else {
            finish_without_answer(client, ask, STATUS_UNAVAILABLE);
        }
    }
}

/* What came before the connection was lost counts. */
static void monitor_ready(void *context)
{
    struct instance *instance = context;
    bool was_lost = false;
    for (zmq_msg_t part; zmq_msg_init(&part) == 0; zmq_msg_close(&part)) {
        if (zmq_msg_recv(&part, instance->monitor, ZMQ_DONTWAIT) < 0) {
            zmq_msg_close(&part);
            break;
        }
        uint16_t what = 0;
        if (zmq_msg_more(&part) && zmq_msg_size(&part) >= sizeof what)
            memcpy(&what, zmq_msg_data(&part), sizeof what);
        was_lost |= what == ZMQ_EVENT_DISCONNECTED;
    }
    if (!was_lost)
        return;
    instance_ready(instance);
    bury(instance->peer->client, instance, clock_monotonic_us());
}

static int64_t client_tick(void *context, int64_t now_us)
{
    struct bus_client *client = context;
    if (client->in_flight == 0)
        return INT64_MAX;
    for (uint32_t i = 0; i < client->nasks; i++) {
        struct ask *ask = &client->asks[i];
        if (!ask->is_live)
            continue;
        if (ask->deadline_us <= now_us)
            finish_without_answer(client, ask,
                                  ask->was_sent ? STATUS_DEADLINE : STATUS_UNAVAILABLE);
        else if (ask->instance == NULL && ask->retry_at_us <= now_us)
            send_ask(client, ask);
    }
    return now_us + LOOK_AGAIN_US;
}

/* ---- asking ---- */

static void client_close(void *object)
{
    struct bus_client *client = object;
    for (uint32_t i = 0; i < client->nasks; i++)
        if (client->asks[i].is_live) {
            zmq_msg_close(&client->asks[i].header);
            zmq_msg_close(&client->asks[i].payload);
        }
    for (size_t p = 0; p < client->npeers; p++) {
        for (size_t i = 0; i < client->peers[p]->ninstances; i++)
            instance_close(client->peers[p]->instances[i]);
        free(client->peers[p]);
    }
    free(client->asks);
    free(client);
}

struct bus_client *bus_client_open(struct bus_loop *loop, int credit)
{
    struct bus_client *client = calloc(1, sizeof *client);
    assert(client != NULL);
    client->loop = loop;
    client->bus = loop_bus(loop);
    client->credit = credit;
    client->first_free = NO_SLOT;
    client->ticker = loop_tick(loop, client_tick, client);
    loop_own(loop, client_close, client);
    return client;
}

static void start_ask(struct bus_client *client, struct peer *peer, struct ask *ask,
                      RequestHeader *header, int timeout_ms, bus_reply_fn *fn, void *context)
{
    ask->is_live = true;
    ask->was_sent = false;
    ask->is_repeatable = header->command_id[0] != '\0';
    ask->peer = peer;
    ask->instance = NULL;
    ask->deadline_us = clock_monotonic_us() + (int64_t)timeout_ms * 1000;
    ask->retry_at_us = 0;
    ask->refusals = 0;
    ask->fn = fn;
    ask->context = context;
    header->request_id = (uint64_t)ask->generation << 32 | (uint32_t)(ask - client->asks);
    header->remaining_ms = 0;
    int failed =
        zmq_msg_init_size(&ask->header, penstock__bus__v1__request_header__get_packed_size(header));
    assert(failed == 0);
    penstock__bus__v1__request_header__pack(header, zmq_msg_data(&ask->header));
    peer->in_flight++;
    int64_t first_look_us = clock_monotonic_us() + LOOK_AGAIN_US;
    if (client->ticker->next_us > first_look_us)
        client->ticker->next_us = first_look_us;
    send_ask(client, ask);
}

enum status bus_ask(struct bus_client *client, const char *service, RequestHeader *header,
                    const uint8_t *payload, size_t payload_bytes, int timeout_ms, bus_reply_fn *fn,
                    void *context)
{
    struct peer *peer = peer_of(client, service);
    if (peer->in_flight >= client->credit)
        return STATUS_UNAVAILABLE;
    struct ask *ask = take_slot(client);
    int failed = zmq_msg_init_size(&ask->payload, payload_bytes);
    assert(failed == 0);
    if (payload_bytes > 0)
        memcpy(zmq_msg_data(&ask->payload), payload, payload_bytes);
    start_ask(client, peer, ask, header, timeout_ms, fn, context);
    return STATUS_OK;
}

enum status bus_ask_message(struct bus_client *client, const char *service, RequestHeader *header,
                            const ProtobufCMessage *message, int timeout_ms, bus_reply_fn *fn,
                            void *context)
{
    struct peer *peer = peer_of(client, service);
    if (peer->in_flight >= client->credit)
        return STATUS_UNAVAILABLE;
    struct ask *ask = take_slot(client);
    int failed = zmq_msg_init_size(&ask->payload, protobuf_c_message_get_packed_size(message));
    assert(failed == 0);
    protobuf_c_message_pack(message, zmq_msg_data(&ask->payload));
    start_ask(client, peer, ask, header, timeout_ms, fn, context);
    return STATUS_OK;
}

struct bus_loop *bus_client_loop(struct bus_client *client)
{
    return client->loop;
}
