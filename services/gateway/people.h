/* people.h -- rows for the tables of main.c: the people who sign in.
 *
 * Adding, changing and disabling a person are commands with an event each, which carries no name
 * and no address. A first password is made and hashed on a query's lane, which the command asks
 * before it reaches the writer. What a change takes away ends the person's sessions in the same
 * transaction. Signing in itself is signin.h's.
 */
#pragma once

#include "common/service.h"
#include "penstock/gateway/v1/people.pb-c.h"

handler_fn handle_create_person, handle_list_people, handle_update_person;
handler_fn handle_disable_person, handle_enable_person, handle_reset_password;
handler_fn handle_list_names, handle_make_password;
/* A repeat of the command does not show the password again. */
void strip_person(ProtobufCMessage *out, struct arena *arena);
enum status ask_password(struct call *call, const ProtobufCMessage *in, ProtobufCMessage *question);

#define PEOPLE_ASKS_PASSWORD                                                                       \
    {                                                                                              \
        {                                                                                          \
            .service = "gateway", .rpc = "MakePassword",                                           \
            .question = &penstock__gateway__v1__make_password_request__descriptor,                 \
            .answer = &penstock__gateway__v1__make_password_response__descriptor,                  \
            .build = ask_password                                                                  \
        }                                                                                          \
    }
#define PEOPLE_ROUTES                                                                              \
    {.rpc = "CreatePerson",                                                                        \
     .kind = ROUTE_COMMAND,                                                                        \
     .handler = handle_create_person,                                                              \
     .permission = "settings:write",                                                               \
     .asks = PEOPLE_ASKS_PASSWORD,                                                                 \
     .strip = strip_person},                                                                       \
        {.rpc = "ListPeople",                                                                      \
         .kind = ROUTE_QUERY,                                                                      \
         .handler = handle_list_people,                                                            \
         .permission = "settings:read"},                                                           \
        {.rpc = "UpdatePerson",                                                                    \
         .kind = ROUTE_COMMAND,                                                                    \
         .handler = handle_update_person,                                                          \
         .permission = "settings:write"},                                                          \
        {.rpc = "DisablePerson",                                                                   \
         .kind = ROUTE_COMMAND,                                                                    \
         .handler = handle_disable_person,                                                         \
         .permission = "settings:write"},                                                          \
        {.rpc = "EnablePerson",                                                                    \
         .kind = ROUTE_COMMAND,                                                                    \
         .handler = handle_enable_person,                                                          \
         .permission = "settings:write"},                                                          \
        {.rpc = "ResetPassword",                                                                   \
         .kind = ROUTE_COMMAND,                                                                    \
         .handler = handle_reset_password,                                                         \
         .permission = "settings:write",                                                           \
         .asks = PEOPLE_ASKS_PASSWORD,                                                             \
         .strip = strip_person},                                                                   \
        {.rpc = "ListNames",                                                                       \
         .kind = ROUTE_QUERY,                                                                      \
         .handler = handle_list_names,                                                             \
         .permission = "self:read"},                                                               \
        {.rpc = "MakePassword", .kind = ROUTE_QUERY, .handler = handle_make_password},

/* Sessions that have ended by age or by lying unused. */
enum status sessions_forget(struct call *call);
#define PEOPLE_TIMERS {.name = "sessions_forget", .period_ms = 60000, .fn = sessions_forget},
