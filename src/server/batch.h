/*
 * Answers collected from a store until they are written together.
 *
 * A store's answers are valid until its next call. Values of items are kept by retaining their
 * owner; everything else is small, and copied.
 */
#ifndef KVREPLAY_SERVER_BATCH_H
#define KVREPLAY_SERVER_BATCH_H

#include "kvresponse/kvresponse.h"

#include <stdbool.h>

enum {
    BATCH_RESPONSES = 2048,       /* room for so many */
    BATCH_RESPONSES_ANSWER = 16,  /* the most that one request is answered with */
    BATCH_COPIES = 128 * 1024,    /* room for what is copied, bytes */
    BATCH_COPIES_ANSWER = 4096,   /* the most that is copied for one request */
    BATCH_BYTES_FULL = 256 * 1024 /* more responses than this many bytes are not waited for */
};

struct batch {
    struct kvr_response *responses;
    size_t count;
    uint8_t *copies;
    size_t copied;
    size_t bytes; /* what all responses take, encoded */
};

/* False: no memory. */
bool batch_init(struct batch *batch);
void batch_deinit(struct batch *batch);

/* True if another answer might not fit: the batch has to be written first. */
bool batch_is_full(const struct batch *batch);

/* Adds the responses to one request, at most BATCH_RESPONSES_ANSWER, to a batch that is not full.
 */
void batch_add(struct batch *batch, const struct kvr_response *responses, size_t count);

/* Forgets all answers, which have been written or won't be. */
void batch_clear(struct batch *batch);

#endif
