/*
 * The order in which what is held is delivered: each stream by offset, a segment not before the
 * bytes that it acknowledges, and otherwise as captured. And what to give up when that order stands
 * still.
 */
#include "net/flow_parts.h"

static struct held *first_held(const struct conversation *conversation, int direction)
{
    return held_first(&conversation->streams[direction].held);
}

/* Something has been delivered: what is held has not waited long. */
static void tcp_order_touch(struct net_flow *flow, struct conversation *conversation)
{
    if (conversation->held_count > 0) {
        conversation->waited = 0;
        conversation->held_since = flow->turn;
        list_move_to_end(&flow->holding, &conversation->holding);
    }
}

static void let_go(struct net_flow *flow, struct conversation *conversation, struct held *held)
{
    list_remove(&held->link);
    held_give(&flow->memory, held);
    if (--conversation->held_count == 0) {
        list_remove(&conversation->holding);
    }
}

void tcp_tell_data(struct net_flow *flow, struct conversation *conversation,
                   enum net_direction direction, struct span bytes, const struct net_origin *origin)
{
    struct stream *stream = &conversation->streams[direction];
    history_add(&flow->history, &stream->remembered, stream->next, bytes);
    stream->next += bytes.size;
    stream->sequence += (uint32_t)bytes.size;
    flow->counters.data += bytes.size;
    tcp_order_touch(flow, conversation);
    flow->listener.data(flow->listener.context, &conversation->known, direction, bytes, origin);
}

static void tell_gap(struct net_flow *flow, struct conversation *conversation,
                     enum net_direction direction, uint64_t to)
{
    struct stream *stream = &conversation->streams[direction];
    uint64_t lost = to - stream->next;
    stream->gaps[stream->gap_count++ % GAPS_REMEMBERED] =
        (struct stream_gap){.from = stream->next, .to = to};
    stream->next = to;
    stream->sequence += (uint32_t)lost;
    flow->counters.lost += lost;
    tcp_order_touch(flow, conversation);
    flow->listener.gap(flow->listener.context, &conversation->known, direction, lost);
}

/* What comes behind the end is not read by anyone. */
static void drop_data(struct net_flow *flow, struct conversation *conversation,
                      struct stream *stream)
{
    struct list_link *link = stream->held.next;
    while (link != &stream->held) {
        struct held *held = LIST_MEMBER(link, struct held, link);
        link = link->next;
        if (held->kind == HELD_RST) {
            continue;
        }
        if (held->kind == HELD_DATA) {
            flow->counters.late += held->size;
        }
        let_go(flow, conversation, held);
    }
}

void tcp_tell_end(struct net_flow *flow, struct conversation *conversation,
                  enum net_direction direction)
{
    struct stream *stream = &conversation->streams[direction];
    drop_data(flow, conversation, stream);
    stream->end = stream->next;
    stream->next++; /* a FIN has a sequence number, and is acknowledged */
    stream->sequence++;
    stream->ended = true;
    conversation->running = false;
    tcp_order_touch(flow, conversation);
    flow->listener.end(flow->listener.context, &conversation->known, direction);
}

void tcp_tell_missing_tail(struct net_flow *flow, struct conversation *conversation,
                           enum net_direction direction)
{
    const struct stream *stream = &conversation->streams[direction];
    /* One that is missing at the end is rather a FIN than a byte. */
    if (stream->known && !stream->ended && stream->acknowledged > stream->next + 1) {
        tell_gap(flow, conversation, direction, stream->acknowledged);
    }
}

static uint64_t overlap(uint64_t a_from, uint64_t a_to, uint64_t b_from, uint64_t b_to)
{
    uint64_t from = a_from > b_from ? a_from : b_from;
    uint64_t to = at_most(a_to, b_to);
    return from < to ? to - from : 0;
}

/* What was sent before the beginning is of another conversation, but for the byte of a keep-alive,
 * which may be any. */
static uint64_t contradicting(const struct net_flow *flow, const struct stream *stream,
                              uint64_t offset, struct span bytes)
{
    if (bytes.size == 1 && (offset + 1 == stream->start || offset + 1 == stream->next)) {
        return 0;
    }
    uint64_t before = stream->syn ? overlap(offset, offset + bytes.size, 0, stream->start) : 0;
    return before + history_differing(&flow->history, stream->remembered, offset, bytes);
}

void tcp_count_old(struct net_flow *flow, const struct stream *stream, uint64_t offset,
                   struct span bytes, bool doubtful)
{
    uint64_t size = bytes.size;
    uint64_t differing = doubtful ? 0 : contradicting(flow, stream, offset, bytes);
    uint64_t end = stream->ended ? stream->end : stream->next;
    uint64_t late = overlap(offset, offset + size, end, UINT64_MAX);
    if (!stream->syn) {
        late += overlap(offset, offset + size, 0, stream->start);
    }
    for (int i = 0; i < GAPS_REMEMBERED; i++) {
        late += overlap(offset, offset + size, stream->gaps[i].from, stream->gaps[i].to);
    }
    flow->counters.late += late + differing;
    flow->counters.duplicate += size - late - differing;
    flow->counters.contradicting += differing;
}

bool tcp_is_acknowledgeable(const struct stream *other, uint64_t needs)
{
    if (!other->fixed) {
        return !other->known;
    }
    return needs <= other->next || needs <= other->waived || other->ended;
}

/* The first piece may have been dropped by its receiver, which has not acknowledged it. */
static bool is_in_doubt(const struct stream *stream)
{
    const struct held *held = held_first(&stream->held);
    return held != NULL && held->doubtful && !stream->ended && held->offset <= stream->next &&
           stream->acknowledged < held_end(held);
}

static bool is_ready(const struct conversation *conversation, int direction)
{
    const struct stream *stream = &conversation->streams[direction];
    const struct held *held = held_first(&stream->held);
    /* Behind the end there is only an RST, which no bytes will come before. */
    return held != NULL && stream->fixed && !is_in_doubt(stream) &&
           (held->offset <= stream->next || stream->ended) &&
           tcp_is_acknowledgeable(&conversation->streams[1 - direction], held->needs);
}

/* Lets the first piece held take effect. */
static void take_first(struct net_flow *flow, struct conversation *conversation, int direction)
{
    struct stream *stream = &conversation->streams[direction];
    struct held *held = held_first(&stream->held);
    uint64_t old = stream->next - held->offset;

    switch (held->kind) {
    case HELD_DATA:
        old = at_most(old, held->size);
        stream->unsummed |= held->doubtful; /* the receiver took it */
        tcp_count_old(flow, stream, held->offset, span_of(held->bytes, old), held->doubtful);
        if (old < held->size) {
            struct span bytes = span_skip(span_of(held->bytes, held->size), old);
            tcp_tell_data(flow, conversation, direction, bytes, &held->origin);
        }
        break;
    case HELD_CUT:
        if (stream->cut_to < held->offset + held->size) {
            stream->cut_to = held->offset + held->size;
        }
        break;
    case HELD_FIN:
        if (!stream->ended && old == 0) {
            list_remove(&held->link); /* the end empties the list */
            list_init(&held->link);
            tcp_tell_end(flow, conversation, direction);
        }
        break;
    case HELD_RST:
        conversation->known.reset = true;
        conversation->known.reset_by = (enum net_direction)direction;
        drop_data(flow, conversation, stream);
        break;
    }
    let_go(flow, conversation, held);
}

/* Tells of the bytes in front that the snap length cut off, and nobody else has brought. */
static void skip_cut(struct net_flow *flow, struct conversation *conversation, int direction)
{
    const struct stream *stream = &conversation->streams[direction];
    const struct held *held = held_first(&stream->held);
    uint64_t to = held == NULL ? stream->cut_to : at_most(stream->cut_to, held->offset);
    if (to > stream->next && !stream->ended) {
        tell_gap(flow, conversation, direction, to);
    }
}

void tcp_advance(struct net_flow *flow, struct conversation *conversation)
{
    while (conversation->held_count > 0) {
        bool ready[2] = {is_ready(conversation, 0), is_ready(conversation, 1)};
        if (!ready[0] && !ready[1]) {
            return;
        }
        int direction = ready[0] ? 0 : 1;
        if (ready[0] && ready[1] &&
            first_held(conversation, 1)->turn < first_held(conversation, 0)->turn) {
            direction = 1;
        }
        take_first(flow, conversation, direction);
        skip_cut(flow, conversation, direction);
    }
}

static bool has_hole(const struct conversation *conversation, int direction)
{
    const struct stream *stream = &conversation->streams[direction];
    const struct held *held = first_held(conversation, direction);
    return held != NULL && !stream->ended && held->offset > stream->next;
}

static bool has_acknowledged_hole(const struct conversation *conversation, int direction)
{
    const struct stream *stream = &conversation->streams[direction];
    return has_hole(conversation, direction) && stream->acknowledged > stream->next;
}

bool tcp_waits_for_lost(const struct conversation *conversation)
{
    for (int i = 0; i < 2; i++) {
        bool waits = first_held(conversation, i) != NULL && !has_hole(conversation, i) &&
                     !is_in_doubt(&conversation->streams[i]);
        if (waits || has_acknowledged_hole(conversation, i)) {
            return true;
        }
    }
    return false;
}

bool tcp_is_waited_for(const struct conversation *conversation, enum net_direction direction,
                       uint64_t offset, uint64_t end)
{
    const struct stream *stream = &conversation->streams[direction];
    const struct held *first = first_held(conversation, direction);
    const struct held *acknowledging = first_held(conversation, 1 - direction);
    uint64_t to = first != NULL ? first->offset : 0;
    if (acknowledging != NULL && acknowledging->needs > to) {
        to = acknowledging->needs;
    }
    return offset < to && end > stream->next;
}

/* The direction whose first piece was captured first; both have one. */
static int earlier(const struct conversation *conversation)
{
    return first_held(conversation, 0)->turn <= first_held(conversation, 1)->turn ? 0 : 1;
}

/* The hole to give up: one whose bytes were received, or the one waited for longer. */
static int worst_hole(const struct conversation *conversation)
{
    bool hole[2] = {has_hole(conversation, 0), has_hole(conversation, 1)};
    if (hole[0] != hole[1]) {
        return hole[0] ? 0 : 1;
    }
    bool acknowledged[2] = {has_acknowledged_hole(conversation, 0),
                            has_acknowledged_hole(conversation, 1)};
    if (acknowledged[0] != acknowledged[1]) {
        return acknowledged[0] ? 0 : 1;
    }
    return earlier(conversation);
}

/* No further than was acknowledged: the rest may still be sent again. */
static void give_up_hole(struct net_flow *flow, struct conversation *conversation, int direction)
{
    const struct stream *stream = &conversation->streams[direction];
    uint64_t to = first_held(conversation, direction)->offset;
    if (stream->acknowledged > stream->next) {
        to = at_most(to, stream->acknowledged);
    }
    tell_gap(flow, conversation, direction, to);
}

/* The other side's first piece acknowledges bytes behind which nothing has come. */
static void give_up_tail(struct net_flow *flow, struct conversation *conversation, int direction)
{
    struct stream *stream = &conversation->streams[direction];
    uint64_t needed = first_held(conversation, 1 - direction)->needs;
    if (needed == stream->next + 1 && needed == stream->acknowledged) {
        stream->waived = needed; /* rather a FIN than a byte */
    } else {
        tell_gap(flow, conversation, direction, needed);
    }
}

/* Each side's first piece acknowledges the other's. The segment captured later had been sent before
 * as well, when its sender did not know the other one yet. */
static void release_later(struct net_flow *flow, struct conversation *conversation)
{
    int later = 1 - earlier(conversation);
    uint64_t needed = first_held(conversation, 1 - later)->needs;
    struct list_link *held = &conversation->streams[later].held;
    conversation->held_count += held_release(&flow->memory, held, needed);
}

/* Takes a first piece that is in doubt for what was sent. False: there is none. */
static bool believe(struct conversation *conversation)
{
    for (int i = 0; i < 2; i++) {
        if (is_in_doubt(&conversation->streams[i])) {
            held_first(&conversation->streams[i].held)->doubtful = false;
            return true;
        }
    }
    return false;
}

void tcp_give_up(struct net_flow *flow, struct conversation *conversation)
{
    size_t count = conversation->held_count;
    tcp_advance(flow, conversation); /* the last segment may have begun a stream */
    if (conversation->held_count < count) {
        return;
    }
    bool first[2] = {first_held(conversation, 0) != NULL, first_held(conversation, 1) != NULL};
    if (conversation->settling > 0) {
        tcp_settle(conversation);
    } else if (believe(conversation)) {
        /* nothing better came */
    } else if (has_hole(conversation, 0) || has_hole(conversation, 1)) {
        give_up_hole(flow, conversation, worst_hole(conversation));
    } else if (first[0] && first[1]) {
        release_later(flow, conversation);
    } else {
        give_up_tail(flow, conversation, first[0] ? 1 : 0);
    }
    tcp_order_touch(flow, conversation);
    tcp_advance(flow, conversation);
}
