#include "anonymise/anonymise.h"

#include "anonymise/scrub.h"
#include "anonymise/target.h"

#include <stdio.h>
#include <stdlib.h>

enum { DATAGRAM_MAX = 65536 };

struct passes {
    const struct anonymise_options *options;
    struct anonymise_result *result;
    struct source source;
    struct target target;
    struct scrub scrub;
    struct knowledge knowledge;
    struct rules rules;
    struct capture_result *counts; /* of the framing; written anew by each pass */
    uint8_t *mcbp;                 /* by conversation: 1 if it is of the binary protocol */
    size_t mcbp_room;
    uint8_t *frame; /* room for one that is replaced */
    size_t frame_room;
    bool no_memory;
    bool unplaced; /* a frame's bytes lie nowhere in the file */
    char *message;
};

/* --------------------------------------------------------------------------- conversations */

static struct rules_conversation *conversation_of(struct passes *self,
                                                  const struct talk_frame *frame)
{
    if (*frame->user == NULL) {
        *frame->user = calloc(1, sizeof(struct rules_conversation));
        self->no_memory |= *frame->user == NULL;
    }
    return *frame->user;
}

static void on_closed(void *context, void *user)
{
    (void)context;
    struct rules_conversation *conversation = user;
    asked_destroy(conversation->asked);
    free(conversation);
}

/* ----------------------------------------------------------------------------------- passes */

static bool finished(struct passes *self, enum traffic_result result)
{
    return result == TRAFFIC_READ && !self->no_memory && !self->scrub.no_memory &&
           !self->knowledge.no_memory && !secret_failed(self->scrub.secret);
}

static enum verify_status run(struct passes *self, const struct traffic_listener *listener)
{
    char message[TRAFFIC_MESSAGE_SIZE] = "out of memory";
    memset(self->counts, 0, sizeof(*self->counts));
    enum traffic_result result =
        traffic_run(self->source.path, self->source.bytes, listener, self->counts, message);
    if (finished(self, result)) {
        return VERIFY_IDENTICAL;
    }
    size_t prefix = strlen(self->source.path);
    bool renamed = strncmp(message, self->source.path, prefix) == 0;
    snprintf(self->message, ANONYMISE_MESSAGE_SIZE, "%s%s", renamed ? self->source.name : "",
             renamed ? message + prefix : message);
    return result == TRAFFIC_UNREADABLE ? VERIFY_UNREADABLE : VERIFY_INTERNAL;
}

static void on_progress(void *context, uint64_t bytes_read, uint64_t bytes_total)
{
    struct passes *self = context;
    if (self->options->progress != NULL) {
        self->options->progress(self->options->progress_context, bytes_read, bytes_total,
                                self->counts->server_frames);
    }
}

static struct traffic_listener listener_of(struct passes *self)
{
    return (struct traffic_listener){.context = self, .talk = {.context = self}};
}

/* 1. What is where, and which keys need attention. */

static void on_packet(void *context, const struct traffic_packet *packet)
{
    struct passes *self = context;
    scrub_packet(&self->scrub, packet);
}

static void on_part(void *context, const struct container_part *part)
{
    struct passes *self = context;
    scrub_part(&self->scrub, part);
}

static void on_place(void *context, const struct place *place)
{
    struct passes *self = context;
    scrub_place(&self->scrub, place);
}

static void on_datagram(void *context, const struct ip_datagram *datagram)
{
    struct passes *self = context;
    scrub_datagram(&self->scrub, datagram);
}

static void note_mcbp(void *context, uint64_t conversation)
{
    struct passes *self = context;
    if (conversation >= self->mcbp_room) {
        size_t room = 2 * (size_t)conversation + 64;
        uint8_t *grown = realloc(self->mcbp, room);
        if (grown == NULL) {
            self->no_memory = true;
            return;
        }
        memset(grown + self->mcbp_room, 0, room - self->mcbp_room);
        self->mcbp = grown;
        self->mcbp_room = room;
    }
    self->mcbp[conversation] = 1;
}

static bool is_mcbp(void *context, uint64_t conversation)
{
    const struct passes *self = context;
    return conversation < self->mcbp_room && self->mcbp[conversation] != 0;
}

static void scrub_frame(void *context, const struct talk_frame *frame)
{
    struct passes *self = context;
    knowledge_note_key(&self->knowledge, frame->frame);
}

static enum verify_status scrub(struct passes *self)
{
    struct traffic_listener listener = listener_of(self);
    listener.packet = on_packet;
    listener.part = on_part;
    listener.place = on_place;
    listener.datagram = on_datagram;
    listener.progress = on_progress;
    listener.talk.frame = scrub_frame;
    listener.talk.mcbp = note_mcbp;
    enum verify_status status = run(self, &listener);
    places_sort(&self->scrub.places);
    return status;
}

/* 2. Which values were put together from which. */

static void learn_frame(void *context, const struct talk_frame *frame)
{
    struct passes *self = context;
    struct rules_conversation *conversation = conversation_of(self, frame);
    if (conversation != NULL && !frame->frame->bad_lengths) {
        struct about about = knowledge_about(&self->knowledge, &conversation->asked, frame->frame);
        knowledge_note_value(&self->knowledge, &about, frame->frame);
    }
}

static enum verify_status learn(struct passes *self)
{
    struct traffic_listener listener = listener_of(self);
    listener.talk.frame = learn_frame;
    listener.talk.closed = on_closed;
    return run(self, &listener);
}

/* 3. Frames, as they are after the rules. */

static void count_frame(struct anonymise_result *result, const struct mcbp_frame *frame,
                        const struct frame_part parts[FRAME_PARTS])
{
    result->frames++;
    for (size_t i = 0; i < FRAME_PARTS; i++) {
        bool there = parts[i].size > 0;
        result->keys += there && parts[i].class == PART_KEY;
        result->values += there && parts[i].class == PART_VALUE;
        result->counters += there && parts[i].class == PART_COUNTER;
    }
    const struct frame_part *value = &parts[FRAME_PARTS - 1];
    if (value->size > 0 && value->class == PART_VALUE) {
        uint8_t datatype = frame->header.datatype;
        result->json += (datatype & MCBP_DATATYPE_JSON) != 0;
        result->xattr += (datatype & MCBP_DATATYPE_XATTR) != 0;
        if ((datatype & MCBP_DATATYPE_SNAPPY) != 0) {
            result->snappy++;
            result->snappy_opcodes[frame->header.opcode]++;
        }
    }
}

/* Writes a part of a frame, which begins `from` bytes behind the frame's first. */
static void write_part(struct passes *self, const struct talk_frame *frame, size_t from,
                       struct span bytes, uint64_t *written)
{
    for (size_t i = 0; i < frame->count && bytes.size > 0; i++) {
        const struct talk_piece *piece = &frame->pieces[i];
        size_t skip = from < piece->size ? from : piece->size;
        size_t size = piece->size - skip < bytes.size ? piece->size - skip : bytes.size;
        if (size > 0 && !places_write(&self->scrub.places, self->target.bytes, piece->stream,
                                      piece->offset + skip, span_head(bytes, size), written)) {
            self->unplaced = true;
        }
        from -= skip;
        bytes = span_skip(bytes, size);
    }
    self->unplaced |= bytes.size > 0;
}

static uint8_t *copy_frame(struct passes *self, struct span bytes)
{
    if (bytes.size > self->frame_room) {
        free(self->frame);
        self->frame_room = bytes.size;
        self->frame = malloc(bytes.size);
        self->no_memory |= self->frame == NULL;
    }
    if (self->frame == NULL) {
        self->frame_room = 0;
        return NULL;
    }
    return memcpy(self->frame, bytes.data, bytes.size);
}

static void replace_frame(void *context, const struct talk_frame *frame)
{
    struct passes *self = context;
    struct rules_conversation *conversation = conversation_of(self, frame);
    const struct mcbp_frame *fields = &frame->frame->frame;
    uint8_t *bytes = copy_frame(self, fields->bytes);
    struct frame_part parts[FRAME_PARTS];
    if (conversation == NULL || bytes == NULL) {
        return;
    }
    rules_apply(&self->rules, conversation, frame->frame, bytes, parts);
    count_frame(self->result, fields, parts);
    size_t at = 0;
    for (size_t i = 0; i < FRAME_PARTS; i++) {
        write_part(self, frame, at, span_of(bytes + at, parts[i].size),
                   &self->result->ledger.parts[parts[i].class]);
        at += parts[i].size;
    }
    self->unplaced |= at != fields->bytes.size;
}

static void keep_harmless(void *context, uint64_t stream, uint64_t offset, struct span bytes)
{
    struct passes *self = context;
    self->unplaced |= !places_write(&self->scrub.places, self->target.bytes, stream, offset, bytes,
                                    &self->result->ledger.harmless);
}

static enum verify_status replace(struct passes *self)
{
    struct traffic_listener listener = listener_of(self);
    listener.progress = on_progress;
    listener.talk.frame = replace_frame;
    listener.talk.harmless = keep_harmless;
    listener.talk.is_mcbp = is_mcbp;
    listener.talk.closed = on_closed;
    enum verify_status status = run(self, &listener);
    self->result->conversations = self->counts->connections;
    return status;
}

/* 4. Checksums: of packets, then of datagrams that came in fragments. */

static void renew_packet(void *context, const struct traffic_packet *packet)
{
    struct passes *self = context;
    const struct layout *layout = packet->layout;
    if (!layout->is_ip || layout->ip.fragment) {
        return;
    }
    uint64_t at = packet->part->data_at + layout->transport;
    uint8_t checksum[2];
    struct checksummed sums = {
        .protocol = layout->ip.protocol,
        .whole = layout->captured == layout->length,
        .source = &layout->source,
        .destination = &layout->destination,
        .before = span_of(self->source.bytes.data + at, layout->captured),
        .after = span_of(self->target.bytes + at, layout->captured),
        .number = packet->packet->number,
    };
    if (checksum_renew(self->scrub.secret, &sums, &self->result->checksums, checksum)) {
        memcpy(self->target.bytes + at + layout_checksum_at(layout->ip.protocol), checksum, 2);
    }
}

/* Writes two bytes wherever the datagram's pieces have them. */
static void write_checksum(struct passes *self, const struct ip_datagram *datagram,
                           const uint8_t checksum[2])
{
    uint32_t at = datagram->transport + layout_checksum_at(datagram->protocol);
    for (size_t i = 0; i < datagram->count; i++) {
        const struct ip_piece *piece = &datagram->pieces[i];
        for (uint32_t j = 0; j < 2; j++) {
            if (at + j >= piece->offset && at + j - piece->offset < piece->size) {
                self->target.bytes[piece->file_at + (at + j - piece->offset)] = checksum[j];
            }
        }
    }
}

static void renew_datagram(struct passes *self, const struct ip_datagram *datagram, uint64_t number,
                           uint8_t *before, uint8_t *after)
{
    uint32_t size = datagram->length - datagram->transport;
    uint8_t checksum[2];
    ip_datagram_read(datagram, self->source.bytes.data, datagram->transport, before, size);
    ip_datagram_read(datagram, self->target.bytes, datagram->transport, after, size);
    struct checksummed sums = {
        .protocol = datagram->protocol,
        .whole = datagram->captured,
        .source = &datagram->source,
        .destination = &datagram->destination,
        .before = span_of(before, size),
        .after = span_of(after, size),
        .number = (UINT64_C(1) << 62) + number,
    };
    if (checksum_renew(self->scrub.secret, &sums, &self->result->checksums, checksum)) {
        write_checksum(self, datagram, checksum);
    }
}

static enum verify_status renew_checksums(struct passes *self)
{
    struct traffic_listener listener = listener_of(self);
    listener.packet = renew_packet;
    enum verify_status status = run(self, &listener);
    const struct scrub_datagrams *datagrams = &self->scrub.datagrams;
    uint8_t *room = calloc(2, DATAGRAM_MAX);
    if (room == NULL) {
        self->no_memory = true;
        return VERIFY_INTERNAL;
    }
    for (size_t i = 0; i < datagrams->count; i++) {
        const struct ip_datagram *datagram = &datagrams->datagrams[i];
        if (datagram->length <= DATAGRAM_MAX && datagram->length > datagram->transport) {
            renew_datagram(self, datagram, i, room, room + DATAGRAM_MAX);
        }
    }
    free(room);
    return status;
}

/* ---------------------------------------------------------------------------------------- all */

/* Every byte of payload has to be in one class, or a kind of bytes was forgotten. */
static enum verify_status check(struct passes *self)
{
    struct anonymise_ledger *ledger = &self->result->ledger;
    uint64_t missed = 0;
    uint64_t placed = 0;
    bool once = places_check(&self->scrub.places, &missed);
    for (size_t i = 0; i < self->scrub.places.count; i++) {
        placed += self->scrub.places.places[i].size;
    }
    uint64_t written = ledger->harmless;
    for (size_t i = 0; i < PART_CLASSES; i++) {
        written += ledger->parts[i];
    }
    ledger->other = self->scrub.other;
    ledger->total = self->scrub.payload + self->scrub.other;
    ledger->unknown = self->scrub.payload - written;
    if (!once || self->unplaced || placed != written + missed || written > self->scrub.payload) {
        snprintf(self->message, ANONYMISE_MESSAGE_SIZE,
                 "%s: the bytes of the payload don't add up: %llu in the capture, %llu known to be "
                 "in a stream, %llu of frames, %llu of none%s%s",
                 self->source.name, (unsigned long long)self->scrub.payload,
                 (unsigned long long)placed, (unsigned long long)written,
                 (unsigned long long)missed, once ? "" : ", some of two frames",
                 self->unplaced ? ", some of a frame lie nowhere" : "");
        return VERIFY_INTERNAL;
    }
    return VERIFY_IDENTICAL;
}

static enum verify_status run_all(struct passes *self)
{
    enum verify_status status = scrub(self);
    if (status == VERIFY_IDENTICAL && knowledge_wants_values(&self->knowledge)) {
        status = learn(self);
    }
    if (status == VERIFY_IDENTICAL) {
        status = replace(self);
    }
    if (status == VERIFY_IDENTICAL) {
        status = renew_checksums(self);
    }
    self->result->joins = self->knowledge.joins.count;
    self->result->forgotten = self->knowledge.forgotten;
    return status == VERIFY_IDENTICAL ? check(self) : status;
}

static enum verify_status run_and_publish(struct passes *self)
{
    self->scrub.before = self->source.bytes;
    self->scrub.after = self->target.bytes;
    self->scrub.result = self->result;
    self->counts = calloc(1, sizeof(*self->counts));
    self->scrub.secret = secret_create(self->options->secret);
    if (self->counts == NULL || self->scrub.secret == NULL) {
        snprintf(self->message, ANONYMISE_MESSAGE_SIZE, "no memory, or no random bytes");
        return VERIFY_INTERNAL;
    }
    self->knowledge.secret = self->scrub.secret;
    self->rules = (struct rules){.secret = self->scrub.secret,
                                 .knowledge = &self->knowledge,
                                 .replace_counters = self->options->replace_counters};
    enum verify_status status = run_all(self);
    if (status == VERIFY_IDENTICAL && !target_publish(&self->target, self->message)) {
        status = VERIFY_INTERNAL;
    }
    return status;
}

static enum verify_status open_and_run(struct passes *self)
{
    const struct anonymise_options *options = self->options;
    if (!source_open(&self->source, options->input, self->message)) {
        return VERIFY_UNREADABLE;
    }
    if (!target_check(options->output, &self->source, self->message)) {
        return VERIFY_USAGE;
    }
    if (!target_open(&self->target, options->output, &self->source, self->message)) {
        return VERIFY_INTERNAL;
    }
    return run_and_publish(self);
}

enum verify_status anonymise(const struct anonymise_options *options,
                             struct anonymise_result *result, char message[ANONYMISE_MESSAGE_SIZE])
{
    struct passes self = {.options = options, .result = result, .message = message};
    *result = (struct anonymise_result){0};
    self.target.fd = -1;
    enum verify_status status = open_and_run(&self);
    target_close(&self.target);
    source_close(&self.source);
    scrub_deinit(&self.scrub);
    knowledge_deinit(&self.knowledge);
    secret_destroy(self.scrub.secret);
    free(self.counts);
    free(self.mcbp);
    free(self.frame);
    return status;
}
