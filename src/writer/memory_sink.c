#include "writer/memory_sink.h"

#include "writer/hostile.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/thread.h>
#include <stdlib.h>

enum {
    EMPTIED_AFTER = 32 * 1024, /* bytes of messages, so that memory stays bounded */
    EXTENTS = 16,              /* looked at in one step */
};

struct memory_sink {
    struct event_base *base;
    struct bufferevent *bufferevent;
    struct evbuffer *output;
    size_t kept; /* bytes of earlier messages still in front */
};

/* A base that is never run, as cheap as there is one: a sink is made for each capture. */
static struct event_base *make_base(void)
{
    struct event_config *config = event_config_new();
    if (config == NULL) {
        return NULL;
    }
    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_IGNORE_ENV);
    event_config_avoid_method(config, "epoll");
    struct event_base *base = event_base_new_with_config(config);
    event_config_free(config);
    return base;
}

struct memory_sink *memory_sink_create(void)
{
    struct memory_sink *self = calloc(1, sizeof(*self));
    if (self == NULL) {
        return NULL;
    }
    evthread_use_pthreads(); /* does nothing the second time */
    self->base = make_base();
    if (self->base != NULL) {
        self->bufferevent = bufferevent_socket_new(self->base, -1, BEV_OPT_THREADSAFE);
    }
    if (self->bufferevent == NULL) {
        memory_sink_destroy(self);
        return NULL;
    }
    bufferevent_disable(self->bufferevent, EV_READ | EV_WRITE);
    self->output = bufferevent_get_output(self->bufferevent);
    evbuffer_unfreeze(self->output, 1); /* only its own event loop drains a bufferevent otherwise */
    return self;
}

void memory_sink_destroy(struct memory_sink *self)
{
    if (self->bufferevent != NULL) {
        bufferevent_free(self->bufferevent);
    }
    if (self->base != NULL) {
        event_base_free(self->base);
    }
    free(self);
}

struct bufferevent *memory_sink_bufferevent(struct memory_sink *self)
{
    return self->bufferevent;
}

void memory_sink_begin(struct memory_sink *self)
{
    /* Earlier messages stay until there are many: draining costs as much as writing does. */
    self->kept = evbuffer_get_length(self->output);
    if (self->kept > EMPTIED_AFTER) {
        evbuffer_drain(self->output, self->kept);
        self->kept = 0;
        /* One chunk for many messages; failing that, the writer asks for its own. */
        evbuffer_expand(self->output, EMPTIED_AFTER / 2);
    }
}

void memory_sink_begin_hostile(struct memory_sink *self, uint64_t *seed)
{
    evbuffer_drain(self->output, evbuffer_get_length(self->output));
    hostile_make_random(self->output, seed); /* failing that, any state will do */
    self->kept = evbuffer_get_length(self->output);
}

size_t memory_sink_size(const struct memory_sink *self)
{
    size_t length = evbuffer_get_length(self->output);
    return length < self->kept ? 0
                               : length - self->kept; /* a writer may have drained others' bytes */
}

/* The same as memory_sink_equals, for messages in so many chunks that they are looked at in steps.
 */
static bool equals_in_steps(const struct memory_sink *self, struct span expected)
{
    struct evbuffer_iovec extents[EXTENTS];
    size_t at = 0;
    if (memory_sink_size(self) != expected.size) {
        return false;
    }
    while (at < expected.size) {
        struct evbuffer_ptr position;
        if (evbuffer_ptr_set(self->output, &position, self->kept + at, EVBUFFER_PTR_SET) != 0) {
            return false;
        }
        int count = evbuffer_peek(self->output, -1, &position, extents, EXTENTS);
        for (int i = 0; i < count && i < EXTENTS; i++) {
            /* What comes from a writer under test is bounded by what was expected. */
            size_t size = extents[i].iov_len;
            size = size < expected.size - at ? size : expected.size - at;
            if (memcmp(extents[i].iov_base, expected.data + at, size) != 0) {
                return false;
            }
            at += size;
        }
    }
    return true;
}

bool memory_sink_equals(const struct memory_sink *self, struct span expected)
{
    struct evbuffer_iovec extents[EXTENTS];
    int count = evbuffer_peek(self->output, -1, NULL, extents, EXTENTS);
    size_t skip = self->kept;
    size_t at = 0;
    if (count == EXTENTS) { /* there may be more; evbuffer_peek does not say */
        return equals_in_steps(self, expected);
    }
    for (int i = 0; i < count; i++) {
        size_t size = extents[i].iov_len;
        if (skip >= size) {
            skip -= size;
            continue;
        }
        size -= skip;
        if (size > expected.size - at ||
            memcmp((const uint8_t *)extents[i].iov_base + skip, expected.data + at, size) != 0) {
            return false;
        }
        skip = 0;
        at += size;
    }
    return skip == 0 && at == expected.size;
}

size_t memory_sink_copy(const struct memory_sink *self, uint8_t *out, size_t room)
{
    struct evbuffer_ptr position;
    if (memory_sink_size(self) == 0 ||
        evbuffer_ptr_set(self->output, &position, self->kept, EVBUFFER_PTR_SET) != 0) {
        return 0;
    }
    ev_ssize_t copied = evbuffer_copyout_from(self->output, &position, out, room);
    return copied < 0 ? 0 : (size_t)copied;
}

const char *memory_sink_library_version(void)
{
    return event_get_version();
}
