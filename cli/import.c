/* penstock import FILE: sends a file of orders, waits for its check, and runs it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "cli/remote.h"
#include "penstock/orders/v1/orders.pb-c.h"

#define PART_BYTES ((size_t)512 << 10)
#define SHOWN_ERRORS 20

typedef Penstock__Orders__V1__Import Import;

#define ASK(remote, Name, name, request)                                                           \
    ((const Penstock__Orders__V1__##Name##Response *)remote_ask(                                   \
        remote, "orders", #Name, &(request).base,                                                  \
        &penstock__orders__v1__##name##_response__descriptor))

/* The number of the enum's value with this word at its end; -1: none. */
static int enum_number(const ProtobufCEnumDescriptor *type, const char *prefix, const char *word)
{
    for (unsigned i = 0; i < type->n_values; i++) {
        const char *name = type->values[i].name;
        if (strncmp(name, prefix, strlen(prefix)) == 0 &&
            strcasecmp(name + strlen(prefix), word) == 0)
            return type->values[i].value;
    }
    return -1;
}

static bool read_options(int argc, char **argv, struct remote *remote,
                         Penstock__Orders__V1__CreateImportRequest *request)
{
    int format = enum_number(&penstock__orders__v1__import_format__descriptor, "IMPORT_FORMAT_",
                             cli_option(argc, argv, "--format", "penstock"));
    int errors =
        enum_number(&penstock__orders__v1__import_error_policy__descriptor, "IMPORT_ERROR_POLICY_",
                    cli_option(argc, argv, "--errors", "reject_all"));
    int stock =
        enum_number(&penstock__orders__v1__import_stock_policy__descriptor, "IMPORT_STOCK_POLICY_",
                    cli_option(argc, argv, "--stock", "unspecified"));
    if (format < 1 || errors < 1 || stock < 0)
        return false;
    request->format = (Penstock__Orders__V1__ImportFormat)format;
    request->error_policy = (Penstock__Orders__V1__ImportErrorPolicy)errors;
    request->stock_policy = (Penstock__Orders__V1__ImportStockPolicy)stock;
    request->channel = remote_text(remote, cli_option(argc, argv, "--channel", "web"));
    request->currency = remote_text(remote, cli_option(argc, argv, "--currency", ""));
    request->is_historic = cli_flag(argc, argv, "--historic");
    request->notify_customers = cli_flag(argc, argv, "--notify");
    return true;
}

/* The import's id, once all of the file has been sent; NULL when it could not be, which was said.
 */
static char *send_file(struct remote *remote, FILE *file, char *id)
{
    Penstock__Orders__V1__AddImportPartRequest part =
        PENSTOCK__ORDERS__V1__ADD_IMPORT_PART_REQUEST__INIT;
    char *buffer = malloc(PART_BYTES + 1), *sent = id;
    size_t bytes;
    part.id = id;
    while (buffer != NULL && sent != NULL && (bytes = fread(buffer, 1, PART_BYTES, file)) > 0) {
        buffer[bytes] = '\0';
        part.csv = buffer;
        part.part++;
        if (ASK(remote, AddImportPart, add_import_part, part) == NULL)
            sent = NULL;
    }
    free(buffer);
    return sent;
}

/* Waits until it is in one of two states, telling how far it has come. */
static const Import *await(struct remote *remote, char *id, int status)
{
    Penstock__Orders__V1__GetImportRequest request = PENSTOCK__ORDERS__V1__GET_IMPORT_REQUEST__INIT;
    const struct timespec pause = {0, 200000000};
    request.id = id;
    for (;;) {
        const Penstock__Orders__V1__GetImportResponse *answer =
            ASK(remote, GetImport, get_import, request);
        if (answer == NULL)
            return NULL;
        const Import *import = answer->import;
        fprintf(stderr, "\r%lld rows, %lld orders, %lld placed, %lld known, %lld with errors ",
                (long long)import->rows, (long long)import->orders, (long long)import->placed,
                (long long)import->known, (long long)import->failed);
        if ((int)import->status == status ||
            import->status == PENSTOCK__ORDERS__V1__IMPORT_STATUS__IMPORT_STATUS_CANCELLED) {
            fprintf(stderr, "\n");
            return import;
        }
        nanosleep(&pause, NULL);
    }
}

static void print_errors(struct remote *remote, char *id)
{
    Penstock__Orders__V1__ListImportErrorsRequest request =
        PENSTOCK__ORDERS__V1__LIST_IMPORT_ERRORS_REQUEST__INIT;
    request.id = id;
    request.limit = SHOWN_ERRORS;
    const Penstock__Orders__V1__ListImportErrorsResponse *answer =
        ASK(remote, ListImportErrors, list_import_errors, request);
    for (size_t i = 0; answer != NULL && i < answer->n_data; i++)
        printf("row %lld, order \"%s\", %s: %s\n", (long long)answer->data[i]->row,
               answer->data[i]->external_id, answer->data[i]->field, answer->data[i]->message);
    if (answer != NULL && answer->next_cursor[0] != '\0')
        printf("... and more: GET /v1/imports/%s/errors\n", id);
}

static int run(struct remote *remote, char *id)
{
    Penstock__Orders__V1__RunImportRequest request = PENSTOCK__ORDERS__V1__RUN_IMPORT_REQUEST__INIT;
    request.id = id;
    if (ASK(remote, RunImport, run_import, request) == NULL)
        return 1;
    const Import *import =
        await(remote, id, PENSTOCK__ORDERS__V1__IMPORT_STATUS__IMPORT_STATUS_DONE);
    if (import == NULL)
        return 1;
    if (import->failed > 0)
        print_errors(remote, id);
    return 0;
}

static int import_file(struct remote *remote, FILE *file,
                       const Penstock__Orders__V1__CreateImportRequest *request, bool is_dry)
{
    const Penstock__Orders__V1__CreateImportResponse *made =
        ASK(remote, CreateImport, create_import, *request);
    char *id = made != NULL ? remote_text(remote, made->import->id) : NULL;
    Penstock__Orders__V1__CheckImportRequest check =
        PENSTOCK__ORDERS__V1__CHECK_IMPORT_REQUEST__INIT;
    if (id == NULL || send_file(remote, file, id) == NULL)
        return 1;
    check.id = id;
    if (ASK(remote, CheckImport, check_import, check) == NULL)
        return 1;
    const Import *import =
        await(remote, id, PENSTOCK__ORDERS__V1__IMPORT_STATUS__IMPORT_STATUS_CHECKED);
    if (import == NULL)
        return 1;
    bool has_errors = import->failed > 0;
    if (has_errors)
        print_errors(remote, id);
    printf("Import %s is checked.\n", id);
    bool may_run =
        !has_errors || request->error_policy ==
                           PENSTOCK__ORDERS__V1__IMPORT_ERROR_POLICY__IMPORT_ERROR_POLICY_SKIP_ROWS;
    return is_dry || !may_run ? has_errors : run(remote, id);
}

int command_import(int argc, char **argv)
{
    const char *name = cli_word(argc, argv, 0);
    Penstock__Orders__V1__CreateImportRequest request =
        PENSTOCK__ORDERS__V1__CREATE_IMPORT_REQUEST__INIT;
    struct home home;
    int result;
    if (name == NULL)
        return cli_usage("usage: penstock import FILE [--format penstock|shopify] [--channel web] "
                         "[--currency HKD] [--errors reject_all|skip_rows] "
                         "[--stock skip|accept|require] [--historic] [--notify] [--dry-run]");
    struct remote *remote = remote_of(argc, argv, &home, &result);
    if (remote == NULL)
        return result;
    FILE *file = fopen(name, "rb");
    if (file == NULL) {
        result = cli_fail("%s cannot be read", name);
    } else if (!read_options(argc, argv, remote, &request)) {
        result = cli_usage("--format is penstock or shopify, --errors reject_all or skip_rows, "
                           "--stock skip, accept or require");
    } else {
        const char *base = strrchr(name, '/');
        request.name = remote_text(remote, base != NULL ? base + 1 : name);
        result = import_file(remote, file, &request, cli_flag(argc, argv, "--dry-run"));
    }
    if (file != NULL)
        fclose(file);
    remote_close(&remote);
    return result;
}
