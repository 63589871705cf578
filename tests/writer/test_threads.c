/*
 * Several threads append to one bufferevent while the event loop sends: every frame has to arrive
 * whole, in its thread's order, and no call may fail. Writers that do not lock fail the same test.
 */
#include "base/endian.h"
#include "baseline/all_writers.h"
#include "faulty_writers.h"
#include "fixture.h"

#include <errno.h>
#include <event2/thread.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    THREADS = 4,
    CALLS = 6000, /* per thread, of one, two and three frames in turn */
    PER_CALL_MAX = 3,
    FRAMES = THREADS * CALLS * 2,
    VALUE_MAX = 20000, /* bytes; one frame in 64 is that large */
    BACKLOG = 1 << 20, /* a thread waits while the output is longer */
    PATIENCE = 30,     /* seconds; libevent may hang once its chunks are corrupt */
    FAILED_FRAME = 2,  /* exit statuses of a run */
    FAILED_CALL = 3,
};

/* One value for all frames, at an offset that the frame's opaque says. */
static uint8_t values[2 * VALUE_MAX];

static atomic_long references; /* taken and not let go */

static void retain(struct kvr_value_owner *owner)
{
    (void)owner;
    atomic_fetch_add(&references, 1);
}

static void release(struct kvr_value_owner *owner)
{
    (void)owner;
    atomic_fetch_sub(&references, 1);
}

static struct kvr_value_owner owner = {retain, release};

/* The opaque names the thread and the frame's number in it; size and content follow from it. */
static struct kvr_response frame_of(uint32_t opaque)
{
    uint32_t mixed = opaque * 2654435761U;
    return (struct kvr_response){
        .magic = 0x81,
        .opaque = opaque,
        .cas = ~(uint64_t)opaque,
        .extras = &values[mixed % 97],
        .extras_size = 4,
        .value = &values[mixed % VALUE_MAX],
        .value_size = mixed % 64 == 0 ? VALUE_MAX : mixed % 600,
        .value_owner = &owner,
    };
}

struct sender {
    const struct kvr_writer_type *writer;
    void *state;
    struct bufferevent *bufferevent;
    uint32_t thread;
};

static void *send_all(void *argument)
{
    struct sender *sender = argument;
    struct evbuffer *output = bufferevent_get_output(sender->bufferevent);
    uint32_t number = 0;
    for (uint32_t call = 0; call < CALLS; call++) {
        struct kvr_response responses[PER_CALL_MAX];
        size_t count = 1 + call % PER_CALL_MAX;
        for (size_t i = 0; i < count; i++) {
            responses[i] = frame_of(sender->thread << 24 | number++);
        }
        while (evbuffer_get_length(output) > BACKLOG) {
            usleep(100);
        }
        if (sender->writer->write(sender->state, sender->bufferevent, responses, count) != KVR_OK) {
            _exit(FAILED_CALL);
        }
    }
    return NULL;
}

static bool read_all(int socket, void *bytes, size_t size)
{
    uint8_t *at = bytes;
    while (size > 0) {
        ssize_t got = read(socket, at, size);
        if (got <= 0) {
            return false;
        }
        at += got;
        size -= (size_t)got;
    }
    return true;
}

/* Reads frames and compares each with the one that its opaque stands for. */
static void *receive_all(void *argument)
{
    static uint8_t frame[64 + VALUE_MAX], expected[64 + VALUE_MAX];
    int socket = *(int *)argument;
    uint32_t next[THREADS] = {0};
    for (uint32_t i = 0; i < FRAMES; i++) {
        if (!read_all(socket, frame, KVR_HEADER_SIZE)) {
            _exit(FAILED_FRAME);
        }
        uint32_t opaque = read_be32(frame + 12);
        const struct kvr_response response = frame_of(opaque);
        size_t size;
        kvr_encode_flat(&response, expected, sizeof(expected), &size);
        if (opaque >> 24 >= THREADS || next[opaque >> 24]++ != (opaque & 0xFFFFFF) ||
            memcmp(frame, expected, KVR_HEADER_SIZE) != 0 ||
            !read_all(socket, frame, size - KVR_HEADER_SIZE) ||
            memcmp(frame, expected + KVR_HEADER_SIZE, size - KVR_HEADER_SIZE) != 0) {
            _exit(FAILED_FRAME);
        }
    }
    return NULL;
}

static void stop_when_drained(struct bufferevent *bufferevent, void *done)
{
    if (atomic_load((atomic_bool *)done)) {
        event_base_loopexit(bufferevent_get_base(bufferevent), NULL);
    }
}

struct senders {
    struct sender sender[THREADS];
    struct bufferevent *bufferevent;
    atomic_bool done;
};

static void *run_senders(void *argument)
{
    struct senders *senders = argument;
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        pthread_create(&threads[i], NULL, send_all, &senders->sender[i]);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    atomic_store(&senders->done, true);
    bufferevent_trigger(senders->bufferevent, EV_WRITE, 0);
    return NULL;
}

/* The whole exchange. Ends the process if anything is wrong. */
static void exchange(const struct kvr_writer_type *writer)
{
    for (size_t i = 0; i < sizeof(values); i++) {
        values[i] = (uint8_t)(i * 31 + i / 251);
    }
    int sockets[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) < 0) {
        _exit(1);
    }
    evthread_use_pthreads();
    evutil_make_socket_nonblocking(sockets[0]);
    struct event_base *base = event_base_new();
    struct senders senders = {.bufferevent = bufferevent_socket_new(
                                  base, sockets[0], BEV_OPT_THREADSAFE | BEV_OPT_CLOSE_ON_FREE)};
    bufferevent_setcb(senders.bufferevent, NULL, stop_when_drained, NULL, &senders.done);
    void *state = writer->create == NULL ? NULL : writer->create();
    for (uint32_t i = 0; i < THREADS; i++) {
        senders.sender[i] = (struct sender){writer, state, senders.bufferevent, i};
    }
    pthread_t receiver, runner;
    pthread_create(&receiver, NULL, receive_all, &sockets[1]);
    pthread_create(&runner, NULL, run_senders, &senders);
    event_base_loop(base, EVLOOP_NO_EXIT_ON_EMPTY);
    pthread_join(runner, NULL);
    pthread_join(receiver, NULL);

    bufferevent_free(senders.bufferevent);
    event_base_loop(base, EVLOOP_NONBLOCK);
    event_base_free(base);
    close(sockets[1]);
    if (writer->destroy != NULL) {
        writer->destroy(state);
    }
    _exit(atomic_load(&references) == 0 ? 0 : 1);
}

/* In a process of its own: a writer without a lock corrupts memory. Returns waitpid's status. */
static int run(const struct kvr_writer_type *writer, bool quiet)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        signal(SIGABRT, SIG_DFL);
        signal(SIGSEGV, SIG_DFL);
        if (quiet) {
            close(STDERR_FILENO);
        }
        alarm(PATIENCE);
        exchange(writer);
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0) {
        assert_int_equal(errno, EINTR);
    }
    return status;
}

static void every_response_arrives_whole(void **state)
{
    (void)state;
    for (size_t w = 0; all_writers[w] != NULL; w++) {
        const struct kvr_writer_type *writer = all_writers[w];
        int status = run(writer, false);
        if (status != 0) {
            fail_msg("%s: wait status %#x", writer->name, (unsigned)status);
        }
    }
}

enum { TRIES = 20 };

static void a_writer_without_the_lock_fails(void **state)
{
    (void)state;
    int found = 0;
    for (const struct faulty_writer *faulty = faulty_writers; faulty->fault != NULL; faulty++) {
        if (faulty->when == FAULTY_THREADS) {
            found++;
            /* Whether threads get into each other's way is up to the scheduler: on a busy machine
             * once in a while they don't. */
            int tries = 0;
            while (run(&faulty->writer, true) == 0) {
                if (++tries == TRIES) {
                    fail_msg("%s: nothing was found in %d runs", faulty->writer.name, TRIES);
                }
            }
        }
    }
    assert_int_equal(found, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_response_arrives_whole),
        cmocka_unit_test(a_writer_without_the_lock_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
