/*
 * Values that the datatype bit SNAPPY marks, for display. Uses libsnappy.
 */
#ifndef KVREPLAY_REPORT_SNAPPY_H
#define KVREPLAY_REPORT_SNAPPY_H

#include "mcbp/frame.h"

enum { SNAPPY_INFLATED_MAX = 30 * 1024 * 1024 /* bytes; kv_engine takes none that become more */ };

/*
 * The bytes that `value` was compressed from, in memory to be freed; NULL: it is not well-formed,
 * is larger than SNAPPY_INFLATED_MAX, or there is no memory. Nothing is allocated before all of it
 * was read, so that a length that is claimed costs nothing.
 */
uint8_t *report_inflate(struct span value, size_t *size);

/* The same of a frame's value; NULL also if the frame does not say that it is compressed, or hides
 * it. */
uint8_t *report_inflate_value(const struct mcbp_frame *frame, size_t *size);

#endif
