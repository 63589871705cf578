#include "description.h"

#include "mcbp/frame.h"

static uint8_t pattern[PATTERN_SIZE];

void description_begin(void)
{
    for (size_t i = 0; i < sizeof(pattern); i++) {
        pattern[i] = (uint8_t)(i * 167 + (i >> 8) * 13);
    }
}

static bool is_flex(uint8_t magic)
{
    return magic == 0x08 || magic == 0x18;
}

/* The limits of the protocol, in the plainest way. */
static bool is_impossible(const struct kvr_response *response)
{
    bool flex = is_flex(response->magic);
    __extension__ unsigned __int128 body = response->framing_extras_size;
    body += response->extras_size;
    body += response->key_size;
    body += response->value_size;
    return (response->framing_extras_size > 0 && !flex) || response->framing_extras_size > 255 ||
           response->extras_size > 255 || response->key_size > (flex ? 255 : 65535) ||
           body > UINT32_MAX;
}

/* A part of the pattern; each part begins elsewhere, so that a mix-up shows. */
static const void *part(size_t size, size_t begin)
{
    return size == 0 ? NULL : pattern + (begin + size <= PATTERN_SIZE ? begin : 0);
}

static size_t value_size(uint32_t number, uint8_t kind, size_t before)
{
    if (kind >= 0xf8) {
        return SIZE_MAX - number % 1024;
    }
    if (kind >= 0xf0) {
        return (size_t)UINT32_MAX + 1 + number - (before <= UINT32_MAX ? before : 0);
    }
    return number % (VALUE_MAX + 1);
}

static void retain(struct kvr_value_owner *owner)
{
    ((struct counting_owner *)owner)->retained++;
}

static void release(struct kvr_value_owner *owner)
{
    struct counting_owner *counting = (struct counting_owner *)owner;
    CHECK(counting->released < counting->retained);
    counting->released++;
}

struct description description_take(struct span *input, struct counting_owner *owner)
{
    struct description description = {.response.magic = take_8(input)};
    struct kvr_response *response = &description.response;
    response->opcode = take_8(input);
    response->datatype = take_8(input);
    uint8_t flags = take_8(input);
    response->status = take_16(input);
    response->framing_extras_size = take_16(input);
    response->extras_size = take_16(input);
    response->key_size = take_32(input);
    uint32_t number = take_32(input);
    uint8_t kind = take_8(input);
    description.drained = take_8(input) * (size_t)16;
    response->opaque = take_32(input);
    response->cas = take_number(input, 8);

    size_t before = response->framing_extras_size + response->extras_size + response->key_size;
    response->value_size = value_size(number, kind, before);
    response->framing_extras = part(response->framing_extras_size, 1);
    response->extras = part(response->extras_size, 300);
    response->key = part(response->key_size, 600);
    response->value = part(response->value_size, 900);
    owner->owner = (struct kvr_value_owner){.retain = retain, .release = release};
    response->value_owner = (flags & 0x01) != 0 ? &owner->owner : NULL;
    description.begins_call = (flags & 0x02) != 0;
    description.drains = (flags & 0x04) != 0;
    description.impossible = is_impossible(response);
    return description;
}

UNCOUNTED static bool is_part(struct span bytes, const void *part, size_t size)
{
    return bytes.size == size && (size == 0 || memcmp(bytes.data, part, size) == 0);
}

UNCOUNTED size_t description_encode(const struct description *description, uint8_t *out,
                                    size_t room)
{
    const struct kvr_response *response = &description->response;
    struct mcbp_frame frame;
    size_t size = 0;
    CHECK(kvr_encode_flat(response, out, room, &size) == KVR_OK);
    uint8_t beginning[KVR_HEADER_SIZE];
    kvr_encode_header(response, beginning);
    CHECK(memcmp(out, beginning, KVR_HEADER_SIZE) == 0 && out[0] == response->magic);
    if (!mcbp_magic_is_known(out[0])) {
        return size; /* no parser reads it */
    }
    CHECK(mcbp_frame_parse(span_of(out, size), &frame) == MCBP_FRAME && frame.bytes.size == size);
    const struct mcbp_header *header = &frame.header;
    CHECK(header->opcode == response->opcode && header->datatype == response->datatype);
    CHECK(header->vbucket_or_status == response->status && header->opaque == response->opaque);
    CHECK(header->cas == response->cas);
    CHECK(is_part(frame.framing_extras, response->framing_extras, response->framing_extras_size));
    CHECK(is_part(frame.extras, response->extras, response->extras_size));
    CHECK(is_part(frame.key, response->key, response->key_size));
    CHECK(is_part(frame.value, response->value, response->value_size));
    return size;
}
