/* How fast inventory holds stock and gives it to orders: INVENTORY_SPEED=20000 says for how many
 * orders of three lines. Prints figures, and checks the books; judges no speed. */
#include "inventory_world.h"

#define SKUS 300
#define MAX_ORDERS 20000

static int orders;
static char (*holds)[UUID_TEXT_BYTES];
static int64_t *asked_us, *took_us;

struct pending {
    int index;
    int *waiting;
};

static void held(void *context, const ReplyHeader *header, const uint8_t *payload, size_t bytes)
{
    struct pending *pending = context;
    (void)payload;
    (void)bytes;
    (*pending->waiting)--;
    if (header->status == PENSTOCK__BUS__V1__STATUS__STATUS_OK)
        snprintf(holds[pending->index], UUID_TEXT_BYTES, "%s", header->hold_id);
    took_us[pending->index] = clock_monotonic_us() - asked_us[pending->index];
}

static void lines_of(int index, struct lines *lines, char skus[3][16])
{
    static uint32_t random = 12345;
    (void)index;
    for (int i = 0; i < 3; i++) {
        random = random * 1664525 + 1013904223;
        snprintf(skus[i], 16, "SPEED-%03u", (random >> 8) % SKUS);
        add_line(lines, skus[i], 1);
    }
}

static const char *command_of(int index, char command[96])
{
    snprintf(command, 96, "key:0192aaaa-1111-7000-8000-000000000000|orders.PlaceOrder|%d", index);
    return command;
}

static void ask_hold(struct bus_client *client, struct pending *pending, struct lines *lines)
{
    RequestHeader header = PENSTOCK__BUS__V1__REQUEST_HEADER__INIT;
    ReserveRequest in = PENSTOCK__INVENTORY__V1__RESERVE_REQUEST__INIT;
    char command[96], *permissions[] = {TEXT("internal")};
    header.method = TEXT("inventory.Reserve");
    header.actor = TEXT("key:0192aaaa-1111-7000-8000-000000000000");
    header.permissions = permissions;
    header.n_permissions = 1;
    header.command_id = TEXT(command_of(pending->index, command));
    header.question_hash = TEXT("5f3c1de2a90b44d7b1f05f3c1de2a90b");
    header.asker = TEXT("orders");
    in.policy = WIRE_REQUIRE;
    in.lines = lines->list;
    in.n_lines = lines->count;
    asked_us[pending->index] = clock_monotonic_us();
    assert_int_equal(bus_ask_message(client, "inventory", &header, &in.base, 20000, held, pending),
                     STATUS_OK);
}

/* Processor time of a process so far, in microseconds. */
static int64_t cpu_us(long pid)
{
    char path[64];
    unsigned long long user = 0, system_time = 0;
    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return 0;
    scripted_must(fscanf(file, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu",
                         &user, &system_time) == 2,
                  path);
    fclose(file);
    return (int64_t)(user + system_time) * 1000000 / sysconf(_SC_CLK_TCK);
}

static long writer_pid(void)
{
    return (long)number("SELECT pid FROM pg_stat_activity WHERE usename = 'penstock_inventory' AND"
                        " application_name LIKE '%%writer%%' LIMIT 1");
}

static int compare_times(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

struct stopwatch {
    int64_t wall_us, service_us, server_us;
};
static struct stopwatch started(void)
{
    return (struct stopwatch){clock_monotonic_us(), cpu_us(world->pid), cpu_us(writer_pid())};
}
static void report(const char *what, struct stopwatch since)
{
    struct stopwatch now = started();
    double seconds = (double)(now.wall_us - since.wall_us) / 1e6;
    printf("%s: %d in %.2f s = %.0f/s; per order %.1f us of the service, %.1f us of its writer's "
           "backend\n",
           what, orders, seconds, orders / seconds,
           (double)(now.service_us - since.service_us) / orders,
           (double)(now.server_us - since.server_us) / orders);
}

static void hold_all(int in_flight)
{
    struct bus_client *client = bus_client_open(world->loop, 4000);
    struct pending *pending = calloc((size_t)orders, sizeof *pending);
    struct lines *lines = calloc((size_t)orders, sizeof *lines);
    char(*skus)[3][16] = calloc((size_t)orders, sizeof *skus);
    int waiting = 0, next = 0;
    for (int i = 0; i < orders; i++)
        lines_of(i, &lines[i], skus[i]);
    struct stopwatch since = started();
    while (next < orders || waiting > 0) {
        for (; next < orders && waiting < in_flight; next++) {
            pending[next] = (struct pending){next, &waiting};
            waiting++;
            ask_hold(client, &pending[next], &lines[next]);
        }
        bus_loop_once(world->loop, 100);
    }
    report("Reserve", since);
    for (int i = 0; i < orders; i++) {
        struct sold sold = new_sold();
        char command[96];
        assert_true(*holds[i] != '\0');
        sold.of = lines[i];
        for (int j = 0; j < 3; j++)
            sold.of.list[j] = &sold.of.line[j];
        append_placed(&sold, command_of(i, command), holds[i], clock_wall_us());
    }
    qsort(took_us, (size_t)orders, sizeof *took_us, compare_times);
    printf("Reserve: %d in flight, p50 %.1f ms, p99 %.1f ms\n", in_flight,
           (double)took_us[orders / 2] / 1e3, (double)took_us[orders * 99 / 100] / 1e3);
    free(pending);
    free(lines);
    free(skus);
}

static void orders_of_three_lines(void **state)
{
    NEEDS_WORLD();
    char sku[16];
    create_place("hk-main", PLACE_WAREHOUSE);
    create_place("tw-main", PLACE_WAREHOUSE);
    create_place("hk-shop", PLACE_STORE);
    for (int i = 0; i < SKUS; i++) {
        snprintf(sku, sizeof sku, "SPEED-%03d", i);
        stock(sku, "hk-main", 1000000);
        stock(sku, "hk-shop", 5);
    }
    hold_all(256);
    check_books();
    scripted_show(&world->logs[ORDERS], 1);
    scripted_settle(world);
    struct stopwatch since = started();
    scripted_show(&world->logs[ORDERS], SCRIPTED_MAX_EVENTS);
    scripted_settle(world);
    report("OrderPlaced", since);
    check_books();
    assert_int_equal(number("SELECT count(*) FROM inventory.order_stock"), orders);
    assert_int_equal(number("SELECT count(*) FROM inventory.hold"), 0);
    printf("bytes: %lld of movements, %lld of orders, %lld of events\n",
           number("SELECT pg_total_relation_size('inventory.movement')"),
           number("SELECT pg_total_relation_size('inventory.order_stock')"),
           number("SELECT sum(pg_total_relation_size(inhrelid)) FROM pg_inherits WHERE inhparent ="
                  " 'inventory.event'::regclass"));
}

int main(void)
{
    const char *asked = getenv("INVENTORY_SPEED");
    if (asked == NULL) {
        printf("skipped: INVENTORY_SPEED does not say for how many orders\n");
        return 0;
    }
    orders = atoi(asked);
    orders = orders < 1 ? 1 : orders > MAX_ORDERS ? MAX_ORDERS : orders;
    holds = calloc((size_t)orders, sizeof *holds);
    asked_us = calloc((size_t)orders, sizeof *asked_us);
    took_us = calloc((size_t)orders, sizeof *took_us);
    const struct CMUnitTest tests[] = {cmocka_unit_test(orders_of_three_lines)};
    int failed = cmocka_run_group_tests(tests, open_world, close_world);
    free(holds);
    free(asked_us);
    free(took_us);
    return failed;
}
