/*
 * The layout of what others have compiled into their programs and plug-ins, in numbers; 64 bits.
 * Who changes one of them breaks these: a new minor version, or KVR_PLUGIN_ABI.
 */
#include "kvresponse/plugin.h"
#include "mcbp/frame.h"
#include "mcbp/status.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void a_response_is_of_this_layout(void **state)
{
    (void)state;
    assert_int_equal(sizeof(struct kvr_response), 96);
    assert_int_equal(offsetof(struct kvr_response, magic), 0);
    assert_int_equal(offsetof(struct kvr_response, opcode), 1);
    assert_int_equal(offsetof(struct kvr_response, datatype), 2);
    assert_int_equal(offsetof(struct kvr_response, status), 4);
    assert_int_equal(offsetof(struct kvr_response, opaque), 8);
    assert_int_equal(offsetof(struct kvr_response, cas), 16);
    assert_int_equal(offsetof(struct kvr_response, framing_extras), 24);
    assert_int_equal(offsetof(struct kvr_response, framing_extras_size), 32);
    assert_int_equal(offsetof(struct kvr_response, extras), 40);
    assert_int_equal(offsetof(struct kvr_response, extras_size), 48);
    assert_int_equal(offsetof(struct kvr_response, key), 56);
    assert_int_equal(offsetof(struct kvr_response, key_size), 64);
    assert_int_equal(offsetof(struct kvr_response, value), 72);
    assert_int_equal(offsetof(struct kvr_response, value_size), 80);
    assert_int_equal(offsetof(struct kvr_response, value_owner), 88);
    assert_int_equal(sizeof(struct kvr_value_owner), 16);
    assert_int_equal(offsetof(struct kvr_value_owner, release), 8);
}

static void a_plug_in_is_of_this_layout(void **state)
{
    (void)state;
    assert_int_equal(KVR_PLUGIN_ABI, 1);
    assert_int_equal(sizeof(struct kvr_plugin), 24);
    assert_int_equal(offsetof(struct kvr_plugin, response_size), 4);
    assert_int_equal(offsetof(struct kvr_plugin, type_size), 8);
    assert_int_equal(offsetof(struct kvr_plugin, abi), 12);
    assert_int_equal(offsetof(struct kvr_plugin, type), 16);
    assert_int_equal(sizeof(struct kvr_writer_type), 48);
    assert_int_equal(offsetof(struct kvr_writer_type, summary), 8);
    assert_int_equal(offsetof(struct kvr_writer_type, create), 16);
    assert_int_equal(offsetof(struct kvr_writer_type, destroy), 24);
    assert_int_equal(offsetof(struct kvr_writer_type, write), 32);
    assert_int_equal(offsetof(struct kvr_writer_type, configure), 40);
    assert_int_equal(offsetof(struct kvr_options, reference_threshold), 0);
}

static void the_errors_have_these_numbers(void **state)
{
    (void)state;
    static const enum kvr_error errors[] = {KVR_OK,
                                            KVR_FRAMING_EXTRAS_WITHOUT_FLEX,
                                            KVR_FRAMING_EXTRAS_TOO_LONG,
                                            KVR_EXTRAS_TOO_LONG,
                                            KVR_KEY_TOO_LONG,
                                            KVR_BODY_TOO_LONG,
                                            KVR_BATCH_TOO_LONG,
                                            KVR_NO_ROOM,
                                            KVR_NO_MEMORY,
                                            KVR_BUFFER_REFUSED,
                                            KVR_TORN};
    for (int i = 0; i < (int)(sizeof(errors) / sizeof(errors[0])); i++) {
        assert_int_equal(errors[i], i);
    }
}

static void magics_statuses_and_datatypes_are_the_protocols(void **state)
{
    (void)state;
    assert_int_equal(KVR_MAGIC_REQUEST, MCBP_CLIENT_REQUEST);
    assert_int_equal(KVR_MAGIC_RESPONSE, MCBP_CLIENT_RESPONSE);
    assert_int_equal(KVR_MAGIC_FLEX_REQUEST, MCBP_FLEX_CLIENT_REQUEST);
    assert_int_equal(KVR_MAGIC_FLEX_RESPONSE, MCBP_FLEX_CLIENT_RESPONSE);
    assert_int_equal(KVR_MAGIC_SERVER_REQUEST, MCBP_SERVER_REQUEST);
    assert_int_equal(KVR_MAGIC_SERVER_RESPONSE, MCBP_SERVER_RESPONSE);
    assert_int_equal(KVR_DATATYPE_JSON, MCBP_DATATYPE_JSON);
    assert_int_equal(KVR_DATATYPE_SNAPPY, MCBP_DATATYPE_SNAPPY);
    assert_int_equal(KVR_DATATYPE_XATTR, MCBP_DATATYPE_XATTR);
    /* Each status that kvreplay has a name for has the same in the library. */
#define SAME(name, number, text) assert_int_equal(KVR_STATUS_##name, number);
    MCBP_STATUSES(SAME)
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_response_is_of_this_layout),
        cmocka_unit_test(a_plug_in_is_of_this_layout),
        cmocka_unit_test(the_errors_have_these_numbers),
        cmocka_unit_test(magics_statuses_and_datatypes_are_the_protocols),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
