#include "anonymise/checksums.h"

#include "base/endian.h"

enum { ICMP = 1, CHECKSUM_SIZE = 2 };
static const uint64_t STREAM_OF_CHECKSUMS = UINT64_MAX; /* no other has that number */

/* RFC 1071. */
static uint64_t add(uint64_t sum, const uint8_t *bytes, size_t size)
{
    size_t i = 0;
    for (; i + 1 < size; i += 2) {
        sum += read_be16(bytes + i);
    }
    return i < size ? sum + (uint64_t)(bytes[i] << 8) : sum;
}

static uint16_t fold(uint64_t sum)
{
    while (sum >> 16 != 0) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return (uint16_t)sum;
}

/* The addresses, the protocol and the length, which are summed up too, but not by ICMP on IPv4. */
static uint64_t add_pseudo_header(const struct checksummed *sums)
{
    if (sums->protocol == ICMP) {
        return 0;
    }
    size_t size = sums->source->family == 4 ? 4 : 16;
    uint64_t sum = add(0, sums->source->address, size);
    sum = add(sum, sums->destination->address, size);
    return sum + sums->protocol + (sums->before.size & 0xffff) + (sums->before.size >> 16);
}

static uint16_t sum_of(const struct checksummed *sums, struct span bytes)
{
    return fold(add(add_pseudo_header(sums), bytes.data, bytes.size));
}

/* What is right in the place of the two bytes at `at`. */
static uint16_t right(const struct checksummed *sums, uint32_t at)
{
    uint16_t there = read_be16(sums->after.data + at);
    uint64_t sum = (uint64_t)sum_of(sums, sums->after) + (uint16_t)~there;
    uint16_t checksum = (uint16_t)~fold(sum);
    return checksum == 0 && sums->protocol == NET_UDP ? UINT16_MAX : checksum;
}

bool checksum_renew(struct secret *secret, const struct checksummed *sums,
                    struct checksum_counts *counts, uint8_t bytes[2])
{
    uint32_t at = layout_checksum_at(sums->protocol);
    if (at == 0 || sums->before.size < at + CHECKSUM_SIZE) {
        return false;
    }
    uint16_t before = read_be16(sums->before.data + at);
    bool none = sums->protocol == NET_UDP && before == 0;
    if (span_equal(sums->before, sums->after) || none ||
        (sums->protocol != ICMP && before == fold(add_pseudo_header(sums)))) {
        counts->kept++;
        write_be16(bytes, before);
    } else if (sums->whole && sum_of(sums, sums->before) == UINT16_MAX) {
        counts->renewed++;
        write_be16(bytes, right(sums, at));
    } else {
        counts->unknown++;
        secret_noise(secret, STREAM_OF_CHECKSUMS, sums->number * CHECKSUM_SIZE, bytes, 2);
        if (read_be16(bytes) == right(sums, at)) {
            bytes[0] ^= 1;
        }
    }
    return true;
}
