#include "cli/verify_arguments.h"

#include "baseline/all_writers.h"
#include "cli/arguments.h"
#include "cli/diagnose.h"
#include "cli/dissect_arguments.h"
#include "writer/plugin.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

enum {
    WRITER = 0x100,
    WRITER_TIMEOUT,
    REFERENCE,
    STATE,
    ALLOW_EVICTION,
    HOSTILE,
    ITEM_SIZE_MAX,
    REQUIRE_EXECUTED,
    ONE_SERVER,
    DIALECT,
    MAX_UNDECIDED,
};

static const struct argp_option options[] = {
    {NULL, 0, NULL, 0, "What is compared:", 1},
    {"writer", WRITER, "NAME", 0,
     "Writer under test (default batch), or a path (with a '/') to a plug-in", 1},
    {"writer-timeout", WRITER_TIMEOUT, "SECONDS", 0,
     "How long a call of a plug-in may take (default 10)", 1},
    {"reference", REFERENCE, "NAME", 0,
     "What its bytes have to equal: capture (default), flat, or another writer", 1},
    {"state", STATE, "WHICH", 0,
     "adopt (default): recorded hits of keys never seen before fill the store; cold: the server "
     "was fresh",
     1},
    {"hostile", HOSTILE, "SEED", 0,
     "Put the buffer into a random state before each batch, as SEED (0: a new one) has it", 1},
    {"allow-eviction", ALLOW_EVICTION, NULL, 0,
     "Accept answers that show a miss of a key that was stored", 1},
    {"dialect", DIALECT, "DIALECT", 0,
     "What connections speak: auto (default: what HELLO or their frames show), memcached or "
     "couchbase",
     1},
    {"one-server", ONE_SERVER, NULL, 0,
     "All server addresses are one server; by default each address and port has a store of its own",
     1},
    {"item-size-max", ITEM_SIZE_MAX, "SIZE", 0, "The server's limit, memcached -I (default 1m)", 1},
    {"require-executed", REQUIRE_EXECUTED, "N", 0,
     "Fail (exit 4) unless N answers of the store were compared (default: 1 compared or adopted)",
     1},
    {"max-undecided", MAX_UNDECIDED, "N", 0,
     "Fail (exit 4) if no order is found for more than N answers to overlapping requests (default "
     "0)",
     1},
    {0},
};

/* ------------------------------------------------------------------------------------- values */

static const struct kvr_writer_type *
verify_arguments_writer_of(const struct argp_state *state, const char *option, const char *name)
{
    const struct kvr_writer_type *writer = all_writers_find(name);
    if (writer == NULL) {
        argp_error(state, "%s: there is no writer '%s'; --help lists them", option, name);
    }
    return writer;
}

static void set_writer(const struct argp_state *state, struct verify_arguments *arguments,
                       const char *name)
{
    arguments->plugin = plugin_is_path(name) ? name : NULL;
    if (arguments->plugin == NULL) {
        arguments->options.construct.writer = verify_arguments_writer_of(state, "--writer", name);
    }
}

/* It is loaded in the process that will run it, so as to survive whatever that does. */
static void start_plugin(const struct argp_state *state, struct verify_arguments *arguments)
{
    struct construct_options *construct = &arguments->options.construct;
    char problem[PLUGIN_PROBLEM_SIZE];
    switch (plugin_process_create(arguments->plugin, arguments->writer_timeout, &construct->process,
                                  problem)) {
    case PLUGIN_DONE:
        construct->writer = plugin_process_writer(construct->process);
        break;
    case PLUGIN_INTERRUPTED:
        diagnose_and_exit(VERIFY_NO_EVIDENCE, "--writer: %s", problem);
    case PLUGIN_FAILED:
        diagnose_and_exit(VERIFY_INTERNAL, "--writer: %s", problem);
    default:
        argp_error(state, "--writer: %s", problem);
    }
}

static void set_hostile(const struct argp_state *state, struct construct_options *construct,
                        const char *text)
{
    construct->hostile = true;
    construct->seed = argument_number(state, "--hostile", text, 0, INT64_MAX);
    if (construct->seed == 0 && getrandom(&construct->seed, sizeof(construct->seed), 0) > 0) {
        construct->seed = (construct->seed & INT64_MAX) | 1;
    }
}

static void set_reference(const struct argp_state *state, struct construct_options *construct,
                          const char *name)
{
    construct->reference_writer = NULL;
    if (strcmp(name, "capture") == 0) {
        construct->reference = REFERENCE_CAPTURE;
    } else if (strcmp(name, "flat") == 0) {
        construct->reference = REFERENCE_FLAT;
    } else {
        construct->reference = REFERENCE_WRITER;
        construct->reference_writer = verify_arguments_writer_of(state, "--reference", name);
    }
}

static bool is_cold(const struct argp_state *state, const char *text)
{
    static const char *const words[] = {"adopt", "cold", NULL};
    return argument_word(state, "--state", text, words) == 1;
}

static enum verify_dialect dialect_of(const struct argp_state *state, const char *text)
{
    static const char *const words[] = {"auto", "memcached", "couchbase", NULL};
    return (enum verify_dialect)argument_word(state, "--dialect", text, words);
}

/* ------------------------------------------------------------------------------------ parsing */

/* What decides how frames are compared and when that is enough. */
static error_t parse_check(int key, char *argument, const struct argp_state *state,
                           struct verify_options *verify)
{
    switch (key) {
    case HOSTILE:
        set_hostile(state, &verify->construct, argument);
        return 0;
    case REFERENCE:
        set_reference(state, &verify->construct, argument);
        return 0;
    case STATE:
        verify->cold = is_cold(state, argument);
        return 0;
    case ALLOW_EVICTION:
        verify->allow_eviction = true;
        return 0;
    case ONE_SERVER:
        verify->one_server = true;
        return 0;
    case DIALECT:
        verify->dialect = dialect_of(state, argument);
        return 0;
    case ITEM_SIZE_MAX: /* memcached's own limits */
        verify->item_size_max = argument_size(state, "--item-size-max", argument, 1024, 1 << 30);
        return 0;
    case REQUIRE_EXECUTED:
        verify->require_executed =
            argument_number(state, "--require-executed", argument, 0, INT64_MAX);
        verify->accept_unexecuted = verify->require_executed == 0;
        return 0;
    case MAX_UNDECIDED:
        verify->max_undecided = argument_number(state, "--max-undecided", argument, 0, INT64_MAX);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t verify_arguments_complete(const struct argp_state *state,
                                         struct verify_arguments *arguments)
{
    const struct construct_options *construct = &arguments->options.construct;
    report_arguments_keep_all(state, &arguments->report, &arguments->inputs);
    report_arguments_keep(state, &arguments->report, arguments->plugin);
    if (arguments->plugin != NULL) {
        start_plugin(state, arguments);
    } else if (construct->reference == REFERENCE_WRITER &&
               construct->reference_writer == construct->writer) {
        argp_error(state, "--reference: '%s' is the writer under test", construct->writer->name);
    }
    return 0;
}

static error_t verify_arguments_parse(int key, char *argument, struct argp_state *state)
{
    struct verify_arguments *arguments = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &arguments->report;
        state->child_inputs[1] = &arguments->options.dissect;
        return 0;
    case ARGP_KEY_ARG:
        argument_capture(state, &arguments->inputs, argument);
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "missing operand: CAPTURE");
        return 0;
    case ARGP_KEY_SUCCESS:
        return verify_arguments_complete(state, arguments);
    case WRITER:
        set_writer(state, arguments, argument);
        return 0;
    case WRITER_TIMEOUT:
        arguments->writer_timeout =
            (unsigned)argument_number(state, "--writer-timeout", argument, 1, CHILD_TIMEOUT_MAX);
        return 0;
    default:
        return parse_check(key, argument, state, &arguments->options);
    }
}

enum { WRITERS_MAX = 16, WRITERS_LIST = WRITERS_MAX + 2 /* headline and end */ };

/* The writers there are, listed by --help behind the options. */
static void list_writers(struct argp_option list[WRITERS_LIST])
{
    memset(list, 0, WRITERS_LIST * sizeof(*list));
    list[0].doc = "Writers:";
    for (size_t i = 0; i < WRITERS_MAX && all_writers[i] != NULL; i++) {
        list[i + 1].name = all_writers[i]->name;
        list[i + 1].doc = all_writers[i]->summary;
        list[i + 1].flags = OPTION_DOC | OPTION_NO_USAGE;
    }
}

void verify_arguments_init(struct verify_arguments *arguments, int argc, char **argv)
{
    struct argp_option writers[WRITERS_LIST];
    struct argp writers_argp = {.options = writers};
    struct argp_child children[] = {
        {&report_argp, 0, NULL, 2}, {&dissect_argp, 0, NULL, 3}, {&writers_argp, 0, NULL, 5}, {0}};
    struct argp argp = {
        .options = options,
        .parser = verify_arguments_parse,
        .args_doc = "CAPTURE...",
        .doc = "Takes every frame that a server sent in the captures (files, folders, - for "
               "standard input), builds it again, executes the request to it, and compares the "
               "bytes."
               "\vExit status: 0 identical, 1 different, 2 wrong usage, 3 a capture can't be read, "
               "4 not enough evidence, 70 internal error or output that can't be written. "
               "kvreplay(1) has the rest.",
        .children = children,
    };
    list_writers(writers);
    *arguments = (struct verify_arguments){.writer_timeout = CHILD_TIMEOUT};
    verify_options_init(&arguments->options);
    report_arguments_init(&arguments->report, &arguments->options);
    diagnose_arguments(&argp, argc, argv, 0, arguments);
}

void verify_arguments_deinit(struct verify_arguments *arguments)
{
    if (arguments->options.construct.process != NULL) {
        plugin_process_destroy(arguments->options.construct.process);
    }
    inputs_deinit(&arguments->inputs);
    report_arguments_deinit(&arguments->report);
}
