/*
 * The options of every command that compares captures with something: what may differ, what is
 * enough, and where the reports go.
 */
#ifndef KVREPLAY_CLI_REPORT_ARGUMENTS_H
#define KVREPLAY_CLI_REPORT_ARGUMENTS_H

#include "replay/verify.h"

#include <argp.h>

enum color_when { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };

struct report_arguments {
    struct verify_options *options; /* whose masks and limits are set */
    struct mask *masks;             /* options->masks refers to them */
    const char *json;               /* path, "-" for standard output; NULL: none */
    const char *junit;              /* the same */
    uint64_t show;                  /* differences in full */
    bool quiet;
    bool verbose;
    enum color_when color;
};

/* A child parser; its input is a struct report_arguments, initialised. */
extern const struct argp report_argp;

void report_arguments_init(struct report_arguments *arguments, struct verify_options *options);
void report_arguments_deinit(struct report_arguments *arguments);

#endif
