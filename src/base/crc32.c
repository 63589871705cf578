#include "base/crc32.h"

static uint32_t crc32(struct span bytes, uint32_t polynomial)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < bytes.size; i++) {
        crc ^= bytes.data[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (polynomial & (0 - (crc & 1)));
        }
    }
    return ~crc;
}

uint32_t crc32_iso(struct span bytes)
{
    return crc32(bytes, 0xedb88320);
}

uint32_t crc32c(struct span bytes)
{
    return crc32(bytes, 0x82f63b78);
}
