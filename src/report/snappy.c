#include "report/snappy.h"

#include "mcbp/credentials.h"

#include <snappy-c.h>
#include <stdlib.h>

uint8_t *report_inflate(struct span value, size_t *size)
{
    const char *bytes = (const char *)value.data;
    if (value.size == 0 || snappy_uncompressed_length(bytes, value.size, size) != SNAPPY_OK ||
        *size > SNAPPY_INFLATED_MAX ||
        snappy_validate_compressed_buffer(bytes, value.size) != SNAPPY_OK) {
        return NULL;
    }
    char *inflated = malloc(*size + 1); /* nothing is a value, too */
    if (inflated != NULL && snappy_uncompress(bytes, value.size, inflated, size) != SNAPPY_OK) {
        free(inflated);
        inflated = NULL;
    }
    return (uint8_t *)inflated;
}

uint8_t *report_inflate_value(const struct mcbp_frame *frame, size_t *size)
{
    bool compressed = (frame->header.datatype & MCBP_DATATYPE_SNAPPY) != 0 &&
                      mcbp_credentials_begin(frame->bytes) == frame->bytes.size;
    return compressed ? report_inflate(frame->value, size) : NULL;
}
