/* Locked documents: who may do what with them, and what the others are told. */
#include "client.h"

static const uint8_t PLAIN[8];

static const struct kvr_response *set(struct client *client, uint64_t cas)
{
    return ask(client, SET, .extras = PLAIN, .extras_size = 8, .key = "k", .value = "y",
               .cas = cas);
}

static uint64_t lock(struct client *client)
{
    const struct kvr_response *response = ask(client, GET_LOCKED, .key = "k");
    gives(response, "x");
    return response->cas;
}

static void others_see_a_locked_document_without_its_cas(void **state)
{
    struct client *client = *state;
    log_in(client, MCBP_FEATURE_XERROR);
    has_status(ask(client, GET_LOCKED, .key = "k"), KEY_NOT_FOUND);
    uint64_t cas = client_set(client, "k", "x");
    assert_true(lock(client) > cas);
    assert_int_equal(ask(client, GET, .key = "k")->cas, UINT64_MAX);
    assert_int_equal(ask(client, GET_META, .key = "k")->cas, UINT64_MAX);
    has_status(ask(client, GET_LOCKED, .key = "k"), LOCKED);
}

static void only_who_has_the_lock_changes_the_document_and_ends_the_lock_by_it(void **state)
{
    struct client *client = *state;
    log_in(client, MCBP_FEATURE_XERROR);
    uint64_t before = client_set(client, "k", "x");
    uint64_t cas = lock(client);
    has_status(set(client, 0), LOCKED);
    has_status(set(client, before), LOCKED);
    has_status(ask(client, DELETE, .key = "k"), LOCKED);
    has_status(ask(client, APPEND, .key = "k", .value = "+"), LOCKED);
    has_status(ask(client, TOUCH, .extras = PLAIN, .extras_size = 4, .key = "k"), LOCKED);
    has_status(ask(client, ADD, .extras = PLAIN, .extras_size = 8, .key = "k"), KEY_EXISTS);
    has_status(set(client, cas), SUCCESS);
    has_status(set(client, 0), SUCCESS);
}

static void an_unlocked_document_has_its_old_cas_again(void **state)
{
    struct client *client = *state;
    log_in(client, MCBP_FEATURE_XERROR);
    uint64_t before = client_set(client, "k", "x");
    has_status(ask(client, UNLOCK_KEY, .key = "k"), INVALID_ARGUMENTS);
    has_status(ask(client, UNLOCK_KEY, .key = "k", .cas = before), NOT_LOCKED);
    uint64_t cas = lock(client);
    has_status(ask(client, UNLOCK_KEY, .key = "k", .cas = cas + 1), LOCKED);
    const struct kvr_response *response = ask(client, UNLOCK_KEY, .key = "k", .cas = cas);
    has_status(response, SUCCESS);
    assert_int_equal(response->cas, 0);
    assert_int_equal(ask(client, GET, .key = "k")->cas, before);
}

static void a_lock_ends_by_itself_after_15_seconds_or_the_time_asked_for(void **state)
{
    static const uint8_t two[4] = {0, 0, 0, 2};
    static const uint8_t too_long[4] = {0, 0, 0, 31};
    struct client *client = *state;
    log_in(client, MCBP_FEATURE_XERROR);
    client_set(client, "k", "x");
    ask(client, GET_LOCKED, .extras = two, .extras_size = 4, .key = "k");
    client->now += 1;
    has_status(set(client, 0), LOCKED);
    client->now += 1;
    ask(client, GET_LOCKED, .extras = too_long, .extras_size = 4, .key = "k");
    client->now += 14;
    has_status(set(client, 0), LOCKED);
    client->now += 1;
    has_status(set(client, 0), SUCCESS);
}

static void without_extended_errors_locks_are_told_in_other_words(void **state)
{
    struct client *client = *state;
    log_in(client, MCBP_FEATURE_JSON);
    client_set(client, "k", "x");
    has_status(ask(client, UNLOCK_KEY, .key = "k", .cas = 1), TEMPORARY_FAILURE);
    lock(client);
    has_status(set(client, 0), KEY_EXISTS);
    has_status(ask(client, GET_LOCKED, .key = "k"), TEMPORARY_FAILURE);
    has_status(ask(client, DELETE, .key = "k"), KEY_EXISTS);
    has_status(ask(client, DELETE, .key = "k", .cas = 1), TEMPORARY_FAILURE);
    has_status(ask(client, UNLOCK_KEY, .key = "k", .cas = 1), TEMPORARY_FAILURE);
}

static void that_a_text_is_no_number_is_noticed_before_its_lock(void **state)
{
    static const uint8_t extras[20];
    struct client *client = *state;
    log_in(client, MCBP_FEATURE_XERROR);
    client_set(client, "k", "x");
    lock(client);
    has_status(ask(client, INCREMENT, .extras = extras, .extras_size = 20, .key = "k"),
               DELTA_BAD_VALUE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        client_test(others_see_a_locked_document_without_its_cas),
        client_test(only_who_has_the_lock_changes_the_document_and_ends_the_lock_by_it),
        client_test(an_unlocked_document_has_its_old_cas_again),
        client_test(a_lock_ends_by_itself_after_15_seconds_or_the_time_asked_for),
        client_test(without_extended_errors_locks_are_told_in_other_words),
        client_test(that_a_text_is_no_number_is_noticed_before_its_lock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
