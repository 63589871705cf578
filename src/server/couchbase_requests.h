/*
 * Requests in Couchbase's dialect: each is executed when it has come whole.
 */
#ifndef KVREPLAY_SERVER_COUCHBASE_REQUESTS_H
#define KVREPLAY_SERVER_COUCHBASE_REQUESTS_H

#include "server/batch.h"
#include "server/request_stream.h"
#include "server/service.h"

/* Executes what is in one piece of memory. Sets *used to what of it is done with, and adds to
 * *executed. The service's lock is held. */
enum requests_state couchbase_requests_execute(struct requests *requests, struct service *service,
                                               struct span input, struct batch *batch, size_t *used,
                                               size_t *executed);

/* Adds what the client has to be told unasked, to a batch that is not full. Takes the service's
 * lock. */
void couchbase_requests_tell(struct requests *requests, struct service *service,
                             struct batch *batch);

/* Adds the answer to a request of which only the header is looked at, for lack of memory. */
void couchbase_requests_refuse(struct requests *requests, struct service *service,
                               const struct mcbp_frame *frame, struct batch *batch);

#endif
