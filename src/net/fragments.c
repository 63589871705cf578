#include "net/fragments.h"

#include "base/array.h"

#include <stdlib.h>

enum {
    DATAGRAM_MAX = 65535, /* behind the IP header */
    DATAGRAM_ROOM = 65536,
    DATAGRAMS_MAX = 1024,
    UNIT = 8, /* offsets and all lengths but the last are multiples of it */
    UNITS = DATAGRAM_ROOM / UNIT,
    UNKNOWN = UINT32_MAX,
    PARTS_MAX =
        UNITS,       /* of a datagram that are remembered: without repetitions there are no more */
    PARTS_ROOM = 16, /* at first */
};

/* As long as Linux waits (ip_frag_time); identifications are used again afterwards. */
static const int64_t PATIENCE = 30 * INT64_C(1000000000);

struct datagram {
    bool used;
    uint8_t protocol; /* for IPv6 that of the fragment at offset 0 */
    uint8_t family;
    uint32_t id;
    uint8_t source[16];
    uint8_t destination[16];
    uint64_t turn;            /* in which they were begun */
    int64_t time;             /* of the first fragment */
    uint32_t total;           /* bytes, once the last fragment has come; else UNKNOWN */
    uint32_t furthest;        /* end of the fragment that reaches furthest */
    uint32_t missing;         /* units that no fragment has brought, of those up to `furthest` */
    uint32_t cut_from;        /* the first byte that the snap length cut off */
    uint32_t captured;        /* bytes copied to `bytes` */
    uint8_t units[UNITS / 8]; /* a bit for each unit that came */
    uint8_t *bytes;           /* DATAGRAM_ROOM, from the first use on */
    struct net_part *parts;   /* the same, with room for parts_room */
    size_t parts_room;
    size_t parts_count;
};

struct fragments {
    uint64_t turn;
    struct net_datagram whole; /* what became that last */
    uint64_t abandoned;
    uint64_t repeated;
    size_t count;
    struct datagram datagrams[];
};

struct fragments *fragments_create(size_t bytes_max)
{
    size_t count = bytes_max / DATAGRAM_ROOM;
    count = count == 0 ? 1 : count > DATAGRAMS_MAX ? DATAGRAMS_MAX : count;
    struct fragments *fragments =
        calloc(1, sizeof(*fragments) + count * sizeof(fragments->datagrams[0]));
    if (fragments != NULL) {
        fragments->count = count;
    }
    return fragments;
}

void fragments_destroy(struct fragments *fragments)
{
    if (fragments == NULL) {
        return;
    }
    for (size_t i = 0; i < fragments->count; i++) {
        free(fragments->datagrams[i].bytes);
        free(fragments->datagrams[i].parts);
    }
    free(fragments);
}

static bool unit_came(const struct datagram *datagram, uint32_t unit)
{
    return (datagram->units[unit / 8] >> (unit % 8) & 1) != 0;
}

static void abandon(struct fragments *fragments, struct datagram *datagram)
{
    uint32_t front = !unit_came(datagram, 0) ? 0 : unit_came(datagram, 1) ? 2 * UNIT : UNIT;
    front = front < datagram->cut_from ? front : datagram->cut_from;
    uint32_t headers = transport_header_size(span_of(datagram->bytes, front), datagram->protocol);
    fragments->abandoned +=
        datagram->captured - (headers < datagram->captured ? headers : datagram->captured);
    datagram->used = false;
}

static bool is_part_of(const struct datagram *datagram, const struct ip_header *header,
                       const struct net_segment *segment)
{
    return datagram->used && datagram->id == header->id &&
           datagram->family == segment->source.family &&
           (datagram->family == 6 || datagram->protocol == header->protocol) &&
           memcmp(datagram->source, segment->source.address, 16) == 0 &&
           memcmp(datagram->destination, segment->destination.address, 16) == 0;
}

/* A datagram that is not in use: a spare one, or the one begun first, which is given up. */
static struct datagram *fragments_make_room(struct fragments *fragments)
{
    struct datagram *oldest = &fragments->datagrams[0];
    for (size_t i = 0; i < fragments->count; i++) {
        struct datagram *datagram = &fragments->datagrams[i];
        if (!datagram->used) {
            oldest = datagram;
            break;
        }
        if (datagram->turn < oldest->turn) {
            oldest = datagram;
        }
    }
    if (oldest->used) {
        abandon(fragments, oldest);
    }
    if (oldest->bytes == NULL) {
        oldest->bytes = malloc(DATAGRAM_ROOM);
    }
    return oldest->bytes == NULL ? NULL : oldest;
}

static struct datagram *fragments_begin(struct fragments *fragments, const struct ip_header *header,
                                        const struct net_segment *segment, int64_t time)
{
    struct datagram *datagram = fragments_make_room(fragments);
    if (datagram == NULL) {
        return NULL;
    }
    struct datagram before = *datagram;
    *datagram = (struct datagram){
        .used = true,
        .protocol = header->protocol,
        .family = segment->source.family,
        .id = header->id,
        .turn = ++fragments->turn,
        .time = time,
        .total = UNKNOWN,
        .cut_from = UNKNOWN,
        .bytes = before.bytes,
        .parts = before.parts,
        .parts_room = before.parts_room,
    };
    memcpy(datagram->source, segment->source.address, 16);
    memcpy(datagram->destination, segment->destination.address, 16);
    return datagram;
}

static struct datagram *datagram_of(struct fragments *fragments, const struct ip_header *header,
                                    const struct net_segment *segment, int64_t time)
{
    for (size_t i = 0; i < fragments->count; i++) {
        struct datagram *datagram = &fragments->datagrams[i];
        if (is_part_of(datagram, header, segment)) {
            if (time - datagram->time <= PATIENCE) {
                return datagram;
            }
            abandon(fragments, datagram);
        }
    }
    return fragments_begin(fragments, header, segment, time);
}

/* False: no memory. */
static bool note_part(struct datagram *datagram, const struct net_part *part)
{
    if (datagram->parts_count == PARTS_MAX) {
        return true;
    }
    struct net_part *grown =
        array_grow(datagram->parts, sizeof(*grown), datagram->parts_count, &datagram->parts_room);
    if (grown == NULL) {
        return false;
    }
    datagram->parts = grown;
    datagram->parts[datagram->parts_count++] = *part;
    return true;
}

/* Copies the units of a fragment that had not come yet. */
static void copy_units(struct fragments *fragments, struct datagram *datagram, uint32_t offset,
                       const struct wire *wire)
{
    uint32_t captured = (uint32_t)wire->bytes.size;
    for (uint32_t at = 0; at < wire->length; at += UNIT) {
        uint32_t unit = (offset + at) / UNIT;
        uint32_t left = at < captured ? captured - at : 0;
        uint32_t size = left < UNIT ? left : UNIT;
        if (unit_came(datagram, unit)) {
            fragments->repeated += size;
            continue;
        }
        datagram->units[unit / 8] |= (uint8_t)(1u << (unit % 8));
        datagram->missing--;
        if (size > 0) {
            memcpy(datagram->bytes + offset + at, wire->bytes.data + at, size);
            datagram->captured += size;
        }
        uint32_t sent = wire->length - at < UNIT ? wire->length - at : UNIT;
        if (size < sent && offset + at + size < datagram->cut_from) {
            datagram->cut_from = offset + at + size;
        }
    }
}

/* Whether the fragment's place agrees with those of the others. */
static bool fragments_fits(const struct datagram *datagram, const struct ip_header *header,
                           uint32_t end)
{
    if (datagram->total == UNKNOWN) {
        return header->more || end >= datagram->furthest;
    }
    return header->more ? end <= datagram->total : end == datagram->total;
}

enum net_decoded fragments_add(struct fragments *fragments, struct wire *wire,
                               struct ip_header *header, const struct net_segment *segment,
                               const struct net_packet *packet)
{
    uint32_t length = wire->length;
    if (length == 0 || length > DATAGRAM_MAX - header->offset ||
        (header->more && length % UNIT != 0)) {
        return NET_MALFORMED;
    }
    uint32_t end = header->offset + length;
    struct net_part part = {.packet = packet->number,
                            .at = (uint32_t)(wire->bytes.data - packet->bytes.data),
                            .offset = header->offset,
                            .size = (uint32_t)wire->bytes.size};
    struct datagram *datagram = datagram_of(fragments, header, segment, packet->time);
    if (datagram == NULL || !fragments_fits(datagram, header, end) || !note_part(datagram, &part)) {
        return NET_MALFORMED;
    }
    if (header->offset == 0) {
        datagram->protocol = header->protocol;
    }
    if (!header->more) {
        datagram->total = end;
    }
    if (end > datagram->furthest) {
        datagram->missing += (end + UNIT - 1) / UNIT - (datagram->furthest + UNIT - 1) / UNIT;
        datagram->furthest = end;
    }
    copy_units(fragments, datagram, header->offset, wire);
    if (datagram->total == UNKNOWN || datagram->missing > 0) {
        return NET_FRAGMENT_HELD;
    }

    uint32_t whole = datagram->cut_from < datagram->total ? datagram->cut_from : datagram->total;
    fragments->abandoned += datagram->captured - whole;
    wire->bytes = span_of(datagram->bytes, whole);
    wire->length = datagram->total;
    fragments->whole = (struct net_datagram){.bytes = wire->bytes,
                                             .length = wire->length,
                                             .parts = datagram->parts,
                                             .count = datagram->parts_count};
    header->protocol = datagram->protocol;
    header->fragment = false;
    datagram->used = false;
    return NET_SEGMENT;
}

void fragments_abandon(struct fragments *fragments)
{
    for (size_t i = 0; i < fragments->count; i++) {
        if (fragments->datagrams[i].used) {
            abandon(fragments, &fragments->datagrams[i]);
        }
    }
}

const struct net_datagram *fragments_whole(const struct fragments *fragments)
{
    return &fragments->whole;
}

uint64_t fragments_abandoned(const struct fragments *fragments)
{
    return fragments->abandoned;
}

uint64_t fragments_repeated(const struct fragments *fragments)
{
    return fragments->repeated;
}
