/*
 * Bytes as JSON strings. Whatever the bytes are, the strings are valid.
 */
#ifndef KVREPLAY_REPORT_JSON_TEXT_H
#define KVREPLAY_REPORT_JSON_TEXT_H

#include "base/span.h"

#include <jansson.h>

/* The bytes as UTF-8: what is none becomes U+FFFD, byte by byte. NULL: no memory. */
json_t *json_of_bytes(struct span bytes);

/* The same of a string; NULL becomes null. */
json_t *json_of_text(const char *text);

/* Two hexadecimal digits a byte. NULL: no memory. */
json_t *json_of_hex(struct span bytes);

/* Adds a number. */
void json_add_count(json_t *object, const char *key, uint64_t count, bool *ok);

/* Adds `value` (taken over, may be NULL for lack of memory) and clears *ok if that fails. */
void json_add(json_t *object, const char *key, json_t *value, bool *ok);

#endif
