/*
 * When frames were on the wire that are delivered late: a segment with a wrong checksum is kept for
 * a moment, as a right copy may follow it. Not thread-safe.
 */
#ifndef KVREPLAY_REPLAY_TIMELINE_H
#define KVREPLAY_REPLAY_TIMELINE_H

#include <stddef.h>
#include <stdint.h>

enum { TIMELINE_PACKETS = 64 };

struct timeline { /* all zero to begin with */
    struct {
        uint64_t packet;
        uint64_t sequence; /* of the last frame in it */
    } ends[TIMELINE_PACKETS];
    uint64_t count;
};

/* Each frame, with its sequence among all of the capture. Late ones are passed over. */
void timeline_note(struct timeline *timeline, uint64_t packet, uint64_t sequence);

/* The sequence of the last frame that was delivered before those behind that packet; of the first
 * packet that is remembered, if it was earlier. */
uint64_t timeline_sequence(const struct timeline *timeline, uint64_t packet);

#endif
