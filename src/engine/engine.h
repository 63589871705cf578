/*
 * The embedded store: executes requests as memcached 1.6 does over its binary protocol, and answers
 * with response descriptions. No I/O, no clock of its own, no threads: every call takes the time.
 *
 * For replaying a capture it can also be told what the recorded server knew (seed), what nobody
 * knows any more (forget), and can take its last step back (undo), so that a caller may try one
 * explanation of a recorded answer after the other.
 *
 * Not thread safe: one engine belongs to one thread at a time.
 */
#ifndef KVREPLAY_ENGINE_ENGINE_H
#define KVREPLAY_ENGINE_ENGINE_H

#include "engine/item.h"
#include "engine/request.h"

struct engine;

/* NULL if memory could not be had. `options` NULL: a replay with memcached's defaults. */
struct engine *engine_create(const struct engine_options *options);
void engine_destroy(struct engine *engine);

/* True for the commands of a store: those that the engine executes, and the numbers that memcached
 * has given meanings, or may. */
bool engine_is_of_store(uint8_t opcode);

/*
 * True if the value of such a request is looked at. Of one that is not, and of one that is longer
 * than item_size_max, engine_execute needs only the size: the span's bytes need not be there yet.
 */
bool engine_reads_value(uint8_t opcode);

/*
 * True if memcached runs such a request when its header, extras and key have come, whatever is
 * still to come of its value: it refuses it, or leaves the value.
 */
bool engine_runs_early(const struct mcbp_frame *frame, size_t item_size_max);

/* True if memcached executes such a request: it does not refuse it for its form, nor goes on
 * reading anywhere but behind it. */
bool engine_is_well_formed(const struct mcbp_frame *frame);

/* True if memcached refuses such a request for its form, whatever the store holds. */
bool engine_refuses(const struct mcbp_frame *frame);

/*
 * True if what memcached takes for the next request after this one is not what the client sent for
 * it. Of bytes that are no request it closes the connection at once, and what it has answered but
 * not sent yet is lost.
 */
bool engine_loses_step(const struct mcbp_frame *frame);

/*
 * Executes one request. What it did to the key's item can be taken back by engine_undo until the
 * next call that changes the engine.
 */
void engine_execute(struct engine *engine, const struct engine_request *request,
                    struct engine_answer *answer);

/*
 * Takes back what the last engine_execute did to its key's item; does nothing if there is nothing
 * to take back. FLUSH can't be taken back.
 */
void engine_undo(struct engine *engine);

/* ------------------------------------------------- what is known of a key, for replaying */

/* `now` decides whether the item has expired or was flushed (then: ENGINE_ABSENT). */
void engine_look(struct engine *engine, struct span key, int64_t now, struct engine_item *item);

/*
 * Puts the item there as given (or removes it, if knowledge says so), whatever was there before, as
 * of the time last passed to engine_execute, unless it says when it was stored. Copies the value.
 * False: no memory, nothing changed.
 */
bool engine_seed(struct engine *engine, struct span key, const struct engine_item *item);

/* The item's CAS has been seen: it is known from here on. Does nothing if there is no item. */
void engine_bind_cas(struct engine *engine, struct span key, uint64_t cas);

/* The key is ENGINE_UNKNOWN from here on, until it is written, deleted or flushed. */
void engine_forget(struct engine *engine, struct span key);

/* All keys are ENGINE_UNKNOWN from here on, in constant time; a pending delayed flush is dropped.
 */
void engine_forget_all(struct engine *engine);

/*
 * The second from which on a delayed flush takes (or took) effect, if the last FLUSH was one; 0: it
 * was not. With memcached that is one second before the time asked for, and what is stored within
 * that second is flushed too.
 */
int64_t engine_flush_time(const struct engine *engine);

/* So many bytes of memory_max are its user's, from the next request on. */
void engine_reserve(struct engine *engine, size_t bytes);

/*
 * What the last FLUSH left behind beside the items it flushed at once. A caller that executes
 * requests on one key in another order than that in which it executed FLUSH sets what held then.
 */
struct engine_flush {
    int64_t live; /* from this second on, what was stored at or before it is gone; 0: nothing is */
    bool is_over; /* `live` was past when the FLUSH came */
    bool at_once; /* or had begun: what was there then is gone */
    int64_t delayed;    /* engine_flush_time */
    int64_t called_off; /* what was stored by that second an earlier FLUSH had taken, or may have,
                           when this one came: it may be gone, or back. 0: there was none */
};

struct engine_flush engine_flush_state(const struct engine *engine);
void engine_set_flush_state(struct engine *engine, const struct engine_flush *flush);

/* Items held, those evicted so far, and the bytes that all takes with the store's overhead. */
size_t engine_item_count(const struct engine *engine);
uint64_t engine_evictions(const struct engine *engine);
size_t engine_memory(const struct engine *engine);

#endif
