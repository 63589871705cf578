#include "replay/boundary.h"

#include "mcbp/frame.h"
#include "mcbp/opcode.h"

enum {
    DATATYPES = 7,         /* JSON, snappy and xattr, in any combination */
    STATUS_MAX = 0xff,     /* no status beyond it is documented */
    VBUCKET_MAX = 1023,    /* Couchbase's number of vbuckets */
    REQUEST_KEY_MAX = 255, /* 250, and a collection id before it */
    CHAINS_MAX = 256,      /* beginnings that are tried */
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

/* What more than a plausible header speaks for a frame at `offset`? */
static enum boundary_search confirm(struct span bytes, size_t offset, size_t segment,
                                    size_t frame_max)
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
    return boundary_plausible(rest, frame_max) ? BOUNDARY_FOUND : BOUNDARY_NONE;
}

enum boundary_search boundary_find(struct span bytes, size_t segment, size_t frame_max,
                                   size_t *offset)
{
    size_t i = 0;
    for (; i < bytes.size && bytes.size - i >= MCBP_HEADER_SIZE; i++) {
        if (!mcbp_magic_is_known(bytes.data[i]) ||
            !boundary_plausible(span_skip(bytes, i), frame_max)) {
            continue;
        }
        enum boundary_search found = confirm(bytes, i, segment, frame_max);
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

/* Whole frames, one behind the other up to the end, where another may have begun. */
static bool is_chain(struct span bytes, size_t frame_max)
{
    struct mcbp_frame frame;
    while (bytes.size >= MCBP_HEADER_SIZE) {
        if (!boundary_plausible(bytes, frame_max)) {
            return false;
        }
        if (mcbp_frame_parse(bytes, &frame) != MCBP_FRAME) {
            return true;
        }
        bytes = span_skip(bytes, frame.bytes.size);
    }
    return bytes.size == 0 || mcbp_magic_is_known(bytes.data[0]);
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

/* RFC 8446, 5.1: content type 20 to 23, then legacy_record_version 3.0 to 3.4. */
static bool is_tls(struct span bytes)
{
    return bytes.size >= 3 && bytes.data[0] >= 20 && bytes.data[0] <= 23 && bytes.data[1] == 3 &&
           bytes.data[2] <= 4;
}

enum other_protocol boundary_other_protocol(struct span client, struct span server)
{
    if (is_tls(client) || is_tls(server)) {
        return OTHER_TLS;
    }
    return is_memcached_text(client, server) ? OTHER_MEMCACHED_TEXT : OTHER_UNKNOWN;
}
