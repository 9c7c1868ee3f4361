#include "services/notify/contacts.h"

#include <string.h>

typedef Penstock__Orders__V1__GetContactsRequest GetContactsRequest;
typedef Penstock__Orders__V1__GetContactsResponse GetContactsResponse;

#define CONTACTS_AT_ONCE 200
#define CONTACTS_TIMEOUT_MS 3000

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
    return answer == NULL ? STATUS_UNAVAILABLE : STATUS_OK;
}

/* Fills the contacts that an answer brings, which come in the order of the questions; returns how
 * many of the questions it has settled: all up to the last that it answers. */
static size_t fill(const GetContactsResponse *response, char **ids, size_t count,
                   const Contact **contacts)
{
    size_t at = 0;
    for (size_t i = 0; i < response->n_contacts; i++) {
        size_t found = at;
        while (found < count && strcmp(response->contacts[i]->order_id, ids[found]) != 0)
            found++;
        if (found == count)
            continue;
        contacts[found] = response->contacts[i];
        at = found + 1;
    }
    return at;
}

/* An answer may hold fewer than were asked for, when it is full: the rest is asked again. One
 * without any means that orders knows none of them. */
enum status contacts_of(struct bus_client *client, struct arena *arena, const struct mail *mails,
                        size_t count, const Contact **contacts)
{
    char **ids = ARENA_ARRAY(arena, count, char *);
    for (size_t i = 0; i < count; i++)
        ids[i] = order_id_text(arena, &mails[i]);
    for (size_t at = 0; at < count;) {
        size_t some = count - at < CONTACTS_AT_ONCE ? count - at : CONTACTS_AT_ONCE;
        const GetContactsResponse *response = NULL;
        TRY(ask(client, arena, ids + at, some, &response));
        size_t settled = fill(response, ids + at, some, contacts + at);
        at += settled == 0 ? some : settled;
    }
    return STATUS_OK;
}
