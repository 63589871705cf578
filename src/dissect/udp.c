#include "dissect/udp.h"

#include "base/endian.h"
#include "dissect/boundary.h"

#include <stdlib.h>

bool udp_read_header(struct span datagram, struct udp_header *header)
{
    if (datagram.size < UDP_HEADER_SIZE) {
        return false;
    }
    header->request_id = read_be16(datagram.data);
    header->sequence = read_be16(datagram.data + 2);
    header->count = read_be16(datagram.data + 4);
    header->reserved = read_be16(datagram.data + 6);
    if (header->count == 0 && datagram.size == UDP_HEADER_SIZE) {
        header->count = 1; /* how memcached answers a request that is answered by silence */
    }
    return header->count > 0 && header->sequence < header->count;
}

bool udp_plausible(struct span datagram, size_t frame_max)
{
    struct udp_header header;
    if (!udp_read_header(datagram, &header) || header.sequence != 0) {
        return false;
    }
    struct span frame = span_skip(datagram, UDP_HEADER_SIZE);
    return header.reserved == 0 ? boundary_plausible(frame, frame_max)
                                : boundary_formed(frame, frame_max);
}

static void udp_release(struct udp_gathering *gathering)
{
    for (size_t i = 0; gathering->parts != NULL && i < gathering->count; i++) {
        free(gathering->parts[i].bytes);
    }
    free(gathering->parts);
    *gathering = (struct udp_gathering){0};
}

static struct dissect_range range_of(uint64_t packet, size_t size)
{
    return (struct dissect_range){STREAM_OF_PACKET + packet, UDP_HEADER_SIZE, size};
}

static void report_given_up(const struct udp *udp, enum dissect_role role, uint16_t request_id,
                            struct span bytes, const struct net_origin *origin)
{
    struct dissect_range range = range_of(origin->packet, bytes.size);
    struct udp_message first = {.bytes = bytes,
                                .request_id = request_id,
                                .origin = *origin,
                                .ranges = &range,
                                .ranges_count = 1};
    if (udp->given_up != NULL) {
        udp->given_up(udp->context, role, &first);
    }
}

/* The message will not become whole: its bytes are unparsed, the rest of it is lost. */
static void give_up(struct udp *udp, struct udp_gathering *gathering)
{
    const struct udp_part *first = &gathering->parts[0];
    size_t longest = 0;
    if (first->bytes != NULL) {
        report_given_up(udp, gathering->role, gathering->request_id,
                        span_of(first->bytes, first->size), &first->origin);
    }
    for (size_t i = 0; i < gathering->count; i++) {
        const struct udp_part *part = &gathering->parts[i];
        if (part->bytes != NULL) {
            udp->unparsed += part->size + UDP_HEADER_SIZE;
            longest = part->size > longest ? part->size : longest;
        }
    }
    udp->lost += (uint64_t)(gathering->count - gathering->present) * (longest + UDP_HEADER_SIZE);
    udp_release(gathering);
}

static struct udp_gathering *udp_find(struct udp *udp, enum dissect_role role,
                                      const struct udp_header *header)
{
    for (size_t i = 0; i < UDP_MESSAGES; i++) {
        struct udp_gathering *gathering = &udp->gatherings[i];
        if (gathering->used && gathering->role == role &&
            gathering->request_id == header->request_id && gathering->count == header->count) {
            return gathering;
        }
    }
    return NULL;
}

/* A client that uses a request id again does not wait for the rest of the answer any more. */
static void give_up_answers(struct udp *udp, uint16_t request_id)
{
    for (size_t i = 0; i < UDP_MESSAGES; i++) {
        struct udp_gathering *gathering = &udp->gatherings[i];
        if (gathering->used && gathering->role == FROM_SERVER &&
            gathering->request_id == request_id) {
            give_up(udp, gathering);
        }
    }
}

static struct udp_gathering *udp_begin(struct udp *udp, enum dissect_role role,
                                       const struct udp_header *header,
                                       const struct net_origin *origin)
{
    struct udp_gathering *oldest = &udp->gatherings[0];
    for (size_t i = 1; i < UDP_MESSAGES && oldest->used; i++) {
        if (!udp->gatherings[i].used || udp->gatherings[i].age < oldest->age) {
            oldest = &udp->gatherings[i];
        }
    }
    if (oldest->used) {
        give_up(udp, oldest);
    }
    struct udp_part *parts = calloc(header->count, sizeof(*parts));
    if (parts != NULL) {
        *oldest = (struct udp_gathering){
            .used = true,
            .role = role,
            .request_id = header->request_id,
            .count = header->count,
            .age = udp->clock++,
            .origin = *origin,
            .parts = parts,
        };
    }
    return parts == NULL ? NULL : oldest;
}

/* False: the part was there already, or there is no memory; its bytes are unparsed. */
static bool keep_part(struct udp_gathering *gathering, uint16_t sequence, struct span bytes,
                      const struct net_origin *origin)
{
    struct udp_part *part = &gathering->parts[sequence];
    if (part->bytes != NULL || (part->bytes = malloc(bytes.size > 0 ? bytes.size : 1)) == NULL) {
        return false;
    }
    memcpy(part->bytes, bytes.data, bytes.size);
    part->size = bytes.size;
    part->origin = *origin;
    gathering->present++;
    return true;
}

static bool udp_join(struct udp *udp, struct udp_gathering *gathering, struct udp_message *message)
{
    size_t size = 0;
    for (size_t i = 0; i < gathering->count; i++) {
        size += gathering->parts[i].size; /* at most 1024 datagrams of 64 KiB */
    }
    free(udp->joined);
    free(udp->ranges);
    udp->joined = malloc(size > 0 ? size : 1);
    udp->ranges = calloc(gathering->count, sizeof(*udp->ranges));
    if (udp->joined == NULL || udp->ranges == NULL) {
        give_up(udp, gathering);
        return false;
    }
    size_t at = 0;
    for (size_t i = 0; i < gathering->count; i++) {
        const struct udp_part *part = &gathering->parts[i];
        memcpy(udp->joined + at, part->bytes, part->size);
        udp->ranges[i] = range_of(part->origin.packet, part->size);
        at += part->size;
    }
    *message = (struct udp_message){
        .bytes = span_of(udp->joined, size),
        .overhead = (uint64_t)gathering->count * UDP_HEADER_SIZE,
        .request_id = gathering->request_id,
        .origin = gathering->origin,
        .ranges = udp->ranges,
        .ranges_count = gathering->count,
    };
    udp_release(gathering);
    return true;
}

bool udp_add(struct udp *udp, enum dissect_role role, struct span datagram,
             const struct net_origin *origin, struct udp_message *message)
{
    struct udp_header header;
    if (!udp_read_header(datagram, &header)) {
        udp->unparsed += datagram.size;
        return false;
    }
    struct span bytes = span_skip(datagram, UDP_HEADER_SIZE);
    if (header.count > UDP_DATAGRAMS) {
        udp->unparsed += datagram.size;
        if (header.sequence == 0) {
            report_given_up(udp, role, header.request_id, bytes, origin);
        }
        return false;
    }
    if (role == FROM_CLIENT) {
        give_up_answers(udp, header.request_id);
    }
    if (header.count == 1) {
        udp->range = range_of(origin->packet, bytes.size);
        *message = (struct udp_message){.bytes = bytes,
                                        .overhead = UDP_HEADER_SIZE,
                                        .request_id = header.request_id,
                                        .origin = *origin,
                                        .ranges = &udp->range,
                                        .ranges_count = 1};
        return true;
    }
    struct udp_gathering *gathering = udp_find(udp, role, &header);
    if (gathering == NULL) {
        gathering = udp_begin(udp, role, &header, origin);
    }
    if (gathering == NULL || !keep_part(gathering, header.sequence, bytes, origin)) {
        udp->unparsed += datagram.size;
        return false;
    }
    return gathering->present == gathering->count && udp_join(udp, gathering, message);
}

void udp_message_skip(struct udp_message *message, size_t size)
{
    message->bytes = span_skip(message->bytes, size);
    while (size > 0) {
        struct dissect_range *first = &message->ranges[0];
        if (size < first->size) {
            first->offset += size;
            first->size -= size;
            return;
        }
        size -= first->size;
        message->ranges++;
        message->ranges_count--;
    }
}

uint64_t udp_deinit(struct udp *udp, uint64_t *lost)
{
    for (size_t i = 0; i < UDP_MESSAGES; i++) {
        if (udp->gatherings[i].used) {
            give_up(udp, &udp->gatherings[i]);
        }
    }
    free(udp->joined);
    free(udp->ranges);
    udp->joined = NULL;
    udp->ranges = NULL;
    *lost = udp->lost;
    return udp->unparsed;
}
