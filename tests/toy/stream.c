#include "stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/id.h"

/* ---- a stream of commands, each sent again until it is answered for good ---- */

struct slot {
    struct world *world;
    struct stream *stream;
    char id[48];
    int64_t again_at_us; /* 0: is under way */
};

static void send_slot(struct slot *slot);

static void next_command(struct slot *slot)
{
    struct stream *stream = slot->stream;
    snprintf(slot->id, sizeof slot->id, "%s-%lld-%lld", stream->rpc, (long long)stream->end_us,
             stream->next++);
    send_slot(slot);
}

static void answered(void *context, const ReplyHeader *header, const uint8_t *payload, size_t bytes)
{
    (void)payload;
    (void)bytes;
    struct slot *slot = context;
    struct stream *stream = slot->stream;
    enum status status = (enum status)header->status;
    stream->in_flight--;
    if (status == STATUS_UNAVAILABLE || status == STATUS_DEADLINE) {
        stream->again++;
        slot->again_at_us = clock_monotonic_us() + 20000;
        return;
    }
    if (status == STATUS_OK)
        stream->acknowledged++;
    else
        stream->refused++;
    slot->id[0] = '\0';
    if (clock_monotonic_us() < stream->end_us)
        next_command(slot);
}

static void send_slot(struct slot *slot)
{
    struct stream *stream = slot->stream;
    RequestHeader header = PENSTOCK__BUS__V1__REQUEST_HEADER__INIT;
    Penstock__Toy__V1__AddRequest add = PENSTOCK__TOY__V1__ADD_REQUEST__INIT;
    Penstock__Toy__V1__PlaceRequest place = PENSTOCK__TOY__V1__PLACE_REQUEST__INIT;
    char method[64], internal[] = "internal";
    char *permissions[] = {internal};
    snprintf(method, sizeof method, "toyshop.%s", stream->rpc);
    header.method = method;
    header.command_id = slot->id;
    header.permissions = permissions;
    header.n_permissions = 1;
    const ProtobufCMessage *message = &add.base;
    add.id = place.id = slot->id;
    if (strcmp(stream->rpc, "Place") == 0) {
        place.quantity = 1;
        message = &place.base;
    }
    slot->again_at_us = 0;
    stream->in_flight++;
    assert_int_equal(
        bus_ask_message(slot->world->client, "toyshop", &header, message, 3000, answered, slot),
        STATUS_OK);
}

static bool resend(struct slot *slots)
{
    bool is_open = false;
    for (int i = 0; i < STREAM_SLOTS; i++) {
        is_open |= slots[i].id[0] != '\0';
        if (slots[i].id[0] != '\0' && slots[i].again_at_us > 0 &&
            slots[i].again_at_us <= clock_monotonic_us())
            send_slot(&slots[i]);
    }
    return is_open;
}

/* Runs a stream; meanwhile fault is called every period_ms. Every command is answered in the end.
 */
struct stream stream_run(struct world *world, const char *rpc, int seconds, int period_ms,
                         void (*fault)(int number))
{
    struct stream stream = {.rpc = rpc,
                            .end_us = clock_monotonic_us() + (int64_t)seconds * 1000000};
    struct slot slots[STREAM_SLOTS];
    memset(slots, 0, sizeof slots);
    for (int i = 0; i < STREAM_SLOTS; i++) {
        slots[i].world = world;
        slots[i].stream = &stream;
        next_command(&slots[i]);
    }
    int64_t fault_us = clock_monotonic_us() + (int64_t)period_ms * 1000;
    for (int number = 0; resend(slots);) {
        bus_loop_once(world->loop, 10);
        int64_t now_us = clock_monotonic_us();
        if (now_us < fault_us || now_us > stream.end_us)
            continue;
        fault(number++);
        fault_us = clock_monotonic_us() + (int64_t)period_ms * 1000;
    }
    printf("  %lld acknowledged, %lld refused, %lld asked again\n", stream.acknowledged,
           stream.refused, stream.again);
    return stream;
}

/* ---- what must hold afterwards ---- */

static void assert_gapless(struct world *world)
{
    assert_int_equal(world_number(world, "SELECT max(position) - count(*) FROM toyshop.event"), 0);
    assert_int_equal(
        world_number(world, "SELECT count(*) - count(DISTINCT event_id) FROM toyshop.event"), 0);
}

static void assert_applied_once(struct world *world)
{
    assert_int_equal(world_await(world,
                                 "SELECT (SELECT max(position) FROM toyshop.event) -"
                                 " (SELECT position FROM toystock.cursor WHERE source = 'toyshop')",
                                 0, 20000),
                     0);
    assert_int_equal(world_number(world, "SELECT (SELECT max(position) FROM toyshop.event) -"
                                         " (SELECT count(*) FROM toystock.applied) -"
                                         " (SELECT count(*) FROM toystock.parked)"),
                     0);
    assert_int_equal(
        world_number(world, "SELECT count(*) - count(DISTINCT position) FROM toystock.applied"), 0);
}

static long long added(struct world *world, const char *rpc, int64_t end_us)
{
    char sql[256];
    snprintf(sql, sizeof sql, "SELECT count(*) FROM toyshop.%s WHERE id LIKE '%s-%lld-%%'",
             strcmp(rpc, "Place") == 0 ? "placed" : "added", rpc, (long long)end_us);
    return world_number(world, sql);
}

void stream_assert_none_lost(struct world *world, const struct stream *stream)
{
    assert_true(stream->acknowledged > 0);
    assert_int_equal(added(world, stream->rpc, stream->end_us), stream->acknowledged);
    assert_gapless(world);
    assert_applied_once(world);
}
