#include "dialogue.h"

#include <stdlib.h>

/* How far a side is while the dialogue is written. */
struct progress {
    uint32_t sent;
    uint32_t received;   /* by the other side: all up to here */
    uint32_t seen;       /* of the other side, as last acknowledged */
    uint32_t delayed_at; /* a segment that the network has lost */
    uint32_t delayed_size;
    bool fin;
};

static unsigned below(unsigned *seed, unsigned limit)
{
    return (unsigned)rand_r(seed) % limit;
}

static bool percent(unsigned *seed, unsigned chance)
{
    return below(seed, 100) < chance;
}

static struct line *add_line(struct dialogue *dialogue, int from, uint32_t at, uint32_t size,
                             uint32_t seen, uint8_t flags)
{
    struct line *line = &dialogue->lines[dialogue->lines_count++];
    *line = (struct line){.from = from, .at = at, .size = size, .seen = seen, .flags = flags};
    memcpy(line->bytes, dialogue->sides[from].original + at, size);
    return line;
}

/* Acknowledges some of what the side has received since. */
static uint32_t acknowledge(struct progress *own, const struct progress *other, unsigned *seed)
{
    if (other->received > own->seen && percent(seed, 80)) {
        own->seen += 1 + below(seed, other->received - own->seen);
    }
    return own->seen;
}

static void repeat_some(struct dialogue *dialogue, int from, const struct progress *own,
                        bool altered, unsigned *seed)
{
    uint32_t size = 1 + below(seed, SEGMENT_MAX);
    if (own->received < size) {
        return;
    }
    uint32_t back = below(seed, own->received - size + 1);
    back = back > 200 ? back % 200 : back;
    struct line *line =
        add_line(dialogue, from, own->received - size - back, size, own->seen, NET_ACK);
    for (uint32_t i = 0; altered && i < size; i++) {
        line->bytes[i] = (uint8_t)~line->bytes[i];
    }
}

static void send_delayed(struct dialogue *dialogue, int from, struct progress *own)
{
    add_line(dialogue, from, own->delayed_at, own->delayed_size, own->seen, NET_ACK);
    own->delayed_size = 0;
    own->received = own->sent;
}

/* A side says something. */
static void say(struct dialogue *dialogue, int from, struct progress *progress,
                const struct mischief *mischief, unsigned *seed)
{
    struct progress *own = &progress[from];
    uint32_t left = dialogue->sides[from].size - own->sent;
    uint32_t size = below(seed, percent(seed, 20) ? 2 : SEGMENT_MAX + 1);
    size = size < left ? size : left;
    uint32_t seen = acknowledge(own, &progress[1 - from], seed);
    bool spared = mischief->one_sided && from == NET_FROM_RESPONDER;

    if (own->delayed_size == 0 && own->sent > 0 && size > 0 && percent(seed, mischief->delayed)) {
        own->delayed_at = own->sent;
        own->delayed_size = size;
    } else {
        struct line *line = add_line(dialogue, from, own->sent, size, seen, NET_ACK);
        line->dropped =
            !spared && size > 1 && percent(seed, mischief->dropped); /* 1: rather a FIN */
    }
    own->sent += size;
    if (own->delayed_size == 0) {
        own->received = own->sent;
    }
    if (!spared && percent(seed, mischief->repeated)) {
        repeat_some(dialogue, from, own, mischief->altered, seed);
    }
    if (own->delayed_size > 0 && percent(seed, 10)) {
        send_delayed(dialogue, from, own);
    }
}

static void hang_up(struct dialogue *dialogue, int from, struct progress *progress)
{
    struct progress *own = &progress[from];
    if (own->delayed_size > 0) {
        send_delayed(dialogue, from, own);
    }
    own->seen = progress[1 - from].received;
    add_line(dialogue, from, own->sent, 0, own->seen, NET_ACK | NET_FIN);
    own->fin = true;
    own->received++;
}

static int compare_places(const void *a, const void *b)
{
    uint64_t place_a = ((const struct line *)a)->place;
    uint64_t place_b = ((const struct line *)b)->place;
    return place_a < place_b ? -1 : place_a > place_b;
}

static void begin(struct dialogue *dialogue, uint16_t port, unsigned *seed)
{
    *dialogue = (struct dialogue){
        .endpoints = {{4, {10, 0, 0, 1}, port}, {4, {10, 0, 0, 2}, 11211}},
    };
    for (int i = 0; i < 2; i++) {
        struct side *side = &dialogue->sides[i];
        side->size = 1 + below(seed, percent(seed, 50) ? STREAM_MAX / 8 : 500);
        side->start = percent(seed, 50) ? (uint32_t)rand_r(seed) * 2 : 0 - below(seed, 3000);
        for (uint32_t at = 0; at < side->size; at++) {
            side->original[at] = (uint8_t)rand_r(seed);
        }
    }
}

/* A byte was first sent when its sender had seen least, and before those behind it. */
static void note_needs(struct dialogue *dialogue)
{
    for (int i = 0; i < 2; i++) {
        memset(dialogue->sides[i].needs, 0xff, sizeof(dialogue->sides[i].needs));
    }
    for (unsigned i = 0; i < dialogue->lines_count; i++) {
        const struct line *line = &dialogue->lines[i];
        uint32_t *needs = dialogue->sides[line->from].needs;
        uint32_t most = dialogue->sides[1 - line->from].size - 1; /* the last may be a FIN */
        uint32_t seen = line->seen < most ? line->seen : most;
        for (uint32_t at = line->at; at < line->at + line->size; at++) {
            needs[at] = seen < needs[at] ? seen : needs[at];
        }
    }
    for (int i = 0; i < 2; i++) {
        uint32_t *needs = dialogue->sides[i].needs;
        for (uint32_t at = dialogue->sides[i].size - 1; at-- > 0;) {
            needs[at] = needs[at + 1] < needs[at] ? needs[at + 1] : needs[at];
        }
    }
}

void dialogue_write(struct dialogue *dialogue, uint16_t port, const struct mischief *mischief,
                    unsigned *seed)
{
    struct progress progress[2] = {0};
    begin(dialogue, port, seed);
    if (!mischief->in_the_middle) {
        add_line(dialogue, NET_FROM_INITIATOR, 0, 0, 0, NET_SYN);
        add_line(dialogue, NET_FROM_RESPONDER, 0, 0, 0, NET_SYN | NET_ACK);
    }
    add_line(dialogue, NET_FROM_INITIATOR, 0, 0, 0, NET_ACK);

    while ((progress[0].sent < dialogue->sides[0].size ||
            progress[1].sent < dialogue->sides[1].size) &&
           dialogue->lines_count < SEGMENTS_MAX - 300) {
        int from = progress[0].sent == 0 ? NET_FROM_INITIATOR : (int)below(seed, 2);
        for (unsigned burst = 1 + below(seed, 5); burst > 0; burst--) {
            say(dialogue, from, progress, mischief, seed);
        }
    }
    for (int i = 0; i < 2; i++) {
        dialogue->sides[i].size = progress[i].sent;
    }
    hang_up(dialogue, NET_FROM_INITIATOR, progress);
    hang_up(dialogue, NET_FROM_RESPONDER, progress);
    add_line(dialogue, NET_FROM_INITIATOR, progress[0].sent + 1, 0, progress[1].received, NET_ACK);

    note_needs(dialogue);
    for (unsigned i = 0; i < dialogue->lines_count; i++) {
        dialogue->lines[i].place =
            ((uint64_t)i + (mischief->window > 0 ? below(seed, mischief->window) : 0)) << 16 | i;
    }
    qsort(dialogue->lines, dialogue->lines_count, sizeof(dialogue->lines[0]), compare_places);
}

void dialogue_note(struct dialogue *dialogue, const struct line *line, uint64_t packet)
{
    struct side *side = &dialogue->sides[line->from];
    for (uint32_t i = 0; i < line->size; i++) {
        uint32_t at = line->at + i;
        if (side->packet[at] == 0) {
            side->packet[at] = packet;
            side->first[at] = line->bytes[i];
            side->captured++;
        }
    }
}

struct net_segment dialogue_segment(const struct dialogue *dialogue, const struct line *line,
                                    struct span payload)
{
    bool syn = (line->flags & NET_SYN) != 0;
    return (struct net_segment){
        .protocol = NET_TCP,
        .source = dialogue->endpoints[line->from],
        .destination = dialogue->endpoints[1 - line->from],
        .payload = payload,
        .sequence = dialogue->sides[line->from].start + line->at - (syn ? 1 : 0),
        .acknowledgement = dialogue->sides[1 - line->from].start + line->seen,
        .flags = line->flags,
    };
}
