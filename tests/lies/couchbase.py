#!/usr/bin/env python3
"""
Answers in Couchbase's dialect, wrong in one place: each makes kvreplay verify see a difference that the recording does not
have, in the field that is wrong. Without its beginning, or without a packet, it has no other.

  couchbase.py KVREPLAY CAPTURE.pcapng.gz KINDS [LIE...]

KINDS: so many kinds of wrong answers can be made of the recording, at least.
"""
import gzip
import os
import pathlib
import random
import re
import struct
import subprocess
import sys
import tempfile

from captured import Capture, pcapng_blocks

OPCODES = dict(GET=0x00, SET=0x01, ADD=0x02, REPLACE=0x03, DELETE=0x04, INCREMENT=0x05, DECREMENT=0x06, NOOP=0x0A,
               APPEND=0x0E, PREPEND=0x0F, TOUCH=0x1C, GAT=0x1D, HELLO=0x1F, SASL_AUTH=0x21, SELECT_BUCKET=0x89,
               OBSERVE_SEQNO=0x91, GET_LOCKED=0x94, UNLOCK_KEY=0x95, GET_META=0xA0, GET_CLUSTER_CONFIG=0xB5,
               COLLECTIONS_GET_ID=0xBB, MULTI_LOOKUP=0xD0, MULTI_MUTATION=0xD1, SCAN_CREATE=0xDA, SCAN_CONTINUE=0xDB,
               GET_ERROR_MAP=0xFE)
SUCCESS, KEY_NOT_FOUND, KEY_EXISTS, INVALID, NOT_STORED, BAD_DELTA, LOCKED = 0, 1, 2, 4, 5, 6, 9
PATH_NOT_FOUND, MULTI_PATH_FAILURE, SCAN_MORE, SCAN_COMPLETE, UNKNOWN_COLLECTION = 0xC0, 0xCC, 0xA6, 0xA7, 0x88
JSON, SNAPPY, XATTR = 1, 2, 4
MAGIC, OPCODE, LENGTHS, DATATYPE, STATUS, OPAQUE, CAS = (0, 1), (1, 2), (2, 5), (5, 6), (6, 8), (12, 16), (16, 24)
CUTS, LOSSES = 6, 12
UNFIT = "no answer of the recording can be changed so"
TRIES = 8  # answers that are changed: what nothing before them tells is taken for true


def number(field, change):
    """Changes a field of the header: `change` gets what is there, and the answer."""
    start, end = field

    def lie(data, answer):
        there = int.from_bytes(answer.bytes(data, answer.places[start:end]), "big")
        return zip(answer.places[start:end], (change(there, answer) % 256 ** (end - start)).to_bytes(end - start, "big"))
    return lie


def to(value):
    return lambda there, answer: value


def plus(value):
    return lambda there, answer: there + value


def earlier(there, answer):
    return max(there - (1 << 40), 1)


def flip(bit):
    return lambda there, answer: there ^ bit


def part(name, at, change, size=1):
    """The same of `size` bytes in a part of the answer."""
    def lie(data, answer):
        places = getattr(answer, name)[at:at + size] if at >= 0 else getattr(answer, name)[at:][:size]
        there = int.from_bytes(answer.bytes(data, places), "big")
        return zip(places, (change(there, answer) % 256 ** size).to_bytes(size, "big"))
    return lie


def swap(name, first, second, size):
    def lie(data, answer):
        places = getattr(answer, name)
        one, two = places[first:first + size], places[second:second + size]
        return [*zip(one, answer.bytes(data, two)), *zip(two, answer.bytes(data, one))]
    return lie


# What is wrong: opcode, status, what else holds for the answer, the change, and the field that shows it.
LIES = {
    "a magic without framing extras": ("GET", SUCCESS, None, number(MAGIC, to(0x81)), "the server's bytes are no frame"),
    "an opcode that nobody asked for": ("GET", SUCCESS, None, number(OPCODE, to(0x83)), "header.opcode"),
    "an opaque that nobody asked for": ("SET", SUCCESS, None, number(OPAQUE, plus(1 << 20)), "header.opaque"),
    "a hit that is a miss": ("GET", SUCCESS, None, number(STATUS, to(KEY_NOT_FOUND)), "header.status"),
    "a miss that is another error": ("GET", KEY_NOT_FOUND, None, number(STATUS, to(KEY_EXISTS)), "header"),
    "an ADD that finds nothing there": ("ADD", KEY_EXISTS, None, number(STATUS, to(NOT_STORED)), "header.status"),
    "a REPLACE with a CAS that fits": ("REPLACE", KEY_EXISTS, None, number(STATUS, to(KEY_NOT_FOUND)), "header.status"),
    "a REPLACE that finds something": ("REPLACE", KEY_NOT_FOUND, None, number(STATUS, to(KEY_EXISTS)), "header"),
    "a DELETE that finds something": ("DELETE", KEY_NOT_FOUND, None, number(STATUS, to(KEY_EXISTS)), "header.status"),
    "an APPEND to a document": ("APPEND", NOT_STORED, None, number(STATUS, to(KEY_NOT_FOUND)), "header.status"),
    "a PREPEND to a document": ("PREPEND", NOT_STORED, None, number(STATUS, to(KEY_EXISTS)), "header.status"),
    "text that is a number": ("INCREMENT", BAD_DELTA, None, number(STATUS, to(INVALID)), "header.status"),
    "a counter that is there": ("DECREMENT", KEY_NOT_FOUND, None, number(STATUS, to(BAD_DELTA)), "header.status"),
    "a status without a name": ("NOOP", SUCCESS, None, number(STATUS, to(0x7777)), "header.status"),
    "JSON that is none": ("GET", SUCCESS, lambda a: a.datatype & JSON, number(DATATYPE, flip(JSON)), "header.datatype"),
    "JSON that is a text": ("GET", SUCCESS, lambda a: not a.datatype, number(DATATYPE, flip(JSON)), "header.datatype"),
    "a value with attributes": ("GET", SUCCESS, None, number(DATATYPE, flip(XATTR)), "header.datatype"),
    "a datatype of a change": ("SET", SUCCESS, None, number(DATATYPE, to(JSON)), "header.datatype"),
    "a datatype of a lookup": ("MULTI_LOOKUP", SUCCESS, None, number(DATATYPE, to(JSON)), "header.datatype"),
    "another CAS of a document": ("GET", SUCCESS, None, number(CAS, plus(1)), "header.cas"),
    "a locked document": ("GET", SUCCESS, None, number(CAS, to(2 ** 64 - 1)), "header.cas"),
    "another CAS of a lookup": ("MULTI_LOOKUP", SUCCESS, None, number(CAS, plus(1)), "header.cas"),
    "a CAS of a change that was there before": ("REPLACE", SUCCESS, None, number(CAS, earlier), "header.cas"),
    "a change without a CAS": ("SET", SUCCESS, None, number(CAS, to(0)), "header.cas"),
    "an error with a CAS": ("ADD", KEY_EXISTS, None, number(CAS, to(5)), "header.cas"),
    "a NOOP with a CAS": ("NOOP", SUCCESS, None, number(CAS, to(5)), "header.cas"),
    "a token of another vbucket": ("SET", SUCCESS, None, part("extras", 2, flip(1)), "extras"),
    "a number that was given out before": ("SET", SUCCESS, None, part("extras", 8, plus(-1), 8), "extras"),
    "a number that comes too early": ("SET", SUCCESS, None, part("extras", 8, plus(1), 8), "extras"),
    "other flags": ("GET", SUCCESS, None, part("extras", 0, flip(1)), "extras"),
    "a document that is deleted": ("GET_META", SUCCESS, None, part("extras", 3, flip(1)), "extras"),
    "other flags in what is known of it": ("GET_META", SUCCESS, None, part("extras", 7, flip(4)), "extras"),
    "another time of expiry": ("GET_META", SUCCESS, None, part("extras", 8, flip(8)), "extras"),
    "another value": ("GET", SUCCESS, lambda a: a.value, part("value", -1, flip(1)), "value"),
    "another sum": ("INCREMENT", SUCCESS, None, part("value", 7, plus(1)), "value"),
    "another difference": ("DECREMENT", SUCCESS, None, part("value", 7, plus(1)), "value"),
    "a path that is not there": ("MULTI_LOOKUP", SUCCESS, None, part("value", 0, to(PATH_NOT_FOUND), 2), "value|header.status"),
    "another text at a path": ("MULTI_LOOKUP", SUCCESS, lambda a: len(a.value) > 6, part("value", 6, flip(1)), "value"),
    "a lookup without a failure": ("MULTI_LOOKUP", MULTI_PATH_FAILURE, None, number(STATUS, to(SUCCESS)), "header.status"),
    "a lookup that fails otherwise": ("MULTI_LOOKUP", MULTI_PATH_FAILURE, None, part("value", 1, flip(2)), "value"),
    "a path that failed is another one": ("MULTI_MUTATION", MULTI_PATH_FAILURE, None, part("value", 0, plus(1)), "value"),
    "a path that failed otherwise": ("MULTI_MUTATION", MULTI_PATH_FAILURE, None, part("value", 2, flip(2)), "value"),
    "another counter at a path": ("MULTI_MUTATION", SUCCESS, lambda a: len(a.value) > 7, part("value", 7, flip(1)), "value"),
    "a feature that was not asked for": ("HELLO", SUCCESS, None, part("value", 0, to(0x0026), 2), "value|header"),
    "features in another order": ("HELLO", SUCCESS, None, swap("value", 0, 2, 2), "value"),
    "an error map with a CAS": ("GET_ERROR_MAP", SUCCESS, None, number(CAS, to(1)), "header.cas"),
    "an error map that is no JSON": ("GET_ERROR_MAP", SUCCESS, None, number(DATATYPE, to(0)), "header.datatype"),
    "a configuration that is compressed": ("GET_CLUSTER_CONFIG", SUCCESS, None, number(DATATYPE, to(JSON | SNAPPY)),
                                           "header.datatype"),
    "another number of a collection": ("COLLECTIONS_GET_ID", SUCCESS, None, part("extras", 11, flip(1)), "extras|value"),
    "an error's text without braces": ("COLLECTIONS_GET_ID", UNKNOWN_COLLECTION, None, part("value", 0, to(ord("["))),
                                       "value|header"),
    "more that is persisted than there is": ("OBSERVE_SEQNO", SUCCESS, None, part("value", 12, to(1)), "value"),
    "what another vbucket has": ("OBSERVE_SEQNO", SUCCESS, None, part("value", 2, flip(1)), "value"),
    "a vbucket that lags behind": ("OBSERVE_SEQNO", SUCCESS, None, part("value", 11, to(0), 16), "value"),
    "a key that is not in the range": ("SCAN_CONTINUE", SCAN_COMPLETE, lambda a: a.value, part("value", 1, to(1)), "value"),
    "keys where documents were wanted": ("SCAN_CONTINUE", SCAN_COMPLETE, None, part("extras", 3, flip(1)), "value|extras"),
    "a lock that nothing is there for": ("GET_LOCKED", SUCCESS, None, number(STATUS, to(KEY_NOT_FOUND)), "header"),
    "another value of what gets locked": ("GET_LOCKED", SUCCESS, lambda a: a.value, part("value", -1, flip(1)), "value"),
    "other flags of what gets locked": ("GET_LOCKED", SUCCESS, None, part("extras", 0, flip(1)), "extras"),
    "a lock with a CAS from before": ("GET_LOCKED", SUCCESS, None, number(CAS, earlier), "header.cas"),
    "an end of a lock with a CAS": ("UNLOCK_KEY", SUCCESS, None, number(CAS, to(5)), "header.cas"),
    "a lock's end that nothing is there for": ("UNLOCK_KEY", SUCCESS, None, number(STATUS, to(KEY_NOT_FOUND)), "header"),
    "a change of what is locked": ("SET", LOCKED, None, number(STATUS, to(KEY_EXISTS)), "header.status"),
    "a touch of what is there": ("TOUCH", KEY_NOT_FOUND, None, number(STATUS, to(KEY_EXISTS)), "header.status"),
    "a value that is touched": ("GAT", SUCCESS, None, part("value", -1, flip(1)), "value"),
    "flags that are touched": ("GAT", SUCCESS, None, part("extras", 1, flip(1)), "extras"),
    "a token of an APPEND": ("APPEND", SUCCESS, None, part("extras", 8, plus(1), 8), "extras"),
    "a token of a sum": ("INCREMENT", SUCCESS, None, part("extras", 2, flip(1)), "extras"),
    "a change of a part with a number from before": ("MULTI_MUTATION", SUCCESS, None, part("extras", 8, to(1), 8), "extras"),
    "a bucket with a name of its own": ("SELECT_BUCKET", SUCCESS, None, number(OPAQUE, plus(1 << 20)), "header.opaque"),
}


def verify(program, data, *options):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "lie.pcapng")
        path.write_bytes(data)
        run = subprocess.run([program, "verify", "--show", "1000", *options, path], capture_output=True, text=True, timeout=60)
    return run.returncode, run.stdout


def differences(report):
    """packet: what differs"""
    found = re.findall(r"^\d+\. \w+: (.*)\n   where +\S+, packet (\d+),", report, re.M)
    return {packet: re.sub(r"^value\+\d+", "value", what) for what, packet in found}


def check_lie(program, capture, name):
    opcode, status, holds, change, field = LIES[name]
    fitting = [a for a in capture.answers
               if (a.opcode, a.status) == (OPCODES[opcode], status) and (holds is None or holds(a))
               and str(a.packet) not in capture.differences and changed(capture, a, change) != capture.data]
    if not fitting:
        return UNFIT
    whys = []
    for answer in fitting[::-max(1, len(fitting) // TRIES)]:
        whys.append(tell(program, capture, answer, change, field))
        if whys[-1] is None:
            return None
    return ", ".join(whys)


def changed(capture, answer, change):
    data = bytearray(capture.data)
    for place, byte in change(capture.data, answer):
        data[place] = byte
    return data


def tell(program, capture, answer, change, field):
    found = differences(verify(program, bytes(changed(capture, answer, change)))[1])
    new = [what for packet, what in found.items() if packet not in capture.differences]
    if not new:
        return "nothing else differs"
    return None if any(re.match(field, what) for what in new) else f"{', '.join(new)}, not {field}"


def faults(path):
    """What the server does otherwise than kv_engine, by the field that shows it."""
    rows = [line.split("\t") for line in path.with_name("faults.tsv").read_text().splitlines()]
    return {f"{field} differs in the answer to {opcode}" for name, opcode, field, *_ in rows if name == path.name}


def honest(program, capture, known, chance):
    """Without the first packets, or without some others, nothing is wrong but what is known."""
    blocks = list(pcapng_blocks(capture.data))
    packets = [i for i, block in enumerate(blocks) if block[:4] == b"\6\0\0\0"]
    cuts = [set(packets[:chance.randrange(1, len(packets) - 100)]) for _ in range(CUTS)]
    losses = [set(chance.sample(packets[50:], chance.choice([1, 2, 5]))) for _ in range(LOSSES)]
    for gone in cuts + losses:
        data = b"".join(block for i, block in enumerate(blocks) if i not in gone)
        code, out = verify(program, data, "--max-loss", "any")
        others = set(differences(out).values()) - known
        if code not in (0, 1 if known else 0) or others:
            yield f"without the packets {sorted(i - packets[0] + 1 for i in gone)[-5:]}: exit status {code}, {others}"


def main():
    program, path, kinds, *names = sys.argv[1:]
    seed = int(os.environ.get("KVREPLAY_SEED", random.randrange(1 << 32)))
    print(f"KVREPLAY_SEED={seed}")
    with tempfile.TemporaryDirectory() as folder:
        plain = pathlib.Path(folder, "plain.pcapng")
        plain.write_bytes(gzip.decompress(pathlib.Path(path).read_bytes()))
        capture = Capture(plain)
    capture.differences = differences(verify(program, capture.data)[1])
    told = {name: check_lie(program, capture, name) for name in names or LIES}
    failures = [f"{name}: {why}" for name, why in told.items() if why not in (None, UNFIT)]
    found = list(told.values()).count(None)
    if found < int(kinds):
        failures.append(f"{found} kinds found; unfit: {', '.join(name for name, why in told.items() if why == UNFIT)}")
    if not names:
        failures += honest(program, capture, faults(pathlib.Path(path)), random.Random(seed))
    print("\n".join(failures) or f"{found} kinds of lies found")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
