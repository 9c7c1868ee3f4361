/* rules_risk.h -- what of an order gives cause to look twice: contacts, addresses, people not
 * trusted, orders that look alike.
 *
 * Pure, as rules.h. A check that fails holds an order and never refuses it: the customer has
 * bought.
 */
#pragma once

#include "rules.h"

/* What a rule looks at. Texts are never NULL. */
struct risk_facts {
    const char *phone, *email;
    const Address *address; /* NULL: none */
    const Penstock__Orders__V1__Delivery *delivery;
    bool has_goods; /* something that a parcel is needed for */
};

/* Why the check fails, in a sentence without the customer's own words; NULL: it does not. */
const char *rules_risk_contact(const struct risk_facts *facts);
const char *rules_risk_phone(const struct risk_facts *facts);
const char *rules_risk_postcode(const struct risk_facts *facts);
const char *rules_risk_store(const struct risk_facts *facts);

/* ---- the blacklist: by what a value comes to, hashed ---- */

enum blacklist_kind { BLACKLIST_PHONE = 1, BLACKLIST_EMAIL = 2, BLACKLIST_ADDRESS = 3 };
/* The nil uuid when the value comes to nothing. A telephone number counts by its last eight digits,
 * an e-mail without its case, an address without blanks and punctuation. */
struct uuid rules_blacklist_key(enum blacklist_kind kind, const char *value, struct arena *arena);
/* keys: sorted by uuid_compare(). */
bool rules_is_blacklisted(const struct uuid *keys, size_t count, const struct risk_facts *facts,
                          struct arena *arena);

/* ---- orders that look alike ---- */

/* True when both have the same SKUs in the same quantities. */
bool rules_lines_are_alike(const struct order *a, const struct order *b);
