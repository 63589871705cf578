#!/usr/bin/env python3
"""Random streams of requests to kvreplay serve and to the model of a node (model.py): the answers have to be the same, byte by
byte. Usage: KVREPLAY [REQUESTS]. KVREPLAY_SEED=N repeats one stream."""

import os
import random
import socket
import struct
import subprocess
import sys
import time

import model
from model import Request

VBUCKETS = 4
COLLECTIONS = {0: b"\0", 9: b"\x09"}  # serve gives 8 to the scope, 9 to its collection
STREAM = 500  # requests to one server
LOCKS_LAST = 10  # seconds; the server's, 15
PATIENCE = 60

KEYS = [b"a", b"b", b"key", b"longer key"]
DOCUMENTS = [
    b"", b"text", b"12", b"18446744073709551615", b" 7", b"+5 x", b"{}", b"[]", b'{"a":1}', b'{"a":{"b":[1,2,3]},"n":5}',
    b'{ "a" : [ ] , "b" : { } }', b'[1,{"a":"x"},[]]', b'{"n":-3,"s":"t","u":["x","y"]}', b'{"a":1,}', b'{"n":9223372036854775807}',
    b'{"a":1,"b":2,"c":3}', b"[ 1 , 2 ]", b"abc" * 40, b'{"a":"' + b"x" * 90 + b'"}', b"1.5", b"true", b"\xff\xfe",
]
PATHS = [b"a", b"b", b"n", b"a.b", b"a.b[0]", b"a.b[-1]", b"u", b"[0]", b"[1].a", b"[2]", b"x.y", b"x.y.z", b"a[0]", b"`a`", b"a.b[3]",
         b"", b"c", b"s", b"a..b", b"a[x]", b"[", b"a.b[1]", b"u[0]", b"`x.y`"]
NAMES = [b"_sys", b"user", b"u2", b"_s.a", b"user.x", b"user.n", b"u2[0]", b"u2", b"_sys.deep.er"]
BAD_NAMES = [b"", b"_", b"#x", b"averyverylongname", b"$document", b"$x"]
VIRTUALS = [b"$document", b"$document.exptime", b"$document.CAS", b"$document.revid", b"$document.datatype", b"$XTOC", b"$XTOC[0]",
            b"$vbucket", b"$document.value_crc32c", b"$other", b"$document.none", b"$document.deleted"]
FRAGMENTS = [b"1", b'"t"', b"{}", b"[]", b'{"b":1}', b"null", b"-7", b"1,2", b"bad", b'{"b":2, "a":[1, 2]}', b"[1,2]", b"true"]
DELTAS = [b"1", b"-1", b"0", b"5", b"9223372036854775807", b"-9223372036854775808", b"01", b"x", b"1.5"]
MACROS = [*model.MACROS, b'"${$document}"', b'"${$document.revid}"', b'"${$document.flags}"', b'"${$document.seqno}"',
          b'"${$document.none}"', b'"${$document.last_modified}"', b'"${other}"', b"1", b'"${$document.value_bytes}"',
          b'"${$document.value_crc32c}"']
BLOBS = [struct.pack(">I", len(text)) + text for text in (
    b"", b"\0\0\0\x0b_s\0{\"a\":1}\0", b"\0\0\0\x06u\0\"b\"\0", b"\0\0\0\x06u\0\"b\"\0\0\0\0\x06_y\0\x31\x32\0",
    b"\0\0\0\x06u\0\"b\"\0" * 2, b"\0\0\0\x06u\0bad\0", b"\0\0\0\x07u\0\"b\"\0", b"\0\0")]
BLOBS += [model.join_blob({"user": '{ "n" : [1,2 ] }', "_sys": '"' + "x" * 60 + '"', "a": "1"})] * 6
PATCHED = model.join_blob({name: '{"n":"' + "1" * 18 + '","m":"' + "2" * 18 + '"}' for name in ("user", "_sys")})
PLACES = [at for at in range(len(PATCHED)) if PATCHED[at:at + 18] in (b"1" * 18, b"2" * 18)]
LOOKUPS, CHANGES = [0xC5, 0xC6, 0xD2], [0xC7, 0xC8, 0xC9, 0xCA, 0xCB, 0xCC, 0xCD, 0xCE, 0xCF]
FRAMING = [b"\0", b"\x11\1", b"\x13\2\x03\xe8", b"\x11\4", b"\x11\0", b"\x12\1\1", b"\x13\1\0\0", b"\x13\1\xff\xff", b"\x50", b"\x51\1",
           b"\x01\0", b"\xf0\1", b"\x30", b"\x22\0\1", b"\x21\1", b"\x15\1", b"\x50\x11\1", b"\x11\1\x50\0", b"\x0f", b"\xff"]


class Generator:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.session = None
        self.seen = [1 << 40]  # CAS values
        self.stored = {}  # where a request may just have stored all of a document
        self.uuids, self.scans = [bytes(8)], [bytes(16)]

    def chance(self, percent):
        return self.random.randrange(100) < percent

    def pick(self, *choices):
        return self.random.choice(choices)

    def log_in(self):
        return [Request(0x21, key=b"PLAIN", value=b"\0user\0password"), Request(0x89, key=b"default")]

    def hello(self):
        asked = [feature for feature in sorted(model.GRANTED) if self.chance(88)]
        self.random.shuffle(asked)
        return Request(0x1F, key=b"model", value=b"".join(struct.pack(">H", feature) for feature in asked))

    def key(self):
        if not self.session.has(model.COLLECTIONS):
            return self.pick(*KEYS) if self.chance(98) else self.pick(b"", b"k" * 250, b"k" * 251, b"k" * 255)
        if self.chance(97):
            return self.pick(*COLLECTIONS.values()) + self.pick(*KEYS)
        return self.pick(b"", b"\0", b"\x0ak", b"\x01k", b"\x89\0k", b"\x80", b"\xff\xff\xff\xff\x0fk", b"\x80\x80\x80\x80\x80\1k", b"\x88",
                         b"\0" + b"k" * 250, b"\0" + b"k" * 251, b"\x09" + b"k" * 246, b"\x09" + b"k" * 247, b"\x09")

    def cas(self):
        return 0 if self.chance(70) else self.pick(*self.seen[-6:]) if self.chance(80) else self.pick(1, model.LOCKED_CAS)

    def expiry(self):
        now = int(time.time())
        return 0 if self.chance(70) else self.pick(100, 2592000, now + 5000000, 2592001, 4294967295)

    def value(self):
        """Value and datatype."""
        value = self.pick(*DOCUMENTS)
        if self.chance(15):
            return compress(value), self.pick(model.SNAPPY, model.SNAPPY | model.JSON)
        if self.chance(3):
            return self.pick(b"", b"\x05abc", b"\xff" * 9, b"\x02\x04ab!"), model.SNAPPY
        return value, model.JSON if self.chance(15) else self.pick(4, 8, 255) if self.chance(2) else model.RAW

    def framing(self):
        return b"" if self.chance(85) else self.pick(*FRAMING)

    def request(self):
        parts = {"vbucket": self.pick(0, 0, 0, *range(VBUCKETS)) if self.chance(97) else self.pick(VBUCKETS, 1023, 65535),
                 "framing": self.framing()}
        kind = self.pick("get", "get", "get", "get", "store", "store", "store", "remove", "count", "join", "touch", "lock", "meta", "observe", "lookup",
                         "lookup", "change", "change", "change", "multi", "multi", "scan", "scan", "any_key", "hello", "with_meta", "with_meta",
                         "with_meta", "return_meta", "mutate_with_meta", "mutate_with_meta")
        if kind == "hello":
            return self.hello() if self.chance(10) else Request(0x00, key=self.key(), **parts)
        if kind in ("scan", "observe", "any_key"):
            return getattr(self, kind)(parts)
        request = getattr(self, kind)(parts | {"key": self.key()})
        if self.chance(3):
            self.spoil(request)
        return request

    def spoil(self, request):
        what = self.pick("extras", "value", "cas", "datatype", "extras")
        if what == "extras":
            request.extras = request.extras[:-1] if request.extras and self.chance(50) else request.extras + b"\0"
        elif what == "value" and not 0xC5 <= request.opcode <= 0xD3:
            request.value += b"v"
        elif what == "cas":
            request.cas = 7
        elif what == "datatype":
            request.datatype = self.pick(1, 4, 8)

    def get(self, parts):
        if self.stored and self.chance(40):
            return Request(0x49, **self.stored)
        return Request(self.pick(0x00, 0x09, 0x0C, 0x0D, 0x49, 0x49, 0x49) if self.chance(95) else self.pick(0x83, 0x4A), **parts)

    def store(self, parts):
        opcode = self.pick(0x01, 0x01, 0x02, 0x03, 0x11, 0x12, 0x13)
        value, datatype = self.value()
        cas = 0 if opcode in (2, 0x12) and self.chance(95) else self.cas()
        return Request(opcode, extras=struct.pack(">II", self.pick(0, 0x02000000), self.expiry()), value=value, datatype=datatype,
                       cas=cas, **parts)

    def remove(self, parts):
        return Request(self.pick(0x04, 0x14), cas=self.cas(), **parts)

    def count(self, parts):
        expiry = self.pick(0, 0xFFFFFFFF, self.expiry())
        return Request(self.pick(0x05, 0x06, 0x15, 0x16), extras=struct.pack(">QQI", self.pick(0, 1, 5, (1 << 64) - 1),
                                                                            self.pick(0, 7, 1 << 63), expiry), **parts)

    def join(self, parts):
        value, datatype = self.value()
        return Request(self.pick(0x0E, 0x0F, 0x19, 0x1A), value=value, datatype=datatype, cas=self.cas(), **parts)

    def touch(self, parts):
        return Request(self.pick(0x1C, 0x1D, 0x1E), extras=struct.pack(">I", self.expiry()), **parts)

    def lock(self, parts):
        if self.chance(40):
            return Request(0x94, extras=self.pick(b"", struct.pack(">I", self.pick(0, 15, 30, 31, 99))), **parts)
        return Request(0x95, cas=self.cas() or self.seen[-1], **parts)

    def meta(self, parts):
        return Request(self.pick(0xA0, 0xA0, 0xA1), extras=self.pick(b"", b"", b"\1", b"\2", b"\2", b"\3"), **parts)

    def with_meta(self, parts):
        self.stored = {name: parts[name] for name in ("key", "vbucket")}
        opcode = self.pick(0xA2, 0xA2, 0xA3, 0xA4, 0xA5, 0xA8, 0xA9)
        value, datatype = (b"", model.RAW) if opcode >= 0xA8 and self.chance(60) else self.value()
        if self.chance(35):
            value, datatype = self.pick(*BLOBS) + self.pick(*DOCUMENTS), model.XATTR
            if self.chance(40):
                value, datatype = compress(value), datatype | model.SNAPPY
        now = int(time.time())
        expiry = 0 if self.chance(70) else self.pick(now - 100, now + 100, 1)
        extras = struct.pack(">IIQQ", self.pick(0, 1, 0x01000000), expiry, self.random.randrange(1, 9), self.brought())
        if self.chance(50):
            extras += struct.pack(">I", self.pick(0, 8, 8, 8, 8, 9, 12, 4, 2, 6, 16))
        if self.chance(10) and len(value) > 3 and datatype < model.XATTR:
            extras += struct.pack(">H", self.pick(0, 1, 3))
        return Request(opcode, extras=extras, value=value, datatype=datatype, cas=self.cas(), **parts)

    def mutate_with_meta(self, parts):
        self.stored = {name: parts[name] for name in ("key", "vbucket")}
        kind = self.pick("add", "set", "set", "set", "delete")
        value = b"" if kind == "delete" and self.chance(60) else self.pick(*DOCUMENTS)
        datatype = model.XATTR if self.chance(70) else model.RAW
        value = (self.pick(PATCHED, PATCHED, BLOBS[1], BLOBS[0]) + value) if datatype else value
        options = self.pick(12, 12, 12, 8, 8, 8, 0, 4, 2, 16)
        meta = {"command": kind, "flags": self.pick(0, "0xdeadbeef", "7"), "expiration": self.pick(0, "0x0", int(time.time()) + 100),
                "rev_seqno": self.pick(1, "0x5", 9, "12"), "options": self.pick(options, f"0x{options:08x}")}
        if not options & 4 or self.chance(3):
            meta["cas"] = self.pick(1, 2, "0x10000", hex(self.brought()))  # serve takes larger numbers as strings only
        if options & 4 and self.chance(80):
            meta |= {"cas_offsets": self.offsets(), "seqno_offsets": self.offsets()}
        if self.chance(5):
            meta.pop(self.pick(*meta))
        text = model.dump(meta) if self.chance(97) else self.pick(b"", b"[]", b"{", b'{"command":"touch"}')
        size, value = len(text), value + text
        if self.chance(15):
            value, datatype = compress(value), datatype | model.SNAPPY
        extras = struct.pack(">I", size if self.chance(97) else 9999)
        return Request(0x4B, extras=extras, value=value, datatype=datatype, cas=self.cas(), **parts)

    def offsets(self):
        """Most of them where attributes have room for a number."""
        return [self.pick(*PLACES) if self.chance(97) else self.pick(0, 3, 60, 9999) for _ in range(self.pick(0, 0, 1, 1, 2))]

    def brought(self):
        if self.chance(8):
            return self.pick(0, model.LOCKED_CAS, time.time_ns() + 15 * 10 ** 9)
        return self.pick(1, 2, 0x10000)

    def return_meta(self, parts):
        value, datatype = self.value() if self.chance(10) else (self.pick(*DOCUMENTS), model.RAW)
        extras = struct.pack(">III", self.pick(1, 1, 2, 3) if self.chance(97) else self.pick(0, 4), self.pick(0, 7), self.expiry())
        return Request(0xB2, extras=extras, value=value, datatype=datatype, cas=self.cas(), **parts)

    def observe(self, parts):
        if self.chance(50):
            return Request(0x91, value=self.pick(*self.uuids[-3:]) if self.chance(95) else b"short", **parts)
        value = b""
        for _ in range(self.random.randrange(4)):
            key = self.pick(*KEYS) if not self.session.has(model.COLLECTIONS) else self.pick(b"\0", b"\x09", b"\x0a") + self.pick(*KEYS)
            value += struct.pack(">HH", self.random.randrange(VBUCKETS) if self.chance(97) else 99, len(key)) + key
        return Request(0x92, value=value if self.chance(95) else value + self.pick(b"\0", b"\0\0\0\2k"), **parts)

    def any_key(self, parts):
        extras = struct.pack(">I", self.pick(0, 9, 9, 10)) if self.session.has(model.COLLECTIONS) else b""
        return Request(0xB6, extras=extras if self.chance(95) else self.pick(b"", b"\0\0\0\0"), **parts)



    # ------------------------------------------------------------ subdocuments

    def spec(self, opcodes):
        """Opcode, path flags, path, value."""
        opcode = self.pick(*opcodes)
        trait = model.TRAITS[opcode]
        if self.chance(40):
            flags = model.OF_XATTR
            path = self.pick(*NAMES) if self.chance(95) else self.pick(*BAD_NAMES)
            if not trait.changes and self.chance(40):
                path = self.pick(*VIRTUALS)
        else:
            flags, path = 0, self.pick(*PATHS)
        value = b""
        if trait.value:
            value = self.pick(*DELTAS) if opcode == 0xCF else self.pick(*FRAGMENTS)
        if trait.flags & model.EXPAND and flags and self.chance(30):
            flags, value = flags | model.EXPAND, self.pick(*MACROS)
        elif trait.flags & model.BINARY and flags and self.chance(30):
            flags, value = flags | model.BINARY, self.pick(*DOCUMENTS[1:]) if trait.value else value
        if trait.flags & model.MAKE_PATH and self.chance(30):
            flags |= model.MAKE_PATH
        if opcode < 0xC0:
            flags, path = 0, b"" if self.chance(95) else b"x"
            value = self.pick(*DOCUMENTS) if trait.value else b""
        if self.chance(2):
            flags ^= self.pick(1, 4, 0x10, 0x20, 2)
        if self.chance(1):
            value = b"" if value else b"1"
        return opcode, flags, path, value

    def doc_flags(self, changes):
        if self.chance(60):
            return b""
        if not changes:
            return bytes([self.pick(0, 4, 4, 0x20, 0x14, 1)])
        return bytes([self.pick(1, 1, 1, 2, 2, 4, 4, 9, 10, 13, 0x14, 0x14, 0x15, 8, 3, 0x40, 0x10, 0x1C)])

    def expiry_and_flags(self):
        if self.chance(70):
            return b""
        return struct.pack(">I", self.expiry()) + (b"" if self.chance(70) else struct.pack(">I", 0x03000002))

    def single(self, parts, opcodes):
        opcode, flags, path, value = self.spec(opcodes)
        changes = opcode in model.SUBDOC_CHANGES
        extras = struct.pack(">HB", len(path), flags) + (self.expiry_and_flags() if changes else b"") + self.doc_flags(changes)
        return Request(opcode, extras=extras, value=path + value, cas=self.cas() if changes or self.chance(5) else 0, **parts)

    def lookup(self, parts):
        return self.single(parts, LOOKUPS)

    def change(self, parts):
        return self.single(parts, [*CHANGES, 0xD3])

    def multi(self, parts):
        changes = self.chance(50)
        count = self.random.randrange(1, 5) if self.chance(97) else self.pick(0, 16, 17)
        opcodes = [*CHANGES, *CHANGES, 0x01, 0x04, 0xD3] if changes else [*LOOKUPS, *LOOKUPS, 0x00]
        if self.chance(2):
            opcodes = [0xC5, 0xC7, 0x00, 0x01]
        specs = [self.spec(opcodes) for _ in range(count)]
        if self.chance(96):
            specs.sort(key=lambda spec: not spec[1] & model.OF_XATTR)
        value = b"".join(struct.pack(">BBH", opcode, flags, len(path)) + (struct.pack(">I", len(text)) if changes else b"") + path +
                         (text if changes else b"") for opcode, flags, path, text in specs)
        if self.chance(2):
            value = value[:-1]
        extras = (self.expiry_and_flags() if changes else b"") + self.doc_flags(changes)
        return Request(0xD1 if changes else 0xD0, extras=extras, value=value, cas=self.cas() if changes or self.chance(5) else 0, **parts)

    # ------------------------------------------------------------ range scans

    def scan(self, parts):
        if self.chance(50):
            text = {"key_only": self.chance(40)}
            if self.chance(50):
                text["collection"] = self.pick("0", "9", "a")
            if self.chance(50):
                text["range"] = {self.pick("start", "excl_start"): self.pick("YQ==", "Yg=="), self.pick("end", "excl_end"): self.pick("eg==", "aw==")}
            return Request(0xDA, value=model.dump(text), datatype=model.JSON if self.chance(97) else model.RAW, **parts)
        uuid = self.pick(*self.scans[-4:])
        if self.chance(80):
            return Request(0xDB, extras=uuid + struct.pack(">III", self.pick(0, 1, 2), 0, self.pick(0, 0, 1, 60)), **parts)
        return Request(0xDC, extras=uuid, **parts)

    def learn(self, answer):
        if answer.cas and answer.opcode != 0xB6:  # of which the model does not know whose it is
            self.seen.append(answer.cas)
        if len(answer.extras) == 16 and answer.opcode != model.RETURN_META:
            self.uuids.append(answer.extras[:8])
        if answer.opcode == 0xDA and answer.status == 0:
            self.scans.append(answer.value)


def compress(value):
    """Literals, and copies of what was there before."""
    out, begin, at, seen = bytearray(), 0, 0, {}
    size = len(value)
    while True:
        out.append(size & 0x7F | (0x80 if size > 0x7F else 0))
        size >>= 7
        if not size:
            break
    while at < len(value):
        before, length = seen.get(value[at:at + 4]), 0
        while before is not None and length < 64 and value[at + length:at + length + 1] == value[before + length:before + length + 1] != b"":
            length += 1
        seen[value[at:at + 4]] = at
        if length >= 4:
            out += literals(value[begin:at]) + bytes([(length - 1) << 2 | 2]) + struct.pack("<H", at - before)
            begin = at + length
        at += length if length >= 4 else 1
    return bytes(out + literals(value[begin:]))


def literals(data):
    return b"".join(bytes([(len(data[at:at + 60]) - 1) << 2]) + data[at:at + 60] for at in range(0, len(data), 60))


# ---------------------------------------------------------------- the server


class Client:
    def __init__(self, program):
        self.process = subprocess.Popen(
            [program, "serve", "-p", "0", "--dialect", "couchbase", "--vbuckets", str(VBUCKETS), "--collection", "shop.fruit"],
            stdout=subprocess.PIPE, text=True)
        port = self.process.stdout.readline().strip().rsplit(":", 1)[1]
        self.socket = socket.create_connection(("127.0.0.1", int(port)), PATIENCE)
        self.rest = b""

    def close(self):
        self.socket.close()
        self.process.terminate()
        return self.process.wait(PATIENCE)

    def frame(self):
        while len(self.rest) < 24 or len(self.rest) < 24 + struct.unpack_from(">I", self.rest, 8)[0]:
            data = self.socket.recv(1 << 16)
            if not data:
                raise model.Different("the server has closed the connection")
            self.rest += data
        size = 24 + struct.unpack_from(">I", self.rest, 8)[0]
        frame, self.rest = self.rest[:size], self.rest[size:]
        return frame

    def ask(self, requests):
        """Answers by opaque; a NOOP behind them tells that there are no more."""
        for opaque, request in enumerate(requests):
            request.opaque = opaque
        last = len(requests)
        self.socket.sendall(b"".join(request.encode() for request in requests) + Request(0x0A, opaque=last).encode())
        answers = {}
        while last not in answers:
            answer = model.Answer(self.frame())
            if answer.opaque in answers:
                raise model.Different(f"two answers to request {answer.opaque}")
            answers[answer.opaque] = answer
        del answers[last]
        return answers


def without_duration(frame):
    return frame[:25] + b"\0\0" + frame[27:] if frame[:1] == b"\x18" else frame


def compare(session, request, answer, now):
    expected = session.execute(request, answer, now)
    actual = without_duration(answer.data) if answer else b""
    if expected != actual:
        raise model.Different(f"expected {expected.hex(' ')}\n         {expected}")


def play(client, seed, requests):
    """Returns how many requests were compared."""
    generator = Generator(seed)
    client.ask(generator.log_in())
    node = model.Node(VBUCKETS, set(COLLECTIONS), 1)
    session = generator.session = model.Session(node)
    done, batch, begin = 0, [generator.hello()], time.monotonic()
    while batch and time.monotonic() - begin < LOCKS_LAST:
        first = int(time.time())
        answers = client.ask(batch)
        now = first, int(time.time())
        for request in batch:
            answer = answers.pop(request.opaque, None)
            try:
                compare(session, request, answer, now)
            except model.TooClose:
                return done
            except model.Different as different:
                print(f"KVREPLAY_SEED={seed}: request {done}: {request.__dict__}")
                print(f"{different}\nactual   {answer.data.hex(' ') if answer else ''}\n         {answer.data if answer else ''}")
                sys.exit(1)
            except Exception:
                print(f"KVREPLAY_SEED={seed}: request {done}: {request.__dict__}, answer {answer.data if answer else None}")
                raise
            if answer:
                generator.learn(answer)
            done += 1
        batch = [generator.request() for _ in range(min(generator.pick(1, 2, 5, 20), requests - done))]
        if any(request.opcode == 0x1F for request in batch):
            batch = batch[:next(at for at, request in enumerate(batch) if request.opcode == 0x1F) + 1]
    return done


def main():
    program, requests = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 6000
    given = os.environ.get("KVREPLAY_SEED")
    done = streams = 0
    while done < requests and not (given and streams):
        seed = int(given) if given else random.SystemRandom().getrandbits(32)
        client = Client(program)
        try:
            done += play(client, seed, STREAM)
        finally:
            ended = client.close()
        if ended != 0:
            sys.exit(f"exit status of the server: {ended}")
        streams += 1
    print(f"{done} requests in {streams} streams, the last of them KVREPLAY_SEED={seed}")


if __name__ == "__main__":
    main()
