#include "record/relay.h"

#include "base/clock.h"
#include "base/memory.h"
#include "record/relay_parts.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>

static size_t unsent(const struct end *end)
{
    return evbuffer_get_length(bufferevent_get_output(end->bufferevent));
}

/* ------------------------------------------------------------------------ its end */

static void relay_destroy(struct relay *relay)
{
    struct relays *relays = relay->relays;
    list_remove(&relay->link);
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

void relay_break_off(struct end *end)
{
    tcp_trace_reset(&end->relay->trace, side_of(end), clock_now(CLOCK_REALTIME));
    reset_on_close(other(end));
    relay_destroy(end->relay);
}

/*
 * The end was signalled to both sides. A client whose requests were not read any more would lose
 * answers that are on their way, if its socket were closed now: so they are read, and thrown away.
 */
static void relay_finish(struct relay *relay)
{
    struct bufferevent *client = relay->ends[TCP_CLIENT].bufferevent;
    int waiting = 0;
    if (!relay->relays->stopping || ioctl(bufferevent_getfd(client), SIOCOUTQ, &waiting) != 0 ||
        waiting == 0) {
        relay_destroy(relay);
        return;
    }
    static const struct timeval linger_limit = {.tv_sec = 1};
    relay->lingering = true;
    if (bufferevent_set_timeouts(client, &linger_limit, NULL) != 0 ||
        bufferevent_enable(client, EV_READ) != 0) {
        relay_no_memory(relay);
    }
}

void relay_cut_off(struct relay *relay)
{
    reset_on_close(&relay->ends[TCP_SERVER]);
    relay_break_off(&relay->ends[TCP_SERVER]);
}

void relay_no_memory(struct relay *relay)
{
    char message[SOCKETS_PROBLEM_SIZE];
    memory_note_failure();
    snprintf(message, sizeof(message), "client %s: out of memory", relay->client);
    relay->relays->tell(message);
    relay_cut_off(relay);
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
        relay_finish(end->relay);
    }
}

/* ------------------------------------------------------------------------ handing on */

static void stop_reading(struct end *end)
{
    bufferevent_disable(end->bufferevent, EV_READ);
}

/* False: no memory. */
static bool go_on_reading(struct end *end)
{
    return bufferevent_enable(end->bufferevent, EV_READ) == 0;
}

/* Whether more of what this side sends can be taken. */
static bool relay_wanted(struct end *end)
{
    const struct relays *relays = end->relay->relays;
    return !end->ended && unsent(other(end)) < RELAY_UNSENT_MAX &&
           !(relays->stopping && side_of(end) == TCP_CLIENT);
}

/* What is in the input but for the first `kept` bytes. False: the tape has failed. */
static bool record(struct end *end, struct evbuffer *input, size_t kept)
{
    enum { PIECES = 64 };
    struct evbuffer_iovec pieces[PIECES];
    struct span spans[PIECES];
    struct evbuffer_ptr at;
    size_t size = evbuffer_get_length(input) - kept;
    int64_t time = clock_now(CLOCK_REALTIME);
    bool recorded = true;
    evbuffer_ptr_set(input, &at, kept, EVBUFFER_PTR_SET);
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
    bool is_server = side_of(end) == TCP_SERVER;
    if (!record(end, input, is_server ? end->relay->kept : 0)) {
        relays->changed(relays->context); /* nothing is handed on any more */
        return;
    }
    struct evbuffer *output = bufferevent_get_output(other(end)->bufferevent);
    if (!is_server && relays->client_tls == NULL) {
        relay_config_hear(end->relay, input);
    }
    if (!(is_server ? relay_config_pass(end->relay, input, output)
                    : evbuffer_add_buffer(output, input) == 0)) {
        relay_no_memory(end->relay);
        return;
    }
    if (!relay_wanted(end)) {
        stop_reading(end);
    }
    if (tape_is_full(relays->tape)) {
        relays->changed(relays->context);
    }
}

/* This side has taken enough to be given more. */
static void relay_on_written(struct bufferevent *bufferevent, void *context)
{
    (void)bufferevent;
    struct end *end = context;
    if (!end->ready || !other(end)->ready) {
        return;
    }
    if (relay_wanted(other(end)) && !go_on_reading(other(end))) {
        relay_no_memory(end->relay);
        return;
    }
    pass_end(end);
}

static void on_end(struct end *end)
{
    end->ended = true;
    tcp_trace_end(&end->relay->trace, side_of(end), clock_now(CLOCK_REALTIME));
    if (bufferevent_enable(end->bufferevent, EV_WRITE) != 0 || /* TLS has stopped that too */
        (side_of(end) == TCP_SERVER &&
         !relay_config_give_up(end->relay, bufferevent_get_input(end->bufferevent),
                               bufferevent_get_output(other(end)->bufferevent)))) {
        relay_no_memory(end->relay);
        return;
    }
    pass_end(other(end));
}

static void relay_on_event(struct bufferevent *bufferevent, short events, void *context)
{
    (void)bufferevent;
    struct end *end = context;
    if ((events & BEV_EVENT_CONNECTED) != 0) {
        relay_ready(end);
    } else if (!end->ready || !other(end)->ready) {
        relay_not_ready(end, events);
    } else if (end->relay->lingering) {
        relay_destroy(end->relay);
    } else if ((events & BEV_EVENT_EOF) != 0) {
        on_end(end);
    } else if (errno == ENOMEM) {
        relay_no_memory(end->relay);
    } else {
        relay_break_off(end);
    }
}

void relay_listen_to(struct end *end)
{
    bufferevent_setcb(end->bufferevent, on_read, relay_on_written, relay_on_event, end);
    bufferevent_setwatermark(end->bufferevent, EV_WRITE, RELAY_UNSENT_MAX / 2, 0);
}

void relay_begin(struct relay *relay)
{
    for (int side = 0; side < 2; side++) {
        struct end *end = &relay->ends[side];
        if (bufferevent_set_timeouts(end->bufferevent, NULL, NULL) != 0 ||
            (relay_wanted(end) && !go_on_reading(end))) {
            relay_no_memory(relay);
            return;
        }
    }
}

void relay_stop(struct relay *relay)
{
    struct end *client = &relay->ends[TCP_CLIENT];
    if (!client->ready || !other(client)->ready) {
        relay_cut_off(relay);
    } else if (!client->ended) {
        stop_reading(client);
        client->ended = true;
        tcp_trace_end(&relay->trace, TCP_CLIENT, clock_now(CLOCK_REALTIME));
        pass_end(other(client));
    }
}
