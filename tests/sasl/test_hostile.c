/*
 * Messages that were cut or changed, and memory that runs out. KVREPLAY_SEED=N repeats a run,
 * KVREPLAY_ROUNDS says how many messages each test changes.
 */
#include "guarded.h"
#include "sides.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

enum { MESSAGE_ROOM = 1024, ROUNDS = 2000 };

static struct sasl_users *users;
static struct guarded guarded;
static unsigned seed;
static long rounds;

/* ----------------------------------------------------------------------------- memory runs out */

static unsigned until_failure; /* allocations that succeed before one fails; 0: none fails */

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);

static bool fails(void)
{
    return until_failure > 0 && --until_failure == 0;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

/* ------------------------------------------------------------------------------------- set-up */

static int create(void **state)
{
    (void)state;
    const char *given = getenv("KVREPLAY_SEED");
    const char *wanted = getenv("KVREPLAY_ROUNDS");
    seed = given != NULL ? (unsigned)strtoul(given, NULL, 0) : (unsigned)time(NULL);
    rounds = wanted != NULL ? strtol(wanted, NULL, 0) : ROUNDS;
    print_message("KVREPLAY_SEED=%u\n", seed);
    guarded_init(&guarded);
    users = sasl_users_create();
    return users == NULL || sasl_users_add(users, text("ann:secret")) != SASL_USERS_OK;
}

static int destroy(void **state)
{
    (void)state;
    sasl_users_destroy(users);
    guarded_deinit(&guarded);
    return 0;
}

static size_t below(size_t limit)
{
    return (size_t)rand_r(&seed) % limit;
}

/* Replaces, removes or inserts some bytes, of which many mean something, or cuts the end off. */
static struct span mutate(struct span message)
{
    static const char meaning[] = ",,==nrcsipvm0129+/A\0\xff";
    uint8_t bytes[MESSAGE_ROOM];
    size_t size = message.size;
    assert_true(size > 0 && size + 4 < sizeof(bytes));
    memcpy(bytes, message.data, size);
    for (size_t changes = 1 + below(3); changes > 0 && size > 0; changes--) {
        size_t at = below(size);
        switch (below(4)) {
        case 0:
            size = at;
            break;
        case 1:
            memmove(bytes + at, bytes + at + 1, --size - at);
            break;
        case 2:
            memmove(bytes + at + 1, bytes + at, size++ - at);
            bytes[at] = (uint8_t)meaning[below(sizeof(meaning) - 1)];
            break;
        default:
            bytes[at] = below(2) == 0 ? (uint8_t)meaning[below(sizeof(meaning) - 1)]
                                      : (uint8_t)rand_r(&seed);
        }
    }
    return guarded_copy(&guarded, bytes, size);
}

static bool is_no(enum sasl_status status)
{
    return status == SASL_MALFORMED || status == SASL_REFUSED;
}

static struct sasl_client *new_client(enum sasl_mechanism mechanism)
{
    struct sasl_client *client = sasl_client_create(mechanism, text("ann"), text("secret"));
    assert_non_null(client);
    return client;
}

/* ------------------------------------------------------------------------------ the server's side
 */

static void each_first_message_gets_an_answer(void **state)
{
    (void)state;
    struct sasl_server *server = sasl_server_create(users);
    struct span first, reply;
    for (long i = 0; i < rounds; i++) {
        enum sasl_mechanism mechanism = (enum sasl_mechanism)below(SASL_MECHANISM_COUNT);
        struct sasl_client *client = new_client(mechanism);
        assert_int_equal(sasl_client_start(client, &first), SASL_CONTINUE);
        struct span changed = mutate(first);
        bool same = span_equal(changed, first);
        enum sasl_status status = sasl_server_start(server, name_of(mechanism), changed, &reply);
        if (status == SASL_CONTINUE) {
            assert_true(mechanism != SASL_PLAIN && reply.size > changed.size - 10);
            assert_int_equal(sasl_server_step(server, text("-"), &reply), SASL_MALFORMED);
        } else if (status == SASL_OK) { /* changed where it does not matter: before the first NUL */
            assert_int_equal(mechanism, SASL_PLAIN);
        } else {
            assert_true(is_no(status) && !same && reply.size == 0);
        }
        sasl_client_destroy(client);
    }
    sasl_server_destroy(server);
}

/* A changed message is never the one that the user would have signed. */
static void no_changed_last_message_lets_anybody_in(void **state)
{
    (void)state;
    struct sasl_server *server = sasl_server_create(users);
    struct span message, reply;
    for (long i = 0; i < rounds / 10; i++) {
        enum sasl_mechanism mechanism = (enum sasl_mechanism)below(SASL_SCRAM_COUNT);
        struct sasl_client *client = new_client(mechanism);
        sasl_client_start(client, &message);
        sasl_server_start(server, name_of(mechanism), message, &reply);
        assert_int_equal(sasl_client_step(client, reply, &message), SASL_CONTINUE);
        struct span changed = mutate(message);
        bool same = span_equal(changed, message);
        enum sasl_status status = sasl_server_step(server, changed, &reply);
        assert_true(same ? status == SASL_OK : is_no(status));
        assert_true(same || reply.size == 0);
        sasl_client_destroy(client);
    }
    sasl_server_destroy(server);
}

/* ------------------------------------------------------------------------------ the client's side
 */

static void a_changed_challenge_is_answered_or_refused(void **state)
{
    (void)state;
    struct sasl_server *server = sasl_server_create(users);
    struct span message, reply;
    for (long i = 0; i < rounds / 10; i++) {
        enum sasl_mechanism mechanism = (enum sasl_mechanism)below(SASL_SCRAM_COUNT);
        struct sasl_client *client = new_client(mechanism);
        sasl_client_start(client, &message);
        sasl_server_start(server, name_of(mechanism), message, &reply);
        struct span changed = mutate(reply);
        bool same = span_equal(changed, reply);
        enum sasl_status status = sasl_client_step(client, changed, &message);
        assert_true(status == SASL_CONTINUE || (is_no(status) && message.size == 0));
        struct span last = status == SASL_CONTINUE ? message : text("-");
        status = sasl_server_step(server, last, &reply);
        assert_true(same ? status == SASL_OK : is_no(status));
        sasl_client_destroy(client);
    }
    sasl_server_destroy(server);
}

static void no_changed_signature_is_the_servers(void **state)
{
    (void)state;
    struct sasl_server *server = sasl_server_create(users);
    struct span message, reply;
    for (long i = 0; i < rounds / 10; i++) {
        enum sasl_mechanism mechanism = (enum sasl_mechanism)below(SASL_SCRAM_COUNT);
        struct sasl_client *client = new_client(mechanism);
        sasl_client_start(client, &message);
        sasl_server_start(server, name_of(mechanism), message, &reply);
        assert_int_equal(sasl_client_step(client, reply, &message), SASL_CONTINUE);
        assert_int_equal(sasl_server_step(server, message, &reply), SASL_OK);
        struct span changed = mutate(reply);
        bool same = span_equal(changed, reply);
        enum sasl_status status = sasl_client_finish(client, changed);
        /* An extension behind the signature is ignored. */
        bool extended =
            changed.size > reply.size && span_equal(span_head(changed, reply.size), reply);
        assert_true(same ? status == SASL_OK : extended || is_no(status));
        sasl_client_destroy(client);
    }
    sasl_server_destroy(server);
}

/* -------------------------------------------------------------------------------- no memory */

/* Logs in while the allocation of that number fails. False: there are not as many. */
static bool log_in_without(enum sasl_mechanism mechanism, unsigned number)
{
    until_failure = number;
    struct sasl_server *server = sasl_server_create(users);
    struct sasl_client *client = sasl_client_create(mechanism, text("ann"), text("secret"));
    struct outcome outcome = {.server = SASL_FAILED};
    if (server != NULL && client != NULL) {
        outcome = talk(client, server, mechanism);
    }
    bool failed = until_failure == 0;
    until_failure = 0;
    if (failed) {
        assert_true(outcome.server == SASL_FAILED || outcome.client == SASL_FAILED);
    } else {
        assert_int_equal(outcome.server, SASL_OK);
        assert_int_equal(outcome.client, SASL_OK);
    }
    sasl_client_destroy(client);
    sasl_server_destroy(server);
    return failed;
}

static void whatever_allocation_fails_nobody_is_let_in(void **state)
{
    (void)state;
    for (enum sasl_mechanism mechanism = 0; mechanism < SASL_MECHANISM_COUNT; mechanism++) {
        unsigned number = 1;
        while (log_in_without(mechanism, number)) {
            number++;
        }
        assert_true(number > 2);
    }
}

static void a_user_is_added_as_a_whole_or_not_at_all(void **state)
{
    (void)state;
    struct sasl_users *list = sasl_users_create();
    enum sasl_users_result result = SASL_USERS_FAILED;
    for (unsigned number = 1; result == SASL_USERS_FAILED; number++) {
        assert_int_equal(sasl_users_count(list), 0);
        until_failure = number;
        result = sasl_users_add(list, text("bob:secret"));
    }
    until_failure = 0;
    assert_int_equal(result, SASL_USERS_OK);
    assert_int_equal(sasl_users_count(list), 1);
    sasl_users_destroy(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_first_message_gets_an_answer),
        cmocka_unit_test(no_changed_last_message_lets_anybody_in),
        cmocka_unit_test(a_changed_challenge_is_answered_or_refused),
        cmocka_unit_test(no_changed_signature_is_the_servers),
        cmocka_unit_test(whatever_allocation_fails_nobody_is_let_in),
        cmocka_unit_test(a_user_is_added_as_a_whole_or_not_at_all),
    };
    return cmocka_run_group_tests(tests, create, destroy);
}
