/*
 * The form of SCRAM's messages (RFC 5802, section 7): attributes `a=value`, separated by commas.
 */
#ifndef KVREPLAY_SASL_ATTRIBUTES_H
#define KVREPLAY_SASL_ATTRIBUTES_H

#include "base/buffer.h"
#include "sasl/mechanism.h"

/*
 * Whether it is a list of attributes, each there once and not empty, without NULs. `allowed` are
 * the letters that they may have; NULL: any letter but m, which says that a message is to be
 * refused by those that don't know what it means.
 */
bool scram_attributes_are_valid(struct span list, const char *allowed);

/* The attribute's value in a valid list. False: it is not there. */
bool scram_attribute(struct span list, char letter, struct span *value);

/* Whether it is a nonce: printable ASCII, no comma. The RFC has no blanks there, but the nonces of
 * Couchbase's C++ SDK do (couchbase-cxx-client 1.3). */
bool scram_is_nonce(struct span value);

/* A number of iterations, without leading zeros; false if it is not within [min, max]. */
bool scram_iterations(struct span value, unsigned min, unsigned max, unsigned *iterations);

/* Adds a user's name, with commas and equals signs written as SCRAM does. False: no memory. */
bool scram_name_append(struct buffer *text, struct span name);

/* The name that is written like that. False: it is not, or longer than SASL_NAME_MAX. */
bool scram_name_decode(struct span text, uint8_t name[SASL_NAME_MAX], size_t *size);

#endif
