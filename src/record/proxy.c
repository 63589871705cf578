#include "record/proxy.h"

#include "base/interrupt.h"
#include "base/memory.h"
#include "record/relay.h"
#include "sockets/tls.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static const struct timeval accept_again = {.tv_usec = 20000}; /* after descriptors ran out */
static const struct timeval flush_interval = {.tv_sec = 1};

/* What the loop waits for, beside the listeners. */
enum { ON_SIGTERM, ON_SIGINT, ON_STOP, ON_TOO_LATE, ON_ACCEPT, ON_FLUSH, EVENTS };

struct proxy {
    struct proxy_options options;
    struct relays relays;
    struct event *events[EVENTS];
};

/* ------------------------------------------------------------------------ accepting */

static void proxy_on_accept(struct route *route, int socket, const struct sockaddr *client)
{
    struct proxy *proxy = route->routes->context;
    relay_open(&proxy->relays, route, socket, client);
}

/* Clients would wait for ever: it ends instead. */
static void give_up_accepting(struct proxy *proxy)
{
    memory_note_failure();
    proxy->options.tell("no more clients can be accepted: out of memory");
    event_active(proxy->events[ON_STOP], EV_TIMEOUT, 1);
}

/* No descriptors, mostly: who waits goes on waiting for a moment, without a busy loop here. */
static void proxy_on_not_accepted(void *context)
{
    struct proxy *proxy = context;
    routes_set_accepting(&proxy->relays.routes, false);
    if (event_add(proxy->events[ON_ACCEPT], &accept_again) != 0) {
        give_up_accepting(proxy);
    }
}

static void proxy_on_accept_again(evutil_socket_t socket, short what, void *context)
{
    (void)socket;
    (void)what;
    struct proxy *proxy = context;
    if (!proxy->relays.stopping && !routes_set_accepting(&proxy->relays.routes, true)) {
        give_up_accepting(proxy);
    }
}

/* ------------------------------------------------------------------------ stopping */

static void leave(struct proxy *proxy)
{
    event_base_loopbreak(proxy->relays.base);
}

/* By a signal, or by a limit. The second time is the last. */
static void proxy_on_stop(evutil_socket_t socket, short what, void *context)
{
    static const struct timeval late = {.tv_sec = PROXY_STOP_SECONDS};
    (void)socket;
    (void)what;
    struct proxy *proxy = context;
    if (proxy->relays.stopping) {
        leave(proxy);
        return;
    }
    routes_close(&proxy->relays.routes);
    bool bounded = event_add(proxy->events[ON_TOO_LATE], &late) == 0;
    relays_stop(&proxy->relays);
    if (!bounded || list_is_empty(&proxy->relays.list)) {
        leave(proxy);
    }
}

static void proxy_on_too_late(evutil_socket_t socket, short what, void *context)
{
    (void)socket;
    (void)what;
    leave(context);
}

static void on_changed(void *context)
{
    struct proxy *proxy = context;
    const struct relays *relays = &proxy->relays;
    if (tape_problem(relays->tape) != NULL || (relays->stopping && list_is_empty(&relays->list))) {
        leave(proxy);
    } else if (!relays->stopping && tape_is_full(relays->tape)) {
        event_active(proxy->events[ON_STOP], EV_TIMEOUT, 1);
    }
}

/* Who reads the file meanwhile, or after this program was killed, finds all but the last second. */
static void proxy_on_flush(evutil_socket_t socket, short what, void *context)
{
    (void)socket;
    (void)what;
    struct proxy *proxy = context;
    if (!tape_flush(proxy->relays.tape)) {
        leave(proxy);
    }
}

/* ------------------------------------------------------------------------ making */

/* As many connections as the system allows; more wait until they are accepted. */
static void proxy_allow_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static bool proxy_add_events(struct proxy *proxy)
{
    struct event_base *base = proxy->relays.base;
    struct event *const added[EVENTS] = {
        [ON_SIGTERM] = evsignal_new(base, SIGTERM, proxy_on_stop, proxy),
        [ON_SIGINT] = evsignal_new(base, SIGINT, proxy_on_stop, proxy),
        [ON_STOP] = evtimer_new(base, proxy_on_stop, proxy),
        [ON_TOO_LATE] = evtimer_new(base, proxy_on_too_late, proxy),
        [ON_ACCEPT] = evtimer_new(base, proxy_on_accept_again, proxy),
        [ON_FLUSH] = event_new(base, -1, EV_PERSIST, proxy_on_flush, proxy),
    };
    struct timeval seconds = {.tv_sec = proxy->options.seconds_max};
    bool all = true;
    for (size_t i = 0; i < EVENTS; i++) {
        proxy->events[i] = added[i];
        all = all && added[i] != NULL;
    }
    return all && event_add(added[ON_SIGTERM], NULL) == 0 &&
           event_add(added[ON_SIGINT], NULL) == 0 &&
           event_add(added[ON_FLUSH], &flush_interval) == 0 &&
           (seconds.tv_sec == 0 || event_add(added[ON_STOP], &seconds) == 0);
}

static bool init_relays(struct proxy *proxy, char problem[PROXY_PROBLEM_SIZE])
{
    const struct proxy_options *options = &proxy->options;
    struct relays *relays = &proxy->relays;
    *relays = (struct relays){
        .base = event_base_new(),
        .routes = {.accept = proxy_on_accept,
                   .not_accepted = proxy_on_not_accepted,
                   .context = proxy},
        .tell = options->tell,
        .changed = on_changed,
        .context = proxy,
    };
    list_init(&relays->list);
    relays->routes.base = relays->base;
    routes_init(&relays->routes);
    if (options->certificate != NULL) {
        relays->client_tls = tls_create_server(options->certificate, options->key, problem);
    }
    if (options->target_tls) {
        relays->target_tls = tls_create_client(options->authorities, problem);
    }
    return (options->certificate == NULL || relays->client_tls != NULL) &&
           (!options->target_tls || relays->target_tls != NULL);
}

static bool proxy_init(struct proxy *proxy, char problem[PROXY_PROBLEM_SIZE])
{
    if (!init_relays(proxy, problem)) {
        return false;
    }
    if (proxy->relays.base == NULL || !proxy_add_events(proxy)) {
        snprintf(problem, PROXY_PROBLEM_SIZE, "%s", strerror(ENOMEM));
        return false;
    }
    return routes_open(&proxy->relays.routes, proxy->options.listen, proxy->options.target,
                       problem);
}

struct proxy *proxy_create(const struct proxy_options *options, char problem[PROXY_PROBLEM_SIZE])
{
    proxy_allow_descriptors();
    struct proxy *proxy = calloc(1, sizeof(*proxy));
    if (proxy == NULL) {
        snprintf(problem, PROXY_PROBLEM_SIZE, "%s", strerror(ENOMEM));
        return NULL;
    }
    proxy->options = *options;
    if (!proxy_init(proxy, problem)) {
        proxy_destroy(proxy);
        return NULL;
    }
    return proxy;
}

void proxy_destroy(struct proxy *proxy)
{
    interrupt_hold();
    routes_deinit(&proxy->relays.routes);
    for (size_t i = 0; i < EVENTS; i++) {
        if (proxy->events[i] != NULL) {
            event_free(proxy->events[i]);
        }
    }
    if (proxy->relays.base != NULL) {
        event_base_free(proxy->relays.base);
    }
    SSL_CTX_free(proxy->relays.client_tls);
    SSL_CTX_free(proxy->relays.target_tls);
    free(proxy);
}

const char *proxy_address(const struct proxy *proxy)
{
    return routes_first(&proxy->relays.routes)->listeners.text;
}

bool proxy_run(struct proxy *proxy, struct tape *tape)
{
    proxy->relays.tape = tape;
    interrupt_end_on_third(); /* nobody may read the tape */
    if (!routes_set_accepting(&proxy->relays.routes, true)) {
        give_up_accepting(proxy);
    }
    event_base_dispatch(proxy->relays.base);
    relays_close(&proxy->relays);
    event_base_loop(proxy->relays.base, EVLOOP_NONBLOCK); /* libevent frees connections in there */
    return tape_problem(tape) == NULL;
}

struct proxy_counts proxy_counts(const struct proxy *proxy)
{
    return proxy->relays.counts;
}
