/* store_hold.h -- holds and checkouts' reservations: rows, and what they hold in memory.
 *
 * A hold is found by the hash of the command that asked for it; a checkout that no command has
 * claimed by its own id. A hold that an order adopted is found as well, from the order's row, so
 * that a repeat of the question gets the first answer.
 *
 * Ownership: the desk's arena.
 */
#pragma once

#include "lookup.h"
#include "rules.h"
#include "store_book.h"
#include "wire.h"

struct hold {
    struct uuid hold_id;
    struct uuid
        claim_id; /* by which the asker knows it; the hold's own unless a checkout is claimed */
    struct uuid command_key, question_key; /* nil: a checkout that no command has claimed */
    const char *command_id, *asker;
    int64_t asked_at_us;
    int64_t expires_at_us; /* a checkout's; 0: a hold of a command */
    bool is_adopted;       /* by an order: nothing is to be released */
    bool is_gone;          /* released or adopted by this desk */
    SourcingDecision *decision;
    struct db_bytea packed; /* the decision */
    struct take *takes;
    size_t ntakes;
    struct hold *next; /* of the same command */
};

struct holds {
    struct lookup by_command; /* the first hold of each */
    struct lookup by_id;      /* of those asked for by id */
};

/* command_id or question_hash to key; nil for "". */
struct uuid store_key(const char *text);

/* All holds of these commands; their SKUs are in the book afterwards. */
enum status store_holds_load(struct desk *desk, struct holds *holds,
                             const struct uuid *command_keys, size_t count) MUST_CHECK;
/* Unclaimed checkouts among these ids. */
enum status store_checkouts_load(struct desk *desk, struct holds *holds, const struct uuid *ids,
                                 size_t count) MUST_CHECK;
/* Those that are due, at most so many, oldest first. */
enum status store_holds_due(struct desk *desk, struct hold ***list, size_t *count) MUST_CHECK;
struct hold *store_hold_first(const struct holds *holds, const struct uuid *command_key);

void store_hold_insert(struct desk *desk, struct holds *holds, struct hold *hold);
void store_hold_delete(struct desk *desk, struct hold *hold);
/* Writes who claims a checkout, or that nobody does any more. */
enum status store_hold_claim(struct desk *desk, struct holds *holds, struct hold *hold) MUST_CHECK;

/* Holds that nobody has adopted, of commands, asked for before then. Rows, not in the book. */
struct unsettled_row {
    struct uuid hold_id;
    const char *command_id, *asker;
};
enum status store_unsettled(struct db *db, int64_t before_us, size_t room,
                            struct unsettled_row **rows, size_t *count) MUST_CHECK;

/* ---- reservations, as the API knows them ---- */

struct reservation_row {
    struct uuid reservation_id, order_id;
    int32_t status;
    int64_t created_at, expires_at;
    struct db_bytea decision;
    struct db_bytea allocated; /* of its order */
    bool is_claimed;           /* by a command that is not done */
};
enum status store_reservation(struct db *db, const struct uuid *id, struct reservation_row **row)
    MUST_CHECK; /* NULL when there is none */
void store_reservation_insert(struct desk *desk, const struct hold *hold);
/* Both its row and that of what it holds. */
enum status store_reservation_extend(struct db *db, const struct uuid *id,
                                     int64_t expires_at_us) MUST_CHECK;
void store_reservation_end(struct desk *desk, const struct uuid *id, enum reservation_state state,
                           const struct uuid *order_id);

/* "{1,2,3}": how arrays travel inside of sets. */
struct array_text {
    char *text;
    size_t used, room;
};
void array_text_add(struct array_text *array, struct arena *arena, int64_t number);
const char *array_text_end(struct array_text *array, struct arena *arena);
