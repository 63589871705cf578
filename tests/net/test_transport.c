/*
 * TCP and UDP headers.
 */
#include "decoding.h"

static void tcp_options_are_not_payload(void **state)
{
    struct decoding *decoding = *state;
    decode_hex(
        decoding, NET_LINK_RAW,
        IPV4_OF("00 37", "40 00", "06") "c0 00 2b cb  00 00 03 e8  00 00 13 88  80 10 ff ff "
                                        "00 00 00 00  01 01 08 0a 00 00 00 01 00 00 00 02 " ABC);
    assert_ipv4_tcp_abc(decoding);
}

static void tcp_flags_are_told_as_they_are(void **state)
{
    struct decoding *decoding = *state;
    decode_hex(decoding, NET_LINK_RAW,
               IPV4_OF("00 28", "40 00",
                       "06") "c0 00 2b cb  ff ff ff ff  00 00 00 00  50 c2 ff ff 00 00 00 00");
    assert_payload(decoding, "");
    assert_int_equal(decoding->segment.flags & NET_SYN, NET_SYN);
    assert_int_equal(decoding->segment.flags & (NET_ACK | NET_FIN | NET_RST), 0);
    assert_int_equal(decoding->segment.sequence, UINT32_MAX);
}

static void a_tcp_header_longer_than_its_packet_is_malformed(void **state)
{
    struct decoding *decoding = *state;
    decode_hex(decoding, NET_LINK_RAW,
               IPV4_OF("00 2b", "40 00",
                       "06") "c0 00 2b cb  00 00 03 e8  00 00 13 88  60 10 ff ff 00 00 00 00 " ABC);
    assert_int_equal(decoding->verdict, NET_MALFORMED);
    decode_hex(decoding, NET_LINK_RAW,
               IPV4_OF("00 2b", "40 00",
                       "06") "c0 00 2b cb  00 00 03 e8  00 00 13 88  40 10 ff ff 00 00 00 00 " ABC);
    assert_int_equal(decoding->verdict, NET_MALFORMED);
    decode_hex(decoding, NET_LINK_RAW, IPV4_OF("00 1c", "40 00", "06") "c0 00 2b cb  00 00 03 e8");
    assert_int_equal(decoding->verdict, NET_MALFORMED);
}

static void udp_says_where_its_payload_ends(void **state)
{
    struct decoding *decoding = *state;
    decode_hex(decoding, NET_LINK_RAW, IPV4_UDP_ABC UDP_ABC);
    assert_payload(decoding, "abc");
    assert_int_equal(decoding->segment.protocol, NET_UDP);
    assert_int_equal(decoding->segment.source.port, 49152);
    assert_int_equal(decoding->segment.destination.port, 11211);
    decode_hex(decoding, NET_LINK_RAW, IPV4_OF("00 21", "40 00", "11") UDP_ABC "00 00");
    assert_payload(decoding, "abc");
    decode_hex(decoding, NET_LINK_RAW, IPV4_UDP_ABC "c0 00 2b cb  00 00 00 00" ABC);
    assert_payload(decoding, "abc"); /* no length: the packet's */
    decode_hex(decoding, NET_LINK_RAW, IPV4_UDP_ABC "c0 00 2b cb  00 0c 00 00" ABC);
    assert_int_equal(decoding->verdict, NET_MALFORMED);
    decode_hex(decoding, NET_LINK_RAW, IPV4_UDP_ABC "c0 00 2b cb  00 07 00 00" ABC);
    assert_int_equal(decoding->verdict, NET_MALFORMED);
}

static void a_cut_in_the_payload_gives_the_rest_and_how_much_is_missing(void **state)
{
    struct decoding *decoding = *state;
    decode_hex_cut(decoding, NET_LINK_RAW, IPV4_TCP_ABC TCP_ABC, 42);
    assert_payload(decoding, "ab");
    assert_int_equal(decoding->segment.cut, 1);
    decode_hex_cut(decoding, NET_LINK_RAW, IPV4_TCP_ABC TCP_ABC, 40);
    assert_payload(decoding, "");
    assert_int_equal(decoding->segment.cut, 3);
    decode_hex_cut(decoding, NET_LINK_RAW, IPV4_UDP_ABC UDP_ABC, 29);
    assert_payload(decoding, "a");
    assert_int_equal(decoding->segment.cut, 2);
}

static void a_tcp_header_is_enough_up_to_its_flags(void **state)
{
    struct decoding *decoding = *state;
    decode_hex_cut(decoding, NET_LINK_RAW, IPV4_TCP_ABC TCP_ABC, 20 + 14);
    assert_payload(decoding, "");
    assert_int_equal(decoding->segment.cut, 3);
    assert_int_equal(decoding->segment.sequence, 1000);
    decode_hex_cut(decoding, NET_LINK_RAW, IPV4_TCP_ABC TCP_ABC, 20 + 13);
    assert_int_equal(decoding->verdict, NET_HEADERS_CUT);
    assert_int_equal(decoding->cut, 3);
    decode_hex_cut(decoding, NET_LINK_RAW, IPV4_UDP_ABC UDP_ABC, 27);
    assert_int_equal(decoding->verdict, NET_HEADERS_CUT);
    assert_int_equal(decoding->cut, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        decoding_test(tcp_options_are_not_payload),
        decoding_test(tcp_flags_are_told_as_they_are),
        decoding_test(a_tcp_header_longer_than_its_packet_is_malformed),
        decoding_test(udp_says_where_its_payload_ends),
        decoding_test(a_cut_in_the_payload_gives_the_rest_and_how_much_is_missing),
        decoding_test(a_tcp_header_is_enough_up_to_its_flags),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
