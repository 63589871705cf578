/*
 * kvreplay record: captures, from an interface or as a proxy.
 */
#include "base/memory.h"
#include "cli/command.h"
#include "cli/diagnose.h"
#include "cli/libraries.h"
#include "cli/record_arguments.h"
#include "record/privileges.h"
#include "record/sniffer.h"
#include "record/tcp_trace.h"
#include "report/printable.h"
#include "result/result.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { DESCRIPTION_SIZE = 400 };

static const char application[] = "kvreplay " KVREPLAY_VERSION;

/* Standard output may be the capture. */
static void record_say(const char *message)
{
    diagnose("%s", message);
}

static int record_complain(const char *problem)
{
    record_say(problem);
    return VERIFY_INTERNAL;
}

static int no_evidence(const char *problem)
{
    record_say(problem);
    return VERIFY_NO_EVIDENCE;
}

static void record_say_ready(const char *where, const char *filter)
{
    fputs("ready: ", stderr);
    printable_write_text(stderr, where);
    if (filter != NULL) {
        fputs(", ", stderr);
        printable_write_text(stderr, filter);
    }
    fputc('\n', stderr);
}

/* Sockets are open, and root is of no use any more: the file is the user's who is meant to have it.
 */
static struct tape *open_tape(const struct record_options *options, char problem[TAPE_PROBLEM_SIZE])
{
    uid_t before = geteuid();
    if (!privileges_drop(options->user, options->tape.path, problem)) {
        return NULL;
    }
    struct tape *tape = tape_open(&options->tape, problem);
    if (tape == NULL && geteuid() != before) {
        diagnose("root was given up for user %u; --user names another", (unsigned)geteuid());
    }
    return tape;
}

/* Closes the tape, says what is on it, and whether that is all. */
static int record_finish(struct tape *tape, int status)
{
    char problem[TAPE_PROBLEM_SIZE];
    struct tape_counts counts = tape_counts(tape);
    bool whole = tape_close(tape, problem);
    fprintf(stderr, "recorded: %" PRIu64 " packet%s, %" PRIu64 " bytes in %u file%s\n",
            counts.packets, counts.packets == 1 ? "" : "s", counts.bytes, counts.files,
            counts.files == 1 ? "" : "s");
    return whole ? status : record_complain(problem);
}

/* ------------------------------------------------------------------------ the proxy */

/* Whoever relies on the exit status wants to know that there is something to be verified. */
static int say_proxied(const struct proxy_counts *counts)
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
    if (counts->refused > 0) {
        return no_evidence("what clients wanted could not all be handed on");
    }
    if (counts->bytes[TCP_CLIENT] + counts->bytes[TCP_SERVER] == 0) {
        return no_evidence(counts->connections == 0 ? "nothing was recorded: nobody has connected"
                                                    : "nothing was recorded: nothing was sent");
    }
    return VERIFY_IDENTICAL;
}

static bool has_tls(const struct proxy_options *options)
{
    return options->certificate != NULL || options->target_tls;
}

/* The tape is made last: nothing is left behind by a proxy that could not begin. */
static int proxy(struct proxy *proxy, struct record_options *options)
{
    char problem[TAPE_PROBLEM_SIZE], description[DESCRIPTION_SIZE];
    snprintf(description, sizeof(description), "proxy to %.300s%s", options->proxy.target,
             has_tls(&options->proxy) ? ", TLS removed" : "");
    options->tape.interface = (struct pcapng_interface){
        .link_type = PCAPNG_ETHERNET, .application = application, .description = description};
    struct tape *tape = open_tape(options, problem);
    if (tape == NULL) {
        return record_complain(problem);
    }
    record_say_ready(proxy_address(proxy), NULL);
    proxy_run(proxy, tape);
    struct proxy_counts counts = proxy_counts(proxy);
    int status = say_proxied(&counts);
    return record_finish(tape, status);
}

static int run_proxy(struct record_options *options)
{
    char problem[PROXY_PROBLEM_SIZE];
    options->proxy.tell = record_say;
    options->proxy.seconds_max = options->seconds_max;
    if (has_tls(&options->proxy)) {
        libraries_let_libevent_end();
    }
    struct proxy *created = proxy_create(&options->proxy, problem);
    if (created == NULL) {
        return record_complain(problem);
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
    if (counts->captured == 0) {
        return no_evidence("nothing was recorded: no packet has passed the filter");
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
    char problem[TAPE_PROBLEM_SIZE];
    struct tap_counts counts;
    struct tape *tape = open_tape(options, problem);
    if (tape == NULL) {
        return record_complain(problem);
    }
    record_say_ready(options->tap.interface, options->tap.filter);
    if (!sniffer_run(sniffer, tape, &counts, problem)) {
        record_complain(problem);
        return record_finish(tape, VERIFY_INTERNAL);
    }
    int status = say_captured(options, &counts, loopback);
    return record_finish(tape, status);
}

static int sniff(struct tap *tap, const struct record_options *options)
{
    struct sniffer *sniffer = sniffer_create(tap, options->seconds_max);
    if (sniffer == NULL) {
        return record_complain(strerror(ENOMEM));
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
        record_complain(problem);
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
    int status = options.proxy_wanted ? run_proxy(&options) : run_live(&options);
    user_free(options.user);
    return memory_failures() > 0 ? record_complain("out of memory: not all is recorded") : status;
}
