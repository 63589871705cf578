#include "telling.h"

#include "base/endian.h"
#include "net/checksum.h"

#include <stdio.h>
#include <stdlib.h>

static void tell(struct telling *telling, const struct net_conversation *conversation,
                 const char *who, const char *what, size_t size)
{
    if (telling->quiet) {
        return;
    }
    char *end = telling->transcript + telling->size;
    size_t room = sizeof(telling->transcript) - telling->size;
    char id[24] = "";
    if (telling->numbered) {
        snprintf(id, sizeof(id), "%u:", (unsigned)conversation->id);
    }
    int length =
        snprintf(end, room, "%s%s%s%.*s", telling->size == 0 ? "" : ", ", id, who, (int)size, what);
    assert_true(length >= 0 && (size_t)length < room);
    telling->size += (size_t)length;
    telling->last = *conversation;
}

static const char *who(enum net_direction direction)
{
    return direction == NET_FROM_INITIATOR ? "C " : "S ";
}

static void on_data(void *context, struct net_conversation *conversation,
                    enum net_direction direction, struct span bytes,
                    const struct net_origin *origin)
{
    struct telling *telling = context;
    telling->last_origin = origin->packet;
    tell(telling, conversation, who(direction), (const char *)bytes.data, bytes.size);
}

static void on_gap(void *context, struct net_conversation *conversation,
                   enum net_direction direction, uint64_t lost)
{
    char text[24];
    int length = snprintf(text, sizeof(text), "-%llu", (unsigned long long)lost);
    tell(context, conversation, who(direction), text, (size_t)length);
}

static void on_end(void *context, struct net_conversation *conversation,
                   enum net_direction direction)
{
    tell(context, conversation, who(direction), "end", 3);
}

static void on_closed(void *context, struct net_conversation *conversation)
{
    struct telling *telling = context;
    telling->closed++;
    tell(telling, conversation, "", "closed", 6);
}

void telling_restart(struct telling *telling, struct net_flow_options options)
{
    struct net_listener listener = {
        .context = telling, .data = on_data, .gap = on_gap, .end = on_end, .closed = on_closed};
    options.conversations_max = options.conversations_max == 0 ? 100 : options.conversations_max;
    options.held_bytes_max = options.held_bytes_max == 0 ? 1 << 20 : options.held_bytes_max;
    options.held_segments_max = options.held_segments_max == 0 ? 1000 : options.held_segments_max;
    net_flow_destroy(telling->flow);
    telling->flow = net_flow_create(&options, &listener);
    assert_non_null(telling->flow);
}

int telling_setup(void **state)
{
    struct telling *telling = calloc(1, sizeof(*telling));
    guarded_init(&telling->memory);
    telling->client = (struct net_endpoint){4, {10, 0, 0, 1}, 49152};
    telling->server = (struct net_endpoint){4, {10, 0, 0, 2}, 11211};
    telling->client_start = 1000;
    telling->server_start = 5000;
    telling_restart(telling, (struct net_flow_options){0});
    *state = telling;
    return 0;
}

int telling_teardown(void **state)
{
    struct telling *telling = *state;
    net_flow_destroy(telling->flow);
    guarded_deinit(&telling->memory);
    free(telling);
    return 0;
}

static void receive(struct telling *telling, struct net_segment *segment, bool from_client,
                    const char *bytes)
{
    struct net_origin origin = {.packet = ++telling->packet, .time = (int64_t)telling->packet};
    segment->source = from_client ? telling->client : telling->server;
    segment->destination = from_client ? telling->server : telling->client;
    segment->payload =
        segment->transport.size > 0
            ? span_skip(segment->transport, segment->transport.size - (bytes ? strlen(bytes) : 0))
            : guarded_copy(&telling->memory, bytes, bytes == NULL ? 0 : strlen(bytes));
    net_flow_receive(telling->flow, segment, &origin);
}

/* The bytes as they were on the wire, with a checksum that is right, or not. */
static void add_transport(struct telling *telling, struct net_segment *segment, bool from_client,
                          const struct sent *sent)
{
    enum { TCP_SIZE = 20, CHECKSUM_AT = 16, PAYLOAD_MAX = 1000 };
    uint8_t bytes[TCP_SIZE + PAYLOAD_MAX] = {0};
    size_t payload = sent->bytes == NULL ? 0 : strlen(sent->bytes);
    assert_true(payload <= PAYLOAD_MAX);
    write_be32(bytes + 4, segment->sequence);
    write_be32(bytes + 8, segment->acknowledgement);
    bytes[12] = TCP_SIZE / 4 << 4;
    bytes[13] = segment->flags;
    memcpy(bytes + TCP_SIZE, payload > 0 ? sent->bytes : "", payload);

    const struct net_endpoint *ends[] = {&telling->client, &telling->server};
    struct checksum sum = {0};
    uint8_t rest[4] = {0, NET_TCP};
    write_be16(rest + 2, (uint16_t)(TCP_SIZE + payload));
    for (int i = 0; i < 2; i++) {
        checksum_add(&sum, span_of(ends[i]->address, sizeof(ends[i]->address)));
    }
    checksum_add(&sum, span_of(rest, sizeof(rest)));
    uint16_t left_to_card = (uint16_t)~checksum_of(&sum);
    checksum_add(&sum, span_of(bytes, TCP_SIZE + payload));
    uint16_t right = checksum_of(&sum);
    uint16_t wrong = right ^ 0x0100;
    write_be16(bytes + CHECKSUM_AT, sent->sum == RIGHT_SUM   ? right
                                    : sent->sum == WRONG_SUM ? wrong
                                                             : left_to_card);
    segment->source = from_client ? telling->client : telling->server;
    segment->transport = guarded_copy(&telling->memory, bytes, TCP_SIZE + payload);
}

void send_segment(struct telling *telling, bool from_client, struct sent sent)
{
    uint32_t start = from_client ? telling->client_start : telling->server_start;
    uint32_t other = from_client ? telling->server_start : telling->client_start;
    struct net_segment segment = {
        .protocol = NET_TCP,
        .cut = sent.cut,
        .sequence = start + (uint32_t)sent.at - (sent.syn ? 1 : 0),
        .acknowledgement = other + (uint32_t)sent.seen,
        .flags = (uint8_t)((sent.syn ? NET_SYN : 0) | (sent.fin ? NET_FIN : 0) |
                           (sent.rst ? NET_RST : 0) | (sent.no_ack ? 0 : NET_ACK)),
    };
    if (sent.sum != NO_SUM) {
        add_transport(telling, &segment, from_client, &sent);
    }
    receive(telling, &segment, from_client, sent.bytes);
}

void send_datagram(struct telling *telling, bool from_client, const char *bytes, uint32_t cut)
{
    struct net_segment segment = {.protocol = NET_UDP, .cut = cut};
    receive(telling, &segment, from_client, bytes);
}

void handshake(struct telling *telling)
{
    client(telling, .syn = true, .no_ack = true);
    server(telling, .syn = true, .seen = 0);
    client(telling, .at = 0, .seen = 0);
}

void acknowledgements(struct telling *telling, int64_t client_at, int64_t server_at, int count)
{
    for (int i = 0; i < count; i++) {
        client(telling, .at = client_at, .seen = server_at);
    }
}

void assert_told(struct telling *telling, const char *transcript)
{
    assert_string_equal(telling->transcript, transcript);
    telling->size = 0;
    telling->transcript[0] = '\0';
}

void assert_counted(const struct telling *telling, uint64_t data, uint64_t duplicate, uint64_t late,
                    uint64_t lost)
{
    const struct net_flow_counters *counters = net_flow_counters(telling->flow);
    assert_int_equal(counters->data, data);
    assert_int_equal(counters->duplicate, duplicate);
    assert_int_equal(counters->late, late);
    assert_int_equal(counters->lost, lost);
}
