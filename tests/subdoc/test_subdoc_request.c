#include "base/buffer.h"
#include "guarded.h"
#include "mcbp/opcode.h"
#include "subdoc/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define LOOKUP   MCBP_SUBDOC_MULTI_LOOKUP
#define MUTATION MCBP_SUBDOC_MULTI_MUTATION

static struct guarded extras_memory;
static struct guarded value_memory;
static struct subdoc_request request;

struct bytes {
    const char *data;
    size_t size;
};

#define BYTES(text) ((struct bytes){text, sizeof(text) - 1})

/* Parses a request of a connection with extended attributes. */
static enum mcbp_status parse_with(uint8_t opcode, struct bytes extras, struct bytes value,
                                   uint64_t cas)
{
    struct subdoc_input input = {
        .opcode = opcode,
        .extras = guarded_copy(&extras_memory, extras.data, extras.size),
        .value = guarded_copy(&value_memory, value.data, value.size),
        .cas = cas,
        .has_xattrs = true,
    };
    return subdoc_request_parse(&input, &request);
}

static enum mcbp_status parse(uint8_t opcode, struct bytes extras, struct bytes value)
{
    return parse_with(opcode, extras, value, 0);
}

static void assert_refused(uint8_t opcode, struct bytes extras, struct bytes value,
                           enum mcbp_status status, const char *context)
{
    assert_int_equal(parse(opcode, extras, value), status);
    if (context == NULL) {
        assert_null(request.context);
    } else {
        assert_string_equal(request.context, context);
    }
}

static void assert_invalid(uint8_t opcode, struct bytes extras, struct bytes value,
                           const char *context)
{
    assert_refused(opcode, extras, value, MCBP_STATUS_INVALID_ARGUMENTS, context);
}

static void assert_spec(size_t index, uint8_t opcode, const char *path, const char *value)
{
    const struct mcbp_subdoc_spec *spec = &request.specs[index];
    assert_true(index < request.count);
    assert_int_equal(spec->opcode, opcode);
    assert_true(span_equal(spec->path, span_of(path, strlen(path))));
    assert_true(span_equal(spec->value, span_of(value, strlen(value))));
}

static void a_single_command_is_a_request_of_one_spec(void **state)
{
    (void)state;
    assert_int_equal(parse(MCBP_SUBDOC_DICT_ADD, BYTES("\0\3\1\0\0\0\x3c"), BYTES("a.b[1]")),
                     MCBP_STATUS_SUCCESS);
    assert_int_equal(request.count, 1);
    assert_spec(0, MCBP_SUBDOC_DICT_ADD, "a.b", "[1]");
    assert_true(request.is_mutation && !request.is_multi);
    assert_int_equal(request.extras.expiry, 60);
    assert_true(subdoc_makes_parents(&request, &request.specs[0]));
    assert_int_equal(parse(MCBP_SUBDOC_GET, BYTES("\0\1\0"), BYTES("a")), MCBP_STATUS_SUCCESS);
    assert_false(request.is_mutation || subdoc_makes_parents(&request, &request.specs[0]));
}

static void a_server_does_not_see_an_expiry_in_twelve_bytes_of_extras(void **state)
{
    (void)state;
    assert_int_equal(parse(MCBP_SUBDOC_COUNTER, BYTES("\0\1\0\0\0\0\x3c\0\0\0\7\1"), BYTES("a1")),
                     MCBP_STATUS_SUCCESS);
    assert_int_equal(request.extras.expiry, 0);
    assert_int_equal(request.extras.user_flags, 7);
    assert_true(subdoc_makes_parents(&request, &request.specs[0]));
}

static void a_single_command_has_the_extras_that_it_may_have(void **state)
{
    (void)state;
    assert_invalid(MCBP_SUBDOC_GET, BYTES("\0\1"), BYTES("a"), "Invalid extras section");
    assert_invalid(MCBP_SUBDOC_GET, BYTES("\0\1\0\x40"), BYTES("a"), "Invalid extras section");
    assert_invalid(MCBP_SUBDOC_GET, BYTES("\0\1\0\0\0\0\0"), BYTES("a"), "Request extras invalid");
    assert_invalid(MCBP_SUBDOC_GET, BYTES("\0\2\0"), BYTES("a"), "Path length can't exceed value");
    assert_invalid(MCBP_SUBDOC_GET, BYTES("\4\1\0"), BYTES("a"),
                   "Request path length exceeds maximum");
    assert_invalid(MCBP_SUBDOC_GET, BYTES("\0\0\0"), BYTES(""), "Request must include path");
    assert_int_equal(parse(MCBP_SUBDOC_GET_COUNT, BYTES("\0\0\0"), BYTES("")), MCBP_STATUS_SUCCESS);
}

static void mutations_have_a_value_and_lookups_none(void **state)
{
    (void)state;
    assert_invalid(MCBP_SUBDOC_GET, BYTES("\0\1\0"), BYTES("a1"), "Request must not include value");
    assert_invalid(MCBP_SUBDOC_DELETE, BYTES("\0\1\0"), BYTES("a1"),
                   "Request must not include value");
    assert_invalid(MCBP_SUBDOC_REPLACE, BYTES("\0\1\0"), BYTES("a"), "Request must include value");
}

static void flags_have_to_suit_the_operation_and_each_other(void **state)
{
    (void)state;
    assert_invalid(MCBP_SUBDOC_REPLACE, BYTES("\0\1\1"), BYTES("a1"), "Request flags invalid");
    assert_invalid(MCBP_SUBDOC_GET, BYTES("\0\1\2"), BYTES("a"), "Request flags invalid");
    assert_invalid(MCBP_SUBDOC_REPLACE_BODY_WITH_XATTR, BYTES("\0\1\0"), BYTES("a"),
                   "Request missing mandatory flags");
    assert_invalid(MCBP_SUBDOC_DELETE, BYTES("\0\1\0\1"), BYTES("a"),
                   "Request document flags invalid");
    assert_invalid(MCBP_SUBDOC_COUNTER, BYTES("\0\1\0\3"), BYTES("a1"),
                   "Request must not contain both add and mkdoc flags");
    assert_invalid(MCBP_SUBDOC_COUNTER, BYTES("\0\1\4\x8"), BYTES("a1"),
                   "CreateAsDeleted requires Mkdoc or Add");
    assert_invalid(MCBP_SUBDOC_COUNTER, BYTES("\0\1\0\x9"), BYTES("a1"),
                   "CreateAsDeleted does not support body path");
    assert_int_equal(parse_with(MCBP_SUBDOC_COUNTER, BYTES("\0\1\0\2"), BYTES("a1"), 5),
                     MCBP_STATUS_INVALID_ARGUMENTS);
    assert_string_equal(request.context, "Request with add flag must have CAS 0");
}

static void extended_attributes_have_rules_of_their_own(void **state)
{
    (void)state;
    assert_refused(MCBP_SUBDOC_DICT_ADD, BYTES("\0\1\x10"), BYTES("a1"),
                   MCBP_STATUS_SUBDOC_XATTR_INVALID_FLAG_COMBINATION,
                   "EXPAND_MACROS flag requires XATTR flag to be set");
    assert_refused(MCBP_SUBDOC_GET, BYTES("\0\1\x20"), BYTES("a"),
                   MCBP_STATUS_SUBDOC_XATTR_INVALID_FLAG_COMBINATION,
                   "BINARY_VALUE flag requires XATTR flag to be set");
    assert_refused(MCBP_SUBDOC_DICT_ADD, BYTES("\0\1\x34"), BYTES("a1"),
                   MCBP_STATUS_SUBDOC_XATTR_INVALID_FLAG_COMBINATION,
                   "BINARY_VALUE can't be used together with EXPAND_MACROS");
    assert_refused(MCBP_SUBDOC_GET, BYTES("\0\1\4"), BYTES("!"), MCBP_STATUS_XATTR_INVALID,
                   "Request XATTR key invalid");
    assert_refused(MCBP_SUBDOC_DELETE, BYTES("\0\2\4"), BYTES("$a"),
                   MCBP_STATUS_SUBDOC_XATTR_CANNOT_MODIFY_VATTR, NULL);
    assert_refused(MCBP_SUBDOC_DICT_ADD, BYTES("\0\1\x14"), BYTES("a1"),
                   MCBP_STATUS_SUBDOC_XATTR_UNKNOWN_MACRO, NULL);
    assert_int_equal(parse(MCBP_SUBDOC_DICT_ADD, BYTES("\0\1\x14"), BYTES("a\"${Mutation.CAS}\"")),
                     MCBP_STATUS_SUCCESS);
    assert_int_equal(
        parse(MCBP_SUBDOC_DICT_ADD, BYTES("\0\1\x14"), BYTES("a\"${$document.seqno}\"")),
        MCBP_STATUS_SUCCESS);
    assert_int_equal(request.xattr_count, 1);
}

static void an_attributes_name_is_short_and_begins_as_one(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        size_t size;
    } names[] = {{"a", 1},
                 {"_sync.rev", 5},
                 {"a[0]", 1},
                 {"$document", 9},
                 {"", 0},
                 {"_", 0},
                 {"$.a", 0},
                 {".a", 0},
                 {"-a", 0},
                 {"\x01", 0},
                 {"\xc3\xa9.a", 2},
                 {"a.\xc3", 0},
                 {"\xff", 0},
                 {"123456789012345", 15},
                 {"1234567890123456", 0},
                 {"a.1234567890123456", 1}};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct span path = guarded_copy(&value_memory, names[i].path, strlen(names[i].path));
        assert_int_equal(subdoc_xattr_name_size(path), names[i].size);
    }
}

static void specs_are_read_one_after_the_other(void **state)
{
    (void)state;
    assert_int_equal(parse(LOOKUP, BYTES("\4"), BYTES("\xc5\4\0\2_a\xc6\0\0\1b\0\0\0\0")),
                     MCBP_STATUS_SUCCESS);
    assert_int_equal(request.count, 3);
    assert_int_equal(request.xattr_count, 1);
    assert_spec(0, MCBP_SUBDOC_GET, "_a", "");
    assert_spec(1, MCBP_SUBDOC_EXISTS, "b", "");
    assert_spec(2, MCBP_GET, "", "");
    assert_int_equal(
        parse(MUTATION, BYTES("\0\0\0\1\1"), BYTES("\xc8\0\0\1\0\0\0\2a12\xcb\0\0\0\0\0\0\1x")),
        MCBP_STATUS_SUCCESS);
    assert_spec(0, MCBP_SUBDOC_DICT_UPSERT, "a", "12");
    assert_spec(1, MCBP_SUBDOC_ARRAY_PUSH_LAST, "", "x");
    assert_true(subdoc_makes_parents(&request, &request.specs[1]));
    assert_int_equal(request.extras.expiry, 1);
}

static void a_cut_spec_is_refused(void **state)
{
    (void)state;
    assert_invalid(LOOKUP, BYTES(""), BYTES("\xc5\0\0"), "Multi lookup spec truncated");
    assert_invalid(LOOKUP, BYTES(""), BYTES("\xc5\0\0\2a"), "Multi lookup path truncated");
    assert_invalid(MUTATION, BYTES(""), BYTES("\xc9\0\0\1\0\0\0"), "Multi mutation spec truncated");
    assert_invalid(MUTATION, BYTES(""),
                   BYTES("\xca\0\0\1\xff\xff\xff\xff"
                         "a1"),
                   "Multi mutation path and value truncated");
    assert_invalid(LOOKUP, BYTES("\0\0\0\0"), BYTES("\xc5\0\0\1a"), "Request extras invalid");
    assert_invalid(MUTATION, BYTES("\x10"), BYTES("\xc9\0\0\1\0\0\0\0a"),
                   "ReviveDocument can't be used without AccessDeleted");
}

static void one_to_sixteen_specs_of_the_right_kind_are_taken(void **state)
{
    (void)state;
    char specs[17 * 5 + 1] = "";
    for (int i = 0; i < 17; i++) {
        memcpy(specs + 5 * i, "\xc5\0\0\1a", 5);
    }
    assert_int_equal(parse(LOOKUP, BYTES(""), (struct bytes){specs, 16 * 5}), MCBP_STATUS_SUCCESS);
    assert_int_equal(request.count, 16);
    assert_refused(LOOKUP, BYTES(""), (struct bytes){specs, 17 * 5},
                   MCBP_STATUS_SUBDOC_INVALID_COMBINATION, "Request must contain at most 16 paths");
    assert_refused(LOOKUP, BYTES(""), BYTES(""), MCBP_STATUS_SUBDOC_INVALID_COMBINATION,
                   "Request must contain at least one path");
    assert_refused(LOOKUP, BYTES(""), BYTES("\xc9\0\0\1a"), MCBP_STATUS_SUBDOC_INVALID_COMBINATION,
                   "Mutation opcodes only permitted for mutation commands");
    assert_refused(LOOKUP, BYTES(""), BYTES("\xd0\0\0\1a"), MCBP_STATUS_SUBDOC_INVALID_COMBINATION,
                   "Subdoc and MCBP command must not both be invalid");
}

static void specs_of_the_document_stand_behind_those_of_attributes(void **state)
{
    (void)state;
    assert_refused(LOOKUP, BYTES(""), BYTES("\xc5\0\0\1a\xc5\4\0\1b"),
                   MCBP_STATUS_SUBDOC_INVALID_XATTR_ORDER, NULL);
    assert_int_equal(parse(MUTATION, BYTES(""), BYTES("\xc9\4\0\1\0\0\0\0a\4\0\0\0\0\0\0\0")),
                     MCBP_STATUS_SUCCESS);
    assert_refused(MUTATION, BYTES(""), BYTES("\4\0\0\0\0\0\0\0\xc9\0\0\1\0\0\0\0a"),
                   MCBP_STATUS_SUBDOC_INVALID_COMBINATION,
                   "Request contains an invalid combination of commands");
    assert_refused(MUTATION, BYTES(""), BYTES("\xc9\0\0\1\0\0\0\0a\4\0\0\0\0\0\0\0"),
                   MCBP_STATUS_SUBDOC_INVALID_COMBINATION,
                   "Request contains an invalid combination of commands");
    assert_invalid(MUTATION, BYTES("\1"), BYTES("\1\0\0\1\0\0\0\1a1"),
                   "Request must not include path for wholedoc operations");
}

static void assert_creates(uint8_t opcode, struct bytes extras, struct bytes value,
                           const char *document)
{
    assert_int_equal(parse(opcode, extras, value), MCBP_STATUS_SUCCESS);
    assert_true(span_equal(subdoc_new_document(&request), span_of(document, strlen(document))));
}

static void the_first_path_says_what_a_new_document_is(void **state)
{
    (void)state;
    assert_creates(MCBP_SUBDOC_DICT_ADD, BYTES("\0\1\0\1"), BYTES("a1"), "{}");
    assert_creates(MCBP_SUBDOC_ARRAY_PUSH_LAST, BYTES("\0\0\0\1"), BYTES("1"), "[]");
    assert_creates(MCBP_SUBDOC_ARRAY_PUSH_LAST, BYTES("\0\3\0\1"), BYTES("[0]1"), "[]");
    assert_creates(MCBP_SUBDOC_ARRAY_PUSH_LAST, BYTES("\0\1\0\1"), BYTES("a1"), "{}");
    assert_creates(MCBP_SUBDOC_DICT_ADD, BYTES("\0\1\4\x9"), BYTES("a1"), "");
    assert_creates(MUTATION, BYTES("\1"),
                   BYTES("\xc8\4\0\1\0\0\0\1a1\xcb\0\0\0\0\0\0\1"
                         "1"),
                   "{}");
    assert_creates(MUTATION, BYTES("\1"),
                   BYTES("\1\0\0\0\0\0\0\1"
                         "1"),
                   "");
}

static void without_extended_attributes_no_path_is_one(void **state)
{
    (void)state;
    struct subdoc_input input = {
        .opcode = MCBP_SUBDOC_GET, .extras = span_of("\0\1\4", 3), .value = span_of("a", 1)};
    assert_int_equal(subdoc_request_parse(&input, &request), MCBP_STATUS_NOT_SUPPORTED);
    assert_string_equal(request.context, "Connection not XATTR enabled");
}

static void results_are_written_as_they_are_read(void **state)
{
    (void)state;
    struct buffer value = {0};
    assert_true(subdoc_add_lookup_result(&value, MCBP_STATUS_SUCCESS, span_of("12", 2)));
    assert_true(
        subdoc_add_lookup_result(&value, MCBP_STATUS_SUBDOC_PATH_NOT_FOUND, span_of(NULL, 0)));
    assert_true(subdoc_add_mutation_result(&value, 3, MCBP_STATUS_SUCCESS, span_of("7", 1)));
    assert_true(
        subdoc_add_mutation_result(&value, 4, MCBP_STATUS_SUBDOC_PATH_EXISTS, span_of(NULL, 0)));
    struct bytes expected = BYTES("\0\0\0\0\0\2"
                                  "12"
                                  "\0\xc0\0\0\0\0"
                                  "\3\0\0\0\0\0\1"
                                  "7"
                                  "\4\0\xc9");
    assert_true(span_equal(buffer_span(&value), span_of(expected.data, expected.size)));
    buffer_deinit(&value);
}

static int begin(void **state)
{
    (void)state;
    guarded_init(&extras_memory);
    guarded_init(&value_memory);
    return 0;
}

static int end(void **state)
{
    (void)state;
    guarded_deinit(&extras_memory);
    guarded_deinit(&value_memory);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_single_command_is_a_request_of_one_spec),
        cmocka_unit_test(a_server_does_not_see_an_expiry_in_twelve_bytes_of_extras),
        cmocka_unit_test(a_single_command_has_the_extras_that_it_may_have),
        cmocka_unit_test(mutations_have_a_value_and_lookups_none),
        cmocka_unit_test(flags_have_to_suit_the_operation_and_each_other),
        cmocka_unit_test(extended_attributes_have_rules_of_their_own),
        cmocka_unit_test(an_attributes_name_is_short_and_begins_as_one),
        cmocka_unit_test(specs_are_read_one_after_the_other),
        cmocka_unit_test(a_cut_spec_is_refused),
        cmocka_unit_test(one_to_sixteen_specs_of_the_right_kind_are_taken),
        cmocka_unit_test(specs_of_the_document_stand_behind_those_of_attributes),
        cmocka_unit_test(the_first_path_says_what_a_new_document_is),
        cmocka_unit_test(without_extended_attributes_no_path_is_one),
        cmocka_unit_test(results_are_written_as_they_are_read),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
