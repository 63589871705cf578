/*
 * Taking a frame apart and encoding it again gives the same bytes, whatever the magic.
 */
#include "response/from_frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Framing extras 2, extras 3, key 4, value 5: each magic reads the lengths in its own way. */
enum { BODY = 14 };

static void make_frame(uint8_t magic, uint8_t frame[24 + BODY])
{
    static const uint8_t header[24] = {
        0,    0xEE, 0x00, 0x04, 0x03, 0x07, 0x12, 0x34, 0x00, 0x00, 0x00, BODY,
        0x9A, 0xBC, 0xDE, 0xF0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88,
    };
    memcpy(frame, header, sizeof(header));
    memcpy(frame + 24, "ffeeekkkkvvvvv", BODY);
    frame[0] = magic;
    if (mcbp_magic_is_flex(magic)) {
        frame[2] = 2;
    }
}

static void every_magic_a_server_sends_is_rebuilt(void **state)
{
    (void)state;
    static const uint8_t magics[] = {0x81, 0x18, 0x80, 0x08, 0x82};
    for (size_t i = 0; i < sizeof(magics); i++) {
        uint8_t bytes[24 + BODY];
        make_frame(magics[i], bytes);
        struct mcbp_frame frame;
        assert_int_equal(mcbp_frame_parse(span_of(bytes, sizeof(bytes)), &frame), MCBP_FRAME);
        struct kvr_response response;
        response_from_frame(&frame, &response);

        assert_int_equal(response.status, 0x1234);
        assert_int_equal(response.framing_extras_size, mcbp_magic_is_flex(magics[i]) ? 2 : 0);
        assert_int_equal(response.key_size, 4);

        uint8_t out[sizeof(bytes)];
        size_t size;
        assert_int_equal(kvr_encode_flat(&response, out, sizeof(out), &size), KVR_OK);
        assert_int_equal(size, sizeof(bytes));
        assert_memory_equal(out, bytes, sizeof(bytes));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_magic_a_server_sends_is_rebuilt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
