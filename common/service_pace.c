/* When those who follow this service's log are told of news, and when they stand back. */
#include "common/service_internal.h"

#include <string.h>

/* A follower rests in proportion to what it was told last: one event alone is told at once, and a
 * thousand a second come as batches of hundreds, which cost a fraction of as many small ones. */
#define REST_PER_EVENT_US 1000
#define REST_MAX_US 500000

/* A crowd: over a moment the writer was busy with commands for most of the time, and many were
 * taken at once. It ends well below where it begins. */
#define MOMENT_US 500000
#define CROWD_BUSY_PERCENT 60
#define CROWD_COMMANDS 8
#define CALM_BUSY_PERCENT 30
#define CALM_COMMANDS 4

void pace_told(struct pace *pace, size_t events, int64_t last_occurred_at, int64_t now_us)
{
    int64_t rest_us = (int64_t)events * REST_PER_EVENT_US;
    pace->told_us = now_us;
    pace->rest_us = rest_us < REST_MAX_US ? rest_us : REST_MAX_US;
    if (events > 0)
        pace->occurred_at = last_occurred_at;
}

int64_t pace_next_us(const struct pace *pace, int64_t now_us, int64_t wall_us,
                     int64_t stand_back_us)
{
    int64_t next_us = pace->told_us + pace->rest_us;
    if (stand_back_us == 0)
        return next_us;
    /* What comes next happened about when the last thing told of did. */
    int64_t may_us = now_us + stand_back_us - (wall_us - pace->occurred_at);
    return may_us > next_us ? may_us : next_us;
}

void crowd_turn(struct crowd *crowd, size_t commands, int64_t turn_us)
{
    crowd->turns++;
    crowd->commands += (int64_t)commands;
    crowd->busy_us += turn_us;
}

bool crowd_judge(struct crowd *crowd, int64_t now_us)
{
    int64_t moment_us = now_us - crowd->since_us;
    if (moment_us < MOMENT_US)
        return false;
    int64_t busy = 100 * crowd->busy_us / moment_us;
    int64_t commands = crowd->turns == 0 ? 0 : crowd->commands / crowd->turns;
    bool was = crowd->is_there;
    if (!was)
        crowd->is_there = busy >= CROWD_BUSY_PERCENT && commands >= CROWD_COMMANDS;
    else
        crowd->is_there = busy >= CALM_BUSY_PERCENT && commands >= CALM_COMMANDS;
    *crowd = (struct crowd){.since_us = now_us, .is_there = crowd->is_there};
    return crowd->is_there != was;
}

int64_t process_stand_back_us(const struct process *process)
{
    return METRIC_GET(process->metrics.crowd) * process->settings.stand_back_ms * 1000;
}
