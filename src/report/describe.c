#include "report/describe.h"

#include "mcbp/credentials.h"
#include "mcbp/datatype.h"
#include "mcbp/form.h"
#include "mcbp/opcode.h"
#include "report/describe_parts.h"

enum { BITS_TEXT_SIZE = 256 };

void describe_bits(struct fields *fields, const char *name, uint32_t bits,
                   const struct describe_bit *names)
{
    char text[BITS_TEXT_SIZE];
    size_t at = 0;
    uint32_t rest = bits;
    for (; names->name != NULL; names++) {
        if ((bits & names->bit) != 0 && at < sizeof(text)) {
            at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s", at > 0 ? "|" : "",
                                   names->name);
            rest &= ~names->bit;
        }
    }
    if ((rest != 0 || at == 0) && at < sizeof(text)) {
        snprintf(text + at, sizeof(text) - at, rest == 0 ? "%s0" : "%s0x%x", at > 0 ? "|" : "",
                 rest);
    }
    fields_word(fields, name, text);
}

const char *describe_name(uint32_t number, const struct describe_bit *names)
{
    while (names->name != NULL && names->bit != number) {
        names++;
    }
    return names->name;
}

void describe_datatype(struct fields *fields, const char *name, uint8_t datatype)
{
    char text[MCBP_DATATYPE_TEXT_SIZE];
    fields_word(fields, name, mcbp_datatype_text(datatype, text));
}

void describe_uuid(struct fields *fields, const char *name, const uint8_t *uuid)
{
    char text[2 * DESCRIBE_UUID_SIZE + 1];
    for (size_t i = 0; i < DESCRIBE_UUID_SIZE; i++) {
        snprintf(text + 2 * i, sizeof(text) - 2 * i, "%02x", uuid[i]);
    }
    fields_word(fields, name, text);
}

/* The form of the two opcodes that memcached gave another meaning is memcached's. */
static bool describe_is_unusual(const struct mcbp_header *header)
{
    bool ioctl = header->opcode == MCBP_IOCTL_GET || header->opcode == MCBP_IOCTL_SET;
    return !ioctl && !mcbp_form_is_known(header);
}

void describe_frame(struct fields *fields, const struct mcbp_frame *frame,
                    mcbp_feature_set features)
{
    size_t shown = mcbp_credentials_begin(frame->bytes);
    if (shown != frame->bytes.size) {
        if (shown >= MCBP_HEADER_SIZE + frame->framing_extras.size) {
            describe_infos(fields, frame);
        }
        return;
    }
    if (frame->header.datatype != 0) {
        describe_datatype(fields, "datatype_bits", frame->header.datatype);
    }
    describe_infos(fields, frame);
    describe_extras(fields, frame);
    describe_value(fields, frame, features);
    if (describe_is_unusual(&frame->header)) {
        fields_is(fields, "unusual_form");
    }
}

bool describe_collection(const struct mcbp_frame *frame, mcbp_feature_set features,
                         struct mcbp_collection_key *key)
{
    uint8_t magic = frame->header.magic;
    return mcbp_feature_is_in(features, MCBP_FEATURE_COLLECTIONS) && magic != MCBP_SERVER_REQUEST &&
           magic != MCBP_SERVER_RESPONSE && mcbp_opcode_has_collection(frame->header.opcode) &&
           frame->key.size > 0 && mcbp_collection_key_read(frame->key, key);
}
