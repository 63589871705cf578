#include "mcbp/opcode.h"
#include "mcbp/status.h"
#include "mcbp/subdoc_spec.h"
#include "report/describe.h"
#include "report/describe_parts.h"

#define BIT(name, bit) {bit, #name},
static const struct describe_bit spec_flags[] = {MCBP_SUBDOC_PATH_FLAGS(BIT){0, NULL}};
#undef BIT

static void describe_spec(struct fields *fields, enum mcbp_subdoc_shape shape,
                          const struct mcbp_subdoc_spec *spec)
{
    char text[MCBP_OPCODE_TEXT_SIZE];
    if (shape != MCBP_SUBDOC_SINGLE) {
        fields_word(fields, "opcode", mcbp_opcode_text(MCBP_CLIENT_REQUEST, spec->opcode, text));
        if (spec->flags != 0) {
            describe_bits(fields, "path_flags", spec->flags, spec_flags);
        }
    }
    fields_bytes(fields, "path", spec->path);
    if (spec->value.size > 0) {
        fields_begins(fields, "fragment", spec->value);
    }
}

static void describe_rest(struct fields *fields, struct span rest)
{
    if (rest.size > 0) {
        fields_begins(fields, "rest", rest);
    }
}

static void describe_specs(struct fields *fields, enum mcbp_subdoc_shape shape, struct span value)
{
    struct mcbp_subdoc_spec spec;
    fields_list(fields, "specs");
    for (unsigned i = 0; i < DESCRIBE_LIST_MAX && mcbp_subdoc_spec_next(shape, &value, &spec);
         i++) {
        fields_item(fields);
        describe_spec(fields, shape, &spec);
    }
    fields_end(fields);
    describe_rest(fields, value);
}

static void describe_results(struct fields *fields, enum mcbp_subdoc_shape shape, struct span value)
{
    struct mcbp_subdoc_result result;
    char text[MCBP_STATUS_TEXT_SIZE];
    fields_list(fields, "results");
    for (unsigned i = 0; i < DESCRIBE_LIST_MAX && mcbp_subdoc_result_next(shape, &value, &result);
         i++) {
        fields_item(fields);
        fields_number(fields, "index", shape == MCBP_SUBDOC_LOOKUP ? i : result.index);
        fields_word(fields, "status", mcbp_status_text(result.status, text));
        if (result.value.size > 0) {
            fields_begins(fields, "value", result.value);
        }
    }
    fields_end(fields);
    describe_rest(fields, value);
}

static bool describe_has_results(uint16_t status)
{
    return status == MCBP_STATUS_SUCCESS || status == MCBP_STATUS_SUBDOC_MULTI_PATH_FAILURE ||
           status == MCBP_STATUS_SUBDOC_SUCCESS_DELETED ||
           status == MCBP_STATUS_SUBDOC_MULTI_PATH_FAILURE_DELETED;
}

static void describe_single(struct fields *fields, const struct mcbp_frame *frame)
{
    struct mcbp_subdoc_extras extras;
    struct mcbp_subdoc_spec spec;
    if (mcbp_subdoc_extras_read(MCBP_SUBDOC_SINGLE, frame->extras, &extras) &&
        mcbp_subdoc_single(frame->header.opcode, &extras, frame->value, &spec)) {
        describe_spec(fields, MCBP_SUBDOC_SINGLE, &spec);
    }
}

bool describe_subdoc(struct fields *fields, const struct mcbp_frame *frame)
{
    enum mcbp_subdoc_shape shape = mcbp_subdoc_shape_of(frame->header.opcode);
    bool answer = mcbp_magic_is_response(frame->header.magic);
    if (shape == MCBP_SUBDOC_NONE) {
        return false;
    }
    if (shape == MCBP_SUBDOC_SINGLE) {
        if (!answer) {
            describe_single(fields, frame);
        }
    } else if (!answer) {
        describe_specs(fields, shape, frame->value);
    } else if (frame->value.size > 0 && describe_has_results(frame->header.vbucket_or_status)) {
        describe_results(fields, shape, frame->value);
    }
    return !answer || (frame->value.size > 0 && shape != MCBP_SUBDOC_SINGLE);
}
