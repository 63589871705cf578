#include "live/play.h"

#include "base/endian.h"
#include "mcbp/opcode.h"
#include "replay/compare.h"
#include "replay/differences.h"

#include <inttypes.h>
#include <stdio.h>

enum { OPEN_TEXT_SIZE = 80 };

/* ------------------------------------------------------------------------------- what is told */

/* A record of a difference, to be completed; NULL if as many as are wanted have been kept. */
static struct difference *add_difference(const struct lane *lane, const struct exchange *exchange,
                                         enum difference_kind kind)
{
    struct verify_result *result = lane->play->result;
    if (result->differences_count >= result->differences_max) {
        return NULL;
    }
    struct difference *difference = &result->differences[result->differences_count++];
    *difference = (struct difference){
        .check = CHECK_LIVE,
        .kind = kind,
        .capture = lane->play->capture->path,
        .connection = lane->known.id,
        .client = lane->known.client,
        .server = lane->known.server,
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
    return difference;
}

static struct mcbp_frame frame_of(const struct answer *answer)
{
    struct mcbp_frame frame;
    mcbp_frame_parse(span_of(answer->bytes, answer->size), &frame);
    return frame;
}

/* The answer that a difference is about; of a recorded one also where it came. */
static void set_answer(struct difference *difference, const struct answer *answer)
{
    if (difference != NULL) {
        struct mcbp_frame frame = frame_of(answer);
        difference->magic = frame.header.magic;
        difference->opcode = frame.header.opcode;
        difference->status = frame.header.vbucket_or_status;
        difference->opaque = frame.header.opaque;
        if (answer->origin.packet != 0) {
            difference->packet = answer->origin.packet;
            difference->time = answer->origin.time;
        }
    }
}

static void show_unexpected(struct difference *difference, const struct answer *answer)
{
    set_answer(difference, answer);
    difference_set_sides(difference, &(struct comparison){.offset = 0}, span_of(NULL, 0),
                         span_of(answer->bytes, answer->size));
}

/* --------------------------------------------------------------------------------- CAS values */

static uint64_t cas_of(const struct answer *answer)
{
    return read_be64(answer->bytes + OFFSET_CAS);
}

/* Learns what a server gives for recorded CAS values, for requests to come. */
static void learn(struct play *play, const struct exchange *exchange, enum track track)
{
    const struct answer *recorded = exchange->answers[RECORDED].first;
    const struct answer *given = exchange->answers[track].first;
    uint64_t expected;
    for (; recorded != NULL && given != NULL; recorded = recorded->next, given = given->next) {
        if (cas_of(recorded) != 0 && cas_of(given) != 0) {
            cas_map_note(&play->from_recorded[track], cas_of(recorded), cas_of(given), &expected);
        }
    }
}

/* Puts into `reference` the CAS that stands there for its own. False: it was given for two. */
static bool translate_cas(struct play *play, struct answer *reference, const struct answer *given)
{
    struct cas_map *map =
        play_reference(play) == OTHER ? &play->from_other : &play->from_recorded[LIVE];
    uint64_t from = cas_of(reference);
    uint64_t to = cas_of(given);
    uint64_t expected;
    if (from == 0 || to == 0) {
        return true; /* compared as they are */
    }
    enum cas_known known = cas_map_note(map, from, to, &expected);
    play->capture->cas_adopted += known == CAS_NEW;
    if (known != CAS_CONFLICT) {
        expected = to;
    } else if (expected == 0 || expected == to) {
        write_be64(reference->bytes + OFFSET_CAS,
                   from == to ? ~from : from); /* differs in any case */
        return false;
    }
    write_be64(reference->bytes + OFFSET_CAS, expected);
    return true;
}

/* -------------------------------------------------------------------------------- comparing */

static void compare(const struct lane *lane, const struct exchange *exchange,
                    struct answer *reference, const struct answer *given)
{
    struct play *play = lane->play;
    struct live_counts *counts = &play->capture->live;
    struct comparison comparison;
    uint64_t cas = cas_of(reference);
    bool cas_once = translate_cas(play, reference, given);
    struct span expected = span_of(reference->bytes, reference->size);
    struct span built = span_of(given->bytes, given->size);
    counts->check.compared++;
    switch (compare_frames(expected, built, &play->options->verify.masks, &comparison)) {
    case COMPARED_EQUAL_MASKED:
        play->result->mask_hits[comparison.mask]++;
        counts->check.identical++;
        return;
    case COMPARED_EQUAL:
        counts->check.identical++;
        return;
    case COMPARED_DIFFERENT:
        break;
    }
    counts->check.different++;
    struct difference *difference = add_difference(lane, exchange, DIFFERENCE_FIELD);
    set_answer(difference, reference);
    difference_set_sides(difference, &comparison, expected, built);
    if (!cas_once) {
        difference_set_detail(
            difference, "the server has given this CAS before, for another than 0x%" PRIx64, cas);
    } else if (cas != cas_of(reference)) {
        difference_set_detail(difference,
                              "CAS 0x%" PRIx64 " there is 0x%" PRIx64
                              " here, as an earlier answer has it",
                              cas, cas_of(reference));
    }
}

/* A row of STAT that only one server has is accepted where the names of rows may differ. */
static bool is_masked_row(const struct lane *lane, const struct answer *answer)
{
    struct mcbp_frame frame = frame_of(answer);
    struct play *play = lane->play;
    size_t mask;
    if (frame.header.opcode != MCBP_STAT || frame.key.size == 0 ||
        !mask_list_find(&play->options->verify.masks, MCBP_STAT, MASK_KEY, 0, &mask)) {
        return false;
    }
    play->result->mask_hits[mask]++;
    return true;
}

static void tell_missing(const struct lane *lane, const struct exchange *exchange,
                         const struct answer *reference)
{
    lane->play->capture->live.missing++;
    struct difference *difference = add_difference(lane, exchange, DIFFERENCE_MISSING);
    set_answer(difference, reference);
    difference_show(difference, span_of(reference->bytes, reference->size));
}

static void tell_unexpected(const struct lane *lane, const struct exchange *exchange,
                            const struct answer *given)
{
    lane->play->capture->live.unexpected++;
    struct difference *difference = add_difference(lane, exchange, DIFFERENCE_UNEXPECTED);
    show_unexpected(difference, given);
    difference_set_detail(difference, "%s",
                          exchange->answers[play_reference(lane->play)].first == NULL
                              ? "there the request had no answer"
                              : "there the request had fewer answers");
}

static void not_compared(struct play *play, enum not_compared reason)
{
    if (play_reference(play) == RECORDED) {
        play->capture->live.not_compared_why[reason]++;
    }
    play->capture->live.not_compared++;
}

/* A server has closed or failed before it answered. */
static void tell_cut(const struct lane *lane, const struct exchange *exchange, enum track track)
{
    char text[MCBP_OPCODE_TEXT_SIZE];
    char client[NET_ENDPOINT_TEXT_SIZE];
    struct play *play = lane->play;
    const char *opcode = mcbp_opcode_text(exchange->magic, exchange->opcode, text);
    not_compared(play, NOT_COMPARED_CUT);
    if (lane->cut[track]) {
        play->capture->live.closed_on += lane->why[track][0] == '\0';
        play_problem(play,
                     "%s: %sclosed connection %" PRIu64
                     " (%s) %s the answer to %s of packet %" PRIu64 "%s%s",
                     play_server(play, track),
                     lane->half_closed ? "did not answer, and at the end of the requests " : "",
                     lane->known.id, net_endpoint_text(&lane->known.client, client),
                     lane->cut_within[track] ? "within" : "before", opcode, exchange->origin.packet,
                     lane->why[track][0] == '\0' ? "" : ": ", lane->why[track]);
    }
}

/* ------------------------------------------------------------------------------------- pairing
 */

static bool same_key(const struct answer *a, const struct answer *b)
{
    struct mcbp_frame x = frame_of(a);
    struct mcbp_frame y = frame_of(b);
    return span_equal(x.key, y.key);
}

/* Takes the answer out that is the counterpart of `reference`: the next one, or with STAT the one
 * of the same name. NULL: there is none. */
static struct answer *take_counterpart(const struct exchange *exchange, struct answers *answers,
                                       const struct answer *reference)
{
    struct answer **at = &answers->first;
    while (exchange->opcode == MCBP_STAT && *at != NULL && !same_key(*at, reference)) {
        at = &(*at)->next;
    }
    struct answer *found = *at;
    if (found != NULL) {
        *at = found->next;
    }
    return found;
}

/* Every answer of either side: compared, missing, or unexpected. */
static void judge_answers(const struct lane *lane, struct exchange *exchange)
{
    struct play *play = lane->play;
    enum track reference_track = play_reference(play);
    struct answers *references = &exchange->answers[reference_track];
    struct answers *given = &exchange->answers[LIVE];
    for (struct answer *reference = references->first; reference != NULL;
         reference = reference->next) {
        struct answer *answer = take_counterpart(exchange, given, reference);
        if (answer != NULL) {
            compare(lane, exchange, reference, answer);
            answer_give_back(play, answer);
        } else if (given->unknown) {
            tell_cut(lane, exchange, LIVE);
        } else if (is_masked_row(lane, reference)) {
            play->capture->live.check.compared++;
            play->capture->live.check.identical++;
        } else {
            tell_missing(lane, exchange, reference);
        }
    }
    for (const struct answer *rest = given->first; rest != NULL; rest = rest->next) {
        if (!references->unknown) {
            if (!is_masked_row(lane, rest)) {
                tell_unexpected(lane, exchange, rest);
            }
        } else if (reference_track == OTHER) {
            tell_cut(lane, exchange, OTHER);
        }
    }
}

/* Of what is played again only that it was answered at all. What quiet requests were answered the
 * first time they need not be the second. */
static void judge_repeated(const struct lane *lane, const struct exchange *exchange)
{
    struct play *play = lane->play;
    char text[MCBP_OPCODE_TEXT_SIZE];
    if (exchange->quiet || exchange->answers[RECORDED].first == NULL ||
        exchange->answers[LIVE].first != NULL) {
        return;
    }
    if (exchange->answers[LIVE].unknown) {
        tell_cut(lane, exchange, LIVE);
    } else {
        play_problem(play, "%s: no answer to %s of packet %" PRIu64 ", which was played again",
                     play_server(play, LIVE),
                     mcbp_opcode_text(exchange->magic, exchange->opcode, text),
                     exchange->origin.packet);
    }
}

void judge(struct lane *lane, struct exchange *exchange)
{
    struct play *play = lane->play;
    if (exchange->fence || play->capture == NULL) {
        return;
    }
    if (!play->comparing || play_reference(play) == OTHER) {
        learn(play, exchange, LIVE);
        learn(play, exchange, OTHER);
    }
    if (play->comparing) {
        judge_answers(lane, exchange);
    } else {
        judge_repeated(lane, exchange);
    }
}

void judge_stray(struct lane *lane, enum track track, const struct answer *answer)
{
    struct play *play = lane->play;
    if (!play->comparing || track != LIVE) {
        return;
    }
    play->capture->live.unexpected++;
    struct difference *difference = add_difference(lane, NULL, DIFFERENCE_UNEXPECTED);
    show_unexpected(difference, answer);
    difference_set_detail(difference, "no request is waiting for this answer");
}

void judge_malformed(struct lane *lane, struct span bytes)
{
    struct play *play = lane->play;
    struct mcbp_frame frame;
    struct comparison comparison = {.offset = 0};
    if (!play->comparing) {
        play_problem(play, "%s: sent bytes that are no frame on connection %" PRIu64,
                     play_server(play, LIVE), lane->known.id);
        return;
    }
    enum mcbp_parse parse = mcbp_frame_parse(bytes, &frame);
    play->capture->live.malformed++;
    struct difference *difference = add_difference(lane, NULL, DIFFERENCE_MALFORMED);
    snprintf(comparison.field, sizeof(comparison.field), "header.%s",
             parse == MCBP_BAD_MAGIC ? "magic" : "total_body_length");
    difference_set_sides(difference, &comparison, span_of(NULL, 0), bytes);
    size_t most = play->options->verify.dissect.frame_max;
    if (parse != MCBP_BAD_MAGIC && bytes.size >= MCBP_HEADER_SIZE &&
        frame.header.body_length > most) {
        difference_set_detail(difference, "it announces %" PRIu32 " bytes; --frame-max is %zu",
                              frame.header.body_length, most);
    }
}

/* Of the server's connection, in the words of a sentence. */
static const char *open_text(const struct lane *lane, char text[OPEN_TEXT_SIZE])
{
    unsigned timeout = lane->play->options->timeout;
    if (lane->cut[LIVE]) {
        return "has closed it";
    }
    if (!lane->lingers) {
        return "still answers";
    }
    snprintf(text, OPEN_TEXT_SIZE, "has not closed it for %u.%03u s, nor answered a NOOP",
             timeout / 1000, timeout % 1000);
    return text;
}

void judge_open(struct lane *lane)
{
    struct play *play = lane->play;
    char text[OPEN_TEXT_SIZE];
    bool against = play_reference(play) == OTHER;
    bool other_open = against && !lane->cut[OTHER];
    if (!play->comparing || other_open != lane->cut[LIVE]) {
        return;
    }
    play->capture->live.unexpected++;
    struct difference *difference = add_difference(lane, NULL, DIFFERENCE_END);
    if (difference != NULL) {
        const struct lane_last *last = &lane->last;
        difference->magic = difference->request_magic = last->magic;
        difference->opcode = difference->request_opcode = last->opcode;
        difference->opaque = difference->request_opaque = last->opaque;
        difference->packet = difference->request_packet = last->origin.packet;
        difference->time = last->origin.time;
    }
    difference_set_detail(difference, "the %s server %s after %s; this one %s",
                          against ? "other" : "recorded",
                          other_open ? "is still open" : "closed the connection",
                          lane->malformed ? "a malformed request" : "it", open_text(lane, text));
}

/* What the server has sent of its own accord, and the reference has not. How often is a matter of
 * time, and not compared. */
static void judge_asked(const struct lane *lane)
{
    struct play *play = lane->play;
    enum track reference = play_reference(play);
    bool known =
        reference == OTHER ||
        (!lane->recorded_lost && (play->options->limit == 0 || play->sent < play->options->limit));
    if (!play->comparing || play->stopped || !known) {
        return;
    }
    for (const struct asked *asked = lane->asked; asked != NULL; asked = asked->next) {
        if (asked->counts[LIVE] == 0 || asked->counts[reference] > 0) {
            continue;
        }
        play->capture->live.unexpected += asked->counts[LIVE];
        struct difference *difference = add_difference(lane, NULL, DIFFERENCE_UNEXPECTED);
        if (difference != NULL) {
            difference->magic = asked->header.magic;
            difference->opcode = asked->header.opcode;
            difference->status = asked->header.vbucket_or_status;
            difference->opaque = asked->header.opaque;
            size_t shown = asked->size < ASKED_SHOWN ? asked->size : ASKED_SHOWN;
            difference_set_sides(difference, &(struct comparison){.offset = 0}, span_of(NULL, 0),
                                 span_of(asked->bytes, shown));
            difference->built.frame_size = asked->size;
        }
        difference_set_detail(difference, "%" PRIu64 " of them on this connection, and there none",
                              asked->counts[LIVE]);
    }
}

void judge_end(const struct lane *lane)
{
    judge_asked(lane);
    char client[NET_ENDPOINT_TEXT_SIZE];
    bool has_reason = lane->malformed || lane->last.opcode == MCBP_QUIT ||
                      lane->last.opcode == MCBP_QUITQ || lane->recorded_first;
    for (unsigned i = LIVE; i < TRACKS && !has_reason; i++) {
        if (lane->cut[i] && !lane->let_go[i]) {
            play_problem(lane->play,
                         "%s: closed connection %" PRIu64 " (%s), which the recorded server "
                         "has not closed before its client%s%s",
                         play_server(lane->play, (enum track)i), lane->known.id,
                         net_endpoint_text(&lane->known.client, client),
                         lane->why[i][0] == '\0' ? "" : ": ", lane->why[i]);
        }
    }
}
