#include "net/checksum.h"

#include <setjmp.h>
#include <stdarg.h>
// cmocka needs the three before it
#include <cmocka.h>

static uint16_t of(const void *bytes, size_t size)
{
    struct checksum sum = {0};
    checksum_add(&sum, span_of(bytes, size));
    return checksum_of(&sum);
}

/* RFC 1071, 3: the sum is ddf2. */
static const uint8_t RFC1071[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};

static void the_example_of_the_rfc(void **state)
{
    (void)state;
    assert_int_equal(of(RFC1071, sizeof(RFC1071)), 0xffff - 0xddf2);
}

static void a_header_with_its_checksum_comes_to_0(void **state)
{
    (void)state;
    static const uint8_t ip[20] = {0x45, 0x00, 0x00, 0x73, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11,
                                   0xb8, 0x61, 0xc0, 0xa8, 0x00, 0x01, 0xc0, 0xa8, 0x00, 0xc7};
    assert_int_equal(of(ip, sizeof(ip)), 0);
}

static void it_does_not_matter_how_bytes_are_cut_into_pieces(void **state)
{
    (void)state;
    for (size_t first = 0; first <= sizeof(RFC1071); first++) {
        for (size_t second = first; second <= sizeof(RFC1071); second++) {
            struct checksum sum = {0};
            checksum_add(&sum, span_of(RFC1071, first));
            checksum_add(&sum, span_of(RFC1071 + first, second - first));
            checksum_add(&sum, span_of(RFC1071 + second, sizeof(RFC1071) - second));
            assert_int_equal(checksum_of(&sum), 0xffff - 0xddf2);
        }
    }
}

static void an_odd_byte_at_the_end_is_the_high_half_of_a_word(void **state)
{
    (void)state;
    static const uint8_t odd[] = {0x12, 0x34, 0x56};
    assert_int_equal(of(odd, sizeof(odd)), 0xffff - 0x6834);
}

static void the_pseudo_header_is_addresses_protocol_and_size(void **state)
{
    (void)state;
    static const struct net_endpoint four[] = {{4, {192, 0, 2, 1}, 1}, {4, {192, 0, 2, 2}, 2}};
    static const struct net_endpoint six[] = {{6, {0x20, 0x01, [15] = 1}, 1},
                                              {6, {0x20, 0x01, [15] = 2}, 2}};
    static const uint8_t as_four[] = {192, 0, 2, 1, 192, 0, 2, 2, 0, NET_TCP, 0x01, 0x02};
    static const uint8_t as_six[] = {0x20, 0x01, [15] = 1, 0x20, 0x01, [31] = 2, 0,
                                     1,    0,    2,        0,    0,    0,        NET_UDP};
    struct checksum sum = checksum_pseudo_header(&four[0], &four[1], NET_TCP, 0x0102);
    assert_int_equal(checksum_of(&sum), of(as_four, sizeof(as_four)));
    sum = checksum_pseudo_header(&six[0], &six[1], NET_UDP, 0x10002);
    assert_int_equal(checksum_of(&sum), of(as_six, sizeof(as_six)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_of_the_rfc),
        cmocka_unit_test(a_header_with_its_checksum_comes_to_0),
        cmocka_unit_test(it_does_not_matter_how_bytes_are_cut_into_pieces),
        cmocka_unit_test(an_odd_byte_at_the_end_is_the_high_half_of_a_word),
        cmocka_unit_test(the_pseudo_header_is_addresses_protocol_and_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
