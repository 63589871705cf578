#include "writer/plugin_process.h"

#include "base/interrupt.h"
#include "writer/plugin_host.h"
#include "writer/plugin_wire.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    TURN = 100,            /* ms, of one wait */
    TURNS_INTERRUPTED = 5, /* that a call may still take once the user has interrupted the run */
};

struct plugin_process {
    char *path;
    struct kvr_writer_type writer; /* name only */
    char name[PLUGIN_NAME_SIZE];
    unsigned timeout; /* seconds */
    unsigned limit;   /* that, or what it may take to be loaded */
    pid_t pid;        /* -1: none at the moment */
    int socket;
    uint64_t serial;
    unsigned ends;
    unsigned timeouts;
    bool interrupted; /* in a call: there are no more */
    char end_text[CHILD_END_TEXT_SIZE];
    uint8_t *bytes; /* of a request, and of the answer to it */
    size_t room;
};

/* ---------------------------------------------------------------------------------- the exchange
 */

/* How it came out; all but the first are an end of the process. */
enum exchange {
    EXCHANGED,
    BROKEN, /* the other end of the socket is closed */
    SPOILT, /* what came is no answer: the writer itself has written to the socket */
    TIMED_OUT,
    INTERRUPTED, /* by the user, while the writer did not return */
};

/*
 * Waits until the socket is ready. Time is counted in turns of waiting, not by a clock: when both
 * processes were stopped for a while (^Z), nobody was slow.
 */
static enum exchange wait_ready(const struct plugin_process *self, short events)
{
    struct pollfd pollfd = {.fd = self->socket, .events = events};
    unsigned turns_interrupted = 0;
    for (unsigned turn = 0; turn < self->limit * (1000 / TURN); turn++) {
        if (poll(&pollfd, 1, TURN) > 0) {
            return EXCHANGED;
        }
        if (child_has_ended(self->pid)) {
            return poll(&pollfd, 1, 0) > 0 ? EXCHANGED : BROKEN;
        }
        turns_interrupted += interrupted();
        if (turns_interrupted > TURNS_INTERRUPTED) {
            return INTERRUPTED;
        }
    }
    return TIMED_OUT;
}

static bool is_transient(void)
{
    return errno == EAGAIN || errno == EINTR;
}

static enum exchange send_bytes(const struct plugin_process *self, const void *bytes, size_t size)
{
    const uint8_t *from = bytes;
    while (size > 0) {
        ssize_t sent = send(self->socket, from, size, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && !is_transient()) {
            return BROKEN;
        }
        enum exchange ready = sent < 0 ? wait_ready(self, POLLOUT) : EXCHANGED;
        if (ready != EXCHANGED) {
            return ready;
        }
        from += sent < 0 ? 0 : sent;
        size -= sent < 0 ? 0 : (size_t)sent;
    }
    return EXCHANGED;
}

/* Receives up to `room` bytes, at least one unless there was an interruption. Sets *size. */
static enum exchange receive_some(const struct plugin_process *self, void *bytes, size_t room,
                                  size_t *size)
{
    enum exchange ready = wait_ready(self, POLLIN);
    if (ready != EXCHANGED) {
        return ready;
    }
    ssize_t received = recv(self->socket, bytes, room, MSG_DONTWAIT);
    if (received == 0 || (received < 0 && !is_transient())) {
        return BROKEN;
    }
    *size = received < 0 ? 0 : (size_t)received;
    return EXCHANGED;
}

static enum exchange receive_hello(const struct plugin_process *self, struct plugin_hello *hello)
{
    size_t have = 0;
    while (have < sizeof(*hello)) {
        size_t size;
        enum exchange exchange =
            receive_some(self, (uint8_t *)hello + have, sizeof(*hello) - have, &size);
        if (exchange != EXCHANGED) {
            return exchange;
        }
        have += size;
    }
    hello->name[sizeof(hello->name) - 1] = '\0';
    hello->problem[sizeof(hello->problem) - 1] = '\0';
    return EXCHANGED;
}

/* ----------------------------------------------------------------------------------- its ending */

/* Ends the process, if it has not ended by itself. True: it had, with *status. */
static bool end_process(struct plugin_process *self, enum exchange exchange, int *status)
{
    /* A process that the writer has forked may keep the socket open. */
    bool ended = exchange == BROKEN ? child_wait(self->pid, status) : child_kill(self->pid, status);
    close(self->socket);
    self->pid = -1;
    return ended;
}

/* What broke an exchange off is an end of the process. */
static enum plugin_outcome plugin_process_conclude(struct plugin_process *self,
                                                   enum exchange exchange)
{
    int status = 0;
    if (exchange == EXCHANGED) {
        return PLUGIN_DONE;
    }
    if (exchange == INTERRUPTED) {
        self->interrupted = true;
        end_process(self, exchange, &status);
        return PLUGIN_INTERRUPTED;
    }
    self->ends++;
    if (end_process(self, exchange, &status) &&
        !(WIFEXITED(status) && WEXITSTATUS(status) == PLUGIN_HOST_CUT_OFF)) {
        child_describe_end(status, self->end_text);
    } else if (exchange == TIMED_OUT) {
        self->timeouts++;
        child_describe_timeout(self->limit, self->end_text);
    } else {
        snprintf(self->end_text, sizeof(self->end_text),
                 "used a file descriptor that is not its own");
    }
    return PLUGIN_ENDED;
}

/* ----------------------------------------------------------------------------------- its beginning
 */

static bool fork_host(struct plugin_process *self)
{
    int ends[2];
    pid_t parent = getpid();
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) {
        return false;
    }
    fflush(NULL); /* or the child would write it too */
    self->pid = fork();
    if (self->pid == 0) {
        plugin_host_run(ends[1], parent, self->path);
    }
    close(ends[1]);
    self->socket = ends[0];
    if (self->pid < 0) {
        close(self->socket);
    }
    return self->pid > 0;
}

/* PLUGIN_ENDED: the process has ended, and `problem` says why. */
static enum plugin_outcome start(struct plugin_process *self, char problem[PLUGIN_PROBLEM_SIZE])
{
    struct plugin_hello hello;
    if (!fork_host(self)) {
        snprintf(problem, PLUGIN_PROBLEM_SIZE, "no process for the writer: %s", strerror(errno));
        return PLUGIN_FAILED;
    }
    self->limit = self->timeout > CHILD_TIMEOUT ? self->timeout : CHILD_TIMEOUT;
    enum plugin_outcome outcome = plugin_process_conclude(self, receive_hello(self, &hello));
    self->limit = self->timeout;
    if (outcome == PLUGIN_INTERRUPTED) {
        snprintf(problem, PLUGIN_PROBLEM_SIZE, "interrupted while the writer was loaded");
        return outcome;
    }
    if (outcome != PLUGIN_DONE) {
        snprintf(problem, PLUGIN_PROBLEM_SIZE, "cannot load the writer: %s: %s", self->path,
                 self->end_text);
        return PLUGIN_ENDED;
    }
    if (!hello.usable) {
        memcpy(problem, hello.problem, sizeof(hello.problem));
        outcome = plugin_process_conclude(self, BROKEN); /* or about to be: it ends by itself */
        return hello.no_memory ? PLUGIN_FAILED : outcome;
    }
    memcpy(self->name, hello.name, sizeof(self->name));
    return PLUGIN_DONE;
}

enum plugin_outcome plugin_process_create(const char *path, unsigned timeout,
                                          struct plugin_process **process,
                                          char problem[PLUGIN_PROBLEM_SIZE])
{
    struct plugin_process *self = calloc(1, sizeof(*self));
    char *copy = strdup(path);
    if (self == NULL || copy == NULL) {
        free(self);
        free(copy);
        snprintf(problem, PLUGIN_PROBLEM_SIZE, "out of memory");
        return PLUGIN_FAILED;
    }
    self->path = copy;
    self->timeout = timeout;
    self->pid = -1;
    self->writer.name = self->name;
    enum plugin_outcome outcome = start(self, problem);
    if (outcome == PLUGIN_DONE) {
        *process = self;
    } else {
        plugin_process_destroy(self);
    }
    return outcome;
}

void plugin_process_destroy(struct plugin_process *self)
{
    int status;
    if (self->pid > 0) {
        shutdown(self->socket, SHUT_RDWR); /* the host's request to end */
        end_process(self, BROKEN, &status);
    }
    free(self->path);
    free(self->bytes);
    free(self);
}

enum plugin_outcome plugin_process_probe(const char *path, unsigned timeout,
                                         char name[PLUGIN_NAME_SIZE],
                                         char problem[PLUGIN_PROBLEM_SIZE])
{
    struct plugin_process *process;
    enum plugin_outcome outcome = plugin_process_create(path, timeout, &process, problem);
    if (outcome == PLUGIN_DONE) {
        memcpy(name, process->name, sizeof(process->name));
        plugin_process_destroy(process);
    }
    return outcome;
}

const struct kvr_writer_type *plugin_process_writer(const struct plugin_process *self)
{
    return &self->writer;
}

const char *plugin_process_end_text(const struct plugin_process *self)
{
    return self->end_text;
}

unsigned plugin_process_ends(const struct plugin_process *self)
{
    return self->ends;
}

/* ------------------------------------------------------------------------------------- the calls
 */

static bool is_given_up(const struct plugin_process *self)
{
    return self->ends >= PLUGIN_ENDS_MAX || self->timeouts >= PLUGIN_TIMEOUTS_MAX;
}

static enum plugin_outcome start_again(struct plugin_process *self)
{
    char problem[PLUGIN_PROBLEM_SIZE];
    if (self->interrupted) {
        return PLUGIN_INTERRUPTED;
    }
    if (is_given_up(self)) {
        return PLUGIN_GIVEN_UP;
    }
    return self->pid > 0 ? PLUGIN_DONE : start(self, problem);
}

/* Receives the answer to the request, with what follows it, into `bytes`. */
static enum exchange receive_answer(struct plugin_process *self,
                                    const struct plugin_request *request,
                                    struct plugin_answer *answer)
{
    size_t wanted = sizeof(*answer);
    size_t have = 0;
    while (have < wanted) {
        size_t size;
        enum exchange exchange = receive_some(self, self->bytes + have, self->room - have, &size);
        if (exchange != EXCHANGED) {
            return exchange;
        }
        have += size;
        if (have >= sizeof(*answer)) {
            memcpy(answer, self->bytes, sizeof(*answer));
            if (answer->serial != request->serial ||
                answer->size > request->size + PLUGIN_EXCESS_MAX) {
                return SPOILT;
            }
            wanted = sizeof(*answer) + answer->size;
        }
    }
    return have == wanted ? EXCHANGED : SPOILT;
}

/* There is room for the request and the answer to it. */
static enum exchange ask(struct plugin_process *self, struct plugin_request *request,
                         struct span frames, struct plugin_answer *answer)
{
    request->serial = ++self->serial;
    request->size = frames.size;
    memcpy(self->bytes, request, sizeof(*request));
    if (frames.size > 0) {
        memcpy(self->bytes + sizeof(*request), frames.data, frames.size);
    }
    enum exchange exchange = send_bytes(self, self->bytes, sizeof(*request) + frames.size);
    return exchange == EXCHANGED ? receive_answer(self, request, answer) : exchange;
}

static bool plugin_process_make_room(struct plugin_process *self, size_t frames)
{
    size_t size =
        sizeof(struct plugin_request) + sizeof(struct plugin_answer) + frames + PLUGIN_EXCESS_MAX;
    if (size > self->room) {
        uint8_t *bytes = realloc(self->bytes, size);
        if (bytes == NULL) {
            return false;
        }
        self->bytes = bytes;
        self->room = size;
    }
    return true;
}

enum plugin_outcome plugin_process_write(struct plugin_process *self, struct plugin_call *call,
                                         struct plugin_result *result)
{
    struct plugin_request request = {
        .task = PLUGIN_TASK_WRITE,
        .hostile = call->hostile,
        .seed = call->seed,
        .count = call->count,
    };
    struct plugin_answer answer;
    enum plugin_outcome outcome = start_again(self);
    if (outcome != PLUGIN_DONE) {
        return outcome;
    }
    if (!plugin_process_make_room(self, call->frames.size)) {
        return PLUGIN_FAILED;
    }
    enum exchange exchange = ask(self, &request, call->frames, &answer);
    if (exchange == EXCHANGED && answer.no_memory) {
        return PLUGIN_FAILED;
    }
    outcome = plugin_process_conclude(self, exchange);
    if (outcome == PLUGIN_DONE) {
        call->seed = answer.seed;
        *result =
            (struct plugin_result){.error = (enum kvr_error)answer.error,
                                   .built = span_of(self->bytes + sizeof(answer), answer.size)};
    }
    return outcome;
}

enum plugin_outcome plugin_process_finish(struct plugin_process *self)
{
    struct plugin_request request = {.task = PLUGIN_TASK_FINISH};
    struct plugin_answer answer;
    if (self->pid < 0) {
        return PLUGIN_DONE; /* the state has gone with the process */
    }
    if (!plugin_process_make_room(self, 0)) {
        return PLUGIN_FAILED;
    }
    return plugin_process_conclude(self, ask(self, &request, span_of(NULL, 0), &answer));
}
