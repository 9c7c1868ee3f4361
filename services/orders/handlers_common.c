#include <stdio.h>
#include <string.h>

#include "handlers.h"
#include "penstock/inventory/v1/inventory.pb-c.h"

typedef Penstock__Inventory__V1__ReserveResponse ReserveResponse;
typedef Penstock__Inventory__V1__HoldLine HoldLine;

struct act act_of(const struct call *call)
{
    return (struct act){
        .arena = call->arena,
        .source = call->event != NULL ? call->event->service : "orders",
        .actor = call->actor,
        .now_us = call->now_us,
    };
}

enum status refuse_by(struct call *call, const struct refusal *no)
{
    enum status status = refuse(call, no->status, no->code, no->field, "%s", no->text);
    for (size_t i = 0; i < no->figure_count; i++)
        refuse_detail(call, no->figures[i].name, "%lld", (long long)no->figures[i].value);
    return status;
}

enum status load_order(struct call *call, const char *id_or_number, const char *field,
                       struct order **order)
{
    struct uuid id;
    enum status status = store_order_resolve(call->db, id_or_number, &id);
    if (status == STATUS_OK)
        status = store_order_load(call->db, call->arena, &id, order);
    if (status == STATUS_NOT_FOUND)
        return refuse(call, STATUS_NOT_FOUND, "not_found", field, "There is no such order.");
    return status;
}

struct uuid *new_ids(struct arena *arena, size_t count)
{
    struct uuid *ids = ARENA_ARRAY(arena, count, struct uuid);
    for (size_t i = 0; i < count; i++)
        ids[i] = uuid_new();
    return ids;
}

/* ---- waves ---- */

/* Two keys that only share their hash wait for each other in vain, which costs them a wave. */
static uint64_t hash_of(const struct external_key *key)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (const char *s = key->channel; *s != '\0'; s++)
        hash = (hash ^ (uint8_t)*s) * UINT64_C(1099511628211);
    hash *= UINT64_C(1099511628211);
    for (const char *s = key->external_id; *s != '\0'; s++)
        hash = (hash ^ (uint8_t)*s) * UINT64_C(1099511628211);
    return hash;
}

static bool is_taken(const uint64_t *hashes, size_t count, uint64_t hash)
{
    for (size_t i = 0; i < count; i++) {
        if (hashes[i] == hash)
            return true;
    }
    return false;
}

void wave_take(struct arena *arena, struct call **waiting, size_t *waiting_count, key_of_fn *key_of,
               struct wave *wave)
{
    uint64_t *hashes = ARENA_ARRAY(arena, *waiting_count, uint64_t);
    size_t hash_count = 0, left = 0;
    *wave = (struct wave){ARENA_ARRAY(arena, *waiting_count, struct call *), 0};
    for (size_t i = 0; i < *waiting_count; i++) {
        struct external_key key = key_of(waiting[i]);
        uint64_t hash = hash_of(&key);
        if (key.external_id[0] != '\0' && is_taken(hashes, hash_count, hash)) {
            waiting[left++] = waiting[i];
            continue;
        }
        hashes[hash_count] = hash;
        hash_count += key.external_id[0] != '\0';
        wave->calls[wave->count++] = waiting[i];
    }
    *waiting_count = left;
}

/* ---- what is known before ---- */

static bool has_name(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], name) == 0)
            return true;
    }
    return false;
}

static enum status load_channels(struct batch *batch, const struct wave *wave, key_of_fn *key_of,
                                 struct known *known)
{
    const char **names = ARENA_ARRAY(batch->arena, wave->count, const char *);
    size_t count = 0;
    for (size_t i = 0; i < wave->count; i++) {
        const char *name = key_of(wave->calls[i]).channel;
        if (!has_name(names, count, name))
            names[count++] = name;
    }
    return store_channels_load(batch->db, names, count, &known->channels, &known->channel_count);
}

enum status known_load(struct batch *batch, const struct wave *wave, key_of_fn *key_of,
                       struct known *known)
{
    *known = (struct known){0};
    const char **channels = ARENA_ARRAY(batch->arena, wave->count, const char *);
    const char **external_ids = ARENA_ARRAY(batch->arena, wave->count, const char *);
    size_t count = 0;
    for (size_t i = 0; i < wave->count; i++) {
        struct external_key key = key_of(wave->calls[i]);
        if (key.external_id[0] == '\0')
            continue;
        channels[count] = key.channel;
        external_ids[count++] = key.external_id;
    }
    TRY(load_channels(batch, wave, key_of, known));
    TRY(store_externals_load(batch->db, channels, external_ids, count, &known->externals,
                             &known->external_count));
    struct uuid *ids = ARENA_ARRAY(batch->arena, known->external_count, struct uuid);
    for (size_t i = 0; i < known->external_count; i++)
        ids[i] = known->externals[i].order_id;
    return store_orders_load(batch->db, batch->arena, ids, known->external_count, &known->orders);
}

struct channel *known_channel(const struct known *known, const char *name)
{
    for (size_t i = 0; i < known->channel_count; i++) {
        if (strcmp(known->channels[i].name, name) == 0)
            return &known->channels[i];
    }
    return NULL;
}

struct external *known_external(const struct known *known, const struct external_key *key)
{
    for (size_t i = 0; i < known->external_count; i++) {
        struct external *external = &known->externals[i];
        if (strcmp(external->external_id, key->external_id) == 0 &&
            strcmp(external->channel, key->channel) == 0)
            return external;
    }
    return NULL;
}

enum status refuse_channel(struct call *call, const char *name)
{
    return refuse(call, STATUS_INVALID, "invalid", "channel", "There is no channel \"%.64s\".",
                  name);
}

const char *next_number(struct arena *arena, const struct channel *channel)
{
    return arena_printf(arena, "%s-%lld", channel->number_prefix,
                        (long long)(channel->next_number + channel->taken));
}

/* ---- inventory's answer ---- */

static bool refuse_short(struct call *call, const PlaceOrderRequest *in,
                         const ReserveResponse *said, size_t line)
{
    const HoldLine *hold = line < said->n_lines ? said->lines[line] : NULL;
    long long available = hold != NULL ? hold->available : 0;
    char field[48];
    snprintf(field, sizeof(field), "lines[%zu].quantity", line);
    refuse(call, STATUS_CONFLICT, "insufficient_stock", field,
           "There is not enough stock of %.64s: %lld available, %lld asked for.",
           in->lines[line]->sku, available, (long long)in->lines[line]->quantity);
    refuse_detail(call, "sku", "%.64s", in->lines[line]->sku);
    refuse_detail(call, "available", "%lld", available);
    refuse_detail(call, "asked", "%lld", (long long)in->lines[line]->quantity);
    return false;
}

static bool refuse_unknown(struct call *call, const PlaceOrderRequest *in, size_t line)
{
    char field[48];
    snprintf(field, sizeof(field), "lines[%zu].sku", line);
    refuse(call, STATUS_INVALID, "unknown_sku", field, "There is no item with the SKU %.64s.",
           in->lines[line]->sku);
    return false;
}

static bool refuse_as_told(struct call *call, const PlaceOrderRequest *in,
                           const ReserveResponse *said)
{
    size_t line = said->refusal_line >= 0 ? (size_t)said->refusal_line : 0;
    if (strncmp(said->refusal_code, "reservation_", strlen("reservation_")) == 0) {
        refuse(call, STATUS_CONFLICT, said->refusal_code, "reservation_id",
               "The reservation does not stand, or is for other goods.");
        return false;
    }
    if (line >= in->n_lines) {
        refuse(call, STATUS_CONFLICT, said->refusal_code, "lines",
               "The stock for this order cannot be promised.");
        return false;
    }
    if (strcmp(said->refusal_code, "unknown_sku") == 0)
        return refuse_unknown(call, in, line);
    return refuse_short(call, in, said, line);
}

/* No word from inventory: an order that is sold already goes on without. */
static bool go_without(struct call *call, const PlaceOrderRequest *in)
{
    if ((int)in->stock_policy != (int)POLICY_REQUIRE)
        return true;
    refuse(call, STATUS_UNAVAILABLE, "inventory_unavailable", "",
           "The stock could not be reserved in time; try again.");
    return false;
}

static bool read_lines(struct call *call, const PlaceOrderRequest *in, bool is_import,
                       const ReserveResponse *said, struct held *held)
{
    for (size_t i = 0; i < in->n_lines && i < said->n_lines; i++) {
        const HoldLine *line = said->lines[i];
        if (!rules_input_takes_stock(in->lines[i]))
            continue;
        if (!line->is_known && !is_import)
            return refuse_unknown(call, in, i);
        int64_t wanted = in->lines[i]->quantity - in->lines[i]->cancelled;
        held[i] = (struct held){.held = line->held < wanted ? line->held : wanted,
                                .name = line->name,
                                .is_unknown = !line->is_known};
        if (held[i].held < 0)
            held[i].held = 0;
    }
    return true;
}

bool read_reserve_answer(struct call *call, const PlaceOrderRequest *in, bool is_import,
                         const struct held **held)
{
    const struct answer *answer = &call->answers[0];
    *held = NULL;
    if (!answer->was_asked)
        return true;
    if (!answer->came)
        return go_without(call, in);
    if (answer->status != STATUS_OK) {
        refuse(call, answer->status, answer->code, answer->field, "%s", answer->text);
        return false;
    }
    const ReserveResponse *said = (const ReserveResponse *)answer->message;
    bool is_unknown_of_channel = is_import && strcmp(said->refusal_code, "unknown_sku") == 0;
    if (said->refusal_code[0] != '\0' && !is_unknown_of_channel)
        return refuse_as_told(call, in, said);
    struct held *lines = ARENA_ARRAY(call->arena, in->n_lines, struct held);
    *held = lines;
    return read_lines(call, in, is_import, said, lines);
}
