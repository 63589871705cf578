#include "live/own_text.h"

#include "base/endian.h"
#include "check/compare.h"

#include <stdlib.h>

enum {
    HEX_SIZE = 18,                /* 0x and 16 digits */
    TIME_DIGITS = 10,             /* of Unix time, until 2286 */
    TIME_MIN = 60 * 60 * 24 * 30, /* what is not larger is a span, not a point */
    TOLERANCE = 2, /* seconds: each side rounds, and the answer comes a little later */
};

bool own_is_as_late(const struct translation *t, uint64_t there, uint64_t here)
{
    const struct lateness *lateness = &t->run->lateness;
    bool recorded = t->pair->reference_track == RECORDED;
    if (there <= TIME_MIN || here <= TIME_MIN || there > UINT32_MAX || here > UINT32_MAX) {
        return false;
    }
    int64_t later = (int64_t)here - (int64_t)there;
    return later >= (recorded ? lateness->least : 0) - TOLERANCE &&
           later <= (recorded ? lateness->most : 0) + TOLERANCE;
}

static bool is_hex(uint8_t byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f');
}

/* HEX_SIZE bytes. */
static bool read_hex(const uint8_t *text, uint64_t *number)
{
    char digits[HEX_SIZE + 1] = {0};
    for (int i = 2; i < HEX_SIZE; i++) {
        if (!is_hex(text[i])) {
            return false;
        }
    }
    memcpy(digits, text, HEX_SIZE);
    *number = strtoull(digits, NULL, 16);
    return text[0] == '0' && text[1] == 'x';
}

/* The number is known as one of that kind on either side: whether both belong together. */
static bool is_known(struct translation *t, const struct bound *from, uint64_t to, bool *agrees)
{
    uint64_t belongs;
    struct bound given = *from;
    given.value = to;
    bool found = from->value != 0 && bindings_find(t->bindings, from, &belongs);
    *agrees = found && belongs == to;
    return found || (to != 0 && bindings_is_given(t->bindings, &given));
}

/* They stand for each other. What was never seen in another place is bound here. */
static bool stand_for_each_other(struct translation *t, uint64_t there, uint64_t here)
{
    uint16_t vbucket = t->pair->exchange->vbucket;
    uint64_t expected;
    bool agrees;
    struct bound known[] = {
        {BOUND_CAS, vbucket, there},
        {BOUND_VBUCKET_UUID, vbucket, there},
        {BOUND_SEQNO, vbucket, there},
    };
    /* Macros write a CAS with its bytes the other way round. */
    struct bound swapped = {BOUND_CAS, vbucket, __builtin_bswap64(there)};
    if (is_known(t, &swapped, __builtin_bswap64(here), &agrees)) {
        return agrees;
    }
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (is_known(t, &known[i], here, &agrees)) {
            return agrees;
        }
    }
    struct bound number = {BOUND_NUMBER, 0, there};
    enum bound_known result = bindings_note(t->bindings, &number, here, &expected);
    t->run->found.capture->live.bound[BOUND_NUMBER] += result == BOUND_NEW && t->counts;
    return result == BOUND_NEW || result == BOUND_KNOWN;
}

/* A hexadecimal number of both that has the byte at `at`. */
static bool take_over_hex(struct translation *t, struct span a, struct span b, size_t *at)
{
    uint64_t there;
    uint64_t here;
    size_t from = *at < HEX_SIZE ? 0 : *at - HEX_SIZE + 1;
    for (size_t i = from; i <= *at && i + HEX_SIZE <= a.size; i++) {
        if (read_hex(a.data + i, &there) && read_hex(b.data + i, &here)) {
            if (!stand_for_each_other(t, there, here)) {
                return false;
            }
            memcpy(translation_place(t, a.data + i), b.data + i, HEX_SIZE);
            *at = i + HEX_SIZE;
            return true;
        }
    }
    return false;
}

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

/* The same of a decimal one. */
static bool take_over_time(struct translation *t, struct span a, struct span b, size_t *at)
{
    size_t begin = *at;
    size_t end = *at;
    uint64_t there = 0;
    uint64_t here = 0;
    while (begin > 0 && is_digit(a.data[begin - 1])) {
        begin--;
    }
    for (; end < a.size && is_digit(a.data[end]) && is_digit(b.data[end]); end++) {
    }
    if (end - begin != TIME_DIGITS) {
        return false;
    }
    for (size_t i = begin; i < end; i++) {
        there = 10 * there + a.data[i] - '0';
        here = 10 * here + b.data[i] - '0';
    }
    if (!own_is_as_late(t, there, here)) {
        return false;
    }
    memcpy(translation_place(t, a.data + begin), b.data + begin, TIME_DIGITS);
    t->run->found.capture->live.own[OWN_TIME] += t->counts;
    *at = end;
    return true;
}

void own_translate_text(struct translation *t, struct span a, struct span b)
{
    size_t at = 0;
    while (a.size == b.size && at < a.size) {
        at += compare_first_difference(span_skip(a, at), span_skip(b, at));
        if (at < a.size && !take_over_hex(t, a, b, &at) && !take_over_time(t, a, b, &at)) {
            return;
        }
    }
}
