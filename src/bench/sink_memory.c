#include "bench/sink.h"

static bool open_memory(struct sink *sink)
{
    sink->bufferevent = bufferevent_socket_new(sink->base, -1, BEV_OPT_THREADSAFE);
    if (sink->bufferevent == NULL) {
        return false;
    }
    bufferevent_disable(sink->bufferevent, EV_READ | EV_WRITE);
    /* Only its own event loop drains a bufferevent otherwise. */
    return evbuffer_unfreeze(bufferevent_get_output(sink->bufferevent), 1) == 0;
}

static void close_memory(struct sink *sink)
{
    (void)sink;
}

static void drain(struct sink *sink)
{
    evbuffer_drain(sink->output, SIZE_MAX);
}

static size_t take_memory(struct sink *sink, uint8_t *out, size_t room)
{
    int taken = evbuffer_remove(sink->output, out, room);
    return taken < 0 ? 0 : (size_t)taken;
}

static void count_nothing(struct sink *sink, bool on)
{
    (void)sink;
    (void)on;
}

const struct sink_kind sink_memory = {open_memory, close_memory, drain, take_memory, count_nothing};
