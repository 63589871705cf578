/*
 * A proxy's ways to servers: each has sockets of its own, for clients of one server. The first is
 * the one that the user asks for; others are opened for the nodes that a cluster names.
 */
#ifndef KVREPLAY_RECORD_ROUTES_H
#define KVREPLAY_RECORD_ROUTES_H

#include "base/list.h"
#include "base/span.h"
#include "sockets/listener.h"

struct event_base;
struct evconnlistener;

enum {
    ROUTES_MAX = 128,
    ROUTE_NAMES_MAX = 4, /* addresses by which a server is known; further ones are forgotten */
};

struct route_name {
    char host[ADDRESS_HOST_SIZE];
    uint16_t port;
};

struct route {
    struct routes *routes;
    struct list_link link;
    struct addresses target; /* tried in this order */
    struct route_name names[ROUTE_NAMES_MAX];
    size_t names_count; /* 0: the target is a UNIX socket */
    struct listeners listeners;
    struct evconnlistener *accepting[ADDRESSES_MAX];
};

struct routes {
    struct event_base *base;
    void (*accept)(struct route *route, int socket, const struct sockaddr *client);
    void (*not_accepted)(void *context); /* a listener had no descriptors, or no memory */
    void *context;
    struct list_link list; /* in the order in which they were opened */
    size_t count;
    struct addresses listen; /* where the first listens */
    bool accepting;          /* not while descriptors are short */
    bool closed;
};

/* `routes` has its base, functions and context; the rest is set here. */
void routes_init(struct routes *routes);

/* Nobody is listening any more. What was accepted has been given up before deinit. */
void routes_close(struct routes *routes);
void routes_deinit(struct routes *routes);

/* Opens the first route, by addresses as addresses_add has them. It accepts nobody yet. False:
 * `problem` says why. */
bool routes_open(struct routes *routes, const char *listen, const char *target,
                 char problem[SOCKETS_PROBLEM_SIZE]);

/* Opens another one, at ports that the kernel chooses. The name is looked up, which takes as long
 * as the resolver does. NULL: `problem` says why. */
struct route *routes_add(struct routes *routes, struct span host, uint16_t port,
                         char problem[SOCKETS_PROBLEM_SIZE]);

/* The first is at the address that the user gave. */
static inline struct route *routes_first(const struct routes *routes)
{
    return LIST_MEMBER(routes->list.next, struct route, link);
}

/* The route to the server that has this name; NULL: there is none. */
struct route *routes_find(const struct routes *routes, struct span host, uint16_t port);

/* The server is known by this name, too. */
void route_learn_name(struct route *route, struct span host, uint16_t port);

/* The host of the target, as it was given; NULL: it is a UNIX socket. */
const char *route_host(const struct route *route);

/* The port that clients connect to; 0: it is a UNIX socket. */
uint16_t route_port(const struct route *route);

/* All begin to accept, or stop it. False: no memory; some don't accept. */
bool routes_set_accepting(struct routes *routes, bool on);

#endif
