/*
 * What kvreplay and the process of a plug-in say to each other, over a stream socket. Both ends are
 * the same program, so structures travel as they are; but the plug-in may have written to the
 * socket itself, so kvreplay believes nothing that it has not checked.
 *
 *   host -> kvreplay   plugin_hello, once
 *   kvreplay -> host   plugin_request, and for a call the frames to be written
 *   host -> kvreplay   plugin_answer, and the bytes that the writer has appended
 */
#ifndef KVREPLAY_WRITER_PLUGIN_WIRE_H
#define KVREPLAY_WRITER_PLUGIN_WIRE_H

#include "writer/plugin.h"

enum {
    PLUGIN_HOST_SOCKET = 3,     /* its descriptor in the host */
    PLUGIN_HOST_CUT_OFF = 0xC5, /* the host's exit status when the socket has gone */
    PLUGIN_EXCESS_MAX = 4096,   /* bytes sent back beyond those of the frames */
};

struct plugin_hello {
    bool usable;
    bool no_memory; /* to find that out */
    char name[PLUGIN_NAME_SIZE];
    char problem[PLUGIN_PROBLEM_SIZE]; /* if it is not usable */
};

enum plugin_task {
    PLUGIN_TASK_WRITE,  /* one call of the writer */
    PLUGIN_TASK_FINISH, /* its state is destroyed; the next call makes a new one */
};

struct plugin_request {
    uint64_t serial; /* the answer repeats it */
    enum plugin_task task;
    bool hostile; /* the buffer is first brought into a state drawn from the seed */
    uint64_t seed;
    uint64_t count; /* frames that follow ... */
    uint64_t size;  /* ... and their bytes together */
};

struct plugin_answer {
    uint64_t serial;
    bool no_memory; /* the host itself had none: the writer was not called, or its bytes are lost */
    int32_t error;  /* what the writer returned */
    uint64_t seed;  /* advanced */
    uint64_t size;  /* bytes that follow: all that the writer has appended, or the first of it */
};

#endif
