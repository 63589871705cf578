#include "couchbase/session.h"

#include "couchbase/node.h"
#include "sasl/server.h"

#include <stdlib.h>

struct couchbase_session *couchbase_session_create(struct couchbase_node *node)
{
    struct couchbase_session *session = calloc(1, sizeof(*session));
    if (session != NULL) {
        session->node = node;
        session->told = CONFIG_NONE;
        session->told_configurations = node->global_configurations;
    }
    return session;
}

void couchbase_session_destroy(struct couchbase_session *session)
{
    if (session != NULL && session->sasl != NULL) {
        sasl_server_destroy(session->sasl);
    }
    free(session);
}

bool session_is_administrator(const struct couchbase_session *session)
{
    if (session->node->users == NULL) {
        return true;
    }
    struct span user = session->sasl == NULL ? span_of(NULL, 0) : sasl_server_user(session->sasl);
    return session->authenticated && user.size > 0 && user.data[0] == '@';
}

size_t couchbase_session_frame_max(const struct couchbase_session *session)
{
    return session->authenticated ? COUCHBASE_FRAME_MAX : COUCHBASE_UNKNOWN_FRAME_MAX;
}

uint8_t session_datatypes(const struct couchbase_session *session)
{
    bool snappy = session_has(session, MCBP_FEATURE_SNAPPY) ||
                  session_has(session, MCBP_FEATURE_SNAPPY_EVERYWHERE);
    return (uint8_t)((session_has(session, MCBP_FEATURE_JSON) ? MCBP_DATATYPE_JSON : 0) |
                     (snappy ? MCBP_DATATYPE_SNAPPY : 0) |
                     (session_has(session, MCBP_FEATURE_XATTR) ? MCBP_DATATYPE_XATTR : 0));
}
