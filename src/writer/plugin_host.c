#include "writer/plugin_host.h"

#include "base/memory.h"
#include "response/from_frame.h"
#include "writer/child.h"
#include "writer/memory_sink.h"
#include "writer/plugin_wire.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* What the writer may take for itself; more is a fault that would take the machine's memory. */
static const rlim_t memory_max = (rlim_t)1 << 30;
static const rlim_t stack_max = (rlim_t)64 << 20;

struct host {
    const struct kvr_writer_type *writer;
    struct memory_sink *sink; /* NULL: the next call makes it, and the writer's state */
    void *state;
};

/* The bytes of one call, each block of its exact size: the sooner is an overrun noticed. */
struct call {
    uint8_t *frames;
    struct kvr_response *responses;
    uint8_t *answer; /* and what was built behind it */
};

/* ---------------------------------------------------------------------------------- the process */

static void default_signals(void)
{
    sigset_t none;
    for (int number = 1; number < NSIG; number++) {
        signal(number, SIG_DFL); /* refused for those that can't be caught, which is as well */
    }
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static void lower_limit(int resource, rlim_t most)
{
    struct rlimit limit;
    if (getrlimit(resource, &limit) == 0 && limit.rlim_cur > most) {
        limit.rlim_cur = most;
        setrlimit(resource, &limit);
    }
}

/* Bytes of data that the process has already; what a sanitizer reserves counts too. */
static rlim_t data_size(void)
{
    unsigned long long pages = 0;
    FILE *statm = fopen("/proc/self/statm", "re");
    if (statm != NULL) {
        if (fscanf(statm, "%*u %*u %*u %*u %*u %llu", &pages) != 1) {
            pages = 0;
        }
        fclose(statm);
    }
    return (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE);
}

static bool isolate(int socket, int parent)
{
    if (!child_follow_parent(parent)) {
        return false;
    }
    setpgid(0, 0);
    default_signals();
    if (socket != PLUGIN_HOST_SOCKET && dup2(socket, PLUGIN_HOST_SOCKET) < 0) {
        return false;
    }
    close_range(PLUGIN_HOST_SOCKET + 1, ~0U, 0);
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 || close(nothing) < 0 ||
        dup2(STDERR_FILENO, STDOUT_FILENO) < 0) {
        return false;
    }
    lower_limit(RLIMIT_STACK, stack_max);
    lower_limit(RLIMIT_DATA, data_size() + memory_max);
    return true;
}

/* ------------------------------------------------------------------------------------ the socket
 */

static void send_all(const void *bytes, size_t size)
{
    const uint8_t *from = bytes;
    while (size > 0) {
        ssize_t sent = send(PLUGIN_HOST_SOCKET, from, size, MSG_NOSIGNAL);
        if (sent <= 0) {
            _exit(PLUGIN_HOST_CUT_OFF);
        }
        from += sent;
        size -= (size_t)sent;
    }
}

/* False: there is no more to do. */
static bool plugin_host_receive_all(void *bytes, size_t size)
{
    ssize_t received = size == 0 ? 0 : recv(PLUGIN_HOST_SOCKET, bytes, size, MSG_WAITALL);
    if (received < 0) {
        _exit(PLUGIN_HOST_CUT_OFF);
    }
    return received == (ssize_t)size;
}

static void skip(uint64_t size)
{
    uint8_t scratch[4096];
    while (size > 0) {
        size_t part = size < sizeof(scratch) ? (size_t)size : sizeof(scratch);
        if (!plugin_host_receive_all(scratch, part)) {
            return;
        }
        size -= part;
    }
}

/* ------------------------------------------------------------------------------------- the calls
 */

static bool plugin_host_make_state(struct host *host)
{
    if (host->sink == NULL) {
        host->sink = memory_sink_create();
        host->state =
            host->sink != NULL && host->writer->create != NULL ? host->writer->create() : NULL;
    }
    return host->sink != NULL;
}

static void destroy_state(struct host *host)
{
    if (host->sink != NULL) {
        if (host->writer->destroy != NULL) {
            host->writer->destroy(host->state);
        }
        memory_sink_destroy(host->sink);
        host->sink = NULL;
    }
}

static void plugin_host_describe(const struct call *call, const struct plugin_request *request)
{
    struct span rest = span_of(call->frames, request->size);
    for (uint64_t i = 0; i < request->count; i++) {
        struct mcbp_frame frame;
        if (mcbp_frame_parse(rest, &frame) != MCBP_FRAME) {
            abort(); /* kvreplay sends nothing else */
        }
        response_from_frame(&frame, &call->responses[i]);
        rest = span_skip(rest, frame.bytes.size);
    }
}

/* The writer may have taken all that it may. */
static void *allocate_beyond_limit(size_t size)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_DATA, &limit) != 0) {
        return NULL;
    }
    struct rlimit most = {.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
    setrlimit(RLIMIT_DATA, &most);
    void *block = malloc(size);
    setrlimit(RLIMIT_DATA, &limit);
    return block;
}

/* The writer's call itself. False: no memory for what it has built. */
static bool write_frames(struct host *host, const struct plugin_request *request, struct call *call,
                         struct plugin_answer *answer)
{
    plugin_host_describe(call, request);
    if (request->hostile) {
        memory_sink_begin_hostile(host->sink, &answer->seed);
    } else {
        memory_sink_begin(host->sink);
    }
    answer->error = (int32_t)host->writer->write(host->state, memory_sink_bufferevent(host->sink),
                                                 call->responses, request->count);
    uint64_t size = memory_sink_size(host->sink);
    uint64_t most = request->size + PLUGIN_EXCESS_MAX;
    size = size < most ? size : most;
    call->answer = malloc(sizeof(*answer) + size);
    if (call->answer == NULL) {
        call->answer = allocate_beyond_limit(sizeof(*answer) + size);
    }
    if (call->answer == NULL) {
        return false;
    }
    answer->size = memory_sink_copy(host->sink, call->answer + sizeof(*answer), size);
    if (size == most) {
        memory_sink_begin(host->sink); /* which may be more than there is memory for another call */
    }
    return true;
}

/* Blocks are freed before the answer is sent: a heap found damaged then is this call's fault. */
static void serve_write(struct host *host, const struct plugin_request *request,
                        struct plugin_answer *answer)
{
    struct call call = {.frames = malloc(request->size),
                        .responses = calloc(request->count, sizeof(*call.responses))};
    if (call.frames == NULL || call.responses == NULL || !plugin_host_make_state(host)) {
        skip(request->size);
        answer->no_memory = true;
    } else if (plugin_host_receive_all(call.frames, request->size)) {
        answer->no_memory = !write_frames(host, request, &call, answer);
    }
    free(call.frames);
    free(call.responses);
    if (call.answer == NULL) {
        send_all(answer, sizeof(*answer));
        return;
    }
    memcpy(call.answer, answer, sizeof(*answer));
    send_all(call.answer, sizeof(*answer) + answer->size);
    free(call.answer);
}

static void serve(struct host *host)
{
    struct plugin_request request;
    while (plugin_host_receive_all(&request, sizeof(request))) {
        struct plugin_answer answer = {.serial = request.serial, .seed = request.seed};
        if (request.task == PLUGIN_TASK_WRITE) {
            serve_write(host, &request, &answer);
        } else {
            destroy_state(host);
            send_all(&answer, sizeof(answer));
        }
    }
}

void plugin_host_run(int socket, int parent, const char *path)
{
    struct plugin_hello hello = {0};
    struct host host = {0};
    if (!isolate(socket, parent)) {
        _exit(PLUGIN_HOST_CUT_OFF);
    }
    host.writer = plugin_load(path, hello.problem);
    hello.usable = host.writer != NULL;
    hello.no_memory = memory_failures() > 0;
    if (hello.usable) {
        snprintf(hello.name, sizeof(hello.name), "%s", host.writer->name);
    }
    send_all(&hello, sizeof(hello));
    if (hello.usable) {
        serve(&host);
        destroy_state(&host);
    }
    exit(0); /* with all that coverage and leak checks do then */
}
