#include "anonymise/scrub.h"

#include "anonymise/substitute.h"

#include <stdlib.h>

/* Where in a packet's own stream the bytes come from that aren't payload. */
static const uint64_t NOISE_OF_PADDING = UINT64_C(1) << 40;

static void keep(const struct scrub *self, uint64_t at, uint64_t size)
{
    memcpy(self->after + at, self->before.data + at, size);
}

/* Padding is zeros, mostly, and stays that. */
static void replace_padding(const struct scrub *self, uint64_t number, uint64_t at, uint64_t size)
{
    if (size == 0) {
        return;
    }
    substitute_unknown(self->secret, number, NOISE_OF_PADDING, self->after + at, size);
    for (uint64_t i = 0; i < size; i++) {
        if (self->before.data[at + i] == 0) {
            self->after[at + i] = 0;
        }
    }
}

/* The record or block around a packet. Padding, and options that may hold anything, become zeros:
 * an end of the options. */
static void keep_around(const struct scrub *self, const struct container_part *part,
                        uint64_t number)
{
    keep(self, part->at, part->data_at - part->at);
    keep(self, part->options_at, part->options_end - part->options_at);
    keep(self, part->at + part->size - part->length_size, part->length_size);
    if (part->hash_size > 0) {
        self->result->hashes++;
        substitute_unknown(self->secret, number, 2 * NOISE_OF_PADDING, self->after + part->hash_at,
                           part->hash_size);
    }
}

/* The checksum in a first fragment is only known to be right when all fragments have come. */
static void hide_checksum(const struct scrub *self, const struct traffic_packet *packet)
{
    const struct layout *layout = packet->layout;
    uint32_t at = layout->transport + layout_checksum_at(layout->ip.protocol);
    if (layout->ip.fragment && at > layout->transport && at + 2 <= layout->kept) {
        secret_noise(self->secret, packet->stream, 3 * NOISE_OF_PADDING,
                     self->after + packet->part->data_at + at, 2);
    }
}

static bool carries_transport(const struct layout *layout)
{
    return layout->is_ip && ip_may_carry_transport(layout->ip.protocol);
}

void scrub_packet(struct scrub *self, const struct traffic_packet *packet)
{
    const struct layout *layout = packet->layout;
    uint64_t number = STREAM_OF_PACKET + packet->packet->number;
    uint64_t at = packet->part->data_at;
    uint32_t size = layout->end - layout->kept;
    keep_around(self, packet->part, number);
    keep(self, at, layout->kept);
    substitute_unknown(self->secret, packet->stream, packet->offset,
                       self->after + at + layout->kept, size);
    replace_padding(self, number, at + layout->end, packet->part->data_size - layout->end);
    hide_checksum(self, packet);
    self->result->packets++;
    if (!carries_transport(layout)) {
        self->other += size;
        return;
    }
    self->payload += size;
    self->outside += packet->placed ? 0 : size;
}

void scrub_part(struct scrub *self, const struct container_part *part)
{
    keep(self, part->at, part->size);
    if (part->kind == CONTAINER_OPAQUE && part->data_size > 0) {
        memset(self->after + part->data_at, 0, part->data_size);
        self->result->emptied++;
    }
}

void scrub_place(struct scrub *self, const struct place *place)
{
    self->no_memory |= !places_add(&self->places, place);
}

/* Headers may reach over several fragments. */
static void keep_headers(struct scrub *self, const struct ip_datagram *datagram)
{
    for (size_t i = 0; i < datagram->count; i++) {
        const struct ip_piece *piece = &datagram->pieces[i];
        if (piece->offset < datagram->payload) {
            uint64_t size = datagram->payload - piece->offset;
            keep(self, piece->file_at, size < piece->size ? size : piece->size);
        }
    }
}

void scrub_datagram(struct scrub *self, const struct ip_datagram *datagram)
{
    struct scrub_datagrams *all = &self->datagrams;
    keep_headers(self, datagram);
    if (all->count == all->room) {
        size_t room = all->room == 0 ? 16 : 2 * all->room;
        struct ip_datagram *grown = reallocarray(all->datagrams, room, sizeof(*grown));
        if (grown == NULL) {
            self->no_memory = true;
            return;
        }
        all->datagrams = grown;
        all->room = room;
    }
    struct ip_datagram *copy = &all->datagrams[all->count];
    *copy = *datagram;
    copy->pieces = calloc(datagram->count > 0 ? datagram->count : 1, sizeof(*copy->pieces));
    if (copy->pieces == NULL) {
        self->no_memory = true;
        return;
    }
    memcpy(copy->pieces, datagram->pieces, datagram->count * sizeof(*copy->pieces));
    all->count++;
}

void scrub_deinit(struct scrub *self)
{
    for (size_t i = 0; i < self->datagrams.count; i++) {
        free(self->datagrams.datagrams[i].pieces);
    }
    free(self->datagrams.datagrams);
    places_deinit(&self->places);
}
