/* bench.c -- how many commands a second the skeleton takes: toy_bench RPC IN_FLIGHT SECONDS.
 *
 * RPC is AddMany (a batch command: one row, one event, one identity), Add (one at a time), Place (a
 * batch command that asks the stock first) or Count (a query). Commands have an identity each, as
 * orders do.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/id.h"
#include "world.h"

#define MAX_SAMPLES 4000000

struct bench {
    struct world *world;
    const char *rpc;
    int64_t end_us;
    int in_flight;
    long long done, failed, next;
    uint32_t *samples;
};
struct slot {
    struct bench *bench;
    int64_t sent_us;
};

static void send_one(struct slot *slot);

static void answered(void *context, const ReplyHeader *header, const uint8_t *payload, size_t bytes)
{
    (void)payload;
    (void)bytes;
    struct slot *slot = context;
    struct bench *bench = slot->bench;
    int64_t now_us = clock_monotonic_us();
    if (header->status != PENSTOCK__BUS__V1__STATUS__STATUS_OK)
        bench->failed++;
    else if (bench->done < MAX_SAMPLES)
        bench->samples[bench->done++] = (uint32_t)(now_us - slot->sent_us);
    bench->in_flight--;
    if (now_us < bench->end_us)
        send_one(slot);
}

static void send_one(struct slot *slot)
{
    struct bench *bench = slot->bench;
    RequestHeader header = PENSTOCK__BUS__V1__REQUEST_HEADER__INIT;
    Penstock__Toy__V1__AddRequest add = PENSTOCK__TOY__V1__ADD_REQUEST__INIT;
    Penstock__Toy__V1__PlaceRequest place = PENSTOCK__TOY__V1__PLACE_REQUEST__INIT;
    Penstock__Toy__V1__CountRequest count = PENSTOCK__TOY__V1__COUNT_REQUEST__INIT;
    char method[64], id[64], actor[] = "key:bench", permission[] = "internal";
    char traceparent[] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    char *permissions[] = {permission};
    snprintf(method, sizeof method, "toyshop.%s", bench->rpc);
    snprintf(id, sizeof id, "bench-%d-%lld", (int)getpid(), bench->next++);
    header.method = method;
    header.actor = actor;
    header.traceparent = traceparent;
    header.permissions = permissions;
    header.n_permissions = 1;
    const ProtobufCMessage *message = &count.base;
    if (strcmp(bench->rpc, "Count") != 0)
        header.command_id = id;
    if (strncmp(bench->rpc, "Add", 3) == 0) {
        add.id = id;
        message = &add.base;
    } else if (strcmp(bench->rpc, "Place") == 0) {
        place.id = id;
        place.quantity = 1;
        message = &place.base;
    }
    slot->sent_us = clock_monotonic_us();
    bench->in_flight++;
    enum status status =
        bus_ask_message(bench->world->client, "toyshop", &header, message, 10000, answered, slot);
    assert(status == STATUS_OK);
}

static int by_value(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void print_turns(struct world *world, const char *service)
{
    Penstock__Bus__V1__GetHealthRequest request = PENSTOCK__BUS__V1__GET_HEALTH_REQUEST__INIT;
    if (world_call(world, service, "GetHealth", "", &request.base,
                   &penstock__bus__v1__get_health_response__descriptor, 2000) != STATUS_OK)
        return;
    const Penstock__Bus__V1__GetHealthResponse *health =
        (Penstock__Bus__V1__GetHealthResponse *)world->answer;
    long long turns = 1, turn_us = 0, commit_us = 0, lag = 0;
    for (size_t i = 0; i < health->n_metrics; i++) {
        const Penstock__Bus__V1__Metric *metric = health->metrics[i];
        if (strncmp(metric->name, "penstock_turns_total", 20) == 0)
            turns = metric->value;
        if (strncmp(metric->name, "penstock_turn_micro", 19) == 0)
            turn_us = metric->value;
        if (strncmp(metric->name, "penstock_commit_micro", 21) == 0)
            commit_us = metric->value;
    }
    for (size_t i = 0; i < health->n_subscriptions; i++)
        lag += health->subscriptions[i]->head_position - health->subscriptions[i]->cursor_position;
    printf("  %s: %lld turns of %lld us, of which %lld us in COMMIT; lag %lld\n", service, turns,
           turn_us / turns, commit_us / turns, lag);
}

int main(int argc, char **argv)
{
    struct world *world = world_open();
    if (world == NULL || argc != 4) {
        fprintf(stderr, "usage: tools/with-postgres toy_bench RPC IN_FLIGHT SECONDS\n");
        return 2;
    }
    int slots = atoi(argv[2]), seconds = atoi(argv[3]);
    world_start(world, 0, "toystock");
    world_start(world, 1, "toyshop");
    world_number(world, "UPDATE toystock.level SET available = 1000000000");
    struct bench bench = {.world = world, .rpc = argv[1]};
    bench.samples = calloc(MAX_SAMPLES, sizeof(uint32_t));
    struct slot *all = calloc((size_t)slots, sizeof *all);
    assert(bench.samples != NULL && all != NULL);
    int64_t began_us = clock_monotonic_us();
    bench.end_us = began_us + (int64_t)seconds * 1000000;
    for (int i = 0; i < slots; i++) {
        all[i].bench = &bench;
        send_one(&all[i]);
    }
    while (bench.in_flight > 0)
        bus_loop_once(world->loop, 100);
    double took = (double)(clock_monotonic_us() - began_us) / 1e6;
    qsort(bench.samples, (size_t)bench.done, sizeof(uint32_t), by_value);
    printf("%s, %d in flight: %.0f/s, p50 %.2f ms, p99 %.2f ms, %lld failed\n", argv[1], slots,
           (double)bench.done / took, bench.samples[bench.done / 2] / 1000.0,
           bench.samples[bench.done * 99 / 100] / 1000.0, bench.failed);
    print_turns(world, "toyshop");
    print_turns(world, "toystock");
    char command[128];
    snprintf(command, sizeof command, "grep -h VmRSS /proc/%d/status /proc/%d/status",
             (int)world->processes[0], (int)world->processes[1]);
    if (getenv("TOY_RSS") != NULL && system(command) != 0)
        printf("no figures of memory\n");
    free(all);
    free(bench.samples);
    world_close(world);
    return bench.failed > 0;
}
