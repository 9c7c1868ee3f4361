/* http.h -- a few plain HTTP requests to the gateway of a home, for commands that must see what a
 * client sees.
 *
 * IPv4 addresses only, one request a connection, no body read: what counts is the status.
 */
#pragma once

#include <stdbool.h>

/* The status of one request; 0 when it could not be sent. headers are whole lines, each with its
 * CRLF. */
int http_status(const char *address, const char *method, const char *path, const char *headers,
                const char *body);
/* Repeats a request without body until it is answered otherwise than not_yet, for up to five
 * seconds: a key or a channel that was made a moment ago is known to every HTTP thread within one.
 */
bool http_await(const char *address, const char *method, const char *path, const char *headers,
                int not_yet);
