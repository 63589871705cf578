#include "bench/worker.h"

#include "bench/runner.h"

#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    WARM_UP_PART = 16,         /* of the rounds of a measurement, before it */
    KEPT_BLOCK_MAX = 32 << 20, /* bytes; the most that glibc allows for */
};

/* What the worker sends once it is ready. */
struct prepared {
    enum bench_status status;
    double values[BENCH_COLUMNS];
    char message[BENCH_MESSAGE_SIZE];
};

static bool send_all(int socket, const void *bytes, size_t size)
{
    return send(socket, bytes, size, MSG_NOSIGNAL) == (ssize_t)size;
}

static bool receive_all(int socket, void *bytes, size_t size)
{
    ssize_t received;
    do {
        received = recv(socket, bytes, size, 0);
    } while (received < 0 && errno == EINTR);
    return received == (ssize_t)size;
}

/* ---------------------------------------------------------------------------- in the new process
 */

static double sample(struct runner *runner, size_t rounds)
{
    runner_time(runner, rounds / WARM_UP_PART + 1);
    uint64_t spent = runner_time(runner, rounds);
    double responses = (double)rounds * (double)runner->load.responses_count;
    return spent == UINT64_MAX ? NAN : (double)spent / responses;
}

/* One byte is the request for a measurement; the end of the connection is the end. */
static void measure(struct runner *runner, int socket, uint64_t nanoseconds)
{
    struct prepared prepared = {.status = BENCH_DONE};
    if (!runner_verify(runner, prepared.message) ||
        !runner_count(runner, prepared.values, prepared.message)) {
        prepared.status = BENCH_WRONG;
        send_all(socket, &prepared, sizeof(prepared));
        return;
    }
    size_t rounds = runner_calibrate(runner, nanoseconds);
    char request;
    bool asked = send_all(socket, &prepared, sizeof(prepared));
    while (asked && receive_all(socket, &request, sizeof(request))) {
        double result = sample(runner, rounds);
        asked = send_all(socket, &result, sizeof(result));
    }
}

/*
 * The heap of a server that has run for a while: what is freed stays. glibc's heap begins by giving
 * back to the system whatever is free at its end, and stops when a larger block has been freed
 * once. A writer that makes many small chunks would take page faults for that, one that makes a
 * large one would not, and what was measured were the allocator's habits.
 */
static void keep_heap(void)
{
    mallopt(M_MMAP_THRESHOLD, KEPT_BLOCK_MAX);
    mallopt(M_TRIM_THRESHOLD, INT_MAX);
}

static void serve(const struct worker *worker, enum bench_sink sink, const struct mix *mix,
                  const struct bench_options *options)
{
    struct runner runner;
    if (!options->trim) {
        keep_heap();
    }
    if (runner_init(&runner, worker->writer, sink, mix, options)) {
        measure(&runner, worker->socket,
                UINT64_C(1000000) * options->milliseconds / options->repeat);
        runner_deinit(&runner);
    } else {
        struct prepared prepared = {.status = BENCH_FAILED};
        snprintf(prepared.message, BENCH_MESSAGE_SIZE, "could not be set up: no memory or sockets");
        send_all(worker->socket, &prepared, sizeof(prepared));
    }
}

/* -------------------------------------------------------------------------- in the old process */

static bool start_failed(char message[BENCH_MESSAGE_SIZE])
{
    snprintf(message, BENCH_MESSAGE_SIZE, "no process of its own: %s", strerror(errno));
    return false;
}

bool worker_start(struct worker *worker, const struct bench_writer *writer, enum bench_sink sink,
                  const struct mix *mix, const struct bench_options *options,
                  char message[BENCH_MESSAGE_SIZE])
{
    int ends[2];
    *worker = (struct worker){.writer = writer, .process = -1, .socket = -1};
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) {
        return start_failed(message);
    }
    fflush(NULL); /* or the child would write it too */
    worker->process = fork();
    if (worker->process == 0) {
        close(ends[0]);
        worker->socket = ends[1];
        serve(worker, sink, mix, options);
        exit(0); /* with all that coverage and leak checks do then */
    }
    close(ends[1]);
    worker->socket = ends[0];
    return worker->process > 0 || start_failed(message);
}

void worker_end(struct worker *worker)
{
    if (worker->socket >= 0) {
        shutdown(worker->socket,
                 SHUT_RDWR); /* later workers have it too, so closing is not enough */
        close(worker->socket);
    }
    if (worker->process > 0) {
        waitpid(worker->process, NULL, 0);
    }
    worker->process = worker->socket = -1;
}

/* The connection has ended: why? */
static enum bench_status died(struct worker *worker, char message[BENCH_MESSAGE_SIZE])
{
    int status = 0;
    waitpid(worker->process, &status, 0);
    worker->process = -1;
    if (WIFSIGNALED(status)) {
        snprintf(message, BENCH_MESSAGE_SIZE, "crashed: %s", strsignal(WTERMSIG(status)));
    } else {
        snprintf(message, BENCH_MESSAGE_SIZE, "ended its process with exit status %d",
                 WEXITSTATUS(status));
    }
    return BENCH_WRONG;
}

enum bench_status worker_prepare(struct worker *worker, double values[BENCH_COLUMNS],
                                 char message[BENCH_MESSAGE_SIZE])
{
    struct prepared prepared;
    if (!receive_all(worker->socket, &prepared, sizeof(prepared))) {
        return died(worker, message);
    }
    memcpy(values, prepared.values, sizeof(prepared.values));
    memcpy(message, prepared.message, sizeof(prepared.message));
    return prepared.status;
}

enum bench_status worker_sample(struct worker *worker, double *nanoseconds,
                                char message[BENCH_MESSAGE_SIZE])
{
    char request = 0;
    if (!send_all(worker->socket, &request, sizeof(request)) ||
        !receive_all(worker->socket, nanoseconds, sizeof(*nanoseconds))) {
        return died(worker, message);
    }
    if (isnan(*nanoseconds)) {
        snprintf(message, BENCH_MESSAGE_SIZE, "wrote once, but not again and again");
        return BENCH_WRONG;
    }
    return BENCH_DONE;
}
