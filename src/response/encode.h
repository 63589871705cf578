/*
 * How long a frame is and what its header says: shared by the flat encoder and the writers, inline
 * because a writer does it once per response and a small response is not much more than its header.
 */
#ifndef KVREPLAY_RESPONSE_ENCODE_H
#define KVREPLAY_RESPONSE_ENCODE_H

#include "base/endian.h"
#include "kvresponse/kvresponse.h"
#include "mcbp/frame.h"

static inline bool response_is_flex(const struct kvr_response *response)
{
    return response->magic == MCBP_FLEX_CLIENT_REQUEST ||
           response->magic == MCBP_FLEX_CLIENT_RESPONSE;
}

/* What lies between header and value, in bytes. No overflow once the lengths are checked. */
static inline size_t response_prefix_size(const struct kvr_response *response)
{
    return response->framing_extras_size + response->extras_size + response->key_size;
}

/* The whole frame, for a response that has passed response_check. */
static inline size_t response_size(const struct kvr_response *response)
{
    return KVR_HEADER_SIZE + response_prefix_size(response) + response->value_size;
}

/* Which length does not fit the field that the header has for it. */
static inline enum kvr_error response_check_each(const struct kvr_response *response)
{
    bool flex = response_is_flex(response);
    if (response->framing_extras_size > 0 && !flex) {
        return KVR_FRAMING_EXTRAS_WITHOUT_FLEX;
    }
    if (response->framing_extras_size > UINT8_MAX) {
        return KVR_FRAMING_EXTRAS_TOO_LONG;
    }
    if (response->extras_size > UINT8_MAX) {
        return KVR_EXTRAS_TOO_LONG;
    }
    if (response->key_size > (flex ? UINT8_MAX : UINT16_MAX)) {
        return KVR_KEY_TOO_LONG;
    }
    /* The prefix is at most 2 * 255 + 65535 here, so neither side can wrap. */
    if (response->value_size > UINT32_MAX - response_prefix_size(response)) {
        return KVR_BODY_TOO_LONG;
    }
#if SIZE_MAX <= UINT32_MAX
    if (response->value_size > SIZE_MAX - KVR_HEADER_SIZE - response_prefix_size(response)) {
        return KVR_BODY_TOO_LONG;
    }
#endif
    return KVR_OK;
}

/* The same; a response whose lengths are all small, as nearly all are, is waved through. */
static inline enum kvr_error response_check(const struct kvr_response *response)
{
    if (response->framing_extras_size == 0 &&
        (response->extras_size | response->key_size) <= UINT8_MAX &&
        response->value_size <= INT32_MAX - KVR_HEADER_SIZE - 2 * UINT8_MAX) {
        return KVR_OK;
    }
    return response_check_each(response);
}

/* The narrowing casts are safe after response_check. */
static inline void response_encode_header(const struct kvr_response *response,
                                          uint8_t header[KVR_HEADER_SIZE])
{
    header[0] = response->magic;
    header[1] = response->opcode;
    if (response_is_flex(response)) {
        header[2] = (uint8_t)response->framing_extras_size;
        header[3] = (uint8_t)response->key_size;
    } else {
        write_be16(header + 2, (uint16_t)response->key_size);
    }
    header[4] = (uint8_t)response->extras_size;
    header[5] = response->datatype;
    write_be16(header + 6, response->status);
    write_be32(header + 8, (uint32_t)(response_prefix_size(response) + response->value_size));
    write_be32(header + 12, response->opaque);
    write_be64(header + 16, response->cas);
}

#endif
