/*
 * What is kept of changes by requests that are not executed, of a server and of a connection; see
 * unseen.h.
 */
#ifndef KVREPLAY_REPLAY_UNSEEN_STATE_H
#define KVREPLAY_REPLAY_UNSEEN_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is known of one key since there were unseen requests; by sequence. */
struct unseen_key {
    uint64_t hash;    /* of the key; 0: a free slot */
    uint64_t changed; /* the last moment at which its own unseen requests may have run */
    uint64_t certain; /* when the request was sent that has shown it; it is known since then */
    uint64_t written; /* the same; when it expires is known, too */
    uint64_t told;    /* the last CAS of which the capture tells what the item held; 0: none */
    uint32_t waiting; /* its own unseen requests that may still run */
};

/* Of a server; all zero to begin with. */
struct unseen {
    bool begun;              /* there were unseen requests */
    unsigned open;           /* connections with some that may still run */
    int64_t until;           /* the first `until` of those may be then, or later */
    int64_t text_until;      /* those in the text protocol may still run; 0: there are none */
    uint64_t ended;          /* the last moment at which unseen requests may have run; 0: none */
    uint64_t cas;            /* the highest that the server has told */
    uint64_t cas_before;     /* versions up to that one are from before all unseen requests */
    struct unseen_key *keys; /* open addressing; `room` is a power of two */
    size_t room;
    size_t used;
};

/* Of a connection; all zero to begin with. */
struct unseen_requests {
    bool open;             /* it has unseen requests that may still run */
    uint64_t since;        /* an answer to a request sent later (by sequence) ends that */
    int64_t until;         /* and so does that time, Unix nanoseconds */
    uint64_t asked_packet; /* of the last request that is in the capture, or of the beginning */
    uint64_t asked_cas;    /* the highest that the server had told then */
};

#endif
