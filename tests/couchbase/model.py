"""A second model of a Couchbase node, for tests: dictionaries, and what couchbase/kv_engine's sources say that is answered
(daemon/mcbp_validators.cc, daemon/protocol/mcbp, daemon/subdocument*.cc, engines/ep/src/vbucket.cc). It computes the bytes of
each answer, and takes from the answer that it is shown only what a server decides alone: CAS, UUIDs, the random key, and its
clock. Those have to keep the rules: a CAS rises in its vbucket, an UUID stays."""

import base64
import json
import struct
import time

import subjson

RAW, JSON, SNAPPY, XATTR = 0, 1, 2, 4
LOCKED_CAS = (1 << 64) - 1
MUTATION_SEQNO, XATTRS, XERROR, HAS_SNAPPY, HAS_JSON, TRACING, COLLECTIONS, EVERYWHERE = 4, 6, 7, 0x0A, 0x0B, 0x0F, 0x12, 0x13
GRANTED = {3, MUTATION_SEQNO, XATTRS, XERROR, 8, HAS_SNAPPY, HAS_JSON, 0x0E, TRACING, 0x10, 0x11, COLLECTIONS, EVERYWHERE, 0x14, 0x25}

OK, NOT_FOUND, KEY_EXISTS, TOO_BIG, EINVAL, NOT_STORED, BAD_DELTA, NOT_MY_VBUCKET = range(8)
LOCKED, NOT_LOCKED, CAS_INVALID, XATTR_EINVAL, NO_MEMORY, NOT_SUPPORTED, TMPFAIL = 0x09, 0x0E, 0x0F, 0x87, 0x82, 0x83, 0x86
UNKNOWN_COLLECTION, BAD_DURABILITY, UNKNOWN_FRAME_INFO, EACCESS = 0x88, 0xA0, 0x80, 0x24
PATH_FAILED, BAD_COMBINATION, BAD_FLAGS, XATTR_ORDER, UNKNOWN_MACRO = 0xCC, 0xCB, 0xCE, 0xD4, 0xD0
UNKNOWN_VATTR, READONLY_VATTR, DELETED, PATH_FAILED_DELETED = 0xD1, 0xD2, 0xCD, 0xD3
DELETED_WITH_VALUE, ALIVE, UNKNOWN_VATTR_MACRO, NOT_BINARY = 0xD7, 0xD6, 0xD5, 0xD8
SCAN_MORE, SCAN_COMPLETE = 0xA6, 0xA7

QUIET = {0x09: 0x00, 0x0D: 0x0C, 0x11: 1, 0x12: 2, 0x13: 3, 0x14: 4, 0x15: 5, 0x16: 6, 0x19: 0x0E, 0x1A: 0x0F, 0x1E: 0x1D,
         0xA1: 0xA0, 0xA3: 0xA2, 0xA5: 0xA4, 0xA9: 0xA8}


class Different(Exception):
    """The answer is none that a server may give."""


class Refusal(Exception):
    """An error, with the text that goes along."""

    def __init__(self, status, context=None, body=None):
        super().__init__(status, context)
        self.status = status
        self.body = body
        if context is not None:
            self.body = {"error": {"context": context}}


class TooClose(Exception):
    """It depends on the server's clock what happens: nothing can be said about the rest of the stream."""


def dump(value):
    return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()


# ---------------------------------------------------------------- what a server decides alone


class Cas:
    """Known from the first answer that shows it; ordered by `number` within its vbucket."""

    def __init__(self, vbucket, value=None):
        vbucket.changes += 1
        self.vbucket, self.number, self.value = vbucket, vbucket.changes, None
        if value is not None:
            self.set(value)

    def bounds(self):
        known = self.vbucket.known
        return (max((cas for number, cas in known.items() if number < self.number), default=0),
                min((cas for number, cas in known.items() if number > self.number), default=1 << 64))

    def may_be(self, value):
        below, above = self.bounds()
        return below < value < above and abs(value / 1e9 - time.time()) < 60

    def set(self, value):
        below, above = self.bounds()
        if not below < value < above:
            raise Different(f"CAS {value:#x} is not between {below:#x} and {above:#x}")
        if value & 0xFFFF == 0 and abs(value / 1e9 - time.time()) > 60:
            raise Different(f"CAS {value:#x} is no time")
        self.vbucket.known[self.number] = self.value = value


class Brought:
    """A CAS that came with a change, and says nothing of its order. One ahead of the clock is where that goes on from."""

    def __init__(self, vbucket, value):
        self.value = value
        if value >= max(vbucket.known.values(), default=0) and value > time.time_ns():
            vbucket.changes += 1
            vbucket.known[vbucket.changes] = value

    def bounds(self):
        return self.value, self.value

    def may_be(self, value):
        return value == self.value


class Moment:
    """A time in seconds that the server computes from its clock: one of a few, until it is seen."""

    def __init__(self, begin, end):
        self.begin, self.end = begin, end

    def see(self, seconds):
        if not self.begin <= seconds <= self.end:
            raise Different(f"time {seconds} is not in {self.begin} to {self.end}")
        self.begin = self.end = seconds


class Section(dict):
    """Attributes as they came before a value, which are there even if they are none."""

    def __bool__(self):
        return True


class Document:
    def __init__(self):
        self.value, self.datatype = b"", RAW  # as stored: perhaps compressed
        self.xattrs = {}  # name: JSON text
        self.packed = None  # attributes and value, compressed as one
        self.flags, self.expiry = 0, Moment(0, 0)
        self.cas, self.seqno, self.revision = None, 0, 0
        self.deleted, self.lock = False, None

    def body(self):
        return inflate(self.value) if self.datatype & SNAPPY else self.value

    def all_datatypes(self):
        return self.datatype | (XATTR if self.xattrs else 0) | (SNAPPY if self.packed else 0)

    def whole(self):
        """All that is stored."""
        return self.packed or (join_blob(self.xattrs) + self.body() if self.xattrs else self.value)


class Meta:
    """What a change brings with it."""

    def __init__(self, flags, expiry, revision, cas):
        self.flags, self.expiry, self.revision, self.cas = flags, expiry, revision, cas

    def wins(self, document, deletes, has_xattrs):
        """engines/ep/src/conflict_resolution.cc, on a machine that is little-endian: flags are in the order of the network."""
        if self.revision != document.revision:
            return self.revision > document.revision
        if document.cas.value is None:
            below, above = document.cas.bounds()
            if below < self.cas < above:
                raise TooClose
            return self.cas >= above
        if self.cas != document.cas.value or deletes:
            return self.cas > document.cas.value
        if not document.expiry.begin == document.expiry.end:
            raise TooClose
        ours = self.expiry, int.from_bytes(self.flags.to_bytes(4, "big"), "little")
        theirs = document.expiry.begin, int.from_bytes(document.flags.to_bytes(4, "big"), "little")
        return ours > theirs or (ours == theirs and has_xattrs and not document.xattrs)


class Vbucket:
    def __init__(self):
        self.uuid = None
        self.seqno = self.deleted_revision = self.changes = 0
        self.known = {}  # number of a change: CAS
        self.documents = {}


# ---------------------------------------------------------------- Snappy


def inflate(data):
    """None: it is none."""
    size = shift = at = 0
    while True:
        if at == len(data) or shift > 28:
            return None
        size |= (data[at] & 0x7F) << shift
        shift += 7
        at += 1
        if data[at - 1] < 0x80:
            break
    out = bytearray()
    while at < len(data):
        tag = data[at]
        at += 1
        if tag & 3 == 0:
            length = tag >> 2
            if length >= 60:
                more = length - 59
                if at + more > len(data):
                    return None
                length = int.from_bytes(data[at:at + more], "little")
                at += more
            length += 1
            if at + length > len(data):
                return None
            out += data[at:at + length]
            at += length
            continue
        width = {1: 1, 2: 2, 3: 4}[tag & 3]
        if at + width > len(data):
            return None
        offset = int.from_bytes(data[at:at + width], "little")
        at += width
        length = (tag >> 2) + 1
        if tag & 3 == 1:
            length = ((tag >> 2) & 7) + 4
            offset |= (tag >> 5) << 8
        if not 0 < offset <= len(out):
            return None
        for _ in range(length):
            out.append(out[-offset])
    return bytes(out) if len(out) == size else None


CRC32C = []
for byte in range(256):
    for _ in range(8):
        byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
    CRC32C.append(byte)


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ CRC32C[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


# ---------------------------------------------------------------- requests and answers


class Request:
    def __init__(self, opcode, key=b"", extras=b"", value=b"", vbucket=0, datatype=0, cas=0, framing=b"", opaque=0):
        self.opcode, self.key, self.extras, self.value = opcode, key, extras, value
        self.vbucket, self.datatype, self.cas, self.framing, self.opaque = vbucket, datatype, cas, framing, opaque

    def encode(self):
        body = self.framing + self.extras + self.key + self.value
        magic, lengths = (0x08, bytes([len(self.framing), len(self.key)])) if self.framing else (
            0x80, struct.pack(">H", len(self.key)))
        return bytes([magic, self.opcode]) + lengths + struct.pack(
            ">BBHIIQ", len(self.extras), self.datatype, self.vbucket, len(body), self.opaque, self.cas) + body


class Answer:
    """A frame, taken apart."""

    def __init__(self, data):
        self.data = data
        self.magic, self.opcode = data[0], data[1]
        framing, key = (data[2], data[3]) if self.magic == 0x18 else (0, struct.unpack_from(">H", data, 2)[0])
        extras, self.datatype, self.status, _, self.opaque, self.cas = struct.unpack_from(">BBHIIQ", data, 4)
        at = 24 + framing
        self.extras = data[at:at + extras]
        self.key = data[at + extras:at + extras + key]
        self.value = data[at + extras + key:]

    def content(self):
        return self.datatype, self.extras, self.key, self.value


class Rule:
    """What a validator wants of the frame. Extras: a length, or None: the command looks for itself."""

    def __init__(self, extras=None, key="document", value="none", cas="any", datatypes=RAW):
        self.extras, self.key, self.value, self.cas, self.datatypes = extras, key, value, cas, datatypes


GETS = Rule(0, cas="none")
STORES = Rule(8, value="any", datatypes=JSON | SNAPPY)
JOINS = Rule(0, value="any", datatypes=JSON | SNAPPY)
COUNTS = Rule(20, cas="none")
SUBDOC = Rule(None, value="any")
META = Rule(None, value="any", datatypes=JSON | SNAPPY | XATTR)
RULES = {
    0x00: GETS, 0x0C: GETS, 0x83: GETS, 0x49: GETS, 0x4A: GETS,
    0x01: STORES, 0x02: Rule(8, value="any", cas="none", datatypes=JSON | SNAPPY), 0x03: STORES,
    0x04: Rule(0), 0x05: COUNTS, 0x06: COUNTS, 0x0E: JOINS, 0x0F: JOINS,
    0x1C: Rule(4, cas="none"), 0x1D: Rule(4, cas="none"),
    0x94: Rule(None, cas="none"), 0x95: Rule(0, cas="set"), 0xA0: Rule(None),
    0x92: Rule(0, key="none", value="some", cas="none"), 0x91: Rule(0, key="none", value="any"),
    0xB6: Rule(None, key="none", cas="none"),
    0xDA: Rule(0, key="none", value="any", cas="none", datatypes=JSON),
    0xDB: Rule(28, key="none", cas="none"), 0xDC: Rule(16, key="none", cas="none"),
    0xD0: SUBDOC, 0xD1: SUBDOC, 0xD3: SUBDOC, **{opcode: SUBDOC for opcode in [*range(0xC5, 0xD0), 0xD2]},
}
RULES[0xA0] = Rule(None, cas="none")
SET_WITH_META, ADD_WITH_META, DELETE_WITH_META, RETURN_META = 0xA2, 0xA4, 0xA8, 0xB2
MUTATE_WITH_META = 0x4B
RULES[MUTATE_WITH_META] = META
RULES |= {SET_WITH_META: META, ADD_WITH_META: META, DELETE_WITH_META: META, RETURN_META: Rule(12, value="any")}
SUBDOC_CHANGES = {0xC7, 0xC8, 0xC9, 0xCA, 0xCB, 0xCC, 0xCD, 0xCE, 0xCF, 0xD1, 0xD3}
DURABLE = {0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0E, 0x0F, 0x1C, 0x1D} | SUBDOC_CHANGES
PRESERVES = {0x01, 0x03, 0x05, 0x06, 0x0E, 0x0F} | SUBDOC_CHANGES


class Node:
    def __init__(self, vbuckets, collections, manifest_uid):
        self.vbuckets = [Vbucket() for _ in range(vbuckets)]
        self.collections, self.manifest_uid = collections, manifest_uid
        self.config = None
        self.scans = {}


class Session:
    """A connection that has logged in and selected the bucket."""

    def __init__(self, node):
        self.node, self.features = node, set()
        self.request = self.answer = None
        self.vbucket = self.place = None

    def has(self, feature):
        return feature in self.features

    def datatypes(self):
        return ((JSON if self.has(HAS_JSON) else 0) | (SNAPPY if self.has(HAS_SNAPPY) or self.has(EVERYWHERE) else 0) |
                (XATTR if self.has(XATTRS) else 0))

    # ------------------------------------------------------------ answers

    def encode(self, status, extras=b"", key=b"", value=b"", datatype=RAW, cas=0):
        framing = b"\x02\0\0" if self.has(TRACING) else b""
        lengths = bytes([len(framing), len(key)]) if framing else struct.pack(">H", len(key))
        body = framing + extras + key + value
        return bytes([0x18 if framing else 0x81, self.request.opcode]) + lengths + struct.pack(
            ">BBHIIQ", len(extras), datatype, status, len(body), self.request.opaque, cas) + body

    def encode_refusal(self, refusal):
        if refusal.status == NOT_MY_VBUCKET:
            return self.encode_config()
        value = dump(refusal.body) if refusal.body else b""
        return self.encode(refusal.status, value=value, datatype=JSON & self.datatypes() if value else RAW)

    def encode_config(self):
        """How it is compressed is up to the server."""
        sent, datatype = self.shown().value, JSON & self.datatypes()
        if self.has(EVERYWHERE):
            datatype |= SNAPPY
        text = inflate(sent) if datatype & SNAPPY else sent
        if self.node.config is None:
            self.node.config = text
        return self.encode(NOT_MY_VBUCKET, value=sent if text == self.node.config else self.node.config, datatype=datatype)

    def shown(self):
        if self.answer is None:
            raise Different("there is no answer")
        return self.answer

    def tell(self, status, context=None):
        """An error of the engine: what those without extended errors hear of it."""
        if not self.has(XERROR):
            status = {LOCKED: KEY_EXISTS, NOT_LOCKED: TMPFAIL, CAS_INVALID: KEY_EXISTS}.get(status, status)
        return Refusal(status, context)

    def locked_tmpfail(self):
        return Refusal(LOCKED if self.has(XERROR) else TMPFAIL)

    def execute(self, request, answer, now):
        """The bytes of the answer, b"": none. `answer` is what came, None: nothing did; `now` the first and last second in
        which the request was executed."""
        self.request, self.answer, self.now = request, answer, now
        self.opcode = QUIET.get(request.opcode, request.opcode)
        self.quiet = request.opcode in QUIET
        try:
            self.validate()
            return self.run() or b""
        except Refusal as refusal:
            return self.encode_refusal(refusal)

    # ------------------------------------------------------------ the form

    def validate(self):
        request = self.request
        if self.opcode == 0x1F:
            return
        rule = RULES[self.opcode]
        self.check_form(rule)
        if request.datatype & ~rule.datatypes or request.datatype > 7:
            raise Refusal(EINVAL, "Request datatype invalid")
        missing = request.datatype & ~self.datatypes()
        if missing:
            names = ",".join(name for bit, name in ((SNAPPY, "snappy"), (JSON, "json"), (XATTR, "xattr")) if missing & bit)
            raise Refusal(EINVAL, f"Datatype ({names}) not enabled for the connection")
        self.value = inflate(request.value) if request.datatype & SNAPPY else request.value
        if self.value is None:
            raise Refusal(EINVAL, "Failed to inflate payload")
        if request.datatype & XATTR and split_blob(self.value) is None:
            raise Refusal(XATTR_EINVAL, "The provided xattr segment is not valid")
        self.durable = self.preserve = False
        self.read_frame_infos()
        if rule.key == "document":
            self.find_place()

    def check_form(self, rule):
        request = self.request
        if request.datatype > 7:
            raise Refusal(EINVAL, "Request datatype invalid")
        if rule.extras is not None and len(request.extras) != rule.extras:
            raise Refusal(EINVAL, "Request must not include extras" if rule.extras == 0 else
                          f"Request must include extras of length {rule.extras}")
        if rule.key == "none" and request.key:
            raise Refusal(EINVAL, "Request must not include key")
        if rule.key == "document":
            most = 251 if self.has(COLLECTIONS) else 250
            if not request.key:
                raise Refusal(EINVAL, "Request must include key")
            if len(request.key) > most:
                raise Refusal(EINVAL, f"Key length exceeds {most}")
        if rule.value == "none" and request.value:
            raise Refusal(EINVAL, "Request must not include value")
        if rule.value == "some" and not request.value:
            raise Refusal(EINVAL, "Request must include value")
        if rule.cas == "none" and request.cas:
            raise Refusal(EINVAL, "Request CAS must not be set")
        if rule.cas == "set" and not request.cas:
            raise Refusal(EINVAL, "Request CAS must be set")

    def read_frame_infos(self):
        rest = self.request.framing
        while rest:
            number, size, at = rest[0] >> 4, rest[0] & 15, 1
            try:
                if number == 15:
                    number, at = 15 + rest[at], at + 1
                if size == 15:
                    size, at = 15 + rest[at], at + 1
            except IndexError:
                raise Refusal(EINVAL, "Invalid encoding in FrameExtras") from None
            if at + size > len(rest):
                raise Refusal(EINVAL, "Invalid encoding in FrameExtras")
            self.take_frame_info(number, rest[at:at + size])
            rest = rest[at + size:]

    def take_frame_info(self, number, data):
        opcode = self.request.opcode
        if number == 0:
            if data:
                raise Refusal(EINVAL, "Barrier should not contain value")
        elif number == 1:
            if len(data) not in (1, 3):
                raise Refusal(EINVAL, f"Invalid sized buffer provided: {len(data)}")
            if len(data) == 3 and data[1:] in (b"\0\0", b"\xff\xff"):
                what = "bucket default" if data[1:] == b"\0\0" else "an infinite"
                raise Refusal(BAD_DURABILITY, f"Timeout(): Cannot specify {what} timeout")
            if data[0] not in (1, 2, 3):
                raise Refusal(BAD_DURABILITY, "Content represents an invalid requirement specification")
            if opcode not in DURABLE:
                raise Refusal(EINVAL, "The requested command does not support durability requirements")
            self.durable = True
        elif number == 2:
            if len(data) != 2:
                raise Refusal(EINVAL, f"DcpStreamId invalid size:{len(data)}")
        elif number == 5:
            if data:
                raise Refusal(EINVAL, "PreserveTtl should not contain value")
            if self.opcode not in PRESERVES:
                raise Refusal(NOT_SUPPORTED, "This command does not support PreserveTtl")
            self.preserve = True
        else:
            raise Refusal(UNKNOWN_FRAME_INFO)

    def find_place(self):
        key = self.request.key
        collection = 0
        if self.has(COLLECTIONS):
            collection, key = self.take_collection(key)
        self.place = (collection, key)
        vbucket = self.request.vbucket
        self.vbucket = self.node.vbuckets[vbucket] if vbucket < len(self.node.vbuckets) else None
        if collection:
            self.find_vbucket()
            self.check_collection(collection)

    def take_collection(self, key):
        if len(key) == 1:
            raise Refusal(EINVAL, "Key length must be >= 2")
        number, shift, at = 0, 0, 0
        while True:
            if at == len(key) or at == 5:
                raise Refusal(EINVAL, "No stop-byte found")
            number |= (key[at] & 0x7F) << shift
            shift += 7
            at += 1
            if key[at - 1] < 0x80:
                break
        if at > 1 and key[at - 1] == 0:
            raise Refusal(EINVAL, "Key contains non-canonical leb128")
        if at == len(key):
            raise Refusal(EINVAL, "No logical key found")
        if 1 <= number <= 7:
            raise Refusal(EINVAL, f"Invalid collection-id:{number}")
        most = 246 if number else 250
        if len(key) - at > most:
            raise Refusal(EINVAL, f"Logical key exceeds {most}")
        return number, key[at:]

    def find_vbucket(self):
        if self.vbucket is None:
            raise Refusal(NOT_MY_VBUCKET)

    def check_collection(self, number):
        if number not in self.node.collections:
            raise Refusal(UNKNOWN_COLLECTION, body={"manifest_uid": f"{self.node.manifest_uid:x}"})

    # ------------------------------------------------------------ documents

    def any_document(self):
        """Tombstones, too."""
        return self.vbucket.documents.get(self.place)

    def is_expired(self, document):
        return not document.deleted and 0 < document.expiry.end <= self.now[1]

    def expire(self):
        document = self.any_document()
        if document is not None and self.is_expired(document):
            self.bury(document, durable=False)
            self.vbucket.deleted_revision = max(self.vbucket.deleted_revision, document.revision + 1)

    def find(self):
        """The one that is alive; one that has expired is deleted by looking."""
        self.expire()
        return self.living()

    def living(self):
        document = self.any_document()
        return None if document is None or document.deleted or self.is_expired(document) else document

    def need(self):
        document = self.find()
        if document is None:
            raise Refusal(NOT_FOUND)
        return document

    def is_locked(self, document):
        return document is not None and document.lock is not None

    def cas_of(self, document):
        """As it is shown, which is where it becomes known."""
        if self.is_locked(document):
            return LOCKED_CAS
        return self.see(document.cas)

    def see(self, cas):
        if cas.value is None:
            cas.set(self.shown().cas)
        return cas.value

    def seconds(self, given):
        if given == 0 or given > 30 * 24 * 3600:
            return Moment(given, given)
        return Moment(self.now[0] + given, self.now[1] + given)

    def changed(self, document, durable, brought=None):
        document.cas = Cas(self.vbucket) if brought is None else Brought(self.vbucket, brought)
        self.vbucket.seqno += 2 if durable else 1
        document.seqno = self.vbucket.seqno
        document.lock = None

    def put(self, brought=None, **parts):
        """The document becomes that; what is not named is as it is. `brought`: its CAS."""
        document = self.any_document()
        if document is None:
            document = self.vbucket.documents[self.place] = Document()
            document.revision = self.vbucket.deleted_revision
        document.deleted = False
        if {"value", "xattrs"} & set(parts):
            document.packed = None
        for name, value in parts.items():
            setattr(document, name, value)
        document.revision += 1
        self.changed(document, self.durable, brought)
        return document

    def bury(self, document, durable):
        document.value, document.datatype, document.packed = b"", RAW, None
        document.xattrs = {name: text for name, text in document.xattrs.items() if name.startswith("_")}
        document.flags, document.expiry = 0, Moment(*self.now)
        document.deleted = True
        document.revision += 1
        self.vbucket.deleted_revision = max(self.vbucket.deleted_revision, document.revision)
        self.changed(document, durable and not document.xattrs)

    def check_cas(self, document):
        cas = self.request.cas
        if self.is_locked(document):
            if cas == 0 or cas != document.lock.value:
                raise self.tell(LOCKED)
        elif cas != 0 and not self.is_cas(document.cas, cas):
            raise Refusal(KEY_EXISTS)

    def is_cas(self, cas, given):
        """Of one that has not been shown yet, the answer says whether the given one, of another vbucket, is the same."""
        if cas.value is None and cas.may_be(given) and (
                self.answer is None or self.answer.status not in (KEY_EXISTS, NOT_FOUND)):
            cas.set(given)
        return cas.value == given

    def token(self, document):
        if not self.has(MUTATION_SEQNO):
            return b""
        if self.vbucket.uuid is None:
            self.vbucket.uuid = self.shown().extras[:8]
        return self.vbucket.uuid + struct.pack(">Q", document.seqno)

    def tell_change(self, document, value=b""):
        return self.encode(OK, self.token(document), value=value, cas=self.see(document.cas))

    # ------------------------------------------------------------ commands

    def run(self):
        if self.opcode in HANDLERS:
            return HANDLERS[self.opcode](self)
        return self.subdoc()

    def hello(self):
        asked = [number for number, in struct.iter_unpack(">H", self.request.value)]
        granted = [number for number, in struct.iter_unpack(">H", self.shown().value)]
        if granted != sorted(set(granted) & set(asked)) or not set(asked) & GRANTED <= set(granted):
            raise Different(f"HELLO for {asked} grants {granted}")
        self.features = set(granted)
        return self.encode(OK, value=self.shown().value)

    def encode_document(self, document, cas, key=b""):
        sendable = self.datatypes() & ~(SNAPPY if document.xattrs else 0)
        value = document.value if sendable & SNAPPY else document.body()
        return self.encode(OK, struct.pack(">I", document.flags), key, value, document.datatype & sendable, cas)

    def miss(self):
        return b"" if self.quiet else self.encode(NOT_FOUND)

    def get(self):
        self.find_vbucket()
        document = self.find()
        if document is None:
            return self.miss()
        key = self.request.key if self.opcode == 0x0C else b""
        return self.encode_document(document, self.cas_of(document), key)

    def get_ex(self):
        """Attributes are sent, as all is stored (daemon/protocol/mcbp/getex_context.cc)."""
        for feature, name in ((XATTRS, "Xattr"), (HAS_JSON, "JSON"), (EVERYWHERE, "SnappyEverywhere")):
            if not self.has(feature):
                raise Refusal(NOT_SUPPORTED, f"{name} support must be enabled")
        self.find_vbucket()
        if self.opcode == 0x4A:
            raise Refusal(NOT_MY_VBUCKET)
        document = self.find()
        if document is None:
            return self.miss()
        return self.encode(OK, struct.pack(">I", document.flags), value=document.whole(), datatype=document.all_datatypes(),
                           cas=self.cas_of(document))

    def get_replica(self):
        raise Refusal(NOT_MY_VBUCKET)

    def store(self):
        self.find_vbucket()
        adds, replaces = self.opcode == 2, self.opcode == 3
        document = self.any_document()
        if document is not None and document.xattrs and not adds:
            self.expire()  # attributes are to be kept
        document = self.living()
        if adds:
            if document is not None:
                raise Refusal(KEY_EXISTS)
        elif document is not None:
            self.check_cas(document)
        elif self.request.cas or replaces:
            raise Refusal(NOT_FOUND)
        flags, expiry = struct.unpack(">II", self.request.extras)
        expiry = self.seconds(expiry)
        if self.preserve and document is not None:
            expiry = document.expiry
        xattrs = document.xattrs if document is not None else {}
        value, datatype = self.value, JSON if subjson.is_json(self.value) else RAW
        if self.request.datatype & SNAPPY and not xattrs and 5 * len(value) >= 6 * len(self.request.value):
            value, datatype = self.request.value, datatype | SNAPPY
        document = self.put(value=value, datatype=datatype, xattrs=xattrs, flags=flags, expiry=expiry)
        return b"" if self.quiet else self.tell_change(document)

    def remove(self):
        self.find_vbucket()
        document = self.need()
        if self.is_locked(document) and self.request.cas and self.request.cas != document.lock.value:
            raise self.locked_tmpfail()
        self.check_cas(document)
        self.bury(document, self.durable)
        return b"" if self.quiet else self.tell_change(document)

    def join(self):
        self.find_vbucket()
        document = self.find()
        if document is None:
            raise Refusal(NOT_STORED)
        self.check_cas(document)
        there = document.body()
        value = there + self.value if self.opcode == 0x0E else self.value + there
        document = self.put(value=value, datatype=JSON if subjson.is_json(value) else RAW)
        if self.quiet and not self.has(MUTATION_SEQNO):
            return b""
        return self.tell_change(document)

    def count(self):
        self.find_vbucket()
        delta, initial, expiry = struct.unpack(">QQI", self.request.extras)
        document = self.find()
        if document is None:
            if expiry == 0xFFFFFFFF:
                raise Refusal(NOT_FOUND)
            number = initial
            parts = {"flags": 0, "expiry": self.seconds(expiry), "xattrs": {}}
        else:
            number = read_number(document.body())
            if number is None:
                raise Refusal(BAD_DELTA)
            if self.is_locked(document):
                raise self.tell(LOCKED)
            number = (number + delta) % (1 << 64) if self.opcode == 5 else max(number - delta, 0)
            parts = {}
        document = self.put(value=b"%d" % number, datatype=JSON, **parts)
        return b"" if self.quiet else self.tell_change(document, struct.pack(">Q", number))

    def touch(self):
        if self.durable:
            raise Refusal(NOT_SUPPORTED)
        self.find_vbucket()
        expiry = self.seconds(struct.unpack(">I", self.request.extras)[0])
        document = self.find()
        if document is None:
            return self.miss()
        if self.is_locked(document):
            raise self.tell(LOCKED)
        if (expiry.begin, expiry.end) != (document.expiry.begin, document.expiry.end):
            if max(expiry.begin, document.expiry.begin) <= min(expiry.end, document.expiry.end):
                raise TooClose
            document.expiry = expiry
            document.revision += 1
            self.changed(document, False)
        if self.opcode == 0x1C:
            return self.encode(OK, cas=self.see(document.cas))
        return self.encode_document(document, self.see(document.cas))

    def get_locked(self):
        if len(self.request.extras) not in (0, 4):
            raise Refusal(EINVAL, "Request extras must be of length 0 or 4")
        self.find_vbucket()
        document = self.need()
        if self.is_locked(document):
            raise self.locked_tmpfail()
        document.lock = Cas(self.vbucket)
        return self.encode_document(document, self.see(document.lock))

    def unlock(self):
        self.find_vbucket()
        document = self.need()
        if not self.is_locked(document):
            raise self.tell(NOT_LOCKED)
        if document.lock.value != self.request.cas:
            raise self.locked_tmpfail()
        document.lock = None
        return self.encode(OK)

    def get_meta(self):
        extras = self.request.extras
        if len(extras) > 1:
            raise Refusal(EINVAL, "Request extras must be of length 0 or 1")
        if extras and extras[0] > 2:
            raise Refusal(EINVAL, "Request extras invalid")
        self.find_vbucket()
        document = self.any_document()
        if document is None:
            return self.miss()
        deleted = document.deleted or self.is_expired(document)
        told = self.shown().extras
        if len(told) >= 12:
            document.expiry.see(struct.unpack_from(">I", told, 8)[0])
        told = struct.pack(">IIIQ", deleted, document.flags, document.expiry.begin, document.revision)
        if extras == b"\2":
            told += bytes([document.all_datatypes()])
        return self.encode(OK, told, cas=self.cas_of(document))

    # ------------------------------------------------------------ with meta data

    def with_meta(self):
        """setWithMeta and deleteWithMeta in engines/ep/src/ep_engine.cc and vbucket.cc, of a bucket that resolves conflicts by
        revision."""
        extras, deletes = self.request.extras, self.opcode == DELETE_WITH_META
        if len(extras) not in (24, 26, 28, 30):
            raise Refusal(EINVAL, "Request extras invalid")
        options = struct.unpack_from(">I", extras, 24)[0] if len(extras) >= 28 else 0
        behind = struct.unpack(">H", extras[-2:])[0] if len(extras) % 4 else 0
        skips, regenerates = bool(options & 9), bool(options & 4)
        if regenerates and not skips:
            raise Refusal(EINVAL, "GenerateCas::Yes then we must have CheckConflicts::No")
        if options & 2:
            raise Refusal(EINVAL, "For RevisionId buckets, forceFlag cannot be set")
        if behind and self.request.datatype & SNAPPY:  # what is cut off is missing
            raise Refusal(EINVAL, f"Failed to inflate {'data' if deletes else 'document'}")
        meta = Meta(*struct.unpack_from(">IIQQ", extras))
        value = self.value[:len(self.value) - behind]
        kind = {SET_WITH_META: "set", ADD_WITH_META: "add", DELETE_WITH_META: "delete"}[self.opcode]
        return self.apply(kind, meta, value, skips, regenerates, self.request.datatype & SNAPPY and not deletes)

    def apply(self, kind, meta, value, skips, regenerates, packs, patch=None):
        """`packs`: what came compressed is kept so; `patch` writes the numbers of the change into its attributes."""
        deletes, brings = kind == "delete", bool(self.request.datatype & XATTR)
        whole = value
        xattrs, value = split_blob(value) if brings else ({}, value)
        self.find_vbucket()
        if meta.cas in (0, LOCKED_CAS):
            raise self.tell(CAS_INVALID)
        document = self.any_document()
        if document is not None and not skips and not meta.wins(document, deletes, brings):
            raise Refusal(KEY_EXISTS)
        self.check_write(document, kind, deletes and not brings, skips)
        if deletes and not brings and document is not None:
            xattrs = {name: text for name, text in document.xattrs.items() if name.startswith("_")}
        document = self.keep_with_meta(meta, b"" if deletes else value, xattrs, regenerates, deletes, packs)
        if patch:
            document.xattrs = split_blob(patch(whole, self.see(document.cas), document.seqno))[0]
        return b"" if self.quiet else self.tell_change(document)

    def mutate_with_meta(self):
        """daemon/protocol/mcbp/mutate_with_meta_context.cc. Texts of errors in the JSON are a library's."""
        if len(self.request.extras) != 4:
            raise Refusal(EINVAL, "Invalid extras length")
        size = struct.unpack(">I", self.request.extras)[0]
        if size > len(self.value):
            raise Refusal(EINVAL, "Invalid metadata length")
        value, text = self.value[:len(self.value) - size], self.value[len(self.value) - size:]
        try:
            asked = read_meta(json.loads(text))
        except (ValueError, KeyError, TypeError):
            shown = json.loads(self.shown().value or b"{}").get("error", {}).get("context", "")
            raise Refusal(EINVAL, shown if shown.startswith("Failed to validate input: ") else "Failed to validate input: ") from None
        options, lists = asked["options"], (asked["cas_offsets"], asked["seqno_offsets"])
        regenerates, skips, brings = bool(options & 4), bool(options & 9), bool(self.request.datatype & XATTR)
        if regenerates and asked["cas"] is not None:
            raise Refusal(EINVAL, "CAS cannot be specified when REGENERATE_CAS option is set")
        if not regenerates and asked["cas"] is None:
            raise Refusal(EINVAL, "CAS must be specified unless options contains REGENERATE_CAS")
        for name, offsets in zip(("cas", "seqno"), lists):
            if not regenerates and offsets:
                raise Refusal(EINVAL, f"{name}_offsets cannot be specified when cas is set")
        self.check_patches(value, lists, brings)
        if asked["command"] == "delete":
            xattrs, body = split_blob(value) if brings else ({}, value)
            if body:
                raise Refusal(EINVAL, "Delete with meta: Document cannot have a body")
            if any(not name.startswith("_") for name in xattrs):
                raise Refusal(EINVAL, "Delete with meta: user-xattrs is not allowed")
        if regenerates and not skips:
            raise Refusal(EINVAL, "GenerateCas::Yes then we must have CheckConflicts::No")
        if options & 2:
            raise Refusal(EINVAL, "For RevisionId buckets, forceFlag cannot be set")
        meta = Meta(asked["flags"], asked["expiration"], asked["rev_seqno"], 1 if asked["cas"] is None else asked["cas"])
        patch = (lambda whole, cas, seqno: patched(whole, lists, cas, seqno)) if any(lists) else None
        return self.apply(asked["command"], meta, value, skips, regenerates, False, patch)

    def check_patches(self, value, lists, brings):
        if not any(lists):
            return
        if not value:
            raise Refusal(EINVAL, "Cannot use offset replacements on empty documents")
        if not brings:
            raise Refusal(EINVAL, "Cannot use offset replacements on documents without xattr")
        room = 4 + struct.unpack_from(">I", value)[0]
        for name, offsets in zip(("CAS", "Seqno"), lists):
            for at in offsets:
                if at + 18 > room:
                    raise Refusal(EINVAL, f"{name} offset [{at}, {at + 18}] is out of bounds of the xattr section [0, {room}]")
        if split_blob(patched(value, lists, (1 << 64) - 1, (1 << 64) - 1)[:room]) is None:
            raise Refusal(EINVAL, "Patching seqno and cas would garble the xattr section")

    def check_write(self, document, kind, only_deletes, skips):
        """checkCasForWrite, and what is there for additions. Deletions with attributes are stored as documents are."""
        cas = self.request.cas
        if document is None:
            if cas and not (only_deletes and skips):
                raise Refusal(KEY_EXISTS if only_deletes else NOT_FOUND)
            return
        if kind == "add" and not document.deleted:
            raise Refusal(KEY_EXISTS)
        if self.is_locked(document):
            if cas != document.lock.value:
                raise self.locked_tmpfail() if only_deletes else self.tell(LOCKED)
        elif cas and not self.is_cas(document.cas, cas):
            raise Refusal(NOT_FOUND if document.deleted and kind != "delete" else KEY_EXISTS)

    def keep_with_meta(self, meta, value, xattrs, regenerates, deletes, packs):
        datatype = JSON if value and subjson.is_json(value) else RAW
        sent, packed = self.request.value, None
        if packs and self.value and len(sent) <= len(self.value):
            if xattrs:
                packed = sent
            else:
                value, datatype = sent, datatype | SNAPPY
        expiry = Moment(meta.expiry, meta.expiry) if meta.expiry or not deletes else Moment(*self.now)
        document = self.put(value=value, datatype=datatype, xattrs=xattrs, flags=0 if deletes else meta.flags, expiry=expiry,
                            brought=None if regenerates else meta.cas)
        document.revision, document.deleted, document.packed = meta.revision, deletes, packed
        if deletes:
            self.vbucket.deleted_revision = max(self.vbucket.deleted_revision, document.revision)
        return document

    def return_meta(self):
        """returnMeta there; attributes are lost, since no part of the daemon keeps them."""
        mutation, flags, expiry = struct.unpack(">III", self.request.extras)
        if mutation not in (1, 2, 3):
            raise Refusal(EINVAL, "Invalid mode")
        self.find_vbucket()
        document = self.find() if mutation == 3 else self.living()
        if mutation == 2 and (self.request.cas or document is not None):
            raise Refusal(NOT_STORED)
        if document is None and (self.request.cas or mutation == 3):
            raise Refusal(NOT_FOUND)
        if document is not None:
            if mutation == 3 and self.is_locked(document) and self.request.cas != document.lock.value:
                raise self.locked_tmpfail()
            self.check_cas(document)
        if mutation == 3:
            document.xattrs = {}
            self.bury(document, False)
        else:
            document = self.put(value=self.value, datatype=JSON if subjson.is_json(self.value) else RAW, xattrs={}, flags=flags,
                                expiry=self.seconds(expiry))
        shown = self.shown().extras
        if len(shown) == 16:
            document.expiry.see(struct.unpack_from(">I", shown, 4)[0])
        told = struct.pack(">IIQ", document.flags, document.expiry.begin, document.revision)
        return self.encode(OK, told, datatype=document.datatype & self.datatypes(), cas=self.see(document.cas))

    def observe(self):
        rest, told = self.request.value, b""
        items = []
        while rest:
            if len(rest) < 4:
                raise Refusal(EINVAL, "Requires vbid and keylen.")
            vbucket, size = struct.unpack_from(">HH", rest)
            if len(rest) < 4 + size:
                raise Refusal(EINVAL, "Incorrect keylen")
            items.append((vbucket, rest[:4 + size], rest[4:4 + size]))
            rest = rest[4 + size:]
        for vbucket, head, key in items:
            collection, key = self.take_collection(key) if self.has(COLLECTIONS) else (0, key)
            if vbucket >= len(self.node.vbuckets):
                raise Refusal(NOT_MY_VBUCKET)
            self.check_collection(collection)
            self.vbucket, self.place = self.node.vbuckets[vbucket], (collection, key)
            self.expire()
            document = self.any_document()
            told += head
            if document is None:
                told += b"\x80" + bytes(8)
                continue
            shown = self.shown().value[len(told) + 1:len(told) + 9]
            if document.cas.value is None and self.shown().status == OK and len(shown) == 8:
                document.cas.set(int.from_bytes(shown, "big"))
            told += (b"\x81" if document.deleted else b"\1") + struct.pack(">Q", document.cas.value or 0)
        return self.encode(OK, value=told)

    def observe_seqno(self):
        if len(self.request.value) != 8:
            raise Refusal(EINVAL, "Request value must be of length 8")
        if self.request.vbucket >= len(self.node.vbuckets):
            raise Refusal(NOT_MY_VBUCKET)
        vbucket = self.node.vbuckets[self.request.vbucket]
        if vbucket.uuid is None or self.request.value != vbucket.uuid:
            raise Refusal(NOT_FOUND)
        return self.encode(OK, value=struct.pack(">BH", 0, self.request.vbucket) + vbucket.uuid + struct.pack(
            ">QQ", vbucket.seqno, vbucket.seqno))

    def random_key(self):
        extras = self.request.extras
        if self.has(COLLECTIONS):
            if len(extras) not in (4, 5):
                raise Refusal(EINVAL, "Extras should contain collection id (and optionally flag to request xattrs)")
        elif extras:
            raise Refusal(EINVAL, "Extras should be empty for clients without collections support")
        collection = struct.unpack(">I", extras[:4])[0] if extras else 0
        self.check_collection(collection)
        key = self.shown().key
        told = (self.take_collection(key) if self.has(COLLECTIONS) else (0, key)) if key else (collection, b"")
        held = []
        for self.vbucket in self.node.vbuckets:
            for self.place in self.vbucket.documents:
                if self.place[0] == collection and self.living() is not None:
                    held.append((self.place, self.living()))
        if not held and not key:
            return self.encode(NOT_FOUND)
        shown = self.shown()
        for place, document in held:  # the same key may be in several vbuckets; a CAS that is not known yet may be that one
            answer = self.encode_document(document, shown.cas, key)
            if place == told and document.cas.value in (None, shown.cas) and Answer(answer).content() == shown.content():
                return answer
        raise Different("a random key that is not there")

    # ------------------------------------------------------------ subdocuments

    def subdoc(self):
        operation = Subdoc(self)
        self.find_vbucket()
        return operation.run()

    # ------------------------------------------------------------ range scans

    def scan_create(self):
        if self.request.datatype != JSON:
            raise Refusal(EINVAL, "Datatype must be JSON")
        asked = json.loads(self.request.value)  # what is generated is JSON
        collection = int(asked.get("collection", "0"), 16)
        vbucket = self.request.vbucket
        self.vbucket = self.node.vbuckets[vbucket] if vbucket < len(self.node.vbuckets) else None
        if collection:
            self.find_vbucket()
            self.check_collection(collection)
        self.find_vbucket()
        items = []
        for place, document in sorted(self.vbucket.documents.items(), key=lambda item: item[0]):
            self.place = place
            if place[0] == collection and self.living() is not None and within(place[1], asked.get("range")):
                items.append((place[1], document.__dict__ | {"body": document.body()}))
        if not items:
            raise Refusal(NOT_FOUND)
        uuid = self.shown().value
        if len(uuid) != 16 or uuid in self.node.scans:
            raise Different("a scan's name")
        self.node.scans[uuid] = (asked.get("key_only", False), items)
        return self.encode(OK, value=uuid)

    def scan_continue(self):
        uuid = self.request.extras[:16]
        items_max, _, bytes_max = struct.unpack(">III", self.request.extras[16:])
        if uuid not in self.node.scans:
            raise Refusal(NOT_FOUND)
        keys_only, items = self.node.scans.pop(uuid)
        told, count = b"", 0
        while count < len(items) and (items_max == 0 or count < items_max) and (bytes_max == 0 or len(told) < bytes_max):
            key, document = items[count]
            if not keys_only:
                told += self.scan_head(document, len(told))
            told += counted(key)
            if not keys_only:
                told += counted(document["body"])
            count += 1
        if count < len(items):
            self.node.scans[uuid] = (keys_only, items[count:])
        return self.encode(SCAN_MORE if count < len(items) else SCAN_COMPLETE, struct.pack(">I", not keys_only), value=told)

    def scan_head(self, document, at):
        shown = self.shown().value[at:]
        if len(shown) >= 24:
            document["expiry"].see(struct.unpack_from(">I", shown, 4)[0])
            if document["cas"].value is None:
                document["cas"].set(struct.unpack_from(">Q", shown, 16)[0])
        return struct.pack(">IIQQB", document["flags"], document["expiry"].begin, document["seqno"],
                           document["cas"].value or 0, document["datatype"] & JSON)

    def scan_cancel(self):
        if self.node.scans.pop(self.request.extras, None) is None:
            raise Refusal(NOT_FOUND)
        return self.encode(OK)


def read_number(text):
    """As std::from_chars does; blanks before it, a plus, and anything behind a blank do no harm."""
    text = text.lstrip(b" \t\n\v\f\r")
    text = text[1:] if text[:1] == b"+" else text
    digits = len(text) - len(text.lstrip(b"0123456789"))
    if digits == 0 or text[digits:digits + 1] not in (b"", b" ", b"\t", b"\n", b"\v", b"\f", b"\r"):
        return None
    number = int(text[:digits])
    return number if number < 1 << 64 else None


def split_blob(value):
    """Attributes before a value, and what is behind them. None: they are none that validate1 in xattr/utils.cc takes."""
    if len(value) < 4 or len(value) - 4 < struct.unpack_from(">I", value)[0]:
        return None
    at, end, xattrs = 4, 4 + struct.unpack_from(">I", value)[0], Section()
    while at < end:
        size = struct.unpack_from(">I", value, at)[0] if at + 4 <= end else end
        parts = value[at + 4:at + 4 + size].split(b"\0")
        if at + 4 + size > end or len(parts) != 3 or parts[2] or not is_name(parts[0]) or not subjson.is_json(parts[1]):
            return None
        name, text = parts[0].decode(), parts[1].decode()
        if name in xattrs:
            return None
        xattrs[name], at = text, at + 4 + size
    return xattrs, value[end:]


def read_meta(asked):
    """The numbers may be numbers, or strings: hexadecimal ones with 0x, or decimal ones."""
    told = {"command": asked["command"], "cas": None, "rev_seqno": 1, "cas_offsets": [], "seqno_offsets": []}
    if asked["command"] not in ("add", "set", "delete"):
        raise ValueError
    for name in ("cas", "rev_seqno", "flags", "expiration", "options"):
        if name in asked or name not in told:
            number = asked[name]
            told[name] = number if isinstance(number, int) else int(number, 16 if number.startswith("0x") else 10)
    for name in ("cas_offsets", "seqno_offsets"):
        told[name] = [at + 0 for at in asked.get(name, [])]
    return told


def patched(whole, lists, cas, seqno):
    """Offsets of both kinds get 18 characters; the CAS is in the byte order of the machine."""
    whole = bytearray(whole)
    for offsets, number in zip(lists, (int.from_bytes(cas.to_bytes(8, "big"), "little"), seqno)):
        for at in offsets:
            whole[at:at + 18] = b"0x%016x" % number
    return bytes(whole)


def join_blob(xattrs):
    pairs = [name.encode() + b"\0" + text.encode() + b"\0" for name, text in xattrs.items()]
    blob = b"".join(struct.pack(">I", len(pair)) + pair for pair in pairs)
    return struct.pack(">I", len(blob)) + blob


def is_name(name):
    """Of those that are generated here."""
    return 0 < len(name) <= 16 and name[:1] not in (b"$", b".")


def counted(data):
    size, head = len(data), b""
    while size >= 0x80:
        head += bytes([size & 0x7F | 0x80])
        size >>= 7
    return head + bytes([size]) + data


def within(key, asked):
    if asked is None:
        return True
    start = base64.b64decode(asked.get("start", asked.get("excl_start")))
    end = base64.b64decode(asked.get("end", asked.get("excl_end")))
    return (key >= start if "start" in asked else key > start) and (key <= end if "end" in asked else key < end)


# ---------------------------------------------------------------- subdocuments

BODY_GET, BODY_SET, BODY_DELETE, REPLACE_BODY = 0x00, 0x01, 0x04, 0xD3
MAKE_PATH, OF_XATTR, EXPAND, BINARY = 1, 4, 0x10, 0x20
MKDOC, ONLY_ADD, ACCESS_DELETED, CREATE_DELETED, REVIVE, REPLICA = 1, 2, 4, 8, 0x10, 0x20
READS_DELETED = ACCESS_DELETED | REVIVE
WRITES = MKDOC | ONLY_ADD | READS_DELETED | CREATE_DELETED
# What stands for their values as long as those are not known.
MACROS = {b'"${Mutation.CAS}"': b'"0x' + b"x" * 16 + b'"', b'"${Mutation.seqno}"': b'"0x' + b"y" * 16 + b'"',
          b'"${Mutation.value_crc32c}"': b'"0x' + b"z" * 8 + b'"'}


ENCODED = b'"cb-content-base64-encoded:'


class Trait:
    """What an operation may have (daemon/subdocument_traits.h)."""

    def __init__(self, flags, doc_flags, value=False, root=False, result=False, changes=False):
        self.flags, self.doc_flags = flags, doc_flags
        self.value, self.root, self.result, self.changes = value, root, result, changes


READS = READS_DELETED | REPLICA
TRAITS = {
    BODY_GET: Trait(0, READS, root=True, result=True),
    BODY_SET: Trait(0, MKDOC | ONLY_ADD, value=True, root=True, changes=True),
    BODY_DELETE: Trait(0, READS_DELETED, root=True, changes=True),
    0xC5: Trait(OF_XATTR | BINARY, READS, result=True),
    0xC6: Trait(OF_XATTR, READS),
    0xD2: Trait(OF_XATTR, READS, root=True, result=True),
    0xC7: Trait(MAKE_PATH | OF_XATTR | EXPAND | BINARY, WRITES, value=True, changes=True),
    0xC8: Trait(MAKE_PATH | OF_XATTR | EXPAND | BINARY, WRITES, value=True, changes=True),
    0xC9: Trait(OF_XATTR, READS_DELETED, changes=True),
    0xCA: Trait(OF_XATTR | EXPAND | BINARY, READS_DELETED | ONLY_ADD, value=True, changes=True),
    0xCB: Trait(MAKE_PATH | OF_XATTR | EXPAND, WRITES, value=True, root=True, changes=True),
    0xCC: Trait(MAKE_PATH | OF_XATTR | EXPAND, WRITES, value=True, root=True, changes=True),
    0xCD: Trait(OF_XATTR | EXPAND, READS_DELETED | ONLY_ADD | CREATE_DELETED, value=True, changes=True),
    0xCE: Trait(MAKE_PATH | OF_XATTR, WRITES, value=True, root=True, changes=True),
    0xCF: Trait(MAKE_PATH | OF_XATTR, WRITES, value=True, result=True, changes=True),
    REPLACE_BODY: Trait(OF_XATTR | BINARY, READS_DELETED, changes=True),
}


class Spec:
    def __init__(self, opcode, flags, path, value=b""):
        self.opcode, self.flags, self.path, self.value = opcode, flags, path, value
        self.trait = TRAITS.get(opcode)


class Subdoc:
    """A subdocument command: its form is looked at when it is created."""

    def __init__(self, session):
        self.session, self.request = session, session.request
        self.multi = self.request.opcode in (0xD0, 0xD1)
        self.changes = self.request.opcode in SUBDOC_CHANGES
        extras = self.request.extras
        self.flags, self.expiry, self.user_flags = 0, 0, None
        if self.multi:
            self.take_multi(extras)
        else:
            self.take_single(extras)

    # ------------------------------------------------------------ the form

    def take_extras(self, extras, fixed, lengths, context):
        size = len(extras) - fixed
        if size not in (0, 1, 4, 5, 8, 9) or size < 0:
            raise Refusal(EINVAL, context)
        self.flags = extras[-1] if size in (1, 5, 9) else 0
        if self.flags & 0xC0:
            raise Refusal(EINVAL, context)
        if size not in lengths:
            raise Refusal(EINVAL, "Request extras invalid")
        if size >= 4 and not (fixed and size == 9):  # the server forgets the expiry in 12 bytes of a single command
            self.expiry = struct.unpack_from(">I", extras, fixed)[0]
        if size >= 8:
            self.user_flags = struct.unpack_from(">I", extras, fixed + 4)[0]

    def take_single(self, extras):
        every = (0, 1, 4, 5, 8, 9)
        self.take_extras(extras, 3, every, "Invalid extras section")
        size, flags = struct.unpack_from(">HB", extras)
        value = self.session.request.value
        if size > 1024:
            raise Refusal(EINVAL, "Request path length exceeds maximum")
        if size > len(value):
            raise Refusal(EINVAL, "Path length can't exceed value")
        spec = Spec(self.request.opcode, flags, value[:size], value[size:])
        self.specs = [spec]
        self.check_value(spec)
        self.check_flags(spec)
        if self.flags & CREATE_DELETED:
            if not self.flags & (MKDOC | ONLY_ADD):
                raise Refusal(EINVAL, "CreateAsDeleted requires Mkdoc or Add")
            if not flags & OF_XATTR:
                raise Refusal(EINVAL, "CreateAsDeleted does not support body path")
        self.check_document_flags()
        self.check_xattr(spec)
        if not spec.trait.root and not spec.path:
            raise Refusal(EINVAL, "Request must include path")
        if not self.changes and len(extras) > 4:
            raise Refusal(EINVAL, "Request extras invalid")

    def take_multi(self, extras):
        self.take_extras(extras, 0, (0, 1, 4, 5, 8, 9) if self.changes else (0, 1), "Request extras invalid")
        self.check_document_flags()
        if self.flags & REVIVE:
            if not self.flags & ACCESS_DELETED:
                raise Refusal(EINVAL, "ReviveDocument can't be used without AccessDeleted")
            if self.flags & CREATE_DELETED:
                raise Refusal(EINVAL, "ReviveDocument can't be used with CreateAsDeleted")
        self.specs = []
        rest, alone, of_xattrs = self.request.value, False, True
        while rest and len(self.specs) < 16:
            if alone:
                raise Refusal(BAD_COMBINATION, "Request contains an invalid combination of commands")
            spec, rest = self.take_spec(rest)
            self.check_spec(spec)
            is_xattr = bool(spec.flags & OF_XATTR)
            alone = spec.opcode == BODY_DELETE
            if of_xattrs:
                of_xattrs = is_xattr
            elif is_xattr:
                raise Refusal(XATTR_ORDER)
            elif alone:
                raise Refusal(BAD_COMBINATION, "Request contains an invalid combination of commands")
            self.specs.append(spec)
        if not self.specs:
            raise Refusal(BAD_COMBINATION, "Request must contain at least one path")
        if rest:
            raise Refusal(BAD_COMBINATION, "Request must contain at most 16 paths")

    def take_spec(self, rest):
        head = 8 if self.changes else 4
        name = "Multi mutation" if self.changes else "Multi lookup"
        if len(rest) < head:
            raise Refusal(EINVAL, f"{name} spec truncated")
        opcode, flags, size = struct.unpack_from(">BBH", rest)
        value_size = struct.unpack_from(">I", rest, 4)[0] if self.changes else 0
        end = head + size + value_size
        if end > len(rest):
            raise Refusal(EINVAL, f"{name} path and value truncated" if self.changes else f"{name} path truncated")
        return Spec(opcode, flags, rest[head:head + size], rest[head + size:end]), rest[end:]

    def check_spec(self, spec):
        if spec.trait is None:
            raise Refusal(BAD_COMBINATION, "Subdoc and MCBP command must not both be invalid")
        if spec.trait.changes != self.changes:
            raise Refusal(BAD_COMBINATION, "Mutation opcodes only permitted for mutation commands")
        self.check_flags(spec)
        if len(spec.path) > 1024:
            raise Refusal(EINVAL, "Request path length exceeds maximum")
        if spec.opcode < 0xC0 and spec.path:
            raise Refusal(EINVAL, "Request must not include path for wholedoc operations")
        self.check_xattr(spec)
        if not spec.flags & OF_XATTR and not spec.trait.root and not spec.path:
            raise Refusal(EINVAL, "Request must include path")
        self.check_value(spec)

    def check_value(self, spec):
        if spec.trait.value and not spec.value:
            raise Refusal(EINVAL, "Request must include value")
        if not spec.trait.value and spec.value:
            raise Refusal(EINVAL, "Request must not include value")

    def check_flags(self, spec):
        if spec.flags & ~spec.trait.flags:
            raise Refusal(EINVAL, "Request flags invalid")
        if spec.opcode == REPLACE_BODY and not spec.flags & OF_XATTR:
            raise Refusal(EINVAL, "Request missing mandatory flags")
        if self.flags & ~spec.trait.doc_flags:
            raise Refusal(EINVAL, "Request document flags invalid")

    def check_document_flags(self):
        if self.flags & ONLY_ADD and self.request.cas:
            raise Refusal(EINVAL, "Request with add flag must have CAS 0")
        if self.flags & ONLY_ADD and self.flags & MKDOC:
            raise Refusal(EINVAL, "Request must not contain both add and mkdoc flags")

    def check_xattr(self, spec):
        if not spec.flags & OF_XATTR:
            for flag, name in ((EXPAND, "EXPAND_MACROS"), (BINARY, "BINARY_VALUE")):
                if spec.flags & flag:
                    raise Refusal(BAD_FLAGS, f"{name} flag requires XATTR flag to be set")
            return
        if spec.flags & BINARY and spec.flags & EXPAND:
            raise Refusal(BAD_FLAGS, "BINARY_VALUE can't be used together with EXPAND_MACROS")
        if not self.session.has(XATTRS):
            raise Refusal(NOT_SUPPORTED, "Connection not XATTR enabled")
        name = xattr_name(spec.path)
        if not name or len(name) >= 16 or name in ("_", "$") or name[0] in "!\"#%&'()*+,-./:;<=>?@[\\]^`{|}~":
            raise Refusal(XATTR_EINVAL, "Request XATTR key invalid")
        if self.changes and name[0] == "$":
            raise Refusal(READONLY_VATTR)
        if spec.flags & EXPAND and spec.value not in MACROS and not (
                spec.value.startswith(b'"${$document') and spec.value.endswith(b'}"')):
            raise Refusal(UNKNOWN_MACRO)

    # ------------------------------------------------------------ what is there

    def run(self):
        session = self.session
        if self.flags & REPLICA:
            raise Refusal(NOT_MY_VBUCKET)
        session.expire()
        document = session.any_document()
        if document is not None and document.deleted and not self.flags & ACCESS_DELETED:
            document = None
        self.document = document
        if document is None:
            self.begin_new()
        else:
            self.begin_with(document)
        self.before = self.body
        self.xattr_text = join_xattrs(self.xattrs)  # as edited; parsed and printed again at the end
        return self.change() if self.changes else self.look()

    def begin_new(self):
        if not self.changes or not self.flags & (MKDOC | ONLY_ADD):
            raise Refusal(NOT_FOUND)
        self.is_deleted = bool(self.flags & CREATE_DELETED)
        self.xattrs, self.body, self.is_json = {}, b"", False
        if self.is_deleted:
            return
        first = next((spec for spec in self.specs if spec.opcode >= 0xC0 and spec.opcode != REPLACE_BODY), None)
        if first is None:
            return
        path = first.path.lstrip(b" \t\n\v\f\r")
        if path[:1] == b"[" or not path and first.opcode in (0xCB, 0xCC, 0xCE):
            self.body, self.is_json = b"[]", True
        elif path:
            self.body, self.is_json = b"{}", True

    def begin_with(self, document):
        if self.changes and self.flags & ONLY_ADD:
            raise Refusal(KEY_EXISTS)
        cas = self.request.cas
        if self.changes and self.session.is_locked(document):
            if cas in (0, LOCKED_CAS):
                raise self.session.locked_tmpfail()
        elif cas and not (cas == LOCKED_CAS if self.session.is_locked(document) else
                          self.session.is_cas(document.cas, cas)):
            raise Refusal(KEY_EXISTS)
        if self.flags & REVIVE and not document.deleted:
            raise Refusal(ALIVE)
        self.is_deleted = document.deleted
        self.xattrs, self.body = document.xattrs, document.body()
        self.is_json = bool(document.datatype & JSON)

    # ------------------------------------------------------------ lookups

    def look(self):
        results = [self.look_up(spec) for spec in self.specs]
        failed = [status for status, _ in results if status]
        if failed and not self.multi:
            raise Refusal(failed[0])
        cas = self.session.cas_of(self.document)
        status = PATH_FAILED if failed else OK
        if self.is_deleted:
            status = PATH_FAILED_DELETED if failed else DELETED
        if self.multi:
            value = b"".join(struct.pack(">HI", status, len(found)) + found for status, found in results)
            return self.session.encode(status, value=value, cas=cas)
        spec = self.specs[0]
        is_json = spec.trait.result and not spec.flags & BINARY
        return self.session.encode(status, value=results[0][1], datatype=JSON & self.session.datatypes() if is_json else RAW,
                                   cas=cas)

    def look_up(self, spec):
        """Status and value."""
        try:
            if spec.opcode == BODY_GET:
                return (OK, self.body) if self.body else (subjson.ABSENT, b"")
            found = decode(spec, subjson.lookup(spec.opcode, spec.path, self.text(spec)))
            return OK, found if spec.trait.result else b""
        except subjson.Refused as refused:
            return refused.args[0], b""

    def text(self, spec):
        if not spec.flags & OF_XATTR:
            if not self.is_json:
                raise subjson.Refused(subjson.NOT_JSON)
            return self.body
        name = xattr_name(spec.path)
        if name == "$document":
            return dump({"$document": self.describe()})
        if name == "$XTOC":
            return dump({"$XTOC": list(self.xattrs)})
        if name == "$vbucket":
            now = self.find_shown(b'"now":"', b'"')
            if now is not None and not self.session.now[0] <= now <= self.session.now[1]:
                raise Different(f"the server's time {now}")
            return dump({"$vbucket": {"HLC": {"now": str(now), "mode": "real"}}})
        if name.startswith("$"):
            raise subjson.Refused(UNKNOWN_VATTR)
        return self.xattr_text

    def describe(self):
        document = self.document
        if document is None:
            cas = 0
            described = {"seqno": 0, "revid": "0", "exptime": 0, "flags": 0, "datatype": RAW, "uuid": bytes(8)}
        else:
            if self.changes and document.cas.value is None:
                raise TooClose
            known = document.cas.value is not None or self.session.shown().cas
            cas = self.session.cas_of(document) if known else 0  # a failed lookup does not show it
            self.see_expiry(document)
            uuid = self.session.vbucket.uuid
            if uuid is None:
                shown = self.find_shown(b'"vbucket_uuid":"0x', b'"', 16)
                uuid = struct.pack(">Q", shown or 0)
                self.session.vbucket.uuid = uuid if shown else None
            described = {"seqno": document.seqno, "revid": str(document.revision), "exptime": document.expiry.begin,
                         "flags": document.flags, "datatype": document.all_datatypes(), "uuid": uuid}
        names = [name for bit, name in ((SNAPPY, "snappy"), (JSON, "json"), (XATTR, "xattr")) if described["datatype"] & bit]
        told = {"CAS": f"0x{cas:016x}", "vbucket_uuid": "0x" + described["uuid"].hex(),
                "seqno": f"0x{described['seqno']:016x}", "revid": described["revid"], "exptime": described["exptime"],
                "flags": described["flags"], "value_bytes": len(self.before), "datatype": names or ["raw"],
                "deleted": document is not None and document.deleted, "value_crc32c": f"0x{crc32c(self.before):08x}"}
        if document is not None:
            told["last_modified"] = str(0 if cas == LOCKED_CAS else cas // 1000000000)
        return told

    def see_expiry(self, document):
        if document.expiry.begin != document.expiry.end:
            shown = self.find_shown(b'"exptime":', b",")
            if shown is not None:
                document.expiry.see(shown)

    def find_shown(self, before, behind, base=10):
        """A number that the server's decides, from the answer."""
        _, found, rest = self.session.shown().value.partition(before)
        if not found and self.changes:
            raise TooClose  # it is stored, and does not show
        if not found:
            return None
        try:
            return int(rest.split(behind)[0], base)
        except ValueError:
            raise Different(f"no number behind {before}") from None

    # ------------------------------------------------------------ changes

    def change(self):
        session, results = self.session, []
        revives = bool(self.flags & REVIVE)
        deletes = any(spec.opcode == BODY_DELETE for spec in self.specs)
        for index, spec in enumerate(self.specs):
            try:
                results.append(self.edit(spec))
            except subjson.Refused as refused:
                return self.tell_failure(index, refused.args[0])
        if any(spec.flags & OF_XATTR for spec in self.specs):
            self.xattrs = split_xattrs(self.xattr_text)
        had_xattrs = bool(self.document and self.document.xattrs) or any(spec.flags & OF_XATTR for spec in self.specs)
        if deletes:
            self.xattrs = {name: text for name, text in self.xattrs.items() if name.startswith("_")}
        if self.is_deleted and not revives and self.body and not deletes:
            raise Refusal(DELETED_WITH_VALUE, "A deleted document can't have a value")
        self.check_store()
        if self.is_deleted and self.document is None and session.any_document() is not None:
            raise Refusal(NOT_STORED if self.flags & ONLY_ADD else KEY_EXISTS if self.request.cas else TMPFAIL)
        if self.is_deleted and deletes and had_xattrs and not self.xattrs:
            raise Refusal(NOT_FOUND)
        self.keep(deletes, revives)
        status = DELETED if self.is_deleted and not revives else OK
        document = session.any_document()
        value, datatype = results[0], RAW
        if self.multi:
            value = b"".join(struct.pack(">BHI", index, OK, len(told)) + told for index, told in enumerate(results) if told)
        elif value:
            datatype = JSON & session.datatypes()
        return session.encode(status, session.token(document), value=value, datatype=datatype, cas=session.see(document.cas))

    def tell_failure(self, index, status):
        if not self.multi:
            raise Refusal(status)
        return self.session.encode(PATH_FAILED, value=struct.pack(">BH", index, status))

    def edit(self, spec):
        """Returns the result that is told."""
        if spec.opcode == BODY_SET:
            self.body, self.is_json = spec.value, subjson.is_json(spec.value)
            return b""
        if spec.opcode == BODY_DELETE:
            self.body, self.is_json = b"", False
            return b""
        if spec.opcode == REPLACE_BODY:
            self.body = decode(spec, subjson.lookup(0xC5, spec.path, self.xattr_text))
            self.is_json = subjson.is_json(self.body)
            return b""
        makes = bool(spec.flags & MAKE_PATH or self.flags & (MKDOC | ONLY_ADD))
        value = self.expand(spec.value) if spec.flags & EXPAND else spec.value
        if spec.flags & BINARY:
            value = ENCODED + base64.b64encode(value) + b'"'
        text, told = subjson.mutate(spec.opcode, spec.path, self.text(spec), value, makes)
        if spec.flags & OF_XATTR:
            self.xattr_text = text
        else:
            self.body = text
        return told

    def expand(self, macro):
        if macro in MACROS:
            return MACROS[macro]
        name = macro[len(b'"${$document'):-2].decode()
        if name == "":
            return dump(self.describe())
        described = self.describe()
        if not name.startswith(".") or name[1:] not in described or name == ".value_crc32c":
            raise subjson.Refused(UNKNOWN_VATTR_MACRO)
        return dump(described[name[1:]])

    def check_store(self):
        document = self.document
        if document is not None and self.session.is_locked(document) and self.request.cas != document.lock.value:
            raise self.session.locked_tmpfail()

    def keep(self, deletes, revives):
        session, before = self.session, self.document
        flags = self.user_flags if self.user_flags is not None else before.flags if before is not None else 0
        expiry = before.expiry if session.preserve and before is not None else session.seconds(self.expiry)
        deleted = (deletes or self.is_deleted) and not revives
        document = session.put(value=self.body, datatype=JSON if self.is_json else RAW, flags=flags, expiry=expiry,
                               xattrs=self.xattrs)
        self.fill_macros(document)
        if deleted:
            document.deleted, document.flags, document.expiry = True, 0, Moment(*session.now)
            session.vbucket.deleted_revision = max(session.vbucket.deleted_revision, document.revision)

    def fill_macros(self, document):
        cas = int.from_bytes(self.session.see(document.cas).to_bytes(8, "big"), "little")
        texts = f"{cas:016x}", f"{document.seqno:016x}", f"{crc32c(self.body):08x}"
        for holder, text in zip(MACROS.values(), texts):
            for name in document.xattrs:
                document.xattrs[name] = document.xattrs[name].replace(holder.decode(), f'"0x{text}"')


def decode(spec, found):
    """Of values that are no JSON attributes have another form."""
    if not spec.flags & BINARY:
        return found
    if not found.startswith(ENCODED):
        raise subjson.Refused(NOT_BINARY)
    return base64.b64decode(found[len(ENCODED):-1])


def xattr_name(path):
    name = path.decode(errors="replace")
    for end in (".", "["):
        name = name.split(end)[0]
    return name


def join_xattrs(xattrs):
    return b"{" + b",".join(b'"' + name.encode() + b'":' + text.encode() for name, text in xattrs.items()) + b"}"


def split_xattrs(text):
    """The server parses what an edit has left, and prints each attribute; they are in the order of their names."""
    return {name: dump(value).decode() for name, value in sorted(json.loads(text).items())}


HANDLERS = {
    0x00: Session.get, 0x0C: Session.get, 0x49: Session.get_ex, 0x4A: Session.get_ex, 0x83: Session.get_replica, 0x1F: Session.hello,
    0x01: Session.store, 0x02: Session.store, 0x03: Session.store, 0x04: Session.remove,
    0x05: Session.count, 0x06: Session.count, 0x0E: Session.join, 0x0F: Session.join,
    0x1C: Session.touch, 0x1D: Session.touch, 0x94: Session.get_locked, 0x95: Session.unlock, 0xA0: Session.get_meta,
    0x91: Session.observe_seqno, 0x92: Session.observe, 0xB6: Session.random_key,
    SET_WITH_META: Session.with_meta, ADD_WITH_META: Session.with_meta, DELETE_WITH_META: Session.with_meta,
    MUTATE_WITH_META: Session.mutate_with_meta, RETURN_META: Session.return_meta,
    0xDA: Session.scan_create, 0xDB: Session.scan_continue, 0xDC: Session.scan_cancel,
}
