/*
 * The reference encoder: the protocol in plain lines. It shares nothing with the writers but the
 * description and the check of its lengths, not even the header's encoding: a mistake there would
 * hide itself.
 */
#include "kvresponse/kvresponse.h"

#include <string.h>

enum { MAGIC_FLEX_REQUEST = 0x08, MAGIC_FLEX_RESPONSE = 0x18 };

static uint8_t *encode_flat_put_number(uint8_t *out, uint64_t number, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--) {
        *out++ = (uint8_t)(number >> (8 * i));
    }
    return out;
}

static uint8_t *put_bytes(uint8_t *out, const void *bytes, size_t size)
{
    if (size > 0) {
        memcpy(out, bytes, size);
    }
    return out + size;
}

static uint8_t *put_header(uint8_t *out, const struct kvr_response *response, uint64_t body)
{
    out = encode_flat_put_number(out, response->magic, 1);
    out = encode_flat_put_number(out, response->opcode, 1);
    if (response->magic == MAGIC_FLEX_REQUEST || response->magic == MAGIC_FLEX_RESPONSE) {
        out = encode_flat_put_number(out, response->framing_extras_size, 1);
        out = encode_flat_put_number(out, response->key_size, 1);
    } else {
        out = encode_flat_put_number(out, response->key_size, 2);
    }
    out = encode_flat_put_number(out, response->extras_size, 1);
    out = encode_flat_put_number(out, response->datatype, 1);
    out = encode_flat_put_number(out, response->status, 2);
    out = encode_flat_put_number(out, body, 4);
    out = encode_flat_put_number(out, response->opaque, 4);
    return encode_flat_put_number(out, response->cas, 8);
}

enum kvr_error kvr_encode_flat(const struct kvr_response *response, uint8_t *out, size_t room,
                               size_t *size)
{
    size_t total;
    enum kvr_error error = kvr_size(response, &total);
    if (error != KVR_OK) {
        return error;
    }
    if (total > room) {
        return KVR_NO_ROOM;
    }
    out = put_header(out, response, total - KVR_HEADER_SIZE);
    out = put_bytes(out, response->framing_extras, response->framing_extras_size);
    out = put_bytes(out, response->extras, response->extras_size);
    out = put_bytes(out, response->key, response->key_size);
    put_bytes(out, response->value, response->value_size);
    *size = total;
    return KVR_OK;
}
