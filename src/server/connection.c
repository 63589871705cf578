#include "server/connection.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "server/requests.h"

enum phase {
    SERVING,
    ENDING,    /* no more requests are taken; answers are being sent */
    LINGERING, /* all is sent and the end is told; the client's end is waited for */
};

struct connection {
    struct connections *connections;
    struct connection *next;
    struct connection *previous;
    struct bufferevent *bufferevent;
    struct requests requests;
    enum phase phase;
    bool paused;        /* until the output has shrunk */
    bool reading;       /* the bufferevent is */
    bool ended;         /* the client sends no more */
    size_t unsent;      /* at the last look, SIZE_MAX: not looked yet */
    int64_t active;     /* when a request came to its end, or answers were taken; milliseconds */
    int64_t linger_end; /* likewise */
};

static int64_t milliseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static size_t unsent(const struct connection *connection)
{
    return evbuffer_get_length(bufferevent_get_output(connection->bufferevent));
}

/* ------------------------------------------------------------------------ the list */

static void append(struct connection *connection)
{
    struct connections *list = connection->connections;
    connection->previous = list->last;
    connection->next = NULL;
    if (list->last == NULL) {
        list->first = connection;
    } else {
        list->last->next = connection;
    }
    list->last = connection;
}

static void take_out(struct connection *connection)
{
    struct connections *list = connection->connections;
    if (connection->previous == NULL) {
        list->first = connection->next;
    } else {
        connection->previous->next = connection->next;
    }
    if (connection->next == NULL) {
        list->last = connection->previous;
    } else {
        connection->next->previous = connection->previous;
    }
}

static void set_active(struct connection *connection)
{
    if (connection->connections->service->idle_milliseconds == 0) {
        return;
    }
    connection->active = milliseconds();
    if (connection->next != NULL) {
        take_out(connection);
        append(connection);
    }
}

/* ------------------------------------------------------------------------ its end */

static void destroy(struct connection *connection)
{
    take_out(connection);
    atomic_fetch_sub(&connection->connections->service->connections, 1);
    bufferevent_free(connection->bufferevent);
    free(connection);
}

/* True if the client's side has everything: nothing is lost if the socket is closed now. */
static bool has_arrived(int socket)
{
    int waiting = 1;
    return ioctl(socket, SIOCOUTQ, &waiting) == 0 && waiting == 0;
}

static void set_reading(struct connection *connection, bool reading)
{
    if (connection->reading == reading) {
        return;
    }
    connection->reading = reading;
    if (reading) {
        bufferevent_enable(connection->bufferevent, EV_READ);
    } else {
        bufferevent_disable(connection->bufferevent, EV_READ);
    }
}

/* All is sent. The connection may be gone after this. */
static void finish(struct connection *connection)
{
    SSL *tls = bufferevent_openssl_get_ssl(connection->bufferevent);
    int socket = bufferevent_getfd(connection->bufferevent);
    if (tls != NULL && SSL_is_init_finished(tls)) {
        SSL_shutdown(tls);
    }
    if (connection->ended || has_arrived(socket)) {
        destroy(connection);
        return;
    }
    shutdown(socket, SHUT_WR);
    struct timeval linger = {.tv_sec = CONNECTION_LINGER_MILLISECONDS / 1000};
    connection->phase = LINGERING;
    connection->linger_end = milliseconds() + CONNECTION_LINGER_MILLISECONDS;
    bufferevent_set_timeouts(connection->bufferevent, &linger, NULL);
    set_reading(connection, true);
}

/* What follows from the state that a callback has left. The connection may be gone after this. */
static void settle(struct connection *connection)
{
    if (connection->phase == SERVING && connection->ended && !connection->paused) {
        connection->phase = ENDING;
    }
    if (connection->phase == SERVING) {
        set_reading(connection, !connection->paused && !connection->ended);
    } else if (connection->phase == ENDING) {
        set_reading(connection, false);
        if (unsent(connection) == 0) {
            finish(connection);
        }
    }
}

/* ------------------------------------------------------------------------ serving */

/* False: the output is not what it should be any more. */
static bool write_batch(struct connection *connection)
{
    struct connections *worker = connection->connections;
    struct batch *batch = &worker->batch;
    enum kvr_error error = KVR_OK;
    if (batch->count > 0) {
        error = worker->service->writer->write(worker->writer_state, connection->bufferevent,
                                               batch->responses, batch->count);
    }
    batch_clear(batch);
    return error == KVR_OK;
}

/* Answers what is in the input, as far as the output may grow. False: it has to be closed at once.
 */
static bool answer(struct connection *connection)
{
    struct evbuffer *input = bufferevent_get_input(connection->bufferevent);
    enum requests_state state = REQUESTS_FULL;
    while (state == REQUESTS_FULL && !connection->paused) {
        size_t executed;
        state = requests_execute(&connection->requests, connection->connections->service, input,
                                 &connection->connections->batch, &executed);
        if (!write_batch(connection)) {
            return false;
        }
        if (executed > 0) {
            set_active(connection);
            connection->unsent = SIZE_MAX;
        }
        connection->paused = unsent(connection) >= CONNECTION_OUTPUT_MAX;
    }
    if (state == REQUESTS_CLOSE) {
        connection->phase = ENDING;
    }
    return true;
}

static void on_readable(struct bufferevent *bufferevent, void *context)
{
    struct connection *connection = context;
    struct evbuffer *input = bufferevent_get_input(bufferevent);
    if (connection->phase == SERVING) {
        if (evbuffer_get_length(input) < connection->requests.needed || connection->paused) {
            return;
        }
        if (!answer(connection)) {
            destroy(connection);
            return;
        }
        settle(connection);
        return;
    }
    evbuffer_drain(input, evbuffer_get_length(input));
    if (connection->phase == LINGERING && milliseconds() > connection->linger_end) {
        destroy(connection);
    }
}

/* The output has shrunk to CONNECTION_OUTPUT_RESUME or less. */
static void on_written(struct bufferevent *bufferevent, void *context)
{
    (void)bufferevent;
    struct connection *connection = context;
    if (connection->paused) {
        connection->paused = false;
        set_active(connection);
        if (connection->phase == SERVING && !answer(connection)) {
            destroy(connection);
            return;
        }
    }
    settle(connection);
}

static void on_event(struct bufferevent *bufferevent, short events, void *context)
{
    (void)bufferevent;
    struct connection *connection = context;
    if ((events & BEV_EVENT_CONNECTED) != 0) {
        return; /* the TLS handshake is over */
    }
    connection->reading = false; /* libevent has stopped that */
    connection->ended = (events & BEV_EVENT_EOF) != 0;
    if (!connection->ended || connection->phase == LINGERING) {
        destroy(connection);
        return;
    }
    settle(connection);
}

/* ------------------------------------------------------------------------ opening */

static struct bufferevent *make_bufferevent(const struct connections *connections, int socket)
{
    SSL_CTX *context = connections->service->tls;
    if (context == NULL) {
        return bufferevent_socket_new(connections->base, socket, BEV_OPT_CLOSE_ON_FREE);
    }
    SSL *tls = SSL_new(context);
    if (tls == NULL) {
        return NULL;
    }
    struct bufferevent *bufferevent = bufferevent_openssl_socket_new(
        connections->base, socket, tls, BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
    if (bufferevent == NULL) {
        SSL_free(tls);
    }
    return bufferevent;
}

void connection_open(struct connections *connections, int socket)
{
    struct connection *connection = calloc(1, sizeof(*connection));
    struct bufferevent *bufferevent =
        connection == NULL ? NULL : make_bufferevent(connections, socket);
    if (bufferevent == NULL) {
        free(connection);
        close(socket);
        atomic_fetch_sub(&connections->service->connections, 1);
        return;
    }
    *connection = (struct connection){
        .connections = connections,
        .bufferevent = bufferevent,
        .unsent = SIZE_MAX,
        .active = milliseconds(),
    };
    append(connection);
    bufferevent_setcb(bufferevent, on_readable, on_written, on_event, connection);
    bufferevent_setwatermark(bufferevent, EV_WRITE, CONNECTION_OUTPUT_RESUME, 0);
    bufferevent_enable(bufferevent, EV_WRITE);
    set_reading(connection, true);
}

/* ------------------------------------------------------------------------ all of a worker's */

/* True if the client has taken answers since the last look. */
static bool takes_answers(struct connection *connection)
{
    size_t before = connection->unsent;
    connection->unsent = unsent(connection);
    return connection->unsent > 0 && connection->unsent < before;
}

void connections_expire(struct connections *connections)
{
    int64_t latest = milliseconds() - connections->service->idle_milliseconds;
    while (connections->first != NULL && connections->first->active <= latest) {
        struct connection *connection = connections->first;
        if (takes_answers(connection)) {
            set_active(connection);
        } else {
            destroy(connection);
        }
    }
}

void connections_stop(struct connections *connections)
{
    struct connection *next;
    for (struct connection *connection = connections->first; connection != NULL;
         connection = next) {
        next = connection->next;
        if (connection->phase == SERVING) {
            connection->phase = ENDING;
        }
        settle(connection);
    }
}

void connections_close(struct connections *connections)
{
    while (connections->first != NULL) {
        destroy(connections->first);
    }
}
