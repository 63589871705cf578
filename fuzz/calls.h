/*
 * Calls of writers: the responses of an input, in calls as the input divides them. Shared by the
 * targets response and oom.
 */
#ifndef KVREPLAY_FUZZ_CALLS_H
#define KVREPLAY_FUZZ_CALLS_H

#include "description.h"

enum { CALLS_PREAMBLE = 8 };

struct calls {
    uint8_t state;    /* of the buffer: enum hostile_state */
    size_t tail;      /* see there */
    size_t threshold; /* from which on values are sent by reference */
    uint16_t refuse;  /* the allocation that fails (oom) */
    bool refuse_rest; /* and all after it */
    bool again; /* another writer expected the same before: the bytes are in the sink's array */
    size_t count;
    struct description descriptions[DESCRIPTIONS_MAX];
    struct counting_owner owners[DESCRIPTIONS_MAX];
    struct span frames[DESCRIPTIONS_MAX]; /* as the flat encoder makes them; empty: impossible */
};

/*
 * The preamble: state, options (0x01 small threshold, 0x02 no references, 0x80 refuse the rest),
 * tail (16 bits), allocation to refuse (16 bits), and two bytes for nothing.
 */
void calls_take(struct calls *calls, struct span input);

/* The responses of the call that begins with number `first`. Returns how many. */
size_t calls_next(const struct calls *calls, size_t first, struct kvr_response *responses,
                  bool *impossible);

/* Expects the call's bytes in the sink; the caller has checked that it is possible. */
void calls_expect(const struct calls *calls, size_t first, size_t count);

/* Values handed over by reference were let go of as often; the sink is empty. */
void calls_check_owners(const struct calls *calls);

#endif
