#include "services/notify/mime.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/zone.h"

#define HEADER_COLUMNS 76
#define BODY_COLUMNS 76

/* ---- base64 ---- */

static void encode_group(const uint8_t *in, size_t count, char out[4])
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint32_t bits = (uint32_t)in[0] << 16;
    if (count > 1)
        bits |= (uint32_t)in[1] << 8;
    if (count > 2)
        bits |= in[2];
    out[0] = digits[bits >> 18];
    out[1] = digits[bits >> 12 & 63];
    out[2] = count > 1 ? digits[bits >> 6 & 63] : '=';
    out[3] = count > 2 ? digits[bits & 63] : '=';
}

static void add_base64(struct buffer *out, const uint8_t *in, size_t count)
{
    char *to = buffer_extend(out, (count + 2) / 3 * 4);
    for (size_t i = 0; i < count; i += 3, to += 4)
        encode_group(in + i, count - i, to);
}

static void add_base64_lines(struct buffer *out, const uint8_t *in, size_t count)
{
    static const size_t line = BODY_COLUMNS / 4 * 3;
    for (size_t i = 0; i < count; i += line) {
        add_base64(out, in + i, count - i < line ? count - i : line);
        buffer_add_text(out, "\r\n");
    }
}

/* ---- encoded words ---- */

/* How long the character at text is, as UTF-8 says; a stray byte is one. */
static size_t character_bytes(const char *text)
{
    unsigned char c = (unsigned char)*text;
    size_t count = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 1;
    for (size_t i = 1; i < count; i++) {
        if (((unsigned char)text[i] & 0xc0) != 0x80)
            return 1;
    }
    return count;
}

/* Letters, digits, single blanks and the marks that no reader of headers takes for anything. */
static bool is_plain(const char *text, size_t column)
{
    size_t length = strlen(text);
    if (column + length > HEADER_COLUMNS || text[0] == ' ' ||
        (length > 0 && text[length - 1] == ' '))
        return false;
    for (const char *c = text; *c != '\0'; c++) {
        bool is_alnum =
            (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9');
        bool is_blank = *c == ' ' && c[1] != ' ';
        if (!is_alnum && !is_blank && (*c == ' ' || strchr("-+/#!'", *c) == NULL))
            return false;
    }
    return true;
}

/* One word is at most 75 bytes, holds whole characters, and its line is folded before it if it
 * would not fit. */
void mime_add_words(struct buffer *out, const char *text, size_t column)
{
    static const char begin[] = "=?UTF-8?B?", end[] = "?=";
    static const size_t frame = sizeof(begin) - 1 + sizeof(end) - 1;
    if (is_plain(text, column)) {
        buffer_add_text(out, text);
        return;
    }
    for (bool is_first = true; *text != '\0'; is_first = false) {
        size_t room = column + frame + 8 < HEADER_COLUMNS ? HEADER_COLUMNS - column - frame : 0;
        size_t most = room / 4 * 3, count = 0;
        if (!is_first || most < 4) {
            buffer_add_text(out, "\r\n ");
            most = (HEADER_COLUMNS - 1 - frame) / 4 * 3;
        }
        for (size_t next; text[count] != '\0'; count += next) {
            next = character_bytes(text + count);
            if (count + next > most)
                break;
        }
        buffer_add_text(out, begin);
        add_base64(out, (const uint8_t *)text, count);
        buffer_add_text(out, end);
        text += count;
        column = HEADER_COLUMNS;
    }
}

/* ---- bodies ---- */

/* Bodies travel with CR LF inside, too: the line ends belong to the text that is encoded. */
static struct buffer with_crlf(struct arena *arena, const char *text)
{
    struct buffer lines = buffer_open(arena, strlen(text) + 256);
    while (*text != '\0') {
        size_t count = strcspn(text, "\n");
        size_t kept = count > 0 && text[count - 1] == '\r' ? count - 1 : count;
        buffer_add(&lines, text, kept);
        buffer_add_text(&lines, "\r\n");
        text += count + (text[count] == '\n');
    }
    return lines;
}

static bool is_printable(unsigned char c)
{
    return c >= ' ' && c <= '~' && c != '=';
}

/* How many bytes from text on may stand as they are: no code among them, no blank at a line's end.
 */
static size_t plain_run(const char *text, size_t most)
{
    size_t count = 0;
    while (count < most && is_printable((unsigned char)text[count]))
        count++;
    if (count > 0 && text[count - 1] == ' ' && (text[count] == '\r' || text[count] == '\0'))
        count--;
    return count;
}

static char *put_code(char *to, char byte)
{
    static const char digits[] = "0123456789ABCDEF";
    *to++ = '=';
    *to++ = digits[(unsigned char)byte >> 4];
    *to++ = digits[(unsigned char)byte & 15];
    return to;
}

/* One line, without its end; returns where it ended. A dot or "From " at the start of a line would
 * be at a relay's mercy. */
static char *put_quoted_line(char *to, const char *text, size_t count)
{
    static const size_t most = BODY_COLUMNS - 1; /* the last column is for the soft break */
    size_t column = 0;
    for (size_t i = 0; i < count;) {
        bool is_coded_start = column == 0 && (text[i] == '.' || text[i] == 'F');
        size_t room = count - i < most - column ? count - i : most - column;
        size_t run = is_coded_start ? 0 : plain_run(text + i, room);
        memcpy(to, text + i, run);
        to += run;
        i += run;
        column += run;
        if (i == count)
            break;
        if (column + 3 > most) {
            memcpy(to, "=\r\n", 3);
            to += 3;
            column = 0;
        } else if (run == 0 || !is_printable((unsigned char)text[i]) || text[i] == ' ') {
            to = put_code(to, text[i++]);
            column += 3;
        }
    }
    return to;
}

static void add_quoted_printable(struct buffer *out, const char *text, size_t count)
{
    /* Every byte may become three, and every 25 of those bring a soft break of three. */
    size_t before = out->count;
    char *start = buffer_extend(out, count * 3 + count / 8 + 8), *to = start;
    const char *end = text + count;
    while (text < end) {
        const char *line_end = memchr(text, '\r', (size_t)(end - text));
        while (line_end != NULL && line_end[1] != '\n')
            line_end = memchr(line_end + 1, '\r', (size_t)(end - line_end - 1));
        size_t length = (size_t)((line_end == NULL ? end : line_end) - text);
        to = put_quoted_line(to, text, length);
        text += length;
        if (line_end != NULL) {
            memcpy(to, "\r\n", 2);
            to += 2;
            text += 2;
        }
    }
    out->count = before + (size_t)(to - start);
    out->bytes[out->count] = '\0';
}

void mime_add_body(struct buffer *out, const char *text)
{
    struct buffer lines = with_crlf(out->arena, text);
    size_t coded = 0;
    for (size_t i = 0; i < lines.count; i++) {
        unsigned char c = (unsigned char)lines.bytes[i];
        coded += !is_printable(c) && c != '\r' && c != '\n';
    }
    /* Base64 costs a third; quoted-printable two more bytes for each that it codes. */
    bool is_base64 = coded > lines.count / 6;
    buffer_add_text(out, "Content-Transfer-Encoding: ");
    buffer_add_text(out, is_base64 ? "base64\r\n\r\n" : "quoted-printable\r\n\r\n");
    if (is_base64)
        add_base64_lines(out, (const uint8_t *)lines.bytes, lines.count);
    else
        add_quoted_printable(out, lines.bytes, lines.count);
}

/* ---- the mail ---- */

static void add_date(struct buffer *out, int64_t at_us, int32_t offset_s)
{
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    struct civil t = zone_civil(at_us, offset_s);
    int minutes = (offset_s < 0 ? -offset_s : offset_s) / 60;
    buffer_printf(out, "Date: %s, %d %s %d %02d:%02d:%02d %c%02d%02d\r\n", days[t.weekday], t.day,
                  months[t.month - 1], t.year, t.hour, t.minute, t.second, offset_s < 0 ? '-' : '+',
                  minutes / 60, minutes % 60);
}

static void add_mailbox(struct buffer *out, const char *header, const char *name,
                        const char *address)
{
    buffer_printf(out, "%s: ", header);
    if (*name != '\0') {
        mime_add_words(out, name, strlen(header) + 2);
        size_t column = out->count;
        for (; column > 0 && out->bytes[column - 1] != '\n'; column--)
            ;
        bool fits = out->count - column + strlen(address) + 3 <= HEADER_COLUMNS;
        buffer_add_text(out, fits ? " " : "\r\n ");
        buffer_printf(out, "<%s>\r\n", address);
    } else {
        buffer_printf(out, "%s\r\n", address);
    }
}

static void add_part(struct buffer *out, const char *boundary, const char *type, const char *text)
{
    buffer_printf(out, "--%s\r\nContent-Type: %s; charset=utf-8\r\n", boundary, type);
    mime_add_body(out, text);
    buffer_add_text(out, "\r\n");
}

/* Made of the Message-ID, so that a mail is the same bytes however often it is built. "=_" occurs
 * in neither encoding. */
static const char *boundary_of(struct arena *arena, const char *message_id)
{
    size_t from = strcspn(message_id, "<") + 1;
    size_t count = strcspn(message_id + from, "@");
    return arena_printf(arena, "=_%.*s", (int)(count < 60 ? count : 60), message_id + from);
}

void mime_build(const struct mime_mail *mail, struct buffer *out)
{
    assert(strpbrk(mail->message_id, "\r\n") == NULL);
    const char *boundary = boundary_of(out->arena, mail->message_id);
    add_date(out, mail->date_us, mail->date_offset_s);
    add_mailbox(out, "From", mail->from_name, mail->from_address);
    add_mailbox(out, "To", mail->to_name, mail->to_address);
    if (*mail->reply_to != '\0')
        add_mailbox(out, "Reply-To", "", mail->reply_to);
    buffer_add_text(out, "Subject: ");
    mime_add_words(out, mail->subject, strlen("Subject: "));
    buffer_printf(out, "\r\nMessage-ID: %s\r\n", mail->message_id);
    if (mail->thread_id != NULL)
        buffer_printf(out, "In-Reply-To: %s\r\nReferences: %s\r\n", mail->thread_id,
                      mail->thread_id);
    if (!mail->is_written_by_hand)
        buffer_add_text(out, "Auto-Submitted: auto-generated\r\n");
    buffer_printf(out,
                  "Content-Language: %s\r\n"
                  "MIME-Version: 1.0\r\n"
                  "Content-Type: multipart/alternative;\r\n boundary=\"%s\"\r\n\r\n",
                  mail->language, boundary);
    add_part(out, boundary, "text/plain", mail->text);
    add_part(out, boundary, "text/html", mail->html);
    buffer_printf(out, "--%s--\r\n", boundary);
}
