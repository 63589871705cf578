#include "live/play.h"

#include "base/endian.h"
#include "mcbp/opcode.h"
#include "mcbp/status.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    QUEUE_MIN = 16,
    STRAYS_MAX = 64, /* kept; what comes beyond that is told of at once */
};

/* ------------------------------------------------------------------------------------ the queue */

static bool make_room(struct lane *lane)
{
    if (lane->end - lane->head < lane->room) {
        return true;
    }
    size_t room = lane->room == 0 ? QUEUE_MIN : 2 * lane->room;
    struct exchange **queue = reallocarray(NULL, room, sizeof(struct exchange *));
    if (queue == NULL) {
        return false;
    }
    for (uint64_t i = lane->head; i < lane->end; i++) {
        queue[i & (room - 1)] = lane_at(lane, i);
    }
    free(lane->queue);
    lane->queue = queue;
    lane->room = room;
    return true;
}

static bool servers_done(const struct exchange *exchange)
{
    return exchange->answers[LIVE].done && exchange->answers[OTHER].done;
}

static size_t key_kept(struct span key)
{
    return key.size < DIFFERENCE_KEY_MAX ? key.size : DIFFERENCE_KEY_MAX;
}

struct exchange *lane_push(struct lane *lane, const struct mcbp_header *header, struct span key,
                           bool sent)
{
    size_t key_size = key_kept(key);
    struct exchange *exchange =
        make_room(lane) ? blocks_take(&lane->play->blocks, sizeof(*exchange) + key_size) : NULL;
    if (exchange == NULL) {
        lane->play->no_memory = true;
        return NULL;
    }
    *exchange = (struct exchange){
        .opaque = header->opaque,
        .sent_opaque = header->opaque,
        .magic = header->magic,
        .opcode = header->opcode,
        .quiet = mcbp_opcode_is_quiet(header->opcode),
        .key_size = key_size,
    };
    if (key_size > 0) {
        memcpy(exchange->key, key.data, key_size);
    }
    exchange->answers[OTHER].done = !play_uses(lane->play, OTHER);
    for (unsigned i = LIVE; i < TRACKS; i++) {
        exchange->answers[i].unknown = lane->cut[i] || !sent;
        exchange->answers[i].done |= exchange->answers[i].unknown;
    }
    lane->queue[lane->end++ & (lane->room - 1)] = exchange;
    lane->in_flight += !exchange->quiet && !servers_done(exchange);
    lane->play->awaited++;
    return exchange;
}

void answer_give_back(struct play *play, struct answer *answer)
{
    blocks_give(&play->blocks, answer, sizeof(*answer) + answer->size);
}

static void give_back_all(struct play *play, struct answer *first)
{
    while (first != NULL) {
        struct answer *next = first->next;
        answer_give_back(play, first);
        first = next;
    }
}

static void exchange_destroy(struct play *play, struct exchange *exchange)
{
    for (unsigned i = 0; i < TRACKS; i++) {
        give_back_all(play, exchange->answers[i].first);
    }
    blocks_give(&play->blocks, exchange, sizeof(*exchange) + exchange->key_size);
}

static void drop_settled(struct lane *lane)
{
    while (lane->head < lane->end && lane_at(lane, lane->head)->settled) {
        exchange_destroy(lane->play, lane_at(lane, lane->head++));
    }
    for (unsigned i = 0; i < TRACKS; i++) {
        lane->open_from[i] = lane->open_from[i] < lane->head ? lane->head : lane->open_from[i];
    }
}

/* -------------------------------------------------------------------------- what has been answered
 */

static void count_latency(struct play *play, const struct exchange *exchange)
{
    struct histogram **latencies = &play->outcome->latencies[exchange->opcode];
    if (exchange->fence || exchange->sent_at == 0 || exchange->answers[LIVE].first == NULL ||
        exchange->answers[LIVE].unknown) {
        return;
    }
    if (*latencies == NULL) {
        *latencies = calloc(1, sizeof(**latencies));
    }
    if (*latencies != NULL) {
        histogram_add(*latencies, play->answered_at - exchange->sent_at);
    }
}

/* Later requests wait for what was answered in the capture before them. */
static void count_owed(struct lane *lane, struct exchange *exchange)
{
    bool owed = exchange->answers[RECORDED].done && exchange->answers[RECORDED].first != NULL &&
                !servers_done(exchange);
    if (owed && !exchange->owed) {
        lane->owed++;
        lane->play->owed++;
    } else if (!owed && exchange->owed) {
        lane->owed--;
        lane->play->owed--;
    }
    exchange->owed = owed;
}

static void done(struct lane *lane, struct exchange *exchange, enum track track, bool unknown)
{
    struct play *play = lane->play;
    bool were_done = servers_done(exchange);
    exchange->answers[track].done = true;
    exchange->answers[track].unknown |= unknown;
    play->awaited -= track == RECORDED;
    lane->in_flight -= !exchange->quiet && !were_done && servers_done(exchange);
    if (track == LIVE) {
        count_latency(play, exchange);
    }
    count_owed(lane, exchange);
    if (exchange->answers[RECORDED].done && servers_done(exchange)) {
        judge(lane, exchange);
        exchange->settled = true;
    }
}

static void advance(struct lane *lane, enum track track)
{
    uint64_t *from = &lane->open_from[track];
    while (*from < lane->end && lane_at(lane, *from)->answers[track].done) {
        (*from)++;
    }
    drop_settled(lane);
}

/* An answer that no request fits wholly may be one's that has none, with a wrong opcode or opaque:
 * then that is one difference, not a missing answer and one too many. */
static void adopt_stray(struct lane *lane, struct exchange *exchange, enum track track)
{
    for (struct answer **at = &lane->strays[track]; *at != NULL; at = &(*at)->next) {
        struct answer *stray = *at;
        struct mcbp_frame frame;
        mcbp_frame_parse(span_of(stray->bytes, stray->size), &frame);
        if (frame.header.opcode == exchange->opcode ||
            frame.header.opaque == exchange->sent_opaque) {
            *at = stray->next;
            stray->next = NULL;
            lane->stray_count[track]--;
            exchange->answers[track].first = exchange->answers[track].last = stray;
            return;
        }
    }
}

void lane_settle(struct lane *lane, enum track track, uint64_t before, bool unknown)
{
    uint64_t from = lane->open_from[track];
    for (uint64_t i = from; i < before; i++) {
        struct exchange *exchange = lane_at(lane, i);
        if (exchange->answers[track].done) {
            continue;
        }
        if (!exchange->quiet && exchange->answers[track].first == NULL) {
            adopt_stray(lane, exchange, track);
        }
        done(lane, exchange, track, unknown);
    }
    advance(lane, track);
}

bool lane_awaits(const struct lane *lane, enum track track)
{
    for (uint64_t i = lane->open_from[track]; i < lane->end; i++) {
        const struct exchange *exchange = lane_at(lane, i);
        if (!exchange->answers[track].done && (!exchange->quiet || exchange->owed)) {
            return true;
        }
    }
    return false;
}

/* The rows of STAT end with one that has no key; RANGE_SCAN_CONTINUE goes on while it succeeds. */
static bool is_last(const struct exchange *exchange, const struct mcbp_frame *frame)
{
    bool success = frame->header.vbucket_or_status == MCBP_STATUS_SUCCESS;
    switch (exchange->opcode) {
    case MCBP_STAT:
        return !success || frame->key.size == 0;
    case MCBP_RANGE_SCAN_CONTINUE:
        return !success;
    default:
        return true;
    }
}

static struct answer *keep(struct play *play, const struct mcbp_frame *frame,
                           const struct net_origin *origin)
{
    struct answer *answer = blocks_take(&play->blocks, sizeof(*answer) + frame->bytes.size);
    if (answer == NULL) {
        play->no_memory = true;
        return NULL;
    }
    answer->next = NULL;
    answer->origin = *origin;
    answer->size = frame->bytes.size;
    memcpy(answer->bytes, frame->bytes.data, frame->bytes.size);
    return answer;
}

static void append(struct answers *answers, struct answer *answer)
{
    if (answers->last != NULL) {
        answers->last->next = answer;
    } else {
        answers->first = answer;
    }
    answers->last = answer;
}

/* The oldest request that waits for such an answer; lane->end: none. */
static uint64_t find(const struct lane *lane, enum track track, const struct mcbp_header *header)
{
    uint64_t i = lane->open_from[track];
    for (; i < lane->end; i++) {
        const struct exchange *exchange = lane_at(lane, i);
        uint32_t opaque = track == RECORDED ? exchange->opaque : exchange->sent_opaque;
        if (!exchange->answers[track].done && exchange->opcode == header->opcode &&
            opaque == header->opaque) {
            break;
        }
    }
    return i;
}

/*
 * Quiet requests before an answered one have been passed over in silence. (Servers that answer out
 * of order don't let anything overtake those: unordered execution in kv_engine's
 * docs/UnorderedExecution.md.) Other requests may still be answered; a fence will tell.
 */
static void note_silence(struct lane *lane, enum track track, uint64_t before)
{
    bool overtaken = false;
    uint64_t from = lane->open_from[track];
    for (uint64_t i = from; i < before; i++) {
        struct exchange *exchange = lane_at(lane, i);
        if (exchange->answers[track].done) {
            continue;
        }
        if (exchange->quiet) {
            done(lane, exchange, track, false);
        } else {
            overtaken = true;
        }
    }
    if (overtaken && track != RECORDED) {
        lane_fence(lane);
    }
}

static void tell_strays(struct lane *lane, enum track track)
{
    struct answer *stray = lane->strays[track];
    lane->strays[track] = NULL;
    lane->stray_count[track] = 0;
    while (stray != NULL) {
        struct answer *next = stray->next;
        judge_stray(lane, track, stray);
        answer_give_back(lane->play, stray);
        stray = next;
    }
}

/* Every server has answered the fence, or closed. */
static void fence_over(struct lane *lane)
{
    lane->fenced = false;
    if (lane->finishing && lane->fence_end < lane->end) {
        lane_fence(lane); /* behind what has been sent since */
    } else if (lane->finishing && lane_expects_end(lane)) {
        judge_open(lane);
    }
}

void lane_end(struct lane *lane, enum track track)
{
    lane_settle(lane, track, lane->end, true);
    tell_strays(lane, track);
    if (lane->fenced && lane->fence_end <= lane->head) {
        fence_over(lane);
    }
}

/* What was sent before the fence has been answered, or never will be. */
static void fence_answered(struct lane *lane, enum track track, uint64_t number)
{
    lane_settle(lane, track, number, false);
    tell_strays(lane, track);
    if (servers_done(lane_at(lane, number))) {
        fence_over(lane);
    }
}

static bool keep_stray(struct lane *lane, enum track track, const struct mcbp_frame *frame)
{
    struct answer *stray = keep(lane->play, frame, &(struct net_origin){0});
    if (stray == NULL) {
        return true;
    }
    struct answer **at = &lane->strays[track];
    while (*at != NULL) {
        at = &(*at)->next;
    }
    *at = stray;
    if (++lane->stray_count[track] > STRAYS_MAX) {
        tell_strays(lane, track);
    }
    lane_fence(lane);
    return true;
}

bool lane_answer(struct lane *lane, enum track track, const struct mcbp_frame *frame,
                 const struct net_origin *origin)
{
    uint64_t number = find(lane, track, &frame->header);
    if (number == lane->end) {
        return track != RECORDED && keep_stray(lane, track, frame);
    }
    struct exchange *exchange = lane_at(lane, number);
    struct answer *answer = keep(lane->play, frame, origin);
    if (answer == NULL) {
        return true;
    }
    write_be32(answer->bytes + OFFSET_OPAQUE, exchange->opaque); /* as the client has sent it */
    append(&exchange->answers[track], answer);
    if (!is_last(exchange, frame)) {
        return true;
    }
    if (track != RECORDED) {
        lane->play->progress_at = lane->play->answered_at;
        lane->play->nudges = 0;
    }
    note_silence(lane, track, number);
    if (exchange->fence) {
        lane->play->outcome->answers--;
        exchange->answers[track].done = true; /* so that it is settled last */
        fence_answered(lane, track, number);
        exchange->answers[track].done = false;
    }
    done(lane, exchange, track, false);
    advance(lane, track);
    return true;
}

/* --------------------------------------------------------------------------------- begin and end
 */

struct lane *lane_create(struct play *play, const struct dissect_conversation *conversation)
{
    struct lane *lane = calloc(1, sizeof(*lane));
    if (lane == NULL) {
        play->no_memory = true;
        return NULL;
    }
    lane->play = play;
    lane->known = *conversation;
    lane->next = play->lanes;
    if (play->lanes != NULL) {
        play->lanes->previous = lane;
    }
    play->lanes = lane;
    for (unsigned i = 0; i < TRACKS; i++) {
        lane->peers[i].fd = -1;
        lane->ends[i] = (struct lane_end){.lane = lane, .track = (enum track)i};
    }
    return lane;
}

bool lane_expects_end(const struct lane *lane)
{
    return lane->recorded_first && !lane->lingers && !lane->play->lingering &&
           (lane->malformed || lane->last.opcode == MCBP_QUIT || lane->last.opcode == MCBP_QUITQ);
}

bool lane_only_open(const struct lane *lane)
{
    return lane->finishing && lane_expects_end(lane) && lane->owed == 0 &&
           lane->in_flight == (lane->fenced ? 1 : 0);
}

void lane_leave_open(struct lane *lane)
{
    lane->lingers = true;
    judge_open(lane);
    for (unsigned i = LIVE; i < TRACKS; i++) {
        lane_end(lane, (enum track)i);
    }
}

/* ------------------------------------------------------------------- of the servers' own accord */

static struct asked *find_asked(const struct lane *lane, const struct mcbp_header *header)
{
    struct asked *asked = lane->asked;
    while (asked != NULL &&
           (asked->header.magic != header->magic || asked->header.opcode != header->opcode)) {
        asked = asked->next;
    }
    return asked;
}

void lane_asked(struct lane *lane, enum track track, const struct mcbp_frame *frame)
{
    struct asked *asked = find_asked(lane, &frame->header);
    if (asked == NULL) {
        asked = blocks_take(&lane->play->blocks, sizeof(*asked));
        if (asked == NULL) {
            lane->play->no_memory = true;
            return;
        }
        *asked = (struct asked){.next = lane->asked, .header = frame->header};
        lane->asked = asked;
    }
    if (track == LIVE && asked->counts[LIVE] == 0) {
        size_t size = frame->bytes.size;
        asked->header = frame->header;
        asked->size = size;
        memcpy(asked->bytes, frame->bytes.data, size < ASKED_SHOWN ? size : ASKED_SHOWN);
    }
    asked->counts[track]++;
    lane->play->capture->live.servers_requests += track == LIVE;
}

static void forget_asked(struct lane *lane)
{
    while (lane->asked != NULL) {
        struct asked *asked = lane->asked;
        lane->asked = asked->next;
        blocks_give(&lane->play->blocks, asked, sizeof(*asked));
    }
}

bool lane_is_drained(const struct lane *lane)
{
    bool cut = lane->cut[LIVE] && (lane->cut[OTHER] || !play_uses(lane->play, OTHER));
    bool fenced_off =
        lane->finishing && lane->fence_end > 0 && !lane->fenced && lane->fence_end == lane->end;
    return !lane->connected || lane->play->stopped || cut || fenced_off || lane->lingers;
}

static void forget_unsent(struct lane *lane)
{
    for (struct lane **at = &lane->play->unsent; *at != NULL; at = &(*at)->next_unsent) {
        if (*at == lane) {
            *at = lane->next_unsent;
            return;
        }
    }
}

void lane_destroy(struct lane *lane)
{
    judge_end(lane);
    forget_asked(lane);
    forget_unsent(lane);
    if (lane->previous != NULL) {
        lane->previous->next = lane->next;
    } else {
        lane->play->lanes = lane->next;
    }
    if (lane->next != NULL) {
        lane->next->previous = lane->previous;
    }
    for (unsigned i = 0; i < TRACKS; i++) {
        peer_close(&lane->peers[i]);
        give_back_all(lane->play, lane->strays[i]);
    }
    for (uint64_t i = lane->head; i < lane->end; i++) {
        exchange_destroy(lane->play, lane_at(lane, i));
    }
    free(lane->queue);
    free(lane);
}
