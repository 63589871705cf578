/*
 * Framing extras of both magics: byte 0 chooses the magic, the rest are the extras. What is decoded
 * encodes to the same bytes; where decoding stops, a plain second reading of the bytes agrees. What
 * has no encoding, a larger id or value, has none.
 */
#include "mcbp/frame.h"
#include "mcbp/frame_info.h"
#include "target.h"

#include <stdlib.h>

void fuzz_begin(void)
{
}

/* The bytes that the first frame info takes, read in the plainest way; 0: not well-formed. */
static size_t plain_size(struct span rest, unsigned *id)
{
    size_t at = 1;
    size_t length;
    if (rest.size == 0) {
        return 0;
    }
    *id = rest.data[0] / 16;
    length = rest.data[0] % 16;
    if (*id == 15) {
        if (at == rest.size) {
            return 0;
        }
        *id = 15u + rest.data[at++];
    }
    if (length == 15) {
        if (at == rest.size) {
            return 0;
        }
        length = 15u + rest.data[at++];
    }
    return at + length > rest.size ? 0 : at + length;
}

static void check_no_encoding(const struct mcbp_frame_info *info)
{
    uint8_t out[1];
    struct mcbp_frame_info other = *info;
    other.id = (uint16_t)(MCBP_FRAME_INFO_ID_MAX + 1 + info->id);
    CHECK(mcbp_frame_info_encode(&other, out, SIZE_MAX) == 0);
    other.id = info->id;
    other.value.size = MCBP_FRAME_INFO_VALUE_MAX + 1 + info->value.size;
    CHECK(mcbp_frame_info_encode(&other, out, SIZE_MAX) == 0);
}

static void check_encoding(const struct mcbp_frame_info *info)
{
    size_t size = info->bytes.size;
    uint8_t *out = malloc(size); /* of its exact size, for AddressSanitizer */
    CHECK(out != NULL && size > 0);
    CHECK(mcbp_frame_info_encode(info, out, size - 1) == 0);
    CHECK(mcbp_frame_info_encode(info, out, size) == size);
    CHECK(memcmp(out, info->bytes.data, size) == 0);
    free(out);
}

static void check_list(struct span extras)
{
    struct mcbp_frame_info info;
    unsigned id = 0;
    for (;;) {
        struct span before = extras;
        size_t size = plain_size(before, &id);
        if (!mcbp_frame_info_next(&extras, &info)) {
            CHECK(size == 0 && extras.data == before.data && extras.size == before.size);
            return;
        }
        CHECK(size > 0 && info.id == id);
        CHECK(info.bytes.data == before.data && info.bytes.size == size);
        CHECK(info.value.data + info.value.size == before.data + size);
        CHECK(extras.data == before.data + size && extras.size == before.size - size);
        check_encoding(&info);
        check_no_encoding(&info);
    }
}

/* The same extras, where they come from in earnest: behind a header. */
static void check_in_frame(uint8_t magic, struct span extras)
{
    size_t size = MCBP_HEADER_SIZE + extras.size;
    uint8_t *bytes = calloc(1, size);
    struct mcbp_frame frame;
    CHECK(bytes != NULL);
    bytes[0] = magic;
    bytes[2] = (uint8_t)extras.size;
    write_be32(bytes + 8, (uint32_t)extras.size);
    memcpy(bytes + MCBP_HEADER_SIZE, extras.data, extras.size);
    CHECK(mcbp_frame_parse(span_of(bytes, size), &frame) == MCBP_FRAME);
    CHECK(span_equal(frame.framing_extras, extras));
    CHECK(frame.extras.size + frame.key.size + frame.value.size == 0);
    check_list(frame.framing_extras);
    free(bytes);
}

void fuzz_target(const uint8_t *data, size_t size)
{
    struct span input = span_of(data, size);
    uint8_t magic = take_8(&input) % 2 == 0 ? MCBP_FLEX_CLIENT_REQUEST : MCBP_FLEX_CLIENT_RESPONSE;
    check_list(input);
    if (input.size > 0 && input.size <= UINT8_MAX) {
        check_in_frame(magic, input);
    }
}
