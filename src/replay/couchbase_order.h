/*
 * The order of requests about one document that overlap in time.
 *
 * The CAS in an answer tells the version of the document that the request has made or seen, and
 * versions follow one another in the order of their CAS values. So there is nothing to search:
 * changes are executed in that order, each as soon as all that were sent before its answer are
 * answered themselves; what changes nothing is executed as soon as its answer is right.
 */
#ifndef KVREPLAY_REPLAY_COUCHBASE_ORDER_H
#define KVREPLAY_REPLAY_COUCHBASE_ORDER_H

#include "base/list.h"
#include "replay/run.h"
#include "replay/settlement.h"

/* A request about a document: it waits for its answer, or that is kept. */
struct doing {
    struct list_link link; /* of those about the document, in the order in which they were sent */
    struct connection *connection;
    uint8_t opcode;
    bool changes;   /* the document, as far as its opcode goes */
    bool is_kept;   /* it has been answered; what follows is set */
    uint64_t asked; /* sequence; of the answer likewise */
    uint64_t answered;
    uint64_t version; /* that it makes; 0: none, or its answer does not tell */
    struct pending request;
    struct mcbp_frame answer; /* in a copy, from the run's blocks; header.magic 0: silence */
    struct net_origin origin; /* of the answer */
};

/* Judges the answer (NULL: silence) and reports it. `strict`: only if it is right; false: it is
 * not. */
typedef bool couchbase_settle(struct run *run, struct connection *connection,
                              const struct pending *request, const struct dissect_frame *response,
                              bool strict);

/* Adds a waiting request to those about its document. False: no memory. */
bool couchbase_order_add(struct run *run, struct connection *connection, struct pending *request);

/* Takes it out. */
void couchbase_order_remove(struct run *run, struct pending *request);

/* The request's answer can't be judged before those of others are there. */
bool couchbase_order_overlaps(const struct pending *request);

/* Keeps the answer; the request's memory goes over. False: no memory. */
bool couchbase_order_keep(struct run *run, struct pending *request,
                          const struct dissect_frame *response);

/* Judges what is kept of the document, as far as nothing is missing. */
void couchbase_order_advance(struct run *run, struct document *document, couchbase_settle *settle);

#endif
