"""Clients of Couchbase's dialect, each with features of its own, that change few documents at once, pipelined, through the
proxy to serve: nothing differs. Usage: PROGRAM FOLDER-OF-CLIENTS.
KVREPLAY_SEED repeats what they ask."""

import os
import random
import socket
import struct
import sys
import threading
import time
import unittest
import zlib

sys.path.insert(1, sys.argv[2])

import compare
from recording import PATIENCE, RecordTest

SEED = int(os.environ.get("KVREPLAY_SEED", time.time_ns() >> 10))
HELLO, SASL_AUTH, SELECT_BUCKET, NOOP = 0x1F, 0x21, 0x89, 0x0A
# Tokens, attributes, extended errors, Snappy, JSON, unordered execution, tracing, durability, collections, preserved expiry
FEATURES, COLLECTIONS = (0x04, 0x06, 0x07, 0x0A, 0x0B, 0x0E, 0x0F, 0x10, 0x11, 0x12, 0x14), 0x12
VBUCKETS = 4
VALUES = b'{"a":1}', b"[1,2]", b"12", b"text", b'{"n":{"x":5},"l":[1,2]}'
LOOKUP = b"\xc5\0\0\1n\xc6\0\0\1l"
MUTATION = b"\xcf\1\0\3\0\0\0\1n.x1\xcb\1\0\1\0\0\0\1l7"
# opcode, extras, value (True: one of VALUES), whether it takes a CAS, and how often it is asked
KINDS = (
    (0x00, b"", b"", False, 30), (0x01, bytes(8), True, True, 20), (0x02, bytes(8), True, False, 5),
    (0x03, bytes(8), True, True, 5), (0x04, b"", b"", True, 5), (0x05, struct.pack(">QQI", 2, 100, 0), b"", False, 5),
    (0x0E, b"", b"0", True, 5), (0x1C, struct.pack(">I", 0), b"", False, 3), (0x1D, struct.pack(">I", 100), b"", False, 3),
    (0xD0, b"", LOOKUP, False, 5), (0xD1, b"", MUTATION, True, 6), (0x94, struct.pack(">I", 1), b"", False, 2),
    (0x95, b"", b"", True, 2), (0xA0, b"\2", b"", False, 3),
)


def request(opcode, opaque, key=b"", extras=b"", value=b"", cas=0, vbucket=0):
    size = len(key) + len(extras) + len(value)
    return struct.pack(">BBHBBHIIQ", 0x80, opcode, len(key), len(extras), 0, vbucket, size, opaque, cas) + extras + key + value


class Client(threading.Thread):
    def __init__(self, port, number, keys, rounds, depth):
        super().__init__()
        self.random = random.Random(SEED + number)
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.answers = self.socket.makefile("rb")
        self.keys, self.rounds, self.depth = keys, rounds, depth
        self.cas = [0] * keys
        self.opaque = self.done = 0
        self.features = [f for f in FEATURES if self.random.random() < 0.8]

    def next(self):
        self.opaque += 1
        return self.opaque

    def ask(self):
        opcode, extras, value, takes_cas, _ = self.random.choices(KINDS, [kind[-1] for kind in KINDS])[0]
        number = self.random.randrange(self.keys)
        name = b"key%d" % number
        vbucket = (zlib.crc32(name) >> 16 & 0x7FFF) % VBUCKETS
        cas = self.cas[number] if takes_cas and self.random.random() < 0.25 else 0
        if opcode == 0x95:
            cas = self.cas[number] or 1
        if value is True:
            value = self.random.choice(VALUES)
        key = (b"\0" if COLLECTIONS in self.features else b"") + name
        self.asked[self.next()] = number
        return request(opcode, self.opaque, key, extras, value, cas, vbucket)

    def read(self):
        header = self.answers.read(24)
        opcode, size, opaque, cas = header[1], *struct.unpack(">IIQ", header[8:])
        self.answers.read(size)
        if cas and opaque in self.asked:
            self.cas[self.asked[opaque]] = cas
        return opcode

    def exchange(self, requests):
        self.socket.sendall(b"".join(requests) + request(NOOP, self.next()))
        while self.read() != NOOP:
            pass

    def run(self):
        self.asked = {}
        agent = request(HELLO, self.next(), b"agent", value=b"".join(struct.pack(">H", f) for f in self.features))
        login = request(SASL_AUTH, self.next(), b"PLAIN", value=b"\0user\0word")
        self.exchange([agent, login, request(SELECT_BUCKET, self.next(), b"default")])
        for _ in range(self.rounds):
            self.exchange([self.ask() for _ in range(self.depth)])
            self.done += 1
        self.socket.close()


class Contention(RecordTest):
    def expect_identical_among(self, clients, keys, rounds, depth):
        serve, port = compare.start_serve(sys.argv[1], "--dialect", "couchbase", "--vbuckets", str(VBUCKETS), "--threads", "2")
        try:
            proxy = self.proxy("127.0.0.1:" + port, "contention.pcapng")
            threads = [Client(proxy.port(), number, keys, rounds, depth) for number in range(clients)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual([thread.done for thread in threads], [rounds] * clients)
            self.stop(proxy)
            print(self.expect_identical("contention.pcapng"))
        finally:
            serve.terminate()
            serve.wait()

    def test_many_keys(self):
        self.expect_identical_among(clients=4, keys=100, rounds=40, depth=16)

    def test_three_keys(self):
        self.expect_identical_among(clients=8, keys=3, rounds=30, depth=16)

    def test_one_at_a_time(self):
        self.expect_identical_among(clients=8, keys=1, rounds=200, depth=1)


if __name__ == "__main__":
    print(f"KVREPLAY_SEED={SEED}", flush=True)
    unittest.main(argv=sys.argv[:1] + sys.argv[3:], verbosity=2)
