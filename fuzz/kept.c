#include "kept.h"

#include "mcbp/frame_info.h"
#include "mcbp/opcode.h"
#include "mcbp/status.h"
#include "target.h"

static bool is_numeric(uint8_t byte)
{
    return (byte >= '0' && byte <= '9') || byte == ' ' || byte == '+' || byte == '\0' ||
           (byte >= '\t' && byte <= '\r');
}

UNCOUNTED bool kept_survives(struct span before, struct span after)
{
    size_t run = 0;
    bool numeric = true;
    for (size_t i = 0; i < before.size && i < after.size; i++) {
        if (before.data[i] != after.data[i]) {
            run = 0;
            numeric = true;
            continue;
        }
        numeric = numeric && is_numeric(before.data[i]);
        if (++run >= SURVIVOR_MIN && !numeric) {
            return true;
        }
    }
    return false;
}

static bool consists_of(struct span text, const char *characters, size_t longest)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '\0' || strchr(characters, text.data[i]) == NULL) {
            return false;
        }
    }
    return text.size <= longest;
}

#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define UPPER  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

/* ---------------------------------------------------------------------------------- the list */

/* Bytes of extras that the opcode has at most. */
static size_t extras_most(uint8_t opcode, bool response)
{
    enum { OTHERS = 48 }; /* DCP_STREAM_REQ, the longest of Couchbase's */
    switch (mcbp_opcode_loud(opcode)) {
    case MCBP_GET:
    case MCBP_GETK:
        return response ? 4 : 0;
    case MCBP_GAT:
    case MCBP_GATK:
    case MCBP_TOUCH:
        return 4;
    case MCBP_SET:
    case MCBP_ADD:
    case MCBP_REPLACE:
        return response ? 16 : 8;
    case MCBP_INCREMENT:
    case MCBP_DECREMENT:
        return response ? 16 : 20;
    case MCBP_DELETE:
    case MCBP_APPEND:
    case MCBP_PREPEND:
        return response ? 16 : 0;
    case MCBP_FLUSH:
    case MCBP_VERBOSITY:
        return response ? 0 : 4;
    case MCBP_QUIT:
    case MCBP_NOOP:
    case MCBP_VERSION:
    case MCBP_STAT:
    case MCBP_HELLO:
    case MCBP_SASL_LIST_MECHS:
    case MCBP_SASL_AUTH:
    case MCBP_SASL_STEP:
        return 0;
    default:
        return OTHERS;
    }
}

static bool may_keep_info(const struct mcbp_frame_info *info, bool response)
{
    bool number = response ? info->id <= 4 : info->id <= 2 || info->id == 5;
    return number && info->value.size <= 3;
}

UNCOUNTED static bool infos_are_anonymous(struct span before, struct span after, bool response)
{
    struct mcbp_frame_info one;
    const uint8_t *first = before.data;
    while (mcbp_frame_info_next(&before, &one)) {
        struct span same = span_of(after.data + (one.value.data - first), one.value.size);
        if (!may_keep_info(&one, response) && kept_survives(one.value, same)) {
            return false;
        }
    }
    return !kept_survives(before, span_skip(after, after.size - before.size));
}

static bool may_keep_key(uint8_t opcode, struct span key)
{
    switch (mcbp_opcode_loud(opcode)) {
    case MCBP_STAT:
        return consists_of(key, LOWER DIGITS "_: ", 40);
    case MCBP_SASL_AUTH:
    case MCBP_SASL_STEP:
        return consists_of(key, UPPER DIGITS "-", 20);
    default:
        return false;
    }
}

static bool is_error_text(struct span value)
{
    for (uint16_t status = 0; status <= UINT8_MAX; status++) {
        const char *text = mcbp_status_error_body(status);
        if (text != NULL && span_equal(value, span_of(text, strlen(text)))) {
            return true;
        }
    }
    return false;
}

static bool is_features(struct span value)
{
    for (size_t i = 0; i < value.size; i++) {
        if (value.data[i] > (i % 2 == 0 ? 0 : 0x20)) {
            return false;
        }
    }
    return true;
}

static bool may_keep_value(uint8_t opcode, struct span value, bool response)
{
    switch (mcbp_opcode_loud(opcode)) {
    case MCBP_HELLO:
        return is_features(value) || (response && is_error_text(value));
    case MCBP_VERSION:
        return response && (consists_of(value, DIGITS ".-", 64) || is_error_text(value));
    case MCBP_SASL_LIST_MECHS:
        return response && (consists_of(value, UPPER DIGITS "- ", 4096) || is_error_text(value));
    case MCBP_STAT:
        return response && (consists_of(value, DIGITS ".:", 24) || is_error_text(value));
    default:
        return response && is_error_text(value);
    }
}

UNCOUNTED bool kept_is_anonymous(const struct mcbp_frame *before, const struct mcbp_frame *after)
{
    const struct mcbp_header *header = &before->header;
    bool response = mcbp_magic_is_response(header->magic);
    bool servers = header->magic == MCBP_SERVER_REQUEST || header->magic == MCBP_SERVER_RESPONSE;
    size_t extras = servers ? 16 : extras_most(header->opcode, response);
    return infos_are_anonymous(before->framing_extras, after->framing_extras, response) &&
           (before->extras.size <= extras || !kept_survives(before->extras, after->extras)) &&
           ((!servers && may_keep_key(header->opcode, before->key)) ||
            !kept_survives(before->key, after->key)) &&
           ((!servers && may_keep_value(header->opcode, before->value, response)) ||
            !kept_survives(before->value, after->value));
}
