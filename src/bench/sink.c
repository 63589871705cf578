#include "bench/sink.h"

#include <event2/thread.h>
#include <stdlib.h>
#include <unistd.h>

enum { RECEIVE_SIZE = 256 * 1024 };

static const struct sink_kind *const kinds[BENCH_SINKS] = {
    [BENCH_MEMORY] = &sink_memory,
    [BENCH_SOCKET] = &sink_socket,
    [BENCH_TLS] = &sink_tls,
};

bool sink_init(struct sink *sink, enum bench_sink which)
{
    evthread_use_pthreads(); /* a server's buffers have locks, so these have */
    *sink = (struct sink){.kind = kinds[which], .peer = -1};
    sink->base = event_base_new();
    sink->received = malloc(RECEIVE_SIZE);
    if (sink->base == NULL || sink->received == NULL || !sink->kind->open(sink)) {
        sink_deinit(sink);
        return false;
    }
    sink->output = bufferevent_get_output(sink->bufferevent);
    return true;
}

void sink_deinit(struct sink *sink)
{
    if (sink->bufferevent != NULL) {
        bufferevent_free(sink->bufferevent);
        event_base_loop(sink->base, EVLOOP_NONBLOCK); /* where that is finished */
    }
    sink->kind->close(sink);
    if (sink->peer >= 0) {
        close(sink->peer);
    }
    if (sink->base != NULL) {
        event_base_free(sink->base);
    }
    free(sink->received);
}

size_t sink_receive(struct sink *sink)
{
    size_t received = 0;
    ssize_t size;
    while (sink->peer >= 0 && (size = read(sink->peer, sink->received, RECEIVE_SIZE)) > 0) {
        if (sink->tls != NULL) {
            tls_records_feed(&sink->records, sink->received, (size_t)size);
        }
        received += (size_t)size;
    }
    return received;
}

size_t sink_transfer(struct sink *sink, uint8_t *out, size_t room)
{
    size_t size = 0;
    size_t taken;
    size_t before;
    do {
        before = evbuffer_get_length(sink->output);
        if (sink->peer >= 0 && before > 0) {
            sink->kind->turn(sink);
        }
        taken = sink->kind->take(sink, out + size, room - size);
        size += taken;
    } while (size < room && (taken > 0 || evbuffer_get_length(sink->output) != before));
    return size;
}
