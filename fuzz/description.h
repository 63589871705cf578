/*
 * Responses of any lengths, the impossible ones too, read from an input. The targets response, oom
 * and chunks share this form: 8 bytes of preamble of their own, then 32 bytes a response:
 *
 *     0      magic
 *     1      opcode
 *     2      datatype
 *     3      0x01 the value has an owner, 0x02 this response begins a new call,
 *            0x04 some of the buffer is drained before that call
 *     4-5    status
 *     6-7    bytes of framing extras
 *     8-9    bytes of extras
 *     10-13  bytes of key
 *     14-17  bytes of value
 *     18     up to 0xef: the value is real (and bounded); 0xf0 and more: it is too long by the
 *            number above; 0xf8 and more: so long that sums wrap
 *     19     bytes drained, in units of 16
 *     20-23  opaque
 *     24-31  CAS
 */
#ifndef KVREPLAY_FUZZ_DESCRIPTION_H
#define KVREPLAY_FUZZ_DESCRIPTION_H

#include "kvresponse/kvresponse.h"
#include "target.h"

enum {
    DESCRIPTION_SIZE = 32,
    DESCRIPTIONS_MAX = 16,
    VALUE_MAX = 70000,
    PATTERN_SIZE = 80000, /* what all parts point into */
    FRAME_MAX = KVR_HEADER_SIZE + 255 + 255 + 65535 + VALUE_MAX,
};

struct description {
    struct kvr_response response;
    bool impossible; /* by a plain reading of the limits */
    bool begins_call;
    bool drains;
    size_t drained;
};

/* An owner that counts. */
struct counting_owner {
    struct kvr_value_owner owner;
    int retained;
    int released;
};

/* Fills the pattern; once. */
void description_begin(void);

/* Takes a response off the input. */
struct description description_take(struct span *input, struct counting_owner *owner);

/* The flat encoder's bytes of a possible response, checked against the description by reading them
 * back. Returns how many. */
size_t description_encode(const struct description *description, uint8_t *out, size_t room);

#endif
