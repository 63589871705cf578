#include "base/endian.h"
#include "engine/stream_parts.h"
#include "mcbp/opcode.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const uint8_t OPCODES[] = {
    MCBP_GET,       MCBP_GETQ,       MCBP_GETK,      MCBP_GETKQ,         MCBP_SET,
    MCBP_SETQ,      MCBP_SET,        MCBP_SETQ,      MCBP_ADD,           MCBP_ADDQ,
    MCBP_REPLACE,   MCBP_REPLACEQ,   MCBP_DELETE,    MCBP_DELETEQ,       MCBP_INCREMENT,
    MCBP_INCREMENT, MCBP_INCREMENTQ, MCBP_DECREMENT, MCBP_DECREMENTQ,    MCBP_APPEND,
    MCBP_APPENDQ,   MCBP_PREPEND,    MCBP_PREPENDQ,  MCBP_TOUCH,         MCBP_GAT,
    MCBP_GATQ,      MCBP_GATK,       MCBP_GATKQ,     MCBP_NOOP,          MCBP_VERSION,
    MCBP_STAT,      MCBP_FLUSH,      MCBP_FLUSHQ,    MCBP_VERBOSITY,     MCBP_SASL_LIST_MECHS,
    MCBP_SASL_AUTH, MCBP_SASL_STEP,  MCBP_HELLO,     MCBP_SELECT_BUCKET, MCBP_GET_META,
};

/* ---------------------------------------------------------------- requests */

static bool is_arithmetic(uint8_t loud)
{
    return loud == MCBP_INCREMENT || loud == MCBP_DECREMENT;
}

static bool reads(uint8_t loud)
{
    return loud == MCBP_GET || loud == MCBP_GETK || loud == MCBP_TOUCH || loud == MCBP_GAT ||
           loud == MCBP_GATK;
}

/*
 * Reads every key, so that what a flush has flushed is gone. A flush with a later time could bring
 * back the rest, as far as memcached has not come across it in the meantime.
 */
static void sweep(struct stream *stream, struct bytes *batch)
{
    for (unsigned i = 0; i < KEYS; i++) {
        struct request get = {
            .opcode = MCBP_GETKQ,
            .opaque = ++stream->opaque,
            .key = key_of(i),
        };
        bytes_add_request(batch, &get);
        stream->read_keys |= 1u << i;
    }
}

static void add_flush(struct stream *stream, struct bytes *batch, uint8_t opcode)
{
    const uint32_t times[] = {0, 1000, (uint32_t)stream->now + 1000, 2592001};
    uint8_t extras[4];
    write_be32(extras, times[stream_random(stream, COUNT(times))]);
    struct request flush = {
        .opcode = opcode,
        .opaque = ++stream->opaque,
        .extras = span_of(extras, one_in(stream, 2) ? 4 : 0),
    };
    bytes_add_request(batch, &flush);
    sweep(stream, batch);
}

/* What memcached takes twice off the stream is put there for it to take. */
static void add_unknown(struct stream *stream, struct bytes *batch, struct request *request)
{
    request->extras = span_of("fourteen bytes", stream_random(stream, 15));
    request->value = span_of("a value", stream_random(stream, 8));
    request->key.size = one_in(stream, 2) ? 0 : request->key.size;
    bytes_add_request(batch, request);
    bytes_add(batch, text_of(300).data, request->extras.size + request->key.size);
}

static void set_extras(struct stream *stream, struct request *request, uint8_t extras[20])
{
    if (is_arithmetic(mcbp_opcode_loud(request->opcode))) {
        write_be64(extras, random_number(stream));
        write_be64(extras + 8, random_number(stream));
        write_be32(extras + 16, random_exptime(stream));
    } else {
        write_be32(extras, one_in(stream, 2) ? 0 : 0xcafe1234);
        write_be32(extras + 4, random_exptime(stream));
    }
}

/* TOUCH and GAT may have a value; memcached takes it for the next request, which it is here. */
static void add_touch(struct stream *stream, struct bytes *batch, struct request *request,
                      const uint8_t *extras)
{
    struct bytes value = {0};
    request->extras = span_of(extras + 4, 4);
    if (one_in(stream, 6)) {
        bytes_add_request(&value, &(struct request){.opcode = MCBP_NOOP, .opaque = 0x77777777});
        request->value = span_of(value.data, value.size);
    }
    bytes_add_request(batch, request);
    bytes_free(&value);
}

static void add_for_key(struct stream *stream, struct bytes *batch, uint8_t opcode)
{
    uint32_t i = stream_random(stream, one_in(stream, 2) ? COUNTERS : KEYS);
    uint8_t loud = mcbp_opcode_loud(opcode);
    if (is_arithmetic(loud) && (stream->read_keys & 1u << i) != 0) {
        loud = opcode = MCBP_GET; /* see engine_request.referenced */
    }
    if (reads(loud)) {
        stream->read_keys |= 1u << i;
    }

    uint8_t extras[20];
    struct request request = {.opcode = opcode, .opaque = ++stream->opaque};
    request.key = key_of(i);
    request.cas = stream->without_cas ? 0 : random_cas(stream, request.key);
    set_extras(stream, &request, extras);
    switch (loud) {
    case MCBP_SET:
    case MCBP_ADD:
    case MCBP_REPLACE:
        request.extras = span_of(extras, 8);
        request.value = random_value(stream, i, read_be32(extras), false);
        break;
    case MCBP_APPEND:
    case MCBP_PREPEND:
        request.value = random_value(stream, i, 0, true);
        break;
    case MCBP_INCREMENT:
    case MCBP_DECREMENT:
        request.extras = span_of(extras, 20);
        break;
    case MCBP_TOUCH:
    case MCBP_GAT:
    case MCBP_GATK:
        add_touch(stream, batch, &request, extras);
        return;
    case MCBP_SASL_AUTH:
    case MCBP_SASL_STEP:
        request.value = span_of("\0name\0secret", 12);
        break;
    case MCBP_VERBOSITY:
    case MCBP_HELLO:
    case MCBP_SELECT_BUCKET:
    case MCBP_GET_META:
        add_unknown(stream, batch, &request);
        return;
    default: /* GET, GETK, DELETE */
        break;
    }
    bytes_add_request(batch, &request);
}

static void add_request(struct stream *stream, struct bytes *batch)
{
    uint8_t opcode = OPCODES[stream_random(stream, COUNT(OPCODES))];
    struct request request = {.opcode = opcode};
    switch (mcbp_opcode_loud(opcode)) {
    case MCBP_FLUSH:
        add_flush(stream, batch, opcode);
        return;
    case MCBP_STAT:
        request.key = random_stat(stream);
        break;
    case MCBP_NOOP:
    case MCBP_VERSION:
    case MCBP_SASL_LIST_MECHS:
        break;
    default:
        add_for_key(stream, batch, opcode);
        return;
    }
    request.opaque = ++stream->opaque;
    bytes_add_request(batch, &request);
}

/* ---------------------------------------------------------------- what closes a connection */

/* To memcached: up to GATQ without VERBOSITY and HELLO, the SASL ones, GATK and GATKQ. */
static bool is_known(uint8_t opcode)
{
    return opcode <= MCBP_GATKQ && opcode != MCBP_VERBOSITY && opcode != MCBP_HELLO;
}

/* Any opcode, with lengths that are mostly wrong for it, but not longer than the body. */
static void add_wrong_shape(struct stream *stream, struct bytes *batch)
{
    static const uint8_t extras_sizes[] = {0, 1, 4, 7, 8, 9, 20, 21, 255};
    const struct span keys[] = {
        {0},           {0},          key_of(LETTER_KEY), key_of(LONGEST_KEY),
        text_of(251),  text_of(256), text_of(16335),     text_of(16360),
        text_of(16361)};
    struct request request = {
        .opcode = one_in(stream, 4) ? (uint8_t)stream_random(stream, 256)
                                    : OPCODES[stream_random(stream, COUNT(OPCODES))],
        .opaque = ++stream->opaque,
        .cas = one_in(stream, 2),
        .extras = text_of(extras_sizes[stream_random(stream, COUNT(extras_sizes))]),
        .key = keys[stream_random(stream, COUNT(keys))], /* a good one is among those swept */
        .value = text_of(stream_random(stream, 3)),
    };
    uint8_t loud = mcbp_opcode_loud(request.opcode);
    if (loud == MCBP_STAT || loud == MCBP_TOUCH || loud == MCBP_GAT || loud == MCBP_GATK) {
        request.value.size = 0; /* it would be the next request, and break off the answers */
    }
    if (loud == MCBP_FLUSH) {
        request.key = text_of(1); /* a good one would have to be swept up after */
    }
    bytes_add_request(batch, &request);
    if (!is_known(request.opcode) && request.key.size <= 250) {
        bytes_add(batch, text_of(600).data, request.extras.size + request.key.size);
    }
}

/* Key and extras longer than the body; the bytes are there, or memcached waits for them. */
static void add_bad_lengths(struct stream *stream, struct bytes *batch)
{
    struct request request = {
        .opcode = (uint8_t)stream_random(stream, 0x26),
        .opaque = ++stream->opaque,
        .extras = text_of(stream_random(stream, 30)),
        .key = text_of(1 + stream_random(stream, 300)),
    };
    size_t at = batch->size;
    bytes_add_request(batch, &request);
    uint32_t whole = (uint32_t)(request.extras.size + request.key.size);
    write_be32(batch->data + at + 8, stream_random(stream, whole));
}

static void add_quit(struct stream *stream, struct bytes *batch)
{
    struct request quit = {
        .opcode = one_in(stream, 2) ? MCBP_QUIT : MCBP_QUITQ,
        .opaque = ++stream->opaque,
    };
    bytes_add_request(batch, &quit);
}

void stream_batch(struct stream *stream, struct bytes *batch, bool may_close)
{
    static void (*const closers[])(struct stream *, struct bytes *) = {
        add_wrong_shape, add_wrong_shape, add_bad_lengths, add_quit};
    batch->size = 0;
    stream->read_keys = 0;
    for (uint32_t i = stream_random(stream, 12); i > 0; i--) {
        add_request(stream, batch);
    }
    if (may_close && one_in(stream, 2)) {
        closers[stream_random(stream, COUNT(closers))](stream, batch);
    }
    bytes_add_request(batch, &(struct request){.opcode = MCBP_NOOP, .opaque = ++stream->opaque});
}
