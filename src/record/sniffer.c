#include "record/sniffer.h"

#include "base/clock.h"
#include "base/interrupt.h"

#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>

enum { ON_PACKETS, ON_SIGTERM, ON_SIGINT, ON_LIMIT, ON_DRAINED, ON_FLUSH, EVENTS };

struct sniffer {
    struct tap *tap;
    struct tape *tape;
    struct event_base *base;
    struct event *events[EVENTS];
    char *problem;
    bool failed;
};

static bool sniffer_on_packet(void *context, int64_t time, struct span bytes, uint32_t length)
{
    struct sniffer *sniffer = context;
    if (tape_write(sniffer->tape, time, length, &bytes, 1) && !tape_is_full(sniffer->tape)) {
        return true;
    }
    event_base_loopbreak(sniffer->base);
    return false;
}

static void sniffer_read_packets(struct sniffer *sniffer)
{
    if (!tap_read(sniffer->tap, sniffer_on_packet, sniffer, sniffer->problem)) {
        sniffer->failed = true;
        event_base_loopbreak(sniffer->base);
    }
}

static void on_packets(evutil_socket_t descriptor, short what, void *context)
{
    (void)descriptor;
    (void)what;
    sniffer_read_packets(context);
}

/* What has passed is in the kernel's buffer, and readable after that delay at the latest. */
static void sniffer_on_stop(evutil_socket_t number, short what, void *context)
{
    static const struct timeval delay = {.tv_usec = 2 * 1000 * TAP_DELAY_MILLISECONDS};
    (void)number;
    (void)what;
    struct sniffer *sniffer = context;
    event_add(sniffer->events[ON_DRAINED], &delay);
}

static void on_drained(evutil_socket_t descriptor, short what, void *context)
{
    (void)descriptor;
    (void)what;
    struct sniffer *sniffer = context;
    sniffer_read_packets(sniffer);
    event_base_loopbreak(sniffer->base);
}

static void sniffer_on_flush(evutil_socket_t descriptor, short what, void *context)
{
    (void)descriptor;
    (void)what;
    struct sniffer *sniffer = context;
    if (!tape_flush(sniffer->tape)) {
        event_base_loopbreak(sniffer->base);
    }
}

static bool sniffer_add_events(struct sniffer *sniffer, unsigned seconds_max)
{
    static const struct timeval second = {.tv_sec = 1};
    const struct timeval limit = {.tv_sec = seconds_max};
    const struct timeval *const intervals[EVENTS] = {[ON_FLUSH] = &second, [ON_LIMIT] = &limit};
    struct event_base *base = sniffer->base;
    struct event *const added[EVENTS] = {
        [ON_PACKETS] = event_new(base, tap_descriptor(sniffer->tap), EV_READ | EV_PERSIST,
                                 on_packets, sniffer),
        [ON_SIGTERM] = evsignal_new(base, SIGTERM, sniffer_on_stop, sniffer),
        [ON_SIGINT] = evsignal_new(base, SIGINT, sniffer_on_stop, sniffer),
        [ON_LIMIT] = evtimer_new(base, sniffer_on_stop, sniffer),
        [ON_DRAINED] = evtimer_new(base, on_drained, sniffer),
        [ON_FLUSH] = event_new(base, -1, EV_PERSIST, sniffer_on_flush, sniffer),
    };
    bool all = true;
    for (size_t i = 0; i < EVENTS; i++) {
        bool wanted = i != ON_DRAINED && (i != ON_LIMIT || seconds_max > 0);
        sniffer->events[i] = added[i];
        all = all && added[i] != NULL && (!wanted || event_add(added[i], intervals[i]) == 0);
    }
    return all;
}

struct sniffer *sniffer_create(struct tap *tap, unsigned seconds_max)
{
    struct sniffer *sniffer = calloc(1, sizeof(*sniffer));
    if (sniffer == NULL) {
        return NULL;
    }
    sniffer->tap = tap;
    sniffer->base = event_base_new();
    if (sniffer->base == NULL || !sniffer_add_events(sniffer, seconds_max)) {
        sniffer_destroy(sniffer);
        return NULL;
    }
    return sniffer;
}

void sniffer_destroy(struct sniffer *sniffer)
{
    interrupt_hold();
    for (size_t i = 0; i < EVENTS; i++) {
        if (sniffer->events[i] != NULL) {
            event_free(sniffer->events[i]);
        }
    }
    if (sniffer->base != NULL) {
        event_base_free(sniffer->base);
    }
    free(sniffer);
}

bool sniffer_run(struct sniffer *sniffer, struct tape *tape, struct tap_counts *counts,
                 char problem[TAP_PROBLEM_SIZE])
{
    sniffer->tape = tape;
    sniffer->problem = problem;
    interrupt_end_on_third(); /* nobody may read the tape */
    event_base_dispatch(sniffer->base);
    if (sniffer->failed || !tap_count(sniffer->tap, counts, problem)) {
        return false;
    }
    tape_write_statistics(tape, clock_now(CLOCK_REALTIME), counts->received,
                          counts->dropped + counts->dropped_by_interface);
    return true;
}
