#include "base/clock.h"
#include "base/memory.h"
#include "record/relay.h"
#include "record/relay_parts.h"
#include "sockets/tls.h"

#include <errno.h>
#include <event2/bufferevent_ssl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const struct timeval connect_limit = {.tv_sec = RELAY_CONNECT_SECONDS};

/* ------------------------------------------------------------------------ the target */

static void connect_target(struct relay *relay);

static const char *relay_open_reason_of(const struct end *end, short events,
                                        char text[TLS_REASON_SIZE])
{
    SSL *tls = end->bufferevent == NULL ? NULL : bufferevent_openssl_get_ssl(end->bufferevent);
    if (tls != NULL && tls_reason(tls, bufferevent_get_openssl_error(end->bufferevent), text)) {
        return text;
    }
    return (events & BEV_EVENT_TIMEOUT) != 0 || errno == 0 ? "no answer" : strerror(errno);
}

void relay_not_ready(struct end *end, short events)
{
    struct relay *relay = end->relay;
    char message[SOCKETS_PROBLEM_SIZE], text[ADDRESS_TEXT_SIZE], reason[TLS_REASON_SIZE];
    const struct address *target = &relay->route->target.list[relay->tried - 1];
    bool by_target = side_of(end) == TCP_SERVER;
    snprintf(message, sizeof(message), "client %s: %s: %s", relay->client,
             by_target ? address_text(target, text) : "TLS",
             relay_open_reason_of(end, events, reason));
    if (by_target && relay->tried < relay->route->target.count) {
        if (end->bufferevent != NULL) {
            bufferevent_free(end->bufferevent);
        }
        end->bufferevent = NULL;
        connect_target(relay);
        return;
    }
    relay->relays->counts.refused++;
    relay->relays->tell(message);
    relay_break_off(end);
}

void relay_ready(struct end *end)
{
    static const int on = 1;
    int socket = bufferevent_getfd(end->bufferevent);
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)); /* fails if it is not TCP */
    end->ready = true;
    if (other(end)->ready) {
        relay_begin(end->relay);
    }
}

static struct bufferevent *wrap_tls(const struct end *end, int socket, SSL_CTX *context,
                                    enum bufferevent_ssl_state state)
{
    const char *host = route_host(end->relay->route);
    SSL *tls = SSL_new(context);
    bool usable = tls != NULL && (state == BUFFEREVENT_SSL_ACCEPTING || host == NULL ||
                                  tls_expect_host(tls, host));
    if (!usable) {
        SSL_free(tls);
        return NULL;
    }
    SSL_set_options(tls, SSL_OP_IGNORE_UNEXPECTED_EOF); /* it is recorded as the end */
    return bufferevent_openssl_socket_new(end->relay->relays->base, socket, tls, state,
                                          BEV_OPT_CLOSE_ON_FREE); /* frees it also if it fails */
}

/*
 * `context` NULL: without TLS. False: no memory; the socket is closed. libevent 2.1 makes
 * bufferevents that don't notice what is to be sent if it had no memory for that, so whether any
 * was short is the question.
 */
static bool open_end(struct end *end, int socket, SSL_CTX *context,
                     enum bufferevent_ssl_state state)
{
    uint64_t failures_before = memory_failures();
    end->bufferevent = context != NULL ? wrap_tls(end, socket, context, state)
                                       : bufferevent_socket_new(end->relay->relays->base, socket,
                                                                BEV_OPT_CLOSE_ON_FREE);
    if (end->bufferevent == NULL && socket >= 0) {
        close(socket);
    }
    if (end->bufferevent != NULL && memory_failures() != failures_before) {
        bufferevent_free(end->bufferevent);
        end->bufferevent = NULL;
    }
    if (end->bufferevent == NULL) {
        return false;
    }
    relay_listen_to(end);
    return true;
}

/* Tries the next address. Where that fails at once, the event comes a little later. */
static void connect_target(struct relay *relay)
{
    struct end *end = &relay->ends[TCP_SERVER];
    struct relays *relays = relay->relays;
    const struct address *target = &relay->route->target.list[relay->tried++];
    errno = ENOMEM;
    if (!open_end(end, -1, relays->target_tls, BUFFEREVENT_SSL_CONNECTING) ||
        bufferevent_socket_connect(end->bufferevent, &target->any, (int)target->size) != 0 ||
        bufferevent_set_timeouts(end->bufferevent, &connect_limit, &connect_limit) != 0) {
        relay_not_ready(end, BEV_EVENT_ERROR);
    }
}

/* ------------------------------------------------------------------------ a client */

static struct net_endpoint endpoint_of(const struct sockaddr *address)
{
    struct net_endpoint endpoint = {.family = 4};
    if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *ipv6 = (const struct sockaddr_in6 *)address;
        endpoint.family = 6;
        endpoint.port = ntohs(ipv6->sin6_port);
        memcpy(endpoint.address, &ipv6->sin6_addr, 16);
    } else {
        const struct sockaddr_in *ipv4 = (const struct sockaddr_in *)address;
        endpoint.port = ntohs(ipv4->sin_port);
        memcpy(endpoint.address, &ipv4->sin_addr, 4);
    }
    return endpoint;
}

/* Clients of a UNIX socket have no addresses. See proxy.h. */
static void make_up_addresses(struct relay *relay)
{
    enum { FIRST_PORT = 1024, PORTS = UINT16_MAX + 1 - FIRST_PORT, SERVER_PORT = 11211 };
    uint64_t number = relay->relays->counts.connections;
    relay->trace.ends[TCP_CLIENT] = (struct net_endpoint){
        .family = 4, .address = {192, 0, 2, 1}, .port = (uint16_t)(FIRST_PORT + number % PORTS)};
    relay->trace.ends[TCP_SERVER] =
        (struct net_endpoint){.family = 4, .address = {192, 0, 2, 2}, .port = SERVER_PORT};
}

static void begin_trace(struct relay *relay, int socket, const struct sockaddr *client)
{
    struct address server = {.size = sizeof(server.storage)};
    int64_t time = clock_now(CLOCK_REALTIME);
    if (client->sa_family != AF_UNIX && getsockname(socket, &server.any, &server.size) == 0) {
        relay->trace.ends[TCP_CLIENT] = endpoint_of(client);
        relay->trace.ends[TCP_SERVER] = endpoint_of(&server.any);
    } else {
        make_up_addresses(relay);
    }
    net_endpoint_text(&relay->trace.ends[TCP_CLIENT], relay->client);
    relay->trace.tape = relay->relays->tape;
    for (int side = 0; side < 2; side++) { /* RFC 9293, 3.4.1: a clock of 4 microseconds */
        relay->trace.next[side] = (uint32_t)(time / 4000);
    }
    tcp_trace_open(&relay->trace, time);
}

/* There is no memory for a client. */
static void turn_away(struct relays *relays)
{
    relays->counts.refused++;
    relays->tell("a client could not be accepted: out of memory");
}

void relay_open(struct relays *relays, struct route *route, int socket,
                const struct sockaddr *client)
{
    struct relay *relay = calloc(1, sizeof(*relay));
    if (relay == NULL) {
        close(socket);
        turn_away(relays);
        return;
    }
    *relay = (struct relay){.relays = relays, .route = route};
    relay->ends[TCP_CLIENT].relay = relay->ends[TCP_SERVER].relay = relay;
    if (!open_end(&relay->ends[TCP_CLIENT], socket, relays->client_tls,
                  BUFFEREVENT_SSL_ACCEPTING)) {
        free(relay);
        turn_away(relays);
        return;
    }
    list_insert_behind(&relays->list, &relay->link);
    relays->counts.connections++;
    relay->ends[TCP_CLIENT].ready = relays->client_tls == NULL;
    begin_trace(relay, socket, client);
    if (relays->client_tls != NULL &&
        bufferevent_set_timeouts(relay->ends[TCP_CLIENT].bufferevent, &connect_limit,
                                 &connect_limit) != 0) {
        relay_no_memory(relay);
        return;
    }
    connect_target(relay);
}

/* ------------------------------------------------------------------------ all of them */

void relays_stop(struct relays *relays)
{
    struct list_link *next;
    relays->stopping = true;
    for (struct list_link *link = relays->list.next; link != &relays->list; link = next) {
        next = link->next;
        relay_stop(LIST_MEMBER(link, struct relay, link)); /* which may be gone then */
    }
}

void relays_close(struct relays *relays)
{
    while (!list_is_empty(&relays->list)) {
        struct relay *relay = LIST_MEMBER(relays->list.next, struct relay, link);
        relays->counts.cut_off += !relay->lingering;
        relay_cut_off(relay);
    }
}
