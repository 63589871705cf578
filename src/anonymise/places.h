/*
 * Where the bytes of streams lie in the file. Bytes that were sent twice lie in two places, and are
 * written to both.
 */
#ifndef KVREPLAY_ANONYMISE_PLACES_H
#define KVREPLAY_ANONYMISE_PLACES_H

#include "base/span.h"

/* A direction of a TCP conversation has a number, and so has each UDP datagram. */
static const uint64_t STREAM_OF_PACKET = UINT64_C(1) << 63; /* + the packet's number */

struct place {
    uint64_t stream;
    uint64_t offset; /* in the stream */
    uint64_t file_at;
    uint32_t size;
    uint32_t written; /* bytes of it */
};

struct places {
    struct place *places;
    size_t count;
    size_t room;
    uint32_t longest;
};

/* False: no memory. */
bool places_add(struct places *places, const struct place *place);
void places_sort(struct places *places); /* before the first places_write */
void places_deinit(struct places *places);

/*
 * Writes bytes that begin at the offset of the stream wherever they lie in `out`, the file.
 * *written grows by the bytes written, over all places. False: some of them lie nowhere.
 */
bool places_write(struct places *places, uint8_t *out, uint64_t stream, uint64_t offset,
                  struct span bytes, uint64_t *written);

/* False: some place was written to more often than once. *missed are bytes never written to. */
bool places_check(const struct places *places, uint64_t *missed);

#endif
