#include "services/gateway/edge.h"

#include <assert.h>
#include <stddef.h>

#include "services/gateway/directory.h"
#include "services/gateway/http.h"
#include "services/gateway/inbox.h"

/* One process is one gateway, and service.stop is given no handle. Written before the first of its
 * threads starts and after the last has ended. */
static struct {
    struct directory *directory;
    struct inbox *inbox;
    struct http *http;
} edge;

enum status edge_start(const struct service *service, struct bus *bus, void *context)
{
    const struct gateway_conf *conf = context;
    struct http_options options = {
        .bus = bus,
        .conf = conf,
        .run_directory = service_run_directory(service),
        .has_directory = true,
        .has_inbox = true,
    };
    int threads = (int)conf->http_threads;
    assert(threads <= HTTP_MAX_THREADS);
    TRY(directory_open(service, bus, threads, options.snapshots, &edge.directory));
    TRY(inbox_open(service, bus, conf, threads, &edge.inbox));
    return http_open(&options, &edge.http);
}

void edge_stop(void)
{
    if (edge.http != NULL)
        http_stop(edge.http);
}

bool edge_is_stopped(void)
{
    return edge.http == NULL || http_is_stopped(edge.http);
}

void edge_end(void)
{
    http_close(&edge.http);
    inbox_close(&edge.inbox);
    directory_close(&edge.directory);
}
