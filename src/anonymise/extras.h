/*
 * How long a command's extras are. What is longer has a length that lies: a key or a value is in
 * it.
 */
#ifndef KVREPLAY_ANONYMISE_EXTRAS_H
#define KVREPLAY_ANONYMISE_EXTRAS_H

#include "mcbp/frame.h"

/*
 * The longest extras that a frame with this header may have, in bytes; 0: none, or nothing is known
 * of them. Sizes are those of doc/protocol-binary.txt of memcached/memcached and of
 * docs/BinaryProtocol.md, docs/dcp and docs/range_scans of couchbase/kv_engine.
 */
size_t extras_longest(const struct mcbp_header *header);

#endif
