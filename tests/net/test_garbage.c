/*
 * Segments that no host would send, in narrow bounds: whatever comes, the ledger adds up, every
 * conversation is closed once and nothing is told of it afterwards. KVREPLAY_SEED repeats a run.
 */
#include "from_to.h"
#include "guarded.h"
#include "net/flow.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

struct heard {
    uint64_t data;
    uint64_t lost;
    uint64_t closed;
    uint64_t taken;
};

static unsigned seed;

static unsigned below(unsigned limit)
{
    return (unsigned)rand_r(&seed) % limit;
}

static void hear(struct heard *heard, struct net_conversation *conversation)
{
    if (conversation->user == NULL) {
        conversation->user = heard;
    }
    assert_ptr_equal(conversation->user, heard); /* not closed yet */
}

static void on_data(void *context, struct net_conversation *conversation,
                    enum net_direction direction, struct span bytes,
                    const struct net_origin *origin)
{
    struct heard *heard = context;
    (void)direction;
    (void)origin;
    hear(heard, conversation);
    assert_true(bytes.size > 0);
    heard->data += bytes.size;
}

static void on_gap(void *context, struct net_conversation *conversation,
                   enum net_direction direction, uint64_t lost)
{
    struct heard *heard = context;
    (void)direction;
    hear(heard, conversation);
    assert_from_to(lost, 1, UINT32_MAX);
    heard->lost += lost;
}

static void on_end(void *context, struct net_conversation *conversation,
                   enum net_direction direction)
{
    (void)direction;
    hear(context, conversation);
}

static void on_closed(void *context, struct net_conversation *conversation)
{
    struct heard *heard = context;
    hear(heard, conversation);
    heard->closed++;
    conversation->user = conversation;
}

static struct net_segment random_segment(struct guarded *memory)
{
    static const uint8_t bytes[64];
    bool to_server = below(2) == 0;
    struct net_endpoint client = {4, {10, 0, 0, 1}, (uint16_t)(1000 + below(4))};
    struct net_endpoint server = {4, {10, 0, 0, 2}, 11211};
    uint8_t flags = NET_ACK;
    if (below(10) == 0) {
        flags = (uint8_t)below(32);
    }
    return (struct net_segment){
        .protocol = NET_TCP,
        .source = to_server ? client : server,
        .destination = to_server ? server : client,
        .payload = guarded_copy(memory, bytes, below(3) == 0 ? 0 : below(64)),
        .cut = below(10) == 0 ? below(100) : 0,
        .sequence = below(50) == 0 ? (uint32_t)rand_r(&seed) * 2 : below(400) - 200,
        .acknowledgement = below(50) == 0 ? (uint32_t)rand_r(&seed) * 2 : below(400) - 200,
        .flags = flags,
    };
}

static void on_taken(void *context, const struct net_segment *segment,
                     const struct net_origin *origin, const struct net_place *place)
{
    struct heard *heard = context;
    (void)segment;
    (void)origin;
    (void)place;
    heard->taken++;
}

static void receive_garbage(struct guarded *memory, unsigned segments)
{
    struct heard heard = {0};
    struct net_listener listener = {.context = &heard,
                                    .data = on_data,
                                    .gap = on_gap,
                                    .end = on_end,
                                    .closed = on_closed,
                                    .taken = on_taken};
    struct net_flow_options options = {.conversations_max = 1 + below(4),
                                       .held_bytes_max = below(2) == 0 ? 1 << 20 : below(4000),
                                       .held_segments_max = below(2) == 0 ? 1000 : below(20),
                                       .start_segments = below(2) == 0 ? 0 : below(30),
                                       .keep_order = below(2) == 0};
    struct net_flow *flow = net_flow_create(&options, &listener);
    for (unsigned i = 1; i <= segments; i++) {
        struct net_segment segment = random_segment(memory);
        net_flow_receive(flow, &segment, &(struct net_origin){.packet = i});
    }
    net_flow_finish(flow);

    const struct net_flow_counters *counters = net_flow_counters(flow);
    assert_int_equal(counters->payload, counters->data + counters->duplicate + counters->late);
    assert_int_equal(counters->data, heard.data);
    assert_int_equal(counters->lost, heard.lost);
    assert_int_equal(counters->conversations, heard.closed);
    assert_int_equal(heard.taken, segments);
    net_flow_destroy(flow);
}

static void garbage_does_no_harm(void **state)
{
    (void)state;
    struct guarded memory;
    guarded_init(&memory);
    const char *given = getenv("KVREPLAY_SEED");
    const char *more = getenv("KVREPLAY_ROUNDS");
    unsigned first = given != NULL ? (unsigned)strtoul(given, NULL, 0) : (unsigned)time(NULL);
    unsigned rounds = more != NULL ? (unsigned)strtoul(more, NULL, 0) : 200;
    for (unsigned i = 0; i < rounds; i++) {
        seed = first + i;
        print_message("%sKVREPLAY_SEED=%u", i == 0 ? "" : "\r", seed);
        receive_garbage(&memory, 1 + below(3000));
    }
    print_message("\n");
    guarded_deinit(&memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(garbage_does_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
