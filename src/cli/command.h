/*
 * The commands. To add one: a file with its function, a line here, a line in the table of main.c,
 * and its section in man/kvreplay.1 (a test compares that with --help).
 */
#ifndef KVREPLAY_CLI_COMMAND_H
#define KVREPLAY_CLI_COMMAND_H

#include <stdbool.h>

struct command {
    const char *name;
    const char *summary; /* one line */
    /* argv[0] is "kvreplay NAME". Returns the exit status. */
    int (*run)(int argc, char **argv);
    /* It serves others until it is told to end: it takes signals itself, and goes on where there
     * was no memory for one of them, of which it makes its own exit status. */
    bool serves;
};

int command_verify(int argc, char **argv);
int command_replay(int argc, char **argv);
int command_inspect(int argc, char **argv);
int command_bench(int argc, char **argv);
int command_anonymise(int argc, char **argv);
int command_corpus(int argc, char **argv);
int command_serve(int argc, char **argv);
int command_record(int argc, char **argv);

#endif
