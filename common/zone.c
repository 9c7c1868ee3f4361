#include "common/zone.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ZONE_MAX_BYTES 65536

struct zone {
    int32_t count;    /* of changes */
    int64_t *at_s;    /* when each happens */
    int32_t *after_s; /* the offset from then on */
    int32_t before_s; /* the offset before the first */
};

/* ---- RFC 8536 ---- */

struct header {
    uint32_t isutcnt, isstdcnt, leapcnt, timecnt, typecnt, charcnt;
};
#define HEADER_BYTES 44
#define TYPE_BYTES 6

static uint32_t read_u32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int64_t read_i64(const uint8_t *p)
{
    return (int64_t)((uint64_t)read_u32(p) << 32 | read_u32(p + 4));
}

static bool read_header(const uint8_t *bytes, size_t count, struct header *header)
{
    if (count < HEADER_BYTES || memcmp(bytes, "TZif", 4) != 0)
        return false;
    const uint8_t *p = bytes + 20;
    *header = (struct header){read_u32(p),      read_u32(p + 4),  read_u32(p + 8),
                              read_u32(p + 12), read_u32(p + 16), read_u32(p + 20)};
    uint32_t most = ZONE_MAX_BYTES;
    return header->isutcnt <= most && header->isstdcnt <= most && header->leapcnt <= most &&
           header->timecnt <= most && header->typecnt <= 256 && header->typecnt > 0 &&
           header->charcnt <= most;
}

static size_t body_bytes(const struct header *h, size_t time_bytes)
{
    return h->timecnt * (time_bytes + 1) + h->typecnt * TYPE_BYTES + h->charcnt +
           h->leapcnt * (time_bytes + 4) + h->isstdcnt + h->isutcnt;
}

/* The second block, of 64-bit times, follows the first, of 32-bit ones. */
static bool read_zone(const uint8_t *bytes, size_t count, struct zone *zone)
{
    struct header h;
    if (!read_header(bytes, count, &h) || bytes[4] < '2')
        return false;
    size_t skip = HEADER_BYTES + body_bytes(&h, 4);
    if (skip > count || !read_header(bytes + skip, count - skip, &h))
        return false;
    skip += HEADER_BYTES;
    if (body_bytes(&h, 8) > count - skip)
        return false;
    const uint8_t *times = bytes + skip;
    const uint8_t *kinds = times + h.timecnt * 8;
    const uint8_t *types = kinds + h.timecnt;
    zone->count = (int32_t)h.timecnt;
    zone->before_s = (int32_t)read_u32(types);
    zone->at_s = calloc(h.timecnt + 1, sizeof(*zone->at_s));
    zone->after_s = calloc(h.timecnt + 1, sizeof(*zone->after_s));
    if (zone->at_s == NULL || zone->after_s == NULL)
        abort();
    for (size_t i = 0; i < h.timecnt; i++) {
        if (kinds[i] >= h.typecnt)
            return false;
        zone->at_s[i] = read_i64(times + i * 8);
        zone->after_s[i] = (int32_t)read_u32(types + kinds[i] * TYPE_BYTES);
    }
    return true;
}

/* ---- the file ---- */

/* Words of letters, digits, _, + and - between slashes: nothing that leads out of the folder. */
static bool name_is_valid(const char *name)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                  "0123456789_+-/";
    size_t length = strlen(name);
    return length > 0 && length <= 64 && name[0] != '/' && name[length - 1] != '/' &&
           strstr(name, "//") == NULL && strspn(name, allowed) == length;
}

static enum status read_file(const char *name, uint8_t *bytes, size_t *count)
{
    char path[128];
    snprintf(path, sizeof(path), "/usr/share/zoneinfo/%s", name);
    FILE *file = fopen(path, "rbe");
    if (file == NULL)
        return STATUS_NOT_FOUND;
    *count = fread(bytes, 1, ZONE_MAX_BYTES, file);
    bool failed = ferror(file) != 0;
    fclose(file);
    return failed ? STATUS_NOT_FOUND : STATUS_OK;
}

enum status zone_open(const char *name, struct zone **out)
{
    if (!name_is_valid(name))
        return STATUS_INVALID;
    struct zone *zone = calloc(1, sizeof(*zone));
    uint8_t *bytes = malloc(ZONE_MAX_BYTES);
    if (zone == NULL || bytes == NULL)
        abort();
    size_t count = 0;
    enum status status = STATUS_OK;
    /* A machine without zone files still has UTC. */
    if (strcmp(name, "UTC") != 0)
        status = read_file(name, bytes, &count);
    if (count > 0 && !read_zone(bytes, count, zone))
        status = STATUS_INTERNAL;
    free(bytes);
    *out = zone;
    if (status != STATUS_OK)
        zone_close(out);
    return status;
}

void zone_close(struct zone **zone)
{
    if (*zone == NULL)
        return;
    free((*zone)->at_s);
    free((*zone)->after_s);
    free(*zone);
    *zone = NULL;
}

int32_t zone_offset_s(const struct zone *zone, int64_t at_us)
{
    int64_t at_s = at_us / 1000000;
    int32_t low = 0, high = zone->count; /* the first change after at_s */
    while (low < high) {
        int32_t middle = low + (high - low) / 2;
        if (zone->at_s[middle] <= at_s)
            low = middle + 1;
        else
            high = middle;
    }
    return low == 0 ? zone->before_s : zone->after_s[low - 1];
}

struct civil zone_civil(int64_t at_us, int32_t offset_s)
{
    time_t seconds = (time_t)(at_us / 1000000 + offset_s);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    return (struct civil){tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
                          tm.tm_min,         tm.tm_sec,     tm.tm_wday};
}
