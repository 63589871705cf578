#include "decoding.h"

#include <stdio.h>
#include <stdlib.h>

int decoding_setup(void **state)
{
    struct decoding *decoding = calloc(1, sizeof(*decoding));
    guarded_init(&decoding->memory);
    decoding_restart(decoding, 1 << 20);
    decoding->packet.number = 1;
    *state = decoding;
    return 0;
}

int decoding_teardown(void **state)
{
    struct decoding *decoding = *state;
    net_decoder_destroy(decoding->decoder);
    guarded_deinit(&decoding->memory);
    free(decoding);
    return 0;
}

void decoding_restart(struct decoding *decoding, size_t fragment_bytes_max)
{
    struct net_decoder_options options = {.fragment_bytes_max = fragment_bytes_max};
    net_decoder_destroy(decoding->decoder);
    decoding->decoder = net_decoder_create(&options);
    assert_non_null(decoding->decoder);
}

size_t hex_bytes(const char *hex, uint8_t *bytes, size_t room)
{
    size_t size = 0;
    for (;;) {
        hex += strspn(hex, " ");
        if (*hex == '\0') {
            return size;
        }
        char digits[3] = {hex[0], hex[1], '\0'};
        assert_true(size < room);
        bytes[size++] = (uint8_t)strtoul(digits, NULL, 16);
        hex += 2;
    }
}

void decode_hex_cut(struct decoding *decoding, enum net_link link, const char *hex, size_t captured)
{
    static uint8_t bytes[GUARDED_MAX];
    size_t size = hex_bytes(hex, bytes, sizeof(bytes));
    assert_true(captured <= size);
    decoding->packet.link = link;
    decoding->packet.bytes = guarded_copy(&decoding->memory, bytes, captured);
    decoding->packet.length = (uint32_t)size;
    decoding->verdict =
        net_decode(decoding->decoder, &decoding->packet, &decoding->segment, &decoding->cut);
}

void decode_hex(struct decoding *decoding, enum net_link link, const char *hex)
{
    static uint8_t bytes[GUARDED_MAX];
    decode_hex_cut(decoding, link, hex, hex_bytes(hex, bytes, sizeof(bytes)));
}

void assert_payload(const struct decoding *decoding, const char *text)
{
    assert_int_equal(decoding->verdict, NET_SEGMENT);
    assert_int_equal(decoding->segment.payload.size, strlen(text));
    assert_memory_equal(decoding->segment.payload.data, text, strlen(text));
}

void assert_tcp_abc(const struct decoding *decoding, const char *source, const char *destination)
{
    const struct net_segment *segment = &decoding->segment;
    char text[NET_ENDPOINT_TEXT_SIZE];
    assert_payload(decoding, "abc");
    assert_string_equal(net_endpoint_text(&segment->source, text), source);
    assert_string_equal(net_endpoint_text(&segment->destination, text), destination);
    assert_int_equal(segment->protocol, NET_TCP);
    assert_int_equal(segment->cut, 0);
    assert_int_equal(segment->sequence, 1000);
    assert_int_equal(segment->acknowledgement, 5000);
    assert_int_equal(segment->flags, NET_ACK);
}

void assert_ipv4_tcp_abc(const struct decoding *decoding)
{
    assert_tcp_abc(decoding, "10.0.0.1:49152", "10.0.0.2:11211");
}

void assert_ipv6_tcp_abc(const struct decoding *decoding)
{
    assert_tcp_abc(decoding, "[fd00::1]:49152", "[fd00::2]:11211");
}
