/*
 * replay: the recorded requests to a live server, and its answers beside the recorded ones.
 *
 * Each recorded connection gets one of its own to the server. What is checked of an answer is every
 * byte that no mask covers; of its CAS, that it is given out as the recorded one was: the same
 * where that was the same, a new one where that was new (live/value_map.h). CAS values in requests
 * are those that the server gave where the recorded one gave what was recorded; expiry times that
 * are points in Unix time are as far ahead as they were. That an answer is
 * there, and that none is there where none was recorded, is checked too; a quiet request's silence
 * is known when the server has answered something that was sent later on the same connection, if
 * need be a NOOP of our own.
 *
 * Order. Unless options say otherwise, the order of causes is kept over all connections: a request
 * is sent when the server has answered all requests whose recorded answers were there before it. So
 * a server whose answers follow from the requests gives the recorded ones, and what was pipelined
 * or concurrent when it was recorded still is.
 *
 * What can't be sent is counted: UDP, requests of the server's (0x82, DCP's messages) and the
 * client's answers to them, a client's bytes that are no frames. Of a request with lengths that
 * contradict each other its header is sent, and nothing more on that connection.
 *
 * Memory is bounded: the capture is read only as far as requests can be sent. One thread.
 */
#ifndef KVREPLAY_LIVE_LIVE_H
#define KVREPLAY_LIVE_LIVE_H

#include "live/histogram.h"
#include "live/login.h"
#include "replay/verify.h"

#include <signal.h>

struct live_options {
    /* Used of these: dissect, masks, pending_bytes_max, require_compared, max_loss, progress. */
    struct verify_options verify;
    const struct target *to;
    const struct target
        *against;              /* its answers are the reference, not the recorded ones; or NULL */
    const struct login *login; /* on every connection, in place of the recorded logins; NULL: those
                                  are sent */
    uint32_t pipeline;   /* requests in flight on each connection, in no order between them; 0: the
                            order of causes */
    double speed;        /* of the recorded times; 0: as fast as possible */
    uint64_t rate;       /* requests a second at most; 0: any */
    uint64_t limit;      /* requests sent of each capture; 0: all */
    uint64_t loops;      /* how often the captures are played; only the first is compared */
    bool rewrite_opaque; /* number requests anew, so that each answer names its request */
    unsigned timeout;    /* milliseconds without any answer before the server is given up */
    const volatile sig_atomic_t *interrupted; /* not 0: stop; may be NULL */
};

/* The defaults, as --help documents them. */
void live_options_init(struct live_options *options);

/* What it took, over all captures and loops. */
struct live_outcome {
    uint64_t connections;
    uint64_t requests;    /* sent, without our own NOOPs */
    uint64_t answers;     /* frames received, without those to them */
    uint64_t nanoseconds; /* from the first request sent to the last answer, over all captures */
    struct histogram *latencies[256]; /* by opcode: from when a request is handed to its socket, or
                                         waits for that because it takes no more, to its (last)
                                         answer; NULL: none. Quiet requests count only if they were
                                         answered */
};

struct live_run;

/* `options` and `outcome` have to stay; the outcome is zeroed. NULL: no memory. */
struct live_run *live_run_create(const struct live_options *options, struct live_outcome *outcome);

/* Plays one capture; the next of result->captures and the differences get what it found. */
void live_run_capture(struct live_run *run, const char *path, struct verify_result *result);

/* The captures begin again: what the server said before says nothing about what it says now. */
void live_run_begin_loop(struct live_run *run);

/* Plays a capture again, for its load: nothing is compared. If the server fails, `capture`, which
 * it was compared in, gets the problem. */
void live_run_repeat(struct live_run *run, struct verify_result *result,
                     struct capture_result *capture);

void live_run_destroy(struct live_run *run);
void live_outcome_deinit(struct live_outcome *outcome);

#endif
