#include "mcbp/collection.h"
#include "mcbp/datatype.h"
#include "mcbp/duration.h"
#include "mcbp/token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void datatypes_are_named_bit_by_bit(void **state)
{
    (void)state;
    char text[MCBP_DATATYPE_TEXT_SIZE];
    assert_string_equal(mcbp_datatype_text(0, text), "RAW");
    assert_string_equal(mcbp_datatype_text(1, text), "JSON");
    assert_string_equal(mcbp_datatype_text(6, text), "SNAPPY|XATTR");
    assert_string_equal(mcbp_datatype_text(0xff, text), "JSON|SNAPPY|XATTR|0xf8");
    assert_string_equal(mcbp_datatype_text(0x80, text), "0x80");
}

static void a_key_begins_with_its_collection(void **state)
{
    (void)state;
    struct mcbp_collection_key key;
    assert_true(mcbp_collection_key_read(span_of("\x85\x0a"
                                                 "abc",
                                                 5),
                                         &key));
    assert_int_equal(key.collection, 0x505);
    assert_true(span_equal(key.key, span_of("abc", 3)));
    assert_true(mcbp_collection_key_read(span_of("\x00", 1), &key));
    assert_int_equal(key.collection, MCBP_DEFAULT_COLLECTION);
    assert_int_equal(key.key.size, 0);
    assert_false(mcbp_collection_key_read(span_of("\x80", 1), &key));
    assert_false(mcbp_collection_key_read(span_of("", 0), &key));
}

static void a_token_is_sixteen_bytes(void **state)
{
    (void)state;
    struct mcbp_token token = {.vbucket_uuid = 0x0102030405060708, .seqno = 9};
    struct mcbp_token read;
    uint8_t bytes[MCBP_TOKEN_SIZE];
    mcbp_token_write(&token, bytes);
    assert_memory_equal(bytes, "\1\2\3\4\5\6\7\10\0\0\0\0\0\0\0\11", sizeof(bytes));
    assert_true(mcbp_token_read(MCBP_SET, span_of(bytes, sizeof(bytes)), &read));
    assert_true(read.vbucket_uuid == token.vbucket_uuid && read.seqno == 9);
    assert_false(mcbp_token_read(MCBP_SET, span_of(bytes, 15), &read));
    assert_false(mcbp_token_read(MCBP_SET, span_of(NULL, 0), &read));
    assert_false(mcbp_token_read(MCBP_RETURN_META, span_of(bytes, sizeof(bytes)), &read));
}

static void a_duration_is_a_power_of_its_number(void **state)
{
    (void)state;
    assert_int_equal(mcbp_duration_decode(0), 0);
    assert_int_equal(mcbp_duration_decode(18), 76);
    assert_int_equal(mcbp_duration_decode(1000), 82979);
    assert_int_equal(mcbp_duration_decode(UINT16_MAX), MCBP_DURATION_MAX);
    assert_int_equal(mcbp_duration_encode(0), 0);
    assert_int_equal(mcbp_duration_encode(UINT64_MAX), UINT16_MAX);
    for (unsigned number = 2; number <= UINT16_MAX; number++) {
        assert_int_equal(mcbp_duration_encode(mcbp_duration_decode((uint16_t)number)), number);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(datatypes_are_named_bit_by_bit),
        cmocka_unit_test(a_key_begins_with_its_collection),
        cmocka_unit_test(a_token_is_sixteen_bytes),
        cmocka_unit_test(a_duration_is_a_power_of_its_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
