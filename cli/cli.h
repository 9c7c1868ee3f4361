/* cli.h -- what the commands of `penstock` share.
 *
 * Each command is one function in a table (main.c). A command prints what it does while it does it,
 * its result in words, and what to do next; its exit code is 0 when all is well, 1 when it found
 * something wrong, 2 when it was called wrongly.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

#include "common/status.h"

#define CLI_PATH_BYTES 512
#define CLI_NSERVICES 6
/* In the order in which they start: those that others ask first. */
extern const char *const cli_services[CLI_NSERVICES];

/* One installation on this machine: a folder with its configuration, data, logs and sockets. */
struct home {
    char path[CLI_PATH_BYTES]; /* absolute */
    char conf[CLI_PATH_BYTES];
    char run[CLI_PATH_BYTES]; /* sockets and process ids; elsewhere when the path is too long for a
                                 socket */
    char log[CLI_PATH_BYTES];
    char cluster[CLI_PATH_BYTES];  /* the private PostgreSQL's data and socket */
    char bin[CLI_PATH_BYTES];      /* where penstock's binaries are */
    char database[CLI_PATH_BYTES]; /* conninfo without user, from the configuration */
    bool is_private;               /* the database is the private cluster */
};

/* ---- output ---- */
/* A sentence on standard error, with what to do next; returns 2, or 1 for what is not the caller's
 * fault. */
int cli_usage(const char *format, ...) __attribute__((format(printf, 1, 2)));
int cli_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* "name value" of an option in argv (--home var), or the fallback; NULL when it stands without
 * value. */
const char *cli_option(int argc, char **argv, const char *name, const char *fallback);
bool cli_flag(int argc, char **argv, const char *name);
/* The index-th word that is neither an option nor an option's value, after the command; NULL if
 * none. */
const char *cli_word(int argc, char **argv, int index);

/* ---- home.c ---- */
/* Finds the paths for --home (default "var"); makes nothing. */
int home_locate(int argc, char **argv, struct home *home) MUST_CHECK;
/* Makes the folder and its penstock.conf if they are not there; says so on stdout. */
int home_create(struct home *home, const char *listen) MUST_CHECK;
/* Reads the database's address from the configuration. */
int home_read(struct home *home) MUST_CHECK;
/* The supervisor's process id, or 0 when nothing runs in this home. */
pid_t home_supervisor(const struct home *home);
/* The address that the gateway listens on, "127.0.0.1:8080"; false while it is not up. */
bool home_http(const struct home *home, char *address, size_t bytes);
/* conninfo for one role. */
void home_dsn(const struct home *home, const char *role, char *dsn, size_t bytes);

/* ---- cluster.c: the private PostgreSQL ---- */
/* The user that owns the cluster's files: the caller, or as root an unprivileged one. */
int cluster_user(uid_t *uid, gid_t *gid, const char **name) MUST_CHECK;
/* initdb and configuration, once; says so on stdout. */
int cluster_create(const struct home *home) MUST_CHECK;
/* In the child after fork(): becomes the server in the foreground. Never returns. */
void cluster_exec(const struct home *home) __attribute__((noreturn));
bool cluster_is_ready(const struct home *home);
/* Waits until it takes connections, for up to a minute. */
int cluster_wait(const struct home *home) MUST_CHECK;
/* The path of a PostgreSQL program, newest version: "pg_dump". */
int cluster_program(const char *program, char *path, size_t bytes) MUST_CHECK;

/* ---- supervisor.c ---- */
/* Starts the supervisor in the background; returns when it holds the home, or a failure. */
int supervisor_start(const struct home *home, const char *listen) MUST_CHECK;

/* ---- data.c ---- */
/* Applies what is missing in every schema, saying each; *applied counts. */
int data_migrate(const struct home *home, int *applied) MUST_CHECK;

/* ---- commands ---- */
int command_up(int argc, char **argv);
int command_down(int argc, char **argv);
int command_status(int argc, char **argv);
int command_logs(int argc, char **argv);
int command_trace(int argc, char **argv);
int command_verify(int argc, char **argv);
int command_demo(int argc, char **argv);
int command_key(int argc, char **argv);
int command_user(int argc, char **argv);
int command_channel(int argc, char **argv);
int command_inbox(int argc, char **argv);
int command_import(int argc, char **argv);
int command_backup(int argc, char **argv);
int command_restore(int argc, char **argv);
int command_migrate(int argc, char **argv);
int command_health(int argc, char **argv);
