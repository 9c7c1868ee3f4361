/* views.h -- structs to the messages that leave: replies, decisions, levels.
 *
 * Ownership: everything is made in the arena.
 */
#pragma once

#include "rules.h"
#include "rules_order.h"
#include "store_book.h"
#include "store_catalog.h"
#include "store_quote.h"
#include "wire.h"

char *view_uuid(struct arena *arena, const struct uuid *id);
char *view_text(struct arena *arena, const char *text);

/* What was decided for some lines, and why. */
SourcingDecision *view_decision(struct arena *arena, const struct wants *wants,
                                const struct sourcing *sourcing, int64_t now_us);
/* A waiting line's: who is served is decided by age. */
SourcingDecision *view_fill(const struct desk *desk, const struct order *order,
                            const struct order_line *line, int64_t asked,
                            const struct moves *moves);
/* The lines of an answer to Reserve, from a decision. */
void view_held(const struct desk *desk, const SourcingDecision *decision, ReserveResponse *out);
/* Those of an answer that holds nothing. */
void view_refused(const struct desk *desk, const struct wants *wants,
                  const struct reserve_decision *decision, ReserveResponse *out);

Level *view_level(struct arena *arena, const struct level *level);
Level *view_level_row(struct arena *arena, const struct level_row *row);
Location *view_location(struct arena *arena, const struct location_row *row);
Item *view_item(struct arena *arena, const struct catalog_row *row);
/* Of one of the quoted items; NULL when it has none. */
Money *view_price(struct arena *arena, const struct quote_row *rows, size_t count, const char *sku);
Movement *view_movement(struct arena *arena, const struct movement_row *row);
Reservation *view_reservation(struct arena *arena, const struct uuid *id,
                              enum reservation_state state, int64_t expires_at_us,
                              const struct uuid *order_id, const SourcingDecision *decision);

/* "received" and so on; NULL for a number that is none. */
const char *view_cause(int32_t cause);
const char *view_reason(int32_t reason);
