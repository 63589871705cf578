#include "mcbp/frame.h"

#include "base/endian.h"

bool mcbp_magic_is_known(uint8_t magic)
{
    switch (magic) {
    case MCBP_CLIENT_REQUEST:
    case MCBP_CLIENT_RESPONSE:
    case MCBP_FLEX_CLIENT_REQUEST:
    case MCBP_FLEX_CLIENT_RESPONSE:
    case MCBP_SERVER_REQUEST:
    case MCBP_SERVER_RESPONSE:
        return true;
    default:
        return false;
    }
}

bool mcbp_magic_is_flex(uint8_t magic)
{
    return magic == MCBP_FLEX_CLIENT_REQUEST || magic == MCBP_FLEX_CLIENT_RESPONSE;
}

bool mcbp_magic_is_response(uint8_t magic)
{
    return magic == MCBP_CLIENT_RESPONSE || magic == MCBP_FLEX_CLIENT_RESPONSE ||
           magic == MCBP_SERVER_RESPONSE;
}

static struct mcbp_header read_header(const uint8_t *bytes)
{
    struct mcbp_header header = {
        .magic = bytes[0],
        .opcode = bytes[1],
        .key_length = read_be16(bytes + 2),
        .extras_length = bytes[4],
        .datatype = bytes[5],
        .vbucket_or_status = read_be16(bytes + 6),
        .body_length = read_be32(bytes + 8),
        .opaque = read_be32(bytes + 12),
        .cas = read_be64(bytes + 16),
    };
    if (mcbp_magic_is_flex(header.magic)) {
        header.framing_extras_length = bytes[2];
        header.key_length = bytes[3];
    }
    return header;
}

static void set_parts(struct mcbp_frame *frame, struct span body)
{
    const struct mcbp_header *header = &frame->header;
    frame->framing_extras = span_head(body, header->framing_extras_length);
    body = span_skip(body, header->framing_extras_length);
    frame->extras = span_head(body, header->extras_length);
    body = span_skip(body, header->extras_length);
    frame->key = span_head(body, header->key_length);
    frame->value = span_skip(body, header->key_length);
}

/* At most 255 + 255 + 65535: the sum fits. */
static uint32_t size_before_value(const struct mcbp_header *header)
{
    return (uint32_t)header->framing_extras_length + header->extras_length + header->key_length;
}

enum mcbp_parse mcbp_frame_parse(struct span input, struct mcbp_frame *frame)
{
    if (input.size > 0 && !mcbp_magic_is_known(input.data[0])) {
        return MCBP_BAD_MAGIC;
    }
    if (input.size < MCBP_HEADER_SIZE) {
        frame->bytes = span_of(input.data, MCBP_HEADER_SIZE);
        return MCBP_NEED_MORE;
    }

    frame->header = read_header(input.data);
    /* At most 2^32 + 23, which a 64-bit size_t holds. */
    _Static_assert(sizeof(size_t) == 8, "sizes of frames need more than 32 bits");
    frame->bytes = span_of(input.data, MCBP_HEADER_SIZE + (size_t)frame->header.body_length);

    if (size_before_value(&frame->header) > frame->header.body_length) {
        return MCBP_BAD_LENGTHS;
    }
    if (input.size < frame->bytes.size) {
        return MCBP_NEED_MORE;
    }
    set_parts(frame, span_skip(frame->bytes, MCBP_HEADER_SIZE));
    return MCBP_FRAME;
}

bool mcbp_frame_has_begun(struct span input, struct mcbp_frame *frame)
{
    if (mcbp_frame_parse(input, frame) != MCBP_NEED_MORE || input.size < MCBP_HEADER_SIZE) {
        return false;
    }
    size_t size = MCBP_HEADER_SIZE + size_before_value(&frame->header);
    if (input.size < size) {
        return false;
    }
    frame->bytes = span_head(input, size);
    set_parts(frame, span_skip(frame->bytes, MCBP_HEADER_SIZE));
    return true;
}

uint32_t mcbp_value_size(const struct mcbp_header *header)
{
    uint32_t before = size_before_value(header);
    return header->body_length > before ? header->body_length - before : 0;
}

static struct span moved(struct span part, const uint8_t *from, const uint8_t *to)
{
    return part.size == 0 ? span_of(NULL, 0) : span_of(to + (part.data - from), part.size);
}

struct mcbp_frame mcbp_frame_in_copy(const struct mcbp_frame *frame, const uint8_t *copy)
{
    const uint8_t *from = frame->bytes.data;
    return (struct mcbp_frame){
        .header = frame->header,
        .bytes = span_of(copy, frame->bytes.size),
        .framing_extras = moved(frame->framing_extras, from, copy),
        .extras = moved(frame->extras, from, copy),
        .key = moved(frame->key, from, copy),
        .value = moved(frame->value, from, copy),
    };
}
