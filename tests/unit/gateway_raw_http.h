/* gateway_raw_http.h -- HTTP as bytes on a socket, so that a test can say what no client would.
 *
 * Included by one test program each; everything is static.
 */
#pragma once

#include <arpa/inet.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RAW_ANSWER_BYTES 65536
/* Longer silence means that there is no more to come. */
#define RAW_SILENCE_MS 250

static struct {
    int port;
    char answer[RAW_ANSWER_BYTES]; /* what came last, head and all */
    bool is_closed;                /* and whether the other side closed then */
} raw;

static inline int raw_dial(int port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd, (struct sockaddr *)&at, sizeof at) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static inline void raw_say(int fd, const char *bytes, size_t count)
{
    while (count > 0) {
        ssize_t sent = send(fd, bytes, count, MSG_NOSIGNAL);
        if (sent <= 0)
            return;
        bytes += sent;
        count -= (size_t)sent;
    }
}

/* What comes until the other side closes or is silent for so long. */
static inline void raw_hear(int fd, int silence_ms)
{
    size_t bytes = 0;
    struct pollfd watched = {fd, POLLIN, 0};
    raw.is_closed = false;
    while (bytes < RAW_ANSWER_BYTES - 1 && poll(&watched, 1, silence_ms) == 1) {
        ssize_t got = recv(fd, raw.answer + bytes, RAW_ANSWER_BYTES - 1 - bytes, 0);
        if (got <= 0) {
            raw.is_closed = true;
            break;
        }
        bytes += (size_t)got;
    }
    raw.answer[bytes] = '\0';
}

/* Of what came last; 0 when it is no answer. */
static inline int raw_status(void)
{
    return strncmp(raw.answer, "HTTP/1.", 7) == 0 ? atoi(raw.answer + 9) : 0;
}

/* Sends and hears; the status of the first answer. */
static inline int raw_exchange(const char *bytes, size_t count)
{
    int fd = raw_dial(raw.port);
    if (fd < 0)
        return 0;
    raw_say(fd, bytes, count);
    raw_hear(fd, RAW_SILENCE_MS);
    close(fd);
    return raw_status();
}
