/*
 * The order of requests about one document that overlap in time.
 *
 * The CAS in an answer tells the version of the document that the request has made or seen, and
 * versions follow one another in the order of their CAS values. So most answers have one place:
 * changes are executed in that order, each as soon as all that were sent before its answer are
 * answered themselves; what changes nothing is executed as soon as its answer is right. Where a
 * change tells no CAS, or nothing is known of the document, there may be several; one is taken that
 * the next answers agree with.
 */
#ifndef KVREPLAY_REPLAY_COUCHBASE_ORDER_H
#define KVREPLAY_REPLAY_COUCHBASE_ORDER_H

#include "base/list.h"
#include "couchbase/documents.h"
#include "replay/run.h"
#include "replay/settlement.h"

/* A request about a document: it waits for its answer, or that is kept. */
struct doing {
    struct list_link link; /* of those about the document, in the order in which they were sent */
    struct connection *connection;
    uint8_t opcode;
    bool changes;   /* the document, as far as its opcode goes */
    bool is_kept;   /* it has been answered; what follows is set */
    bool is_placed; /* for a trial */
    bool is_among;  /* other changes have overlapped with it */
    uint64_t asked; /* sequence; of the answer likewise */
    uint64_t answered;
    uint64_t version; /* that it makes; 0: none, or its answer does not tell */
    struct pending request;
    struct mcbp_frame answer; /* in a copy, from the run's blocks; header.magic 0: silence */
    struct net_origin origin; /* of the answer */
};

/* Those about one document, as long as there are any. */
struct about {
    struct list_link doings;
    size_t changes; /* of them */
    size_t kept;
    uint64_t newest;  /* version that one of them has made */
    uint64_t guessed; /* sequence; of those asked before, one was given one of several places */
    bool is_mixed;    /* one that brought its CAS has overlapped with another: no order is known */
    bool busy;
};

/* NULL: there are none. */
static inline struct about *about_of(const struct document *document)
{
    return document->user;
}

/* Whether that one may have run before `other`, though it was sent later, or the other way. */
bool couchbase_order_is_free(const struct doing *one, const struct doing *other);

enum settle_how {
    SETTLE,          /* judges the answer and reports it; below, only if it is right */
    SETTLE_IF_RIGHT, /* and false: it is not */
    SETTLE_IF_KNOWN, /* and nothing that is not known has to be taken from it */
    SETTLE_IF_OPEN,  /* or it tells of its client or of the server, rather than of the document */
    SETTLE_TRY,      /* executes it, and reports nothing */
};

/* The answer NULL: silence. */
typedef bool couchbase_settle(struct run *run, struct connection *connection,
                              const struct pending *request, const struct dissect_frame *response,
                              enum settle_how how);

/* Adds a waiting request to those about its document. False: no memory. */
bool couchbase_order_add(struct run *run, struct connection *connection, struct pending *request);

/* Takes it out. */
void couchbase_order_remove(struct run *run, struct pending *request);
void couchbase_order_take_out(struct run *run, struct document *document, struct doing *doing);

/* The request's answer can't be judged before those of others are there. */
bool couchbase_order_overlaps(const struct pending *request);

/* Keeps the answer; the request's memory goes over. False: no memory. */
bool couchbase_order_keep(struct run *run, struct pending *request,
                          const struct dissect_frame *response);

/* The answer that is kept has been judged. */
void couchbase_order_release(struct run *run, struct doing *doing);

/* couchbase_place.c: judges what is kept of the document, as far as nothing is missing. */
void couchbase_order_advance(struct run *run, struct document *document, couchbase_settle *settle);

#endif
