/* The projection "search": what orders are found by, besides what their own tables index. It runs
 * behind the writer, in a thread of its own, and reads the orders' rows as they are by then. */
#include <string.h>

#include "handlers.h"

static bool touches_terms(const char *type)
{
    return strcmp(type, "OrderPlaced") == 0 || strcmp(type, "OrderChanged") == 0 ||
           strcmp(type, "OrderContactChanged") == 0;
}

enum status project_search(struct batch *batch)
{
    struct uuid *ids = ARENA_ARRAY(batch->arena, batch->count, struct uuid);
    size_t count = 0;
    for (size_t i = 0; i < batch->count; i++) {
        const struct event_source *event = batch->calls[i].event;
        if (touches_terms(event->type) && uuid_parse(event->key, &ids[count]))
            count++;
    }
    return store_search_fill(batch->db, ids, count);
}
