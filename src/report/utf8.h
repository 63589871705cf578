/*
 * UTF-8, for bytes that may be none.
 */
#ifndef KVREPLAY_REPORT_UTF8_H
#define KVREPLAY_REPORT_UTF8_H

#include "base/span.h"

/* The length of the character that `bytes` begins with, 1 to 4, or 0 if that is no UTF-8. */
size_t utf8_decode(struct span bytes, uint32_t *character);

/*
 * A copy that is UTF-8, to be freed: each byte that is none, and each character for which `accept`
 * says no (NULL: all are accepted), becomes U+FFFD. *size does not count the NUL behind it. NULL if
 * there is no memory.
 */
char *utf8_copy(struct span bytes, bool (*accept)(uint32_t character), size_t *size);

#endif
