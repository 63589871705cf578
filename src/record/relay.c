#include "record/relay.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "record/clock.h"
#include "sockets/tls.h"

/* One of the two connections. */
struct end {
    struct relay *relay;
    struct bufferevent *bufferevent; /* NULL: not open */
    bool ready;                      /* connected, with TLS when that is agreed upon */
    bool ended;                      /* sends no more */
    bool told;                       /* has been told that the other sends no more */
};

static const struct timeval connect_limit = {.tv_sec = PROXY_CONNECT_SECONDS};
static const struct timeval linger_limit = {.tv_sec = 1};

struct relay {
    struct relays *relays;
    struct relay *next;
    struct relay *previous;
    struct end ends[2]; /* by enum tcp_side */
    size_t tried;       /* addresses of the target */
    bool lingering;     /* all is done, but for what the kernel has yet to bring to the client */
    struct tcp_trace trace;
    char client[ADDRESS_TEXT_SIZE];
};

static enum tcp_side side_of(const struct end *end)
{
    return end == &end->relay->ends[TCP_SERVER] ? TCP_SERVER : TCP_CLIENT;
}

static struct end *other(struct end *end)
{
    return &end->relay->ends[1 - side_of(end)];
}

static size_t unsent(const struct end *end)
{
    return evbuffer_get_length(bufferevent_get_output(end->bufferevent));
}

/* ------------------------------------------------------------------------ its end */

static void destroy(struct relay *relay)
{
    struct relays *relays = relay->relays;
    *(relay->previous == NULL ? &relays->first : &relay->previous->next) = relay->next;
    if (relay->next != NULL) {
        relay->next->previous = relay->previous;
    }
    for (int side = 0; side < 2; side++) {
        if (relay->ends[side].bufferevent != NULL) {
            bufferevent_free(relay->ends[side].bufferevent);
        }
    }
    free(relay);
    relays->changed(relays->context);
}

/* The other side of this socket learns that the connection is broken off, not ended. */
static void reset_on_close(const struct end *end)
{
    static const struct linger at_once = {.l_onoff = 1};
    if (end->bufferevent != NULL) {
        setsockopt(bufferevent_getfd(end->bufferevent), SOL_SOCKET, SO_LINGER, &at_once,
                   sizeof(at_once));
    }
}

/* This side has broken the connection off; so does the relay with the other. */
static void break_off(struct end *end)
{
    tcp_trace_reset(&end->relay->trace, side_of(end), clock_now());
    reset_on_close(other(end));
    destroy(end->relay);
}

/*
 * Both sides have been told the end. A client whose requests were not read any more would lose
 * answers that are on their way, if its socket were closed now: so they are read, and thrown away.
 */
static void finish(struct relay *relay)
{
    struct bufferevent *client = relay->ends[TCP_CLIENT].bufferevent;
    int waiting = 0;
    if (!relay->relays->stopping || ioctl(bufferevent_getfd(client), SIOCOUTQ, &waiting) != 0 ||
        waiting == 0) {
        destroy(relay);
        return;
    }
    relay->lingering = true;
    bufferevent_set_timeouts(client, &linger_limit, NULL);
    bufferevent_enable(client, EV_READ);
}

/* Tells this side that the other sends no more, as soon as it has all that came before. The relay
 * may be gone after this. */
static void pass_end(struct end *end)
{
    struct end *ended = other(end);
    if (!ended->ended || end->told || unsent(end) > 0) {
        return;
    }
    SSL *tls = bufferevent_openssl_get_ssl(end->bufferevent);
    if (tls != NULL) {
        SSL_shutdown(tls);
    }
    shutdown(bufferevent_getfd(end->bufferevent), SHUT_WR);
    end->told = true;
    if (end->ended && ended->told) {
        finish(end->relay);
    }
}

/* ------------------------------------------------------------------------ handing on */

static void set_reading(struct end *end, bool reading)
{
    (reading ? bufferevent_enable : bufferevent_disable)(end->bufferevent, EV_READ);
}

/* Whether more of what this side sends can be taken. */
static bool wanted(struct end *end)
{
    const struct relays *relays = end->relay->relays;
    return !end->ended && unsent(other(end)) < PROXY_UNSENT_MAX &&
           !(relays->stopping && side_of(end) == TCP_CLIENT);
}

/* False: the tape has failed. */
static bool record(struct end *end, struct evbuffer *input)
{
    enum { PIECES = 64 };
    struct evbuffer_iovec pieces[PIECES];
    struct span spans[PIECES];
    struct evbuffer_ptr at;
    size_t size = evbuffer_get_length(input);
    int64_t time = clock_now();
    bool recorded = true;
    evbuffer_ptr_set(input, &at, 0, EVBUFFER_PTR_SET);
    end->relay->relays->counts.bytes[side_of(end)] += size;
    while (recorded && size > 0) {
        size_t told = 0;
        int count = evbuffer_peek(input, (ssize_t)size, &at, pieces, PIECES);
        count = count > PIECES ? PIECES : count;
        for (int i = 0; i < count; i++) {
            spans[i] = span_of(pieces[i].iov_base, pieces[i].iov_len);
            told += pieces[i].iov_len;
        }
        recorded = tcp_trace_data(&end->relay->trace, side_of(end), time, spans, (size_t)count);
        evbuffer_ptr_set(input, &at, told, EVBUFFER_PTR_ADD);
        size -= told;
    }
    return recorded;
}

/* Records, then moves: nobody has a byte that the tape has not. */
static void on_read(struct bufferevent *bufferevent, void *context)
{
    struct end *end = context;
    struct relays *relays = end->relay->relays;
    struct evbuffer *input = bufferevent_get_input(bufferevent);
    if (end->relay->lingering) {
        evbuffer_drain(input, evbuffer_get_length(input));
        return;
    }
    if (!record(end, input)) {
        relays->changed(relays->context); /* nothing is handed on any more */
        return;
    }
    evbuffer_add_buffer(bufferevent_get_output(other(end)->bufferevent), input);
    if (!wanted(end)) {
        set_reading(end, false);
    }
    if (tape_is_full(relays->tape)) {
        relays->changed(relays->context);
    }
}

/* This side has taken enough to be given more. */
static void on_written(struct bufferevent *bufferevent, void *context)
{
    (void)bufferevent;
    struct end *end = context;
    if (end->ready && other(end)->ready) {
        if (wanted(other(end))) {
            set_reading(other(end), true);
        }
        pass_end(end);
    }
}

/* ------------------------------------------------------------------------ beginning */

static void connect_target(struct relay *relay);

static void begin(struct relay *relay)
{
    for (int side = 0; side < 2; side++) {
        bufferevent_set_timeouts(relay->ends[side].bufferevent, NULL, NULL);
        if (wanted(&relay->ends[side])) {
            set_reading(&relay->ends[side], true);
        }
    }
}

static const char *reason_of(const struct end *end, short events)
{
    unsigned long error = bufferevent_get_openssl_error(end->bufferevent);
    const char *reason = error == 0 ? NULL : ERR_reason_error_string(error);
    if (reason != NULL) {
        return reason;
    }
    return (events & BEV_EVENT_TIMEOUT) != 0 || errno == 0 ? "no answer" : strerror(errno);
}

static void on_failed_begin(struct end *end, short events)
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
    break_off(end);
}

static void on_ready(struct end *end)
{
    static const int on = 1;
    int socket = bufferevent_getfd(end->bufferevent);
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)); /* fails if it is not TCP */
    end->ready = true;
    if (other(end)->ready) {
        begin(end->relay);
    }
}

static void on_event(struct bufferevent *bufferevent, short events, void *context)
{
    (void)bufferevent;
    struct end *end = context;
    if ((events & BEV_EVENT_CONNECTED) != 0) {
        on_ready(end);
    } else if (!end->ready || !other(end)->ready) {
        on_failed_begin(end, events);
    } else if (end->relay->lingering) {
        destroy(end->relay);
    } else if ((events & BEV_EVENT_EOF) != 0) {
        end->ended = true;
        tcp_trace_end(&end->relay->trace, side_of(end), clock_now());
        bufferevent_enable(end->bufferevent, EV_WRITE); /* TLS has stopped that as well */
        pass_end(other(end));
    } else {
        break_off(end);
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
    bufferevent_setcb(end->bufferevent, on_read, on_written, on_event, end);
    bufferevent_setwatermark(end->bufferevent, EV_WRITE, PROXY_UNSENT_MAX / 2, 0);
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
        on_failed_begin(end, BEV_EVENT_ERROR);
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

/* The client has sent what was read until now. The relay may be gone after this. */
static void stop(struct relay *relay)
{
    struct end *client = &relay->ends[TCP_CLIENT];
    if (!client->ready || !other(client)->ready) {
        break_off(other(client));
    } else if (!client->ended) {
        set_reading(client, false);
        client->ended = true;
        tcp_trace_end(&relay->trace, TCP_CLIENT, clock_now());
        pass_end(other(client));
    }
}

void relays_stop(struct relays *relays)
{
    struct relay *next;
    relays->stopping = true;
    for (struct relay *relay = relays->first; relay != NULL; relay = next) {
        next = relay->next;
        stop(relay);
    }
}

void relays_close(struct relays *relays)
{
    while (relays->first != NULL) {
        struct relay *relay = relays->first;
        relays->counts.cut_off += !relay->lingering;
        reset_on_close(&relay->ends[TCP_SERVER]);
        break_off(&relay->ends[TCP_SERVER]);
    }
}
