#include "capture/tap.h"

#include "capture/link_type.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>

struct tap {
    pcap_t *pcap;
    const struct link_type *type;
    int nanoseconds; /* of the unit of its times */
    uint64_t captured;
    tap_packet *packet;
    void *context;
    char interface[64];
};

static enum tap_open_result fail(const struct tap *tap, const char *what,
                                 char problem[TAP_PROBLEM_SIZE])
{
    snprintf(problem, TAP_PROBLEM_SIZE, "%s: %s", tap->interface, what);
    return TAP_FAILED;
}

static enum tap_open_result set_filter(struct tap *tap, const char *filter,
                                       char problem[TAP_PROBLEM_SIZE])
{
    struct bpf_program program;
    int result = pcap_compile(tap->pcap, &program, filter, 1, PCAP_NETMASK_UNKNOWN);
    if (result == 0) {
        result = pcap_setfilter(tap->pcap, &program);
        pcap_freecode(&program);
    }
    if (result != 0) {
        snprintf(problem, TAP_PROBLEM_SIZE, "filter '%.200s': %s", filter, pcap_geterr(tap->pcap));
        return TAP_BAD_FILTER;
    }
    return TAP_OPEN;
}

/* Why pcap_activate has failed, in words that help. */
static enum tap_open_result not_activated(const struct tap *tap, int result,
                                          char problem[TAP_PROBLEM_SIZE])
{
    if (result == PCAP_ERROR_PERM_DENIED) {
        return fail(tap,
                    "capturing is not permitted: it takes root or the capability CAP_NET_RAW "
                    "(setcap cap_net_raw+ep); without, --listen records as a proxy",
                    problem);
    }
    const char *detail = pcap_geterr(tap->pcap);
    return fail(tap, result == PCAP_ERROR && detail[0] != '\0' ? detail : pcap_statustostr(result),
                problem);
}

static enum tap_open_result activate(struct tap *tap, const struct tap_options *options,
                                     char problem[TAP_PROBLEM_SIZE])
{
    pcap_set_snaplen(tap->pcap, TAP_SNAP_LENGTH);
    pcap_set_timeout(tap->pcap, TAP_DELAY_MILLISECONDS);
    pcap_set_buffer_size(tap->pcap, (int)options->buffer_size);
    pcap_set_tstamp_precision(tap->pcap, PCAP_TSTAMP_PRECISION_NANO);
    int result = pcap_activate(tap->pcap);
    if (result < 0) { /* above 0 are warnings: promiscuous mode, which was not asked for */
        return not_activated(tap, result, problem);
    }
    tap->type = link_type_of(pcap_datalink(tap->pcap));
    if (tap->type == NULL) {
        return fail(tap, "its link type is not one that kvreplay decodes", problem);
    }
    tap->nanoseconds =
        pcap_get_tstamp_precision(tap->pcap) == PCAP_TSTAMP_PRECISION_NANO ? 1 : 1000;
    if (pcap_setnonblock(tap->pcap, 1, problem) != 0 || tap_descriptor(tap) < 0) {
        return fail(tap, "it can't be waited for", problem);
    }
    return set_filter(tap, options->filter, problem);
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
        self->pcap == NULL ? fail(self, error, problem) : activate(self, options, problem);
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

static void on_packet(unsigned char *context, const struct pcap_pkthdr *header,
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
    int result = pcap_dispatch(tap->pcap, -1, on_packet, (unsigned char *)tap);
    if (result < 0 && result != PCAP_ERROR_BREAK) {
        fail(tap, pcap_geterr(tap->pcap), problem);
        return false;
    }
    return true;
}

bool tap_count(struct tap *tap, struct tap_counts *counts, char problem[TAP_PROBLEM_SIZE])
{
    struct pcap_stat stat;
    if (pcap_stats(tap->pcap, &stat) != 0) {
        fail(tap, pcap_geterr(tap->pcap), problem);
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
