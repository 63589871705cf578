#include "anonymise/talk.h"

#include "anonymise/datagrams.h"
#include "replay/boundary.h"

#include <stdlib.h>

uint64_t talk_stream(uint64_t conversation, const struct net_endpoint *source,
                     const struct net_endpoint *destination)
{
    int order = memcmp(source->address, destination->address, sizeof(source->address));
    bool first = order < 0 || (order == 0 && source->port < destination->port);
    return conversation << 1 | (first ? 1 : 0);
}

static uint64_t stream_of(const struct net_conversation *conversation, enum net_direction direction)
{
    const struct net_endpoint *ends[2] = {&conversation->initiator, &conversation->responder};
    return talk_stream(conversation->id, ends[direction], ends[1 - direction]);
}

struct talk *talk_create(const struct net_conversation *conversation,
                         const struct framing_context *framing,
                         const struct talk_listener *listener)
{
    struct talk *self = calloc(1, sizeof(*self));
    if (self == NULL) {
        return NULL;
    }
    self->id = conversation->id;
    self->listener = listener;
    self->udp = conversation->protocol == NET_UDP;
    self->framed = listener->is_mcbp != NULL && listener->is_mcbp(listener->context, self->id);
    self->sides[0].in_step = self->sides[1].in_step = conversation->from_start;
    self->framing = framing_create(framing, conversation);
    if (self->framing == NULL) {
        free(self);
        return NULL;
    }
    return self;
}

static void tell_harmless(const struct talk *self, uint64_t stream, uint64_t offset,
                          struct span bytes)
{
    if (bytes.size > 0 && self->listener->harmless != NULL) {
        self->listener->harmless(self->listener->context, stream, offset, bytes);
    }
}

/* What follows the last whole frame will not become one. Its header says no more than others do. */
static void tell_head(struct talk *self, uint64_t stream)
{
    struct talk_side *side = &self->sides[stream & 1];
    if (self->framed && side->in_step) {
        tell_harmless(self, stream, side->expected + side->shift,
                      span_of(side->head, side->head_size));
    }
    side->head_size = 0;
    side->in_step = false;
}

/* The fewest bytes by which another protocol is known: a word of a list, or TLS's version. */
static size_t known_by(struct span opening)
{
    const struct span none = span_of(NULL, 0);
    for (size_t size = 1; size <= opening.size; size++) {
        struct span word = span_head(opening, size);
        if (boundary_other_protocol(word, none) != OTHER_UNKNOWN ||
            boundary_other_protocol(none, word) != OTHER_UNKNOWN) {
            return size;
        }
    }
    return 0;
}

void talk_tell_opening(const struct talk *self, uint64_t stream, uint64_t offset,
                       struct span opening)
{
    size_t size = opening.size < TALK_OPENING ? opening.size : TALK_OPENING;
    if (!self->framed) {
        opening = span_head(opening, size);
        tell_harmless(self, stream, offset, span_head(opening, known_by(opening)));
    }
}

static void tell_opening(const struct talk *self, uint64_t stream)
{
    const struct talk_side *side = &self->sides[stream & 1];
    talk_tell_opening(self, stream, side->opening_at, span_of(side->opening, side->opening_size));
}

void talk_destroy(struct talk *self, const struct net_conversation *conversation)
{
    for (int i = 0; i < 2 && !self->udp; i++) {
        tell_head(self, stream_of(conversation, (enum net_direction)i));
    }
    if (self->udp) {
        datagrams_finish(self);
    }
    framing_destroy(self->framing);
    for (int i = 0; i < 2 && !self->udp; i++) {
        tell_opening(self, stream_of(conversation, (enum net_direction)i));
    }
    if (self->user != NULL) {
        self->listener->closed(self->listener->context, self->user);
    }
    free(self->datagrams);
    free(self->message);
    free(self);
}

/* Keeps what has come of the next frame's header. */
static void note_head(struct talk_side *side, struct span bytes)
{
    if (!side->in_step || side->told <= side->expected) {
        side->head_size = 0;
        return;
    }
    uint64_t have = side->told - side->expected; /* bytes of the frame that is not whole */
    struct span rest = have < bytes.size ? span_skip(bytes, bytes.size - have) : bytes;
    if (have == rest.size) {
        side->head_size = 0;
    }
    size_t room = sizeof(side->head) - side->head_size;
    size_t size = rest.size < room ? rest.size : room;
    memcpy(side->head + side->head_size, rest.data, size);
    side->head_size += size;
}

static void note_opening(struct talk_side *side, uint64_t offset, struct span bytes)
{
    if (side->told == 0) {
        side->opening_at = offset;
    }
    size_t room = sizeof(side->opening) - side->opening_size;
    size_t size = bytes.size < room ? bytes.size : room;
    if (side->told == side->opening_size && offset == side->opening_at + side->opening_size) {
        memcpy(side->opening + side->opening_size, bytes.data, size);
        side->opening_size += size;
    }
}

void talk_data(struct talk *self, const struct net_conversation *conversation,
               enum net_direction direction, struct span bytes, const struct net_origin *origin)
{
    if (self->udp) {
        datagrams_receive(self, direction, bytes, origin);
        return;
    }
    struct talk_side *side = &self->sides[stream_of(conversation, direction) & 1];
    uint64_t offset = net_stream_next(conversation, direction) - bytes.size;
    note_opening(side, offset, bytes);
    side->shift = offset - side->told;
    side->told += bytes.size;
    framing_data(self->framing, direction, bytes, origin);
    note_head(side, bytes);
}

void talk_gap(struct talk *self, const struct net_conversation *conversation,
              enum net_direction direction)
{
    if (!self->udp) {
        tell_head(self, stream_of(conversation, direction));
    }
    framing_gap(self->framing, direction);
}

/* The framing may find now that the server has sent less than it announced. */
void talk_end(struct talk *self, const struct net_conversation *conversation,
              enum net_direction direction)
{
    if (!self->udp) {
        tell_head(self, stream_of(conversation, direction));
    }
    framing_end(self->framing, direction);
}

void talk_frame(struct talk *self, const struct dissect_conversation *conversation,
                const struct dissect_frame *frame)
{
    self->framed = true;
    if (self->udp) {
        datagrams_frame(self, frame);
        return;
    }
    bool client = frame->role == FROM_CLIENT;
    uint64_t stream = talk_stream(self->id, client ? &conversation->client : &conversation->server,
                                  client ? &conversation->server : &conversation->client);
    struct talk_side *side = &self->sides[stream & 1];
    struct talk_piece piece = {stream, frame->at + side->shift, frame->frame.bytes.size};
    side->expected = frame->at + frame->frame.bytes.size;
    side->in_step = true;
    side->head_size = 0;
    struct talk_frame told = {.frame = frame, .pieces = &piece, .count = 1, .user = &self->user};
    self->listener->frame(self->listener->context, &told);
}

void talk_lost(struct talk *self, const struct dissect_conversation *conversation,
               enum dissect_role role)
{
    bool client = role == FROM_CLIENT;
    uint64_t stream = talk_stream(self->id, client ? &conversation->client : &conversation->server,
                                  client ? &conversation->server : &conversation->client);
    self->sides[stream & 1].in_step = false;
}
