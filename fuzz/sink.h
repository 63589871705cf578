/*
 * A bufferevent that sends nowhere, beside a plain array of what is in it; and a watch over the
 * reservations that are made in it. One per process: it is emptied for each input.
 */
#ifndef KVREPLAY_FUZZ_SINK_H
#define KVREPLAY_FUZZ_SINK_H

#include "target.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>

enum { SINK_MAX = 8 << 20 };

/* Once, before the first input. */
void sink_begin(void);

struct bufferevent *sink_bufferevent(void);
struct evbuffer *sink_output(void);

/* Empties the sink, so that references in it are let go. */
void sink_empty(void);

/* The array: what the buffer has to hold. */
uint8_t *sink_room(size_t *room); /* where expected bytes go next */
void sink_expect(size_t size);    /* that many have been put there */
void sink_expect_in_front(const void *bytes, size_t size);
void sink_expect_drained(size_t size);
/* Takes over what the buffer holds now. */
void sink_adopt(void);
size_t sink_expected(void);

/* The buffer holds what the array does. */
void sink_check(void);

/*
 * From sink_watch to sink_unwatch, each call of evbuffer_reserve_space and evbuffer_commit_space is
 * checked: no zero sizes, nothing committed that was not reserved, and the buffer locked from one
 * to the other. The linker sends the calls through here (--wrap, CMakeLists.txt).
 */
struct sink_watched {
    unsigned reservations;
    unsigned commits;
    unsigned refused; /* of the commits; libevent may, where reservations were abandoned before */
    size_t committed; /* bytes of those that were not */
};

struct sink_counts {
    struct sink_watched output; /* in the sink */
    struct sink_watched aside;  /* in buffers of a writer's own */
    size_t new_chunk; /* what the first reservation in the sink got behind its first extent */
    bool abandoned;   /* what was reserved last has not been committed */
};

void sink_watch(void);
struct sink_counts sink_unwatch(void);

#endif
