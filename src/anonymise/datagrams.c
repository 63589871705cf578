#include "anonymise/datagrams.h"

#include "base/array.h"
#include "net/layers.h"

#include <stdlib.h>

const struct ip_datagram *datagrams_add(struct datagrams *self, const struct dissect_packet *packet,
                                        const uint64_t *packets_at)
{
    const struct net_datagram *whole = packet->datagram;
    const struct net_segment *segment = packet->segment;
    struct ip_piece *pieces = calloc(whole->count, sizeof(*pieces));
    struct ip_datagram *grown =
        array_grow(self->datagrams, sizeof(*grown), self->count, &self->room);
    self->datagrams = grown != NULL ? grown : self->datagrams;
    if (pieces == NULL || grown == NULL) {
        free(pieces);
        return NULL;
    }
    for (size_t i = 0; i < whole->count; i++) {
        const struct net_part *part = &whole->parts[i];
        pieces[i] =
            (struct ip_piece){part->offset, part->size, packets_at[part->packet - 1] + part->at};
    }
    uint32_t payload = (uint32_t)(segment->payload.data - whole->bytes.data);
    const uint8_t *transport = segment->protocol == NET_TCP
                                   ? segment->transport.data
                                   : segment->payload.data - LEAST_TRANSPORT;
    struct ip_datagram *datagram = &self->datagrams[self->count++];
    *datagram = (struct ip_datagram){
        .packet = packet->packet->number,
        .protocol = (uint8_t)segment->protocol,
        .transport = (uint32_t)(transport - whole->bytes.data),
        .payload = payload,
        .length = whole->length,
        .captured = whole->bytes.size == whole->length,
        .source = segment->source,
        .destination = segment->destination,
        .pieces = pieces,
        .count = whole->count,
    };
    return datagram;
}

const struct ip_datagram *datagrams_find(const struct datagrams *self, uint64_t packet)
{
    size_t low = 0;
    size_t high = self->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (self->datagrams[middle].packet < packet) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    bool found = low < self->count && self->datagrams[low].packet == packet;
    return found ? &self->datagrams[low] : NULL;
}

void datagrams_deinit(struct datagrams *self)
{
    for (size_t i = 0; i < self->count; i++) {
        free(self->datagrams[i].pieces);
    }
    free(self->datagrams);
    *self = (struct datagrams){0};
}

void ip_datagram_read(const struct ip_datagram *datagram, const uint8_t *file, uint32_t from,
                      uint8_t *out, uint32_t size)
{
    uint64_t end = (uint64_t)from + size;
    for (size_t i = datagram->count; i-- > 0;) { /* the first to come is the last to be copied */
        const struct ip_piece *piece = &datagram->pieces[i];
        uint64_t piece_end = (uint64_t)piece->offset + piece->size;
        uint64_t begin = piece->offset > from ? piece->offset : from;
        uint64_t stop = piece_end < end ? piece_end : end;
        if (begin < stop) {
            memcpy(out + (begin - from), file + piece->file_at + (begin - piece->offset),
                   stop - begin);
        }
    }
}
