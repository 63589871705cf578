#include "from_to.h"
#include "report/frame.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct dissect_conversation conversation = {
    .id = 3,
    .protocol = NET_TCP,
    .client = {.family = 4, .address = {192, 0, 2, 1}, .port = 40001},
    .server = {.family = 6, .address = {[15] = 1}, .port = 11211},
    .from_start = true,
};

/* The line of the frame that `bytes` are, to be freed. */
static char *line_of(const struct frame_printer *printer, struct span bytes, enum dissect_role role,
                     bool hex)
{
    struct dissect_frame frame = {
        .origin = {.packet = 12, .time = 1700000000123456789},
        .role = role,
        .request_id = -1,
    };
    struct frame_line line = {.event = EVENT_FRAME,
                              .file = "odd\xff.pcap",
                              .conversation = &conversation,
                              .frame = &frame,
                              .hex = hex};
    char *text = NULL;
    size_t size;
    assert_int_equal(mcbp_frame_parse(bytes, &frame.frame), MCBP_FRAME);
    FILE *out = open_memstream(&text, &size);
    assert_true(printer->line(out, &line));
    fclose(out);
    return text;
}

#define FRAME(bytes) span_of(bytes, sizeof(bytes) - 1)

static void a_request_is_one_line(void **state)
{
    (void)state;
    char *line = line_of(&frame_text_printer,
                         FRAME("\x80\x09\x00\x03\x00\x00\x00\x07\x00\x00\x00\x03\x00\x00\x00\x10"
                               "\x00\x00\x00\x00\x00\x00\x00\x00"
                               "abc"),
                         FROM_CLIENT, false);
    assert_string_equal(line, "12 2023-11-14T22:13:20.123456Z conn=3 > GETQ magic=0x80 "
                              "opaque=0x00000010 vbucket=7 datatype=0x00 cas=0 body=3 "
                              "key=\"abc\"\n");
    free(line);
}

static void a_response_shows_all_of_its_parts(void **state)
{
    (void)state;
    char *line = line_of(&frame_text_printer,
                         FRAME("\x18\x0c\x03\x01\x04\x01\x00\x00\x00\x00\x00\x2a\x00\x00\x00\x10"
                               "\xff\xff\xff\xff\xff\xff\xff\xff"
                               "\x02\x01\x23"
                               "\xde\xad\xbe\xef"
                               "k"
                               "\n0123456789012345678901234567890\"!"),
                         FROM_SERVER, true);
    assert_string_equal(
        line,
        "12 2023-11-14T22:13:20.123456Z conn=3 < GETK magic=0x18 opaque=0x00000010 status=SUCCESS "
        "datatype=0x01 cas=18446744073709551615 body=42 frame-info=0:0123 extras=deadbeef "
        "key=\"k\" "
        "value=34:\"\\x0a0123456789012345678901234567890\"...\n"
        "    +0      18 0c 03 01 04 01 00 00  00 00 00 2a 00 00 00 10  |...........*....|\n"
        "    +16     ff ff ff ff ff ff ff ff  02 01 23 de ad be ef 6b  |..........#....k|\n"
        "    +32     0a 30 31 32 33 34 35 36  37 38 39 30 31 32 33 34  |.012345678901234|\n"
        "    +48     35 36 37 38 39 30 31 32  33 34 35 36 37 38 39 30  |5678901234567890|\n"
        "    +64     22 21                                             |\"!|\n");
    free(line);
}

/* A SET with a key of 255 bytes, 0x00 to 0xfe or 0x01 to 0xff, and a value of all 256. */
static struct span every_byte(uint8_t frame[24 + 255 + 256], unsigned first)
{
    static const uint8_t header[24] = {0x80, 0x01, 0x00, 0xff, [10] = 0x01, [11] = 0xff};
    memcpy(frame, header, sizeof(header));
    for (unsigned i = 0; i < 255; i++) {
        frame[24 + i] = (uint8_t)(first + i);
    }
    for (unsigned i = 0; i < 256; i++) {
        frame[24 + 255 + i] = (uint8_t)i;
    }
    return span_of(frame, 24 + 255 + 256);
}

static void any_bytes_are_one_printable_line(void **state)
{
    (void)state;
    uint8_t frame[24 + 255 + 256];
    for (unsigned first = 0; first < 2; first++) {
        char *line = line_of(&frame_text_printer, every_byte(frame, first), FROM_CLIENT, false);
        size_t size = strlen(line);
        assert_int_equal(line[size - 1], '\n');
        for (size_t i = 0; i + 1 < size; i++) {
            assert_from_to((unsigned char)line[i], 0x20, 0x7e);
        }
        free(line);
    }
}

static void any_bytes_are_valid_json_and_come_back(void **state)
{
    (void)state;
    uint8_t frame[24 + 255 + 256];
    for (unsigned first = 0; first < 2; first++) {
        char *line = line_of(&frame_json_printer, every_byte(frame, first), FROM_CLIENT, true);
        assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
        json_t *object = json_loads(line, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(object);
        const char *hex = json_string_value(json_object_get(object, "key_hex"));
        assert_int_equal(strlen(hex), 510);
        for (unsigned i = 0; i < 255; i++) {
            unsigned byte;
            assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
            assert_int_equal(byte, first + i);
        }
        assert_int_equal(json_integer_value(json_object_get(object, "value_size")), 256);
        assert_int_equal(json_string_length(json_object_get(object, "hex")), 2 * sizeof(frame));
        assert_string_equal(json_string_value(json_object_get(object, "file")),
                            "odd\xef\xbf\xbd.pcap");
        json_decref(object);
        free(line);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_one_line),
        cmocka_unit_test(a_response_shows_all_of_its_parts),
        cmocka_unit_test(any_bytes_are_one_printable_line),
        cmocka_unit_test(any_bytes_are_valid_json_and_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
