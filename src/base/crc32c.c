#include "base/crc32c.h"

uint32_t crc32c(struct span bytes)
{
    const uint32_t polynomial = 0x82f63b78;
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < bytes.size; i++) {
        crc ^= bytes.data[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (polynomial & (0 - (crc & 1)));
        }
    }
    return ~crc;
}
