#include "live/connect.h"

#include "live/compare.h"
#include "live/session.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

static void on_server_frame(void *context, const struct mcbp_frame *frame)
{
    struct session_side *server = context;
    struct live_run *run = server->session->run;
    if (session_note_request(server, frame)) {
        return;
    }
    run->answered_at = run_now();
    run->outcome->answers++; /* one to a fence is taken off again */
    session_answer(server, frame, &(struct net_origin){0});
}

/* A server that has fallen behind takes something again. */
static void on_server_sent(void *context, size_t size)
{
    (void)size;
    const struct session_side *server = context;
    if (peer_unsent(&server->peer) > 0) {
        pacing_progress(&server->session->run->pacing);
    }
}

static void on_server_end(void *context, const char *why, struct span rest, bool malformed)
{
    struct session_side *server = context;
    struct session *session = server->session;
    bool awaited = session_awaits(server, session->exchanges.end);
    server->cut = true;
    server->closed_cleanly = session->half_closed && !awaited;
    server->cut_within = rest.size > 0;
    snprintf(server->why, sizeof(server->why), "%s", why == NULL ? "" : why);
    if (malformed || (rest.size > 0 && !awaited)) {
        compare_malformed(session, rest);
    }
    session_end(server);
}

static bool connect_server(struct session *session, enum track track)
{
    static const struct peer_events events = {
        .frame = on_server_frame, .sent = on_server_sent, .ended = on_server_end};
    struct live_run *run = session->run;
    const struct live_options *options = run->options;
    char problem[SOCKETS_PROBLEM_SIZE];
    SSL *tls;
    int fd = target_connect(run_target(options, track), (int)options->timeout, options->interrupted,
                            &tls, problem);
    if (fd >= 0 && options->login != NULL &&
        !login_run(options->login, run_target(options, track), fd, tls, session->start,
                   (int)options->timeout, options->interrupted, problem)) {
        SSL_free(tls);
        close(fd);
        fd = -1;
    }
    if (fd < 0) {
        capture_result_worsen(run->found.capture, VERIFY_NO_EVIDENCE,
                              "%s (for connection %" PRIu64 ")", problem, session->known.id);
        return false;
    }
    if (!peer_open(&session->sides[track].peer, run->pacing.base, fd, tls, run->room,
                   options->verify.dissect.frame_max, &events, &session->sides[track])) {
        run->no_memory = true;
        return false;
    }
    return true;
}

bool connect_session(struct session *session)
{
    const struct live_run *run = session->run;
    session->connected = true;
    run->outcome->connections++;
    return connect_server(session, LIVE) &&
           (!run_uses(run->options, OTHER) || connect_server(session, OTHER));
}
