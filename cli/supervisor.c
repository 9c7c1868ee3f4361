/* supervisor.c -- one process that keeps the others running.
 *
 * It starts PostgreSQL (when it is ours) and the six services, starts again what died, and writes
 * what they print to HOME/log/NAME.log, which it rotates. A service that dies is nobody's
 * emergency: everything that was acknowledged is in the database, and the others wait for it.
 *
 * SIGUSR1 opens the services (the schemas are migrated); SIGTERM stops everything, services first.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/cli.h"
#include "common/id.h"

#define NCHILDREN (CLI_NSERVICES + 1) /* the first is PostgreSQL */
#define LOG_BYTES (64 << 20)
#define LOG_KEPT 5
#define STOP_US INT64_C(6000000)
#define BACKOFF_MIN_US INT64_C(100000)
#define BACKOFF_MAX_US INT64_C(2000000)
#define STEADY_US INT64_C(5000000) /* who lived this long starts again at once */

struct child {
    const char *name;
    bool is_wanted;
    pid_t pid;
    int64_t started_us, start_at_us, backoff_us;
    int output, log;
    int64_t log_bytes;
    int ends; /* how often it has ended since `up` */
};

struct supervisor {
    const struct home *home;
    const char *listen;
    struct child children[NCHILDREN];
    int signals;
    bool is_stopping;
};

static void child_log_path(const struct supervisor *s, const struct child *child, int number,
                           char *path)
{
    if (number == 0)
        snprintf(path, CLI_PATH_BYTES + 64, "%s/%s.log", s->home->log, child->name);
    else
        snprintf(path, CLI_PATH_BYTES + 64, "%s/%s.log.%d", s->home->log, child->name, number);
}

static void log_open_file(const struct supervisor *s, struct child *child)
{
    char path[CLI_PATH_BYTES + 64];
    struct stat st;
    child_log_path(s, child, 0, path);
    child->log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    child->log_bytes = child->log >= 0 && fstat(child->log, &st) == 0 ? st.st_size : 0;
}

static void log_rotate(const struct supervisor *s, struct child *child)
{
    char from[CLI_PATH_BYTES + 64], to[CLI_PATH_BYTES + 64];
    close(child->log);
    for (int i = LOG_KEPT - 1; i >= 0; i--) {
        child_log_path(s, child, i, from);
        child_log_path(s, child, i + 1, to);
        if (rename(from, to) != 0 && errno != ENOENT)
            fprintf(stderr, "cannot rotate %s: %s\n", from, strerror(errno));
    }
    log_open_file(s, child);
}

/* Moves what a child printed into its log. Whole lines are not our business: the file gets bytes.
 */
static void child_drain(const struct supervisor *s, struct child *child)
{
    char buffer[65536];
    for (;;) {
        ssize_t n = read(child->output, buffer, sizeof(buffer));
        if (n <= 0) {
            if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
                close(child->output);
                child->output = -1;
            }
            return;
        }
        if (child->log >= 0 && write(child->log, buffer, (size_t)n) == n)
            child->log_bytes += n;
        if (child->log_bytes > LOG_BYTES && buffer[n - 1] == '\n')
            log_rotate(s, child);
    }
}

static void write_processes(const struct supervisor *s)
{
    char path[CLI_PATH_BYTES + 64], temporary[CLI_PATH_BYTES + 64];
    snprintf(path, sizeof(path), "%s/processes", s->home->run);
    snprintf(temporary, sizeof(temporary), "%s/processes.new", s->home->run);
    FILE *file = fopen(temporary, "w");
    if (file == NULL)
        return;
    for (int i = 0; i < NCHILDREN; i++)
        if (s->children[i].is_wanted)
            fprintf(file, "%s %d %d\n", s->children[i].name, (int)s->children[i].pid,
                    s->children[i].ends);
    if (fclose(file) == 0 && rename(temporary, path) != 0)
        fprintf(stderr, "cannot write %s: %s\n", path, strerror(errno));
}

static void child_exec(const struct supervisor *s, const struct child *child, int output)
{
    char program[CLI_PATH_BYTES + 64];
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    if (child == &s->children[0])
        cluster_exec(s->home);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (s->listen != NULL)
        setenv("PENSTOCK_GATEWAY_LISTEN", s->listen, 1);
    snprintf(program, sizeof(program), "%s/penstock-%s", s->home->bin, child->name);
    execl(program, program, "--config", s->home->conf, (char *)NULL);
    fprintf(stderr, "cannot run %s: %s\n", program, strerror(errno));
    _exit(127);
}

static void child_start(struct supervisor *s, struct child *child)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return;
    if (child->log < 0)
        log_open_file(s, child);
    if (child->output >= 0)
        child_drain(s, child);
    if (child->output >= 0)
        close(child->output);
    child->started_us = clock_monotonic_us();
    pid_t pid = fork();
    if (pid == 0)
        child_exec(s, child, ends[1]);
    close(ends[1]);
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    child->output = ends[0];
    child->pid = pid > 0 ? pid : 0;
    write_processes(s);
}

static void child_ended(struct supervisor *s, struct child *child, int state)
{
    int64_t now = clock_monotonic_us();
    if (child->output >= 0)
        child_drain(s, child);
    child->pid = 0;
    child->ends++;
    child->backoff_us =
        now - child->started_us > STEADY_US ? BACKOFF_MIN_US : child->backoff_us * 2;
    if (child->backoff_us > BACKOFF_MAX_US)
        child->backoff_us = BACKOFF_MAX_US;
    child->start_at_us = now + child->backoff_us;
    if (!s->is_stopping)
        printf("%s ended (%s %d); starting it again\n", child->name,
               WIFSIGNALED(state) ? "signal" : "exit",
               WIFSIGNALED(state) ? WTERMSIG(state) : WEXITSTATUS(state));
    fflush(stdout);
    write_processes(s);
}

static void reap(struct supervisor *s)
{
    int state;
    for (pid_t pid; (pid = waitpid(-1, &state, WNOHANG)) > 0;)
        for (int i = 0; i < NCHILDREN; i++)
            if (s->children[i].pid == pid)
                child_ended(s, &s->children[i], state);
}

/* `penstock up` says that the schemas are what the services expect. */
static void open_services(struct supervisor *s)
{
    for (int i = 1; i < NCHILDREN; i++)
        s->children[i].is_wanted = true;
}

static void take_signal(struct supervisor *s)
{
    struct signalfd_siginfo info;
    while (read(s->signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
        if (info.ssi_signo == SIGUSR1)
            open_services(s);
        else if (info.ssi_signo != SIGCHLD)
            s->is_stopping = true;
    reap(s);
}

/* Waits for output, signals, or the given time. */
static void supervise_once(struct supervisor *s, int wait_ms)
{
    struct pollfd fds[NCHILDREN + 1] = {{.fd = s->signals, .events = POLLIN}};
    for (int i = 0; i < NCHILDREN; i++)
        fds[i + 1] = (struct pollfd){.fd = s->children[i].output, .events = POLLIN};
    if (poll(fds, NCHILDREN + 1, wait_ms) <= 0)
        return;
    for (int i = 0; i < NCHILDREN; i++)
        if (fds[i + 1].revents != 0)
            child_drain(s, &s->children[i]);
    if (fds[0].revents != 0)
        take_signal(s);
}

static int alive(const struct supervisor *s, int first)
{
    int count = 0;
    for (int i = first; i < NCHILDREN; i++)
        count += s->children[i].pid != 0;
    return count;
}

/* First the services, which finish what they have; then the database below them. */
static void stop_children(struct supervisor *s, int first, int last, int sig)
{
    for (int i = first; i <= last; i++)
        if (s->children[i].pid != 0)
            kill(s->children[i].pid, sig);
    int64_t until = clock_monotonic_us() + STOP_US;
    for (;;) {
        int count = 0;
        for (int i = first; i <= last; i++)
            count += s->children[i].pid != 0;
        if (count == 0)
            return;
        if (clock_monotonic_us() > until)
            break;
        supervise_once(s, 50);
    }
    for (int i = first; i <= last; i++)
        if (s->children[i].pid != 0) {
            printf("%s did not end in time and is killed\n", s->children[i].name);
            kill(s->children[i].pid, SIGKILL);
        }
    while (alive(s, first) > 0 && clock_monotonic_us() < until + STOP_US)
        supervise_once(s, 50);
}

static void supervise(struct supervisor *s)
{
    while (!s->is_stopping) {
        int64_t now = clock_monotonic_us();
        for (int i = 0; i < NCHILDREN; i++) {
            struct child *child = &s->children[i];
            if (child->is_wanted && child->pid == 0 && now >= child->start_at_us)
                child_start(s, child);
        }
        supervise_once(s, 100);
    }
    stop_children(s, 1, NCHILDREN - 1, SIGTERM);
    stop_children(s, 0, 0, SIGINT); /* PostgreSQL's fast shutdown */
}

static bool lock_home(const struct home *home)
{
    char path[CLI_PATH_BYTES + 64], text[32];
    snprintf(path, sizeof(path), "%s/supervisor.pid", home->run);
    int fd = open(path, O_RDWR | O_CREAT, 0644); /* kept open, and the lock with it, until we end */
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fd < 0 || fcntl(fd, F_SETLK, &lock) != 0)
        return false;
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    int n = snprintf(text, sizeof(text), "%d\n", (int)getpid());
    return ftruncate(fd, 0) == 0 && write(fd, text, (size_t)n) == n;
}

static void supervisor_main(const struct home *home, const char *listen, int ready)
{
    struct supervisor s = {.home = home, .listen = listen};
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGCHLD);
    sigaddset(&mask, SIGTERM);
    sigaddset(&mask, SIGINT);
    sigaddset(&mask, SIGHUP);
    sigaddset(&mask, SIGUSR1);
    sigprocmask(SIG_BLOCK, &mask, NULL);
    signal(SIGPIPE, SIG_IGN);
    s.signals = signalfd(-1, &mask, SFD_NONBLOCK | SFD_CLOEXEC);
    for (int i = 0; i < NCHILDREN; i++)
        s.children[i] = (struct child){.name = i == 0 ? "postgres" : cli_services[i - 1],
                                       .is_wanted = i == 0 && home->is_private,
                                       .backoff_us = BACKOFF_MIN_US,
                                       .output = -1,
                                       .log = -1};
    bool is_ours = lock_home(home);
    if (write(ready, is_ours ? "y" : "n", 1) != 1 || !is_ours)
        _exit(1);
    close(ready);
    supervise(&s);
    char path[CLI_PATH_BYTES + 64];
    snprintf(path, sizeof(path), "%s/processes", home->run);
    unlink(path);
    snprintf(path, sizeof(path), "%s/http.address", home->run);
    unlink(path);
    _exit(0);
}

int supervisor_start(const struct home *home, const char *listen)
{
    int ready[2];
    char answer = 'n', path[CLI_PATH_BYTES + 64];
    snprintf(path, sizeof(path), "%s/supervisor.log", home->log);
    fflush(NULL);
    if (pipe2(ready, O_CLOEXEC) != 0)
        return cli_fail("no pipe: %s", strerror(errno));
    pid_t pid = fork();
    if (pid < 0)
        return cli_fail("cannot start the supervisor: %s", strerror(errno));
    if (pid == 0) {
        setsid();
        close(ready[0]);
        int null = open("/dev/null", O_RDONLY);
        int log = open(path, O_WRONLY | O_CREAT | O_APPEND, 0644);
        if (null < 0 || log < 0 || dup2(null, 0) < 0 || dup2(log, 1) < 0 || dup2(log, 2) < 0 ||
            chdir("/") != 0)
            _exit(1);
        supervisor_main(home, listen, ready[1]);
    }
    close(ready[1]);
    if (read(ready[0], &answer, 1) != 1 || answer != 'y')
        answer = 'n';
    close(ready[0]);
    return answer == 'y'
               ? 0
               : cli_fail("another supervisor holds %s; penstock status says more", home->path);
}
