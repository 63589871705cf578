/*
 * Whether bytes are MCBP, where in a stream a frame begins, and what else a stream may be.
 */
#ifndef KVREPLAY_REPLAY_BOUNDARY_H
#define KVREPLAY_REPLAY_BOUNDARY_H

#include "base/span.h"

/*
 * The first 24 bytes could be the header of a frame that somebody sends: lengths that fit each
 * other and `frame_max`, a datatype and a status that exist, an opcode with a name. Stricter than
 * parsing, for places where a frame is only guessed at.
 */
bool boundary_plausible(struct span bytes, size_t frame_max);

/*
 * The first 24 bytes are a header whose lengths fit each other and `frame_max`: enough where a
 * frame has to begin, if at all.
 */
bool boundary_possible(struct span bytes, size_t frame_max);

enum boundary_search {
    BOUNDARY_FOUND,     /* at *offset */
    BOUNDARY_NONE,      /* nowhere before *offset; from there on more bytes may tell */
    BOUNDARY_UNDECIDED, /* a frame may begin at *offset; more bytes will tell */
};

/*
 * Looks for the first frame boundary in `bytes`, of which those from `segment` on arrived last, in
 * one TCP segment. A frame is believed if its header is plausible and one of these is so: another
 * plausible header follows it, it ends where the bytes do, or it begins where the segment does.
 */
enum boundary_search boundary_find(struct span bytes, size_t segment, size_t frame_max,
                                   size_t *offset);

/*
 * True if somewhere behind the header that `bytes` begins with there are whole responses one behind
 * the other, up to the end: then that header announces more than its frame has.
 */
bool boundary_chain(struct span bytes, size_t frame_max);

enum other_protocol { OTHER_MEMCACHED_TEXT, OTHER_TLS, OTHER_UNKNOWN };

/* What a stream is that is not MCBP, by the first bytes that either side sent. */
enum other_protocol boundary_other_protocol(struct span client, struct span server);

#endif
