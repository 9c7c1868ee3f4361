/* The guard against poison: a message that ends the process must not end it for ever.
 *
 * After an unclean exit the writer works on one item at a time and records each as an attempt
 * before it starts, until a hundred have passed. What was being attempted in three crashes in a row
 * is set aside, and tried again by itself after a minute, ten minutes and an hour without a crash.
 */
#include "common/service_internal.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ITEMS_TO_PASS 100
#define CRASHES_ALLOWED 3
#define SET_ASIDE_MAX 64

struct set_aside {
    char item[128];
    int retries;
};
struct guard {
    struct writer *writer;
    int left;
    int64_t led_at_us;
    struct set_aside aside[SET_ASIDE_MAX];
    size_t naside;
};

struct attempt_row {
    const char *item;
    int32_t crashes, retries;
    bool is_running;
};
DB_SHAPE(attempt_shape, struct attempt_row, DB_FIELD(struct attempt_row, item, DB_TEXT),
         DB_FIELD(struct attempt_row, crashes, DB_INT32),
         DB_FIELD(struct attempt_row, retries, DB_INT32),
         DB_FIELD(struct attempt_row, is_running, DB_BOOLEAN));

struct guard *guard_open(struct writer *writer)
{
    struct guard *guard = calloc(1, sizeof *guard);
    assert(guard != NULL);
    guard->writer = writer;
    return guard;
}

void guard_close(struct guard **guard)
{
    free(*guard);
    *guard = NULL;
}

static enum status count_crash(struct writer *writer)
{
    TRY(db_begin(writer->db));
    TRY(db_exec(writer->db, writer_query(writer, P_ATTEMPT_CRASHED)));
    return db_commit(writer->db);
}

enum status guard_lead(struct guard *guard, bool was_clean)
{
    struct writer *writer = guard->writer;
    guard->led_at_us = clock_monotonic_us();
    guard->naside = 0;
    if (!was_clean)
        TRY(count_crash(writer));
    struct attempt_row *rows;
    size_t count;
    db_use_arena(writer->db, writer->arena);
    TRY(db_select(writer->db, writer_query(writer, P_ATTEMPT_READ), &attempt_shape, &rows, &count));
    for (size_t i = 0; i < count && guard->naside < SET_ASIDE_MAX; i++) {
        if (rows[i].crashes < CRASHES_ALLOWED)
            continue;
        struct set_aside *aside = &guard->aside[guard->naside++];
        snprintf(aside->item, sizeof aside->item, "%s", rows[i].item);
        aside->retries = rows[i].retries;
        log_error("item_crashed", "What ended the process three times is set aside",
                  LOG_TEXT("item", aside->item));
    }
    guard->left = was_clean ? 0 : ITEMS_TO_PASS;
    return STATUS_OK;
}

bool guard_is_on(const struct guard *guard)
{
    return guard->left > 0;
}

static struct set_aside *find_aside(struct guard *guard, const char *item)
{
    for (size_t i = 0; i < guard->naside; i++)
        if (strcmp(guard->aside[i].item, item) == 0)
            return &guard->aside[i];
    return NULL;
}

/* How long the process must have lived before each retry. */
static bool is_retry_due(const struct guard *guard, const struct set_aside *aside)
{
    static const int64_t minutes[] = {1, 10, 60};
    return aside->retries < 3 &&
           clock_monotonic_us() - guard->led_at_us >= minutes[aside->retries] * 60 * 1000000;
}

bool guard_has_aside(const struct guard *guard)
{
    return guard->naside > 0;
}

bool guard_knows(const struct guard *guard, const char *item)
{
    return find_aside((struct guard *)(uintptr_t)guard, item) != NULL;
}

const char *guard_due_event(const struct guard *guard)
{
    for (size_t i = 0; i < guard->naside; i++)
        if (strncmp(guard->aside[i].item, "event:", 6) == 0 &&
            is_retry_due(guard, &guard->aside[i]))
            return guard->aside[i].item;
    return NULL;
}

enum status guard_forget(struct guard *guard, const char *item)
{
    struct writer *writer = guard->writer;
    TRY(db_begin(writer->db));
    enum status status = guard_pass(guard, item);
    if (status == STATUS_OK)
        status = db_commit(writer->db);
    else
        db_rollback(writer->db);
    struct set_aside *aside = find_aside(guard, item);
    if (status == STATUS_OK && aside != NULL)
        *aside = guard->aside[--guard->naside];
    return status;
}

enum status guard_start(struct guard *guard, const char *item, bool *is_set_aside)
{
    struct writer *writer = guard->writer;
    struct set_aside *aside = find_aside(guard, item);
    *is_set_aside = aside != NULL && !is_retry_due(guard, aside);
    if (*is_set_aside)
        return STATUS_OK;
    writer->now_us = clock_wall_us();
    TRY(db_begin(writer->db));
    enum status status = aside == NULL
                             ? db_exec(writer->db, writer_query(writer, P_ATTEMPT_START),
                                       db_text(item), db_time(writer->now_us))
                             : db_exec(writer->db, writer_query(writer, P_ATTEMPT_RETRIED),
                                       db_text(item), db_time(writer->now_us));
    if (aside != NULL)
        aside->retries++;
    if (status == STATUS_OK)
        return db_commit(writer->db);
    db_rollback(writer->db);
    return status;
}

enum status guard_pass(struct guard *guard, const char *item)
{
    return db_exec(guard->writer->db, writer_query(guard->writer, P_ATTEMPT_DELETE), db_text(item));
}

void guard_passed(struct guard *guard)
{
    if (guard->left > 0)
        guard->left--;
}
