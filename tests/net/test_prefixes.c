/*
 * Every prefix of a packet, and packets with random bytes in them: nothing is read behind the end,
 * and what is told lies inside.
 */
#include "decoding.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static const struct {
    enum net_link link;
    const char *hex;
} samples[] = {
    {NET_LINK_ETHERNET, ETHERNET "88 a8 00 01  81 00 00 2a" IS_IPV4 IPV4_TCP_ABC TCP_ABC},
    {NET_LINK_ETHERNET, ETHERNET IS_IPV4 IPV4_TCP_ABC TCP_ABC "00 00 00"},
    {NET_LINK_SLL, "00 04  00 01  00 06  02 00 00 00 00 01 00 00" IS_IPV6 IPV6_TCP_ABC TCP_ABC},
    {NET_LINK_SLL2,
     IS_IPV4 "00 00  00 00 00 01  03 04  00 06  00 00 00 00 00 00 00 00" IPV4_UDP_ABC UDP_ABC},
    {NET_LINK_NULL, "02 00 00 00" IPV4_UDP_ABC UDP_ABC},
    {NET_LINK_LOOP, "00 00 00 18" IPV6_TCP_ABC TCP_ABC},
    {NET_LINK_RAW, "47 00 00 33 00 07 40 00 40 06 00 00  0a 00 00 01  0a 00 00 02 "
                   "01 01 01 01  01 01 01 00" TCP_ABC},
    {NET_LINK_RAW, IPV6_OF("00 3f", "00") "3c 00 01 04 00 00 00 00  33 01 01 0c 00 00 00 00  "
                                          "00 00 00 00 00 00 00 00  06 02 00 00 00 00 00 01  "
                                          "00 00 00 01  11 22 33 44" TCP_ABC},
    {NET_LINK_RAW,
     IPV4_OF("00 24", "20 01", "11") "61 62 63 64 65 66 67 68  69 6a 6b 6c 6d 6e 6f 70"},
    {NET_LINK_RAW, IPV6_OF("00 18", "2c") "06 00 00 00 00 00 00 09  c0 00 2b cb 00 00 03 e8  "
                                          "00 00 13 88 50 10 ff ff"},
    {NET_LINK_RAW, IPV6_OF("00 18", "2c") "06 00 00 01 00 00 00 09  c0 00 2b cb 00 00 03 e8  "
                                          "00 00 13 88 50 10 ff ff"},
};

enum { SAMPLES = sizeof(samples) / sizeof(samples[0]) };

static void decode_bytes(struct decoding *decoding, enum net_link link, const uint8_t *bytes,
                         size_t captured, size_t length)
{
    struct net_packet packet = {.number = 1, .link = link, .length = (uint32_t)length};
    packet.bytes = guarded_copy(&decoding->memory, bytes, captured);
    decoding->verdict = net_decode(decoding->decoder, &packet, &decoding->segment, &decoding->cut);
    if (decoding->verdict == NET_SEGMENT) { /* read all of it: a sanitizer looks on */
        volatile uint8_t sum = 0;
        for (size_t i = 0; i < decoding->segment.payload.size; i++) {
            sum = (uint8_t)(sum + decoding->segment.payload.data[i]);
        }
    }
}

static void every_prefix_has_as_much_payload_as_the_whole(void **state)
{
    struct decoding *decoding = *state;
    for (int i = 0; i < SAMPLES; i++) {
        uint8_t bytes[512];
        size_t size = hex_bytes(samples[i].hex, bytes, sizeof(bytes));
        decode_bytes(decoding, samples[i].link, bytes, size, size);
        enum net_decoded whole = decoding->verdict;
        size_t payload = whole == NET_SEGMENT ? decoding->segment.payload.size : 0;
        for (size_t captured = 0; captured < size; captured++) {
            decode_bytes(decoding, samples[i].link, bytes, captured, size);
            if (decoding->verdict == NET_SEGMENT) {
                assert_int_equal(decoding->segment.payload.size + decoding->segment.cut, payload);
            } else if (decoding->verdict == NET_HEADERS_CUT) {
                assert_true(decoding->cut >= payload);
            } else {
                assert_int_equal(decoding->verdict, whole); /* malformed, or a fragment */
            }
        }
    }
}

static void every_shortened_packet_is_decoded_without_reading_on(void **state)
{
    struct decoding *decoding = *state;
    for (int i = 0; i < SAMPLES; i++) {
        uint8_t bytes[512];
        size_t size = hex_bytes(samples[i].hex, bytes, sizeof(bytes));
        for (size_t length = 0; length < size; length++) {
            decode_bytes(decoding, samples[i].link, bytes, length, length);
        }
    }
}

static void random_bytes_in_packets_do_no_harm(void **state)
{
    struct decoding *decoding = *state;
    const char *given = getenv("KVREPLAY_SEED");
    unsigned seed = given != NULL ? (unsigned)strtoul(given, NULL, 0) : (unsigned)time(NULL);
    print_message("KVREPLAY_SEED=%u\n", seed);
    for (int round = 0; round < 300000; round++) {
        uint8_t bytes[512];
        int sample = rand_r(&seed) % SAMPLES;
        size_t size = hex_bytes(samples[sample].hex, bytes, sizeof(bytes));
        for (int changes = rand_r(&seed) % 4; changes >= 0; changes--) {
            bytes[(size_t)rand_r(&seed) % size] = (uint8_t)rand_r(&seed);
        }
        size_t captured = rand_r(&seed) % 2 == 0 ? size : (size_t)rand_r(&seed) % (size + 1);
        decode_bytes(decoding, samples[sample].link, bytes, captured, size);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        decoding_test(every_prefix_has_as_much_payload_as_the_whole),
        decoding_test(every_shortened_packet_is_decoded_without_reading_on),
        decoding_test(random_bytes_in_packets_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
