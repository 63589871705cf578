#include "mcbp/credentials.h"

#include "mcbp/frame.h"
#include "mcbp/opcode.h"

enum {
    MECHANISM_MAX = 20, /* RFC 4422, section 3.1: also what its name consists of */
    AUTHENTICATE = 0x02,
};

static bool may_hold_credentials(const struct mcbp_header *header)
{
    if (header->magic == MCBP_SERVER_REQUEST || header->magic == MCBP_SERVER_RESPONSE) {
        return header->opcode == AUTHENTICATE;
    }
    return header->opcode == MCBP_SASL_AUTH || header->opcode == MCBP_SASL_STEP;
}

/* Requests of administrators with tokens and keys in their values. */
static bool credentials_are_administrators(const struct mcbp_header *header)
{
    uint8_t opcode = header->opcode;
    return (header->magic == MCBP_CLIENT_REQUEST || header->magic == MCBP_FLEX_CLIENT_REQUEST) &&
           (opcode == MCBP_REGISTER_AUTH_TOKEN || opcode == MCBP_SET_CHRONICLE_AUTH_TOKEN ||
            opcode == MCBP_SET_ACTIVE_ENCRYPTION_KEYS ||
            (opcode >= MCBP_GET_FUSION_STORAGE_SNAPSHOT && opcode <= MCBP_CREATE_FUSION_NAMESPACE));
}

static bool credentials_is_mechanism(struct span name)
{
    static const char characters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    for (size_t i = 0; i < name.size; i++) {
        if (memchr(characters, name.data[i], sizeof(characters) - 1) == NULL) {
            return false;
        }
    }
    return name.size <= MECHANISM_MAX;
}

/* Bytes of framing extras that are a server's duration and nothing else (frame info 0). */
static size_t credentials_duration(const struct mcbp_header *header, struct span body)
{
    enum { SIZE = 3, ID_AND_LENGTH = 0x02 };
    bool is_duration = header->magic == MCBP_FLEX_CLIENT_RESPONSE &&
                       header->framing_extras_length == SIZE && body.size >= SIZE &&
                       body.data[0] == ID_AND_LENGTH;
    return is_duration ? SIZE : 0;
}

size_t mcbp_credentials_begin(struct span bytes)
{
    struct mcbp_frame frame;
    enum mcbp_parse parse = mcbp_frame_parse(bytes, &frame);
    if (bytes.size < MCBP_HEADER_SIZE || parse == MCBP_BAD_MAGIC ||
        (!may_hold_credentials(&frame.header) && !credentials_are_administrators(&frame.header))) {
        return bytes.size;
    }
    const struct mcbp_header *header = &frame.header;
    if (parse == MCBP_BAD_LENGTHS) {
        return MCBP_HEADER_SIZE;
    }
    size_t key = header->key_length;
    size_t duration = credentials_duration(header, span_skip(bytes, MCBP_HEADER_SIZE));
    bool has_more = header->framing_extras_length > duration || header->extras_length > 0;
    struct span body = span_skip(bytes, MCBP_HEADER_SIZE + duration);
    bool named = !has_more && key <= body.size && credentials_is_mechanism(span_head(body, key));
    return MCBP_HEADER_SIZE + duration + (named ? key : 0);
}

void mcbp_credentials_hide(uint8_t *bytes, size_t size)
{
    size_t begin = mcbp_credentials_begin(span_of(bytes, size));
    memset(bytes + begin, '*', size - begin);
}
