/* handlers.h -- what the handlers of inventory share, and which there are.
 *
 * Ownership: everything lives in the call's arena.
 */
#pragma once

#include "common/service.h"
#include "stock.h"
#include "views.h"
#include "wire.h"

#define PAGE_DEFAULT 50
#define PAGE_MAX 200

/* 1..200, or 50 for none; else refuses. */
enum status page_limit(struct call *call, int32_t asked, int64_t *limit);
/* Opaque text of the last row's key: parts that hold no control characters. */
char *cursor_text(struct arena *arena, const char *first, const char *second);
/* "" gives two empty parts; refuses what did not come from next_cursor. */
enum status cursor_parts(struct call *call, const char *cursor, const char **first,
                         const char **second);

/* Whether a text can be a SKU: 1 to 64 printable characters, no blank at either end. */
bool sku_is_valid(const char *sku);

/* Asked lines to wants; refuses what is malformed. lowest is the least quantity allowed. */
enum status lines_check(struct call *call, ReserveLine *const *lines, size_t count, int64_t lowest);
/* Their SKUs are to be in the book. */
void lines_note(struct desk *desk, ReserveLine *const *lines, size_t count);
struct wants lines_wants(const struct desk *desk, ReserveLine *const *lines, size_t count);

handler_fn create_location, update_location, list_locations;
handler_fn create_item, update_item, get_item, list_items;
handler_fn list_levels, list_movements, get_sourcing;
handler_fn get_reservation, release_reservation, extend_reservation, quote_stock;
batch_fn adjust_stock, reserve, create_reservation;
batch_fn order_split, order_split_off, order_unsplit;
batch_fn order_placed, order_changed, order_cancelled, hold_voided;
batch_fn fulfillment_shipped, return_inspected;

enum status sweep_expired(struct call *call);
enum status serve_waiting(struct call *call);
enum status inventory_unsettled(struct call *call, int64_t age_us, struct unsettled *list,
                                size_t *count);
enum status inventory_lead(struct call *call);
const char *inventory_follows(const ProtobufCMessage *event);
void *inventory_open(void *conf);
void inventory_close(void *state);

extern const struct route inventory_routes[];
extern const struct subscription inventory_subscriptions[];
extern const struct timer inventory_timers[];
extern const struct counter inventory_counters[];
extern const ProtobufCMessageDescriptor *const inventory_events[];

#define COUNT_HOLDS "holds_total"
#define COUNT_SHORT "holds_short_total"
#define COUNT_ADOPTED "holds_adopted_total"
#define COUNT_VOIDED "holds_voided_total"
