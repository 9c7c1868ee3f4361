/* cluster.c -- the private PostgreSQL of a home: made once, run in the foreground under the
 * supervisor.
 *
 * PostgreSQL does not run as root, so as root its files belong to an unprivileged user; who may
 * connect is decided by the unix socket (its folder is the data folder, mode 0700) and by peer
 * authentication: the user who runs the services and the cluster's owner may act as any of the
 * roles.
 */
#include <errno.h>
#include <glob.h>
#include <grp.h>
#include <pwd.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/cli.h"
#include "common/id.h"

#define READY_US INT64_C(60000000)
#define POLL_US 50000

int cluster_program(const char *program, char *path, size_t bytes)
{
    char pattern[CLI_PATH_BYTES];
    glob_t found;
    snprintf(pattern, sizeof(pattern), "/usr/lib/postgresql/*/bin/%s", program);
    if (glob(pattern, 0, NULL, &found) == 0 && found.gl_pathc > 0) {
        snprintf(path, bytes, "%s", found.gl_pathv[found.gl_pathc - 1]);
        globfree(&found);
        return 0;
    }
    return cli_fail("PostgreSQL's %s is not installed; on Debian: make install-deps", program);
}

int cluster_user(uid_t *uid, gid_t *gid, const char **name)
{
    static const char *const candidates[] = {"penstock", "postgres", "nobody"};
    *uid = getuid();
    *gid = getgid();
    *name = NULL;
    if (*uid != 0) {
        const struct passwd *me = getpwuid(*uid);
        *name = me != NULL ? me->pw_name : "penstock";
        return 0;
    }
    for (size_t i = 0; i < sizeof(candidates) / sizeof(candidates[0]); i++) {
        const struct passwd *user = getpwnam(candidates[i]);
        if (user == NULL)
            continue;
        *uid = user->pw_uid;
        *gid = user->pw_gid;
        *name = candidates[i];
        return 0;
    }
    return cli_fail(
        "PostgreSQL does not run as root, and there is no user \"postgres\" to run it as");
}

static void become_cluster_user(void)
{
    uid_t uid;
    gid_t gid;
    const char *name;
    if (cluster_user(&uid, &gid, &name) != 0)
        _exit(1);
    if (getuid() != 0)
        return;
    if (setgroups(0, NULL) != 0 || setgid(gid) != 0 || setuid(uid) != 0)
        _exit(1);
}

/* Runs a program as the cluster's user with its output in a file; 0 when it succeeded. */
static int run_as_cluster_user(const char *folder, const char *output, const char *const argv[])
{
    pid_t pid = fork();
    if (pid == 0) {
        if (freopen(output, "a", stdout) == NULL || dup2(STDOUT_FILENO, STDERR_FILENO) < 0)
            _exit(1);
        become_cluster_user();
        if (chdir(folder) != 0)
            _exit(1);
        execv(argv[0], (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    int state = 0;
    if (pid < 0 || waitpid(pid, &state, 0) < 0)
        return 1;
    return WIFEXITED(state) && WEXITSTATUS(state) == 0 ? 0 : 1;
}

/* Tuned for many small durable commits on a small machine that it shares with the services. */
static const char server_conf[] = "listen_addresses = ''\n"
                                  "unix_socket_directories = '%s'\n"
                                  "unix_socket_permissions = 0700\n"
                                  "max_connections = 100\n"
                                  "shared_buffers = %ldMB\n"
                                  "wal_buffers = 16MB\n"
                                  "min_wal_size = 1GB\n"
                                  "max_wal_size = 4GB\n"
                                  "checkpoint_timeout = 15min\n"
                                  "wal_compression = lz4\n"
                                  "jit = off\n"
                                  "max_parallel_workers_per_gather = 0\n"
                                  "autovacuum_naptime = 20s\n"
                                  "log_timezone = 'UTC'\n"
                                  "timezone = 'UTC'\n"
                                  "log_line_prefix = '%%m [%%p] %%q%%u '\n";

/* An eighth of the machine's memory, taken as it is used: the working set of a small shop, and room
 * for the rest of the machine. */
static long buffers_mb(void)
{
    long mb = sysconf(_SC_PHYS_PAGES) / 8 * sysconf(_SC_PAGESIZE) / (1 << 20);
    return mb < 128 ? 128 : mb > 2048 ? 2048 : mb;
}

static int append_file(const char *folder, const char *name, const char *mode, const char *text)
{
    char path[CLI_PATH_BYTES + 32];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, mode);
    if (file == NULL)
        return cli_fail("cannot write %s: %s", path, strerror(errno));
    fputs(text, file);
    if (fclose(file) != 0)
        return cli_fail("cannot write %s: %s", path, strerror(errno));
    return 0;
}

/* One line of pg_ident.conf per role: map, system user, role. */
static size_t map_role(char *text, size_t bytes, const char *owner, const char *me,
                       const char *role)
{
    int n = snprintf(text, bytes, "penstock %s %s\n", owner, role);
    if (strcmp(owner, me) != 0)
        n += snprintf(text + n, bytes - (size_t)n, "penstock %s %s\n", me, role);
    return (size_t)n;
}

static int configure(const struct home *home, const char *owner)
{
    char text[4096];
    const struct passwd *user = getpwuid(getuid());
    const char *me = user != NULL ? user->pw_name : owner;
    snprintf(text, sizeof(text), server_conf, home->cluster, buffers_mb());
    if (append_file(home->cluster, "postgresql.conf", "a", text) != 0)
        return 1;
    if (append_file(home->cluster, "pg_hba.conf", "w", "local all all peer map=penstock\n") != 0)
        return 1;
    size_t used = map_role(text, sizeof(text), owner, me, "penstock");
    used += map_role(text + used, sizeof(text) - used, owner, me, "penstock_verify");
    for (size_t i = 0; i < CLI_NSERVICES; i++) {
        char role[64];
        snprintf(role, sizeof(role), "penstock_%s", cli_services[i]);
        used += map_role(text + used, sizeof(text) - used, owner, me, role);
    }
    return append_file(home->cluster, "pg_ident.conf", "w", text);
}

int cluster_create(const struct home *home)
{
    char path[CLI_PATH_BYTES + 32], initdb[CLI_PATH_BYTES], output[CLI_PATH_BYTES + 32];
    uid_t uid;
    gid_t gid;
    const char *owner;
    snprintf(path, sizeof(path), "%s/PG_VERSION", home->cluster);
    if (access(path, F_OK) == 0)
        return 0;
    if (cluster_user(&uid, &gid, &owner) != 0 ||
        cluster_program("initdb", initdb, sizeof(initdb)) != 0)
        return 1;
    printf("Making a private PostgreSQL cluster in %s (owner: %s)\n", home->cluster, owner);
    fflush(stdout);
    char parent[CLI_PATH_BYTES];
    snprintf(parent, sizeof(parent), "%s", home->cluster);
    *strrchr(parent, '/') = '\0';
    if (mkdir(parent, 0755) != 0 && errno != EEXIST)
        return cli_fail("cannot make %s: %s", parent, strerror(errno));
    if (mkdir(home->cluster, 0700) != 0 && errno != EEXIST)
        return cli_fail("cannot make %s: %s", home->cluster, strerror(errno));
    if (chown(home->cluster, uid, gid) != 0)
        return cli_fail("cannot give %s to %s: %s", home->cluster, owner, strerror(errno));
    snprintf(output, sizeof(output), "%s/postgres-initdb.log", home->log);
    const char *argv[] = {initdb,
                          "-D",
                          home->cluster,
                          "-U",
                          "penstock",
                          "-A",
                          "peer",
                          "-E",
                          "UTF8",
                          "--locale=C.UTF-8",
                          "--data-checksums",
                          NULL};
    if (run_as_cluster_user("/", output, argv) != 0)
        return cli_fail("initdb failed; %s says why", output);
    return configure(home, owner);
}

void cluster_exec(const struct home *home)
{
    char postgres[CLI_PATH_BYTES];
    if (cluster_program("postgres", postgres, sizeof(postgres)) != 0)
        _exit(1);
    become_cluster_user();
    if (chdir(home->cluster) != 0)
        _exit(1);
    execl(postgres, "postgres", "-D", home->cluster, (char *)NULL);
    _exit(127);
}

bool cluster_is_ready(const struct home *home)
{
    char program[CLI_PATH_BYTES];
    if (cluster_program("pg_isready", program, sizeof(program)) != 0)
        return false;
    pid_t pid = fork();
    if (pid == 0) {
        execl(program, "pg_isready", "-q", "-h", home->cluster, "-U", "penstock", "-d", "postgres",
              (char *)NULL);
        _exit(127);
    }
    int state = 0;
    return pid > 0 && waitpid(pid, &state, 0) == pid && WIFEXITED(state) && WEXITSTATUS(state) == 0;
}

int cluster_wait(const struct home *home)
{
    int64_t until = clock_monotonic_us() + READY_US;
    while (!cluster_is_ready(home)) {
        if (clock_monotonic_us() > until)
            return cli_fail("PostgreSQL did not start within a minute; %s/postgres.log says why",
                            home->log);
        usleep(POLL_US);
    }
    return 0;
}
