/*
 * What a connection has agreed on, from the inside.
 */
#ifndef KVREPLAY_COUCHBASE_SESSION_H
#define KVREPLAY_COUCHBASE_SESSION_H

#include "couchbase/config.h"
#include "couchbase/couchbase.h"
#include "mcbp/feature.h"

struct couchbase_session {
    struct couchbase_node *node;
    mcbp_feature_set features; /* that were granted */
    struct sasl_server *sasl;  /* NULL: nobody has begun to log in */
    bool authenticated;
    bool has_bucket;
    size_t statistics;           /* rows that the STAT at hand has been answered with */
    struct config_version told;  /* the bucket's configuration that the client was given last */
    int64_t told_configurations; /* of the cluster's, those that it was told of */
};

static inline bool session_has(const struct couchbase_session *session, enum mcbp_feature feature)
{
    return mcbp_feature_is_in(session->features, feature);
}

/* Whether the client may do what an administrator may: as with kv_engine, these are users whose
 * names begin with '@'; everybody, where there are no users. */
bool session_is_administrator(const struct couchbase_session *session);

/* The datatype bits that the client is sent, and may send. */
uint8_t session_datatypes(const struct couchbase_session *session);

#endif
