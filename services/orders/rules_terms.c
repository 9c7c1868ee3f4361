#include "rules_terms.h"

#include <string.h>

/* ---- characters ---- */

/* The next character of UTF-8 that was checked when it came in; 0 at the end. */
static uint32_t next_character(const char **text)
{
    const unsigned char *s = (const unsigned char *)*text;
    size_t more = s[0] < 0x80 ? 0 : s[0] < 0xE0 ? 1 : s[0] < 0xF0 ? 2 : 3;
    uint32_t c = more == 0 ? s[0] : s[0] & (0x3Fu >> more);
    size_t used = 1;
    for (; used <= more && (s[used] & 0xC0) == 0x80; used++)
        c = c << 6 | (s[used] & 0x3Fu);
    *text += s[0] == '\0' ? 0 : used;
    return c;
}

/* 0 for what is no letter and no digit: blanks and punctuation of any width. */
static uint32_t fold(uint32_t c)
{
    if (c >= 0xFF01 && c <= 0xFF5E)
        c -= 0xFEE0;
    if (c >= 'A' && c <= 'Z')
        return c + ('a' - 'A');
    if (c < 0x80)
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? c : 0;
    if (c >= 0xC0 && c <= 0xDE && c != 0xD7)
        return c + 0x20;
    if (c < 0xC0 || (c >= 0x2000 && c <= 0x206F) || (c >= 0x3000 && c <= 0x3004) ||
        (c >= 0x3008 && c <= 0x3020) || c == 0x30FB || c == 0xFEFF || (c >= 0xFF5F && c <= 0xFF65))
        return 0;
    return c;
}

static char *put_character(char *to, uint32_t c)
{
    if (c < 0x80) {
        *to++ = (char)c;
    } else if (c < 0x800) {
        *to++ = (char)(0xC0 | c >> 6);
        *to++ = (char)(0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
        *to++ = (char)(0xE0 | c >> 12);
        *to++ = (char)(0x80 | (c >> 6 & 0x3F));
        *to++ = (char)(0x80 | (c & 0x3F));
    } else {
        *to++ = (char)(0xF0 | c >> 18);
        *to++ = (char)(0x80 | (c >> 12 & 0x3F));
        *to++ = (char)(0x80 | (c >> 6 & 0x3F));
        *to++ = (char)(0x80 | (c & 0x3F));
    }
    return to;
}

char *terms_canonical(struct arena *arena, const char *text)
{
    char *canonical = arena_alloc(arena, strlen(text) + 5), *to = canonical;
    uint32_t c;
    for (size_t count = 0; count < TERMS_MAX_TEXT && (c = next_character(&text)) != 0;) {
        c = fold(c);
        if (c != 0) {
            to = put_character(to, c);
            count++;
        }
    }
    *to = '\0';
    return canonical;
}

/* ---- grams ---- */

static bool is_digit(uint32_t c)
{
    return c >= '0' && c <= '9';
}

/* Spreads 64 bits evenly over 32 (the finalizer of SplitMix64). */
static uint32_t hash_of(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
    return (uint32_t)(x >> 32);
}

/* The gram that begins at c[0]; false when none does. Beyond the text's end there are zeros. */
static bool gram_at(const uint32_t c[4], uint64_t *gram)
{
    if (c[1] == 0)
        return false;
    if (c[0] >= 0x80 || c[1] >= 0x80) {
        *gram = (uint64_t)c[0] << 24 | c[1];
        return true;
    }
    if (c[2] == 0 || c[2] >= 0x80)
        return false;
    *gram = UINT64_C(1) << 60 | (uint64_t)c[0] << 16 | c[1] << 8 | c[2];
    if (!is_digit(c[0]) || !is_digit(c[1]) || !is_digit(c[2]))
        return true;
    *gram = *gram << 8 | c[3];
    return is_digit(c[3]);
}

size_t terms_grams(const char *canonical, uint32_t *grams)
{
    uint32_t c[4];
    uint64_t gram;
    size_t count = 0;
    for (size_t i = 0; i < 4; i++)
        c[i] = next_character(&canonical);
    while (c[0] != 0) {
        if (gram_at(c, &gram))
            grams[count++] = hash_of(gram);
        memmove(c, c + 1, 3 * sizeof(c[0]));
        c[3] = next_character(&canonical);
    }
    return count;
}
