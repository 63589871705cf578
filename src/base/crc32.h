/*
 * Checksums of 32 bits, reflected.
 */
#ifndef KVREPLAY_BASE_CRC32_H
#define KVREPLAY_BASE_CRC32_H

#include "base/span.h"

/* Of ISO 3309, as zlib has it. */
uint32_t crc32_iso(struct span bytes);

/* Castagnoli's. Source: RFC 3720, appendix B.4. */
uint32_t crc32c(struct span bytes);

#endif
