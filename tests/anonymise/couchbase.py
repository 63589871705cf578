#!/usr/bin/python3
"""A conversation in Couchbase's dialect, anonymised: nothing of what it said is left, and it still is a conversation: sent to
a server that knows nothing, the requests are answered as the capture has it, but for what a server chooses.

The server is kvreplay serve; the frames are written, sent and compared here, without kvreplay's code.

usage: couchbase.py KVREPLAY CORPUS
"""
import base64
import gzip
import json
import os
import socket
import struct
import subprocess
import sys
import tempfile
import unittest

KVREPLAY, CORPUS = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
sys.path[0] = CORPUS
from mcbp import *  # noqa: E402,F403
from packets import *  # noqa: E402,F403

SELECT_BUCKET, GET_CONFIG, GET_MANIFEST, GET_ID, ERROR_MAP = 0x89, 0xB5, 0xBA, 0xBB, 0xFE
GET_LOCKED, UNLOCK, OBSERVE, RANDOM_KEY, SCAN, SCAN_ON = 0x94, 0x95, 0x92, 0xB6, 0xDA, 0xDB
S_GET, S_EXISTS, S_ADD, S_UPSERT, S_DELETE, S_REPLACE, S_LAST, S_FIRST, S_INSERT, S_UNIQUE, S_COUNTER = range(0xC5, 0xD0)
LOOKUP, MUTATION, S_COUNT = 0xD0, 0xD1, 0xD2
XATTR, PARENTS, MACROS = 4, 1, 16
JSON, SNAPPY = 1, 2
FEATURES = (0x04, 0x06, 0x07, 0x0A, 0x0B, 0x0F, 0x10, 0x12)
BUCKET, SCOPE, COLLECTION = b"nobodysbucket", b"nobodysscope", b"nobodysplace"
# All of them are in the conversation, and no eight bytes in a row of one of them may be in the result.
SECRETS = (BUCKET, SCOPE, COLLECTION, b"nobodysagent", b"nobodyskey", b"nobodyscounter", b"nobodysname", b"nobodysvalue",
           "größe-für-niemand".encode(), b"nobodysattribute", b"nobodysuser", b"8675309", b"nobodysbytes", b"nobodysnews")
PATIENCE = 60  # seconds


def snappy(*parts):
    """Literals, and copies: tuples of what is copied from where it was last."""
    text = stream = b""
    for part in parts:
        if isinstance(part, bytes):
            assert 0 < len(part) <= 60
            stream += bytes([(len(part) - 1) << 2]) + part
            text += part
        else:
            stream += bytes([(len(part[0]) - 1) << 2 | 2]) + struct.pack("<H", len(text) - text.rindex(part[0]))
            text += part[0]
    assert len(text) < 128
    return text, bytes([len(text)]) + stream


def spec(opcode, path, value=None, flags=0):
    head = struct.pack("!BBH", opcode, flags, len(path))
    return head + (path if value is None else struct.pack("!I", len(value)) + path + value)


class Connection:
    """One to a server of our own. `said` are the requests and answers."""

    def __init__(self):
        self.process = subprocess.Popen(
            [KVREPLAY, "serve", "-p", "0", "--dialect", "couchbase", "--bucket", BUCKET.decode(), "--vbuckets", "4",
             "--collection", (SCOPE + b"." + COLLECTION).decode()], stdout=subprocess.PIPE)
        port = int(self.process.stdout.readline().rsplit(b":", 1)[1])
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.file = self.socket.makefile("rb")
        self.said = []

    def close(self):
        self.file.close()
        self.socket.close()
        self.process.terminate()
        self.process.wait(PATIENCE)
        self.process.stdout.close()

    def ask(self, data):
        self.socket.sendall(data)
        head = self.file.read(24)
        answer = head + self.file.read(struct.unpack_from("!I", head, 8)[0])
        self.said.append((data, answer))
        return answer


class Parts:
    """A frame, taken apart."""

    def __init__(self, data):
        magic, self.opcode, lengths, extras, self.datatype, self.status, body, self.opaque, self.cas = struct.unpack_from(
            "!BBHBBHIIQ", data)
        framing, key = (lengths >> 8, lengths & 255) if magic in (0x08, 0x18) else (0, lengths)
        assert len(data) == 24 + body
        self.extras = data[24 + framing:][:extras]
        self.key = data[24 + framing + extras:][:key]
        self.value = data[24 + framing + extras + key:]
        self.key_at, self.value_at = 24 + framing + extras, 24 + framing + extras + key


class Talk:
    """Says everything that there are rules for."""

    def __init__(self, connection):
        self.connection = connection
        self.opaque = 0
        self.vbucket = 1

    def ask(self, opcode, key=b"", extras=b"", value=b"", *, status=0, datatype=0, cas=0, vbucket=0):
        self.opaque += 1
        data = request(opcode, key, extras, value, datatype=datatype, cas=cas, status=vbucket, opaque=self.opaque)
        answer = Parts(self.connection.ask(data))
        assert (answer.status, answer.opaque) == (status, self.opaque), (hex(opcode), hex(answer.status), answer.value)
        return answer

    def document(self, opcode, key, *more, collection=b"\0", **options):
        return self.ask(opcode, collection + key, *more, vbucket=self.vbucket, **options)

    def set(self, key, value, *, datatype=JSON, **options):
        return self.document(SET, key, bytes(8), value, datatype=datatype, **options)

    def lookup(self, key, *specs, status=0, **options):
        return self.document(LOOKUP, key, b"", b"".join(specs), status=status, **options)

    def mutate(self, key, *specs, status=0, **options):
        return self.document(MUTATION, key, b"", b"".join(specs), status=status, **options)

    def begin(self):
        agent = json.dumps({"a": "nobodysagent/1.0", "i": "8675309/nobodysagent"}).encode()
        self.ask(HELLO, agent, b"", b"".join(struct.pack("!H", feature) for feature in FEATURES))
        self.ask(SASL_AUTH, b"PLAIN", b"", b"\0nobodysuser\0nobodysvalue")
        self.ask(ERROR_MAP, value=b"\0\2")
        self.ask(SELECT_BUCKET, BUCKET)
        self.ask(GET_CONFIG)
        self.ask(GET_MANIFEST)
        self.collection = self.ask(GET_ID, value=SCOPE + b"." + COLLECTION).extras[-1:]
        self.ask(GET_ID, value=b"_default._default")
        self.ask(GET_ID, value=b"_default.nobodysplace", status=0x88)

    def documents(self):
        plain = ('{"nobodysname" : {"größe-für-niemand":[1, 8675309, -0.5e7, "nobodysvalue", true]},\n "nobodysname2":null,'
                 ' "\\"nobodysname\\u00e9":"gr\\u00f6\\u00dfe-nobodysvalue \\ud83d\\ude00"}').encode()
        changed = self.set(b"nobodyskey", plain)
        assert self.document(GET, b"nobodyskey").value == plain
        assert self.document(GETK, b"nobodyskey").key == b"\0nobodyskey"
        self.document(GET, b"nobodyskey", collection=self.collection, status=1)
        self.set(b"nobodyskey", b'"nobodysvalue"', collection=self.collection)
        self.document(GET, b"nobodyskey", collection=self.collection)
        self.document(REPLACE, b"nobodyskey", bytes(8), plain[:-1] + b" }", cas=changed.cas)
        self.document(REPLACE, b"nobodyskey", bytes(8), plain, cas=changed.cas, status=2)
        for value in (b"nobodysbytes", b"\x00\xffnobodysbytes\xfe", b"01", b"7", b"[1 2]", b"a", b'{"nobodysbytes"', b"\xff"):
            self.set(b"nobodyskey2", value)
            assert self.document(GET, b"nobodyskey2").value == value
        self.document(TOUCH, b"nobodyskey2", bytes(4))
        self.document(GET_LOCKED, b"nobodyskey2", bytes(4))
        self.set(b"nobodyskey2", b"7", status=9)
        self.document(GET, b"nobodyskey-missing", status=1)

    def subdocuments(self):
        path = "nobodysname.größe-für-niemand".encode()
        self.lookup(b"nobodyskey", spec(S_GET, path + b"[1]"), spec(S_GET, path + b"[-1]"), spec(S_EXISTS, path),
                    spec(S_COUNT, path), spec(S_GET, b"nobodysname"), spec(S_GET, b"`nobodysname2`"), spec(0, b""),
                    spec(S_GET, '\\"nobodysnameé'.encode()))
        self.lookup(b"nobodyskey", spec(S_GET, b"nobodysname3"), spec(S_GET, b"nobodysname[0]"),
                    spec(S_GET, b"nobodysname..a"), status=0xCC)
        self.mutate(b"nobodyskey", spec(S_UPSERT, b"nobodysname.nobodysnews.nobodysname", b'{"nobodysname":["8675309"]}', PARENTS),
                    spec(S_LAST, path, b'"nobodysvalue", 8675309'), spec(S_UNIQUE, b"nobodyslist", b'"nobodysnews"', PARENTS),
                    spec(S_INSERT, path + b"[1]", b"[]"), spec(S_DELETE, b"nobodysname2", b""))
        self.mutate(b"nobodyskey", spec(S_UNIQUE, b"nobodyslist", b'"nobodysnews"'), status=0xCC)
        self.mutate(b"nobodyskey", spec(S_UPSERT, b"nobodysname", b"nobodysvalue"), status=0xCC)
        self.document(S_GET, b"nobodyskey", struct.pack("!HB", len(path), 0), path)
        self.document(S_REPLACE, b"nobodyskey", struct.pack("!HB", 11, 0), b"nobodysname" + b'"nobodysnews"')
        self.document(GET, b"nobodyskey")
        self.lookup(b"nobodyskey2", spec(S_GET, b"nobodysname"), status=0xCC)

    def counters(self):
        self.document(INCREMENT, b"nobodyscounter", struct.pack("!QQI", 5, 95, 0))
        self.document(INCREMENT, b"nobodyscounter", struct.pack("!QQI", 7, 95, 0))
        self.document(DECREMENT, b"nobodyscounter", struct.pack("!QQI", 3, 95, 0))
        assert self.document(GET, b"nobodyscounter").value == b"99"
        self.set(b"nobodyskey6", b'"nobodysvalue"')
        self.document(INCREMENT, b"nobodyskey6", struct.pack("!QQI", 7, 95, 0), status=6)
        self.document(GET, b"nobodyskey6")
        self.set(b"nobodyscounter2", b'{"nobodysname":41,"nobodysvalue":"nobodysvalue"}')
        self.mutate(b"nobodyscounter2", spec(S_COUNTER, b"nobodysname", b"1"), spec(S_COUNTER, b"nobodysnews", b"-9"))
        self.document(GET, b"nobodyscounter2")

    def joined(self):
        for key, first, *others in ((b"nobodyskey3", b"nobodysbytes", b"nobodysvalue", b"nobodysnews"),
                                    (b"nobodyskey7", b"12", b"34", b"{")):
            self.set(key, first)
            for other in others:
                self.document(APPEND, key, b"", other)
                self.document(PREPEND, key, b"", other)
                self.document(GET, key)
        self.set(b"nobodyskey8", b"[1")
        for part, datatype in ((b',"nobodysvalue",true', 0), (b"]", JSON)):
            self.document(APPEND, b"nobodyskey8", b"", part)
            assert self.document(GET, b"nobodyskey8").datatype == datatype
        self.mutate(b"nobodyskey8", spec(S_LAST, b"", b'"nobodysnews"'))
        self.lookup(b"nobodyskey8", spec(S_GET, b"[1]"), spec(S_GET, b"[2]"), spec(S_GET, b"[-1]"))

    def attributes(self):
        self.mutate(b"nobodyskey", spec(S_UPSERT, b"_nobodys.nobodysattribute", b'{"nobodysattribute":"nobodysvalue"}', 5),
                    spec(S_UPSERT, b"nobodys.cas", b'"${Mutation.CAS}"', XATTR | PARENTS | MACROS),
                    spec(S_UPSERT, b"nobodys.text", b'"${Mutation.nobodysvalue}"', XATTR))
        self.lookup(b"nobodyskey", spec(S_GET, b"_nobodys.nobodysattribute", flags=XATTR),
                    spec(S_GET, b"$document.exptime", flags=XATTR), spec(S_GET, b"$document.value_bytes", flags=XATTR),
                    spec(S_GET, b"nobodys.text", flags=XATTR), spec(S_GET, b"nobodysname"))

    def checksums(self, path=b"$document.value_crc32c"):
        """Of documents that were stored, edited, joined and compressed; most of them are never shown as they are then."""
        shown = spec(S_GET, path, flags=XATTR)
        self.set(b"nobodysum", b'{"nobodysname":["nobodysvalue", 8675309]}')
        self.lookup(b"nobodysum", shown)
        self.mutate(b"nobodysum", spec(S_UPSERT, b"nobodys.sum", b'"${Mutation.value_crc32c}"', XATTR | PARENTS | MACROS),
                    spec(S_LAST, b"nobodysname", b'"nobodysnews"'), spec(S_UPSERT, b"nobodysname2", b"8675309"))
        self.lookup(b"nobodysum", shown, spec(S_GET, b"nobodys.sum", flags=XATTR))
        self.mutate(b"nobodysum", spec(S_ADD, b"nobodysname2", b"[]"), status=0xCC)
        self.document(S_UPSERT, b"nobodysum", struct.pack("!HB", 12, 0), b"nobodysname3" + b'"nobodysnews"')
        self.set(b"nobodysum", b"{}", cas=1, status=2)
        self.mutate(b"nobodysum", spec(S_UPSERT, b"nobodysname4", b'"nobodysvalue"'))
        self.lookup(b"nobodysum", shown, spec(S_GET, b"nobodys.sum", flags=XATTR))
        self.document(MUTATION, b"nobodysum", b"", spec(1, b"", b'{"nobodysname": "nobodysnews"}'))
        self.document(S_DELETE, b"nobodysum", struct.pack("!HB", 11, 0), b"nobodysname")
        self.lookup(b"nobodysum", shown)
        self.document(MUTATION, b"nobodysum2", b"\1", spec(S_UPSERT, b"nobodysname", b'"nobodysvalue"'))
        self.lookup(b"nobodysum2", shown)
        self.document(DELETE, b"nobodysum2")
        self.document(MUTATION, b"nobodysum2", b"\1", spec(S_LAST, b"", b'"nobodysvalue"'))
        self.lookup(b"nobodysum2", shown)
        self.set(b"nobodysum", b'"nobodysnews"', collection=self.collection)
        self.lookup(b"nobodysum", shown, collection=self.collection)
        self.lookup(b"nobodysum", shown)
        self.document(DELETE, b"nobodysum", collection=self.collection)
        self.set(b"nobodysum3", b"nobodysbytes")
        self.document(APPEND, b"nobodysum3", b"", b"nobodysnews")
        self.document(PREPEND, b"nobodysum3", b"", b"nobodysvalue")
        self.lookup(b"nobodysum3", shown)
        self.set(b"nobodysum4", snappy(b'{"nobodysname":"', b'nobodysvalue","list":["', (b"nobodysvalue",), b'"]}')[1],
                 datatype=JSON | SNAPPY)
        self.lookup(b"nobodysum4", shown)
        self.mutate(b"nobodysum4", spec(S_UPSERT, b"nobodysname", b'"nobodysnews"'))
        self.lookup(b"nobodysum4", shown)
        self.document(INCREMENT, b"nobodysum5", struct.pack("!QQI", 5, 95, 0))
        self.lookup(b"nobodysum5", shown)

    def compressed(self):
        # Copied from strings: true, a number, the n of an escape.
        text, stream = snappy(b'{"nobodysname":"nobodysvalue",', b'"list":["8675309 is true,",', (b"true",), b',"', (b"8675309",),
                              b'",', (b"8675309",), b'],"e":"\\', (b"nobodysvalue",), b'"}')
        json.loads(text)
        self.set(b"nobodyskey4", stream, datatype=JSON | SNAPPY)
        self.document(GET, b"nobodyskey4")
        self.lookup(b"nobodyskey4", spec(S_GET, b"nobodysname"), spec(S_GET, b"list[0]"), spec(S_GET, b"list[-1]"),
                    spec(S_GET, b"list[1]"), spec(S_GET, b"e"), spec(0, b""))
        self.mutate(b"nobodyskey4", spec(S_UPSERT, b"nobodysname", b'"nobodysnews"'))
        self.document(GET, b"nobodyskey4")
        for letter in (b"n", b"0", b"8"):
            self.set(b"nobodyskey9" + letter, b"\x40" + b"\0" + letter + b"\xfa\1\0", datatype=SNAPPY)  # 64 of it
            self.document(GET, b"nobodyskey9" + letter)
        text, stream = snappy(b"nobodysbytes ", (b"nobodysbytes ",), (b"bodysbytes nobodysbytes",), b"nobodysnews")
        self.set(b"nobodyskey5", stream, datatype=SNAPPY)
        self.document(GET, b"nobodyskey5")
        self.document(APPEND, b"nobodyskey5", b"", b"nobodysnews")
        self.document(GET, b"nobodyskey5")
        self.set(b"nobodyskey5", b"\xff\xff\xffnobodysbytes", datatype=SNAPPY, status=4)

    def others(self):
        key = self.collection + b"nobodyskey"
        self.ask(OBSERVE, value=struct.pack("!HH", self.vbucket, len(key)) + key)
        assert self.ask(RANDOM_KEY, extras=bytes(3) + self.collection).key == key
        for key in (b"nobodyskeys", b"nobodyskex", b"nobodys\xc3\xa9", b"nobodys", b"z"):
            self.set(key, b"1", collection=self.collection)
        for start, end, count in ((b"\0", b"\xf4\x8f\xbf\xbf", 6), (b"nobodyskey", b"nobodyskey\xf4\x8f\xbf\xbf", 2),
                                  (b"nobodyskex", b"nobodyskeys", 3)):
            for keys_only in (True, False):
                ends = {"start": base64.b64encode(start).decode(), "end": base64.b64encode(end).decode()}
                scan = {"collection": "%x" % self.collection[0], "key_only": keys_only, "range": ends}
                made = self.ask(SCAN, value=json.dumps(scan).encode(), datatype=JSON, vbucket=self.vbucket)
                found = self.ask(SCAN_ON, extras=made.value + bytes(12), vbucket=self.vbucket, status=0xA7)
                assert found.value.count(b"nobodys") + found.value.count(b"\1z") >= count

    def everything(self):
        self.begin()
        self.documents()
        self.subdocuments()
        self.counters()
        self.joined()
        self.attributes()
        self.checksums()
        self.compressed()
        self.others()


def recorded(said, begun=True):
    """A capture, and where in it each frame is. `begun`: it has the conversation from its beginning."""
    c = Conversation()
    if begun:
        c.open()
    for asked, answered in said:
        c.client(asked)
        c.server(answered)
    c.close()
    data = pcap(c.packets)
    places, at = [], 0
    for frames in said:
        for one in frames:
            at = data.index(one, at)
            places.append((at, len(one)))
            at += len(one)
    return data, places


def anonymised(data, *options):
    with tempfile.TemporaryDirectory() as folder:
        before, after = os.path.join(folder, "before"), os.path.join(folder, "after")
        with open(before, "wb") as f:
            f.write(data)
        subprocess.run([KVREPLAY, "anonymise", "-q", *options, before, "-o", after], check=True)
        with open(after, "rb") as f:
            return f.read()


def keys_and_bodies(value):
    """Of a scan's documents: without sequence numbers and CAS."""
    parts = []
    while value:
        head, value = value[:25], value[25:]
        for _ in range(2):
            parts.append(value[1:1 + value[0]])
            value = value[1 + value[0]:]
        parts.append(head[:8])
    return parts


def verified(data):
    """What verify counts."""
    with tempfile.TemporaryDirectory() as folder:
        capture, report = os.path.join(folder, "capture"), os.path.join(folder, "report")
        with open(capture, "wb") as f:
            f.write(data)
        subprocess.run([KVREPLAY, "verify", "-q", "--json", report, capture], capture_output=True)
        with open(report) as f:
            result = json.load(f)["captures"][0]
    return {name: result[name] for name in ("status", "rebuilt", "executed") if name in result}


def without_chosen(answer):
    """What of an answer a server does not choose: scans' uuids, tokens and CAS are; in a scan's documents they stand too."""
    value = answer.value
    if answer.opcode == SCAN:
        value = b""
    elif answer.opcode == OBSERVE:
        value = value[:-8]
    elif answer.opcode == SCAN_ON and answer.extras == b"\0\0\0\1":
        value = keys_and_bodies(value)
    extras = b"" if len(answer.extras) == 16 else answer.extras
    return answer.opcode, answer.status, answer.opaque, answer.datatype, extras, answer.key, value


class Couchbase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        connection = Connection()
        try:
            Talk(connection).everything()
        finally:
            connection.close()
        cls.said = connection.said
        cls.data, places = recorded(cls.said)
        cls.result = anonymised(cls.data)
        frames = [cls.result[at:at + size] for at, size in places]
        cls.again = list(zip(frames[::2], frames[1::2]))

    def test_nothing_that_was_said_is_left(self):
        for secret in SECRETS:
            self.assertIn(secret, self.data)
            for at in range(max(1, len(secret) - 7)):
                self.assertFalse(secret[at:at + 8] in self.result, secret[at:at + 8])

    def test_headers_extras_and_structure_stay(self):
        for before, after in zip(self.said, self.again):
            for one, other in zip(before, after):
                self.assertEqual(one[:24], other[:24])
                self.assertEqual(Parts(one).extras, Parts(other).extras)
        for (asked, _), (asked_again, _) in zip(self.said, self.again):
            one, other = Parts(asked), Parts(asked_again)
            if one.opcode in (HELLO, ERROR_MAP):
                self.assertEqual(one.value, other.value)
            if one.opcode in (GET, SET, LOOKUP, MUTATION):
                self.assertEqual(one.key[0], other.key[0])
                if one.key[1:] != b"z":  # one letter may become itself
                    self.assertNotEqual(one.key[1:], other.key[1:])

    def test_json_stays_json_of_the_same_shape(self):
        compared = 0
        for frames, frames_again in zip(self.said, self.again):
            for one, other in zip(map(Parts, frames), map(Parts, frames_again)):
                if one.datatype == JSON and one.opcode != HELLO:
                    try:
                        before = json.loads(one.value)
                    except ValueError:
                        continue
                    self.same_shape(before, json.loads(other.value))
                    compared += 1
        self.assertGreater(compared, 20)

    def same_shape(self, one, other):
        self.assertIs(type(one), type(other))
        if isinstance(one, dict):
            self.assertEqual(len(one), len(other))
            for a, b in zip(one.values(), other.values()):
                self.same_shape(a, b)
        elif isinstance(one, list):
            self.assertEqual(len(one), len(other))
            for a, b in zip(one, other):
                self.same_shape(a, b)
        elif isinstance(one, str):
            self.assertEqual(len(one.encode()), len(other.encode()))

    def test_a_server_gives_the_answers_that_the_capture_has(self):
        connection = Connection()
        chosen = {}  # CAS and scans, as they were and as this server has them
        try:
            for (original, _), (asked, expected) in zip(self.said, self.again):
                head, rest = Parts(asked), asked[24:]
                if head.opcode == SCAN_ON:
                    rest = chosen[head.extras[:16]] + asked[40:]
                if head.opcode in (SELECT_BUCKET, GET_ID, GET_CONFIG, GET_MANIFEST, SASL_AUTH):
                    connection.ask(original)  # this server has the names that were replaced
                    continue
                answer = Parts(connection.ask(asked[:16] + struct.pack("!Q", chosen.get(head.cas, head.cas)) + rest))
                expected = Parts(expected)
                chosen[expected.cas] = answer.cas
                if head.opcode == SCAN:
                    chosen[expected.value] = answer.value
                self.assertEqual(without_chosen(answer), without_chosen(expected), hex(head.opcode))
        finally:
            connection.close()

    def test_verify_counts_the_same(self):
        before, after = verified(self.data), verified(self.result)
        self.assertEqual(before, after)
        self.assertGreater(before["executed"]["identical"], 50)

    def test_checksums_among_all_that_a_server_says_of_a_document_are_those_of_what_it_becomes(self):
        connection = Connection()
        try:
            talk = Talk(connection)
            talk.begin()
            talk.checksums(b"$document")
        finally:
            connection.close()
        data, _ = recorded(connection.said)
        before, after = verified(data), verified(anonymised(data))
        self.assertEqual(before, after)
        self.assertEqual((before["status"], before["executed"]["different"]), (0, 0))

    def test_a_recording_of_the_sdk_is_verified_with_the_same_counts(self):
        with gzip.open(os.path.join(CORPUS, "couchbase", "sdk.pcapng.gz")) as f:
            recording = f.read()
        before, after = verified(recording), verified(anonymised(recording))
        self.assertEqual(before, after)
        self.assertGreater(before["executed"]["identical"], 300)

    def test_of_a_recording_of_the_sdk_that_begins_in_the_middle_as_much_is_executed(self):
        """All its keys are in a collection, whose number is before them, and their vbuckets do not tell it any more."""
        with gzip.open(os.path.join(CORPUS, "couchbase", "sdk.pcapng.gz")) as f:
            blocks, rest = [], f.read()
        while rest:
            size = struct.unpack_from("<I", rest, 4)[0]
            blocks.append(rest[:size])
            rest = rest[size:]
        packets = [i for i, block in enumerate(blocks) if block[:4] == struct.pack("<I", 6)]
        for first in (60, 129, 300, 604):
            gone = set(packets[:first])
            recording = b"".join(block for i, block in enumerate(blocks) if i not in gone)
            before, after = verified(recording), verified(anonymised(recording))
            self.assertEqual((before["status"], before["rebuilt"]), (after["status"], after["rebuilt"]))
            identical = before["executed"]["identical"]
            self.assertGreaterEqual(identical, 40)
            self.assertGreaterEqual(after["executed"]["identical"], identical - 10)

    def test_names_are_the_same_wherever_they_are(self):
        buckets = [Parts(asked).key for asked, _ in self.again if Parts(asked).opcode == SELECT_BUCKET]
        configs = [json.loads(Parts(answer).value) for _, answer in self.again if Parts(answer).opcode == GET_CONFIG]
        manifests = [json.loads(Parts(answer).value) for _, answer in self.again if Parts(answer).opcode == GET_MANIFEST]
        paths = [Parts(asked).value for asked, _ in self.again if Parts(asked).opcode == GET_ID]
        self.assertEqual(configs[0]["name"].encode(), buckets[0])
        self.assertEqual(paths[1], b"_default._default")
        scope, collection = paths[0].decode().split(".")
        self.assertEqual(paths[2].decode(), "_default." + collection)
        self.assertIn(scope, [one["name"] for one in manifests[0]["scopes"]])
        self.assertIn(collection, [one["name"] for all_of in manifests[0]["scopes"] for one in all_of["collections"]])

    def test_answers_may_come_in_any_order(self):
        """What the server says of a document by itself stays, whichever answer comes first."""
        expiry = struct.pack("!HI", 0, 10) + b"1796016161"
        value = b'"nobodysvalue"'
        hello = b"\0\x0e\0\x12"
        asked = (request(LOOKUP, b"\0nobodyskey", value=spec(S_GET, b"$document.exptime", flags=XATTR), opaque=1),
                 request(GET, b"\0nobodyskey", opaque=2))
        answered = (response(LOOKUP, value=expiry, opaque=1), response(GET, extras=bytes(4), value=value, opaque=2))
        c = Conversation()
        c.open()
        c.exchange([(request(HELLO, value=hello), response(HELLO, value=hello))])
        c.client(*asked)
        c.server(*reversed(answered))
        c.close()
        result = anonymised(pcap(c.packets))
        self.assertTrue(expiry in result)
        self.assertFalse(value in result)

    def test_of_a_conversation_that_has_begun_before(self):
        said = [pair for pair in self.said if Parts(pair[0]).opcode in (GET, SET, LOOKUP) and Parts(pair[0]).key[0] == 0]
        data, places = recorded(said, begun=False)
        result = anonymised(data)
        for at, size in places:
            one, other = Parts(data[at:at + size]), Parts(result[at:at + size])
            self.assertEqual(one.key[:1], other.key[:1])
            if one.datatype == JSON and one.opcode == GET and one.status == 0:
                self.same_shape(json.loads(one.value), json.loads(other.value))
        self.assertFalse(b"nobodysv" in result)

    def test_counters_are_replaced_if_that_is_wanted(self):
        numbers = anonymised(self.data, "--replace-counters")
        at = self.data.index(b'":41,"')
        self.assertEqual(self.result[at + 2:at + 4], b"41")
        self.assertNotEqual(numbers[at + 2:at + 4], b"41")


unittest.main(argv=sys.argv[:1])
