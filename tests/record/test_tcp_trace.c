/* Made TCP conversations: read back by libpcap and this project's decoder, checksums summed up by
 * the letter of RFC 1071, and looked at by tshark. */
#include "base/endian.h"
#include "capture/capture.h"
#include "net/decode.h"
#include "record/tcp_trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { STREAM_MAX = 1 << 20, IP_AT = 14 };

static char path[64];

static const struct net_endpoint ipv4_ends[2] = {
    {4, {127, 0, 0, 1}, 40001},
    {4, {10, 1, 2, 3}, 11311},
};
static const struct net_endpoint ipv6_ends[2] = {
    {6, {0x20, 1, 0xd, 0xb8, [15] = 1}, 40001},
    {6, {0xfe, 0x80, [15] = 2}, 11311},
};

/* ---------------------------------------------------------------- writing */

static struct tape *open_tape(void)
{
    const struct tape_options options = {
        .path = path, .replace = true, .interface = {.link_type = PCAPNG_ETHERNET}};
    char problem[TAPE_PROBLEM_SIZE];
    struct tape *tape = tape_open(&options, problem);
    if (tape == NULL) {
        fail_msg("%s", problem);
    }
    return tape;
}

static void close_tape(struct tape *tape)
{
    char problem[TAPE_PROBLEM_SIZE];
    if (!tape_close(tape, problem)) {
        fail_msg("%s", problem);
    }
}

static struct tcp_trace trace_of(struct tape *tape, const struct net_endpoint ends[2],
                                 uint32_t first)
{
    return (struct tcp_trace){.tape = tape, .ends = {ends[0], ends[1]}, .next = {first, first + 5}};
}

static void say(struct tcp_trace *trace, enum tcp_side from, const void *bytes, size_t size)
{
    struct span piece = span_of(bytes, size);
    assert_true(tcp_trace_data(trace, from, 3, &piece, 1));
}

/* ---------------------------------------------------------------- reading */

/* RFC 1071, 1: the one's complement of the one's complement sum of 16-bit words. */
static void sum_up(uint32_t *sum, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        *sum += i % 2 == 0 ? (uint32_t)bytes[i] << 8 : bytes[i];
    }
    while (*sum > UINT16_MAX) {
        *sum = (*sum >> 16) + (*sum & UINT16_MAX);
    }
}

/* With the checksum within, all ones. */
static void expect_checksums(struct span packet)
{
    const uint8_t *ip = packet.data + IP_AT;
    bool ipv6 = ip[0] >> 4 == 6;
    size_t header = ipv6 ? 40 : 20, addresses = ipv6 ? 32 : 8;
    size_t size = packet.size - IP_AT - header;
    uint32_t ip_sum = 0, tcp_sum = (uint32_t)size + NET_TCP;
    sum_up(&ip_sum, ip, header);
    sum_up(&tcp_sum, ip + header - addresses, addresses);
    sum_up(&tcp_sum, ip + header, size);
    assert_int_equal(tcp_sum, UINT16_MAX);
    assert_true(ipv6 || ip_sum == UINT16_MAX);
}

struct heard {
    unsigned packets;
    size_t size[2]; /* by side */
    size_t largest; /* segment */
    uint32_t next[2];
    uint8_t flags[64]; /* of the first packets */
    uint8_t bytes[2][STREAM_MAX];
};

/* Segments have to follow each other, and acknowledge no more than was sent. */
static void hear(struct heard *heard, const struct net_segment *segment)
{
    int side = segment->source.port == 11311;
    assert_int_equal(segment->cut, 0);
    if ((segment->flags & NET_SYN) != 0) {
        heard->next[side] = segment->sequence;
    }
    assert_int_equal(segment->sequence, heard->next[side]);
    if ((segment->flags & NET_ACK) != 0) {
        assert_int_equal(segment->acknowledgement, heard->next[1 - side]);
    }
    heard->next[side] +=
        (uint32_t)segment->payload.size + ((segment->flags & (NET_SYN | NET_FIN)) != 0);
    assert_true(heard->size[side] + segment->payload.size <= STREAM_MAX);
    memcpy(heard->bytes[side] + heard->size[side], segment->payload.data, segment->payload.size);
    heard->size[side] += segment->payload.size;
    if (segment->payload.size > heard->largest) {
        heard->largest = segment->payload.size;
    }
    if (heard->packets < sizeof(heard->flags)) {
        heard->flags[heard->packets] = segment->flags;
    }
    heard->packets++;
}

static struct heard *read_back(void)
{
    static struct heard heard;
    const struct capture_options no_filter = {0};
    const struct net_decoder_options options = {1 << 20};
    struct net_decoder *decoder = net_decoder_create(&options);
    char message[CAPTURE_MESSAGE_SIZE];
    struct capture *capture;
    struct net_packet packet;
    memset(&heard, 0, sizeof(heard));
    if (capture_open(path, &no_filter, &capture, message) != CAPTURE_OPEN) {
        fail_msg("%s", message);
    }
    while (capture_next(capture, &packet) == CAPTURE_PACKET) {
        struct net_segment segment;
        uint32_t cut;
        assert_int_equal(packet.length, packet.bytes.size);
        assert_int_equal(net_decode(decoder, &packet, &segment, &cut), NET_SEGMENT);
        expect_checksums(packet.bytes);
        hear(&heard, &segment);
    }
    capture_close(capture);
    net_decoder_destroy(decoder);
    return &heard;
}

/* tshark warns of nothing. Without tshark there is nothing to see. */
static void expect_tshark_content(void)
{
    char command[512], line[512];
    snprintf(command, sizeof(command),
             "command -v tshark >/dev/null || exit 0; tshark -r %s -o ip.check_checksum:TRUE "
             "-o tcp.check_checksum:TRUE -Y '_ws.expert.severity >= 0x600000 || ip.checksum.status "
             "== 0 || "
             "tcp.checksum.status == 0' 2>/dev/null",
             path);
    FILE *output = popen(command, "r");
    assert_non_null(output);
    if (fgets(line, sizeof(line), output) != NULL) {
        fail_msg("tshark: %s", line);
    }
    assert_int_equal(pclose(output), 0);
}

/* ---------------------------------------------------------------- tests */

static void a_conversation_over(const struct net_endpoint ends[2], uint32_t first)
{
    struct tape *tape = open_tape();
    struct tcp_trace trace = trace_of(tape, ends, first);
    assert_true(tcp_trace_open(&trace, 1));
    say(&trace, TCP_CLIENT, "question", 8);
    say(&trace, TCP_SERVER, "answers", 7);
    assert_true(tcp_trace_end(&trace, TCP_CLIENT, 4));
    say(&trace, TCP_SERVER, "!", 1);
    assert_true(tcp_trace_end(&trace, TCP_SERVER, 4));
    close_tape(tape);
    const struct heard *heard = read_back();
    static const uint8_t flags[] = {0x02, 0x12, 0x10, 0x18, 0x18, 0x11, 0x10, 0x18, 0x11, 0x10};
    assert_int_equal(heard->packets, sizeof(flags));
    assert_memory_equal(heard->flags, flags, sizeof(flags));
    assert_memory_equal(heard->bytes[TCP_CLIENT], "question", 8);
    assert_memory_equal(heard->bytes[TCP_SERVER], "answers!", 8);
    expect_tshark_content();
}

static void over_ipv4(void **state)
{
    (void)state;
    a_conversation_over(ipv4_ends, 1000);
}

static void over_ipv6(void **state)
{
    (void)state;
    a_conversation_over(ipv6_ends, 1000);
}

static void sequence_numbers_wrap(void **state)
{
    (void)state;
    for (uint32_t first = UINT32_MAX - 20; first != 2; first++) {
        a_conversation_over(first % 2 == 0 ? ipv4_ends : ipv6_ends, first);
    }
}

static void what_is_longer_than_a_segment_is_split_and_acknowledged(void **state)
{
    (void)state;
    enum { SIZE = 5 * TCP_TRACE_MSS + 1 };
    uint8_t *bytes = malloc(SIZE);
    assert_non_null(bytes);
    for (size_t i = 0; i < SIZE; i++) {
        bytes[i] = (uint8_t)(i * 7 >> 3);
    }
    for (int ipv6 = 0; ipv6 < 2; ipv6++) {
        struct tape *tape = open_tape();
        struct tcp_trace trace = trace_of(tape, ipv6 ? ipv6_ends : ipv4_ends, UINT32_MAX - 99999);
        assert_true(tcp_trace_open(&trace, 1));
        say(&trace, TCP_SERVER, bytes, SIZE);
        close_tape(tape);
        const struct heard *heard = read_back();
        assert_int_equal(heard->packets, 3 + 6 + 2); /* two acknowledgements */
        assert_int_equal(heard->largest, TCP_TRACE_MSS);
        assert_int_equal(heard->size[TCP_SERVER], SIZE);
        assert_memory_equal(heard->bytes[TCP_SERVER], bytes, SIZE);
        expect_tshark_content();
    }
    free(bytes);
}

static void nothing_follows_a_reset(void **state)
{
    (void)state;
    struct tape *tape = open_tape();
    struct tcp_trace trace = trace_of(tape, ipv4_ends, 0);
    assert_true(tcp_trace_open(&trace, 1));
    assert_true(tcp_trace_reset(&trace, TCP_SERVER, 2));
    say(&trace, TCP_CLIENT, "late", 4);
    assert_true(tcp_trace_end(&trace, TCP_CLIENT, 2));
    assert_true(tcp_trace_reset(&trace, TCP_CLIENT, 2));
    close_tape(tape);
    const struct heard *heard = read_back();
    assert_int_equal(heard->packets, 4);
    assert_int_equal(heard->flags[3], NET_RST | NET_ACK);
}

/* Pieces of any sizes, odd ones too, are what they are together. */
static void random_pieces_come_together(void **state)
{
    (void)state;
    enum { ROUNDS = 200, PIECES = 70, SIZE = 300000 };
    const char *given = getenv("KVREPLAY_SEED");
    unsigned seed = given != NULL ? (unsigned)atol(given) : (unsigned)time(NULL);
    uint8_t *bytes = malloc(SIZE);
    assert_non_null(bytes);
    print_message("seed %u\n", seed);
    srand(seed);
    for (size_t i = 0; i < SIZE; i++) {
        bytes[i] = (uint8_t)rand();
    }
    for (int round = 0; round < ROUNDS; round++) {
        struct span pieces[PIECES];
        size_t count = (size_t)(rand() % PIECES), size = 0;
        for (size_t i = 0; i < count; i++) {
            size_t piece = (size_t)rand() % (rand() % 4 == 0 ? 70000 : 9);
            piece = piece < SIZE - size ? piece : SIZE - size;
            pieces[i] = span_of(bytes + size, piece);
            size += piece;
        }
        struct tape *tape = open_tape();
        struct tcp_trace trace =
            trace_of(tape, rand() % 2 ? ipv4_ends : ipv6_ends, (uint32_t)rand());
        assert_true(tcp_trace_open(&trace, 1));
        assert_true(tcp_trace_data(&trace, TCP_CLIENT, 2, pieces, count));
        close_tape(tape);
        const struct heard *heard = read_back();
        assert_int_equal(heard->size[TCP_CLIENT], size);
        assert_memory_equal(heard->bytes[TCP_CLIENT], bytes, size);
    }
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(over_ipv4),
        cmocka_unit_test(over_ipv6),
        cmocka_unit_test(sequence_numbers_wrap),
        cmocka_unit_test(what_is_longer_than_a_segment_is_split_and_acknowledged),
        cmocka_unit_test(nothing_follows_a_reset),
        cmocka_unit_test(random_pieces_come_together),
    };
    snprintf(path, sizeof(path), "/tmp/kvreplay-test-XXXXXX");
    close(mkstemp(path));
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    return failed;
}
