/*
 * A connection's stream of requests, whatever their dialect.
 */
#ifndef KVREPLAY_SERVER_REQUEST_STREAM_H
#define KVREPLAY_SERVER_REQUEST_STREAM_H

#include <stddef.h>

struct couchbase_session;

/* Where a connection is in its stream of requests. */
struct requests {
    struct couchbase_session *session; /* NULL: memcached's dialect */
    size_t swallow;                    /* bytes that come before the next request */
    size_t needed; /* with fewer bytes than these in the input there is nothing to do */
};

enum requests_state {
    REQUESTS_WAIT,      /* for more input; all that could be answered is in the batch */
    REQUESTS_FULL,      /* the batch is: to be called again once it is written */
    REQUESTS_CLOSE,     /* what is in the batch is the last that this client is sent */
    REQUESTS_NO_MEMORY, /* the input can't be looked at: no more can be done for this client */
};

#endif
