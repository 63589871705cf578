/*
 * Response construction under test: responses that have been agreed on are gathered, and built
 * together, as a server does with all that one read makes possible. What comes out is compared with
 * what has to.
 */
#ifndef KVREPLAY_REPLAY_CONSTRUCT_H
#define KVREPLAY_REPLAY_CONSTRUCT_H

#include "net/flow.h"
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
    bool guarded;                              /* the writer is not ours and may crash */
    bool hostile;                              /* each batch meets the buffer in a random state */
    uint64_t seed;                             /* of those states */
};

/* The request that a response answers. */
struct construct_request {
    uint64_t packet; /* 0: there is none, and the rest is not set */
    uint8_t magic;
    uint8_t opcode;
    uint32_t opaque;
    size_t key_size;
    uint8_t key[DIFFERENCE_KEY_MAX]; /* cut to what fits */
};

/* What is told of a response once it is built; the construction itself does not look at it. */
struct construct_label {
    enum difference_check check;
    int outcome; /* enum outcome of settle.h, if the response is as it has to be */
    const struct connection *connection;
    struct net_origin origin;
    struct construct_request request;
};

/* What is wrong with a response that was built. The spans are valid during the call. */
struct construct_fault {
    enum kvr_error error; /* the writer refused it with this; KVR_OK: it did not */
    int signal;           /* the writer died of this; 0: it did not */
    bool after_death;     /* ... before it came to this response */
    struct comparison comparison;
    struct span reference;
    struct span built;
};

/* Told once of each response, in order; `fault` NULL: it is as it has to be. */
struct construct_listener {
    void *context;
    void (*built)(void *context, const struct construct_label *label, struct span response,
                  const struct construct_fault *fault);
};

struct construct;

/* NULL if there is no memory. */
struct construct *construct_create(const struct construct_options *options,
                                   const struct construct_listener *listener);
void construct_destroy(struct construct *construct); /* what is gathered still goes untold */

/*
 * The flat encoder's bytes of a description, valid until the next call. size 0: it can't be
 * encoded, and *error says why.
 */
struct span construct_flat(struct construct *construct, const struct kvr_response *response,
                           enum kvr_error *error);

/*
 * Gathers a response. `bytes`, which are copied, are what it has to be when built: a whole frame,
 * equal to the flat encoder's and (under masks) to the recorded one. Returns its label, for the
 * caller to fill in before the next call, or NULL if there is no memory.
 */
struct construct_label *construct_add(struct construct *construct, struct span bytes);

/* Builds what is gathered, and tells of it. */
void construct_flush(struct construct *construct);

/*
 * Builds one response at once, for showing it: *built is valid until the next response is built.
 * What is gathered is flushed first.
 */
enum kvr_error construct_one(struct construct *construct, const struct kvr_response *response,
                             struct span *built);

#endif
