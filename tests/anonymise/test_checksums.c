/*
 * Checksums after anonymise: net takes them for what they were before.
 */
#include "anonymise/checksums.h"
#include "base/endian.h"
#include "net/checksum.h"
#include "net/sum.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>
// cmocka needs the three before it
#include <cmocka.h>

enum { SIZE = 20 + 33, CHECKSUM_AT = 16 };

static const struct net_endpoint CLIENT = {4, {10, 0, 0, 1}, 49152};
static const struct net_endpoint SERVER = {4, {10, 0, 0, 2}, 11211};

static enum net_sum sum_of(const uint8_t *bytes)
{
    struct net_segment segment = {.protocol = NET_TCP,
                                  .source = CLIENT,
                                  .destination = SERVER,
                                  .payload = span_of(bytes + 20, SIZE - 20),
                                  .transport = span_of(bytes, SIZE)};
    return net_segment_sum(&segment);
}

/* The sum of addresses, protocol and length, to which the network card adds the rest. */
static uint16_t left_to_card(void)
{
    static const uint8_t bytes[] = {10, 0, 0, 1, 10, 0, 0, 2, 0, NET_TCP, 0, SIZE};
    struct checksum sum = {0};
    checksum_add(&sum, span_of(bytes, sizeof(bytes)));
    return (uint16_t)~checksum_of(&sum);
}

/* The number by which the sum becomes right. */
static uint16_t right(const uint8_t *bytes)
{
    struct checksum sum = {0};
    uint8_t all[SIZE + 1 + 2] = {0};
    memcpy(all, bytes, SIZE);
    write_be16(all + CHECKSUM_AT, 0);
    write_be16(all + SIZE + 1, left_to_card());
    checksum_add(&sum, span_of(all, sizeof(all)));
    return checksum_of(&sum);
}

static void fill(uint8_t *bytes, unsigned *seed)
{
    for (int i = 0; i < SIZE; i++) {
        bytes[i] = (uint8_t)rand_r(seed);
    }
}

/* Replaces the payload, and says what net makes of the sum then. */
static enum net_sum renew(struct secret *secret, const uint8_t before[SIZE], unsigned *seed)
{
    uint8_t after[SIZE];
    struct checksum_counts counts = {0};
    static uint64_t number;
    memcpy(after, before, SIZE);
    for (int i = 20; i < SIZE; i++) {
        after[i] = (uint8_t)rand_r(seed);
    }
    struct checksummed sums = {.protocol = NET_TCP,
                               .whole = true,
                               .source = &CLIENT,
                               .destination = &SERVER,
                               .before = span_of(before, SIZE),
                               .after = span_of(after, SIZE),
                               .number = number++};
    uint8_t checksum[2];
    assert_true(checksum_renew(secret, &sums, &counts, checksum));
    memcpy(after + CHECKSUM_AT, checksum, 2);
    return sum_of(after);
}

static void what_is_right_stays_right_also_if_it_is_zero(void **state)
{
    unsigned seed = (unsigned)time(NULL);
    print_message("seed %u\n", seed);
    for (int i = 0; i < 1000; i++) {
        uint8_t before[SIZE];
        fill(before, &seed);
        write_be16(before + CHECKSUM_AT, right(before));
        assert_int_equal(sum_of(before), NET_SUM_RIGHT);
        assert_int_equal(renew(*state, before, &seed), NET_SUM_RIGHT);

        uint16_t wanted = i % 2 == 0 ? 0 : left_to_card(); /* by a word of the payload */
        write_be16(before + 20, 0);
        write_be16(before + CHECKSUM_AT, wanted);
        uint32_t lacks = (uint32_t)right(before) + (uint16_t)~wanted;
        write_be16(before + 20, (uint16_t)((lacks & 0xffff) + (lacks >> 16)));
        assert_int_equal(sum_of(before), NET_SUM_RIGHT);
        assert_int_equal(renew(*state, before, &seed), NET_SUM_RIGHT);
    }
}

static void what_says_nothing_goes_on_saying_nothing(void **state)
{
    unsigned seed = 1; /* one payload in 65536 has that sum */
    for (int i = 0; i < 1000; i++) {
        uint8_t before[SIZE];
        fill(before, &seed);
        write_be16(before + CHECKSUM_AT, i % 2 == 0 ? 0 : left_to_card());
        assert_int_equal(sum_of(before), NET_SUM_UNKNOWN);
        assert_int_equal(renew(*state, before, &seed), NET_SUM_UNKNOWN);
    }
}

static void what_is_wrong_stays_wrong(void **state)
{
    unsigned seed = (unsigned)time(NULL);
    print_message("seed %u\n", seed);
    for (int i = 0; i < 200000; i++) {
        uint8_t before[SIZE];
        fill(before, &seed);
        if (sum_of(before) == NET_SUM_WRONG) {
            assert_int_equal(renew(*state, before, &seed), NET_SUM_WRONG);
        }
    }
}

static int create(void **state)
{
    static const char secret[] = "sixteen bytes and more";
    *state = secret_create(span_of(secret, sizeof(secret)));
    return *state == NULL ? -1 : 0;
}

static int destroy(void **state)
{
    secret_destroy(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_right_stays_right_also_if_it_is_zero),
        cmocka_unit_test(what_says_nothing_goes_on_saying_nothing),
        cmocka_unit_test(what_is_wrong_stays_wrong),
    };
    return cmocka_run_group_tests(tests, create, destroy);
}
