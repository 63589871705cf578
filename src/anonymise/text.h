/*
 * Replacements of what JSON texts and the paths into them consist of. Each has the length, in bytes
 * and in characters, of what it replaces, and up to TEXT_EXACT characters no two become the same.
 *
 * What is replaced are characters, however they are written: "\u00e9" becomes such an escape of the
 * character that "é" becomes. Kept are all other escapes.
 *
 * The text is UTF-8 (text_is_utf8).
 */
#ifndef KVREPLAY_ANONYMISE_TEXT_H
#define KVREPLAY_ANONYMISE_TEXT_H

#include "anonymise/secret.h"

enum { TEXT_EXACT = 32 };

/* Without the characters that a JSON string can't have. */
bool text_is_utf8(struct span text);

/* What stands between the quotation marks of a string. Digits alone become digits. */
void text_replace_string(struct secret *secret, uint8_t *bytes, size_t size);

/*
 * Names of members, of what they are in, and paths: word by word, so that a path becomes what the
 * names in it become. Words are of letters and digits; what is between them is kept, and so are
 * indexes, [3] or [-1].
 */
void text_replace_names(struct secret *secret, uint8_t *bytes, size_t size);

/* A number becomes one with as many digits; its sign, a single zero and an exponent are kept. */
void text_replace_number(struct secret *secret, uint8_t *bytes, size_t size);

/* The size of an index with its brackets that the text has there, 0: none. */
size_t text_index_size(struct span text);

#endif
