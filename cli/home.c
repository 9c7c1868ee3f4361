/* home.c -- where an installation keeps its things, and its first configuration. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "common/conf.h"
#include "common/id.h"
#include "common/settings.h"

/* A unix socket's path has 108 bytes; ours add at most this many to the folder's. */
#define SOCKET_SUFFIX_BYTES 28
#define SOCKET_PATH_BYTES 108

static void join(char *out, const char *folder, const char *name)
{
    int n = snprintf(out, CLI_PATH_BYTES, "%s/%s", folder, name);
    if (n < 0 || n >= CLI_PATH_BYTES) {
        fprintf(stderr, "penstock: the path %s/%s is too long\n", folder, name);
        exit(2);
    }
}

/* A short folder, the same each time for the same home; data goes where a reboot leaves it alone.
 */
static void short_folder(char *out, const char *base, const char *home, const char *name)
{
    struct uuid hash = uuid_of_hash(home, strlen(home));
    char text[UUID_TEXT_BYTES];
    snprintf(out, CLI_PATH_BYTES, "%s/penstock-%.8s/%s", base, uuid_text(&hash, text), name);
}

static int make_folder(const char *path, mode_t mode)
{
    if (mkdir(path, mode) == 0 || errno == EEXIST)
        return 0;
    return cli_fail("cannot make the folder %s: %s", path, strerror(errno));
}

/* Every folder on the way; -p, as mkdir says. */
static int make_folders(const char *path)
{
    char part[CLI_PATH_BYTES];
    for (size_t i = 1; path[i] != '\0'; i++) {
        if (path[i] != '/')
            continue;
        snprintf(part, sizeof(part), "%.*s", (int)i, path);
        if (make_folder(part, 0755) != 0)
            return 1;
    }
    return make_folder(path, 0755);
}

static void absolute_path(const char *path, char *out)
{
    if (path[0] == '/') {
        snprintf(out, CLI_PATH_BYTES, "%s", path);
        return;
    }
    char here[PATH_MAX];
    if (getcwd(here, sizeof(here)) == NULL)
        snprintf(here, sizeof(here), ".");
    join(out, here, path);
}

/* Can the owner of the cluster, who is not root, walk down to this folder? */
static bool is_reachable_by_all(const char *path)
{
    char part[CLI_PATH_BYTES];
    for (size_t i = 1; path[i] != '\0'; i++) {
        struct stat st;
        if (path[i] != '/')
            continue;
        snprintf(part, sizeof(part), "%.*s", (int)i, path);
        if (stat(part, &st) == 0 && (st.st_mode & S_IXOTH) == 0)
            return false;
    }
    return true;
}

int home_locate(int argc, char **argv, struct home *home)
{
    const char *path = cli_option(argc, argv, "--home", "var");
    if (path == NULL || path[0] == '\0')
        return cli_usage("--home needs a folder: penstock %s --home var", argv[1]);
    memset(home, 0, sizeof(*home));
    absolute_path(path, home->path);
    for (size_t n = strlen(home->path); n > 1 && home->path[n - 1] == '/'; n--)
        home->path[n - 1] = '\0';
    join(home->conf, home->path, "penstock.conf");
    join(home->log, home->path, "log");
    join(home->run, home->path, "run");
    if (strlen(home->run) + SOCKET_SUFFIX_BYTES > SOCKET_PATH_BYTES)
        short_folder(home->run, "/tmp", home->path, "run");
    join(home->cluster, home->path, "postgres");
    if (strlen(home->cluster) + SOCKET_SUFFIX_BYTES > SOCKET_PATH_BYTES ||
        (getuid() == 0 && !is_reachable_by_all(home->cluster)))
        short_folder(home->cluster, "/var/tmp", home->path, "postgres");
    ssize_t n = readlink("/proc/self/exe", home->bin, sizeof(home->bin) - 1);
    if (n <= 0)
        return cli_fail("cannot find my own binary: %s", strerror(errno));
    home->bin[n] = '\0';
    *strrchr(home->bin, '/') = '\0';
    return 0;
}

static const char conf_template[] =
    "# Penstock's configuration. Every key and its limits: docs/reference/configuration.md.\n"
    "# After a change: penstock down --home %1$s && penstock up --home %1$s\n"
    "\n"
    "common: {\n"
    "    # A conninfo without user. The folder of the private cluster means that penstock runs "
    "it.\n"
    "    database = \"host=%2$s dbname=penstock\";\n"
    "    run_directory = \"%3$s\";\n"
    "    log_level = \"info\";\n"
    "};\n"
    "\n"
    "# The shop, as customers see it.\n"
    "shop: {\n"
    "    name = \"Penstock\";\n"
    "    time_zone = \"Asia/Hong_Kong\";\n"
    "    currency = \"HKD\";\n"
    "    prices_include_tax = true;\n"
    "    languages = \"zh-Hant,en\";\n"
    "    mail_from = \"shop@localhost\";\n"
    "    # Where customers reach the page of their order, to which mails link.\n"
    "    public_url = \"%5$s\";\n"
    "};\n"
    "\n"
    "gateway: {\n"
    "    listen = \"%4$s\";\n"
    "};\n"
    "\n"
    "notify: {\n"
    "    # Mail goes into this Maildir until smtp_url is set, e.g. "
    "\"smtp://mail.example.com:587\".\n"
    "    maildir = \"%1$s/mail\";\n"
    "};\n";

/* Where the gateway of this home listens, if that is one address with a port that is known yet. */
static const char *public_url(const char *listen, char url[CLI_PATH_BYTES])
{
    const char *port = strrchr(listen, ':');
    bool is_known = port != NULL && strcmp(port, ":0") != 0 && strchr(listen, ',') == NULL;
    snprintf(url, CLI_PATH_BYTES, "%s%s", is_known ? "http://" : "", is_known ? listen : "");
    return url;
}

static int write_conf(const struct home *home, const char *listen)
{
    char url[CLI_PATH_BYTES];
    FILE *file = fopen(home->conf, "wx");
    if (file == NULL && errno == EEXIST)
        return 0;
    if (file == NULL)
        return cli_fail("cannot write %s: %s", home->conf, strerror(errno));
    fprintf(file, conf_template, home->path, home->cluster, home->run, listen,
            public_url(listen, url));
    if (fclose(file) != 0)
        return cli_fail("cannot write %s: %s", home->conf, strerror(errno));
    printf("A new home: %s (settings in %s)\n", home->path, home->conf);
    return 0;
}

int home_create(struct home *home, const char *listen)
{
    char parent[CLI_PATH_BYTES];
    if (make_folders(home->path) != 0 || make_folder(home->log, 0755) != 0)
        return 1;
    snprintf(parent, sizeof(parent), "%s", home->run);
    *strrchr(parent, '/') = '\0';
    if (make_folders(parent) != 0 || make_folder(home->run, 0700) != 0)
        return 1;
    struct stat st;
    if (stat(home->run, &st) != 0 || st.st_uid != getuid() || (st.st_mode & 0077) != 0)
        return cli_fail("%s must be a folder of yours that nobody else can enter (chmod 700)",
                        home->run);
    return write_conf(home, listen);
}

int home_read(struct home *home)
{
    struct conf *conf = NULL;
    struct settings common;
    const char *message = NULL;
    if (access(home->conf, R_OK) != 0)
        return cli_fail("there is no %s; penstock up --home %s makes it", home->conf, home->path);
    if (conf_open(home->conf, &conf, &message) != STATUS_OK)
        return cli_fail("%s", message);
    if (conf_read(conf, "common", settings_keys, &common, &message) != STATUS_OK)
        return cli_fail("%s", message);
    snprintf(home->database, sizeof(home->database), "%s", common.database);
    snprintf(home->run, sizeof(home->run), "%s", common.run_directory);
    char host[CLI_PATH_BYTES + 8];
    snprintf(host, sizeof(host), "host=%s", home->cluster);
    home->is_private = strstr(home->database, host) != NULL;
    conf_close(&conf);
    return 0;
}

pid_t home_supervisor(const struct home *home)
{
    char path[CLI_PATH_BYTES];
    join(path, home->run, "supervisor.pid");
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    /* Whoever runs holds the lock; a file that a killed supervisor left behind is not held. */
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    pid_t pid = fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK ? lock.l_pid : 0;
    close(fd);
    return pid;
}

bool home_http(const struct home *home, char *address, size_t bytes)
{
    char path[CLI_PATH_BYTES];
    join(path, home->run, "http.address");
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return false;
    bool is_there = fgets(address, (int)bytes, file) != NULL;
    fclose(file);
    if (is_there)
        address[strcspn(address, "\n")] = '\0';
    return is_there && address[0] != '\0';
}

void home_dsn(const struct home *home, const char *role, char *dsn, size_t bytes)
{
    snprintf(dsn, bytes, "%s user=%s", home->database, role);
}
