/*
 * Streams of changes (DCP): what a server sends of a vbucket keeps the order of its numbers, in
 * snapshots that it announces. Facts: couchbase/kv_engine, docs/dcp/documentation.
 */
#include "base/endian.h"
#include "scene.h"

enum {
    FIVE = 5,
    OPAQUE = 77,
    VB = 3,
    SID = 9,
    ROOM = 256,
    MEMORY = 1,
    FROM_LATEST = 0x40,
    BEGINS = 1,
    ENDS = 2,
};

/* ------------------------------------------------------------------------------ what is said */

struct message {
    uint8_t opcode;
    uint32_t opaque;
    uint16_t vbucket;
    uint16_t status;
    int sid;      /* 0: none */
    bool has_key; /* of one byte */
    size_t extras_size;
    uint8_t extras[64];
    size_t value_size;
    uint8_t value[64];
};

static void say(struct scene *scene, bool client, const struct message *message, uint8_t magic)
{
    uint8_t bytes[ROOM] = {magic, message->opcode};
    uint8_t *at = bytes + MCBP_HEADER_SIZE;
    size_t framing = message->sid != 0 && !client ? 3 : 0;
    if (framing > 0) {
        bytes[0] = MCBP_FLEX_CLIENT_REQUEST;
        bytes[2] = (uint8_t)framing;
        at[0] = 0x22;
        write_be16(at + 1, (uint16_t)message->sid);
    }
    size_t key = message->has_key ? 1 : 0;
    bytes[3] = (uint8_t)key;
    bytes[4] = (uint8_t)message->extras_size;
    bool answer = magic == MCBP_CLIENT_RESPONSE;
    write_be16(bytes + 6, answer ? message->status : message->vbucket);
    size_t size = framing + message->extras_size + key + message->value_size;
    write_be32(bytes + 8, (uint32_t)size);
    write_be32(bytes + 12, message->opaque);
    at += framing;
    memcpy(at, message->extras, message->extras_size);
    memset(at += message->extras_size, 'k', key);
    memcpy(at + key, message->value, message->value_size);
    scene_say_bytes(scene, ANN, client, span_of(bytes, MCBP_HEADER_SIZE + size));
}

static void opens(struct scene *scene)
{
    const struct message open = {
        .opcode = MCBP_DCP_OPEN, .opaque = 1, .has_key = true, .extras_size = 8};
    say(scene, true, &open, MCBP_CLIENT_REQUEST);
    answers(scene, ANN, 1, DCP_OPEN);
}

static struct message request(uint64_t start)
{
    struct message request = {
        .opcode = MCBP_DCP_STREAM_REQ, .opaque = OPAQUE, .vbucket = VB, .extras_size = 48};
    write_be64(request.extras + 8, start);
    write_be64(request.extras + 16, UINT64_MAX);
    write_be64(request.extras + 32, start);
    write_be64(request.extras + 40, start);
    return request;
}

static void grant(struct scene *scene, const struct message *request)
{
    say(scene, true, request, MCBP_CLIENT_REQUEST);
    struct message answer = {.opcode = MCBP_DCP_STREAM_REQ, .opaque = request->opaque};
    say(scene, false, &answer, MCBP_CLIENT_RESPONSE);
}

/* One that begins behind that change. */
static void streams_from(struct scene *scene, uint64_t start)
{
    struct message asked = request(start);
    opens(scene);
    grant(scene, &asked);
}

static void sends(struct scene *scene, const struct message *message)
{
    struct message sent = *message;
    sent.opaque = sent.opaque != 0 ? sent.opaque : OPAQUE;
    sent.vbucket = sent.vbucket != 0 ? sent.vbucket : VB;
    say(scene, false, &sent, MCBP_CLIENT_REQUEST);
}

static struct message marker(uint64_t start, uint64_t end)
{
    struct message marker = {.opcode = MCBP_DCP_SNAPSHOT_MARKER, .extras_size = 20};
    write_be64(marker.extras, start);
    write_be64(marker.extras + 8, end);
    write_be32(marker.extras + 16, MEMORY);
    return marker;
}

static void announces(struct scene *scene, uint64_t start, uint64_t end)
{
    struct message sent = marker(start, end);
    sends(scene, &sent);
}

static struct message change(uint8_t opcode, uint64_t seqno)
{
    struct message change = {.opcode = opcode, .has_key = true, .extras_size = 31};
    write_be64(change.extras, seqno);
    switch (opcode) {
    case MCBP_DCP_DELETION:
    case MCBP_DCP_EXPIRATION:
        change.extras_size = 18;
        break;
    case MCBP_DCP_SYSTEM_EVENT:
        change.extras_size = 13;
        break;
    case MCBP_DCP_SEQNO_ADVANCED:
        change.extras_size = 8;
        change.has_key = false;
        break;
    case MCBP_DCP_COMMIT:
    case MCBP_DCP_ABORT:
        change.extras_size = 16;
        write_be64(change.extras, 1);
        write_be64(change.extras + 8, seqno);
        break;
    default:
        break;
    }
    return change;
}

static void tells(struct scene *scene, uint8_t opcode, uint64_t seqno)
{
    struct message sent = change(opcode, seqno);
    sends(scene, &sent);
}

static void mutates(struct scene *scene, uint64_t seqno)
{
    tells(scene, MCBP_DCP_MUTATION, seqno);
}

static void ends(struct scene *scene)
{
    sends(scene, &(struct message){.opcode = MCBP_DCP_STREAM_END, .extras_size = 4});
}

static void out_of_order(struct scene *scene, uint8_t flag)
{
    sends(scene, &(struct message){
                     .opcode = MCBP_DCP_OSO_SNAPSHOT, .extras_size = 4, .extras = {0, 0, 0, flag}});
}

/* ------------------------------------------------------------------------------ what is found */

static void assert_right(struct scene *scene)
{
    const struct capture_result *found = scene_verify(scene);
    assert_int_equal(found->executed.check.different, 0);
    assert_int_equal(found->executed.missing, 0);
    assert_int_equal(scene->result.differences_count, 0);
    assert_true(ledger_adds_up(&found->ledger));
}

static void assert_unexpected(struct scene *scene, const char *why)
{
    assert_one_difference(scene, DIFFERENCE_UNEXPECTED, "");
    assert_string_equal(scene->result.differences[0].detail, why);
    assert_int_equal(scene_verify(scene)->executed.check.different, 1);
}

/* The number in the extras, and the nearest one that would be right. */
static void assert_wrong(struct scene *scene, const char *why, uint64_t right)
{
    assert_one_difference(scene, DIFFERENCE_FIELD, "extras");
    const struct difference *difference = &scene->result.differences[0];
    assert_string_equal(difference->detail, why);
    size_t at = difference->field_offset - difference->built.offset;
    assert_int_equal(difference->built.bytes[at], (uint8_t)right);
}

#define NOT_HIGHER  "its number is not higher than that of the change before it"
#define NOT_IN_IT   "its number is not in the snapshot that was announced"
#define NO_SNAPSHOT "no snapshot was announced that it is in"
#define LOWER_END   "the snapshot before it has a higher end"
#define HAD_IT      "the client has had all of the snapshot before"

/* ------------------------------------------------------------------------------ right streams */

static const uint8_t changes[] = {
    MCBP_DCP_MUTATION, MCBP_DCP_DELETION, MCBP_DCP_EXPIRATION, MCBP_DCP_SYSTEM_EVENT,
    MCBP_DCP_PREPARE,  MCBP_DCP_COMMIT,   MCBP_DCP_ABORT,
};

static void changes_rise_in_their_snapshots(void **state)
{
    struct scene *scene = *state;
    streams_from(scene, FIVE);
    announces(scene, 5, 20);
    for (unsigned i = 0; i < sizeof(changes); i++) {
        tells(scene, changes[i], 6 + i);
    }
    tells(scene, MCBP_DCP_SEQNO_ADVANCED, 20);
    announces(scene, 21, 30);
    mutates(scene, 25);
    ends(scene);
    assert_right(scene);
    assert_int_equal(scene_verify(scene)->executed.not_executed, 14);
}

static void a_stream_may_begin_anew_behind_its_end(void **state)
{
    struct scene *scene = *state;
    struct message again = request(0);
    streams_from(scene, FIVE);
    announces(scene, 5, 9);
    mutates(scene, 9);
    ends(scene);
    grant(scene, &again);
    announces(scene, 0, 4);
    mutates(scene, 4);
    assert_right(scene);
}

static void a_snapshot_without_an_order_has_none(void **state)
{
    struct scene *scene = *state;
    streams_from(scene, 0);
    out_of_order(scene, BEGINS);
    mutates(scene, 9);
    mutates(scene, 2);
    mutates(scene, 7);
    out_of_order(scene, ENDS);
    announces(scene, 8, 12);
    mutates(scene, 8);
    mutates(scene, 12);
    assert_right(scene);
}

static void history_repeats_the_end_of_the_snapshot_before_it(void **state)
{
    struct scene *scene = *state;
    streams_from(scene, 0);
    announces(scene, 0, 9);
    mutates(scene, 3);
    announces(scene, 0, 9);
    mutates(scene, 4);
    assert_right(scene);
}

static void of_a_replica_a_snapshot_may_begin_in_the_one_before(void **state)
{
    struct scene *scene = *state;
    streams_from(scene, 0);
    announces(scene, 0, 9);
    mutates(scene, 7);
    announces(scene, 8, 12);
    mutates(scene, 8);
    assert_right(scene);
}

static void each_vbucket_and_each_id_has_a_stream_of_its_own(void **state)
{
    struct scene *scene = *state;
    struct message other = request(0);
    struct message told = marker(1, 4);
    other.opaque = OPAQUE + 1;
    streams_from(scene, FIVE);
    grant(scene, &other);
    announces(scene, 5, 20);
    told.sid = SID;
    told.opaque = other.opaque;
    sends(scene, &told);
    mutates(scene, 20);
    told = change(MCBP_DCP_MUTATION, 2);
    told.sid = SID;
    told.opaque = other.opaque;
    sends(scene, &told);
    assert_right(scene);
}

static void two_of_the_same_opaque_are_told_apart_by_their_ids(void **state)
{
    struct scene *scene = *state;
    struct message other = request(0);
    struct message told = marker(1, 4);
    streams_from(scene, FIVE);
    grant(scene, &other);
    told.sid = SID;
    sends(scene, &told);
    told.sid = SID + 1;
    write_be64(told.extras + 8, 2);
    sends(scene, &told);
    assert_right(scene);
    told = change(MCBP_DCP_MUTATION, 3);
    told.sid = SID;
    sends(scene, &told);
    assert_right(scene);
    told.sid = SID + 1;
    sends(scene, &told);
    assert_wrong(scene, NOT_IN_IT, 2);
}

static void a_later_form_of_the_marker_has_the_range_in_its_value(void **state)
{
    struct scene *scene = *state;
    struct message later = {.opcode = MCBP_DCP_SNAPSHOT_MARKER, .extras_size = 1, .value_size = 36};
    streams_from(scene, FIVE);
    write_be64(later.value, 5);
    write_be64(later.value + 8, 9);
    sends(scene, &later);
    mutates(scene, 6);
    assert_right(scene);
    write_be64(later.value + 8, 8);
    sends(scene, &later);
    assert_one_difference(scene, DIFFERENCE_FIELD, "value+15");
    assert_string_equal(scene->result.differences[0].detail, LOWER_END);
}

/* ------------------------------------------------------------------------------ wrong ones */

static void each_kind_of_change_has_a_higher_number_than_the_one_before(void **state)
{
    struct scene *scene = *state;
    for (unsigned i = 0; i < sizeof(changes); i++) {
        streams_from(scene, FIVE);
        announces(scene, 5, 20);
        mutates(scene, 8);
        tells(scene, changes[i], 8);
        mutates(scene, 9);
        assert_wrong(scene, NOT_HIGHER, 9);
        scene_restart(scene);
    }
}

static void the_first_change_is_behind_what_the_client_has(void **state)
{
    struct scene *scene = *state;
    streams_from(scene, FIVE);
    announces(scene, 5, 20);
    mutates(scene, 5);
    mutates(scene, 6);
    assert_wrong(scene, NOT_HIGHER, 6);
}

static void unless_it_has_asked_for_the_latest(void **state)
{
    struct scene *scene = *state;
    struct message asked = request(100);
    write_be32(asked.extras, FROM_LATEST);
    opens(scene);
    grant(scene, &asked);
    announces(scene, 5, 20);
    mutates(scene, 5);
    assert_right(scene);
}

static void a_change_is_in_the_snapshot(void **state)
{
    struct scene *scene = *state;
    streams_from(scene, FIVE);
    announces(scene, 7, 9);
    mutates(scene, 10);
    assert_wrong(scene, NOT_IN_IT, 9);
    scene_restart(scene);
    streams_from(scene, FIVE);
    announces(scene, 7, 9);
    mutates(scene, 6);
    assert_wrong(scene, NOT_IN_IT, 7);
}

static void one_wrong_number_is_one_difference(void **state)
{
    struct scene *scene = *state;
    streams_from(scene, FIVE);
    announces(scene, 6, 9);
    mutates(scene, 99);
    mutates(scene, 7);
    announces(scene, 10, 12);
    mutates(scene, 11);
    assert_wrong(scene, NOT_IN_IT, 9);
}

static void no_change_comes_before_a_snapshot(void **state)
{
    struct scene *scene = *state;
    streams_from(scene, FIVE);
    mutates(scene, 6);
    announces(scene, 7, 9);
    mutates(scene, 7);
    assert_unexpected(scene, NO_SNAPSHOT);
}

static void nor_behind_one_without_an_order(void **state)
{
    struct scene *scene = *state;
    streams_from(scene, 0);
    out_of_order(scene, BEGINS);
    out_of_order(scene, ENDS);
    mutates(scene, 6);
    assert_unexpected(scene, NO_SNAPSHOT);
}

static void one_without_an_order_begins_before_it_ends(void **state)
{
    struct scene *scene = *state;
    streams_from(scene, 0);
    out_of_order(scene, ENDS);
    assert_unexpected(scene, "no snapshot without an order has begun");
}

static void nothing_comes_behind_the_end(void **state)
{
    struct scene *scene = *state;
    streams_from(scene, FIVE);
    announces(scene, 6, 9);
    mutates(scene, 9);
    ends(scene);
    mutates(scene, 10);
    assert_unexpected(scene, "its stream has ended before");
}

static void snapshots_do_not_go_back(void **state)
{
    struct scene *scene = *state;
    streams_from(scene, FIVE);
    announces(scene, 6, 9);
    mutates(scene, 7);
    announces(scene, 8, 8);
    assert_wrong(scene, LOWER_END, 9);
    scene_restart(scene);
    streams_from(scene, FIVE);
    announces(scene, 2, 4);
    assert_wrong(scene, HAD_IT, 6);
}

static void nor_do_they_end_before_they_begin(void **state)
{
    struct scene *scene = *state;
    streams_from(scene, FIVE);
    announces(scene, 9, 8);
    assert_wrong(scene, "the snapshot ends before it begins", 8);
}

static void nothing_comes_of_a_stream_that_nobody_asked_for(void **state)
{
    struct scene *scene = *state;
    struct message other = marker(6, 9);
    streams_from(scene, FIVE);
    other.opaque = OPAQUE + 1;
    sends(scene, &other);
    assert_unexpected(scene, "no stream of its vbucket and opaque was asked for");
}

static void a_number_that_is_masked_is_not_compared(void **state)
{
    struct scene *scene = *state;
    const struct mask mask = {.opcode = MCBP_DCP_MUTATION, .field = MASK_EXTRAS};
    scene->options.masks = (struct mask_list){&mask, 1};
    streams_from(scene, FIVE);
    announces(scene, 6, 9);
    mutates(scene, 5);
    assert_right(scene);
}

/* ------------------------------------------------------------------------------ unknown ones */

static void a_stream_seen_from_the_middle_is_held_to_what_it_announces(void **state)
{
    struct scene *scene = *state;
    scene_join(scene, ANN);
    opens(scene);
    mutates(scene, 6);
    mutates(scene, 3);
    announces(scene, 7, 9);
    mutates(scene, 8);
    assert_right(scene);
    mutates(scene, 8);
    assert_wrong(scene, NOT_HIGHER, 9);
}

static void behind_lost_bytes_everything_may_have_begun_anew(void **state)
{
    struct scene *scene = *state;
    streams_from(scene, FIVE);
    announces(scene, 6, 9);
    mutates(scene, 9);
    scene_lose(scene, ANN, false, 50);
    mutates(scene, 2);
    mutates(scene, 1);
    announces(scene, 2, 4);
    mutates(scene, 3);
    const struct capture_result *found = scene_verify(scene);
    assert_int_equal(found->executed.check.different, 0);
}

static void a_stream_that_the_client_closes_may_go_on_for_a_while(void **state)
{
    struct scene *scene = *state;
    streams_from(scene, FIVE);
    announces(scene, 6, 9);
    say(scene, true,
        &(struct message){.opcode = MCBP_DCP_CLOSE_STREAM, .opaque = 80, .vbucket = VB},
        MCBP_CLIENT_REQUEST);
    answers(scene, ANN, 80, DCP_CLOSE_STREAM);
    mutates(scene, 6);
    ends(scene);
    assert_right(scene);
    mutates(scene, 7);
    assert_unexpected(scene, "its stream has ended before");
}

static void without_dcp_its_messages_are_nobodys(void **state)
{
    struct scene *scene = *state;
    asks(scene, ANN, 1, NOOP);
    answers(scene, ANN, 1, NOOP);
    mutates(scene, 6);
    assert_right(scene);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        scene_test(changes_rise_in_their_snapshots),
        scene_test(a_stream_may_begin_anew_behind_its_end),
        scene_test(a_snapshot_without_an_order_has_none),
        scene_test(history_repeats_the_end_of_the_snapshot_before_it),
        scene_test(of_a_replica_a_snapshot_may_begin_in_the_one_before),
        scene_test(each_vbucket_and_each_id_has_a_stream_of_its_own),
        scene_test(two_of_the_same_opaque_are_told_apart_by_their_ids),
        scene_test(a_later_form_of_the_marker_has_the_range_in_its_value),
        scene_test(each_kind_of_change_has_a_higher_number_than_the_one_before),
        scene_test(the_first_change_is_behind_what_the_client_has),
        scene_test(unless_it_has_asked_for_the_latest),
        scene_test(a_change_is_in_the_snapshot),
        scene_test(one_wrong_number_is_one_difference),
        scene_test(no_change_comes_before_a_snapshot),
        scene_test(nor_behind_one_without_an_order),
        scene_test(one_without_an_order_begins_before_it_ends),
        scene_test(nothing_comes_behind_the_end),
        scene_test(snapshots_do_not_go_back),
        scene_test(nor_do_they_end_before_they_begin),
        scene_test(nothing_comes_of_a_stream_that_nobody_asked_for),
        scene_test(a_number_that_is_masked_is_not_compared),
        scene_test(a_stream_seen_from_the_middle_is_held_to_what_it_announces),
        scene_test(behind_lost_bytes_everything_may_have_begun_anew),
        scene_test(a_stream_that_the_client_closes_may_go_on_for_a_while),
        scene_test(without_dcp_its_messages_are_nobodys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
