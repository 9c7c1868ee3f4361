/* lines.h -- the lines of the services' log files, in time order.
 *
 * Lines are kept as they are; only their "timestamp" is looked at, which all of our lines carry. A
 * line without one (PostgreSQL's, a crash's last words) sorts with the line before it in its file.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "cli/cli.h"

struct line {
    char stamp[40]; /* RFC 3339 in UTC: sorts as text */
    char *text;
};
struct lines {
    struct line *lines;
    size_t count, room;
};

void lines_add(struct lines *lines, const char *stamp, const char *text);
/* Reads HOME/log/NAME.log and what it was rotated to, keeping the lines in which needle stands
 * (NULL: all), at most the last keep ones of each service. */
void lines_read(struct lines *lines, const struct home *home, const char *service,
                const char *needle, size_t keep);
void lines_sort(struct lines *lines);
void lines_free(struct lines *lines);
/* The value of a text or number member of a JSON line, unescaped no further; "" when it is not
 * there. */
const char *line_member(const char *text, const char *name, char *value, size_t bytes);
