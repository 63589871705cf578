/*
 * What a FLUSH with a delay takes. memcached tells what was stored before by the second of its
 * clock, which ticks at a phase that a capture does not show. So what was stored in the last second
 * that the FLUSH takes may be left, and what was stored in the next may be taken; an answer that
 * tells of the item settles it. What a FLUSH has taken is there again when another with a longer
 * delay calls it off, unless memcached has come across it in the meantime and dropped it.
 * Without CAS values the second is all that tells, for a FLUSH at once, too.
 * Source: process_bin_flush and item_is_flushed in memcached 1.6.
 */
#ifndef KVREPLAY_REPLAY_DELAYED_H
#define KVREPLAY_REPLAY_DELAYED_H

#include "engine/engine.h"

/* The store has the item, which was looked at as SAVED_WHOLE, but the server may not have it. */
bool delayed_may_have_taken(const struct engine_flush *flush, const struct engine_item *item);

/* The store has the item, but a server without CAS values may not: a FLUSH at once takes what is
 * stored behind it in the same second, too. */
bool delayed_may_have_taken_by_second(const struct engine_flush *flush,
                                      const struct engine_item *item);

/* The store has flushed the item by `now`, but the server may have it. */
bool delayed_may_have_left(const struct engine_flush *flush, const struct engine_item *item,
                           int64_t now);

/* Whether the server has the item may depend on when, or is not certain. */
bool delayed_leaves_open(const struct engine_flush *flush, const struct engine_item *item);

/* The server has the item, so the FLUSH will not take it any more. */
void delayed_spare(const struct engine_flush *flush, struct engine_item *item);

#endif
