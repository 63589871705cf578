/*
 * A byte stream cut at chosen places: 8 bytes say how long the pieces are, over and over; the rest
 * is the stream. Each frame is parsed from every beginning of it that the cuts make, and at once;
 * both have to agree with a plain reading of the header. A whole frame, described and encoded
 * again, is the same bytes.
 */
#include "mcbp/frame.h"
#include "mcbp/status.h"
#include "response/from_frame.h"
#include "target.h"

#include <stdio.h>
#include <stdlib.h>

enum { CUTS = 8 };

void fuzz_begin(void)
{
}

/* What the protocol says of a beginning: its verdict and the bytes that the whole takes. */
UNCOUNTED static enum mcbp_parse plain_parse(struct span input, uint64_t *whole, uint64_t sizes[3])
{
    static const uint8_t magics[] = {0x80, 0x81, 0x08, 0x18, 0x82, 0x83};
    const uint8_t *bytes = input.data;
    *whole = 24;
    if (input.size > 0 && memchr(magics, bytes[0], sizeof(magics)) == NULL) {
        return MCBP_BAD_MAGIC;
    }
    if (input.size < 24) {
        return MCBP_NEED_MORE;
    }
    bool flex = bytes[0] == 0x08 || bytes[0] == 0x18;
    uint64_t body = (uint64_t)bytes[8] << 24 | bytes[9] << 16 | bytes[10] << 8 | bytes[11];
    sizes[0] = flex ? bytes[2] : 0;
    sizes[1] = bytes[4];
    sizes[2] = flex ? bytes[3] : bytes[2] * 256u + bytes[3];
    *whole = 24 + body;
    if (sizes[0] + sizes[1] + sizes[2] > body) {
        return MCBP_BAD_LENGTHS;
    }
    return input.size < *whole ? MCBP_NEED_MORE : MCBP_FRAME;
}

UNCOUNTED static void check_spans(const struct mcbp_frame *frame, const uint64_t sizes[3],
                                  uint64_t whole)
{
    const uint8_t *at = frame->bytes.data + MCBP_HEADER_SIZE;
    CHECK(frame->bytes.size == whole);
    CHECK(frame->framing_extras.data == at && frame->framing_extras.size == sizes[0]);
    CHECK(frame->extras.data == at + sizes[0] && frame->extras.size == sizes[1]);
    CHECK(frame->key.data == at + sizes[0] + sizes[1] && frame->key.size == sizes[2]);
    CHECK(frame->value.data == frame->key.data + sizes[2]);
    CHECK(frame->value.data + frame->value.size == frame->bytes.data + whole);
}

UNCOUNTED static void check_rebuilt(const struct mcbp_frame *frame)
{
    struct kvr_response response;
    size_t size = 0;
    uint8_t *out = malloc(frame->bytes.size);
    CHECK(out != NULL);
    response_from_frame(frame, &response);
    CHECK(kvr_encode_flat(&response, out, frame->bytes.size - 1, &size) == KVR_NO_ROOM);
    CHECK(kvr_encode_flat(&response, out, frame->bytes.size, &size) == KVR_OK);
    CHECK(size == frame->bytes.size && memcmp(out, frame->bytes.data, size) == 0);
    free(out);
}

/* A status has a name or a number, by which it is found, and not with more behind it; that is
 * looked at for few of them, since all names are gone through. */
UNCOUNTED static void check_status(uint16_t status)
{
    char text[MCBP_STATUS_TEXT_SIZE];
    char longer[64];
    uint16_t found;
    const char *name = mcbp_status_text(status, text);
    CHECK(mcbp_status_find(name, &found) && found == status);
    if (status % 16 == 1) {
        snprintf(longer, sizeof(longer), "%s?", name);
        CHECK(!mcbp_status_find(longer, &found));
    }
}

/* Parses what has come of the stream. */
UNCOUNTED static enum mcbp_parse parse(struct span input, struct mcbp_frame *frame, uint64_t *whole)
{
    uint64_t sizes[3] = {0};
    enum mcbp_parse expected = plain_parse(input, whole, sizes);
    enum mcbp_parse parsed = mcbp_frame_parse(input, frame);
    CHECK(parsed == expected);
    CHECK(parsed != MCBP_NEED_MORE || (frame->bytes.size == *whole && *whole > input.size));
    if (parsed == MCBP_FRAME) {
        CHECK(frame->bytes.data == input.data);
        check_spans(frame, sizes, *whole);
    }
    return parsed;
}

/* The next frame, piece by piece; false: the stream ends, or can't be gone on with. */
UNCOUNTED static bool next_frame(struct span *stream, const struct span *cuts, size_t *piece)
{
    struct mcbp_frame frame;
    uint64_t whole = 0;
    uint64_t needed = 0;
    size_t arrived = 0;
    enum mcbp_parse parsed = MCBP_NEED_MORE;
    FORBID(*stream); /* what has not come yet */
    while (parsed == MCBP_NEED_MORE && arrived < stream->size) {
        size_t size = cuts->size == 0 ? SIZE_MAX : cuts->data[(*piece)++ % cuts->size] + 1u;
        arrived += size < stream->size - arrived ? size : stream->size - arrived;
        CHECK(whole >= needed); /* what is needed never becomes less */
        needed = whole;
        ALLOW(span_head(*stream, arrived));
        parsed = parse(span_head(*stream, arrived), &frame, &whole);
        if (parsed == MCBP_FRAME) {
            check_rebuilt(&frame);
        }
    }
    ALLOW(*stream);
    enum mcbp_parse at_once = parse(*stream, &frame, &needed);
    CHECK(parsed == at_once && (parsed == MCBP_BAD_MAGIC || whole == needed));
    if (parsed == MCBP_FRAME) {
        check_status(frame.header.vbucket_or_status);
        *stream = span_skip(*stream, whole);
    } else if (parsed == MCBP_BAD_LENGTHS) { /* as the store does: the body is what it says */
        *stream = span_skip(*stream, whole < stream->size ? whole : stream->size);
    }
    return parsed == MCBP_FRAME || parsed == MCBP_BAD_LENGTHS;
}

void fuzz_target(const uint8_t *data, size_t size)
{
    struct span stream = span_of(data, size);
    struct span cuts = take(&stream, CUTS);
    size_t piece = 0;
    while (stream.size > 0 && next_frame(&stream, &cuts, &piece)) {
    }
}
