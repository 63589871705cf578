#include "mcbp/form.h"
#include "mcbp/opcode.h"
#include "mcbp/status.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct mcbp_header header(uint8_t magic, uint8_t opcode, uint8_t extras, uint16_t key,
                                 uint32_t value)
{
    return (struct mcbp_header){
        .magic = magic,
        .opcode = opcode,
        .extras_length = extras,
        .key_length = key,
        .body_length = extras + key + value,
    };
}

static bool asks(uint8_t opcode, uint8_t extras, uint16_t key, uint32_t value)
{
    struct mcbp_header plain = header(MCBP_CLIENT_REQUEST, opcode, extras, key, value);
    struct mcbp_header flex = plain;
    flex.magic = MCBP_FLEX_CLIENT_REQUEST;
    flex.framing_extras_length = 3;
    flex.body_length += 3;
    assert_int_equal(mcbp_form_is_known(&plain), mcbp_form_is_known(&flex));
    return mcbp_form_is_known(&plain);
}

static bool answers(uint8_t opcode, uint16_t status, uint8_t extras, uint16_t key, uint32_t value)
{
    struct mcbp_header answer = header(MCBP_CLIENT_RESPONSE, opcode, extras, key, value);
    answer.vbucket_or_status = status;
    return mcbp_form_is_known(&answer);
}

static void a_store_has_eight_bytes_of_extras_and_a_key(void **state)
{
    (void)state;
    assert_true(asks(MCBP_SET, 8, 1, 0));
    assert_true(asks(MCBP_ADDQ, 8, 250, 100000));
    assert_false(asks(MCBP_ADD, 0, 2, 81));
    assert_false(asks(MCBP_REPLACE, 9, 2, 81));
    assert_false(asks(MCBP_SET, 8, 0, 4));
    assert_false(asks(MCBP_SET, 8, 256, 4));
}

static void a_read_has_a_key_and_nothing_else(void **state)
{
    (void)state;
    assert_true(asks(MCBP_GET, 0, 1, 0));
    assert_false(asks(MCBP_GETKQ, 0, 1, 1));
    assert_false(asks(MCBP_GETQ, 4, 1, 0));
    assert_false(asks(MCBP_GET, 0, 0, 0));
    assert_true(asks(MCBP_GAT, 4, 1, 0));
}

static void what_names_nothing_has_no_key(void **state)
{
    (void)state;
    assert_true(asks(MCBP_NOOP, 0, 0, 0));
    assert_false(asks(MCBP_NOOP, 0, 1, 0));
    assert_true(asks(MCBP_FLUSH, 0, 0, 0));
    assert_true(asks(MCBP_FLUSHQ, 4, 0, 0));
    assert_false(asks(MCBP_FLUSH, 8, 0, 0));
    assert_true(asks(MCBP_STAT, 0, 0, 0));
    assert_true(asks(MCBP_STAT, 0, 5, 0));
}

static void an_answer_is_what_success_looks_like_or_an_error(void **state)
{
    (void)state;
    assert_true(answers(MCBP_GET, MCBP_STATUS_SUCCESS, 4, 0, 10));
    assert_false(answers(MCBP_GET, MCBP_STATUS_SUCCESS, 0, 0, 10));
    assert_true(answers(MCBP_GET, MCBP_STATUS_KEY_NOT_FOUND, 0, 0, 9));
    assert_false(answers(MCBP_GET, MCBP_STATUS_KEY_NOT_FOUND, 3, 0, 9));
    assert_false(answers(MCBP_GET, MCBP_STATUS_SUCCESS, 4, 3, 10));
    assert_true(answers(MCBP_GETK, MCBP_STATUS_SUCCESS, 4, 3, 10));
    assert_true(answers(MCBP_GETK, MCBP_STATUS_KEY_NOT_FOUND, 0, 3, 0));
    assert_true(answers(MCBP_SET, MCBP_STATUS_SUCCESS, 0, 0, 0));
    assert_true(answers(MCBP_SET, MCBP_STATUS_SUCCESS, 16, 0, 0));
    assert_false(answers(MCBP_SET, MCBP_STATUS_SUCCESS, 0, 0, 1));
    assert_true(answers(MCBP_INCREMENT, MCBP_STATUS_SUCCESS, 0, 0, 8));
}

static void opcodes_without_a_name_have_no_form(void **state)
{
    (void)state;
    struct mcbp_header server = header(MCBP_SERVER_REQUEST, 0x01, 16, 7, 100);
    assert_true(mcbp_form_is_known(&server));
    server.opcode = 0x09;
    assert_false(mcbp_form_is_known(&server));
    assert_false(asks(0xee, 0, 0, 0));
    assert_false(answers(0xee, MCBP_STATUS_UNKNOWN_COMMAND, 0, 0, 15));
}

static bool has_extras(uint8_t magic, uint8_t opcode, uint8_t size)
{
    struct mcbp_header one = header(magic, opcode, size, 0, 0);
    return mcbp_form_has_extras(&one);
}

static void extras_have_lengths_of_their_own(void **state)
{
    (void)state;
    assert_true(has_extras(MCBP_CLIENT_REQUEST, MCBP_INCREMENTQ, 20));
    assert_false(has_extras(MCBP_CLIENT_REQUEST, MCBP_INCREMENTQ, 19));
    assert_true(has_extras(MCBP_CLIENT_REQUEST, MCBP_DCP_STREAM_REQ, 48));
    assert_true(has_extras(MCBP_CLIENT_RESPONSE, MCBP_SETQ, 16));
    assert_false(has_extras(MCBP_CLIENT_RESPONSE, MCBP_TOUCH, 5));
    assert_false(has_extras(MCBP_CLIENT_REQUEST, MCBP_SET, 8 + 64));
    assert_false(has_extras(MCBP_CLIENT_REQUEST, 0xee, 1));
    assert_true(has_extras(MCBP_SERVER_REQUEST, 0x01, 16));
    assert_false(has_extras(MCBP_SERVER_RESPONSE, 0x01, 16));
}

static void of_what_servers_ask_a_few_opcodes_are_known(void **state)
{
    (void)state;
    static const bool known[] = {false, true, true, true, true, false};
    for (uint8_t opcode = 0; opcode < sizeof(known) / sizeof(known[0]); opcode++) {
        struct mcbp_header request = header(MCBP_SERVER_REQUEST, opcode, 0, 3, 0);
        assert_int_equal(mcbp_form_is_known(&request), known[opcode]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_store_has_eight_bytes_of_extras_and_a_key),
        cmocka_unit_test(a_read_has_a_key_and_nothing_else),
        cmocka_unit_test(what_names_nothing_has_no_key),
        cmocka_unit_test(an_answer_is_what_success_looks_like_or_an_error),
        cmocka_unit_test(opcodes_without_a_name_have_no_form),
        cmocka_unit_test(extras_have_lengths_of_their_own),
        cmocka_unit_test(of_what_servers_ask_a_few_opcodes_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
