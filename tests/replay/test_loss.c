/* What is not in the capture is nobody's fault, and what is there is still checked. */
#include "scene.h"

static void stores(struct scene *scene, uint32_t number, const char *key, const char *value,
                   uint64_t cas)
{
    asks(scene, ANN, number, SET, .key = key, .value = value);
    answers(scene, ANN, number, SET, .cas = cas);
}

static void gets(struct scene *scene, uint32_t number, const char *key, const char *value,
                 uint64_t cas)
{
    asks(scene, ANN, number, GET, .key = key);
    answers(scene, ANN, number, GET, .cas = cas, .value = value);
}

/* The answer to a SET has 24 bytes. */
static void after_a_lost_answer_the_next_ones_find_their_requests(void **state)
{
    struct scene *scene = *state;
    scene->options.max_loss = UINT64_MAX;
    stores(scene, 1, "a", "1", 1);
    asks(scene, ANN, 2, SET, .key = "b", .value = "2");
    scene_lose(scene, ANN, false, 24);
    stores(scene, 3, "c", "3", 3);
    gets(scene, 4, "c", "3", 3);
    assert_verdict(scene, .identical = 3);
}

static void a_client_that_does_not_number_its_requests_is_followed_too(void **state)
{
    struct scene *scene = *state;
    scene->options.max_loss = UINT64_MAX;
    stores(scene, 0, "a", "1", 1);
    asks(scene, ANN, 0, SET, .key = "b", .value = "2");
    scene_lose(scene, ANN, false, 24);
    stores(scene, 0, "c", "3", 3);
    stores(scene, 0, "d", "4", 4);
    gets(scene, 0, "c", "3", 3);
    gets(scene, 0, "d", "4", 4);
    assert_verdict(scene, .identical = 5);
}

static void what_is_wrong_behind_a_loss_is_a_difference_all_the_same(void **state)
{
    struct scene *scene = *state;
    scene->options.max_loss = UINT64_MAX;
    stores(scene, 0, "a", "1", 1);
    asks(scene, ANN, 0, SET, .key = "b", .value = "2");
    scene_lose(scene, ANN, false, 24);
    stores(scene, 0, "c", "3", 3);
    gets(scene, 0, "c", "x", 3);
    assert_verdict(scene, .identical = 2, .different = 1);
    assert_one_difference(scene, DIFFERENCE_FIELD, "value+0");
}

static void counts_to(struct scene *scene, uint32_t number, uint64_t to)
{
    asks(scene, ANN, number, INCREMENT, .key = "n", .delta = 1, .expires = UINT32_MAX);
    answers(scene, ANN, number, INCREMENT, .cas = number, .number = to);
}

static void a_counter_never_seen_is_told_once_and_counted_on_afterwards(void **state)
{
    struct scene *scene = *state;
    counts_to(scene, 1, 57);
    counts_to(scene, 2, 58);
    counts_to(scene, 3, 60);
    assert_verdict(scene, .adopted = 1, .identical = 1, .different = 1);
    assert_one_difference(scene, DIFFERENCE_FIELD, "value+7");
}

static void how_a_told_number_is_padded_and_its_flags_are_still_open(void **state)
{
    struct scene *scene = *state;
    counts_to(scene, 1, 57);
    asks(scene, ANN, 2, GET, .key = "n");
    answers(scene, ANN, 2, GET, .cas = 1, .flags = 16, .value = "57 ");
    asks(scene, ANN, 3, GET, .key = "n");
    answers(scene, ANN, 3, GET, .cas = 1, .flags = 16, .value = "57 ");
    assert_verdict(scene, .adopted = 2, .identical = 1);
}

static void a_told_number_is_not_another_one_in_the_next_read(void **state)
{
    struct scene *scene = *state;
    counts_to(scene, 1, 57);
    gets(scene, 2, "n", "75", 1);
    assert_verdict(scene, .adopted = 1, .different = 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene_test(after_a_lost_answer_the_next_ones_find_their_requests),
        scene_test(a_client_that_does_not_number_its_requests_is_followed_too),
        scene_test(what_is_wrong_behind_a_loss_is_a_difference_all_the_same),
        scene_test(a_counter_never_seen_is_told_once_and_counted_on_afterwards),
        scene_test(how_a_told_number_is_padded_and_its_flags_are_still_open),
        scene_test(a_told_number_is_not_another_one_in_the_next_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
