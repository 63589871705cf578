/*
 * The command line of replay.
 */
#ifndef KVREPLAY_CLI_REPLAY_ARGUMENTS_H
#define KVREPLAY_CLI_REPLAY_ARGUMENTS_H

#include "cli/inputs.h"
#include "cli/report_arguments.h"
#include "live/live.h"
#include "sasl/mechanism.h"

struct replay_arguments {
    struct live_options options;
    struct report_arguments report; /* of the options */
    struct inputs inputs;
    const char *to;
    const char *against;     /* NULL: none */
    bool tls;                /* with both */
    const char *authorities; /* NULL: the system's */
    const char *user;        /* NULL: nobody logs in */
    const char *password_file;
    const char *bucket; /* NULL: none */
    struct login login; /* of that user */
    uint8_t password[SASL_PASSWORD_MAX];
};

/* Exits on --help and wrong usage. The servers are not looked up yet. */
void replay_arguments_init(struct replay_arguments *arguments, int argc, char **argv);
void replay_arguments_deinit(struct replay_arguments *arguments);

#endif
