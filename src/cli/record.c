/*
 * kvreplay record: captures, from an interface or as a proxy.
 */
#include "cli/command.h"
#include "cli/record_arguments.h"
#include "record/sniffer.h"
#include "record/tcp_trace.h"
#include "replay/result.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { DESCRIPTION_SIZE = 400 };

static const char application[] = "kvreplay " KVREPLAY_VERSION;

/* Standard output may be the capture. */
static void say(const char *message)
{
    fprintf(stderr, "kvreplay: %s\n", message);
}

static int complain(const char *problem)
{
    say(problem);
    return VERIFY_INTERNAL;
}

/* Closes the tape, says what is on it, and whether that is all. */
static int finish(struct tape *tape, int status)
{
    char problem[TAPE_PROBLEM_SIZE];
    struct tape_counts counts = tape_counts(tape);
    bool whole = tape_close(tape, problem);
    fprintf(stderr, "recorded: %" PRIu64 " packet%s, %" PRIu64 " bytes in %u file%s\n",
            counts.packets, counts.packets == 1 ? "" : "s", counts.bytes, counts.files,
            counts.files == 1 ? "" : "s");
    return whole ? status : complain(problem);
}

/* ------------------------------------------------------------------------ the proxy */

static void say_proxied(const struct proxy_counts *counts)
{
    fprintf(stderr,
            "connections: %" PRIu64 ", clients sent %" PRIu64 " bytes, servers %" PRIu64 "\n",
            counts->connections, counts->bytes[TCP_CLIENT], counts->bytes[TCP_SERVER]);
    if (counts->refused > 0) {
        fprintf(stderr, "not handed on: %" PRIu64 "\n", counts->refused);
    }
    if (counts->cut_off > 0) {
        fprintf(stderr, "cut off in the end: %" PRIu64 "\n", counts->cut_off);
    }
}

/* The tape is made last: nothing is left behind by a proxy that could not begin. */
static int proxy(struct proxy *proxy, struct record_options *options)
{
    char problem[TAPE_PROBLEM_SIZE], description[DESCRIPTION_SIZE];
    bool tls = options->proxy.certificate != NULL || options->proxy.target_tls;
    snprintf(description, sizeof(description), "proxy to %.300s%s", options->proxy.target,
             tls ? ", TLS removed" : "");
    options->tape.interface = (struct pcapng_interface){
        .link_type = PCAPNG_ETHERNET, .application = application, .description = description};
    struct tape *tape = tape_open(&options->tape, problem);
    if (tape == NULL) {
        return complain(problem);
    }
    fprintf(stderr, "ready: %s\n", proxy_address(proxy));
    proxy_run(proxy, tape);
    struct proxy_counts counts = proxy_counts(proxy);
    say_proxied(&counts);
    return finish(tape, VERIFY_IDENTICAL);
}

static int run_proxy(struct record_options *options)
{
    char problem[PROXY_PROBLEM_SIZE];
    options->proxy.tell = say;
    options->proxy.seconds_max = options->seconds_max;
    struct proxy *created = proxy_create(&options->proxy, problem);
    if (created == NULL) {
        return complain(problem);
    }
    int status = proxy(created, options);
    proxy_destroy(created);
    return status;
}

/* ------------------------------------------------------------------------ live capture */

static int say_captured(const struct record_options *options, const struct tap_counts *counts,
                        bool loopback)
{
    uint64_t dropped = counts->dropped + counts->dropped_by_interface;
    fprintf(stderr,
            "packets: %" PRIu64 " captured, %" PRIu64 " received by the filter, %" PRIu64
            " dropped by the kernel, %" PRIu64 " by the interface\n",
            counts->captured, counts->received, counts->dropped, counts->dropped_by_interface);
    if (loopback && counts->received > counts->captured) {
        fputs("         what passes a loopback interface is received twice, outgoing and incoming, "
              "and captured once\n",
              stderr);
    }
    if (dropped <= options->max_loss) {
        return VERIFY_IDENTICAL;
    }
    fprintf(stderr,
            "kvreplay: %" PRIu64 " packets were dropped, --max-loss accepts %" PRIu64
            "; a larger --buffer-size or a narrower --filter helps\n",
            dropped, options->max_loss);
    return VERIFY_NO_EVIDENCE;
}

static int capture(struct sniffer *sniffer, bool loopback, const struct record_options *options)
{
    char problem[TAP_PROBLEM_SIZE];
    struct tap_counts counts;
    struct tape *tape = tape_open(&options->tape, problem);
    if (tape == NULL) {
        return complain(problem);
    }
    fprintf(stderr, "ready: %s, %s\n", options->tap.interface, options->tap.filter);
    if (!sniffer_run(sniffer, tape, &counts, problem)) {
        complain(problem);
        return finish(tape, VERIFY_INTERNAL);
    }
    int status = say_captured(options, &counts, loopback);
    return finish(tape, status);
}

static int sniff(struct tap *tap, const struct record_options *options)
{
    struct sniffer *sniffer = sniffer_create(tap, options->seconds_max);
    if (sniffer == NULL) {
        return complain(strerror(ENOMEM));
    }
    int status = capture(sniffer, tap_has_loopback(tap), options);
    sniffer_destroy(sniffer);
    return status;
}

static int run_live(struct record_options *options)
{
    char problem[TAP_PROBLEM_SIZE];
    struct tap *tap;
    enum tap_open_result result = tap_open(&options->tap, &tap, problem);
    if (result != TAP_OPEN) {
        complain(problem);
        return result == TAP_BAD_FILTER ? VERIFY_USAGE : VERIFY_INTERNAL;
    }
    options->tape.interface = (struct pcapng_interface){
        .link_type = tap_link_type(tap),
        .application = application,
        .snap_length = TAP_SNAP_LENGTH,
        .name = options->tap.interface,
        .filter = options->tap.filter,
    };
    int status = sniff(tap, options);
    tap_close(tap);
    return status;
}

int command_record(int argc, char **argv)
{
    struct record_options options;
    record_arguments(argc, argv, &options);
    signal(SIGPIPE, SIG_IGN); /* an error of writing, and to be said */
    return options.proxy_wanted ? run_proxy(&options) : run_live(&options);
}
