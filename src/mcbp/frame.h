/*
 * One frame of the memcached/Couchbase binary protocol (MCBP), seen in place.
 *
 * Nothing here does I/O, allocates or copies: a parsed frame points into the bytes it was parsed
 * from and is valid as long as they are. All functions may be called from any thread.
 *
 * Sources: doc/protocol-binary.txt in memcached/memcached, docs/BinaryProtocol.md in
 * couchbase/kv_engine.
 */
#ifndef KVREPLAY_MCBP_FRAME_H
#define KVREPLAY_MCBP_FRAME_H

#include "base/span.h"

enum { MCBP_HEADER_SIZE = 24 };

enum mcbp_magic {
    MCBP_CLIENT_REQUEST = 0x80,
    MCBP_CLIENT_RESPONSE = 0x81,     /* a server's answer to a client's request */
    MCBP_FLEX_CLIENT_REQUEST = 0x08, /* "flex": with framing extras */
    MCBP_FLEX_CLIENT_RESPONSE = 0x18,
    MCBP_SERVER_REQUEST = 0x82,
    MCBP_SERVER_RESPONSE = 0x83, /* a client's answer to a server's request */
};

enum mcbp_datatype {
    MCBP_DATATYPE_JSON = 1,
    MCBP_DATATYPE_SNAPPY = 2,
    MCBP_DATATYPE_XATTR = 4,
};

/* The header in host byte order. Lengths are bytes. */
struct mcbp_header {
    uint8_t magic;
    uint8_t opcode;
    uint8_t framing_extras_length; /* 0 unless the magic is a flex one */
    uint8_t extras_length;
    uint16_t key_length; /* at most 255 if the magic is a flex one */
    uint8_t datatype;
    uint16_t vbucket_or_status; /* the vbucket of a request, the status of a response */
    uint32_t body_length;       /* framing extras + extras + key + value */
    uint32_t opaque;
    uint64_t cas;
};

struct mcbp_frame {
    struct mcbp_header header;
    struct span bytes; /* the whole frame, header included; the spans below lie in it, in order */
    struct span framing_extras;
    struct span extras;
    struct span key;
    struct span value; /* what remains of the body */
};

enum mcbp_parse {
    MCBP_FRAME,       /* one whole frame; it takes up frame->bytes.size of the input */
    MCBP_NEED_MORE,   /* a valid beginning; frame->bytes.size says how many bytes the whole takes */
    MCBP_BAD_MAGIC,   /* the input does not begin with a frame */
    MCBP_BAD_LENGTHS, /* framing extras + extras + key are longer than the body; header is set */
};

/*
 * Parses the frame that `input` begins with. On MCBP_NEED_MORE with fewer than 24 bytes of input,
 * frame->bytes.size is 24: the length is not known before the header is whole. On MCBP_FRAME all of
 * `frame` is set; on MCBP_NEED_MORE (24 bytes and more) and MCBP_BAD_LENGTHS, frame->header is.
 *
 * The whole size may be as large as 2^32 + 23 bytes. The caller bounds it before gathering bytes.
 */
enum mcbp_parse mcbp_frame_parse(struct span input, struct mcbp_frame *frame);

/*
 * The header, extras and key of the frame that `input` begins with are there, and not all of its
 * value: sets them, an empty value, and bytes without it.
 */
bool mcbp_frame_has_begun(struct span input, struct mcbp_frame *frame);

/* Bytes of the value, as the header has it. */
uint32_t mcbp_value_size(const struct mcbp_header *header);

/* The same frame in a copy of its bytes. */
struct mcbp_frame mcbp_frame_in_copy(const struct mcbp_frame *frame, const uint8_t *copy);

bool mcbp_magic_is_known(uint8_t magic);
bool mcbp_magic_is_flex(uint8_t magic);
/* True for 0x81, 0x18 and 0x83: the frame answers another one. */
bool mcbp_magic_is_response(uint8_t magic);

#endif
