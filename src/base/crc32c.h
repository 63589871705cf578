/*
 * CRC32C: Castagnoli's polynomial, reflected (RFC 3720, appendix B.4).
 */
#ifndef KVREPLAY_BASE_CRC32C_H
#define KVREPLAY_BASE_CRC32C_H

#include "base/span.h"

uint32_t crc32c(struct span bytes);

#endif
