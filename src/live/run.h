/*
 * The data of a run, by what changes together; each part says who changes it. Private to src/live.
 */
#ifndef KVREPLAY_LIVE_RUN_H
#define KVREPLAY_LIVE_RUN_H

#include "base/blocks.h"
#include "base/clock.h"
#include "base/list.h"
#include "live/before.h"
#include "live/bindings.h"
#include "live/live.h"
#include "live/middle.h"
#include "live/peer.h"
#include "live/seqnos.h"
#include "mcbp/feature.h"
#include "mcbp/opcode.h"

enum { OFFSET_OPAQUE = 12, OFFSET_CAS = 16 }; /* in a frame */

/* Who answers: the capture, the server, and the one that --against names. */
enum track { RECORDED, LIVE, OTHER, TRACKS };

/* --------------------------------------------------------------------------------- a request */

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
    size_t count;
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
    bool fence;      /* a NOOP of our own */
    bool answer_due; /* answered in the capture, but not by all servers; counted */
    bool settled;    /* compared; it goes when those before it have gone */
    uint16_t vbucket;
    bool has_collection;            /* its key begins with the number of one */
    uint16_t xattr_paths;           /* a bit for each path of a subdocument command */
    uint64_t seqnos_before[TRACKS]; /* the vbucket's last when it was sent */
    struct before_request before;
    struct answers answers[TRACKS];
    size_t key_size; /* of the request's key, cut to DIFFERENCE_KEY_MAX */
    uint8_t key[];
};

/* The exchanges of a session that are not settled, or have such before them, by number. */
struct exchanges {
    struct exchange **ring;
    size_t room;   /* a power of two */
    uint64_t head; /* number of the first */
    uint64_t end;  /* behind the last */
};

/* --------------------------------------------------------------------------------- a session */

enum { SERVER_REQUEST_SHOWN = DIFFERENCE_EXCERPT };

/* What servers have sent of their own accord on a connection, of one magic and opcode. */
struct server_requests {
    struct server_requests *next;
    uint64_t counts[TRACKS];
    struct mcbp_header header; /* of the live server's first */
    size_t size;               /* of that */
    uint8_t bytes[SERVER_REQUEST_SHOWN];
};

/* A session's part of one track, and the connection that its answers come on. */
struct session_side {
    struct session *session;
    enum track track;
    struct peer peer;      /* of RECORDED never open */
    uint64_t open_from;    /* exchanges before that are done */
    struct answer *strays; /* answers to no request, until a fence settles whose they are */
    unsigned stray_count;
    bool cut;            /* nothing more comes from that server */
    bool cut_within;     /* an answer */
    bool closed_cleanly; /* after our half-close, with everything answered */
    char why[64];        /* it was cut, unless the server has closed it in order */
};

/* A recorded connection, and those to the servers that it is played on. */
struct session {
    struct live_run *run;
    struct list_link link;   /* of sessions.all */
    struct list_link unsent; /* of sessions.unsent; a list by itself: not there */
    struct session *next_draining;
    struct dissect_conversation known; /* a copy: the dissector's ends with `closed` */
    struct session_side sides[TRACKS];
    struct exchanges exchanges;
    uint64_t in_flight;   /* requests that have to be answered and are not, fences among them */
    uint64_t answers_due; /* requests answered in the capture, but not by all servers */
    uint64_t unsent_from; /* exchanges before that have been handed to the socket */
    uint64_t fence_end;   /* behind the last fence; 0: there was none */
    bool fenced;          /* one is under way */
    uint32_t next_opaque;
    struct session_last { /* the request that was sent last; of a QUIT, that */
        struct net_origin origin;
        uint32_t opaque;
        uint8_t magic;
        uint8_t opcode;
    } last;
    struct server_requests *server_requests; /* by kind */
    mcbp_feature_set features;               /* granted, in the capture or before it */
    const struct middle_start *start;        /* how it goes on that had begun before; or NULL */
    uint64_t bucket;                         /* selected; of found.before */
    uint64_t received_seen;                  /* bytes from its servers when it was last looked at */
    bool connected;                          /* tried to */
    bool malformed;       /* a request was, so nothing more is sent: servers close upon it */
    bool finishing;       /* the client has sent all that it would */
    bool half_closed;     /* our sides of the connections */
    bool lingers;         /* a server has not closed it in time, nor answered a NOOP */
    bool drained;         /* nothing more comes from the servers: their connections are closed */
    bool closed;          /* the capture has no more of it */
    bool recorded_closed; /* the recorded server has closed */
    bool recorded_closed_first; /* before its client */
    bool recorded_lost;         /* of what it has sent, some is not in the capture */
};

/* The server has been asked to close the connection; what was sent behind that is not answered. */
static inline bool session_has_quit(const struct session *session)
{
    return session->last.opcode == MCBP_QUIT || session->last.opcode == MCBP_QUITQ;
}

/* ----------------------------------------------------------------------------------- the run */

/* Which values of one server stand for which of another. compare.c learns it, translate.c uses it.
 */
struct translations {
    struct bindings from_recorded[TRACKS]; /* what a server gives for a recorded one */
    struct bindings from_earlier[TRACKS];  /* the same of the capture before */
    struct bindings from_other;            /* what LIVE gives for OTHER's */
};

/* How much later than it was recorded anything happened: seconds. send.c changes it. */
struct lateness {
    int64_t least;
    int64_t most;
    bool known;
};

/* What the capture at hand comes to. */
struct findings {
    struct verify_result *result;
    struct capture_result *capture;
    uint64_t failures_before;  /* memory_failures() when the capture began */
    size_t differences_before; /* shown, likewise */
    struct middle *middle;     /* connections that had begun before it; NULL: none, */
    struct before *before;     /* and what was there then */
    bool comparing;
};

/* All sessions, and the memory of their exchanges. session.c, send.c and pacing.c change it. */
struct sessions {
    struct list_link all;     /* those that began last first */
    struct list_link unsent;  /* those that have something to send */
    struct session *draining; /* finishing, but not drained */
    unsigned draining_count;
    uint64_t answers_due; /* in all of them */
    uint64_t awaited;     /* exchanges whose recorded answers may still come */
    struct blocks blocks;
};

/* When requests are sent and how long is waited for answers. pacing.c changes it. */
struct pacing {
    struct event_base *base;
    struct event *tick;
    struct event *due;
    int64_t first_time;  /* recorded, of the first request */
    uint64_t began_at;   /* monotonic nanoseconds: when that was sent; 0: not yet */
    uint64_t active_at;  /* when a server last did anything that was asked of it */
    unsigned nudges;     /* since then */
    uint64_t waiting_at; /* since when the run has been waiting; see pacing_progress */
    uint64_t waited;     /* nanoseconds of waiting before that, since it last got on */
    bool lingering;      /* a server leaves connections open, so their ends are not waited for */
};

struct live_run {
    const struct live_options *options;
    struct live_outcome *outcome;
    uint64_t sent;        /* requests of this capture */
    uint64_t answered_at; /* when the last answer came */
    struct translations translations;
    struct seqnos seqnos[TRACKS];
    struct lateness lateness;
    struct buffer expected; /* the reference's answer as the server has to give it */
    struct findings found;
    struct sessions sessions;
    struct pacing pacing;
    bool stopped; /* nothing is sent or waited for any more */
    bool no_memory;
    uint8_t room[PEER_ROOM];
};

/* Monotonic nanoseconds. */
static inline uint64_t run_now(void)
{
    return (uint64_t)clock_now(CLOCK_MONOTONIC);
}

static inline bool run_uses(const struct live_options *options, enum track track)
{
    return track != OTHER || options->against != NULL;
}

/* The track that the server's answers are compared with. */
static inline enum track run_reference(const struct live_options *options)
{
    return options->against != NULL ? OTHER : RECORDED;
}

static inline const struct target *run_target(const struct live_options *options, enum track track)
{
    return track == OTHER ? options->against : options->to;
}

/* A server has done what the run waits for. What it does beside that, like answering our own NOOPs
 * or sending what nobody asked for, is no reason to wait any longer. */
static inline void pacing_progress(struct pacing *pacing)
{
    pacing->active_at = pacing->waiting_at = run_now();
    pacing->nudges = 0;
    pacing->waited = 0;
}

#endif
