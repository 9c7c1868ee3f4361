/* edge.h -- the gateway's own threads, between service_main() and the world: HTTP, inbox,
 * sign-in, directory.
 *
 * Opened once everything else is up. On SIGTERM edge_stop() ends listening and returns at once;
 * requests under way are finished while the rest of the service goes on, and edge_end() waits for
 * the threads.
 */
#pragma once

#include <stdbool.h>

#include "common/service.h"

enum status edge_start(const struct service *service, struct bus *bus, void *conf) MUST_CHECK;
void edge_stop(void);
bool edge_is_stopped(void);
void edge_end(void);
