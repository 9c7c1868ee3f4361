#include "common/bus_internal.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "common/id.h"
#include "common/log.h"

/* A header unpacks into the request itself; a larger one gets a block of its own, and one that does
 * not fit there either is malformed. */
#define HEADER_ROOM 1536
#define HEADER_ROOM_LARGE 32768
#define ROUTING_ID_BYTES 256
/* One peer's flood must not starve timers and channels. */
#define REQUESTS_PER_ROUND 512
#define FREE_REQUESTS 512

struct listener {
    struct bus_server *server;
    void *socket;
};
struct request {
    struct bus_request public;
    struct listener *listener;
    zmq_msg_t payload;
    size_t id_bytes;
    uint8_t id[ROUTING_ID_BYTES];
    uint8_t *large; /* NULL: the header fits into header_room */
    struct request *next_free;
    _Alignas(8) uint8_t header_room[HEADER_ROOM];
};
struct bus_server {
    struct bus *bus;
    bus_request_fn *fn;
    void *context;
    struct listener ipc, tcp;
    struct request *free_requests;
    size_t nfree;
    _Atomic int64_t refused_replies, malformed;
};

/* ---- requests in ---- */

static struct request *take_request(struct bus_server *server)
{
    struct request *request = server->free_requests;
    if (request != NULL) {
        server->free_requests = request->next_free;
        server->nfree--;
    } else {
        request = malloc(sizeof *request);
        assert(request != NULL);
    }
    request->public = (struct bus_request){0};
    request->large = NULL;
    zmq_msg_init(&request->payload);
    return request;
}

static void give_request(struct bus_server *server, struct request *request)
{
    zmq_msg_close(&request->payload);
    free(request->large);
    if (server->nfree == FREE_REQUESTS) {
        free(request);
        return;
    }
    request->next_free = server->free_requests;
    server->free_requests = request;
    server->nfree++;
}

static RequestHeader *unpack_header(struct request *request, const uint8_t *bytes, size_t count)
{
    struct bus_scratch scratch;
    bus_scratch_init(&scratch, request->header_room, HEADER_ROOM);
    RequestHeader *header =
        penstock__bus__v1__request_header__unpack(&scratch.allocator, count, bytes);
    if (header != NULL || count > HEADER_ROOM_LARGE / 8)
        return header;
    request->large = malloc(HEADER_ROOM_LARGE);
    assert(request->large != NULL);
    bus_scratch_init(&scratch, request->large, HEADER_ROOM_LARGE);
    return penstock__bus__v1__request_header__unpack(&scratch.allocator, count, bytes);
}

/* Receives one part; false when there is none. */
static bool receive_part(void *socket, zmq_msg_t *part)
{
    int received;
    do
        received = zmq_msg_recv(part, socket, ZMQ_DONTWAIT);
    while (received < 0 && errno == EINTR);
    return received >= 0;
}

static void skip_rest(void *socket, zmq_msg_t *part)
{
    while (zmq_msg_more(part) && receive_part(socket, part))
        continue;
}

/* A message is an id, a header and a payload: anything else is counted and dropped. */
static bool receive_parts(void *socket, struct request *request, zmq_msg_t *header)
{
    zmq_msg_t id;
    zmq_msg_init(&id);
    bool is_whole = receive_part(socket, &id) && zmq_msg_more(&id) &&
                    receive_part(socket, header) && zmq_msg_more(header) &&
                    receive_part(socket, &request->payload);
    if (is_whole && zmq_msg_more(&request->payload)) {
        skip_rest(socket, &request->payload);
        is_whole = false;
    }
    request->id_bytes = zmq_msg_size(&id);
    if (request->id_bytes > sizeof request->id)
        is_whole = false;
    else
        memcpy(request->id, zmq_msg_data(&id), request->id_bytes);
    zmq_msg_close(&id);
    return is_whole;
}

static void listener_ready(void *context)
{
    struct listener *listener = context;
    struct bus_server *server = listener->server;
    for (int i = 0; i < REQUESTS_PER_ROUND; i++) {
        uint32_t events = 0;
        size_t size = sizeof events;
        if (zmq_getsockopt(listener->socket, ZMQ_EVENTS, &events, &size) != 0 ||
            (events & ZMQ_POLLIN) == 0)
            return;
        struct request *request = take_request(server);
        zmq_msg_t header;
        zmq_msg_init(&header);
        bool is_good = receive_parts(listener->socket, request, &header);
        if (is_good)
            request->public.header =
                unpack_header(request, zmq_msg_data(&header), zmq_msg_size(&header));
        zmq_msg_close(&header);
        if (request->public.header == NULL) {
            if (atomic_fetch_add(&server->malformed, 1) % 1000 == 0)
                log_warn("bus_malformed", "A message that is no request was dropped");
            give_request(server, request);
            continue;
        }
        request->listener = listener;
        request->public.payload = zmq_msg_data(&request->payload);
        request->public.payload_bytes = zmq_msg_size(&request->payload);
        request->public.deadline_us =
            clock_monotonic_us() + (int64_t)request->public.header->remaining_ms * 1000;
        server->fn(server->context, &request->public);
    }
}

/* ---- replies out ---- */

static void part_of(zmq_msg_t *part, const void *bytes, size_t count)
{
    int failed = zmq_msg_init_size(part, count);
    assert(failed == 0);
    if (count > 0)
        memcpy(zmq_msg_data(part), bytes, count);
}

static void part_of_message(zmq_msg_t *part, const ProtobufCMessage *message)
{
    int failed = zmq_msg_init_size(part, protobuf_c_message_get_packed_size(message));
    assert(failed == 0);
    protobuf_c_message_pack(message, zmq_msg_data(part));
}

/* The receiver would close the connection on a message beyond the limit, and everybody else's
 * replies with it. */
static void refuse_large(ReplyHeader *header, zmq_msg_t *payload)
{
    static char code[] = "answer_too_large", text[] = "The answer is too large; ask for less.";
    log_error("bus_reply_too_large", "A reply is larger than the bus carries",
              LOG_INT("bytes", zmq_msg_size(payload)));
    header->status = PENSTOCK__BUS__V1__STATUS__STATUS_TOO_LARGE;
    header->code = code;
    header->message = text;
    zmq_msg_close(payload);
    part_of(payload, NULL, 0);
}

/* EHOSTUNREACH: the caller has gone, and asks again if it still cares. EAGAIN: it is there and
 * takes no more, which credit makes impossible. */
static void send_reply(struct bus_server *server, struct request *request, ReplyHeader *header,
                       zmq_msg_t *payload)
{
    header->request_id = request->public.header->request_id;
    if (zmq_msg_size(payload) > BUS_MAX_MESSAGE_BYTES)
        refuse_large(header, payload);
    zmq_msg_t id, head;
    part_of(&id, request->id, request->id_bytes);
    part_of_message(&head, &header->base);
    void *socket = request->listener->socket;
    if (!bus_send_part(socket, &id, ZMQ_SNDMORE)) {
        if (errno != EHOSTUNREACH && atomic_fetch_add(&server->refused_replies, 1) == 0)
            log_error("bus_reply_refused", "A connected peer refused a reply",
                      LOG_INT("errno", errno));
        zmq_msg_close(&id);
        zmq_msg_close(&head);
        zmq_msg_close(payload);
    } else {
        if (!bus_send_part(socket, &head, ZMQ_SNDMORE))
            zmq_msg_close(&head);
        if (!bus_send_part(socket, payload, 0))
            zmq_msg_close(payload);
    }
    give_request(server, request);
}

void bus_server_reply(struct bus_server *server, struct bus_request **request, ReplyHeader *header,
                      const ProtobufCMessage *message)
{
    zmq_msg_t payload;
    if (message == NULL)
        part_of(&payload, NULL, 0);
    else
        part_of_message(&payload, message);
    send_reply(server, (struct request *)*request, header, &payload);
    *request = NULL;
}

void bus_server_reply_packed(struct bus_server *server, struct bus_request **request,
                             ReplyHeader *header, const uint8_t *packed, size_t bytes)
{
    zmq_msg_t payload;
    part_of(&payload, packed, bytes);
    send_reply(server, (struct request *)*request, header, &payload);
    *request = NULL;
}

int64_t bus_server_refused_replies(const struct bus_server *server)
{
    return atomic_load_explicit(&server->refused_replies, memory_order_relaxed);
}

/* ---- opening ---- */

/* Several instances of a service share the directory. The lock says which names are taken by the
 * living: a socket's file outlives its process, a lock does not. */
static int claim_name(const struct bus *bus, char path[BUS_ENDPOINT_BYTES])
{
    for (int n = 1; n <= BUS_MAX_INSTANCES; n++) {
        char lock[BUS_ENDPOINT_BYTES + 8];
        if (n == 1)
            snprintf(path, BUS_ENDPOINT_BYTES, "%s/%s.sock", bus->directory, bus->self);
        else
            snprintf(path, BUS_ENDPOINT_BYTES, "%s/%s.%d.sock", bus->directory, bus->self, n);
        snprintf(lock, sizeof lock, "%s.lock", path);
        int fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
            return fd;
        if (fd >= 0)
            close(fd);
    }
    return -1;
}

static enum status listen_ipc(struct bus_server *server)
{
    struct bus *bus = server->bus;
    char path[BUS_ENDPOINT_BYTES], endpoint[BUS_ENDPOINT_BYTES + 8];
    bus->lock_fd = claim_name(bus, path);
    if (bus->lock_fd < 0) {
        log_error("bus_no_name", "Every instance name of this service is taken",
                  LOG_TEXT("directory", bus->directory));
        return STATUS_UNAVAILABLE;
    }
    snprintf(endpoint, sizeof endpoint, "ipc://%s", path);
    server->ipc =
        (struct listener){server, bus_socket(bus, ZMQ_ROUTER, BUS_SOCKET_REQUESTS, false)};
    if (server->ipc.socket == NULL || zmq_bind(server->ipc.socket, endpoint) != 0) {
        log_error("bus_bind_failed", "A socket cannot be bound", LOG_TEXT("endpoint", endpoint),
                  LOG_INT("errno", errno));
        return STATUS_UNAVAILABLE;
    }
    return STATUS_OK;
}

static enum status listen_tcp(struct bus_server *server)
{
    struct bus *bus = server->bus;
    if (*bus->bind == '\0')
        return STATUS_OK;
    if (bus->security == NULL) {
        log_error("bus_tcp_without_keys", "bus_bind needs bus_secret_key_file and bus_allow_file");
        return STATUS_INVALID;
    }
    server->tcp = (struct listener){server, bus_socket(bus, ZMQ_ROUTER, BUS_SOCKET_REQUESTS, true)};
    assert(server->tcp.socket != NULL);
    bus_security_serve(bus->security, server->tcp.socket);
    char *list = strdup(bus->bind), *rest = NULL, bound[BUS_ENDPOINT_BYTES];
    enum status status = STATUS_OK;
    for (char *one = strtok_r(list, ", ", &rest); one != NULL && status == STATUS_OK;
         one = strtok_r(NULL, ", ", &rest)) {
        size_t size = sizeof bound;
        if (strncmp(one, "tcp://", 6) != 0 || zmq_bind(server->tcp.socket, one) != 0 ||
            zmq_getsockopt(server->tcp.socket, ZMQ_LAST_ENDPOINT, bound, &size) != 0) {
            log_error("bus_bind_failed", "A socket cannot be bound", LOG_TEXT("endpoint", one),
                      LOG_INT("errno", errno));
            status = STATUS_UNAVAILABLE;
        } else {
            status = bus_security_prove(bus, bound);
        }
    }
    free(list);
    return status;
}

static void server_close(void *object)
{
    struct bus_server *server = object;
    bus_socket_close(server->ipc.socket);
    bus_socket_close(server->tcp.socket);
    while (server->free_requests != NULL) {
        struct request *next = server->free_requests->next_free;
        free(server->free_requests);
        server->free_requests = next;
    }
    free(server);
}

enum status bus_server_open(struct bus_loop *loop, bus_request_fn *fn, void *context,
                            struct bus_server **out)
{
    struct bus_server *server = calloc(1, sizeof *server);
    assert(server != NULL);
    server->bus = loop_bus(loop);
    server->fn = fn;
    server->context = context;
    loop_own(loop, server_close, server);
    TRY(listen_ipc(server));
    loop_watch_socket(loop, server->ipc.socket, listener_ready, &server->ipc);
    TRY(listen_tcp(server));
    if (server->tcp.socket != NULL)
        loop_watch_socket(loop, server->tcp.socket, listener_ready, &server->tcp);
    *out = server;
    return STATUS_OK;
}
