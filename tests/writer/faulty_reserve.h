/*
 * The faults that need a reservation, several threads or more than one response to show.
 */
#ifndef KVREPLAY_TESTS_WRITER_FAULTY_RESERVE_H
#define KVREPLAY_TESTS_WRITER_FAULTY_RESERVE_H

#include "kvresponse/kvresponse.h"

enum kvr_error second_extent_write(void *state, struct bufferevent *bufferevent,
                                   const struct kvr_response *responses, size_t count);
enum kvr_error first_extent_only_write(void *state, struct bufferevent *bufferevent,
                                       const struct kvr_response *responses, size_t count);
enum kvr_error reversed_batch_write(void *state, struct bufferevent *bufferevent,
                                    const struct kvr_response *responses, size_t count);
enum kvr_error key_unchecked_write(void *state, struct bufferevent *bufferevent,
                                   const struct kvr_response *responses, size_t count);
enum kvr_error no_lock_write(void *state, struct bufferevent *bufferevent,
                             const struct kvr_response *responses, size_t count);
enum kvr_error shared_scratch_write(void *state, struct bufferevent *bufferevent,
                                    const struct kvr_response *responses, size_t count);

#endif
