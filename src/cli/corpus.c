/*
 * kvreplay corpus: cuts captures into seeds for the fuzz targets, and makes a capture of what a
 * fuzzer found.
 */
#include "base/interrupt.h"
#include "base/memory.h"
#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/diagnose.h"
#include "cli/inputs.h"
#include "cli/output.h"
#include "report/printable.h"
#include "seeds/seeds.h"

#include <argp.h>
#include <errno.h>
#include <stdio.h>

enum { TARGET = 0x100, TO_PCAP };

struct corpus_arguments {
    struct inputs inputs;
    const char *target;
    const char *to_pcap;
    const char *output;
};

static const struct argp_option options[] = {
    {"output", 'o', "PATH", 0, "The folder for the seeds, or the capture to be written", 0},
    {"target", TARGET, "NAME", 0, "The fuzz target whose form the seeds get", 0},
    {"to-pcap", TO_PCAP, "INPUT", 0,
     "Make a capture of an input of the targets frame or execute instead", 0},
    {0},
};

static void corpus_check(const struct argp_state *state, const struct corpus_arguments *arguments)
{
    const char *list;
    if (arguments->output == NULL) {
        argp_error(state, "-o PATH is required");
    } else if (arguments->to_pcap != NULL) {
        if (arguments->inputs.count > 0 || arguments->target != NULL) {
            argp_error(state, "--to-pcap takes neither captures nor --target");
        }
        argument_keep_input(state, "--output", arguments->output, arguments->to_pcap);
    } else if (arguments->inputs.count == 0) {
        argp_error(state, "missing operand: CAPTURE");
    } else if (arguments->target == NULL) {
        argp_error(state, "--target NAME is required");
    } else if (!seeds_target_is_known(arguments->target, &list)) {
        argp_error(state, "--target: '%s' is not one of %s", arguments->target, list);
    }
}

static error_t corpus_parse(int key, char *argument, struct argp_state *state)
{
    struct corpus_arguments *arguments = state->input;
    switch (key) {
    case 'o':
        arguments->output = argument_name(state, "--output", argument);
        return 0;
    case TARGET:
        arguments->target = argument;
        return 0;
    case TO_PCAP:
        arguments->to_pcap = argument_name(state, "--to-pcap", argument);
        return 0;
    case ARGP_KEY_ARG:
        argument_capture(state, &arguments->inputs, argument);
        return 0;
    case ARGP_KEY_END:
        corpus_check(state, arguments);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static enum verify_status make_capture(const struct corpus_arguments *arguments)
{
    struct output output;
    if (!output_open(&output, arguments->output)) {
        return VERIFY_INTERNAL;
    }
    enum verify_status status = VERIFY_IDENTICAL;
    if (!seeds_to_pcap(arguments->to_pcap, output.file)) {
        diagnose("%s: %s", arguments->to_pcap, strerror(errno));
        status = VERIFY_UNREADABLE;
    }
    bool whole = status == VERIFY_IDENTICAL && memory_failures() == 0;
    return output_close(&output, whole) ? status : VERIFY_INTERNAL;
}

static enum verify_status cut_input(struct seeds *seeds, const struct input *input)
{
    char problem[SEEDS_PROBLEM_SIZE];
    enum verify_status status = input->status;
    if (status != VERIFY_IDENTICAL) {
        diagnose("%s: %s", input->path, input->problem);
    } else if ((status = seeds_cut(seeds, input->path, problem)) != VERIFY_IDENTICAL) {
        diagnose("%s", problem);
    }
    return status;
}

static enum verify_status cut_all(const struct corpus_arguments *arguments)
{
    struct seeds *seeds = seeds_create(arguments->target, arguments->output);
    enum verify_status status = VERIFY_IDENTICAL;
    if (seeds == NULL) {
        diagnose("%s: %s", arguments->output, strerror(errno));
        return VERIFY_INTERNAL;
    }
    for (size_t i = 0; i < arguments->inputs.count && !interrupted(); i++) {
        status = verify_status_worse(status, cut_input(seeds, &arguments->inputs.inputs[i]));
    }
    printf("%u seeds in ", seeds_count(seeds));
    printable_write_text(stdout, arguments->output);
    putchar('\n');
    if (seeds_count(seeds) == 0) {
        status = verify_status_worse(status, VERIFY_NO_EVIDENCE);
    }
    seeds_destroy(seeds);
    if (interrupted()) {
        fputs("kvreplay: interrupted\n", stderr);
        status = status == VERIFY_INTERNAL ? status : VERIFY_NO_EVIDENCE;
    }
    return status;
}

int command_corpus(int argc, char **argv)
{
    static const struct argp argp = {
        .options = options,
        .parser = corpus_parse,
        .args_doc = "CAPTURE...",
        .doc =
            "Cuts the captures (files, folders, - for standard input) into seeds for a fuzz "
            "target."
            "\vExit status: 0 there are seeds, 2 wrong usage, 3 a capture can't be read, 4 there "
            "are none, 70 output that can't be written.",
    };
    struct corpus_arguments arguments = {.target = NULL};
    diagnose_arguments(&argp, argc, argv, 0, &arguments);
    enum verify_status status =
        arguments.to_pcap != NULL ? make_capture(&arguments) : cut_all(&arguments);
    inputs_deinit(&arguments.inputs);
    return (int)status;
}
