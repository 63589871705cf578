/*
 * Bytes as a capture file. Whatever they are, reading ends with an honest status; of a plain pcap
 * file, the packets and the status are those of a plain walk over its records.
 */
#include "capture/capture.h"
#include "capture/drops.h"
#include "memory_file.h"
#include "target.h"

static struct memory_file input;

enum { PACKETS_MAX = 20000, RECORD_MAX = 262144 };

void fuzz_begin(void)
{
}

struct walk {
    uint64_t packets;
    enum capture_next end;
    bool known; /* the rest is set */
};

static uint32_t number_at(struct span bytes, size_t at, bool little)
{
    uint32_t number = read_be32(bytes.data + at);
    return little ? __builtin_bswap32(number) : number;
}

/* A second file behind the first (cat a.pcap b.pcap): its header stands where a packet's should. */
static bool is_file_header(struct span file, size_t at, bool little)
{
    uint32_t time = number_at(file, at, little);
    bool empty = number_at(file, at + 8, little) == 0 && number_at(file, at + 12, little) == 0;
    return empty &&
           (time == 0xa1b2c3d4 || time == 0xd4c3b2a1 || time == 0xa1b23c4d || time == 0x4d3cb2a1);
}

/* What is in a pcap file of microseconds or nanoseconds, version 2.4, with records that libpcap has
 * no reason to look at twice. */
UNCOUNTED static struct walk walk_records(struct span file)
{
    struct walk walk = {.end = CAPTURE_END};
    size_t at = 24;
    if (file.size < 24) {
        return walk;
    }
    uint32_t magic = read_be32(file.data);
    bool little = magic == 0xd4c3b2a1 || magic == 0x4d3cb2a1;
    if ((!little && magic != 0xa1b2c3d4 && magic != 0xa1b23c4d) ||
        number_at(file, 4, little) != (little ? 0x00040002 : 0x00020004)) {
        return walk;
    }
    uint32_t snap = number_at(file, 16, little);
    while (file.size - at >= 16) {
        uint32_t size = number_at(file, at + 8, little);
        if (size > RECORD_MAX || size > snap) {
            return walk; /* libpcap has rules of its own for these */
        }
        if (is_file_header(file, at, little)) {
            walk.end = CAPTURE_DAMAGED;
            walk.known = true;
            return walk;
        }
        at += 16;
        if (file.size - at < size) {
            walk.end = CAPTURE_TRUNCATED;
            at = file.size;
            break;
        }
        at += size;
        walk.packets++;
    }
    walk.end = at < file.size ? CAPTURE_TRUNCATED : walk.end;
    walk.known = true;
    return walk;
}

static volatile uint8_t seen;

UNCOUNTED static void read_packet(const struct net_packet *packet, uint64_t number)
{
    uint8_t sum = 0;
    for (size_t i = 0; i < packet->bytes.size; i++) {
        sum ^= packet->bytes.data[i];
    }
    seen = sum;
    CHECK(packet->number == number);
    CHECK(packet->length >= packet->bytes.size);
    CHECK((int)packet->link < NET_LINKS);
}

/* What a plain file says of dropped packets, read byte by byte. */
UNCOUNTED static void check_dropped(const struct capture *capture, struct span file)
{
    static const uint8_t section[] = {0x0a, 0x0d, 0x0d, 0x0a};
    if (file.size < sizeof(section) || memcmp(file.data, section, sizeof(section)) != 0) {
        return;
    }
    struct drops drops = {0};
    for (size_t i = 0; i < file.size; i++) {
        drops_feed(&drops, span_of(file.data + i, 1));
    }
    CHECK(capture_dropped(capture) == drops_total(&drops));
}

UNCOUNTED static void check_end(const struct capture *capture, enum capture_next next,
                                uint64_t packets, struct span file)
{
    struct walk walk = walk_records(file);
    if (walk.known) {
        CHECK(packets == walk.packets && next == walk.end);
    }
    CHECK(next == CAPTURE_END || strlen(capture_message(capture)) > 0);
    CHECK(next != CAPTURE_TRUNCATED || capture_lost(capture) > 0);
    CHECK(next != CAPTURE_TRUNCATED || capture_lost(capture) <= UINT32_MAX);
    CHECK(capture_bytes_total(capture) == file.size);
    CHECK(capture_bytes_read(capture) <= file.size);
}

void fuzz_target(const uint8_t *data, size_t size)
{
    struct span file = span_of(data, size);
    struct capture_options options = {.filter = NULL};
    struct capture *capture = NULL;
    char message[CAPTURE_MESSAGE_SIZE] = "";
    const char *path = memory_file_open(&input, file);
    enum capture_open_result opened = capture_open(path, &options, &capture, message);
    if (opened == CAPTURE_OPEN) {
        struct net_packet packet;
        uint64_t packets = 0;
        uint64_t bytes = 0;
        enum capture_next next;
        while ((next = capture_next(capture, &packet)) == CAPTURE_PACKET && packets < PACKETS_MAX) {
            read_packet(&packet, ++packets);
            bytes += packet.bytes.size;
        }
        if (next != CAPTURE_PACKET) {
            check_end(capture, next, packets, file);
        }
        if (next == CAPTURE_END) {
            check_dropped(capture, file);
        }
        CHECK(bytes <= size * 1100 + RECORD_MAX); /* as much as gzip can hold at its best */
        capture_close(capture);
    } else {
        CHECK(capture == NULL && strlen(message) > 0);
    }
}
