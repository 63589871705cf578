/*
 * Where the bytes of streams lie in the file. Bytes that were sent twice lie in two places, and are
 * replaced in both. Where the copies differ, the stream has taken one of them; the other one is
 * nobody's: it becomes noise that differs in the same bytes, so that whoever compares the copies
 * finds what was there before.
 */
#ifndef KVREPLAY_ANONYMISE_PLACES_H
#define KVREPLAY_ANONYMISE_PLACES_H

#include "dissect/consumer.h"

struct place {
    uint64_t stream;
    uint64_t offset; /* in the stream */
    uint64_t file_at;
    uint32_t size;
    uint32_t written; /* bytes of it */
};

struct places {         /* `before` and `after` set, the rest zero to begin with */
    struct span before; /* the file */
    uint8_t *after;     /* the same as it will be, noise in all places at first */
    struct place *places;
    size_t count;
    size_t room;
    uint32_t longest;
};

/* False: no memory. */
bool places_add(struct places *places, const struct place *place);
/* No more are added: sorts them, and lets the noise differ where copies do. Once, before the first
 * places_write. */
void places_finish(struct places *places);
void places_deinit(struct places *places);

/* Bytes of a stream. */
struct stream_bytes {
    uint64_t stream;
    uint64_t offset;    /* of the first one */
    const uint8_t *was; /* as the stream has them */
    const uint8_t *is;  /* what they become */
    size_t size;
};

/*
 * Writes the bytes wherever they lie in the file; what lies there and was something else becomes
 * something else again. *written grows by the bytes written, over all places. False: some of them
 * lie nowhere.
 */
bool places_write(struct places *places, const struct stream_bytes *bytes, uint64_t *written);

/* The same with `size` bytes of a frame, from its byte `from` on. `is` is what all of the frame
 * becomes. */
bool places_write_frame(struct places *places, const struct dissect_frame *frame, const uint8_t *is,
                        size_t from, size_t size, uint64_t *written);

/* False: some place was written to more often than once. *missed are bytes never written to. */
bool places_check(const struct places *places, uint64_t *missed);

#endif
