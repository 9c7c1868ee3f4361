/* password.h -- passwords: which are good enough, how they are kept, how they are made.
 *
 * Kept as Argon2id at libsodium's INTERACTIVE cost (64 MiB, some 75 ms): whoever steals the table
 * pays that for each guess. The cost is why hashing happens in the few threads that are there for
 * it (signin.h) or on a query's lane, never in the writer.
 *
 * Pure but for the random source. Limits: 10 to 256 characters.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define PASSWORD_MIN_CHARACTERS 10
#define PASSWORD_MAX_CHARACTERS 256
#define PASSWORD_HASH_BYTES 128
#define PASSWORD_MADE_BYTES 24

/* Why a password is refused, as a sentence; NULL when nothing is against it. email and name are the
 * person's own: what contains them is the first thing that is tried. */
const char *password_refusal(const char *password, const char *email, const char *name);

/* False when there is no memory for it. */
bool password_hash(const char *password, char hash[PASSWORD_HASH_BYTES]);
/* Takes as long whether it is right or not. */
bool password_verify(const char *password, const char *hash);
/* The hash was made at another cost than ours of today. */
bool password_needs_rehash(const char *hash);
/* A password of 99 bits in groups that can be read out: "k7mqx-...". */
void password_make(char password[PASSWORD_MADE_BYTES]);

/* The list of the most common ones, as it is built into the binary (tools/files.awk). */
struct password_file {
    const char *name, *text;
};
extern const struct password_file password_files[];
extern const size_t password_nfiles;
