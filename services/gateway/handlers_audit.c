/* The audit: its chain, and reading it. */
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "penstock/gateway/v1/audit.pb-c.h"
#include "services/gateway/access.h"
#include "services/gateway/store_audit.h"

#define CHAIN_ROWS 500

typedef Penstock__Gateway__V1__AuditEntry AuditEntry;
typedef Penstock__Gateway__V1__ListAuditRequest ListAuditRequest;
typedef Penstock__Gateway__V1__ListAuditResponse ListAuditResponse;

void audit_call(struct call *call, const char *action, const char *target)
{
    const struct audit_note note = {.at_us = call->now_us,
                                    .actor = call->actor,
                                    .action = action,
                                    .route = "",
                                    .target = target,
                                    .address = "",
                                    .times = 1};
    audit_write(call->db, &note);
}

/* ---- the chain ---- */

/* As netstrings, "5:owner,": nothing that a text holds can look like another field. */
static void hash_text(crypto_hash_sha256_state *state, const char *text)
{
    char length[24];
    size_t bytes = strlen(text);
    int n = snprintf(length, sizeof length, "%zu:", bytes);
    crypto_hash_sha256_update(state, (const uint8_t *)length, (unsigned long long)n);
    crypto_hash_sha256_update(state, (const uint8_t *)text, bytes);
    crypto_hash_sha256_update(state, (const uint8_t *)",", 1);
}

static void hash_number(crypto_hash_sha256_state *state, int64_t number)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRId64, number);
    hash_text(state, text);
}

/* before: NULL for the first. */
static void hash_row(const uint8_t *before, const struct audit_row *row, uint8_t *hash)
{
    crypto_hash_sha256_state state;
    char id[UUID_TEXT_BYTES];
    crypto_hash_sha256_init(&state);
    if (before != NULL)
        crypto_hash_sha256_update(&state, before, AUDIT_HASH_BYTES);
    hash_number(&state, row->position);
    hash_text(&state, uuid_text(&row->id, id));
    hash_number(&state, row->at_us);
    hash_text(&state, row->actor);
    hash_text(&state, row->action);
    hash_text(&state, row->route);
    hash_text(&state, row->target);
    hash_text(&state, row->address);
    hash_number(&state, row->times);
    crypto_hash_sha256_final(&state, hash);
}

enum status audit_chain(struct call *call)
{
    struct audit_row *rows, *last = NULL;
    size_t count;
    TRY(store_audit_pending(call->db, CHAIN_ROWS, &rows, &count));
    if (count == 0)
        return STATUS_OK;
    enum status status = store_audit_last(call->db, &last);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return status;
    int64_t position = status == STATUS_OK ? last->position : 0;
    const uint8_t *before = status == STATUS_OK ? last->sha256.bytes : NULL;
    uint8_t *hashes = ARENA_ARRAY(call->arena, count * AUDIT_HASH_BYTES, uint8_t);
    for (size_t i = 0; i < count; i++) {
        uint8_t *hash = hashes + i * AUDIT_HASH_BYTES;
        rows[i].position = ++position;
        hash_row(before, &rows[i], hash);
        before = hash;
    }
    return store_audit_chain(call->db, rows, hashes, ARENA_ARRAY(call->arena, count, struct uuid),
                             count);
}

/* ---- reading ---- */

static AuditEntry *entry_view(struct arena *arena, const struct audit_row *row)
{
    static const AuditEntry empty = PENSTOCK__GATEWAY__V1__AUDIT_ENTRY__INIT;
    AuditEntry *view = arena_copy(arena, &empty, sizeof empty);
    view->position = row->position;
    view->at_us = row->at_us;
    view->actor = arena_strdup(arena, row->actor);
    view->action = arena_strdup(arena, row->action);
    view->route = arena_strdup(arena, row->route);
    view->target = arena_strdup(arena, row->target);
    view->address = arena_strdup(arena, row->address);
    view->times = row->times;
    size_t room = row->sha256.count * 2 + 1;
    view->hash =
        sodium_bin2hex(arena_alloc(arena, room), room, row->sha256.bytes, row->sha256.count);
    return view;
}

static bool read_cursor(const char *text, int64_t *position)
{
    char *end;
    *position = text[0] == '\0' ? INT64_MAX : strtoll(text, &end, 10);
    return text[0] == '\0' || (*end == '\0' && *position > 0);
}

ACCESS_HANDLER(list_audit, ListAuditRequest, ListAuditResponse)
{
    struct audit_filter filter = {.actor = in->actor,
                                  .action = in->action,
                                  .target = in->target,
                                  .from_us = in->from_at_us,
                                  .until_us = in->until_at_us};
    struct audit_row *rows;
    size_t limit, count;
    if (!read_cursor(in->cursor, &filter.before_position))
        return access_bad_cursor(call);
    TRY(access_page_limit(call, in->limit, &limit));
    TRY(store_audit_page(call->db, &filter, limit + 1, &rows, &count));
    out->n_data = count < limit ? count : limit;
    out->data = ARENA_ARRAY(call->arena, out->n_data, AuditEntry *);
    for (size_t i = 0; i < out->n_data; i++)
        out->data[i] = entry_view(call->arena, &rows[i]);
    if (count > limit)
        out->next_cursor = arena_printf(call->arena, "%lld", (long long)rows[limit - 1].position);
    return STATUS_OK;
}
