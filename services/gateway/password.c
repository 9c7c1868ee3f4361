#include "services/gateway/password.h"

#include <sodium.h>
#include <string.h>

/* A name or address of this length or more must not stand in a password. */
#define OWN_WORD_BYTES 4
#define MADE_GROUPS 4
#define MADE_GROUP_BYTES 5

static size_t count_characters(const char *text)
{
    size_t count = 0;
    for (; *text != '\0'; text++)
        count += ((unsigned char)*text & 0xC0) != 0x80;
    return count;
}

static bool is_in_list(const char *list, const char *password)
{
    size_t bytes = strlen(password);
    while (*list != '\0') {
        size_t line = strcspn(list, "\n");
        if (line == bytes && strncasecmp(list, password, bytes) == 0)
            return true;
        list += line + (list[line] == '\n');
    }
    return false;
}

static bool is_common(const char *password)
{
    for (size_t i = 0; i < password_nfiles; i++)
        if (is_in_list(password_files[i].text, password))
            return true;
    return false;
}

/* "aaaaaaaaaa", "abababababab", "1234567890ab" taken apart: few different characters, or each the
 * one after the last. */
static bool is_monotonous(const char *password)
{
    bool seen[256] = {false};
    size_t different = 0, steps = 0, bytes = strlen(password);
    for (size_t i = 0; i < bytes; i++) {
        unsigned char c = (unsigned char)password[i];
        different += !seen[c];
        seen[c] = true;
        steps += i > 0 && (c == (unsigned char)password[i - 1] + 1 ||
                           c == (unsigned char)password[i - 1] - 1);
    }
    return different < 5 || steps * 4 > bytes * 3;
}

static bool contains(const char *password, const char *word, size_t bytes)
{
    if (bytes < OWN_WORD_BYTES)
        return false;
    for (const char *at = password; *at != '\0'; at++)
        if (strncasecmp(at, word, bytes) == 0)
            return true;
    return false;
}

static bool contains_own(const char *password, const char *email, const char *name)
{
    if (contains(password, email, strcspn(email, "@")))
        return true;
    while (*name != '\0') {
        size_t bytes = strcspn(name, " ");
        if (contains(password, name, bytes))
            return true;
        name += bytes + (name[bytes] == ' ');
    }
    return false;
}

const char *password_refusal(const char *password, const char *email, const char *name)
{
    size_t characters = count_characters(password);
    if (characters < PASSWORD_MIN_CHARACTERS)
        return "A password has 10 characters at least; 15 or more are better: a few words will do.";
    if (characters > PASSWORD_MAX_CHARACTERS)
        return "A password has 256 characters at most.";
    if (is_common(password) || is_monotonous(password))
        return "This password is one of the first that anybody would try.";
    if (contains_own(password, email, name) || contains(password, "penstock", 8))
        return "A password must not contain your name, your address or the name of this system.";
    return NULL;
}

bool password_hash(const char *password, char hash[PASSWORD_HASH_BYTES])
{
    _Static_assert(crypto_pwhash_STRBYTES <= PASSWORD_HASH_BYTES, "room for libsodium's text");
    return crypto_pwhash_str(hash, password, strlen(password), crypto_pwhash_OPSLIMIT_INTERACTIVE,
                             crypto_pwhash_MEMLIMIT_INTERACTIVE) == 0;
}

bool password_verify(const char *password, const char *hash)
{
    return crypto_pwhash_str_verify(hash, password, strlen(password)) == 0;
}

bool password_needs_rehash(const char *hash)
{
    return crypto_pwhash_str_needs_rehash(hash, crypto_pwhash_OPSLIMIT_INTERACTIVE,
                                          crypto_pwhash_MEMLIMIT_INTERACTIVE) != 0;
}

void password_make(char password[PASSWORD_MADE_BYTES])
{
    /* Without what is taken for something else: 0 o, 1 l i. */
    static const char letters[] = "23456789abcdefghjkmnpqrstuvwxyz";
    char *to = password;
    for (int group = 0; group < MADE_GROUPS; group++) {
        if (group > 0)
            *to++ = '-';
        for (int i = 0; i < MADE_GROUP_BYTES; i++)
            *to++ = letters[randombytes_uniform(sizeof letters - 1)];
    }
    *to = '\0';
}
