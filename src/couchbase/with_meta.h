/*
 * Changes that bring their meta data with them, as clusters send them to each other: SET, ADD and
 * DELETE_WITH_META. Source: engines/ep/docs/protocol/set_with_meta.md and del_with_meta.md in
 * couchbase/kv_engine.
 */
#ifndef KVREPLAY_COUCHBASE_WITH_META_H
#define KVREPLAY_COUCHBASE_WITH_META_H

#include "couchbase/couchbase.h"
#include "couchbase/documents.h"
#include "couchbase/meta.h"
#include "mcbp/opcode.h"

static inline bool with_meta_is(uint8_t opcode)
{
    return opcode >= MCBP_SET_WITH_META && opcode <= MCBP_DELETEQ_WITH_META &&
           opcode != MCBP_SNAPSHOT_VB_STATES && opcode != MCBP_VBUCKET_BATCH_COUNT;
}

static inline bool with_meta_brings(uint8_t opcode)
{
    return with_meta_is(opcode) || opcode == MCBP_MUTATE_WITH_META;
}

/* False: its extras have another length, or, of MUTATE_WITH_META, the JSON is not as it has to be.
 */
bool with_meta_read(const struct mcbp_frame *request, struct with_meta *meta);

/* Its options don't fit together. Source: validateWithMetaOptions in engines/ep/src/ep_engine.cc.
 * NULL: they do; else the text of the error. */
const char *with_meta_fault(const struct with_meta *meta, bool last_write_wins);

/* META_OPEN: it depends on what is not known of the document. Source:
 * engines/ep/src/conflict_resolution.cc. `has_xattrs`: the request does. */
enum meta_resolution with_meta_resolve(const struct with_meta *meta,
                                       const struct document *document, bool last_write_wins,
                                       bool has_xattrs);

#endif
