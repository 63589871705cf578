#include "anonymise/checksums.h"

#include "base/endian.h"
#include "net/checksum.h"

enum { ICMP = 1, CHECKSUM_SIZE = 2 };
static const uint64_t STREAM_OF_CHECKSUMS = UINT64_MAX; /* no other has that number */

/* The addresses, the protocol and the length are summed up too, but not by ICMP on IPv4. */
static struct checksum begin_sum(const struct checksummed *sums)
{
    struct checksum none = {0};
    if (sums->protocol == ICMP) {
        return none;
    }
    return checksum_pseudo_header(sums->source, sums->destination, sums->protocol,
                                  sums->before.size);
}

static struct checksum sum_of(const struct checksummed *sums, struct span bytes)
{
    struct checksum sum = begin_sum(sums);
    checksum_add(&sum, bytes);
    return sum;
}

/* What is right in the place of the two bytes at `at`. */
static uint16_t right(const struct checksummed *sums, uint32_t at)
{
    struct checksum sum = sum_of(sums, sums->after);
    sum.sum += (uint16_t)~read_be16(sums->after.data + at); /* takes off what is there */
    uint16_t checksum = checksum_of(&sum);
    return checksum == 0 && sums->protocol == NET_UDP ? UINT16_MAX : checksum;
}

static bool is_right(const struct checksummed *sums)
{
    struct checksum sum = sum_of(sums, sums->before);
    return checksum_of(&sum) == 0;
}

/* None, or left to the network card: the payload is not in it. Nobody takes it for wrong. */
static bool says_nothing(const struct checksummed *sums, uint16_t checksum)
{
    struct checksum addresses = begin_sum(sums);
    uint16_t left_to_card = (uint16_t)~checksum_of(&addresses);
    return sums->protocol != ICMP && (checksum == 0 || checksum == left_to_card);
}

/* A wrong one stays that: other than the right one (0xffff and 0 are the same in a sum), and one
 * that says something. */
static void write_wrong(struct secret *secret, const struct checksummed *sums, uint32_t at,
                        uint8_t bytes[2])
{
    uint16_t avoided = right(sums, at);
    secret_noise(secret, STREAM_OF_CHECKSUMS, sums->number * CHECKSUM_SIZE, bytes, 2);
    while (read_be16(bytes) % UINT16_MAX == avoided % UINT16_MAX ||
           says_nothing(sums, read_be16(bytes))) {
        write_be16(bytes, (uint16_t)(read_be16(bytes) + 1));
    }
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
    if (span_equal(sums->before, sums->after) || none) {
        counts->kept++;
        write_be16(bytes, before);
    } else if (sums->whole && is_right(sums)) {
        counts->renewed++;
        write_be16(bytes, right(sums, at));
    } else if (says_nothing(sums, before)) {
        counts->kept++;
        write_be16(bytes, before);
    } else {
        counts->unknown++;
        write_wrong(secret, sums, at, bytes);
    }
    return true;
}
