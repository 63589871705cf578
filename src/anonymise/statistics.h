/*
 * memcached's own statistics: the groups that clients ask for, the names in them, and what their
 * values look like. Other servers name buckets, users and keys in theirs.
 *
 * Source: doc/protocol.txt of memcached, and what 1.4 to 1.6 answer.
 */
#ifndef KVREPLAY_ANONYMISE_STATISTICS_H
#define KVREPLAY_ANONYMISE_STATISTICS_H

#include "base/span.h"

/* The key of a STAT request. */
bool statistics_is_group(struct span key);
/* ... that is answered with sizes in bytes for names. */
bool statistics_is_group_of_sizes(struct span key);

/* A name, which may have a slab class before it; `sizes`: or be a size. */
bool statistics_is_name(struct span name, bool sizes);
bool statistics_is_value(struct span value);

#endif
