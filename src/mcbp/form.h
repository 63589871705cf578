/*
 * The form that frames of an opcode have: which lengths of extras, whether a key, whether a value.
 * The table is in opcode.h. Sizes are those of doc/protocol-binary.txt of memcached/memcached and
 * of docs/BinaryProtocol.md, docs/dcp, docs/range_scans and daemon/mcbp_validators.cc of
 * couchbase/kv_engine.
 */
#ifndef KVREPLAY_MCBP_FORM_H
#define KVREPLAY_MCBP_FORM_H

#include "mcbp/frame.h"

/*
 * Whether the lengths in a header are those of a frame that clients and servers send in earnest.
 * False for opcodes without a name. A server may have to answer other requests too, if only to
 * refuse them: this is for places where a frame is only guessed at.
 */
bool mcbp_form_is_known(const struct mcbp_header *header);

/* Whether a frame with this header may have extras as long as it says. */
bool mcbp_form_has_extras(const struct mcbp_header *header);

/* True for the opcodes whose answer has the request's key: GETK, GATK and their quiet forms. */
bool mcbp_form_repeats_key(uint8_t opcode);

#endif
