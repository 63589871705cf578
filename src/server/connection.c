#include "server/connection.h"

#include "base/clock.h"
#include "server/couchbase_requests.h"
#include "server/requests.h"
#include "server/wire.h"

#include <stdlib.h>
#include <unistd.h>

enum phase {
    SERVING,
    ENDING,    /* no more requests are taken; answers are being sent */
    LINGERING, /* all is sent, and the end signalled; the client's end is waited for */
};

struct connection {
    struct connections *connections;
    struct list_link link; /* of all that the worker has */
    struct wire wire;
    struct requests requests;
    enum phase phase;
    bool paused;        /* until the output has shrunk */
    bool ended;         /* the client sends no more */
    size_t received;    /* bytes in the input, as they are counted in the service */
    size_t unsent;      /* at the last look, SIZE_MAX: not looked yet */
    int64_t active;     /* when a request came to its end, or answers were taken; milliseconds */
    int64_t linger_end; /* likewise */
};

static int64_t connection_milliseconds(void)
{
    return clock_now(CLOCK_MONOTONIC_COARSE) / CLOCK_MILLISECOND;
}

static void set_active(struct connection *connection)
{
    if (connection->connections->service->idle_milliseconds == 0) {
        return;
    }
    connection->active = connection_milliseconds();
    list_move_to_end(&connection->connections->list, &connection->link);
}

/* ------------------------------------------------------------------------ what is received */

/* Counts what has come and is not executed yet. */
static void count_received(struct connection *connection, size_t size)
{
    atomic_size_t *all = &connection->connections->service->receiving;
    atomic_fetch_add(all, size - connection->received); /* modulo 2^n */
    connection->received = size;
}

/* The input holds a part of a request, for which no memory is left beside that of the others. */
static bool is_too_much(const struct connection *connection)
{
    const struct service *service = connection->connections->service;
    size_t own = connection->received;
    return service->memory_max != 0 && own > CONNECTION_INPUT_FREE &&
           own < connection->requests.needed &&
           atomic_load(&service->receiving) - own >= service->memory_max / 2;
}

/* ------------------------------------------------------------------------ its end */

static void connection_destroy(struct connection *connection)
{
    list_remove(&connection->link);
    connection->connections->closed++;
    atomic_fetch_sub(&connection->connections->service->connections, 1);
    count_received(connection, 0);
    wire_close(&connection->wire);
    requests_deinit(&connection->requests);
    free(connection);
}

/* All is sent. The connection may be gone after this. */
static void connection_finish(struct connection *connection)
{
    if (wire_finish(&connection->wire) || connection->ended) {
        connection_destroy(connection);
        return;
    }
    connection->phase = LINGERING;
    connection->linger_end = connection_milliseconds() + WIRE_LINGER_MILLISECONDS;
}

/* What follows from the state that a callback has left. The connection may be gone after this. */
static void connection_settle(struct connection *connection)
{
    if (connection->phase == SERVING && connection->ended && !connection->paused) {
        connection->phase = ENDING;
    }
    if (connection->phase == SERVING) {
        if (!wire_set_reading(&connection->wire, !connection->paused && !connection->ended)) {
            connection_destroy(connection);
        }
    } else if (connection->phase == ENDING) {
        wire_set_reading(&connection->wire, false);
        wire_send(&connection->wire);
        if (wire_unsent(&connection->wire) == 0) {
            connection_finish(connection);
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
static bool connection_answer(struct connection *connection)
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
    count_received(connection, evbuffer_get_length(input));
    if (state == REQUESTS_CLOSE) {
        connection->phase = ENDING;
    }
    return true;
}

/* Who does not take its answers is told later. False: it has to be closed at once. */
static bool announce(struct connection *connection)
{
    struct connections *worker = connection->connections;
    if (connection->requests.session == NULL || connection->paused) {
        return true;
    }
    couchbase_requests_tell(&connection->requests, worker->service, &worker->batch);
    if (worker->batch.count > 0) {
        if (!write_batch(connection)) {
            return false;
        }
        send_answers(connection);
    }
    return true;
}

/* Takes what has come while requests are served. */
static void connection_serve(struct connection *connection)
{
    struct evbuffer *input = wire_input(&connection->wire);
    count_received(connection, evbuffer_get_length(input));
    if (connection->paused) {
        return;
    }
    if (is_too_much(connection)) {
        requests_refuse(&connection->requests, connection->connections->service, input,
                        &connection->connections->batch);
    }
    if (connection->received >= connection->requests.needed) {
        if (connection_answer(connection)) {
            connection_settle(connection);
        } else {
            connection_destroy(connection);
        }
    }
}

static bool on_received(void *context)
{
    struct connection *connection = context;
    struct connections *connections = connection->connections;
    struct evbuffer *input = wire_input(&connection->wire);
    unsigned closed = connections->closed;
    if (connection->phase == SERVING) {
        connection_serve(connection);
    } else {
        evbuffer_drain(input, evbuffer_get_length(input));
        count_received(connection, 0);
        if (connection->phase == LINGERING && connection_milliseconds() > connection->linger_end) {
            connection_destroy(connection);
        }
    }
    return connections->closed == closed;
}

static void connection_on_lost(void *context)
{
    struct connection *connection = context;
    count_received(connection, 0);
    connection->paused = false;
    connection->phase = ENDING;
    connection_settle(connection);
}

static void on_sent(void *context)
{
    struct connection *connection = context;
    if (connection->paused) {
        connection->paused = false;
        set_active(connection);
        if (connection->phase == SERVING &&
            (!connection_answer(connection) || !announce(connection))) {
            connection_destroy(connection);
            return;
        }
    }
    connection_settle(connection);
}

static void connection_on_ended(void *context, bool orderly)
{
    struct connection *connection = context;
    connection->ended = orderly;
    if (!orderly || connection->phase == LINGERING) {
        connection_destroy(connection);
    } else {
        connection_settle(connection);
    }
}

void connection_open(struct connections *connections, int socket)
{
    static const struct wire_events events = {on_received, connection_on_lost, on_sent,
                                              connection_on_ended};
    struct connection *connection = calloc(1, sizeof(*connection));
    bool ready = connection != NULL && requests_init(&connection->requests, connections->service);
    if (!ready) {
        close(socket);
    } else if (!wire_open(&connection->wire, connections->base, socket, connections->service->tls,
                          connections->room, &events, connection)) {
        requests_deinit(&connection->requests);
        ready = false;
    }
    if (!ready) {
        free(connection);
        atomic_fetch_sub(&connections->service->connections, 1);
        return;
    }
    connection->connections = connections;
    connection->unsent = SIZE_MAX;
    connection->active = connection_milliseconds();
    list_append(&connections->list, &connection->link);
    if (!wire_set_reading(&connection->wire, true)) {
        connection_destroy(connection);
    }
}

/* ------------------------------------------------------------------------ all of a worker's */

/* NULL: there is none. */
static struct connection *first(struct connections *connections)
{
    return list_is_empty(&connections->list)
               ? NULL
               : LIST_MEMBER(connections->list.next, struct connection, link);
}

/* True if the client has taken answers since the last look. */
static bool takes_answers(struct connection *connection)
{
    size_t before = connection->unsent;
    connection->unsent = wire_unsent(&connection->wire);
    return connection->unsent > 0 && connection->unsent < before;
}

void connections_expire(struct connections *connections)
{
    int64_t latest = connection_milliseconds() - connections->service->idle_milliseconds;
    struct connection *connection;
    while ((connection = first(connections)) != NULL && connection->active <= latest) {
        if (takes_answers(connection)) {
            set_active(connection);
        } else {
            connection_destroy(connection);
        }
    }
}

void connections_announce(struct connections *connections)
{
    struct list_link *next;
    for (struct list_link *link = connections->list.next; link != &connections->list; link = next) {
        struct connection *connection = LIST_MEMBER(link, struct connection, link);
        next = link->next; /* the connection may be gone after this */
        if (connection->phase == SERVING && !announce(connection)) {
            connection_destroy(connection);
        }
    }
}

void connections_stop(struct connections *connections)
{
    struct list_link *next;
    for (struct list_link *link = connections->list.next; link != &connections->list; link = next) {
        struct connection *connection = LIST_MEMBER(link, struct connection, link);
        next = link->next; /* the connection may be gone after settle */
        if (connection->phase == SERVING) {
            connection->phase = ENDING;
        }
        connection_settle(connection);
    }
}

void connections_close(struct connections *connections)
{
    struct connection *connection;
    while ((connection = first(connections)) != NULL) {
        connection_destroy(connection);
    }
}
