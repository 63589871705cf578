/*
 * The captures that a command line names, folders opened up. What can't be used keeps its place
 * with the reason, so that the rest still runs and the report has a row for it.
 */
#ifndef KVREPLAY_CLI_INPUTS_H
#define KVREPLAY_CLI_INPUTS_H

#include "result/result.h"

struct input {
    char *path;
    enum verify_status status; /* VERIFY_IDENTICAL: to be read */
    char *problem;             /* why not */
};

struct inputs {
    struct input *inputs;
    size_t count;
};

/* False: no memory. */
bool inputs_add(struct inputs *inputs, const char *path);
void inputs_deinit(struct inputs *inputs);

#endif
