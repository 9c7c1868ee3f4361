/* handlers_imports.h -- imports of files: their routes, and the work behind them.
 *
 * The work is an outcall: the writer hands out a part to be read, or the next orders to be placed;
 * a worker reads, or asks this very service as any channel would; the writer stores what came of
 * it. What was handed out is not marked: after a crash it is handed out again, and both a part and
 * an order have their effect once.
 */
#pragma once

#include "handlers.h"
#include "store_imports.h"

enum status imports_take(struct call *call, struct outcall_job *jobs, size_t *count);
void imports_make(struct outcall_worker *worker, struct outcall_job *jobs, size_t count);
enum status imports_done(struct call *call, struct outcall_job *jobs, size_t count);
#define IMPORTS_OUTCALL                                                                            \
    {                                                                                              \
        .name = "imports", .workers = 1, .period_ms = 1000, .max_jobs = 256, .take = imports_take, \
        .make = imports_make, .done = imports_done                                                 \
    }
/* A timer: files that were sent and not run within a week are forgotten. */
enum status forget_imports(struct call *call);

enum status emit_import(struct call *call, const struct import *import) MUST_CHECK;
