#include "mcbp/subdoc_spec.h"

#include "base/endian.h"
#include "mcbp/opcode.h"
#include "mcbp/status.h"

enum {
    SINGLE_SIZE = 3,   /* path length, path flags */
    LOOKUP_SIZE = 4,   /* opcode, path flags, path length */
    MUTATION_SIZE = 8, /* and value length */
    LOOKUP_RESULT_SIZE = 6,
    MUTATION_RESULT_SIZE = 3,
};

enum mcbp_subdoc_shape mcbp_subdoc_shape_of(uint8_t opcode)
{
    switch (opcode) {
    case MCBP_SUBDOC_MULTI_LOOKUP:
        return MCBP_SUBDOC_LOOKUP;
    case MCBP_SUBDOC_MULTI_MUTATION:
        return MCBP_SUBDOC_MUTATION;
    default:
        return opcode >= MCBP_SUBDOC_GET && opcode <= MCBP_SUBDOC_REPLACE_BODY_WITH_XATTR
                   ? MCBP_SUBDOC_SINGLE
                   : MCBP_SUBDOC_NONE;
    }
}

/* [expiry [user flags]] [doc flags]: the length tells which are there. */
static bool subdoc_read_optional(struct span rest, struct mcbp_subdoc_extras *out)
{
    if (rest.size % 4 > 1 || rest.size > 9) {
        return false;
    }
    out->has_expiry = rest.size >= 4;
    out->has_user_flags = rest.size >= 8;
    out->expiry = out->has_expiry ? read_be32(rest.data) : 0;
    out->user_flags = out->has_user_flags ? read_be32(rest.data + 4) : 0;
    out->doc_flags = rest.size % 4 == 1 ? rest.data[rest.size - 1] : 0;
    return true;
}

bool mcbp_subdoc_extras_read(enum mcbp_subdoc_shape shape, struct span extras,
                             struct mcbp_subdoc_extras *out)
{
    *out = (struct mcbp_subdoc_extras){0};
    if (shape == MCBP_SUBDOC_SINGLE) {
        if (extras.size < SINGLE_SIZE) {
            return false;
        }
        out->path_size = read_be16(extras.data);
        out->path_flags = extras.data[2];
        extras = span_skip(extras, SINGLE_SIZE);
    }
    if (shape == MCBP_SUBDOC_NONE || (shape == MCBP_SUBDOC_LOOKUP && extras.size > 1)) {
        return false;
    }
    return subdoc_read_optional(extras, out);
}

bool mcbp_subdoc_single(uint8_t opcode, const struct mcbp_subdoc_extras *extras, struct span value,
                        struct mcbp_subdoc_spec *spec)
{
    if (value.size < extras->path_size) {
        return false;
    }
    spec->opcode = opcode;
    spec->flags = extras->path_flags;
    spec->path = span_head(value, extras->path_size);
    spec->value = span_skip(value, extras->path_size);
    return true;
}

bool mcbp_subdoc_spec_next(enum mcbp_subdoc_shape shape, struct span *value,
                           struct mcbp_subdoc_spec *spec)
{
    size_t head = shape == MCBP_SUBDOC_MUTATION ? MUTATION_SIZE : LOOKUP_SIZE;
    if (value->size < head) {
        return false;
    }
    const uint8_t *data = value->data;
    struct span rest = span_skip(*value, head);
    size_t path_size = read_be16(data + 2);
    size_t value_size = shape == MCBP_SUBDOC_MUTATION ? read_be32(data + LOOKUP_SIZE) : 0;
    if (rest.size < path_size || rest.size - path_size < value_size) {
        return false;
    }
    spec->opcode = data[0];
    spec->flags = data[1];
    spec->path = span_head(rest, path_size);
    spec->value = span_head(span_skip(rest, path_size), value_size);
    *value = span_skip(rest, path_size + value_size);
    return true;
}

/* A length and so many bytes behind the first `at` ones. */
static bool subdoc_take_sized(struct span *value, size_t at, struct span *taken)
{
    if (value->size < at + 4) {
        return false;
    }
    size_t size = read_be32(value->data + at);
    struct span rest = span_skip(*value, at + 4);
    if (rest.size < size) {
        return false;
    }
    *taken = span_head(rest, size);
    *value = span_skip(rest, size);
    return true;
}

static bool subdoc_take_mutation_result(struct span *value, struct mcbp_subdoc_result *result)
{
    if (value->size < MUTATION_RESULT_SIZE) {
        return false;
    }
    struct mcbp_subdoc_result taken = {.index = value->data[0],
                                       .status = read_be16(value->data + 1)};
    if (taken.status != MCBP_STATUS_SUCCESS) {
        *value = span_skip(*value, MUTATION_RESULT_SIZE);
    } else if (!subdoc_take_sized(value, MUTATION_RESULT_SIZE, &taken.value)) {
        return false;
    }
    *result = taken;
    return true;
}

bool mcbp_subdoc_result_next(enum mcbp_subdoc_shape shape, struct span *value,
                             struct mcbp_subdoc_result *result)
{
    if (shape == MCBP_SUBDOC_MUTATION) {
        return subdoc_take_mutation_result(value, result);
    }
    const uint8_t *data = value->data;
    if (value->size < LOOKUP_RESULT_SIZE || !subdoc_take_sized(value, 2, &result->value)) {
        return false;
    }
    result->index = 0;
    result->status = read_be16(data);
    return true;
}
