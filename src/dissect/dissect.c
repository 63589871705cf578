#include "dissect/dissect.h"

#include "base/interrupt.h"
#include "base/memory.h"
#include "capture/capture.h"
#include "dissect/framing.h"
#include "net/decode.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { PROGRESS_PACKETS = 16384 };

struct dissection {
    struct framing_context framing;
    const struct dissect_options *options;
    struct capture_result *result;
    struct net_decoder *decoder;
    struct net_flow *flow;
    uint64_t headers_cut;     /* payload bytes that went with their headers */
    uint64_t failures_before; /* memory_failures() when it began */
};

void dissect_options_init(struct dissect_options *options)
{
    *options = (struct dissect_options){
        .frame_max = 32 << 20, /* Couchbase's largest document is 20 MiB */
        .conversations_max = 16384,
        .held_bytes_max = 16 << 20,
        .held_segments_max = 1024,
    };
}

static struct framing *framing_of(struct dissection *self, struct net_conversation *conversation)
{
    if (conversation->user == NULL) {
        conversation->user = framing_create(&self->framing, conversation);
    }
    return conversation->user;
}

static void on_data(void *context, struct net_conversation *conversation,
                    enum net_direction direction, struct span bytes,
                    const struct net_origin *origin)
{
    struct dissection *self = context;
    struct framing *framing = framing_of(self, conversation);
    if (framing == NULL) {
        self->result->ledger.unparsed += bytes.size; /* no memory */
        self->result->ledger.lost += bytes.size;
        return;
    }
    uint64_t offset = 0;
    if (conversation->protocol == NET_TCP) {
        offset = net_stream_next(conversation, direction) - bytes.size;
    }
    framing_data(framing, direction, offset, bytes, origin);
    if (self->framing.consumer->settled != NULL) {
        self->framing.consumer->settled(self->framing.consumer->context);
    }
}

static void on_gap(void *context, struct net_conversation *conversation,
                   enum net_direction direction, uint64_t lost)
{
    struct framing *framing = framing_of(context, conversation);
    if (framing != NULL) {
        framing_gap(framing, direction, lost);
    }
}

static void dissect_on_end(void *context, struct net_conversation *conversation,
                           enum net_direction direction)
{
    (void)context;
    if (conversation->user != NULL) {
        framing_end(conversation->user, direction, conversation);
    }
}

static void dissect_on_closed(void *context, struct net_conversation *conversation)
{
    (void)context;
    if (conversation->user != NULL) {
        framing_destroy(conversation->user);
        conversation->user = NULL;
    }
}

static void dissect_on_taken(void *context, const struct net_segment *segment,
                             const struct net_origin *origin, const struct net_place *place)
{
    const struct dissection *self = context;
    const struct dissect_consumer *consumer = self->framing.consumer;
    struct dissect_range range = {STREAM_OF_PACKET + origin->packet, 0, segment->payload.size};
    if (place != NULL) {
        range.stream = framing_stream(place->conversation, &segment->source, &segment->destination);
        range.offset = place->offset;
    }
    bool lies = place != NULL || segment->protocol == NET_UDP;
    consumer->taken(consumer->context, segment, origin, lies ? &range : NULL);
}

static void report_packet(struct dissection *self, const struct net_packet *packet,
                          const struct net_segment *segment)
{
    const struct dissect_consumer *consumer = self->framing.consumer;
    if (consumer->packet != NULL) {
        struct dissect_packet read = {packet, segment,
                                      segment != NULL ? net_decoder_datagram(self->decoder) : NULL};
        consumer->packet(consumer->context, &read);
    }
}

static void dissect_on_packet(struct dissection *self, const struct net_packet *packet)
{
    struct net_segment segment;
    uint32_t cut = 0;
    uint16_t port = self->options->port;
    if (self->options->packets_only) {
        report_packet(self, packet, NULL);
        return;
    }
    enum net_decoded decoded = net_decode(self->decoder, packet, &segment, &cut);
    report_packet(self, packet, decoded == NET_SEGMENT ? &segment : NULL);
    switch (decoded) {
    case NET_SEGMENT:
        if (port == 0 || segment.source.port == port || segment.destination.port == port) {
            struct net_origin origin = {.packet = packet->number, .time = packet->time};
            net_flow_receive(self->flow, &segment, &origin);
        }
        break;
    case NET_HEADERS_CUT:
        self->headers_cut += cut;
        break;
    case NET_FRAGMENT_HELD:
    case NET_NOT_TRANSPORT:
    case NET_MALFORMED:
        break;
    }
}

static void set_problem(struct capture_result *result, const char *problem)
{
    free(result->problem);
    result->problem = strdup(problem);
}

static bool dissect_is_out_of_memory(const struct dissection *self)
{
    return memory_failures() != self->failures_before;
}

/* Without memory for a part of it, the rest would be taken for something else. */
static bool dissect_is_wanted(const struct dissection *self)
{
    const struct dissect_consumer *consumer = self->framing.consumer;
    return !interrupted() && !dissect_is_out_of_memory(self) &&
           (consumer->stop == NULL || !consumer->stop(consumer->context));
}

/* A consumer may have said what it was interrupted in. */
static void set_interrupted(struct capture_result *result)
{
    char problem[64];
    snprintf(problem, sizeof(problem), "interrupted after %" PRIu64 " packets", result->packets);
    result->interrupted = true;
    result->status = VERIFY_NO_EVIDENCE;
    if (result->problem == NULL) {
        set_problem(result, problem);
    }
}

static void read_packets(struct dissection *self, struct capture *capture)
{
    const struct dissect_consumer *consumer = self->framing.consumer;
    struct net_packet packet;
    enum capture_next next = CAPTURE_PACKET;
    while (dissect_is_wanted(self) && (next = capture_next(capture, &packet)) == CAPTURE_PACKET) {
        dissect_on_packet(self, &packet);
        if (consumer->progress != NULL && packet.number % PROGRESS_PACKETS == 0) {
            consumer->progress(consumer->context, capture_bytes_read(capture),
                               capture_bytes_total(capture));
        }
        self->result->packets = packet.number;
    }
    self->result->dropped = capture_dropped(capture);
    if (interrupted() && next != CAPTURE_END) {
        set_interrupted(self->result);
        return; /* libpcap takes it for an error of reading */
    }
    if (next == CAPTURE_TRUNCATED) {
        self->result->truncated = true;
        self->result->ledger.lost += capture_lost(capture);
        set_problem(self->result, capture_message(capture));
    } else if (next == CAPTURE_DAMAGED) {
        self->result->status = VERIFY_UNREADABLE;
        set_problem(self->result, capture_message(capture));
    }
}

static void close_ledger(struct dissection *self)
{
    const struct net_flow_counters *counters = net_flow_counters(self->flow);
    struct ledger *ledger = &self->result->ledger;
    uint64_t abandoned = net_decoder_abandoned(self->decoder);
    uint64_t repeated = net_decoder_repeated(self->decoder);
    ledger->duplicate += counters->duplicate + repeated;
    ledger->unparsed += counters->late + abandoned;
    ledger->lost += counters->lost + self->headers_cut;
    ledger->not_mcbp = ledger->memcached_text + ledger->tls + ledger->other;
    ledger->total = counters->payload + abandoned + repeated;
    ledger->contradicting = counters->contradicting;
    assert(ledger_adds_up(ledger)); /* a release build checks it with the verdict */
}

static bool dissect_begin(struct dissection *self)
{
    struct net_decoder_options decoder_options = {.fragment_bytes_max =
                                                      self->options->held_bytes_max};
    struct net_flow_options flow_options = {
        .conversations_max = self->options->conversations_max,
        .held_bytes_max = self->options->held_bytes_max,
        .held_segments_max = self->options->held_segments_max,
        .keep_order = true,
    };
    struct net_listener listener = {.context = self,
                                    .data = on_data,
                                    .gap = on_gap,
                                    .end = dissect_on_end,
                                    .closed = dissect_on_closed};
    if (self->framing.consumer->taken != NULL) {
        listener.taken = dissect_on_taken;
    }
    self->decoder = net_decoder_create(&decoder_options);
    self->flow = net_flow_create(&flow_options, &listener);
    return self->decoder != NULL && self->flow != NULL;
}

static void dissect(struct dissection *self, struct capture *capture)
{
    if (dissect_begin(self)) {
        read_packets(self, capture);
        net_decoder_finish(self->decoder);
        net_flow_finish(self->flow);
        close_ledger(self);
    } else {
        memory_note_failure();
    }
    if (self->flow != NULL) {
        net_flow_destroy(self->flow);
    }
    if (self->decoder != NULL) {
        net_decoder_destroy(self->decoder);
    }
    capture_close(capture);
}

void dissect_capture(const char *path, const struct dissect_options *options,
                     const struct dissect_consumer *consumer, struct capture_result *result)
{
    struct dissection self = {
        .framing = {.options = options, .consumer = consumer, .result = result},
        .options = options,
        .result = result,
        .failures_before = memory_failures(),
    };
    char message[CAPTURE_MESSAGE_SIZE];
    struct capture_options capture_options = {.filter = options->filter};
    struct capture *capture;
    enum capture_open_result opened = capture_open(path, &capture_options, &capture, message);
    if (opened == CAPTURE_OPEN) {
        dissect(&self, capture);
    } else if (interrupted()) {
        set_interrupted(result);
    } else {
        result->status = opened == CAPTURE_BAD_FILTER ? VERIFY_USAGE : VERIFY_UNREADABLE;
        set_problem(result, message);
    }
    if (dissect_is_out_of_memory(&self)) {
        result->status = VERIFY_INTERNAL;
        set_problem(result, "out of memory");
    }
}
