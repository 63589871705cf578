/*
 * Memory whose end touches a page that can't be read: reading one byte too many ends the test.
 */
#ifndef KVREPLAY_TESTS_BASE_GUARDED_H
#define KVREPLAY_TESTS_BASE_GUARDED_H

#include "base/span.h"

#include <stddef.h>
#include <stdint.h>

struct guarded {
    uint8_t *pages;
    size_t size; /* that can be used */
};

enum { GUARDED_MAX = 1 << 18 };

void guarded_init(struct guarded *guarded); /* up to GUARDED_MAX bytes */
void guarded_deinit(struct guarded *guarded);

/* A copy of the bytes at the very end; it is valid until the next one. */
struct span guarded_copy(struct guarded *guarded, const void *bytes, size_t size);

#endif
