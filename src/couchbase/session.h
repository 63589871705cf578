/*
 * What a connection has agreed on, from the inside.
 */
#ifndef KVREPLAY_COUCHBASE_SESSION_H
#define KVREPLAY_COUCHBASE_SESSION_H

#include "couchbase/couchbase.h"
#include "mcbp/feature.h"

struct couchbase_session {
    struct couchbase_node *node;
    mcbp_feature_set features; /* that were granted */
    struct sasl_server *sasl;  /* NULL: nobody has begun to log in */
    bool authenticated;
    bool has_bucket;
};

static inline bool session_has(const struct couchbase_session *session, enum mcbp_feature feature)
{
    return mcbp_feature_is_in(session->features, feature);
}

/* The datatype bits that the client is sent, and may send. */
uint8_t session_datatypes(const struct couchbase_session *session);

#endif
