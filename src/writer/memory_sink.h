/*
 * A bufferevent that sends nowhere: what a writer appends to it stays in memory, to be compared.
 * It is thread safe (BEV_OPT_THREADSAFE), as a server's is, so that the locks are part of what is
 * tested and measured; libevent's use of pthreads is switched on for that.
 */
#ifndef KVREPLAY_WRITER_MEMORY_SINK_H
#define KVREPLAY_WRITER_MEMORY_SINK_H

#include "base/span.h"
#include "kvresponse/kvresponse.h"

struct memory_sink;

/* NULL if there is no memory. */
struct memory_sink *memory_sink_create(void);
void memory_sink_destroy(struct memory_sink *sink);

/* Where writers append to; belongs to the sink. */
struct bufferevent *memory_sink_bufferevent(struct memory_sink *sink);

/*
 * Begins a new message: what is compared from now on is what is appended from now on. The buffer is
 * left as earlier messages made it (a chunk partly used, or just full), and emptied now and then.
 */
void memory_sink_begin(struct memory_sink *sink);

/* As memory_sink_begin, with the buffer in a state drawn from *seed, which is advanced (hostile.h).
 */
void memory_sink_begin_hostile(struct memory_sink *sink, uint64_t *seed);

/* Bytes appended since memory_sink_begin. */
size_t memory_sink_size(const struct memory_sink *sink);

/* What was appended since memory_sink_begin is exactly `expected`. Compared where it lies. */
bool memory_sink_equals(const struct memory_sink *sink, struct span expected);

/* Copies the first `room` bytes appended since memory_sink_begin to `out`. Returns how many. */
size_t memory_sink_copy(const struct memory_sink *sink, uint8_t *out, size_t room);

/* The version of libevent in use. */
const char *memory_sink_library_version(void);

#endif
