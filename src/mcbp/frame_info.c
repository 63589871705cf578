#include "mcbp/frame_info.h"

#include "base/endian.h"

enum { ESCAPE = 15 };

bool mcbp_frame_info_next(struct span *framing_extras, struct mcbp_frame_info *info)
{
    struct span rest = *framing_extras;
    if (rest.size == 0) {
        return false;
    }
    uint16_t id = rest.data[0] >> 4;
    uint16_t length = rest.data[0] & 0x0f;
    rest = span_skip(rest, 1);

    uint16_t *escaped[] = {&id, &length};
    for (size_t i = 0; i < 2; i++) {
        if (*escaped[i] == ESCAPE) {
            if (rest.size == 0) {
                return false;
            }
            *escaped[i] = (uint16_t)(ESCAPE + rest.data[0]);
            rest = span_skip(rest, 1);
        }
    }
    if (rest.size < length) {
        return false;
    }
    info->id = id;
    info->value = span_head(rest, length);
    rest = span_skip(rest, length);
    info->bytes = span_head(*framing_extras, framing_extras->size - rest.size);
    *framing_extras = rest;
    return true;
}

size_t mcbp_frame_info_encode(const struct mcbp_frame_info *info, uint8_t *out, size_t room)
{
    if (info->id > MCBP_FRAME_INFO_ID_MAX || info->value.size > MCBP_FRAME_INFO_VALUE_MAX) {
        return 0;
    }
    uint8_t prefix[MCBP_FRAME_INFO_PREFIX_MAX];
    size_t size = 1;
    uint16_t length = (uint16_t)info->value.size;
    uint8_t id_bits = (uint8_t)(info->id < ESCAPE ? info->id : ESCAPE);
    uint8_t length_bits = (uint8_t)(length < ESCAPE ? length : ESCAPE);

    prefix[0] = (uint8_t)(id_bits << 4 | length_bits);
    if (id_bits == ESCAPE) {
        prefix[size++] = (uint8_t)(info->id - ESCAPE);
    }
    if (length_bits == ESCAPE) {
        prefix[size++] = (uint8_t)(length - ESCAPE);
    }
    if (room < size || room - size < length) {
        return 0;
    }
    memcpy(out, prefix, size);
    if (length > 0) {
        memcpy(out + size, info->value.data, length);
    }
    return size + length;
}

bool mcbp_frame_info_durability(const struct mcbp_frame_info *info, struct mcbp_durability *out)
{
    struct span value = info->value;
    if (value.size != 1 && value.size != 3) {
        return false;
    }
    out->level = value.data[0];
    out->has_timeout = value.size == 3;
    out->timeout = out->has_timeout ? read_be16(value.data + 1) : 0;
    return true;
}

const char *mcbp_durability_level_name(uint8_t level)
{
#define LEVEL_ROW(name, number) [number] = #name,
    static const char *const names[] = {MCBP_DURABILITY_LEVELS(LEVEL_ROW)};
#undef LEVEL_ROW
    return level < sizeof(names) / sizeof(names[0]) ? names[level] : NULL;
}

bool mcbp_frame_info_number(const struct mcbp_frame_info *info, uint16_t *number)
{
    if (info->value.size != sizeof(*number)) {
        return false;
    }
    *number = read_be16(info->value.data);
    return true;
}
