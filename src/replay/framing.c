#include "replay/framing.h"

#include "mcbp/opcode.h"
#include "replay/boundary.h"
#include "replay/side.h"
#include "replay/udp.h"

#include <stdlib.h>

enum {
    SEARCH_WINDOW = 64 * 1024,         /* a frame that may begin here is waited for so long */
    PASSED_OVER_MAX = 2 * 1024 * 1024, /* without a boundary in so many bytes it is not MCBP */
    TRUSTED_FRAMES = 2, /* in a row after a search, and a bad one is the server's doing again */
};

enum kind { UNDECIDED, MCBP, NOT_MCBP };

struct framing {
    const struct framing_context *context;
    struct dissect_conversation conversation;
    enum kind kind;
    enum net_direction client; /* the direction of the client's bytes, if kind is MCBP */
    uint64_t *not_mcbp;        /* the class, if kind is NOT_MCBP */
    struct side sides[2];      /* by enum net_direction */
    struct udp udp;
};

enum taken { TAKEN, TAKE_MORE, TAKE_BAD };

struct framing *framing_create(const struct framing_context *context,
                               const struct net_conversation *conversation)
{
    struct framing *self = calloc(1, sizeof(*self));
    if (self == NULL) {
        return NULL;
    }
    self->context = context;
    self->conversation = (struct dissect_conversation){
        .id = conversation->id,
        .protocol = conversation->protocol,
        .client = conversation->initiator,
        .server = conversation->responder,
        .from_start = conversation->from_start,
    };
    for (size_t i = 0; i < 2; i++) {
        self->sides[i].searching = !conversation->from_start;
        self->sides[i].framed = conversation->from_start;
        self->sides[i].frames_in_row = conversation->from_start ? TRUSTED_FRAMES : 0;
    }
    context->result->connections++;
    if (conversation->protocol == NET_TCP && !conversation->from_start) {
        context->result->midstream++;
    }
    return self;
}

static enum dissect_role role_of(const struct framing *self, enum net_direction direction)
{
    return direction == self->client ? FROM_CLIENT : FROM_SERVER;
}

static struct ledger *ledger(struct framing *self)
{
    return &self->context->result->ledger;
}

static void count_frame(struct framing *self, const struct dissect_frame *frame)
{
    struct capture_result *result = self->context->result;
    const struct mcbp_header *header = &frame->frame.header;
    bool servers = header->magic == MCBP_SERVER_REQUEST || header->magic == MCBP_SERVER_RESPONSE;
    struct opcode_counts *counts =
        servers ? &result->server_opcodes[header->opcode] : &result->opcodes[header->opcode];
    if (frame->role == FROM_CLIENT) {
        result->client_frames++;
        result->ledger.client_frames += frame->frame.bytes.size;
    } else {
        result->server_frames++;
        result->ledger.server_frames += frame->frame.bytes.size;
    }
    if (mcbp_magic_is_response(header->magic)) {
        counts->responses++;
        opcode_counts_add_status(counts, header->vbucket_or_status, 1);
    } else {
        counts->requests++;
    }
}

static void tell_frame(struct framing *self, struct dissect_frame *frame)
{
    if (!frame->bad_lengths) {
        count_frame(self, frame);
    }
    if (self->context->consumer->frame != NULL) {
        self->context->consumer->frame(self->context->consumer->context, &self->conversation,
                                       frame);
    }
}

static void tell_lost(struct framing *self, enum dissect_role role, bool missing)
{
    if (self->kind == MCBP && self->context->consumer->lost != NULL) {
        self->context->consumer->lost(self->context->consumer->context, &self->conversation, role,
                                      missing);
    }
}

/* What a client sends may be malformed on purpose, to see what its server makes of it. */
static void tell_malformed(struct framing *self, enum dissect_role role, struct span bytes,
                           const struct net_origin *origin)
{
    const struct dissect_consumer *consumer = self->context->consumer;
    if (role == FROM_SERVER && bytes.size > 0 && consumer->malformed != NULL) {
        consumer->malformed(consumer->context, &self->conversation, bytes, origin);
    }
}

/* Takes the frame that `bytes` begins with; *used says how many bytes it had. */
static enum taken take_frame(struct framing *self, enum dissect_role role, struct span bytes,
                             const struct net_origin *origin, uint64_t at, int32_t request_id,
                             size_t *used)
{
    struct dissect_frame frame = {
        .origin = *origin, .role = role, .at = at, .request_id = request_id};
    enum mcbp_parse parse = mcbp_frame_parse(bytes, &frame.frame);
    *used = 0;
    if (parse == MCBP_BAD_LENGTHS && role == FROM_CLIENT) {
        /* A server answers to the header alone; nothing can be said of the bytes behind it. */
        frame.bad_lengths = true;
        frame.frame.bytes = span_head(bytes, MCBP_HEADER_SIZE);
        *used = MCBP_HEADER_SIZE;
        ledger(self)->unparsed += MCBP_HEADER_SIZE; /* it is no frame */
        tell_frame(self, &frame);
        return TAKE_BAD;
    }
    if (parse == MCBP_BAD_MAGIC || parse == MCBP_BAD_LENGTHS ||
        frame.frame.bytes.size > self->context->options->frame_max) {
        return TAKE_BAD;
    }
    if (parse == MCBP_NEED_MORE) {
        return TAKE_MORE;
    }
    *used = frame.frame.bytes.size;
    tell_frame(self, &frame);
    return TAKEN;
}

/* The stream can't be framed at `bytes`: from here on a boundary is searched for. */
static void begin_search(struct framing *self, enum net_direction direction, struct span bytes,
                         const struct net_origin *origin)
{
    struct side *side = &self->sides[direction];
    enum dissect_role role = role_of(self, direction);
    if (side->frames_in_row >= TRUSTED_FRAMES) {
        tell_malformed(self, role, bytes, origin);
    }
    side->searching = true;
    side->frames_in_row = 0;
    tell_lost(self, role, bytes.size == 0);
}

/* Bytes in which no frame begins. */
static void pass_over(struct framing *self, enum net_direction direction, size_t size)
{
    if (self->kind == MCBP) {
        ledger(self)->unparsed += size;
        self->context->result->skipped += self->sides[direction].framed ? 0 : size;
    } else {
        self->sides[direction].passed_over += size;
    }
}

static void set_roles(struct framing *self, enum net_direction client)
{
    self->kind = MCBP;
    self->client = client;
    if (client == NET_FROM_RESPONDER) {
        struct net_endpoint initiator = self->conversation.client;
        self->conversation.client = self->conversation.server;
        self->conversation.server = initiator;
    }
    for (size_t i = 0; i < 2; i++) {
        ledger(self)->unparsed += self->sides[i].passed_over;
        self->context->result->skipped += self->sides[i].passed_over;
        self->sides[i].passed_over = 0;
    }
}

/* Who sends such a frame? A DCP producer, the server, sends requests that its client answers. */
static bool is_sent_by_client(const uint8_t *header)
{
    bool dcp = mcbp_opcode_is_dcp_message(header[1]) || header[1] == MCBP_DCP_NOOP;
    switch (header[0]) {
    case MCBP_CLIENT_REQUEST:
    case MCBP_FLEX_CLIENT_REQUEST:
        return !dcp;
    case MCBP_CLIENT_RESPONSE:
    case MCBP_FLEX_CLIENT_RESPONSE:
        return dcp;
    default:
        return header[0] == MCBP_SERVER_RESPONSE;
    }
}

static void decide_by_frame(struct framing *self, enum net_direction direction,
                            const uint8_t *header)
{
    bool initiator_is_client = is_sent_by_client(header) == (direction == NET_FROM_INITIATOR);
    set_roles(self, initiator_is_client ? NET_FROM_INITIATOR : NET_FROM_RESPONDER);
}

/* Takes frames out of the carry from `from` on. Returns where it stopped. */
static size_t take_carried(struct framing *self, enum net_direction direction, size_t from,
                           enum taken *taken)
{
    struct side *side = &self->sides[direction];
    enum dissect_role role = role_of(self, direction);
    *taken = TAKE_MORE;
    while (from < side->size) {
        size_t used;
        *taken =
            take_frame(self, role, span_skip(side_carried(side), from),
                       from == 0 ? &side->origin : &side->latest, side->taken + from, -1, &used);
        from += used;
        if (*taken != TAKEN) {
            break;
        }
        side->frames_in_row += side->frames_in_row < TRUSTED_FRAMES;
    }
    return from;
}

/* Frames what is carried: in place if the side is in step, after a boundary otherwise. */
static void frame_carried(struct framing *self, enum net_direction direction, size_t segment)
{
    struct side *side = &self->sides[direction];
    size_t at = 0;
    for (;;) {
        if (side->searching) {
            size_t offset = 0;
            struct span rest = span_skip(side_carried(side), at);
            enum boundary_search found =
                boundary_find(rest, segment >= at ? segment - at : SIZE_MAX,
                              self->context->options->frame_max, &offset);
            pass_over(self, direction, offset);
            at += offset;
            if (found == BOUNDARY_UNDECIDED && side->size - at > SEARCH_WINDOW) {
                pass_over(self, direction, 1);
                at++;
                continue;
            }
            if (found != BOUNDARY_FOUND) {
                break;
            }
            if (self->kind == UNDECIDED) {
                decide_by_frame(self, direction, side->carry + at);
            }
            side->searching = false;
            side->framed = true;
        }
        enum taken taken;
        at = take_carried(self, direction, at, &taken);
        if (taken != TAKE_BAD) {
            break;
        }
        begin_search(self, direction, span_skip(side_carried(side), at), &side->latest);
        if (at < side->size) {
            pass_over(self, direction, 1);
            at++;
        }
    }
    side_drop(side, at);
}

/* Out of memory: what can't be kept can't be framed. */
static void give_up_bytes(struct framing *self, enum net_direction direction, struct span bytes)
{
    struct side *side = &self->sides[direction];
    pass_over(self, direction, side->size + bytes.size);
    side_drop(side, side->size);
    side->taken += bytes.size;
    begin_search(self, direction, span_of(NULL, 0), &side->latest);
}

static void carry_and_frame(struct framing *self, enum net_direction direction, struct span bytes,
                            const struct net_origin *origin)
{
    struct side *side = &self->sides[direction];
    size_t segment = side->size;
    if (!side_carry(side, bytes, origin)) {
        give_up_bytes(self, direction, bytes);
        return;
    }
    frame_carried(self, direction, segment);
}

/* Completes the carried frame from `bytes` and takes it. Returns what is left of `bytes`. */
static struct span complete_carried(struct framing *self, enum net_direction direction,
                                    struct span bytes, const struct net_origin *origin)
{
    struct side *side = &self->sides[direction];
    while (side->size > 0 && bytes.size > 0 && !side->searching) {
        struct mcbp_frame frame;
        mcbp_frame_parse(side_carried(side), &frame); /* comes to MCBP_NEED_MORE, with the size */
        size_t lacks = frame.bytes.size - side->size;
        struct span next = span_head(bytes, lacks < bytes.size ? lacks : bytes.size);
        bytes = span_skip(bytes, next.size);
        carry_and_frame(self, direction, next, origin);
    }
    return bytes;
}

/* The common case: whole frames in one segment, taken where they lie. */
static void frame_in_place(struct framing *self, enum net_direction direction, struct span bytes,
                           const struct net_origin *origin)
{
    struct side *side = &self->sides[direction];
    enum dissect_role role = role_of(self, direction);
    if (side->size > 0) {
        bytes = complete_carried(self, direction, bytes, origin);
    }
    while (bytes.size > 0 && !side->searching) {
        size_t used;
        enum taken taken = take_frame(self, role, bytes, origin, side->taken, -1, &used);
        bytes = span_skip(bytes, used);
        side->taken += used;
        if (taken == TAKE_MORE) {
            break;
        }
        if (taken == TAKE_BAD) {
            begin_search(self, direction, bytes, origin);
            size_t first = bytes.size > 0;
            pass_over(self, direction, first);
            bytes = span_skip(bytes, first);
            side->taken += first;
            break;
        }
        side->frames_in_row += side->frames_in_row < TRUSTED_FRAMES;
    }
    if (bytes.size > 0) {
        carry_and_frame(self, direction, bytes, origin);
    }
}

/* Not MCBP: all bytes, those that have been waiting too, go into a class of their own. */
static void decide_other(struct framing *self)
{
    const struct side *sides = self->sides;
    struct span first = span_of(sides[0].opening, sides[0].opening_size);
    struct span second = span_of(sides[1].opening, sides[1].opening_size);
    enum other_protocol other = boundary_other_protocol(first, second);
    if (other == OTHER_UNKNOWN) { /* without a SYN the client may be either */
        other = boundary_other_protocol(second, first);
    }
    uint64_t *classes[] = {
        [OTHER_MEMCACHED_TEXT] = &ledger(self)->memcached_text,
        [OTHER_TLS] = &ledger(self)->tls,
        [OTHER_UNKNOWN] = &ledger(self)->other,
    };
    self->kind = NOT_MCBP;
    self->not_mcbp = classes[other];
    for (size_t i = 0; i < 2; i++) {
        *self->not_mcbp += self->sides[i].passed_over + self->sides[i].size;
        self->sides[i].passed_over = 0;
        side_deinit(&self->sides[i]);
    }
}

static bool opening_possible(const struct framing *self, const struct side *side)
{
    return boundary_possible(span_of(side->opening, side->opening_size),
                             self->context->options->frame_max);
}

/*
 * A conversation seen from its start is MCBP if its client begins with a request. One that looks
 * wrong may be so on purpose; then what the server makes of it tells.
 */
static void decide_by_openings(struct framing *self)
{
    const struct side *client = &self->sides[NET_FROM_INITIATOR];
    const struct side *server = &self->sides[NET_FROM_RESPONDER];
    uint8_t asked = client->opening_size > 0 ? client->opening[0] : MCBP_CLIENT_REQUEST;
    uint8_t said = server->opening_size > 0 ? server->opening[0] : MCBP_CLIENT_RESPONSE;
    bool can_be = (asked == MCBP_CLIENT_REQUEST || asked == MCBP_FLEX_CLIENT_REQUEST) &&
                  (said == MCBP_CLIENT_RESPONSE || said == MCBP_FLEX_CLIENT_RESPONSE ||
                   said == MCBP_SERVER_REQUEST);
    if (!can_be || client->size > SEARCH_WINDOW || server->size > SEARCH_WINDOW) {
        decide_other(self);
    } else if (opening_possible(self, client) || opening_possible(self, server)) {
        set_roles(self, NET_FROM_INITIATOR);
        frame_carried(self, NET_FROM_INITIATOR, SIZE_MAX);
        frame_carried(self, NET_FROM_RESPONDER, SIZE_MAX);
    }
}

static void undecided_data(struct framing *self, enum net_direction direction, struct span bytes,
                           const struct net_origin *origin)
{
    struct side *side = &self->sides[direction];
    side_note_opening(side, bytes);
    if (self->conversation.from_start) {
        if (side_carry(side, bytes, origin)) {
            decide_by_openings(self);
        } else {
            give_up_bytes(self, direction, bytes);
        }
        return;
    }
    carry_and_frame(self, direction, bytes, origin);
    if (self->kind == UNDECIDED && side->passed_over > PASSED_OVER_MAX) {
        decide_other(self);
    } else if (self->kind == MCBP) {
        enum net_direction opposite =
            direction == NET_FROM_INITIATOR ? NET_FROM_RESPONDER : NET_FROM_INITIATOR;
        frame_carried(self, opposite, SIZE_MAX);
    }
}

/* A datagram: all of it is framed now, or after those that belong to it. */
static void datagram(struct framing *self, enum net_direction direction, struct span bytes,
                     const struct net_origin *origin)
{
    if (self->kind == UNDECIDED) {
        side_note_opening(&self->sides[direction], bytes);
        if (udp_plausible(bytes, self->context->options->frame_max)) {
            decide_by_frame(self, direction, bytes.data + UDP_HEADER_SIZE);
        } else {
            struct side *side = &self->sides[direction];
            struct span inner =
                bytes.size > UDP_HEADER_SIZE ? span_skip(bytes, UDP_HEADER_SIZE) : span_of(NULL, 0);
            side->opening_size = 0;
            side_note_opening(side, inner);
            decide_other(self);
        }
    }
    if (self->kind == NOT_MCBP) {
        *self->not_mcbp += bytes.size;
        return;
    }
    struct udp_message message;
    enum dissect_role role = role_of(self, direction);
    if (!udp_add(&self->udp, role, bytes, origin, &message)) {
        return; /* kept until the rest comes; udp_deinit says if it doesn't */
    }
    struct ledger *classes = ledger(self);
    while (message.bytes.size > 0) {
        size_t used;
        if (take_frame(self, role, message.bytes, &message.origin, 0, message.request_id, &used) !=
            TAKEN) {
            tell_malformed(self, role, span_skip(message.bytes, used), &message.origin);
            classes->unparsed += message.bytes.size - used;
            break;
        }
        message.bytes = span_skip(message.bytes, used);
    }
    /* What memcached puts before each datagram goes with what it carries. */
    if (message.bytes.size > 0) {
        classes->unparsed += message.overhead;
    } else if (role == FROM_CLIENT) {
        classes->client_frames += message.overhead;
    } else {
        classes->server_frames += message.overhead;
    }
}

void framing_data(struct framing *self, enum net_direction direction, struct span bytes,
                  const struct net_origin *origin)
{
    if (self->conversation.protocol == NET_UDP) {
        datagram(self, direction, bytes, origin);
    } else if (self->kind == UNDECIDED) {
        undecided_data(self, direction, bytes, origin);
    } else if (self->kind == NOT_MCBP) {
        *self->not_mcbp += bytes.size;
    } else if (self->sides[direction].searching) {
        carry_and_frame(self, direction, bytes, origin);
    } else {
        frame_in_place(self, direction, bytes, origin);
    }
}

void framing_gap(struct framing *self, enum net_direction direction)
{
    struct side *side = &self->sides[direction];
    if (self->kind == NOT_MCBP || self->conversation.protocol == NET_UDP) {
        return;
    }
    if (self->kind == UNDECIDED) {
        self->conversation.from_start = false; /* what follows is not how it began */
        for (size_t i = 0; i < 2; i++) {
            self->sides[i].searching = true;
            self->sides[i].frames_in_row = 0;
        }
    }
    pass_over(self, direction, side->size);
    side_drop(side, side->size);
    begin_search(self, direction, span_of(NULL, 0), &side->latest);
}

/* The beginning of a server's frame that is carried when nothing more will come. */
static bool has_tail(const struct framing *self, enum net_direction direction)
{
    const struct side *side = &self->sides[direction];
    return self->kind == MCBP && self->conversation.protocol == NET_TCP &&
           role_of(self, direction) == FROM_SERVER && side->size > 0 && !side->searching;
}

void framing_end(struct framing *self, enum net_direction direction)
{
    const struct dissect_consumer *consumer = self->context->consumer;
    const struct side *side = &self->sides[direction];
    if (has_tail(self, direction)) {
        /* The server sent all it would: less than it announced. */
        begin_search(self, direction, side_carried(side), &side->origin);
    }
    if (self->kind == MCBP && consumer->end != NULL) {
        consumer->end(consumer->context, &self->conversation, role_of(self, direction));
    }
}

void framing_destroy(struct framing *self)
{
    const struct dissect_consumer *consumer = self->context->consumer;
    if (self->kind == UNDECIDED) {
        decide_other(self);
    }
    for (size_t i = 0; i < 2; i++) {
        const struct side *side = &self->sides[i];
        if (has_tail(self, (enum net_direction)i) &&
            boundary_chain(side_carried(side), self->context->options->frame_max)) {
            /* A recording may end within a frame, but not one that has swallowed others. */
            begin_search(self, (enum net_direction)i, side_carried(side), &side->origin);
        }
        ledger(self)->unparsed += self->sides[i].size;
        side_deinit(&self->sides[i]);
    }
    uint64_t lost = 0;
    ledger(self)->unparsed += udp_deinit(&self->udp, &lost);
    ledger(self)->lost += lost;
    if (self->kind == MCBP && consumer->closed != NULL) {
        consumer->closed(consumer->context, &self->conversation);
    }
    free(self);
}
