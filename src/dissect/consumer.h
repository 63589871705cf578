/*
 * What is looked for in a capture, and who receives what is found: packets, where their payload
 * lies, conversations and their frames.
 */
#ifndef KVREPLAY_DISSECT_CONSUMER_H
#define KVREPLAY_DISSECT_CONSUMER_H

#include "mcbp/frame.h"
#include "net/flow.h"

struct dissect_options {
    const char *filter; /* BPF; NULL: none */
    uint16_t port;      /* only conversations with that port at either end; 0: all */
    size_t frame_max;   /* bytes; a longer frame is taken for a lie */
    size_t conversations_max;
    size_t held_bytes_max;
    size_t held_segments_max;
    bool packets_only; /* nothing but `packet` is called, with no more than the packet */
};

enum dissect_role { FROM_CLIENT, FROM_SERVER };

/* A packet as it is read, with what it makes whole. */
struct dissect_packet {
    const struct net_packet *packet;
    const struct net_segment *segment;   /* NULL: none */
    const struct net_datagram *datagram; /* its fragments; NULL: it came in one packet */
};

/* Payload bytes that lie together. Each direction of a TCP conversation is a stream, and so is the
 * payload of each UDP datagram. */
struct dissect_range {
    uint64_t stream;
    uint64_t offset;
    size_t size;
};

/* Of a UDP datagram: this, and the number of its packet. TCP streams have lower numbers. */
static const uint64_t STREAM_OF_PACKET = UINT64_C(1) << 63;

/* A direction of a TCP conversation. */
struct dissect_stream {
    uint64_t number;
    uint64_t shift; /* from what dissect_frame.at counts to offsets, since the last loss */
};

/* An MCBP conversation, as a consumer sees it. */
struct dissect_conversation {
    uint64_t id;
    enum net_protocol protocol;
    struct net_endpoint client;
    struct net_endpoint server;
    bool from_start;         /* the capture has it from its first byte */
    uint64_t beginning_lost; /* bytes that are missing before the first frame, from either side */
    uint64_t first_packet;   /* of the conversation, whoever sent it */
    bool client_reset;       /* the client has ended it by RST, */
    bool server_reset;       /* or the server */
    struct dissect_stream streams[2]; /* TCP: by enum dissect_role */
    void *user;                       /* the consumer's own; NULL at first */
};

struct dissect_frame {
    struct mcbp_frame frame; /* valid during the call */
    struct net_origin origin;
    enum dissect_role role;
    uint64_t at; /* TCP: bytes that its side sent before it, as far as they are in the capture */
    bool bad_lengths;   /* only the header is set; bytes has the 24 bytes of the header */
    int32_t request_id; /* of memcached's UDP framing; -1 for TCP */
    /* Where it lies: one behind the other they begin with the frame's bytes. Several if it came in
     * several datagrams. Valid during the call. */
    const struct dissect_range *ranges;
    size_t ranges_count;
};

/* Any of these may be NULL. The conversation is valid until `closed` or `other` returns. */
struct dissect_consumer {
    void *context;
    /* Each packet, before the next calls tell what becomes of it. */
    void (*packet)(void *context, const struct dissect_packet *packet);
    /* The segment of a packet has had its turn, which may be later. `range` is where its payload
     * lies, also if it brought nothing new; NULL: in no stream. */
    void (*taken)(void *context, const struct net_segment *segment, const struct net_origin *origin,
                  const struct dissect_range *range);
    /* The next bytes of a conversation, which need not be MCBP, before they are framed. */
    void (*data)(void *context, struct dissect_conversation *conversation,
                 const struct dissect_range *range, struct span bytes);
    void (*frame)(void *context, struct dissect_conversation *conversation,
                  const struct dissect_frame *frame);
    /* So many bytes of that side are missing from the capture here, or (0) some could not be
     * framed; frames follow again behind. */
    void (*lost)(void *context, struct dissect_conversation *conversation, enum dissect_role role,
                 uint64_t missing);
    /* The server sent bytes that are no frame, with none lost before; then `lost` is called, too.
     */
    void (*malformed)(void *context, struct dissect_conversation *conversation, struct span bytes,
                      const struct net_origin *origin);
    /* A request has come but for all or some of its value; `frame` has none of it. If the rest
     * comes, it is delivered as a frame `at` the same place. TCP only. */
    void (*begun)(void *context, struct dissect_conversation *conversation,
                  const struct dissect_frame *frame);
    /* A frame has begun where one was expected, and the rest of it will not come. Of frame.frame
     * only `bytes` is set: what there is of it. */
    void (*unfinished)(void *context, struct dissect_conversation *conversation,
                       const struct dissect_frame *frame);
    /* In the first `size` of the bytes that the side sent from `at` on no frame begins. `bytes` is
     * what has come of them and behind them. Also while it is not clear yet whether the
     * conversation is MCBP, and who is the client. TCP only. */
    void (*skipped)(void *context, struct dissect_conversation *conversation,
                    enum dissect_role role, uint64_t at, size_t size, struct span bytes);
    /* What that side sent is memcached's text protocol, as the whole conversation is. */
    void (*text)(void *context, struct dissect_conversation *conversation, enum dissect_role role,
                 struct span bytes, const struct net_origin *origin);
    /* All frames that came in one segment or datagram have been delivered. */
    void (*settled)(void *context);
    /* That side has sent all that it will. */
    void (*end)(void *context, struct dissect_conversation *conversation, enum dissect_role role);
    void (*closed)(void *context, struct dissect_conversation *conversation);
    /* A conversation is over that was not MCBP. Of all calls with a conversation only `data`,
     * `skipped` and `text` may have come before, and `closed` does not. */
    void (*other)(void *context, struct dissect_conversation *conversation);
    /* Called now and then with what has been read of the file, for showing progress. */
    void (*progress)(void *context, uint64_t bytes_read, uint64_t bytes_total);
    /* Asked before each packet. True: the rest is not wanted, and the capture ends here. */
    bool (*stop)(void *context);
};

#endif
