#include "services/notify/contacts.h"

#include <string.h>

typedef Penstock__Orders__V1__GetContactsRequest GetContactsRequest;
typedef Penstock__Orders__V1__GetContactsResponse GetContactsResponse;
typedef Penstock__Orders__V1__GetLetterTextsRequest GetLetterTextsRequest;
typedef Penstock__Orders__V1__GetLetterTextsResponse GetLetterTextsResponse;
typedef Penstock__Orders__V1__MessagePosted MessagePosted;
typedef Penstock__Orders__V1__OrderCodeRequested OrderCodeRequested;

#define CONTACTS_AT_ONCE 200
#define CONTACTS_TIMEOUT_MS 3000

static char *order_id_text(struct arena *arena, const struct mail *mail)
{
    return uuid_text(&mail->order_id, arena_alloc(arena, UUID_TEXT_BYTES));
}

/* The wire's structs have no const; what they point to is not changed. */
static char *loan(const char *text)
{
    return (char *)(uintptr_t)text;
}

static enum status ask_orders(struct bus_client *client, struct arena *arena, const char *method,
                              const ProtobufCMessage *request,
                              const ProtobufCMessageDescriptor *type, ProtobufCMessage **answer)
{
    char *permissions[] = {loan("internal")};
    const ReplyHeader *reply;
    RequestHeader header = PENSTOCK__BUS__V1__REQUEST_HEADER__INIT;
    header.method = loan(method);
    header.actor = loan("system:notify");
    header.permissions = permissions;
    header.n_permissions = 1;
    *answer = NULL;
    TRY(bus_call(client, "orders", &header, request, CONTACTS_TIMEOUT_MS, type, arena, &reply,
                 answer));
    return *answer == NULL ? STATUS_UNAVAILABLE : STATUS_OK;
}

static enum status ask(struct bus_client *client, struct arena *arena, char **ids, size_t count,
                       const GetContactsResponse **response)
{
    GetContactsRequest request = PENSTOCK__ORDERS__V1__GET_CONTACTS_REQUEST__INIT;
    request.order_ids = ids;
    request.n_order_ids = count;
    ProtobufCMessage *answer;
    TRY(ask_orders(client, arena, "orders.GetContacts", &request.base,
                   &penstock__orders__v1__get_contacts_response__descriptor, &answer));
    *response = (const GetContactsResponse *)answer;
    return STATUS_OK;
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

/* ---- texts ---- */

/* The id of what a mail says, from the event that its row keeps; NULL for other kinds. */
static char *text_id(struct arena *arena, const struct mail *mail)
{
    ProtobufCAllocator *allocator = arena_protobuf(arena);
    if (mail->kind == MESSAGE_STAFF_MESSAGE) {
        const MessagePosted *event = penstock__orders__v1__message_posted__unpack(
            allocator, mail->detail_bytes, mail->detail);
        return event == NULL ? NULL : event->message_id;
    }
    if (mail->kind == MESSAGE_ORDER_CODE) {
        const OrderCodeRequested *event = penstock__orders__v1__order_code_requested__unpack(
            allocator, mail->detail_bytes, mail->detail);
        return event == NULL ? NULL : event->code_id;
    }
    return NULL;
}

static const char *text_of(const GetLetterTextsResponse *response, const char *id)
{
    for (size_t i = 0; i < response->n_texts; i++) {
        if (strcmp(response->texts[i]->id, id) == 0 && *response->texts[i]->text != '\0')
            return response->texts[i]->text;
    }
    return NULL;
}

enum status letter_texts_of(struct bus_client *client, struct arena *arena,
                            const struct mail *mails, size_t count, const char **texts)
{
    GetLetterTextsRequest request = PENSTOCK__ORDERS__V1__GET_LETTER_TEXTS_REQUEST__INIT;
    char **ids = ARENA_ARRAY(arena, count, char *);
    request.message_ids = ARENA_ARRAY(arena, count, char *);
    request.code_ids = ARENA_ARRAY(arena, count, char *);
    for (size_t i = 0; i < count; i++) {
        texts[i] = NULL;
        ids[i] = text_id(arena, &mails[i]);
        if (ids[i] != NULL && mails[i].kind == MESSAGE_STAFF_MESSAGE)
            request.message_ids[request.n_message_ids++] = ids[i];
        else if (ids[i] != NULL)
            request.code_ids[request.n_code_ids++] = ids[i];
    }
    if (request.n_message_ids + request.n_code_ids == 0)
        return STATUS_OK;
    ProtobufCMessage *answer;
    TRY(ask_orders(client, arena, "orders.GetLetterTexts", &request.base,
                   &penstock__orders__v1__get_letter_texts_response__descriptor, &answer));
    for (size_t i = 0; i < count; i++) {
        if (ids[i] != NULL)
            texts[i] = text_of((const GetLetterTextsResponse *)answer, ids[i]);
    }
    return STATUS_OK;
}
