/* conf.h -- configuration: one table of keys per module, filled from a libconfig file and the
 * environment.
 *
 * The file has a group per service and a group "common". An environment variable
 * PENSTOCK_<GROUP>_<KEY> wins over the file; a key marked secret may be given as <key>_file (or
 * PENSTOCK_..._FILE), a file that only its owner can read. An unknown key is an error that names
 * the nearest known one. Integers that libconfig would have cut to 32 bits are refused.
 *
 * Only conf.c includes libconfig.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/status.h"

enum conf_type { CONF_TYPE_TEXT, CONF_TYPE_INT, CONF_TYPE_BOOL, CONF_TYPE_SECRET };

struct conf_key {
    const char *name;
    enum conf_type type;
    size_t offset;            /* in the caller's struct: char *, int64_t or bool */
    const char *default_text; /* as it would stand in the file; NULL: required */
    int64_t minimum, maximum; /* integers: value; texts: bytes */
    const char *doc;          /* one sentence, for the generated reference */
};

#define CONF_TEXT(type_, member, default_, doc_)                                                   \
    {                                                                                              \
#member, CONF_TYPE_TEXT, offsetof(type_, member), default_, 0, 4096, doc_                  \
    }
#define CONF_INT(type_, member, default_, minimum_, maximum_, doc_)                                \
    {                                                                                              \
#member, CONF_TYPE_INT, offsetof(type_, member), default_, minimum_, maximum_, doc_        \
    }
#define CONF_BOOL(type_, member, default_, doc_)                                                   \
    {                                                                                              \
#member, CONF_TYPE_BOOL, offsetof(type_, member), default_, 0, 1, doc_                     \
    }
#define CONF_SECRET(type_, member, default_, doc_)                                                 \
    {                                                                                              \
#member, CONF_TYPE_SECRET, offsetof(type_, member), default_, 0, 4096, doc_                \
    }
#define CONF_END                                                                                   \
    {                                                                                              \
        NULL, CONF_TYPE_TEXT, 0, NULL, 0, 0, NULL                                                  \
    }

struct conf;

/* Opens and parses a file; on failure *message (static storage per thread) says what and where. */
enum status conf_open(const char *path, struct conf **out, const char **message) MUST_CHECK;
void conf_close(struct conf **conf);
/* Fills target (its texts are owned by conf) from one group by the table; keys end with CONF_END.
 */
enum status conf_read(struct conf *conf, const char *group, const struct conf_key *keys,
                      void *target, const char **message) MUST_CHECK;
/* Which groups the file may have: any other is an error that names the nearest. Ends with NULL. */
enum status conf_check_groups(struct conf *conf, const char *const *groups,
                              const char **message) MUST_CHECK;
