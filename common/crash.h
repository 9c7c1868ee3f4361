/* crash.h -- places where a test kills the process.
 *
 * CRASHPOINT("orders.before_commit") is nothing, unless built with -DPENSTOCK_CRASHPOINTS; then the
 * environment PENSTOCK_CRASHPOINT="writer.before_commit:3" raises SIGKILL at its third hit.
 * tests/unit/common_service_crash_test.c tries every name, and is the list of them.
 */
#pragma once

#ifdef PENSTOCK_CRASHPOINTS
void crash_point(const char *name);
#define CRASHPOINT(name) crash_point(name)
#else
#define CRASHPOINT(name) ((void)0)
#endif
