/* customers.h -- a customer as this service thinks of them, and how they are known.
 *
 * A customer is a row of their own and points to the orders that are theirs; what an order says of
 * its customer stays with the order. Whoever was merged into another keeps what they have.
 *
 * Texts are never NULL in a customer that store loaded or rules made. Times are microseconds since
 * 1970 UTC, 0: never. Ownership: the arena of the call.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/id.h"

/* Stored: append only, never renumber. */
enum contact_kind { CONTACT_PHONE = 1, CONTACT_EMAIL = 2, CONTACT_CHANNEL = 3 };

struct contact {
    enum contact_kind kind;
    const char *value; /* +886912345678, tm@example.com, hk-store/7001 */
};
#define CUSTOMER_MAX_CONTACTS 4 /* that one order brings */

struct customer {
    struct uuid id;
    struct uuid merged_into; /* nil: nobody */
    const char *name, *email, *phone, *locale, *note;
    const char *tags; /* one a line */
    bool accepts_marketing;
    int64_t version;
    int64_t created_at_us, updated_at_us, consented_at_us;
    int64_t erasing_since_us, erased_at_us;
};

/* What an order says of its customer, for the projection. */
struct customer_facts {
    struct uuid order_id;
    int64_t placed_at_us, created_at_us;
    const char *channel, *country, *locale;
    const char *customer_id, *external_id, *name, *email, *phone;
    struct uuid linked_to; /* nil: nobody yet */
};

#define CUSTOMER_MAX_TAGS 50
#define CUSTOMER_MAX_ADDRESSES 50
#define CUSTOMER_MAX_FAMILY 100 /* merged into one */
