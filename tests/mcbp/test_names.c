#include "mcbp/frame.h"
#include "mcbp/opcode.h"
#include "mcbp/status.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void opcodes_are_found_by_the_names_they_print(void **state)
{
    (void)state;
    for (unsigned number = 0; number < 256; number++) {
        char text[MCBP_OPCODE_TEXT_SIZE];
        uint8_t found = 0;
        const char *name = mcbp_opcode_text(MCBP_CLIENT_REQUEST, (uint8_t)number, text);
        assert_true(mcbp_opcode_find(name, &found));
        assert_int_equal(found, number);
    }
}

static void an_opcode_without_a_name_is_written_as_its_number(void **state)
{
    (void)state;
    char text[MCBP_OPCODE_TEXT_SIZE];
    assert_string_equal(mcbp_opcode_text(MCBP_CLIENT_REQUEST, 0xee, text), "0xee");
    assert_string_equal(mcbp_opcode_text(MCBP_CLIENT_RESPONSE, 0x09, text), "GETQ");
}

static void server_requests_have_names_of_their_own(void **state)
{
    (void)state;
    char text[MCBP_OPCODE_TEXT_SIZE];
    assert_string_equal(mcbp_opcode_text(MCBP_SERVER_REQUEST, 0x01, text),
                        "CLUSTERMAP_CHANGE_NOTIFICATION");
    assert_string_equal(mcbp_opcode_text(MCBP_SERVER_RESPONSE, 0x00, text), "0x00");
}

static void couchbase_has_other_names_for_two_numbers(void **state)
{
    (void)state;
    char text[MCBP_OPCODE_TEXT_SIZE];
    uint8_t found;
    assert_string_equal(mcbp_opcode_text(MCBP_CLIENT_REQUEST, 0x23, text), "GATK");
    assert_string_equal(mcbp_opcode_couchbase_text(MCBP_CLIENT_REQUEST, 0x23, text), "IOCTL_GET");
    assert_string_equal(mcbp_opcode_couchbase_text(MCBP_CLIENT_RESPONSE, 0x24, text), "IOCTL_SET");
    assert_string_equal(mcbp_opcode_couchbase_text(MCBP_CLIENT_REQUEST, 0x49, text), "GET_EX");
    assert_string_equal(mcbp_opcode_couchbase_text(MCBP_SERVER_REQUEST, 0x23, text), "0x23");
    assert_true(mcbp_opcode_find("ioctl_set", &found));
    assert_int_equal(found, MCBP_GATKQ);
}

/* So many does include/mcbp/protocol/opcode.h of couchbase/kv_engine name, but for "invalid". */
static void all_opcodes_of_couchbase_have_names(void **state)
{
    (void)state;
    unsigned named = 0;
    for (unsigned number = 0; number < 256; number++) {
        char text[MCBP_OPCODE_TEXT_SIZE];
        named += mcbp_opcode_text(MCBP_CLIENT_REQUEST, (uint8_t)number, text) != text;
    }
    assert_int_equal(named, 196);
}

static void documents_keys_may_begin_with_a_collection(void **state)
{
    (void)state;
    assert_true(mcbp_opcode_has_collection(MCBP_GETKQ));
    assert_true(mcbp_opcode_has_collection(MCBP_SUBDOC_MULTI_MUTATION));
    assert_true(mcbp_opcode_has_collection(MCBP_GET_KEYS));
    assert_true(mcbp_opcode_has_collection(MCBP_DCP_COMMIT));
    assert_false(mcbp_opcode_has_collection(MCBP_STAT));
    assert_false(mcbp_opcode_has_collection(MCBP_IOCTL_GET));
    assert_false(mcbp_opcode_has_collection(MCBP_SASL_AUTH));
    assert_false(mcbp_opcode_has_collection(MCBP_SET_PARAM));
    assert_false(mcbp_opcode_has_collection(MCBP_RANGE_SCAN_CREATE));
    assert_false(mcbp_opcode_has_collection(0xee));
}

static void what_is_no_opcode_is_not_found(void **state)
{
    (void)state;
    static const char *const wrong[] = {"", "G", "GETX", "0x", "0x100", "0xg", "-1", "256", "0x1 "};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        uint8_t opcode;
        assert_false(mcbp_opcode_find(wrong[i], &opcode));
    }
}

static void the_quiet_opcodes_are_memcached_s(void **state)
{
    (void)state;
    static const uint8_t quiet[] = {0x09, 0x0d, 0x11, 0x12, 0x13, 0x14, 0x15,
                                    0x16, 0x17, 0x18, 0x19, 0x1a, 0x1e, 0x24};
    unsigned found = 0;
    for (unsigned number = 0; number <= MCBP_GATKQ; number++) {
        found += mcbp_opcode_is_quiet((uint8_t)number);
    }
    for (size_t i = 0; i < sizeof(quiet); i++) {
        assert_true(mcbp_opcode_is_quiet(quiet[i]));
        assert_false(mcbp_opcode_is_quiet(mcbp_opcode_loud(quiet[i])));
    }
    assert_int_equal(found, sizeof(quiet));
    assert_int_equal(mcbp_opcode_loud(0xee), 0xee);
}

static void statuses_are_found_by_name_and_number(void **state)
{
    (void)state;
    char text[MCBP_STATUS_TEXT_SIZE];
    uint16_t status;
    assert_string_equal(mcbp_status_text(0x81, text), "UNKNOWN_COMMAND");
    assert_string_equal(mcbp_status_text(0x1234, text), "0x1234");
    assert_true(mcbp_status_find("key_exists", &status));
    assert_int_equal(status, 2);
    assert_true(mcbp_status_find("0x81", &status));
    assert_int_equal(status, 0x81);
    assert_true(mcbp_status_find("129", &status));
    assert_int_equal(status, 129);
    assert_string_equal(mcbp_status_text(0xa6, text), "RANGE_SCAN_MORE");
    assert_true(mcbp_status_find("SUBDOC_FIELD_NOT_BINARY_VALUE", &status));
    assert_int_equal(status, 0xd8);
    assert_false(mcbp_status_find("65536", &status));
    assert_false(mcbp_status_find("OKAY", &status));
}

static void error_bodies_are_what_memcached_sends(void **state)
{
    (void)state;
    assert_string_equal(mcbp_status_error_body(MCBP_STATUS_KEY_NOT_FOUND), "Not found");
    assert_string_equal(mcbp_status_error_body(MCBP_STATUS_TOO_LARGE), "Too large.");
    assert_null(mcbp_status_error_body(MCBP_STATUS_SUCCESS));
    assert_null(mcbp_status_error_body(0x1234));
    assert_true(mcbp_status_is_no_memory_body("Out of memory", 13));
    assert_true(mcbp_status_is_no_memory_body("Out of memory during read", 25));
    assert_false(mcbp_status_is_no_memory_body("Out of memory during read", 24));
    assert_false(mcbp_status_is_no_memory_body("", 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opcodes_are_found_by_the_names_they_print),
        cmocka_unit_test(an_opcode_without_a_name_is_written_as_its_number),
        cmocka_unit_test(server_requests_have_names_of_their_own),
        cmocka_unit_test(couchbase_has_other_names_for_two_numbers),
        cmocka_unit_test(all_opcodes_of_couchbase_have_names),
        cmocka_unit_test(documents_keys_may_begin_with_a_collection),
        cmocka_unit_test(what_is_no_opcode_is_not_found),
        cmocka_unit_test(the_quiet_opcodes_are_memcached_s),
        cmocka_unit_test(statuses_are_found_by_name_and_number),
        cmocka_unit_test(error_bodies_are_what_memcached_sends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
