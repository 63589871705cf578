#include "fixture.h"

#include <event2/thread.h>
#include <stdlib.h>
#include <string.h>

static void require(int condition)
{
    if (!condition) {
        abort();
    }
}

void fixture_init(struct fixture *fixture)
{
    evthread_use_pthreads();
    fixture->base = event_base_new();
    require(fixture->base != NULL);
    fixture->bufferevent = bufferevent_socket_new(fixture->base, -1, BEV_OPT_THREADSAFE);
    require(fixture->bufferevent != NULL);
    fixture->output = bufferevent_get_output(fixture->bufferevent);
    bufferevent_disable(fixture->bufferevent, EV_WRITE);
}

void fixture_deinit(struct fixture *fixture)
{
    bufferevent_free(fixture->bufferevent);
    event_base_loop(fixture->base, EVLOOP_NONBLOCK);
    event_base_free(fixture->base);
}

/* evbuffer_copyout does not work on a bufferevent's output, which is frozen at its start. */
uint8_t *output_copy(struct evbuffer *output, size_t *size)
{
    *size = evbuffer_get_length(output);
    uint8_t *bytes = malloc(*size + 1);
    int count = evbuffer_peek(output, -1, NULL, NULL, 0);
    struct evbuffer_iovec *chunks = calloc((size_t)count + 1, sizeof(*chunks));
    require(bytes != NULL && chunks != NULL);
    require(evbuffer_peek(output, -1, NULL, chunks, count) == count);
    size_t copied = 0;
    for (int i = 0; i < count; i++) {
        require(chunks[i].iov_len <= *size - copied);
        memcpy(bytes + copied, chunks[i].iov_base, chunks[i].iov_len);
        copied += chunks[i].iov_len;
    }
    require(copied == *size);
    free(chunks);
    return bytes;
}

uint8_t *flat_copy(const struct kvr_response *responses, size_t count, size_t *size)
{
    size_t total = 0;
    for (size_t i = 0; i < count; i++) {
        size_t one;
        require(kvr_size(&responses[i], &one) == KVR_OK);
        total += one;
    }
    uint8_t *bytes = malloc(total + 1);
    require(bytes != NULL);
    *size = 0;
    for (size_t i = 0; i < count; i++) {
        size_t one;
        require(kvr_encode_flat(&responses[i], bytes + *size, total - *size, &one) == KVR_OK);
        *size += one;
    }
    return bytes;
}

int output_chunks(struct evbuffer *output)
{
    return evbuffer_peek(output, -1, NULL, NULL, 0);
}
