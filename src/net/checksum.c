#include "net/checksum.h"

#include "base/endian.h"

/* One byte at the place that it has in its 16-bit word. */
static void add_byte(struct checksum *checksum, uint8_t byte)
{
    checksum->sum += checksum->odd ? byte : (uint32_t)byte << 8;
    checksum->odd = !checksum->odd;
}

void checksum_add(struct checksum *checksum, struct span bytes)
{
    if (checksum->odd && bytes.size > 0) {
        add_byte(checksum, bytes.data[0]);
        bytes = span_skip(bytes, 1);
    }
    /* 65536 = 1 modulo 65535, so that 32-bit words may be summed up instead of 16-bit ones. */
    while (bytes.size >= sizeof(uint32_t)) {
        checksum->sum += read_be32(bytes.data);
        bytes = span_skip(bytes, sizeof(uint32_t));
    }
    for (size_t i = 0; i < bytes.size; i++) {
        add_byte(checksum, bytes.data[i]);
    }
}

struct checksum checksum_pseudo_header(const struct net_endpoint *source,
                                       const struct net_endpoint *destination, uint8_t protocol,
                                       size_t size)
{
    struct checksum checksum = {.sum = protocol + size};
    size_t address = source->family == 4 ? 4 : 16;
    checksum_add(&checksum, span_of(source->address, address));
    checksum_add(&checksum, span_of(destination->address, address));
    return checksum;
}

uint16_t checksum_of(const struct checksum *checksum)
{
    uint64_t sum = checksum->sum;
    while (sum > UINT16_MAX) {
        sum = (sum >> 16) + (sum & UINT16_MAX);
    }
    return (uint16_t)~sum;
}
