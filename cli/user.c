/* user.c -- people who sign in to the console, from the command line. */
#include <string.h>

#include "cli/cli.h"
#include "cli/user.h"

typedef Penstock__Gateway__V1__Person Person;

static const char usage[] =
    "usage: penstock user add --email ADDRESS --name NAME --role ROLE [--locale zh-Hant|en] | "
    "user list | user password ADDRESS | user disable ADDRESS | user enable ADDRESS\n"
    "roles: owner, order_desk, picker, packer, customer_service, finance, store, read_only";

static char *own(const char *text)
{
    return (char *)(uintptr_t)text;
}

static const Penstock__Gateway__V1__ListPeopleResponse *
list_page(struct remote *remote, const char *email, const char *cursor)
{
    Penstock__Gateway__V1__ListPeopleRequest request =
        PENSTOCK__GATEWAY__V1__LIST_PEOPLE_REQUEST__INIT;
    request.email = own(email);
    request.cursor = own(cursor);
    request.limit = 200;
    return (const Penstock__Gateway__V1__ListPeopleResponse *)remote_ask(
        remote, "gateway", "ListPeople", &request.base,
        &penstock__gateway__v1__list_people_response__descriptor);
}

const Person *user_find(struct remote *remote, const char *email, bool *is_asked)
{
    const Penstock__Gateway__V1__ListPeopleResponse *page = list_page(remote, email, "");
    *is_asked = page != NULL;
    return page != NULL && page->n_data == 1 ? page->data[0] : NULL;
}

const Person *user_add(struct remote *remote, const char *email, const char *name, const char *role,
                       const char *locale)
{
    Penstock__Gateway__V1__CreatePersonRequest request =
        PENSTOCK__GATEWAY__V1__CREATE_PERSON_REQUEST__INIT;
    request.email = own(email);
    request.name = own(name);
    request.role = own(role);
    request.locale = own(locale);
    const Penstock__Gateway__V1__CreatePersonResponse *answer =
        (const Penstock__Gateway__V1__CreatePersonResponse *)remote_ask(
            remote, "gateway", "CreatePerson", &request.base,
            &penstock__gateway__v1__create_person_response__descriptor);
    return answer != NULL ? answer->person : NULL;
}

static int add(struct remote *remote, int argc, char **argv)
{
    const char *email = cli_option(argc, argv, "--email", NULL);
    const char *name = cli_option(argc, argv, "--name", NULL);
    const char *role = cli_option(argc, argv, "--role", NULL);
    const char *locale = cli_option(argc, argv, "--locale", "");
    const Person *person = user_add(remote, email, name, role, locale);
    if (person == NULL)
        return 1;
    /* Alone on its line, so that a script can take it. */
    fprintf(stderr, "%s is in as %s; the password is shown once:\n", person->email, person->role);
    printf("%s\n", person->password);
    return 0;
}

static int list(struct remote *remote)
{
    const char *cursor = "";
    size_t count = 0;
    do {
        const Penstock__Gateway__V1__ListPeopleResponse *page = list_page(remote, "", cursor);
        if (page == NULL)
            return 1;
        for (size_t i = 0; i < page->n_data; i++)
            printf("%-32s %-16s %-9s %s\n", page->data[i]->email, page->data[i]->role,
                   page->data[i]->is_active ? "active" : "disabled", page->data[i]->name);
        count += page->n_data;
        cursor = remote_text(remote, page->next_cursor);
    } while (cursor[0] != '\0');
    printf("%zu %s.\n", count, count == 1 ? "person" : "people");
    return 0;
}

static int make_password(struct remote *remote, const Person *person)
{
    Penstock__Gateway__V1__ResetPasswordRequest request =
        PENSTOCK__GATEWAY__V1__RESET_PASSWORD_REQUEST__INIT;
    request.id = person->id;
    const Penstock__Gateway__V1__ResetPasswordResponse *answer =
        (const Penstock__Gateway__V1__ResetPasswordResponse *)remote_ask(
            remote, "gateway", "ResetPassword", &request.base,
            &penstock__gateway__v1__reset_password_response__descriptor);
    if (answer == NULL)
        return 1;
    fprintf(stderr, "%s has a new password, shown once, and was signed out everywhere:\n",
            person->email);
    printf("%s\n", answer->person->password);
    return 0;
}

static int disable(struct remote *remote, const Person *person)
{
    Penstock__Gateway__V1__DisablePersonRequest request =
        PENSTOCK__GATEWAY__V1__DISABLE_PERSON_REQUEST__INIT;
    request.id = person->id;
    if (remote_ask(remote, "gateway", "DisablePerson", &request.base,
                   &penstock__gateway__v1__disable_person_response__descriptor) == NULL)
        return 1;
    printf("%s is not let in any more.\n", person->email);
    return 0;
}

static int enable(struct remote *remote, const Person *person)
{
    Penstock__Gateway__V1__EnablePersonRequest request =
        PENSTOCK__GATEWAY__V1__ENABLE_PERSON_REQUEST__INIT;
    request.id = person->id;
    if (remote_ask(remote, "gateway", "EnablePerson", &request.base,
                   &penstock__gateway__v1__enable_person_response__descriptor) == NULL)
        return 1;
    printf("%s is let in again.\n", person->email);
    return 0;
}

static int change(struct remote *remote, const char *verb, const char *email)
{
    bool is_asked;
    const Person *person = user_find(remote, email, &is_asked);
    if (person == NULL)
        return is_asked ? cli_fail("nobody has the address %s; penstock user list shows all", email)
                        : 1;
    if (strcmp(verb, "password") == 0)
        return make_password(remote, person);
    return strcmp(verb, "disable") == 0 ? disable(remote, person) : enable(remote, person);
}

static bool is_change(const char *verb)
{
    return strcmp(verb, "password") == 0 || strcmp(verb, "disable") == 0 ||
           strcmp(verb, "enable") == 0;
}

static bool is_complete(int argc, char **argv)
{
    return cli_option(argc, argv, "--email", NULL) != NULL &&
           cli_option(argc, argv, "--name", NULL) != NULL &&
           cli_option(argc, argv, "--role", NULL) != NULL &&
           cli_option(argc, argv, "--locale", "") != NULL;
}

int command_user(int argc, char **argv)
{
    const char *verb = cli_word(argc, argv, 0), *email = cli_word(argc, argv, 1);
    bool is_list = verb != NULL && strcmp(verb, "list") == 0;
    bool is_add = verb != NULL && strcmp(verb, "add") == 0;
    bool is_right = is_list || (is_add && is_complete(argc, argv)) ||
                    (verb != NULL && is_change(verb) && email != NULL);
    if (!is_right)
        return cli_usage("%s", usage);
    int result;
    struct home home;
    struct remote *remote = remote_of(argc, argv, &home, &result);
    if (remote == NULL)
        return result;
    if (is_list)
        result = list(remote);
    else
        result = is_add ? add(remote, argc, argv) : change(remote, verb, email);
    remote_close(&remote);
    return result;
}
