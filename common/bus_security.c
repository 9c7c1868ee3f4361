#include "common/bus_internal.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/log.h"

#define ZAP_ENDPOINT "inproc://zeromq.zap.01"
#define ZAP_DOMAIN "penstock"
#define MAX_ALLOWED 64
/* ZMQ_ZAP_ENFORCE_DOMAIN is still a draft option in 4.3.4's header; its number is stable. */
#define OPTION_ZAP_ENFORCE_DOMAIN 93

struct allowed {
    char service[64];
    char key[BUS_KEY_BYTES];
};
struct bus_security {
    struct bus *bus;
    char secret_key[BUS_KEY_BYTES], public_key[BUS_KEY_BYTES];
    struct allowed allowed[MAX_ALLOWED];
    size_t nallowed;
    pthread_t thread;
    void *stop; /* our end of the pair that ends the thread */
};

/* ---- files ---- */

static enum status read_secret_key(const char *path, char key[BUS_KEY_BYTES])
{
    struct stat found;
    FILE *file = fopen(path, "re");
    if (file == NULL || fstat(fileno(file), &found) != 0 || (found.st_mode & 0077) != 0) {
        log_error("bus_secret_key_file", "The key file must exist and belong to its owner alone",
                  LOG_TEXT("path", path));
        if (file != NULL)
            fclose(file);
        return STATUS_INVALID;
    }
    size_t read = fread(key, 1, BUS_KEY_BYTES - 1, file);
    fclose(file);
    key[read] = '\0';
    return read == BUS_KEY_BYTES - 1 ? STATUS_OK : STATUS_INVALID;
}

static enum status read_allowed(struct bus_security *security, const char *path)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        log_error("bus_allow_file", "The list of allowed keys cannot be read",
                  LOG_TEXT("path", path));
        return STATUS_INVALID;
    }
    char line[256];
    enum status status = STATUS_OK;
    while (status == STATUS_OK && fgets(line, sizeof line, file) != NULL) {
        if (line[0] == '#' || line[strspn(line, " \t\r\n")] == '\0')
            continue;
        struct allowed *allowed = &security->allowed[security->nallowed];
        if (security->nallowed == MAX_ALLOWED ||
            sscanf(line, "%63s %40s", allowed->service, allowed->key) != 2 ||
            strlen(allowed->key) != BUS_KEY_BYTES - 1) {
            log_error("bus_allow_file", "A line of the list of allowed keys is malformed",
                      LOG_TEXT("path", path));
            status = STATUS_INVALID;
        }
        security->nallowed++;
    }
    fclose(file);
    return status;
}

/* ---- ZAP: who gets in ---- */

static bool receive_text(void *socket, char *text, size_t room, bool *more)
{
    zmq_msg_t part;
    zmq_msg_init(&part);
    bool came = zmq_msg_recv(&part, socket, 0) >= 0;
    size_t size = came ? zmq_msg_size(&part) : 0;
    size_t kept = size < room ? size : room - 1;
    memcpy(text, zmq_msg_data(&part), kept);
    text[kept] = '\0';
    *more = came && zmq_msg_more(&part);
    zmq_msg_close(&part);
    return came;
}

static const char *allowed_service(const struct bus_security *security, const char *key)
{
    for (size_t i = 0; i < security->nallowed; i++)
        if (strcmp(security->allowed[i].key, key) == 0)
            return security->allowed[i].service;
    return NULL;
}

/* RFC 27: version, request id, domain, address, identity, mechanism, and for CURVE the public key.
 */
static void answer_zap(const struct bus_security *security, void *handler)
{
    char parts[7][256] = {{0}};
    bool more = true;
    for (int i = 0; more; i++)
        if (!receive_text(handler, parts[i < 7 ? i : 6], sizeof parts[0], &more))
            return;
    /* The key comes as 32 raw bytes: a NUL among them is no end of text, so it is taken from the
     * fixed buffer. */
    char key[BUS_KEY_BYTES] = "";
    const char *service = NULL;
    if (strcmp(parts[0], "1.0") == 0 && strcmp(parts[5], "CURVE") == 0 &&
        zmq_z85_encode(key, (const uint8_t *)parts[6], 32) != NULL)
        service = allowed_service(security, key);
    if (service == NULL)
        log_warn("bus_key_refused", "A connection with a key that is not allowed was refused",
                 LOG_TEXT("address", parts[3]));
    zmq_send(handler, "1.0", 3, ZMQ_SNDMORE);
    zmq_send(handler, parts[1], strlen(parts[1]), ZMQ_SNDMORE);
    zmq_send(handler, service != NULL ? "200" : "400", 3, ZMQ_SNDMORE);
    zmq_send(handler, "", 0, ZMQ_SNDMORE);
    zmq_send(handler, service != NULL ? service : "", service != NULL ? strlen(service) : 0,
             ZMQ_SNDMORE);
    zmq_send(handler, "", 0, 0);
}

struct zap_sockets {
    const struct bus_security *security;
    void *handler, *stop;
};

static void *zap_thread(void *argument)
{
    struct zap_sockets *sockets = argument;
    zmq_pollitem_t items[] = {{sockets->handler, 0, ZMQ_POLLIN, 0},
                              {sockets->stop, 0, ZMQ_POLLIN, 0}};
    while ((items[1].revents & ZMQ_POLLIN) == 0) {
        if (zmq_poll(items, 2, -1) < 0 && errno != EINTR)
            break;
        if ((items[0].revents & ZMQ_POLLIN) != 0)
            answer_zap(sockets->security, sockets->handler);
    }
    bus_socket_close(sockets->handler);
    bus_socket_close(sockets->stop);
    free(sockets);
    return NULL;
}

static void start_zap(struct bus_security *security)
{
    struct zap_sockets *sockets = calloc(1, sizeof *sockets);
    assert(sockets != NULL);
    void *zmq = security->bus->zmq;
    sockets->security = security;
    sockets->handler = zmq_socket(zmq, ZMQ_REP);
    sockets->stop = zmq_socket(zmq, ZMQ_PAIR);
    security->stop = zmq_socket(zmq, ZMQ_PAIR);
    assert(sockets->handler != NULL && sockets->stop != NULL && security->stop != NULL);
    int failed = zmq_bind(sockets->handler, ZAP_ENDPOINT);
    assert(failed == 0);
    failed = zmq_bind(sockets->stop, "inproc://zap.stop");
    assert(failed == 0);
    failed = zmq_connect(security->stop, "inproc://zap.stop");
    assert(failed == 0);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 256 * 1024);
    failed = pthread_create(&security->thread, &attributes, zap_thread, sockets);
    assert(failed == 0);
    pthread_attr_destroy(&attributes);
}

enum status bus_security_open(struct bus *bus, const struct bus_options *options,
                              struct bus_security **out)
{
    struct bus_security *security = calloc(1, sizeof *security);
    assert(security != NULL);
    security->bus = bus;
    enum status status = read_secret_key(options->curve_secret_key_file, security->secret_key);
    if (status == STATUS_OK && zmq_curve_public(security->public_key, security->secret_key) != 0) {
        log_error("bus_secret_key_file", "The secret key is not a CURVE key");
        status = STATUS_INVALID;
    }
    if (status == STATUS_OK)
        status = read_allowed(security, options->curve_allow_file);
    if (status != STATUS_OK) {
        free(security);
        return status;
    }
    start_zap(security);
    *out = security;
    return STATUS_OK;
}

void bus_security_close(struct bus_security **security)
{
    struct bus_security *it = *security;
    if (it == NULL)
        return;
    *security = NULL;
    zmq_send(it->stop, "", 0, 0);
    pthread_join(it->thread, NULL);
    bus_socket_close(it->stop);
    memset(it->secret_key, 0, sizeof it->secret_key);
    free(it);
}

void bus_security_serve(struct bus_security *security, void *socket)
{
    const int yes = 1;
    int failed = zmq_setsockopt(socket, ZMQ_CURVE_SERVER, &yes, sizeof yes);
    failed |= zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, security->secret_key, BUS_KEY_BYTES);
    failed |= zmq_setsockopt(socket, ZMQ_ZAP_DOMAIN, ZAP_DOMAIN, strlen(ZAP_DOMAIN));
    failed |= zmq_setsockopt(socket, OPTION_ZAP_ENFORCE_DOMAIN, &yes, sizeof yes);
    assert(failed == 0);
}

bool bus_security_connect(struct bus_security *security, void *socket, const char *service)
{
    const char *key = NULL;
    for (size_t i = 0; i < security->nallowed; i++)
        if (strcmp(security->allowed[i].service, service) == 0)
            key = security->allowed[i].key;
    if (key == NULL)
        return false;
    int failed = zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, key, BUS_KEY_BYTES);
    failed |= zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, security->public_key, BUS_KEY_BYTES);
    failed |= zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, security->secret_key, BUS_KEY_BYTES);
    return failed == 0;
}

/* ---- the self-test ---- */

/* Waits for what becomes of the handshake: true when the stranger was turned away. */
static bool is_turned_away(void *monitor)
{
    for (int tries = 0; tries < 20; tries++) {
        zmq_pollitem_t item = {monitor, 0, ZMQ_POLLIN, 0};
        if (zmq_poll(&item, 1, 250) <= 0)
            continue;
        zmq_msg_t event;
        zmq_msg_init(&event);
        uint16_t what = 0;
        if (zmq_msg_recv(&event, monitor, 0) >= (int)sizeof what)
            memcpy(&what, zmq_msg_data(&event), sizeof what);
        while (zmq_msg_more(&event) && zmq_msg_recv(&event, monitor, 0) >= 0)
            continue;
        zmq_msg_close(&event);
        if (what == ZMQ_EVENT_HANDSHAKE_SUCCEEDED)
            return false;
        if (what == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH)
            return true;
    }
    return false;
}

/* CURVE without a ZAP handler lets any key in, silently: so a stranger tries. */
enum status bus_security_prove(struct bus *bus, const char *endpoint)
{
    char public_key[BUS_KEY_BYTES], secret_key[BUS_KEY_BYTES];
    int failed = zmq_curve_keypair(public_key, secret_key);
    assert(failed == 0);
    void *stranger = bus_socket(bus, ZMQ_DEALER, BUS_SOCKET_CONTROL, true);
    void *monitor = bus_socket(bus, ZMQ_PAIR, BUS_SOCKET_CONTROL, false);
    assert(stranger != NULL && monitor != NULL);
    failed =
        zmq_setsockopt(stranger, ZMQ_CURVE_SERVERKEY, bus->security->public_key, BUS_KEY_BYTES);
    failed |= zmq_setsockopt(stranger, ZMQ_CURVE_PUBLICKEY, public_key, BUS_KEY_BYTES);
    failed |= zmq_setsockopt(stranger, ZMQ_CURVE_SECRETKEY, secret_key, BUS_KEY_BYTES);
    failed |= zmq_socket_monitor(stranger, "inproc://bus.prove",
                                 ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH);
    failed |= zmq_connect(monitor, "inproc://bus.prove");
    failed |= zmq_connect(stranger, endpoint);
    assert(failed == 0);
    bool is_safe = is_turned_away(monitor);
    zmq_socket_monitor(stranger, NULL, 0);
    bus_socket_close(monitor);
    bus_socket_close(stranger);
    if (!is_safe)
        log_error("bus_not_guarded", "A key that is not allowed got in: the bus does not start",
                  LOG_TEXT("endpoint", endpoint));
    return is_safe ? STATUS_OK : STATUS_FORBIDDEN;
}
