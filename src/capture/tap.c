#include "capture/tap.h"

#include "capture/filter.h"
#include "capture/link_type.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>

_Static_assert((int)FILTER_PROBLEM_SIZE <= (int)TAP_PROBLEM_SIZE, "a filter's problem is a tap's");

struct tap {
    pcap_t *pcap;
    const struct link_type *type;
    int nanoseconds; /* of the unit of its times */
    uint64_t captured;
    tap_packet *packet;
    void *context;
    char interface[64];
};

static enum tap_open_result tap_fail(const struct tap *tap, const char *what,
                                     char problem[TAP_PROBLEM_SIZE])
{
    snprintf(problem, TAP_PROBLEM_SIZE, "%s: %s", tap->interface, what);
    return TAP_FAILED;
}

/* Why pcap_activate has failed, in words that help. */
static enum tap_open_result not_activated(const struct tap *tap, int result,
                                          char problem[TAP_PROBLEM_SIZE])
{
    if (result == PCAP_ERROR_PERM_DENIED) {
        return tap_fail(tap,
                        "capturing is not permitted: it takes root or the capability CAP_NET_RAW "
                        "(setcap cap_net_raw+ep); without, --listen records as a proxy",
                        problem);
    }
    const char *detail = pcap_geterr(tap->pcap);
    return tap_fail(tap,
                    result == PCAP_ERROR && detail[0] != '\0' ? detail : pcap_statustostr(result),
                    problem);
}

/* Without the precision, which not every interface has, times are in microseconds. */
static bool configure(pcap_t *pcap, const struct tap_options *options)
{
    int precision = pcap_set_tstamp_precision(pcap, PCAP_TSTAMP_PRECISION_NANO);
    return pcap_set_snaplen(pcap, TAP_SNAP_LENGTH) == 0 &&
           pcap_set_timeout(pcap, TAP_DELAY_MILLISECONDS) == 0 &&
           pcap_set_buffer_size(pcap, (int)options->buffer_size) == 0 &&
           (precision == 0 || precision == PCAP_ERROR_TSTAMP_PRECISION_NOTSUP);
}

static enum tap_open_result activate(struct tap *tap, const struct tap_options *options,
                                     char problem[TAP_PROBLEM_SIZE])
{
    if (!configure(tap->pcap, options)) {
        return tap_fail(tap, "libpcap refuses its options", problem);
    }
    int result = pcap_activate(tap->pcap);
    if (result < 0) { /* above 0 are warnings: promiscuous mode, which was not asked for */
        return not_activated(tap, result, problem);
    }
    tap->type = link_type_of(pcap_datalink(tap->pcap));
    if (tap->type == NULL) {
        return tap_fail(tap, "its link type is not one that kvreplay decodes", problem);
    }
    tap->nanoseconds =
        pcap_get_tstamp_precision(tap->pcap) == PCAP_TSTAMP_PRECISION_NANO ? 1 : 1000;
    if (pcap_setnonblock(tap->pcap, 1, problem) != 0 || tap_descriptor(tap) < 0) {
        return tap_fail(tap, "it can't be waited for", problem);
    }
    return filter_set(tap->pcap, options->filter, problem) ? TAP_OPEN : TAP_BAD_FILTER;
}

enum tap_open_result tap_open(const struct tap_options *options, struct tap **tap,
                              char problem[TAP_PROBLEM_SIZE])
{
    char error[PCAP_ERRBUF_SIZE] = "";
    struct tap *self = calloc(1, sizeof(*self));
    if (self == NULL) {
        snprintf(problem, TAP_PROBLEM_SIZE, "%s", strerror(ENOMEM));
        return TAP_FAILED;
    }
    snprintf(self->interface, sizeof(self->interface), "%s", options->interface);
    self->pcap = pcap_create(options->interface, error);
    enum tap_open_result result =
        self->pcap == NULL ? tap_fail(self, error, problem) : activate(self, options, problem);
    if (result != TAP_OPEN) {
        tap_close(self);
        self = NULL;
    }
    *tap = self;
    return result;
}

void tap_close(struct tap *tap)
{
    if (tap->pcap != NULL) {
        pcap_close(tap->pcap);
    }
    free(tap);
}

uint16_t tap_link_type(const struct tap *tap)
{
    return tap->type->in_files;
}

bool tap_has_loopback(const struct tap *tap)
{
    char error[PCAP_ERRBUF_SIZE];
    pcap_if_t *all = NULL;
    bool found = strcmp(tap->interface, "any") == 0;
    if (!found && pcap_findalldevs(&all, error) == 0) {
        for (const pcap_if_t *one = all; one != NULL && !found; one = one->next) {
            found = (one->flags & PCAP_IF_LOOPBACK) != 0 && strcmp(one->name, tap->interface) == 0;
        }
        pcap_freealldevs(all);
    }
    return found;
}

int tap_descriptor(const struct tap *tap)
{
    return pcap_get_selectable_fd(tap->pcap);
}

static void tap_on_packet(unsigned char *context, const struct pcap_pkthdr *header,
                          const unsigned char *bytes)
{
    struct tap *tap = (struct tap *)context;
    tap->captured++;
    int64_t time =
        (int64_t)header->ts.tv_sec * 1000000000 + (int64_t)header->ts.tv_usec * tap->nanoseconds;
    if (!tap->packet(tap->context, time, span_of(bytes, header->caplen), header->len)) {
        pcap_breakloop(tap->pcap);
    }
}

bool tap_read(struct tap *tap, tap_packet *packet, void *context, char problem[TAP_PROBLEM_SIZE])
{
    tap->packet = packet;
    tap->context = context;
    int result = pcap_dispatch(tap->pcap, -1, tap_on_packet, (unsigned char *)tap);
    if (result < 0 && result != PCAP_ERROR_BREAK) {
        tap_fail(tap, pcap_geterr(tap->pcap), problem);
        return false;
    }
    return true;
}

bool tap_count(struct tap *tap, struct tap_counts *counts, char problem[TAP_PROBLEM_SIZE])
{
    struct pcap_stat stat;
    if (pcap_stats(tap->pcap, &stat) != 0) {
        tap_fail(tap, pcap_geterr(tap->pcap), problem);
        return false;
    }
    *counts = (struct tap_counts){
        .captured = tap->captured,
        .received = stat.ps_recv,
        .dropped = stat.ps_drop,
        .dropped_by_interface = stat.ps_ifdrop,
    };
    return true;
}
