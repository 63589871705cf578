/* Logging in: the client against the server, and what either answers to the other's mistakes. */
#include "sides.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { TEXT_SIZE = 512 };

static struct sasl_users *users;

static int create_users(void **state)
{
    (void)state;
    users = sasl_users_create();
    return users == NULL || sasl_users_add(users, text("ann:secret")) != SASL_USERS_OK ||
           sasl_users_add(users, text("a=b,c:p,=: \xc3\xa9")) != SASL_USERS_OK;
}

static int destroy_users(void **state)
{
    (void)state;
    sasl_users_destroy(users);
    return 0;
}

static int create_server(void **state)
{
    *state = sasl_server_create(users);
    return *state == NULL;
}

static int destroy_server(void **state)
{
    sasl_server_destroy(*state);
    return 0;
}

/* Logs in at a server; who is logged in then is what it says. */
static struct outcome log_in_at(struct sasl_server *server, enum sasl_mechanism mechanism,
                                const char *name, const char *password)
{
    struct sasl_client *client = sasl_client_create(mechanism, text(name), text(password));
    assert_non_null(client);
    struct outcome outcome = talk(client, server, mechanism);
    sasl_client_destroy(client);
    return outcome;
}

#define FOR_EACH(mechanism)                                                                        \
    for (enum sasl_mechanism mechanism = 0; mechanism < SASL_MECHANISM_COUNT; mechanism++)

/* ---------------------------------------------------------------------------------- logging in */

static void who_knows_the_password_is_let_in(void **state)
{
    FOR_EACH(mechanism)
    {
        struct outcome outcome = log_in_at(*state, mechanism, "ann", "secret");
        assert_int_equal(outcome.server, SASL_OK);
        assert_int_equal(outcome.client, SASL_OK);
        assert_true(span_equal(sasl_server_user(*state), text("ann")));
    }
}

static void names_and_passwords_may_have_any_characters(void **state)
{
    FOR_EACH(mechanism)
    {
        struct outcome outcome = log_in_at(*state, mechanism, "a=b,c", "p,=: \xc3\xa9");
        assert_int_equal(outcome.server, SASL_OK);
        assert_int_equal(outcome.client, SASL_OK);
        assert_true(span_equal(sasl_server_user(*state), text("a=b,c")));
    }
}

static void a_wrong_password_is_refused(void **state)
{
    FOR_EACH(mechanism)
    {
        assert_int_equal(log_in_at(*state, mechanism, "ann", "Secret").server, SASL_REFUSED);
        assert_int_equal(log_in_at(*state, mechanism, "ann", "secret ").server, SASL_REFUSED);
        assert_int_equal(sasl_server_user(*state).size, 0);
    }
}

static void another_users_password_is_refused(void **state)
{
    FOR_EACH(mechanism)
    {
        assert_int_equal(log_in_at(*state, mechanism, "ann", "p,=: \xc3\xa9").server, SASL_REFUSED);
    }
}

static void an_unknown_user_is_refused_where_a_wrong_password_is(void **state)
{
    FOR_EACH(mechanism)
    {
        struct sasl_client *client = sasl_client_create(mechanism, text("bob"), text("secret"));
        struct outcome outcome = talk(client, *state, mechanism);
        assert_int_equal(outcome.server, SASL_REFUSED);
        assert_int_equal(outcome.client, SASL_CONTINUE); /* it has sent its proof */
        sasl_client_destroy(client);
    }
}

/* Starts with a nonce that is always the same; the challenge without the server's part of it. */
static void challenge_of(struct sasl_server *server, const char *name, char out[TEXT_SIZE])
{
    char message[TEXT_SIZE];
    struct span reply;
    snprintf(message, sizeof(message), "n,,n=%s,r=abc", name);
    assert_int_equal(sasl_server_start(server, text("SCRAM-SHA256"), text(message), &reply),
                     SASL_CONTINUE);
    assert_true(reply.size > 5 + SCRAM_NONCE_SIZE && reply.size < TEXT_SIZE);
    assert_memory_equal(reply.data, "r=abc", 5);
    reply = span_skip(reply, 5 + SCRAM_NONCE_SIZE);
    memcpy(out, reply.data, reply.size);
    out[reply.size] = '\0';
    assert_int_equal(sasl_server_step(server, text("x"), &reply), SASL_MALFORMED);
}

static void challenges_do_not_tell_who_is_known(void **state)
{
    char known[TEXT_SIZE], unknown[TEXT_SIZE], again[TEXT_SIZE];
    challenge_of(*state, "ann", known);
    challenge_of(*state, "ann", again);
    assert_string_equal(known, again);
    challenge_of(*state, "bob", unknown);
    challenge_of(*state, "bob", again);
    assert_string_equal(unknown, again);
    assert_int_equal(strlen(known), strlen(unknown));
}

static void nonces_differ_each_time(void **state)
{
    char first[TEXT_SIZE];
    struct span reply;
    assert_int_equal(sasl_server_start(*state, text("SCRAM-SHA1"), text("n,,n=ann,r=abc"), &reply),
                     SASL_CONTINUE);
    memcpy(first, reply.data, 5 + SCRAM_NONCE_SIZE);
    assert_int_equal(sasl_server_step(*state, text(""), &reply), SASL_MALFORMED);
    assert_int_equal(sasl_server_start(*state, text("SCRAM-SHA1"), text("n,,n=ann,r=abc"), &reply),
                     SASL_CONTINUE);
    assert_memory_not_equal(first, reply.data, 5 + SCRAM_NONCE_SIZE);
}

static void a_server_without_a_list_lets_anybody_in_at_once(void **state)
{
    (void)state;
    struct sasl_server *server = sasl_server_create(NULL);
    struct span reply;
    FOR_EACH(mechanism)
    {
        struct outcome outcome = log_in_at(server, mechanism, "bob", "anything");
        assert_int_equal(outcome.server, SASL_OK);
        assert_int_equal(outcome.client, mechanism == SASL_PLAIN ? SASL_OK : SASL_UNVERIFIED);
    }
    assert_int_equal(sasl_server_start(server, text("X"), text(""), &reply), SASL_OK);
    assert_int_equal(reply.size, 0);
    assert_int_equal(sasl_server_user(server).size, 0);
    sasl_server_destroy(server);
}

static void a_server_with_an_empty_list_lets_nobody_in(void **state)
{
    (void)state;
    struct sasl_users *none = sasl_users_create();
    struct sasl_server *server = sasl_server_create(none);
    FOR_EACH(mechanism)
    {
        assert_int_equal(log_in_at(server, mechanism, "bob", "anything").server, SASL_REFUSED);
    }
    sasl_server_destroy(server);
    sasl_users_destroy(none);
}

/* ---------------------------------------------------------------------- the server is spoken to */

static enum sasl_status start(struct sasl_server *server, const char *mechanism, struct span first)
{
    struct span reply;
    enum sasl_status status = sasl_server_start(server, text(mechanism), first, &reply);
    assert_true(status == SASL_CONTINUE || status == SASL_OK || reply.size == 0);
    return status;
}

static void an_unknown_mechanism_is_told_apart(void **state)
{
    assert_int_equal(start(*state, "CRAM-MD5", text("ann")), SASL_NO_MECHANISM);
    assert_int_equal(start(*state, "", text("ann")), SASL_NO_MECHANISM);
    assert_int_equal(start(*state, "SCRAM-SHA-256", text("n,,n=ann,r=abc")), SASL_NO_MECHANISM);
}

static void plain_has_two_nuls(void **state)
{
    assert_int_equal(start(*state, "PLAIN", span_of("\0ann\0secret", 11)), SASL_OK);
    assert_int_equal(start(*state, "PLAIN", span_of("bob\0ann\0secret", 14)), SASL_OK);
    assert_int_equal(start(*state, "PLAIN", span_of("\0ann\0secret\0", 12)), SASL_OK);
    assert_int_equal(start(*state, "PLAIN", span_of("\0ann\0secret\0\0", 13)), SASL_REFUSED);
    assert_int_equal(start(*state, "PLAIN", span_of("\0ann\0sec\0ret", 12)), SASL_REFUSED);
    assert_int_equal(start(*state, "PLAIN", span_of("\0ann\0", 5)), SASL_REFUSED);
    assert_int_equal(start(*state, "PLAIN", span_of("\0\0", 2)), SASL_REFUSED);
    assert_int_equal(start(*state, "PLAIN", span_of("\0ann", 4)), SASL_MALFORMED);
    assert_int_equal(start(*state, "PLAIN", span_of("ann", 3)), SASL_MALFORMED);
    assert_int_equal(start(*state, "PLAIN", span_of("", 0)), SASL_MALFORMED);
}

static void a_first_message_of_another_form_is_malformed(void **state)
{
    static const char *const wrong[] = {
        "n",
        "n,",
        "n,,",
        "n,n=ann,r=abc",
        "y,,n=ann,r=abc",
        "p=tls-unique,,n=ann,r=abc",
        "n,,n=ann",
        "n,,r=abc",
        "n,,n=,r=abc",
        "n,,n=ann,r=",
        "n,,n=ann,r=a\tc",
        "n,,n=ann,r=abc,",
        "n,,n=ann,r=abc,x=y",
        "n,,m=y,n=ann,r=abc",
        "n,,n=ann,n=ann,r=abc",
        "n,,n=a=nn,r=abc",
        "n,,ann,abc",
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        assert_int_equal(start(*state, "SCRAM-SHA512", text(wrong[i])), SASL_MALFORMED);
    }
    assert_int_equal(start(*state, "SCRAM-SHA512", span_of("n,,n=a\0n,r=abc", 14)), SASL_MALFORMED);
}

static void a_client_may_say_whom_it_wants_to_be(void **state)
{
    assert_int_equal(start(*state, "SCRAM-SHA512", text("n,a=bob,n=ann,r=abc")), SASL_CONTINUE);
}

static void long_messages_and_nonces_are_malformed(void **state)
{
    char message[SASL_MESSAGE_MAX + 2];
    int size = snprintf(message, sizeof(message), "n,,n=ann,r=");
    memset(message + size, 'x', sizeof(message) - (size_t)size);
    size_t head = (size_t)size;
    size_t nonce = SCRAM_NONCE_MAX - SCRAM_NONCE_SIZE;
    assert_int_equal(start(*state, "SCRAM-SHA1", span_of(message, head + nonce + 1)),
                     SASL_MALFORMED);
    assert_int_equal(start(*state, "SCRAM-SHA1", span_of(message, sizeof(message))),
                     SASL_MALFORMED);
    assert_int_equal(start(*state, "PLAIN", span_of(message, sizeof(message))), SASL_MALFORMED);
    assert_int_equal(start(*state, "SCRAM-SHA1", span_of(message, head + nonce)), SASL_CONTINUE);
}

static void calls_have_an_order(void **state)
{
    struct span reply;
    assert_int_equal(sasl_server_step(*state, text("c=biws"), &reply), SASL_OUT_OF_ORDER);
    assert_int_equal(start(*state, "SCRAM-SHA1", text("n,,n=ann,r=abc")), SASL_CONTINUE);
    assert_int_equal(start(*state, "SCRAM-SHA1", text("n,,n=ann,r=abc")), SASL_OUT_OF_ORDER);
    assert_int_equal(sasl_server_step(*state, text("c=biws"), &reply), SASL_MALFORMED);
    assert_int_equal(sasl_server_step(*state, text("c=biws"), &reply), SASL_OUT_OF_ORDER);
    assert_int_equal(log_in_at(*state, SASL_SCRAM_SHA1, "ann", "secret").server, SASL_OK);
    assert_int_equal(sasl_server_step(*state, text("c=biws"), &reply), SASL_OUT_OF_ORDER);
}

/* The client's last message with `from` replaced, as the server takes it. */
static enum sasl_status step_with(struct sasl_server *server, const char *from, const char *to)
{
    char changed[2 * TEXT_SIZE];
    char message[TEXT_SIZE];
    struct span first, reply, last;
    struct sasl_client *client = sasl_client_create(SASL_SCRAM_SHA256, text("ann"), text("secret"));
    sasl_client_start(client, &first);
    sasl_server_start(server, text("SCRAM-SHA256"), first, &reply);
    assert_int_equal(sasl_client_step(client, reply, &last), SASL_CONTINUE);
    snprintf(message, sizeof(message), "%.*s", (int)last.size, (const char *)last.data);
    const char *place = strstr(message, from);
    assert_non_null(place);
    snprintf(changed, sizeof(changed), "%.*s%s%s", (int)(place - message), message, to,
             place + strlen(from));
    sasl_client_destroy(client);
    return sasl_server_step(server, text(changed), &reply);
}

static void a_last_message_repeats_what_was_agreed_on(void **state)
{
    assert_int_equal(step_with(*state, "c=biws", "c=biws"), SASL_OK);
    assert_int_equal(step_with(*state, "c=biws", "c=eSws"), SASL_MALFORMED);
    assert_int_equal(step_with(*state, "c=biws,", ""), SASL_MALFORMED);
    assert_int_equal(step_with(*state, ",r=", ",r=x"), SASL_MALFORMED);
    assert_int_equal(step_with(*state, ",r=", ",x="), SASL_MALFORMED);
    assert_int_equal(step_with(*state, ",p=", ",p=A"), SASL_MALFORMED);
    assert_int_equal(step_with(*state, ",p=", ",p=AAAA"), SASL_MALFORMED);
    assert_int_equal(step_with(*state, ",p=", ",q="), SASL_MALFORMED);
    assert_int_equal(step_with(*state, ",p=", ",m=1,p="), SASL_MALFORMED);
}

static void an_extension_is_signed_like_all_the_rest(void **state)
{
    assert_int_equal(step_with(*state, ",p=", ",x=1,p="), SASL_REFUSED);
}

/* ---------------------------------------------------------------------- the client is spoken to */

/* What the client makes of a challenge: %s in it is its own nonce. */
static enum sasl_status step_client(const char *format)
{
    char challenge[2 * TEXT_SIZE];
    char nonce[SCRAM_NONCE_SIZE + 1];
    struct span message;
    struct sasl_client *client = sasl_client_create(SASL_SCRAM_SHA1, text("ann"), text("secret"));
    assert_int_equal(sasl_client_start(client, &message), SASL_CONTINUE);
    snprintf(nonce, sizeof(nonce), "%.*s", SCRAM_NONCE_SIZE,
             (const char *)message.data + strlen("n,,n=ann,r="));
    const char *place = strstr(format, "%s");
    snprintf(challenge, sizeof(challenge), "%.*s%s%s", place == NULL ? 0 : (int)(place - format),
             format, place == NULL ? "" : nonce, place == NULL ? format : place + 2);
    enum sasl_status status = sasl_client_step(client, text(challenge), &message);
    sasl_client_destroy(client);
    return status;
}

static void a_challenge_has_a_nonce_a_salt_and_iterations(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "r=%sx",
        "r=%sx,s=c2FsdA==",
        "r=%sx,i=4096",
        "s=c2FsdA==,i=4096",
        "r=%s,s=c2FsdA==,i=4096",
        "r=x%s,s=c2FsdA==,i=4096",
        "r=x,s=c2FsdA==,i=4096",
        "r=%sx,s=c2FsdA=,i=4096",
        "r=%sx,s=!,i=4096",
        "r=%sx,s=,i=4096",
        "r=%sx,s=c2FsdA==,i=0",
        "r=%sx,s=c2FsdA==,i=4095",
        "r=%sx,s=c2FsdA==,i=2147483648",
        "r=%sx,s=c2FsdA==,i=-1",
        "r=%sx,s=c2FsdA==,i=4096,x=1",
        "m=1,r=%sx,s=c2FsdA==,i=4096",
        "e=no-such-user",
    };
    assert_int_equal(step_client("r=%sx,s=c2FsdA==,i=4096"), SASL_CONTINUE);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        assert_int_equal(step_client(wrong[i]), SASL_MALFORMED);
    }
}

/* What the client makes of this in place of the server's last message. */
static enum sasl_status finish_with(struct sasl_server *server, const char *last)
{
    struct span message, reply;
    struct sasl_client *client = sasl_client_create(SASL_SCRAM_SHA256, text("ann"), text("secret"));
    sasl_client_start(client, &message);
    sasl_server_start(server, text("SCRAM-SHA256"), message, &reply);
    assert_int_equal(sasl_client_step(client, reply, &message), SASL_CONTINUE);
    assert_int_equal(sasl_server_step(server, message, &reply), SASL_OK);
    enum sasl_status status = sasl_client_finish(client, text(last));
    sasl_client_destroy(client);
    return status;
}

static void a_server_has_to_prove_that_it_knows_the_password(void **state)
{
    assert_int_equal(finish_with(*state, ""), SASL_MALFORMED);
    assert_int_equal(finish_with(*state, "e=other-error"), SASL_MALFORMED);
    assert_int_equal(finish_with(*state, "v=!"), SASL_MALFORMED);
    assert_int_equal(finish_with(*state, "v=AAAA"), SASL_REFUSED);
    assert_int_equal(finish_with(*state, "v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
                     SASL_REFUSED);
}

static void a_success_of_another_form_is_malformed(void **state)
{
    (void)state;
    struct span message;
    FOR_EACH(mechanism)
    {
        struct sasl_client *client = sasl_client_create(mechanism, text("ann"), text("secret"));
        assert_int_equal(sasl_client_finish(client, text("")), SASL_OUT_OF_ORDER);
        assert_int_equal(sasl_client_start(client, &message), SASL_CONTINUE);
        assert_int_equal(sasl_client_finish(client, text("v=AAAA")), SASL_MALFORMED);
        assert_int_equal(sasl_client_finish(client, text("")), SASL_OUT_OF_ORDER);
        assert_int_equal(sasl_client_step(client, text("r=a"), &message), SASL_OUT_OF_ORDER);
        sasl_client_destroy(client);
    }
}

static void plain_has_no_challenge(void **state)
{
    (void)state;
    struct span message;
    struct sasl_client *client = sasl_client_create(SASL_PLAIN, text("ann"), text("secret"));
    assert_int_equal(sasl_client_start(client, &message), SASL_CONTINUE);
    assert_true(span_equal(message, span_of("\0ann\0secret", 11)));
    assert_int_equal(sasl_client_step(client, text(""), &message), SASL_MALFORMED);
    sasl_client_destroy(client);
}

static void a_client_needs_a_name_and_a_password(void **state)
{
    (void)state;
    char long_text[SASL_PASSWORD_MAX + 1];
    memset(long_text, 'a', sizeof(long_text));
    assert_null(sasl_client_create(SASL_PLAIN, text(""), text("a")));
    assert_null(sasl_client_create(SASL_PLAIN, text("a"), text("")));
    assert_null(sasl_client_create(SASL_PLAIN, span_of("a\0b", 3), text("a")));
    assert_null(sasl_client_create(SASL_PLAIN, text("a"), span_of("a\0b", 3)));
    assert_null(sasl_client_create(SASL_PLAIN, span_of(long_text, SASL_NAME_MAX + 1), text("a")));
    assert_null(
        sasl_client_create(SASL_PLAIN, text("a"), span_of(long_text, SASL_PASSWORD_MAX + 1)));
}

#define AT_SERVER(test) cmocka_unit_test_setup_teardown(test, create_server, destroy_server)

int main(void)
{
    const struct CMUnitTest tests[] = {
        AT_SERVER(who_knows_the_password_is_let_in),
        AT_SERVER(names_and_passwords_may_have_any_characters),
        AT_SERVER(a_wrong_password_is_refused),
        AT_SERVER(another_users_password_is_refused),
        AT_SERVER(an_unknown_user_is_refused_where_a_wrong_password_is),
        AT_SERVER(challenges_do_not_tell_who_is_known),
        AT_SERVER(nonces_differ_each_time),
        cmocka_unit_test(a_server_without_a_list_lets_anybody_in_at_once),
        cmocka_unit_test(a_server_with_an_empty_list_lets_nobody_in),
        AT_SERVER(an_unknown_mechanism_is_told_apart),
        AT_SERVER(plain_has_two_nuls),
        AT_SERVER(a_first_message_of_another_form_is_malformed),
        AT_SERVER(a_client_may_say_whom_it_wants_to_be),
        AT_SERVER(long_messages_and_nonces_are_malformed),
        AT_SERVER(calls_have_an_order),
        AT_SERVER(a_last_message_repeats_what_was_agreed_on),
        AT_SERVER(an_extension_is_signed_like_all_the_rest),
        cmocka_unit_test(a_challenge_has_a_nonce_a_salt_and_iterations),
        AT_SERVER(a_server_has_to_prove_that_it_knows_the_password),
        cmocka_unit_test(a_success_of_another_form_is_malformed),
        cmocka_unit_test(plain_has_no_challenge),
        cmocka_unit_test(a_client_needs_a_name_and_a_password),
    };
    return cmocka_run_group_tests(tests, create_users, destroy_users);
}
