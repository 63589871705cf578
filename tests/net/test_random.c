/*
 * Random dialogues, captured badly, against a naive model. KVREPLAY_SEED repeats a run,
 * KVREPLAY_ROUNDS makes it longer.
 */
#include "dialogue.h"
#include "from_to.h"
#include "guarded.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

enum { DIALOGUES = 3, FIRST_PORT = 40000 };

struct capture {
    struct net_flow *flow;
    struct guarded memory;
    struct dialogue dialogues[DIALOGUES];
    uint64_t packets;
    bool hopeless; /* who answered whom can't be known in every case */
};

static struct capture capture;

static struct dialogue *dialogue_of(const struct net_conversation *conversation)
{
    assert_from_to(conversation->initiator.port, FIRST_PORT, FIRST_PORT + DIALOGUES - 1);
    return &capture.dialogues[conversation->initiator.port - FIRST_PORT];
}

static void on_data(void *context, struct net_conversation *conversation,
                    enum net_direction direction, struct span bytes,
                    const struct net_origin *origin)
{
    (void)context;
    struct dialogue *dialogue = dialogue_of(conversation);
    struct side *side = &dialogue->sides[direction];
    assert_false(side->ended);
    assert_true(bytes.size <= side->size - side->told);
    assert_memory_equal(bytes.data, side->first + side->told, bytes.size);
    for (size_t i = 0; i < bytes.size; i++) {
        assert_int_equal(side->packet[side->told + i], origin->packet);
        assert_true(capture.hopeless ||
                    side->needs[side->told + i] <= dialogue->sides[1 - direction].told);
    }
    side->told += (uint32_t)bytes.size;
}

static void on_gap(void *context, struct net_conversation *conversation,
                   enum net_direction direction, uint64_t lost)
{
    (void)context;
    struct side *side = &dialogue_of(conversation)->sides[direction];
    assert_true(lost <= side->size - side->told);
    for (uint64_t i = 0; i < lost; i++) {
        assert_int_equal(side->packet[side->told + i], 0);
    }
    side->told += (uint32_t)lost;
    side->lost += lost;
}

static void on_end(void *context, struct net_conversation *conversation,
                   enum net_direction direction)
{
    (void)context;
    struct side *side = &dialogue_of(conversation)->sides[direction];
    assert_false(side->ended);
    assert_int_equal(side->told, side->size);
    side->ended = true;
}

static void on_closed(void *context, struct net_conversation *conversation)
{
    (void)context;
    struct dialogue *dialogue = dialogue_of(conversation);
    assert_false(dialogue->closed);
    dialogue->closed = true;
}

static void receive(struct dialogue *dialogue, const struct line *line)
{
    struct net_origin origin = {.packet = ++capture.packets, .time = (int64_t)capture.packets};
    struct span payload = guarded_copy(&capture.memory, line->bytes, line->size);
    struct net_segment segment = dialogue_segment(dialogue, line, payload);
    dialogue_note(dialogue, line, origin.packet);
    net_flow_receive(capture.flow, &segment, &origin);
}

/* The dialogues' captured lines, taken from each in turn. */
static void receive_all(unsigned *seed)
{
    unsigned next[DIALOGUES] = {0};
    for (;;) {
        unsigned left = 0;
        for (int i = 0; i < DIALOGUES; i++) {
            left += capture.dialogues[i].lines_count - next[i];
        }
        if (left == 0) {
            return;
        }
        int turn = rand_r(seed) % DIALOGUES;
        struct dialogue *dialogue = &capture.dialogues[turn];
        if (next[turn] < dialogue->lines_count) {
            const struct line *line = &dialogue->lines[next[turn]++];
            if (!line->dropped) {
                receive(dialogue, line);
            }
        }
    }
}

/* What was lost may still come again when nobody waits for it any more; not in a `calm` capture. */
static void assert_all_told(bool calm, bool altered)
{
    const struct net_flow_counters *counters = net_flow_counters(capture.flow);
    uint64_t captured = 0;
    uint64_t size = 0;
    for (int i = 0; i < DIALOGUES; i++) {
        assert_true(capture.dialogues[i].closed);
        for (int j = 0; j < 2; j++) {
            const struct side *side = &capture.dialogues[i].sides[j];
            assert_true(side->ended);
            captured += side->captured;
            size += side->size;
        }
    }
    assert_int_equal(counters->conversations, DIALOGUES);
    assert_int_equal(counters->data + counters->lost, size);
    assert_int_equal(counters->payload, counters->data + counters->duplicate + counters->late);
    assert_from_to(captured - counters->data, 0, counters->late);
    if (calm) {
        assert_int_equal(counters->late, counters->contradicting);
    }
    assert_true(altered || counters->contradicting == 0);
}

static void capture_once(const struct mischief *mischief, unsigned *seed)
{
    struct net_listener listener = {
        .data = on_data, .gap = on_gap, .end = on_end, .closed = on_closed};
    struct net_flow_options options = {.conversations_max = 10,
                                       .held_bytes_max = 1 << 22,
                                       .held_segments_max = 10000,
                                       .start_segments = mischief->window * 2,
                                       .keep_order = rand_r(seed) % 2 == 0};
    capture.flow = net_flow_create(&options, &listener);
    capture.packets = 0;
    for (int i = 0; i < DIALOGUES; i++) {
        dialogue_write(&capture.dialogues[i], (uint16_t)(FIRST_PORT + i), mischief, seed);
    }
    receive_all(seed);
    net_flow_finish(capture.flow);
    assert_all_told(mischief->repeated == 0 || mischief->dropped == 0, mischief->altered);
    net_flow_destroy(capture.flow);
}

static void capture_often(const struct mischief *mischief)
{
    const char *given = getenv("KVREPLAY_SEED");
    const char *more = getenv("KVREPLAY_ROUNDS");
    unsigned seed = given != NULL ? (unsigned)strtoul(given, NULL, 0) : (unsigned)time(NULL);
    unsigned rounds = more != NULL ? (unsigned)strtoul(more, NULL, 0) : 200;
    guarded_init(&capture.memory);
    for (unsigned i = 0; i < rounds; i++) {
        unsigned round_seed = seed + i;
        print_message("%sKVREPLAY_SEED=%u", i == 0 ? "" : "\r", round_seed);
        capture_once(mischief, &round_seed);
    }
    print_message("\n");
    guarded_deinit(&capture.memory);
}

static void a_good_capture_is_told_as_it_is(void **state)
{
    (void)state;
    capture_often(&(struct mischief){0});
}

static void a_capture_from_the_middle_is_told_from_there(void **state)
{
    (void)state;
    capture_often(&(struct mischief){.in_the_middle = true, .repeated = 10});
}

static void swapped_packets_are_told_in_order(void **state)
{
    (void)state;
    capture_often(&(struct mischief){.window = 20});
}

static void retransmissions_and_overlaps_change_nothing(void **state)
{
    (void)state;
    capture_often(&(struct mischief){.repeated = 30, .delayed = 10});
}

static void of_different_copies_the_first_is_told(void **state)
{
    (void)state;
    capture_often(&(struct mischief){.repeated = 30, .delayed = 10, .altered = true});
}

static void dropped_segments_are_lost_and_nothing_else(void **state)
{
    (void)state;
    capture_often(&(struct mischief){.dropped = 5});
}

static void swapped_retransmissions_change_nothing(void **state)
{
    (void)state;
    capture_often(&(struct mischief){.window = 12, .repeated = 20, .delayed = 5});
}

static void retransmissions_replace_what_was_dropped(void **state)
{
    (void)state;
    capture_often(
        &(struct mischief){.repeated = 20, .delayed = 5, .dropped = 5, .one_sided = true});
}

static void a_bad_network_and_a_bad_capture_together(void **state)
{
    (void)state;
    capture.hopeless = true;
    capture_often(&(struct mischief){.window = 12, .repeated = 15, .delayed = 5, .dropped = 5});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_capture_is_told_as_it_is),
        cmocka_unit_test(a_capture_from_the_middle_is_told_from_there),
        cmocka_unit_test(swapped_packets_are_told_in_order),
        cmocka_unit_test(retransmissions_and_overlaps_change_nothing),
        cmocka_unit_test(of_different_copies_the_first_is_told),
        cmocka_unit_test(dropped_segments_are_lost_and_nothing_else),
        cmocka_unit_test(swapped_retransmissions_change_nothing),
        cmocka_unit_test(retransmissions_replace_what_was_dropped),
        cmocka_unit_test(a_bad_network_and_a_bad_capture_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
