#include "record/relay_parts.h"

#include <errno.h>
#include <event2/bufferevent_ssl.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "record/clock.h"
#include "sockets/tls.h"

static const struct timeval connect_limit = {.tv_sec = PROXY_CONNECT_SECONDS};

/* ------------------------------------------------------------------------ the target */

static void connect_target(struct relay *relay);

static const char *reason_of(const struct end *end, short events)
{
    unsigned long error =
        end->bufferevent == NULL ? 0 : bufferevent_get_openssl_error(end->bufferevent);
    const char *reason = error == 0 ? NULL : ERR_reason_error_string(error);
    if (reason != NULL) {
        return reason;
    }
    return (events & BEV_EVENT_TIMEOUT) != 0 || errno == 0 ? "no answer" : strerror(errno);
}

void relay_not_ready(struct end *end, short events)
{
    struct relay *relay = end->relay;
    char message[PROXY_PROBLEM_SIZE], text[ADDRESS_TEXT_SIZE];
    const struct address *target = &relay->relays->target.list[relay->tried - 1];
    bool by_target = side_of(end) == TCP_SERVER;
    snprintf(message, sizeof(message), "client %s: %s: %s", relay->client,
             by_target ? address_text(target, text) : "TLS", reason_of(end, events));
    if (by_target && relay->tried < relay->relays->target.count) {
        bufferevent_free(end->bufferevent);
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

/* `context` NULL: without TLS. False: no memory; the socket is still the caller's. */
static bool open_end(struct end *end, int socket, SSL_CTX *context,
                     enum bufferevent_ssl_state state)
{
    struct event_base *base = end->relay->relays->base;
    const char *host = end->relay->relays->host;
    if (context == NULL) {
        end->bufferevent = bufferevent_socket_new(base, socket, BEV_OPT_CLOSE_ON_FREE);
    } else {
        SSL *tls = SSL_new(context);
        if (tls != NULL &&
            (state == BUFFEREVENT_SSL_ACCEPTING || host == NULL || tls_expect_host(tls, host))) {
            SSL_set_options(tls, SSL_OP_IGNORE_UNEXPECTED_EOF); /* it is recorded as the end */
            end->bufferevent =
                bufferevent_openssl_socket_new(base, socket, tls, state, BEV_OPT_CLOSE_ON_FREE);
        }
        if (end->bufferevent == NULL) {
            SSL_free(tls);
        }
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
    const struct address *target = &relays->target.list[relay->tried++];
    errno = ENOMEM;
    if (open_end(end, -1, relays->target_tls, BUFFEREVENT_SSL_CONNECTING) &&
        bufferevent_socket_connect(end->bufferevent, &target->any, (int)target->size) == 0) {
        bufferevent_set_timeouts(end->bufferevent, &connect_limit, &connect_limit);
    } else {
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
    int64_t time = clock_now();
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

void relay_open(struct relays *relays, int socket, const struct sockaddr *client)
{
    struct relay *relay = calloc(1, sizeof(*relay));
    if (relay == NULL) {
        close(socket);
        return;
    }
    *relay = (struct relay){.relays = relays, .next = relays->first};
    relay->ends[TCP_CLIENT].relay = relay->ends[TCP_SERVER].relay = relay;
    if (!open_end(&relay->ends[TCP_CLIENT], socket, relays->client_tls,
                  BUFFEREVENT_SSL_ACCEPTING)) {
        close(socket);
        free(relay);
        return;
    }
    if (relays->first != NULL) {
        relays->first->previous = relay;
    }
    relays->first = relay;
    relays->counts.connections++;
    relay->ends[TCP_CLIENT].ready = relays->client_tls == NULL;
    if (relays->client_tls != NULL) {
        bufferevent_set_timeouts(relay->ends[TCP_CLIENT].bufferevent, &connect_limit,
                                 &connect_limit);
    }
    begin_trace(relay, socket, client);
    connect_target(relay);
}

/* ------------------------------------------------------------------------ all of them */

void relays_stop(struct relays *relays)
{
    struct relay *next;
    relays->stopping = true;
    for (struct relay *relay = relays->first; relay != NULL; relay = next) {
        next = relay->next;
        relay_stop(relay);
    }
}

void relays_close(struct relays *relays)
{
    while (relays->first != NULL) {
        struct relay *relay = relays->first;
        relays->counts.cut_off += !relay->lingering;
        relay_cut_off(relay);
    }
}
