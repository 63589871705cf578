#include "sockets/listener.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BACKLOG = 1024, REASON_SIZE = 64 };

/* ------------------------------------------------------------------------ UNIX */

/* A socket that nobody listens on any more is in the way. */
static void remove_stale(const struct sockaddr_un *address)
{
    struct stat status;
    if (lstat(address->sun_path, &status) != 0 || !S_ISSOCK(status.st_mode)) {
        return;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return;
    }
    if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) != 0 &&
        errno == ECONNREFUSED) {
        unlink(address->sun_path);
    }
    close(fd);
}

/* Only the user may connect. The mode is set before anybody could. */
static bool listen_unix(int fd, const struct sockaddr_un *address)
{
    remove_stale(address);
    if (bind(fd, (const struct sockaddr *)address, sizeof(*address)) != 0) {
        return false;
    }
    if (chmod(address->sun_path, S_IRWXU) == 0 && listen(fd, BACKLOG) == 0) {
        return true;
    }
    int reason = errno;
    unlink(address->sun_path);
    errno = reason;
    return false;
}

/* ------------------------------------------------------------------------ TCP */

static bool listen_tcp(int fd, const struct address *address)
{
    static const int on = 1;
    return setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
           (address->any.sa_family != AF_INET6 ||
            setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) == 0) &&
           bind(fd, &address->any, address->size) == 0 && listen(fd, BACKLOG) == 0;
}

/* ------------------------------------------------------------------------ all */

/* With the port that the kernel chose. False: no room. */
static bool listener_describe(struct listeners *listeners, int fd)
{
    struct address address = {.size = sizeof(address.storage)};
    char text[ADDRESS_TEXT_SIZE];
    size_t length = strlen(listeners->text);
    if (getsockname(fd, &address.any, &address.size) != 0) {
        return false;
    }
    int written = snprintf(listeners->text + length, LISTENERS_TEXT_SIZE - length, "%s%s",
                           length == 0 ? "" : ", ", address_text(&address, text));
    return (size_t)written < LISTENERS_TEXT_SIZE - length;
}

static bool open_one(struct listeners *listeners, const struct address *address)
{
    bool is_unix = address->any.sa_family == AF_UNIX;
    int fd = address_socket(address);
    if (fd < 0) {
        return false;
    }
    if (!(is_unix ? listen_unix(fd, &address->unix_path) : listen_tcp(fd, address))) {
        int reason = errno;
        close(fd);
        errno = reason;
        return false;
    }
    if (is_unix) {
        listeners->unix_path = address->unix_path;
    }
    listeners->sockets[listeners->count++] = fd;
    return listener_describe(listeners, fd);
}

static const char *listener_kind_of(mode_t mode)
{
    return S_ISREG(mode)   ? "a regular file"
           : S_ISDIR(mode) ? "a folder"
           : S_ISLNK(mode) ? "a symbolic link"
                           : "a FIFO or a device";
}

/* For the system, any file that is in the way is an address in use. */
static const char *listener_reason_of(const struct address *address, int error,
                                      char reason[REASON_SIZE])
{
    struct stat status;
    if (error != EADDRINUSE || address->any.sa_family != AF_UNIX ||
        lstat(address->unix_path.sun_path, &status) != 0 || S_ISSOCK(status.st_mode)) {
        return strerror(error);
    }
    snprintf(reason, REASON_SIZE, "it is %s, no socket", listener_kind_of(status.st_mode));
    return reason;
}

bool listeners_open(struct listeners *listeners, const struct addresses *addresses,
                    char problem[SOCKETS_PROBLEM_SIZE])
{
    *listeners = (struct listeners){0};
    for (size_t i = 0; i < addresses->count; i++) {
        if (!open_one(listeners, &addresses->list[i])) {
            char text[ADDRESS_TEXT_SIZE];
            char reason[REASON_SIZE];
            snprintf(problem, SOCKETS_PROBLEM_SIZE, "%s: %s",
                     address_text(&addresses->list[i], text),
                     listener_reason_of(&addresses->list[i], errno, reason));
            listeners_close(listeners);
            return false;
        }
    }
    return true;
}

uint16_t listeners_port(const struct listeners *listeners)
{
    struct address address = {.size = sizeof(address.storage)};
    getsockname(listeners->sockets[0], &address.any, &address.size);
    return address_port(&address);
}

void listeners_close(struct listeners *listeners)
{
    if (listeners->unix_path.sun_path[0] != '\0') {
        unlink(listeners->unix_path.sun_path);
        listeners->unix_path.sun_path[0] = '\0';
    }
    for (size_t i = 0; i < listeners->count; i++) {
        close(listeners->sockets[i]);
    }
    listeners->count = 0;
}
