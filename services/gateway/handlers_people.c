/* The people who sign in. */
#include <sodium.h>
#include <string.h>

#include "services/gateway/access.h"
#include "services/gateway/audit.h"
#include "services/gateway/password.h"
#include "services/gateway/people.h"
#include "services/gateway/rules_people.h"
#include "services/gateway/store_people.h"

typedef Penstock__Gateway__V1__Person Person;
typedef Penstock__Gateway__V1__CreatePersonRequest CreatePersonRequest;
typedef Penstock__Gateway__V1__CreatePersonResponse CreatePersonResponse;
typedef Penstock__Gateway__V1__ListPeopleRequest ListPeopleRequest;
typedef Penstock__Gateway__V1__ListPeopleResponse ListPeopleResponse;
typedef Penstock__Gateway__V1__UpdatePersonRequest UpdatePersonRequest;
typedef Penstock__Gateway__V1__UpdatePersonResponse UpdatePersonResponse;
typedef Penstock__Gateway__V1__DisablePersonRequest DisablePersonRequest;
typedef Penstock__Gateway__V1__DisablePersonResponse DisablePersonResponse;
typedef Penstock__Gateway__V1__EnablePersonRequest EnablePersonRequest;
typedef Penstock__Gateway__V1__EnablePersonResponse EnablePersonResponse;
typedef Penstock__Gateway__V1__ResetPasswordRequest ResetPasswordRequest;
typedef Penstock__Gateway__V1__ResetPasswordResponse ResetPasswordResponse;
typedef Penstock__Gateway__V1__ListNamesRequest ListNamesRequest;
typedef Penstock__Gateway__V1__ListNamesResponse ListNamesResponse;
typedef Penstock__Gateway__V1__PersonName PersonName;
typedef Penstock__Gateway__V1__MakePasswordRequest MakePasswordRequest;
typedef Penstock__Gateway__V1__MakePasswordResponse MakePasswordResponse;

static Person *person_view(struct arena *arena, const struct person_row *row)
{
    static const Person empty = PENSTOCK__GATEWAY__V1__PERSON__INIT;
    Person *view = arena_copy(arena, &empty, sizeof empty);
    view->id = uuid_text(&row->id, arena_alloc(arena, UUID_TEXT_BYTES));
    view->name = arena_strdup(arena, row->name);
    view->email = arena_strdup(arena, row->email);
    view->role = arena_strdup(arena, row->role);
    view->locale = arena_strdup(arena, row->locale);
    view->is_active = row->disabled_at_us == 0;
    view->has_first_password = row->has_first_password;
    view->created_at_us = row->created_at_us;
    view->signed_in_at_us = row->signed_in_at_us;
    view->disabled_at_us = row->disabled_at_us;
    return view;
}

/* ---- passwords that are made here ---- */

enum status ask_password(struct call *call, const ProtobufCMessage *in, ProtobufCMessage *question)
{
    (void)call;
    (void)in;
    (void)question;
    return STATUS_OK;
}

ACCESS_HANDLER(make_password, MakePasswordRequest, MakePasswordResponse)
{
    char password[PASSWORD_MADE_BYTES], hash[PASSWORD_HASH_BYTES];
    (void)in;
    password_make(password);
    if (!password_hash(password, hash))
        return refuse(call, STATUS_UNAVAILABLE, "unavailable", "",
                      "There is no memory to hash a password with right now; try again.");
    out->password = arena_strdup(call->arena, password);
    out->hash = arena_strdup(call->arena, hash);
    sodium_memzero(password, sizeof password);
    return STATUS_OK;
}

static enum status made_password(struct call *call, const MakePasswordResponse **made)
{
    const struct answer *answer = &call->answers[0];
    if (!answer->came || answer->status != STATUS_OK)
        return refuse(call, STATUS_UNAVAILABLE, "unavailable", "",
                      "No password could be made right now; try again.");
    *made = (const MakePasswordResponse *)answer->message;
    return STATUS_OK;
}

void strip_person(ProtobufCMessage *message, struct arena *arena)
{
    /* Both responses have the person for their one member. */
    CreatePersonResponse *out = (CreatePersonResponse *)message;
    if (out->person != NULL)
        out->person->password = arena_strdup(arena, "");
}

/* ---- events ---- */

static enum status emit_person_added(struct call *call, const struct person_row *row)
{
    Penstock__Gateway__V1__PersonAdded event = PENSTOCK__GATEWAY__V1__PERSON_ADDED__INIT;
    event.person_id = uuid_text(&row->id, arena_alloc(call->arena, UUID_TEXT_BYTES));
    event.role = arena_strdup(call->arena, row->role);
    const char *key = arena_printf(call->arena, "person:%s", event.person_id);
    audit_call(call, "person_added", key);
    return emit(call, key, &event.base);
}

/* action: for the audit. */
static enum status emit_person_changed(struct call *call, const struct person_row *row,
                                       const char *action, bool has_new_email)
{
    Penstock__Gateway__V1__PersonChanged event = PENSTOCK__GATEWAY__V1__PERSON_CHANGED__INIT;
    event.person_id = uuid_text(&row->id, arena_alloc(call->arena, UUID_TEXT_BYTES));
    event.role = arena_strdup(call->arena, row->role);
    event.is_active = row->disabled_at_us == 0;
    event.has_new_password = strcmp(action, "password_made") == 0;
    event.has_new_email = has_new_email;
    const char *key = arena_printf(call->arena, "person:%s", event.person_id);
    audit_call(call, action, key);
    return emit(call, key, &event.base);
}

/* ---- adding ---- */

static enum status refuse_taken(struct call *call, const char *email, const struct uuid *besides)
{
    struct person_row *taken;
    enum status status = store_person_by_email(call->db, email, &taken);
    if (status == STATUS_NOT_FOUND || (status == STATUS_OK && uuid_equal(&taken->id, besides)))
        return STATUS_OK;
    TRY(status);
    return refuse(call, STATUS_CONFLICT, "duplicate_email", "email",
                  "Somebody has this address already.");
}

static enum status refuse_too_many(struct call *call)
{
    int64_t count;
    TRY(store_person_count(call->db, &count));
    if (count < PEOPLE_MAX)
        return STATUS_OK;
    return refuse(call, STATUS_CONFLICT, "too_many", "", "There are %d people already.",
                  PEOPLE_MAX);
}

ACCESS_HANDLER(create_person, CreatePersonRequest, CreatePersonResponse)
{
    const struct person_wish wish = {
        .name = in->name,
        .email = rules_email(in->email, call->arena),
        .role = in->role,
        .locale = in->locale[0] != '\0' ? in->locale : LOCALE_DEFAULT,
    };
    const MakePasswordResponse *made;
    struct access_refusal refusal = rules_person(&wish);
    if (refusal.code != NULL)
        return access_refuse(call, refusal);
    const struct person_row row = {
        .id = uuid_new(),
        .name = wish.name,
        .email = wish.email,
        .role = wish.role,
        .locale = wish.locale,
        .has_first_password = true,
        .created_at_us = call->now_us,
    };
    TRY(refuse_taken(call, row.email, &row.id));
    TRY(refuse_too_many(call));
    TRY(made_password(call, &made));

    struct person_row stored = row;
    stored.password_hash = made->hash;
    TRY(store_person_insert(call->db, &stored, call->actor));
    out->person = person_view(call->arena, &stored);
    out->person->password = made->password;
    return emit_person_added(call, &stored);
}

/* ---- changing ---- */

static enum status load_person(struct call *call, const char *id, struct person_row **row)
{
    struct uuid uuid;
    enum status status = STATUS_NOT_FOUND;
    if (uuid_parse(id, &uuid))
        status = store_person_by_id(call->db, &uuid, row);
    if (status == STATUS_NOT_FOUND)
        return refuse(call, STATUS_NOT_FOUND, "not_found", "id", "There is no person of this id.");
    return status;
}

/* Without an owner nobody could let anybody in any more, but for the command line. */
static enum status refuse_last_owner(struct call *call, const struct person_row *row)
{
    int64_t others;
    if (strcmp(row->role, "owner") != 0 || row->disabled_at_us != 0)
        return STATUS_OK;
    TRY(store_person_owners(call->db, &row->id, &others));
    if (others > 0)
        return STATUS_OK;
    return refuse(call, STATUS_CONFLICT, "last_owner", "role",
                  "This is the only owner; make somebody else one first.");
}

static const char *or_as_it_is(const char *wanted, const char *now)
{
    return wanted[0] != '\0' ? wanted : now;
}

ACCESS_HANDLER(update_person, UpdatePersonRequest, UpdatePersonResponse)
{
    struct person_row *row;
    TRY(load_person(call, in->id, &row));
    const struct person_wish wish = {
        .name = or_as_it_is(in->name, row->name),
        .email = or_as_it_is(rules_email(in->email, call->arena), row->email),
        .role = or_as_it_is(in->role, row->role),
        .locale = or_as_it_is(in->locale, row->locale),
    };
    struct access_refusal refusal = rules_person(&wish);
    if (refusal.code != NULL)
        return access_refuse(call, refusal);
    bool has_new_role = strcmp(wish.role, row->role) != 0;
    bool has_new_email = strcmp(wish.email, row->email) != 0;
    if (has_new_role)
        TRY(refuse_last_owner(call, row));
    if (has_new_email)
        TRY(refuse_taken(call, wish.email, &row->id));

    row->name = wish.name;
    row->email = wish.email;
    row->role = wish.role;
    row->locale = wish.locale;
    TRY(store_person_update(call->db, row));
    if (has_new_role)
        TRY(store_session_end_of_person(call->db, &row->id, NULL));
    out->person = person_view(call->arena, row);
    return emit_person_changed(call, row, "person_changed", has_new_email);
}

ACCESS_HANDLER(disable_person, DisablePersonRequest, DisablePersonResponse)
{
    struct person_row *row;
    TRY(load_person(call, in->id, &row));
    if (row->disabled_at_us == 0) {
        TRY(refuse_last_owner(call, row));
        row->disabled_at_us = call->now_us;
        TRY(store_person_update(call->db, row));
        TRY(store_session_end_of_person(call->db, &row->id, NULL));
        TRY(emit_person_changed(call, row, "person_disabled", false));
    }
    out->person = person_view(call->arena, row);
    return STATUS_OK;
}

ACCESS_HANDLER(enable_person, EnablePersonRequest, EnablePersonResponse)
{
    struct person_row *row;
    TRY(load_person(call, in->id, &row));
    if (row->disabled_at_us != 0) {
        row->disabled_at_us = 0;
        TRY(store_person_update(call->db, row));
        TRY(emit_person_changed(call, row, "person_enabled", false));
    }
    out->person = person_view(call->arena, row);
    return STATUS_OK;
}

ACCESS_HANDLER(reset_password, ResetPasswordRequest, ResetPasswordResponse)
{
    struct person_row *row;
    const MakePasswordResponse *made;
    TRY(load_person(call, in->id, &row));
    TRY(made_password(call, &made));
    row->password_hash = made->hash;
    row->has_first_password = true;
    TRY(store_person_update(call->db, row));
    TRY(store_session_end_of_person(call->db, &row->id, NULL));
    out->person = person_view(call->arena, row);
    out->person->password = made->password;
    return emit_person_changed(call, row, "password_made", false);
}

/* ---- reading ---- */

static enum status read_page(struct call *call, const char *cursor, int32_t asked,
                             const char *email, struct person_row **rows, size_t *count,
                             char **next_cursor)
{
    struct uuid after = {{0}};
    size_t limit;
    if (cursor[0] != '\0' && !uuid_parse(cursor, &after))
        return access_bad_cursor(call);
    TRY(access_page_limit(call, asked, &limit));
    TRY(store_person_page(call->db, &after, email, limit + 1, rows, count));
    if (*count > limit) {
        *count = limit;
        *next_cursor = uuid_text(&(*rows)[limit - 1].id, arena_alloc(call->arena, UUID_TEXT_BYTES));
    }
    return STATUS_OK;
}

ACCESS_HANDLER(list_people, ListPeopleRequest, ListPeopleResponse)
{
    struct person_row *rows;
    const char *email = rules_email(in->email, call->arena);
    TRY(read_page(call, in->cursor, in->limit, email, &rows, &out->n_data, &out->next_cursor));
    out->data = ARENA_ARRAY(call->arena, out->n_data, Person *);
    for (size_t i = 0; i < out->n_data; i++)
        out->data[i] = person_view(call->arena, &rows[i]);
    return STATUS_OK;
}

ACCESS_HANDLER(list_names, ListNamesRequest, ListNamesResponse)
{
    static const PersonName empty = PENSTOCK__GATEWAY__V1__PERSON_NAME__INIT;
    struct person_row *rows;
    char id[UUID_TEXT_BYTES];
    TRY(read_page(call, in->cursor, in->limit, "", &rows, &out->n_data, &out->next_cursor));
    out->data = ARENA_ARRAY(call->arena, out->n_data, PersonName *);
    for (size_t i = 0; i < out->n_data; i++) {
        PersonName *name = out->data[i] = arena_copy(call->arena, &empty, sizeof empty);
        name->actor = arena_printf(call->arena, "person:%s", uuid_text(&rows[i].id, id));
        name->name = arena_strdup(call->arena, rows[i].name);
        name->is_active = rows[i].disabled_at_us == 0;
    }
    return STATUS_OK;
}

enum status sessions_forget(struct call *call)
{
    return store_session_forget(call->db, call->now_us);
}
