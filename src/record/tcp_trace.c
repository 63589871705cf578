#include "record/tcp_trace.h"

#include "base/endian.h"
#include "net/checksum.h"

enum {
    ETHERNET_SIZE = 14,
    IPV4_SIZE = 20,
    IPV6_SIZE = 40,
    TCP_SIZE = 20,
    OPTIONS_SIZE = 8,
    PIECES_MAX = 16, /* in a segment */
    HOPS = 64,
    DONT_FRAGMENT = 0x4000,
    PUSH = 0x08,
    WINDOW_SCALE = 14, /* RFC 7323: the largest. Nobody's window is ever full */
};

struct segment {
    enum tcp_side from;
    uint8_t flags;
    const struct span *pieces;
    size_t count;
    size_t size; /* of the pieces */
};

/* ------------------------------------------------------------------------ headers */

/* Addresses that nobody has: locally administered. */
static void put_ethernet(uint8_t *ethernet, enum tcp_side from, bool ipv6)
{
    static const uint8_t addresses[2][6] = {{2, 0, 0, 0, 0, 1}, {2, 0, 0, 0, 0, 2}};
    memcpy(ethernet, addresses[1 - from], 6);
    memcpy(ethernet + 6, addresses[from], 6);
    write_be16(ethernet + 12, ipv6 ? 0x86dd : 0x0800);
}

static void put_ipv4(uint8_t *ip, const struct tcp_trace *trace, enum tcp_side from, size_t size)
{
    struct checksum checksum = {0};
    ip[0] = 4 << 4 | IPV4_SIZE / 4;
    write_be16(ip + 2, (uint16_t)(IPV4_SIZE + size));
    write_be16(ip + 6, DONT_FRAGMENT);
    ip[8] = HOPS;
    ip[9] = NET_TCP;
    memcpy(ip + 12, trace->ends[from].address, 4);
    memcpy(ip + 16, trace->ends[1 - from].address, 4);
    checksum_add(&checksum, span_of(ip, IPV4_SIZE));
    write_be16(ip + 10, checksum_of(&checksum));
}

static void put_ipv6(uint8_t *ip, const struct tcp_trace *trace, enum tcp_side from, size_t size)
{
    ip[0] = 6 << 4;
    write_be16(ip + 4, (uint16_t)size);
    ip[6] = NET_TCP;
    ip[7] = HOPS;
    memcpy(ip + 8, trace->ends[from].address, 16);
    memcpy(ip + 24, trace->ends[1 - from].address, 16);
}

/* A SYN says the largest segment and how the window is scaled. */
static size_t put_options(uint8_t *options, uint8_t flags)
{
    static const uint8_t syn[OPTIONS_SIZE] = {2, 4, TCP_TRACE_MSS >> 8, TCP_TRACE_MSS & 0xff,
                                              3, 3, WINDOW_SCALE,       0};
    if ((flags & NET_SYN) == 0) {
        return 0;
    }
    memcpy(options, syn, sizeof(syn));
    return sizeof(syn);
}

static size_t tcp_trace_put_tcp(uint8_t *tcp, const struct tcp_trace *trace,
                                const struct segment *segment)
{
    enum tcp_side from = segment->from;
    size_t size = TCP_SIZE + put_options(tcp + TCP_SIZE, segment->flags);
    write_be16(tcp, trace->ends[from].port);
    write_be16(tcp + 2, trace->ends[1 - from].port);
    write_be32(tcp + 4, trace->next[from]);
    write_be32(tcp + 8, (segment->flags & NET_ACK) != 0 ? trace->next[1 - from] : 0);
    tcp[12] = (uint8_t)(size / 4 << 4);
    tcp[13] = segment->flags;
    write_be16(tcp + 14, UINT16_MAX);
    return size;
}

static uint16_t tcp_checksum(const struct tcp_trace *trace, const struct segment *segment,
                             struct span header)
{
    struct checksum checksum = checksum_pseudo_header(
        &trace->ends[TCP_CLIENT], &trace->ends[TCP_SERVER], NET_TCP, header.size + segment->size);
    checksum_add(&checksum, header);
    for (size_t i = 0; i < segment->count; i++) {
        checksum_add(&checksum, segment->pieces[i]);
    }
    return checksum_of(&checksum);
}

/* ------------------------------------------------------------------------ segments */

static bool write_segment(struct tcp_trace *trace, int64_t time, const struct segment *segment)
{
    uint8_t headers[ETHERNET_SIZE + IPV6_SIZE + TCP_SIZE + OPTIONS_SIZE] = {0};
    bool ipv6 = trace->ends[TCP_CLIENT].family == 6;
    uint8_t *ip = headers + ETHERNET_SIZE;
    uint8_t *tcp = ip + (ipv6 ? IPV6_SIZE : IPV4_SIZE);
    size_t tcp_size = tcp_trace_put_tcp(tcp, trace, segment);
    size_t size = (size_t)(tcp - headers) + tcp_size; /* of all headers */
    put_ethernet(headers, segment->from, ipv6);
    (ipv6 ? put_ipv6 : put_ipv4)(ip, trace, segment->from, tcp_size + segment->size);
    write_be16(tcp + 16, tcp_checksum(trace, segment, span_of(tcp, tcp_size)));
    struct span parts[1 + PIECES_MAX] = {span_of(headers, size)};
    for (size_t i = 0; i < segment->count; i++) {
        parts[1 + i] = segment->pieces[i];
    }
    return tape_write(trace->tape, time, (uint32_t)(size + segment->size), parts,
                      1 + segment->count);
}

/* A segment without data. */
static bool tcp_trace_say(struct tcp_trace *trace, enum tcp_side from, uint8_t flags, int64_t time)
{
    bool written = write_segment(trace, time, &(struct segment){.from = from, .flags = flags});
    trace->next[from] += (flags & (NET_SYN | NET_FIN)) != 0; /* these count as a byte */
    trace->unacknowledged[1 - from] = 0;
    return written;
}

bool tcp_trace_open(struct tcp_trace *trace, int64_t time)
{
    return tcp_trace_say(trace, TCP_CLIENT, NET_SYN, time) &&
           tcp_trace_say(trace, TCP_SERVER, NET_SYN | NET_ACK, time) &&
           tcp_trace_say(trace, TCP_CLIENT, NET_ACK, time);
}

static bool send_segment(struct tcp_trace *trace, int64_t time, const struct segment *segment)
{
    enum tcp_side from = segment->from;
    bool written = write_segment(trace, time, segment);
    trace->next[from] += (uint32_t)segment->size;
    trace->unacknowledged[from] += (uint32_t)segment->size;
    trace->unacknowledged[1 - from] = 0;
    if (written && trace->unacknowledged[from] >= 2 * TCP_TRACE_MSS) {
        written = tcp_trace_say(trace, 1 - from, NET_ACK, time);
    }
    return written;
}

bool tcp_trace_data(struct tcp_trace *trace, enum tcp_side from, int64_t time,
                    const struct span *pieces, size_t count)
{
    struct span parts[PIECES_MAX];
    struct segment segment = {.from = from, .pieces = parts};
    struct span rest = count > 0 ? pieces[0] : span_of(NULL, 0);
    bool written = true;
    for (size_t i = 0; written && i < count && !trace->over;) {
        size_t room = TCP_TRACE_MSS - segment.size;
        size_t size = rest.size < room ? rest.size : room;
        parts[segment.count++] = span_head(rest, size);
        segment.size += size;
        rest = span_skip(rest, size);
        if (rest.size == 0 && ++i < count) {
            rest = pieces[i];
        }
        bool last = i == count;
        if (last || segment.size == TCP_TRACE_MSS || segment.count == PIECES_MAX) {
            segment.flags = NET_ACK | (last ? PUSH : 0);
            written = segment.size == 0 || send_segment(trace, time, &segment);
            segment.count = segment.size = 0;
        }
    }
    return written;
}

/* ------------------------------------------------------------------------ ends */

bool tcp_trace_end(struct tcp_trace *trace, enum tcp_side from, int64_t time)
{
    return trace->over || (tcp_trace_say(trace, from, NET_FIN | NET_ACK, time) &&
                           tcp_trace_say(trace, 1 - from, NET_ACK, time));
}

bool tcp_trace_reset(struct tcp_trace *trace, enum tcp_side from, int64_t time)
{
    bool written = trace->over || tcp_trace_say(trace, from, NET_RST | NET_ACK, time);
    trace->over = true;
    return written;
}
