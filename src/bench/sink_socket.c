#include "bench/sink.h"

#include <sys/socket.h>
#include <unistd.h>

bool sink_socket_pair(struct sink *sink, int *own)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) < 0) {
        return false;
    }
    *own = ends[0];
    sink->peer = ends[1];
    return true;
}

static bool open_socket(struct sink *sink)
{
    int own;
    if (!sink_socket_pair(sink, &own)) {
        return false;
    }
    sink->bufferevent =
        bufferevent_socket_new(sink->base, own, BEV_OPT_THREADSAFE | BEV_OPT_CLOSE_ON_FREE);
    if (sink->bufferevent == NULL) {
        close(own);
        return false;
    }
    return bufferevent_enable(sink->bufferevent, EV_READ | EV_WRITE) == 0;
}

static void close_socket(struct sink *sink)
{
    (void)sink;
}

void sink_socket_turn(struct sink *sink)
{
    event_base_loop(sink->base, EVLOOP_NONBLOCK);
}

static size_t take_socket(struct sink *sink, uint8_t *out, size_t room)
{
    ssize_t taken = read(sink->peer, out, room);
    return taken < 0 ? 0 : (size_t)taken;
}

/* A bufferevent drains its output once after each writev that sent something. */
static void on_change(struct evbuffer *output, const struct evbuffer_cb_info *change, void *context)
{
    struct sink *sink = context;
    (void)output;
    sink->writes += change->n_deleted > 0;
}

static void sink_socket_count_writes(struct sink *sink, bool on)
{
    if (on) {
        evbuffer_add_cb(sink->output, on_change, sink);
    } else {
        evbuffer_remove_cb(sink->output, on_change, sink);
    }
}

const struct sink_kind sink_socket = {open_socket, close_socket, sink_socket_turn, take_socket,
                                      sink_socket_count_writes};
