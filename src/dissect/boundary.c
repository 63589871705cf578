#include "dissect/boundary.h"

#include "base/endian.h"
#include "mcbp/form.h"
#include "mcbp/opcode.h"
#include "mcbp/status.h"

enum {
    DATATYPES = 7,         /* JSON, snappy and xattr, in any combination */
    STATUS_MAX = 0xff,     /* no status beyond it is documented */
    VBUCKET_MAX = 1023,    /* Couchbase's number of vbuckets */
    REQUEST_KEY_MAX = 255, /* 250, and a collection id before it */
    CHAINS_MAX = 256,      /* beginnings that are tried */
    OPAQUE_AT = 12,        /* in any header */
};

static bool read_possible(struct span bytes, size_t frame_max, struct mcbp_frame *frame)
{
    if (bytes.size < MCBP_HEADER_SIZE) {
        return false;
    }
    enum mcbp_parse parse = mcbp_frame_parse(bytes, frame);
    return (parse == MCBP_FRAME || parse == MCBP_NEED_MORE) && frame->bytes.size <= frame_max &&
           frame->header.datatype <= DATATYPES;
}

bool boundary_possible(struct span bytes, size_t frame_max)
{
    struct mcbp_frame frame;
    return read_possible(bytes, frame_max, &frame);
}

bool boundary_is_echo(struct span client, struct span server)
{
    if (client.size < MCBP_HEADER_SIZE || server.size < MCBP_HEADER_SIZE) {
        return false;
    }
    uint32_t opaque = read_be32(client.data + OPAQUE_AT);
    return client.data[1] == server.data[1] && opaque == read_be32(server.data + OPAQUE_AT) &&
           (opaque != 0 || mcbp_magic_is_response(server.data[0]));
}

bool boundary_plausible(struct span bytes, size_t frame_max)
{
    struct mcbp_frame frame;
    if (!read_possible(bytes, frame_max, &frame) || frame.header.key_length > REQUEST_KEY_MAX) {
        return false;
    }
    const struct mcbp_header *header = &frame.header;
    char text[MCBP_OPCODE_TEXT_SIZE];
    if (mcbp_opcode_text(header->magic, header->opcode, text) == text) {
        return false; /* no name */
    }
    return header->vbucket_or_status <=
           (mcbp_magic_is_response(header->magic) ? STATUS_MAX : VBUCKET_MAX);
}

bool boundary_formed(struct span bytes, size_t frame_max)
{
    struct mcbp_frame frame;
    return boundary_plausible(bytes, frame_max) && read_possible(bytes, frame_max, &frame) &&
           mcbp_form_is_known(&frame.header);
}

static bool is_dcp(uint8_t opcode)
{
    return mcbp_opcode_is_producers(opcode) ||
           mcbp_opcode_family(opcode) == MCBP_FAMILY_DCP_CONSUMER;
}

bool boundary_is_clients(const uint8_t *header)
{
    bool dcp = mcbp_opcode_is_producers(header[1]);
    switch (header[0]) {
    case MCBP_CLIENT_REQUEST:
    case MCBP_FLEX_CLIENT_REQUEST:
        return !dcp;
    case MCBP_CLIENT_RESPONSE:
    case MCBP_FLEX_CLIENT_RESPONSE:
        return dcp;
    default:
        return header[0] == MCBP_SERVER_RESPONSE;
    }
}

/* Of DCP either side may be the producer. */
static bool is_from(struct span bytes, enum boundary_sender sender)
{
    return sender == BOUNDARY_OF_ANY || is_dcp(bytes.data[1]) ||
           boundary_is_clients(bytes.data) == (sender == BOUNDARY_OF_CLIENT);
}

static bool may_begin(struct span bytes, enum boundary_sender sender, size_t frame_max)
{
    return boundary_formed(bytes, frame_max) && is_from(bytes, sender);
}

/* What more than a header speaks for a frame at `offset`? */
static enum boundary_search confirm(struct span bytes, size_t offset, size_t segment,
                                    enum boundary_sender sender, size_t frame_max)
{
    if (offset == segment) {
        return BOUNDARY_FOUND;
    }
    struct mcbp_frame frame;
    if (mcbp_frame_parse(span_skip(bytes, offset), &frame) == MCBP_NEED_MORE) {
        return BOUNDARY_UNDECIDED;
    }
    struct span rest = span_skip(bytes, offset + frame.bytes.size);
    if (rest.size == 0) {
        return BOUNDARY_FOUND;
    }
    if (!mcbp_magic_is_known(rest.data[0])) {
        return BOUNDARY_NONE;
    }
    if (rest.size < MCBP_HEADER_SIZE) {
        return BOUNDARY_UNDECIDED;
    }
    return may_begin(rest, sender, frame_max) ? BOUNDARY_FOUND : BOUNDARY_NONE;
}

enum boundary_search boundary_find(struct span bytes, size_t segment, enum boundary_sender sender,
                                   size_t frame_max, size_t *offset)
{
    size_t i = 0;
    for (; i < bytes.size && bytes.size - i >= MCBP_HEADER_SIZE; i++) {
        if (!mcbp_magic_is_known(bytes.data[i]) ||
            !may_begin(span_skip(bytes, i), sender, frame_max)) {
            continue;
        }
        enum boundary_search found = confirm(bytes, i, segment, sender, frame_max);
        if (found != BOUNDARY_NONE) {
            *offset = i;
            return found;
        }
    }
    while (i < bytes.size && !mcbp_magic_is_known(bytes.data[i])) {
        i++; /* fewer than 24 bytes are left; a header may begin at the first magic among them */
    }
    *offset = i;
    return BOUNDARY_NONE;
}

/* An opcode without a name is refused. */
static bool is_refusal(struct span bytes, size_t frame_max)
{
    struct mcbp_frame frame;
    return read_possible(bytes, frame_max, &frame) && mcbp_magic_is_response(frame.header.magic) &&
           frame.header.vbucket_or_status == MCBP_STATUS_UNKNOWN_COMMAND;
}

/* Whole frames, one behind the other up to the end, where another may have begun. */
static bool is_chain(struct span bytes, size_t frame_max)
{
    struct mcbp_frame frame;
    while (bytes.size >= MCBP_HEADER_SIZE) {
        if (!boundary_plausible(bytes, frame_max) && !is_refusal(bytes, frame_max)) {
            return false;
        }
        if (mcbp_frame_parse(bytes, &frame) != MCBP_FRAME) {
            return true;
        }
        bytes = span_skip(bytes, frame.bytes.size);
    }
    return bytes.size == 0 || mcbp_magic_is_known(bytes.data[0]);
}

bool boundary_is_misshapen(struct span bytes)
{
    char text[MCBP_OPCODE_TEXT_SIZE];
    struct mcbp_frame frame;
    return read_possible(bytes, SIZE_MAX, &frame) &&
           mcbp_opcode_text(frame.header.magic, frame.header.opcode, text) != text &&
           !mcbp_form_is_known(&frame.header);
}

bool boundary_chain(struct span bytes, size_t frame_max)
{
    size_t chains = 0;
    for (size_t i = MCBP_HEADER_SIZE; i + MCBP_HEADER_SIZE <= bytes.size; i++) {
        struct mcbp_frame frame;
        struct span rest = span_skip(bytes, i);
        if (mcbp_magic_is_response(rest.data[0]) && boundary_plausible(rest, frame_max) &&
            mcbp_frame_parse(rest, &frame) == MCBP_FRAME) {
            if (is_chain(rest, frame_max)) {
                return true;
            }
            if (++chains == CHAINS_MAX) {
                return false;
            }
        }
    }
    return false;
}

static bool begins_with_any(struct span bytes, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(words[i]);
        if (bytes.size >= length && memcmp(bytes.data, words[i], length) == 0) {
            return true;
        }
    }
    return false;
}

/* doc/protocol.txt of memcached/memcached: the classic commands, the meta commands, the answers. */
static bool is_memcached_text(struct span client, struct span server)
{
    static const char *const commands[] = {
        "get ",   "gets ",   "set ",       "add ",   "replace ", "append ", "prepend ", "cas ",
        "gat ",   "gats ",   "delete ",    "incr ",  "decr ",    "touch ",  "stats",    "flush_all",
        "quit",   "version", "verbosity ", "mg ",    "ms ",      "md ",     "ma ",      "me ",
        "mn\r\n", "slabs ",  "lru ",       "watch ", "shutdown",
    };
    static const char *const answers[] = {
        "VALUE ",        "END\r\n",       "STORED\r\n", "NOT_STORED\r\n", "NOT_FOUND\r\n",
        "DELETED\r\n",   "EXISTS\r\n",    "STAT ",      "VERSION ",       "ERROR\r\n",
        "CLIENT_ERROR ", "SERVER_ERROR ", "OK\r\n",     "TOUCHED\r\n",    "HD",
        "EN\r\n",        "VA ",           "MN\r\n",
    };
    return begins_with_any(client, commands, sizeof(commands) / sizeof(commands[0])) ||
           begins_with_any(server, answers, sizeof(answers) / sizeof(answers[0]));
}

bool boundary_text_only_reads(struct span client)
{
    static const char *const reading[] = {"get ", "gets ",      "stats", "version", "mn\r\n",
                                          "me ",  "verbosity ", "quit",  "watch "};
    while (client.size > 0) {
        const uint8_t *end = memchr(client.data, '\n', client.size);
        if (end == NULL ||
            !begins_with_any(client, reading, sizeof(reading) / sizeof(reading[0]))) {
            return false;
        }
        client = span_skip(client, (size_t)(end + 1 - client.data));
    }
    return true;
}

/* RFC 8446, 5.1: content type 20 to 23, then legacy_record_version 3.0 to 3.4. */
static bool is_tls(struct span bytes)
{
    return bytes.size >= 3 && bytes.data[0] >= 20 && bytes.data[0] <= 23 && bytes.data[1] == 3 &&
           bytes.data[2] <= 4;
}

/* RFC 5246, E.2: two bytes of length, the high bit set; type 1; version; then the sizes of the
 * cipher specs (3 bytes each), the session id (none, or 16) and the challenge (16 to 32), which
 * come to that length. */
bool boundary_is_sslv2_hello(struct span client)
{
    enum { LENGTH_SIZE = 2, HEADER_SIZE = 11, CLIENT_HELLO = 1, SPEC_SIZE = 3, SESSION_SIZE = 16 };
    const uint8_t *bytes = client.data;
    if (client.size < HEADER_SIZE || (bytes[0] & 0x80) == 0 || bytes[2] != CLIENT_HELLO) {
        return false;
    }
    uint32_t length = read_be16(bytes) & 0x7fff;
    uint16_t version = read_be16(bytes + 3);
    uint32_t specs = read_be16(bytes + 5);
    uint32_t session = read_be16(bytes + 7);
    uint32_t challenge = read_be16(bytes + 9);
    return (version == 0x0002 || (version >= 0x0300 && version <= 0x0304)) && specs > 0 &&
           specs % SPEC_SIZE == 0 && (session == 0 || session == SESSION_SIZE) && challenge >= 16 &&
           challenge <= 32 && length == HEADER_SIZE - LENGTH_SIZE + specs + session + challenge;
}

enum other_protocol boundary_other_protocol(struct span client, struct span server)
{
    if (is_tls(client) || is_tls(server) || boundary_is_sslv2_hello(client)) {
        return OTHER_TLS;
    }
    return is_memcached_text(client, server) ? OTHER_MEMCACHED_TEXT : OTHER_UNKNOWN;
}
