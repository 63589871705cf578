#include "engine/bytes.h"

#include "base/endian.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

static void give_up(const char *why)
{
    fprintf(stderr, "tests/engine: %s\n", why);
    abort();
}

void bytes_free(struct bytes *bytes)
{
    free(bytes->data);
    *bytes = (struct bytes){0};
}

uint8_t *bytes_reserve(struct bytes *bytes, size_t size)
{
    if (bytes->room - bytes->size < size) {
        bytes->room = 2 * (bytes->size + size);
        bytes->data = realloc(bytes->data, bytes->room);
        if (bytes->data == NULL) {
            give_up("no memory");
        }
    }
    return bytes->data + bytes->size;
}

void bytes_add(struct bytes *bytes, const void *data, size_t size)
{
    if (size == 0) {
        return;
    }
    memcpy(bytes_reserve(bytes, size), data, size);
    bytes->size += size;
}

static unsigned digit(char c)
{
    if (!isxdigit((unsigned char)c)) {
        give_up("neither hexadecimal digits nor quoted text");
    }
    return (unsigned)(isdigit((unsigned char)c) ? c - '0' : tolower(c) - 'a' + 10);
}

void bytes_add_notation(struct bytes *bytes, const char *notation)
{
    for (const char *c = notation; *c != 0;) {
        if (*c == ' ') {
            c++;
        } else if (*c == '\'') {
            size_t size = strcspn(c + 1, "'");
            bytes_add(bytes, c + 1, size);
            c += size + 2;
        } else {
            uint8_t byte = (uint8_t)(digit(c[0]) << 4 | digit(c[1]));
            bytes_add(bytes, &byte, 1);
            c += 2;
        }
    }
}

void bytes_add_request(struct bytes *bytes, const struct request *request)
{
    uint8_t header[MCBP_HEADER_SIZE] = {MCBP_CLIENT_REQUEST, request->opcode};
    write_be16(header + 2, (uint16_t)request->key.size);
    header[4] = (uint8_t)request->extras.size;
    write_be32(header + 8,
               (uint32_t)(request->extras.size + request->key.size + request->value.size));
    write_be32(header + 12, request->opaque);
    write_be64(header + 16, request->cas);
    bytes_add(bytes, header, sizeof(header));
    bytes_add(bytes, request->extras.data, request->extras.size);
    bytes_add(bytes, request->key.data, request->key.size);
    bytes_add(bytes, request->value.data, request->value.size);
}

void bytes_add_response(struct bytes *bytes, const struct kvr_response *response)
{
    size_t size;
    if (kvr_size(response, &size) != KVR_OK) {
        give_up("a response that can't be encoded");
    }
    uint8_t *room = bytes_reserve(bytes, size);
    if (kvr_encode_flat(response, room, size, &size) != KVR_OK) {
        give_up("a response that can't be encoded");
    }
    bytes->size += size;
}
