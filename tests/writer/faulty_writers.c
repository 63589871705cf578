/*
 * Most of the faults are slips in the bytes: the right frame is encoded flat, then one thing is
 * made wrong. The ones that need a reservation or a race are in faulty_reserve.c.
 */
#include "faulty_writers.h"

#include "faulty_reserve.h"
#include "response/encode.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <stdlib.h>
#include <string.h>

/* The offsets of a header's fields: doc/protocol-binary.txt in memcached/memcached. */
enum {
    AT_OPCODE = 1,
    AT_KEY_LENGTH = 2,
    AT_EXTRAS_LENGTH = 4,
    AT_DATATYPE = 5,
    AT_STATUS = 6,
    AT_BODY_LENGTH = 8,
    AT_OPAQUE = 12,
    AT_CAS = 16,
};

/* A right frame about to be made wrong. There is one byte of room behind it. */
struct frame {
    uint8_t *bytes;
    size_t size;
    const struct kvr_response *response;
};

static size_t value_at(const struct frame *frame)
{
    return frame->size - frame->response->value_size;
}

static void no_fault(struct frame *frame)
{
    (void)frame;
}

static void swap_bytes(uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size / 2; i++) {
        uint8_t byte = bytes[i];
        bytes[i] = bytes[size - 1 - i];
        bytes[size - 1 - i] = byte;
    }
}

static void body_counts_header(struct frame *frame)
{
    write_be32(frame->bytes + AT_BODY_LENGTH, (uint32_t)frame->size);
}

static void body_forgets_extras(struct frame *frame)
{
    size_t body = frame->size - KVR_HEADER_SIZE - frame->response->extras_size;
    write_be32(frame->bytes + AT_BODY_LENGTH, (uint32_t)body);
}

static void key_length_8_bits(struct frame *frame)
{
    frame->bytes[AT_KEY_LENGTH] = 0;
}

static void extras_length_lost(struct frame *frame)
{
    frame->bytes[AT_EXTRAS_LENGTH] = 0;
}

static void datatype_dropped(struct frame *frame)
{
    frame->bytes[AT_DATATYPE] = 0;
}

static void cas_in_host_order(struct frame *frame)
{
    swap_bytes(frame->bytes + AT_CAS, 8);
}

static void cas_dropped(struct frame *frame)
{
    memset(frame->bytes + AT_CAS, 0, 8);
}

static void opaque_in_host_order(struct frame *frame)
{
    swap_bytes(frame->bytes + AT_OPAQUE, 4);
}

static void status_always_success(struct frame *frame)
{
    memset(frame->bytes + AT_STATUS, 0, 2);
}

static void opcode_of_another_form(struct frame *frame)
{
    frame->bytes[AT_OPCODE] ^= 0x08;
}

static void magic_never_flex(struct frame *frame)
{
    frame->bytes[0] = 0x81;
}

static void key_before_extras(struct frame *frame)
{
    uint8_t *extras = frame->bytes + KVR_HEADER_SIZE + frame->response->framing_extras_size;
    memmove(extras + frame->response->key_size, extras, frame->response->extras_size);
    memcpy(extras, frame->response->key, frame->response->key_size);
}

static void key_is_cleared(struct frame *frame)
{
    memset(frame->bytes + value_at(frame) - frame->response->key_size, 0,
           frame->response->key_size);
}

static void room_for_three_frame_infos(struct frame *frame)
{
    memset(frame->bytes + KVR_HEADER_SIZE + 9, 0, frame->response->framing_extras_size - 9);
}

static void last_byte_of_value_wrong(struct frame *frame)
{
    frame->bytes[frame->size - 1] ^= 1;
}

static void first_byte_of_value_wrong(struct frame *frame)
{
    frame->bytes[value_at(frame)] ^= 0x80;
}

static void byte_lost_in_value(struct frame *frame)
{
    size_t at = value_at(frame) + frame->response->value_size / 2;
    memmove(frame->bytes + at, frame->bytes + at + 1, frame->size - at - 1);
    frame->size--;
}

static void last_byte_lost(struct frame *frame)
{
    frame->size--;
}

static void byte_left_over(struct frame *frame)
{
    frame->bytes[frame->size++] = 0;
}

static void value_not_written(struct frame *frame)
{
    frame->size = value_at(frame);
}

static void nothing_written(struct frame *frame)
{
    frame->size = 0;
}

static enum kvr_error write_one(struct evbuffer *output, const struct kvr_response *response,
                                void (*fault)(struct frame *))
{
    size_t room;
    enum kvr_error error = kvr_size(response, &room);
    if (error != KVR_OK) {
        return error;
    }
    struct frame frame = {.bytes = malloc(room + 1), .response = response};
    if (frame.bytes == NULL) {
        return KVR_NO_MEMORY;
    }
    error = kvr_encode_flat(response, frame.bytes, room, &frame.size);
    if (error == KVR_OK) {
        fault(&frame);
        error = evbuffer_add(output, frame.bytes, frame.size) < 0 ? KVR_NO_MEMORY : KVR_OK;
    }
    free(frame.bytes);
    return error;
}

static enum kvr_error write_all(struct bufferevent *bufferevent,
                                const struct kvr_response *responses, size_t count,
                                bool (*shows_in)(const struct kvr_response *),
                                void (*fault)(struct frame *))
{
    enum kvr_error error = KVR_OK;
    struct evbuffer *output = bufferevent_get_output(bufferevent);
    evbuffer_lock(output);
    for (size_t i = 0; i < count && error == KVR_OK; i++) {
        void (*now)(struct frame *) = shows_in(&responses[i]) ? fault : no_fault;
        error = write_one(output, &responses[i], now);
    }
    evbuffer_unlock(output);
    return error;
}

/* ------------------------------------------------------------------ where a fault shows */

static bool any(const struct kvr_response *response)
{
    (void)response;
    return true;
}

static bool extras(const struct kvr_response *response)
{
    return response->extras_size > 0;
}

static bool extras_and_key(const struct kvr_response *response)
{
    return response->extras_size > 0 && response->key_size > 0 &&
           memcmp(response->extras, response->key, 1) != 0;
}

static bool key(const struct kvr_response *response)
{
    return response->key_size > 0 && *(const uint8_t *)response->key != 0;
}

static bool key_over_255(const struct kvr_response *response)
{
    return response->key_size > UINT8_MAX;
}

static bool datatype(const struct kvr_response *response)
{
    return response->datatype != 0;
}

static bool cas(const struct kvr_response *response)
{
    return response->cas != 0 && response->cas != __builtin_bswap64(response->cas);
}

static bool opaque(const struct kvr_response *response)
{
    return response->opaque != __builtin_bswap32(response->opaque);
}

static bool status(const struct kvr_response *response)
{
    return response->status != 0;
}

static bool flex(const struct kvr_response *response)
{
    return response_is_flex(response);
}

static bool fourth_frame_info(const struct kvr_response *response)
{
    const uint8_t *infos = response->framing_extras;
    return response->framing_extras_size > 9 && infos[9] != 0;
}

static bool value(const struct kvr_response *response)
{
    return response->value_size > 0;
}

/* Whose byte in the middle differs from the next, so that a lost one shows there. */
static bool value_uneven(const struct kvr_response *response)
{
    const uint8_t *bytes = response->value;
    size_t middle = response->value_size / 2;
    return response->value_size > 2 && bytes[middle] != bytes[middle + 1];
}

/* ------------------------------------------------------------------ the table */

/* Name, what a comparison must report, where it shows, what is wrong. */
#define SLIPS(X)                                                                                   \
    X(body_counts_header, "header.total_body_length", any, "the body length counts the header")    \
    X(body_forgets_extras, "header.total_body_length", extras, "the body length forgets extras")   \
    X(key_length_8_bits, "header.key_length", key_over_255, "the key length is cut to 8 bits")     \
    X(extras_length_lost, "header.extras_length", extras, "the extras length is always 0")         \
    X(datatype_dropped, "header.datatype", datatype, "the datatype is always raw")                 \
    X(cas_in_host_order, "header.cas", cas, "the CAS is little-endian")                            \
    X(cas_dropped, "header.cas", cas, "the CAS is always 0")                                       \
    X(opaque_in_host_order, "header.opaque", opaque, "the opaque is little-endian")                \
    X(status_always_success, "header.status", status, "the status is always success")              \
    X(opcode_of_another_form, "header.opcode", any, "the opcode is another one")                   \
    X(magic_never_flex, "header.magic", flex, "the magic does not announce framing extras")        \
    X(key_before_extras, "extras", extras_and_key, "key and extras are swapped")                   \
    X(key_is_cleared, "key", key, "the key's bytes are all 0")                                     \
    X(room_for_three_frame_infos, "frame_info[3]", fourth_frame_info, "9 bytes for frame infos")   \
    X(first_byte_of_value_wrong, "value", value, "the value's first byte is wrong")                \
    X(last_byte_of_value_wrong, "value", value, "the value's last byte is wrong")                  \
    X(byte_lost_in_value, "value", value_uneven, "a byte in the middle of the value is lost")      \
    X(last_byte_lost, "size", any, "the frame's last byte is lost")                                \
    X(byte_left_over, "size", any, "there is a byte too many")                                     \
    X(value_not_written, "size", value, "the value is not written")                                \
    X(nothing_written, "size", any, "nothing is written")

/* The same with when it shows; what they write is in faulty_reserve.c. */
#define OTHERS(X)                                                                                  \
    X(second_extent, FAULTY_SPLIT, "any", value,                                                   \
      "the second extent is written from a wrong offset")                                          \
    X(first_extent_only, FAULTY_SPLIT, "size", value, "only the first extent is committed")        \
    X(reversed_batch, FAULTY_BATCH, "any", any, "the responses of a call are reversed")            \
    X(key_unchecked, FAULTY_ALWAYS, "refusal", flex, "a key over 255 bytes loses its length")      \
    X(no_lock, FAULTY_THREADS, "any", any, "no lock from reserve to commit")                       \
    X(shared_scratch, FAULTY_THREADS, "any", any, "the threads share one scratch buffer")

#define WRITE(name, field, where, fault)                                                           \
    static enum kvr_error name##_write(void *state, struct bufferevent *bufferevent,               \
                                       const struct kvr_response *responses, size_t count)         \
    {                                                                                              \
        (void)state;                                                                               \
        return write_all(bufferevent, responses, count, where, name);                              \
    }
SLIPS(WRITE)

/* Each by a name of its own, for the plug-ins. */
#define WRITER(name, fault)                                                                        \
    extern const struct kvr_writer_type faulty_##name;                                             \
    const struct kvr_writer_type faulty_##name = {#name, fault, NULL, NULL, name##_write, NULL};
#define SLIP_WRITER(name, field, where, fault)        WRITER(name, fault)
#define OTHER_WRITER(name, when, field, where, fault) WRITER(name, fault)
SLIPS(SLIP_WRITER)
OTHERS(OTHER_WRITER)

#define ROW(name, when, field, where, fault)                                                       \
    {{#name, fault, NULL, NULL, name##_write, NULL}, fault, field, when, where},
#define SLIP_ROW(name, field, where, fault) ROW(name, FAULTY_ALWAYS, field, where, fault)

// clang-format off
const struct faulty_writer faulty_writers[] = {
    SLIPS(SLIP_ROW)
    OTHERS(ROW)
    {{NULL, NULL, NULL, NULL, NULL, NULL}, NULL, NULL, FAULTY_ALWAYS, NULL},
};
