/*
 * Every link layer, and what is not IP in it.
 */
#include "decoding.h"

#include <stdio.h>

static void ethernet_carries_ipv4_and_ipv6(void **state)
{
    struct decoding *decoding = *state;
    decode_hex(decoding, NET_LINK_ETHERNET, ETHERNET IS_IPV4 IPV4_TCP_ABC TCP_ABC);
    assert_ipv4_tcp_abc(decoding);
    decode_hex(decoding, NET_LINK_ETHERNET, ETHERNET IS_IPV6 IPV6_TCP_ABC TCP_ABC);
    assert_ipv6_tcp_abc(decoding);
}

static void vlan_tags_of_every_kind_are_taken_off(void **state)
{
    struct decoding *decoding = *state;
    decode_hex(decoding, NET_LINK_ETHERNET, ETHERNET "81 00 00 2a" IS_IPV4 IPV4_TCP_ABC TCP_ABC);
    assert_ipv4_tcp_abc(decoding);
    decode_hex(decoding, NET_LINK_ETHERNET,
               ETHERNET "88 a8 00 01  81 00 00 2a" IS_IPV6 IPV6_TCP_ABC TCP_ABC);
    assert_ipv6_tcp_abc(decoding);
    decode_hex(decoding, NET_LINK_ETHERNET,
               ETHERNET "91 00 00 01  91 00 00 02  88 a8 00 03  81 00 00 04  81 00 00 05" IS_IPV4
                   IPV4_TCP_ABC TCP_ABC);
    assert_ipv4_tcp_abc(decoding);
}

static void ethernet_padding_is_not_payload(void **state)
{
    struct decoding *decoding = *state;
    decode_hex(decoding, NET_LINK_ETHERNET, ETHERNET IS_IPV4 IPV4_TCP_ABC TCP_ABC "00 00 00");
    assert_ipv4_tcp_abc(decoding);
    decode_hex(decoding, NET_LINK_ETHERNET,
               ETHERNET IS_IPV4 IPV4_OF("00 28", "40 00", "06") TCP "00 00 00 00 00 00");
    assert_payload(decoding, "");
    assert_int_equal(decoding->segment.cut, 0);
}

static void linux_cooked_v1(void **state)
{
    struct decoding *decoding = *state;
#define SLL "00 04  00 01  00 06  02 00 00 00 00 01 00 00 "
    decode_hex(decoding, NET_LINK_SLL, SLL IS_IPV4 IPV4_TCP_ABC TCP_ABC);
    assert_ipv4_tcp_abc(decoding);
    decode_hex(decoding, NET_LINK_SLL, SLL IS_IPV6 IPV6_TCP_ABC TCP_ABC);
    assert_ipv6_tcp_abc(decoding);
}

static void linux_cooked_v2(void **state)
{
    struct decoding *decoding = *state;
#define SLL2 "00 00  00 00 00 01  03 04  00 06  00 00 00 00 00 00 00 00 "
    decode_hex(decoding, NET_LINK_SLL2, IS_IPV4 SLL2 IPV4_TCP_ABC TCP_ABC);
    assert_ipv4_tcp_abc(decoding);
    decode_hex(decoding, NET_LINK_SLL2, IS_IPV6 SLL2 IPV6_TCP_ABC TCP_ABC);
    assert_ipv6_tcp_abc(decoding);
}

static void bsd_loopback_in_either_byte_order(void **state)
{
    struct decoding *decoding = *state;
    decode_hex(decoding, NET_LINK_NULL, "02 00 00 00" IPV4_TCP_ABC TCP_ABC);
    assert_ipv4_tcp_abc(decoding);
    decode_hex(decoding, NET_LINK_NULL, "00 00 00 02" IPV4_TCP_ABC TCP_ABC);
    assert_ipv4_tcp_abc(decoding);
    static const char *const families[] = {"0a 00 00 00", "18 00 00 00", "1c 00 00 00",
                                           "1e 00 00 00", "00 00 00 1e", "00 00 00 17"};
    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
        char hex[512];
        snprintf(hex, sizeof(hex), "%s %s", families[i], IPV6_TCP_ABC TCP_ABC);
        decode_hex(decoding, NET_LINK_NULL, hex);
        assert_ipv6_tcp_abc(decoding);
    }
}

static void openbsd_loopback_in_network_order_only(void **state)
{
    struct decoding *decoding = *state;
    decode_hex(decoding, NET_LINK_LOOP, "00 00 00 02" IPV4_TCP_ABC TCP_ABC);
    assert_ipv4_tcp_abc(decoding);
    decode_hex(decoding, NET_LINK_LOOP, "00 00 00 18" IPV6_TCP_ABC TCP_ABC);
    assert_ipv6_tcp_abc(decoding);
    decode_hex(decoding, NET_LINK_LOOP, "02 00 00 00" IPV4_TCP_ABC TCP_ABC);
    assert_int_equal(decoding->verdict, NET_NOT_TRANSPORT);
}

static void raw_ip_says_its_own_version(void **state)
{
    struct decoding *decoding = *state;
    decode_hex(decoding, NET_LINK_RAW, IPV4_TCP_ABC TCP_ABC);
    assert_ipv4_tcp_abc(decoding);
    decode_hex(decoding, NET_LINK_RAW, IPV6_TCP_ABC TCP_ABC);
    assert_ipv6_tcp_abc(decoding);
    decode_hex(decoding, NET_LINK_RAW, "50 00 00 00");
    assert_int_equal(decoding->verdict, NET_MALFORMED);
    decode_hex(decoding, NET_LINK_RAW, "");
    assert_int_equal(decoding->verdict, NET_MALFORMED);
}

static void what_is_not_ip_is_not_transport(void **state)
{
    struct decoding *decoding = *state;
    decode_hex(decoding, NET_LINK_ETHERNET, ETHERNET "08 06  00 01 08 00 06 04"); /* ARP */
    assert_int_equal(decoding->verdict, NET_NOT_TRANSPORT);
    decode_hex(decoding, NET_LINK_ETHERNET, ETHERNET "00 03  aa aa 03"); /* 802.3 with a length */
    assert_int_equal(decoding->verdict, NET_NOT_TRANSPORT);
    decode_hex(decoding, NET_LINK_ETHERNET, ETHERNET "81 00 00 2a 88 cc  02 07"); /* LLDP */
    assert_int_equal(decoding->verdict, NET_NOT_TRANSPORT);
    decode_hex(decoding, NET_LINK_NULL, "07 00 00 00  00 00");
    assert_int_equal(decoding->verdict, NET_NOT_TRANSPORT);
}

static void a_short_frame_is_malformed_and_a_cut_one_tells_the_most_it_lost(void **state)
{
    struct decoding *decoding = *state;
    decode_hex(decoding, NET_LINK_ETHERNET, ETHERNET "08");
    assert_int_equal(decoding->verdict, NET_MALFORMED);
    decode_hex(decoding, NET_LINK_ETHERNET, ETHERNET "81 00 00 2a 08");
    assert_int_equal(decoding->verdict, NET_MALFORMED);

    /* 13 of 57 bytes, behind which IPv4 and UDP take at least 28. */
    decode_hex_cut(decoding, NET_LINK_ETHERNET, ETHERNET IS_IPV4 IPV4_TCP_ABC TCP_ABC, 13);
    assert_int_equal(decoding->verdict, NET_HEADERS_CUT);
    assert_int_equal(decoding->cut, 57 - 14 - 28);
    decode_hex_cut(decoding, NET_LINK_ETHERNET, ETHERNET IS_IPV4 IPV4_TCP_ABC TCP_ABC, 0);
    assert_int_equal(decoding->verdict, NET_HEADERS_CUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        decoding_test(ethernet_carries_ipv4_and_ipv6),
        decoding_test(vlan_tags_of_every_kind_are_taken_off),
        decoding_test(ethernet_padding_is_not_payload),
        decoding_test(linux_cooked_v1),
        decoding_test(linux_cooked_v2),
        decoding_test(bsd_loopback_in_either_byte_order),
        decoding_test(openbsd_loopback_in_network_order_only),
        decoding_test(raw_ip_says_its_own_version),
        decoding_test(what_is_not_ip_is_not_transport),
        decoding_test(a_short_frame_is_malformed_and_a_cut_one_tells_the_most_it_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
