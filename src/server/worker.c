#include "server/worker.h"

#include "server/connection.h"
#include "server/spares.h"
#include "server/wire.h"

#include <event2/event.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* What is sent to a worker: a socket's descriptor, or one of these. */
enum order { ORDER_STOP = -1, ORDER_ABORT = -2 };

struct server_worker {
    struct connections connections;
    pthread_t thread;
    bool started;
    bool stopping;
    struct event *tick;
    struct event *orders;
    struct event *news;
    int announced; /* an eventfd: there is something to be told to clients */
    int pipe[2];   /* orders come through it: as small as they are, each arrives whole */
};

enum { ORDERS_AT_ONCE = 64, TICK_MILLISECONDS = 250 };

/* ------------------------------------------------------------------------ its thread */

static void obey(struct server_worker *worker, int order)
{
    if (order == ORDER_STOP) {
        worker->stopping = true;
        connections_stop(&worker->connections);
    } else if (order == ORDER_ABORT) {
        worker->stopping = true;
        connections_close(&worker->connections);
    } else if (worker->stopping) {
        close(order);
        atomic_fetch_sub(&worker->connections.service->connections, 1);
    } else {
        connection_open(&worker->connections, order);
    }
}

static void on_orders(evutil_socket_t descriptor, short events, void *context)
{
    (void)events;
    struct server_worker *worker = context;
    int orders[ORDERS_AT_ONCE];
    ssize_t got = read(descriptor, orders, sizeof(orders));
    for (ssize_t i = 0; i < got / (ssize_t)sizeof(orders[0]); i++) {
        obey(worker, orders[i]);
    }
}

static void on_news(evutil_socket_t descriptor, short events, void *context)
{
    (void)events;
    struct server_worker *worker = context;
    eventfd_t count;
    eventfd_read(descriptor, &count);
    connections_announce(&worker->connections);
}

static void worker_on_tick(evutil_socket_t descriptor, short events, void *context)
{
    (void)descriptor;
    (void)events;
    struct server_worker *worker = context;
    connections_expire(&worker->connections);
}

/* One turn of the loop at a time, since any of them may have ended the last connection. */
static void *worker_run(void *context)
{
    struct server_worker *worker = context;
    while (!worker->stopping || !list_is_empty(&worker->connections.list)) {
        if (worker->connections.service->tls != NULL) {
            spares_fill(); /* without, libevent has malloc alone */
        }
        event_base_loop(worker->connections.base, EVLOOP_ONCE);
    }
    spares_free();
    eventfd_write(worker->connections.service->ended, 1);
    return NULL;
}

/* ------------------------------------------------------------------------ other threads */

static bool worker_add_events(struct server_worker *worker)
{
    struct event_base *base = worker->connections.base;
    struct timeval tick = {.tv_usec = TICK_MILLISECONDS * 1000};
    worker->orders = event_new(base, worker->pipe[0], EV_READ | EV_PERSIST, on_orders, worker);
    worker->news = event_new(base, worker->announced, EV_READ | EV_PERSIST, on_news, worker);
    worker->tick = event_new(base, -1, EV_PERSIST, worker_on_tick, worker);
    return worker->orders != NULL && worker->news != NULL && worker->tick != NULL &&
           event_add(worker->orders, NULL) == 0 && event_add(worker->news, NULL) == 0 &&
           (worker->connections.service->idle_milliseconds == 0 ||
            event_add(worker->tick, &tick) == 0);
}

/* TLS copies every byte anyway, and makes a record of every reference. */
static void *make_writer_state(const struct service *service)
{
    const struct kvr_writer_type *writer = service->writer;
    struct kvr_options options = {.reference_threshold = service->tls == NULL ? 0 : SIZE_MAX};
    void *state = writer->create == NULL ? NULL : writer->create();
    if (writer->configure != NULL) {
        writer->configure(state, &options);
    }
    return state;
}

struct server_worker *server_worker_create(struct service *service)
{
    struct server_worker *worker = calloc(1, sizeof(*worker));
    if (worker == NULL) {
        return NULL;
    }
    struct connections *connections = &worker->connections;
    connections->service = service;
    list_init(&connections->list);
    connections->base = event_base_new();
    connections->writer_state = make_writer_state(service);
    bool piped = pipe2(worker->pipe, O_NONBLOCK | O_CLOEXEC) == 0;
    if (!piped) {
        worker->pipe[0] = worker->pipe[1] = -1;
    }
    worker->announced = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    connections->room = malloc(WIRE_ROOM);
    if (!batch_init(&connections->batch) || connections->room == NULL || !piped ||
        worker->announced < 0 || connections->base == NULL || !worker_add_events(worker)) {
        server_worker_destroy(worker);
        return NULL;
    }
    return worker;
}

bool server_worker_start(struct server_worker *worker)
{
    worker->started = pthread_create(&worker->thread, NULL, worker_run, worker) == 0;
    return worker->started;
}

static bool order(const struct server_worker *worker, int order)
{
    return write(worker->pipe[1], &order, sizeof(order)) == (ssize_t)sizeof(order);
}

bool server_worker_give(struct server_worker *worker, int socket)
{
    return order(worker, socket);
}

/* The pipe may be full of sockets for a moment. */
static void worker_insist(const struct server_worker *worker, int wanted)
{
    while (worker->started && !order(worker, wanted)) {
        sched_yield();
    }
}

void server_worker_stop(struct server_worker *worker)
{
    worker_insist(worker, ORDER_STOP);
}

void server_worker_abort(struct server_worker *worker)
{
    worker_insist(worker, ORDER_ABORT);
}

void server_worker_announce(struct server_worker *worker)
{
    eventfd_write(worker->announced, 1);
}

static void free_events(struct server_worker *worker)
{
    if (worker->news != NULL) {
        event_free(worker->news);
    }
    if (worker->orders != NULL) {
        event_free(worker->orders);
    }
    if (worker->tick != NULL) {
        event_free(worker->tick);
    }
}

void server_worker_destroy(struct server_worker *worker)
{
    struct connections *connections = &worker->connections;
    if (worker->started) {
        pthread_join(worker->thread, NULL);
    }
    connections_close(connections);
    free_events(worker);
    if (connections->base != NULL) {
        event_base_loop(connections->base, EVLOOP_NONBLOCK); /* bufferevents are freed in it */
        event_base_free(connections->base);
    }
    if (connections->service->writer->destroy != NULL) {
        connections->service->writer->destroy(connections->writer_state);
    }
    batch_deinit(&connections->batch);
    free(connections->room);
    close(worker->announced);
    close(worker->pipe[0]);
    close(worker->pipe[1]);
    free(worker);
}
