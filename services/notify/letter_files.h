/* letter_files.h -- the templates, as they are built into the binary (tools/files.awk). */
#pragma once

#include <stddef.h>

struct letter_file {
    const char *name, *text;
};
extern const struct letter_file letter_files[];
extern const size_t letter_nfiles;
