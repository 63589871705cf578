"""The memcached binary protocol as far as the corpus scripts need it: opcodes, statuses, frames."""
import struct

REQUEST, RESPONSE = 0x80, 0x81
FLEX_REQUEST, FLEX_RESPONSE = 0x08, 0x18  # with framing extras
SERVER_REQUEST, CLIENT_RESPONSE = 0x82, 0x83

GET, SET, ADD, REPLACE, DELETE, INCREMENT, DECREMENT, QUIT, FLUSH, GETQ = range(0x00, 0x0A)
NOOP, VERSION, GETK, GETKQ, APPEND, PREPEND, STAT = range(0x0A, 0x11)
SETQ, ADDQ, REPLACEQ, DELETEQ, INCREMENTQ, DECREMENTQ, QUITQ, FLUSHQ = range(0x11, 0x19)
APPENDQ, PREPENDQ, VERBOSITY, TOUCH, GAT, GATQ = range(0x19, 0x1F)
HELLO, SASL_LIST, SASL_AUTH, SASL_STEP, GATK, GATKQ = 0x1F, 0x20, 0x21, 0x22, 0x23, 0x24

ENOENT, EEXISTS, E2BIG, EINVAL, NOT_STORED, DELTA_BADVAL = range(1, 7)
UNKNOWN_COMMAND, ENOMEM = 0x81, 0x82

NO_CREATE = 0xFFFFFFFF  # as the expiry of INCREMENT and DECREMENT: do not create the item

# What memcached 1.6 puts into the body of an error response.
ERROR_TEXT = {
    ENOENT: b"Not found",
    EEXISTS: b"Data exists for key.",
    E2BIG: b"Too large.",
    EINVAL: b"Invalid arguments",
    NOT_STORED: b"Not stored.",
    DELTA_BADVAL: b"Non-numeric server-side value for incr or decr",
    UNKNOWN_COMMAND: b"Unknown command",
    ENOMEM: b"Out of memory",
}


def frame(magic, opcode, key=b"", extras=b"", value=b"", *, framing=b"", datatype=0, status=0,
          opaque=0, cas=0, key_length=None, extras_length=None, body_length=None):
    """One frame. `status` is the vbucket of a request. The *_length arguments tell lies on purpose."""
    key_length = len(key) if key_length is None else key_length
    extras_length = len(extras) if extras_length is None else extras_length
    if body_length is None:
        body_length = len(framing) + len(extras) + len(key) + len(value)
    if magic in (FLEX_REQUEST, FLEX_RESPONSE):
        lengths = struct.pack("!BB", len(framing), key_length)
    else:
        assert not framing
        lengths = struct.pack("!H", key_length)
    return (struct.pack("!BB", magic, opcode) + lengths
            + struct.pack("!BBHIIQ", extras_length, datatype, status, body_length, opaque, cas)
            + framing + extras + key + value)


def request(opcode, key=b"", extras=b"", value=b"", **more):
    return frame(REQUEST, opcode, key, extras, value, **more)


def response(opcode, key=b"", extras=b"", value=b"", **more):
    return frame(RESPONSE, opcode, key, extras, value, **more)


def error(opcode, status, **more):
    return response(opcode, value=ERROR_TEXT[status], status=status, **more)


def store(opcode, key, value, flags=0, expiry=0, **more):
    return request(opcode, key, struct.pack("!II", flags, expiry), value, **more)


def arith(opcode, key, delta=1, initial=0, expiry=0, **more):
    return request(opcode, key, struct.pack("!QQI", delta, initial, expiry), **more)


def touch(opcode, key, expiry=0, **more):
    return request(opcode, key, struct.pack("!I", expiry), **more)


def flush(opcode=FLUSH, delay=None, **more):
    return request(opcode, extras=b"" if delay is None else struct.pack("!I", delay), **more)
