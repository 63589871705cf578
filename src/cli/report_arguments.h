/*
 * The options of every command that compares captures with something: what may differ, what is
 * enough, and where the reports go.
 */
#ifndef KVREPLAY_CLI_REPORT_ARGUMENTS_H
#define KVREPLAY_CLI_REPORT_ARGUMENTS_H

#include "cli/inputs.h"
#include "replay/verify.h"

#include <argp.h>

/* Reports beside the text. */
enum report_form { REPORT_JSON, REPORT_JUNIT, REPORT_FORMS };

enum color_when { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };

struct report_arguments {
    struct verify_options *options;  /* whose masks and limits are set */
    struct mask *masks;              /* options->masks refers to them */
    const char *files[REPORT_FORMS]; /* paths, "-" for standard output; NULL: none */
    uint64_t show;                   /* differences in full */
    bool quiet;
    bool verbose;
    enum color_when color;
};

/* A child parser; its input is a struct report_arguments, initialised. */
extern const struct argp report_argp;

void report_arguments_init(struct report_arguments *arguments, struct verify_options *options);

/* Wrong usage if a report would take the place of a file that is to be read. NULL: none. */
void report_arguments_keep(const struct argp_state *state, const struct report_arguments *arguments,
                           const char *input);
void report_arguments_keep_all(const struct argp_state *state,
                               const struct report_arguments *arguments,
                               const struct inputs *inputs);

void report_arguments_deinit(struct report_arguments *arguments);

#endif
