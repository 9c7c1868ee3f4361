/* signin.h -- signing in and out, and changing one's own password, beside the HTTP threads.
 *
 * Checking a password takes 64 MiB and some 75 ms on purpose. Two threads do nothing else; a third
 * keeps the queue before them, counts who fails, and writes sessions on a connection of its own: no
 * event, no leader, any instance may (unique keys decide). Whoever comes to a full queue is sent
 * away at once, so that signing in cannot be used to take the machine's time or memory. An address
 * that nobody has costs the same time as a wrong password.
 *
 * Failures are counted per account and address, and, unless that account has signed in from that
 * address before, per address and per account: so nobody is locked out by others' guesses; the
 * counts are this process's own and go with it.
 *
 * Ownership: an attempt and its texts live in the HTTP request's arena until it has come back
 * through the channel. Limits: 32 attempts wait.
 */
#pragma once

#include <stdint.h>

#include "common/bus.h"
#include "common/service.h"
#include "services/gateway/address.h"
#include "services/gateway/password.h"
#include "services/gateway/snapshot.h"

enum signin_kind { SIGNIN_BEGIN, SIGNIN_END, SIGNIN_PASSWORD };
enum signin_result {
    SIGNIN_OK,
    SIGNIN_WRONG,       /* no such account, disabled, or not its password */
    SIGNIN_WEAK,        /* the new password is refused: why says it */
    SIGNIN_PAUSE,       /* too many failures: wait_ms */
    SIGNIN_BUSY,        /* too many are signing in */
    SIGNIN_UNAVAILABLE, /* the database is away */
};

struct signin_attempt {
    enum signin_kind kind;
    const char *email; /* BEGIN */
    const char *password, *new_password;
    struct address client;
    struct uuid person_id;            /* END, PASSWORD */
    bool has_session;                 /* hash is that of the session that it came with */
    uint8_t hash[SESSION_HASH_BYTES]; /* BEGIN: it ends; END: this one; PASSWORD: this one stays */
    /* The answer. */
    enum signin_result result;
    const char *why;
    int64_t wait_ms;
    char token[SESSION_TOKEN_BYTES];
    struct session session; /* its texts in the arena */
    struct arena *arena;
    void *waiter; /* the HTTP thread's */
    void *own;    /* the sign-in thread's */
};

struct signin;

/* Starts the threads and binds a bus_channel for each HTTP thread; attempts come back through it.
 */
enum status signin_open(const struct service *service, struct bus *bus, int http_threads,
                        struct signin **out) MUST_CHECK;
/* After answering what was handed in. The HTTP threads have closed by then. */
void signin_close(struct signin **signin);
/* The name of the bus_channel of HTTP thread n. */
#define SIGNIN_CHANNEL_NAME_BYTES 32
char *signin_channel_name(int http_thread, char buffer[SIGNIN_CHANNEL_NAME_BYTES]);
