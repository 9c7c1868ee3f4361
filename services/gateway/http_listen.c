/* The sockets: which addresses, which port. */
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "services/gateway/http_internal.h"

#define BACKLOG 1024
#define ADDRESS_BYTES 128

/* "127.0.0.1:8080", "[::1]:8080", ":8080" (every address). */
static struct addrinfo *resolve(const char *text)
{
    char host[ADDRESS_BYTES];
    const char *colon = strrchr(text, ':');
    if (colon == NULL || colon[1] == '\0' || strlen(text) >= sizeof host)
        return NULL;
    size_t bytes = (size_t)(colon - text);
    bool is_bracketed = text[0] == '[' && bytes > 1 && text[bytes - 1] == ']';
    memcpy(host, text + is_bracketed, bytes - (is_bracketed ? 2 : 0));
    host[bytes - (is_bracketed ? 2 : 0)] = '\0';
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE | AI_NUMERICSERV | AI_NUMERICHOST};
    struct addrinfo *found = NULL;
    if (strcmp(host, "localhost") == 0)
        snprintf(host, sizeof host, "127.0.0.1");
    if (getaddrinfo(host[0] != '\0' ? host : NULL, colon + 1, &hints, &found) != 0)
        return NULL;
    return found;
}

/* A socket bound there, or -1. With several threads the kernel shares out what comes, which it only
 * does between sockets that all say so. */
static int bind_socket(const struct addrinfo *at, bool is_shared)
{
    int fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int yes = 1;
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (is_shared)
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof yes);
    if (bind(fd, at->ai_addr, at->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0) {
        int cause = errno;
        close(fd);
        errno = cause;
        return -1;
    }
    return fd;
}

static int port_of(int fd)
{
    struct sockaddr_in6 at;
    socklen_t bytes = sizeof at;
    if (getsockname(fd, (struct sockaddr *)&at, &bytes) != 0)
        return 0;
    /* The port stands in the same place for both families. */
    return ntohs(at.sin6_port);
}

/* Shared sockets of two servers would both be let in: one that is not shared finds out who is
 * there. */
static bool is_taken(const struct addrinfo *at)
{
    int fd = bind_socket(at, false);
    if (fd < 0)
        return true;
    close(fd);
    return false;
}

static bool listen_at(struct http *http, struct addrinfo *at)
{
    bool is_shared = http->nthreads > 1;
    if (is_shared && ((struct sockaddr_in *)at->ai_addr)->sin_port != 0 && is_taken(at))
        return false;
    for (size_t i = 0; i < http->nthreads; i++) {
        struct http_thread *thread = &http->threads[i];
        int fd = bind_socket(at, is_shared);
        if (fd < 0)
            return false;
        thread->listeners[thread->nlisteners++].fd = fd;
        ((struct sockaddr_in *)at->ai_addr)->sin_port = htons((uint16_t)port_of(fd));
        if (http->port == 0)
            http->port = port_of(fd);
    }
    return true;
}

enum status http_listen(struct http *http, const char *addresses)
{
    char *copy = strdup(addresses), *rest = NULL;
    enum status status = STATUS_OK;
    assert(copy != NULL);
    for (char *one = strtok_r(copy, ", ", &rest); one != NULL && status == STATUS_OK;
         one = strtok_r(NULL, ", ", &rest)) {
        struct addrinfo *at = resolve(one);
        if (at == NULL || http->threads[0].nlisteners == HTTP_MAX_LISTENERS) {
            log_error("http_bad_address", "An address to listen on cannot be read",
                      LOG_TEXT("address", one));
            status = STATUS_INVALID;
        } else if (!listen_at(http, at)) {
            log_error("http_address_taken", "An address cannot be listened on",
                      LOG_TEXT("address", one), LOG_TEXT("cause", strerror(errno)));
            status = STATUS_UNAVAILABLE;
        }
        if (at != NULL)
            freeaddrinfo(at);
    }
    if (status == STATUS_OK && http->threads[0].nlisteners == 0) {
        log_error("http_bad_address", "There is no address to listen on");
        status = STATUS_INVALID;
    }
    free(copy);
    return status;
}

/* Written beside and moved into place, so that nobody reads half of it. */
static void write_file(const char *directory, const char *name, const char *text)
{
    char path[4096 + 64], beside[4096 + 80];
    if (snprintf(path, sizeof path, "%s/%s", directory, name) >= (int)sizeof path)
        return;
    snprintf(beside, sizeof beside, "%s.new", path);
    FILE *file = fopen(beside, "we");
    bool is_written = file != NULL && fputs(text, file) >= 0;
    if (file != NULL && fclose(file) != 0)
        is_written = false;
    if (!is_written || rename(beside, path) != 0)
        log_warn("http_address_untold", "The address could not be written to a file",
                 LOG_TEXT("path", path), LOG_TEXT("cause", strerror(errno)));
}

void http_write_address(const struct http *http, const char *directory)
{
    char text[ADDRESS_BYTES + 16], port[16];
    const char *first = http->conf->listen + strspn(http->conf->listen, ", ");
    int bytes = (int)strcspn(first, ", ");
    while (bytes > 0 && first[bytes] != ':')
        bytes--;
    snprintf(port, sizeof port, "%d\n", http->port);
    snprintf(text, sizeof text, "%.*s:%s", bytes, first, port);
    write_file(directory, "http.port", port);
    write_file(directory, "http.address", text);
}
