/*
 * A plug-in's writer in a process of its own: whatever it does there, exit, hang, overflow or be
 * killed, ends that process at worst, and the caller learns in which call.
 *
 * A process that has ended is started again by the next call. After too many ends it is given up,
 * so that a writer that dies of each response does not make a run crawl.
 */
#ifndef KVREPLAY_WRITER_PLUGIN_PROCESS_H
#define KVREPLAY_WRITER_PLUGIN_PROCESS_H

#include "base/span.h"
#include "writer/child.h"
#include "writer/plugin.h"

enum {
    PLUGIN_ENDS_MAX = 64,    /* of the process, until it is given up ... */
    PLUGIN_TIMEOUTS_MAX = 3, /* ... or so many of them for a call that did not return */
};

struct plugin_process;

enum plugin_outcome {
    PLUGIN_DONE,        /* the call returned */
    PLUGIN_ENDED,       /* the process ended in the call, or was killed for not returning */
    PLUGIN_GIVEN_UP,    /* not called: it has ended too often */
    PLUGIN_INTERRUPTED, /* the user interrupted the run (interrupt.h) and the call did not return:
                           the process was killed, and is not called again */
    PLUGIN_FAILED,      /* no memory, or no process; not the writer's fault */
};

/* What the writer is to write: whole frames, one behind the other, as the flat encoder has them. */
struct plugin_call {
    struct span frames;
    size_t count;
    bool hostile;  /* each call meets the buffer in a random state (hostile.h), ... */
    uint64_t seed; /* ... drawn from this, which is advanced */
};

struct plugin_result {
    enum kvr_error error; /* any number: it is the writer's */
    struct span built;    /* what it appended; the first of it, if that is much more than was to be
                             written. Valid until the next call */
};

/*
 * Starts the process and loads the plug-in in it; each call there may take `timeout` seconds.
 * PLUGIN_DONE: *process is set. PLUGIN_ENDED: it is no usable plug-in; PLUGIN_FAILED: no process or
 * memory; PLUGIN_INTERRUPTED; `problem` then says what is wrong.
 */
enum plugin_outcome plugin_process_create(const char *path, unsigned timeout,
                                          struct plugin_process **process,
                                          char problem[PLUGIN_PROBLEM_SIZE]);
void plugin_process_destroy(struct plugin_process *process);

/* Is it a usable plug-in, and what is its name? Loads it for that, in a process that then ends. */
enum plugin_outcome plugin_process_probe(const char *path, unsigned timeout,
                                         char name[PLUGIN_NAME_SIZE],
                                         char problem[PLUGIN_PROBLEM_SIZE]);

/* Its name, for reports; it has no functions to call. Valid as long as the process is. */
const struct kvr_writer_type *plugin_process_writer(const struct plugin_process *process);

/* One call of the writer. *result is set if the outcome is PLUGIN_DONE. */
enum plugin_outcome plugin_process_write(struct plugin_process *process, struct plugin_call *call,
                                         struct plugin_result *result);

/* The writer's state is destroyed; the next call makes a new one. Not PLUGIN_GIVEN_UP: there is
 * nothing to destroy then. */
enum plugin_outcome plugin_process_finish(struct plugin_process *process);

/* How the process ended last, e.g. "killed by signal 11 (Segmentation fault)", "no return within
 * 10 s". Valid until the next call. */
const char *plugin_process_end_text(const struct plugin_process *process);

/* How often it has ended. */
unsigned plugin_process_ends(const struct plugin_process *process);

#endif
