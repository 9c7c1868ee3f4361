#include "services/gateway/console.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"

#define MAX_FILES 2000
#define MAX_BYTES ((size_t)64 << 20)
#define MAX_DEPTH 4
#define PATH_BYTES 512
#define GZIP_SUFFIX ".gz"

struct console {
    char *folder;
    struct timespec changed_at; /* of its index.html; 0: there is none */
    struct console_file *files; /* by path */
    size_t count, room, bytes;
    bool is_cut;
};

/* ---- reading ---- */

static const char *type_of(const char *path)
{
    static const char *const types[][2] = {
        {".html", "text/html; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},
        {".css", "text/css; charset=utf-8"},
        {".json", "application/json"},
        {".map", "application/json"},
        {".webmanifest", "application/manifest+json"},
        {".svg", "image/svg+xml"},
        {".png", "image/png"},
        {".jpg", "image/jpeg"},
        {".webp", "image/webp"},
        {".ico", "image/x-icon"},
        {".woff2", "font/woff2"},
        {".txt", "text/plain; charset=utf-8"},
    };
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot != NULL && i < sizeof types / sizeof types[0]; i++)
        if (strcmp(types[i][0], dot) == 0)
            return types[i][1];
    return "application/octet-stream";
}

/* NULL when it cannot be read whole. */
static char *read_file(int fd, size_t count)
{
    char *bytes = malloc(count + 1);
    size_t have = 0;
    assert(bytes != NULL);
    while (have < count) {
        ssize_t n = read(fd, bytes + have, count - have);
        if (n <= 0) {
            free(bytes);
            return NULL;
        }
        have += (size_t)n;
    }
    bytes[count] = '\0';
    return bytes;
}

static void add_file(struct console *console, const char *path, char *bytes, size_t count)
{
    if (console->count == console->room) {
        console->room = console->room == 0 ? 64 : console->room * 2;
        console->files = reallocarray(console->files, console->room, sizeof(struct console_file));
        assert(console->files != NULL);
    }
    char *own = strdup(path);
    assert(own != NULL);
    console->bytes += count;
    console->files[console->count++] = (struct console_file){
        .path = own,
        .content_type = type_of(path),
        .is_hashed = strncmp(path, "/assets/", strlen("/assets/")) == 0,
        .bytes = bytes,
        .count = count,
    };
}

static void read_folder(struct console *console, int folder, const char *prefix, int depth);

static void read_entry(struct console *console, int folder, const char *prefix, const char *name,
                       int depth)
{
    char path[PATH_BYTES];
    struct stat st;
    int n = snprintf(path, sizeof path, "%s/%s", prefix, name);
    int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return;
    if (n >= (int)sizeof path || fstat(fd, &st) != 0) {
        close(fd);
    } else if (S_ISDIR(st.st_mode)) {
        read_folder(console, fd, path, depth + 1);
    } else {
        size_t count = (size_t)st.st_size;
        bool fits = console->count < MAX_FILES && count <= MAX_BYTES - console->bytes;
        char *bytes = S_ISREG(st.st_mode) && fits ? read_file(fd, count) : NULL;
        console->is_cut = console->is_cut || !fits;
        if (bytes != NULL)
            add_file(console, path, bytes, count);
        close(fd);
    }
}

/* Takes the descriptor over. */
static void read_folder(struct console *console, int folder, const char *prefix, int depth)
{
    DIR *dir = depth > MAX_DEPTH ? NULL : fdopendir(folder);
    if (dir == NULL) {
        close(folder);
        return;
    }
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir))
        if (entry->d_name[0] != '.')
            read_entry(console, folder, prefix, entry->d_name, depth);
    closedir(dir);
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct console_file *)a)->path, ((const struct console_file *)b)->path);
}

/* What is gzipped stands beside its original, which then takes it over; "a.js" sorts before
 * "a.js.gz". */
static void attach_gzipped(struct console *console)
{
    for (size_t i = 0; i < console->count; i++) {
        struct console_file *file = &console->files[i], *original;
        size_t bytes = strlen(file->path);
        char path[PATH_BYTES];
        if (bytes < sizeof GZIP_SUFFIX || bytes >= sizeof path ||
            strcmp(file->path + bytes - strlen(GZIP_SUFFIX), GZIP_SUFFIX) != 0)
            continue;
        memcpy(path, file->path, bytes);
        path[bytes - strlen(GZIP_SUFFIX)] = '\0';
        const struct console_file wanted = {.path = path};
        original = bsearch(&wanted, console->files, console->count, sizeof wanted, by_path);
        if (original == NULL)
            continue;
        original->gzipped = file->bytes;
        original->gzipped_count = file->count;
        file->bytes = NULL;
        file->count = 0;
    }
}

/* ---- life ---- */

static void forget_files(struct console *console)
{
    for (size_t i = 0; i < console->count; i++) {
        free((void *)(uintptr_t)console->files[i].path);
        free(console->files[i].bytes);
        free(console->files[i].gzipped);
    }
    free(console->files);
    console->files = NULL;
    console->count = console->room = console->bytes = 0;
    console->is_cut = false;
}

static struct timespec index_changed_at(const struct console *console)
{
    char path[PATH_BYTES];
    struct stat st;
    if (snprintf(path, sizeof path, "%s/index.html", console->folder) >= (int)sizeof path ||
        stat(path, &st) != 0)
        return (struct timespec){0, 0};
    return st.st_mtim;
}

void console_refresh(struct console *console)
{
    struct timespec at = index_changed_at(console);
    if (at.tv_sec == console->changed_at.tv_sec && at.tv_nsec == console->changed_at.tv_nsec)
        return;
    forget_files(console);
    console->changed_at = at;
    int folder = open(console->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (at.tv_sec == 0 || folder < 0)
        return;
    read_folder(console, folder, "", 0);
    if (console->count > 0)
        qsort(console->files, console->count, sizeof console->files[0], by_path);
    attach_gzipped(console);
    if (console->is_cut)
        log_warn("console_cut", "The console's folder is too large; some of it is not served",
                 LOG_INT("files", console->count), LOG_INT("bytes", console->bytes));
    log_info("console_read", "The console's files were read", LOG_INT("files", console->count),
             LOG_INT("bytes", console->bytes));
}

struct console *console_open(const char *folder)
{
    struct console *console = calloc(1, sizeof *console);
    assert(console != NULL);
    console->folder = strdup(folder);
    assert(console->folder != NULL);
    console_refresh(console);
    return console;
}

void console_close(struct console **console)
{
    if (*console == NULL)
        return;
    forget_files(*console);
    free((*console)->folder);
    free(*console);
    *console = NULL;
}

const struct console_file *console_find(const struct console *console, const char *path)
{
    const struct console_file wanted = {.path = path};
    if (console->count == 0)
        return NULL;
    const struct console_file *file =
        bsearch(&wanted, console->files, console->count, sizeof wanted, by_path);
    return file != NULL && file->bytes != NULL ? file : NULL;
}
