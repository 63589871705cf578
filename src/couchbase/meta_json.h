/*
 * The meta data that MUTATE_WITH_META has as JSON behind the document in its value. Source:
 * docs/mutate-with-meta.md and daemon/protocol/mcbp/mutate_with_meta_context.cc in
 * couchbase/kv_engine.
 */
#ifndef KVREPLAY_COUCHBASE_META_JSON_H
#define KVREPLAY_COUCHBASE_META_JSON_H

#include "base/span.h"
#include "couchbase/meta.h"

#include <jansson.h>

enum { META_FAULT_SIZE = 128 };

/* Reads it, and returns the object, which the caller gives up by json_decref(). NULL: `fault` is
 * the text of the error. `value` is inflated. */
json_t *meta_json_read(struct span extras, struct span value, struct with_meta *meta,
                       char fault[META_FAULT_SIZE]);

/* Whether options and document fit together; `has_xattrs`: attributes stand before its body. False:
 * `fault` says why not. */
bool meta_json_fits(const json_t *json, const struct with_meta *meta, struct span document,
                    bool has_xattrs, char fault[META_FAULT_SIZE]);

/* Writes the change's numbers into the document, where they are to be. */
void meta_json_fill(const json_t *json, struct span document, uint64_t cas, uint64_t seqno,
                    uint8_t *filled);

#endif
