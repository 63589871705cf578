#include "mcbp/leb128.h"

enum { BITS = 7, MORE = 0x80 };

enum mcbp_leb128 mcbp_leb128_take(struct span *bytes, uint32_t *number)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < bytes->size && i < MCBP_LEB128_MAX; i++) {
        uint8_t byte = bytes->data[i];
        sum |= (uint64_t)(byte & (MORE - 1)) << (BITS * i);
        if ((byte & MORE) == 0) {
            /* A last byte of 0 adds nothing: the number has a shorter form. */
            if ((byte == 0 && i > 0) || sum > UINT32_MAX) {
                return MCBP_LEB128_LONG;
            }
            *number = (uint32_t)sum;
            *bytes = span_skip(*bytes, i + 1);
            return MCBP_LEB128_OK;
        }
    }
    return bytes->size < MCBP_LEB128_MAX ? MCBP_LEB128_CUT : MCBP_LEB128_LONG;
}

size_t mcbp_leb128_write(uint32_t number, uint8_t out[MCBP_LEB128_MAX])
{
    size_t size = 0;
    while (number >= MORE) {
        out[size++] = (uint8_t)(number | MORE);
        number >>= BITS;
    }
    out[size++] = (uint8_t)number;
    return size;
}
