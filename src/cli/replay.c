/*
 * kvreplay replay: plays the captures to a live server, one after the other, and reports.
 */
#include "cli/command.h"
#include "cli/replay_arguments.h"
#include "cli/reporting.h"
#include "sockets/tls.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static volatile sig_atomic_t interrupted;

/* The first signal ends the run with its report, the second the program. */
static void on_signal(int number)
{
    (void)number;
    interrupted = 1;
}

static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

struct run {
    const struct replay_arguments *arguments;
    struct live *live;
};

static void run_capture(void *context, const char *path, struct verify_result *result)
{
    struct run *run = context;
    live_capture(run->live, path, result);
}

static void run_loops(void *context, struct verify_result *result)
{
    struct run *run = context;
    for (uint64_t loop = 1; loop < run->arguments->options.loops && interrupted == 0; loop++) {
        live_begin_loop(run->live);
        for (size_t i = 0; i < result->captures_count; i++) {
            struct capture_result *capture = &result->captures[i];
            if (capture->status <= VERIFY_DIFFERENT) {
                live_repeat(run->live, result, capture);
            }
        }
    }
}

static int run(struct replay_arguments *arguments)
{
    struct live_outcome outcome;
    struct run run = {.arguments = arguments, .live = live_create(&arguments->options, &outcome)};
    if (run.live == NULL) {
        fprintf(stderr, "kvreplay: %s\n", strerror(ENOMEM));
        return VERIFY_INTERNAL;
    }
    struct reporting_task task = {.context = &run, .capture = run_capture, .finish = run_loops};
    struct report report = {.live = &arguments->options, .outcome = &outcome};
    int status = reporting_run(&arguments->report, &arguments->inputs, &task, report);
    live_destroy(run.live);
    live_outcome_deinit(&outcome);
    return status;
}

/* A server that can't even be named is none that is there. */
static int complain(const char *problem)
{
    fprintf(stderr, "kvreplay: %s\n", problem);
    return VERIFY_NO_EVIDENCE;
}

static int look_up_and_run(struct replay_arguments *arguments, SSL_CTX *tls)
{
    struct target to;
    struct target against;
    char problem[SOCKETS_PROBLEM_SIZE];
    if (!target_init(&to, arguments->to, tls, problem) ||
        (arguments->against != NULL && !target_init(&against, arguments->against, tls, problem))) {
        return complain(problem);
    }
    arguments->options.to = &to;
    arguments->options.against = arguments->against != NULL ? &against : NULL;
    arguments->options.interrupted = &interrupted;
    catch_signals();
    return run(arguments);
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
        arguments.tls && tls == NULL ? complain(problem) : look_up_and_run(&arguments, tls);
    SSL_CTX_free(tls);
    replay_arguments_deinit(&arguments);
    return status;
}
