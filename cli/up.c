/* up.c -- up, down, status: the life of a home. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/remote.h"
#include "common/id.h"

#define READY_US INT64_C(60000000)
#define DOWN_US INT64_C(30000000)
#define POLL_US 50000
#define GIVE_UP_ENDS 4 /* a service that ended so often will not start by waiting */

/* How often a service has ended since it was started. */
static int ends_of(const struct home *home, const char *service)
{
    char path[CLI_PATH_BYTES + 64], name[64];
    int pid, ends, found = 0;
    snprintf(path, sizeof(path), "%s/processes", home->run);
    FILE *file = fopen(path, "r");
    while (file != NULL && fscanf(file, "%63s %d %d", name, &pid, &ends) == 3)
        if (strcmp(name, service) == 0)
            found = ends;
    if (file != NULL)
        fclose(file);
    return found;
}

/* What a service that will not start said last: its last error, if it said one. */
static int report_service(const struct home *home, const char *service, const char *reason)
{
    char path[CLI_PATH_BYTES + 64], line[2048], last[2048] = "";
    snprintf(path, sizeof(path), "%s/%s.log", home->log, service);
    FILE *file = fopen(path, "r");
    bool has_error = false;
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        bool is_error = strstr(line, "\"severity_text\":\"ERROR\"") != NULL;
        if (is_error || !has_error)
            memcpy(last, line, sizeof(last));
        has_error = has_error || is_error;
    }
    if (file != NULL)
        fclose(file);
    last[strcspn(last, "\n")] = '\0';
    return cli_fail("%s does not become ready (%s). From %s:\n  %s", service, reason, path, last);
}

static int wait_for_service(const struct home *home, struct remote *remote, const char *service,
                            int64_t until)
{
    char reason[256] = "";
    while (!remote_is_ready(remote, service, 500, reason, sizeof(reason))) {
        if (clock_monotonic_us() > until || ends_of(home, service) >= GIVE_UP_ENDS)
            return report_service(home, service, reason);
        usleep(POLL_US);
    }
    return 0;
}

static int wait_for_services(const struct home *home)
{
    int64_t until = clock_monotonic_us() + READY_US;
    struct remote *remote = remote_open(home);
    int result = remote == NULL ? 1 : 0;
    for (size_t i = 0; i < CLI_NSERVICES && result == 0; i++)
        result = wait_for_service(home, remote, cli_services[i], until);
    char address[128];
    while (result == 0 && !home_http(home, address, sizeof(address))) {
        if (clock_monotonic_us() > until)
            result = report_service(home, "gateway", "it does not listen");
        usleep(POLL_US);
    }
    remote_close(&remote);
    return result;
}

static int report_up(const struct home *home, int64_t since_us)
{
    char address[128] = "";
    home_http(home, address, sizeof(address));
    printf("Penstock is ready after %.1f s.\n"
           "  API      http://%s/v1   (description: http://%s/openapi.json)\n"
           "  home     %s\n"
           "Next: penstock key create --role owner --home %s\n",
           (double)(clock_monotonic_us() - since_us) / 1e6, address, address, home->path,
           home->path);
    return 0;
}

static int start(struct home *home, const char *listen)
{
    int applied = 0;
    if (home_create(home, listen != NULL ? listen : "127.0.0.1:8080") != 0 || home_read(home) != 0)
        return 1;
    if (home->is_private && cluster_create(home) != 0)
        return 1;
    pid_t supervisor = home_supervisor(home);
    if (supervisor == 0) {
        printf("Starting %ssix services\n", home->is_private ? "PostgreSQL and " : "");
        fflush(stdout);
        if (supervisor_start(home, listen) != 0)
            return 1;
        supervisor = home_supervisor(home);
    }
    if (home->is_private && cluster_wait(home) != 0)
        return 1;
    if (data_migrate(home, &applied) != 0)
        return cli_fail("the services are not started; after mending it: penstock up --home %s",
                        home->path);
    if (supervisor == 0 || kill(supervisor, SIGUSR1) != 0)
        return cli_fail("the supervisor ended; %s/supervisor.log says why", home->log);
    return wait_for_services(home);
}

int command_up(int argc, char **argv)
{
    struct home home;
    int64_t since_us = clock_monotonic_us();
    const char *listen = cli_option(argc, argv, "--http", NULL);
    for (int i = 2; i < argc; i++)
        if (strcmp(argv[i], "--http") == 0 && (listen == NULL || strchr(listen, ':') == NULL))
            return cli_usage("--http needs an address and a port: --http 127.0.0.1:8080");
    int result = home_locate(argc, argv, &home);
    if (result == 0)
        result = start(&home, listen);
    return result == 0 ? report_up(&home, since_us) : result;
}

int command_down(int argc, char **argv)
{
    struct home home;
    int result = home_locate(argc, argv, &home);
    if (result != 0 || (result = home_read(&home)) != 0)
        return result;
    pid_t pid = home_supervisor(&home);
    if (pid == 0) {
        printf("Nothing runs in %s.\n", home.path);
        return 0;
    }
    if (kill(pid, SIGTERM) != 0)
        return cli_fail("cannot stop process %d: %s", (int)pid, strerror(errno));
    int64_t until = clock_monotonic_us() + DOWN_US;
    while (home_supervisor(&home) != 0) {
        if (clock_monotonic_us() > until)
            return cli_fail("process %d still runs; %s/supervisor.log says what it waits for",
                            (int)pid, home.log);
        usleep(POLL_US);
    }
    printf("Stopped. Everything is kept in %s; penstock up --home %s goes on with it.\n", home.path,
           home.path);
    return 0;
}

/* One line a process: name, id, ready or why not. */
static int print_processes(const struct home *home)
{
    char path[CLI_PATH_BYTES + 64], name[64], reason[256];
    int pid, ends, not_ready = 0;
    snprintf(path, sizeof(path), "%s/processes", home->run);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return cli_fail("the supervisor has not started anything yet");
    struct remote *remote = remote_open(home);
    while (fscanf(file, "%63s %d %d", name, &pid, &ends) == 3) {
        bool is_ready =
            strcmp(name, "postgres") == 0
                ? cluster_is_ready(home)
                : remote != NULL && remote_is_ready(remote, name, 1000, reason, sizeof(reason));
        printf("%-12s %8d  %s%s%s\n", name, pid, is_ready ? "ready" : "not ready",
               is_ready || strcmp(name, "postgres") == 0 ? "" : ": ",
               is_ready || strcmp(name, "postgres") == 0 ? "" : reason);
        not_ready += !is_ready;
    }
    fclose(file);
    remote_close(&remote);
    return not_ready == 0 ? 0 : 1;
}

int command_status(int argc, char **argv)
{
    struct home home;
    int result = home_locate(argc, argv, &home);
    if (result != 0 || (result = home_read(&home)) != 0)
        return result;
    pid_t pid = home_supervisor(&home);
    if (pid == 0) {
        printf("Nothing runs in %s; penstock up --home %s starts it.\n", home.path, home.path);
        return 1;
    }
    char address[128];
    printf("%-12s %8d  ready\n", "supervisor", (int)pid);
    result = print_processes(&home);
    if (home_http(&home, address, sizeof(address)))
        printf("http://%s\n", address);
    return result;
}
