/*
 * Framing extras of both magics: byte 0 chooses the magic, the rest are the extras. What is decoded
 * encodes to the same bytes; where decoding stops, a plain second reading of the bytes agrees. What
 * has no encoding, a larger id or value, has none.
 *
 * The same rest is read as numbers in LEB128, for which all that holds as well.
 */
#include "mcbp/frame.h"
#include "mcbp/frame_info.h"
#include "mcbp/leb128.h"
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

/* A number's bytes up to the first that has bit 7 clear; 0: not within the input. */
static size_t plain_leb128_size(struct span rest)
{
    for (size_t i = 0; i < rest.size; i++) {
        if (rest.data[i] < 128) {
            return i + 1;
        }
    }
    return 0;
}

/* The last byte first, without a shift. */
static uint64_t plain_leb128(struct span number)
{
    uint64_t sum = 0;
    for (size_t i = number.size; i > 0; i--) {
        sum = sum * 128 + number.data[i - 1] % 128;
    }
    return sum;
}

static bool plain_leb128_is_right(struct span number)
{
    return number.size <= MCBP_LEB128_MAX && plain_leb128(number) < UINT64_C(1) << 32 &&
           (number.size == 1 || number.data[number.size - 1] != 0);
}

static void check_leb128_written(struct span before, size_t size, uint32_t number)
{
    uint8_t out[MCBP_LEB128_MAX];
    CHECK(mcbp_leb128_write(number, out) == size);
    CHECK(memcmp(out, before.data, size) == 0);
}

static void check_leb128(struct span rest)
{
    for (;;) {
        struct span before = rest;
        size_t size = plain_leb128_size(before);
        uint32_t number = 0;
        enum mcbp_leb128 result = mcbp_leb128_take(&rest, &number);
        if (result != MCBP_LEB128_OK) {
            CHECK(rest.data == before.data && rest.size == before.size);
            CHECK((result == MCBP_LEB128_CUT) == (size == 0 && before.size < MCBP_LEB128_MAX));
            CHECK(size == 0 || !plain_leb128_is_right(span_head(before, size)));
            return;
        }
        CHECK(size > 0 && plain_leb128_is_right(span_head(before, size)));
        CHECK(plain_leb128(span_head(before, size)) == number);
        CHECK(rest.data == before.data + size && rest.size == before.size - size);
        check_leb128_written(before, size, number);
    }
}

void fuzz_target(const uint8_t *data, size_t size)
{
    struct span input = span_of(data, size);
    uint8_t magic = take_8(&input) % 2 == 0 ? MCBP_FLEX_CLIENT_REQUEST : MCBP_FLEX_CLIENT_RESPONSE;
    check_list(input);
    check_leb128(input);
    if (input.size > 0 && input.size <= UINT8_MAX) {
        check_in_frame(magic, input);
    }
}
