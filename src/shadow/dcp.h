/*
 * Streams of changes (DCP) on one connection to a server: what it sends of a vbucket keeps the
 * order of its sequence numbers, in snapshots that it announces. Nothing is executed. What the
 * capture does not show, as behind lost bytes, is not held against the server.
 *
 * Sources: couchbase/kv_engine, docs/dcp/documentation; engines/ep/src/dcp/active_stream.cc (the
 * producer) and passive_stream.cc (what a consumer refuses).
 */
#ifndef KVREPLAY_SHADOW_DCP_H
#define KVREPLAY_SHADOW_DCP_H

#include "mcbp/frame.h"

struct shadow_dcp;

/* `whole`: all that both sides have sent so far is in the capture. NULL: no memory. */
struct shadow_dcp *shadow_dcp_create(bool whole);
void shadow_dcp_destroy(struct shadow_dcp *dcp); /* NULL is allowed */

/* Requests that streams begin and end by: their answers tell of streams, the server's messages
 * belong to one. */
bool shadow_dcp_is_about(uint8_t opcode);

/* The answer to such a request; `request` NULL: it is not in the capture. False: no memory. */
bool shadow_dcp_note_answer(struct shadow_dcp *dcp, const struct mcbp_frame *request,
                            const struct mcbp_frame *answer);

/* Bytes are missing from here on: any stream may have begun, gone on or ended. */
void shadow_dcp_lost(struct shadow_dcp *dcp);

enum shadow_dcp_verdict {
    SHADOW_DCP_RIGHT,
    SHADOW_DCP_UNEXPECTED,   /* it must not come here */
    SHADOW_DCP_WRONG_NUMBER, /* one of its numbers contradicts what came before */
    SHADOW_DCP_NO_MEMORY,
};

struct shadow_dcp_fault {
    const char *why; /* a sentence; static */
    size_t offset;   /* of the number, of 8 bytes, in the frame */
    uint64_t number; /* the nearest one that would be right */
};

/* Of a message that the server, as the producer, sends as a request. */
enum shadow_dcp_verdict shadow_dcp_judge(struct shadow_dcp *dcp, const struct mcbp_frame *message,
                                         struct shadow_dcp_fault *fault);

#endif
