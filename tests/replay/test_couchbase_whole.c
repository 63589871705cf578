/* GET_EX, which shows attributes and value of a document as they are stored, as verify sees it. */
#include "base/endian.h"
#include "couchbase_play.h"

#include <snappy-c.h>
#include <string.h>

enum { XATTRS_AND_JSON = 5, ALL_DATATYPES = 7, DATATYPE_AT = 5, FLAGS_AT = 24, VALUE_AT = 28 };

/* {"_s":{"a":1}} and {"u":"b"}, and a body; then all of it but what is the system's; then the body
 * alone. */
static const char WHOLE[] = "\0\0\0\x19\0\0\0\x0b_s\0{\"a\":1}\0\0\0\0\6u\0\"b\"\0{}";
static const char USERS[] = "\0\0\0\x0a\0\0\0\6u\0\"b\"\0{}";
enum { WHOLE_SIZE = sizeof(WHOLE) - 1, USERS_SIZE = sizeof(USERS) - 1 };

static const uint8_t features[] = {
    0, MCBP_FEATURE_MUTATION_SEQNO, 0, MCBP_FEATURE_XERROR,           0, MCBP_FEATURE_XATTR,
    0, MCBP_FEATURE_JSON,           0, MCBP_FEATURE_SNAPPY_EVERYWHERE};

static void enter(struct play *play, void **state)
{
    scene_restart(*state);
    begin_with(play, state, span_of(features, sizeof(features)));
}

static void put_whole(struct play *play)
{
    static const uint8_t extras[24] = {[3] = 6, [15] = 1, [23] = 1};
    say(play, MCBP_SET_WITH_META,
        &(struct asked){.extras = extras,
                        .extras_size = sizeof(extras),
                        .key = "k",
                        .value = WHOLE,
                        .value_size = WHOLE_SIZE,
                        .datatype = MCBP_DATATYPE_XATTR});
}

static void get_whole(struct play *play)
{
    say(play, MCBP_GET_EX, &(struct asked){.key = "k"});
}

/* The server shows that instead. */
static void get_other(struct play *play, const void *value, size_t size, uint8_t datatype)
{
    run(play, MCBP_GET_EX, &(struct asked){.key = "k"});
    assert_true(VALUE_AT + size <= FRAME_ROOM);
    memset(play->answer + 6, 0, 2); /* success */
    play->answer[4] = 4;
    memcpy(play->answer + VALUE_AT, value, size);
    play->answer[DATATYPE_AT] = datatype;
    play->answer_size = VALUE_AT + size;
    write_be32(play->answer + 8, (uint32_t)(4 + size));
    tell(play);
}

static void look_up(struct play *play, const char *path)
{
    const uint8_t extras[3] = {0, (uint8_t)strlen(path), 4};
    say(play, MCBP_SUBDOC_GET,
        &(struct asked){.extras = extras, .extras_size = 3, .key = "k", .value = path});
}

static void edit(struct play *play, const char *path_and_value, uint8_t path_size)
{
    const uint8_t extras[4] = {0, path_size, 4, 1};
    say(play, MCBP_SUBDOC_DICT_UPSERT,
        &(struct asked){.extras = extras, .extras_size = 4, .key = "k", .value = path_and_value});
}

static void what_is_stored_is_executed(void **state)
{
    for (int cold = 0; cold < 2; cold++) {
        struct play play;
        enter(&play, state);
        ((struct scene *)*state)->options.cold = cold;
        get_whole(&play);
        edit(&play, "u{\"n\": [1]}", 1);
        get_whole(&play);
        edit(&play, "_s7", 2);
        say(&play, MCBP_APPEND, &(struct asked){.key = "k", .value = "text"});
        get_whole(&play);
        say(&play, MCBP_GET_LOCKED, &(struct asked){.key = "k"});
        get_whole(&play);
        expect_executed(&play, 0);
    }
}

static void what_it_tells_of_a_document_from_before_is_held_to(void **state)
{
    static const struct {
        uint8_t opcode;
        size_t at; /* of the byte that is wrong */
    } rows[] = {{MCBP_GET_EX, DATATYPE_AT},
                {MCBP_GET_EX, FLAGS_AT},
                {MCBP_GET_EX, 23},
                {MCBP_GET_EX, VALUE_AT + WHOLE_SIZE - 1},
                {MCBP_GET_EX, VALUE_AT + 18},
                {MCBP_GET_EX, VALUE_AT + 30},
                {MCBP_GET, VALUE_AT}};
    for (size_t i = 0; i <= sizeof(rows) / sizeof(rows[0]); i++) {
        struct play play;
        enter(&play, state);
        play.is_hidden = true;
        put_whole(&play);
        play.is_hidden = false;
        get_whole(&play);
        look_up(&play, "u");
        look_up(&play, "_s.a");
        get_whole(&play);
        bool right = i == sizeof(rows) / sizeof(rows[0]);
        run(&play, right ? MCBP_GET_EX : rows[i].opcode, &(struct asked){.key = "k"});
        play.answer[right ? 0 : rows[i].at] ^= right ? 0 : 1;
        tell(&play);
        expect_executed(&play, !right);
    }
}

static void how_it_is_compressed_is_the_servers_choice(void **state)
{
    char packed[100];
    size_t size = sizeof(packed);
    struct play play;
    enter(&play, state);
    put_whole(&play);
    assert_int_equal(snappy_compress(WHOLE, WHOLE_SIZE, packed, &size), SNAPPY_OK);
    get_other(&play, packed, size, ALL_DATATYPES);
    get_other(&play, WHOLE, WHOLE_SIZE, XATTRS_AND_JSON);
    packed[size - 1] ^= 1;
    get_other(&play, packed, size, ALL_DATATYPES);
    const struct capture_result *found = verified(&play);
    assert_int_equal(found->recompressed, 2);
    assert_int_equal(found->executed.check.different, 1);
}

/* Of whom the capture does not tell. */
static void system_attributes_are_hidden_from_those_who_may_not_read_them(void **state)
{
    struct play play;
    enter(&play, state);
    put_whole(&play);
    get_other(&play, USERS, USERS_SIZE, XATTRS_AND_JSON);
    get_whole(&play);
    expect_executed(&play, 0);
    enter(&play, state);
    put_whole(&play);
    get_other(&play, "{}", 2, MCBP_DATATYPE_JSON); /* users' are not */
    expect_executed(&play, 1);
}

static void nor_does_their_absence_tell_that_there_are_none(void **state)
{
    struct play play;
    enter(&play, state);
    play.is_hidden = true;
    put_whole(&play);
    play.is_hidden = false;
    get_other(&play, USERS, USERS_SIZE, XATTRS_AND_JSON);
    look_up(&play, "u");
    say(&play, MCBP_GET_META, &(struct asked){.extras = "\2", .extras_size = 1, .key = "k"});
    look_up(&play, "_s.a");
    get_whole(&play);
    look_up(&play, "_s.a");
    get_other(&play, "{}", 2, MCBP_DATATYPE_JSON);
    assert_int_equal(verified(&play)->executed.check.different, 1);
}

/* Clients whose beginning is not in the capture take all, if it is executed for them. */
static void it_shows_what_a_client_takes(void **state)
{
    struct play play;
    scene_restart(*state);
    join_with(&play, state, span_of(features, sizeof(features)));
    put_whole(&play);
    say(&play, MCBP_GET, &(struct asked){.key = "\1k"}); /* of no collection: it has none */
    get_whole(&play);
    get_other(&play, USERS, USERS_SIZE, XATTRS_AND_JSON);
    const struct capture_result *found = verified(&play);
    assert_int_equal(found->executed.check.different, 0);
    assert_int_equal(found->executed.not_executed, 1); /* the first one, which shows the dialect */
}

static void it_is_not_executed_for_those_who_do_not_take_all(void **state)
{
    struct play play;
    scene_restart(*state);
    begin(&play, state);
    put_whole(&play);
    get_whole(&play);
    get_other(&play, WHOLE, WHOLE_SIZE, XATTRS_AND_JSON);
    expect_executed(&play, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene_test(what_is_stored_is_executed),
        scene_test(what_it_tells_of_a_document_from_before_is_held_to),
        scene_test(how_it_is_compressed_is_the_servers_choice),
        scene_test(system_attributes_are_hidden_from_those_who_may_not_read_them),
        scene_test(nor_does_their_absence_tell_that_there_are_none),
        scene_test(it_shows_what_a_client_takes),
        scene_test(it_is_not_executed_for_those_who_do_not_take_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
