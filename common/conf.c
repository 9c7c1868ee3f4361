#include "common/conf.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libconfig.h>
#include <sodium.h>

#define NAME_BYTES 96
#define SECRET_BYTES 4096
#define FILE_BYTES ((size_t)1 << 20)

struct conf {
    config_t file;
    const char *path; /* "" when there is no file: the environment alone */
    mode_t mode;
    char **texts; /* what conf_read() handed out, wiped at the end */
    size_t ntexts;
};

static _Thread_local char message_text[1024];

static enum status refuse_with(const char **message, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static enum status refuse_with(const char **message, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message_text, sizeof(message_text), format, arguments);
    va_end(arguments);
    *message = message_text;
    return STATUS_INVALID;
}

static char *keep_text(struct conf *conf, const char *text)
{
    char **texts = realloc(conf->texts, (conf->ntexts + 1) * sizeof(*texts));
    char *copy = strdup(text);
    if (texts == NULL || copy == NULL)
        abort();
    conf->texts = texts;
    conf->texts[conf->ntexts++] = copy;
    return copy;
}

/* ---- the nearest name ---- */

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* How many letters to insert, drop, change or swap with their neighbour. */
static size_t edit_distance(const char *a, const char *b)
{
    size_t rows[3][NAME_BYTES + 1];
    size_t la = least(strlen(a), NAME_BYTES), lb = least(strlen(b), NAME_BYTES);
    for (size_t j = 0; j <= lb; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= la; i++) {
        size_t *now = rows[i % 3], *above = rows[(i + 2) % 3], *two_above = rows[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= lb; j++) {
            size_t changed = above[j - 1] + (a[i - 1] != b[j - 1]);
            now[j] = least(changed, least(above[j], now[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                now[j] = least(now[j], two_above[j - 2] + 1);
        }
    }
    return rows[la % 3][lb];
}

struct nearest {
    const char *name;
    size_t distance;
};

static void nearest_try(struct nearest *nearest, const char *wanted, const char *name)
{
    size_t distance = edit_distance(wanted, name);
    if (nearest->name == NULL || distance < nearest->distance)
        *nearest = (struct nearest){name, distance};
}

/* ---- the file ---- */

/* Walks over what may hold digits without being a number; returns where it ends. */
static const char *skip_quiet(const char *at, int *line)
{
    if (*at == '"') {
        for (at++; *at != '\0' && *at != '"'; at++) {
            if (*at == '\\' && at[1] != '\0')
                at++;
            *line += *at == '\n';
        }
        return *at == '"' ? at + 1 : at;
    }
    if (*at == '#' || (at[0] == '/' && at[1] == '/'))
        return at + strcspn(at, "\n");
    if (at[0] == '/' && at[1] == '*') {
        const char *end = strstr(at + 2, "*/");
        const char *after = end == NULL ? at + strlen(at) : end + 2;
        for (; at < after; at++)
            *line += *at == '\n';
        return after;
    }
    return at;
}

/* libconfig cuts an integer without the suffix L to 32 bits and says nothing. */
static enum status check_integer(const char *path, int line, const char *token, size_t length,
                                 const char **message)
{
    char digits[64];
    if (length >= sizeof(digits))
        return refuse_with(message, "%s:%d: a number of %zu digits", path, line, length);
    memcpy(digits, token, length);
    digits[length] = '\0';
    bool is_long = digits[length - 1] == 'L' || digits[length - 1] == 'l';
    bool is_hex = digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X');
    bool has_fraction = !is_hex && strpbrk(digits, ".eE") != NULL;
    errno = 0;
    unsigned long long value = strtoull(digits, NULL, is_hex ? 16 : 10);
    if (has_fraction || (!is_long && value <= INT_MAX && errno == 0))
        return STATUS_OK;
    if (!is_long && errno == 0 && value <= LLONG_MAX)
        return refuse_with(message, "%s:%d: %s does not fit 32 bits; write %sL", path, line, digits,
                           digits);
    if (errno != 0 || value > LLONG_MAX)
        return refuse_with(message, "%s:%d: %s does not fit 64 bits", path, line, digits);
    return STATUS_OK;
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '.' || c == '-' || c == '*';
}

/* What libconfig would get wrong in silence, looked for before it reads the text. */
static enum status check_text(const char *path, const char *text, const char **message)
{
    int line = 1;
    for (const char *at = text; *at != '\0';) {
        const char *after = skip_quiet(at, &line);
        if (after != at) {
            at = after;
        } else if (strncmp(at, "@include", 8) == 0) {
            return refuse_with(message, "%s:%d: @include is not supported", path, line);
        } else if (is_word(*at)) {
            size_t length = 1;
            while (is_word(at[length]))
                length++;
            size_t sign = *at == '-';
            if (isdigit((unsigned char)at[sign]))
                TRY(check_integer(path, line, at + sign, length - sign, message));
            at += length;
        } else {
            line += *at++ == '\n';
        }
    }
    return STATUS_OK;
}

/* The whole of a file, or NULL with errno. */
static char *read_file(const char *path, size_t limit, struct stat *stat, size_t *count)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    char *text = malloc(limit + 2);
    if (text == NULL)
        abort();
    ssize_t got = -1;
    *count = 0;
    if (fstat(fd, stat) == 0) {
        while ((got = read(fd, text + *count, limit + 1 - *count)) > 0)
            *count += (size_t)got;
    }
    int error = errno;
    close(fd);
    text[*count] = '\0';
    if (got == 0)
        return text;
    free(text);
    errno = error;
    return NULL;
}

static enum status parse_file(struct conf *conf, const char *path, const char **message)
{
    struct stat stat = {0};
    size_t count;
    char *text = read_file(path, FILE_BYTES, &stat, &count);
    if (text == NULL)
        return refuse_with(message, "%s: %s", path, strerror(errno));
    conf->mode = stat.st_mode;
    enum status status = STATUS_OK;
    if (count > FILE_BYTES || strlen(text) != count)
        status = refuse_with(message, "%s: not a text of at most %zu bytes", path, FILE_BYTES);
    if (status == STATUS_OK)
        status = check_text(path, text, message);
    if (status == STATUS_OK && config_read_string(&conf->file, text) != CONFIG_TRUE)
        status = refuse_with(message, "%s:%d: %s", path, config_error_line(&conf->file),
                             config_error_text(&conf->file));
    sodium_memzero(text, count);
    free(text);
    return status;
}

enum status conf_open(const char *path, struct conf **out, const char **message)
{
    struct conf *conf = calloc(1, sizeof(*conf));
    if (conf == NULL)
        abort();
    config_init(&conf->file);
    *message = NULL;
    bool has_file = path != NULL && path[0] != '\0';
    conf->path = keep_text(conf, has_file ? path : "");
    enum status status = has_file ? parse_file(conf, path, message) : STATUS_OK;
    if (status != STATUS_OK)
        conf_close(&conf);
    *out = conf;
    return status;
}

void conf_close(struct conf **pointer)
{
    struct conf *conf = *pointer;
    if (conf == NULL)
        return;
    for (size_t i = 0; i < conf->ntexts; i++) {
        sodium_memzero(conf->texts[i], strlen(conf->texts[i]));
        free(conf->texts[i]);
    }
    free(conf->texts);
    config_destroy(&conf->file);
    free(conf);
    *pointer = NULL;
}

enum status conf_check_groups(struct conf *conf, const char *const *groups, const char **message)
{
    const config_setting_t *root = config_root_setting(&conf->file);
    *message = NULL;
    for (int i = 0; i < config_setting_length(root); i++) {
        const config_setting_t *setting = config_setting_get_elem(root, (unsigned)i);
        const char *name = config_setting_name(setting);
        struct nearest nearest = {NULL, 0};
        for (const char *const *group = groups; *group != NULL; group++)
            nearest_try(&nearest, name, *group);
        unsigned line = config_setting_source_line(setting);
        if (nearest.distance != 0 || nearest.name == NULL)
            return refuse_with(message, "%s:%u: there is no group \"%s\"; did you mean \"%s\"?",
                               conf->path, line, name, nearest.name == NULL ? "" : nearest.name);
        if (!config_setting_is_group(setting))
            return refuse_with(message, "%s:%u: \"%s\" must be a group: %s = { ... };", conf->path,
                               line, name, name);
    }
    return STATUS_OK;
}

/* ---- one value ---- */

/* A key at work: where its value goes and how it is called in messages. */
struct slot {
    struct conf *conf;
    const char *group;
    const struct conf_key *key;
    void *target;
    char where[256]; /* "orders.lanes (penstock.conf:12)", "PENSTOCK_ORDERS_LANES" */
    const char **message;
};

static enum status store_int(struct slot *slot, int64_t value)
{
    const struct conf_key *key = slot->key;
    if (value < key->minimum || value > key->maximum)
        return refuse_with(slot->message, "%s is %lld; it must lie between %lld and %lld",
                           slot->where, (long long)value, (long long)key->minimum,
                           (long long)key->maximum);
    *(int64_t *)slot->target = value;
    return STATUS_OK;
}

static enum status store_text(struct slot *slot, const char *text)
{
    const struct conf_key *key = slot->key;
    int64_t length = (int64_t)strlen(text);
    if (length < key->minimum || length > key->maximum)
        return refuse_with(slot->message, "%s has %lld bytes; it must have between %lld and %lld",
                           slot->where, (long long)length, (long long)key->minimum,
                           (long long)key->maximum);
    *(char **)slot->target = keep_text(slot->conf, text);
    return STATUS_OK;
}

/* From the environment, or a default. */
static enum status store_from_text(struct slot *slot, const char *text)
{
    char *end;
    switch (slot->key->type) {
    case CONF_TYPE_TEXT:
    case CONF_TYPE_SECRET:
        return store_text(slot, text);
    case CONF_TYPE_INT:
        errno = 0;
        int64_t number = strtoll(text, &end, 10);
        bool is_number = isdigit((unsigned char)text[text[0] == '-']) && *end == '\0';
        if (!is_number || errno != 0)
            return refuse_with(slot->message,
                               "%s is \"%.40s\"; it must be an integer between %lld "
                               "and %lld",
                               slot->where, text, (long long)slot->key->minimum,
                               (long long)slot->key->maximum);
        return store_int(slot, number);
    case CONF_TYPE_BOOL:
        if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
            return refuse_with(slot->message, "%s is \"%.40s\"; it must be true or false",
                               slot->where, text);
        *(bool *)slot->target = strcmp(text, "true") == 0;
        return STATUS_OK;
    }
    return STATUS_INTERNAL;
}

static enum status store_secret_file(struct slot *slot, const char *path)
{
    struct stat stat = {0};
    size_t count;
    char *text = read_file(path, SECRET_BYTES, &stat, &count);
    if (text == NULL)
        return refuse_with(slot->message, "%s: cannot read %s: %s", slot->where, path,
                           strerror(errno));
    enum status status;
    size_t length = strlen(text);
    if (stat.st_mode & (S_IRWXG | S_IRWXO)) {
        status = refuse_with(slot->message, "%s: others may read %s (mode %04o); chmod 0400 it",
                             slot->where, path, stat.st_mode & 07777);
    } else if (length != count || count > SECRET_BYTES) {
        status = refuse_with(slot->message, "%s: %s is no text of at most %d bytes", slot->where,
                             path, SECRET_BYTES);
    } else {
        if (length > 0 && text[length - 1] == '\n')
            text[--length] = '\0';
        status = store_text(slot, text);
    }
    sodium_memzero(text, count);
    free(text);
    return status;
}

static const char *type_name(enum conf_type type)
{
    switch (type) {
    case CONF_TYPE_TEXT:
    case CONF_TYPE_SECRET:
        return "a text in quotation marks";
    case CONF_TYPE_INT:
        return "an integer";
    case CONF_TYPE_BOOL:
        return "true or false";
    }
    return "";
}

static enum status store_from_file(struct slot *slot, const config_setting_t *setting)
{
    int type = config_setting_type(setting);
    bool is_texty = slot->key->type == CONF_TYPE_TEXT || slot->key->type == CONF_TYPE_SECRET;
    if (is_texty && type == CONFIG_TYPE_STRING) {
        if (slot->key->type == CONF_TYPE_SECRET && (slot->conf->mode & (S_IRWXG | S_IRWXO)))
            return refuse_with(slot->message,
                               "%s: a secret in a file that others may read (mode %04o); chmod "
                               "0600 it, or give %s_file",
                               slot->where, slot->conf->mode & 07777, slot->key->name);
        return store_text(slot, config_setting_get_string(setting));
    }
    if (slot->key->type == CONF_TYPE_INT && (type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64))
        return store_int(slot, config_setting_get_int64(setting));
    if (slot->key->type == CONF_TYPE_BOOL && type == CONFIG_TYPE_BOOL) {
        *(bool *)slot->target = config_setting_get_bool(setting) == CONFIG_TRUE;
        return STATUS_OK;
    }
    return refuse_with(slot->message, "%s must be %s", slot->where, type_name(slot->key->type));
}

/* ---- where a value comes from ---- */

/* PENSTOCK_<GROUP>_<KEY><suffix>; returns its value, NULL when it is not set. */
static const char *environment(struct slot *slot, const char *suffix, char name[NAME_BYTES])
{
    int length =
        snprintf(name, NAME_BYTES, "PENSTOCK_%s_%s%s", slot->group, slot->key->name, suffix);
    assert(length > 0 && length < NAME_BYTES);
    for (char *c = name; *c != '\0'; c++)
        *c = (char)toupper((unsigned char)*c);
    return getenv(name);
}

static const config_setting_t *member(const config_setting_t *group, const char *name,
                                      const char *suffix)
{
    char full[NAME_BYTES];
    snprintf(full, sizeof(full), "%s%s", name, suffix);
    return group == NULL ? NULL : config_setting_get_member(group, full);
}

static void name_place(struct slot *slot, const config_setting_t *setting)
{
    snprintf(slot->where, sizeof(slot->where), "%s.%s (%s:%u)", slot->group,
             config_setting_name(setting), slot->conf->path, config_setting_source_line(setting));
}

static enum status both_given(struct slot *slot, const char *name)
{
    return refuse_with(slot->message, "%s and its file are both given; leave one out", name);
}

/* *found says whether the environment has it. */
static enum status fill_from_environment(struct slot *slot, bool *found)
{
    char name[NAME_BYTES], file_name[NAME_BYTES];
    const char *value = environment(slot, "", name), *file = NULL;
    if (slot->key->type == CONF_TYPE_SECRET)
        file = environment(slot, "_FILE", file_name);
    *found = value != NULL || file != NULL;
    if (value != NULL && file != NULL)
        return both_given(slot, name);
    snprintf(slot->where, sizeof(slot->where), "%s", value != NULL ? name : file_name);
    if (value != NULL)
        return store_from_text(slot, value);
    return file != NULL ? store_secret_file(slot, file) : STATUS_OK;
}

static enum status fill_from_group(struct slot *slot, const config_setting_t *group, bool *found)
{
    const config_setting_t *value = member(group, slot->key->name, ""), *file = NULL;
    if (slot->key->type == CONF_TYPE_SECRET)
        file = member(group, slot->key->name, "_file");
    *found = value != NULL || file != NULL;
    if (!*found)
        return STATUS_OK;
    name_place(slot, value != NULL ? value : file);
    if (value != NULL && file != NULL)
        return both_given(slot, slot->where);
    if (value != NULL)
        return store_from_file(slot, value);
    const char *path = config_setting_get_string(file);
    if (path == NULL)
        return refuse_with(slot->message, "%s must be a text: the path of a file", slot->where);
    return store_secret_file(slot, path);
}

static enum status fill(struct slot *slot, const config_setting_t *group)
{
    bool found;
    TRY(fill_from_environment(slot, &found));
    if (found)
        return STATUS_OK;
    TRY(fill_from_group(slot, group, &found));
    if (found)
        return STATUS_OK;
    if (slot->key->default_text != NULL) {
        snprintf(slot->where, sizeof(slot->where), "the default of %s.%s", slot->group,
                 slot->key->name);
        return store_from_text(slot, slot->key->default_text);
    }
    char name[NAME_BYTES];
    environment(slot, "", name);
    return refuse_with(
        slot->message, "%s.%s is missing: set it in %s or in %s", slot->group, slot->key->name,
        slot->conf->path[0] == '\0' ? "a configuration file" : slot->conf->path, name);
}

/* ---- keys that nobody knows ---- */

static struct nearest nearest_key(const struct conf_key *keys, const char *name)
{
    struct nearest nearest = {NULL, 0};
    for (const struct conf_key *key = keys; key->name != NULL; key++) {
        char file_name[NAME_BYTES];
        nearest_try(&nearest, name, key->name);
        snprintf(file_name, sizeof(file_name), "%s_file", key->name);
        if (key->type == CONF_TYPE_SECRET && strcmp(file_name, name) == 0)
            return (struct nearest){key->name, 0};
    }
    return nearest;
}

static enum status check_group_keys(struct conf *conf, const config_setting_t *group,
                                    const struct conf_key *keys, const char **message)
{
    if (!config_setting_is_group(group))
        return refuse_with(message, "%s:%u: \"%s\" must be a group: %s = { ... };", conf->path,
                           config_setting_source_line(group), config_setting_name(group),
                           config_setting_name(group));
    for (int i = 0; i < config_setting_length(group); i++) {
        const config_setting_t *setting = config_setting_get_elem(group, (unsigned)i);
        const char *name = config_setting_name(setting);
        struct nearest nearest = nearest_key(keys, name);
        if (nearest.name == NULL || nearest.distance != 0)
            return refuse_with(message, "%s:%u: %s has no key \"%s\"; did you mean \"%s\"?",
                               conf->path, config_setting_source_line(setting),
                               config_setting_name(group), name,
                               nearest.name == NULL ? "" : nearest.name);
    }
    return STATUS_OK;
}

static enum status check_environment_keys(const char *group, const struct conf_key *keys,
                                          const char **message)
{
    char prefix[NAME_BYTES];
    int length = snprintf(prefix, sizeof(prefix), "PENSTOCK_%s_", group);
    assert(length > 0 && length < NAME_BYTES);
    for (char **variable = environ; *variable != NULL; variable++) {
        if (strncasecmp(*variable, prefix, (size_t)length) != 0)
            continue;
        char name[NAME_BYTES];
        const char *key = *variable + length;
        size_t count = least(strcspn(key, "="), sizeof(name) - 1);
        for (size_t i = 0; i < count; i++)
            name[i] = (char)tolower((unsigned char)key[i]);
        name[count] = '\0';
        struct nearest nearest = nearest_key(keys, name);
        if (nearest.name == NULL || nearest.distance != 0)
            return refuse_with(message,
                               "environment: %.*s: %s has no key \"%s\"; did you mean "
                               "\"%s\"?",
                               (int)((size_t)length + count), *variable, group, name,
                               nearest.name == NULL ? "" : nearest.name);
    }
    return STATUS_OK;
}

enum status conf_read(struct conf *conf, const char *group, const struct conf_key *keys,
                      void *target, const char **message)
{
    *message = NULL;
    const config_setting_t *setting = config_lookup(&conf->file, group);
    if (setting != NULL)
        TRY(check_group_keys(conf, setting, keys, message));
    TRY(check_environment_keys(group, keys, message));
    for (const struct conf_key *key = keys; key->name != NULL; key++) {
        struct slot slot = {conf, group, key, (char *)target + key->offset, "", message};
        TRY(fill(&slot, setting));
    }
    return STATUS_OK;
}
