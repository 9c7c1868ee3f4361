/* mime.h -- a mail as bytes: RFC 5322 headers and a multipart/alternative body.
 *
 * The one place that writes headers. What comes from a customer reaches them in encoded words
 * (RFC 2047), so that neither a line end nor "=?" in a name means anything; addresses must have
 * passed rules_address_is_valid(). Every line ends with CR LF and is at most 78 bytes, or 76 in a
 * body.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buffer.h"

struct mime_mail {
    const char *from_name, *from_address;
    const char *to_name, *to_address;
    const char *reply_to; /* "" for none */
    const char *subject;
    const char *message_id; /* with its angle brackets */
    const char *thread_id;  /* the Message-ID that it belongs to; NULL for none */
    bool is_written_by_hand;
    const char *language; /* BCP 47 */
    int64_t date_us;
    int32_t date_offset_s;
    const char *text, *html; /* UTF-8, lines end with LF or CR LF */
};

void mime_build(const struct mime_mail *mail, struct buffer *out);

/* The pieces, for the tests. */

/* Text for an unstructured header or a display name that stands at column: as it is when it is
 * plain ASCII that needs no care, else in encoded words, folded. */
void mime_add_words(struct buffer *out, const char *text, size_t column);
/* A body in quoted-printable or base64, whichever is shorter, after its header lines. */
void mime_add_body(struct buffer *out, const char *text);
