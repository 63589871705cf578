/* A growing array of bytes, and requests written into it. Running out of memory ends the test. */
#ifndef KVREPLAY_TESTS_ENGINE_BYTES_H
#define KVREPLAY_TESTS_ENGINE_BYTES_H

#include "base/span.h"
#include "kvresponse/kvresponse.h"
#include "mcbp/frame.h"

struct bytes {
    uint8_t *data;
    size_t size;
    size_t room;
};

void bytes_free(struct bytes *bytes);

/* Makes room for `size` more bytes, without adding them, and returns where they would begin. */
uint8_t *bytes_reserve(struct bytes *bytes, size_t size);

void bytes_add(struct bytes *bytes, const void *data, size_t size);

/*
 * Adds what `notation` says: pairs of hexadecimal digits, blanks between them for looks, and text
 * in single quotes for itself: "80 00 0001 'k'".
 */
void bytes_add_notation(struct bytes *bytes, const char *notation);

/* A request that says of its parts what they are, unless a test wants to lie about them. */
struct request {
    uint8_t opcode;
    uint32_t opaque;
    uint64_t cas;
    struct span extras;
    struct span key;
    struct span value;
};

void bytes_add_request(struct bytes *bytes, const struct request *request);

/* Adds the response as the flat encoder writes it. */
void bytes_add_response(struct bytes *bytes, const struct kvr_response *response);

#endif
