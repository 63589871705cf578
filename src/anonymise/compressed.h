/*
 * Values that Snappy has compressed. A stream is made of literals and of copies of what is before
 * them; with other bytes in its literals it is as long, and so is what it inflates to. Source:
 * format_description.txt of google/snappy. Uses libsnappy to inflate.
 */
#ifndef KVREPLAY_ANONYMISE_COMPRESSED_H
#define KVREPLAY_ANONYMISE_COMPRESSED_H

#include "base/span.h"

enum { COMPRESSED_INFLATED_MAX = 30 * 1024 * 1024 /* bytes; kv_engine takes none with more */ };

/* A part of a stream. */
struct compressed_part {
    bool literal;
    size_t at;     /* of a literal: where in the stream its bytes are */
    size_t before; /* of a copy: how far before its place what it copies begins */
    size_t size;   /* when inflated */
};

/* Takes the length that a stream begins with, or then a part, off it; `at` counts from there.
 * False: it ends, or is malformed. */
bool compressed_begin(struct span stream, size_t *at);
bool compressed_next(struct span stream, size_t *at, struct compressed_part *part);

/* What the stream inflates to, in memory to be freed. NULL: it is malformed, is larger than
 * COMPRESSED_INFLATED_MAX, or *no_memory is set. */
uint8_t *compressed_inflate(struct span stream, size_t *size, bool *no_memory);

#endif
