/*
 * kvreplay replay: plays the captures to a live server, one after the other, and reports.
 */
#include "base/interrupt.h"
#include "cli/command.h"
#include "cli/diagnose.h"
#include "cli/replay_arguments.h"
#include "cli/reporting.h"
#include "sockets/tls.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

struct run {
    const struct replay_arguments *arguments;
    struct live_run *live;
    struct sigaction before; /* of SIGPIPE */
};

static void replay_run_capture(void *context, const char *path, struct verify_result *result)
{
    struct run *run = context;
    live_run_capture(run->live, path, result);
}

static void run_loops(const struct run *run, struct verify_result *result)
{
    for (uint64_t loop = 1; loop < run->arguments->options.loops && !interrupted(); loop++) {
        live_run_begin_loop(run->live);
        for (size_t i = 0; i < result->captures_count; i++) {
            struct capture_result *capture = &result->captures[i];
            if (capture->status <= VERIFY_DIFFERENT) {
                live_run_repeat(run->live, result, capture);
            }
        }
    }
    /* Between two loops nothing is interrupted, but not all was played. */
    if (interrupted() && run->arguments->options.loops > 1 && result->captures_count > 0) {
        result->captures[result->captures_count - 1].interrupted = true;
    }
}

/* OpenSSL writes to a connection that the server has broken off; to the report's reader nothing
 * should be written after it has gone. */
static void ignore_broken_connections(struct run *run)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigaction(SIGPIPE, &ignore, &run->before);
}

static void replay_finish(void *context, struct verify_result *result)
{
    struct run *run = context;
    run_loops(run, result);
    sigaction(SIGPIPE, &run->before, NULL);
}

static int replay_captures(struct replay_arguments *arguments)
{
    struct live_outcome outcome;
    struct run run = {.arguments = arguments,
                      .live = live_run_create(&arguments->options, &outcome)};
    if (run.live == NULL) {
        diagnose("%s", strerror(ENOMEM));
        return VERIFY_INTERNAL;
    }
    struct reporting_task task = {
        .context = &run, .capture = replay_run_capture, .finish = replay_finish};
    struct report report = {.live = &arguments->options, .outcome = &outcome};
    ignore_broken_connections(&run);
    int status = reporting_run(&arguments->report, &arguments->inputs, &task, report);
    live_run_destroy(run.live);
    live_outcome_deinit(&outcome);
    return status;
}

/* A server that can't even be named is none that is there. */
static int replay_complain(const char *problem)
{
    diagnose("%s", problem);
    return VERIFY_NO_EVIDENCE;
}

static int look_up_and_run(struct replay_arguments *arguments, SSL_CTX *tls)
{
    struct target to;
    struct target against;
    char problem[SOCKETS_PROBLEM_SIZE];
    if (!target_init(&to, arguments->to, tls, problem) ||
        (arguments->against != NULL && !target_init(&against, arguments->against, tls, problem))) {
        return replay_complain(problem);
    }
    arguments->options.to = &to;
    arguments->options.against = arguments->against != NULL ? &against : NULL;
    arguments->options.interrupted = interrupt_flag();
    return replay_captures(arguments);
}

int command_replay(int argc, char **argv)
{
    struct replay_arguments arguments;
    char problem[SOCKETS_PROBLEM_SIZE];
    SSL_CTX *tls = NULL;
    replay_arguments_init(&arguments, argc, argv);
    if (arguments.tls) {
        tls = tls_create_client(arguments.authorities, problem);
    }
    int status =
        arguments.tls && tls == NULL ? replay_complain(problem) : look_up_and_run(&arguments, tls);
    SSL_CTX_free(tls);
    replay_arguments_deinit(&arguments);
    return status;
}
