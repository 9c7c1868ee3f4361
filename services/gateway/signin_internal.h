/* signin_internal.h -- what the sign-in thread and its workers share. Private to signin*.c. */
#pragma once

#include <pthread.h>

#include "services/gateway/signin.h"

#define SIGNIN_WORKERS 2

/* What a worker is given: pure computing. */
struct signin_work {
    struct signin_attempt *attempt;
    char checked_hash[PASSWORD_HASH_BYTES]; /* the account's, or one that nothing fits */
    bool is_somebody;                       /* the account exists and is active */
    bool hashes_anew;                       /* in: a new password is wanted; out: new_hash is set */
    const char *new_password;               /* what to hash if the check is passed */
    bool is_right;
    char new_hash[PASSWORD_HASH_BYTES];
};

/* A thread that computes; work goes there and comes back through the channel, NULL ends it. */
struct signin_worker {
    struct bus *bus;
    int index;
    pthread_t thread;
};
void *signin_worker_run(void *worker);
#define SIGNIN_WORKER_NAME_BYTES 32
char *signin_worker_name(int index, char buffer[SIGNIN_WORKER_NAME_BYTES]);
