/*
 * What the parts of replay share while a capture is played. Private to src/live.
 *
 *   play.c    what dissecting tells of; begin and end
 *   order.c   when a request may be sent, and what is done when the server does not answer
 *   lane.c    a connection: its requests and whose answers are whose
 *   judge.c   the verdict on a request's answers
 */
#ifndef KVREPLAY_LIVE_PLAY_H
#define KVREPLAY_LIVE_PLAY_H

#include "base/blocks.h"
#include "live/cas_map.h"
#include "live/live.h"
#include "live/peer.h"

enum { OFFSET_OPAQUE = 12, OFFSET_CAS = 16 }; /* in a frame */

/* Who answers: the capture, the server, and the one that --against names. */
enum track { RECORDED, LIVE, OTHER, TRACKS };

struct answer {
    struct answer *next;
    struct net_origin origin; /* of a recorded one */
    size_t size;
    uint8_t bytes[];
};

/* One track's answers to a request. */
struct answers {
    struct answer *first;
    struct answer *last;
    bool done;    /* no more come */
    bool unknown; /* more may have been sent: lost from the capture, or the connection broke */
};

/* A request and the answers to it. */
struct exchange {
    struct net_origin origin;
    uint64_t sent_at; /* monotonic nanoseconds; 0: not handed to the socket yet */
    uint32_t opaque;
    uint32_t sent_opaque;
    uint8_t magic;
    uint8_t opcode;
    bool quiet;
    bool fence;   /* a NOOP of our own */
    bool owed;    /* counted as such */
    bool settled; /* judged; it goes when those before it have gone */
    struct answers answers[TRACKS];
    size_t key_size; /* of the request's key, cut to DIFFERENCE_KEY_MAX */
    uint8_t key[];
};

enum { ASKED_SHOWN = DIFFERENCE_EXCERPT };

/* What servers have sent of their own accord on a connection, of one magic and opcode. */
struct asked {
    struct asked *next;
    uint64_t counts[TRACKS];
    struct mcbp_header header; /* of the live server's first */
    size_t size;               /* of that */
    uint8_t bytes[ASKED_SHOWN];
};

/* A recorded connection and those to the servers. */
struct lane {
    struct play *play;
    struct lane *next;
    struct lane *previous;
    struct lane *next_unsent;
    struct lane *next_draining;
    struct dissect_conversation known; /* a copy: the dissector's ends with `closed` */
    struct peer peers[TRACKS];         /* that of RECORDED is never open */
    struct lane_end {
        struct lane *lane;
        enum track track;
    } ends[TRACKS];          /* contexts of the peers */
    bool cut[TRACKS];        /* nothing more comes from that server */
    char why[TRACKS][64];    /* what it was cut by, unless the server has closed it in order */
    bool cut_within[TRACKS]; /* an answer */
    struct exchange **queue; /* a ring; `room` is a power of two */
    size_t room;
    uint64_t head;                 /* number of the first exchange in it */
    uint64_t end;                  /* behind the last */
    uint64_t open_from[TRACKS];    /* all before are done */
    uint64_t unsent_from;          /* all before have been handed to the socket */
    struct answer *strays[TRACKS]; /* answers to no request, until a fence tells whose they are */
    unsigned stray_count[TRACKS];
    uint64_t in_flight; /* requests that have to be answered and are not, fences among them */
    uint64_t owed;      /* requests answered in the capture, but not by all servers */
    uint64_t fence_end; /* behind the last fence; 0: there was none */
    bool fenced;        /* one is under way */
    uint32_t next_opaque;
    struct lane_last { /* the request that was sent last */
        struct net_origin origin;
        uint32_t opaque;
        uint8_t magic;
        uint8_t opcode;
    } last;
    struct asked *asked; /* what servers have sent of their own accord, by kind */
    bool connected;      /* tried to */
    bool malformed;      /* a request was, so nothing more is sent: servers close upon it */
    bool unsent;         /* in the list of those that have something to send */
    bool finishing;      /* the client has sent all that it would */
    bool half_closed;
    uint64_t received_seen; /* bytes that its servers had sent when it was last looked at */
    bool let_go[TRACKS];    /* that server closed when it had answered everything and been told that
                               nothing more comes */
    bool recorded_end;      /* the recorded server has closed */
    bool recorded_first;    /* and that before its client */
    bool recorded_lost;     /* of what it has sent, some is not in the capture */
    bool lingers;           /* a server has not closed it in time, nor answered a NOOP */
    bool drained; /* nothing is to be expected of the servers: their connections are closed */
    bool closed;  /* the capture tells no more of it */
};

/* The whole run. */
struct play {
    const struct live_options *options;
    struct live_outcome *outcome;
    struct verify_result *result;
    struct capture_result *capture;
    struct event_base *base;
    struct event *tick;
    struct event *due;
    uint8_t room[PEER_ROOM];
    struct blocks blocks;
    struct cas_map from_recorded[TRACKS]; /* what a server gives for a recorded CAS */
    struct cas_map from_earlier[TRACKS];  /* the same of the capture before */
    struct cas_map from_other;            /* what LIVE gives for OTHER's */
    struct lane *lanes;
    struct lane *unsent;
    uint64_t owed;         /* in all lanes */
    struct lane *draining; /* finishing, but not drained */
    unsigned draining_count;
    uint64_t sent;      /* requests of this capture */
    uint64_t awaited;   /* exchanges whose recorded answers may still come */
    int64_t first_time; /* recorded, of the first request */
    uint64_t began_at;  /* monotonic nanoseconds: when that was sent; 0: not yet */
    uint64_t answered_at;
    uint64_t progress_at; /* when a server last did what moves the run on */
    unsigned nudges;      /* since then */
    bool lingering;       /* a server leaves connections open, so their ends are not waited for */
    bool comparing;
    bool stopped; /* nothing is sent or waited for any more */
    bool no_memory;
};

uint64_t play_now(void); /* monotonic nanoseconds */

/* The first problem of a capture is the one that is told. */
void play_problem(struct play *play, const char *format, ...) __attribute__((format(printf, 2, 3)));

static inline bool play_uses(const struct play *play, enum track track)
{
    return track != OTHER || play->options->against != NULL;
}

/* The track that the server's answers are compared with. */
static inline enum track play_reference(const struct play *play)
{
    return play->options->against != NULL ? OTHER : RECORDED;
}

const char *play_server(const struct play *play, enum track track);

/* ------------------------------------------------------------------------------------- lane.c */

struct lane *lane_create(struct play *play, const struct dissect_conversation *conversation);
void lane_destroy(struct lane *lane);

static inline struct exchange *lane_at(const struct lane *lane, uint64_t number)
{
    return lane->queue[number & (lane->room - 1)];
}

/* A new exchange at the end, for a request with that key. One that is not sent gets no answers.
 * NULL: no memory. */
struct exchange *lane_push(struct lane *lane, const struct mcbp_header *header, struct span key,
                           bool sent);

/* Pairs an answer with its request and keeps it. False: there is none that waits for such. */
bool lane_answer(struct lane *lane, enum track track, const struct mcbp_frame *frame,
                 const struct net_origin *origin);

/* Whether that server still has to answer something. */
bool lane_awaits(const struct lane *lane, enum track track);

/* No more answers come to the requests before that number. `unknown`: but some may have been sent.
 */
void lane_settle(struct lane *lane, enum track track, uint64_t before, bool unknown);

/* That server has closed: nothing more comes to anything. */
void lane_end(struct lane *lane, enum track track);

/* The recorded server has closed the connection because of what it was sent last, and the live one
 * is expected to. */
bool lane_expects_end(const struct lane *lane);

/* Everything has been answered, only a server's end is not there. */
bool lane_only_open(const struct lane *lane);

/* Waits no more for a server's end. */
void lane_leave_open(struct lane *lane);

/* Notes what a server has sent of its own accord. */
void lane_asked(struct lane *lane, enum track track, const struct mcbp_frame *frame);

/* The servers will send nothing more that matters. */
bool lane_is_drained(const struct lane *lane);

/* ------------------------------------------------------------------------------------- send.c */

/* A recorded request, to each server as it has to get it, unless the lane takes no more. */
void lane_send(struct lane *lane, const struct dissect_frame *request);

/* Sends a NOOP of our own, if none is under way. When it has been answered, so has been everything
 * that was sent before. */
void lane_fence(struct lane *lane);

/* ------------------------------------------------------------------------------------ judge.c */

/* All tracks have answered. Takes the answers' memory back. */
void judge(struct lane *lane, struct exchange *exchange);

/* An answer to nothing that was asked. */
void judge_stray(struct lane *lane, enum track track, const struct answer *answer);

/* The server's bytes are no frame. */
void judge_malformed(struct lane *lane, struct span bytes);

/* The lane is over. A server that has closed it without a reason is no server to compare with. */
void judge_end(const struct lane *lane);

/* Whether the server has closed the connection, as the other one has. */
void judge_open(struct lane *lane);

void answer_give_back(struct play *play, struct answer *answer);

/* ------------------------------------------------------------------------------------ order.c */

/* The lane has something to send. */
void order_unsent(struct lane *lane);

/* Waits until the next request, which came at `time`, may be sent on the lane. */
void order_wait_turn(struct lane *lane, int64_t time, bool uses_cas);

/* False: more memory than allowed is in use, though the servers have answered everything. */
bool order_wait_memory(struct play *play);

/* Nothing more is sent on the lane. Waits until its servers have said all that they will, or, where
 * there is no order between lanes, until there are few that have not; afterwards the lane's
 * connections are closed, and it itself if `closed` is set. */
void order_finish(struct lane *lane);
void order_finish_all(struct play *play);

/* Gives everything up. */
void order_stop(struct play *play);

#endif
