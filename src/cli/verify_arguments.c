#include "cli/verify_arguments.h"

#include "cli/arguments.h"
#include "cli/dissect_arguments.h"
#include "writer/plugin.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

enum {
    WRITER = 0x100,
    REFERENCE,
    STATE,
    ALLOW_EVICTION,
    HOSTILE,
    ITEM_SIZE_MAX,
    REQUIRE_EXECUTED,
};

static const struct argp_option options[] = {
    {NULL, 0, NULL, 0, "What is compared:", 1},
    {"writer", WRITER, "NAME", 0,
     "Writer under test (default batch), or a shared object that defines one, if it has a slash",
     1},
    {"reference", REFERENCE, "NAME", 0,
     "What its bytes have to equal: capture (default), flat, or another writer", 1},
    {"state", STATE, "WHICH", 0,
     "adopt (default): recorded hits of keys never seen before fill the store; cold: the server "
     "was fresh",
     1},
    {"hostile", HOSTILE, "SEED", 0,
     "Put the buffer into a random state before each batch, as SEED (0: a new one) has it", 1},
    {"allow-eviction", ALLOW_EVICTION, NULL, 0, "Accept a recorded miss of a key that was stored",
     1},
    {"item-size-max", ITEM_SIZE_MAX, "SIZE", 0, "The server's limit, memcached -I (default 1m)", 1},
    {"require-executed", REQUIRE_EXECUTED, "N", 0,
     "Fewer answers of the store compared are no evidence (default 0)", 1},
    {0},
};

/* ------------------------------------------------------------------------------------- values */

static const struct kvr_writer *writer_of(const struct argp_state *state, const char *option,
                                          const char *name)
{
    const struct kvr_writer *writer = kvr_writer_find(name);
    if (writer == NULL) {
        argp_error(state, "%s: there is no writer '%s'; --help lists them", option, name);
    }
    return writer;
}

static void set_writer(const struct argp_state *state, struct construct_options *construct,
                       const char *name)
{
    char problem[PLUGIN_PROBLEM_SIZE];
    construct->guarded = plugin_is_path(name);
    if (!construct->guarded) {
        construct->writer = writer_of(state, "--writer", name);
        return;
    }
    construct->writer = plugin_load(name, problem);
    if (construct->writer == NULL) {
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
        construct->reference_writer = writer_of(state, "--reference", name);
    }
}

static bool is_cold(const struct argp_state *state, const char *text)
{
    static const char *const words[] = {"adopt", "cold", NULL};
    return argument_word(state, "--state", text, words) == 1;
}

static void add_input(const struct argp_state *state, struct verify_arguments *arguments,
                      const char *path)
{
    if (!inputs_add(&arguments->inputs, path)) {
        argp_failure(state, VERIFY_INTERNAL, ENOMEM, "%s", path);
    }
}

/* ------------------------------------------------------------------------------------ parsing */

/* What decides how frames are compared and when that is enough. */
static error_t parse_check(int key, char *argument, const struct argp_state *state,
                           struct verify_options *verify)
{
    switch (key) {
    case WRITER:
        set_writer(state, &verify->construct, argument);
        return 0;
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
    case ITEM_SIZE_MAX: /* memcached's own limits */
        verify->item_size_max = argument_size(state, "--item-size-max", argument, 1024, 1 << 30);
        return 0;
    case REQUIRE_EXECUTED:
        verify->require_executed =
            argument_number(state, "--require-executed", argument, 0, INT64_MAX);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t check_whole(const struct argp_state *state,
                           const struct construct_options *construct)
{
    if (construct->reference == REFERENCE_WRITER &&
        construct->reference_writer == construct->writer) {
        argp_error(state, "--reference: '%s' is the writer under test", construct->writer->name);
    }
    return 0;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct verify_arguments *arguments = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &arguments->report;
        state->child_inputs[1] = &arguments->options.dissect;
        return 0;
    case ARGP_KEY_ARG:
        add_input(state, arguments, argument);
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "which capture?");
        return 0;
    case ARGP_KEY_SUCCESS:
        return check_whole(state, &arguments->options.construct);
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
    for (size_t i = 0; i < WRITERS_MAX && kvr_writers[i].name != NULL; i++) {
        list[i + 1].name = kvr_writers[i].name;
        list[i + 1].doc = kvr_writers[i].summary;
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
        .parser = parse,
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
    *arguments = (struct verify_arguments){0};
    verify_options_init(&arguments->options);
    report_arguments_init(&arguments->report, &arguments->options);
    argp_parse(&argp, argc, argv, 0, NULL, arguments);
}

void verify_arguments_deinit(struct verify_arguments *arguments)
{
    inputs_deinit(&arguments->inputs);
    report_arguments_deinit(&arguments->report);
}
