/*
 * A bufferevent whose output stays where it is, and its bytes beside those it should have.
 */
#ifndef KVREPLAY_TESTS_WRITER_FIXTURE_H
#define KVREPLAY_TESTS_WRITER_FIXTURE_H

#include "kvresponse/kvresponse.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

struct fixture {
    struct event_base *base;
    struct bufferevent *bufferevent; /* thread-safe, without a socket: nothing drains it */
    struct evbuffer *output;
};

/* Aborts if it can't be had. */
void fixture_init(struct fixture *fixture);
void fixture_deinit(struct fixture *fixture);

/* A copy of the content; the caller frees it. *size is set to its length. */
uint8_t *output_copy(struct evbuffer *output, size_t *size);

/* The frames one after the other, by the flat encoder; the caller frees them. */
uint8_t *flat_copy(const struct kvr_response *responses, size_t count, size_t *size);

/* The chunks that hold any bytes. */
int output_chunks(struct evbuffer *output);

#endif
