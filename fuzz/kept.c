#include "kept.h"

#include "mcbp/frame_info.h"
#include "mcbp/opcode.h"
#include "mcbp/status.h"
#include "target.h"

#include <ctype.h>

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

/*
 * The same where structure is kept, as in JSON and in what subdocument commands say: only words
 * count, and what consists of few different letters doesn't, as letters may become themselves.
 */
UNCOUNTED static bool words_survive(struct span before, struct span after)
{
    enum { KINDS_MIN = 6 };
    size_t run = 0;
    for (size_t i = 0; i < before.size && i < after.size; i++) {
        bool same = before.data[i] == after.data[i] && isalnum(before.data[i]);
        run = same ? run + 1 : 0;
        if (run >= SURVIVOR_MIN) {
            bool seen[256] = {false};
            size_t kinds = 0;
            for (size_t j = i + 1 - run; j <= i; j++) {
                kinds += isalpha(before.data[j]) && !seen[before.data[j]];
                seen[before.data[j]] = true;
            }
            if (kinds >= KINDS_MIN) {
                return true;
            }
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
        if (value.data[i] > (i % 2 == 0 ? 0 : 0x26)) {
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

/* JSON of the protocol's own, with words that are kept; numbers that are no text. */
static bool is_protocols(const struct mcbp_header *header, struct span value, bool response)
{
    bool error = response && header->vbucket_or_status != MCBP_STATUS_SUCCESS;
    switch (header->opcode) {
    case MCBP_GET_CLUSTER_CONFIG:
    case MCBP_SET_CLUSTER_CONFIG:
    case MCBP_COLLECTIONS_GET_MANIFEST:
    case MCBP_COLLECTIONS_SET_MANIFEST:
    case MCBP_GET_ERROR_MAP:
    case MCBP_RANGE_SCAN_CREATE:
    case MCBP_COLLECTIONS_GET_ID:
    case MCBP_COLLECTIONS_GET_SCOPE_ID:
        return true;
    default:
        return error && value.size > 0 && strchr("{[\" \t\r\n", value.data[0]) != NULL;
    }
}

/* Values of Couchbase's commands, and JSON. */
static bool has_structure(const struct mcbp_header *header, struct span value)
{
    enum { FIRST_OF_COUCHBASE = 0x48 };
    return header->opcode >= FIRST_OF_COUCHBASE ||
           (value.size > 0 && value.data[0] != '\0' &&
            strchr("{[\"-,: \t\r\ntfn0123456789", value.data[0]) != NULL);
}

static bool value_survives(const struct mcbp_frame *before, const struct mcbp_frame *after,
                           bool response)
{
    const struct mcbp_header *header = &before->header;
    if ((header->datatype & MCBP_DATATYPE_SNAPPY) != 0 ||
        is_protocols(header, before->value, response)) {
        return false;
    }
    return (has_structure(header, before->value) ? words_survive : kept_survives)(before->value,
                                                                                  after->value);
}

static bool key_survives(const struct mcbp_frame *before, const struct mcbp_frame *after)
{
    switch (before->header.opcode) {
    case MCBP_COLLECTIONS_GET_ID: /* names that are words of the protocol, too, are kept */
    case MCBP_COLLECTIONS_GET_SCOPE_ID:
    case MCBP_SELECT_BUCKET:
        return false;
    case MCBP_HELLO:
        return words_survive(before->key, after->key);
    default:
        return kept_survives(before->key, after->key);
    }
}

UNCOUNTED bool kept_is_anonymous(const struct mcbp_frame *before, const struct mcbp_frame *after)
{
    const struct mcbp_header *header = &before->header;
    bool response = mcbp_magic_is_response(header->magic);
    bool servers = header->magic == MCBP_SERVER_REQUEST || header->magic == MCBP_SERVER_RESPONSE;
    bool config = header->magic == MCBP_SERVER_REQUEST && header->opcode == 1; /* and a bucket */
    size_t extras = servers ? 16 : extras_most(header->opcode, response);
    return infos_are_anonymous(before->framing_extras, after->framing_extras, response) &&
           (before->extras.size <= extras || !kept_survives(before->extras, after->extras)) &&
           (config || (!servers && may_keep_key(header->opcode, before->key)) ||
            !key_survives(before, after)) &&
           (config || (!servers && may_keep_value(header->opcode, before->value, response)) ||
            !value_survives(before, after, response));
}
