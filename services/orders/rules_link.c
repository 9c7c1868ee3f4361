#include "rules_link.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

/* order id, version, seconds of the expiry, and half of the HMAC */
#define BODY_BYTES (16 + 4 + 4)
#define MAC_BYTES 16
#define PHONE_DIGITS 8
#define PHONE_MIN_DIGITS 7
#define MAX_NUMBER_BYTES 64

static const uint8_t link_purpose[] = "order-link";
static const uint8_t code_purpose[] = "order-code";

static void sign(const uint8_t secret[LINK_SECRET_BYTES], const uint8_t *purpose,
                 size_t purpose_bytes, const uint8_t *bytes, size_t count,
                 uint8_t mac[crypto_auth_hmacsha256_BYTES])
{
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, secret, LINK_SECRET_BYTES);
    crypto_auth_hmacsha256_update(&state, purpose, purpose_bytes);
    crypto_auth_hmacsha256_update(&state, bytes, count);
    crypto_auth_hmacsha256_final(&state, mac);
}

static void put32(uint8_t *to, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        to[i] = (uint8_t)(value >> (24 - 8 * i));
}

static uint32_t get32(const uint8_t *from)
{
    return (uint32_t)from[0] << 24 | (uint32_t)from[1] << 16 | (uint32_t)from[2] << 8 | from[3];
}

/* ---- links ---- */

char *rules_link_token(const uint8_t secret[LINK_SECRET_BYTES], const struct link *link,
                       char token[LINK_TOKEN_BYTES])
{
    uint8_t bytes[BODY_BYTES + MAC_BYTES], mac[crypto_auth_hmacsha256_BYTES];
    static_assert(sodium_base64_ENCODED_LEN(BODY_BYTES + MAC_BYTES,
                                            sodium_base64_VARIANT_URLSAFE_NO_PADDING) ==
                      LINK_TOKEN_BYTES,
                  "a token's length");
    memcpy(bytes, link->order_id.bytes, 16);
    put32(bytes + 16, (uint32_t)link->version);
    put32(bytes + 20, (uint32_t)(link->expires_at_us / 1000000));
    sign(secret, link_purpose, sizeof link_purpose, bytes, BODY_BYTES, mac);
    memcpy(bytes + BODY_BYTES, mac, MAC_BYTES);
    return sodium_bin2base64(token, LINK_TOKEN_BYTES, bytes, sizeof bytes,
                             sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

bool rules_link_read(const uint8_t secret[LINK_SECRET_BYTES], const char *token, int64_t now_us,
                     struct link *link)
{
    uint8_t bytes[BODY_BYTES + MAC_BYTES], mac[crypto_auth_hmacsha256_BYTES];
    size_t count = 0, length = strnlen(token, LINK_TOKEN_BYTES);
    if (length != LINK_TOKEN_BYTES - 1 ||
        sodium_base642bin(bytes, sizeof bytes, token, length, NULL, &count, NULL,
                          sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 ||
        count != sizeof bytes)
        return false;
    sign(secret, link_purpose, sizeof link_purpose, bytes, BODY_BYTES, mac);
    if (sodium_memcmp(mac, bytes + BODY_BYTES, MAC_BYTES) != 0)
        return false;
    memcpy(link->order_id.bytes, bytes, 16);
    link->version = (int32_t)get32(bytes + 16);
    link->expires_at_us = (int64_t)get32(bytes + 20) * 1000000;
    return now_us < link->expires_at_us;
}

/* ---- codes ---- */

char *rules_code_text(const uint8_t secret[LINK_SECRET_BYTES], const struct uuid *code_id,
                      char code[LINK_CODE_DIGITS + 1])
{
    uint8_t mac[crypto_auth_hmacsha256_BYTES];
    uint64_t number = 0;
    sign(secret, code_purpose, sizeof code_purpose, code_id->bytes, sizeof code_id->bytes, mac);
    for (int i = 0; i < 8; i++)
        number = number << 8 | mac[i];
    code[LINK_CODE_DIGITS] = '\0';
    for (int i = LINK_CODE_DIGITS; i-- > 0; number /= 10)
        code[i] = (char)('0' + number % 10);
    return code;
}

bool rules_code_matches(const uint8_t secret[LINK_SECRET_BYTES], const struct uuid *code_id,
                        const char *typed)
{
    char code[LINK_CODE_DIGITS + 1], digits[LINK_CODE_DIGITS + 1] = "";
    size_t count = 0;
    for (; *typed != '\0'; typed++) {
        if (*typed == ' ' || *typed == '-')
            continue;
        if (count == LINK_CODE_DIGITS)
            return false;
        digits[count++] = *typed;
    }
    rules_code_text(secret, code_id, code);
    return count == LINK_CODE_DIGITS && sodium_memcmp(code, digits, LINK_CODE_DIGITS) == 0;
}

/* ---- lookups ---- */

/* The last digits of a telephone number; returns how many there are. */
static size_t last_digits(const char *phone, char digits[PHONE_DIGITS + 1])
{
    size_t count = 0;
    for (const char *s = phone + strlen(phone); s > phone && count < PHONE_DIGITS; s--) {
        if (s[-1] >= '0' && s[-1] <= '9')
            digits[count++] = s[-1];
    }
    digits[count] = '\0';
    return count;
}

bool rules_phones_match(const char *a, const char *b)
{
    char one[PHONE_DIGITS + 1], other[PHONE_DIGITS + 1];
    size_t count = last_digits(a, one);
    return count >= PHONE_MIN_DIGITS && last_digits(b, other) == count && strcmp(one, other) == 0;
}

struct uuid rules_lookup_key(const char *number, const char *phone)
{
    char text[MAX_NUMBER_BYTES + 1 + PHONE_DIGITS + 1];
    size_t count = 0;
    for (; *number != '\0' && count < MAX_NUMBER_BYTES; number++) {
        if (*number >= 'a' && *number <= 'z')
            text[count++] = (char)(*number - 'a' + 'A');
        else if (*number != ' ')
            text[count++] = *number;
    }
    text[count++] = '\n';
    count += last_digits(phone, text + count);
    return uuid_of_hash(text, count);
}

bool rules_lookup_request(struct lookup *lookup, int64_t now_us)
{
    if (now_us - lookup->window_at_us >= LOOKUP_WINDOW_US) {
        lookup->window_at_us = now_us;
        lookup->requests = 0;
    }
    if (lookup->requests >= LOOKUP_MAX_REQUESTS)
        return false;
    lookup->requests++;
    return true;
}

bool rules_lookup_code_is_good(const struct lookup *lookup, int64_t now_us)
{
    return !uuid_is_nil(&lookup->code_id) && now_us - lookup->code_at_us < LOOKUP_CODE_US;
}

bool rules_lookup_try(struct lookup *lookup, int64_t now_us)
{
    if (lookup->tries >= LOOKUP_MAX_TRIES)
        return false;
    lookup->tries++;
    return rules_lookup_code_is_good(lookup, now_us);
}
