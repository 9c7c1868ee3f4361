/* address.h -- who is on the other end: addresses, networks, and X-Forwarded-For from proxies that
 * are trusted to tell the truth.
 *
 * Pure. Ownership: networks_open() makes, networks_close() frees.
 * Limits: 64 networks.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/* An address as 16 bytes; IPv4 as ::ffff:a.b.c.d, so that both compare alike. */
struct address {
    uint8_t bytes[16];
};

struct networks;
/* "10.0.0.0/8, ::1"; NULL when it cannot be read. */
struct networks *networks_open(const char *list);
void networks_close(struct networks **networks);
bool networks_contain(const struct networks *networks, const struct address *address);

bool address_parse(const char *text, struct address *out);
/* As it is written; returns the buffer. */
#define ADDRESS_TEXT_BYTES 46
char *address_text(const struct address *address, char buffer[ADDRESS_TEXT_BYTES]);
void address_of_socket(const struct sockaddr *from, struct address *out);
/* The client: the peer, or when that is a trusted proxy the last in forwarded_for (NULL: none) that
 * is not one. */
struct address address_of_client(const struct networks *trusted, const struct address *peer,
                                 const char *forwarded_for);
