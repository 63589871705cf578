#include "bench/worker.h"

#include "base/interrupt.h"
#include "base/memory.h"
#include "bench/runner.h"
#include "writer/child.h"
#include "writer/plugin.h"

#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    TURN = 100,                /* ms, of waiting for a word of a plug-in */
    WARM_UP_PART = 16,         /* of the rounds of a measurement, before it */
    KEPT_BLOCK_MAX = 32 << 20, /* bytes; the most that glibc allows for */
};

/* What the worker sends once it is ready. */
struct prepared {
    enum bench_status status;
    double values[BENCH_COLUMNS];
    char message[BENCH_MESSAGE_SIZE];
};

/* What it sends for each measurement. */
struct sampled {
    double nanoseconds; /* of CPU per response; NAN: the writer failed */
    bool no_memory;
};

static const char out_of_memory[] = "out of memory";

static bool worker_send_all(int socket, const void *bytes, size_t size)
{
    return send(socket, bytes, size, MSG_NOSIGNAL) == (ssize_t)size;
}

static bool worker_receive_all(int socket, void *bytes, size_t size)
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

/* What goes wrong without memory is not the writer's fault. */
static void worker_give_up(const struct worker *worker, enum bench_status status, const char *why)
{
    bool no_memory = memory_failures() > 0;
    struct prepared prepared = {.status = no_memory ? BENCH_FAILED : status};
    snprintf(prepared.message, BENCH_MESSAGE_SIZE, "%.*s", BENCH_MESSAGE_SIZE - 1,
             no_memory ? out_of_memory : why);
    worker_send_all(worker->socket, &prepared, sizeof(prepared));
}

/* One byte is the request for a measurement; the end of the connection is the end. */
static void worker_measure(struct runner *runner, const struct worker *worker, uint64_t nanoseconds)
{
    struct prepared prepared = {.status = BENCH_DONE};
    if (!runner_verify(runner, prepared.message) ||
        !runner_count(runner, prepared.values, prepared.message)) {
        worker_give_up(worker, BENCH_WRONG, prepared.message);
        return;
    }
    size_t rounds = runner_calibrate(runner, nanoseconds);
    char request;
    bool asked = worker_send_all(worker->socket, &prepared, sizeof(prepared));
    while (asked && worker_receive_all(worker->socket, &request, sizeof(request))) {
        struct sampled sampled = {.nanoseconds = sample(runner, rounds)};
        sampled.no_memory = memory_failures() > 0;
        asked = worker_send_all(worker->socket, &sampled, sizeof(sampled));
    }
}

/*
 * The heap of a server that has run for a while: what is freed stays. glibc's heap begins by giving
 * back to the system whatever is free at its end, and stops when a larger block has been freed
 * once. A writer that makes many small chunks would take page faults for that, one that makes a
 * large one would not, and what was measured were the allocator's habits.
 */
static void worker_keep_heap(void)
{
    mallopt(M_MMAP_THRESHOLD, KEPT_BLOCK_MAX);
    mallopt(M_TRIM_THRESHOLD, INT_MAX);
}

static void worker_serve(const struct worker *worker, enum bench_sink sink, const struct mix *mix,
                         const struct bench_options *options)
{
    struct bench_writer writer = *worker->writer;
    char problem[PLUGIN_PROBLEM_SIZE];
    if (writer.plugin != NULL) {
        dup2(STDERR_FILENO, STDOUT_FILENO); /* standard output is for the report */
        writer.writer = plugin_load(writer.plugin, problem);
        if (writer.writer == NULL) {
            worker_give_up(worker, BENCH_WRONG, problem);
            return;
        }
    }
    struct runner runner;
    if (!options->trim) {
        worker_keep_heap();
    }
    if (runner_init(&runner, &writer, sink, mix, options, worker->calls)) {
        worker_measure(&runner, worker,
                       UINT64_C(1000000) * options->milliseconds / options->repeat);
        runner_deinit(&runner);
    } else {
        worker_give_up(worker, BENCH_FAILED, "could not be set up: no memory or sockets");
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
    pid_t parent = getpid();
    *worker = (struct worker){.writer = writer, .process = -1, .socket = -1};
    worker->timeout = writer->plugin != NULL ? options->writer_timeout : 0;
    void *shared = mmap(NULL, sizeof(*worker->calls), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        return start_failed(message);
    }
    worker->calls = shared;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) {
        return start_failed(message);
    }
    fflush(NULL); /* or the child would write it too */
    worker->process = fork();
    if (worker->process == 0) {
        interrupt_leave_to_parent();
        close(ends[0]);
        worker->socket = ends[1];
        if (!child_follow_parent(parent)) {
            _exit(0);
        }
        worker_serve(worker, sink, mix, options);
        exit(0); /* with all that coverage and leak checks do then */
    }
    close(ends[1]);
    worker->socket = ends[0];
    return worker->process > 0 || start_failed(message);
}

bool worker_end(struct worker *worker, char message[BENCH_MESSAGE_SIZE])
{
    char text[CHILD_END_TEXT_SIZE];
    int status = 0;
    bool ended = true;
    if (worker->socket >= 0) {
        shutdown(worker->socket,
                 SHUT_RDWR); /* later workers have it too, so closing is not enough */
        close(worker->socket);
    }
    if (worker->process > 0 && worker->timeout > 0) {
        ended = child_wait(worker->process, &status);
    } else if (worker->process > 0) {
        waitpid(worker->process, &status, 0);
    }
    if (worker->calls != NULL) {
        munmap(worker->calls, sizeof(*worker->calls));
    }
    worker->process = worker->socket = -1;
    worker->calls = NULL;
    if (ended && status != 0) {
        child_describe_end(status, text);
        snprintf(message, BENCH_MESSAGE_SIZE, "failed when it was destroyed: %s", text);
    }
    return !ended || status == 0;
}

enum word { WORD, TOO_LATE, INTERRUPTED };

/* TOO_LATE: no call of the writer has returned for too long. A process that has ended sends no
 * more; receiving shows whether it has sent any. */
static enum word wait_for_word(const struct worker *worker)
{
    struct pollfd pollfd = {.fd = worker->socket, .events = POLLIN};
    unsigned turns = 0;
    uint64_t calls = 0;
    while (poll(&pollfd, 1, TURN) <= 0) {
        uint64_t now = atomic_load_explicit(worker->calls, memory_order_relaxed);
        turns = now != calls ? 0 : turns + 1;
        calls = now;
        if (interrupted()) {
            return INTERRUPTED;
        }
        if (child_has_ended(worker->process)) {
            shutdown(worker->socket, SHUT_RD);
            return WORD;
        }
        if (turns >= worker->timeout * (1000 / TURN)) {
            return TOO_LATE;
        }
    }
    return WORD;
}

/* What the writer has done instead of answering. */
static enum bench_status failed(struct worker *worker, bool in_time,
                                char message[BENCH_MESSAGE_SIZE])
{
    char text[CHILD_END_TEXT_SIZE] = "used a file descriptor that is not its own";
    int status = 0;
    if (in_time ? child_wait(worker->process, &status) : child_kill(worker->process, &status)) {
        child_describe_end(status, text);
    } else if (!in_time) {
        child_describe_timeout(worker->timeout, text);
    }
    worker->process = -1;
    bool no_memory = worker->writer->plugin == NULL && in_time && WIFEXITED(status) &&
                     WEXITSTATUS(status) == VERIFY_INTERNAL; /* OpenSSL's, which ends it */
    snprintf(message, BENCH_MESSAGE_SIZE, "%s", no_memory ? out_of_memory : text);
    return no_memory ? BENCH_FAILED : BENCH_WRONG;
}

static enum bench_status worker_receive(struct worker *worker, void *bytes, size_t size,
                                        char message[BENCH_MESSAGE_SIZE])
{
    enum word word = worker->timeout == 0 ? WORD : wait_for_word(worker);
    if (word == INTERRUPTED) {
        int status;
        child_kill(worker->process, &status);
        worker->process = -1;
        snprintf(message, BENCH_MESSAGE_SIZE, "interrupted");
        return BENCH_INTERRUPTED;
    }
    if (word == TOO_LATE || !worker_receive_all(worker->socket, bytes, size)) {
        return failed(worker, word == WORD, message);
    }
    return BENCH_DONE;
}

enum bench_status worker_prepare(struct worker *worker, double values[BENCH_COLUMNS],
                                 char message[BENCH_MESSAGE_SIZE])
{
    struct prepared prepared;
    enum bench_status status = worker_receive(worker, &prepared, sizeof(prepared), message);
    if (status != BENCH_DONE) {
        return status;
    }
    memcpy(values, prepared.values, sizeof(prepared.values));
    memcpy(message, prepared.message, sizeof(prepared.message));
    return prepared.status;
}

enum bench_status worker_sample(struct worker *worker, double *nanoseconds,
                                char message[BENCH_MESSAGE_SIZE])
{
    char request = 0;
    if (!worker_send_all(worker->socket, &request, sizeof(request))) {
        return failed(worker, true, message);
    }
    struct sampled sampled;
    enum bench_status status = worker_receive(worker, &sampled, sizeof(sampled), message);
    if (status != BENCH_DONE) {
        return status;
    }
    *nanoseconds = sampled.nanoseconds;
    if (sampled.no_memory) {
        snprintf(message, BENCH_MESSAGE_SIZE, "%s", out_of_memory);
        return BENCH_FAILED;
    }
    if (isnan(*nanoseconds)) {
        snprintf(message, BENCH_MESSAGE_SIZE, "wrote once, but not again and again");
        return BENCH_WRONG;
    }
    return BENCH_DONE;
}
