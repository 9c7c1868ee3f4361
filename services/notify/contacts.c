#include "services/notify/contacts.h"

#include <string.h>

typedef Penstock__Orders__V1__GetContactsRequest GetContactsRequest;
typedef Penstock__Orders__V1__GetContactsResponse GetContactsResponse;

#define CONTACTS_AT_ONCE 200
#define CONTACTS_TIMEOUT_MS 5000

static char *order_id_text(struct arena *arena, const struct mail *mail)
{
    return uuid_text(&mail->order_id, arena_alloc(arena, UUID_TEXT_BYTES));
}

static enum status ask(struct bus_client *client, struct arena *arena, char **ids, size_t count,
                       const GetContactsResponse **response)
{
    char method[] = "orders.GetContacts", actor[] = "system:notify", internal[] = "internal";
    char *permissions[] = {internal};
    RequestHeader header = PENSTOCK__BUS__V1__REQUEST_HEADER__INIT;
    header.method = method;
    header.actor = actor;
    header.permissions = permissions;
    header.n_permissions = 1;
    GetContactsRequest request = PENSTOCK__ORDERS__V1__GET_CONTACTS_REQUEST__INIT;
    request.order_ids = ids;
    request.n_order_ids = count;
    const ReplyHeader *reply;
    ProtobufCMessage *answer = NULL;
    TRY(bus_call(client, "orders", &header, &request.base, CONTACTS_TIMEOUT_MS,
                 &penstock__orders__v1__get_contacts_response__descriptor, arena, &reply, &answer));
    *response = (const GetContactsResponse *)answer;
    if (answer != NULL)
        return STATUS_OK;
    return reply->status == PENSTOCK__BUS__V1__STATUS__STATUS_UNAVAILABLE ? STATUS_UNAVAILABLE
                                                                          : STATUS_INTERNAL;
}

/* Answers mostly come in the order of the questions; the hint makes that cheap. */
static const Contact *find(const GetContactsResponse *response, const char *order_id, size_t hint)
{
    if (hint < response->n_contacts && strcmp(response->contacts[hint]->order_id, order_id) == 0)
        return response->contacts[hint];
    for (size_t i = 0; i < response->n_contacts; i++) {
        if (strcmp(response->contacts[i]->order_id, order_id) == 0)
            return response->contacts[i];
    }
    return NULL;
}

/* Orders of hundreds of lines may not fit one answer together: then each half is asked alone. */
static enum status ask_halving(struct bus_client *client, struct arena *arena, char **ids,
                               size_t count, const Contact **contacts)
{
    const GetContactsResponse *response = NULL;
    enum status status = ask(client, arena, ids, count, &response);
    if (status == STATUS_OK) {
        for (size_t i = 0; i < count; i++)
            contacts[i] = find(response, ids[i], i);
        return STATUS_OK;
    }
    if (status == STATUS_UNAVAILABLE || count == 1)
        return STATUS_UNAVAILABLE;
    TRY(ask_halving(client, arena, ids, count / 2, contacts));
    return ask_halving(client, arena, ids + count / 2, count - count / 2, contacts + count / 2);
}

enum status contacts_of(struct bus_client *client, struct arena *arena, const struct mail *mails,
                        size_t count, const Contact **contacts)
{
    char **ids = ARENA_ARRAY(arena, count, char *);
    for (size_t i = 0; i < count; i++)
        ids[i] = order_id_text(arena, &mails[i]);
    for (size_t i = 0; i < count; i += CONTACTS_AT_ONCE) {
        size_t some = count - i < CONTACTS_AT_ONCE ? count - i : CONTACTS_AT_ONCE;
        TRY(ask_halving(client, arena, ids + i, some, contacts + i));
    }
    return STATUS_OK;
}
