#include "response/encode.h"

enum kvr_error kvr_size(const struct kvr_response *response, size_t *size)
{
    enum kvr_error error = response_check(response);
    if (error == KVR_OK) {
        *size = response_size(response);
    }
    return error;
}

void kvr_encode_header(const struct kvr_response *response, uint8_t header[KVR_HEADER_SIZE])
{
    response_encode_header(response, header);
}
