/*
 * Writers to measure and compare those of libkvresponse with. No server needs them, so they are not
 * in the library.
 *
 * Like the library's, they check every response before they touch the buffer, and hold its lock
 * from the first byte to the last. But they change the buffer in several steps, and callbacks run
 * after each. A call that fails between two steps takes back what it has written. Where it can't,
 * it returns KVR_TORN: a filtering bufferevent has passed bytes on; a callback on the output has
 * drained it or frozen its end, which is forbidden there (kvr_write_function); or no spare buffer
 * can be had, the state being NULL or in use by another thread. Bytes that a callback has added
 * would be taken back in place of the call's own.
 */
#ifndef KVREPLAY_BASELINE_BASELINE_H
#define KVREPLAY_BASELINE_BASELINE_H

#include "kvresponse/plugin.h"

/* What servers do without libkvresponse: two bufferevent_write per response. */
extern const struct kvr_writer_type legacy_writer;
/* The plain way: one evbuffer_add per part. */
extern const struct kvr_writer_type append_writer;

#endif
