/*
 * The command line of kvreplay anonymise.
 */
#ifndef KVREPLAY_CLI_ANONYMISE_ARGUMENTS_H
#define KVREPLAY_CLI_ANONYMISE_ARGUMENTS_H

#include <stdbool.h>

struct anonymise_arguments {
    const char *input;
    const char *output;
    const char *key_file; /* NULL: none */
    bool replace_counters;
    bool quiet;
    bool verbose;
};

/* Ends the program if they are wrong. */
void anonymise_arguments_init(struct anonymise_arguments *arguments, int argc, char **argv);

#endif
