#include "services/gateway/edge.h"

#include <assert.h>
#include <limits.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "services/gateway/audit.h"
#include "services/gateway/customer.h"
#include "services/gateway/directory.h"
#include "services/gateway/http.h"
#include "services/gateway/inbox.h"
#include "services/gateway/signin.h"

/* One process is one gateway, and service.stop is given no handle. Written before the first of its
 * threads starts and after the last has ended. */
static struct {
    struct directory *directory;
    struct audit *audit;
    struct inbox *inbox;
    struct signin *signin;
    struct http *http;
} edge;

/* Where the build puts it, seen from the binary: build/bin/penstock-gateway, build/console. */
static void console_beside(char path[PATH_MAX])
{
    ssize_t bytes = readlink("/proc/self/exe", path, PATH_MAX - sizeof "/console");
    path[bytes > 0 ? bytes : 0] = '\0';
    for (int up = 0; up < 2; up++) {
        char *slash = strrchr(path, '/');
        if (slash != NULL)
            *slash = '\0';
    }
    stpcpy(path + strlen(path), "/console");
}

enum status edge_start(const struct service *service, struct bus *bus, void *context)
{
    const struct gateway_conf *conf = context;
    char console[PATH_MAX];
    console_beside(console);
    struct http_options options = {
        .bus = bus,
        .conf = conf,
        .run_directory = service_run_directory(service),
        .console_directory = conf->console_directory[0] != '\0' ? conf->console_directory : console,
        .has_directory = true,
        .has_inbox = true,
        .has_signin = true,
    };
    int threads = (int)conf->http_threads;
    assert(threads <= HTTP_MAX_THREADS);
    TRY(directory_open(service, bus, threads, options.snapshots, &edge.directory));
    TRY(inbox_open(service, bus, conf, threads, &edge.inbox));
    TRY(audit_open(service, bus, threads, &edge.audit));
    options.audit = edge.audit;
    TRY(signin_open(service, bus, threads, &edge.signin));
    TRY(customer_pages_open(conf, &options.customer_pages));
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
    signin_close(&edge.signin);
    audit_close(&edge.audit);
    inbox_close(&edge.inbox);
    directory_close(&edge.directory);
}
