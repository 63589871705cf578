#include "base/buffer.h"
#include "base/endian.h"
#include "subdoc/request.h"

static bool result_add(struct buffer *value, struct span head, struct span result)
{
    size_t size = buffer_span(value).size;
    if (!buffer_append(value, head)) {
        return false;
    }
    if (!buffer_append(value, result)) {
        value->end = value->begin + size;
        return false;
    }
    return true;
}

bool subdoc_add_lookup_result(struct buffer *value, uint16_t status, struct span result)
{
    uint8_t head[6];
    if (result.size > UINT32_MAX) {
        return false;
    }
    write_be16(head, status);
    write_be32(head + 2, (uint32_t)result.size);
    return result_add(value, span_of(head, sizeof(head)), result);
}

bool subdoc_add_mutation_result(struct buffer *value, uint8_t index, uint16_t status,
                                struct span result)
{
    uint8_t head[7] = {index};
    if (result.size > UINT32_MAX) {
        return false;
    }
    write_be16(head + 1, status);
    write_be32(head + 3, (uint32_t)result.size);
    bool is_success = status == MCBP_STATUS_SUCCESS;
    return result_add(value, span_of(head, is_success ? 7 : 3),
                      is_success ? result : span_of(NULL, 0));
}
