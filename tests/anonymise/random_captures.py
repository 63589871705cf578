#!/usr/bin/python3
"""Random captures whose keys and values are known, and must not be in what anonymise makes of them.

A capture has conversations of the binary protocol, of text and of garbage, over TCP and UDP, IPv4 and IPv6: cut into
segments anywhere, sent twice, also as other bytes and with wrong checksums, overlapping, out of order, lost, in IP
fragments, cut by the snap length, quoted by ICMP.
Everything that was said is marked: it consists of words that don't occur in headers.

usage: random_captures.py KVREPLAY     KVREPLAY_SEED=N repeats a run, KVREPLAY_RUNS=N makes it longer
"""
import json
import os
import random
import struct
import subprocess
import sys
import tempfile

kvreplay = os.path.abspath(sys.argv[1])
seed = int(os.environ.get("KVREPLAY_SEED") or random.SystemRandom().getrandbits(32))
runs = int(os.environ.get("KVREPLAY_RUNS") or 40)
print("KVREPLAY_SEED=%d" % seed)
chance = random.Random(seed)
WINDOW = 6


class Capture:
    def __init__(self):
        self.packets, self.said, self.time, self.id = [], set(), 1700000000, 0
        self.snap = chance.choice((65535, 65535, chance.randint(60, 200)))

    def word(self):
        """Something that must not be in the output; never twice the same but by intention."""
        size = chance.choice((6, 7, 8, 16, 17, 33, 40, 100, 700))
        text = bytes(chance.choice(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ#%&*") for _ in range(size))
        self.said.update(text[i:i + WINDOW] for i in range(len(text) - WINDOW + 1))
        return text

    def packet(self, link_payload, kind):
        self.packets.append(b"\2\0\0\0\0\1\2\0\0\0\0\2" + struct.pack("!H", kind) + link_payload)

    def ip(self, version, source, target, protocol, body):
        """One packet, or several fragments of it."""
        if version == 6:
            self.packet(struct.pack("!IHBB", 6 << 28, len(body), protocol, 64) + source + target + body, 0x86DD)
            return
        self.id += 1
        step = len(body) if chance.random() < .9 else 8 * chance.randint(3, 12)
        parts = [(at, body[at:at + step]) for at in range(0, len(body), max(step, 1))]
        if len(parts) > 1 and chance.random() < .3:
            chance.shuffle(parts)
        if len(parts) > 1 and chance.random() < .3:
            parts.pop(chance.randrange(len(parts)))
        for at, part in parts:
            more = 0x2000 if at + len(part) < len(body) else 0
            head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(part), self.id & 0xFFFF, more | at // 8, 64, protocol, 0)
            self.packet(head + source + target + part, 0x0800)

    def bytes(self):
        out = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, self.snap, 1)
        for i, packet in enumerate(self.packets):
            kept = packet[:self.snap]
            out += struct.pack("<IIII", self.time + i // 1000, i % 1000, len(kept), len(packet)) + kept
        return out


def checksum(pseudo, body, at):
    if chance.random() < .1:
        return body  # left to the network card, or wrong
    total = sum(struct.unpack("!%dH" % (len(pseudo + body) // 2 + (len(body) & 1)), pseudo + body + b"\0" * (len(body) & 1)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return body[:at] + struct.pack("!H", ~total & 0xFFFF) + body[at + 2:]


class Ends:
    def __init__(self, capture, number):
        self.capture, self.version = capture, chance.choice((4, 4, 6))
        size = 4 if self.version == 4 else 16
        self.address = [bytes(size - 2) + struct.pack("!H", 1 + number), bytes(size - 1) + b"\1"]
        self.port = [10000 + number, 11211]

    def send(self, side, protocol, head, body):
        at = 16 if protocol == 6 else 6
        size = len(head) + len(body)
        pseudo = self.address[side] + self.address[1 - side] + struct.pack("!HH", protocol, size)
        segment = checksum(pseudo, head + body, at)
        self.capture.ip(self.version, self.address[side], self.address[1 - side], protocol, segment)
        if chance.random() < .01 and self.version == 4:  # somebody complains, and quotes it
            self.capture.ip(4, self.address[1 - side], self.address[side], 1, b"\3\3\0\0\0\0\0\0" + segment)


class Tcp(Ends):
    def __init__(self, capture, number):
        super().__init__(capture, number)
        self.next = [chance.getrandbits(32), chance.getrandbits(32)]
        if chance.random() < .8:
            self.segment(0, self.next[0] - 1, b"", 2)
            self.segment(1, self.next[1] - 1, b"", 0x12)
            self.segment(0, self.next[0], b"", 0x10)

    def segment(self, side, sequence, body, flags=0x18):
        head = struct.pack("!HHIIBBHHH", self.port[side], self.port[1 - side], sequence & 0xFFFFFFFF,
                           self.next[1 - side] & 0xFFFFFFFF, 0x50, flags, 8192, 0, 0)
        self.send(side, 6, head, body)

    def say(self, side, data):
        at, segments = 0, []
        while at < len(data):
            size = chance.choice((1, 5, 23, 24, 25, 100, 536, 1460))
            segments.append((at, data[at:at + size]))
            if chance.random() < .05:  # again, or overlapping what was and what comes
                first = max(0, at - chance.randint(0, 40))
                segments.append((first, data[first:first + chance.randint(1, 200)]))
            if chance.random() < .02:  # the same but for some bytes, which may be a header's and kept
                first = max(0, at - chance.randint(0, 40))
                copy = bytearray(data[first:first + chance.randint(1, 200)])
                where = chance.randrange(len(copy))
                other = bytes(chance.getrandbits(8) for _ in range(chance.randint(1, len(copy) - where)))
                copy[where:where + len(other)] = other
                segments.append((first, bytes(copy)))
            at += size
        if chance.random() < .1:
            chance.shuffle(segments)
        for offset, body in segments:
            if chance.random() > .01:
                self.segment(side, self.next[side] + offset, body)
        self.next[side] += len(data)


class Udp(Ends):
    def say(self, side, data):
        step = chance.choice((len(data) or 1, 100, 500))
        parts = [data[i:i + step] for i in range(0, len(data), step)]
        number = chance.getrandbits(16) if chance.random() < .9 else 7
        order = [(i, len(parts), part) for i, part in enumerate(parts)]
        if chance.random() < .2:  # parts again, of no message, or of one that is never whole
            edge = (0, 1, 2, 3, len(parts), len(parts) - 1, 1024, 1025, 0xFFFF)
            order += [(chance.choice(edge), chance.choice(edge), chance.choice((b"", self.capture.word())))
                      for _ in range(chance.randint(1, 12))]
        if chance.random() < .2:
            chance.shuffle(order)
        for sequence, count, part in order:
            body = struct.pack("!HHHH", number, sequence, count, 0) + part
            self.send(side, 17, struct.pack("!HHHH", self.port[side], self.port[1 - side], 8 + len(body), 0), body)


def frame(magic, opcode, status, opaque, extras=b"", key=b"", value=b""):
    return struct.pack("!BBHBBHIIQ", magic, opcode, len(key), len(extras), chance.choice((0, 0, 0, 1, 2)), status,
                       len(extras) + len(key) + len(value), opaque, chance.randint(0, 9)) + extras + key + value


def talk_binary(talk, capture, items):
    for opaque in range(chance.randint(1, 30)):
        key = chance.choice(list(items)) if items and chance.random() < .7 else capture.word()
        what = chance.random()
        if what < .4:
            items[key] = capture.word()
            talk.say(0, frame(0x80, 1, 0, opaque, bytes(8), key, items[key]))
            talk.say(1, frame(0x81, 1, 0, opaque))
        elif what < .5 and key in items:
            more = capture.word()
            items[key] += more
            talk.say(0, frame(0x80, 0x0E, 0, opaque, b"", key, more))
            talk.say(1, frame(0x81, 0x0E, 0, opaque))
        elif what < .9:
            talk.say(0, frame(0x80, 0, 0, opaque, b"", key))
            if key in items:
                talk.say(1, frame(0x81, 0, 0, opaque, bytes(4), b"", items[key]))
            else:
                talk.say(1, frame(0x81, 0, 1, opaque, b"", b"", b"Not found"))
        elif what < .95:  # lengths that lie: the key, or what follows it, is said to be extras
            opcode = chance.choice((0, 4, 0x0C, 0x0A, 0x10, 0x96, 0xFD))
            talk.say(0, frame(0x80, opcode, 0, opaque, capture.word()[:255], b"", capture.word()))
            talk.say(1, frame(0x81, 0x10, 4, opaque, capture.word()[:255], b"", capture.word()))
        else:
            talk.say(0, frame(0x80, 0x21, 0, opaque, b"", b"PLAIN", b"\0" + capture.word() + b"\0" + capture.word()))
            talk.say(1, frame(0x81, 0x21, 0x20, opaque, b"", b"", capture.word()))


def talk_other(talk, capture, _):
    beginning = chance.choice((b"get ", b"\x16\x03\x01", b"", bytes([chance.getrandbits(8)]), b"\x80\0"))
    for side in (0, 1, 0, 1):
        talk.say(side, beginning + capture.word() + b"\r\n")


def make():
    capture, items = Capture(), {}
    for number in range(chance.randint(1, 6)):
        talk = chance.choice((Tcp, Tcp, Tcp, Udp))(capture, number)
        chance.choice((talk_binary, talk_binary, talk_binary, talk_other))(talk, capture, items)
    return capture


def judgement(path, folder):
    report = os.path.join(folder, "report.json")
    status = subprocess.run([kvreplay, "verify", "--max-loss", "any", "--json", report, path], check=False,
                            stdout=subprocess.DEVNULL).returncode
    with open(report) as f:
        capture = json.load(f)["captures"][0]
    # What is in no frame of a damaged conversation may be given another reason for it.
    ledger = {name: capture["ledger"][name] for name in ("client_frames", "server_frames", "duplicate", "total")}
    counts = ["packets", "connections", "client_frames", "server_frames", "contradicting_bytes", "rebuilt"]
    # Behind a loss, what the store takes an answer for may hang on which values resemble each other.
    counts += [] if capture["lost_bytes"] else ["executed"]
    return status, ledger, {name: capture[name] for name in counts}


def check(folder, key):
    capture = make()
    before, path, out = capture.bytes(), os.path.join(folder, "in.pcap"), os.path.join(folder, "out.pcap")
    with open(path, "wb") as f:
        f.write(before)
    subprocess.run([kvreplay, "anonymise", "-q", "--key-file", key, path, "-o", out], check=True)
    with open(out, "rb") as f:
        after = f.read()
    assert len(after) == len(before), "other length"
    leaked = [w for w in (after[i:i + WINDOW] for i in range(len(after))) if w in capture.said]
    assert not leaked, "still there: %r" % leaked[0]
    one, other = judgement(path, folder), judgement(out, folder)
    assert one == other, "verify: %r became %r" % (one, other)
    return len(capture.packets), len(capture.said), one[2]["server_frames"]


def main():
    counts = [0, 0, 0]
    with tempfile.TemporaryDirectory() as folder:
        key = os.path.join(folder, "key")
        with open(key, "wb") as f:
            os.fchmod(f.fileno(), 0o600)
            f.write(bytes(chance.getrandbits(8) for _ in range(32)))
        for run in range(runs):
            try:
                counts = [a + b for a, b in zip(counts, check(folder, key))]
            except Exception as error:
                sys.exit("FAILED: run %d: %s" % (run, error))
    print("%d packets, %d windows of what was said, %d server frames" % tuple(counts))
    assert counts[2] > runs, "too few frames were recognised"


main()
