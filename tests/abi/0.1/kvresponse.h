/*
 * kvresponse: building MCBP responses in a libevent buffer.
 *
 * MCBP is the memcached binary protocol and Couchbase's extension of it. A response is described
 * completely as data (struct kvr_response) before any byte of it exists. kvr_size adds the parts
 * up, and a writer turns descriptions into bytes in the output of a bufferevent:
 *
 *     const struct kvr_writer *writer = kvr_writer_find("batch");
 *     void *state = writer->create();
 *     ...
 *     struct kvr_response hit = {.magic = 0x81, .opaque = request_opaque, .cas = item_cas,
 *                                .extras = flags, .extras_size = 4,
 *                                .value = item_value, .value_size = item_size};
 *     enum kvr_error error = writer->write(state, bufferevent, &hit, 1);
 *     if (error != KVR_OK) {
 *         warnx("response: %s", kvr_error_text(error));
 *     }
 *
 * The flat encoder does the same into plain memory; it is the reference that every writer has to
 * equal.
 *
 * All or nothing: a call that returns anything but KVR_OK has left the buffer as it was (KVR_TORN
 * is the one exception, see there).
 *
 * Units: all sizes are bytes, all numbers in host byte order.
 *
 * Ownership: the caller owns all that a description points to; a writer has done with it when it
 * returns, except for a value sent by reference (struct kvr_value_owner).
 *
 * Thread safety: all functions may be called from any thread. A writer may be called by several
 * threads for one bufferevent if that was made with BEV_OPT_THREADSAFE and
 * evthread_use_pthreads() was called before; the frames of one call then are contiguous in the
 * output, whatever other threads append. Nothing here blocks, except for the buffer's lock.
 *
 * Sources of the constants: doc/protocol-binary.txt in memcached/memcached, docs/BinaryProtocol.md
 * in couchbase/kv_engine.
 */
#ifndef KVRESPONSE_H
#define KVRESPONSE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What is declared here is all that the shared library exports, and a plug-in has to. */
#pragma GCC visibility push(default)

struct bufferevent;

/* ------------------------------------------------------------------------ a response as data */

enum { KVR_HEADER_SIZE = 24 };

/*
 * What keeps a value alive while an evbuffer refers to it: the caller puts one into whatever owns
 * the value, beside a reference count. A writer that sends the value without copying it calls
 * `retain` before it hands the value to libevent, and `release` once libevent has let go of it:
 * after the bytes were sent, when the connection dies with them unsent, or before the writer
 * returns if the call fails. Calls are balanced, and the caller's own reference is never consumed:
 * it may be dropped as soon as the writer has returned. A value that is copied sees neither call.
 *
 * While it is referred to, the value's bytes must neither move nor change.
 *
 * Both may be called from any thread that writes to, drains or frees the buffer, with the buffer
 * locked: they must be thread safe and may not touch the bufferevent.
 */
struct kvr_value_owner {
    void (*retain)(struct kvr_value_owner *owner);
    void (*release)(struct kvr_value_owner *owner);
};

/*
 * One frame that a server sends. A part of size 0 may have a NULL pointer.
 *
 * Nothing here says that the frame answers a request: a server's own requests (magic 0x80, 0x08,
 * 0x82) are described in the same way, with the vbucket in place of the status. Magic 0x08 and 0x18
 * are the flexible forms, which have framing extras and only 8 bits for the key's length.
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
    size_t value_size;                   /* all parts together: at most 2^32 - 1 */
    struct kvr_value_owner *value_owner; /* NULL: the value has to be copied */
};

/* What a call came to. */
enum kvr_error {
    KVR_OK = 0,

    /* The description is impossible. Nothing was written; the same call can't ever succeed. */
    KVR_FRAMING_EXTRAS_WITHOUT_FLEX, /* framing extras, and a magic that can't carry them */
    KVR_FRAMING_EXTRAS_TOO_LONG,
    KVR_EXTRAS_TOO_LONG,
    KVR_KEY_TOO_LONG,
    KVR_BODY_TOO_LONG,  /* over 2^32 - 1 bytes, or the sum overflows */
    KVR_BATCH_TOO_LONG, /* the sum over a batch overflows, or is more than libevent can reserve */

    /* The output can't take it. Nothing was written; the same call may succeed later. */
    KVR_NO_ROOM,        /* the flat encoder's output is too small */
    KVR_NO_MEMORY,      /* libevent, or the writer, could not get memory */
    KVR_BUFFER_REFUSED, /* the buffer is frozen at its end */

    /*
     * The call failed between two parts, and those written before could not be taken back: a
     * filtering bufferevent had passed them on; a callback on the output had drained it or frozen
     * its end, which is forbidden there (see kvr_write); or no spare buffer could be had to take
     * them back through, the state being NULL or in use by another thread.
     * The connection has to be closed. Only writers that append in several steps can end so:
     * legacy and append.
     */
    KVR_TORN,

    KVR_ERROR_LAST = KVR_TORN
};

/* A sentence fragment that names the field at fault, e.g. "extras over 255 bytes". Static. */
const char *kvr_error_text(enum kvr_error error);

/*
 * Checks every length and sets *size to the bytes that the whole frame takes, header included. On
 * error *size is unchanged. The parts are not looked at.
 */
enum kvr_error kvr_size(const struct kvr_response *response, size_t *size);

/* Writes the 24 bytes of the header. The response must have passed kvr_size. */
void kvr_encode_header(const struct kvr_response *response, uint8_t header[KVR_HEADER_SIZE]);

/*
 * The flat encoder: writes the whole frame to `out`, which has `room` bytes, and sets *size to what
 * was written. On error nothing is written and *size is unchanged. Kept plain rather than fast.
 */
enum kvr_error kvr_encode_flat(const struct kvr_response *response, uint8_t *out, size_t room,
                               size_t *size);

/* ------------------------------------------------------------------------ writers */

/*
 * Appends `count` responses, in order, to the output of `bufferevent`. `state` is what the writer's
 * `create` returned. All responses are checked before the first is written; 0 of them are no error.
 *
 * Callbacks run inside the call, as for any bytes added to the output: its evbuffer callbacks and,
 * under a filtering bufferevent, the filter and what that calls. The output is locked meanwhile.
 * - reserve and batch add all frames of a call in one step, and callbacks run after it. They may
 *   write responses to the same bufferevent, also with the same state; those follow the call's.
 * - legacy and append add each part by itself, and callbacks run after each. They may not add to
 *   the output, drain it or freeze it. Their bytes would end up inside a frame of the call, which
 *   returns KVR_OK all the same; and a call that fails between its parts would take back as many
 *   bytes from the end as it has written, theirs among them. The stream is out of step from there
 *   on, and the connection has to be closed.
 */
typedef enum kvr_error (*kvr_write)(void *state, struct bufferevent *bufferevent,
                                    const struct kvr_response *responses, size_t count);

/*
 * Where sending a value by reference costs clearly less than copying it. Measured with libevent
 * 2.1.12 (memory sink, pipelines of 4 responses and more): a reference takes as long as a copy of
 * about 4 KiB, but holds 2 KiB of chunks and, under TLS, makes a record more. From 16 KiB on it
 * takes a quarter of the copy's time. TLS copies every byte anyway: there a batch is cheaper
 * without references at any size, so set the threshold to SIZE_MAX for TLS connections.
 */
#define KVR_REFERENCE_THRESHOLD ((size_t)16384)

struct kvr_options {
    /*
     * Values of this many bytes or more are sent by reference, if their response names an owner.
     * 0: KVR_REFERENCE_THRESHOLD; SIZE_MAX: never.
     */
    size_t reference_threshold;
};

/*
 * A way to write. The state holds a spare buffer and hints, no response: it belongs to no
 * connection, and one per thread is best. Threads may share one, but then contend for it.
 */
struct kvr_writer {
    const char *name;
    const char *summary;     /* one line, for lists */
    void *(*create)(void);   /* NULL: the writer keeps no state. May return NULL when out of memory:
                                the writers of this library then work without, only slower */
    void (*destroy)(void *); /* NULL if create is. Not while a write is under way */
    kvr_write write;
    /* Before the first write. NULL: there is nothing to configure. */
    void (*configure)(void *state, const struct kvr_options *options);
};

/*
 * The writers there are; ends with a NULL name.
 *
 * - reserve: for single responses. The total first, one reservation of the rest of the last chunk
 *   and a new one, one commit. A frame without a value, being one part, is added in one step.
 *   Several responses are written as by batch.
 * - batch: for responses that are ready together. One reservation and one commit for all of them; a
 *   large batch is built aside and handed over whole. One small response: as reserve.
 * - legacy: two bufferevent_write per response, the first through a scratch buffer.
 * - append: one evbuffer_add per part.
 *
 * reserve and batch send values by reference. reserve, called with single responses of the same
 * size, never leaves more chunks in the buffer than legacy does.
 */
extern const struct kvr_writer kvr_writers[];

/* The writer of that name, or NULL. */
const struct kvr_writer *kvr_writer_find(const char *name);

/* ------------------------------------------------------------------------ plug-ins */

/*
 * Somebody else's writer, for kvreplay's --writer: a shared object that defines
 *
 *     const struct kvr_plugin kvr_plugin_v1 = KVR_PLUGIN(&my_writer);
 *
 * The writer's functions are called from one thread at a time. What the responses point to is
 * readable during the call only. value_owner may be ignored. The shared object brings its own
 * libevent symbols or uses the program's; it may call the functions of this header if it links
 * libkvresponse.
 *
 * `kvreplay verify` and `kvreplay bench` load and call it in processes of their own, where standard
 * output goes to standard error; verify's is started again after an end, with a new state, and may
 * use 1 GiB of memory. `kvreplay serve` loads it into itself, for good.
 */
struct kvr_plugin {
    uint32_t size;          /* sizeof(struct kvr_plugin) */
    uint32_t response_size; /* sizeof(struct kvr_response), as the plug-in was compiled with */
    uint32_t writer_size;   /* sizeof(struct kvr_writer) */
    uint32_t reserved;      /* 0 */
    const struct kvr_writer *writer;
};

#define KVR_PLUGIN(writer)                                                                         \
    {                                                                                              \
        sizeof(struct kvr_plugin), sizeof(struct kvr_response), sizeof(struct kvr_writer), 0,      \
            writer                                                                                 \
    }

/* Defined by the plug-in. Its name changes when the meaning of anything above does. */
extern const struct kvr_plugin kvr_plugin_v1;

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
