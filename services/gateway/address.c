#include "services/gateway/address.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define MAX_NETWORKS 64
#define MAX_ADDRESS_TEXT 64

struct networks {
    size_t count;
    struct {
        struct address address;
        int bits;
    } list[MAX_NETWORKS];
};

static void map_ipv4(const void *four, struct address *out)
{
    static const uint8_t prefix[12] = {[10] = 0xFF, [11] = 0xFF};
    memcpy(out->bytes, prefix, sizeof prefix);
    memcpy(out->bytes + sizeof prefix, four, 4);
}

bool address_parse(const char *text, struct address *out)
{
    struct in_addr four;
    if (inet_pton(AF_INET, text, &four) == 1) {
        map_ipv4(&four, out);
        return true;
    }
    return inet_pton(AF_INET6, text, out->bytes) == 1;
}

char *address_text(const struct address *address, char buffer[ADDRESS_TEXT_BYTES])
{
    static const uint8_t mapped[12] = {[10] = 0xFF, [11] = 0xFF};
    bool is_four = memcmp(address->bytes, mapped, sizeof mapped) == 0;
    inet_ntop(is_four ? AF_INET : AF_INET6, address->bytes + (is_four ? sizeof mapped : 0), buffer,
              ADDRESS_TEXT_BYTES);
    return buffer;
}

void address_of_socket(const struct sockaddr *from, struct address *out)
{
    *out = (struct address){{0}};
    if (from == NULL)
        return;
    if (from->sa_family == AF_INET) {
        struct sockaddr_in four;
        memcpy(&four, from, sizeof four);
        map_ipv4(&four.sin_addr, out);
    } else if (from->sa_family == AF_INET6) {
        struct sockaddr_in6 six;
        memcpy(&six, from, sizeof six);
        memcpy(out->bytes, &six.sin6_addr, sizeof out->bytes);
    }
}

/* "10.0.0.0/8" or an address alone. */
static bool add_network(struct networks *networks, char *text)
{
    if (networks->count == MAX_NETWORKS)
        return false;
    char *slash = strchr(text, '/'), *end = NULL;
    if (slash != NULL)
        *slash = '\0';
    struct address *address = &networks->list[networks->count].address;
    if (!address_parse(text, address))
        return false;
    bool is_ipv4 = strchr(text, ':') == NULL;
    long most = is_ipv4 ? 32 : 128, bits = most;
    if (slash != NULL) {
        bits = strtol(slash + 1, &end, 10);
        if (slash[1] < '0' || slash[1] > '9' || *end != '\0' || bits > most)
            return false;
    }
    networks->list[networks->count++].bits = (int)bits + (is_ipv4 ? 96 : 0);
    return true;
}

struct networks *networks_open(const char *list)
{
    struct networks *networks = calloc(1, sizeof *networks);
    char *copy = strdup(list), *rest = NULL;
    assert(networks != NULL && copy != NULL);
    bool is_good = true;
    for (char *one = strtok_r(copy, ", ", &rest); one != NULL && is_good;
         one = strtok_r(NULL, ", ", &rest))
        is_good = add_network(networks, one);
    free(copy);
    if (!is_good)
        networks_close(&networks);
    return networks;
}

void networks_close(struct networks **networks)
{
    free(*networks);
    *networks = NULL;
}

bool networks_contain(const struct networks *networks, const struct address *address)
{
    for (size_t i = 0; i < networks->count; i++) {
        const uint8_t *network = networks->list[i].address.bytes;
        size_t whole = (size_t)networks->list[i].bits / 8,
               rest = (size_t)networks->list[i].bits % 8;
        if (memcmp(network, address->bytes, whole) != 0)
            continue;
        if (rest == 0 || (network[whole] ^ address->bytes[whole]) >> (8 - rest) == 0)
            return true;
    }
    return false;
}

/* One entry of the header, blanks and a port taken off. */
static bool parse_entry(const char *from, size_t bytes, struct address *out)
{
    char text[MAX_ADDRESS_TEXT];
    while (bytes > 0 && (*from == ' ' || *from == '\t'))
        from++, bytes--;
    while (bytes > 0 && (from[bytes - 1] == ' ' || from[bytes - 1] == '\t'))
        bytes--;
    if (bytes == 0 || bytes >= sizeof text)
        return false;
    memcpy(text, from, bytes);
    text[bytes] = '\0';
    if (text[0] == '[') {
        char *close = strchr(text, ']');
        if (close == NULL)
            return false;
        *close = '\0';
        return address_parse(text + 1, out);
    }
    char *colon = strchr(text, ':');
    if (colon != NULL && strchr(colon + 1, ':') == NULL)
        *colon = '\0';
    return address_parse(text, out);
}

struct address address_of_client(const struct networks *trusted, const struct address *peer,
                                 const char *forwarded_for)
{
    struct address client = *peer;
    if (forwarded_for == NULL)
        return client;
    const char *end = forwarded_for + strlen(forwarded_for);
    while (networks_contain(trusted, &client) && end > forwarded_for) {
        const char *start = end;
        while (start > forwarded_for && start[-1] != ',')
            start--;
        if (!parse_entry(start, (size_t)(end - start), &client))
            break;
        end = start > forwarded_for ? start - 1 : forwarded_for;
    }
    return client;
}
