/*
 * Base64 (RFC 4648, section 4) as SCRAM has it: no white space, always padded.
 */
#ifndef KVREPLAY_SASL_BASE64_H
#define KVREPLAY_SASL_BASE64_H

#include "base/buffer.h"

/* Adds the bytes' text. False: no memory. */
bool base64_append(struct buffer *text, struct span bytes);

/* Writes the text's bytes to out[0..room). False: that is no base64, or more than fits. */
bool base64_decode(struct span text, uint8_t *out, size_t room, size_t *size);

#endif
