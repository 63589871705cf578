/*
 * Responses to write: one of every form that a server's frames take.
 */
#ifndef KVREPLAY_TESTS_WRITER_SHAPES_H
#define KVREPLAY_TESTS_WRITER_SHAPES_H

#include "kvresponse/kvresponse.h"

struct shape {
    const char *name;
    struct kvr_response response;
};

/* Ends with a NULL name. */
const struct shape *shapes(void);

/* `size` bytes in which any two places a short distance apart differ; at most 1 MiB. */
const void *pattern(size_t size);

#endif
