/* The parts that random requests are made of. */
#ifndef KVREPLAY_TESTS_ENGINE_STREAM_PARTS_H
#define KVREPLAY_TESTS_ENGINE_STREAM_PARTS_H

#include "engine/stream.h"

enum {
    KEYS = 8,
    COUNTERS = 3,    /* the first of the keys mostly hold numbers */
    LETTER_KEY = 3,  /* the one of 1 byte */
    LONGEST_KEY = 7, /* the one of 250 bytes */
};

bool one_in(struct stream *stream, uint32_t many);
struct span key_of(unsigned i);

/* So many letters, which are no number. At most 4096 bytes more than 1 MiB. */
struct span text_of(size_t size);

uint32_t random_exptime(struct stream *stream);

/* For a request's header: 0, the CAS that the engine has for the key, or a wrong one. */
uint64_t random_cas(struct stream *stream, struct span key);

/* For INCREMENT and DECREMENT: how much, and to begin with. */
uint64_t random_number(struct stream *stream);

/* `joined`: it will be added to the value that is there. */
struct span random_value(struct stream *stream, unsigned key, uint32_t flags, bool joined);

struct span random_stat(struct stream *stream);

#endif
