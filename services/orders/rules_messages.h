/* rules_messages.h -- what may be written to whom, and what is shown of a person to who has a link.
 *
 * Pure; texts are made in the arena given.
 */
#pragma once

#include "rules.h"

#define MESSAGE_MAX_CHARACTERS 4000
#define CUSTOMER_MESSAGE_MAX_CHARACTERS 2000
#define CUSTOMER_MESSAGES_AN_HOUR 20
#define CANNED_MAX_CHARACTERS 4000
#define NOTE_MAX_MENTIONS 20

/* What people write: lines of text, and something in them. */
bool rules_check_body(const char *body, size_t max_characters, struct refusal *no,
                      const char *field);
/* Whom a thread is assigned to, or a note calls: "user:...", "role:...", "key:...". */
bool rules_check_person(const char *person, struct refusal *no, const char *field);

/* "陳**", "J***": the first character and no hint how many follow; "" for "". */
char *rules_mask_name(struct arena *arena, const char *name);
/* "••••4567": the last four digits, of a number that has more than seven. */
char *rules_mask_phone(struct arena *arena, const char *phone);
/* "t***@example.com" */
char *rules_mask_email(struct arena *arena, const char *email);
/* Country, region, city and district as they are, of the street the beginning. */
Address *rules_mask_address(struct arena *arena, const Address *address);

/* A pattern of ILIKE for texts that contain this. */
char *rules_contains_pattern(struct arena *arena, const char *text);
