#include "services/gateway/utf8.h"

size_t utf8_sequence_bytes(const uint8_t *at, const uint8_t *end)
{
    size_t left = (size_t)(end - at);
    uint8_t lead = at[0];
    if (lead < 0x80)
        return 1;
    if (lead >= 0xC2 && lead <= 0xDF)
        return left >= 2 && (at[1] & 0xC0) == 0x80 ? 2 : 0;
    if (lead >= 0xE0 && lead <= 0xEF) {
        uint8_t low = lead == 0xE0 ? 0xA0 : 0x80, high = lead == 0xED ? 0x9F : 0xBF;
        return left >= 3 && at[1] >= low && at[1] <= high && (at[2] & 0xC0) == 0x80 ? 3 : 0;
    }
    if (lead >= 0xF0 && lead <= 0xF4) {
        uint8_t low = lead == 0xF0 ? 0x90 : 0x80, high = lead == 0xF4 ? 0x8F : 0xBF;
        bool is_good = left >= 4 && at[1] >= low && at[1] <= high && (at[2] & 0xC0) == 0x80 &&
                       (at[3] & 0xC0) == 0x80;
        return is_good ? 4 : 0;
    }
    return 0;
}

bool utf8_is_valid(const void *bytes, size_t count)
{
    const uint8_t *at = bytes, *end = at + count;
    while (at < end) {
        size_t length = utf8_sequence_bytes(at, end);
        if (length == 0)
            return false;
        at += length;
    }
    return true;
}

char *utf8_put(char *to, uint32_t point)
{
    if (point < 0x80) {
        *to++ = (char)point;
    } else if (point < 0x800) {
        *to++ = (char)(0xC0 | (point >> 6));
        *to++ = (char)(0x80 | (point & 0x3F));
    } else if (point < 0x10000) {
        *to++ = (char)(0xE0 | (point >> 12));
        *to++ = (char)(0x80 | ((point >> 6) & 0x3F));
        *to++ = (char)(0x80 | (point & 0x3F));
    } else {
        *to++ = (char)(0xF0 | (point >> 18));
        *to++ = (char)(0x80 | ((point >> 12) & 0x3F));
        *to++ = (char)(0x80 | ((point >> 6) & 0x3F));
        *to++ = (char)(0x80 | (point & 0x3F));
    }
    return to;
}
