#include "server/wire.h"

#include "server/spares.h"

#include <errno.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct timeval linger = {.tv_sec = WIRE_LINGER_MILLISECONDS / 1000};

/* ------------------------------------------------------------------------ reading */

/* What was received in the shared room and not taken is moved to memory of its own. False: there is
 * none, and the next bytes of whatever client would take its place. */
static bool wire_keep(struct evbuffer *input)
{
    size_t size = evbuffer_get_length(input);
    struct evbuffer_iovec piece;
    if (size == 0) {
        return true;
    }
    /* The copy comes behind the original, which then is in the way no more. */
    return evbuffer_peek(input, (ev_ssize_t)size, NULL, &piece, 1) == 1 && piece.iov_len == size &&
           evbuffer_add(input, piece.iov_base, size) == 0 && evbuffer_drain(input, size) == 0;
}

/* Lets the input begin in the room, if it is empty. False: no memory. */
static bool add_received(struct wire *wire, size_t size, bool *in_room)
{
    struct evbuffer *input = wire_input(wire);
    *in_room = evbuffer_get_length(input) == 0;
    return *in_room ? evbuffer_add_reference(input, wire->room, size, NULL, NULL) == 0
                    : evbuffer_add(input, wire->room, size) == 0;
}

static void on_socket_readable(evutil_socket_t socket, short what, void *context)
{
    struct wire *wire = context;
    bool in_room;
    ssize_t got = (what & EV_READ) == 0 ? -1 : recv(socket, wire->room, WIRE_ROOM, 0);
    if (got < 0 && (what & EV_READ) != 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (got <= 0 || !add_received(wire, (size_t)got, &in_room)) {
        wire_set_reading(wire, false);
        wire->events->ended(wire->context, got == 0);
        return;
    }
    if (wire->events->received(wire->context) && in_room && !wire_keep(wire_input(wire))) {
        evbuffer_drain(wire_input(wire), SIZE_MAX);
        wire->events->lost(wire->context);
    }
}

static void wire_on_readable(struct bufferevent *bufferevent, void *context)
{
    (void)bufferevent;
    struct wire *wire = context;
    wire->events->received(wire->context);
}

bool wire_set_reading(struct wire *wire, bool reading)
{
    if (wire->reading == reading) {
        return true;
    }
    wire->reading = reading;
    if (wire->readable == NULL) {
        return (reading ? bufferevent_enable : bufferevent_disable)(wire->bufferevent, EV_READ) ==
               0;
    }
    return (reading ? event_add(wire->readable, NULL) : event_del(wire->readable)) == 0;
}

/* ------------------------------------------------------------------------ writing */

/* For one piece of memory send(2) costs less than evbuffer_write's writev(2). */
static void write_now(struct evbuffer *output, int socket)
{
    struct evbuffer_iovec piece;
    if (evbuffer_peek(output, -1, NULL, &piece, 1) > 1) {
        evbuffer_write(output, socket);
        return;
    }
    ssize_t sent = send(socket, piece.iov_base, piece.iov_len, MSG_NOSIGNAL);
    if (sent > 0) {
        evbuffer_drain(output, (size_t)sent);
    }
}

void wire_send(struct wire *wire)
{
    struct evbuffer *output = bufferevent_get_output(wire->bufferevent);
    if (wire->writing || evbuffer_get_length(output) == 0) {
        return;
    }
    evbuffer_unfreeze(output, 1); /* a bufferevent keeps its output frozen at the start */
    write_now(output, bufferevent_getfd(wire->bufferevent));
    evbuffer_freeze(output, 1);
    if (evbuffer_get_length(output) > 0) { /* errors are found by the bufferevent */
        wire->writing = true;
        bufferevent_enable(wire->bufferevent, EV_WRITE);
    }
}

static void wire_on_written(struct bufferevent *bufferevent, void *context)
{
    struct wire *wire = context;
    if (wire->readable != NULL && wire_unsent(wire) == 0) {
        wire->writing = false; /* from here on wire_send does it again */
        bufferevent_disable(bufferevent, EV_WRITE);
    }
    wire->events->sent(wire->context);
}

/* ------------------------------------------------------------------------ the end */

static void wire_on_event(struct bufferevent *bufferevent, short events, void *context)
{
    struct wire *wire = context;
    if ((events & BEV_EVENT_CONNECTED) == 0) { /* else the TLS handshake is over */
        wire->reading = false;                 /* libevent has stopped that */
        if (wire->readable == NULL && (events & BEV_EVENT_EOF) != 0) {
            bufferevent_enable(bufferevent, EV_WRITE); /* and this, but answers are still to go */
        }
        wire->events->ended(wire->context, (events & BEV_EVENT_EOF) != 0);
    }
}

bool wire_finish(struct wire *wire)
{
    SSL *tls = bufferevent_openssl_get_ssl(wire->bufferevent);
    int socket = bufferevent_getfd(wire->bufferevent);
    int waiting = 1;
    if (tls != NULL && SSL_is_init_finished(tls)) {
        SSL_shutdown(tls);
    }
    if (ioctl(socket, SIOCOUTQ, &waiting) == 0 && waiting == 0) {
        return true;
    }
    shutdown(socket, SHUT_WR);
    if (wire->readable != NULL) {
        wire->reading = true;
        return event_add(wire->readable, &linger) != 0;
    }
    return !wire_set_reading(wire, true) ||
           bufferevent_set_timeouts(wire->bufferevent, &linger, NULL) != 0;
}

/* ------------------------------------------------------------------------ opening and closing */

/*
 * The handshake is left to SSL_read: for BUFFEREVENT_SSL_ACCEPTING libevent calls SSL_clear, which
 * takes memory from OpenSSL 3.2 on, and when it fails frees a bufferevent whose events it has not
 * initialised, which it does not survive. For an open one it also tells if it has no memory to
 * watch the socket.
 */
static struct bufferevent *make_tls(struct event_base *base, int socket, SSL_CTX *context)
{
    SSL *tls = spares_fill() ? SSL_new(context) : NULL;
    bool usable = tls != NULL && SSL_set_fd(tls, socket) == 1; /* libevent would not look */
    if (usable) {
        SSL_set_accept_state(tls); /* says nothing of memory, which it takes likewise */
        usable = SSL_in_before(tls);
    }
    if (!usable) {
        SSL_free(tls);
        return NULL;
    }
    /*
     * Frees the SSL, too, if it fails. The calls are deferred since libevent else reports an end
     * before it has put the bytes that came with it into the input.
     */
    return bufferevent_openssl_socket_new(base, socket, tls, BUFFEREVENT_SSL_OPEN,
                                          BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
}

/* Reading and writing are this module's; the input, which a bufferevent keeps frozen, too. */
static bool wire_take_over(struct wire *wire, struct event_base *base, int socket)
{
    wire->readable = event_new(base, socket, EV_READ | EV_PERSIST, on_socket_readable, wire);
    evbuffer_unfreeze(wire_input(wire), 0);
    bufferevent_disable(wire->bufferevent, EV_READ | EV_WRITE);
    bufferevent_set_max_single_write(wire->bufferevent, WIRE_WRITE_MAX);
    return wire->readable != NULL;
}

bool wire_open(struct wire *wire, struct event_base *base, int socket, SSL_CTX *tls, uint8_t *room,
               const struct wire_events *events, void *context)
{
    *wire = (struct wire){
        .bufferevent = tls == NULL ? bufferevent_socket_new(base, socket, BEV_OPT_CLOSE_ON_FREE)
                                   : make_tls(base, socket, tls),
        .room = room,
        .writing = tls != NULL,
        .events = events,
        .context = context,
    };
    if (wire->bufferevent == NULL) {
        close(socket);
        return false;
    }
    if (tls == NULL && !wire_take_over(wire, base, socket)) {
        bufferevent_free(wire->bufferevent);
        return false;
    }
    bufferevent_setcb(wire->bufferevent, wire_on_readable, wire_on_written, wire_on_event, wire);
    bufferevent_setwatermark(wire->bufferevent, EV_WRITE, WIRE_SENT_ENOUGH, 0);
    return true;
}

void wire_close(struct wire *wire)
{
    if (wire->readable != NULL) {
        event_free(wire->readable);
    }
    bufferevent_free(wire->bufferevent);
}
