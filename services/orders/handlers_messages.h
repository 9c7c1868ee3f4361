/* handlers_messages.h -- what the handlers of messages, threads and the customer's page share.
 *
 * Notes share nothing with them: handlers_notes.c.
 */
#pragma once

#include "handlers.h"
#include "rules_messages.h"
#include "store_messages.h"

/* Of a thread, as many as are looked at or shown at once. */
#define MESSAGES_SHOWN 100

typedef Penstock__Orders__V1__ThreadMessage ThreadMessage;
typedef Penstock__Orders__V1__Thread Thread;

ThreadMessage *view_message(struct arena *arena, const struct thread_message *message);
/* What of a limit is asked for: 0 means 50; false when it is out of range, and refused. */
bool page_limit(struct call *call, int32_t asked, int64_t *limit);
/* A cursor that is an id; nil for "". False when it is none, and refused. */
bool page_cursor(struct call *call, const char *cursor, struct uuid *id);
/* Writes a message of the order, with its place in the timeline and its event. */
enum status write_message(struct call *call, struct order *order, enum direction direction,
                          const char *body, struct thread_message *message) MUST_CHECK;
