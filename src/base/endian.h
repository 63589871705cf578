/*
 * Numbers in network order (big-endian), read from and written to unaligned bytes.
 */
#ifndef KVREPLAY_BASE_ENDIAN_H
#define KVREPLAY_BASE_ENDIAN_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

static inline uint16_t read_be16(const uint8_t *bytes)
{
    uint16_t number;
    memcpy(&number, bytes, sizeof(number));
    return be16toh(number);
}

static inline uint32_t read_be32(const uint8_t *bytes)
{
    uint32_t number;
    memcpy(&number, bytes, sizeof(number));
    return be32toh(number);
}

static inline uint64_t read_be64(const uint8_t *bytes)
{
    uint64_t number;
    memcpy(&number, bytes, sizeof(number));
    return be64toh(number);
}

static inline void write_be16(uint8_t *bytes, uint16_t number)
{
    number = htobe16(number);
    memcpy(bytes, &number, sizeof(number));
}

static inline void write_be32(uint8_t *bytes, uint32_t number)
{
    number = htobe32(number);
    memcpy(bytes, &number, sizeof(number));
}

static inline void write_be64(uint8_t *bytes, uint64_t number)
{
    number = htobe64(number);
    memcpy(bytes, &number, sizeof(number));
}

#endif
