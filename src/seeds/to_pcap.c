/* A stream as a capture: what a client says, in TCP segments over IPv4, without checksums of TCP.
 */
#include "base/endian.h"
#include "net/checksum.h"
#include "seeds/seeds.h"
#include "seeds/writing.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    PREAMBLE = 8,
    SEGMENT_MAX = 1400,
    HEADERS = 20 + 20,
    LINK_RAW = 101,
    SYN = 0x02,
    ACK = 0x10,
    PSH = 0x08,
    FIN = 0x01,
};

struct talk {
    FILE *out;
    uint32_t sequence[2];
    unsigned packets;
};

static void put_ip(uint8_t *ip, size_t size, int from)
{
    static const uint8_t ends[2][4] = {{192, 0, 2, 1}, {192, 0, 2, 2}};
    struct checksum sum = {0};
    memset(ip, 0, 20);
    ip[0] = 0x45;
    write_be16(ip + 2, (uint16_t)size);
    ip[8] = 64;
    ip[9] = 6;
    memcpy(ip + 12, ends[from], 4);
    memcpy(ip + 16, ends[1 - from], 4);
    checksum_add(&sum, span_of(ip, 20));
    write_be16(ip + 10, checksum_of(&sum));
}

static void to_pcap_put_tcp(uint8_t *tcp, const struct talk *talk, int from, uint8_t flags)
{
    static const uint16_t ports[2] = {40001, 11211};
    memset(tcp, 0, 20);
    write_be16(tcp, ports[from]);
    write_be16(tcp + 2, ports[1 - from]);
    write_be32(tcp + 4, talk->sequence[from]);
    write_be32(tcp + 8, (flags & ACK) != 0 ? talk->sequence[1 - from] : 0);
    tcp[12] = 5 << 4;
    tcp[13] = flags;
    write_be16(tcp + 14, UINT16_MAX);
}

static void to_pcap_say(struct talk *talk, int from, uint8_t flags, struct span payload)
{
    uint8_t record[PCAP_RECORD_SIZE];
    uint8_t headers[HEADERS];
    size_t size = HEADERS + payload.size;
    int64_t time = INT64_C(1700000000000000000) + talk->packets++ * INT64_C(1000000);
    pcap_put_record(record, time, (uint32_t)size, (uint32_t)size);
    put_ip(headers, size, from);
    to_pcap_put_tcp(headers + 20, talk, from, flags);
    fwrite(record, 1, sizeof(record), talk->out);
    fwrite(headers, 1, sizeof(headers), talk->out);
    if (payload.size > 0) {
        fwrite(payload.data, 1, payload.size, talk->out);
    }
    talk->sequence[from] += (uint32_t)payload.size + ((flags & (SYN | FIN)) != 0);
}

static void write_talk(FILE *out, struct span stream)
{
    struct talk talk = {.out = out, .sequence = {1000, 2000}};
    struct span nothing = span_of(NULL, 0);
    uint8_t header[PCAP_HEADER_SIZE];
    pcap_put_header(header, LINK_RAW);
    fwrite(header, 1, sizeof(header), out);
    to_pcap_say(&talk, 0, SYN, nothing);
    to_pcap_say(&talk, 1, SYN | ACK, nothing);
    to_pcap_say(&talk, 0, ACK, nothing);
    while (stream.size > 0) {
        size_t size = stream.size < SEGMENT_MAX ? stream.size : SEGMENT_MAX;
        to_pcap_say(&talk, 0, ACK | PSH, span_head(stream, size));
        stream = span_skip(stream, size);
    }
    to_pcap_say(&talk, 0, FIN | ACK, nothing);
    to_pcap_say(&talk, 1, FIN | ACK, nothing);
    to_pcap_say(&talk, 0, ACK, nothing);
}

bool seeds_to_pcap(const char *input, FILE *out)
{
    enum { INPUT_MAX = 1 << 20 };
    FILE *file = fopen(input, "rbe");
    uint8_t *bytes = malloc(INPUT_MAX);
    bool done = false;
    if (file != NULL && bytes != NULL) {
        size_t size = fread(bytes, 1, INPUT_MAX, file);
        done = ferror(file) == 0;
        if (done) {
            size_t skip = size < PREAMBLE ? size : PREAMBLE;
            write_talk(out, span_skip(span_of(bytes, size), skip));
        }
    }
    int reason = errno;
    if (file != NULL) {
        fclose(file);
    }
    free(bytes);
    errno = reason;
    return done;
}
