#include "record/routes.h"

#include <errno.h>
#include <event2/listener.h>
#include <stdio.h>
#include <stdlib.h>

enum { OPEN_TRIES = 8 };

void routes_init(struct routes *routes)
{
    list_init(&routes->list);
    routes->count = 0;
    routes->listen.count = 0;
    routes->accepting = routes->closed = false;
}

/* ------------------------------------------------------------------------ names */

static bool has_name(const struct route *route, struct span host, uint16_t port)
{
    for (size_t i = 0; i < route->names_count; i++) {
        const struct route_name *name = &route->names[i];
        if (name->port == port && span_equal(span_of(name->host, strlen(name->host)), host)) {
            return true;
        }
    }
    return false;
}

struct route *routes_find(const struct routes *routes, struct span host, uint16_t port)
{
    LIST_EACH (struct route, route, &routes->list, link) {
        if (has_name(route, host, port)) {
            return route;
        }
    }
    return NULL;
}

void route_learn_name(struct route *route, struct span host, uint16_t port)
{
    if (route->names_count == ROUTE_NAMES_MAX || host.size >= ADDRESS_HOST_SIZE ||
        has_name(route, host, port)) {
        return;
    }
    struct route_name *name = &route->names[route->names_count++];
    memcpy(name->host, host.data, host.size);
    name->host[host.size] = '\0';
    name->port = port;
}

const char *route_host(const struct route *route)
{
    return route->names_count == 0 ? NULL : route->names[0].host;
}

uint16_t route_port(const struct route *route)
{
    return listeners_port(&route->listeners);
}

/* ------------------------------------------------------------------------ accepting */

static void on_accept(struct evconnlistener *listener, evutil_socket_t socket,
                      struct sockaddr *client, int length, void *context)
{
    (void)listener;
    (void)length;
    struct route *route = context;
    route->routes->accept(route, socket, client);
}

static void on_accept_error(struct evconnlistener *listener, void *context)
{
    (void)listener;
    const struct route *route = context;
    route->routes->not_accepted(route->routes->context);
}

static bool set_accepting(struct route *route, bool on)
{
    bool all = true;
    for (size_t i = 0; i < route->listeners.count; i++) {
        all =
            (on ? evconnlistener_enable : evconnlistener_disable)(route->accepting[i]) == 0 && all;
    }
    return all;
}

bool routes_set_accepting(struct routes *routes, bool on)
{
    bool all = true;
    routes->accepting = on;
    LIST_EACH (struct route, route, &routes->list, link) {
        all = set_accepting(route, on) && all;
    }
    return all;
}

static bool listen_to_sockets(struct route *route)
{
    for (size_t i = 0; i < route->listeners.count; i++) {
        route->accepting[i] = evconnlistener_new(route->routes->base, on_accept, route,
                                                 LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_DISABLED, 0,
                                                 route->listeners.sockets[i]);
        if (route->accepting[i] == NULL) {
            return false;
        }
        evconnlistener_set_error_cb(route->accepting[i], on_accept_error);
    }
    return true;
}

/* ------------------------------------------------------------------------ opening and closing */

static void route_close(struct route *route)
{
    for (size_t i = 0; i < ADDRESSES_MAX && route->accepting[i] != NULL; i++) {
        evconnlistener_free(route->accepting[i]);
        route->accepting[i] = NULL;
    }
    listeners_close(&route->listeners);
}

void routes_close(struct routes *routes)
{
    routes->closed = true;
    LIST_EACH (struct route, route, &routes->list, link) {
        route_close(route);
    }
}

static void route_destroy(struct route *route)
{
    route_close(route);
    list_remove(&route->link);
    route->routes->count--;
    free(route);
}

void routes_deinit(struct routes *routes)
{
    while (!list_is_empty(&routes->list)) {
        route_destroy(routes_first(routes));
    }
}

/* NULL: no memory. */
static struct route *route_create(struct routes *routes, char problem[SOCKETS_PROBLEM_SIZE])
{
    struct route *route = calloc(1, sizeof(*route));
    if (route == NULL) {
        snprintf(problem, SOCKETS_PROBLEM_SIZE, "%s", strerror(ENOMEM));
        return NULL;
    }
    route->routes = routes;
    list_append(&routes->list, &route->link);
    routes->count++;
    return route;
}

/* The listeners are open, or not. False: the route is gone. */
static bool route_begin(struct route *route, bool open, char problem[SOCKETS_PROBLEM_SIZE])
{
    if (open &&
        (!listen_to_sockets(route) || (route->routes->accepting && !set_accepting(route, true)))) {
        snprintf(problem, SOCKETS_PROBLEM_SIZE, "%s", strerror(ENOMEM));
        open = false;
    }
    if (!open) {
        route_destroy(route);
    }
    return open;
}

bool routes_open(struct routes *routes, const char *listen, const char *target,
                 char problem[SOCKETS_PROBLEM_SIZE])
{
    char host[ADDRESS_HOST_SIZE];
    struct route *route = route_create(routes, problem);
    if (route == NULL) {
        return false;
    }
    bool found = addresses_add(&route->target, target, problem) &&
                 addresses_add(&routes->listen, listen, problem);
    if (found && address_host(target, host)) {
        route_learn_name(route, span_of(host, strlen(host)), address_port(&route->target.list[0]));
    }
    return route_begin(route, found && listeners_open(&route->listeners, &routes->listen, problem),
                       problem);
}

/*
 * At the addresses of the first route, each at the same port, which the kernel chooses for the
 * first of them: it may be taken at another one.
 */
static bool listen_at_one_port(struct route *route, char problem[SOCKETS_PROBLEM_SIZE])
{
    struct addresses at = route->routes->listen;
    const size_t count = at.count;
    for (int i = 0; i < OPEN_TRIES; i++) {
        at.count = 1;
        address_set_port(&at.list[0], 0);
        if (!listeners_open(&route->listeners, &at, problem) || count == 1) {
            return route->listeners.count == 1;
        }
        uint16_t port = route_port(route);
        listeners_close(&route->listeners);
        at.count = count;
        for (size_t j = 0; j < count; j++) {
            address_set_port(&at.list[j], port);
        }
        if (listeners_open(&route->listeners, &at, problem)) {
            return true;
        }
    }
    return false;
}

struct route *routes_add(struct routes *routes, struct span host, uint16_t port,
                         char problem[SOCKETS_PROBLEM_SIZE])
{
    if (routes->count == ROUTES_MAX || host.size >= ADDRESS_HOST_SIZE) {
        snprintf(problem, SOCKETS_PROBLEM_SIZE, "too many nodes, or a name that is too long");
        return NULL;
    }
    struct route *route = route_create(routes, problem);
    if (route == NULL) {
        return NULL;
    }
    route_learn_name(route, host, port);
    bool open = addresses_add_host(&route->target, route_host(route), port, problem) &&
                listen_at_one_port(route, problem);
    return route_begin(route, open, problem) ? route : NULL;
}
