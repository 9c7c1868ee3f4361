/* adapter_shopify.h -- what the two files of the Shopify adapter share.
 *
 * An order is read once as sold, and if that cannot be balanced, once more as it is now. Ownership
 * and limits are the draft's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "services/gateway/adapter_draft.h"
#include "services/gateway/json.h"

struct shopify_reading {
    struct draft draft;
    const struct json_value *order;
    bool is_now;             /* quantities and totals as they are now, not as sold */
    int64_t allocated_minor; /* discounts of lines and shipping */
};

/* The channel's transactions as entries of the ledger; where it sends none, its status and totals
 * as one entry. After the totals are stated. */
bool shopify_add_payments(struct shopify_reading *reading);
