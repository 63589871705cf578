/*
 * Response construction under test: responses that have been agreed on are gathered, and built
 * together, as a server does with all that one read makes possible. What comes out is compared with
 * what has to.
 */
#ifndef KVREPLAY_CHECK_CONSTRUCT_H
#define KVREPLAY_CHECK_CONSTRUCT_H

#include "check/compare.h"
#include "net/flow.h"
#include "writer/plugin_process.h"

enum construct_reference {
    REFERENCE_CAPTURE, /* the recorded bytes */
    REFERENCE_FLAT,    /* the flat encoder's bytes of the same description */
    REFERENCE_WRITER,  /* another writer's bytes of the same description */
};

struct construct_options {
    const struct kvr_writer_type *writer; /* under test */
    enum construct_reference reference;
    const struct kvr_writer_type *reference_writer; /* for REFERENCE_WRITER */
    struct plugin_process *process;                 /* that the writer runs in; NULL: in this one */
    bool hostile;  /* each batch meets the buffer in a random state */
    uint64_t seed; /* of those states */
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

/* The caller's tag, passed back with the result. */
struct construct_label {
    enum difference_check check;
    int outcome; /* enum outcome of settle.h, if the response is as it has to be */
    const struct connection *connection;
    struct net_origin origin;
    struct construct_request request;
    struct mcbp_header header; /* of the response; set by construct_add */
};

/* Why nothing was built; all zero: something was. */
struct construct_failure {
    enum kvr_error error; /* the writer returned this */
    const char *end;      /* how its process ended in the call, valid as long as the fault is */
    size_t together;      /* with so many responses; each of them alone is built */
    bool given_up;        /* the writer was not called any more */
};

/* What is wrong with a response. The spans are valid during the call. */
struct construct_fault {
    struct construct_failure failure;
    struct comparison comparison;
    struct span reference;
    struct span built;
};

/* Told once of each response, in order; `fault` NULL: it is as it has to be. */
struct construct_listener {
    void *context;
    void (*built)(void *context, const struct construct_label *label,
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
 * Gathers a response. The frame, which is copied, is what it has to be when built: whole, and equal
 * to the flat encoder's and (under masks) to the recorded one. Returns its label, for the
 * caller to fill in before the next call, or NULL if there is no memory.
 */
struct construct_label *construct_add(struct construct *construct, const struct mcbp_frame *frame);

/* Builds what is gathered, and reports it. */
void construct_flush(struct construct *construct);

bool construct_has_failed(const struct construct_failure *failure);
void construct_describe_failure(const struct construct_failure *failure,
                                char text[DIFFERENCE_DETAIL_SIZE]);

/*
 * Builds what is gathered and destroys the state of a writer in a process of its own. True: that
 * failed, and `problem` says how.
 */
bool construct_finish(struct construct *construct, char problem[DIFFERENCE_DETAIL_SIZE]);

/* Something was not built, and not reported, for lack of memory or of a process. */
bool construct_is_incomplete(const struct construct *construct);

/* Likewise since the user interrupted a call that did not return. */
bool construct_is_interrupted(const struct construct *construct);

/*
 * Builds one response, whole in `bytes`, at once, for showing it: *built and *failure are valid
 * until the next response is built. Where the writer is not called any more, *built is `bytes`.
 * What is gathered is flushed first.
 */
void construct_one(struct construct *construct, struct span bytes, struct span *built,
                   struct construct_failure *failure);

#endif
