/* penstock: one command for whoever runs the system. */
#include <stdarg.h>
#include <string.h>

#include "cli/cli.h"

const char *const cli_services[CLI_NSERVICES] = {"inventory", "orders", "fulfillment",
                                                 "returns",   "notify", "gateway"};

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *arguments;
    const char *does;
} commands[] = {
    {"up", command_up, "[--http ADDR:PORT]", "start everything and return when it is ready"},
    {"down", command_down, "", "stop everything; nothing is lost"},
    {"status", command_status, "", "each process, its id, and whether it is ready"},
    {"logs", command_logs, "[SERVICE] [--follow]", "the services' logs, in time order"},
    {"trace", command_trace, "ORDER", "all that happened to one order, in every service"},
    {"verify", command_verify, "[--strict]",
     "recompute everything; 0 when clean, 1 with the differences"},
    {"demo", command_demo, "", "load a demonstration shop and sample orders"},
    {"key", command_key, "create --role ROLE [--name NAME]", "make an API key; prints it once"},
    {"user", command_user,
     "add --email ADDRESS --name NAME --role ROLE | list | password|disable|enable ADDRESS",
     "people who sign in to the console; prints a new password once"},
    {"channel", command_channel, "add --type TYPE --name NAME --secret SECRET [--manual]",
     "let a storefront's webhooks in"},
    {"import", command_import,
     "FILE [--format penstock|shopify] [--channel NAME] [--currency CODE] [--errors WORD] [--stock "
     "WORD] "
     "[--historic] [--dry-run]",
     "place the orders of a CSV file; its errors are told first, row by row"},
    {"inbox", command_inbox, "list [--status WORD] | replay ID|--parked",
     "deliveries from channels"},
    {"backup", command_backup, "FILE", "write the whole database to one file"},
    {"restore", command_restore, "FILE",
     "make the database what FILE says, in a home that is down"},
    {"migrate", command_migrate, "", "bring every schema to this version"},
    {"health", command_health, "SERVICE",
     "0 when the service is ready, for container health checks"},
};

int cli_usage(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "penstock: ");
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "\n");
    va_end(arguments);
    return 2;
}

int cli_fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "penstock: ");
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "\n");
    va_end(arguments);
    return 1;
}

/* Options that stand alone; every other "--name" is followed by its value. */
static bool is_flag(const char *word)
{
    static const char *const flags[] = {"--follow",  "--manual", "--historic", "--notify",
                                        "--dry-run", "--parked", "--strict"};
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
        if (strcmp(word, flags[i]) == 0)
            return true;
    return false;
}

const char *cli_option(int argc, char **argv, const char *name, const char *fallback)
{
    for (int i = 2; i < argc; i++)
        if (strcmp(argv[i], name) == 0)
            return i + 1 < argc ? argv[i + 1] : NULL;
    return fallback;
}

bool cli_flag(int argc, char **argv, const char *name)
{
    for (int i = 2; i < argc; i++)
        if (strcmp(argv[i], name) == 0)
            return true;
    return false;
}

const char *cli_word(int argc, char **argv, int index)
{
    for (int i = 2; i < argc; i++) {
        if (strncmp(argv[i], "--", 2) == 0) {
            if (!is_flag(argv[i]))
                i++;
        } else if (index-- == 0) {
            return argv[i];
        }
    }
    return NULL;
}

static void print_help(FILE *to)
{
    fprintf(to,
            "penstock %s: orders from every channel, one stock, nothing lost\n\n"
            "usage: penstock COMMAND [--home FOLDER]   (default: var)\n\n",
            PENSTOCK_VERSION);
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        fprintf(to, "  penstock %s%s%s\n", commands[i].name, commands[i].arguments[0] ? " " : "",
                commands[i].arguments);
        fprintf(to, "      %s\n", commands[i].does);
    }
}

int main(int argc, char **argv)
{
    if (argc < 2 || strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0) {
        print_help(argc < 2 ? stderr : stdout);
        return argc < 2 ? 2 : 0;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("penstock %s\n", PENSTOCK_VERSION);
        return 0;
    }
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc, argv);
    return cli_usage("there is no command \"%s\"; penstock help lists them", argv[1]);
}
