/*
 * The writers of libkvresponse, as what they consist of.
 *
 * They check every response of a call before they touch the buffer, hold the buffer's lock from the
 * first byte to the last, so that the frames of one call stay together whatever other threads
 * append, and change the buffer in one step, so that callbacks find all frames of the call or none.
 */
#ifndef KVREPLAY_WRITER_WRITER_H
#define KVREPLAY_WRITER_WRITER_H

#include "kvresponse/plugin.h"

extern const struct kvr_writer_type reserve_writer;
extern const struct kvr_writer_type batch_writer;

/* batch's function: reserve writes several responses with it. */
enum kvr_error batch_write(void *state, struct bufferevent *bufferevent,
                           const struct kvr_response *responses, size_t count);

#endif
