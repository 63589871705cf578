#include "anonymise/anonymise.h"

#include "anonymise/harmless.h"
#include "anonymise/scrub.h"
#include "anonymise/target.h"
#include "base/array.h"
#include "base/interrupt.h"
#include "base/memory.h"
#include "dissect/dissect.h"

#include <stdio.h>
#include <stdlib.h>

enum { DATAGRAM_MAX = 65536 };

struct passes {
    const struct anonymise_options *options;
    struct anonymise_result *result;
    uint64_t failures_before; /* memory_failures() when it began */
    struct source source;
    struct target target;
    struct traffic traffic; /* of the pass */
    struct scrub scrub;
    struct knowledge knowledge;
    struct rules rules;
    struct harmless_keeper keeper;
    struct dissect_options dissect;
    struct capture_result *counts; /* of the framing; written anew by each pass */
    uint8_t *mcbp; /* by conversation: of the binary protocol, 1 or, in Couchbase's language, 2 */
    size_t mcbp_room;
    uint8_t *frame; /* room for one that is replaced */
    size_t frame_room;
    bool no_memory;
    bool unplaced; /* a frame's bytes lie nowhere in the file */
    char *message;
};

/* --------------------------------------------------------------------------- conversations */

struct conversation {
    struct rules_conversation rules;
    struct harmless harmless;
};

/* What the first pass has found out. */
enum mcbp_conversation { MCBP_NONE, MCBP_ANY, MCBP_COUCHBASES };

static enum mcbp_conversation mcbp_of(const struct passes *self,
                                      const struct dissect_conversation *conversation)
{
    return conversation->id < self->mcbp_room ? (enum mcbp_conversation)self->mcbp[conversation->id]
                                              : MCBP_NONE;
}

static bool is_mcbp(const struct passes *self, const struct dissect_conversation *conversation)
{
    return mcbp_of(self, conversation) != MCBP_NONE;
}

static struct conversation *conversation_of(struct passes *self,
                                            struct dissect_conversation *dissected)
{
    if (dissected->user == NULL) {
        struct conversation *conversation = calloc(1, sizeof(*conversation));
        self->no_memory |= conversation == NULL;
        if (conversation != NULL) { /* also before it shows */
            conversation->rules.language.couchbase = mcbp_of(self, dissected) == MCBP_COUCHBASES;
        }
        dissected->user = conversation;
    }
    return dissected->user;
}

static void anonymise_on_closed(void *context, struct dissect_conversation *dissected)
{
    struct passes *self = context;
    struct conversation *conversation = dissected->user;
    if (conversation != NULL) {
        knowledge_close(&self->knowledge, conversation->rules.asked);
        free(conversation);
    }
}

/* ----------------------------------------------------------------------------------- passes */

static bool anonymise_stop(void *context)
{
    const struct passes *self = context;
    return self->traffic.disagrees;
}

static void anonymise_on_progress(void *context, uint64_t bytes_read, uint64_t bytes_total)
{
    struct passes *self = context;
    if (self->options->progress != NULL) {
        self->options->progress(self->options->progress_context, bytes_read, bytes_total,
                                self->counts->server_frames);
    }
}

static struct dissect_consumer consumer_of(struct passes *self)
{
    return (struct dissect_consumer){.context = self,
                                     .closed = anonymise_on_closed,
                                     .other = anonymise_on_closed,
                                     .progress = anonymise_on_progress,
                                     .stop = anonymise_stop};
}

/* Says what it was, with the name that the file is known by. */
static enum verify_status passes_fail(struct passes *self, const char *problem,
                                      enum verify_status status)
{
    size_t prefix = strlen(self->source.path);
    bool renamed = strncmp(problem, self->source.path, prefix) == 0;
    snprintf(self->message, ANONYMISE_MESSAGE_SIZE, "%s%s", renamed ? self->source.name : "",
             renamed ? problem + prefix : problem);
    return status;
}

/* Why the pass has failed, if it has. */
static enum verify_status anonymise_conclude(struct passes *self)
{
    const struct capture_result *counts = self->counts;
    if (counts->problem != NULL) { /* also of a file that ends in the middle */
        bool failed = counts->status == VERIFY_INTERNAL || counts->interrupted;
        return passes_fail(self, counts->problem, failed ? VERIFY_INTERNAL : VERIFY_UNREADABLE);
    }
    bool failed = self->no_memory || self->scrub.no_memory || self->knowledge.no_memory ||
                  secret_failed(self->scrub.secret);
    return failed ? passes_fail(self, "out of memory", VERIFY_INTERNAL) : VERIFY_IDENTICAL;
}

static enum verify_status run(struct passes *self, const struct dissect_consumer *consumer)
{
    capture_result_deinit(self->counts);
    memset(self->counts, 0, sizeof(*self->counts));
    dissect_capture(self->source.path, &self->dissect, consumer, self->counts);
    return anonymise_conclude(self);
}

/* The same beside the packets in the file, each of which consumer->packet has to find. */
static enum verify_status run_with_file(struct passes *self,
                                        const struct dissect_consumer *consumer)
{
    bool known = container_init(&self->traffic.container, self->source.bytes);
    self->traffic.disagrees = !known;
    enum verify_status status = run(self, consumer);
    if (status == VERIFY_IDENTICAL && !known) {
        snprintf(self->message, ANONYMISE_MESSAGE_SIZE,
                 "%s: byte 0: a form of pcap that can be read, but not anonymised",
                 self->source.name);
        return VERIFY_UNREADABLE;
    }
    if (status == VERIFY_IDENTICAL && !traffic_is_over(&self->traffic)) {
        snprintf(self->message, ANONYMISE_MESSAGE_SIZE,
                 "%s: byte %llu: libpcap finds another packet here than the file's format says, or "
                 "the file is being written to",
                 self->source.name, (unsigned long long)self->traffic.container.at);
        return VERIFY_UNREADABLE;
    }
    return status;
}

/* 1. What is where, and which keys need attention. */

static void scrub_next(void *context, const struct dissect_packet *read)
{
    struct passes *self = context;
    struct traffic_packet packet;
    if (traffic_find(&self->traffic, read, &packet)) {
        scrub_packet(&self->scrub, &packet);
    }
}

static void on_part(void *context, const struct container_part *part)
{
    struct passes *self = context;
    scrub_part(&self->scrub, part);
}

static void anonymise_on_taken(void *context, const struct net_segment *segment,
                               const struct net_origin *origin, const struct dissect_range *range)
{
    struct passes *self = context;
    scrub_taken(&self->scrub, segment, origin, range);
}

static void note_mcbp(struct passes *self, uint64_t conversation, enum mcbp_conversation kind)
{
    size_t before = self->mcbp_room;
    uint8_t *grown = array_grow(self->mcbp, 1, (size_t)conversation, &self->mcbp_room);
    if (grown == NULL) {
        self->no_memory = true;
        return;
    }
    memset(grown + before, 0, self->mcbp_room - before);
    self->mcbp = grown;
    self->mcbp[conversation] = (uint8_t)kind;
}

static void scrub_frame(void *context, struct dissect_conversation *dissected,
                        const struct dissect_frame *frame)
{
    struct passes *self = context;
    struct conversation *conversation = conversation_of(self, dissected);
    if (conversation != NULL) {
        language_note(&conversation->rules.language, dissected, frame);
        knowledge_note_key(&self->knowledge, &conversation->rules.asked,
                           &conversation->rules.language, frame);
    }
}

static void scrub_closed(void *context, struct dissect_conversation *dissected)
{
    const struct conversation *conversation = dissected->user;
    bool couchbase = conversation != NULL && conversation->rules.language.couchbase;
    note_mcbp(context, dissected->id, couchbase ? MCBP_COUCHBASES : MCBP_ANY);
    anonymise_on_closed(context, dissected);
}

static enum verify_status scrub(struct passes *self)
{
    struct dissect_consumer consumer = consumer_of(self);
    consumer.packet = scrub_next;
    consumer.taken = anonymise_on_taken;
    consumer.frame = scrub_frame;
    consumer.closed = scrub_closed;
    self->traffic.context = self;
    self->traffic.part = on_part;
    enum verify_status status = run_with_file(self, &consumer);
    self->traffic.part = NULL;
    places_finish(&self->scrub.places);
    knowledge_settle(&self->knowledge);
    return status;
}

/* 2. What values were put together of. */

static void learn_frame(void *context, struct dissect_conversation *dissected,
                        const struct dissect_frame *frame)
{
    struct passes *self = context;
    struct conversation *conversation = conversation_of(self, dissected);
    if (conversation != NULL && !frame->bad_lengths) {
        const struct language *language = &conversation->rules.language;
        language_note(&conversation->rules.language, dissected, frame);
        struct about about =
            knowledge_about(&self->knowledge, &conversation->rules.asked, language, frame);
        knowledge_note_value(&self->knowledge, &about, frame);
        if (language->couchbase) {
            knowledge_note_documents(&self->knowledge, &about, frame);
            knowledge_note_order(&self->knowledge, language, frame);
        }
    }
}

static enum verify_status anonymise_learn(struct passes *self)
{
    struct dissect_consumer consumer = consumer_of(self);
    consumer.progress = NULL;
    consumer.frame = learn_frame;
    enum verify_status status = run(self, &consumer);
    knowledge_settle_values(&self->knowledge);
    return status;
}

/* 3. What checksums of values become that are shown. */

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

static void sum_frame(void *context, struct dissect_conversation *dissected,
                      const struct dissect_frame *frame)
{
    struct passes *self = context;
    struct conversation *conversation = conversation_of(self, dissected);
    uint8_t *bytes = copy_frame(self, frame->frame.bytes);
    struct frame_part parts[FRAME_PARTS];
    if (conversation != NULL && bytes != NULL) {
        language_note(&conversation->rules.language, dissected, frame);
        rules_apply(&self->rules, &conversation->rules, frame, bytes, parts);
    }
}

static enum verify_status anonymise_sum(struct passes *self)
{
    struct dissect_consumer consumer = consumer_of(self);
    struct sums *sums = &self->knowledge.sums;
    consumer.progress = NULL;
    consumer.frame = sum_frame;
    sums->learning = true;
    enum verify_status status = run(self, &consumer);
    sums->learning = false;
    self->knowledge.no_memory |= sums->no_memory;
    self->knowledge.forgotten += sums->forgotten;
    return status;
}

/* 4. Frames, as they are after the rules. */

/* `told`: values still are what their datatype says. */
static void anonymise_count_frame(struct anonymise_result *result, const struct mcbp_frame *frame,
                                  const struct frame_part parts[FRAME_PARTS], bool told)
{
    result->frames++;
    for (size_t i = 0; i < FRAME_PARTS; i++) {
        bool there = parts[i].size > 0;
        result->keys += there && parts[i].class == PART_KEY;
        result->values += there && parts[i].class == PART_VALUE;
        result->counters += there && parts[i].class == PART_COUNTER;
    }
    const struct frame_part *value = &parts[FRAME_PARTS - 1];
    if (value->size > 0 && value->class == PART_VALUE && !told) {
        uint8_t datatype = frame->header.datatype;
        result->json += (datatype & MCBP_DATATYPE_JSON) != 0;
        result->xattr += (datatype & MCBP_DATATYPE_XATTR) != 0;
        if ((datatype & MCBP_DATATYPE_SNAPPY) != 0) {
            result->snappy++;
            result->snappy_opcodes[frame->header.opcode]++;
        }
    }
}

static void replace_frame(void *context, struct dissect_conversation *dissected,
                          const struct dissect_frame *frame)
{
    struct passes *self = context;
    struct conversation *conversation = conversation_of(self, dissected);
    uint8_t *bytes = copy_frame(self, frame->frame.bytes);
    struct frame_part parts[FRAME_PARTS];
    if (conversation == NULL || bytes == NULL) {
        return;
    }
    harmless_frame(&conversation->harmless, dissected, frame);
    language_note(&conversation->rules.language, dissected, frame);
    rules_apply(&self->rules, &conversation->rules, frame, bytes, parts);
    anonymise_count_frame(self->result, &frame->frame, parts,
                          conversation->rules.language.couchbase);
    size_t at = 0;
    for (size_t i = 0; i < FRAME_PARTS; i++) {
        self->unplaced |= !places_write_frame(&self->scrub.places, frame, bytes, at, parts[i].size,
                                              &self->result->ledger.parts[parts[i].class]);
        at += parts[i].size;
    }
    self->unplaced |= at != frame->frame.bytes.size;
}

static void keep_data(void *context, struct dissect_conversation *dissected,
                      const struct dissect_range *range, struct span bytes)
{
    struct passes *self = context;
    struct conversation *conversation = conversation_of(self, dissected);
    if (conversation != NULL) {
        harmless_data(&self->keeper, &conversation->harmless, is_mcbp(self, dissected), dissected,
                      range, bytes);
    }
}

static void keep_unfinished(void *context, struct dissect_conversation *dissected,
                            const struct dissect_frame *frame)
{
    struct passes *self = context;
    struct conversation *conversation = conversation_of(self, dissected);
    if (conversation != NULL) {
        harmless_unfinished(&self->keeper, &conversation->harmless, dissected, frame);
    }
}

static void keep_skipped(void *context, struct dissect_conversation *dissected,
                         enum dissect_role role, uint64_t at, size_t size, struct span bytes)
{
    struct passes *self = context;
    struct conversation *conversation = conversation_of(self, dissected);
    if (conversation != NULL && is_mcbp(self, dissected)) {
        harmless_skipped(&self->keeper, &conversation->harmless, dissected, role, at, size, bytes);
    }
}

static enum verify_status replace(struct passes *self)
{
    struct dissect_consumer consumer = consumer_of(self);
    consumer.data = keep_data;
    consumer.frame = replace_frame;
    consumer.unfinished = keep_unfinished;
    consumer.skipped = keep_skipped;
    self->keeper.places = &self->scrub.places;
    self->keeper.frame_max = self->dissect.frame_max;
    enum verify_status status = run(self, &consumer);
    self->result->conversations = self->counts->connections;
    self->result->ledger.harmless = self->keeper.bytes;
    self->unplaced |= self->keeper.unplaced;
    return status;
}

/* 5. Checksums: of packets, then of datagrams that came in fragments. */

static void renew_packet(void *context, const struct dissect_packet *read)
{
    struct passes *self = context;
    struct traffic_packet packet;
    const struct layout *layout = &packet.layout;
    if (!traffic_find(&self->traffic, read, &packet) || !layout->is_ip || layout->ip.fragment) {
        return;
    }
    uint64_t at = packet.part.data_at + layout->transport;
    uint8_t checksum[2];
    struct checksummed sums = {
        .protocol = layout->ip.protocol,
        .whole = layout->captured == layout->length,
        .source = &layout->source,
        .destination = &layout->destination,
        .before = span_of(self->source.bytes.data + at, layout->captured),
        .after = span_of(self->target.bytes + at, layout->captured),
        .number = read->packet->number,
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
    struct dissect_consumer consumer = consumer_of(self);
    consumer.progress = NULL;
    consumer.packet = renew_packet;
    self->dissect.packets_only = true;
    enum verify_status status = run_with_file(self, &consumer);
    const struct datagrams *datagrams = &self->scrub.datagrams;
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
static enum verify_status anonymise_check(struct passes *self)
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
        status = anonymise_learn(self);
    }
    if (status == VERIFY_IDENTICAL && self->knowledge.sums.wanted) {
        status = anonymise_sum(self);
    }
    if (status == VERIFY_IDENTICAL) {
        status = replace(self);
    }
    if (status == VERIFY_IDENTICAL) {
        status = renew_checksums(self);
    }
    self->result->forgotten = self->knowledge.forgotten;
    return status == VERIFY_IDENTICAL ? anonymise_check(self) : status;
}

/* From self->source to self->target's memory. */
static enum verify_status run_in_memory(struct passes *self)
{
    self->scrub.before = self->source.bytes;
    self->scrub.after = self->target.bytes;
    self->scrub.places.before = self->source.bytes;
    self->scrub.places.after = self->target.bytes;
    self->scrub.result = self->result;
    dissect_options_init(&self->dissect);
    self->counts = calloc(1, sizeof(*self->counts));
    self->scrub.secret = secret_create(self->options->secret);
    if (self->counts == NULL || self->scrub.secret == NULL) {
        snprintf(self->message, ANONYMISE_MESSAGE_SIZE, "no memory, or no random bytes");
        return VERIFY_INTERNAL;
    }
    self->knowledge.secret = self->knowledge.keys.secret = self->knowledge.sums.secret =
        self->scrub.secret;
    self->rules = (struct rules){.secret = self->scrub.secret,
                                 .knowledge = &self->knowledge,
                                 .replace_counters = self->options->replace_counters};
    enum verify_status status = run_all(self);
    if (interrupted()) {
        return VERIFY_NO_EVIDENCE;
    }
    if (memory_failures() != self->failures_before) {
        snprintf(self->message, ANONYMISE_MESSAGE_SIZE, "out of memory");
        return VERIFY_INTERNAL;
    }
    return status;
}

static enum verify_status open_and_run(struct passes *self)
{
    const struct anonymise_options *options = self->options;
    if (!source_open(&self->source, options->input, self->message)) {
        return VERIFY_UNREADABLE;
    }
    if (!target_check(options->output, self->message)) {
        return VERIFY_USAGE;
    }
    if (!target_open(&self->target, options->output, &self->source, self->message)) {
        return VERIFY_INTERNAL;
    }
    enum verify_status status = run_in_memory(self);
    if (status == VERIFY_IDENTICAL && !target_publish(&self->target, self->message)) {
        status = VERIFY_INTERNAL;
    }
    return status;
}

static void deinit(struct passes *self)
{
    scrub_deinit(&self->scrub);
    knowledge_deinit(&self->knowledge);
    secret_destroy(self->scrub.secret);
    if (self->counts != NULL) {
        capture_result_deinit(self->counts);
    }
    free(self->counts);
    free(self->mcbp);
    free(self->frame);
}

enum verify_status anonymise(const struct anonymise_options *options,
                             struct anonymise_result *result, char message[ANONYMISE_MESSAGE_SIZE])
{
    struct passes self = {
        .options = options,
        .result = result,
        .message = message,
        .failures_before = memory_failures(),
    };
    *result = (struct anonymise_result){0};
    self.target.file.fd = -1;
    enum verify_status status = open_and_run(&self);
    if (status != VERIFY_IDENTICAL && interrupted() && memory_failures() == self.failures_before) {
        status = VERIFY_NO_EVIDENCE;
        snprintf(message, ANONYMISE_MESSAGE_SIZE, "interrupted; nothing was written");
    }
    target_close(&self.target);
    source_close(&self.source);
    deinit(&self);
    return status;
}

enum verify_status anonymise_in_memory(const struct anonymise_options *options, struct span file,
                                       uint8_t *out, struct anonymise_result *result,
                                       char message[ANONYMISE_MESSAGE_SIZE])
{
    struct passes self = {
        .options = options,
        .result = result,
        .message = message,
        .failures_before = memory_failures(),
    };
    *result = (struct anonymise_result){0};
    self.source = (struct source){.name = options->input, .path = options->input, .bytes = file};
    self.target = (struct target){.bytes = out, .size = file.size};
    enum verify_status status = run_in_memory(&self);
    deinit(&self);
    return status;
}
