#include "common/template.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

enum piece_kind { PIECE_LITERAL, PIECE_FIELD, PIECE_SECTION, PIECE_INVERTED, PIECE_END };

struct piece {
    enum piece_kind kind;
    const char *text; /* the literal, or the name */
    size_t count;     /* of the literal, in bytes */
    size_t end;       /* of a section: the index of its PIECE_END */
    const char *at;   /* where it stands in the text, to tell the line */
};

struct origin;

struct template
{
    enum template_kind kind;
    struct piece *pieces;
    size_t count;
    const struct origin *origin;
};

/* Where a text came from: itself, with parts put in. What a part says counts for no line. */
#define MAX_PARTS 16
struct origin {
    const char *start;
    struct {
        size_t from, end; /* in the text with its parts */
        int lines;        /* that the tag stood on alone, and took with it */
        const char *name;
    } parts[MAX_PARTS];
    size_t count;
};

/* ---- parsing ---- */

struct parser {
    struct arena *arena;
    struct template *template;
    const char *at;
    const char *start; /* of the text with its parts */
    struct origin *origin;
    size_t open[TEMPLATE_MAX_DEPTH];
    size_t depth;
    const char **message;
};

static int lines_between(const char *from, const char *end)
{
    int lines = 0;
    for (; from < end; from++)
        lines += *from == '\n';
    return lines;
}

/* "line 3", as whoever wrote the text counts; or "part _head.html". */
static const char *place_of(const struct origin *origin, struct arena *arena, const char *at)
{
    const char *from = origin->start;
    int line = 1;
    for (size_t i = 0; i < origin->count && origin->start + origin->parts[i].from <= at; i++) {
        if (at < origin->start + origin->parts[i].end)
            return arena_printf(arena, "part %s", origin->parts[i].name);
        line += lines_between(from, origin->start + origin->parts[i].from);
        line += origin->parts[i].lines;
        from = origin->start + origin->parts[i].end;
    }
    return arena_printf(arena, "line %d", line + lines_between(from, at));
}

static enum status complain(struct parser *parser, const char *at, const char *what)
{
    *parser->message =
        arena_printf(parser->arena, "%s: %s", place_of(parser->origin, parser->arena, at), what);
    return STATUS_INVALID;
}

/* Every tag may have a literal before it, and one follows the last. */
static size_t pieces_at_most(const char *text)
{
    size_t count = 1;
    while ((text = strstr(text, "{{")) != NULL) {
        text += 2;
        count += 2;
    }
    return count;
}

static enum status piece_add(struct parser *parser, struct piece piece)
{
    if (parser->template->count == TEMPLATE_MAX_PIECES)
        return complain(parser, parser->at, "too many pieces");
    piece.at = parser->at;
    parser->template->pieces[parser->template->count++] = piece;
    return STATUS_OK;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool name_is_valid(const char *name)
{
    if (*name == '\0')
        return false;
    return name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_")] == '\0';
}

/* If the tag from..end stands alone on its line, widens it to the whole line. */
static void widen_alone(const char *start, const char **from, const char **end)
{
    const char *left = *from, *right = *end;
    while (left > start && is_blank(left[-1]))
        left--;
    while (is_blank(*right))
        right++;
    if ((left > start && left[-1] != '\n') || (*right != '\n' && *right != '\0'))
        return;
    *from = left;
    *end = *right == '\n' ? right + 1 : right;
}

static enum status section_open(struct parser *parser, char sigil, const char *name)
{
    if (parser->depth == TEMPLATE_MAX_DEPTH)
        return complain(parser, parser->at, "sections nest too deep");
    parser->open[parser->depth++] = parser->template->count;
    enum piece_kind kind = sigil == '#' ? PIECE_SECTION : PIECE_INVERTED;
    return piece_add(parser, (struct piece){.kind = kind, .text = name});
}

static enum status section_close(struct parser *parser, const char *name)
{
    if (parser->depth == 0)
        return complain(parser, parser->at, "a section ends that was not begun");
    struct piece *opened = &parser->template->pieces[parser->open[--parser->depth]];
    if (strcmp(opened->text, name) != 0)
        return complain(parser, parser->at, "a section ends under another name");
    opened->end = parser->template->count;
    return piece_add(parser, (struct piece){.kind = PIECE_END, .text = name});
}

static enum status parse_tag(struct parser *parser, char sigil, const char *name)
{
    if (!name_is_valid(name))
        return complain(parser, parser->at, "a name is not of a-z, 0-9 and _");
    switch (sigil) {
    case '#':
    case '^':
        return section_open(parser, sigil, name);
    case '/':
        return section_close(parser, name);
    default:
        return piece_add(parser, (struct piece){.kind = PIECE_FIELD, .text = name});
    }
}

/* The name between the braces, without the sigil and the blanks around it. */
static const char *tag_name(struct parser *parser, const char *from, const char *end)
{
    while (from < end && is_blank(*from))
        from++;
    while (end > from && is_blank(end[-1]))
        end--;
    return arena_strndup(parser->arena, from, (size_t)(end - from));
}

static enum status parse_text(struct parser *parser)
{
    for (;;) {
        const char *from = strstr(parser->at, "{{");
        size_t literal = from == NULL ? strlen(parser->at) : (size_t)(from - parser->at);
        const char *close = from == NULL ? NULL : strstr(from, "}}");
        if (from != NULL && close == NULL)
            return complain(parser, from, "a tag does not end");
        const char *end = close == NULL ? NULL : close + 2;
        char sigil = from == NULL ? '\0' : from[2];
        bool is_section = sigil == '#' || sigil == '^' || sigil == '/';
        if (is_section) {
            const char *wide = from;
            widen_alone(parser->start, &wide, &end);
            literal = (size_t)(wide - parser->at);
        }
        if (literal > 0)
            TRY(piece_add(
                parser,
                (struct piece){.kind = PIECE_LITERAL, .text = parser->at, .count = literal}));
        if (from == NULL)
            return STATUS_OK;
        const char *name = tag_name(parser, from + 2 + is_section, close);
        parser->at = from;
        TRY(parse_tag(parser, sigil, name));
        parser->at = end;
    }
}

/* Puts the parts into the text, once: what a part says is not searched for more. */
static enum status put_parts_in(struct parser *parser, template_part_fn *part, void *context,
                                const char *text, const char **out)
{
    struct origin *origin = parser->origin, parts = {.start = text};
    struct buffer whole = buffer_open(parser->arena, strlen(text) * 2);
    for (;;) {
        const char *from = strstr(text, "{{>");
        if (from == NULL)
            break;
        const char *close = strstr(from, "}}");
        if (close == NULL)
            return complain(parser, from, "a tag does not end");
        const char *name = tag_name(parser, from + 3, close);
        const char *found = part == NULL ? NULL : part(context, name);
        if (found == NULL || strstr(found, "{{>") != NULL)
            return complain(parser, from,
                            arena_printf(parser->arena, "no part \"%s\", or it has parts", name));
        if (parts.count == MAX_PARTS)
            return complain(parser, from, "too many parts");
        const char *end = close + 2;
        const char *wide = from;
        widen_alone(parser->start, &wide, &end);
        buffer_add(&whole, text, (size_t)(wide - text));
        size_t at = whole.count;
        buffer_add_text(&whole, found);
        parts.parts[parts.count].from = at;
        parts.parts[parts.count].end = whole.count;
        parts.parts[parts.count].lines = lines_between(wide, end);
        parts.parts[parts.count++].name = name;
        text = end;
    }
    buffer_add_text(&whole, text);
    parts.start = whole.bytes;
    *origin = parts;
    *out = whole.bytes;
    return STATUS_OK;
}

enum status template_parse(struct arena *arena, enum template_kind kind, const char *text,
                           template_part_fn *part, void *context, struct template **out,
                           const char **message)
{
    struct template *template = ARENA_NEW(arena, struct template);
    template->kind = kind;
    struct origin *origin = ARENA_NEW(arena, struct origin);
    struct parser parser = {.arena = arena, .template = template, .message = message};
    *origin = (struct origin){.start = text};
    parser.origin = origin;
    parser.at = parser.start = text;
    /* The parts first: a tag that stands alone takes its line with it in them, too. */
    TRY(put_parts_in(&parser, part, context, text, &text));
    parser.at = parser.start = text;
    template->origin = origin;
    template->pieces = ARENA_ARRAY(arena, pieces_at_most(text), struct piece);
    TRY(parse_text(&parser));
    if (parser.depth > 0)
        return complain(&parser, template->pieces[parser.open[parser.depth - 1]].at,
                        "a section does not end");
    *out = template;
    return STATUS_OK;
}

/* ---- rendering ---- */

struct scopes {
    const struct view *views[TEMPLATE_MAX_DEPTH + 1];
    size_t count;
};

/* The innermost scope that knows the name wins. */
static const struct view_value *look_up(const struct scopes *scopes, const char *name)
{
    for (size_t i = scopes->count; i-- > 0;) {
        for (const struct view_value *v = scopes->views[i]->values; v->name != NULL; v++) {
            if (strcmp(v->name, name) == 0)
                return v;
        }
    }
    return NULL;
}

static const char *entity_of(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

/* How many bytes at c are a control character: C0, DEL, the C1 block, the line and paragraph
 * separators, and the marks that turn the direction of writing. */
static size_t control_bytes(const char *c)
{
    const unsigned char *u = (const unsigned char *)c;
    if (u[0] < 0x20 || u[0] == 0x7f)
        return 1;
    if (u[0] == 0xc2 && u[1] >= 0x80 && u[1] <= 0x9f)
        return 2;
    if (u[0] != 0xe2)
        return 0;
    bool is_separator = u[1] == 0x80 && (u[2] == 0xa8 || u[2] == 0xa9);
    bool turns = (u[1] == 0x80 && u[2] >= 0xaa && u[2] <= 0xae) ||
                 (u[1] == 0x81 && u[2] >= 0xa6 && u[2] <= 0xa9);
    return is_separator || turns ? 3 : 0;
}

void template_add_inert(struct buffer *out, enum template_kind kind, const char *text)
{
    const char *from = text;
    while (*text != '\0') {
        size_t control = control_bytes(text);
        const char *entity = kind == TEMPLATE_HTML ? entity_of(*text) : NULL;
        if (control == 0 && entity == NULL) {
            text++;
            continue;
        }
        buffer_add(out, from, (size_t)(text - from));
        buffer_add_text(out, control > 0 ? " " : entity);
        text += control > 0 ? control : 1;
        from = text;
    }
    buffer_add(out, from, (size_t)(text - from));
}

static void render(const struct template *template, size_t from, size_t end, struct scopes *scopes,
                   struct buffer *out);

/* The pieces between a section's begin, at index, and its end: as often as its value says. */
static void render_section(const struct template *template, size_t index,
                           const struct view_value *value, struct scopes *scopes,
                           struct buffer *out)
{
    const struct piece *piece = &template->pieces[index];
    bool is_list = value->text == NULL;
    bool is_empty = is_list ? value->count == 0 : *value->text == '\0';
    if (piece->kind == PIECE_INVERTED || !is_list) {
        if (is_empty == (piece->kind == PIECE_INVERTED))
            render(template, index + 1, piece->end, scopes, out);
        return;
    }
    for (size_t i = 0; i < value->count; i++) {
        scopes->views[scopes->count++] = &value->items[i];
        render(template, index + 1, piece->end, scopes, out);
        scopes->count--;
    }
}

static void render(const struct template *template, size_t from, size_t end, struct scopes *scopes,
                   struct buffer *out)
{
    for (size_t i = from; i < end; i++) {
        const struct piece *piece = &template->pieces[i];
        if (piece->kind == PIECE_LITERAL) {
            buffer_add(out, piece->text, piece->count);
            continue;
        }
        const struct view_value *value = look_up(scopes, piece->text);
        assert(value != NULL); /* template_check() has been here */
        if (piece->kind == PIECE_FIELD) {
            template_add_inert(out, template->kind, value->text);
        } else {
            render_section(template, i, value, scopes, out);
            i = piece->end;
        }
    }
}

void template_render(const struct template *template, const struct view *view, struct buffer *out)
{
    struct scopes scopes = {{view}, 1};
    render(template, 0, template->count, &scopes, out);
}

static enum status check(const struct template *template, size_t from, size_t end,
                         struct scopes *scopes, const struct piece **unknown)
{
    for (size_t i = from; i < end; i++) {
        const struct piece *piece = &template->pieces[i];
        if (piece->kind == PIECE_LITERAL)
            continue;
        const struct view_value *value = look_up(scopes, piece->text);
        *unknown = piece;
        if (value == NULL || (piece->kind == PIECE_FIELD && value->text == NULL))
            return STATUS_INVALID;
        if (piece->kind == PIECE_FIELD)
            continue;
        bool enters = piece->kind == PIECE_SECTION && value->text == NULL;
        assert(!enters || value->count > 0);
        if (enters)
            scopes->views[scopes->count++] = value->items;
        TRY(check(template, i + 1, piece->end, scopes, unknown));
        if (enters)
            scopes->count--;
        i = piece->end;
    }
    return STATUS_OK;
}

enum status template_check(const struct template *template, const struct view *sample,
                           struct arena *arena, const char **message)
{
    struct scopes scopes = {{sample}, 1};
    const struct piece *unknown = NULL;
    enum status status = check(template, 0, template->count, &scopes, &unknown);
    if (status != STATUS_OK)
        *message = arena_printf(arena, "%s: there is no field {{%s}} here",
                                place_of(template->origin, arena, unknown->at), unknown->text);
    return status;
}
