/*
 * Where in a frame credentials begin.
 */
#include "mcbp/credentials.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
// cmocka needs the three before it
#include <cmocka.h>

#define FRAME(text) span_of(text, sizeof(text) - 1)

/* Requests: magic, opcode, key length, extras length, body length; 24 bytes with what is zero. */
#define HEADER(magic, opcode, key, extras, body)                                                   \
    magic opcode "\0" key extras "\0\0\0"                                                          \
                 "\0\0\0" body "\0\0\0\0\0\0\0\0\0\0\0\0"

static void check(struct span bytes, size_t begin)
{
    uint8_t copy[64];
    assert_int_equal(mcbp_credentials_begin(bytes), begin);
    memcpy(copy, bytes.data, bytes.size);
    mcbp_credentials_hide(copy, bytes.size);
    for (size_t i = 0; i < bytes.size; i++) {
        assert_int_equal(copy[i], i < begin ? bytes.data[i] : '*');
    }
}

static void test_behind_the_name_of_the_mechanism(void **state)
{
    (void)state;
    check(FRAME(HEADER("\x80", "\x21", "\x05", "\0", "\x0b") "PLAIN\0ab\0cd"), 29);
    check(FRAME(HEADER("\x80", "\x22", "\x0a", "\0", "\x0c") "SCRAM-SHA1ab"), 34);
    check(FRAME(HEADER("\x81", "\x21", "\x00", "\0", "\x04") "abcd"), 24);
    check(FRAME(HEADER("\x80", "\x21", "\x05", "\0", "\x05") "PLAIN"), 29);
    check(FRAME(HEADER("\x81", "\x21", "\x00", "\0", "\x00")), 24);
}

static void test_at_once_if_there_is_no_name(void **state)
{
    (void)state;
    check(FRAME(HEADER("\x80", "\x21", "\x06", "\0", "\x06") "secret"), 24);
    check(FRAME(HEADER("\x80", "\x21", "\x15", "\0", "\x15") "ABCDEFGHIJKLMNOPQRSTU"), 24);
    check(FRAME(HEADER("\x80", "\x21", "\x05", "\4", "\x09") "ab12PLAIN"), 24);
}

/* Its framing extras have 3 bytes. */
#define TRACED(body) "\x18\x21\3\0\0\0\0\0\0\0\0" body "\0\0\0\0\0\0\0\0\0\0\0\0"

static void test_behind_the_duration_that_a_server_tells(void **state)
{
    (void)state;
    check(FRAME(TRACED("\7") "\2\1\7abcd"), 27);
    check(FRAME(TRACED("\3") "\2\1\7"), 27);
    check(FRAME(TRACED("\7") "\x42\1\7abcd"), 24);
    check(FRAME(TRACED("\7") "\2\1"), 24);
}

static void test_in_frames_that_are_cut_or_lie(void **state)
{
    (void)state;
    check(FRAME(HEADER("\x80", "\x21", "\x05", "\0", "\x20") "PLAIN\0ab"), 29);
    check(FRAME(HEADER("\x80", "\x21", "\x05", "\0", "\x20") "PLA"), 24);
    check(FRAME(HEADER("\x80", "\x21", "\x09", "\0", "\x08") "PLAIN\0ab"), 24);
}

static void test_in_what_administrators_send(void **state)
{
    (void)state;
    check(FRAME(HEADER("\x80", "\x2f", "\x00", "\0", "\x04") "{  }"), 24);
    check(FRAME(HEADER("\x80", "\x2d", "\x04", "\0", "\x08") "@log{  }"), 24);
    check(FRAME(HEADER("\x80", "\x79", "\x00", "\0", "\x04") "{  }"), 24);
    check(FRAME(HEADER("\x81", "\x79", "\x00", "\0", "\x04") "{  }"), 28);
    check(FRAME(HEADER("\x80", "\x2e", "\x04", "\0", "\x08") "@log{  }"), 32);
}

static void test_in_what_a_server_hands_on(void **state)
{
    (void)state;
    check(FRAME(HEADER("\x82", "\x02", "\x00", "\0", "\x04") "{  }"), 24);
    check(FRAME(HEADER("\x83", "\x02", "\x00", "\0", "\x04") "{  }"), 24);
}

static void test_nowhere_else(void **state)
{
    (void)state;
    check(FRAME(HEADER("\x80", "\x00", "\x05", "\0", "\x05") "PLAIN"), 29);
    check(FRAME(HEADER("\x81", "\x20", "\x00", "\0", "\x05") "PLAIN"), 29);
    check(FRAME(HEADER("\x82", "\x21", "\x00", "\0", "\x05") "PLAIN"), 29);
    check(FRAME(HEADER("\x80", "\x02", "\x05", "\0", "\x05") "PLAIN"), 29);
    check(FRAME("\x80\x21 less than a header"), 21);
    check(FRAME("\x42\x21 no frame begins with such a byte"), 35);
    check(FRAME(""), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_behind_the_name_of_the_mechanism),
        cmocka_unit_test(test_at_once_if_there_is_no_name),
        cmocka_unit_test(test_behind_the_duration_that_a_server_tells),
        cmocka_unit_test(test_in_frames_that_are_cut_or_lie),
        cmocka_unit_test(test_in_what_administrators_send),
        cmocka_unit_test(test_in_what_a_server_hands_on),
        cmocka_unit_test(test_nowhere_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
