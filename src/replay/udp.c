#include "replay/udp.h"

#include "base/endian.h"
#include "replay/boundary.h"

#include <stdlib.h>

struct udp_header {
    uint16_t request_id;
    uint16_t sequence;
    uint16_t count;
    uint16_t reserved;
};

static bool read_header(struct span datagram, struct udp_header *header)
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
    return read_header(datagram, &header) && header.reserved == 0 && header.sequence == 0 &&
           boundary_plausible(span_skip(datagram, UDP_HEADER_SIZE), frame_max);
}

static void release(struct udp_gathering *gathering)
{
    for (size_t i = 0; gathering->parts != NULL && i < gathering->count; i++) {
        free(gathering->parts[i].bytes);
    }
    free(gathering->parts);
    *gathering = (struct udp_gathering){0};
}

/* The message will not become whole: its bytes are unparsed, the rest of it is lost. */
static void give_up(struct udp *udp, struct udp_gathering *gathering)
{
    size_t longest = 0;
    for (size_t i = 0; i < gathering->count; i++) {
        const struct udp_part *part = &gathering->parts[i];
        if (part->bytes != NULL) {
            udp->unparsed += part->size + UDP_HEADER_SIZE;
            longest = part->size > longest ? part->size : longest;
        }
    }
    udp->lost += (uint64_t)(gathering->count - gathering->present) * (longest + UDP_HEADER_SIZE);
    release(gathering);
}

static struct udp_gathering *find(struct udp *udp, enum dissect_role role,
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

static struct udp_gathering *begin(struct udp *udp, enum dissect_role role,
                                   const struct udp_header *header, const struct net_origin *origin)
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
static bool keep_part(struct udp_gathering *gathering, uint16_t sequence, struct span bytes)
{
    struct udp_part *part = &gathering->parts[sequence];
    if (part->bytes != NULL || (part->bytes = malloc(bytes.size > 0 ? bytes.size : 1)) == NULL) {
        return false;
    }
    memcpy(part->bytes, bytes.data, bytes.size);
    part->size = bytes.size;
    gathering->present++;
    return true;
}

static bool join(struct udp *udp, struct udp_gathering *gathering, struct udp_message *message)
{
    size_t size = 0;
    for (size_t i = 0; i < gathering->count; i++) {
        size += gathering->parts[i].size; /* at most 1024 datagrams of 64 KiB */
    }
    free(udp->joined);
    udp->joined = malloc(size > 0 ? size : 1);
    if (udp->joined == NULL) {
        give_up(udp, gathering);
        return false;
    }
    size_t at = 0;
    for (size_t i = 0; i < gathering->count; i++) {
        memcpy(udp->joined + at, gathering->parts[i].bytes, gathering->parts[i].size);
        at += gathering->parts[i].size;
    }
    *message = (struct udp_message){
        .bytes = span_of(udp->joined, size),
        .overhead = (uint64_t)gathering->count * UDP_HEADER_SIZE,
        .request_id = gathering->request_id,
        .origin = gathering->origin,
    };
    release(gathering);
    return true;
}

bool udp_add(struct udp *udp, enum dissect_role role, struct span datagram,
             const struct net_origin *origin, struct udp_message *message)
{
    struct udp_header header;
    if (!read_header(datagram, &header) || header.count > UDP_DATAGRAMS) {
        udp->unparsed += datagram.size;
        return false;
    }
    struct span bytes = span_skip(datagram, UDP_HEADER_SIZE);
    if (header.count == 1) {
        *message = (struct udp_message){.bytes = bytes,
                                        .overhead = UDP_HEADER_SIZE,
                                        .request_id = header.request_id,
                                        .origin = *origin};
        return true;
    }
    struct udp_gathering *gathering = find(udp, role, &header);
    if (gathering == NULL) {
        gathering = begin(udp, role, &header, origin);
    }
    if (gathering == NULL || !keep_part(gathering, header.sequence, bytes)) {
        udp->unparsed += datagram.size;
        return false;
    }
    return gathering->present == gathering->count && join(udp, gathering, message);
}

uint64_t udp_deinit(struct udp *udp, uint64_t *lost)
{
    for (size_t i = 0; i < UDP_MESSAGES; i++) {
        if (udp->gatherings[i].used) {
            give_up(udp, &udp->gatherings[i]);
        }
    }
    free(udp->joined);
    udp->joined = NULL;
    *lost = udp->lost;
    return udp->unparsed;
}
