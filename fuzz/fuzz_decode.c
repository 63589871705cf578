/*
 * Packets of every link type. Each is: link type, and in multiples of their number the seconds
 * since the packet before; how much of it was captured in the second try; captured bytes (16 bits);
 * bytes that were sent beyond those (16 bits); and the bytes themselves. What is found lies in the
 * packet, and of a packet cut shorter the same is found, as far as it goes.
 */
#include "net/decode.h"
#include "target.h"

#include <stdlib.h>

enum { FRAGMENT_BYTES = 4 * 65536, CAPTURED_MAX = 1 << 16 };

void fuzz_begin(void)
{
}

struct found {
    enum net_decoded verdict;
    struct net_segment segment;
    uint32_t cut;
};

static volatile uint8_t seen;

UNCOUNTED static void read_all(struct span bytes)
{
    uint8_t sum = 0;
    for (size_t i = 0; i < bytes.size; i++) {
        sum ^= bytes.data[i];
    }
    seen = sum;
}

UNCOUNTED static struct found decode(struct net_decoder *decoder, const struct net_packet *packet)
{
    struct found found;
    memset(&found.segment, 0, sizeof(found.segment));
    found.verdict = net_decode(decoder, packet, &found.segment, &found.cut);
    if (found.verdict == NET_SEGMENT) {
        read_all(found.segment.payload);
        CHECK(found.segment.protocol == NET_TCP || found.segment.protocol == NET_UDP);
        CHECK(found.segment.source.family == found.segment.destination.family);
    } else if (found.verdict == NET_HEADERS_CUT) {
        CHECK(found.cut <= packet->length || found.cut <= 65535); /* of a datagram put together */
    }
    return found;
}

UNCOUNTED static bool lies_in(struct span inner, struct span outer)
{
    return inner.data >= outer.data && inner.data + inner.size <= outer.data + outer.size;
}

/* The same packet, of which less was captured. */
UNCOUNTED static void check_cut(const struct net_packet *packet, const struct found *whole,
                                size_t captured)
{
    struct net_decoder *decoder =
        net_decoder_create(&(struct net_decoder_options){.fragment_bytes_max = 65536});
    uint8_t *copy = malloc(captured + 1);
    CHECK(decoder != NULL && copy != NULL);
    struct net_packet less = *packet;
    less.bytes = span_of(copy + 1, captured); /* ends where the allocation does */
    if (captured > 0) {
        memcpy(copy + 1, packet->bytes.data, captured);
    }
    struct found found = decode(decoder, &less);
    if (whole->verdict == NET_SEGMENT && found.verdict == NET_SEGMENT) {
        const struct net_segment *a = &whole->segment;
        const struct net_segment *b = &found.segment;
        CHECK(b->payload.size <= a->payload.size);
        CHECK(b->payload.size + b->cut == a->payload.size + a->cut);
        CHECK(memcmp(a->payload.data, b->payload.data, b->payload.size) == 0);
    } else if (whole->verdict == NET_SEGMENT) {
        CHECK(found.verdict == NET_HEADERS_CUT);
        /* Unless IP says that the packet was longer than it was. */
        uint64_t lost = whole->segment.payload.size + (uint64_t)whole->segment.cut;
        size_t before = (size_t)(whole->segment.payload.data - packet->bytes.data);
        CHECK(found.cut >= lost || before + lost > packet->length);
    }
    free(copy);
    net_decoder_destroy(decoder);
}

static void run_packet(struct net_decoder *decoder, struct span *input, uint64_t number,
                       int64_t *seconds)
{
    uint8_t first = take_8(input);
    *seconds += first / NET_LINKS;
    struct net_packet packet = {
        .number = number, .time = *seconds * INT64_C(1000000000), .link = first % NET_LINKS};
    uint8_t part = take_8(input);
    size_t captured = take_16(input);
    uint32_t beyond = take_16(input);
    struct span bytes = take(input, captured);
    uint8_t *copy = malloc(bytes.size + 1);
    CHECK(copy != NULL);
    packet.bytes = span_of(copy + 1, bytes.size);
    if (bytes.size > 0) {
        memcpy(copy + 1, bytes.data, bytes.size);
    }
    packet.length = (uint32_t)packet.bytes.size + beyond;
    uint64_t held = net_decoder_abandoned(decoder);
    struct found found = decode(decoder, &packet);
    bool direct = found.verdict == NET_SEGMENT && lies_in(found.segment.payload, packet.bytes);
    if (direct) {
        CHECK(found.segment.cut <= beyond || found.segment.cut <= UINT16_MAX); /* if IP says so */
        if (net_decoder_abandoned(decoder) == held) {
            check_cut(&packet, &found, bytes.size * part / 256);
        }
    }
    free(copy);
}

void fuzz_target(const uint8_t *data, size_t size)
{
    struct span input = span_of(data, size);
    struct net_decoder *decoder =
        net_decoder_create(&(struct net_decoder_options){.fragment_bytes_max = FRAGMENT_BYTES});
    CHECK(decoder != NULL);
    int64_t seconds = 0;
    for (uint64_t number = 1; input.size > 0; number++) {
        run_packet(decoder, &input, number, &seconds);
    }
    net_decoder_finish(decoder);
    CHECK(net_decoder_abandoned(decoder) + net_decoder_repeated(decoder) <= size);
    net_decoder_destroy(decoder);
}
