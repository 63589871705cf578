#!/usr/bin/env python3
"""
Changes one thing in one answer of a capture, many times, and counts the lies that kvreplay verify does not find.

  lies.py KVREPLAY [--count N] [--seed SEED] [--most PERCENT] CAPTURE...

The lies are flipped bits of each field, a CAS or a value from another answer, two answers in each other's place, and an
answer repeated in place of the next. Those that verify can't find are told apart by what kvreplay(1) says under CAVEATS,
from the requests and answers alone; of the rest, at most PERCENT (default 1) may go unnoticed, or the exit status is 1.
Captures with more than 16 connections are left out. The seed is printed.
"""
import argparse
import collections
import json
import os
import pathlib
import random
import struct
import subprocess
import sys
import tempfile

from captured import HEADER, Capture

CONNECTIONS_MAX = 16
BATCH = 500  # captures of one run of verify

GETS = {0x00, 0x09, 0x0C, 0x0D, 0x1D, 0x1E, 0x23, 0x24}  # GET GETQ GETK GETKQ GAT GATQ GATK GATKQ
CHANGES = {0x01, 0x02, 0x03, 0x05, 0x06, 0x0E, 0x0F}  # SET ADD REPLACE INCREMENT DECREMENT APPEND PREPEND
QUIET_CHANGES = {0x11, 0x12, 0x13, 0x15, 0x16, 0x19, 0x1A}
VERSION, STAT, VERBOSITY, TOUCH, HELLO = 0x0B, 0x10, 0x1B, 0x1C, 0x1F
SASL = {0x20, 0x21, 0x22}
NO_MEMORY = 0x82
FIELDS = {"magic": (0, 1), "opcode": (1, 2), "key_length": (2, 4), "extras_length": (4, 5), "datatype": (5, 6),
          "status": (6, 8), "body_length": (8, 12), "opaque": (12, 16), "cas": (16, 24)}


class Lie:
    def __init__(self, capture, answer, kind, changes):
        self.capture, self.answer, self.kind, self.changes = capture, answer, kind, changes

    def bytes(self):
        data = bytearray(self.capture.data)
        for place, byte in self.changes:
            data[place] = byte
        return bytes(data)

    def told(self, field):
        """The field of the answer, as the lie has it."""
        changed = dict(self.changes)
        start, end = FIELDS[field]
        return int.from_bytes(bytes(changed.get(p, self.capture.data[p]) for p in self.answer.places[start:end]), "big")


def written(places, new, data):
    return [(place, byte) for place, byte in zip(places, new) if data[place] != byte]


def flip(chance, capture, answer):
    parts = dict({name: answer.places[a:b] for name, (a, b) in FIELDS.items()}, extras=answer.extras, key=answer.key,
                 value=answer.value)
    name = chance.choice([name for name, places in parts.items() if places])
    place = chance.choice(parts[name])
    return f"a bit of {name}", [(place, capture.data[place] ^ 1 << chance.randrange(8))]


def other_cas(chance, capture, answer):
    other = chance.choice(capture.answers)
    return "the CAS of another answer", written(answer.places[16:24], struct.pack("!Q", other.cas), capture.data)


def other_value(chance, capture, answer):
    alike = [a for a in capture.answers if len(a.value) == len(answer.value) > 0]
    other = chance.choice(alike or [answer])
    return "the value of another answer", written(answer.value, other.bytes(capture.data, other.value), capture.data)


def next_answer(capture, answer):
    """The next one on the same connection."""
    later = [a for a in capture.answers if a.connection == answer.connection]
    at = later.index(answer)
    return later[at + 1] if at + 1 < len(later) else None


def swapped(_, capture, answer):
    other = next_answer(capture, answer)
    if other is None:
        return "", []
    new = other.bytes(capture.data) + answer.bytes(capture.data)
    return "two answers swapped", written(answer.places + other.places, new, capture.data)


def repeated(_, capture, answer):
    other = next_answer(capture, answer)
    if other is None or len(other.places) != len(answer.places):
        return "", []
    return "an answer repeated", written(other.places, answer.bytes(capture.data), capture.data)


KINDS = [flip] * 6 + [other_cas, other_value, swapped, repeated]


def lie(chance, captures):
    while True:
        capture = chance.choice(captures)
        answer = chance.choice(capture.answers)
        kind, changes = chance.choice(KINDS)(chance, capture, answer)
        if changes:
            return Lie(capture, answer, kind, changes)


# ------------------------------------------------------------------------------------------- what can't be found

def request_of(capture, answer):
    """The last that had been asked and has the answer's opcode and opaque, or None."""
    found = None
    for request in capture.requests:
        if request.packet > answer.packet:
            break
        if (request.connection, request.opcode, request.opaque) == (answer.connection, answer.opcode, answer.opaque):
            found = request
    return found


def known_before(capture, answer, key):
    """Whether an answer before this one has shown what the key holds, or that it is not there."""
    for other in capture.answers:
        if other is answer or other.packet >= answer.packet:
            continue
        request = request_of(capture, other)
        if request is not None and request.bytes(capture.data, request.key) == key and other.opcode not in (TOUCH,):
            return True
    return False


def read_after(capture, answer, key):
    """Whether a later answer shows the CAS of the key again."""
    for other in capture.answers:
        if other.packet > answer.packet and other.cas != 0:
            request = request_of(capture, other)
            if request is not None and request.bytes(capture.data, request.key) == key and other.opcode in GETS | {TOUCH}:
                return True
    return False


def excuse(lie):
    """Why verify can't find the lie, in the words of kvreplay(1); None: it has to."""
    capture, answer = lie.capture, lie.answer
    request = request_of(capture, answer)
    if answer.opcode == STAT and answer.key:
        return "rows of STAT"
    if answer.opcode == VERSION:
        return "the text of VERSION"
    if answer.opcode > 0x24 or answer.opcode == VERBOSITY or answer.magic != 0x81:
        return "opcodes that memcached does not have"
    if answer.opcode in SASL:
        return "SASL"
    if any(a.opcode == HELLO and a.status == 0 and a.connection == answer.connection for a in capture.answers):
        return "after a HELLO"
    if lie.told("status") == NO_MEMORY:
        return "out of memory"
    key = request.bytes(capture.data, request.key) if request is not None else b""
    if key and not known_before(capture, answer, key):
        return "the first sight of a key"
    if "CAS" in lie.kind or "cas" in lie.kind:
        if answer.opcode in CHANGES and not read_after(capture, answer, key):
            return "a CAS that nothing shows again"
        if answer.opcode in GETS | {TOUCH}:
            return "the first sight of a quiet change's CAS" if changed_quietly(capture, answer, key) else None
    return None


def changed_quietly(capture, answer, key):
    before = [r for r in capture.requests if r.packet <= answer.packet and r.bytes(capture.data, r.key) == key
              and r.opcode in CHANGES | QUIET_CHANGES]
    return bool(before) and before[-1].opcode in QUIET_CHANGES


# -------------------------------------------------------------------------------------------------------- running

def statuses(program, lies):
    """The exit status that verify gives each."""
    found = []
    with tempfile.TemporaryDirectory(prefix="kvreplay-lies-") as folder:
        report = pathlib.Path(folder, "report.json")
        for begin in range(0, len(lies), BATCH):
            paths = []
            for number, one in enumerate(lies[begin:begin + BATCH]):
                path = pathlib.Path(folder, f"{number:04}" + one.capture.path.suffix)
                path.write_bytes(one.bytes())
                paths.append(str(path))
            done = subprocess.run([program, "verify", "-q", "--show", "0", "--json", str(report), *paths],
                                  stdin=subprocess.DEVNULL, capture_output=True, text=True)
            if done.returncode not in (0, 1, 3, 4):
                sys.exit(f"verify: exit status {done.returncode}\n{done.stdout}{done.stderr}")
            found += [c["status"] for c in json.loads(report.read_text())["captures"]]
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("captures", nargs="+", type=pathlib.Path)
    parser.add_argument("--count", type=int, default=5000)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--most", type=float, default=1.0)
    parser.add_argument("--verbose", action="store_true")
    arguments = parser.parse_args()
    seed = arguments.seed or int(os.environ.get("KVREPLAY_SEED", random.SystemRandom().randrange(1 << 32)))
    print(f"seed {seed}", flush=True)
    chance = random.Random(seed)
    captures = [c for c in map(Capture, arguments.captures) if c.answers and c.connections <= CONNECTIONS_MAX]
    lies = [lie(chance, captures) for _ in range(arguments.count)]
    excused, missed, found = collections.Counter(), [], 0
    for one, status in zip(lies, statuses(arguments.program, lies)):
        if status != 0:
            found += 1
        elif (why := excuse(one)) is not None:
            excused[why] += 1
        else:
            missed.append(one)
    for why, count in excused.most_common():
        print(f"{count:6} not to be found: {why}")
    for one in missed[:len(missed) if arguments.verbose else 20]:
        print(f"MISSED {one.capture.path.name}: {one.kind}, opcode 0x{one.answer.opcode:02x}, opaque "
              f"0x{one.answer.opaque:x}, packet {one.answer.packet}, {one.changes[:4]}")
    share = 100 * len(missed) / len(lies)
    print(f"{len(lies)} lies in {len(captures)} captures: {found} found, {sum(excused.values())} not to be found, "
          f"{len(missed)} missed ({share:.2f} %)")
    sys.exit(share > arguments.most)


if __name__ == "__main__":
    main()
