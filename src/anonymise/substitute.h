/*
 * Replacements of the same length: of keys, of values, and of bytes that nothing is known of.
 *
 * Keys of one length, and values of up to SUBSTITUTE_VALUE_EXACT bytes, are permuted: no two
 * become the same. It is a Feistel network of ten rounds over the bytes (as NIST SP 800-38G has it
 * for digits, with HMAC-SHA256 for the rounds), and stays within its kind: text becomes text, a
 * value of digits becomes digits, and what is neither becomes neither. Longer values become a
 * stream that follows from an HMAC of all their bytes: two of them become the same with a
 * probability of 2^-128.
 */
#ifndef KVREPLAY_ANONYMISE_SUBSTITUTE_H
#define KVREPLAY_ANONYMISE_SUBSTITUTE_H

#include "anonymise/secret.h"

enum { SUBSTITUTE_VALUE_EXACT = 32 };

/* Text: printable ASCII without the space, which memcached's text protocol can't have in keys. */
void substitute_key(struct secret *secret, uint8_t *bytes, size_t size);

/* Text: printable ASCII. */
void substitute_value(struct secret *secret, uint8_t *bytes, size_t size);

/*
 * Of a key's value that memcached counts with. What it reads before it knows whether that is a
 * number is kept, so that it still is one or not, and the same one: blanks, a sign, digits, and
 * blanks or what else ends them. Returns the size of that.
 */
size_t substitute_counter(struct secret *secret, uint8_t *bytes, size_t size);

/*
 * What bytes become that nothing is known of: they follow from their place alone, not from what
 * they were. Lower case letters and digits only, so that no frame begins in them.
 */
void substitute_unknown(struct secret *secret, uint64_t number, uint64_t offset, uint8_t *out,
                        size_t size);

enum { SUBSTITUTE_UNKNOWN_KINDS = 32 };

/* Another byte of that kind; after that many steps it is `byte` again. */
uint8_t substitute_other_unknown(uint8_t byte);

#endif
