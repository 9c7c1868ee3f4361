/* handlers_customers.h -- what the handlers of customers share.
 *
 * Ownership: all of it lives in the call's arena.
 */
#pragma once

#include "handlers.h"
#include "rules_customers.h"
#include "store_customers.h"

#define PAGE_DEFAULT 50
#define PAGE_MAX 200
/* Below the bus's megabyte. */
#define PAGE_BYTES ((size_t)900 << 10)

/* By id, or refuses with not_found; field names the request's. */
enum status load_customer(struct call *call, const char *id, const char *field,
                          struct customer **customer) MUST_CHECK;
/* The row alone, as lists show it. */
CustomerProfile *view_customer_row(struct arena *arena, const struct customer *customer);
/* With addresses and history, as it is read alone. */
enum status view_customer_whole(struct call *call, const struct customer *customer,
                                CustomerProfile **view) MUST_CHECK;
/* A page of orders of these customers, newest first; after: a cursor, "" the first page. *next is
 * "" at the end. */
enum status view_customer_orders(struct call *call, const struct uuid *ids, size_t count,
                                 const char *after, const char *field, int64_t limit,
                                 Order ***orders, size_t *shown, char **next) MUST_CHECK;
/* One event for each change of a customer. */
enum status emit_customer_changed(struct call *call, const struct uuid *id, const char *change,
                                  const struct uuid *other) MUST_CHECK;
/* 1..200, or 50 for none; else refuses. */
enum status customers_limit(struct call *call, int32_t asked, int64_t *limit) MUST_CHECK;

/* Answers are kept without what says who it is, and rendered from the row as it is by then. */
void strip_customer(ProtobufCMessage *out, struct arena *arena);
enum status render_customer(struct call *call, const ProtobufCMessage *in, ProtobufCMessage *out);
