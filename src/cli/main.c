/*
 * kvreplay: finds the command and runs it. Together with argp in the commands, the only place that
 * prints usage and exits.
 */
#include "base/interrupt.h"
#include "base/memory.h"
#include "capture/capture.h"
#include "cli/command.h"
#include "cli/diagnose.h"
#include "cli/libraries.h"
#include "result/result.h"
#include "writer/memory_sink.h"

#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const struct command commands[] = {
    {"verify", "build the responses in captures again and compare them", command_verify, false},
    {"replay", "send recorded requests to a live server and compare its answers", command_replay,
     false},
    {"inspect", "print the conversations and frames in captures", command_inspect, false},
    {"bench", "measure what the writers cost", command_bench, false},
    {"anonymise", "replace the keys and values in a capture, to share it", command_anonymise,
     false},
    {"corpus", "cut captures into seeds for the fuzz targets", command_corpus, false},
    {"serve", "serve memcached clients with the writers", command_serve, true},
    {"record", "record what clients and a server say to each other", command_record, true},
};
enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

/* What was written to standard output has to have arrived, or the exit status would promise more
 * than anybody could read. */
static void close_standard_output(void)
{
    bool failed = ferror(stdout) != 0;
    errno = 0;
    if (fclose(stdout) != 0 || failed) {
        diagnose("standard output: %s",
                 errno != 0 ? strerror(errno) : "not everything could be written");
        _exit(VERIFY_INTERNAL);
    }
}

/* Options that seem wrong where memory was missing need not be. */
static void check_usage(int status, void *context)
{
    (void)context;
    if (status == VERIFY_USAGE && memory_failures() > 0) {
        diagnose("out of memory");
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

enum { STACK_ROOM = 512 * 1024 };

/* A stack that can't grow ends the program without a word, so where address space is limited
 * (ulimit -v) it gets what it will need before anything else does. */
__attribute__((noinline)) static void reserve_stack(void)
{
    volatile char stack[STACK_ROOM];
    void *probe = mmap(NULL, 2 * STACK_ROOM, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (probe == MAP_FAILED) {
        fputs("kvreplay: out of memory\n", stderr);
        _exit(VERIFY_INTERNAL);
    }
    munmap(probe, 2 * STACK_ROOM);
    stack[0] = 0;
    (void)stack[0];
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

static error_t main_parse(int key, char *argument, struct argp_state *state)
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
        argp_error(state, "missing operand: COMMAND; --help lists them");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* A command that goes on without what it could not have says so itself; the others' results are
 * worth nothing then. */
static int check_memory(const struct command *command, int status)
{
    if (memory_failures() == 0 || command->serves) {
        return status;
    }
    fputs("kvreplay: out of memory\n", stderr);
    return VERIFY_INTERNAL;
}

static int run_command(const struct chosen *chosen, int argc, char **argv)
{
    char name[64];
    snprintf(name, sizeof(name), "kvreplay %s", chosen->command->name);
    argv[chosen->index] = name;
    argp_program_version_hook = NULL; /* --version is not an option of the commands */
    if (!chosen->command->serves && !interrupt_catch()) {
        fprintf(stderr, "kvreplay: signals: %s\n", strerror(errno));
        return VERIFY_INTERNAL;
    }
    int status = chosen->command->run(argc - chosen->index, argv + chosen->index);
    return check_memory(chosen->command, status);
}

int main(int argc, char **argv)
{
    struct argp_option list[COMMANDS + 1];
    struct argp list_argp = {.options = list};
    struct argp_child children[] = {{&list_argp, 0, "Commands:", 1}, {0}};
    struct argp argp = {
        .parser = main_parse,
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
    reserve_stack();
    fill_standard_descriptors();
    signal(SIGCHLD,
           SIG_DFL); /* whoever started us may ignore it, and then no child can be waited for */
    signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error of writing, and to be said */
    libraries_share_malloc();
    list_commands(list);
    on_exit(check_usage, NULL);
    atexit(close_standard_output);
    argp_err_exit_status = VERIFY_USAGE;
    argp_program_version_hook = print_version;
    diagnose_arguments(&argp, argc, argv, ARGP_IN_ORDER, &chosen);
    return run_command(&chosen, argc, argv);
}
