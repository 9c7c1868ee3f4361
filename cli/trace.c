/* trace.c -- what happened to one order, in every service, in time order.
 *
 * From the log files, and from the order's timeline where a line is missing (rotated away, dropped
 * while stdout stalled): those lines are marked with a star.
 */
#include <string.h>
#include <time.h>

#include "cli/lines.h"
#include "cli/remote.h"
#include "penstock/orders/v1/orders.pb-c.h"

#define ALL_LINES 100000

typedef Penstock__Orders__V1__TimelineEntry TimelineEntry;

static void print_stamp(int64_t us, char *out, size_t bytes)
{
    struct tm tm;
    time_t seconds = (time_t)(us / 1000000);
    gmtime_r(&seconds, &tm);
    size_t n = strftime(out, bytes, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out + n, bytes - n, ".%06dZ", (int)(us % 1000000));
}

static void add_timeline(struct lines *lines,
                         const Penstock__Orders__V1__GetTimelineResponse *timeline)
{
    for (size_t i = 0; i < timeline->n_data; i++) {
        const TimelineEntry *entry = timeline->data[i];
        char stamp[40], text[1024];
        print_stamp(entry->occurred_at_us, stamp, sizeof(stamp));
        snprintf(text, sizeof(text), "%s * %-12s %-24s %s (%s)\n", stamp, entry->source,
                 entry->type, entry->summary, entry->actor);
        lines_add(lines, stamp, text);
    }
}

/* One JSON line as people read it: time, service, event, sentence, duration, trace. */
static void print_line(const struct line *line)
{
    char service[64], event[96], body[256], duration[32], trace[64], code[64];
    if (line->text[0] != '{') {
        fputs(line->text, stdout);
        return;
    }
    line_member(line->text, "service.name", service, sizeof(service));
    line_member(line->text, "event_name", event, sizeof(event));
    line_member(line->text, "body", body, sizeof(body));
    line_member(line->text, "duration_ms", duration, sizeof(duration));
    line_member(line->text, "trace_id", trace, sizeof(trace));
    line_member(line->text, "error.code", code, sizeof(code));
    printf("%s   %-12s %-24s %s%s%s%s%s%s%s\n", line->stamp, service, event, body,
           code[0] ? " error=" : "", code, duration[0] ? " ms=" : "", duration,
           trace[0] ? " trace=" : "", trace);
}

static int trace(struct remote *remote, const struct home *home, const char *order)
{
    Penstock__Orders__V1__GetOrderRequest get = PENSTOCK__ORDERS__V1__GET_ORDER_REQUEST__INIT;
    Penstock__Orders__V1__GetTimelineRequest page =
        PENSTOCK__ORDERS__V1__GET_TIMELINE_REQUEST__INIT;
    struct lines lines = {0};
    get.id = remote_text(remote, order);
    const Penstock__Orders__V1__GetOrderResponse *found =
        (const Penstock__Orders__V1__GetOrderResponse *)remote_ask(
            remote, "orders", "GetOrder", &get.base,
            &penstock__orders__v1__get_order_response__descriptor);
    if (found == NULL)
        return 1;
    page.id = found->order->id;
    page.limit = 200;
    page.cursor = remote_text(remote, "");
    do {
        const Penstock__Orders__V1__GetTimelineResponse *timeline =
            (const Penstock__Orders__V1__GetTimelineResponse *)remote_ask(
                remote, "orders", "GetTimeline", &page.base,
                &penstock__orders__v1__get_timeline_response__descriptor);
        if (timeline == NULL)
            return 1;
        add_timeline(&lines, timeline);
        page.cursor = timeline->next_cursor;
    } while (page.cursor[0] != '\0');
    for (size_t i = 0; i < CLI_NSERVICES; i++)
        lines_read(&lines, home, cli_services[i], found->order->id, ALL_LINES);
    lines_sort(&lines);
    printf("Order %s (%s); times in UTC, * from the event logs\n", found->order->number,
           found->order->id);
    for (size_t i = 0; i < lines.count; i++)
        print_line(&lines.lines[i]);
    lines_free(&lines);
    return 0;
}

int command_trace(int argc, char **argv)
{
    struct home home;
    const char *order = cli_word(argc, argv, 0);
    if (order == NULL)
        return cli_usage("usage: penstock trace ORDER (its number or id)");
    int result;
    struct remote *remote = remote_of(argc, argv, &home, &result);
    if (remote == NULL)
        return result;
    result = trace(remote, &home, order);
    remote_close(&remote);
    return result;
}
