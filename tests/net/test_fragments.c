/*
 * Datagrams in fragments: in any order, overlapping, cut, never complete, too many.
 */
#include "decoding.h"

#include <stdio.h>

/* A UDP datagram of 8 + 20 bytes, "abcdefghijklmnopqrst", in three fragments of 8, 16 and 4 bytes.
 */
#define FIRST  IPV4_OF("00 1c", "20 00", "11") "c0 00 2b cb  00 1c 00 00 "
#define SECOND IPV4_OF("00 24", "20 01", "11") "61 62 63 64 65 66 67 68  69 6a 6b 6c 6d 6e 6f 70 "
#define THIRD  IPV4_OF("00 18", "00 03", "11") "71 72 73 74 "
#define WHOLE  "abcdefghijklmnopqrst"

static void assert_held(struct decoding *decoding, const char *hex)
{
    decode_hex(decoding, NET_LINK_RAW, hex);
    assert_int_equal(decoding->verdict, NET_FRAGMENT_HELD);
}

static void fragments_become_a_datagram_in_any_order(void **state)
{
    struct decoding *decoding = *state;
    static const char *const orders[][3] = {
        {FIRST, SECOND, THIRD}, {FIRST, THIRD, SECOND}, {SECOND, FIRST, THIRD},
        {SECOND, THIRD, FIRST}, {THIRD, FIRST, SECOND}, {THIRD, SECOND, FIRST},
    };
    for (int i = 0; i < 6; i++) {
        assert_held(decoding, orders[i][0]);
        assert_held(decoding, orders[i][1]);
        decode_hex(decoding, NET_LINK_RAW, orders[i][2]);
        assert_payload(decoding, WHOLE);
        assert_int_equal(decoding->segment.protocol, NET_UDP);
        assert_int_equal(decoding->segment.source.port, 49152);
        assert_int_equal(decoding->segment.cut, 0);
    }
    net_decoder_finish(decoding->decoder);
    assert_int_equal(net_decoder_abandoned(decoding->decoder), 0);
    assert_int_equal(net_decoder_repeated(decoding->decoder), 0);
}

static void where_fragments_overlap_the_byte_that_came_first_stays(void **state)
{
    struct decoding *decoding = *state;
    assert_held(decoding, SECOND);
    assert_held(decoding, IPV4_OF("00 2c", "20 00", "11") "c0 00 2b cb  00 1c 00 00 "
                                                          "58 58 58 58 58 58 58 58 "
                                                          "58 58 58 58 58 58 58 58 ");
    assert_int_equal(net_decoder_repeated(decoding->decoder), 16);
    decode_hex(decoding, NET_LINK_RAW, THIRD);
    assert_payload(decoding, WHOLE);
}

static void a_fragment_that_comes_twice_counts_as_repeated(void **state)
{
    struct decoding *decoding = *state;
    assert_held(decoding, SECOND);
    assert_held(decoding, SECOND);
    assert_held(decoding, FIRST);
    decode_hex(decoding, NET_LINK_RAW, THIRD);
    assert_payload(decoding, WHOLE);
    assert_int_equal(net_decoder_repeated(decoding->decoder), 16);
}

static void padding_behind_a_fragment_is_not_part_of_it(void **state)
{
    struct decoding *decoding = *state;
    assert_held(decoding, FIRST "00 00 00 00 00 00 00 00 00 00");
    assert_held(decoding, THIRD "00 00 00 00 00 00 00 00 00 00");
    decode_hex(decoding, NET_LINK_RAW, SECOND);
    assert_payload(decoding, WHOLE);
}

static void datagrams_are_told_apart_by_address_protocol_and_id(void **state)
{
    struct decoding *decoding = *state;
    assert_held(decoding, FIRST);
    assert_held(decoding, "45 00 00 24 00 08 20 01 40 11 00 00  0a 00 00 01  0a 00 00 02 "
                          "61 62 63 64 65 66 67 68  69 6a 6b 6c 6d 6e 6f 70");
    assert_held(decoding, "45 00 00 24 00 07 20 01 40 06 00 00  0a 00 00 01  0a 00 00 02 "
                          "61 62 63 64 65 66 67 68  69 6a 6b 6c 6d 6e 6f 70");
    assert_held(decoding, "45 00 00 24 00 07 20 01 40 11 00 00  0a 00 00 01  0a 00 00 03 "
                          "61 62 63 64 65 66 67 68  69 6a 6b 6c 6d 6e 6f 70");
    assert_held(decoding, THIRD);
    decode_hex(decoding, NET_LINK_RAW, SECOND);
    assert_payload(decoding, WHOLE);
    net_decoder_finish(decoding->decoder);
    assert_int_equal(net_decoder_abandoned(decoding->decoder), 3 * 16);
}

static void assert_part(const struct net_part *part, uint64_t packet, uint32_t offset,
                        uint32_t size)
{
    assert_int_equal(part->packet, packet);
    assert_int_equal(part->at, 20);
    assert_int_equal(part->offset, offset);
    assert_int_equal(part->size, size);
}

static void a_whole_datagram_knows_in_which_packets_it_lies(void **state)
{
    struct decoding *decoding = *state;
    decoding->packet.number = 7;
    assert_held(decoding, SECOND);
    assert_null(net_decoder_datagram(decoding->decoder));
    decoding->packet.number = 8;
    assert_held(decoding, FIRST);
    decoding->packet.number = 9;
    assert_held(decoding, SECOND); /* again */
    decoding->packet.number = 10;
    decode_hex(decoding, NET_LINK_RAW, THIRD);
    assert_payload(decoding, WHOLE);

    const struct net_datagram *datagram = net_decoder_datagram(decoding->decoder);
    assert_non_null(datagram);
    assert_int_equal(datagram->length, 28);
    assert_int_equal(datagram->bytes.size, 28);
    assert_int_equal(datagram->count, 4);
    assert_part(&datagram->parts[0], 7, 8, 16);
    assert_part(&datagram->parts[1], 8, 0, 8);
    assert_part(&datagram->parts[2], 9, 8, 16);
    assert_part(&datagram->parts[3], 10, 24, 4);
}

static void what_was_given_up_is_part_of_no_datagram(void **state)
{
    struct decoding *decoding = *state;
    decoding->packet.time = 0;
    assert_held(decoding, FIRST);
    decoding->packet.time = 31 * INT64_C(1000000000);
    assert_held(decoding, SECOND); /* the same endpoints and identification */
    assert_held(decoding, FIRST);
    decode_hex(decoding, NET_LINK_RAW, THIRD);
    assert_payload(decoding, WHOLE);
    assert_int_equal(net_decoder_datagram(decoding->decoder)->count, 3);
}

static void ipv6_fragments_may_have_extension_headers_inside(void **state)
{
    struct decoding *decoding = *state;
    assert_held(decoding, IPV6_OF("00 18", "2c") "3c 00 00 01 00 00 00 09 "
                                                 "06 00 01 04 00 00 00 00 "
                                                 "c0 00 2b cb  00 00 03 e8 ");
    decode_hex(decoding, NET_LINK_RAW,
               IPV6_OF("00 17", "2c") "3c 00 00 10 00 00 00 09 "
                                      "00 00 13 88  50 10 ff ff 00 00 00 00 " ABC);
    assert_ipv6_tcp_abc(decoding);
}

static void fragments_of_fragments_are_malformed(void **state)
{
    struct decoding *decoding = *state;
    assert_held(decoding,
                IPV6_OF("00 10", "2c") "2c 00 00 01 00 00 00 09  06 00 00 01 00 00 00 09");
    decode_hex(decoding, NET_LINK_RAW,
               IPV6_OF("00 10", "2c") "2c 00 00 08 00 00 00 09  c0 00 2b cb 00 00 03 e8");
    assert_int_equal(decoding->verdict, NET_MALFORMED);
}

static void places_that_cannot_be_are_malformed(void **state)
{
    struct decoding *decoding = *state;
    static const char *const impossible[] = {
        IPV4_OF("00 17", "20 00", "11") "61 62 63",                /* 3 bytes, and more to come */
        IPV4_OF("00 14", "20 01", "11"),                           /* none */
        IPV4_OF("00 1c", "1f ff", "11") "61 62 63 64 65 66 67 68", /* beyond 64 KiB */
    };
    for (int i = 0; i < 3; i++) {
        decode_hex(decoding, NET_LINK_RAW, impossible[i]);
        assert_int_equal(decoding->verdict, NET_MALFORMED);
    }
    assert_held(decoding, THIRD);
    decode_hex(decoding, NET_LINK_RAW, IPV4_OF("00 1c", "20 03", "11") "61 62 63 64 65 66 67 68");
    assert_int_equal(decoding->verdict, NET_MALFORMED); /* behind the last */
    decode_hex(decoding, NET_LINK_RAW, IPV4_OF("00 19", "00 03", "11") "61 62 63 64 65");
    assert_int_equal(decoding->verdict, NET_MALFORMED); /* another last */
}

static void a_cut_fragment_ends_the_payload_there(void **state)
{
    struct decoding *decoding = *state;
    assert_held(decoding, FIRST);
    decode_hex_cut(decoding, NET_LINK_RAW, SECOND, 20 + 10);
    assert_int_equal(decoding->verdict, NET_FRAGMENT_HELD);
    decode_hex(decoding, NET_LINK_RAW, THIRD);
    assert_payload(decoding, "abcdefghij");
    assert_int_equal(decoding->segment.cut, 10);
    assert_int_equal(net_decoder_abandoned(decoding->decoder), 4); /* "qrst" */
}

static void abandoned_fragments_count_without_their_transport_header(void **state)
{
    struct decoding *decoding = *state;
    assert_held(decoding, FIRST);
    assert_held(decoding, SECOND);
    net_decoder_finish(decoding->decoder);
    assert_int_equal(net_decoder_abandoned(decoding->decoder), 16);
    decode_hex(decoding, NET_LINK_RAW, THIRD); /* all the others are gone */
    assert_int_equal(decoding->verdict, NET_FRAGMENT_HELD);
}

static void identifications_are_used_again_after_30_seconds(void **state)
{
    struct decoding *decoding = *state;
    assert_held(decoding, FIRST);
    assert_held(decoding, THIRD);
    decoding->packet.time = INT64_C(31000000000);
    assert_held(decoding, SECOND);
    assert_int_equal(net_decoder_abandoned(decoding->decoder), 4);
}

static void too_many_datagrams_make_the_oldest_go(void **state)
{
    struct decoding *decoding = *state;
    decoding_restart(decoding, 2 * 65536);
    char hex[256];
    for (int id = 1; id <= 3; id++) {
        snprintf(hex, sizeof(hex),
                 "45 00 00 24 00 %02x 20 01 40 11 00 00  0a 00 00 01  0a 00 00 02 "
                 "61 62 63 64 65 66 67 68  69 6a 6b 6c 6d 6e 6f 70",
                 (unsigned)id);
        assert_held(decoding, hex);
    }
    assert_int_equal(net_decoder_abandoned(decoding->decoder), 16);
    net_decoder_finish(decoding->decoder);
    assert_int_equal(net_decoder_abandoned(decoding->decoder), 48);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        decoding_test(fragments_become_a_datagram_in_any_order),
        decoding_test(where_fragments_overlap_the_byte_that_came_first_stays),
        decoding_test(a_fragment_that_comes_twice_counts_as_repeated),
        decoding_test(padding_behind_a_fragment_is_not_part_of_it),
        decoding_test(datagrams_are_told_apart_by_address_protocol_and_id),
        decoding_test(a_whole_datagram_knows_in_which_packets_it_lies),
        decoding_test(what_was_given_up_is_part_of_no_datagram),
        decoding_test(ipv6_fragments_may_have_extension_headers_inside),
        decoding_test(fragments_of_fragments_are_malformed),
        decoding_test(places_that_cannot_be_are_malformed),
        decoding_test(a_cut_fragment_ends_the_payload_there),
        decoding_test(abandoned_fragments_count_without_their_transport_header),
        decoding_test(identifications_are_used_again_after_30_seconds),
        decoding_test(too_many_datagrams_make_the_oldest_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
