"""Clients that change few keys at once, pipelined, through the proxy to memcached: whatever order it runs their requests
in, nothing differs, and nothing in what anonymise makes of it. Usage: PROGRAM FOLDER-OF-CLIENTS. KVREPLAY_SEED repeats
what they ask. Exit status 77: there is no memcached."""

import os
import random
import shutil
import socket
import struct
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(1, sys.argv[2])

import compare
from recording import PATIENCE, RecordTest, path

SEED = int(os.environ.get("KVREPLAY_SEED", time.time_ns() >> 10))
NOOP = 0x0a
# opcode: what it carries, and how often it is asked
KINDS = {
    0x00: (b"", False, 45), 0x01: (bytes(8), True, 15), 0x02: (bytes(8), True, 5), 0x03: (bytes(8), True, 5),
    0x04: (b"", False, 5), 0x05: (struct.pack(">QQI", 1, 10, 0), False, 5), 0x0e: (b"", True, 3), 0x0f: (b"", True, 2),
    0x09: (b"", False, 5), 0x11: (bytes(8), True, 4), 0x14: (b"", False, 3), 0x19: (b"", True, 3),
}


def request(opcode, opaque, key=b"", extras=b"", value=b"", cas=0):
    size = len(key) + len(extras) + len(value)
    return struct.pack(">BBHBBHIIQ", 0x80, opcode, len(key), len(extras), 0, 0, size, opaque, cas) + extras + key + value


class Client(threading.Thread):
    def __init__(self, port, number, keys, rounds, depth):
        super().__init__()
        self.random = random.Random(SEED + number)
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.answers = self.socket.makefile("rb")
        self.number, self.keys, self.rounds, self.depth = number, keys, rounds, depth
        self.cas = self.opaque = self.done = 0

    def ask(self):
        opcode = self.random.choices(list(KINDS), [kind[2] for kind in KINDS.values()])[0]
        extras, has_value, _ = KINDS[opcode]
        name = b"number%d" if opcode == 0x05 else b"key%d"
        value = b"%d.%d " % (self.number, self.opaque) if has_value else b""
        cas = self.cas if opcode == 0x01 and self.random.random() < 0.25 else 0
        self.opaque += 1
        return request(opcode, self.opaque, name % self.random.randrange(self.keys), extras, value, cas)

    def exchange(self, requests):
        self.socket.sendall(b"".join(requests) + request(NOOP, 0))
        opcode = None
        while opcode != NOOP:
            header = self.answers.read(24)
            opcode, size, cas = header[1], *struct.unpack(">I4xQ", header[8:24])
            self.answers.read(size)
            self.cas = cas or self.cas

    def store_numbers(self):
        """Two that make a number at once get in each other's way in memcached: one is answered NOT_STORED."""
        self.exchange([request(0x01, 0, b"number%d" % key, bytes(8), b"10") for key in range(self.keys)])

    def run(self):
        for _ in range(self.rounds):
            self.exchange([self.ask() for _ in range(self.depth)])
            self.done += 1
        self.socket.close()


# Releases after 1.6.18, as of 1.6.38 at the latest, number a change before they lock its item: CAS values no longer
# say in which order overlapping changes were made, and now and then no order is found.
UNDECIDED = ("--max-undecided", "1000000")


class Contention(RecordTest):
    def expect_identical_among(self, clients, keys, rounds, depth):
        with tempfile.TemporaryDirectory() as ports:
            memcached, port = compare.start_memcached(ports)
            try:
                proxy = self.proxy("127.0.0.1:" + port, "contention.pcapng")
                threads = [Client(proxy.port(), number, keys, rounds, depth) for number in range(clients)]
                threads[0].store_numbers()
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
                self.assertEqual([thread.done for thread in threads], [rounds] * clients)
                self.stop(proxy)
                options = UNDECIDED if compare.memcached_release() > 18 else ()
                print(self.expect_identical("contention.pcapng", *options))
                self.expect_nothing_different_in_little_room(options)
                self.expect_identical_anonymised(options)
            finally:
                memcached.kill()
                memcached.wait()

    def expect_nothing_different_in_little_room(self, options):
        """Requests that are given up may have changed anything."""
        for room in "1k", "4k":
            done = self.run_program("verify", "-q", "--max-pending", room, *options, path("contention.pcapng"))
            self.assertEqual(done.returncode, 0, done.stdout)

    def expect_identical_anonymised(self, options):
        """What APPEND made of values is what it makes of their replacements, whatever the order."""
        done = self.run_program("anonymise", "-q", path("contention.pcapng"), "-o", path("anonymised.pcapng"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.expect_identical("anonymised.pcapng", *options)
        os.unlink(path("anonymised.pcapng"))

    def test_many_keys(self):
        self.expect_identical_among(clients=4, keys=100, rounds=60, depth=32)

    def test_few_keys(self):
        self.expect_identical_among(clients=4, keys=10, rounds=60, depth=32)

    def test_three_keys(self):
        self.expect_identical_among(clients=8, keys=3, rounds=30, depth=32)

    def test_one_at_a_time(self):
        self.expect_identical_among(clients=8, keys=1, rounds=300, depth=1)


if __name__ == "__main__":
    if not shutil.which("memcached"):
        print("there is no memcached")
        sys.exit(77)
    print(f"KVREPLAY_SEED={SEED}", flush=True)
    unittest.main(argv=sys.argv[:1] + sys.argv[3:], verbosity=2)
