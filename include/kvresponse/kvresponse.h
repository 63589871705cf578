/*
 * kvresponse: building MCBP responses in a libevent buffer.
 *
 * MCBP is the memcached binary protocol and Couchbase's extension of it. A response is described
 * completely as data (struct kvr_response) before any byte of it exists. A writer turns
 * descriptions into bytes in the output of a bufferevent:
 *
 *     struct kvr_writer *writer = kvr_writer_new("batch", NULL);
 *     ...
 *     struct kvr_response hit = {.magic = KVR_MAGIC_RESPONSE, .opaque = request_opaque,
 *                                .cas = item_cas, .extras = flags, .extras_size = 4,
 *                                .value = item_value, .value_size = item_size};
 *     enum kvr_error error = kvr_write(writer, bufferevent, &hit, 1);
 *     if (error != KVR_OK) {
 *         warnx("response: %s", kvr_error_text(error));
 *     }
 *     ...
 *     kvr_writer_free(writer);
 *
 * The flat encoder does the same into plain memory; it is the reference that every writer has to
 * equal.
 *
 * All or nothing: a call that returns anything but KVR_OK has left the buffer as it was.
 *
 * Units: all sizes are bytes, all numbers in host byte order.
 *
 * Ownership: the caller owns all that a description points to; a writer does not use it after it
 * has returned, except for a value sent by reference (struct kvr_value_owner). Strings that are
 * returned are static.
 *
 * Thread safety: all functions may be called from any thread. A writer may be called by several
 * threads for one bufferevent if that was made with BEV_OPT_THREADSAFE and
 * evthread_use_pthreads() was called before; the frames of one call then are contiguous in the
 * output, whatever other threads append. Nothing here blocks, except for the buffer's lock.
 *
 * Binary compatibility: while the major version is 0, a new minor version may break it, and has
 * another soname; programs keep running with every later patch version of their minor version.
 * Within one, functions, writers, options and values of the enumerations are only added, and the
 * structures here do not change.
 *
 * Sources of the constants: doc/protocol-binary.txt in memcached/memcached, docs/BinaryProtocol.md
 * in couchbase/kv_engine.
 */
#ifndef KVRESPONSE_KVRESPONSE_H
#define KVRESPONSE_KVRESPONSE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What is declared here is all that the library exports. */
#pragma GCC visibility push(default)

struct bufferevent;

/* ------------------------------------------------------------------------ version */

/* The version of this header. The build takes the version of everything from these lines. */
#define KVR_VERSION_MAJOR 0
#define KVR_VERSION_MINOR 2
#define KVR_VERSION_PATCH 0

#define KVR_VERSION_TEXT_OF(major, minor, patch) #major "." #minor "." #patch
#define KVR_VERSION_TEXT(major, minor, patch)    KVR_VERSION_TEXT_OF(major, minor, patch)
/* "0.2.0" */
#define KVR_VERSION KVR_VERSION_TEXT(KVR_VERSION_MAJOR, KVR_VERSION_MINOR, KVR_VERSION_PATCH)

/* 0x000200: comparable, eight bits each */
#define KVR_VERSION_NUMBER (KVR_VERSION_MAJOR << 16 | KVR_VERSION_MINOR << 8 | KVR_VERSION_PATCH)

/* The version of the library that the program runs with, as KVR_VERSION. */
const char *kvr_version(void);

/* ------------------------------------------------------------------------ the protocol */

enum { KVR_HEADER_SIZE = 24 };

/* What a frame begins with. The flexible forms have framing extras, and 8 bits for the key's
 * length. */
enum kvr_magic {
    KVR_MAGIC_FLEX_REQUEST = 0x08,
    KVR_MAGIC_FLEX_RESPONSE = 0x18,
    KVR_MAGIC_REQUEST = 0x80,
    KVR_MAGIC_RESPONSE = 0x81,
    KVR_MAGIC_SERVER_REQUEST = 0x82,  /* Couchbase: sent by the server of its own accord */
    KVR_MAGIC_SERVER_RESPONSE = 0x83, /* a client's response to that */
};

/* memcached's, and those of Couchbase that clients of key-value operations meet. */
enum kvr_status {
    KVR_STATUS_SUCCESS = 0x00,
    KVR_STATUS_KEY_NOT_FOUND = 0x01,
    KVR_STATUS_KEY_EXISTS = 0x02,
    KVR_STATUS_TOO_LARGE = 0x03,
    KVR_STATUS_INVALID_ARGUMENTS = 0x04,
    KVR_STATUS_NOT_STORED = 0x05,
    KVR_STATUS_DELTA_BAD_VALUE = 0x06,
    KVR_STATUS_NOT_MY_VBUCKET = 0x07,
    KVR_STATUS_NO_BUCKET = 0x08,
    KVR_STATUS_LOCKED = 0x09,
    KVR_STATUS_DCP_STREAM_NOT_FOUND = 0x0a,
    KVR_STATUS_OPAQUE_NO_MATCH = 0x0b,
    KVR_STATUS_WOULD_THROTTLE = 0x0c,
    KVR_STATUS_CONFIG_ONLY = 0x0d,
    KVR_STATUS_NOT_LOCKED = 0x0e,
    KVR_STATUS_CAS_VALUE_INVALID = 0x0f,
    KVR_STATUS_AUTH_STALE = 0x1f,
    KVR_STATUS_AUTH_ERROR = 0x20,
    KVR_STATUS_AUTH_CONTINUE = 0x21,
    KVR_STATUS_RANGE_ERROR = 0x22,
    KVR_STATUS_ROLLBACK = 0x23,
    KVR_STATUS_NO_ACCESS = 0x24,
    KVR_STATUS_NOT_INITIALIZED = 0x25,
    KVR_STATUS_ENCRYPTION_KEY_NOT_AVAILABLE = 0x26,
    KVR_STATUS_CHECKSUM_MISMATCH = 0x27,
    KVR_STATUS_EXPIRY_OVERFLOW = 0x28,
    KVR_STATUS_LOCK_EXPIRY_OVERFLOW = 0x29,
    KVR_STATUS_RATE_LIMITED_NETWORK_INGRESS = 0x30,
    KVR_STATUS_RATE_LIMITED_NETWORK_EGRESS = 0x31,
    KVR_STATUS_RATE_LIMITED_MAX_CONNECTIONS = 0x32,
    KVR_STATUS_RATE_LIMITED_MAX_COMMANDS = 0x33,
    KVR_STATUS_BUCKET_SIZE_LIMIT_EXCEEDED = 0x35,
    KVR_STATUS_BUCKET_RESIDENT_RATIO_TOO_LOW = 0x36,
    KVR_STATUS_BUCKET_DATA_SIZE_TOO_BIG = 0x37,
    KVR_STATUS_BUCKET_DISK_SPACE_TOO_LOW = 0x38,
    KVR_STATUS_BUCKET_PAUSED = 0x50,
    KVR_STATUS_CANCELLED = 0x51,
    KVR_STATUS_UNKNOWN_FRAME_INFO = 0x80,
    KVR_STATUS_UNKNOWN_COMMAND = 0x81,
    KVR_STATUS_NO_MEMORY = 0x82,
    KVR_STATUS_NOT_SUPPORTED = 0x83,
    KVR_STATUS_INTERNAL_ERROR = 0x84,
    KVR_STATUS_BUSY = 0x85,
    KVR_STATUS_TEMPORARY_FAILURE = 0x86,
    KVR_STATUS_XATTR_INVALID = 0x87,
    KVR_STATUS_UNKNOWN_COLLECTION = 0x88,
    KVR_STATUS_CANNOT_APPLY_COLLECTIONS_MANIFEST = 0x8a,
    KVR_STATUS_UNKNOWN_SCOPE = 0x8c,
    KVR_STATUS_DCP_STREAM_ID_INVALID = 0x8d,
    KVR_STATUS_DURABILITY_INVALID_LEVEL = 0xa0,
    KVR_STATUS_DURABILITY_IMPOSSIBLE = 0xa1,
    KVR_STATUS_SYNC_WRITE_IN_PROGRESS = 0xa2,
    KVR_STATUS_SYNC_WRITE_AMBIGUOUS = 0xa3,
    KVR_STATUS_SYNC_WRITE_RECOMMIT_IN_PROGRESS = 0xa4,
    KVR_STATUS_RANGE_SCAN_CANCELLED = 0xa5,
    KVR_STATUS_RANGE_SCAN_MORE = 0xa6,
    KVR_STATUS_RANGE_SCAN_COMPLETE = 0xa7,
    KVR_STATUS_VBUCKET_UUID_NOT_EQUAL = 0xa8,
    KVR_STATUS_SUBDOC_PATH_NOT_FOUND = 0xc0,
    KVR_STATUS_SUBDOC_PATH_MISMATCH = 0xc1,
    KVR_STATUS_SUBDOC_PATH_INVALID = 0xc2,
    KVR_STATUS_SUBDOC_PATH_TOO_BIG = 0xc3,
    KVR_STATUS_SUBDOC_DOCUMENT_TOO_DEEP = 0xc4,
    KVR_STATUS_SUBDOC_VALUE_CANNOT_INSERT = 0xc5,
    KVR_STATUS_SUBDOC_DOCUMENT_NOT_JSON = 0xc6,
    KVR_STATUS_SUBDOC_NUMBER_RANGE_ERROR = 0xc7,
    KVR_STATUS_SUBDOC_DELTA_INVALID = 0xc8,
    KVR_STATUS_SUBDOC_PATH_EXISTS = 0xc9,
    KVR_STATUS_SUBDOC_VALUE_TOO_DEEP = 0xca,
    KVR_STATUS_SUBDOC_INVALID_COMBINATION = 0xcb,
    KVR_STATUS_SUBDOC_MULTI_PATH_FAILURE = 0xcc,
    KVR_STATUS_SUBDOC_SUCCESS_DELETED = 0xcd,
    KVR_STATUS_SUBDOC_XATTR_INVALID_FLAG_COMBINATION = 0xce,
    KVR_STATUS_SUBDOC_XATTR_INVALID_KEY_COMBINATION = 0xcf,
    KVR_STATUS_SUBDOC_XATTR_UNKNOWN_MACRO = 0xd0,
    KVR_STATUS_SUBDOC_XATTR_UNKNOWN_VATTR = 0xd1,
    KVR_STATUS_SUBDOC_XATTR_CANNOT_MODIFY_VATTR = 0xd2,
    KVR_STATUS_SUBDOC_MULTI_PATH_FAILURE_DELETED = 0xd3,
    KVR_STATUS_SUBDOC_INVALID_XATTR_ORDER = 0xd4,
    KVR_STATUS_SUBDOC_XATTR_UNKNOWN_VATTR_MACRO = 0xd5,
    KVR_STATUS_SUBDOC_CAN_ONLY_REVIVE_DELETED_DOCUMENTS = 0xd6,
    KVR_STATUS_SUBDOC_DELETED_DOCUMENT_CANNOT_HAVE_VALUE = 0xd7,
    KVR_STATUS_SUBDOC_FIELD_NOT_BINARY_VALUE = 0xd8,
};

/* Bits of a value's datatype. */
enum kvr_datatype {
    KVR_DATATYPE_JSON = 1,
    KVR_DATATYPE_SNAPPY = 2,
    KVR_DATATYPE_XATTR = 4,
};

/* ------------------------------------------------------------------------ a response as data */

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
 * 0x82) are described in the same way, with the vbucket in place of the status.
 */
struct kvr_response {
    uint8_t magic; /* enum kvr_magic, or any other */
    uint8_t opcode;
    uint8_t datatype; /* of the value: bits of enum kvr_datatype */
    uint16_t status;  /* enum kvr_status; the vbucket if the magic is a request's */
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

/* The result of a call. */
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
     * A plug-in's writer (kvresponse/plugin.h) failed between two parts, and could not take back
     * those that it had written: the connection has to be closed. The writers of this library
     * never return it.
     */
    KVR_TORN
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

/* ------------------------------------------------------------------------ options */

/*
 * Where sending a value by reference costs clearly less than copying it. Measured with libevent
 * 2.1.12 (memory sink, pipelines of 4 responses and more): a reference takes as long as a copy of
 * about 4 KiB, but holds 2 KiB of chunks and, under TLS, makes a record more. From 16 KiB on it
 * takes a quarter of the copy's time. TLS copies every byte anyway: there a batch is cheaper
 * without references at any size, so set the threshold to SIZE_MAX for TLS connections.
 */
#define KVR_REFERENCE_THRESHOLD ((size_t)16384)

/* The options of a writer. A new object has the defaults; later versions may have more options. */
struct kvr_options;

/* NULL: no memory. */
struct kvr_options *kvr_options_new(void);
void kvr_options_free(struct kvr_options *options); /* NULL is allowed */

/*
 * Values of this many bytes or more are sent by reference, if their response names an owner.
 * 0: KVR_REFERENCE_THRESHOLD, which is the default; SIZE_MAX: never.
 */
void kvr_options_set_reference_threshold(struct kvr_options *options, size_t bytes);

/* ------------------------------------------------------------------------ writers */

/*
 * A way to write:
 *
 * - reserve: for single responses. The total first, one reservation of the rest of the last chunk
 *   and a new one, one commit. A frame without a value, being one part, is added in one step.
 *   Several responses are written as by batch.
 * - batch: for responses that are ready together. One reservation and one commit for all of them; a
 *   large batch is built aside and handed over whole. One small response: as reserve.
 *
 * Both send values by reference. reserve, called with single responses of the same size, never
 * leaves more chunks in the buffer than two bufferevent_write for each response would.
 */
struct kvr_writer_type;

/* How many there are, and one of them: NULL from kvr_writer_count() on. */
size_t kvr_writer_count(void);
const struct kvr_writer_type *kvr_writer_get(size_t index);
/* The one of that name, or NULL. */
const struct kvr_writer_type *kvr_writer_find(const char *name);

const char *kvr_writer_type_name(const struct kvr_writer_type *type);
const char *kvr_writer_type_summary(const struct kvr_writer_type *type); /* one line, for lists */

/*
 * A writer at work. It holds a spare buffer and hints, no response: it belongs to no connection,
 * and one per thread is best. Threads may share one, but then contend for it.
 */
struct kvr_writer;

/*
 * A writer of the type of that name. `options` may be NULL, and freed at once. NULL: there is no
 * such type (errno is EINVAL) or no memory (ENOMEM).
 */
struct kvr_writer *kvr_writer_new(const char *name, const struct kvr_options *options);
/* Not while a call with it is under way; what it has written stays. NULL is allowed. */
void kvr_writer_free(struct kvr_writer *writer);

/*
 * Appends `count` responses, in order, to the output of `bufferevent`. All responses are checked
 * before the first is written; 0 of them are no error.
 *
 * All frames of a call are added in one step. Callbacks run inside the call, as for any bytes added
 * to the output, but after that step: its evbuffer callbacks and, under a filtering bufferevent,
 * the filter and what that calls. The output is locked meanwhile. They may write responses to the
 * same bufferevent, also with the same writer; those follow the call's.
 */
enum kvr_error kvr_write(struct kvr_writer *writer, struct bufferevent *bufferevent,
                         const struct kvr_response *responses, size_t count);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
