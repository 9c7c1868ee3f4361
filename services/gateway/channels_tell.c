/* Orders is told of channels: their number prefix and how they confirm. */
#include "common/bus.h"
#include "common/log.h"
#include "penstock/orders/v1/orders.pb-c.h"
#include "services/gateway/access.h"
#include "services/gateway/store_access.h"

#define TELL_TIMEOUT_MS 3000

struct tell {
    char *name, *number_prefix;
    bool confirms_manually;
    int32_t version;
    bool was_heard;
};

enum status channels_take(struct call *call, struct outcall_job *jobs, size_t *count)
{
    struct channel_row *rows;
    size_t found;
    TRY(store_channel_untold(call->db, *count, &rows, &found));
    for (size_t i = 0; i < found; i++) {
        struct tell *tell = ARENA_NEW(jobs[i].arena, struct tell);
        tell->name = arena_strdup(jobs[i].arena, rows[i].name);
        tell->number_prefix = arena_strdup(jobs[i].arena, rows[i].number_prefix);
        tell->confirms_manually = rows[i].confirms_manually;
        tell->version = rows[i].version;
        jobs[i].data = tell;
    }
    *count = found;
    return STATUS_OK;
}

static void tell_one(struct outcall_worker *worker, struct tell *tell)
{
    static char method[] = "orders.UpsertChannel", actor[] = "system:gateway",
                internal[] = "internal";
    char *permissions[] = {internal};
    Penstock__Orders__V1__UpsertChannelRequest question =
        PENSTOCK__ORDERS__V1__UPSERT_CHANNEL_REQUEST__INIT;
    RequestHeader header = PENSTOCK__BUS__V1__REQUEST_HEADER__INIT;
    const ReplyHeader *reply;
    ProtobufCMessage *answer;
    question.name = tell->name;
    question.number_prefix = tell->number_prefix;
    question.confirms_manually = tell->confirms_manually;
    header.method = method;
    header.actor = actor;
    header.permissions = permissions;
    header.n_permissions = 1;
    header.command_id =
        arena_printf(worker->arena, "gateway/channel/%s/%d", tell->name, tell->version);
    enum status status = bus_call(
        worker->client, "orders", &header, &question.base, TELL_TIMEOUT_MS,
        &penstock__orders__v1__upsert_channel_response__descriptor, worker->arena, &reply, &answer);
    bool is_refused = status >= STATUS_INVALID && status <= STATUS_TOO_LARGE;
    /* What orders refuses it would refuse again. */
    tell->was_heard = status == STATUS_OK || is_refused;
    if (is_refused)
        log_error("channel_refused", "Orders refuses a channel", LOG_TEXT("channel", tell->name),
                  LOG_TEXT("error.code", reply != NULL ? reply->code : NULL));
}

void channels_make(struct outcall_worker *worker, struct outcall_job *jobs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        tell_one(worker, jobs[i].data);
}

enum status channels_done(struct call *call, struct outcall_job *jobs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct tell *tell = jobs[i].data;
        if (tell->was_heard)
            TRY(store_channel_told(call->db, tell->name, tell->version));
    }
    return STATUS_OK;
}
