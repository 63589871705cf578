/*
 * From a capture to MCBP frames: the stages capture, decode, flow and framing in one loop, with the
 * ledger that says what became of every byte. verify and inspect consume what it finds.
 */
#ifndef KVREPLAY_REPLAY_DISSECT_H
#define KVREPLAY_REPLAY_DISSECT_H

#include "mcbp/frame.h"
#include "net/flow.h"
#include "replay/result.h"

struct dissect_options {
    const char *filter; /* BPF; NULL: none */
    uint16_t port;      /* only conversations with that port at either end; 0: all */
    size_t frame_max;   /* bytes; a longer frame is taken for a lie */
    size_t conversations_max;
    size_t held_bytes_max;
    size_t held_segments_max;
};

/* The defaults, as --help documents them. */
void dissect_options_init(struct dissect_options *options);

enum dissect_role { FROM_CLIENT, FROM_SERVER };

/* An MCBP conversation, as a consumer sees it. */
struct dissect_conversation {
    uint64_t id;
    enum net_protocol protocol;
    struct net_endpoint client;
    struct net_endpoint server;
    bool from_start; /* the capture has it from its first byte */
    void *user;      /* the consumer's own; NULL at first */
};

struct dissect_frame {
    struct mcbp_frame frame; /* valid during the call */
    struct net_origin origin;
    enum dissect_role role;
    uint64_t at; /* TCP: bytes that its side sent before it, as far as they are in the capture */
    bool bad_lengths;   /* only the header is set; bytes has the 24 bytes of the header */
    int32_t request_id; /* of memcached's UDP framing; -1 for TCP */
};

/* Any of these may be NULL. The conversation is valid until `closed` returns. */
struct dissect_consumer {
    void *context;
    void (*frame)(void *context, struct dissect_conversation *conversation,
                  const struct dissect_frame *frame);
    /* Bytes of that side are missing from the capture here or (missing false) could not be framed;
     * frames follow again behind. */
    void (*lost)(void *context, struct dissect_conversation *conversation, enum dissect_role role,
                 bool missing);
    /* The server sent bytes that are no frame, with none lost before; then `lost` is told too. */
    void (*malformed)(void *context, struct dissect_conversation *conversation, struct span bytes,
                      const struct net_origin *origin);
    /* All frames that came in one segment or datagram have been told of. */
    void (*settled)(void *context);
    /* That side has sent all that it will. */
    void (*end)(void *context, struct dissect_conversation *conversation, enum dissect_role role);
    void (*closed)(void *context, struct dissect_conversation *conversation);
    /* Called now and then with what has been read of the file, for showing progress. */
    void (*progress)(void *context, uint64_t bytes_read, uint64_t bytes_total);
    /* Asked before each packet. True: the rest is not wanted, and the capture ends here. */
    bool (*stop)(void *context);
};

/*
 * Runs a whole capture through `consumer`, and counts it in `result`, which has been zeroed but for
 * its path: packets, connections, frames, opcodes and the ledger, with status and problem if it
 * can't be read to its end.
 */
void dissect_capture(const char *path, const struct dissect_options *options,
                     const struct dissect_consumer *consumer, struct capture_result *result);

#endif
