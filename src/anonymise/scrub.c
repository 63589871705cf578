#include "anonymise/scrub.h"

#include "anonymise/substitute.h"
#include "base/array.h"

#include <stdlib.h>

/* Where in a packet's own stream the bytes come from that aren't payload. */
static const uint64_t NOISE_OF_PADDING = UINT64_C(1) << 40;

static void scrub_keep(const struct scrub *self, uint64_t at, uint64_t size)
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

/* Options, or records of names, that are pcapng's own; the values of others become zeros, as does
 * what follows the last one. */
static void keep_options(struct scrub *self, const struct container_part *part, int64_t block,
                         uint64_t from, uint64_t to)
{
    struct option_list list = {self->before, from, to, part->swapped};
    struct option option;
    while (option_next(&list, &option)) {
        enum option_use use = option_use(block, &option);
        scrub_keep(self, option.head, option.value - option.head);
        if (use == OPTION_OWN) {
            scrub_keep(self, option.value, option.size);
        } else if (use == OPTION_HASH) {
            scrub_keep(self, option.value, 1);
            substitute_unknown(self->secret, STREAM_OF_PACKET, 2 * NOISE_OF_PADDING + option.value,
                               self->after + option.value + 1, option.size - 1U);
        } else {
            self->result->options++;
        }
    }
}

/* The record or block around a packet, or one without; the padding behind a packet becomes zeros.
 */
static void keep_around(struct scrub *self, const struct container_part *part, uint64_t fixed_end)
{
    scrub_keep(self, part->at, fixed_end - part->at);
    if (part->length_size > 0) {
        keep_options(self, part, PCAPNG_NAME_RECORDS, part->names_at, part->options_at);
        keep_options(self, part, part->block, part->options_at, part->options_end);
        scrub_keep(self, part->options_end, part->length_size);
    }
}

/* The checksum in a first fragment is only known to be right when all fragments have come. */
static void hide_checksum(const struct scrub *self, const struct traffic_packet *packet,
                          uint64_t stream)
{
    const struct layout *layout = &packet->layout;
    uint32_t at = layout->transport + layout_checksum_at(layout->ip.protocol);
    if (layout->ip.fragment && at > layout->transport && at + 2 <= layout->kept) {
        secret_noise(self->secret, stream, 3 * NOISE_OF_PADDING,
                     self->after + packet->part.data_at + at, 2);
    }
}

static bool carries_transport(const struct layout *layout)
{
    return layout->is_ip && ip_may_carry_transport(layout->ip.protocol);
}

static bool note_packet(struct scrub *self, uint64_t at)
{
    uint64_t *grown =
        array_grow(self->packets_at, sizeof(*grown), self->packets, &self->packets_room);
    if (grown == NULL) {
        self->no_memory = true;
        return false;
    }
    self->packets_at = grown;
    self->packets_at[self->packets++] = at;
    return true;
}

/* Keeps what is header of a datagram that came in fragments; headers may reach over several. */
static void keep_headers(struct scrub *self, const struct dissect_packet *packet)
{
    const struct ip_datagram *datagram = datagrams_add(&self->datagrams, packet, self->packets_at);
    self->no_memory |= datagram == NULL;
    for (size_t i = 0; datagram != NULL && i < datagram->count; i++) {
        const struct ip_piece *piece = &datagram->pieces[i];
        if (piece->offset < datagram->payload) {
            uint64_t size = datagram->payload - piece->offset;
            scrub_keep(self, piece->file_at, size < piece->size ? size : piece->size);
        }
    }
}

void scrub_packet(struct scrub *self, const struct traffic_packet *packet)
{
    const struct layout *layout = &packet->layout;
    const struct dissect_packet *read = packet->read;
    bool in_one = read->segment != NULL && read->datagram == NULL;
    uint64_t stream = STREAM_OF_PACKET + read->packet->number;
    uint64_t at = packet->part.data_at;
    uint32_t size = layout->end - layout->kept;
    keep_around(self, &packet->part, packet->part.data_at);
    scrub_keep(self, at, layout->kept);
    if (!in_one) { /* else scrub_taken does it */
        substitute_unknown(self->secret, stream, 0, self->after + at + layout->kept, size);
    }
    replace_padding(self, stream, at + layout->end, packet->part.data_size - layout->end);
    hide_checksum(self, packet, stream);
    self->result->packets++;
    if (note_packet(self, in_one ? at + layout->kept : at) && read->datagram != NULL) {
        keep_headers(self, read);
    }
    if (carries_transport(layout)) {
        self->payload += size;
    } else {
        self->other += size;
    }
}

/* What lies outside of frames follows from its place in the stream, so that it is the same when it
 * is sent again. */
static void replace_range(struct scrub *self, const struct dissect_range *range, uint64_t file_at)
{
    struct place place = {range->stream, range->offset, file_at, (uint32_t)range->size, 0};
    if (range->size > 0) {
        substitute_unknown(self->secret, range->stream, range->offset, self->after + file_at,
                           range->size);
        self->no_memory |= !places_add(&self->places, &place);
    }
}

/* The shares that fragments have in a payload. */
static void replace_in_fragments(struct scrub *self, const struct ip_datagram *datagram,
                                 const struct dissect_range *range)
{
    for (size_t i = 0; i < datagram->count; i++) {
        const struct ip_piece *piece = &datagram->pieces[i];
        uint64_t from = piece->offset > datagram->payload ? piece->offset : datagram->payload;
        uint64_t to = piece->offset + (uint64_t)piece->size;
        uint64_t end = datagram->payload + range->size;
        to = to < end ? to : end;
        if (from < to) {
            struct dissect_range share = {range->stream, range->offset + (from - datagram->payload),
                                          to - from};
            replace_range(self, &share, piece->file_at + (from - piece->offset));
        }
    }
}

void scrub_taken(struct scrub *self, const struct net_segment *segment,
                 const struct net_origin *origin, const struct dissect_range *range)
{
    const struct ip_datagram *datagram = datagrams_find(&self->datagrams, origin->packet);
    if (self->no_memory || origin->packet > self->packets) {
        return; /* it is not known where it lies */
    }
    uint64_t at = self->packets_at[origin->packet - 1];
    if (range != NULL && datagram != NULL) {
        replace_in_fragments(self, datagram, range);
    } else if (range != NULL) {
        replace_range(self, range, at);
    } else if (datagram == NULL) {
        substitute_unknown(self->secret, STREAM_OF_PACKET + origin->packet, 0, self->after + at,
                           segment->payload.size);
    }
}

void scrub_part(struct scrub *self, const struct container_part *part)
{
    if (part->kind == CONTAINER_OPAQUE) {
        self->result->emptied += part->data_size > 0;
        keep_around(self, part, part->data_at);
    } else {
        keep_around(self, part, part->length_size > 0 ? part->names_at : part->at + part->size);
    }
}

void scrub_deinit(struct scrub *self)
{
    free(self->packets_at);
    datagrams_deinit(&self->datagrams);
    places_deinit(&self->places);
}
