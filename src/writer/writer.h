/*
 * The writers' own header: the functions that the table in writers.c is made of.
 *
 * All of them check every response of the call before they touch the buffer, and hold the buffer's
 * lock from the first byte to the last, so that the frames of one call stay together whatever other
 * threads append.
 */
#ifndef KVREPLAY_WRITER_WRITER_H
#define KVREPLAY_WRITER_WRITER_H

#include "response/kvresponse.h"

enum kvr_error reserve_write(void *state, struct bufferevent *bufferevent,
                             const struct kvr_response *responses, size_t count);
enum kvr_error batch_write(void *state, struct bufferevent *bufferevent,
                           const struct kvr_response *responses, size_t count);
enum kvr_error legacy_write(void *state, struct bufferevent *bufferevent,
                            const struct kvr_response *responses, size_t count);
enum kvr_error append_write(void *state, struct bufferevent *bufferevent,
                            const struct kvr_response *responses, size_t count);

#endif
