#include "dissect/framing.h"

#include "dissect/boundary.h"
#include "dissect/side.h"
#include "dissect/udp.h"
#include "mcbp/opcode.h"

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
    bool client_ended;         /* its end has come */
    struct udp udp;
};

enum taken { TAKEN, TAKE_MORE, TAKE_BAD };

uint64_t framing_stream(uint64_t conversation, const struct net_endpoint *source,
                        const struct net_endpoint *destination)
{
    int order = memcmp(source->address, destination->address, sizeof(source->address));
    bool first = order < 0 || (order == 0 && source->port < destination->port);
    return conversation << 1 | (first ? 1 : 0);
}

static void report_rest_of_message(void *context, enum dissect_role role,
                                   const struct udp_message *rest);

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
        .first_packet = conversation->began.packet,
    };
    for (size_t i = 0; i < 2; i++) {
        self->sides[i].searching = !conversation->from_start;
        self->sides[i].framed = conversation->from_start;
        self->sides[i].frames_in_row = conversation->from_start ? TRUSTED_FRAMES : 0;
    }
    self->conversation.streams[NET_FROM_INITIATOR].number =
        framing_stream(conversation->id, &conversation->initiator, &conversation->responder);
    self->conversation.streams[NET_FROM_RESPONDER].number =
        framing_stream(conversation->id, &conversation->responder, &conversation->initiator);
    self->udp.given_up = report_rest_of_message;
    self->udp.context = self;
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

static void framing_count_frame(struct framing *self, const struct dissect_frame *frame)
{
    struct capture_result *result = self->context->result;
    const struct mcbp_header *header = &frame->frame.header;
    bool servers = header->magic == MCBP_SERVER_REQUEST || header->magic == MCBP_SERVER_RESPONSE;
    struct opcode_counts *counts = opcode_table_at(&result->opcodes, servers, header->opcode);
    if (frame->role == FROM_CLIENT) {
        result->client_frames++;
        result->ledger.client_frames += frame->frame.bytes.size;
    } else {
        result->server_frames++;
        result->ledger.server_frames += frame->frame.bytes.size;
    }
    if (counts == NULL) {
        return; /* no memory */
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
        framing_count_frame(self, frame);
    }
    if (self->context->consumer->frame != NULL) {
        self->context->consumer->frame(self->context->consumer->context, &self->conversation,
                                       frame);
    }
}

static void tell_lost(struct framing *self, enum dissect_role role, uint64_t missing)
{
    if (self->kind == MCBP && self->context->consumer->lost != NULL) {
        self->context->consumer->lost(self->context->consumer->context, &self->conversation, role,
                                      missing);
    }
}

static void report_skipped(struct framing *self, enum net_direction direction, uint64_t at,
                           size_t size, struct span bytes)
{
    const struct dissect_consumer *consumer = self->context->consumer;
    if (size > 0 && consumer->skipped != NULL) {
        consumer->skipped(consumer->context, &self->conversation, role_of(self, direction), at,
                          size, bytes);
    }
}

static void report_unfinished(struct framing *self, struct dissect_frame *frame, struct span bytes)
{
    const struct dissect_consumer *consumer = self->context->consumer;
    frame->frame.bytes = bytes;
    if (bytes.size > 0 && consumer->unfinished != NULL) {
        consumer->unfinished(consumer->context, &self->conversation, frame);
    }
}

/* A frame of a TCP stream, but for its bytes, of which the first is the one that is counted `at`.
 * They lie in *range. */
static struct dissect_frame frame_in_stream(const struct framing *self,
                                            enum net_direction direction, uint64_t at, size_t size,
                                            const struct net_origin *origin,
                                            struct dissect_range *range)
{
    enum dissect_role role = role_of(self, direction);
    const struct dissect_stream *stream = &self->conversation.streams[role];
    *range = (struct dissect_range){stream->number, at + stream->shift, size};
    return (struct dissect_frame){.origin = *origin,
                                  .role = role,
                                  .at = at,
                                  .request_id = -1,
                                  .ranges = range,
                                  .ranges_count = 1};
}

/* Nothing more will come behind what is carried: no frame will be made of it. */
static void report_rest(struct framing *self, enum net_direction direction)
{
    const struct side *side = &self->sides[direction];
    if (self->kind != MCBP || side->searching) {
        report_skipped(self, direction, side->taken, side_size(side), side_carried(side));
    } else {
        struct dissect_range range;
        struct dissect_frame frame =
            frame_in_stream(self, direction, side->taken, side_size(side), &side->origin, &range);
        report_unfinished(self, &frame, side_carried(side));
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

/* Takes the frame that `bytes` begins with, of which the rest is known; *used says how many bytes
 * it had. */
static enum taken take_frame(struct framing *self, struct dissect_frame *frame, struct span bytes,
                             size_t *used)
{
    enum mcbp_parse parse = mcbp_frame_parse(bytes, &frame->frame);
    *used = 0;
    if (parse == MCBP_BAD_LENGTHS && frame->role == FROM_CLIENT) {
        /* A server answers to the header alone; nothing can be said of the bytes behind it. */
        frame->bad_lengths = true;
        frame->frame.bytes = span_head(bytes, MCBP_HEADER_SIZE);
        *used = MCBP_HEADER_SIZE;
        ledger(self)->unparsed += MCBP_HEADER_SIZE; /* it is no frame */
        tell_frame(self, frame);
        return TAKE_BAD;
    }
    if (parse == MCBP_BAD_MAGIC || parse == MCBP_BAD_LENGTHS ||
        frame->frame.bytes.size > self->context->options->frame_max) {
        return TAKE_BAD;
    }
    if (parse == MCBP_NEED_MORE) {
        return TAKE_MORE;
    }
    *used = frame->frame.bytes.size;
    tell_frame(self, frame);
    return TAKEN;
}

/* The same of a TCP stream. */
static enum taken take_from_stream(struct framing *self, enum net_direction direction,
                                   struct span bytes, const struct net_origin *origin, uint64_t at,
                                   size_t *used)
{
    struct dissect_range range;
    struct dissect_frame frame = frame_in_stream(self, direction, at, bytes.size, origin, &range);
    return take_frame(self, &frame, bytes, used);
}

/* The stream can't be framed at `bytes`: from here on a boundary is searched for. */
static void begin_search(struct framing *self, enum net_direction direction, struct span bytes,
                         uint64_t missing, const struct net_origin *origin)
{
    struct side *side = &self->sides[direction];
    enum dissect_role role = role_of(self, direction);
    if (side->frames_in_row >= TRUSTED_FRAMES) {
        tell_malformed(self, role, bytes, origin);
    }
    side->searching = true;
    side->frames_in_row = 0;
    tell_lost(self, role, missing);
}

/* What was passed over since the loss was reported may have been frames of a form that is not
 * known: they are lost too, at a later time. */
static void tell_passed(struct framing *self, enum net_direction direction)
{
    struct side *side = &self->sides[direction];
    if (side->passed) {
        tell_lost(self, role_of(self, direction), 0);
    }
    side->passed = false;
}

static void count_skipped(struct framing *self, enum net_direction direction, size_t size)
{
    if (self->kind == MCBP) {
        ledger(self)->unparsed += size;
        self->context->result->skipped += self->sides[direction].framed ? 0 : size;
    } else {
        self->sides[direction].passed_over += size;
    }
}

/* Bytes that are carried from `from` on, and in which no frame begins. */
static void pass_over(struct framing *self, enum net_direction direction, size_t from, size_t size)
{
    struct side *side = &self->sides[direction];
    report_skipped(self, direction, side->taken + from, size, span_skip(side_carried(side), from));
    count_skipped(self, direction, size);
    side->passed |= size > 0;
}

static void set_roles(struct framing *self, enum net_direction client)
{
    self->kind = MCBP;
    self->client = client;
    if (client == NET_FROM_RESPONDER) {
        struct net_endpoint initiator = self->conversation.client;
        self->conversation.client = self->conversation.server;
        self->conversation.server = initiator;
        struct dissect_stream stream = self->conversation.streams[FROM_CLIENT];
        self->conversation.streams[FROM_CLIENT] = self->conversation.streams[FROM_SERVER];
        self->conversation.streams[FROM_SERVER] = stream;
    }
    for (size_t i = 0; i < 2; i++) {
        ledger(self)->unparsed += self->sides[i].passed_over;
        self->context->result->skipped += self->sides[i].passed_over;
        self->sides[i].passed_over = 0;
    }
}

static void decide_by_frame(struct framing *self, enum net_direction direction,
                            const uint8_t *header)
{
    bool initiator_is_client = boundary_is_clients(header) == (direction == NET_FROM_INITIATOR);
    set_roles(self, initiator_is_client ? NET_FROM_INITIATOR : NET_FROM_RESPONDER);
}

/* Takes frames out of the carry from `from` on. Returns where it stopped. */
static size_t take_carried(struct framing *self, enum net_direction direction, size_t from,
                           enum taken *taken)
{
    struct side *side = &self->sides[direction];
    *taken = TAKE_MORE;
    while (from < side_size(side)) {
        size_t used;
        *taken =
            take_from_stream(self, direction, span_skip(side_carried(side), from),
                             from == 0 ? &side->origin : &side->latest, side->taken + from, &used);
        from += used;
        if (*taken != TAKEN) {
            break;
        }
        side->frames_in_row += side->frames_in_row < TRUSTED_FRAMES;
    }
    return from;
}

static enum boundary_sender sender_of(const struct framing *self, enum net_direction direction)
{
    if (self->kind == UNDECIDED) {
        return BOUNDARY_OF_ANY;
    }
    return role_of(self, direction) == FROM_CLIENT ? BOUNDARY_OF_CLIENT : BOUNDARY_OF_SERVER;
}

/* A response was found before any request, and is carried until the other side tells more. */
static bool is_tentative(const struct framing *self, enum net_direction direction)
{
    const struct side *side = &self->sides[direction];
    return self->kind == UNDECIDED && !self->conversation.from_start && side_size(side) > 0 &&
           !side->searching;
}

/* What was found where the carry begins is no frame. */
static void search_on(struct framing *self, enum net_direction direction)
{
    self->sides[direction].searching = true;
    pass_over(self, direction, 0, 1);
    side_drop(&self->sides[direction], 1);
}

static void frame_carried(struct framing *self, enum net_direction direction, size_t segment);

/*
 * What a frame found in the middle of a stream says of the conversation. False: nothing, since both
 * sides seem to send responses. A client's frame decides; a response alone does so when its request
 * may be missing from the capture, or nobody says otherwise.
 */
static bool take_evidence(struct framing *self, enum net_direction direction, const uint8_t *header)
{
    enum net_direction opposite = 1 - direction;
    if (boundary_is_clients(header) || self->sides[opposite].lossy) {
        bool waits = is_tentative(self, opposite);
        decide_by_frame(self, direction, header);
        if (waits) {
            frame_carried(self, opposite, SIZE_MAX); /* it came before */
        }
    } else if (is_tentative(self, opposite)) {
        search_on(self, opposite);
        return false;
    }
    return true;
}

/* Frames what is carried: in place if the side is in step, after a boundary otherwise. */
static void frame_carried(struct framing *self, enum net_direction direction, size_t segment)
{
    struct side *side = &self->sides[direction];
    size_t at = 0;
    while (!is_tentative(self, direction)) {
        if (side->searching) {
            size_t offset = 0;
            struct span rest = span_skip(side_carried(side), at);
            enum boundary_search found = boundary_find(
                rest, segment >= at ? segment - at : SIZE_MAX, sender_of(self, direction),
                self->context->options->frame_max, &offset);
            pass_over(self, direction, at, offset);
            at += offset;
            if (found == BOUNDARY_UNDECIDED && side_size(side) - at > SEARCH_WINDOW) {
                pass_over(self, direction, at, 1);
                at++;
                continue;
            }
            if (found != BOUNDARY_FOUND) {
                break;
            }
            if (self->kind == UNDECIDED &&
                !take_evidence(self, direction, side_carried(side).data + at)) {
                pass_over(self, direction, at, 1);
                at++;
                continue;
            }
            side->searching = false;
            side->framed = true;
            tell_passed(self, direction);
            continue;
        }
        enum taken taken;
        at = take_carried(self, direction, at, &taken);
        if (taken != TAKE_BAD) {
            break;
        }
        begin_search(self, direction, span_skip(side_carried(side), at), 0, &side->latest);
        if (at < side_size(side)) {
            pass_over(self, direction, at, 1);
            at++;
        }
    }
    side_drop(side, at);
}

/* Out of memory: what can't be kept can't be framed. */
static void give_up_bytes(struct framing *self, enum net_direction direction, struct span bytes)
{
    struct side *side = &self->sides[direction];
    count_skipped(self, direction, side_size(side) + bytes.size);
    side_drop(side, side_size(side));
    side->taken += bytes.size;
    begin_search(self, direction, span_of(NULL, 0), bytes.size, &side->latest);
}

static void carry_and_frame(struct framing *self, enum net_direction direction, struct span bytes,
                            const struct net_origin *origin)
{
    struct side *side = &self->sides[direction];
    size_t segment = side_size(side);
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
    while (side_size(side) > 0 && bytes.size > 0 && !side->searching) {
        struct mcbp_frame frame;
        mcbp_frame_parse(side_carried(side), &frame); /* comes to MCBP_NEED_MORE, with the size */
        size_t lacks = frame.bytes.size - side_size(side);
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
    if (side_size(side) > 0) {
        bytes = complete_carried(self, direction, bytes, origin);
    }
    while (bytes.size > 0 && !side->searching) {
        size_t used;
        enum taken taken = take_from_stream(self, direction, bytes, origin, side->taken, &used);
        bytes = span_skip(bytes, used);
        side->taken += used;
        if (taken == TAKE_MORE) {
            break;
        }
        if (taken == TAKE_BAD) {
            begin_search(self, direction, bytes, 0, origin);
            size_t first = bytes.size > 0;
            report_skipped(self, direction, side->taken, first, bytes);
            count_skipped(self, direction, first);
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

static void report_text(struct framing *self, enum net_direction direction, struct span bytes,
                        const struct net_origin *origin)
{
    const struct dissect_consumer *consumer = self->context->consumer;
    if (self->not_mcbp == &ledger(self)->memcached_text && bytes.size > 0 &&
        consumer->text != NULL) {
        consumer->text(consumer->context, &self->conversation, role_of(self, direction), bytes,
                       origin);
    }
}

/* Not MCBP: all bytes, those that have been waiting too, go into a class of their own. */
static void decide_other(struct framing *self)
{
    struct span first = side_opening(&self->sides[0]);
    struct span second = side_opening(&self->sides[1]);
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
        *self->not_mcbp += self->sides[i].passed_over + side_size(&self->sides[i]);
        self->sides[i].passed_over = 0;
        report_text(self, (enum net_direction)i, side_carried(&self->sides[i]),
                    &self->sides[i].latest);
        side_deinit(&self->sides[i]);
    }
}

static bool opening_possible(const struct framing *self, const struct side *side)
{
    return boundary_possible(side_opening(side), self->context->options->frame_max);
}

/*
 * A conversation seen from its start is MCBP if its client begins with a request. One that looks
 * wrong may be so on purpose; then what the server makes of it tells, were it a broken answer. So
 * it does of one that may be a hello of SSL.
 */
static void decide_by_openings(struct framing *self)
{
    const struct side *client = &self->sides[NET_FROM_INITIATOR];
    const struct side *server = &self->sides[NET_FROM_RESPONDER];
    uint8_t asked = client->opening_size > 0 ? client->opening[0] : MCBP_CLIENT_REQUEST;
    uint8_t said = server->opening_size > 0 ? server->opening[0] : MCBP_CLIENT_RESPONSE;
    bool is_request = asked == MCBP_CLIENT_REQUEST || asked == MCBP_FLEX_CLIENT_REQUEST;
    bool can_be = is_request && (said == MCBP_CLIENT_RESPONSE ||
                                 said == MCBP_FLEX_CLIENT_RESPONSE || said == MCBP_SERVER_REQUEST);
    bool unclear = server->opening_size == 0 && boundary_is_sslv2_hello(side_opening(client));
    bool possible = can_be && (opening_possible(self, client) || opening_possible(self, server));
    bool echo = is_request && boundary_is_echo(side_opening(client), side_opening(server));
    if ((possible && !unclear) || echo) {
        set_roles(self, NET_FROM_INITIATOR);
        frame_carried(self, NET_FROM_INITIATOR, SIZE_MAX);
        frame_carried(self, NET_FROM_RESPONDER, SIZE_MAX);
    } else if (!can_be || side_size(client) > SEARCH_WINDOW || side_size(server) > SEARCH_WINDOW) {
        decide_other(self);
    }
}

/* A side from which responses came, and the capture does not have what the other one asked. */
static bool decide_by_one_side(struct framing *self)
{
    for (enum net_direction i = NET_FROM_INITIATOR; i <= NET_FROM_RESPONDER; i++) {
        const struct side *asking = &self->sides[1 - i];
        if (is_tentative(self, i) && (asking->opening_size == 0 || asking->lossy)) {
            set_roles(self, 1 - i);
            frame_carried(self, i, SIZE_MAX);
            return true;
        }
    }
    return false;
}

/* Responses have been carried for too long without a request in sight. */
static void bound_tentative(struct framing *self, enum net_direction direction)
{
    struct side *side = &self->sides[direction];
    while (is_tentative(self, direction) && side_size(side) > SEARCH_WINDOW &&
           !decide_by_one_side(self)) {
        search_on(self, direction);
        frame_carried(self, direction, SIZE_MAX);
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
    bound_tentative(self, direction);
    if (self->kind == UNDECIDED && side->passed_over > PASSED_OVER_MAX) {
        decide_other(self);
    } else if (self->kind == MCBP) {
        enum net_direction opposite =
            direction == NET_FROM_INITIATOR ? NET_FROM_RESPONDER : NET_FROM_INITIATOR;
        frame_carried(self, opposite, SIZE_MAX);
    }
}

static struct span udp_inner(struct span datagram)
{
    return datagram.size > UDP_HEADER_SIZE ? span_skip(datagram, UDP_HEADER_SIZE)
                                           : span_of(NULL, 0);
}

static struct dissect_frame frame_in_message(enum dissect_role role,
                                             const struct udp_message *message)
{
    return (struct dissect_frame){.origin = message->origin,
                                  .role = role,
                                  .request_id = message->request_id,
                                  .ranges = message->ranges,
                                  .ranges_count = message->ranges_count};
}

/* What is left of a message, or has come of one, is no whole frame. */
static void report_rest_of_message(void *context, enum dissect_role role,
                                   const struct udp_message *rest)
{
    struct framing *self = context;
    struct dissect_frame frame = frame_in_message(role, rest);
    enum mcbp_parse parse = mcbp_frame_parse(rest->bytes, &frame.frame);
    if (parse == MCBP_NEED_MORE || parse == MCBP_FRAME) {
        report_unfinished(self, &frame, rest->bytes);
    }
}

/* Takes the frames of a message. What memcached puts before each datagram goes with what it
 * carries. */
static void take_message(struct framing *self, enum dissect_role role, struct udp_message *message)
{
    struct ledger *classes = ledger(self);
    enum taken taken = TAKEN;
    while (message->bytes.size > 0 && taken == TAKEN) {
        size_t used;
        struct dissect_frame frame = frame_in_message(role, message);
        taken = take_frame(self, &frame, message->bytes, &used);
        udp_message_skip(message, used);
    }
    if (taken != TAKEN) {
        tell_malformed(self, role, message->bytes, &message->origin);
        report_rest_of_message(self, role, message);
        classes->unparsed += message->bytes.size + message->overhead;
    } else if (role == FROM_CLIENT) {
        classes->client_frames += message->overhead;
    } else {
        classes->server_frames += message->overhead;
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
            side->opening_size = 0;
            side_note_opening(side, udp_inner(bytes));
            decide_other(self);
        }
    }
    if (self->kind == NOT_MCBP) {
        *self->not_mcbp += bytes.size;
        report_text(self, direction, udp_inner(bytes), origin);
        return;
    }
    struct udp_message message;
    enum dissect_role role = role_of(self, direction);
    if (udp_add(&self->udp, role, bytes, origin, &message)) { /* else it is kept, or given up */
        take_message(self, role, &message);
    }
}

/* Notes where bytes lie, and tells the consumer. */
static void framing_place_data(struct framing *self, enum net_direction direction, uint64_t offset,
                               struct span bytes, const struct net_origin *origin)
{
    const struct dissect_consumer *consumer = self->context->consumer;
    const struct side *side = &self->sides[direction];
    struct dissect_stream *stream = &self->conversation.streams[role_of(self, direction)];
    bool tcp = self->conversation.protocol == NET_TCP;
    stream->shift = offset - (side->taken + side_size(side));
    if (consumer->data != NULL) {
        struct dissect_range range = {tcp ? stream->number : STREAM_OF_PACKET + origin->packet,
                                      offset, bytes.size};
        consumer->data(consumer->context, &self->conversation, &range, bytes);
    }
}

/* The rest of a client's frame may come only after the server has answered what it has of it. */
static void tell_begun(struct framing *self)
{
    const struct dissect_consumer *consumer = self->context->consumer;
    struct side *side = &self->sides[self->client];
    struct mcbp_frame begun;
    if (consumer->begun == NULL || self->kind != MCBP || side->searching ||
        side->begun == side->taken + 1 || !mcbp_frame_has_begun(side_carried(side), &begun)) {
        return;
    }
    struct dissect_range range;
    struct dissect_frame frame =
        frame_in_stream(self, self->client, side->taken, begun.bytes.size, &side->origin, &range);
    frame.frame = begun;
    side->begun = side->taken + 1;
    consumer->begun(consumer->context, &self->conversation, &frame);
}

void framing_data(struct framing *self, enum net_direction direction, uint64_t offset,
                  struct span bytes, const struct net_origin *origin)
{
    framing_place_data(self, direction, offset, bytes, origin);
    if (self->conversation.protocol == NET_UDP) {
        datagram(self, direction, bytes, origin);
    } else if (self->kind == UNDECIDED) {
        undecided_data(self, direction, bytes, origin);
    } else if (self->kind == NOT_MCBP) {
        *self->not_mcbp += bytes.size;
        report_text(self, direction, bytes, origin);
    } else if (self->sides[direction].searching) {
        carry_and_frame(self, direction, bytes, origin);
    } else {
        frame_in_place(self, direction, bytes, origin);
    }
    tell_begun(self);
}

void framing_gap(struct framing *self, enum net_direction direction, uint64_t lost)
{
    struct side *side = &self->sides[direction];
    if (self->kind == NOT_MCBP || self->conversation.protocol == NET_UDP) {
        return;
    }
    side->lossy = true;
    if (self->kind == UNDECIDED && self->conversation.from_start) {
        self->conversation.from_start = false; /* what follows is not how it began */
        self->conversation.beginning_lost += lost + side_size(side);
        for (size_t i = 0; i < 2; i++) {
            self->sides[i].searching = true;
            self->sides[i].frames_in_row = 0;
        }
    } else if (self->kind == UNDECIDED) {
        decide_by_one_side(self);
    }
    report_rest(self, direction);
    lost += side_size(side);
    count_skipped(self, direction, side_size(side));
    side_drop(side, side_size(side));
    begin_search(self, direction, span_of(NULL, 0), lost, &side->latest);
}

/* The beginning of a server's frame that is carried when nothing more will come. */
static bool has_tail(const struct framing *self, enum net_direction direction)
{
    const struct side *side = &self->sides[direction];
    return self->kind == MCBP && self->conversation.protocol == NET_TCP &&
           role_of(self, direction) == FROM_SERVER && side_size(side) > 0 && !side->searching;
}

void framing_end(struct framing *self, enum net_direction direction,
                 const struct net_conversation *conversation)
{
    const struct dissect_consumer *consumer = self->context->consumer;
    struct side *side = &self->sides[direction];
    self->conversation.client_reset =
        conversation->reset && role_of(self, conversation->reset_by) == FROM_CLIENT;
    self->conversation.server_reset = conversation->reset && !self->conversation.client_reset;
    bool cut_off = conversation->reset && (self->conversation.client_reset || self->client_ended);
    self->client_ended |= role_of(self, direction) == FROM_CLIENT;
    if (has_tail(self, direction) && !cut_off) {
        /* The server sent all it would: less than it announced. */
        report_rest(self, direction);
        begin_search(self, direction, side_carried(side), 0, &side->origin);
        count_skipped(self, direction, side_size(side));
        side_drop(side, side_size(side));
    }
    if (self->kind == MCBP && consumer->end != NULL) {
        consumer->end(consumer->context, &self->conversation, role_of(self, direction));
    }
}

void framing_destroy(struct framing *self)
{
    const struct dissect_consumer *consumer = self->context->consumer;
    if (self->kind == UNDECIDED && !decide_by_one_side(self)) {
        decide_other(self);
    }
    for (size_t i = 0; i < 2; i++) {
        const struct side *side = &self->sides[i];
        report_rest(self, (enum net_direction)i);
        if (has_tail(self, (enum net_direction)i) &&
            (boundary_is_misshapen(side_carried(side)) ||
             boundary_chain(side_carried(side), self->context->options->frame_max))) {
            /* A recording may end within a frame, but not one that there can't be, or that has
             * swallowed others. */
            begin_search(self, (enum net_direction)i, side_carried(side), 0, &side->origin);
        }
        ledger(self)->unparsed += side_size(&self->sides[i]);
        side_deinit(&self->sides[i]);
    }
    uint64_t lost = 0;
    ledger(self)->unparsed += udp_deinit(&self->udp, &lost);
    ledger(self)->lost += lost;
    if (self->kind == MCBP && consumer->closed != NULL) {
        consumer->closed(consumer->context, &self->conversation);
    } else if (self->kind == NOT_MCBP && consumer->other != NULL) {
        consumer->other(consumer->context, &self->conversation);
    }
    free(self);
}
