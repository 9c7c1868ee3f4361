/* template.h -- texts with holes, into which nothing hostile can be put.
 *
 *   {{field}}                      its text, made inert for the template's kind
 *   {{#name}} ... {{/name}}        once for each item of a list; once if a text is not empty
 *   {{^name}} ... {{/name}}        once if the list or the text is empty
 *   {{> part}}                     another file, put in when the template is read
 *
 * There is no way to put a field in raw. In HTML the five special characters become entities; in
 * both kinds controls become blanks, so that a customer's name cannot begin a line of its own. A
 * tag that stands alone on its line leaves no line behind.
 *
 * A template is parsed once and rendered often. template_check() finds a misspelt field when the
 * service starts and not when a mail is due.
 *
 * Ownership: a template lives in the arena that it was parsed into.
 * Limits: sections nest at most 6 deep; 2,000 pieces a template; parts do not contain parts.
 */
#pragma once

#include <stddef.h>

#include "common/arena.h"
#include "common/buffer.h"
#include "common/status.h"

enum template_kind { TEMPLATE_HTML, TEMPLATE_TEXT };

#define TEMPLATE_MAX_DEPTH 6
#define TEMPLATE_MAX_PIECES 2000

/* What the fields of a template are: names with a text (never NULL) or with a list of views. */
struct view {
    const struct view_value *values; /* name NULL at the end */
};
struct view_value {
    const char *name;
    const char *text; /* NULL: a list */
    const struct view *items;
    size_t count;
};

struct template;

/* Finds the text of a part by its name, or NULL. */
typedef const char *template_part_fn(void *context, const char *name);

/* INVALID with a sentence in *message (in the arena) when the text is no template. */
enum status template_parse(struct arena *arena, enum template_kind kind, const char *text,
                           template_part_fn *part, void *context, struct template **out,
                           const char **message) MUST_CHECK;
/* Every name in the template must be in this view, whose lists have one item at least. */
enum status template_check(const struct template *template, const struct view *sample,
                           struct arena *arena, const char **message) MUST_CHECK;
/* A text made inert as a field of this kind would be. */
void template_add_inert(struct buffer *out, enum template_kind kind, const char *text);
void template_render(const struct template *template, const struct view *view, struct buffer *out);
