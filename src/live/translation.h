/*
 * An answer of the reference's while it becomes what the server has to give (own.h).
 */
#ifndef KVREPLAY_LIVE_TRANSLATION_H
#define KVREPLAY_LIVE_TRANSLATION_H

#include "live/run.h"

/* Answers to the same request. */
struct own_pair {
    const struct exchange *exchange;
    enum track reference_track;
    enum track given_track;
    const struct answer *reference;
    const struct answer *given;
};

enum { OWN_CONFLICTS = 4 };

/* A value that can't be what it is. */
struct own_conflict {
    size_t offset; /* in `expected` */
    size_t size;
    char why[DIFFERENCE_DETAIL_SIZE];
};

struct own_result {
    struct span expected; /* the reference as it has to be; valid until the next call */
    struct own_conflict conflicts[OWN_CONFLICTS];
    size_t conflict_count;
};

/* The translation of one answer. */
struct translation {
    struct live_run *run;
    struct bindings *bindings;
    const struct own_pair *pair;
    bool counts;
    struct own_result *result;
    struct mcbp_frame a; /* the reference, in run->expected */
    struct mcbp_frame b;
};

/* A place of t->a, to be written. */
static inline uint8_t *translation_place(const struct translation *t, const uint8_t *place)
{
    const struct buffer *buffer = &t->run->expected;
    return buffer->bytes + buffer->begin + (place - t->a.bytes.data);
}

#endif
