/*
 * How far a long run has come: one line on a terminal, rewritten in place and erased at the end.
 */
#ifndef KVREPLAY_REPORT_PROGRESS_H
#define KVREPLAY_REPORT_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct progress {
    FILE *out; /* NULL: silent */
    double started;
    double shown;         /* when the line was written last; 0: there is none */
    uint64_t bytes_done;  /* in the captures before this one */
    uint64_t frames_done; /* the same */
    uint64_t bytes;       /* in this one */
    uint64_t frames;
};

/* Silent unless `out` is a terminal. */
void progress_init(struct progress *progress, FILE *out);

/* `bytes_total` 0: not known. Writes nothing if it did so a moment ago. */
void progress_show(struct progress *progress, const char *path, uint64_t bytes_read,
                   uint64_t bytes_total, uint64_t frames);

/* A capture is done: what follows is counted on top of it. */
void progress_next(struct progress *progress);

/* Erases the line. */
void progress_end(struct progress *progress);

#endif
