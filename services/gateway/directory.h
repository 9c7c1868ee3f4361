/* directory.h -- keeps the HTTP threads' snapshots of keys and channels fresh.
 *
 * A thread with a connection of its own reads both tables every half second and hands each HTTP
 * thread a snapshot; the one before comes back with the times at which its keys were used, which
 * are written down now and then. While the database is away the snapshots stay as they are.
 *
 * Ownership: directory_open() makes, directory_close() frees; snapshots belong to whom they were
 * given.
 */
#pragma once

#include "common/bus.h"
#include "common/service.h"
#include "services/gateway/http.h"

struct directory;

/* Reads the first snapshots, one for each HTTP thread; fails when the database is away. */
enum status directory_open(const struct service *service, struct bus *bus, int http_threads,
                           struct snapshot *snapshots[HTTP_MAX_THREADS],
                           struct directory **out) MUST_CHECK;
/* Writes down the last uses and ends the thread. The HTTP threads have ended by then. */
void directory_close(struct directory **directory);
