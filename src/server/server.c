#include "server/server.h"

#include "base/interrupt.h"
#include "server/spares.h"
#include "server/worker.h"
#include "sockets/listener.h"
#include "sockets/tls.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum {
    CLOCK_AHEAD = 62,               /* memcached's clock starts with this */
    DESCRIPTORS_BESIDE = 64,        /* that are not connections */
    ACCEPT_AGAIN_MILLISECONDS = 20, /* after there were no descriptors left */
};

static const int stop_signals[] = {SIGTERM, SIGINT};
enum { STOP_SIGNALS = sizeof(stop_signals) / sizeof(stop_signals[0]) };

struct server {
    struct service service;
    struct listeners listeners;
    struct event_base *base;
    struct evconnlistener *accepting[ADDRESSES_MAX];
    struct event *signals[STOP_SIGNALS];
    struct event *accept_again;
    struct event *too_late; /* stopping has taken long enough */
    struct event *ended;    /* workers have */
    struct server_worker **workers;
    unsigned threads;
    unsigned next; /* worker to be given a connection */
    unsigned connections_max;
    unsigned running; /* workers */
    bool stopping;
};

/* ------------------------------------------------------------------------ accepting */

static void server_on_accept(struct evconnlistener *listener, evutil_socket_t socket,
                             struct sockaddr *address, int length, void *context)
{
    (void)listener;
    (void)address;
    (void)length;
    struct server *server = context;
    atomic_uint *connections = &server->service.connections;
    if (atomic_fetch_add(connections, 1) < server->connections_max &&
        server_worker_give(server->workers[server->next], socket)) {
        server->next = (server->next + 1) % server->threads;
        return;
    }
    atomic_fetch_sub(connections, 1);
    close(socket);
}

/* False: no memory. */
static bool set_accepting(struct server *server, bool on)
{
    bool done = true;
    for (size_t i = 0; i < server->listeners.count; i++) {
        done = (on ? evconnlistener_enable : evconnlistener_disable)(server->accepting[i]) == 0 &&
               done;
    }
    return done;
}

static void accept_later(struct server *server)
{
    struct timeval again = {.tv_usec = ACCEPT_AGAIN_MILLISECONDS * 1000};
    event_add(server->accept_again, &again);
}

/* No descriptors, mostly: who waits goes on waiting for a moment, without a busy loop here. */
static void server_on_accept_error(struct evconnlistener *listener, void *context)
{
    (void)listener;
    struct server *server = context;
    set_accepting(server, false);
    accept_later(server);
}

static void server_on_accept_again(evutil_socket_t socket, short events, void *context)
{
    (void)socket;
    (void)events;
    struct server *server = context;
    if (!server->stopping && !set_accepting(server, true)) {
        accept_later(server);
    }
}

static void announce_to_workers(void *context)
{
    struct server *server = context;
    for (unsigned i = 0; i < server->threads; i++) {
        server_worker_announce(server->workers[i]);
    }
}

/* ------------------------------------------------------------------------ stopping */

static void server_close_listeners(struct server *server)
{
    for (size_t i = 0; i < ADDRESSES_MAX && server->accepting[i] != NULL; i++) {
        evconnlistener_free(server->accepting[i]);
        server->accepting[i] = NULL;
    }
    listeners_close(&server->listeners);
}

static void server_stop(struct server *server)
{
    struct timeval late = {.tv_sec = SERVER_STOP_SECONDS};
    server->stopping = true;
    server_close_listeners(server);
    for (unsigned i = 0; i < server->threads; i++) {
        server_worker_stop(server->workers[i]);
    }
    event_add(server->too_late, &late);
}

static void abort_workers(struct server *server)
{
    for (unsigned i = 0; i < server->threads; i++) {
        server_worker_abort(server->workers[i]);
    }
}

static void server_on_signal(evutil_socket_t number, short events, void *context)
{
    (void)number;
    (void)events;
    struct server *server = context;
    if (server->stopping) {
        abort_workers(server);
    } else {
        server_stop(server);
    }
}

static void server_on_too_late(evutil_socket_t socket, short events, void *context)
{
    (void)socket;
    (void)events;
    abort_workers(context);
}

static void server_on_ended(evutil_socket_t descriptor, short events, void *context)
{
    (void)events;
    struct server *server = context;
    eventfd_t ended = 0;
    eventfd_read(descriptor, &ended);
    server->running -= (unsigned)ended;
    if (server->running == 0) {
        event_base_loopbreak(server->base);
    }
}

/* ------------------------------------------------------------------------ making */

static bool server_fail(char problem[SERVER_PROBLEM_SIZE], const char *why)
{
    snprintf(problem, SERVER_PROBLEM_SIZE, "%s", why);
    return false;
}

/*
 * A server keeps its heap: what one batch frees, the next one needs. By itself malloc gives it back
 * to the system and asks again.
 */
static void server_keep_heap(void)
{
    mallopt(M_TOP_PAD, 1 << 20);
    mallopt(M_TRIM_THRESHOLD, 64 << 20);
    mallopt(M_MMAP_THRESHOLD, 4 << 20);
}

/* As far as the system lets us; connections beyond that wait. */
static void server_allow_descriptors(unsigned connections)
{
    struct rlimit limit;
    rlim_t wanted = (rlim_t)connections + DESCRIPTORS_BESIDE;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < wanted) {
        limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static struct couchbase_node *create_node(const struct server *server,
                                          const struct server_options *options)
{
    struct couchbase_options couchbase = *options->couchbase;
    couchbase.port = listeners_port(&server->listeners);
    couchbase.tls = options->certificate != NULL;
    couchbase.memory_max = options->memory_max;
    return couchbase_node_create(&couchbase);
}

static bool create_store(struct server *server, const struct server_options *options,
                         char problem[SERVER_PROBLEM_SIZE])
{
    struct engine_options engine = {
        .item_size_max = options->item_size_max,
        .memory_max = options->memory_max,
        .started = time(NULL) - CLOCK_AHEAD,
        .own_cas = true,
        .lend_values = true,
    };
    if (options->couchbase != NULL) {
        server->service.node = create_node(server, options);
        server->service.announce = announce_to_workers;
        server->service.announce_context = server;
    } else {
        server->service.engine = engine_create(&engine);
    }
    if (server->service.node != NULL) {
        server->service.revision = couchbase_node_configurations(server->service.node);
    }
    return server->service.node != NULL || server->service.engine != NULL ||
           server_fail(problem, strerror(errno));
}

static bool init_service(struct service *service, const struct server_options *options,
                         char problem[SERVER_PROBLEM_SIZE])
{
    service->item_size_max = options->item_size_max;
    service->memory_max = options->memory_max;
    service->idle_milliseconds = options->idle_timeout * 1000;
    service->writer = options->writer;
    service->ended = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (service->ended < 0) {
        return server_fail(problem, strerror(errno));
    }
    if (options->certificate != NULL) {
        service->tls = tls_create_server(options->certificate, options->key, problem);
    }
    return options->certificate == NULL || service->tls != NULL;
}

static bool server_add_events(struct server *server)
{
    struct event_base *base = server->base;
    bool added = true;
    for (size_t i = 0; i < server->listeners.count; i++) {
        server->accepting[i] = evconnlistener_new(base, server_on_accept, server,
                                                  LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_DISABLED, 0,
                                                  server->listeners.sockets[i]);
        added = added && server->accepting[i] != NULL;
        if (added) {
            evconnlistener_set_error_cb(server->accepting[i], server_on_accept_error);
        }
    }
    for (size_t i = 0; i < STOP_SIGNALS; i++) {
        server->signals[i] = evsignal_new(base, stop_signals[i], server_on_signal, server);
        added = added && server->signals[i] != NULL && event_add(server->signals[i], NULL) == 0;
    }
    server->accept_again = evtimer_new(base, server_on_accept_again, server);
    server->too_late = evtimer_new(base, server_on_too_late, server);
    server->ended =
        event_new(base, server->service.ended, EV_READ | EV_PERSIST, server_on_ended, server);
    return added && server->accept_again != NULL && server->too_late != NULL &&
           server->ended != NULL && event_add(server->ended, NULL) == 0;
}

/* The names in the list, which commas separate. */
static bool find_names(struct addresses *addresses, const char *names, uint16_t port,
                       char problem[SERVER_PROBLEM_SIZE])
{
    char name[256];
    for (;; names++) {
        size_t length = strcspn(names, ",");
        if (length == 0 || length >= sizeof(name)) {
            return server_fail(problem, "--listen: an address is empty or too long");
        }
        memcpy(name, names, length);
        name[length] = '\0';
        if (!addresses_add_host(addresses, name, port, problem)) {
            return false;
        }
        names += length;
        if (*names == '\0') {
            return true;
        }
    }
}

static bool listen_on(struct listeners *listeners, const struct server_options *options,
                      char problem[SERVER_PROBLEM_SIZE])
{
    struct addresses addresses = {0};
    bool found = options->unix_path != NULL
                     ? addresses_add_path(&addresses, options->unix_path, problem)
                     : find_names(&addresses, options->listen, options->port, problem);
    return found && listeners_open(listeners, &addresses, problem);
}

static bool server_init(struct server *server, const struct server_options *options,
                        char problem[SERVER_PROBLEM_SIZE])
{
    server->connections_max = options->connections_max;
    server->workers = calloc(options->threads, sizeof(*server->workers));
    if (pthread_mutex_init(&server->service.lock, NULL) != 0 || server->workers == NULL) {
        return server_fail(problem, strerror(ENOMEM));
    }
    if (!init_service(&server->service, options, problem) ||
        !listen_on(&server->listeners, options, problem) ||
        !create_store(server, options, problem)) {
        return false;
    }
    for (; server->threads < options->threads; server->threads++) {
        struct server_worker *worker = server_worker_create(&server->service);
        if (worker == NULL) {
            return server_fail(problem,
                               "a worker can't be made: no memory, or no descriptors left");
        }
        server->workers[server->threads] = worker;
    }
    server->base = event_base_new();
    if (server->base == NULL || !server_add_events(server)) {
        return server_fail(problem, strerror(ENOMEM));
    }
    return true;
}

struct server *server_create(const struct server_options *options,
                             char problem[SERVER_PROBLEM_SIZE])
{
    signal(SIGPIPE, SIG_IGN);
    server_keep_heap();
    spares_install();
    server_allow_descriptors(options->connections_max);
    struct server *server = calloc(1, sizeof(*server));
    if (server == NULL) {
        server_fail(problem, strerror(ENOMEM));
        return NULL;
    }
    server->service.ended = -1;
    if (!server_init(server, options, problem)) {
        server_destroy(server);
        return NULL;
    }
    return server;
}

static void free_event(struct event *event)
{
    if (event != NULL) {
        event_free(event);
    }
}

void server_destroy(struct server *server)
{
    interrupt_hold();
    for (unsigned i = 0; i < server->threads; i++) {
        server_worker_destroy(server->workers[i]);
    }
    free(server->workers);
    server_close_listeners(server);
    for (size_t i = 0; i < STOP_SIGNALS; i++) {
        free_event(server->signals[i]);
    }
    free_event(server->accept_again);
    free_event(server->too_late);
    free_event(server->ended);
    if (server->base != NULL) {
        event_base_free(server->base);
    }
    SSL_CTX_free(server->service.tls);
    engine_destroy(server->service.engine);
    couchbase_node_destroy(server->service.node);
    close(server->service.ended);
    pthread_mutex_destroy(&server->service.lock);
    free(server);
}

const char *server_address(const struct server *server)
{
    return server->listeners.text;
}

bool server_run(struct server *server, char problem[SERVER_PROBLEM_SIZE])
{
    bool started = true;
    for (unsigned i = 0; started && i < server->threads; i++) {
        started = server_worker_start(server->workers[i]);
        server->running += started;
    }
    if (!started) {
        server_fail(problem, "a thread can't be started: no memory, or a limit of threads");
    } else if (!set_accepting(server, true)) {
        started = server_fail(problem, "connections can't be accepted: no memory");
    }
    if (!started) {
        server_stop(server);
    }
    if (server->running > 0) {
        event_base_dispatch(server->base);
    }
    return started;
}
