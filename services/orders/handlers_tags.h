/* handlers_tags.h -- what other handlers use of tags. */
#pragma once

#include "handlers.h"
#include "rules_tags.h"

/* Writes a change that rules_tag() decided, with its event; who counts tags counts it too. */
enum status tag_write(struct call *call, struct order *order,
                      const struct tag_change *change) MUST_CHECK;
