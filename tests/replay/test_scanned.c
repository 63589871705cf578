/*
 * Range scans: what they show of documents, and that they show all that their snapshots have to
 * have. A document's number is that of the change that has made it; its CAS is 1000 and that.
 */
#include "base/buffer.h"
#include "base/endian.h"
#include "couchbase_scene.h"

static const char SCAN[] = "a scan's name...";

static void stores(struct scene *scene, const char *key, uint64_t number)
{
    asks_for(scene, ANN, MCBP_SET, 0, key, "v");
    is_told_number(scene, ANN, MCBP_SET, 7, number);
}

static void creates(struct scene *scene, const char *json)
{
    asks_for(scene, ANN, MCBP_RANGE_SCAN_CREATE, 0, "", json);
    is_told(scene, ANN, MCBP_RANGE_SCAN_CREATE, 0, span_of("", 0), SCAN, 0);
}

#define RANGE    "\"collection\":\"0\",\"range\":{\"start\":\"YQ==\",\"end\":\"eg==\"}"
#define SNAPSHOT "\"snapshot_requirements\":{\"vb_uuid\":\"7\",\"seqno\":2,\"timeout_ms\":10}"

static void creates_any(struct scene *scene)
{
    creates(scene, "{" RANGE "}");
}

static void goes_on(struct scene *scene)
{
    uint8_t extras[28] = {0};
    memcpy(extras, SCAN, 16);
    asks_with(scene, ANN, MCBP_RANGE_SCAN_CONTINUE, span_of(extras, sizeof(extras)), "",
              span_of("", 0));
}

/* Of a document without flags and expiry. */
static void add_row(struct buffer *rows, const char *key, uint64_t number)
{
    uint8_t head[25] = {0};
    const uint8_t key_size = (uint8_t)strlen(key);
    write_be64(head + 8, number);
    write_be64(head + 16, 1000 + number);
    assert_true(buffer_append(rows, span_of(head, sizeof(head))));
    assert_true(buffer_append(rows, span_of(&key_size, 1)));
    assert_true(buffer_append(rows, span_of(key, key_size)));
    assert_true(buffer_append(rows, span_of("\1v", 2)));
}

static void is_told_rows(struct scene *scene, uint16_t status, struct buffer *rows)
{
    is_told_value(scene, ANN, MCBP_RANGE_SCAN_CONTINUE, status, span_of("\0\0\0\1", 4),
                  buffer_span(rows), 0);
    buffer_deinit(rows);
}

/* The first of a, b and c that are there have these numbers, 0: it is not shown. */
static void is_told_all(struct scene *scene, uint64_t a, uint64_t b, uint64_t c)
{
    struct buffer rows = {0};
    const uint64_t numbers[] = {a, b, c};
    static const char *const keys[] = {"a", "b", "c"};
    for (size_t i = 0; i < 3; i++) {
        if (numbers[i] != 0) {
            add_row(&rows, keys[i], numbers[i]);
        }
    }
    goes_on(scene);
    is_told_rows(scene, MCBP_STATUS_RANGE_SCAN_COMPLETE, &rows);
}

static void comes_and_stores(struct scene *scene)
{
    come(scene, ANN);
    stores(scene, "a", 1);
    stores(scene, "b", 2);
    stores(scene, "c", 3);
}

static void is_right(struct scene *scene)
{
    assert_int_equal(scene_verify(scene)->executed.check.different, 0);
    assert_int_equal(scene_verify(scene)->executed.not_executed, 0);
}

static void is_wrong(struct scene *scene, const char *why)
{
    assert_int_equal(scene_verify(scene)->executed.check.different, 1);
    assert_string_equal(scene->result.differences[0].detail, why);
}

static const char MISSES_A[] = "a document that its snapshot has to have is missing: a";
static const char MISSES_B[] = "a document that its snapshot has to have is missing: b";

static void all_that_there_is_is_shown(void **state)
{
    comes_and_stores(*state);
    creates_any(*state);
    is_told_all(*state, 1, 2, 3);
    is_right(*state);
}

static void one_stored_before_one_that_is_shown_can_not_be_missing(void **state)
{
    comes_and_stores(*state);
    creates_any(*state);
    is_told_all(*state, 1, 0, 3);
    is_wrong(*state, MISSES_B);
}

static void one_stored_later_may_not_have_been_written_yet(void **state)
{
    comes_and_stores(*state);
    creates_any(*state);
    is_told_all(*state, 1, 2, 0);
    is_right(*state);
}

static void nor_may_any_if_none_is_shown(void **state)
{
    comes_and_stores(*state);
    creates_any(*state);
    is_told_all(*state, 0, 0, 0);
    is_right(*state);
}

static void but_a_snapshot_that_was_asked_for_has_them(void **state)
{
    comes_and_stores(*state);
    creates(*state, "{" RANGE "," SNAPSHOT "}");
    is_told_all(*state, 0, 2, 0);
    is_wrong(*state, MISSES_A);
}

static void up_to_its_number(void **state)
{
    comes_and_stores(*state);
    creates(*state, "{" RANGE "," SNAPSHOT "}");
    is_told_all(*state, 1, 2, 0);
    is_right(*state);
}

static void keys_alone_are_held_to_it_too(void **state)
{
    struct scene *scene = *state;
    comes_and_stores(scene);
    creates(scene, "{\"key_only\":true," RANGE "," SNAPSHOT "}");
    goes_on(scene);
    is_told_value(scene, ANN, MCBP_RANGE_SCAN_CONTINUE, MCBP_STATUS_RANGE_SCAN_COMPLETE,
                  span_of("\0\0\0\0", 4), span_of("\1b\1c", 4), 0);
    is_wrong(scene, MISSES_A);
}

static void what_is_not_in_the_range_is_not_shown(void **state)
{
    comes_and_stores(*state);
    creates(*state, "{\"collection\":\"0\",\"range\":{\"start\":\"Yg==\",\"end\":\"eg==\"}}");
    is_told_all(*state, 0, 2, 3);
    is_right(*state);
}

static void what_has_changed_since_may_be_missing(void **state)
{
    comes_and_stores(*state);
    creates_any(*state);
    stores(*state, "b", 4);
    is_told_all(*state, 1, 0, 3);
    is_right(*state);
}

static void or_is_being_changed(void **state)
{
    struct scene *scene = *state;
    comes_and_stores(scene);
    come(scene, BOB);
    asks_for(scene, BOB, MCBP_DELETE, 0, "b", "");
    creates_any(scene);
    is_told_all(scene, 1, 0, 3);
    is_told_number(scene, BOB, MCBP_DELETE, 7, 4);
    is_right(scene);
}

static void portions_are_taken_together(void **state)
{
    struct scene *scene = *state;
    struct buffer rows = {0};
    comes_and_stores(scene);
    creates_any(scene);
    goes_on(scene);
    add_row(&rows, "a", 1);
    is_told_rows(scene, 0, &rows);
    rows = (struct buffer){0};
    add_row(&rows, "b", 2);
    is_told_rows(scene, MCBP_STATUS_RANGE_SCAN_MORE, &rows);
    is_told_all(scene, 0, 0, 3);
    is_right(scene);
}

static void one_may_be_lost(void **state)
{
    struct scene *scene = *state;
    struct buffer rows = {0};
    comes_and_stores(scene);
    creates_any(scene);
    goes_on(scene);
    add_row(&rows, "a", 1);
    is_told_rows(scene, MCBP_STATUS_RANGE_SCAN_MORE, &rows);
    goes_on(scene);
    scene_lose(scene, ANN, false, 60);
    is_told_all(scene, 0, 0, 3);
    assert_int_equal(scene_verify(scene)->executed.check.different, 0);
}

static void a_version_has_one_number(void **state)
{
    struct scene *scene = *state;
    struct buffer rows = {0};
    comes_and_stores(scene);
    creates_any(scene);
    goes_on(scene);
    add_row(&rows, "a", 1);
    rows.bytes[15] = 2;
    is_told_rows(scene, MCBP_STATUS_RANGE_SCAN_COMPLETE, &rows);
    is_wrong(scene, "the document of that CAS has another sequence number");
}

static void and_one_cas(void **state)
{
    struct scene *scene = *state;
    struct buffer rows = {0};
    comes_and_stores(scene);
    creates_any(scene);
    goes_on(scene);
    add_row(&rows, "a", 1);
    rows.bytes[23] ^= 1;
    is_told_rows(scene, MCBP_STATUS_RANGE_SCAN_COMPLETE, &rows);
    is_wrong(scene, "the change of that number has another CAS");
}

/* SET with durability level majority: key d, value v. */
static const char DURABLE[] = "\x08\x01\x02\x01\x08\0\0\0\0\0\0\x0c\0\0\0\0\0\0\0\0\0\0\0\0"
                              "\x11\x01\0\0\0\0\0\0\0\0dv";

static void but_of_a_durable_change_two_may_be_told(void **state)
{
    struct scene *scene = *state;
    struct buffer rows = {0};
    come(scene, ANN);
    scene_say_bytes(scene, ANN, true, span_of(DURABLE, sizeof(DURABLE) - 1));
    is_told_number(scene, ANN, MCBP_SET, 7, 1);
    creates_any(scene);
    goes_on(scene);
    add_row(&rows, "d", 1);
    rows.bytes[15] = 2;
    is_told_rows(scene, MCBP_STATUS_RANGE_SCAN_COMPLETE, &rows);
    is_right(scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene_test(all_that_there_is_is_shown),
        scene_test(one_stored_before_one_that_is_shown_can_not_be_missing),
        scene_test(one_stored_later_may_not_have_been_written_yet),
        scene_test(nor_may_any_if_none_is_shown),
        scene_test(but_a_snapshot_that_was_asked_for_has_them),
        scene_test(up_to_its_number),
        scene_test(keys_alone_are_held_to_it_too),
        scene_test(what_is_not_in_the_range_is_not_shown),
        scene_test(what_has_changed_since_may_be_missing),
        scene_test(or_is_being_changed),
        scene_test(portions_are_taken_together),
        scene_test(one_may_be_lost),
        scene_test(a_version_has_one_number),
        scene_test(and_one_cas),
        scene_test(but_of_a_durable_change_two_may_be_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
