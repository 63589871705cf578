#include "live/target.h"

#include "live/patience.h"
#include "sockets/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool target_init(struct target *target, const char *name, SSL_CTX *tls,
                 char problem[SOCKETS_PROBLEM_SIZE])
{
    *target = (struct target){.name = name, .tls = tls};
    if (!address_host(name, target->host)) {
        target->host[0] = '\0';
    }
    return addresses_add(&target->addresses, name, problem);
}

/* ------------------------------------------------------------------------------- connections */

/* -1 with errno. */
static int connect_to(const struct address *address, const struct patience *patience)
{
    int fd = address_socket(address);
    int error = 0;
    socklen_t error_size = sizeof(error);
    if (fd < 0 || connect(fd, &address->any, address->size) == 0) {
        return fd;
    }
    /* A UNIX socket whose backlog is full says EAGAIN and does not go on by itself. */
    if (errno == EINPROGRESS && patience_wait(patience, fd, POLLOUT) &&
        getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &error_size) == 0) {
        if (error == 0) {
            return fd;
        }
        errno = error;
    }
    error = errno;
    close(fd);
    errno = error;
    return -1;
}

/* --------------------------------------------------------------------------------------- TLS */

/* False: `reason` is why. */
static bool shake_hands(SSL *tls, int fd, const struct patience *patience,
                        char text[TLS_REASON_SIZE], const char **reason)
{
    for (;;) {
        ERR_clear_error();
        errno = 0;
        int result = SSL_connect(tls);
        int error = SSL_get_error(tls, result);
        if (result == 1) {
            return true;
        }
        if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) {
            *reason = tls_reason(tls, ERR_peek_error(), text);
            if (*reason == NULL) {
                *reason = errno != 0 ? strerror(errno) : "the server has closed the connection";
            }
            return false;
        }
        if (!patience_wait(patience, fd, error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT)) {
            *reason = errno == EINTR ? strerror(EINTR) : "no answer in time";
            return false;
        }
    }
}

static SSL *begin_tls(const struct target *target, int fd, const struct patience *patience,
                      char problem[SOCKETS_PROBLEM_SIZE])
{
    SSL *tls = SSL_new(target->tls);
    const char *reason = "no memory";
    char text[TLS_REASON_SIZE];
    bool named = tls != NULL && (target->host[0] == '\0' || tls_expect_host(tls, target->host));
    if (tls != NULL) {
        SSL_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    }
    if (named && SSL_set_fd(tls, fd) == 1 && shake_hands(tls, fd, patience, text, &reason)) {
        return tls;
    }
    snprintf(problem, SOCKETS_PROBLEM_SIZE, "%s: TLS: %s", target->name, reason);
    SSL_free(tls);
    ERR_clear_error();
    return NULL;
}

int target_connect(const struct target *target, int timeout,
                   const volatile sig_atomic_t *interrupted, SSL **tls,
                   char problem[SOCKETS_PROBLEM_SIZE])
{
    int fd = -1;
    struct patience patience = {.interrupted = interrupted};
    *tls = NULL;
    for (size_t i = 0; fd < 0 && i < target->addresses.count; i++) {
        patience_begin(&patience, timeout);
        fd = connect_to(&target->addresses.list[i], &patience);
    }
    if (fd < 0) {
        snprintf(problem, SOCKETS_PROBLEM_SIZE, "%s: %s", target->name, strerror(errno));
        return -1;
    }
    if (target->tls != NULL) {
        patience_begin(&patience, timeout);
        *tls = begin_tls(target, fd, &patience, problem);
        if (*tls == NULL) {
            close(fd);
            return -1;
        }
    }
    return fd;
}
