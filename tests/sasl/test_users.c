/* Lists of users: what is taken for one, and files of them. */
#include "sides.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static int create(void **state)
{
    *state = sasl_users_create();
    return *state == NULL;
}

static int destroy(void **state)
{
    sasl_users_destroy(*state);
    return 0;
}

static bool opens(const struct sasl_users *users, const char *name, const char *password)
{
    bool matches;
    assert_true(sasl_users_check(users, text(name), text(password), &matches));
    return matches;
}

static void a_user_has_a_name_and_a_password(void **state)
{
    assert_int_equal(sasl_users_add(*state, text("ann:secret")), SASL_USERS_OK);
    assert_int_equal(sasl_users_count(*state), 1);
    assert_true(opens(*state, "ann", "secret"));
    assert_false(opens(*state, "ann", "secre"));
    assert_false(opens(*state, "ann", "secret "));
    assert_false(opens(*state, "ann", ""));
    assert_false(opens(*state, "Ann", "secret"));
    assert_false(opens(*state, "", "secret"));
    assert_false(opens(*state, "annsecret", ""));
    assert_false(opens(*state, "annse", "cret"));
}

static void a_password_may_have_colons_and_any_other_text(void **state)
{
    assert_int_equal(sasl_users_add(*state, text("b\xc3\xa9:a:b: \xff")), SASL_USERS_OK);
    assert_true(opens(*state, "b\xc3\xa9", "a:b: \xff"));
}

static void what_is_no_user_is_refused(void **state)
{
    static const char *const wrong[] = {
        "",          "ann",
        ":",         "ann:",
        ":secret",   "ann:sec\tret",
        "a\nn:b",    "ann:b\r",
        "ann:b\x7f", "\xff:b",
        "\xc3:b",    "\xc0\x80:b",
        "\xc3(:b",   "\xf5\x80\x80\x80:b",
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        assert_int_equal(sasl_users_add(*state, text(wrong[i])), SASL_USERS_FORM);
    }
    assert_int_equal(sasl_users_add(*state, span_of("a:b\0c", 5)), SASL_USERS_FORM);
    assert_int_equal(sasl_users_count(*state), 0);
}

static void names_and_passwords_have_a_greatest_length(void **state)
{
    char user[SASL_NAME_MAX + 1 + SASL_PASSWORD_MAX + 1];
    memset(user, 'a', sizeof(user));
    user[SASL_NAME_MAX] = ':';
    assert_int_equal(sasl_users_add(*state, span_of(user, sizeof(user))), SASL_USERS_FORM);
    assert_int_equal(sasl_users_add(*state, span_of(user, sizeof(user) - 1)), SASL_USERS_OK);
    user[SASL_NAME_MAX] = 'a';
    user[SASL_NAME_MAX + 1] = ':';
    assert_int_equal(sasl_users_add(*state, span_of(user, SASL_NAME_MAX + 3)), SASL_USERS_FORM);
}

static void a_name_is_there_once(void **state)
{
    assert_int_equal(sasl_users_add(*state, text("ann:one")), SASL_USERS_OK);
    assert_int_equal(sasl_users_add(*state, text("ann:two")), SASL_USERS_TWICE);
    assert_true(opens(*state, "ann", "one"));
    assert_false(opens(*state, "ann", "two"));
}

static void many_users_are_told_apart(void **state)
{
    enum { USERS = 20 };
    char user[32], name[16], password[16];
    for (int i = 0; i < USERS; i++) {
        snprintf(user, sizeof(user), "user%d:pass%d", i, i);
        assert_int_equal(sasl_users_add(*state, text(user)), SASL_USERS_OK);
    }
    for (int i = 0; i < USERS * USERS; i++) {
        snprintf(name, sizeof(name), "user%d", i / USERS);
        snprintf(password, sizeof(password), "pass%d", i % USERS);
        assert_int_equal(opens(*state, name, password), i / USERS == i % USERS);
    }
}

static void an_unknown_user_has_an_account_that_stays_the_same(void **state)
{
    struct sasl_account first, second, other;
    assert_int_equal(sasl_users_add(*state, text("ann:secret")), SASL_USERS_OK);
    assert_true(sasl_users_find(*state, text("ann"), SASL_SCRAM_SHA1, &first));
    assert_true(first.known);
    assert_true(sasl_users_find(*state, text("bob"), SASL_SCRAM_SHA1, &first));
    assert_true(sasl_users_find(*state, text("bob"), SASL_SCRAM_SHA1, &second));
    assert_false(first.known);
    assert_memory_equal(first.salt, second.salt, SASL_SALT_SIZE);
    assert_true(sasl_users_find(*state, text("bobby"), SASL_SCRAM_SHA1, &other));
    assert_memory_not_equal(first.salt, other.salt, SASL_SALT_SIZE);
    assert_true(sasl_users_find(*state, text("bob"), SASL_SCRAM_SHA512, &other));
    assert_memory_not_equal(first.salt, other.salt, SASL_SALT_SIZE);
}

static void lists_have_salts_of_their_own(void **state)
{
    struct sasl_account one, two;
    struct sasl_users *others = sasl_users_create();
    assert_non_null(others);
    assert_true(sasl_users_find(*state, text("ann"), SASL_SCRAM_SHA1, &one));
    assert_true(sasl_users_find(others, text("ann"), SASL_SCRAM_SHA1, &two));
    assert_memory_not_equal(one.salt, two.salt, SASL_SALT_SIZE);
    sasl_users_destroy(others);
}

/* -------------------------------------------------------------------------------------- files */

/* Loads a file that holds this and has these permissions. */
static enum sasl_users_result load(struct sasl_users *users, struct span content, mode_t mode,
                                   size_t *line)
{
    char path[] = "/tmp/kvreplay-users-XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    assert_int_equal(write(file, content.data, content.size), content.size);
    assert_int_equal(fchmod(file, mode), 0);
    close(file);
    enum sasl_users_result result = sasl_users_load(users, path, line);
    unlink(path);
    return result;
}

static void a_file_has_a_user_on_each_line(void **state)
{
    size_t line;
    assert_int_equal(load(*state, text("ann:one\n\nbob:two"), 0600, &line), SASL_USERS_OK);
    assert_int_equal(sasl_users_count(*state), 2);
    assert_true(opens(*state, "ann", "one"));
    assert_true(opens(*state, "bob", "two"));
}

static void a_wrong_line_is_told_by_its_number(void **state)
{
    size_t line;
    assert_int_equal(load(*state, text("ann:one\n\nbob\ncid:three\n"), 0600, &line),
                     SASL_USERS_FORM);
    assert_int_equal(line, 3);
    assert_int_equal(load(*state, span_of("dan:o\0e\n", 8), 0600, &line), SASL_USERS_FORM);
    assert_int_equal(load(*state, text("eve:one\r\n"), 0600, &line), SASL_USERS_FORM);
    assert_int_equal(load(*state, text("fay:one\nfay:one\n"), 0600, &line), SASL_USERS_TWICE);
    assert_int_equal(line, 2);
}

static void a_line_that_is_too_long_is_no_user(void **state)
{
    size_t line;
    char content[SASL_NAME_MAX + SASL_PASSWORD_MAX + 32];
    memset(content, 'a', sizeof(content));
    content[SASL_NAME_MAX] = ':';
    assert_int_equal(load(*state, span_of(content, sizeof(content)), 0600, &line), SASL_USERS_FORM);
    assert_int_equal(line, 1);
    content[sizeof(content) - 4] = '\n';
    content[sizeof(content) - 2] = ':';
    assert_int_equal(load(*state, span_of(content, sizeof(content)), 0600, &line), SASL_USERS_FORM);
    assert_int_equal(sasl_users_count(*state), 0);
}

static void a_file_that_others_can_read_is_refused(void **state)
{
    size_t line;
    static const mode_t exposed[] = {0640, 0620, 0604, 0602, 0644};
    for (size_t i = 0; i < sizeof(exposed) / sizeof(*exposed); i++) {
        assert_int_equal(load(*state, text("ann:one\n"), exposed[i], &line), SASL_USERS_EXPOSED);
        assert_int_equal(line, 0);
    }
    assert_int_equal(sasl_users_count(*state), 0);
    assert_int_equal(load(*state, text("ann:one\n"), 0400, &line), SASL_USERS_OK);
}

static void a_file_that_is_not_there_is_unreadable(void **state)
{
    size_t line;
    assert_int_equal(sasl_users_load(*state, "/nonexistent", &line), SASL_USERS_UNREADABLE);
    assert_int_equal(errno, ENOENT);
}

static void each_problem_has_a_text(void **state)
{
    (void)state;
    for (int i = SASL_USERS_OK; i <= SASL_USERS_FAILED; i++) {
        assert_true(strlen(sasl_users_problem((enum sasl_users_result)i)) > 0);
    }
}

#define WITH_USERS(test) cmocka_unit_test_setup_teardown(test, create, destroy)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_USERS(a_user_has_a_name_and_a_password),
        WITH_USERS(a_password_may_have_colons_and_any_other_text),
        WITH_USERS(what_is_no_user_is_refused),
        WITH_USERS(names_and_passwords_have_a_greatest_length),
        WITH_USERS(a_name_is_there_once),
        WITH_USERS(many_users_are_told_apart),
        WITH_USERS(an_unknown_user_has_an_account_that_stays_the_same),
        WITH_USERS(lists_have_salts_of_their_own),
        WITH_USERS(a_file_has_a_user_on_each_line),
        WITH_USERS(a_wrong_line_is_told_by_its_number),
        WITH_USERS(a_line_that_is_too_long_is_no_user),
        WITH_USERS(a_file_that_others_can_read_is_refused),
        WITH_USERS(a_file_that_is_not_there_is_unreadable),
        cmocka_unit_test(each_problem_has_a_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
