#include "guarded.h"
#include "mcbp/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct guarded guarded;

static enum mcbp_parse parse(const void *bytes, size_t size, struct mcbp_frame *frame)
{
    return mcbp_frame_parse(guarded_copy(&guarded, bytes, size), frame);
}

static void assert_span(struct span span, const char *bytes, size_t size)
{
    assert_int_equal(span.size, size);
    if (size > 0) {
        assert_memory_equal(span.data, bytes, size);
    }
}

/* SET of "key" to "value", flags 0xdeadbeef, expiry 60: doc/protocol-binary.txt's layout. */
static const uint8_t set_request[] = {
    0x80, 0x01, 0x00, 0x03, 0x08, 0x00, 0x01, 0x02, 0x00, 0x00, 0x00, 0x10, 0x11, 0x22,
    0x33, 0x44, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0xde, 0xad, 0xbe, 0xef,
    0x00, 0x00, 0x00, 0x3c, 'k',  'e',  'y',  'v',  'a',  'l',  'u',  'e',
};

static void a_request_is_taken_apart_field_by_field(void **state)
{
    (void)state;
    struct mcbp_frame frame;
    assert_int_equal(parse(set_request, sizeof(set_request), &frame), MCBP_FRAME);
    assert_int_equal(frame.header.magic, MCBP_CLIENT_REQUEST);
    assert_int_equal(frame.header.opcode, 0x01);
    assert_int_equal(frame.header.key_length, 3);
    assert_int_equal(frame.header.extras_length, 8);
    assert_int_equal(frame.header.datatype, 0);
    assert_int_equal(frame.header.vbucket_or_status, 0x0102);
    assert_int_equal(frame.header.body_length, 16);
    assert_int_equal(frame.header.opaque, 0x11223344);
    assert_int_equal(frame.header.cas, 0x0102030405060708);
    assert_int_equal(frame.bytes.size, sizeof(set_request));
    assert_span(frame.framing_extras, "", 0);
    assert_span(frame.extras, "\xde\xad\xbe\xef\0\0\0\x3c", 8);
    assert_span(frame.key, "key", 3);
    assert_span(frame.value, "value", 5);
}

static void a_flex_response_has_8_bits_for_each_of_two_lengths(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {
        0x18, 0x0c, 0x03, 0x01, 0x04, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x09, 0, 0, 0,   7,   0,
        0,    0,    0,    0,    0,    0,    9,    0x02, 0x12, 0x34, 0,    0,    0, 1, 'k', 'v',
    };
    struct mcbp_frame frame;
    assert_int_equal(parse(bytes, sizeof(bytes), &frame), MCBP_FRAME);
    assert_int_equal(frame.header.framing_extras_length, 3);
    assert_int_equal(frame.header.key_length, 1);
    assert_span(frame.framing_extras, "\x02\x12\x34", 3);
    assert_span(frame.extras, "\0\0\0\1", 4);
    assert_span(frame.key, "k", 1);
    assert_span(frame.value, "v", 1);
}

static void every_beginning_of_a_frame_needs_more(void **state)
{
    (void)state;
    for (size_t size = 0; size < sizeof(set_request); size++) {
        struct mcbp_frame frame;
        assert_int_equal(parse(set_request, size, &frame), MCBP_NEED_MORE);
        assert_int_equal(frame.bytes.size, size < 24 ? 24 : sizeof(set_request));
    }
}

static void a_frame_has_begun_when_all_but_its_value_is_there(void **state)
{
    (void)state;
    enum { VALUE = 5, BEGUN = sizeof(set_request) - VALUE };
    for (size_t size = 0; size <= sizeof(set_request); size++) {
        struct mcbp_frame frame;
        bool begun = mcbp_frame_has_begun(guarded_copy(&guarded, set_request, size), &frame);
        assert_int_equal(begun, size >= BEGUN && size < sizeof(set_request));
        if (begun) {
            assert_int_equal(frame.bytes.size, BEGUN);
            assert_span(frame.key, "key", 3);
            assert_span(frame.value, "", 0);
            assert_int_equal(mcbp_value_size(&frame.header), VALUE);
        }
    }
}

static void bytes_behind_a_frame_are_left_alone(void **state)
{
    (void)state;
    uint8_t two[2 * sizeof(set_request)];
    memcpy(two, set_request, sizeof(set_request));
    memset(two + sizeof(set_request), 0xff, sizeof(set_request));
    struct mcbp_frame frame;
    assert_int_equal(parse(two, sizeof(two), &frame), MCBP_FRAME);
    assert_int_equal(frame.bytes.size, sizeof(set_request));
}

static void only_six_magics_are_known(void **state)
{
    (void)state;
    static const uint8_t magics[] = {0x08, 0x18, 0x80, 0x81, 0x82, 0x83};
    unsigned known = 0;
    for (unsigned magic = 0; magic < 256; magic++) {
        uint8_t byte = (uint8_t)magic;
        struct mcbp_frame frame;
        bool is_known = parse(&byte, 1, &frame) == MCBP_NEED_MORE;
        assert_int_equal(is_known, mcbp_magic_is_known(byte));
        assert_true(!is_known || (known < sizeof(magics) && magics[known] == byte));
        known += is_known;
    }
    assert_int_equal(known, sizeof(magics));
}

static void parts_longer_than_the_body_are_bad(void **state)
{
    (void)state;
    uint8_t bytes[sizeof(set_request)];
    memcpy(bytes, set_request, sizeof(bytes));
    bytes[11] = 10; /* extras 8 + key 3 = 11 */
    struct mcbp_frame frame;
    assert_int_equal(parse(bytes, 24, &frame), MCBP_BAD_LENGTHS);
    assert_int_equal(frame.header.body_length, 10);
    bytes[11] = 11;
    assert_int_equal(parse(bytes, 24 + 11, &frame), MCBP_FRAME);
    assert_span(frame.value, "", 0);
}

static void framing_extras_count_among_the_parts(void **state)
{
    (void)state;
    uint8_t bytes[24] = {0x18, 0, 255, 255, 255, 0, 0, 0, 0, 0, 0x02, 0xfc}; /* 3 * 255 = 0x2fd */
    struct mcbp_frame frame;
    assert_int_equal(parse(bytes, sizeof(bytes), &frame), MCBP_BAD_LENGTHS);
    bytes[11] = 0xfd;
    assert_int_equal(parse(bytes, sizeof(bytes), &frame), MCBP_NEED_MORE);
}

static void the_largest_body_does_not_wrap(void **state)
{
    (void)state;
    uint8_t bytes[24] = {0x81, 0, 0xff, 0xff, 0xff, 0, 0, 0, 0xff, 0xff, 0xff, 0xff};
    struct mcbp_frame frame;
    assert_int_equal(parse(bytes, sizeof(bytes), &frame), MCBP_NEED_MORE);
    assert_int_equal(frame.bytes.size, (size_t)UINT32_MAX + 24);
}

static void a_body_over_2_GiB_keeps_its_length(void **state)
{
    (void)state;
    uint8_t bytes[24] = {0x80, 1, 0, 3, 8, 0, 0, 0, 0x80, 0x00, 0x00, 0x00};
    struct mcbp_frame frame;
    assert_int_equal(parse(bytes, sizeof(bytes), &frame), MCBP_NEED_MORE);
    assert_int_equal(frame.bytes.size, ((size_t)1 << 31) + 24);
}

static int set_up(void **state)
{
    (void)state;
    guarded_init(&guarded);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    guarded_deinit(&guarded);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_taken_apart_field_by_field),
        cmocka_unit_test(a_flex_response_has_8_bits_for_each_of_two_lengths),
        cmocka_unit_test(every_beginning_of_a_frame_needs_more),
        cmocka_unit_test(a_frame_has_begun_when_all_but_its_value_is_there),
        cmocka_unit_test(bytes_behind_a_frame_are_left_alone),
        cmocka_unit_test(only_six_magics_are_known),
        cmocka_unit_test(parts_longer_than_the_body_are_bad),
        cmocka_unit_test(framing_extras_count_among_the_parts),
        cmocka_unit_test(the_largest_body_does_not_wrap),
        cmocka_unit_test(a_body_over_2_GiB_keeps_its_length),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
