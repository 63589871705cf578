#!/usr/bin/env python3
"""couchbase_capture.py CORPUS OUT: a conversation in Couchbase's dialect, with each form of frame that inspect tells of.

The first connection is what a client of today says, the second a stream of DCP, the third one asks for nothing by HELLO.
"""
import struct
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])
from mcbp import *  # noqa: E402,F403
from packets import *  # noqa: E402,F403

JSON, SNAPPY, XATTR = 1, 2, 4
FEATURES = [0x04, 0x06, 0x07, 0x0a, 0x0b, 0x0c, 0x0f, 0x10, 0x11, 0x12, 0x14]
UUID = 0x0011223344556677
SCAN = bytes(range(16))
opaque = 0


def u16(*numbers):
    return struct.pack("!%dH" % len(numbers), *numbers)


def u32(*numbers):
    return struct.pack("!%dI" % len(numbers), *numbers)


def u64(*numbers):
    return struct.pack("!%dQ" % len(numbers), *numbers)


def token(seqno):
    return u64(UUID, seqno)


def literal(data):
    """Snappy's plainest form: everything is a literal."""
    assert len(data) <= 60
    return bytes([len(data), (len(data) - 1) << 2]) + data


class Talk:
    def __init__(self, port, took=b"\x02\x00\x12"):
        self.conversation = Conversation(client=("192.0.2.1", port))
        self.conversation.open()
        self.took = took

    def say(self, opcode, asked, *answers):
        """One request and its answers, each a dictionary of what frame() takes."""
        global opaque
        opaque += 1
        magic = FLEX_REQUEST if asked.get("framing") else REQUEST
        self.conversation.client(frame(magic, opcode, opaque=opaque, **asked))
        for answer in answers:
            magic = FLEX_RESPONSE if self.took else RESPONSE
            self.conversation.server(frame(magic, opcode, opaque=opaque, framing=self.took, **answer))


def spec(opcode, flags, path, value=None):
    head = struct.pack("!BBH", opcode, flags, len(path))
    return head + (b"" if value is None else u32(len(value))) + path + (value or b"")


def client():
    t = Talk(40001)
    t.say(HELLO, dict(key=b'{"a":"sdk"}', value=u16(*FEATURES, 0x7777)), dict(value=u16(*FEATURES)))
    t.say(0xFE, dict(value=u16(2)), dict(value=b'{"version":2}', datatype=JSON))
    t.say(0x89, dict(key=b"default"), dict())
    t.say(0xB5, dict(extras=u64(1, 2)), dict(value=b'{"rev":2}', datatype=JSON))
    t.say(0xBB, dict(value=b"_default.c"), dict(extras=u64(3) + u32(8)))
    t.say(SET, dict(key=b"\x08abc", extras=u32(0x02000000, 10), value=b'{"n":1}', datatype=JSON, status=5,
                    framing=b"\x13\x01\x08\xca\x50"), dict(extras=token(4), cas=7))
    t.say(SET, dict(key=b"\x08abc", extras=u32(0, 0), value=literal(b'{"word":"inflated"}'), datatype=JSON | SNAPPY),
          dict(extras=token(5), cas=8))
    t.say(GET, dict(key=b"\x85\x0aabc"), dict(extras=u32(0x04000004), value=b"text", cas=8))
    t.say(GET, dict(key=b"\x00none"), dict(status=ENOENT))
    t.say(GETK, dict(key=b"\x08abc"), dict(extras=u32(1), key=b"\x08abc", value=b"1", cas=8))
    t.say(0x49, dict(key=b"\x08x"), dict(extras=u32(1), datatype=JSON | XATTR,
                                         value=u32(11) + u32(7) + b"_a\0{1}\0"[:7] + b"body", cas=8))
    t.say(INCREMENT, dict(key=b"\x08n", extras=u64(1, 100) + u32(0xFFFFFFFF)), dict(extras=token(6), value=u64(101)))
    t.say(TOUCH, dict(key=b"\x08abc", extras=u32(60)), dict(cas=9))
    t.say(0x94, dict(key=b"\x08abc", extras=u32(15)), dict(extras=u32(1), value=b"v", cas=10))
    t.say(0x95, dict(key=b"\x08abc", cas=11), dict(status=0x09, value=b'{"error":{"context":"held","ref":"r-1"}}',
                                                   datatype=JSON))
    t.say(0xA0, dict(key=b"\x08abc", extras=b"\x02"), dict(extras=u32(1, 2, 3) + u64(4) + b"\x05", cas=9))
    t.say(0xA2, dict(key=b"\x08abc", extras=u32(2, 3) + u64(4, 5) + u32(0x18) + u16(0), value=b"v"),
          dict(extras=token(8)))
    t.say(0x91, dict(value=u64(UUID)), dict(value=b"\0" + u16(5) + u64(UUID, 3, 4)))
    t.say(0x91, dict(value=u64(UUID)), dict(value=b"\1" + u16(5) + u64(UUID, 3, 4, 9, 2)))
    t.say(0x92, dict(value=u16(5, 4) + b"\x08abc"), dict(value=u16(5, 4) + b"\x08abc\x01" + u64(9), cas=(2 << 32) + 3))
    t.say(0xC5, dict(key=b"\x08abc", extras=u16(4) + b"\x04", value=b"_a.b"), dict(value=b"1", datatype=JSON, cas=9))
    t.say(0xC8, dict(key=b"\x08abc", extras=u16(3) + b"\x01" + u32(60) + b"\x01", value=b'a.b"x"'),
          dict(extras=token(9), cas=12))
    t.say(0xD0, dict(key=b"\x08abc", extras=b"\x04", value=spec(0xC5, 4, b"_a") + spec(0xC6, 0, b"no") + spec(0, 0, b"")),
          dict(status=0xCC, value=u16(0) + u32(1) + b"1" + u16(0xC0) + u32(0) + u16(0) + u32(2) + b"{}", cas=9))
    t.say(0xD1, dict(key=b"\x08abc", extras=u32(60) + b"\x02", value=spec(0xC8, 1, b"a", b'"v"') + spec(0xCF, 0, b"n", b"5"),
                     framing=b"\x11\x03"), dict(extras=token(10), value=b"\x01" + u16(0) + u32(1) + b"5", cas=13))
    t.say(0xD1, dict(key=b"\x08abc", value=spec(0xC7, 0x14, b"a", b'"${Mutation.CAS}"')),
          dict(status=0xCC, value=b"\x00" + u16(0xC9)))
    t.say(0xDA, dict(value=b'{"collection":"8","range":{"start":"YWJj","excl_end":"YWJk"},"key_only":true}', datatype=JSON),
          dict(value=SCAN))
    t.say(0xDB, dict(extras=SCAN + u32(10, 20, 30)), dict(extras=u32(0), value=b"\x03abc\x04abcd", status=0xA6),
          dict(extras=u32(1), status=0xA7,
               value=u32(1, 2) + u64(3, 4) + b"\x01" + b"\x03abc" + b"\x02{}"))
    t.say(0xDC, dict(extras=SCAN), dict(status=0xA5))
    t.say(0x96, dict(), dict(value=u64(UUID, 5, 1, 0)))
    t.say(0x48, dict(extras=u32(1, 8)), dict(value=u16(5) + u64(77)))
    t.say(0x85, dict(key=b"default", value=b"ep.so\0cache_size=1;x=2"), dict())
    t.say(0x23, dict(key=b"release_free_memory"), dict(value=b"x"))
    t.say(SASL_AUTH, dict(key=b"PLAIN", value=b"\0user\0secret"), dict(status=0x20))
    t.conversation.server(frame(SERVER_REQUEST, 0x01, b"default", u64(1, 3), b'{"rev":3}', datatype=JSON))
    t.conversation.close()
    return t.conversation


def stream():
    t = Talk(40002, took=b"")
    t.say(HELLO, dict(value=u16(0x06, 0x0a, 0x0b, 0x12)), dict(value=u16(0x06, 0x0a, 0x0b, 0x12)))
    t.say(0x50, dict(key=b"replication", extras=u32(0, 0x05)), dict())
    t.say(0x53, dict(extras=u32(2, 0) + u64(0, 100, UUID, 0, 0), status=5, framing=b"\x22\x00\x07"),
          dict(value=u64(UUID, 0)))
    t.say(0x53, dict(extras=u32(0, 0) + u64(9, 100, UUID, 0, 0)), dict(status=0x23, value=u64(4)))
    for opcode, extras, key, value in (
            (0x56, u64(0, 100) + u32(0x09), b"", b""),
            (0x56, b"\x00", b"", u64(0, 100) + u32(2) + u64(90, 80)),
            (0x57, u64(1, 2) + u32(3, 4, 5) + u16(0) + b"\x06", b"\x08abc", b"value"),
            (0x58, u64(1, 2) + u32(3) + b"\x00", b"\x08abc", b""),
            (0x59, u64(1, 2) + u32(3), b"\x08abc", b""),
            (0x5F, u64(1) + u32(0) + b"\x00", b"c", u64(3) + u32(0, 8)),
            (0x60, u64(1, 2) + u32(3, 4, 5) + b"\x06\x00\x02", b"\x08abc", b"value"),
            (0x62, u64(1, 2), b"\x08abc", b""),
            (0x63, u64(1, 2), b"\x08abc", b""),
            (0x64, u64(11), b"", b""),
            (0x65, u32(1), b"", b""),
            (0x5B, b"\x01", b"", b""),
            (0x55, u32(2), b"", b"")):
        t.conversation.server(request(opcode, key, extras, value, opaque=opaque))
    t.conversation.client(request(0x5D, extras=u32(4096)))
    t.conversation.client(request(0x61, extras=u64(10)))
    t.conversation.close()
    return t.conversation


def plain():
    """memcached's, but for an answer's duration: of keys, nothing is taken for a collection."""
    t = Talk(40003)
    t.say(GET, dict(key=b"\x08abc"), dict(extras=u32(0), value=b"v"))
    t.conversation.close()
    return t.conversation


with open(sys.argv[2], "wb") as out:
    out.write(pcap(client().packets + stream().packets + plain().packets))
