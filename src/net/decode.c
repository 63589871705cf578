#include "net/decode.h"

#include "net/fragments.h"
#include "net/layers.h"

#include <stdlib.h>

struct net_decoder {
    struct fragments *fragments;
    const struct net_datagram *datagram; /* that the last packet made whole, or NULL */
};

struct net_decoder *net_decoder_create(const struct net_decoder_options *options)
{
    struct net_decoder *decoder = calloc(1, sizeof(*decoder));
    if (decoder == NULL) {
        return NULL;
    }
    decoder->fragments = fragments_create(options->fragment_bytes_max);
    if (decoder->fragments == NULL) {
        free(decoder);
        return NULL;
    }
    return decoder;
}

void net_decoder_destroy(struct net_decoder *decoder)
{
    if (decoder != NULL) {
        fragments_destroy(decoder->fragments);
        free(decoder);
    }
}

/* Takes a fragment in; goes on if with it a datagram is whole. */
static enum net_decoded reassemble(struct net_decoder *decoder, const struct net_packet *packet,
                                   struct wire *wire, struct ip_header *header,
                                   const struct net_segment *segment, uint32_t *cut)
{
    if (!ip_may_carry_transport(header->protocol)) {
        return NET_NOT_TRANSPORT;
    }
    enum net_decoded verdict = fragments_add(decoder->fragments, wire, header, segment, packet);
    if (verdict != NET_SEGMENT) {
        return verdict;
    }
    decoder->datagram = fragments_whole(decoder->fragments);
    return ip_strip_extensions(wire, header, cut);
}

enum net_decoded net_decode(struct net_decoder *decoder, const struct net_packet *packet,
                            struct net_segment *segment, uint32_t *cut)
{
    struct wire wire = {.bytes = packet->bytes, .length = packet->length};
    struct ip_header header;
    assert(packet->length >= packet->bytes.size);
    *cut = 0;
    decoder->datagram = NULL;

    enum net_decoded verdict = link_strip(packet->link, &wire, cut);
    if (verdict != NET_SEGMENT) {
        return verdict;
    }
    verdict = ip_strip(&wire, &header, segment, cut);
    if (verdict == NET_SEGMENT && header.fragment) {
        verdict = reassemble(decoder, packet, &wire, &header, segment, cut);
    }
    if (verdict != NET_SEGMENT) {
        return verdict;
    }
    if (header.fragment) {
        return NET_MALFORMED; /* fragments of a fragment */
    }
    return transport_strip(&wire, header.protocol, segment, cut);
}

const struct net_datagram *net_decoder_datagram(const struct net_decoder *decoder)
{
    return decoder->datagram;
}

uint64_t net_decoder_abandoned(const struct net_decoder *decoder)
{
    return fragments_abandoned(decoder->fragments);
}

uint64_t net_decoder_repeated(const struct net_decoder *decoder)
{
    return fragments_repeated(decoder->fragments);
}

void net_decoder_finish(struct net_decoder *decoder)
{
    fragments_abandon(decoder->fragments);
}
