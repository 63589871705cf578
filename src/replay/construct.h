/*
 * Response construction under test: a description goes through the writer, and what comes out is
 * compared with a reference.
 */
#ifndef KVREPLAY_REPLAY_CONSTRUCT_H
#define KVREPLAY_REPLAY_CONSTRUCT_H

#include "replay/compare.h"
#include "response/kvresponse.h"

enum construct_reference {
    REFERENCE_CAPTURE, /* the recorded bytes */
    REFERENCE_FLAT,    /* the flat encoder's bytes of the same description */
    REFERENCE_WRITER,  /* another writer's bytes of the same description */
};

struct construct_options {
    const struct kvr_writer *writer; /* under test */
    enum construct_reference reference;
    const struct kvr_writer *reference_writer; /* for REFERENCE_WRITER */
};

struct construct;

/* NULL if there is no memory. */
struct construct *construct_create(const struct construct_options *options);
void construct_destroy(struct construct *construct);

/*
 * The flat encoder's bytes of a description, valid until the next call. size 0: it can't be
 * encoded, and *error says why.
 */
struct span construct_flat(struct construct *construct, const struct kvr_response *response,
                           enum kvr_error *error);

enum constructed {
    CONSTRUCT_EQUAL,
    CONSTRUCT_MASKED,    /* equal but for what masks cover: comparison->mask */
    CONSTRUCT_DIFFERENT, /* comparison says where; construct_built and construct_reference what */
    CONSTRUCT_REFUSED,   /* the writer under test returned an error: construct_error */
};

/*
 * Builds the response with the writer under test and compares it with the reference, which for
 * REFERENCE_CAPTURE is `recorded`.
 */
enum constructed construct_check(struct construct *construct, const struct kvr_response *response,
                                 struct span recorded, const struct mask_list *masks,
                                 struct comparison *comparison);

/* After CONSTRUCT_DIFFERENT, until the next call: both sides. */
struct span construct_built(const struct construct *construct);
struct span construct_reference(const struct construct *construct);
/* After CONSTRUCT_REFUSED. */
enum kvr_error construct_error(const struct construct *construct);

#endif
