/* audit.h -- who came in, who was refused what, who read about whom, who changed whose rights.
 *
 * What changes rights is noted by its handler in the same transaction, sign-ins by the sign-in
 * thread with the session. Refusals and readings are noted by the HTTP threads: the first of a kind
 * at once, its repetitions once a minute with their number, so that a program that reads ten
 * thousand orders a second costs a look into a table of its thread each time and a row a minute.
 * The audit thread stores what they note in batches. The gateway's leader chains all of it.
 *
 * Ownership: a note's texts are copied. Limits: 4,096 notes wait for the database; what comes
 * beyond is left out, counted and logged.
 */
#pragma once

#include <stdint.h>

#include "common/bus.h"
#include "common/service.h"

struct audit_note {
    int64_t at_us;
    const char *actor, *action, *route, *target, *address; /* never NULL */
    int64_t times;
};

/* ---- in a transaction: handlers and the sign-in thread ---- */

void audit_write(struct db *db, const struct audit_note *note);
/* By a handler: what its caller did to what. */
void audit_call(struct call *call, const char *action, const char *target);

/* ---- in an HTTP thread ---- */

struct audit;
struct audit_book;
struct audit_book *audit_book_open(struct audit *audit, struct bus_loop *loop, int http_thread);
/* Sends what is still counted, and frees. */
void audit_book_close(struct audit_book **book);
void audit_book_note(struct audit_book *book, const struct audit_note *note, int64_t now_us);
/* Sends what was counted in minutes that have passed. */
void audit_book_look(struct audit_book *book, int64_t now_us);

/* ---- the audit thread ---- */

enum status audit_open(const struct service *service, struct bus *bus, int http_threads,
                       struct audit **out) MUST_CHECK;
/* After storing what was noted. The HTTP threads have closed by then. */
void audit_close(struct audit **audit);
#define AUDIT_CHANNEL_NAME_BYTES 32
char *audit_channel_name(int http_thread, char buffer[AUDIT_CHANNEL_NAME_BYTES]);

/* ---- rows for the tables of main.c ---- */

handler_fn handle_list_audit;
#define AUDIT_ROUTES                                                                               \
    {.rpc = "ListAudit",                                                                           \
     .kind = ROUTE_QUERY,                                                                          \
     .handler = handle_list_audit,                                                                 \
     .permission = "audit:read"},

/* What is pending gets its place in the chain. */
enum status audit_chain(struct call *call);
#define AUDIT_TIMERS {.name = "audit_chain", .period_ms = 500, .fn = audit_chain},
