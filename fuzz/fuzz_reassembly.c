/*
 * TCP segments in any order. 8 bytes of preamble: mode, bounds, and where both streams' sequence
 * numbers begin (16 bits each, put below 2^32 so that they wrap soon). Then 8 bytes a segment:
 *
 *     0     0x01 from the responder, 0x02 altered copy, 0x04 FIN, 0x08 RST, 0x10 SYN,
 *           0x20 no ACK, 0x40 other port, 0x80 acknowledges what lies ahead
 *     1     payload bytes
 *     2-3   offset in the stream
 *     4-5   offset in the other stream that it acknowledges
 *     6     bytes of the payload's end that the snap length cut off
 *     7     the port, if there are many
 *
 * Calm mode leaves out what ends or restarts a conversation: then every byte told of is the one
 * that came first for its place, and every gap has no byte that came. In any mode, a stream's
 * bytes follow one another by a rule, so that one out of place shows; and the ledger adds up.
 */
#include "net/flow.h"
#include "target.h"

#include <stdlib.h>

enum {
    ALTERED = 0x02,
    OFFSET_MAX = 1 << 13,
    PLACES = OFFSET_MAX + 256,
    STEP = 167, /* each byte of a stream is that much more than the one before */
    PERIOD = 256,
    WILD = 1,
    LEFT_OFF = 8, /* mode: bytes may be held until the end */
    MANY = 16, /* mode, if wild: conversations, in a table with room for fewer than there can be */
    KEEP_ORDER = 32, /* mode, if wild: conversations wait for each other */
    MANY_MAX = 80,
    FAREWELL = 3,
    CLIENT_PORT = 40000,
    CONVERSATIONS_MAX = 1100, /* and segments: held for long is held for 1024 */
};

struct direction {
    uint64_t told;         /* offset of the next byte, gaps included */
    bool came[PLACES];     /* the sparse map */
    uint8_t first[PLACES]; /* the byte that came first for a place */
};

static struct {
    bool wild;
    bool altered;
    bool many;
    uint64_t data;
    uint64_t lost;
    uint64_t conversations;
    struct direction heard[2];           /* of the calm conversation */
    uint8_t next[CONVERSATIONS_MAX][2];  /* what the rule says of the next byte, by id */
    uint8_t state[CONVERSATIONS_MAX][2]; /* TOLD, ENDED */
} run;

enum { TOLD = 1, ENDED = 2 };

static uint8_t rule[2 * PERIOD]; /* a stream from offset 0 */
static uint8_t place[PERIOD];    /* where in it a byte is */

void fuzz_begin(void)
{
    for (unsigned i = 0; i < 2 * PERIOD; i++) {
        rule[i] = (uint8_t)(STEP * i);
        place[rule[i]] = (uint8_t)i;
    }
}

UNCOUNTED static void note(const struct net_conversation *conversation)
{
    CHECK(conversation->id > 0 && conversation->id < CONVERSATIONS_MAX);
    CHECK(conversation->user == NULL); /* on_closed sets it */
}

UNCOUNTED static void check_rule(uint64_t id, enum net_direction direction, struct span bytes)
{
    uint8_t *next = &run.next[id][direction];
    if (run.altered) {
        return;
    }
    if ((run.state[id][direction] & TOLD) == 0) {
        *next = bytes.data[0];
    }
    while (bytes.size > 0) {
        struct span head = span_head(bytes, bytes.size < PERIOD ? bytes.size : PERIOD);
        CHECK(memcmp(head.data, rule + place[*next], head.size) == 0);
        *next = (uint8_t)(*next + STEP * head.size);
        bytes = span_skip(bytes, head.size);
    }
}

UNCOUNTED static void on_data(void *context, struct net_conversation *conversation,
                              enum net_direction direction, struct span bytes,
                              const struct net_origin *origin)
{
    (void)context;
    note(conversation);
    CHECK(bytes.size > 0 && origin->packet > 0);
    CHECK((run.state[conversation->id][direction] & ENDED) == 0);
    check_rule(conversation->id, direction, bytes);
    run.state[conversation->id][direction] |= TOLD;
    run.data += bytes.size;
    struct direction *heard = &run.heard[direction];
    if (!run.wild) {
        CHECK(bytes.size <= PLACES - heard->told);
        CHECK(memchr(heard->came + heard->told, false, bytes.size) == NULL);
        CHECK(memcmp(heard->first + heard->told, bytes.data, bytes.size) == 0);
    }
    heard->told += bytes.size;
}

UNCOUNTED static void on_gap(void *context, struct net_conversation *conversation,
                             enum net_direction direction, uint64_t lost)
{
    (void)context;
    note(conversation);
    CHECK(lost > 0 && lost <= UINT32_MAX);
    CHECK((run.state[conversation->id][direction] & ENDED) == 0);
    run.next[conversation->id][direction] += (uint8_t)(STEP * lost);
    run.lost += lost;
    struct direction *heard = &run.heard[direction];
    if (!run.wild && heard->told < PLACES) {
        size_t inside = lost < PLACES - heard->told ? lost : PLACES - heard->told;
        CHECK(memchr(heard->came + heard->told, true, inside) == NULL);
    }
    heard->told += lost;
}

UNCOUNTED static void on_end(void *context, struct net_conversation *conversation,
                             enum net_direction direction)
{
    (void)context;
    note(conversation);
    CHECK((run.state[conversation->id][direction] & ENDED) == 0);
    run.state[conversation->id][direction] |= ENDED;
}

UNCOUNTED static void on_closed(void *context, struct net_conversation *conversation)
{
    (void)context;
    note(conversation);
    conversation->user = &run;
    run.conversations++;
}

/* ------------------------------------------------------------------------------ what is sent */

struct sender {
    struct net_flow *flow;
    uint32_t start[2]; /* sequence numbers of the first bytes */
    uint64_t packets;
    uint64_t payload;
};

UNCOUNTED static void send(struct sender *sender, const struct net_segment *segment)
{
    struct net_origin origin = {.packet = ++sender->packets, .time = (int64_t)sender->packets};
    sender->payload += segment->payload.size;
    net_flow_receive(sender->flow, segment, &origin);
}

UNCOUNTED static void address(struct net_segment *segment, int from, uint16_t port)
{
    struct net_endpoint ends[2] = {{4, {10, 0, 0, 1}, port}, {4, {10, 0, 0, 2}, 11211}};
    segment->protocol = NET_TCP;
    segment->source = ends[from];
    segment->destination = ends[1 - from];
}

static void handshake(struct sender *sender)
{
    for (int i = 0; i < 3; i++) {
        int from = i == 1;
        struct net_segment segment = {
            .sequence = sender->start[from] - (i < 2 ? 1 : 0),
            .acknowledgement = sender->start[1 - from],
            .flags = (uint8_t)((i < 2 ? NET_SYN : 0) | (i > 0 ? NET_ACK : 0)),
        };
        address(&segment, from, CLIENT_PORT);
        send(sender, &segment);
    }
}

UNCOUNTED static void fill(uint8_t *bytes, size_t size, uint32_t first, bool altered)
{
    memcpy(bytes, rule + first % PERIOD, size);
    for (size_t i = 0; altered && i < size; i++) {
        bytes[i] = (uint8_t)~bytes[i];
    }
}

/* Puts the bytes into the sparse map, where none came before. */
UNCOUNTED static void map(int from, uint32_t offset, struct span payload)
{
    struct direction *direction = &run.heard[from];
    for (size_t i = 0; i < payload.size; i++) {
        if (!direction->came[offset + i]) {
            direction->came[offset + i] = true;
            direction->first[offset + i] = payload.data[i];
        }
    }
}

static uint8_t flags_of(uint8_t choice)
{
    uint8_t flags = (choice & 0x20) != 0 ? 0 : NET_ACK;
    if (run.wild) {
        flags |= (choice & 0x04) != 0 ? NET_FIN : 0;
        flags |= (choice & 0x08) != 0 ? NET_RST : 0;
        flags |= (choice & 0x10) != 0 ? NET_SYN : 0;
        return flags;
    }
    return NET_ACK;
}

static void send_segment(struct sender *sender, struct span *input)
{
    uint8_t bytes[256];
    uint8_t choice = take_8(input);
    size_t size = take_8(input);
    uint32_t offset = take_16(input) % OFFSET_MAX;
    uint32_t seen = take_16(input) % OFFSET_MAX;
    uint32_t cut = take_8(input);
    bool altered = run.altered && (choice & ALTERED) != 0;
    int from = choice & 1;
    uint16_t port = take_8(input);
    port = run.many ? port : run.wild && (choice & 0x40) != 0;
    cut = cut > size ? (uint32_t)size : cut;
    fill(bytes, size, offset, altered);
    uint8_t *copy = malloc(size - cut + 1); /* of its exact size, for AddressSanitizer */
    CHECK(copy != NULL);
    memcpy(copy + 1, bytes, size - cut);
    struct net_segment segment = {
        .payload = span_of(copy + 1, size - cut),
        .cut = cut,
        .sequence = sender->start[from] + offset,
        .acknowledgement = sender->start[1 - from] + seen,
        .flags = flags_of(choice),
    };
    if (run.wild && (choice & 0x80) != 0) {
        segment.sequence += (uint32_t)seen << 19;
    }
    segment.sequence -= (segment.flags & NET_SYN) != 0; /* the SYN takes a number itself */
    address(&segment, from, (uint16_t)(CLIENT_PORT + port));
    if (!run.wild) {
        map(from, offset, segment.payload);
    }
    send(sender, &segment);
    free(copy);
}

/* Calm: both sides say their last bytes, with a FIN, and have heard everything. */
static void hang_up(struct sender *sender)
{
    for (int from = 0; from < 2; from++) {
        uint8_t bytes[FAREWELL];
        fill(bytes, FAREWELL, PLACES - FAREWELL, false);
        struct net_segment segment = {
            .payload = span_of(bytes, FAREWELL),
            .sequence = sender->start[from] + PLACES - FAREWELL,
            .acknowledgement = sender->start[1 - from] + (from == 0 ? 0 : PLACES + 1),
            .flags = NET_ACK | NET_FIN,
        };
        address(&segment, from, CLIENT_PORT);
        map(from, PLACES - FAREWELL, segment.payload);
        send(sender, &segment);
    }
}

/* Calm: both streams have ended where their senders ended them. */
UNCOUNTED static void check_ends(void)
{
    for (int from = 0; from < 2; from++) {
        CHECK((run.state[1][from] & ENDED) != 0);
        CHECK(run.heard[from].told == PLACES);
    }
}

UNCOUNTED static void check_counts(const struct sender *sender,
                                   const struct net_flow_counters *counters)
{
    CHECK(counters->payload == sender->payload);
    CHECK(counters->payload == counters->data + counters->duplicate + counters->late);
    CHECK(counters->data == run.data && counters->lost == run.lost);
    CHECK(counters->conversations == run.conversations);
}

static void finish(struct sender *sender)
{
    net_flow_finish(sender->flow);
    if (!run.wild) {
        check_ends();
    }
    check_counts(sender, net_flow_counters(sender->flow));
}

void fuzz_target(const uint8_t *data, size_t size)
{
    struct span input = span_of(data, size);
    struct net_listener listener = {
        .data = on_data, .gap = on_gap, .end = on_end, .closed = on_closed};
    uint8_t mode = take_8(&input);
    uint8_t bounds = take_8(&input);
    memset(&run, 0, sizeof(run));
    run.wild = (mode & WILD) != 0;
    run.altered = (mode & ALTERED) != 0;
    run.many = run.wild && (mode & MANY) != 0;
    struct net_flow_options options = {.conversations_max = run.many ? MANY_MAX : 1 + bounds % 4,
                                       .held_bytes_max = 1 << 20,
                                       .held_segments_max = 1000};
    if (run.wild) {
        options.held_bytes_max = bounds * (size_t)64;
        options.held_segments_max = bounds;
        options.start_segments = bounds / 16;
        options.keep_order = (mode & KEEP_ORDER) != 0;
    }
    struct sender sender = {.flow = net_flow_create(&options, &listener)};
    CHECK(sender.flow != NULL);
    sender.start[0] = 0u - take_16(&input) % OFFSET_MAX;
    sender.start[1] = 0u - take_16(&input) % OFFSET_MAX;
    take_16(&input);
    if (!run.wild || (mode & 4) == 0) {
        handshake(&sender);
    }
    for (unsigned i = 0; input.size > 0 && i < CONVERSATIONS_MAX - 2; i++) {
        send_segment(&sender, &input);
    }
    if (!run.wild) {
        hang_up(&sender);
    }
    if (!run.wild || (mode & LEFT_OFF) == 0) {
        finish(&sender);
    }
    net_flow_destroy(sender.flow);
}
