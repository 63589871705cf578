#include "server/listener.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 1024, NAME_SIZE = 256 };

static bool fail(char problem[SERVER_PROBLEM_SIZE], const char *where, const char *why)
{
    snprintf(problem, SERVER_PROBLEM_SIZE, "%s: %s", where, why);
    return false;
}

/* Adds a listening socket to the list, which then owns it. */
static bool add(struct listeners *listeners, int socket, const char *text)
{
    size_t length = strlen(listeners->text);
    listeners->sockets[listeners->count++] = socket;
    int written = snprintf(listeners->text + length, LISTENERS_TEXT_SIZE - length, "%s%s",
                           length == 0 ? "" : ", ", text);
    return (size_t)written < LISTENERS_TEXT_SIZE - length;
}

/* ------------------------------------------------------------------------ TCP */

/* Accepted sockets inherit TCP_NODELAY. */
static int listen_tcp(const struct addrinfo *address)
{
    static const int on = 1;
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0 &&
        (address->ai_family != AF_INET6 ||
         setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) == 0) &&
        bind(fd, address->ai_addr, address->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0) {
        return fd;
    }
    int reason = errno;
    close(fd);
    errno = reason;
    return -1;
}

static void describe(int socket, char text[NAME_SIZE])
{
    struct sockaddr_storage address;
    socklen_t size = sizeof(address);
    char host[NAME_SIZE - 16] = "?", port[8] = "?";
    if (getsockname(socket, (struct sockaddr *)&address, &size) == 0) {
        getnameinfo((struct sockaddr *)&address, size, host, sizeof(host), port, sizeof(port),
                    NI_NUMERICHOST | NI_NUMERICSERV);
    }
    bool brackets = strchr(host, ':') != NULL;
    snprintf(text, NAME_SIZE, "%s%s%s:%s", brackets ? "[" : "", host, brackets ? "]" : "", port);
}

/* Listens on all addresses of that name. */
static bool open_name(struct listeners *listeners, const char *name, uint16_t port,
                      char problem[SERVER_PROBLEM_SIZE])
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *addresses;
    char service[8], text[NAME_SIZE];
    snprintf(service, sizeof(service), "%u", port);
    int error = getaddrinfo(name, service, &hints, &addresses);
    if (error != 0) {
        return fail(problem, name, gai_strerror(error));
    }
    bool opened = true;
    for (const struct addrinfo *address = addresses; opened && address != NULL;
         address = address->ai_next) {
        int socket = -1;
        if (listeners->count == LISTENERS_MAX) {
            opened = fail(problem, name, "too many addresses");
        } else if ((socket = listen_tcp(address)) < 0) {
            snprintf(text, sizeof(text), "%.200s, port %u", name, port);
            opened = fail(problem, text, strerror(errno));
        } else {
            describe(socket, text);
            opened = add(listeners, socket, text) || fail(problem, name, "too many addresses");
        }
    }
    freeaddrinfo(addresses);
    return opened;
}

static bool open_names(struct listeners *listeners, const char *names, uint16_t port,
                       char problem[SERVER_PROBLEM_SIZE])
{
    for (;;) {
        char name[NAME_SIZE];
        size_t length = strcspn(names, ",");
        snprintf(name, sizeof(name), "%.*s", (int)(length < NAME_SIZE ? length : NAME_SIZE), names);
        if (length == 0 || length >= NAME_SIZE) {
            return fail(problem, "--listen", "an address is empty or too long");
        }
        if (!open_name(listeners, name, port, problem)) {
            return false;
        }
        if (names[length] == '\0') {
            return true;
        }
        names += length + 1;
    }
}

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
static bool open_unix(struct listeners *listeners, const char *path,
                      char problem[SERVER_PROBLEM_SIZE])
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(address.sun_path)) {
        return fail(problem, path, "too long for a socket's path");
    }
    strcpy(address.sun_path, path);
    remove_stale(&address);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return fail(problem, path, strerror(errno));
    }
    bool bound = bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
    if (bound && chmod(path, S_IRWXU) == 0 && listen(fd, BACKLOG) == 0) {
        listeners->unix_path = path;
        return add(listeners, fd, path);
    }
    fail(problem, path, strerror(errno));
    if (bound) {
        unlink(path);
    }
    close(fd);
    return false;
}

bool listeners_open(struct listeners *listeners, const struct server_options *options,
                    char problem[SERVER_PROBLEM_SIZE])
{
    *listeners = (struct listeners){0};
    bool opened = options->unix_path != NULL
                      ? open_unix(listeners, options->unix_path, problem)
                      : open_names(listeners, options->listen, options->port, problem);
    if (!opened) {
        listeners_close(listeners);
    }
    return opened;
}

void listeners_close(struct listeners *listeners)
{
    if (listeners->unix_path != NULL) {
        unlink(listeners->unix_path);
        listeners->unix_path = NULL;
    }
    for (size_t i = 0; i < listeners->count; i++) {
        close(listeners->sockets[i]);
    }
    listeners->count = 0;
}
