#include "live/peer.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READS_AT_ONCE = 4 }; /* rooms full, before others have their turn */

/* ------------------------------------------------------------------------ the socket, or TLS */

enum moved { MOVED, MOVED_NOTHING, MOVED_END, MOVED_BROKEN };

static enum moved tls_moved(struct peer *peer, int result, const char **why)
{
    switch (SSL_get_error(peer->tls, result)) {
    case SSL_ERROR_NONE:
        return MOVED;
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return MOVED_NOTHING;
    case SSL_ERROR_ZERO_RETURN:
        return MOVED_END;
    default:
        *why = ERR_reason_error_string(ERR_peek_error());
        if (*why == NULL) {
            *why = errno != 0 ? strerror(errno) : "closed without close_notify";
        }
        ERR_clear_error();
        return MOVED_BROKEN;
    }
}

static enum moved socket_moved(ssize_t result, const char **why)
{
    if (result > 0) {
        return MOVED;
    }
    if (result == 0) {
        return MOVED_END;
    }
    if (errno == EAGAIN || errno == EINTR) {
        return MOVED_NOTHING;
    }
    *why = strerror(errno);
    return MOVED_BROKEN;
}

static enum moved receive(struct peer *peer, size_t *size, const char **why)
{
    if (peer->tls == NULL) {
        ssize_t got = recv(peer->fd, peer->room, PEER_ROOM, 0);
        *size = got > 0 ? (size_t)got : 0;
        return socket_moved(got, why);
    }
    errno = 0;
    ERR_clear_error();
    return tls_moved(peer, SSL_read_ex(peer->tls, peer->room, PEER_ROOM, size), why);
}

static enum moved transmit(struct peer *peer, size_t *size, const char **why)
{
    const uint8_t *bytes = buffer_span(&peer->out).data;
    if (peer->tls == NULL) {
        ssize_t sent = send(peer->fd, bytes, peer_unsent(peer), MSG_NOSIGNAL);
        *size = sent > 0 ? (size_t)sent : 0;
        return socket_moved(sent, why);
    }
    errno = 0;
    ERR_clear_error();
    return tls_moved(peer, SSL_write_ex(peer->tls, bytes, peer_unsent(peer), size), why);
}

/* --------------------------------------------------------------------------------- receiving */

static void peer_end(struct peer *peer, const char *why, struct span rest, bool malformed)
{
    if (!peer->ended) {
        peer->ended = true;
        event_del(peer->readable);
        event_del(peer->writable);
        peer->events->ended(peer->context, why, rest, malformed);
    }
}

/* Delivers the whole frames that `bytes` begins with. Returns the rest; *bad if it is no frame. */
static struct span deliver_frames(struct peer *peer, struct span bytes, bool *bad)
{
    struct mcbp_frame frame;
    while (bytes.size > 0 && !peer->ended) {
        enum mcbp_parse parse = mcbp_frame_parse(bytes, &frame);
        *bad = parse == MCBP_BAD_MAGIC || parse == MCBP_BAD_LENGTHS ||
               frame.bytes.size > peer->frame_max;
        if (parse != MCBP_FRAME || *bad) {
            break;
        }
        peer->events->frame(peer->context, &frame);
        bytes = span_skip(bytes, frame.bytes.size);
    }
    return bytes;
}

static void keep_in(struct peer *peer, struct span bytes)
{
    if (!buffer_append(&peer->in, bytes)) {
        peer_end(peer, "no memory for what it sends", span_of(NULL, 0), false);
    }
}

/* Frames are delivered where they were received, unless one had begun before. */
static void take_received(struct peer *peer, struct span bytes)
{
    bool bad = false;
    bool kept = buffer_span(&peer->in).size > 0;
    if (kept) {
        keep_in(peer, bytes);
        bytes = buffer_span(&peer->in);
    }
    struct span rest = deliver_frames(peer, bytes, &bad);
    if (peer->ended) {
        return;
    }
    if (kept) {
        buffer_take(&peer->in, bytes.size - rest.size);
    } else {
        keep_in(peer, rest);
    }
    if (bad) {
        peer_end(peer, "it has sent what is no frame", buffer_span(&peer->in), true);
    }
}

static void on_readable(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct peer *peer = context;
    for (int i = 0; i < READS_AT_ONCE && !peer->ended; i++) {
        size_t size = 0;
        const char *why = NULL;
        enum moved moved = receive(peer, &size, &why);
        if (moved == MOVED) {
            peer->received += size;
            take_received(peer, span_of(peer->room, size));
        } else if (moved == MOVED_NOTHING) {
            return;
        } else {
            peer_end(peer, why, buffer_span(&peer->in), false);
        }
        if (size < PEER_ROOM && peer->tls == NULL) {
            return; /* there was no more */
        }
    }
    if (peer->tls != NULL && !peer->ended && SSL_pending(peer->tls) > 0) {
        event_active(peer->readable, EV_READ, 0); /* what TLS holds makes no socket readable */
    }
}

/* ----------------------------------------------------------------------------------- sending */

uint8_t *peer_add(struct peer *peer, size_t size)
{
    return buffer_extend(&peer->out, size);
}

void peer_send(struct peer *peer)
{
    while (peer_unsent(peer) > 0 && !peer->ended) {
        size_t size = 0;
        const char *why = NULL;
        enum moved moved = transmit(peer, &size, &why);
        if (moved == MOVED_NOTHING) {
            event_add(peer->writable, NULL);
            return;
        }
        if (moved != MOVED) {
            /* What the server has sent before it closed is still to be read; reading finds the end.
             */
            buffer_deinit(&peer->out);
            return;
        }
        buffer_take(&peer->out, size);
        peer->events->sent(peer->context, size);
    }
}

static void on_writable(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    peer_send(context);
}

void peer_half_close(struct peer *peer)
{
    if (peer->tls != NULL) {
        SSL_shutdown(peer->tls);
    }
    shutdown(peer->fd, SHUT_WR);
}

/* ----------------------------------------------------------------------------- begin and end */

bool peer_open(struct peer *peer, struct event_base *base, int fd, SSL *tls, uint8_t *room,
               size_t frame_max, const struct peer_events *events, void *context)
{
    *peer = (struct peer){.fd = fd,
                          .tls = tls,
                          .room = room,
                          .frame_max = frame_max,
                          .events = events,
                          .context = context};
    peer->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, peer);
    peer->writable = event_new(base, fd, EV_WRITE, on_writable, peer);
    if (peer->readable == NULL || peer->writable == NULL || event_add(peer->readable, NULL) != 0) {
        peer_close(peer);
        return false;
    }
    return true;
}

void peer_close(struct peer *peer)
{
    if (peer->readable != NULL) {
        event_free(peer->readable);
    }
    if (peer->writable != NULL) {
        event_free(peer->writable);
    }
    SSL_free(peer->tls);
    if (peer->fd >= 0) {
        close(peer->fd);
    }
    buffer_deinit(&peer->out);
    buffer_deinit(&peer->in);
    *peer = (struct peer){.fd = -1};
}
