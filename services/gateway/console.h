/* console.h -- the console's files, as they were built: read whole, served from memory.
 *
 * A request names a path of the index or nothing: no path of a client ever reaches the file system.
 * Links are not followed. Beside x stands x.gz where the build made one; it belongs to x. The
 * folder is read again when its index.html has changed, so that a new build needs no restart.
 *
 * Ownership: console_open() makes, console_close() frees; one thread's.
 * Limits: 2,000 files, 64 MiB, four folders deep; what is beyond is left out, and logged.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct console_file {
    const char *path; /* "/assets/main-4F2A.js" */
    const char *content_type;
    bool is_hashed; /* its name changes with its content */
    char *bytes;
    size_t count;
    char *gzipped; /* NULL: none */
    size_t gzipped_count;
};

struct console;

/* An empty one when there is no folder or no index.html in it (yet). */
struct console *console_open(const char *folder);
void console_close(struct console **console);
/* Reads the folder again if its index.html is another than the one that was read. */
void console_refresh(struct console *console);
/* NULL when there is none. The page itself is "/index.html". */
const struct console_file *console_find(const struct console *console, const char *path);
