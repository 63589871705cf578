#include "engine/memcached.h"

#include "mcbp/opcode.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    CLOCK_AHEAD = 62, /* memcached's clock starts with this */
    START_TRIES = 500,
    TRY_MILLISECONDS = 10,
    PATIENCE_MILLISECONDS = 10000,
};

/*
 * The kernel ends it with us, however we end; it would forget that if memcached changed its user.
 * One worker thread, so that what one connection was answered is over before the next one asks.
 */
static void become_memcached(const struct memcached *memcached, pid_t parent,
                             const char *item_size_max, const char *extended)
{
    const char *arguments[] = {
        "memcached", "-s", memcached->path, "-u", "root",        "-U", "0",      "-t",
        "1",         "-m", "256",           "-I", item_size_max, "-o", extended, NULL};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) {
        _exit(1);
    }
    execvp("memcached", (char *const *)arguments);
    fprintf(stderr, "memcached can't be started: %s (Debian's package is memcached)\n",
            strerror(errno));
    _exit(127);
}

static int try_to_connect(const struct memcached *memcached)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, memcached->path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0) {
        return fd;
    }
    close(fd);
    return -1;
}

unsigned memcached_release(void)
{
    unsigned release = 0;
    FILE *output = popen("memcached -V", "re");
    assert_non_null(output);
    if (fscanf(output, "memcached 1.6.%u", &release) != 1) {
        fail_msg("'memcached -V' does not say 1.6.N");
    }
    pclose(output);
    return release;
}

void memcached_start(struct memcached *memcached, const char *item_size_max, const char *extended)
{
    strcpy(memcached->folder, "/tmp/kvreplay-test-XXXXXX");
    assert_non_null(mkdtemp(memcached->folder));
    snprintf(memcached->path, sizeof(memcached->path), "%s/socket", memcached->folder);
    pid_t parent = getpid();
    memcached->started = time(NULL) - CLOCK_AHEAD;
    memcached->pid = fork();
    assert_true(memcached->pid >= 0);
    if (memcached->pid == 0) {
        become_memcached(memcached, parent, item_size_max, extended);
    }

    for (int i = 0; i < START_TRIES; i++) {
        int fd = try_to_connect(memcached);
        if (fd >= 0) {
            close(fd);
            return;
        }
        if (waitpid(memcached->pid, NULL, WNOHANG) != 0) {
            break;
        }
        poll(NULL, 0, TRY_MILLISECONDS);
    }
    fail_msg("memcached does not answer on %s", memcached->path);
}

void memcached_stop(struct memcached *memcached)
{
    if (memcached->pid <= 0) {
        return;
    }
    kill(memcached->pid, SIGKILL);
    waitpid(memcached->pid, NULL, 0);
    unlink(memcached->path);
    rmdir(memcached->folder);
    memcached->pid = 0;
}

int memcached_connect(const struct memcached *memcached)
{
    int fd = try_to_connect(memcached);
    assert_true(fd >= 0);
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    return fd;
}

/* Takes whole frames off `in` from *position on; true if the last NOOP's answer is among them. */
static bool is_answered(const struct bytes *in, size_t *position, uint32_t last_opaque)
{
    struct mcbp_frame frame;
    while (mcbp_frame_parse(span_skip(span_of(in->data, in->size), *position), &frame) ==
           MCBP_FRAME) {
        *position += frame.bytes.size;
        if (frame.header.opcode == MCBP_NOOP && frame.header.opaque == last_opaque) {
            return true;
        }
    }
    return false;
}

/* Returns false at the end of the stream, of which a reset is one: the server left bytes unread. */
static bool receive(int fd, struct bytes *in)
{
    enum { ROOM = 1 << 18 };
    ssize_t got = recv(fd, bytes_reserve(in, ROOM), ROOM, 0);
    if (got > 0) {
        in->size += (size_t)got;
    } else if (got == 0 || errno == ECONNRESET) {
        return false;
    } else {
        assert_true(errno == EAGAIN || errno == EINTR);
    }
    return true;
}

/* A server that has closed the connection takes nothing more, which is for receive to notice. */
static void send_some(int fd, struct span *out)
{
    ssize_t sent = send(fd, out->data, out->size, MSG_NOSIGNAL);
    if (sent > 0) {
        *out = span_skip(*out, (size_t)sent);
    } else if (errno == EPIPE || errno == ECONNRESET) {
        *out = span_skip(*out, out->size);
    } else {
        assert_true(errno == EAGAIN || errno == EINTR);
    }
}

bool memcached_exchange(int fd, struct span out, struct bytes *in, uint32_t last_opaque)
{
    for (size_t position = in->size;;) {
        struct pollfd event = {.fd = fd, .events = POLLIN};
        if (out.size != 0) {
            event.events |= POLLOUT;
        }
        if (poll(&event, 1, PATIENCE_MILLISECONDS) == 0) {
            fail_msg("memcached neither answers the NOOP nor closes the connection");
        }
        if (event.revents & POLLOUT) {
            send_some(fd, &out);
        }
        if ((event.revents & (POLLIN | POLLHUP | POLLERR)) && !receive(fd, in)) {
            return false;
        }
        if (is_answered(in, &position, last_opaque)) {
            return true;
        }
    }
}
