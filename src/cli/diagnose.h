/*
 * What goes wrong, on standard error. File names and arguments may hold anything; of that, nothing
 * reaches a terminal as a control character.
 */
#ifndef KVREPLAY_CLI_DIAGNOSE_H
#define KVREPLAY_CLI_DIAGNOSE_H

#include <argp.h>

/* Writes "kvreplay: " and the message as a line. */
void diagnose(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same, and ends the program with that status. argp_failure has no words without memory. */
_Noreturn void diagnose_and_exit(int status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* argp_parse, whose messages show arguments as they are. */
void diagnose_arguments(const struct argp *argp, int argc, char **argv, unsigned flags,
                        void *input);

#endif
