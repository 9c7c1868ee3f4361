#include "services/gateway/http.h"

#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/log.h"
#include "services/gateway/customer.h"
#include "services/gateway/http_internal.h"
#include "services/gateway/openapi.h"

/* Descriptors besides those of connections. */
#define OTHER_DESCRIPTORS 256

char *http_directory_channel(int http_thread, char buffer[HTTP_DIRECTORY_CHANNEL_BYTES])
{
    snprintf(buffer, HTTP_DIRECTORY_CHANNEL_BYTES, "directory/%d", http_thread);
    return buffer;
}

int http_port(const struct http *http)
{
    return http->port;
}

static void *thread_main(void *argument)
{
    struct http_thread *thread = argument;
    http_thread_run(thread);
    atomic_fetch_sub(&thread->http->running, 1);
    return NULL;
}

/* As many descriptors as connections are allowed, as far as the system lets us. */
static void raise_descriptor_limit(const struct gateway_conf *conf)
{
    struct rlimit limit;
    rlim_t wanted = (rlim_t)(conf->max_connections * conf->http_threads + OTHER_DESCRIPTORS);
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
        return;
    limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur < wanted)
        log_warn("http_few_descriptors", "The system allows fewer connections than configured",
                 LOG_INT("descriptors", limit.rlim_cur));
}

static struct http *http_new(const struct http_options *options)
{
    struct http *http = calloc(1, sizeof *http);
    assert(http != NULL);
    http->bus = options->bus;
    http->conf = options->conf;
    http->customer_pages = options->customer_pages;
    http->nthreads = (size_t)options->conf->http_threads;
    assert(http->nthreads >= 1 && http->nthreads <= HTTP_MAX_THREADS);
    http->endpoints = endpoints_open();
    http->openapi = openapi_describe(http->endpoints, &http->openapi_bytes);
    for (size_t i = 0; i < http->nthreads; i++) {
        http->threads[i].http = http;
        http->threads[i].index = (int)i;
        http->threads[i].wake_fd = -1;
        http->threads[i].snapshot = options->snapshots[i];
    }
    return http;
}

static void http_free(struct http **http)
{
    for (size_t i = 0; i < (*http)->nthreads; i++)
        http_thread_close(&(*http)->threads[i]);
    networks_close(&(*http)->trusted_proxies);
    endpoints_close(&(*http)->endpoints);
    customer_pages_close(&(*http)->customer_pages);
    free((*http)->openapi);
    free(*http);
    *http = NULL;
}

static enum status http_start(struct http *http, const struct http_options *options)
{
    http->trusted_proxies = networks_open(http->conf->trusted_proxies);
    if (http->trusted_proxies == NULL) {
        log_error("http_bad_proxies", "trusted_proxies cannot be read",
                  LOG_TEXT("trusted_proxies", http->conf->trusted_proxies));
        return STATUS_INVALID;
    }
    raise_descriptor_limit(http->conf);
    TRY(http_listen(http, http->conf->listen));
    for (size_t i = 0; i < http->nthreads; i++)
        TRY(http_thread_open(&http->threads[i], options));
    return STATUS_OK;
}

enum status http_open(const struct http_options *options, struct http **out)
{
    struct http *http = http_new(options);
    enum status status = http_start(http, options);
    if (status != STATUS_OK) {
        http_free(&http);
        return status;
    }
    for (size_t i = 0; i < http->nthreads; i++) {
        struct http_thread *thread = &http->threads[i];
        atomic_fetch_add(&http->running, 1);
        int failed = pthread_create(&thread->thread, NULL, thread_main, thread);
        assert(failed == 0);
    }
    if (options->run_directory != NULL)
        http_write_address(http, options->run_directory);
    log_info("http_listening", "The gateway listens", LOG_TEXT("address", http->conf->listen),
             LOG_INT("port", http->port), LOG_INT("threads", http->nthreads));
    *out = http;
    return STATUS_OK;
}

void http_stop(struct http *http)
{
    const uint64_t one = 1;
    atomic_store(&http->is_stopping, true);
    for (size_t i = 0; i < http->nthreads; i++) {
        ssize_t written = write(http->threads[i].wake_fd, &one, sizeof one);
        assert(written == sizeof one);
    }
}

bool http_is_stopped(const struct http *http)
{
    return atomic_load(&http->running) == 0;
}

void http_close(struct http **http)
{
    if (*http == NULL)
        return;
    http_stop(*http);
    for (size_t i = 0; i < (*http)->nthreads; i++)
        pthread_join((*http)->threads[i].thread, NULL);
    http_free(http);
}
