/* rules_link.h -- what lets a customer see the own order: signed links and one-time codes.
 *
 * A link's token says which order, at which version of its links, and until when; it is signed with
 * the shop's secret, so nothing of it is stored, and raising an order's version ends all of its
 * links. A one-time code is derived from its id in the same way.
 *
 * Pure: the secret, ids and times are arguments.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/id.h"

#define LINK_SECRET_BYTES 32
#define LINK_TOKEN_BYTES 55 /* the text, with its NUL */
#define LINK_CODE_DIGITS 6

struct link {
    struct uuid order_id;
    int32_t version;
    int64_t expires_at_us; /* whole seconds */
};
char *rules_link_token(const uint8_t secret[LINK_SECRET_BYTES], const struct link *link,
                       char token[LINK_TOKEN_BYTES]);
/* False when it is not one of ours or has expired. Whether its version still holds is not known
 * here. */
bool rules_link_read(const uint8_t secret[LINK_SECRET_BYTES], const char *token, int64_t now_us,
                     struct link *link);

char *rules_code_text(const uint8_t secret[LINK_SECRET_BYTES], const struct uuid *code_id,
                      char code[LINK_CODE_DIGITS + 1]);
/* In a time that does not depend on how much of it is right. Blanks in what was typed do not count.
 */
bool rules_code_matches(const uint8_t secret[LINK_SECRET_BYTES], const struct uuid *code_id,
                        const char *typed);

/* ---- asking for an order by its number and a telephone number ---- */

/* The same for the ways in which people write them: case and blanks do not count, and of a
 * telephone number the last eight digits do. */
struct uuid rules_lookup_key(const char *number, const char *phone);
/* False for fewer than seven digits: too few to be anybody's. */
bool rules_phones_match(const char *a, const char *b);

/* How often was asked, whether or not there is such an order. */
struct lookup {
    struct uuid key;
    int64_t window_at_us;
    int32_t requests, tries;
    int64_t code_at_us;
    struct uuid code_id, order_id; /* nil: there is no code */
};
#define LOOKUP_WINDOW_US (INT64_C(3600) * 1000000)
#define LOOKUP_CODE_US (INT64_C(900) * 1000000)
#define LOOKUP_MAX_REQUESTS 5
#define LOOKUP_MAX_TRIES 5
/* Counts a request; true when a code may be made: five an hour. */
bool rules_lookup_request(struct lookup *lookup, int64_t now_us);
/* Counts a try; true when the code is still good: five tries within fifteen minutes. */
bool rules_lookup_try(struct lookup *lookup, int64_t now_us);
bool rules_lookup_code_is_good(const struct lookup *lookup, int64_t now_us);
