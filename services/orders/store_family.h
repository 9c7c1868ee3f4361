/* store_family.h -- families as rows: who belongs to an order that was split.
 *
 * Ownership and limits: as store.h.
 */
#pragma once

#include "rules_family.h"
#include "store.h"

/* Adds to the set the other members of the families that its orders belong to, loaded with the same
 * parts, and joins each family. Costs nothing when none was ever split. */
enum status store_families_complete(struct db *db, struct arena *arena, unsigned parts,
                                    struct order_set *set) MUST_CHECK;
/* A child that was just split off, with its place in the family; the parent is saved by itself. */
void store_child_add(struct db *db, struct order *child);
/* A line that a split made, cut down, or put together. */
void store_line_part_insert(struct db *db, const struct order_line *line);
void store_line_resize(struct db *db, const struct order_line *line);
void store_line_ahead(struct db *db, const struct order_line *line);
