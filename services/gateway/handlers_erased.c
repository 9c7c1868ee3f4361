/* A customer was erased: what channels delivered about their orders is forgotten. Identity and hash
 * of a delivery stay, so that it still has no second effect. */
#include "services/gateway/inbox.h"

#include "penstock/orders/v1/customers.pb-c.h"
#include "services/gateway/store_inbox.h"

typedef Penstock__Orders__V1__CustomerErased CustomerErased;

enum status on_customer_erased(struct batch *batch)
{
    const char **channels = ARENA_ARRAY(batch->arena, batch->count, const char *);
    const char **external_ids = ARENA_ARRAY(batch->arena, batch->count, const char *);
    size_t count = 0;
    for_each_event(batch, call, CustomerErased, event) {
        if (event->external_id[0] == '\0')
            continue;
        channels[count] = event->channel;
        external_ids[count++] = event->external_id;
    }
    return count > 0 ? store_inbox_erase(batch->db, channels, external_ids, count) : STATUS_OK;
}
