/*
 * Makes a large capture out of a recorded one: what the clients and the server said is said again
 * and again, within the same connections. Each connection opens once and closes once; in between,
 * sequence and acknowledgement numbers go on, CAS values go on, time goes on, and checksums are
 * right.
 *
 *   bench_enlarge IN.pcap OUT.pcap PAIRS
 *
 * repeats until there are at least PAIRS pairs of request and answer. That OUT is as consistent as
 * IN is only so if every round begins with requests that don't depend on the one before: with SETs
 * of all that is read. Says what it wrote, a name and a number a line.
 *
 * Takes Ethernet, IPv4 and IPv6 without extension headers, and TCP without loss or repetition: what
 * a recorder on a loopback interface writes.
 */
#include "base/endian.h"
#include "mcbp/frame.h"
#include "mcbp/opcode.h"

#include <inttypes.h>
#include <pcap.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    ETHERNET_SIZE = 14,
    ETHERNET_IPV4 = 0x0800,
    ETHERNET_IPV6 = 0x86dd,
    IPV4_SIZE = 20,
    IPV6_SIZE = 40,
    IP_TCP = 6,
    TCP_SIZE = 20,
    TCP_FIN = 0x01,
    TCP_SYN = 0x02,
    TCP_RST = 0x04,
    TCP_ACK = 0x10,
    MICROSECONDS = 1000000,
    CONNECTIONS_MAX = 64,
    CAS_OFFSET = 16, /* in a frame */
};

/* Where a packet goes: before, into or behind the rounds. */
enum part { OPENING, ROUND, CLOSING };

struct packet {
    struct pcap_pkthdr header;
    uint8_t *bytes;
    uint32_t ip; /* offsets in bytes */
    uint32_t tcp;
    uint32_t payload;
    uint32_t end;    /* of the payload */
    uint32_t offset; /* of the payload in what its stream repeats */
    struct connection *connection;
    int direction; /* 0 from the client */
    enum part part;
};

/* One direction of a connection. */
struct stream {
    uint8_t address[16];
    size_t address_size;
    uint16_t port;
    uint32_t next;  /* sequence number expected */
    uint8_t *round; /* the bytes that are repeated */
    uint32_t size;
};

struct connection {
    struct stream streams[2]; /* the client's first */
    bool sent_data;
    bool closing;
};

struct counts {
    uint64_t requests;
    uint64_t answers;
    uint64_t stored; /* keys and values in requests: at most so much is left in a store */
    uint64_t cas;    /* the highest in an answer */
};

struct capture {
    int link;
    struct packet *packets;
    size_t packets_count;
    struct connection connections[CONNECTIONS_MAX];
    size_t connections_count;
    int64_t period; /* microseconds from one round to the next */
    int64_t begin;  /* of the first round */
};

static void fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

static void fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("bench_enlarge: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

static void *grow(void *memory, size_t count, size_t size)
{
    memory = reallocarray(memory, count, size);
    if (memory == NULL) {
        fail("out of memory");
    }
    return memory;
}

/* ------------------------------------------------------------------------------------ reading */

/* Finds the headers. False: not TCP. */
static bool find_headers(struct packet *packet)
{
    const uint8_t *bytes = packet->bytes;
    uint32_t size = packet->header.caplen;
    if (size < packet->header.len) {
        fail("packets are cut");
    }
    if (size < ETHERNET_SIZE + IPV4_SIZE) {
        return false;
    }
    const uint8_t *ip = bytes + ETHERNET_SIZE;
    uint16_t type = read_be16(ip - 2);
    packet->ip = ETHERNET_SIZE;
    if (type == ETHERNET_IPV4 && ip[9] == IP_TCP) {
        packet->tcp = packet->ip + (ip[0] & 0x0fu) * 4;
        packet->end = packet->ip + read_be16(ip + 2);
    } else if (type == ETHERNET_IPV6 && size >= ETHERNET_SIZE + IPV6_SIZE && ip[6] == IP_TCP) {
        packet->tcp = packet->ip + IPV6_SIZE;
        packet->end = packet->tcp + read_be16(ip + 4);
    } else {
        return false;
    }
    if (packet->end > size || packet->tcp + TCP_SIZE > packet->end) {
        fail("a packet's lengths can't be");
    }
    packet->payload = packet->tcp + (bytes[packet->tcp + 12] >> 4) * 4u;
    if (packet->payload > packet->end) {
        fail("a TCP header's length can't be");
    }
    return true;
}

static uint8_t flags_of(const struct packet *packet)
{
    return packet->bytes[packet->tcp + 13];
}

static uint32_t payload_size(const struct packet *packet)
{
    return packet->end - packet->payload;
}

/* The packet's source (0) or destination (1). */
static struct stream end_point(const struct packet *packet, size_t which)
{
    struct stream stream = {.address_size = 4};
    uint32_t at = packet->ip + 12;
    if (packet->tcp - packet->ip == IPV6_SIZE && packet->bytes[packet->ip] >> 4 == 6) {
        stream.address_size = 16;
        at = packet->ip + 8;
    }
    memcpy(stream.address, packet->bytes + at + which * stream.address_size, stream.address_size);
    stream.port = read_be16(packet->bytes + packet->tcp + 2 * which);
    return stream;
}

static bool is_from(const struct stream *stream, const struct stream *source)
{
    return stream->port == source->port && stream->address_size == source->address_size &&
           memcmp(stream->address, source->address, source->address_size) == 0;
}

static void find_connection(struct capture *capture, struct packet *packet)
{
    struct stream source = end_point(packet, 0);
    struct stream destination = end_point(packet, 1);
    bool begins = (flags_of(packet) & (TCP_SYN | TCP_ACK)) == TCP_SYN;
    for (size_t i = 0; i < capture->connections_count; i++) {
        struct connection *connection = &capture->connections[i];
        for (int client = 0; client < 2; client++) {
            if (is_from(&connection->streams[client], &source) &&
                is_from(&connection->streams[1 - client], &destination)) {
                if (begins) {
                    fail("a port is used again"); /* they could not all be open at once */
                }
                packet->connection = connection;
                packet->direction = client;
                return;
            }
        }
    }
    if (!begins) {
        fail("a connection begins without SYN");
    }
    if (capture->connections_count == CONNECTIONS_MAX) {
        fail("more than %d connections", CONNECTIONS_MAX);
    }
    packet->connection = &capture->connections[capture->connections_count++];
    *packet->connection = (struct connection){.streams = {source, destination}};
}

static bool holds_quit(const struct packet *packet)
{
    struct span rest = span_of(packet->bytes + packet->payload, payload_size(packet));
    struct mcbp_frame frame;
    while (mcbp_frame_parse(rest, &frame) == MCBP_FRAME) {
        if (frame.header.opcode == MCBP_QUIT || frame.header.opcode == MCBP_QUITQ) {
            return true;
        }
        rest = span_skip(rest, frame.bytes.size);
    }
    return false;
}

/* Appends the payload to the round of its stream. */
static void add_payload(struct packet *packet)
{
    struct stream *stream = &packet->connection->streams[packet->direction];
    uint32_t size = payload_size(packet);
    packet->offset = stream->size;
    stream->round = grow(stream->round, stream->size + size + 1, 1);
    memcpy(stream->round + stream->size, packet->bytes + packet->payload, size);
    stream->size += size;
}

static void classify(struct packet *packet)
{
    struct connection *connection = packet->connection;
    struct stream *stream = &connection->streams[packet->direction];
    uint32_t sequence = read_be32(packet->bytes + packet->tcp + 4);
    uint8_t flags = flags_of(packet);
    if ((flags & TCP_SYN) != 0) {
        stream->next = sequence + 1;
    } else if (sequence != stream->next && payload_size(packet) > 0) {
        fail("packets are lost, repeated or out of order");
    } else {
        stream->next = sequence + payload_size(packet);
    }
    connection->sent_data |= payload_size(packet) > 0;
    connection->closing |= (flags & (TCP_FIN | TCP_RST)) != 0 || holds_quit(packet);
    if (!connection->sent_data && !connection->closing) {
        packet->part = OPENING;
    } else if (!connection->closing) {
        packet->part = ROUND;
        add_payload(packet);
    } else {
        packet->part = CLOSING;
    }
}

static void read_capture(struct capture *capture, const char *path)
{
    char message[PCAP_ERRBUF_SIZE];
    pcap_t *pcap = pcap_open_offline(path, message);
    if (pcap == NULL) {
        fail("%s", message);
    }
    capture->link = pcap_datalink(pcap);
    if (capture->link != DLT_EN10MB) {
        fail("%s: not Ethernet", path);
    }
    struct pcap_pkthdr *header;
    const unsigned char *bytes;
    int result;
    while ((result = pcap_next_ex(pcap, &header, &bytes)) == 1) {
        struct packet packet = {.header = *header, .bytes = grow(NULL, header->caplen, 1)};
        memcpy(packet.bytes, bytes, header->caplen);
        if (!find_headers(&packet)) {
            free(packet.bytes);
            continue;
        }
        find_connection(capture, &packet);
        classify(&packet);
        capture->packets =
            grow(capture->packets, capture->packets_count + 1, sizeof(*capture->packets));
        capture->packets[capture->packets_count++] = packet;
    }
    if (result != PCAP_ERROR_BREAK) {
        fail("%s: %s", path, pcap_geterr(pcap));
    }
    pcap_close(pcap);
}

/* ----------------------------------------------------------------------------------- counting */

static void count_stream(const struct stream *stream, struct counts *counts)
{
    struct span rest = span_of(stream->round, stream->size);
    struct mcbp_frame frame;
    while (rest.size > 0) {
        if (mcbp_frame_parse(rest, &frame) != MCBP_FRAME) {
            fail("a connection does not consist of whole frames before its end");
        }
        if (mcbp_magic_is_response(frame.header.magic)) {
            counts->answers++;
            counts->cas = frame.header.cas > counts->cas ? frame.header.cas : counts->cas;
        } else {
            counts->requests++;
            counts->stored += frame.value.size > 0 ? frame.key.size + frame.value.size : 0;
        }
        rest = span_skip(rest, frame.bytes.size);
    }
}

static struct counts count_round(const struct capture *capture)
{
    struct counts counts = {0};
    for (size_t i = 0; i < capture->connections_count; i++) {
        count_stream(&capture->connections[i].streams[0], &counts);
        count_stream(&capture->connections[i].streams[1], &counts);
    }
    return counts;
}

/* As if the server had counted on: what was said of a version is said of the next round's. */
static void raise_cas(struct stream *stream, uint64_t by)
{
    struct mcbp_frame frame;
    for (uint32_t at = 0; at < stream->size; at += (uint32_t)frame.bytes.size) {
        mcbp_frame_parse(span_of(stream->round + at, stream->size - at), &frame);
        if (frame.header.cas != 0) {
            write_be64(stream->round + at + CAS_OFFSET, frame.header.cas + by);
        }
    }
}

static int64_t time_of(const struct packet *packet)
{
    return (int64_t)packet->header.ts.tv_sec * MICROSECONDS + packet->header.ts.tv_usec;
}

/* A round takes as long as it took; the next one follows after the mean time between packets. */
static void find_period(struct capture *capture)
{
    int64_t end = INT64_MIN;
    int64_t count = 0;
    capture->begin = INT64_MAX;
    for (size_t i = 0; i < capture->packets_count; i++) {
        const struct packet *packet = &capture->packets[i];
        if (packet->part == ROUND) {
            int64_t time = time_of(packet);
            capture->begin = time < capture->begin ? time : capture->begin;
            end = time > end ? time : end;
            count++;
        }
    }
    if (count == 0) {
        fail("nothing to repeat");
    }
    capture->period = end - capture->begin + (end - capture->begin) / count + 1;
}

/* ------------------------------------------------------------------------------------ writing */

static uint32_t sum_words(const uint8_t *bytes, size_t size)
{
    uint32_t sum = 0;
    for (size_t i = 0; i + 1 < size; i += 2) {
        sum += read_be16(bytes + i); /* at most 32,768 times 65,535: it fits */
    }
    if (size % 2 != 0) {
        sum += (uint32_t)bytes[size - 1] << 8;
    }
    return (sum & 0xffff) + (sum >> 16);
}

static uint16_t fold(uint32_t sum)
{
    while (sum > 0xffff) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return (uint16_t)~sum;
}

/* RFC 1071, with the pseudo-headers of RFC 9293 and RFC 8200. */
static void correct_checksums(const struct packet *packet)
{
    uint8_t *ip = packet->bytes + packet->ip;
    uint8_t *tcp = packet->bytes + packet->tcp;
    uint32_t size = packet->end - packet->tcp;
    uint32_t sum = IP_TCP + (size >> 16) + (size & 0xffff);
    if (ip[0] >> 4 == 4) {
        write_be16(ip + 10, 0);
        write_be16(ip + 10, fold(sum_words(ip, packet->tcp - packet->ip)));
        sum += sum_words(ip + 12, 8);
    } else {
        sum += sum_words(ip + 8, 32);
    }
    write_be16(tcp + 16, 0);
    write_be16(tcp + 16, fold(sum + sum_words(tcp, size)));
}

/* Writes the packet as that of round `round`, counted from 0. */
static void write_packet(const struct capture *capture, pcap_dumper_t *dumper,
                         const struct packet *packet, uint32_t round, uint64_t *written)
{
    const struct stream *own = &packet->connection->streams[packet->direction];
    const struct stream *other = &packet->connection->streams[1 - packet->direction];
    uint8_t *tcp = packet->bytes + packet->tcp;
    uint32_t sequence = read_be32(tcp + 4);
    uint32_t acknowledgement = read_be32(tcp + 8);
    int64_t time = time_of(packet) + (int64_t)round * capture->period;
    if (packet->part == OPENING && time > capture->begin) {
        time = capture->begin;
    }
    if (packet->part == ROUND) {
        memcpy(packet->bytes + packet->payload, own->round + packet->offset, payload_size(packet));
    }
    struct pcap_pkthdr header = packet->header;
    header.ts.tv_sec = time / MICROSECONDS;
    header.ts.tv_usec = time % MICROSECONDS;

    write_be32(tcp + 4, sequence + round * own->size);
    write_be32(tcp + 8, acknowledgement == 0 ? 0 : acknowledgement + round * other->size);
    correct_checksums(packet);
    pcap_dump((unsigned char *)dumper, &header, packet->bytes);
    write_be32(tcp + 4, sequence);
    write_be32(tcp + 8, acknowledgement);
    (*written)++;
}

static void write_part(const struct capture *capture, pcap_dumper_t *dumper, enum part part,
                       uint32_t round, uint64_t *written)
{
    for (size_t i = 0; i < capture->packets_count; i++) {
        if (capture->packets[i].part == part) {
            write_packet(capture, dumper, &capture->packets[i], round, written);
        }
    }
}

static uint64_t write_capture(struct capture *capture, const char *path, uint32_t rounds,
                              uint64_t cas)
{
    uint64_t written = 0;
    pcap_t *pcap = pcap_open_dead(capture->link, 262144);
    pcap_dumper_t *dumper = pcap == NULL ? NULL : pcap_dump_open(pcap, path);
    if (dumper == NULL) {
        fail("%s", pcap == NULL ? "out of memory" : pcap_geterr(pcap));
    }
    write_part(capture, dumper, OPENING, 0, &written);
    for (uint32_t round = 0; round < rounds; round++) {
        write_part(capture, dumper, ROUND, round, &written);
        for (size_t i = 0; i < capture->connections_count; i++) {
            raise_cas(&capture->connections[i].streams[0], cas);
            raise_cas(&capture->connections[i].streams[1], cas);
        }
    }
    write_part(capture, dumper, CLOSING, rounds - 1, &written);
    if (pcap_dump_flush(dumper) != 0 || ferror(pcap_dump_file(dumper))) {
        fail("%s: can't be written", path);
    }
    pcap_dump_close(dumper);
    pcap_close(pcap);
    return written;
}

static void release(struct capture *capture)
{
    for (size_t i = 0; i < capture->packets_count; i++) {
        free(capture->packets[i].bytes);
    }
    for (size_t i = 0; i < capture->connections_count; i++) {
        free(capture->connections[i].streams[0].round);
        free(capture->connections[i].streams[1].round);
    }
    free(capture->packets);
}

int main(int argc, char **argv)
{
    static struct capture capture;
    uint64_t wanted = argc == 4 ? strtoull(argv[3], NULL, 10) : 0;
    if (wanted == 0) {
        fputs("usage: bench_enlarge IN.pcap OUT.pcap PAIRS\n", stderr);
        return 2;
    }
    read_capture(&capture, argv[1]);
    find_period(&capture);
    struct counts counts = count_round(&capture);
    uint64_t pairs = counts.requests < counts.answers ? counts.requests : counts.answers;
    if (pairs == 0) {
        fail("%s: no answers", argv[1]);
    }
    uint64_t rounds = (wanted + pairs - 1) / pairs;
    if (rounds > UINT32_MAX) {
        fail("too many");
    }
    uint64_t packets = write_capture(&capture, argv[2], (uint32_t)rounds, counts.cas);
    printf("rounds %" PRIu64 "\npairs %" PRIu64 "\nframes %" PRIu64 "\npackets %" PRIu64
           "\nconnections %zu\nstored %" PRIu64 "\nport %u\n",
           rounds, rounds * pairs, rounds * (counts.requests + counts.answers), packets,
           capture.connections_count, counts.stored, capture.connections[0].streams[1].port);
    release(&capture);
    return 0;
}
