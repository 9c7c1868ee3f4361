#include "cli/http.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/id.h"

#define REQUEST_BYTES 16384
#define AWAIT_US INT64_C(5000000)
#define AGAIN_US 50000
#define STATUS_AT 9 /* in "HTTP/1.1 200" */

static bool parse_address(const char *address, struct sockaddr_in *to)
{
    char host[64];
    const char *colon = strrchr(address, ':');
    if (colon == NULL)
        return false;
    snprintf(host, sizeof(host), "%.*s", (int)(colon - address), address);
    *to = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(colon + 1))};
    return inet_pton(AF_INET, strcmp(host, "0.0.0.0") == 0 ? "127.0.0.1" : host, &to->sin_addr) ==
           1;
}

static bool send_all(int fd, const char *bytes, size_t count)
{
    while (count > 0) {
        ssize_t sent = send(fd, bytes, count, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        bytes += sent;
        count -= (size_t)sent;
    }
    return true;
}

int http_status(const char *address, const char *method, const char *path, const char *headers,
                const char *body)
{
    char request[REQUEST_BYTES], answer[32] = "";
    struct sockaddr_in to;
    if (!parse_address(address, &to))
        return 0;
    int n = snprintf(request, sizeof(request),
                     "%s %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\n"
                     "Connection: close\r\n%sContent-Length: %zu\r\n\r\n%s",
                     method, path, address, headers, strlen(body), body);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool is_answered = fd >= 0 && n > 0 && n < REQUEST_BYTES &&
                       connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 &&
                       send_all(fd, request, (size_t)n) &&
                       recv(fd, answer, sizeof(answer) - 1, MSG_WAITALL) > STATUS_AT;
    if (fd >= 0)
        close(fd);
    return is_answered ? atoi(answer + STATUS_AT) : 0;
}

bool http_await(const char *address, const char *method, const char *path, const char *headers,
                int not_yet)
{
    int64_t until = clock_monotonic_us() + AWAIT_US;
    for (;;) {
        int status = http_status(address, method, path, headers, "");
        if (status != 0 && status != not_yet)
            return true;
        if (clock_monotonic_us() > until)
            return false;
        usleep(AGAIN_US);
    }
}
