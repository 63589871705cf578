#include "trace.h"

#include "base/endian.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    LINK_RAW_IP = 101,
    IPV4_SIZE = 20,
    IPV6_SIZE = 40,
    TCP_SIZE = 20,
    UDP_SIZE = 8,
    SNAP_LENGTH = 256 * 1024,
    NANOSECONDS = 1000000000,
};

static uint8_t *reserve(struct trace *trace, size_t size)
{
    if (trace->size + size > trace->room) {
        trace->room = 2 * (trace->size + size);
        trace->bytes = realloc(trace->bytes, trace->room);
        assert_non_null(trace->bytes);
    }
    uint8_t *at = trace->bytes + trace->size;
    memset(at, 0, size);
    trace->size += size;
    return at;
}

void trace_clear(struct trace *trace)
{
    const struct {
        uint32_t magic;
        uint16_t major;
        uint16_t minor;
        uint32_t zeros[2];
        uint32_t snap_length;
        uint32_t link;
    } header = {0xa1b23c4d, 2, 4, {0, 0}, SNAP_LENGTH, LINK_RAW_IP};
    trace->size = 0;
    memcpy(reserve(trace, sizeof(header)), &header, sizeof(header));
}

void trace_init(struct trace *trace)
{
    *trace = (struct trace){0};
    trace_clear(trace);
}

void trace_deinit(struct trace *trace)
{
    if (trace->path[0] != '\0') {
        unlink(trace->path);
    }
    free(trace->bytes);
}

/* What a sender leaves to its network card (BIG TCP) has no length that 16 bits could say. */
static uint16_t length_field(size_t length)
{
    return length <= UINT16_MAX ? (uint16_t)length : 0;
}

static void add_ip(struct trace *trace, const struct net_segment *segment, size_t length)
{
    if (segment->source.family == 4) {
        uint8_t *ip = reserve(trace, IPV4_SIZE);
        ip[0] = 0x45;
        write_be16(ip + 2, length_field(IPV4_SIZE + length));
        ip[8] = 64;
        ip[9] = (uint8_t)segment->protocol;
        memcpy(ip + 12, segment->source.address, 4);
        memcpy(ip + 16, segment->destination.address, 4);
    } else {
        uint8_t *ip = reserve(trace, IPV6_SIZE);
        ip[0] = 0x60;
        write_be16(ip + 4, length_field(length));
        ip[6] = (uint8_t)segment->protocol;
        ip[7] = 64;
        memcpy(ip + 8, segment->source.address, 16);
        memcpy(ip + 24, segment->destination.address, 16);
    }
}

static void add_transport(struct trace *trace, const struct net_segment *segment, size_t length)
{
    uint8_t *at = reserve(trace, segment->protocol == NET_TCP ? TCP_SIZE : UDP_SIZE);
    write_be16(at, segment->source.port);
    write_be16(at + 2, segment->destination.port);
    if (segment->protocol == NET_UDP) {
        write_be16(at + 4, (uint16_t)length);
        return;
    }
    write_be32(at + 4, segment->sequence);
    write_be32(at + 8, segment->acknowledgement);
    at[12] = TCP_SIZE / 4 << 4;
    at[13] = segment->flags;
    write_be16(at + 14, UINT16_MAX);
}

void trace_add(struct trace *trace, const struct net_segment *segment, int64_t time)
{
    size_t transport = segment->protocol == NET_TCP ? TCP_SIZE : UDP_SIZE;
    size_t ip = segment->source.family == 4 ? IPV4_SIZE : IPV6_SIZE;
    size_t length = transport + segment->payload.size + segment->cut;
    assert_true(segment->protocol == NET_TCP || length + ip <= UINT16_MAX);
    assert_true(length + ip <= SNAP_LENGTH);
    const uint32_t record[] = {
        (uint32_t)(time / NANOSECONDS),
        (uint32_t)(time % NANOSECONDS),
        (uint32_t)(ip + length - segment->cut),
        (uint32_t)(ip + length),
    };
    memcpy(reserve(trace, sizeof(record)), record, sizeof(record));
    add_ip(trace, segment, length);
    add_transport(trace, segment, length);
    if (segment->payload.size > 0) {
        memcpy(reserve(trace, segment->payload.size), segment->payload.data, segment->payload.size);
    }
}

const char *trace_save(struct trace *trace)
{
    int file;
    if (trace->path[0] == '\0') {
        snprintf(trace->path, sizeof(trace->path), "/tmp/kvreplay-test-XXXXXX");
        file = mkstemp(trace->path);
        assert_true(file >= 0);
        close(file);
    }
    FILE *stream = fopen(trace->path, "wb");
    assert_non_null(stream);
    assert_int_equal(fwrite(trace->bytes, 1, trace->size, stream), trace->size);
    assert_int_equal(fclose(stream), 0);
    return trace->path;
}
