/* From captures to seeds: a row for each target that has frames or packets in its inputs. */
#include "seeds/seeds.h"

#include "base/endian.h"
#include "dissect/dissect.h"
#include "seeds/writing.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

struct seed_form {
    const char *target;
    const char *preamble; /* 8 bytes, or none */
    /* One of the two: what a frame or a packet adds to a seed. */
    void (*frame)(struct seeds *seeds, struct seed *seed, const struct dissect_frame *frame);
    void (*packet)(struct seeds *seeds, const struct dissect_packet *packet);
};

enum { DESCRIPTION_SIZE = 32, VALUE_MAX = 70000, PACKET_PREFIX = 6, SEGMENT_SIZE = 8 };

/* ---------------------------------------------------------------------------------- frames */

static void add_bytes(struct seeds *seeds, struct seed *seed, struct span bytes)
{
    uint8_t *at = seed_add(seeds, seed, bytes.size);
    if (at != NULL) {
        memcpy(at, bytes.data, bytes.size);
    }
}

static void seeds_add_frame(struct seeds *seeds, struct seed *seed,
                            const struct dissect_frame *frame)
{
    add_bytes(seeds, seed, frame->frame.bytes);
}

static void seeds_add_request(struct seeds *seeds, struct seed *seed,
                              const struct dissect_frame *frame)
{
    if (frame->role == FROM_CLIENT) {
        add_bytes(seeds, seed, frame->frame.bytes);
    }
}

/* As fuzz/description.h has it: the frame's lengths, not its bytes. */
static void add_description(struct seeds *seeds, struct seed *seed,
                            const struct dissect_frame *frame)
{
    const struct mcbp_header *header = &frame->frame.header;
    uint8_t *at = frame->role == FROM_SERVER ? seed_add(seeds, seed, DESCRIPTION_SIZE) : NULL;
    if (at == NULL) {
        return;
    }
    size_t value = frame->frame.value.size < VALUE_MAX ? frame->frame.value.size : VALUE_MAX;
    memset(at, 0, DESCRIPTION_SIZE);
    at[0] = header->magic;
    at[1] = header->opcode;
    at[2] = header->datatype;
    at[3] = seed->units % 4 == 1 ? 2 : 0; /* calls of up to 4 responses */
    write_be16(at + 4, header->vbucket_or_status);
    write_be16(at + 6, header->framing_extras_length);
    write_be16(at + 8, header->extras_length);
    write_be32(at + 10, header->key_length);
    write_be32(at + 14, (uint32_t)value);
    write_be32(at + 20, header->opaque);
    write_be64(at + 24, header->cas);
}

static void add_framing_extras(struct seeds *seeds, struct seed *seed,
                               const struct dissect_frame *frame)
{
    struct span extras = frame->frame.framing_extras;
    uint8_t *at = extras.size == 0 ? NULL : seed_add(seeds, seed, 1 + extras.size);
    if (at != NULL) {
        at[0] = mcbp_magic_is_response(frame->frame.header.magic);
        memcpy(at + 1, extras.data, extras.size);
        seed_end(seeds, seed); /* one a seed */
    }
}

/* ---------------------------------------------------------------------------------- packets */

static void add_packet(struct seeds *seeds, const struct dissect_packet *read)
{
    const struct net_packet *packet = read->packet;
    uint8_t *at = seed_add(seeds, &seeds->seed, PACKET_PREFIX + packet->bytes.size);
    if (at != NULL) {
        uint32_t beyond = packet->length - (uint32_t)packet->bytes.size;
        at[0] = (uint8_t)packet->link;
        at[1] = 128;
        write_be16(at + 2, (uint16_t)packet->bytes.size);
        write_be16(at + 4, (uint16_t)(beyond < UINT16_MAX ? beyond : UINT16_MAX));
        memcpy(at + PACKET_PREFIX, packet->bytes.data, packet->bytes.size);
    }
}

/* libpcap's numbers of the link types. */
static uint32_t link_number(enum net_link link)
{
    switch (link) {
    case NET_LINK_ETHERNET:
        return 1;
    case NET_LINK_SLL:
        return 113;
    case NET_LINK_SLL2:
        return 276;
    case NET_LINK_NULL:
        return 0;
    case NET_LINK_LOOP:
        return 108;
    case NET_LINK_RAW:
        return 101;
    }
    abort();
}

static void add_record(struct seeds *seeds, const struct dissect_packet *read)
{
    const struct net_packet *packet = read->packet;
    struct seed *seed = &seeds->seed;
    uint8_t header[PCAP_HEADER_SIZE];
    pcap_put_header(header, link_number(packet->link));
    if (seed->preamble == 0 || memcmp(seed->bytes, header, sizeof(header)) != 0) {
        seed_end(seeds, seed);
        seed_begin(seed, span_of(header, sizeof(header)));
    }
    uint8_t *at = seed_add(seeds, seed, PCAP_RECORD_SIZE + packet->bytes.size);
    if (at != NULL) {
        pcap_put_record(at, packet->time, (uint32_t)packet->bytes.size, packet->length);
        memcpy(at + PCAP_RECORD_SIZE, packet->bytes.data, packet->bytes.size);
    }
}

/* Places relative to the seed's first segments: the client is who has the larger port. */
static void add_segment(struct seeds *seeds, const struct dissect_packet *read)
{
    const struct net_segment *segment = read->segment;
    if (segment == NULL || read->datagram != NULL || segment->protocol != NET_TCP) {
        return;
    }
    uint8_t *at = seed_add(seeds, &seeds->seed, SEGMENT_SIZE);
    size_t size = segment->payload.size < UINT8_MAX ? segment->payload.size : UINT8_MAX;
    memset(at, 0, SEGMENT_SIZE);
    at[0] = (uint8_t)((segment->source.port < segment->destination.port ? 0x01 : 0) |
                      ((segment->flags & NET_FIN) != 0 ? 0x04 : 0) |
                      ((segment->flags & NET_RST) != 0 ? 0x08 : 0) |
                      ((segment->flags & NET_SYN) != 0 ? 0x10 : 0) |
                      ((segment->flags & NET_ACK) == 0 ? 0x20 : 0));
    at[1] = (uint8_t)size;
    write_be16(at + 2, (uint16_t)segment->sequence);
    write_be16(at + 4, (uint16_t)segment->acknowledgement);
}

/* ------------------------------------------------------------------------------------ the table */

static const struct seed_form forms[] = {
    {"anonymise", NULL, NULL, add_record},
    {"decode", NULL, NULL, add_packet},
    {"execute", "\0\xff\xff\0\xff\xff\xff\xff", seeds_add_request,
     NULL},                                                     /* items of 1 MiB, no cuts */
    {"frame", "\0\1\7\x17\0\xff\x1f\2", seeds_add_frame, NULL}, /* cut in many places */
    {"frameinfo", NULL, add_framing_extras, NULL},
    {"inspect", NULL, NULL, add_record},
    {"oom", "\1\0\0\x40\0\2\0\0", add_description, NULL},
    {"reassembly", "\1\xff\0\0\0\0\0\0", NULL, add_segment},
    {"response", "\1\0\0\x40\0\0\0\0", add_description, NULL},
    {"savefile", NULL, NULL, add_record},
    {"verify", NULL, NULL, add_record},
};
static const char names[] =
    "anonymise, decode, execute, frame, frameinfo, inspect, oom, reassembly, response, savefile, "
    "verify";

static const struct seed_form *seeds_find(const char *target)
{
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        if (strcmp(forms[i].target, target) == 0) {
            return &forms[i];
        }
    }
    return NULL;
}

bool seeds_target_is_known(const char *target, const char **list)
{
    if (list != NULL) {
        *list = names;
    }
    return seeds_find(target) != NULL;
}

static void seeds_begin(const struct seeds *seeds, struct seed *seed)
{
    const char *preamble = seeds->form->preamble;
    seed_begin(seed, span_of(preamble != NULL ? preamble : "", preamble != NULL ? 8 : 0));
}

struct seeds *seeds_create(const char *target, const char *folder)
{
    struct seeds *seeds = calloc(1, sizeof(*seeds));
    if (seeds == NULL) {
        return NULL;
    }
    seeds->form = seeds_find(target);
    seeds->folder = strdup(folder);
    if (seeds->folder == NULL || (mkdir(folder, 0777) != 0 && errno != EEXIST)) {
        int reason = errno;
        seeds_destroy(seeds);
        errno = reason;
        return NULL;
    }
    seeds_begin(seeds, &seeds->seed);
    return seeds;
}

void seeds_destroy(struct seeds *seeds)
{
    free(seeds->folder);
    free(seeds);
}

unsigned seeds_count(const struct seeds *seeds)
{
    return seeds->count;
}

/* ------------------------------------------------------------------------------------ a capture */

static void seeds_on_frame(void *context, struct dissect_conversation *conversation,
                           const struct dissect_frame *frame)
{
    struct seeds *seeds = context;
    if (conversation->user == NULL && (conversation->user = malloc(sizeof(struct seed))) != NULL) {
        seeds_begin(seeds, conversation->user);
    }
    if (conversation->user != NULL) {
        seeds->form->frame(seeds, conversation->user, frame);
    }
}

static void seeds_on_closed(void *context, struct dissect_conversation *conversation)
{
    if (conversation->user != NULL) {
        seed_end(context, conversation->user);
        free(conversation->user);
        conversation->user = NULL;
    }
}

static void seeds_on_packet(void *context, const struct dissect_packet *packet)
{
    struct seeds *seeds = context;
    seeds->form->packet(seeds, packet);
}

enum verify_status seeds_cut(struct seeds *seeds, const char *path,
                             char problem[SEEDS_PROBLEM_SIZE])
{
    struct dissect_consumer consumer = {.context = seeds};
    struct dissect_options options;
    struct capture_result *result = calloc(1, sizeof(*result));
    enum verify_status status = VERIFY_INTERNAL;
    snprintf(problem, SEEDS_PROBLEM_SIZE, "%s: %s", path, strerror(ENOMEM));
    dissect_options_init(&options);
    if (seeds->form->frame != NULL) {
        consumer.frame = seeds_on_frame;
        consumer.closed = seeds_on_closed;
    } else {
        consumer.packet = seeds_on_packet;
    }
    if (result != NULL) {
        dissect_capture(path, &options, &consumer, result);
        status = result->status;
        if (result->problem != NULL) {
            snprintf(problem, SEEDS_PROBLEM_SIZE, "%s", result->problem);
        }
        capture_result_deinit(result);
    }
    free(result);
    seed_end(seeds, &seeds->seed);
    if (seeds->failed != 0) {
        snprintf(problem, SEEDS_PROBLEM_SIZE, "%s: %s", seeds->folder, strerror(seeds->failed));
        status = VERIFY_INTERNAL;
    }
    return status;
}
