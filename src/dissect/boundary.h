/*
 * Whether bytes are MCBP, where in a stream a frame begins, and what else a stream may be.
 */
#ifndef KVREPLAY_DISSECT_BOUNDARY_H
#define KVREPLAY_DISSECT_BOUNDARY_H

#include "mcbp/frame.h"

/*
 * The first 24 bytes could be the header of a frame that somebody sends: lengths that fit each
 * other and `frame_max`, a datatype and a status that exist, an opcode with a name. Stricter than
 * parsing, for places where a frame is only guessed at.
 */
bool boundary_plausible(struct span bytes, size_t frame_max);

/* More: the lengths are also those that frames of the opcode have (mcbp/form.h). */
bool boundary_formed(struct span bytes, size_t frame_max);

/* Whether clients send a frame with such a header, not servers. A DCP producer, the server, sends
 * requests that its client answers. */
bool boundary_is_clients(const uint8_t *header);

/* Who sends the bytes in which a boundary is looked for. */
enum boundary_sender { BOUNDARY_OF_ANY, BOUNDARY_OF_CLIENT, BOUNDARY_OF_SERVER };

/*
 * The first 24 bytes are a header whose lengths fit each other and `frame_max`: enough where a
 * frame has to begin, if at all.
 */
bool boundary_possible(struct span bytes, size_t frame_max);

/*
 * `server` begins with the opcode and the opaque of the request header that `client` begins with:
 * an answer, even if its magic or its lengths are no answer's. An opaque of 0 says nothing; with it
 * the magic has to be a response's.
 */
bool boundary_is_echo(struct span client, struct span server);

enum boundary_search {
    BOUNDARY_FOUND,     /* at *offset */
    BOUNDARY_NONE,      /* nowhere before *offset; from there on more bytes may tell */
    BOUNDARY_UNDECIDED, /* a frame may begin at *offset; more bytes will tell */
};

/*
 * Looks for the first frame boundary in `bytes`, of which those from `segment` on arrived last, in
 * one TCP segment. A frame is accepted if its header has its opcode's form, `sender` sends such,
 * and one of these is so: another such header follows it, it ends where the bytes do, or it begins
 * where the segment does.
 */
enum boundary_search boundary_find(struct span bytes, size_t segment, enum boundary_sender sender,
                                   size_t frame_max, size_t *offset);

/* The header that `bytes` begins with has other lengths than any answer with its opcode. */
bool boundary_is_misshapen(struct span bytes);

/*
 * True if somewhere behind the header that `bytes` begins with there are whole responses one behind
 * the other, up to the end: then that header announces more than its frame has.
 */
bool boundary_chain(struct span bytes, size_t frame_max);

/*
 * The stream begins with a TLS client's hello in the framing of SSLv2, which old clients send
 * first. Its first bytes can be read as the header of a request as well, with a key of 256 bytes or
 * more.
 */
bool boundary_is_sslv2_hello(struct span client);

enum other_protocol { OTHER_MEMCACHED_TEXT, OTHER_TLS, OTHER_UNKNOWN };

/* What a stream is that is not MCBP, by the first bytes that either side sent. */
enum other_protocol boundary_other_protocol(struct span client, struct span server);

/* What a client of memcached's text protocol sent in one segment is whole lines that only read. */
bool boundary_text_only_reads(struct span client);

#endif
