#include "sink.h"

#include <event2/event.h>
#include <event2/thread.h>

static struct bufferevent *bufferevent;
static struct evbuffer *output;

static uint8_t expected[SINK_MAX + (1 << 20)];
static size_t begin;
static size_t end;

void sink_begin(void)
{
    evthread_use_pthreads();
    struct event_base *base = event_base_new();
    CHECK(base != NULL);
    bufferevent = bufferevent_socket_new(base, -1, BEV_OPT_THREADSAFE);
    CHECK(bufferevent != NULL);
    bufferevent_disable(bufferevent, EV_READ | EV_WRITE);
    output = bufferevent_get_output(bufferevent);
    evbuffer_unfreeze(output, 1);
}

struct bufferevent *sink_bufferevent(void)
{
    return bufferevent;
}

struct evbuffer *sink_output(void)
{
    return output;
}

void sink_empty(void)
{
    evbuffer_unfreeze(output, 0);
    evbuffer_unfreeze(output, 1);
    CHECK(evbuffer_drain(output, evbuffer_get_length(output)) == 0);
    begin = end = 1 << 19; /* room for what is put in front */
}

/* -------------------------------------------------------------------------------- the array */

uint8_t *sink_room(size_t *room)
{
    *room = sizeof(expected) - end;
    return expected + end;
}

void sink_expect(size_t size)
{
    end += size;
}

void sink_expect_in_front(const void *bytes, size_t size)
{
    CHECK(size <= begin);
    begin -= size;
    memcpy(expected + begin, bytes, size);
}

void sink_expect_drained(size_t size)
{
    CHECK(size <= end - begin);
    begin += size;
}

size_t sink_expected(void)
{
    return end - begin;
}

void sink_adopt(void)
{
    size_t size = evbuffer_get_length(output);
    CHECK(evbuffer_copyout(output, expected + begin, size) == (ev_ssize_t)size);
    end = begin + size;
}

UNCOUNTED void sink_check(void)
{
    struct evbuffer_iovec chunks[4096];
    int count = evbuffer_peek(output, -1, NULL, chunks, 4096);
    size_t at = begin;
    CHECK(evbuffer_get_length(output) == end - begin);
    CHECK(count <= 4096);
    for (int i = 0; i < count; i++) {
        CHECK(chunks[i].iov_len <= end - at);
        CHECK(memcmp(chunks[i].iov_base, expected + at, chunks[i].iov_len) == 0);
        at += chunks[i].iov_len;
    }
    CHECK(at == end);
}

/* -------------------------------------------------------------------------------- the watch */

static bool watching;
static struct sink_counts counts;
static const struct evbuffer *reserved_in;
static struct evbuffer_iovec reserved[2];
static int reserved_count;
static int locks; /* of the sink's output */

int __real_evbuffer_reserve_space(struct evbuffer *, ev_ssize_t, struct evbuffer_iovec *, int);
int __wrap_evbuffer_reserve_space(struct evbuffer *, ev_ssize_t, struct evbuffer_iovec *, int);
int __real_evbuffer_commit_space(struct evbuffer *, struct evbuffer_iovec *, int);
int __wrap_evbuffer_commit_space(struct evbuffer *, struct evbuffer_iovec *, int);

void __real_evbuffer_lock(struct evbuffer *buffer);
void __wrap_evbuffer_lock(struct evbuffer *buffer);
void __real_evbuffer_unlock(struct evbuffer *buffer);
void __wrap_evbuffer_unlock(struct evbuffer *buffer);

UNCOUNTED void __wrap_evbuffer_lock(struct evbuffer *buffer)
{
    __real_evbuffer_lock(buffer);
    locks += buffer == output;
}

UNCOUNTED void __wrap_evbuffer_unlock(struct evbuffer *buffer)
{
    locks -= buffer == output;
    CHECK(locks >= 0);
    /* What was reserved is committed before others may come in. */
    CHECK(!watching || buffer != output || locks > 0 || reserved_in != output || !counts.abandoned);
    __real_evbuffer_unlock(buffer);
}

UNCOUNTED int __wrap_evbuffer_reserve_space(struct evbuffer *buffer, ev_ssize_t size,
                                            struct evbuffer_iovec *extents, int count)
{
    int result = __real_evbuffer_reserve_space(buffer, size, extents, count);
    if (watching) {
        CHECK(size > 0 && count <= 2 && result <= count);
        CHECK(buffer != output || locks > 0); /* other threads must wait until the commit */
        struct sink_watched *watched = buffer == output ? &counts.output : &counts.aside;
        if (buffer == output && watched->reservations == 0 && result == 2) {
            counts.new_chunk = extents[1].iov_len;
        }
        watched->reservations++;
        counts.abandoned = result > 0;
        reserved_in = buffer;
        reserved_count = result;
        for (int i = 0; i < result; i++) {
            reserved[i] = extents[i];
        }
    }
    return result;
}

UNCOUNTED int __wrap_evbuffer_commit_space(struct evbuffer *buffer, struct evbuffer_iovec *extents,
                                           int count)
{
    size_t size = 0;
    bool watched = watching && count > 0; /* of none: a way to ask whether the buffer is frozen */
    if (watched) {
        CHECK(buffer == reserved_in && count <= reserved_count);
        CHECK(buffer != output || locks > 0);
        for (int i = 0; i < count; i++) {
            CHECK(extents[i].iov_base == reserved[i].iov_base);
            CHECK(extents[i].iov_len > 0 && extents[i].iov_len <= reserved[i].iov_len);
            size += extents[i].iov_len;
        }
        counts.abandoned = false;
        reserved_count = 0;
    }
    int result = __real_evbuffer_commit_space(buffer, extents, count);
    if (watched) {
        struct sink_watched *where = buffer == output ? &counts.output : &counts.aside;
        where->commits++;
        where->refused += result < 0;
        where->committed += result < 0 ? 0 : size;
    }
    return result;
}

void sink_watch(void)
{
    counts = (struct sink_counts){0};
    reserved_in = NULL;
    reserved_count = 0;
    watching = true;
}

struct sink_counts sink_unwatch(void)
{
    watching = false;
    CHECK(locks == 0);
    return counts;
}
