/*
 * The command line of verify.
 */
#ifndef KVREPLAY_CLI_VERIFY_ARGUMENTS_H
#define KVREPLAY_CLI_VERIFY_ARGUMENTS_H

#include "cli/inputs.h"
#include "replay/verify.h"

enum color_when { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };

struct verify_arguments {
    struct verify_options options;
    struct mask *masks; /* options.masks refers to them */
    struct inputs inputs;
    const char *json;  /* path, "-" for standard output; NULL: none */
    const char *junit; /* the same */
    uint64_t show;     /* differences in full */
    bool quiet;
    bool verbose;
    enum color_when color;
};

/* Exits on --help and wrong usage. */
void verify_arguments_init(struct verify_arguments *arguments, int argc, char **argv);
void verify_arguments_deinit(struct verify_arguments *arguments);

#endif
