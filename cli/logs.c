/* logs.c -- reading the services' logs. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/lines.h"

#define ROTATED 5
#define SHOWN_LINES 2000
#define FOLLOW_US 200000

void lines_add(struct lines *lines, const char *stamp, const char *text)
{
    if (lines->count == lines->room) {
        lines->room = lines->room * 2 + 256;
        lines->lines = realloc(lines->lines, lines->room * sizeof(struct line));
        if (lines->lines == NULL)
            abort();
    }
    struct line *line = &lines->lines[lines->count++];
    snprintf(line->stamp, sizeof(line->stamp), "%s", stamp);
    line->text = strdup(text);
}

const char *line_member(const char *text, const char *name, char *value, size_t bytes)
{
    char key[80];
    snprintf(key, sizeof(key), "\"%s\":", name);
    value[0] = '\0';
    const char *found = strstr(text, key);
    if (found == NULL)
        return value;
    found += strlen(key);
    const char *end = *found == '"' ? "\"" : ",}";
    found += *found == '"';
    snprintf(value, bytes, "%.*s", (int)strcspn(found, end), found);
    return value;
}

static void read_file(struct lines *lines, const char *path, const char *needle)
{
    char *text = NULL, stamp[40] = "";
    size_t room = 0;
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return;
    while (getline(&text, &room, file) > 0) {
        char found[40];
        if (line_member(text, "timestamp", found, sizeof(found))[0] != '\0')
            memcpy(stamp, found, sizeof(stamp));
        if (needle == NULL || strstr(text, needle) != NULL)
            lines_add(lines, stamp, text);
    }
    free(text);
    fclose(file);
}

void lines_read(struct lines *lines, const struct home *home, const char *service,
                const char *needle, size_t keep)
{
    char path[CLI_PATH_BYTES + 64];
    size_t first = lines->count;
    for (int i = ROTATED; i >= 0; i--) {
        if (i > 0)
            snprintf(path, sizeof(path), "%s/%s.log.%d", home->log, service, i);
        else
            snprintf(path, sizeof(path), "%s/%s.log", home->log, service);
        read_file(lines, path, needle);
    }
    size_t added = lines->count - first;
    if (added <= keep)
        return;
    size_t drop = added - keep;
    for (size_t i = first; i < first + drop; i++)
        free(lines->lines[i].text);
    memmove(lines->lines + first, lines->lines + first + drop, keep * sizeof(struct line));
    lines->count -= drop;
}

static int compare_lines(const void *a, const void *b)
{
    const struct line *x = a, *y = b;
    return strcmp(x->stamp, y->stamp);
}

/* Merge sort, so that lines of one stamp stay in their files' order. */
void lines_sort(struct lines *lines)
{
    if (lines->count < 2)
        return;
    struct lines left = {lines->lines, lines->count / 2, 0};
    struct lines right = {lines->lines + left.count, lines->count - left.count, 0};
    lines_sort(&left);
    lines_sort(&right);
    struct line *merged = malloc(lines->count * sizeof(struct line));
    if (merged == NULL)
        abort();
    for (size_t i = 0, l = 0, r = 0; i < lines->count; i++) {
        bool from_left = r == right.count ||
                         (l < left.count && compare_lines(&left.lines[l], &right.lines[r]) <= 0);
        merged[i] = from_left ? left.lines[l++] : right.lines[r++];
    }
    memcpy(lines->lines, merged, lines->count * sizeof(struct line));
    free(merged);
}

void lines_free(struct lines *lines)
{
    for (size_t i = 0; i < lines->count; i++)
        free(lines->lines[i].text);
    free(lines->lines);
    *lines = (struct lines){0};
}

/* Prints what files grow by, until interrupted. */
static void follow(const struct home *home, const char *service)
{
    off_t seen[CLI_NSERVICES];
    char path[CLI_PATH_BYTES + 64], *text = NULL;
    size_t room = 0;
    for (size_t i = 0; i < CLI_NSERVICES; i++)
        seen[i] = -1;
    for (;; usleep(FOLLOW_US)) {
        for (size_t i = 0; i < CLI_NSERVICES; i++) {
            struct stat st;
            if (service != NULL && strcmp(service, cli_services[i]) != 0)
                continue;
            snprintf(path, sizeof(path), "%s/%s.log", home->log, cli_services[i]);
            if (stat(path, &st) != 0)
                continue;
            if (seen[i] < 0 || st.st_size < seen[i])
                seen[i] = seen[i] < 0 ? st.st_size : 0;
            FILE *file = st.st_size > seen[i] ? fopen(path, "r") : NULL;
            if (file == NULL)
                continue;
            fseeko(file, seen[i], SEEK_SET);
            while (getline(&text, &room, file) > 0 && text[strlen(text) - 1] == '\n') {
                fputs(text, stdout);
                seen[i] = ftello(file);
            }
            fclose(file);
        }
        fflush(stdout);
    }
}

int command_logs(int argc, char **argv)
{
    struct home home;
    struct lines lines = {0};
    const char *service = cli_word(argc, argv, 0);
    bool is_known = service == NULL;
    int result = home_locate(argc, argv, &home);
    if (result != 0)
        return result;
    for (size_t i = 0; i < CLI_NSERVICES; i++)
        if (service == NULL || strcmp(service, cli_services[i]) == 0) {
            is_known = true;
            lines_read(&lines, &home, cli_services[i], NULL, SHOWN_LINES);
        }
    if (!is_known)
        return cli_usage(
            "there is no service \"%s\": gateway, orders, inventory, fulfillment, returns, notify",
            service);
    lines_sort(&lines);
    for (size_t i = 0; i < lines.count; i++)
        fputs(lines.lines[i].text, stdout);
    lines_free(&lines);
    if (cli_flag(argc, argv, "--follow"))
        follow(&home, service);
    return 0;
}
