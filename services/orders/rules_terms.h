/* rules_terms.h -- texts as search sees them: what an order is found by, and whether it matches.
 *
 * A text's canonical form is its letters and digits and nothing between them, in lower case, full
 * width as half width: "+852 9123-4567" is "85291234567". A word matches a text when its canonical
 * form is part of the text's. To find such texts without reading all, each is cut into grams:
 * pairs where a character is not ASCII (Chinese is found from two characters), runs of four digits,
 * and runs of three other letters or digits. Every gram of a part is a gram of the whole, so the
 * orders that have all grams of a word are a superset of those that match it.
 *
 * Pure. Ownership: what is made lives in the given arena.
 * Limits: a text's first TERMS_MAX_TEXT characters.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"

#define TERMS_MAX_TEXT 512

/* Never NULL; "" when nothing is left. */
char *terms_canonical(struct arena *arena, const char *text);
/* Room for the grams of a text of this many bytes. */
#define TERMS_MAX_GRAMS(bytes_) ((bytes_) < TERMS_MAX_TEXT ? (bytes_) : (size_t)TERMS_MAX_TEXT)
/* The grams of a canonical text, one for each place in it, hashed to 32 bits; how many. Two that
 * share a hash cost a look at the order, and no more. */
size_t terms_grams(const char *canonical, uint32_t *grams);
