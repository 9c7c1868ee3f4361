/* remote.h -- asking the running services of a home, over the bus.
 *
 * Ownership: what remote_ask() returns lives until remote_close(); one command at a time.
 */
#pragma once

#include <stdbool.h>

#include <protobuf-c/protobuf-c.h>

#include "cli/cli.h"

struct remote;

struct remote *remote_open(const struct home *home);
/* The same for a command's --home, which must be up; NULL with a sentence printed and *result set.
 */
struct remote *remote_of(int argc, char **argv, struct home *home, int *result);
void remote_close(struct remote **remote);
/* Forgets the answers so far. */
void remote_reset(struct remote *remote);
/* A copy that lives as long as the answers. */
char *remote_text(struct remote *remote, const char *text);
/* Asks with the rights of the operator of this machine. NULL when refused or away, the reason
 * printed. */
const ProtobufCMessage *remote_ask(struct remote *remote, const char *service, const char *rpc,
                                   const ProtobufCMessage *message,
                                   const ProtobufCMessageDescriptor *answer_type);
/* The same as a command under an identity, so that a second try is the same command. */
const ProtobufCMessage *remote_command(struct remote *remote, const char *service, const char *rpc,
                                       const char *command_id, const ProtobufCMessage *message,
                                       const ProtobufCMessageDescriptor *answer_type);
/* True when the service answers and is ready; reason gets why not. */
bool remote_is_ready(struct remote *remote, const char *service, int timeout_ms, char *reason,
                     size_t bytes);
