/*
 * kvresponse: building MCBP responses in a libevent buffer.
 *
 * A response is described completely as data (struct kvr_response) before any byte of it exists.
 * kvr_size adds the parts up, and a writer turns descriptions into bytes in an evbuffer. The flat
 * encoder does the same into plain memory; it is the reference that every writer has to equal.
 *
 * All or nothing: a writer that returns anything but KVR_OK has left the buffer as it was.
 */
#ifndef KVRESPONSE_H
#define KVRESPONSE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct evbuffer;
struct bufferevent;

enum { KVR_HEADER_SIZE = 24 };

/*
 * What keeps a value alive while an evbuffer refers to it: the caller puts one into whatever owns
 * the value, beside a reference count. A writer that sends the value without copying it calls
 * `retain` before it hands the value to libevent, and `release` once libevent has let go of it:
 * after the bytes were sent, when the connection dies with them unsent, or before the writer
 * returns if the call fails. Calls are balanced; a value that is copied sees neither.
 *
 * Both may be called from any thread, with the buffer locked: they must be thread safe and may not
 * touch the bufferevent.
 */
struct kvr_value_owner {
    void (*retain)(struct kvr_value_owner *owner);
    void (*release)(struct kvr_value_owner *owner);
};

/*
 * One frame that a server sends. Numbers are in host byte order, sizes in bytes. The memory that
 * the parts point to belongs to the caller and must stay unchanged until the call that was given
 * the description returns. A part of size 0 may have a NULL pointer.
 *
 * Nothing here says that the frame answers a request: a server's own requests (magic 0x80, 0x08,
 * 0x82) are described in the same way, with the vbucket in place of the status.
 */
struct kvr_response {
    uint8_t magic;
    uint8_t opcode;
    uint8_t datatype;
    uint16_t status; /* or the vbucket, if the magic is a request's */
    uint32_t opaque;
    uint64_t cas;
    const void *framing_extras;
    size_t framing_extras_size; /* at most 255; 0 unless the magic is 0x08 or 0x18 */
    const void *extras;
    size_t extras_size; /* at most 255 */
    const void *key;
    size_t key_size; /* at most 65535; 255 if the magic is 0x08 or 0x18 */
    const void *value;
    size_t value_size;
    struct kvr_value_owner *value_owner; /* NULL: the value has to be copied */
};

/* What a call came to; every other value than KVR_OK means that nothing was written. */
enum kvr_error {
    KVR_OK = 0,
    KVR_FRAMING_EXTRAS_WITHOUT_FLEX, /* framing extras, and a magic that can't carry them */
    KVR_FRAMING_EXTRAS_TOO_LONG,
    KVR_EXTRAS_TOO_LONG,
    KVR_KEY_TOO_LONG,
    KVR_BODY_TOO_LONG,  /* over 2^32 - 1 bytes, or the sum overflows */
    KVR_BATCH_TOO_LONG, /* the sum over a batch overflows, or is more than libevent can reserve */
    KVR_NO_ROOM,        /* the flat encoder's output is too small */
    KVR_NO_MEMORY,      /* libevent could not get memory */
    KVR_BUFFER_REFUSED, /* the buffer is frozen at its end, or refused the commit */
    KVR_TORN,           /* the one exception: memory ran out between the parts, and the first ones
                           could not be taken back; the connection has to be closed */
    KVR_ERROR_LAST = KVR_TORN
};

/* A sentence fragment that names the field at fault, e.g. "key over 65535 bytes". Static. */
const char *kvr_error_text(enum kvr_error error);

/* Checks every length and sets *size to the bytes that the whole frame takes, header included. */
enum kvr_error kvr_size(const struct kvr_response *response, size_t *size);

/* Writes the 24 bytes of the header. The response must have passed kvr_size. */
void kvr_encode_header(const struct kvr_response *response, uint8_t header[KVR_HEADER_SIZE]);

/*
 * The flat encoder: writes the whole frame to `out`, which has `room` bytes, and sets *size to what
 * was written. It is kept plain rather than fast.
 */
enum kvr_error kvr_encode_flat(const struct kvr_response *response, uint8_t *out, size_t room,
                               size_t *size);

/*
 * A writer appends `count` responses, in order, to the output of `bufferevent`. `state` is what the
 * writer's `create` returned. Thread safe if the bufferevent was made with BEV_OPT_THREADSAFE: the
 * responses of one call are contiguous in the output, whatever other threads do.
 */
typedef enum kvr_error (*kvr_write)(void *state, struct bufferevent *bufferevent,
                                    const struct kvr_response *responses, size_t count);

/* Where sending by reference begins to cost less than copying: measured, see ARCHITECTURE.md. */
#define KVR_REFERENCE_THRESHOLD ((size_t)16384)

struct kvr_options {
    /*
     * Values of this many bytes or more are sent by reference, if their response names an owner.
     * 0: KVR_REFERENCE_THRESHOLD; SIZE_MAX: never.
     */
    size_t reference_threshold;
};

struct kvr_writer {
    const char *name;
    const char *summary;     /* one line, for lists */
    void *(*create)(void);   /* NULL: the writer keeps no state */
    void (*destroy)(void *); /* NULL if create is */
    kvr_write write;
    /* Before the first write. NULL: there is nothing to configure. */
    void (*configure)(void *state, const struct kvr_options *options);
};

/* The writers there are: "reserve", "legacy", "append" (and "batch"); ends with a NULL name. */
extern const struct kvr_writer kvr_writers[];

/* The writer of that name, or NULL. */
const struct kvr_writer *kvr_writer_find(const char *name);

#ifdef __cplusplus
}
#endif

#endif
