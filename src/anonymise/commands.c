#include "anonymise/commands.h"

#include "anonymise/json.h"
#include "anonymise/protocol.h"
#include "anonymise/substitute.h"
#include "anonymise/text.h"
#include "base/endian.h"
#include "mcbp/opcode.h"
#include "mcbp/status.h"
#include "mcbp/subdoc_spec.h"

static bool is_of_server(const struct dissect_frame *frame)
{
    uint8_t magic = frame->frame.header.magic;
    return magic == MCBP_SERVER_REQUEST || magic == MCBP_SERVER_RESPONSE;
}

/* A server tells the cluster's new configuration, with the bucket's name for a key. */
static bool is_new_config(const struct dissect_frame *frame)
{
    enum { CLUSTERMAP_CHANGE_NOTIFICATION = 0x01 };
    return frame->frame.header.magic == MCBP_SERVER_REQUEST &&
           frame->frame.header.opcode == CLUSTERMAP_CHANGE_NOTIFICATION;
}

/* Where a part of the frame's value is in its copy. */
static uint8_t *in_copy(const struct commands_value *self, uint8_t *bytes, struct span part)
{
    return bytes + (part.data - self->frame->frame.value.data);
}

/* ------------------------------------------------------------------------------- subdocuments */

/* Macros are kept where they are expanded; what they become is the server's. */
static bool is_macro(const struct mcbp_subdoc_spec *spec)
{
    static const char *const macros[] = {"\"${Mutation.", "\"${$document"};
    for (size_t i = 0; i < sizeof(macros) / sizeof(macros[0]); i++) {
        size_t size = strlen(macros[i]);
        if ((spec->flags & MCBP_SUBDOC_PATH_EXPAND_MACROS) != 0 && spec->value.size > size &&
            memcmp(spec->value.data, macros[i], size) == 0) {
            return true;
        }
    }
    return false;
}

static bool replace_fragment(const struct commands_value *self, uint8_t *bytes, size_t size)
{
    return body_replace(self->manner, 0, bytes, size);
}

static bool replace_spec(const struct commands_value *self, const struct mcbp_subdoc_spec *spec,
                         uint8_t *bytes)
{
    if (!language_is_virtual(spec->flags, spec->path)) {
        body_replace_path(self->manner, in_copy(self, bytes, spec->path), spec->path.size);
    }
    return spec->value.size == 0 || is_macro(spec) ||
           replace_fragment(self, in_copy(self, bytes, spec->value), spec->value.size);
}

/* What can't be read of a value. */
static void replace_rest(const struct commands_value *self, struct span rest, uint8_t *bytes)
{
    if (rest.size > 0) {
        substitute_value(self->manner->secret, in_copy(self, bytes, rest), rest.size);
    }
}

static enum commands_became replace_specs(const struct commands_value *self,
                                          enum mcbp_subdoc_shape shape, uint8_t *bytes)
{
    const struct mcbp_frame *frame = &self->frame->frame;
    struct span rest = frame->value;
    struct mcbp_subdoc_extras extras;
    struct mcbp_subdoc_spec spec;
    if (shape == MCBP_SUBDOC_SINGLE) {
        return mcbp_subdoc_extras_read(shape, frame->extras, &extras) &&
                       mcbp_subdoc_single(frame->header.opcode, &extras, rest, &spec) &&
                       replace_spec(self, &spec, bytes)
                   ? COMMANDS_REPLACED
                   : COMMANDS_UNKNOWN;
    }
    while (mcbp_subdoc_spec_next(shape, &rest, &spec)) {
        replace_spec(self, &spec, bytes);
    }
    replace_rest(self, rest, bytes);
    return COMMANDS_REPLACED;
}

/* A JSON text, and how it is replaced. */
struct target {
    const struct body_manner *manner;
    uint8_t *bytes;
};

static void replace_name(void *context, enum json_piece piece, struct span member, size_t at,
                         size_t size)
{
    const struct target *target = context;
    (void)member;
    if (piece != JSON_NUMBER) {
        body_replace_path(target->manner, target->bytes + at, size);
    }
}

static void replace_result(const struct commands_value *self, unsigned number, uint8_t *bytes,
                           size_t size)
{
    struct target target = {self->manner, bytes};
    const struct json_visitor names = {&target, replace_name};
    switch (language_result(self->results, number)) {
    case LANGUAGE_FACT:
        sums_renew(self->manner->sums, bytes, size);
        break;
    case LANGUAGE_NAMES:
        json_walk(span_of(bytes, size), &names);
        break;
    case LANGUAGE_DATA:
    case LANGUAGE_WHOLE:
        replace_fragment(self, bytes, size);
        break;
    }
}

static enum commands_became replace_results(const struct commands_value *self,
                                            enum mcbp_subdoc_shape shape, uint8_t *bytes)
{
    struct span rest = self->frame->frame.value;
    struct mcbp_subdoc_result result;
    if (shape == MCBP_SUBDOC_SINGLE) {
        replace_result(self, 0, bytes, rest.size);
        return COMMANDS_REPLACED;
    }
    for (unsigned i = 0; mcbp_subdoc_result_next(shape, &rest, &result); i++) {
        unsigned number = shape == MCBP_SUBDOC_MUTATION ? result.index : i;
        if (result.value.size > 0) { /* there is none where it failed */
            replace_result(self, number, in_copy(self, bytes, result.value), result.value.size);
        }
    }
    replace_rest(self, rest, bytes);
    return COMMANDS_REPLACED;
}

/* ------------------------------------------------------------------------------------ OBSERVE */

/* A vbucket and a key, in an answer also a state and a CAS. */
static enum commands_became replace_observed(const struct commands_value *self, bool response,
                                             uint8_t *bytes)
{
    enum { HEAD = 4, TAIL = 9 };
    struct span rest = self->frame->frame.value;
    size_t tail = response ? TAIL : 0;
    while (rest.size >= HEAD && rest.size - HEAD >= read_be16(rest.data + 2) + tail) {
        struct span key = span_head(span_skip(rest, HEAD), read_be16(rest.data + 2));
        size_t prefix = language_prefix_size(self->language, MCBP_GET, key);
        keys_replace(self->keys, in_copy(self, bytes, key) + prefix, key.size - prefix);
        rest = span_skip(rest, HEAD + key.size + tail);
    }
    replace_rest(self, rest, bytes);
    return COMMANDS_REPLACED;
}

/* -------------------------------------------------------------------------------------- values */

/* Values that consist of numbers of the protocol's: vbuckets, their UUIDs and sequence numbers. */
static bool is_of_numbers(uint8_t opcode, bool response, size_t size)
{
    enum { UUID = 8, SCAN_UUID = 16, FAILOVER = 16, VBUCKET_SEQNO = 10, VERSION = 2 };
    enum { OBSERVED = 27, OBSERVED_FAILOVER = 43 };
    switch (opcode) {
    case MCBP_GET_ERROR_MAP:
        return !response && size == VERSION;
    case MCBP_OBSERVE_SEQNO:
        return response ? size == OBSERVED || size == OBSERVED_FAILOVER : size == UUID;
    case MCBP_RANGE_SCAN_CREATE:
        return response && size == SCAN_UUID;
    case MCBP_GET_FAILOVER_LOG:
    case MCBP_DCP_STREAM_REQ:
    case MCBP_DCP_GET_FAILOVER_LOG:
        return response && size % FAILOVER == 0;
    case MCBP_GET_ALL_VB_SEQNOS:
        return response && size % VBUCKET_SEQNO == 0;
    default:
        return false;
    }
}

static enum commands_became replace_json(const struct commands_value *self, uint8_t *bytes)
{
    size_t size = self->frame->frame.value.size;
    bool compressed = (self->frame->frame.header.datatype & MCBP_DATATYPE_SNAPPY) != 0;
    return !compressed && protocol_replace_json(self->keys, bytes, size) ? COMMANDS_REPLACED
                                                                         : COMMANDS_UNKNOWN;
}

static enum commands_became replace_asked(const struct commands_value *self, uint8_t *bytes)
{
    const struct mcbp_frame *frame = &self->frame->frame;
    enum mcbp_subdoc_shape shape = mcbp_subdoc_shape_of(frame->header.opcode);
    if (shape != MCBP_SUBDOC_NONE) {
        return replace_specs(self, shape, bytes);
    }
    switch (frame->header.opcode) {
    case MCBP_OBSERVE:
        return replace_observed(self, false, bytes);
    case MCBP_COLLECTIONS_GET_ID:
    case MCBP_COLLECTIONS_GET_SCOPE_ID:
        protocol_replace_names(self->manner->secret, bytes, frame->value.size);
        return COMMANDS_REPLACED;
    case MCBP_RANGE_SCAN_CREATE:
    case MCBP_COLLECTIONS_SET_MANIFEST:
    case MCBP_SET_CLUSTER_CONFIG:
        return replace_json(self, bytes);
    default:
        return COMMANDS_UNKNOWN;
    }
}

static bool has_results(enum mcbp_subdoc_shape shape, uint16_t status)
{
    return status == MCBP_STATUS_SUCCESS || status == MCBP_STATUS_SUBDOC_SUCCESS_DELETED ||
           (shape != MCBP_SUBDOC_SINGLE &&
            (status == MCBP_STATUS_SUBDOC_MULTI_PATH_FAILURE ||
             status == MCBP_STATUS_SUBDOC_MULTI_PATH_FAILURE_DELETED));
}

static enum commands_became replace_answered(const struct commands_value *self, uint8_t *bytes)
{
    const struct mcbp_frame *frame = &self->frame->frame;
    enum mcbp_subdoc_shape shape = mcbp_subdoc_shape_of(frame->header.opcode);
    uint16_t status = frame->header.vbucket_or_status;
    if (shape != MCBP_SUBDOC_NONE && has_results(shape, status)) {
        return replace_results(self, shape, bytes);
    }
    if (status != MCBP_STATUS_SUCCESS) { /* what is wrong, or a cluster configuration */
        return replace_json(self, bytes);
    }
    switch (frame->header.opcode) {
    case MCBP_OBSERVE:
        return replace_observed(self, true, bytes);
    case MCBP_GET_ERROR_MAP:
        return protocol_is_error_map(frame->value) ? COMMANDS_REPLACED : COMMANDS_UNKNOWN;
    case MCBP_GET_CLUSTER_CONFIG:
    case MCBP_COLLECTIONS_GET_MANIFEST:
        return replace_json(self, bytes);
    default:
        return COMMANDS_UNKNOWN;
    }
}

enum commands_became commands_replace_value(const struct commands_value *self, uint8_t *bytes)
{
    const struct mcbp_header *header = &self->frame->frame.header;
    bool response = mcbp_magic_is_response(header->magic);
    if (is_of_server(self->frame)) {
        return is_new_config(self->frame) ? replace_json(self, bytes) : COMMANDS_UNKNOWN;
    }
    if (is_of_numbers(header->opcode, response, self->frame->frame.value.size)) {
        return COMMANDS_REPLACED;
    }
    return response ? replace_answered(self, bytes) : replace_asked(self, bytes);
}

enum commands_became commands_replace_key(const struct keys *keys,
                                          const struct dissect_frame *frame, uint8_t *bytes)
{
    struct span key = frame->frame.key;
    uint8_t opcode = frame->frame.header.opcode;
    if (is_of_server(frame) && !is_new_config(frame)) {
        return COMMANDS_UNKNOWN;
    }
    if (!is_of_server(frame) && opcode == MCBP_HELLO) {
        return protocol_replace_json(keys, bytes, key.size) ? COMMANDS_REPLACED : COMMANDS_UNKNOWN;
    }
    if (is_of_server(frame) || opcode == MCBP_SELECT_BUCKET || opcode == MCBP_COLLECTIONS_GET_ID ||
        opcode == MCBP_COLLECTIONS_GET_SCOPE_ID) {
        protocol_replace_names(keys->secret, bytes, key.size);
        return COMMANDS_REPLACED;
    }
    return COMMANDS_UNKNOWN;
}
