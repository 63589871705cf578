#include "anonymise/traffic.h"

#include "capture/capture.h"
#include "net/decode.h"

#include <stdio.h>
#include <stdlib.h>

enum { PROGRESS_PACKETS = 16384 };

struct traffic {
    const struct traffic_listener *listener;
    struct span file;
    struct capture *capture;
    struct container container;
    struct net_decoder *decoder;
    struct net_flow *flow;
    struct pieces *pieces;
    struct dissect_options options;
    struct dissect_consumer consumer;
    struct framing_context framing;
    struct talk *talk; /* that is being told of */
    bool no_memory;
};

/* ------------------------------------------------------------------------------ conversations */

static struct talk *talk_of(struct traffic *self, struct net_conversation *conversation)
{
    if (conversation->user == NULL) {
        conversation->user = talk_create(conversation, &self->framing, &self->listener->talk);
        self->no_memory |= conversation->user == NULL;
    }
    self->talk = conversation->user;
    return self->talk;
}

static void on_data(void *context, struct net_conversation *conversation,
                    enum net_direction direction, struct span bytes,
                    const struct net_origin *origin)
{
    struct talk *talk = talk_of(context, conversation);
    if (talk != NULL) {
        talk_data(talk, conversation, direction, bytes, origin);
    }
}

static void on_gap(void *context, struct net_conversation *conversation,
                   enum net_direction direction, uint64_t lost)
{
    (void)lost;
    struct talk *talk = talk_of(context, conversation);
    if (talk != NULL) {
        talk_gap(talk, conversation, direction);
    }
}

static void on_end(void *context, struct net_conversation *conversation,
                   enum net_direction direction)
{
    struct traffic *self = context;
    if (conversation->user != NULL) {
        self->talk = conversation->user;
        talk_end(self->talk, conversation, direction);
    }
}

static void on_closed(void *context, struct net_conversation *conversation)
{
    struct traffic *self = context;
    if (conversation->user != NULL) {
        self->talk = conversation->user;
        talk_destroy(self->talk, conversation);
        conversation->user = NULL;
        self->talk = NULL;
    }
}

static void on_frame(void *context, struct dissect_conversation *conversation,
                     const struct dissect_frame *frame)
{
    struct traffic *self = context;
    talk_frame(self->talk, conversation, frame);
}

static void on_lost(void *context, struct dissect_conversation *conversation,
                    enum dissect_role role, bool missing)
{
    struct traffic *self = context;
    (void)missing;
    talk_lost(self->talk, conversation, role);
}

/* Only told of conversations of the binary protocol. */
static void on_mcbp_closed(void *context, struct dissect_conversation *conversation)
{
    struct traffic *self = context;
    if (self->listener->talk.mcbp != NULL) {
        self->listener->talk.mcbp(self->listener->talk.context, conversation->id);
    }
}

/* ------------------------------------------------------------------------------------ packets */

static void tell_place(struct traffic *self, uint64_t stream, uint64_t offset, uint64_t file_at,
                       uint64_t size)
{
    struct place place = {
        .stream = stream, .offset = offset, .file_at = file_at, .size = (uint32_t)size};
    if (size > 0 && self->listener->place != NULL) {
        self->listener->place(self->listener->context, &place);
    }
}

/* The shares that fragments have in a payload of `size` bytes. */
static void tell_fragments(struct traffic *self, const struct layout *layout, uint64_t stream,
                           uint64_t offset, size_t size)
{
    struct ip_datagram datagram;
    if (!pieces_take(self->pieces, layout, self->file.data, &datagram)) {
        self->no_memory = true;
        return;
    }
    if (self->listener->datagram != NULL) {
        self->listener->datagram(self->listener->context, &datagram);
    }
    for (size_t i = 0; i < datagram.count; i++) {
        const struct ip_piece *piece = &datagram.pieces[i];
        uint64_t from = piece->offset > datagram.payload ? piece->offset : datagram.payload;
        uint64_t to = piece->offset + (uint64_t)piece->size;
        uint64_t end = (uint64_t)datagram.payload + size;
        to = to < end ? to : end;
        if (from < to) {
            tell_place(self, stream, offset + (from - datagram.payload),
                       piece->file_at + (from - piece->offset), to - from);
        }
    }
    free(datagram.pieces);
}

/* Follows the segment, and finds where its payload lies. */
static void follow(struct traffic *self, struct traffic_packet *told,
                   const struct net_segment *segment)
{
    const struct net_packet *packet = told->packet;
    struct net_origin origin = {.packet = packet->number, .time = packet->time};
    struct net_place place = {0};
    net_flow_receive(self->flow, segment, &origin);
    bool known = segment->protocol == NET_UDP || net_flow_place(self->flow, segment, &place);
    uint64_t stream = told->stream;
    if (segment->protocol == NET_TCP) {
        stream = talk_stream(place.conversation, &segment->source, &segment->destination);
    }
    if (known && told->layout->ip.fragment) {
        tell_fragments(self, told->layout, stream, place.offset, segment->payload.size);
    } else if (known) {
        told->stream = stream;
        told->offset = place.offset;
        told->placed = true;
        uint64_t at = (uint64_t)(segment->payload.data - packet->bytes.data);
        tell_place(self, stream, place.offset, told->part->data_at + at, segment->payload.size);
    }
}

static void follow_packet(struct traffic *self, struct traffic_packet *told)
{
    struct net_segment segment;
    uint32_t cut;
    if (told->layout->is_ip && told->layout->ip.fragment &&
        !pieces_add(self->pieces, told->layout, told->part->data_at)) {
        self->no_memory = true;
    }
    if (net_decode(self->decoder, told->packet, &segment, &cut) == NET_SEGMENT) {
        follow(self, told, &segment);
    }
}

static bool on_packet(struct traffic *self, const struct net_packet *packet)
{
    struct container_part part;
    while ((part = container_next(&self->container)).kind == CONTAINER_AROUND ||
           part.kind == CONTAINER_OPAQUE) {
        if (self->listener->part != NULL) {
            self->listener->part(self->listener->context, &part);
        }
    }
    if (part.kind != CONTAINER_PACKET || packet->bytes.size > part.data_size ||
        memcmp(self->file.data + part.data_at, packet->bytes.data, packet->bytes.size) != 0) {
        return false;
    }
    struct layout layout;
    layout_find(packet, &layout);
    struct traffic_packet told = {
        .packet = packet,
        .part = &part,
        .layout = &layout,
        .stream = STREAM_OF_PACKET + packet->number,
    };
    if (self->listener->talk.frame != NULL) {
        follow_packet(self, &told);
    }
    if (self->listener->packet != NULL) {
        self->listener->packet(self->listener->context, &told);
    }
    return true;
}

/* What follows the last packet has none in it. */
static bool on_rest(struct traffic *self)
{
    struct container_part part;
    while ((part = container_next(&self->container)).kind == CONTAINER_AROUND ||
           part.kind == CONTAINER_OPAQUE) {
        if (self->listener->part != NULL) {
            self->listener->part(self->listener->context, &part);
        }
    }
    return part.kind == CONTAINER_END;
}

/* ---------------------------------------------------------------------------------------- all */

static enum traffic_result read_packets(struct traffic *self, const char *path, char *message)
{
    struct net_packet packet;
    enum capture_next next;
    bool agrees = true;
    while (agrees && (next = capture_next(self->capture, &packet)) == CAPTURE_PACKET) {
        agrees = on_packet(self, &packet);
        if (self->listener->progress != NULL && packet.number % PROGRESS_PACKETS == 0) {
            self->listener->progress(self->listener->context, capture_bytes_read(self->capture),
                                     capture_bytes_total(self->capture));
        }
    }
    if (agrees && next != CAPTURE_END) {
        snprintf(message, TRAFFIC_MESSAGE_SIZE, "%s", capture_message(self->capture));
        return TRAFFIC_UNREADABLE;
    }
    if (!agrees || !on_rest(self)) {
        snprintf(message, TRAFFIC_MESSAGE_SIZE,
                 "%s: byte %llu: libpcap finds another packet here than the file's format says, or "
                 "the file is being written to",
                 path, (unsigned long long)self->container.at);
        return TRAFFIC_UNREADABLE;
    }
    return TRAFFIC_READ;
}

static bool begin(struct traffic *self)
{
    struct net_decoder_options decoder = {.fragment_bytes_max = self->options.held_bytes_max};
    struct net_flow_options flow = {
        .conversations_max = self->options.conversations_max,
        .held_bytes_max = self->options.held_bytes_max,
        .held_segments_max = self->options.held_segments_max,
    };
    struct net_listener listener = {
        .context = self, .data = on_data, .gap = on_gap, .end = on_end, .closed = on_closed};
    self->decoder = net_decoder_create(&decoder);
    self->flow = net_flow_create(&flow, &listener);
    self->pieces = pieces_create();
    return self->decoder != NULL && self->flow != NULL && self->pieces != NULL;
}

static void end(struct traffic *self)
{
    pieces_destroy(self->pieces);
    net_flow_destroy(self->flow);
    net_decoder_destroy(self->decoder);
    capture_close(self->capture);
}

static enum traffic_result run(struct traffic *self, const char *path, char *message)
{
    if (!begin(self)) {
        snprintf(message, TRAFFIC_MESSAGE_SIZE, "out of memory");
        return TRAFFIC_FAILED;
    }
    enum traffic_result result = read_packets(self, path, message);
    net_flow_finish(self->flow);
    if (self->no_memory) {
        snprintf(message, TRAFFIC_MESSAGE_SIZE, "out of memory");
        return TRAFFIC_FAILED;
    }
    return result;
}

enum traffic_result traffic_run(const char *path, struct span file,
                                const struct traffic_listener *listener,
                                struct capture_result *counts, char message[TRAFFIC_MESSAGE_SIZE])
{
    struct traffic self = {.listener = listener, .file = file};
    struct capture_options options = {.filter = NULL};
    char problem[CAPTURE_MESSAGE_SIZE];
    dissect_options_init(&self.options);
    self.consumer = (struct dissect_consumer){
        .context = &self, .frame = on_frame, .lost = on_lost, .closed = on_mcbp_closed};
    self.framing = (struct framing_context){&self.options, &self.consumer, counts};
    if (capture_open(path, &options, &self.capture, problem) != CAPTURE_OPEN) {
        snprintf(message, TRAFFIC_MESSAGE_SIZE, "%s", problem);
        return TRAFFIC_UNREADABLE;
    }
    enum traffic_result result = TRAFFIC_UNREADABLE;
    if (container_init(&self.container, file)) {
        result = run(&self, path, message);
    } else {
        snprintf(message, TRAFFIC_MESSAGE_SIZE,
                 "%s: byte 0: a form of pcap that can be read, but not anonymised", path);
    }
    end(&self);
    return result;
}
