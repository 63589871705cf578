/*
 * Changes that bring their meta data with them, as verify sees them: a node answers one client, and
 * something is changed in an answer.
 */
#include "base/endian.h"
#include "couchbase_play.h"

#include <string.h>

enum { SKIP_CONFLICT = 8, REGENERATE_CAS = 4, FORCE_ACCEPT = 2 };

struct meta {
    uint32_t flags;
    uint32_t expiry;
    uint64_t revision;
    uint64_t cas;
    uint32_t options;
};

static void run_with(struct play *play, uint8_t opcode, const struct meta *meta, const char *value)
{
    uint8_t extras[28];
    write_be32(extras, meta->flags);
    write_be32(extras + 4, meta->expiry);
    write_be64(extras + 8, meta->revision);
    write_be64(extras + 16, meta->cas);
    write_be32(extras + 24, meta->options);
    run(play, opcode,
        &(struct asked){.extras = extras, .extras_size = 28, .key = "k", .value = value});
}

static void say_with(struct play *play, uint8_t opcode, const struct meta *meta, const char *value)
{
    run_with(play, opcode, meta, value);
    tell(play);
}

static void get(struct play *play)
{
    say(play, MCBP_GET, &(struct asked){.key = "k"});
}

static void get_meta(struct play *play)
{
    say(play, MCBP_GET_META, &(struct asked){.extras = "\2", .extras_size = 1, .key = "k"});
}

static void set(struct play *play)
{
    say(play, MCBP_SET,
        &(struct asked){
            .extras = "\0\0\0\0\0\0\0\0", .extras_size = 8, .key = "k", .value = "own"});
}

static const struct meta older = {1, 0, 5, 0x1000, 0};
static const struct meta newer = {2, 0, 9, 0x0800, 0};

/* -------------------------------------------------------------------------------------- tests */

static void say_all(struct play *play)
{
    static const struct meta again = {7, 0, 12, 0x2000, 0};
    static const struct meta any = {3, 0, 1, 1, SKIP_CONFLICT};
    static const struct meta anew = {3, 0, 2, 1, SKIP_CONFLICT | REGENERATE_CAS};
    say_with(play, MCBP_SET_WITH_META, &newer, "new");
    get_meta(play);
    say_with(play, MCBP_SET_WITH_META, &older, "old");
    say_with(play, MCBP_ADD_WITH_META, &again, "x");
    get(play);
    say_with(play, MCBP_DELETE_WITH_META, &older, NULL);
    say_with(play, MCBP_DELETE_WITH_META, &again, NULL);
    get_meta(play);
    get(play);
    say_with(play, MCBP_ADD_WITH_META, &newer, "too late");
    say_with(play, MCBP_SETQ_WITH_META, &any, "any");
    get_meta(play);
    set(play);
    say_with(play, MCBP_SET_WITH_META, &anew, "anew");
    get(play);
    get_meta(play);
}

static void what_was_brought_is_found_again(void **state)
{
    for (int cold = 0; cold < 2; cold++) {
        struct play play;
        scene_restart(*state);
        ((struct scene *)*state)->options.cold = cold;
        begin(&play, state);
        say_all(&play);
        expect_executed(&play, 0);
    }
}

static void documents_from_before_the_capture_are_overwritten_or_not(void **state)
{
    struct play play;
    begin(&play, state);
    play.is_hidden = true;
    say_with(&play, MCBP_SET_WITH_META, &newer, "new");
    play.is_hidden = false;
    say_with(&play, MCBP_SET_WITH_META, &older, "old");
    get(&play);
    say_with(&play, MCBP_DELETE_WITH_META, &older, NULL);
    say_with(&play, MCBP_SET_WITH_META, &(struct meta){9, 0, 20, 1, 0}, "newest");
    get_meta(&play);
    say_with(&play, MCBP_SET_WITH_META, &older, "old");
    expect_executed(&play, 0);
}

/* What is wrong in the answer to `meta`, or in that to what is asked then. */
static void expect_wrong(void **state, uint8_t opcode, const struct meta *meta, size_t at)
{
    struct play play;
    scene_restart(*state);
    begin(&play, state);
    say_with(&play, MCBP_SET_WITH_META, &newer, "new");
    run_with(&play, opcode, meta, NULL);
    play.answer[at] ^= 3;
    tell(&play);
    const struct capture_result *found = verified(&play);
    assert_int_equal(found->executed.check.different, 1);
}

static void the_cas_is_the_one_that_was_brought(void **state)
{
    expect_wrong(state, MCBP_SET_WITH_META, &(struct meta){0, 0, 10, 0x700, 0}, 22);
    expect_wrong(state, MCBP_DELETE_WITH_META, &(struct meta){0, 0, 10, 0x700, 0}, 22);
}

static void the_sequence_number_goes_on(void **state)
{
    expect_wrong(state, MCBP_SET_WITH_META, &(struct meta){0, 0, 10, 0x700, 0}, 39);
}

static void say_wrongly(struct play *play, uint8_t opcode, const struct meta *meta, uint16_t status)
{
    run_with(play, opcode, meta, NULL);
    memset(play->answer + 8, 0, 4);
    memset(play->answer + 16, 0, 8);
    play->answer[4] = 0;
    play->answer_size = MCBP_HEADER_SIZE;
    write_be16(play->answer + 6, status);
    tell(play);
}

static void a_newer_version_is_not_refused_nor_an_older_one_taken(void **state)
{
    static const struct meta rows[] = {
        {2, 0, 10, 1, 0}, {2, 0, 9, 0x0801, 0}, {3, 0, 9, 0x0800, 0}, {1, 0, 1, 1, SKIP_CONFLICT}};
    for (size_t i = 0; i < 4; i++) {
        struct play play;
        scene_restart(*state);
        begin(&play, state);
        say_with(&play, MCBP_SET_WITH_META, &newer, "new");
        say_wrongly(&play, MCBP_SET_WITH_META, &rows[i], MCBP_STATUS_KEY_EXISTS);
        assert_int_equal(verified(&play)->executed.check.different, 1);
    }
    struct play play;
    scene_restart(*state);
    begin(&play, state);
    say_with(&play, MCBP_SET_WITH_META, &newer, "new");
    run_with(&play, MCBP_SET_WITH_META, &older, "old");
    write_be16(play.answer + 6, MCBP_STATUS_SUCCESS);
    write_be64(play.answer + 16, older.cas);
    tell(&play);
    assert_int_equal(verified(&play)->executed.check.different, 1);
}

static void get_meta_shows_the_revision_that_was_brought(void **state)
{
    enum { REVISION_AT = MCBP_HEADER_SIZE + 19 };
    struct play play;
    begin(&play, state);
    say_with(&play, MCBP_SET_WITH_META, &newer, "new");
    run(&play, MCBP_GET_META, &(struct asked){.extras = "\2", .extras_size = 1, .key = "k"});
    play.answer[REVISION_AT]++;
    tell(&play);
    assert_int_equal(verified(&play)->executed.check.different, 1);
}

/* A bucket that resolves by CAS takes requests that say so, and no others. */
static void how_a_bucket_resolves_conflicts_is_taken_over_and_held_to(void **state)
{
    struct play play;
    const struct meta forced = {0, 0, 1, 0x2000, FORCE_ACCEPT};
    begin(&play, state);
    play.node->last_write_wins = true;
    say_with(&play, MCBP_SET_WITH_META, &forced, "x");
    say_with(&play, MCBP_SET_WITH_META, &(struct meta){0, 0, 9, 0x1000, FORCE_ACCEPT}, "lower CAS");
    get(&play);
    say_with(&play, MCBP_SET_WITH_META, &newer, "not forced");
    say_wrongly(&play, MCBP_SET_WITH_META, &forced, MCBP_STATUS_INVALID_ARGUMENTS);
    assert_int_equal(verified(&play)->executed.check.different, 1);
}

static void what_the_server_alone_decides_is_not_executed(void **state)
{
    struct play play;
    begin(&play, state);
    say_with(&play, MCBP_SET_WITH_META, &(struct meta){0, 0, 1, 0x7000000000000000, 0}, "x");
    say_with(&play, MCBP_SET_WITH_META, &(struct meta){0, 1, 2, 0x7000000000000001, 0}, "x");
    set(&play);
    get(&play);
    const struct capture_result *found = verified(&play);
    assert_int_equal(found->executed.check.different, 0);
    assert_int_equal(found->executed.not_executed, 2);
}

/* ---------------------------------------------------------------------------------- RETURN_META */

enum { RETURN_SET = 1, RETURN_ADD, RETURN_DELETE };

static void run_returning(struct play *play, uint32_t mutation, uint32_t expiry, uint64_t cas)
{
    uint8_t extras[12];
    write_be32(extras, mutation);
    write_be32(extras + 4, 7);
    write_be32(extras + 8, expiry);
    run(play, MCBP_RETURN_META,
        &(struct asked){
            .extras = extras, .extras_size = 12, .key = "k", .value = "shown", .cas = cas});
}

static void return_meta(struct play *play, uint32_t mutation, uint32_t expiry, uint64_t cas)
{
    run_returning(play, mutation, expiry, cas);
    tell(play);
}

static void return_all(struct play *play)
{
    return_meta(play, RETURN_SET, 0, 0);
    get(play);
    get_meta(play);
    return_meta(play, RETURN_ADD, 0, 0);
    return_meta(play, RETURN_ADD, 0, 1);
    return_meta(play, RETURN_SET, 100, 1);
    return_meta(play, RETURN_SET, 100, 0);
    get_meta(play);
    return_meta(play, RETURN_DELETE, 0, 1);
    return_meta(play, RETURN_DELETE, 0, 0);
    get_meta(play);
    return_meta(play, RETURN_DELETE, 0, 0);
    return_meta(play, RETURN_ADD, 1800000000, 0);
    get_meta(play);
    set(play);
    get(play);
}

static void return_meta_is_executed_and_its_answer_is_no_token(void **state)
{
    for (int rest = 0; rest < 4; rest++) {
        struct play play;
        scene_restart(*state);
        ((struct scene *)*state)->options.cold = (rest & 1) != 0;
        begin(&play, state);
        if ((rest & 2) != 0) { /* a document from before the capture, and the revision of another */
            play.is_hidden = (rest & 1) == 0;
            say_with(&play, MCBP_SET_WITH_META, &newer, "new");
            say_with(&play, MCBP_DELETE_WITH_META, &(struct meta){0, 0, 30, 0x900, 0}, NULL);
            play.is_hidden = false;
        }
        return_all(&play);
        expect_executed(&play, 0);
    }
}

static void what_was_there_before_follows_from_the_answer(void **state)
{
    static const uint32_t first[] = {RETURN_ADD, RETURN_SET, RETURN_DELETE};
    for (int i = 0; i < 3; i++) {
        struct play play;
        scene_restart(*state);
        begin(&play, state);
        play.is_hidden = true;
        set(&play);
        play.is_hidden = false;
        return_meta(&play, first[i], 0, i == 1);
        return_meta(&play, RETURN_SET, 0, 0);
        get_meta(&play);
        expect_executed(&play, 0);
    }
}

static void what_has_expired_may_have_been_deleted_by_the_server_itself(void **state)
{
    for (int deleted = 0; deleted < 2; deleted++) {
        struct play play;
        scene_restart(*state);
        ((struct scene *)*state)->options.cold = true;
        begin(&play, state);
        return_meta(&play, RETURN_SET, 100, 0);
        play.scene->time += INT64_C(200000000000);
        play.is_hidden = true;
        if (deleted) {
            get(&play);
        }
        play.is_hidden = false;
        return_meta(&play, RETURN_ADD, 0, 0);
        get_meta(&play);
        expect_executed(&play, 0);
    }
}

/* One byte of the answer to a change of a document that is known. */
static void what_return_meta_shows_is_held_to_what_was_asked(void **state)
{
    enum { FLAGS_AT = 27, EXPIRY_AT = 28, REVISION_AT = 39 };
    static const size_t places[] = {5, FLAGS_AT, EXPIRY_AT, REVISION_AT};
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        struct play play;
        scene_restart(*state);
        begin(&play, state);
        return_meta(&play, RETURN_SET, 0, 0);
        run_returning(&play, RETURN_SET, 100, 0);
        play.answer[places[i]] ^= 4;
        tell(&play);
        assert_int_equal(verified(&play)->executed.check.different, 1);
    }
}

/* ------------------------------------------------------------------------- MUTATE_WITH_META */

static const char ROOM[] = "\0\0\0\x22\0\0\0\x1e_s\0{\"n\":\"000000000000000000\"}\0{}";
enum { ROOM_SIZE = sizeof(ROOM) - 1 };

static void run_mutate(struct play *play, const char *json, bool with_attributes)
{
    char value[400];
    uint8_t extras[4];
    size_t size = with_attributes ? ROOM_SIZE : 0;
    write_be32(extras, (uint32_t)strlen(json));
    memcpy(value, ROOM, size);
    memcpy(value + size, json, strlen(json));
    run(play, MCBP_MUTATE_WITH_META,
        &(struct asked){.extras = extras,
                        .extras_size = 4,
                        .key = "k",
                        .value = value,
                        .value_size = size + strlen(json),
                        .datatype = with_attributes ? MCBP_DATATYPE_XATTR : 0});
}

static void say_mutate(struct play *play, const char *json, bool with_attributes)
{
    run_mutate(play, json, with_attributes);
    tell(play);
}

#define MEMBERS "\"flags\":7,\"expiration\":0,"
static const char BROUGHT[] =
    "{\"command\":\"set\"," MEMBERS "\"cas\":\"0x1000\",\"rev_seqno\":\"0x9\",\"options\":0}";
static const char FILLED[] = "{\"command\":\"set\"," MEMBERS "\"options\":12,\"cas_offsets\":[17]}";
static const char LATE[] =
    "{\"command\":\"add\"," MEMBERS "\"cas\":1,\"rev_seqno\":\"8\",\"options\":0}";
static const char GONE[] =
    "{\"command\":\"delete\"," MEMBERS "\"cas\":1,\"rev_seqno\":\"10\",\"options\":0}";

static void look_up(struct play *play)
{
    static const uint8_t extras[3] = {0, 4, 4};
    run(play, MCBP_SUBDOC_GET,
        &(struct asked){.extras = extras, .extras_size = 3, .key = "k", .value = "_s.n"});
}

static void meta_data_may_be_json(void **state)
{
    struct play play;
    begin(&play, state);
    say_mutate(&play, BROUGHT, true);
    get(&play);
    get_meta(&play);
    say_mutate(&play, LATE, false);
    say_mutate(&play, GONE, false);
    get(&play);
    say_mutate(&play, "{}", false);
    say_mutate(&play, FILLED, true);
    look_up(&play);
    tell(&play);
    get_meta(&play);
    expect_executed(&play, 0);
}

static void what_is_json_is_held_to(void **state)
{
    for (int i = 0; i < 3; i++) {
        struct play play;
        scene_restart(*state);
        begin(&play, state);
        run_mutate(&play, i == 0 ? BROUGHT : FILLED, true);
        play.answer[22] ^= i == 0; /* the CAS */
        tell(&play);
        look_up(&play);
        play.answer[MCBP_HEADER_SIZE + 5] ^= i == 1; /* the CAS in the attribute */
        tell(&play);
        get_meta(&play);
        assert_int_equal(verified(&play)->executed.check.different, i < 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene_test(what_was_brought_is_found_again),
        scene_test(documents_from_before_the_capture_are_overwritten_or_not),
        scene_test(the_cas_is_the_one_that_was_brought),
        scene_test(the_sequence_number_goes_on),
        scene_test(a_newer_version_is_not_refused_nor_an_older_one_taken),
        scene_test(get_meta_shows_the_revision_that_was_brought),
        scene_test(how_a_bucket_resolves_conflicts_is_taken_over_and_held_to),
        scene_test(what_the_server_alone_decides_is_not_executed),
        scene_test(return_meta_is_executed_and_its_answer_is_no_token),
        scene_test(what_was_there_before_follows_from_the_answer),
        scene_test(what_has_expired_may_have_been_deleted_by_the_server_itself),
        scene_test(what_return_meta_shows_is_held_to_what_was_asked),
        scene_test(meta_data_may_be_json),
        scene_test(what_is_json_is_held_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
