/*
 * Where segments lie in their streams.
 */
#include "net/flow.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* What came last. */
struct heard {
    bool placed;
    struct net_place place;
    uint64_t data; /* the offset of the last data in its stream */
};

static void on_data(void *context, struct net_conversation *conversation,
                    enum net_direction direction, struct span bytes,
                    const struct net_origin *origin)
{
    struct heard *heard = context;
    (void)origin;
    heard->data = net_stream_next(conversation, direction) - bytes.size;
}

static void on_gap(void *context, struct net_conversation *conversation,
                   enum net_direction direction, uint64_t lost)
{
    (void)context;
    (void)conversation;
    (void)direction;
    (void)lost;
}

static void on_end(void *context, struct net_conversation *conversation,
                   enum net_direction direction)
{
    (void)context;
    (void)conversation;
    (void)direction;
}

static void on_closed(void *context, struct net_conversation *conversation)
{
    (void)context;
    (void)conversation;
}

static void on_taken(void *context, const struct net_segment *segment,
                     const struct net_origin *origin, const struct net_place *place)
{
    struct heard *heard = context;
    (void)segment;
    (void)origin;
    heard->placed = place != NULL;
    heard->place = place != NULL ? *place : (struct net_place){0};
}

static struct net_flow *listen(struct heard *heard)
{
    struct net_listener listener = {.context = heard,
                                    .data = on_data,
                                    .gap = on_gap,
                                    .end = on_end,
                                    .closed = on_closed,
                                    .taken = on_taken};
    struct net_flow_options options = {
        .conversations_max = 4, .held_bytes_max = 1 << 20, .held_segments_max = 100};
    struct net_flow *flow = net_flow_create(&options, &listener);
    assert_non_null(flow);
    return flow;
}

static void send_from_client(struct net_flow *flow, uint32_t sequence, uint8_t flags,
                             const char *bytes, uint32_t cut)
{
    struct net_segment segment = {
        .protocol = NET_TCP,
        .source = {4, {10, 0, 0, 1}, 49152},
        .destination = {4, {10, 0, 0, 2}, 11211},
        .payload = span_of(bytes, strlen(bytes)),
        .cut = cut,
        .sequence = sequence,
        .flags = flags,
    };
    net_flow_receive(flow, &segment, &(struct net_origin){.packet = 1});
}

static void what_comes_again_lies_where_it_was(void **state)
{
    struct heard heard = {0};
    struct net_flow *flow = listen(&heard);
    (void)state;
    send_from_client(flow, 999, NET_SYN, "", 0);
    send_from_client(flow, 1000, 0, "get", 0);
    uint64_t start = heard.data;
    assert_int_equal(heard.place.offset, start);
    send_from_client(flow, 1006, 0, "ahead", 0);
    assert_int_equal(heard.place.offset, start + 6);
    send_from_client(flow, 1001, 0, "XXset", 0); /* partly others, partly new */
    assert_int_equal(heard.place.offset, start + 1);
    assert_int_equal(heard.data, start + 6);
    send_from_client(flow, 1011, NET_FIN, "", 0);
    send_from_client(flow, 1003, 0, "set", 0); /* after the end */
    assert_int_equal(heard.place.offset, start + 3);
    assert_int_equal(heard.place.conversation, 1);
    net_flow_finish(flow);
    net_flow_destroy(flow);
}

/* Sequence numbers have 32 bits: seen from behind the bytes that were cut, it would lie elsewhere.
 */
static void a_segment_of_which_3_gigabytes_were_cut_lies_where_it_began(void **state)
{
    struct heard heard = {0};
    struct net_flow *flow = listen(&heard);
    (void)state;
    send_from_client(flow, 999, NET_SYN, "", 0);
    send_from_client(flow, 1000, 0, "set", 3000000000);
    assert_true(heard.placed);
    assert_int_equal(heard.place.offset, heard.data);
    net_flow_finish(flow);
    net_flow_destroy(flow);
}

static void an_rst_of_no_conversation_lies_nowhere(void **state)
{
    struct heard heard = {.placed = true};
    struct net_flow *flow = listen(&heard);
    (void)state;
    send_from_client(flow, 1000, NET_RST, "reason", 0);
    assert_false(heard.placed);
    net_flow_finish(flow);
    net_flow_destroy(flow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_comes_again_lies_where_it_was),
        cmocka_unit_test(a_segment_of_which_3_gigabytes_were_cut_lies_where_it_began),
        cmocka_unit_test(an_rst_of_no_conversation_lies_nowhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
