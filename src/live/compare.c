#include "live/compare.h"

#include "check/compare.h"
#include "live/exchange.h"
#include "live/own.h"
#include "mcbp/status.h"
#include "replay/differences.h"

#include <inttypes.h>
#include <stdio.h>

enum { OPEN_TEXT_SIZE = 80 };

/* -------------------------------------------------------------------- records of differences */

static struct mcbp_frame frame_of(const struct answer *answer)
{
    struct mcbp_frame frame;
    mcbp_frame_parse(span_of(answer->bytes, answer->size), &frame);
    return frame;
}

static void set_header(struct difference *difference, const struct mcbp_header *header)
{
    difference->magic = header->magic;
    difference->opcode = header->opcode;
    difference->status = header->vbucket_or_status;
    difference->opaque = header->opaque;
}

/* A record of a difference, to be completed. `exchange` and `answer`: those that it is about, if
 * there are such; a recorded answer is also where it is. NULL: as many as are wanted are kept. */
static struct difference *add_difference(const struct session *session,
                                         const struct exchange *exchange,
                                         const struct answer *answer, enum difference_kind kind)
{
    const struct findings *found = &session->run->found;
    struct verify_result *result = found->result;
    if (result->differences_count >= result->differences_max) {
        return NULL;
    }
    struct difference *difference = &result->differences[result->differences_count++];
    *difference = (struct difference){
        .check = CHECK_LIVE,
        .kind = kind,
        .capture = found->capture->path,
        .connection = session->known.id,
        .client = session->known.client,
        .server = session->known.server,
        .magic = MCBP_CLIENT_RESPONSE,
    };
    if (exchange != NULL) {
        difference->packet = difference->request_packet = exchange->origin.packet;
        difference->time = exchange->origin.time;
        difference->opcode = difference->request_opcode = exchange->opcode;
        difference->opaque = difference->request_opaque = exchange->opaque;
        difference->request_magic = exchange->magic;
        difference->key_size = exchange->key_size;
        memcpy(difference->key, exchange->key, exchange->key_size);
    }
    if (answer != NULL) {
        struct mcbp_frame frame = frame_of(answer);
        set_header(difference, &frame.header);
        if (answer->origin.packet != 0) {
            difference->packet = answer->origin.packet;
            difference->time = answer->origin.time;
        }
    }
    return difference;
}

static struct difference *add_unexpected(const struct session *session,
                                         const struct exchange *exchange,
                                         const struct answer *answer)
{
    struct difference *difference =
        add_difference(session, exchange, answer, DIFFERENCE_UNEXPECTED);
    session->run->found.capture->live.unexpected++;
    difference_set_sides(difference, &(struct comparison){.offset = 0}, span_of(NULL, 0),
                         span_of(answer->bytes, answer->size));
    return difference;
}

/* ------------------------------------------------------------------------ values to be learnt */

/* What a server gives for recorded values, for requests to come. */
static void learn(struct live_run *run, const struct exchange *exchange, enum track track)
{
    struct own_result result;
    struct own_pair pair = {.exchange = exchange,
                            .reference_track = RECORDED,
                            .given_track = track,
                            .reference = exchange->answers[RECORDED].first,
                            .given = exchange->answers[track].first};
    while (pair.reference != NULL && pair.given != NULL) {
        own_translate(run, &run->translations.from_recorded[track], &pair, false, &result);
        pair.reference = pair.reference->next;
        pair.given = pair.given->next;
    }
}

/* --------------------------------------------------------------------------------- comparing */

/* Why a value at that place can't be what it is; NULL: it is nothing that servers choose. */
static const char *why(const struct own_result *own, size_t offset)
{
    for (size_t i = 0; i < own->conflict_count; i++) {
        const struct own_conflict *conflict = &own->conflicts[i];
        if (offset >= conflict->offset && offset - conflict->offset < conflict->size) {
            return conflict->why;
        }
    }
    return NULL;
}

static void report_difference(const struct session *session, const struct own_pair *pair,
                              const struct own_result *own, const struct comparison *comparison)
{
    struct difference *difference =
        add_difference(session, pair->exchange, pair->reference, DIFFERENCE_FIELD);
    const char *because = why(own, comparison->offset);
    difference_set_sides(difference, comparison, own->expected,
                         span_of(pair->given->bytes, pair->given->size));
    if (because != NULL) {
        difference_set_detail(difference, "%s", because);
    }
}

/* Of a capture that begins in the middle: the answer may differ on a right server, too. */
static bool is_from_before(const struct live_run *run, const struct exchange *exchange)
{
    return run->found.before != NULL && run_reference(run->options) == RECORDED &&
           before_explains(&exchange->before);
}

static void count_from_before(const struct live_run *run)
{
    run->found.capture->live.not_compared++;
    run->found.capture->live.not_compared_why[NOT_COMPARED_BEFORE]++;
}

static void compare_pair(const struct session *session, const struct own_pair *pair)
{
    struct live_run *run = session->run;
    struct live_counts *counts = &run->found.capture->live;
    struct translations *translations = &run->translations;
    struct bindings *bindings = pair->reference_track == OTHER ? &translations->from_other
                                                               : &translations->from_recorded[LIVE];
    struct comparison comparison;
    struct own_result own;
    own_translate(run, bindings, pair, true, &own);
    enum compared compared =
        compare_frames(own.expected, span_of(pair->given->bytes, pair->given->size),
                       &run->options->verify.masks, &comparison);
    if (compared == COMPARED_DIFFERENT && is_from_before(run, pair->exchange)) {
        count_from_before(run);
        return;
    }
    counts->check.compared++;
    switch (compared) {
    case COMPARED_EQUAL_MASKED:
        run->found.result->mask_hits[comparison.mask]++;
        counts->check.identical++;
        return;
    case COMPARED_EQUAL:
        counts->check.identical++;
        return;
    case COMPARED_DIFFERENT:
        break;
    }
    counts->check.different++;
    report_difference(session, pair, &own, &comparison);
}

/* A row of STAT that only one server has is accepted where the names of rows may differ. */
static bool is_masked_row(const struct session *session, const struct answer *answer)
{
    struct mcbp_frame frame = frame_of(answer);
    struct live_run *run = session->run;
    size_t mask;
    if (frame.header.opcode != MCBP_STAT || frame.key.size == 0 ||
        !mask_list_find(&run->options->verify.masks, MCBP_STAT, MASK_KEY, 0, &mask)) {
        return false;
    }
    run->found.result->mask_hits[mask]++;
    return true;
}

static void report_unexpected(const struct session *session, const struct exchange *exchange,
                              const struct answer *given)
{
    enum track reference = run_reference(session->run->options);
    difference_set_detail(add_unexpected(session, exchange, given), "%s",
                          exchange->answers[reference].first == NULL
                              ? "there the request had no answer"
                              : "there the request had fewer answers");
}

/* A server has closed or failed before it answered. */
static void report_cut(const struct session *session, const struct exchange *exchange,
                       enum track track)
{
    char text[MCBP_OPCODE_TEXT_SIZE];
    char client[NET_ENDPOINT_TEXT_SIZE];
    const struct live_run *run = session->run;
    struct live_counts *counts = &run->found.capture->live;
    const struct session_side *server = &session->sides[track];
    const char *opcode = mcbp_opcode_text(exchange->magic, exchange->opcode, text);
    counts->not_compared++;
    counts->not_compared_why[NOT_COMPARED_CUT] += run_reference(run->options) == RECORDED;
    if (server->cut) {
        run->found.capture->live.closed_on += server->why[0] == '\0';
        capture_result_worsen(
            run->found.capture, VERIFY_NO_EVIDENCE,
            "%s: %sclosed connection %" PRIu64 " (%s) %s the answer to %s of packet %" PRIu64
            "%s%s",
            run_target(run->options, track)->name,
            session->half_closed ? "did not answer, and at the end of the requests " : "",
            session->known.id, net_endpoint_text(&session->known.client, client),
            server->cut_within ? "within" : "before", opcode, exchange->origin.packet,
            server->why[0] == '\0' ? "" : ": ", server->why);
    }
}

/* ----------------------------------------------------------------------------------- pairing */

/* Takes the answer out that is the counterpart of `reference`: the next one, or with STAT the one
 * of the same name. NULL: there is none. */
static struct answer *take_counterpart(const struct exchange *exchange, struct answers *answers,
                                       const struct answer *reference)
{
    struct answer **at = &answers->first;
    while (exchange->opcode == MCBP_STAT && *at != NULL &&
           !span_equal(frame_of(*at).key, frame_of(reference).key)) {
        at = &(*at)->next;
    }
    struct answer *found = *at;
    if (found != NULL) {
        *at = found->next;
    }
    return found;
}

/* Every answer of either side: compared, missing, or unexpected. */
static void compare_answers(const struct session *session, struct exchange *exchange)
{
    struct live_run *run = session->run;
    enum track reference_track = run_reference(run->options);
    struct answers *references = &exchange->answers[reference_track];
    struct answers *given = &exchange->answers[LIVE];
    for (struct answer *reference = references->first; reference != NULL;
         reference = reference->next) {
        struct answer *answer = take_counterpart(exchange, given, reference);
        if (answer != NULL) {
            struct own_pair pair = {.exchange = exchange,
                                    .reference_track = reference_track,
                                    .given_track = LIVE,
                                    .reference = reference,
                                    .given = answer};
            compare_pair(session, &pair);
            answer_give_back(&run->sessions.blocks, answer);
        } else if (given->unknown) {
            report_cut(session, exchange, LIVE);
        } else if (is_from_before(run, exchange)) {
            count_from_before(run);
        } else if (is_masked_row(session, reference)) {
            run->found.capture->live.check.compared++;
            run->found.capture->live.check.identical++;
        } else {
            run->found.capture->live.missing++;
            difference_show(add_difference(session, exchange, reference, DIFFERENCE_MISSING),
                            span_of(reference->bytes, reference->size));
        }
    }
    for (const struct answer *rest = given->first; rest != NULL; rest = rest->next) {
        if (!references->unknown) {
            if (!is_masked_row(session, rest) && !is_from_before(run, exchange)) {
                report_unexpected(session, exchange, rest);
            }
        } else if (reference_track == OTHER) {
            report_cut(session, exchange, OTHER);
        }
    }
}

/* Of what is played again only that it was answered at all. What quiet requests were answered the
 * first time they need not be the second. */
static void check_repeated(const struct session *session, const struct exchange *exchange)
{
    struct live_run *run = session->run;
    char text[MCBP_OPCODE_TEXT_SIZE];
    if (exchange->quiet || exchange->answers[RECORDED].first == NULL ||
        exchange->answers[LIVE].first != NULL) {
        return;
    }
    if (exchange->answers[LIVE].unknown) {
        report_cut(session, exchange, LIVE);
    } else {
        capture_result_worsen(run->found.capture, VERIFY_NO_EVIDENCE,
                              "%s: no answer to %s of packet %" PRIu64 ", which was played again",
                              run_target(run->options, LIVE)->name,
                              mcbp_opcode_text(exchange->magic, exchange->opcode, text),
                              exchange->origin.packet);
    }
}

/* What the first answer says, or the silence of a quiet request. */
static uint16_t status_of(const struct exchange *exchange, enum track track)
{
    const struct answer *answer = exchange->answers[track].first;
    uint16_t silence =
        mcbp_opcode_retrieves(exchange->opcode) ? MCBP_STATUS_KEY_NOT_FOUND : MCBP_STATUS_SUCCESS;
    return answer != NULL ? frame_of(answer).header.vbucket_or_status : silence;
}

static void note_what_it_made(const struct live_run *run, const struct exchange *exchange)
{
    uint16_t status = status_of(exchange, RECORDED);
    if (run->found.before != NULL && !exchange->answers[RECORDED].unknown &&
        !exchange->answers[LIVE].unknown && status == status_of(exchange, LIVE)) {
        before_answered(run->found.before, &exchange->before, status);
    }
}

void compare_exchange(struct session *session, struct exchange *exchange)
{
    struct live_run *run = session->run;
    if (exchange->fence) {
        return;
    }
    if (!run->found.comparing || run_reference(run->options) == OTHER) {
        learn(run, exchange, LIVE);
        learn(run, exchange, OTHER);
    }
    note_what_it_made(run, exchange);
    if (run->found.comparing) {
        compare_answers(session, exchange);
    } else {
        check_repeated(session, exchange);
    }
}

void compare_stray(const struct session_side *side, struct answer *answer)
{
    if (side->session->run->found.comparing && side->track == LIVE) {
        difference_set_detail(add_unexpected(side->session, NULL, answer),
                              "no request is waiting for this answer");
    }
    answer_give_back(&side->session->run->sessions.blocks, answer);
}

void compare_malformed(const struct session *session, struct span bytes)
{
    struct live_run *run = session->run;
    struct mcbp_frame frame;
    struct comparison comparison = {.offset = 0};
    if (!run->found.comparing) {
        capture_result_worsen(run->found.capture, VERIFY_NO_EVIDENCE,
                              "%s: sent bytes that are no frame on connection %" PRIu64,
                              run_target(run->options, LIVE)->name, session->known.id);
        return;
    }
    enum mcbp_parse parse = mcbp_frame_parse(bytes, &frame);
    run->found.capture->live.malformed++;
    struct difference *difference = add_difference(session, NULL, NULL, DIFFERENCE_MALFORMED);
    snprintf(comparison.field, sizeof(comparison.field), "header.%s",
             parse == MCBP_BAD_MAGIC ? "magic" : "total_body_length");
    difference_set_sides(difference, &comparison, span_of(NULL, 0), bytes);
    size_t most = run->options->verify.dissect.frame_max;
    if (parse != MCBP_BAD_MAGIC && bytes.size >= MCBP_HEADER_SIZE &&
        frame.header.body_length > most) {
        difference_set_detail(difference, "it announces %" PRIu32 " bytes; --frame-max is %zu",
                              frame.header.body_length, most);
    }
}

/* Of the server's connection, in the words of a sentence. */
static const char *open_text(const struct session *session, char text[OPEN_TEXT_SIZE])
{
    unsigned timeout = session->run->options->timeout;
    if (session->sides[LIVE].cut) {
        return "has closed it";
    }
    if (!session->lingers) {
        return "still answers";
    }
    snprintf(text, OPEN_TEXT_SIZE, "has not closed it for %u.%03u s, nor answered a NOOP",
             timeout / 1000, timeout % 1000);
    return text;
}

void compare_close(const struct session *session)
{
    struct live_run *run = session->run;
    char text[OPEN_TEXT_SIZE];
    bool against = run_reference(run->options) == OTHER;
    bool other_open = against && !session->sides[OTHER].cut;
    if (!run->found.comparing || other_open != session->sides[LIVE].cut) {
        return;
    }
    run->found.capture->live.unexpected++;
    struct difference *difference = add_difference(session, NULL, NULL, DIFFERENCE_END);
    if (difference != NULL) {
        const struct session_last *last = &session->last;
        difference->magic = difference->request_magic = last->magic;
        difference->opcode = difference->request_opcode = last->opcode;
        difference->opaque = difference->request_opaque = last->opaque;
        difference->packet = difference->request_packet = last->origin.packet;
        difference->time = last->origin.time;
    }
    difference_set_detail(
        difference, "the %s server %s after %s; this one %s", against ? "other" : "recorded",
        other_open ? "is still open" : "closed the connection",
        session->malformed ? "a malformed request" : "it", open_text(session, text));
}

/* What the server has sent of its own accord, and the reference has not. How often is a matter of
 * time, and not compared. */
static void compare_server_requests(const struct session *session)
{
    struct live_run *run = session->run;
    enum track reference = run_reference(run->options);
    bool known =
        reference == OTHER ||
        (!session->recorded_lost && (run->options->limit == 0 || run->sent < run->options->limit));
    if (!run->found.comparing || run->stopped || !known) {
        return;
    }
    for (const struct server_requests *requests = session->server_requests; requests != NULL;
         requests = requests->next) {
        if (requests->counts[LIVE] == 0 || requests->counts[reference] > 0) {
            continue;
        }
        run->found.capture->live.unexpected += requests->counts[LIVE];
        struct difference *difference = add_difference(session, NULL, NULL, DIFFERENCE_UNEXPECTED);
        if (difference != NULL) {
            set_header(difference, &requests->header);
            size_t shown =
                requests->size < SERVER_REQUEST_SHOWN ? requests->size : SERVER_REQUEST_SHOWN;
            difference_set_sides(difference, &(struct comparison){.offset = 0}, span_of(NULL, 0),
                                 span_of(requests->bytes, shown));
            difference->built.frame_size = requests->size;
        }
        difference_set_detail(difference, "%" PRIu64 " of them on this connection, and there none",
                              requests->counts[LIVE]);
    }
}

void compare_session(const struct session *session)
{
    compare_server_requests(session);
    char client[NET_ENDPOINT_TEXT_SIZE];
    bool has_reason =
        session->malformed || session_has_quit(session) || session->recorded_closed_first;
    for (unsigned i = LIVE; i < TRACKS && !has_reason; i++) {
        if (session->sides[i].cut && !session->sides[i].closed_cleanly) {
            capture_result_worsen(
                session->run->found.capture, VERIFY_NO_EVIDENCE,
                "%s: closed connection %" PRIu64 " (%s), which the recorded server "
                "has not closed before its client%s%s",
                run_target(session->run->options, (enum track)i)->name, session->known.id,
                net_endpoint_text(&session->known.client, client),
                session->sides[i].why[0] == '\0' ? "" : ": ", session->sides[i].why);
        }
    }
}
