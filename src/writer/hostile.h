/*
 * Buffers in the states that a writer has to cope with: made on purpose, for verify --hostile and
 * for the tests.
 */
#ifndef KVREPLAY_WRITER_HOSTILE_H
#define KVREPLAY_WRITER_HOSTILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct evbuffer;

enum hostile_state {
    HOSTILE_EMPTY,          /* no chunk at all */
    HOSTILE_TAIL,           /* a chunk with exactly `tail` bytes of room at its end */
    HOSTILE_REFERENCE_LAST, /* the last chunk refers to memory elsewhere: no room after it */
    HOSTILE_PARTLY_DRAINED, /* the chunk's beginning has been sent, `tail` bytes are free */
    HOSTILE_MANY_SMALL,     /* many chunks of a few bytes each, `tail` bytes free in the last */
    HOSTILE_PREPENDED,      /* a chunk that was filled from its end, none free */
    HOSTILE_ABANDONED,      /* two reservations that nobody committed, after `tail` free bytes */
    HOSTILE_STATES
};

/* What --verbose and a failed test call it. */
const char *hostile_state_text(enum hostile_state state);

/*
 * Brings `buffer`, which is empty, into that state; its content is then bytes to be sent before
 * what a writer appends. False if memory could not be had: the buffer is in some other state.
 */
bool hostile_make(struct evbuffer *buffer, enum hostile_state state, size_t tail);

/*
 * As hostile_make, state and tail drawn from *seed, which is advanced. Tails about a header's size
 * are drawn as often as all others.
 */
bool hostile_make_random(struct evbuffer *buffer, uint64_t *seed);

#endif
