/* store_book.h -- the stock in memory, exactly as the transaction at hand has it, and its ledger.
 *
 * One worker writes this schema, so what it read once stays true until it changes it. The book
 * keeps the items and levels that were asked for lately; a desk is one handler's work with it: it
 * sees whether the book still says what the database says, moves units between buckets, and at the
 * end writes the levels that changed, their movements and the ledger's row, as sets.
 *
 * How the book stays true when a turn is rolled back: a desk's first change raises the ledger's
 * version, in memory at once and in the row with the commit. A desk reads the row when it opens;
 * when memory is ahead, what it remembers never happened, and it forgets all.
 *
 * Ownership: the book lives as long as the worker; items, levels and places until the next desk
 * opens; a desk as long as the handler's call, on its arena. Limits: it forgets everything when it
 * remembers more than BOOK_BYTES.
 */
#pragma once

#include "common/arena.h"
#include "common/db.h"
#include "common/status.h"
#include "inventory.h"
#include "lookup.h"
#include "rules.h"

#define BOOK_BYTES (32u << 20)

struct book;
struct book *book_open(void);
/* Closing none is no fault. */
void book_close(struct book **book);
/* Forget everything: what is in it may have changed. */
void book_forget(struct book *book);

struct desk {
    struct db *db;
    struct arena *arena;
    struct arena *scratch; /* for rules; reset before each use */
    struct book *book;
    const char *actor;
    int64_t now_us;
    int64_t next_due_us; /* when the next checkout's hold expires; 0: there is none */
    bool has_written;
    const char **wanted; /* SKUs that are not in the book */
    size_t nwanted, wanted_room;
    struct level **dirty;
    size_t ndirty, dirty_room;
    struct item **raised; /* those whose queue is to be served */
    size_t nraised, raised_room;
    struct order **orders; /* loaded or made by this desk, store_order.h */
    size_t norders, orders_room;
    struct lookup order_index;
};

/* actor is whose movements these are; "" is the service itself. */
enum status desk_open(struct desk *desk, struct db *db, struct arena *arena, struct book *book,
                      int64_t now_us, const char *actor) MUST_CHECK;
/* Notes a SKU that is to be in the book; "" is passed over. */
void desk_want(struct desk *desk, const char *sku);
/* Reads those that were noted, as far as they exist and are not there. */
enum status desk_load(struct desk *desk) MUST_CHECK;
/* NULL: no such SKU. It must have been loaded. */
struct item *desk_item(const struct desk *desk, const char *sku);
struct places desk_places(const struct desk *desk);
const struct place *desk_place(const struct desk *desk, const char *code);
/* NULL: nothing of it was ever there. */
struct level *desk_level(const struct item *item, const struct place *place);
/* Makes it if need be. */
struct level *desk_level_at(struct desk *desk, struct item *item, const struct place *place);

/* Why units move. */
struct cause_of {
    enum cause cause;
    enum reason reason;
    const struct uuid *id;
};
/* One movement. That the bucket has so many units is the caller's to have decided. */
void desk_move(struct desk *desk, struct level *level, enum bucket from, enum bucket to,
               int64_t units, struct cause_of cause);
/* What orders wait for of an item changed by so many units. */
void desk_queue(struct desk *desk, struct item *item, int64_t change);
/* What live holds have of an item's limit changed by so many units. */
void desk_hold_ahead(struct desk *desk, struct item *item, int64_t change);
/* Its queue is to be served, if someone waits for it and there is some; moving units to available
 * and queueing do this by themselves. */
void desk_raise(struct desk *desk, struct item *item);
/* Takes over the list of those to be served. */
struct item **desk_take_raised(struct desk *desk, size_t *count);
/* A queue was not served to its end; the timer goes on with it. */
void book_set_unserved(struct book *book, bool is_unserved);
bool book_is_unserved(const struct book *book);
/* Something else that the book holds was changed in the database. */
void desk_touch(struct desk *desk);
/* Queues the writes of what was done since the last time. */
enum status desk_write(struct desk *desk) MUST_CHECK;

/* Grows a list of pointers in the arena. */
void desk_list_add(struct arena *arena, void *list, size_t *count, size_t *room, void *pointer);
