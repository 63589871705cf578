/*
 * A Couchbase server of one node and one bucket, as its clients see it through MCBP: what it
 * answers to a request, given what was agreed on the connection and what the bucket holds. No I/O,
 * no clock.
 *
 * Sources: couchbase/kv_engine, docs/BinaryProtocol.md, docs/Collections.md, docs/Durability.md,
 * daemon/mcbp_validators.cc, daemon/protocol/mcbp and engines/ep.
 *
 * Thread safety: none of these may be called for a node, or for sessions of it, by two threads at
 * the same time. Values that answers refer to may be retained and released by any thread, also
 * after the node is gone.
 */
#ifndef KVREPLAY_COUCHBASE_COUCHBASE_H
#define KVREPLAY_COUCHBASE_COUCHBASE_H

#include "kvresponse/kvresponse.h"
#include "mcbp/frame.h"

enum {
    COUCHBASE_FRAME_MAX = 30 << 20,      /* bytes of a body; a longer one ends the connection */
    COUCHBASE_VALUE_MAX = 20 << 20,      /* bytes of a document */
    COUCHBASE_UNKNOWN_FRAME_MAX = 16384, /* bytes of a body before the client has authenticated */
    COUCHBASE_VBUCKETS_MAX = 1024,
    COUCHBASE_RESPONSES = 16, /* the most that one request is answered with */
    COUCHBASE_KEY_MAX = 251,  /* bytes, with the collection */
};

struct sasl_users;

/* A collection beside the default one. */
struct couchbase_collection {
    const char *scope;
    const char *name;
};

struct couchbase_options {
    const char *bucket; /* its name */
    unsigned vbuckets;  /* a power of two, at most COUCHBASE_VBUCKETS_MAX */
    size_t memory_max;  /* bytes that documents may take; 0: no limit. More are refused */
    uint16_t port;      /* that clients are told to come to */
    bool tls;           /* it is the port of TLS */
    const struct couchbase_collection *collections;
    size_t collections_count;
    bool any_collection; /* clients may use every number as a collection's: a replay knows no names
                          */
    const struct sasl_users *users; /* who may log in; NULL: anybody. They outlive the node */
};

struct couchbase_node;

/* Copies the options. NULL: no memory, or no random numbers. */
struct couchbase_node *couchbase_node_create(const struct couchbase_options *options);

/* Its sessions are gone before. NULL is allowed, here and for a session. */
void couchbase_node_destroy(struct couchbase_node *node);

/* What holds on a connection: features, bucket, who the client is. */
struct couchbase_session;

/* NULL: no memory. */
struct couchbase_session *couchbase_session_create(struct couchbase_node *node);
void couchbase_session_destroy(struct couchbase_session *session);

/* The longest body that this client may send now. */
size_t couchbase_session_frame_max(const struct couchbase_session *session);

/* Of a change that brings its meta data with it, and what is there. */
enum meta_resolution {
    META_OPEN,
    META_WINS, /* what the request brings is newer, */
    META_LOSES /* or what is there */
};

/* What another server has given the change, which this one takes over. 0: it decides by itself. */
struct couchbase_told {
    uint64_t cas;
    uint64_t seqno;
    uint32_t max_ttl; /* of the document's collection, seconds */
    bool replica;     /* what is asked of one finds the document */
    enum meta_resolution resolution;
};

struct couchbase_request {
    const struct mcbp_frame *frame; /* whole; magic 0x80 or 0x08 */
    int64_t now;                    /* Unix time in nanoseconds */
    struct couchbase_told told;
};

struct couchbase_answer {
    struct kvr_response responses[COUCHBASE_RESPONSES]; /* valid until the next call for the node */
    size_t count;                                       /* 0: nothing is sent */
    bool close;                                         /* the connection, after this */
    bool more; /* the same request is to be executed again, for the rest of its answer */
};

/* Where memory runs out the answer is NO_MEMORY, and nothing has changed. It says that the server
 * took no time, unless that is set. */
void couchbase_execute(struct couchbase_node *node, struct couchbase_session *session,
                       const struct couchbase_request *request, struct couchbase_answer *answer);

/*
 * How many configurations there have been, of the bucket and of the cluster. When there is another,
 * sessions may have to be told: each that wants that (HELLO), and does not know it yet, is given
 * requests of the server's, to be sent as answers are. False: there is nothing to be told.
 */
int64_t couchbase_node_configurations(const struct couchbase_node *node);
bool couchbase_session_tell(struct couchbase_session *session, struct couchbase_answer *answer);

/* So many microseconds is what the last answer says that the server took. */
void couchbase_set_duration(struct couchbase_node *node, uint64_t microseconds);

/* The answer to a request that could not be received, for lack of memory: of its frame, only the
 * header is looked at. */
void couchbase_refuse(struct couchbase_node *node, struct couchbase_session *session,
                      const struct couchbase_request *request, struct couchbase_answer *answer);

#endif
