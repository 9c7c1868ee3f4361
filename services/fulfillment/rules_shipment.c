#include "rules_shipment.h"

#include <string.h>

const struct fulfillment *rules_shareable(const struct work *work, const char *location)
{
    for (size_t i = 0; i < work->nfulfillments; i++) {
        const struct fulfillment *one = &work->fulfillments[i];
        if (strcmp(one->location, location) == 0 && one->status == FULFILLMENT_OPEN)
            return one;
    }
    return NULL;
}

static bool is_begun(const struct work *work)
{
    for (size_t i = 0; i < work->nfulfillments; i++) {
        enum fulfillment_status status = work->fulfillments[i].status;
        if (status == FULFILLMENT_PICKING || status == FULFILLMENT_PICKED ||
            status == FULFILLMENT_PACKING || status == FULFILLMENT_PACKED)
            return true;
    }
    return false;
}

static struct refusal no(const char *code, const char *text)
{
    return (struct refusal){
        .status = STATUS_CONFLICT, .code = code, .field = "orders", .text = text};
}

const char *rules_share_location(struct work *const *works, size_t count, size_t *index,
                                 struct refusal *refusal)
{
    const struct work *first = works[0];
    for (*index = 0; *index < count; (*index)++)
        if (is_begun(works[*index])) {
            *refusal = no("already_picked", "Some of it is picked already.");
            return NULL;
        }
    size_t farthest = 0;
    for (size_t i = 0; i < first->nfulfillments; i++) {
        const struct fulfillment *one = &first->fulfillments[i];
        size_t fitting = 0;
        while (one->status == FULFILLMENT_OPEN && fitting < count &&
               rules_shareable(works[fitting], one->location) != NULL)
            fitting++;
        if (fitting == count)
            return one->location;
        farthest = fitting > farthest ? fitting : farthest;
    }
    *index = farthest;
    *refusal =
        no("no_work_together", "It has no work that may begin where the others have theirs.");
    return NULL;
}

const struct step_line *rules_all_left(const struct fulfillment *one, struct arena *arena,
                                       size_t *count)
{
    struct step_line *lines = ARENA_ARRAY(arena, one->nlines + 1, struct step_line);
    *count = 0;
    for (size_t i = 0; i < one->nlines; i++) {
        int64_t left = rules_left(&one->lines[i]);
        if (left > 0)
            lines[(*count)++] =
                (struct step_line){.sku = one->lines[i].sku,
                                   .order_line_id = uuid_text(&one->lines[i].order_line_id,
                                                              arena_alloc(arena, UUID_TEXT_BYTES)),
                                   .quantity = left};
    }
    return lines;
}
