/*
 * IPv4 and IPv6 headers: options, extension headers, lengths that can't be, what was cut.
 */
#include "decoding.h"

static void ipv4_options_are_skipped(void **state)
{
    struct decoding *decoding = *state;
    decode_hex(decoding, NET_LINK_RAW,
               "47 00 00 33 00 07 40 00 40 06 00 00  0a 00 00 01  0a 00 00 02 "
               "01 01 01 01  01 01 01 00 " TCP_ABC);
    assert_ipv4_tcp_abc(decoding);
}

static void a_total_length_of_0_is_what_was_captured(void **state)
{
    struct decoding *decoding = *state; /* a segment before the network card has cut it */
    decode_hex(decoding, NET_LINK_RAW, IPV4_OF("00 00", "40 00", "06") TCP_ABC);
    assert_ipv4_tcp_abc(decoding);
    decode_hex(decoding, NET_LINK_RAW, IPV6_OF("00 00", "06") TCP_ABC);
    assert_ipv6_tcp_abc(decoding);
    decode_hex_cut(decoding, NET_LINK_RAW, IPV4_OF("00 00", "40 00", "06") TCP_ABC, 41);
    assert_payload(decoding, "a");
    assert_int_equal(decoding->segment.cut, 2);
}

static void a_length_beyond_the_packet_is_payload_cut_off(void **state)
{
    struct decoding *decoding = *state;
    decode_hex(decoding, NET_LINK_RAW, IPV4_OF("00 35", "40 00", "06") TCP_ABC);
    assert_payload(decoding, "abc");
    assert_int_equal(decoding->segment.cut, 10);
    decode_hex(decoding, NET_LINK_RAW, IPV6_OF("00 21", "06") TCP_ABC);
    assert_payload(decoding, "abc");
    assert_int_equal(decoding->segment.cut, 10);
}

static void lengths_that_cannot_be_are_malformed(void **state)
{
    struct decoding *decoding = *state;
    decode_hex(decoding, NET_LINK_RAW, /* header of 16 bytes */
               "44 00 00 2b 00 07 40 00 40 06 00 00  0a 00 00 01  0a 00 00 02 " TCP_ABC);
    assert_int_equal(decoding->verdict, NET_MALFORMED);
    decode_hex(decoding, NET_LINK_RAW, IPV4_OF("00 13", "40 00", "06") TCP_ABC);
    assert_int_equal(decoding->verdict, NET_MALFORMED);
    decode_hex(decoding, NET_LINK_RAW, "45 00 00 2b");
    assert_int_equal(decoding->verdict, NET_MALFORMED);
    decode_hex(decoding, NET_LINK_RAW, "60 00 00 00 00 17 06");
    assert_int_equal(decoding->verdict, NET_MALFORMED);
    decode_hex(decoding, NET_LINK_RAW, IPV6_OF("00 08", "00") "06 01 00 00 00 00 00 00");
    assert_int_equal(decoding->verdict, NET_MALFORMED); /* 16 bytes of options in 8 */
}

static void ipv6_extension_headers_are_skipped(void **state)
{
    struct decoding *decoding = *state;
#define HOP_BY_HOP_THEN(next) next " 00 01 04 00 00 00 00 "
#define ROUTING_THEN(next)                                                                         \
    next " 02 04 00 00 00 00 00  00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00 "
#define DESTINATION_THEN(next) next " 01 01 0c 00 00 00 00  00 00 00 00 00 00 00 00 "
#define AH_THEN(next)                                                                              \
    next " 04 00 00 00 00 00 01  00 00 00 01  11 22 33 44 55 66 77 88 99 aa bb cc "
#define ATOMIC_THEN(next) next " 00 00 00 00 00 00 09 "
    decode_hex(decoding, NET_LINK_RAW, IPV6_OF("00 1f", "00") HOP_BY_HOP_THEN("06") TCP_ABC);
    assert_ipv6_tcp_abc(decoding);
    decode_hex(decoding, NET_LINK_RAW, IPV6_OF("00 2f", "2b") ROUTING_THEN("06") TCP_ABC);
    assert_ipv6_tcp_abc(decoding);
    decode_hex(decoding, NET_LINK_RAW, IPV6_OF("00 27", "3c") DESTINATION_THEN("06") TCP_ABC);
    assert_ipv6_tcp_abc(decoding);
    decode_hex(decoding, NET_LINK_RAW, IPV6_OF("00 2f", "33") AH_THEN("06") TCP_ABC);
    assert_ipv6_tcp_abc(decoding);
    decode_hex(decoding, NET_LINK_RAW, IPV6_OF("00 1f", "2c") ATOMIC_THEN("06") TCP_ABC);
    assert_ipv6_tcp_abc(decoding);
    decode_hex(decoding, NET_LINK_RAW,
               IPV6_OF("00 67", "00") HOP_BY_HOP_THEN("3c") DESTINATION_THEN("2b")
                   ROUTING_THEN("2c") ATOMIC_THEN("33") AH_THEN("06") TCP_ABC);
    assert_ipv6_tcp_abc(decoding);
}

static void ipv4_may_be_authenticated_too(void **state)
{
    struct decoding *decoding = *state;
    decode_hex(decoding, NET_LINK_RAW, IPV4_OF("00 43", "40 00", "33") AH_THEN("06") TCP_ABC);
    assert_ipv4_tcp_abc(decoding);
}

static void other_protocols_are_not_transport(void **state)
{
    struct decoding *decoding = *state;
    decode_hex(decoding, NET_LINK_RAW, IPV4_OF("00 1c", "40 00", "01") "08 00 00 00 00 01 00 01");
    assert_int_equal(decoding->verdict, NET_NOT_TRANSPORT); /* ICMP */
    decode_hex(decoding, NET_LINK_RAW, IPV6_OF("00 08", "3a") "80 00 00 00 00 01 00 01");
    assert_int_equal(decoding->verdict, NET_NOT_TRANSPORT);
    decode_hex(decoding, NET_LINK_RAW, IPV6_OF("00 00", "3b")); /* nothing follows */
    assert_int_equal(decoding->verdict, NET_NOT_TRANSPORT);
    decode_hex(decoding, NET_LINK_RAW, IPV6_OF("00 08", "32") "00 00 00 01 00 00 00 01");
    assert_int_equal(decoding->verdict, NET_NOT_TRANSPORT); /* ESP: who knows */
}

static void a_cut_in_the_ip_header_tells_the_most_it_lost(void **state)
{
    struct decoding *decoding = *state;
    decode_hex_cut(decoding, NET_LINK_RAW, IPV4_TCP_ABC TCP_ABC, 19);
    assert_int_equal(decoding->verdict, NET_HEADERS_CUT);
    assert_int_equal(decoding->cut, 43 - 28);
    decode_hex_cut(decoding, NET_LINK_RAW, IPV6_TCP_ABC TCP_ABC, 39);
    assert_int_equal(decoding->verdict, NET_HEADERS_CUT);
    assert_int_equal(decoding->cut, 63 - 48);
    decode_hex_cut(decoding, NET_LINK_RAW, IPV6_OF("00 1f", "00") HOP_BY_HOP_THEN("06") TCP_ABC,
                   44);
    assert_int_equal(decoding->verdict, NET_HEADERS_CUT);
    assert_int_equal(decoding->cut, 31 - 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        decoding_test(ipv4_options_are_skipped),
        decoding_test(a_total_length_of_0_is_what_was_captured),
        decoding_test(a_length_beyond_the_packet_is_payload_cut_off),
        decoding_test(lengths_that_cannot_be_are_malformed),
        decoding_test(ipv6_extension_headers_are_skipped),
        decoding_test(ipv4_may_be_authenticated_too),
        decoding_test(other_protocols_are_not_transport),
        decoding_test(a_cut_in_the_ip_header_tells_the_most_it_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
