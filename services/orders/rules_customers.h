/* rules_customers.h -- who is whom.
 *
 * Pure functions, as in rules.h: a telephone number's one way of being written, by what an order's
 * customer is known, and what may be said of a customer.
 *
 * Ownership: results live in the given arena or where their arguments do.
 */
#pragma once

#include "common/arena.h"
#include "customers.h"
#include "rules.h"

typedef Penstock__Orders__V1__CustomerProfile CustomerProfile;

/* E.164 when the number says its country or country does (ISO 3166-1 alpha-2, "" unknown); else its
 * digits. "" when there are fewer than five. */
const char *rules_phone(const char *phone, const char *country, struct arena *arena);
/* In lower case; "" when it is no address. */
const char *rules_email(const char *email, struct arena *arena);
/* How the customer of an order is known, the surest first; returns how many, at most
 * CUSTOMER_MAX_CONTACTS. */
size_t rules_contacts(const struct customer_facts *facts, struct arena *arena,
                      struct contact contacts[CUSTOMER_MAX_CONTACTS]);
/* Of a customer's own row. */
size_t rules_customer_contacts(const struct customer *customer, struct arena *arena,
                               struct contact contacts[CUSTOMER_MAX_CONTACTS]);

/* Name, e-mail, telephone, locale and note; at least one of the first three. */
bool rules_check_customer(const struct customer *customer, struct refusal *no);
/* One a line; NULL: refused. */
const char *rules_tags(char *const *tags, size_t count, struct arena *arena, struct refusal *no);
/* Takes out of an order whatever says who it was for (rules_erase.c). Money and quantities stay. */
void rules_erase_order(struct order *order, const struct act *act);
/* Whether one can be merged into the other. */
bool rules_merge(const struct customer *into, const struct customer *other, struct refusal *no);
