/*
 * The flat encoder against frames written out by hand, and every length at and beyond its limit.
 */
#include "kvresponse/kvresponse.h"
#include "response/encode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void assert_encodes(const struct kvr_response *response, const void *bytes, size_t size)
{
    uint8_t out[256];
    memset(out, 0xA5, sizeof(out));
    size_t written = 0;
    assert_int_equal(kvr_encode_flat(response, out, size, &written), KVR_OK);
    assert_int_equal(written, size);
    assert_memory_equal(out, bytes, size);
    assert_int_equal(out[size], 0xA5);

    size_t expected = 0;
    assert_int_equal(kvr_size(response, &expected), KVR_OK);
    assert_int_equal(expected, size);

    uint8_t header[KVR_HEADER_SIZE];
    kvr_encode_header(response, header);
    assert_memory_equal(header, bytes, KVR_HEADER_SIZE);
}

static void a_bare_header_is_24_bytes(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {
        0x81, 0x0A, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, /* NOOP, no lengths, success */
        0x00, 0x00, 0x00, 0x00, 0xDE, 0xAD, 0xBE, 0xEF, /* no body, opaque */
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    };
    const struct kvr_response noop = {.magic = 0x81, .opcode = 0x0A, .opaque = 0xDEADBEEF};
    assert_encodes(&noop, bytes, sizeof(bytes));
}

static void a_hit_with_key_has_its_parts_in_order(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {
        0x81, 0x0C, 0x00, 0x05, 0x04, 0x01, 0x00, 0x00, /* GETK, key 5, extras 4, JSON */
        0x00, 0x00, 0x00, 0x0E, 0x00, 0x00, 0x00, 0x2A, /* body 14, opaque 42 */
        0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, /* CAS */
        0xAA, 0xBB, 0xCC, 0xDD, 'H',  'e',  'l',  'l',  'o', 'W', 'o', 'r', 'l', 'd',
    };
    static const uint8_t flags[] = {0xAA, 0xBB, 0xCC, 0xDD};
    const struct kvr_response hit = {
        .magic = 0x81,
        .opcode = 0x0C,
        .datatype = 1,
        .opaque = 42,
        .cas = 0x0102030405060708,
        .extras = flags,
        .extras_size = sizeof(flags),
        .key = "Hello",
        .key_size = 5,
        .value = "World",
        .value_size = 5,
    };
    assert_encodes(&hit, bytes, sizeof(bytes));
}

static void a_flex_response_has_two_8_bit_lengths(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {
        0x18, 0x00, 0x03, 0x01, 0x00, 0x00, 0x00, 0x01, /* framing extras 3, key 1; not found */
        0x00, 0x00, 0x00, 0x04, 0x12, 0x34, 0x56, 0x78, /* body 4 */
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, /* no CAS */
        0x02, 0x01, 0xFE, 'k',                          /* frame info 0: the duration */
    };
    static const uint8_t duration[] = {0x02, 0x01, 0xFE};
    const struct kvr_response miss = {
        .magic = 0x18,
        .status = 1,
        .opaque = 0x12345678,
        .framing_extras = duration,
        .framing_extras_size = sizeof(duration),
        .key = "k",
        .key_size = 1,
    };
    assert_encodes(&miss, bytes, sizeof(bytes));
}

static void a_servers_request_carries_its_vbucket(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {
        0x80, 0x57, 0x00, 0x01, 0x02, 0x00, 0x03, 0xFF, /* DCP mutation, vbucket 1023 */
        0x00, 0x00, 0x00, 0x05, 0x00, 0x00, 0x00, 0x01, /* body 5 */
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xFF, 'e', 'e', 'k', 'v', 'v',
    };
    const struct kvr_response mutation = {
        .magic = 0x80,
        .opcode = 0x57,
        .status = 1023,
        .opaque = 1,
        .cas = 0xFF,
        .extras = "ee",
        .extras_size = 2,
        .key = "k",
        .key_size = 1,
        .value = "vv",
        .value_size = 2,
    };
    assert_encodes(&mutation, bytes, sizeof(bytes));
}

static void too_little_room_is_refused_and_nothing_written(void **state)
{
    (void)state;
    const struct kvr_response response = {.magic = 0x81, .value = "value", .value_size = 5};
    uint8_t out[29];
    memset(out, 0xA5, sizeof(out));
    size_t size = 12345;
    assert_int_equal(kvr_encode_flat(&response, out, 28, &size), KVR_NO_ROOM);
    assert_int_equal(size, 12345);
    for (size_t i = 0; i < sizeof(out); i++) {
        assert_int_equal(out[i], 0xA5);
    }
}

/* The parts are never looked at when only the size is asked for. */
static enum kvr_error size_of(uint8_t magic, size_t framing, size_t extras, size_t key,
                              size_t value, size_t *size)
{
    const struct kvr_response response = {
        .magic = magic,
        .framing_extras_size = framing,
        .extras_size = extras,
        .key_size = key,
        .value_size = value,
    };
    *size = 0;
    return kvr_size(&response, size);
}

static void every_length_is_taken_up_to_its_limit(void **state)
{
    (void)state;
    size_t size;
    assert_int_equal(size_of(0x81, 0, 255, 65535, 0, &size), KVR_OK);
    assert_int_equal(size, 24 + 255 + 65535);
    assert_int_equal(size_of(0x18, 255, 255, 255, 7, &size), KVR_OK);
    assert_int_equal(size, 24 + 3 * 255 + 7);
    assert_int_equal(size_of(0x08, 255, 0, 255, 0, &size), KVR_OK);
    assert_int_equal(size_of(0x81, 0, 0, 0, UINT32_MAX, &size), KVR_OK);
    assert_int_equal(size, (size_t)UINT32_MAX + 24);
    assert_int_equal(size_of(0x18, 255, 255, 255, UINT32_MAX - 765, &size), KVR_OK);
    assert_int_equal(size, (size_t)UINT32_MAX + 24);
}

static void a_length_over_its_limit_is_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        uint8_t magic;
        size_t framing, extras, key, value;
        enum kvr_error error;
    } rows[] = {
        {0x81, 1, 0, 0, 0, KVR_FRAMING_EXTRAS_WITHOUT_FLEX},
        {0x80, 1, 0, 0, 0, KVR_FRAMING_EXTRAS_WITHOUT_FLEX},
        {0x82, 256, 0, 0, 0, KVR_FRAMING_EXTRAS_WITHOUT_FLEX},
        {0x18, 256, 0, 0, 0, KVR_FRAMING_EXTRAS_TOO_LONG},
        {0x18, SIZE_MAX, 0, 0, 0, KVR_FRAMING_EXTRAS_TOO_LONG},
        {0x81, 0, 256, 0, 0, KVR_EXTRAS_TOO_LONG},
        {0x08, 0, SIZE_MAX, 0, 0, KVR_EXTRAS_TOO_LONG},
        {0x18, 0, 0, 256, 0, KVR_KEY_TOO_LONG},
        {0x08, 3, 0, 256, 0, KVR_KEY_TOO_LONG},
        {0x81, 0, 0, 65536, 0, KVR_KEY_TOO_LONG},
        {0x81, 0, 0, SIZE_MAX, 0, KVR_KEY_TOO_LONG},
        {0x81, 0, 0, 0, (size_t)UINT32_MAX + 1, KVR_BODY_TOO_LONG},
        {0x81, 0, 1, 0, UINT32_MAX, KVR_BODY_TOO_LONG},
        {0x81, 0, 0, 65535, UINT32_MAX - 65534, KVR_BODY_TOO_LONG},
        {0x18, 1, 1, 1, UINT32_MAX - 2, KVR_BODY_TOO_LONG},
        {0x81, 0, 255, 65535, SIZE_MAX, KVR_BODY_TOO_LONG},
        {0x81, 0, 255, 65535, SIZE_MAX - 65535, KVR_BODY_TOO_LONG},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        size_t size;
        assert_int_equal(size_of(rows[i].magic, rows[i].framing, rows[i].extras, rows[i].key,
                                 rows[i].value, &size),
                         rows[i].error);
        assert_int_equal(size, 0);
    }
}

static void every_error_has_a_text_of_its_own(void **state)
{
    (void)state;
    for (int error = KVR_OK; error <= KVR_TORN; error++) {
        assert_string_not_equal(kvr_error_text(error), "unknown error");
        for (int other = KVR_OK; other < error; other++) {
            assert_string_not_equal(kvr_error_text(error), kvr_error_text(other));
        }
    }
    assert_string_equal(kvr_error_text(KVR_TORN + 1), "unknown error");
    assert_string_equal(kvr_error_text((enum kvr_error) - 1), "unknown error");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bare_header_is_24_bytes),
        cmocka_unit_test(a_hit_with_key_has_its_parts_in_order),
        cmocka_unit_test(a_flex_response_has_two_8_bit_lengths),
        cmocka_unit_test(a_servers_request_carries_its_vbucket),
        cmocka_unit_test(too_little_room_is_refused_and_nothing_written),
        cmocka_unit_test(every_length_is_taken_up_to_its_limit),
        cmocka_unit_test(a_length_over_its_limit_is_refused_by_name),
        cmocka_unit_test(every_error_has_a_text_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
