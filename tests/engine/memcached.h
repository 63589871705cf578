/*
 * Debian's memcached itself, started for a test on a socket of its own, and ended with it.
 */
#ifndef KVREPLAY_TESTS_ENGINE_MEMCACHED_H
#define KVREPLAY_TESTS_ENGINE_MEMCACHED_H

#include "engine/bytes.h"

#include <sys/types.h>

struct memcached {
    pid_t pid;
    char folder[64];
    char path[96];   /* the socket */
    int64_t started; /* Unix time at which its own clock stood at 0 (or a second later) */
};

/*
 * The N of its version, 1.6.N. Fails the test if there is no memcached. Releases after 1.6.18, as
 * of 1.6.38 at the latest, differ in what tests can see:
 * - CAS values begin with 2, each attempt to store takes one, a flush none;
 * - a flush removes items at once, so that a later one doesn't bring any back;
 * - STAT knows no "sizes_disable";
 * - a number of 64 bits is one though a minus comes somewhere behind it;
 * - slab_chunk_max is in KiB, not in bytes.
 */
enum { MEMCACHED_DEBIAN_12 = 18 };
unsigned memcached_release(void);

/* Starts it with these as -I and -o. Fails the test if there is no memcached. */
void memcached_start(struct memcached *memcached, const char *item_size_max, const char *extended);
void memcached_stop(struct memcached *memcached);

int memcached_connect(const struct memcached *memcached);

/*
 * Sends `out` and adds what comes back to `in`, until the NOOP with that opaque is answered (true)
 * or the server closes the connection (false). Fails the test if neither happens in ten seconds.
 */
bool memcached_exchange(int socket, struct span out, struct bytes *in, uint32_t last_opaque);

#endif
