/*
 * RETURN_META: a change whose answer shows the meta data that it has made. Attributes don't survive
 * it, not even the system's. Source: returnMeta in engines/ep/src/ep_engine.cc in
 * couchbase/kv_engine.
 */
#ifndef KVREPLAY_COUCHBASE_RETURN_META_H
#define KVREPLAY_COUCHBASE_RETURN_META_H

#include "mcbp/frame.h"

enum {
    RETURN_META_ASKED = 12, /* bytes of the request's extras: mutation, flags, expiry */
    RETURN_META_SHOWN = 16, /* and of the answer's: flags, expiry, revision */
};

enum return_meta_mutation {
    RETURN_META_NONE,
    RETURN_META_SET,
    RETURN_META_ADD,
    RETURN_META_DELETE
};

/* NONE: it says no such. */
enum return_meta_mutation return_meta_mutation_of(const struct mcbp_frame *request);

#endif
