/* contacts.h -- whom to write to: asked of orders when it is needed, and forgotten afterwards. */
#pragma once

#include "common/bus.h"
#include "services/notify/letters.h"
#include "services/notify/mailer.h"

/* The contacts of a batch, by the index of its mails; NULL where orders knows none. UNAVAILABLE
 * when orders does not answer. What it returns lives in the arena. */
enum status contacts_of(struct bus_client *client, struct arena *arena, const struct mail *mails,
                        size_t count, const Contact **contacts) MUST_CHECK;
/* What the letters of a batch say that a person wrote, or the code, by the index of its mails; NULL
 * where there is none any more, and for mails that are not of these kinds. */
enum status letter_texts_of(struct bus_client *client, struct arena *arena,
                            const struct mail *mails, size_t count, const char **texts) MUST_CHECK;
