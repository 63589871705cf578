#include "server/connection.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "server/requests.h"
#include "server/wire.h"

enum phase {
    SERVING,
    ENDING,    /* no more requests are taken; answers are being sent */
    LINGERING, /* all is sent and the end is told; the client's end is waited for */
};

struct connection {
    struct connections *connections;
    struct connection *next;
    struct connection *previous;
    struct wire wire;
    struct requests requests;
    enum phase phase;
    bool paused;        /* until the output has shrunk */
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
    connection->connections->closed++;
    atomic_fetch_sub(&connection->connections->service->connections, 1);
    wire_close(&connection->wire);
    free(connection);
}

/* All is sent. The connection may be gone after this. */
static void finish(struct connection *connection)
{
    if (wire_finish(&connection->wire) || connection->ended) {
        destroy(connection);
        return;
    }
    connection->phase = LINGERING;
    connection->linger_end = milliseconds() + WIRE_LINGER_MILLISECONDS;
}

/* What follows from the state that a callback has left. The connection may be gone after this. */
static void settle(struct connection *connection)
{
    if (connection->phase == SERVING && connection->ended && !connection->paused) {
        connection->phase = ENDING;
    }
    if (connection->phase == SERVING) {
        if (!wire_set_reading(&connection->wire, !connection->paused && !connection->ended)) {
            destroy(connection);
        }
    } else if (connection->phase == ENDING) {
        wire_set_reading(&connection->wire, false);
        wire_send(&connection->wire);
        if (wire_unsent(&connection->wire) == 0) {
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
        error = worker->service->writer->write(worker->writer_state, connection->wire.bufferevent,
                                               batch->responses, batch->count);
    }
    batch_clear(batch);
    return error == KVR_OK;
}

/* As memcached does, no answer goes out in the middle of a request that is swallowed: who records
 * the connection would find it before its request. With TLS, where nobody does, it may. */
static void send_answers(struct connection *connection)
{
    if (connection->requests.swallow == 0 ||
        wire_unsent(&connection->wire) >= CONNECTION_OUTPUT_MAX) {
        wire_send(&connection->wire);
    }
}

/* Answers what is in the input, as far as the output may grow. False: it has to be closed at once.
 */
static bool answer(struct connection *connection)
{
    struct evbuffer *input = wire_input(&connection->wire);
    enum requests_state state = REQUESTS_FULL;
    while (state == REQUESTS_FULL && !connection->paused) {
        size_t executed;
        state = requests_execute(&connection->requests, connection->connections->service, input,
                                 &connection->connections->batch, &executed);
        if (!write_batch(connection) || state == REQUESTS_NO_MEMORY) {
            return false;
        }
        if (executed > 0) {
            set_active(connection);
            connection->unsent = SIZE_MAX;
        }
        send_answers(connection);
        connection->paused = wire_unsent(&connection->wire) >= CONNECTION_OUTPUT_MAX;
    }
    if (state == REQUESTS_CLOSE) {
        connection->phase = ENDING;
    }
    return true;
}

static bool on_received(void *context)
{
    struct connection *connection = context;
    struct connections *connections = connection->connections;
    struct evbuffer *input = wire_input(&connection->wire);
    unsigned closed = connections->closed;
    if (connection->phase != SERVING) {
        evbuffer_drain(input, evbuffer_get_length(input));
        if (connection->phase == LINGERING && milliseconds() > connection->linger_end) {
            destroy(connection);
        }
    } else if (!connection->paused && evbuffer_get_length(input) >= connection->requests.needed) {
        if (answer(connection)) {
            settle(connection);
        } else {
            destroy(connection);
        }
    }
    return connections->closed == closed;
}

static void on_sent(void *context)
{
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

static void on_ended(void *context, bool orderly)
{
    struct connection *connection = context;
    connection->ended = orderly;
    if (!orderly || connection->phase == LINGERING) {
        destroy(connection);
    } else {
        settle(connection);
    }
}

void connection_open(struct connections *connections, int socket)
{
    static const struct wire_events events = {on_received, on_sent, on_ended};
    struct connection *connection = calloc(1, sizeof(*connection));
    if (connection == NULL) {
        close(socket);
    }
    if (connection == NULL ||
        !wire_open(&connection->wire, connections->base, socket, connections->service->tls,
                   connections->room, &events, connection)) {
        free(connection);
        atomic_fetch_sub(&connections->service->connections, 1);
        return;
    }
    connection->connections = connections;
    connection->unsent = SIZE_MAX;
    connection->active = milliseconds();
    append(connection);
    if (!wire_set_reading(&connection->wire, true)) {
        destroy(connection);
    }
}

/* ------------------------------------------------------------------------ all of a worker's */

/* True if the client has taken answers since the last look. */
static bool takes_answers(struct connection *connection)
{
    size_t before = connection->unsent;
    connection->unsent = wire_unsent(&connection->wire);
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
