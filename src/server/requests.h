/*
 * From the bytes that a client has sent to answers in a batch: what memcached would take for a
 * request is executed, and what it would swallow is swallowed.
 *
 * A request is held in memory only as far as it is looked at: a value that is too long, or not
 * looked at, is answered when the key is there and swallowed as it comes.
 */
#ifndef KVREPLAY_SERVER_REQUESTS_H
#define KVREPLAY_SERVER_REQUESTS_H

#include "server/batch.h"
#include "server/request_stream.h"
#include "server/service.h"

struct evbuffer;

/* False: no memory. */
bool requests_init(struct requests *requests, const struct service *service);
void requests_deinit(struct requests *requests);

/*
 * Executes the requests in `input`, which is drained, and adds the answers to the batch. Holds the
 * store's lock meanwhile. Sets *executed to how many there were, quiet ones too.
 */
enum requests_state requests_execute(struct requests *requests, struct service *service,
                                     struct evbuffer *input, struct batch *batch, size_t *executed);

/*
 * Gives up the request that the input begins with, of which more than the header has come: adds the
 * answer NO_MEMORY to the batch, which is empty, and lets what comes of it be swallowed.
 */
void requests_refuse(struct requests *requests, struct service *service, struct evbuffer *input,
                     struct batch *batch);

#endif
