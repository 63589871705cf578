#include "base/endian.h"
#include "report/describe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { FRAME_MAX = 4096 };

/* A frame under construction: its header, and the parts behind it. */
struct built {
    uint8_t bytes[FRAME_MAX];
    size_t size;
};

static void adds(struct built *built, const void *bytes, size_t size)
{
    memcpy(built->bytes + built->size, bytes, size);
    built->size += size;
    write_be32(built->bytes + 8, (uint32_t)(built->size - MCBP_HEADER_SIZE));
}

static struct built frame_of(uint8_t magic, uint8_t opcode, uint8_t datatype)
{
    struct built built = {.bytes = {magic, opcode, [5] = datatype}, .size = MCBP_HEADER_SIZE};
    return built;
}

static void adds_extras(struct built *built, const void *bytes, size_t size)
{
    built->bytes[4] = (uint8_t)size;
    adds(built, bytes, size);
}

/* What is told of it, to be freed. */
static char *told(const struct built *built, mcbp_feature_set features)
{
    struct mcbp_frame frame;
    struct fields fields;
    char *text = NULL;
    size_t size;
    assert_int_equal(mcbp_frame_parse(span_of(built->bytes, built->size), &frame), MCBP_FRAME);
    FILE *out = open_memstream(&text, &size);
    fields_text_init(&fields, out);
    describe_frame(&fields, &frame, features);
    fclose(out);
    return text;
}

static void assert_told(const struct built *built, const char *expected)
{
    char *text = told(built, 0);
    assert_string_equal(text, expected);
    free(text);
}

static void numbers_without_a_name_are_told_as_numbers(void **state)
{
    (void)state;
    struct built end = frame_of(MCBP_CLIENT_REQUEST, 0x55, 0);
    adds_extras(&end, "\x00\x00\x00\x09", 4);
    assert_told(&end, " reason=9");
    struct built open = frame_of(MCBP_CLIENT_REQUEST, 0x5b, 0);
    adds_extras(&open, "\x03", 1);
    assert_told(&open, " state=PENDING");
}

static void bits_without_a_name_follow_those_with_one(void **state)
{
    (void)state;
    struct built marker = frame_of(MCBP_CLIENT_REQUEST, 0x56, 0);
    adds_extras(&marker, "\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\2\x80\0\0\1", 20);
    assert_told(&marker, " start-seqno=1 end-seqno=2 snapshot=MEMORY|0x80000000");
}

static void extras_of_no_known_length_are_an_unusual_form(void **state)
{
    (void)state;
    struct built request = frame_of(MCBP_CLIENT_REQUEST, 0x1c, 0);
    adds_extras(&request, "\0\0", 2);
    assert_told(&request, " unusual-form");
}

static void a_value_that_can_not_be_inflated_is_not_looked_at(void **state)
{
    (void)state;
    struct built request = frame_of(MCBP_CLIENT_RESPONSE, 0x00, 2);
    adds_extras(&request, "\0\0\0\0", 4);
    adds(&request, "\xff\xff\xff\xff\x0f", 5); /* 4 GiB, it claims */
    assert_told(&request, " datatype-bits=SNAPPY flags=0x0 not-inflatable");
}

static void sizes_beyond_the_value_end_a_list(void **state)
{
    (void)state;
    struct built answer = frame_of(MCBP_CLIENT_RESPONSE, 0x00, 4);
    adds_extras(&answer, "\0\0\0\0", 4);
    adds(&answer, "\0\0\0\x0a\0\0\0\x08k\0vvvv", 14);
    assert_told(&answer, " datatype-bits=XATTR flags=0x0 xattrs= document=0:\"\"");
    struct built observe = frame_of(MCBP_CLIENT_REQUEST, 0x92, 0);
    adds(&observe, "\0\1\0\1k\0\2\0\2k", 10);
    assert_told(&observe, " keys={vbucket=1 key=\"k\"}");
}

static void of_a_long_list_the_rest_is_counted(void **state)
{
    (void)state;
    struct built answer = frame_of(MCBP_CLIENT_RESPONSE, 0x48, 0);
    for (unsigned i = 0; i < DESCRIBE_LIST_MAX + 3; i++) {
        adds(&answer, "\0\1\0\0\0\0\0\0\0\2", 10);
    }
    char *text = told(&answer, 0);
    assert_non_null(strstr(text, "},{vbucket=1 seqno=2} items-left=3"));
    free(text);
}

static void a_scan_s_keys_are_decoded_up_to_what_is_no_base64(void **state)
{
    (void)state;
    struct built scan = frame_of(MCBP_CLIENT_REQUEST, 0xda, 0);
    static const char text[] = "{\"range\":{\"start\":\"YQ==\",\"end\":\"/w=!\"},\"sampling\":7}";
    adds(&scan, text, sizeof(text) - 1);
    assert_told(&scan, " start=\"a\" end=\"\\xff\"");
    struct built bad = frame_of(MCBP_CLIENT_REQUEST, 0xda, 0);
    adds(&bad, "{\"range\":", 9);
    assert_told(&bad, "");
}

static void nothing_is_told_of_credentials(void **state)
{
    (void)state;
    struct built step = frame_of(MCBP_CLIENT_REQUEST, 0x22, 1);
    adds(&step, "secret", 6);
    assert_told(&step, "");
}

static void but_how_long_they_took_to_check(void **state)
{
    (void)state;
    struct built step = frame_of(MCBP_FLEX_CLIENT_RESPONSE, 0x22, 0);
    step.bytes[2] = 3;
    adds(&step, "\x02\x00\x16", 3);
    adds(&step, "secret", 6);
    assert_told(&step, " duration-us=108");
}

static void a_frame_info_is_told_once(void **state)
{
    (void)state;
    struct built request = frame_of(MCBP_FLEX_CLIENT_REQUEST, 0x01, 0);
    request.bytes[2] = 8;
    request.bytes[3] = 1;
    adds(&request, "\x13\x02\x00\x64\x50\x11\x01\x50", 8);
    adds_extras(&request, "\0\0\0\0\0\0\0\0", 8);
    adds(&request, "k", 1);
    assert_told(&request, " durability=MAJORITY_AND_PERSIST_ON_ACTIVE durability-timeout-ms=100 "
                          "preserve-ttl flags=0x0 expiry=0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_without_a_name_are_told_as_numbers),
        cmocka_unit_test(bits_without_a_name_follow_those_with_one),
        cmocka_unit_test(extras_of_no_known_length_are_an_unusual_form),
        cmocka_unit_test(a_value_that_can_not_be_inflated_is_not_looked_at),
        cmocka_unit_test(sizes_beyond_the_value_end_a_list),
        cmocka_unit_test(of_a_long_list_the_rest_is_counted),
        cmocka_unit_test(a_scan_s_keys_are_decoded_up_to_what_is_no_base64),
        cmocka_unit_test(nothing_is_told_of_credentials),
        cmocka_unit_test(but_how_long_they_took_to_check),
        cmocka_unit_test(a_frame_info_is_told_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
