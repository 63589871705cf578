#include "subdoc/request.h"

#include "mcbp/opcode.h"

/* What an operation may have. */
struct rules {
    uint8_t opcode;
    uint8_t path_flags;
    uint8_t document_flags;
    bool is_mutation;
    bool has_value;
    bool may_be_outermost; /* an empty path is all right */
    bool has_result;
    bool is_of_document; /* has no path */
    bool is_of_both;     /* of an extended attribute and the document */
};

enum {
    XB = MCBP_SUBDOC_PATH_XATTR | MCBP_SUBDOC_PATH_BINARY,
    XE = MCBP_SUBDOC_PATH_XATTR | MCBP_SUBDOC_PATH_EXPAND_MACROS,
    DELETED = MCBP_SUBDOC_DOC_ACCESS_DELETED | MCBP_SUBDOC_DOC_REVIVE_DOCUMENT,
    READS = DELETED | MCBP_SUBDOC_DOC_REPLICA_READ,
    INSERTS = DELETED | MCBP_SUBDOC_DOC_ADD | MCBP_SUBDOC_DOC_CREATE_AS_DELETED,
    CREATES = INSERTS | MCBP_SUBDOC_DOC_MKDOC,
    ALL_DOCUMENT_FLAGS = CREATES | MCBP_SUBDOC_DOC_REPLICA_READ,
};

static const struct rules all_rules[] = {
    {.opcode = MCBP_GET,
     .document_flags = READS,
     .has_result = true,
     .may_be_outermost = true,
     .is_of_document = true},
    {.opcode = MCBP_SET,
     .document_flags = MCBP_SUBDOC_DOC_MKDOC | MCBP_SUBDOC_DOC_ADD,
     .is_mutation = true,
     .has_value = true,
     .may_be_outermost = true,
     .is_of_document = true},
    {.opcode = MCBP_DELETE,
     .document_flags = DELETED,
     .is_mutation = true,
     .may_be_outermost = true,
     .is_of_document = true},
    {.opcode = MCBP_SUBDOC_GET, .path_flags = XB, .document_flags = READS, .has_result = true},
    {.opcode = MCBP_SUBDOC_EXISTS, .path_flags = MCBP_SUBDOC_PATH_XATTR, .document_flags = READS},
    {.opcode = MCBP_SUBDOC_GET_COUNT,
     .path_flags = MCBP_SUBDOC_PATH_XATTR,
     .document_flags = READS,
     .has_result = true,
     .may_be_outermost = true},
    {.opcode = MCBP_SUBDOC_DICT_ADD,
     .path_flags = MCBP_SUBDOC_PATH_MKDIR_P | XE | XB,
     .document_flags = CREATES,
     .is_mutation = true,
     .has_value = true},
    {.opcode = MCBP_SUBDOC_DICT_UPSERT,
     .path_flags = MCBP_SUBDOC_PATH_MKDIR_P | XE | XB,
     .document_flags = CREATES,
     .is_mutation = true,
     .has_value = true},
    {.opcode = MCBP_SUBDOC_DELETE,
     .path_flags = MCBP_SUBDOC_PATH_XATTR,
     .document_flags = DELETED,
     .is_mutation = true},
    {.opcode = MCBP_SUBDOC_REPLACE,
     .path_flags = XE | XB,
     .document_flags = DELETED | MCBP_SUBDOC_DOC_ADD,
     .is_mutation = true,
     .has_value = true},
    {.opcode = MCBP_SUBDOC_ARRAY_PUSH_LAST,
     .path_flags = MCBP_SUBDOC_PATH_MKDIR_P | XE,
     .document_flags = CREATES,
     .is_mutation = true,
     .has_value = true,
     .may_be_outermost = true},
    {.opcode = MCBP_SUBDOC_ARRAY_PUSH_FIRST,
     .path_flags = MCBP_SUBDOC_PATH_MKDIR_P | XE,
     .document_flags = CREATES,
     .is_mutation = true,
     .has_value = true,
     .may_be_outermost = true},
    {.opcode = MCBP_SUBDOC_ARRAY_INSERT,
     .path_flags = XE,
     .document_flags = INSERTS,
     .is_mutation = true,
     .has_value = true},
    {.opcode = MCBP_SUBDOC_ARRAY_ADD_UNIQUE,
     .path_flags = MCBP_SUBDOC_PATH_MKDIR_P | MCBP_SUBDOC_PATH_XATTR,
     .document_flags = CREATES,
     .is_mutation = true,
     .has_value = true,
     .may_be_outermost = true},
    {.opcode = MCBP_SUBDOC_COUNTER,
     .path_flags = MCBP_SUBDOC_PATH_MKDIR_P | MCBP_SUBDOC_PATH_XATTR,
     .document_flags = CREATES,
     .is_mutation = true,
     .has_value = true,
     .has_result = true},
    {.opcode = MCBP_SUBDOC_REPLACE_BODY_WITH_XATTR,
     .path_flags = XB,
     .document_flags = DELETED,
     .is_mutation = true,
     .is_of_both = true},
};

static const struct rules *rules_of(uint8_t opcode)
{
    for (size_t i = 0; i < sizeof(all_rules) / sizeof(all_rules[0]); i++) {
        if (all_rules[i].opcode == opcode) {
            return &all_rules[i];
        }
    }
    return NULL;
}

bool subdoc_is_single(uint8_t opcode)
{
    const struct rules *rules = rules_of(opcode);
    return rules != NULL && !rules->is_of_document;
}

bool subdoc_has_result(uint8_t opcode)
{
    const struct rules *rules = rules_of(opcode);
    return rules != NULL && rules->has_result;
}

bool subdoc_makes_parents(const struct subdoc_request *request, const struct mcbp_subdoc_spec *spec)
{
    uint8_t creates = MCBP_SUBDOC_DOC_ADD | MCBP_SUBDOC_DOC_MKDOC;
    return (spec->flags & MCBP_SUBDOC_PATH_MKDIR_P) != 0 ||
           (request->extras.doc_flags & creates) != 0;
}

static bool is_about_array(uint8_t opcode)
{
    return opcode == MCBP_SUBDOC_ARRAY_PUSH_LAST || opcode == MCBP_SUBDOC_ARRAY_PUSH_FIRST ||
           opcode == MCBP_SUBDOC_ARRAY_ADD_UNIQUE;
}

static const char *new_document_for(const struct mcbp_subdoc_spec *spec)
{
    for (size_t i = 0; i < spec->path.size; i++) {
        uint8_t byte = spec->path.data[i];
        if (byte != ' ' && (byte < '\t' || byte > '\r')) {
            return byte == '[' ? "[]" : "{}";
        }
    }
    return is_about_array(spec->opcode) ? "[]" : "";
}

struct span subdoc_new_document(const struct subdoc_request *request)
{
    for (size_t i = 0; i < request->count; i++) {
        const struct mcbp_subdoc_spec *spec = &request->specs[i];
        const struct rules *rules = rules_of(spec->opcode);
        bool is_in_json = !rules->is_of_document && !rules->is_of_both;
        if (is_in_json && (request->extras.doc_flags & MCBP_SUBDOC_DOC_CREATE_AS_DELETED) == 0) {
            const char *text = new_document_for(spec);
            return span_of(text, strlen(text));
        }
    }
    return span_of("", 0);
}

static enum mcbp_status refuse(struct subdoc_request *request, enum mcbp_status status,
                               const char *context)
{
    request->context = context;
    return status;
}

static enum mcbp_status refuse_arguments(struct subdoc_request *request, const char *context)
{
    return refuse(request, MCBP_STATUS_INVALID_ARGUMENTS, context);
}

/* False: extras of no such length, or with flags that there are not. */
static bool read_extras(const struct subdoc_input *input, struct subdoc_request *request)
{
    struct mcbp_subdoc_extras *extras = &request->extras;
    if (!mcbp_subdoc_extras_read(mcbp_subdoc_shape_of(input->opcode), input->extras, extras)) {
        return false;
    }
    if (input->extras.size == 12) {
        extras->expiry = 0;
    }
    return (extras->doc_flags & ~ALL_DOCUMENT_FLAGS) == 0;
}

/* Flags of the document that don't go together, or not with the CAS. */
static enum mcbp_status check_document_flags(uint64_t cas, struct subdoc_request *request)
{
    bool adds = (request->extras.doc_flags & MCBP_SUBDOC_DOC_ADD) != 0;
    if (adds && cas != 0) {
        return refuse_arguments(request, "Request with add flag must have CAS 0");
    }
    if (adds && (request->extras.doc_flags & MCBP_SUBDOC_DOC_MKDOC) != 0) {
        return refuse_arguments(request, "Request must not contain both add and mkdoc flags");
    }
    return MCBP_STATUS_SUCCESS;
}

static bool spec_has(const struct mcbp_subdoc_spec *spec, uint8_t flag)
{
    return (spec->flags & flag) != 0;
}

static enum mcbp_status check_flags(const struct rules *rules, const struct mcbp_subdoc_spec *spec,
                                    struct subdoc_request *request)
{
    if ((spec->flags & ~rules->path_flags) != 0) {
        return refuse_arguments(request, "Request flags invalid");
    }
    if (spec->opcode == MCBP_SUBDOC_REPLACE_BODY_WITH_XATTR &&
        !spec_has(spec, MCBP_SUBDOC_PATH_XATTR)) {
        return refuse_arguments(request, "Request missing mandatory flags");
    }
    if ((request->extras.doc_flags & ~rules->document_flags) != 0) {
        return refuse_arguments(request, "Request document flags invalid");
    }
    return MCBP_STATUS_SUCCESS;
}

static enum mcbp_status check_value(const struct rules *rules, const struct mcbp_subdoc_spec *spec,
                                    struct subdoc_request *request)
{
    if (rules->has_value == (spec->value.size > 0)) {
        return MCBP_STATUS_SUCCESS;
    }
    return refuse_arguments(request, rules->has_value ? "Request must include value"
                                                      : "Request must not include value");
}

static bool span_is(struct span span, const char *text)
{
    return span_equal(span, span_of(text, strlen(text)));
}

static bool is_macro(struct span value)
{
    static const char document[] = "\"${$document";
    size_t begin = sizeof(document) - 1;
    if (span_is(value, "\"${Mutation.CAS}\"") || span_is(value, "\"${Mutation.seqno}\"") ||
        span_is(value, "\"${Mutation.value_crc32c}\"")) {
        return true;
    }
    return value.size >= begin && memcmp(value.data, document, begin) == 0 &&
           memcmp(value.data + value.size - 2, "}\"", 2) == 0;
}

static enum mcbp_status check_body_spec(const struct mcbp_subdoc_spec *spec,
                                        struct subdoc_request *request)
{
    if (spec_has(spec, MCBP_SUBDOC_PATH_EXPAND_MACROS)) {
        return refuse(request, MCBP_STATUS_SUBDOC_XATTR_INVALID_FLAG_COMBINATION,
                      "EXPAND_MACROS flag requires XATTR flag to be set");
    }
    if (spec_has(spec, MCBP_SUBDOC_PATH_BINARY)) {
        return refuse(request, MCBP_STATUS_SUBDOC_XATTR_INVALID_FLAG_COMBINATION,
                      "BINARY_VALUE flag requires XATTR flag to be set");
    }
    return MCBP_STATUS_SUCCESS;
}

/* Whether what is said about extended attributes goes together. */
static enum mcbp_status check_xattr(const struct subdoc_input *input,
                                    const struct mcbp_subdoc_spec *spec,
                                    struct subdoc_request *request)
{
    if (!spec_has(spec, MCBP_SUBDOC_PATH_XATTR)) {
        return check_body_spec(spec, request);
    }
    if (spec_has(spec, MCBP_SUBDOC_PATH_BINARY) && spec_has(spec, MCBP_SUBDOC_PATH_EXPAND_MACROS)) {
        return refuse(request, MCBP_STATUS_SUBDOC_XATTR_INVALID_FLAG_COMBINATION,
                      "BINARY_VALUE can't be used together with EXPAND_MACROS");
    }
    if (!input->has_xattrs) {
        return refuse(request, MCBP_STATUS_NOT_SUPPORTED, "Connection not XATTR enabled");
    }
    if (subdoc_xattr_name_size(spec->path) == 0) {
        return refuse(request, MCBP_STATUS_XATTR_INVALID, "Request XATTR key invalid");
    }
    if (spec->path.data[0] == '$' && request->is_mutation) {
        return MCBP_STATUS_SUBDOC_XATTR_CANNOT_MODIFY_VATTR;
    }
    return spec_has(spec, MCBP_SUBDOC_PATH_EXPAND_MACROS) && !is_macro(spec->value)
               ? MCBP_STATUS_SUBDOC_XATTR_UNKNOWN_MACRO
               : MCBP_STATUS_SUCCESS;
}

static enum mcbp_status check_created_deleted(const struct mcbp_subdoc_spec *spec,
                                              struct subdoc_request *request)
{
    uint8_t creates = MCBP_SUBDOC_DOC_ADD | MCBP_SUBDOC_DOC_MKDOC;
    if ((request->extras.doc_flags & MCBP_SUBDOC_DOC_CREATE_AS_DELETED) == 0) {
        return MCBP_STATUS_SUCCESS;
    }
    if ((request->extras.doc_flags & creates) == 0) {
        return refuse_arguments(request, "CreateAsDeleted requires Mkdoc or Add");
    }
    if (!spec_has(spec, MCBP_SUBDOC_PATH_XATTR)) {
        return refuse_arguments(request, "CreateAsDeleted does not support body path");
    }
    return MCBP_STATUS_SUCCESS;
}

static void count_spec(struct subdoc_request *request, const struct mcbp_subdoc_spec *spec)
{
    request->xattr_count += spec_has(spec, MCBP_SUBDOC_PATH_XATTR) ? 1 : 0;
    request->count++;
}

/* Takes extras and value of a single command apart. */
static enum mcbp_status read_single(const struct subdoc_input *input, struct mcbp_subdoc_spec *spec,
                                    struct subdoc_request *request)
{
    if (!read_extras(input, request)) {
        return refuse_arguments(request, "Invalid extras section");
    }
    if (request->extras.path_size > SUBDOC_PATH_SIZE) {
        return refuse_arguments(request, "Request path length exceeds maximum");
    }
    if (!mcbp_subdoc_single(input->opcode, &request->extras, input->value, spec)) {
        return refuse_arguments(request, "Path length can't exceed value");
    }
    return MCBP_STATUS_SUCCESS;
}

static enum mcbp_status check_single(const struct subdoc_input *input, const struct rules *rules,
                                     const struct mcbp_subdoc_spec *spec,
                                     struct subdoc_request *request)
{
    enum mcbp_status status = check_value(rules, spec, request);
    status = status != MCBP_STATUS_SUCCESS ? status : check_flags(rules, spec, request);
    status = status != MCBP_STATUS_SUCCESS ? status : check_created_deleted(spec, request);
    status = status != MCBP_STATUS_SUCCESS ? status : check_document_flags(input->cas, request);
    status = status != MCBP_STATUS_SUCCESS ? status : check_xattr(input, spec, request);
    if (status != MCBP_STATUS_SUCCESS) {
        return status;
    }
    if (!rules->may_be_outermost && spec->path.size == 0) {
        return refuse_arguments(request, "Request must include path");
    }
    if (!rules->is_mutation && input->extras.size > 4) {
        return refuse_arguments(request, "Request extras invalid");
    }
    return MCBP_STATUS_SUCCESS;
}

static enum mcbp_status parse_single(const struct subdoc_input *input, const struct rules *rules,
                                     struct subdoc_request *request)
{
    struct mcbp_subdoc_spec *spec = &request->specs[0];
    request->is_mutation = rules->is_mutation;
    enum mcbp_status status = read_single(input, spec, request);
    status = status != MCBP_STATUS_SUCCESS ? status : check_single(input, rules, spec, request);
    if (status == MCBP_STATUS_SUCCESS) {
        count_spec(request, spec);
    }
    return status;
}

static const char *truncated_spec(bool is_mutation, size_t size)
{
    if (is_mutation) {
        return size < 8 ? "Multi mutation spec truncated"
                        : "Multi mutation path and value truncated";
    }
    return size < 4 ? "Multi lookup spec truncated" : "Multi lookup path truncated";
}

static enum mcbp_status check_path_size(const struct rules *rules,
                                        const struct mcbp_subdoc_spec *spec,
                                        struct subdoc_request *request)
{
    if (spec->path.size > SUBDOC_PATH_SIZE) {
        return refuse_arguments(request, "Request path length exceeds maximum");
    }
    if (rules->is_of_document && spec->path.size > 0) {
        return refuse_arguments(request, "Request must not include path for wholedoc operations");
    }
    return MCBP_STATUS_SUCCESS;
}

static enum mcbp_status check_spec(const struct subdoc_input *input,
                                   const struct mcbp_subdoc_spec *spec,
                                   struct subdoc_request *request)
{
    const struct rules *rules = rules_of(spec->opcode);
    if (rules == NULL) {
        return refuse(request, MCBP_STATUS_SUBDOC_INVALID_COMBINATION,
                      "Subdoc and MCBP command must not both be invalid");
    }
    if (rules->is_mutation != request->is_mutation) {
        return refuse(request, MCBP_STATUS_SUBDOC_INVALID_COMBINATION,
                      "Mutation opcodes only permitted for mutation commands");
    }
    enum mcbp_status status = check_flags(rules, spec, request);
    status = status != MCBP_STATUS_SUCCESS ? status : check_path_size(rules, spec, request);
    status = status != MCBP_STATUS_SUCCESS ? status : check_xattr(input, spec, request);
    if (status != MCBP_STATUS_SUCCESS) {
        return status;
    }
    if (!rules->may_be_outermost && spec->path.size == 0) {
        return refuse_arguments(request, "Request must include path");
    }
    return check_value(rules, spec, request);
}

/* Specs about extended attributes come first; nothing stands beside one that deletes the document
 * but those. */
static enum mcbp_status check_order(const struct mcbp_subdoc_spec *spec,
                                    struct subdoc_request *request)
{
    bool has_body_specs = request->count > request->xattr_count;
    if (has_body_specs && spec_has(spec, MCBP_SUBDOC_PATH_XATTR)) {
        return MCBP_STATUS_SUBDOC_INVALID_XATTR_ORDER;
    }
    if (has_body_specs && spec->opcode == MCBP_DELETE) {
        return refuse(request, MCBP_STATUS_SUBDOC_INVALID_COMBINATION,
                      "Request contains an invalid combination of commands");
    }
    return MCBP_STATUS_SUCCESS;
}

static enum mcbp_status parse_spec(const struct subdoc_input *input, struct span *rest,
                                   struct subdoc_request *request)
{
    enum mcbp_subdoc_shape shape = mcbp_subdoc_shape_of(input->opcode);
    struct mcbp_subdoc_spec *spec = &request->specs[request->count];
    if (request->count > 0 && spec[-1].opcode == MCBP_DELETE) {
        return refuse(request, MCBP_STATUS_SUBDOC_INVALID_COMBINATION,
                      "Request contains an invalid combination of commands");
    }
    if (!mcbp_subdoc_spec_next(shape, rest, spec)) {
        return refuse_arguments(request, truncated_spec(request->is_mutation, rest->size));
    }
    enum mcbp_status status = check_spec(input, spec, request);
    status = status != MCBP_STATUS_SUCCESS ? status : check_order(spec, request);
    if (status == MCBP_STATUS_SUCCESS) {
        count_spec(request, spec);
    }
    return status;
}

static enum mcbp_status check_multi_flags(uint64_t cas, struct subdoc_request *request)
{
    enum mcbp_status status = check_document_flags(cas, request);
    if (status != MCBP_STATUS_SUCCESS ||
        (request->extras.doc_flags & MCBP_SUBDOC_DOC_REVIVE_DOCUMENT) == 0) {
        return status;
    }
    if ((request->extras.doc_flags & MCBP_SUBDOC_DOC_ACCESS_DELETED) == 0) {
        return refuse_arguments(request, "ReviveDocument can't be used without AccessDeleted");
    }
    if ((request->extras.doc_flags & MCBP_SUBDOC_DOC_CREATE_AS_DELETED) != 0) {
        return refuse_arguments(request, "ReviveDocument can't be used with CreateAsDeleted");
    }
    return MCBP_STATUS_SUCCESS;
}

static enum mcbp_status parse_multi(const struct subdoc_input *input,
                                    struct subdoc_request *request)
{
    struct span rest = input->value;
    request->is_multi = true;
    request->is_mutation = input->opcode == MCBP_SUBDOC_MULTI_MUTATION;
    if (!read_extras(input, request)) {
        return refuse_arguments(request, "Request extras invalid");
    }
    enum mcbp_status status = check_multi_flags(input->cas, request);
    while (status == MCBP_STATUS_SUCCESS && rest.size > 0 && request->count < SUBDOC_SPECS) {
        status = parse_spec(input, &rest, request);
    }
    if (status == MCBP_STATUS_SUCCESS && request->count == 0) {
        return refuse(request, MCBP_STATUS_SUBDOC_INVALID_COMBINATION,
                      "Request must contain at least one path");
    }
    if (status == MCBP_STATUS_SUCCESS && rest.size > 0) {
        return refuse(request, MCBP_STATUS_SUBDOC_INVALID_COMBINATION,
                      "Request must contain at most 16 paths");
    }
    return status;
}

enum mcbp_status subdoc_request_parse(const struct subdoc_input *input,
                                      struct subdoc_request *request)
{
    *request = (struct subdoc_request){0};
    if (input->opcode == MCBP_SUBDOC_MULTI_LOOKUP || input->opcode == MCBP_SUBDOC_MULTI_MUTATION) {
        return parse_multi(input, request);
    }
    if (!subdoc_is_single(input->opcode)) {
        return MCBP_STATUS_UNKNOWN_COMMAND;
    }
    return parse_single(input, rules_of(input->opcode), request);
}
