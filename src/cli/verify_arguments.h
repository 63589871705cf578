/*
 * The command line of verify.
 */
#ifndef KVREPLAY_CLI_VERIFY_ARGUMENTS_H
#define KVREPLAY_CLI_VERIFY_ARGUMENTS_H

#include "cli/inputs.h"
#include "cli/report_arguments.h"

struct verify_arguments {
    const char *plugin;      /* the path of the writer under test; NULL: it is one of ours */
    unsigned writer_timeout; /* seconds that a call of it may take */
    struct verify_options options;
    struct report_arguments report; /* of the options */
    struct inputs inputs;
};

/* Exits on --help and wrong usage. */
void verify_arguments_init(struct verify_arguments *arguments, int argc, char **argv);
void verify_arguments_deinit(struct verify_arguments *arguments);

#endif
