#include "cli/anonymise_arguments.h"

#include "cli/arguments.h"

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
    arguments->input = input;
}

static void check(const struct argp_state *state, const struct anonymise_arguments *arguments)
{
    if (arguments->input == NULL) {
        argp_error(state, "which capture?");
    }
    if (arguments->output == NULL) {
        argp_error(state, "--output: where is it to go?");
    } else if (strcmp(arguments->output, "-") == 0) {
        argp_error(state, "--output: '-' is no file; ./- is one of that name");
    }
    if (arguments->quiet && arguments->verbose) {
        argp_error(state, "--quiet and --verbose exclude each other");
    }
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct anonymise_arguments *arguments = state->input;
    switch (key) {
    case KEY_FILE:
        arguments->key_file = argument;
        return 0;
    case 'o':
        arguments->output = argument;
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
        check(state, arguments);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

void anonymise_arguments_init(struct anonymise_arguments *arguments, int argc, char **argv)
{
    const struct argp argp = {
        .options = options,
        .parser = parse,
        .args_doc = "CAPTURE",
        .doc = "Writes a capture with its keys and values replaced, so that it can be shared.",
    };
    *arguments = (struct anonymise_arguments){0};
    argp_parse(&argp, argc, argv, 0, NULL, arguments);
}
