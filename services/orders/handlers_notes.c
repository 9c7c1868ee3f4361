/* Internal notes: written and read by the shop's own people. What customers get is made elsewhere
 * (handlers_messages.c, handlers_customer.c), and nothing there knows of notes. */
#include <stdio.h>
#include <string.h>

#include "handlers.h"
#include "rules_messages.h"
#include "store_notes.h"

typedef Penstock__Orders__V1__Note Note;
typedef Penstock__Orders__V1__AddNoteRequest AddNoteRequest;
typedef Penstock__Orders__V1__AddNoteResponse AddNoteResponse;
typedef Penstock__Orders__V1__ListNotesRequest ListNotesRequest;
typedef Penstock__Orders__V1__ListNotesResponse ListNotesResponse;

#define DEFAULT_LIMIT 50
#define MAX_LIMIT 200

static void read_mentions(struct arena *arena, const char *mentions, Note *out)
{
    out->mentions = ARENA_ARRAY(arena, strlen(mentions) + 1, char *);
    while (*mentions != '\0') {
        size_t bytes = strcspn(mentions, " ");
        out->mentions[out->n_mentions++] = arena_strndup(arena, mentions, bytes);
        mentions += bytes + (mentions[bytes] == ' ');
    }
}

static Note *view_note(struct arena *arena, const struct note *note)
{
    Note *out = ARENA_NEW(arena, Note);
    penstock__orders__v1__note__init(out);
    out->id = wire_uuid(arena, &note->id);
    out->order_id = wire_uuid(arena, &note->order_id);
    out->order_number = wire_text(note->number);
    out->author = wire_text(note->author);
    out->body = wire_text(note->body);
    out->created_at_us = note->created_at_us;
    read_mentions(arena, note->mentions, out);
    return out;
}

static bool check_note(const AddNoteRequest *in, struct refusal *no)
{
    if (!rules_check_body(in->body, MESSAGE_MAX_CHARACTERS, no, "body"))
        return false;
    if (in->n_mentions > NOTE_MAX_MENTIONS)
        return rules_refuse(no, STATUS_INVALID, "too_many", "A note calls at most 20.", "%s",
                            "mentions");
    for (size_t i = 0; i < in->n_mentions; i++) {
        char field[32];
        snprintf(field, sizeof(field), "mentions[%zu]", i);
        if (!rules_check_person(in->mentions[i], no, field))
            return false;
    }
    return true;
}

static enum status emit_note_added(struct call *call, const Note *note)
{
    Penstock__Orders__V1__NoteAdded event;
    penstock__orders__v1__note_added__init(&event);
    event.order_id = note->order_id;
    event.note_id = note->id;
    event.mentions = note->mentions;
    event.n_mentions = note->n_mentions;
    call_log_order(call, "orders.note_added", "An internal note is added", event.order_id);
    return emit(call, event.order_id, &event.base);
}

ORDERS_HANDLER(add_note, AddNoteRequest, AddNoteResponse)
{
    struct order *order;
    struct refusal no;
    struct act act = act_of(call);
    if (!check_note(in, &no))
        return refuse_by(call, &no);
    TRY(load_order(call, in->id, "id", &order));
    const struct note note = {.id = uuid_new(),
                              .order_id = order->id,
                              .number = order->number,
                              .created_at_us = call->now_us,
                              .author = call->actor,
                              .body = in->body,
                              .mentions = ""};
    rules_note(order, &act, "internal_note_added", NULL);
    TRY(store_note_add(call->db, &note, (const char *const *)in->mentions, in->n_mentions));
    store_order_save(call->db, order);
    out->note = view_note(call->arena, &note);
    out->note->mentions = in->mentions;
    out->note->n_mentions = in->n_mentions;
    return emit_note_added(call, out->note);
}

/* What was written is not kept with the command's identity, and is in the request again. */
void strip_note(ProtobufCMessage *out, struct arena *arena)
{
    AddNoteResponse *response = (AddNoteResponse *)out;
    (void)arena;
    if (response->note != NULL)
        response->note->body = wire_text("");
}

enum status render_note(struct call *call, const ProtobufCMessage *in, ProtobufCMessage *out)
{
    AddNoteResponse *response = (AddNoteResponse *)out;
    (void)call;
    if (response->note != NULL)
        response->note->body = ((const AddNoteRequest *)in)->body;
    return STATUS_OK;
}

ORDERS_HANDLER(list_notes, ListNotesRequest, ListNotesResponse)
{
    struct uuid before = {{0}}, order_id = {{0}};
    struct note *rows;
    size_t found;
    int64_t limit = in->limit == 0 ? DEFAULT_LIMIT : in->limit;
    if (limit < 1 || limit > MAX_LIMIT)
        return refuse(call, STATUS_INVALID, "out_of_range", "limit", "A limit is from 1 to 200.");
    if (in->cursor[0] != '\0' && !uuid_parse(in->cursor, &before))
        return refuse(call, STATUS_INVALID, "invalid", "cursor",
                      "A cursor is the next_cursor of the page before.");
    if (in->order[0] != '\0') {
        enum status status = store_order_resolve(call->db, in->order, &order_id);
        if (status == STATUS_NOT_FOUND)
            return refuse(call, STATUS_NOT_FOUND, "not_found", "order", "There is no such order.");
        TRY(status);
    }
    const char *mention = in->mention[0] != '\0' ? in->mention : NULL;
    TRY(store_notes_list(call->db, &before, &order_id, mention, limit + 1, &rows, &found));
    size_t count = found > (size_t)limit ? (size_t)limit : found;
    out->data = ARENA_ARRAY(call->arena, count, Note *);
    while (out->n_data < count) {
        out->data[out->n_data] = view_note(call->arena, &rows[out->n_data]);
        out->n_data++;
    }
    if (found > count)
        out->next_cursor = out->data[count - 1]->id;
    return STATUS_OK;
}
