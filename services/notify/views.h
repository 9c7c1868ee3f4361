/* views.h -- an order, a parcel or a refund as the fields that templates may use.
 *
 * One set of fields for all templates: what does not apply is empty. The list of fields is
 * VIEW_FIELDS and VIEW_LISTS in views.c; docs/templates.md tells them to shops.
 */
#pragma once

#include "common/template.h"
#include "common/zone.h"
#include "services/notify/letters.h"

struct view_context {
    struct arena *arena;
    const char *shop_name, *public_url; /* public_url "": no links */
    const struct zone *zone;
    enum language language;
};

const struct view *views_of(const struct view_context *context,
                            const struct letter_subject *subject);
/* One with something in every list, to check templates against. */
const struct view *views_sample(const struct view_context *context);
