/* status.h -- what a fallible function returns.
 *
 * Three kinds, never mixed. A bug is an assert(). A refusal (INVALID to TOO_MANY) is an answer:
 * nothing is written and the caller is told why. Trouble (UNAVAILABLE and after) is nobody's wish:
 * the skeleton retries it or answers "unavailable".
 */
#pragma once

#define STATUS_LIST(X)                                                                             \
    X(OK, 1)                                                                                       \
    X(INVALID, 2)         /* 400: the request is malformed; the field says where */                \
    X(UNAUTHENTICATED, 3) /* 401 */                                                                \
    X(FORBIDDEN, 4)       /* 403 */                                                                \
    X(NOT_FOUND, 5)       /* 404 */                                                                \
    X(CONFLICT, 6)        /* 409: refused by a rule, in the state that things are in */            \
    X(STALE, 7)           /* 412: the version named is not the current one */                      \
    X(TOO_LARGE, 8)       /* 413 */                                                                \
    X(TOO_MANY, 9)        /* 429 */                                                                \
    X(UNAVAILABLE, 10)    /* 503: try again later */                                               \
    X(DEADLINE, 11)       /* 504: the caller's time ran out */                                     \
    X(NOT_LEADER, 12)     /* another instance writes; the bus tries the next */                    \
    X(INTERNAL, 13)       /* 500: a fault of ours, logged where it was found */                    \
    X(RETRY, 14)          /* local: the database asks for another go (40001, 40P01, 55P03, ...) */ \
    X(UNKNOWN, 15)        /* local: the connection died at COMMIT; the identity will tell */       \
    X(LATER, 16)          /* local: cannot be decided on what is known yet, see call_later() */

enum status {
#define X(name, number) STATUS_##name = number,
    STATUS_LIST(X)
#undef X
};

/* "OK", "INVALID", ...; never NULL. */
const char *status_name(enum status status);

#define MUST_CHECK __attribute__((warn_unused_result))

/* Return early with what went wrong. */
#define TRY(expression)                                                                            \
    do {                                                                                           \
        enum status try_status_ = (expression);                                                    \
        if (try_status_ != STATUS_OK)                                                              \
            return try_status_;                                                                    \
    } while (0)
