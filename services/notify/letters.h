/* letters.h -- what is written to a customer: subject, text and HTML in the customer's language.
 *
 * The templates are files, services/notify/templates, built into the binary; a file of the same
 * name in template_directory wins. All of them are read and checked when the service starts, so
 * that a wrong one stops it and names the line.
 *
 *   <kind>.<language>.html    the HTML part; _head.html and _foot.html are its frame
 *   <kind>.<language>.txt     "Subject: ..." on the first line, a blank line, the text part
 *
 * A shop can change each of them while the service runs: letters_use() puts its texts in their
 * place.
 *
 * Ownership: letters_open() makes, letters_close() frees; used by one thread. A letter lives in the
 * arena given.
 * Limits: a template file 256 KiB.
 */
#pragma once

#include "common/arena.h"
#include "common/status.h"
#include "common/wording.h"
#include "penstock/fulfillment/v1/fulfillment.pb-c.h"
#include "penstock/orders/v1/orders.pb-c.h"
#include "services/notify/notify.h"

typedef Penstock__Orders__V1__Contact Contact;
typedef Penstock__Orders__V1__RefundRecorded RefundRecorded;
typedef Penstock__Fulfillment__V1__FulfillmentShipped FulfillmentShipped;

struct letters;

/* Fails with a sentence in *message, which lives in the arena. */
enum status letters_open(const struct notify_conf *conf, struct arena *arena, struct letters **out,
                         const char **message) MUST_CHECK;
void letters_close(struct letters **letters);

enum letter_part { LETTER_HTML, LETTER_TEXT };
/* The text that came with the service, or that of the folder. */
const char *letters_original(const struct letters *letters, enum message_kind kind,
                             enum language language, enum letter_part part);
/* INVALID with a sentence that names the line, in the arena, when it is no such text. */
enum status letters_check(const struct letters *letters, struct arena *arena, enum letter_part part,
                          const char *text, const char **message) MUST_CHECK;
/* A shop's own text. */
struct letter_own {
    enum message_kind kind;
    enum language language;
    enum letter_part part;
    const char *text;
};
/* These stand in for the originals from now on, and no others. One that does not fit is logged and
 * left out. */
void letters_use(struct letters *letters, const struct letter_own *own, size_t count);

/* What a letter is about: the order as its service tells it now, and the parcel or the refund. */
struct letter_subject {
    enum message_kind kind;
    const Contact *contact;
    const FulfillmentShipped *shipped; /* of a SHIPMENT */
    const RefundRecorded *refund;      /* of a REFUND */
    const char *text;                  /* of a STAFF_MESSAGE, and the code of an ORDER_CODE */
    const char *locale;                /* NULL: the customer's */
};
struct letter {
    enum language language;
    const char *subject, *text, *html;
    const char *to_name;   /* without controls */
    int32_t date_offset_s; /* of the shop's clock at now_us */
};
void letters_write(const struct letters *letters, struct arena *arena,
                   const struct letter_subject *subject, int64_t now_us, struct letter *out);
/* One part from a text that letters_check() has passed; *subject_line is "" for HTML. */
void letters_preview(const struct letters *letters, struct arena *arena, enum letter_part part,
                     const char *text, const struct letter_subject *subject,
                     const char **subject_line, const char **body);
/* A letter of this kind about the order, with what the order does not tell made up. */
struct letter_subject letters_sample(struct arena *arena, enum message_kind kind,
                                     const Contact *contact, const char *locale);
