/* handlers_edit.h -- what editing shares with others that change what an order is: its versions.
 *
 * Ownership: everything lives in the call.
 */
#pragma once

#include "handlers.h"
#include "rules_edit.h"
#include "store_edit.h"

#define VERSION_PLACED "placed"
#define VERSION_EDITED "edited"
#define VERSION_BY_CHANNEL "changed_by_channel"
#define VERSION_SPLIT "split"
#define VERSION_UNSPLIT "unsplit"

/* Keeps what an order has become as a version of its own; before is what it was until now, which
 * becomes its first version if it has none. Call it with the order as it is saved. */
void keep_versions(struct call *call, const struct order *order, const Order *before,
                   const char *kind, const char *reason);
/* What keep_versions() needs: taken before anything is changed. */
Order *version_before(struct call *call, const struct order *order);

/* What has changed since a version, in what versions hold; none when the order had no other. */
enum status changes_since(struct call *call, const struct order *order, int64_t version,
                          struct changes *changes) MUST_CHECK;
/* Adds to the entries of a page of the timeline what the edits among them changed. */
enum status tell_changes(struct call *call, const struct uuid *order_id,
                         Penstock__Orders__V1__TimelineEntry **entries, size_t count) MUST_CHECK;
