#include "cli/anonymise_arguments.h"

#include "cli/arguments.h"
#include "cli/diagnose.h"

#include <stddef.h>
#include <string.h>

enum { KEY_FILE = 0x100, REPLACE_COUNTERS };

static const struct argp_option options[] = {
    {"key-file", KEY_FILE, "FILE", 0, "The secret (default: a random one, which is forgotten)", 0},
    {"output", 'o', "FILE", 0, "Where the anonymised capture goes", 0},
    {"quiet", 'q', NULL, 0, "No summary and no progress", 0},
    {"replace-counters", REPLACE_COUNTERS, NULL, 0,
     "Replace numbers that were counted with too; verify will find differences then", 0},
    {"verbose", 'v', NULL, 0, "Say which opcodes had snappy values", 0},
    {0},
};

static void take_input(const struct argp_state *state, struct anonymise_arguments *arguments,
                       const char *input)
{
    if (arguments->input != NULL) {
        argp_error(state, "one capture at a time: '%s' and '%s'", arguments->input, input);
    }
    arguments->input = argument_name(state, "CAPTURE", input);
}

static void anonymise_arguments_check(const struct argp_state *state,
                                      const struct anonymise_arguments *arguments)
{
    if (arguments->input == NULL) {
        argp_error(state, "missing operand: CAPTURE");
    }
    if (arguments->output == NULL) {
        argp_error(state, "-o FILE is required");
    } else if (strcmp(arguments->output, "-") == 0) {
        argp_error(state, "--output: '-' is no file; ./- is one of that name");
    }
    argument_keep_input(state, "--output", arguments->output, arguments->input);
    argument_keep_input(state, "--output", arguments->output, arguments->key_file);
    if (arguments->quiet && arguments->verbose) {
        argp_error(state, "--quiet and --verbose are mutually exclusive");
    }
}

static error_t anonymise_arguments_parse(int key, char *argument, struct argp_state *state)
{
    struct anonymise_arguments *arguments = state->input;
    switch (key) {
    case KEY_FILE:
        arguments->key_file = argument_name(state, "--key-file", argument);
        return 0;
    case 'o':
        arguments->output = argument_name(state, "--output", argument);
        return 0;
    case 'q':
        arguments->quiet = true;
        return 0;
    case REPLACE_COUNTERS:
        arguments->replace_counters = true;
        return 0;
    case 'v':
        arguments->verbose = true;
        return 0;
    case ARGP_KEY_ARG:
        take_input(state, arguments, argument);
        return 0;
    case ARGP_KEY_END:
        anonymise_arguments_check(state, arguments);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

void anonymise_arguments_init(struct anonymise_arguments *arguments, int argc, char **argv)
{
    const struct argp argp = {
        .options = options,
        .parser = anonymise_arguments_parse,
        .args_doc = "CAPTURE",
        .doc =
            "Writes a capture with its keys and values replaced, so that it can be shared."
            "\vExit status: 0 written, 2 wrong usage, 3 the capture can't be read, 4 interrupted, "
            "70 internal error or output that can't be written. kvreplay(1) has the rest.",
    };
    *arguments = (struct anonymise_arguments){0};
    diagnose_arguments(&argp, argc, argv, 0, arguments);
}
