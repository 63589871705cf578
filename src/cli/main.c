/*
 * kvreplay: finds the command and runs it. Together with argp in the commands, the only place that
 * prints usage and exits.
 */
#include "capture/capture.h"
#include "cli/command.h"
#include "replay/result.h"
#include "writer/memory_sink.h"

#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct command commands[] = {
    {"verify", "build the responses in captures again and compare them", command_verify},
    {"replay", "send recorded requests to a live server and compare its answers", command_replay},
    {"inspect", "print the conversations and frames in captures", command_inspect},
    {"bench", "measure what the writers cost", command_bench},
    {"anonymise", "replace the keys and values in a capture, to share it", command_anonymise},
    {"corpus", "cut captures into seeds for the fuzz targets", command_corpus},
    {"serve", "serve memcached clients with the writers", command_serve},
    {"record", "record what clients and a server say to each other", command_record},
};
enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

/* What was written to standard output has to have arrived, or the exit status would promise more
 * than anybody could read. */
static void close_standard_output(void)
{
    bool failed = ferror(stdout) != 0;
    if (fclose(stdout) != 0 || failed) {
        fprintf(stderr, "kvreplay: standard output: %s\n",
                errno != 0 ? strerror(errno) : "not everything could be written");
        _exit(VERIFY_INTERNAL);
    }
}

/*
 * Takes the places of standard streams that are closed, in a way that using them fails. Otherwise
 * the next file opened would take them, and what is meant for standard output would end up there.
 */
static void fill_standard_descriptors(void)
{
    for (int descriptor = STDIN_FILENO; descriptor <= STDERR_FILENO; descriptor++) {
        if (fcntl(descriptor, F_GETFD) < 0) {
            /* open takes the lowest free one, which is this */
            int filled = open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY);
            if (filled != descriptor) {
                _exit(VERIFY_INTERNAL);
            }
        }
    }
}

static void print_version(FILE *out, struct argp_state *state)
{
    (void)state;
    fprintf(out, "kvreplay %s\nlibevent %s\n%s\n", KVREPLAY_VERSION, memory_sink_library_version(),
            capture_library_version());
}

/* The commands, listed by --help before the options. */
static void list_commands(struct argp_option list[COMMANDS + 1])
{
    memset(list, 0, (COMMANDS + 1) * sizeof(*list));
    for (size_t i = 0; i < COMMANDS; i++) {
        list[i].name = commands[i].name;
        list[i].doc = commands[i].summary;
        list[i].flags = OPTION_DOC | OPTION_NO_USAGE;
    }
}

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcmp(commands[i].name, name) == 0) {
            return &commands[i];
        }
    }
    return NULL;
}

/* A command and where in the arguments it was found. */
struct chosen {
    const struct command *command;
    int index;
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct chosen *chosen = state->input;
    switch (key) {
    case ARGP_KEY_ARG:
        chosen->command = find_command(argument);
        if (chosen->command == NULL) {
            argp_error(state, "there is no command '%s'; --help lists them", argument);
        }
        chosen->index = state->next - 1;
        state->next = state->argc; /* the rest is the command's */
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "which command?");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static int run(const struct chosen *chosen, int argc, char **argv)
{
    char name[64];
    snprintf(name, sizeof(name), "kvreplay %s", chosen->command->name);
    argv[chosen->index] = name;
    argp_program_version_hook = NULL; /* --version is not an option of the commands */
    return chosen->command->run(argc - chosen->index, argv + chosen->index);
}

int main(int argc, char **argv)
{
    struct argp_option list[COMMANDS + 1];
    struct argp list_argp = {.options = list};
    struct argp_child children[] = {{&list_argp, 0, "Commands:", 1}, {0}};
    struct argp argp = {
        .parser = parse,
        .args_doc = "COMMAND [ARGUMENT...]",
        .doc = "Replays recorded memcached binary protocol traffic through response code."
               "\vkvreplay COMMAND --help tells more about one of them, kvreplay(1) about all.",
        .children = children,
    };
    struct chosen chosen = {0};
    char name[] = "kvreplay";
    if (argc > 0) {
        argv[0] = name; /* messages name the program, not the path to it */
    }
    fill_standard_descriptors();
    signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error of writing, and to be said */
    list_commands(list);
    atexit(close_standard_output);
    argp_err_exit_status = VERIFY_USAGE;
    argp_program_version_hook = print_version;
    argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &chosen);
    return run(&chosen, argc, argv);
}
