"""Clients that contend for keys of a memcached, for captures of which a packet is dropped: what each of them asks follows
from the seed. Every client numbers its requests, but not always the NOOP behind them."""

import random
import socket
import struct
import subprocess
import threading

PATIENCE = 60  # seconds
GET, SET, ADD, REPLACE, DELETE, INCREMENT, NOOP, GETQ, APPEND, SETQ, ADDQ, DELETEQ, TOUCH = (
    0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x0a, 0x09, 0x0e, 0x11, 0x12, 0x14, 0x1c)
STORED = bytes(8)
COUNTED = struct.pack(">QQI", 1, 10, 0)
# opcode: its extras, whether it carries a value, how often it is asked
MIXED = {
    GET: (b"", False, 45), SET: (STORED, True, 18), ADD: (STORED, True, 5), REPLACE: (STORED, True, 5),
    DELETE: (b"", False, 5), INCREMENT: (COUNTED, False, 6), APPEND: (b"", True, 3), GETQ: (b"", False, 5),
    SETQ: (STORED, True, 4), ADDQ: (STORED, True, 2), DELETEQ: (b"", False, 2), TOUCH: (bytes(4), False, 1),
}


def request(opcode, opaque, key=b"", extras=b"", value=b"", cas=0):
    size = len(key) + len(extras) + len(value)
    return struct.pack(">BBHBBHIIQ", 0x80, opcode, len(key), len(extras), 0, 0, size, opaque, cas) + extras + key + value


class Client(threading.Thread):
    """Asks `rounds` times up to `depth` requests at once."""

    def __init__(self, port, seed, keys, rounds, depth):
        super().__init__()
        self.random = random.Random(seed)
        self.seed, self.keys, self.rounds, self.depth = seed, keys, rounds, depth
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.answers = self.socket.makefile("rb")
        self.opaque = self.done = 0

    def number(self):
        self.opaque += 1
        return self.opaque

    def fence(self):
        return self.number()

    def exchange(self, requests):
        """Sends them with a NOOP behind; returns the answers before that one's, by opaque."""
        last = self.fence()
        self.socket.sendall(b"".join(requests) + request(NOOP, last))
        answers = {}
        while last not in answers:
            _, opcode, key, extras, _, status, size, opaque, cas = struct.unpack(">BBHBBHIIQ", self.answers.read(24))
            answers[opaque] = (opcode, status, cas, self.answers.read(size)[extras + key:])
        return answers

    def one(self):
        opcode = self.random.choices(list(MIXED), [kind[2] for kind in MIXED.values()])[0]
        extras, has_value, _ = MIXED[opcode]
        name = b"number%d" if opcode == INCREMENT else b"key%d"
        opaque = self.number()
        value = b"%d.%d " % (self.seed, opaque) if has_value else b""
        return request(opcode, opaque, name % self.random.randrange(self.keys), extras, value)

    def step(self):
        self.exchange([self.one() for _ in range(self.random.randint(1, self.depth))])

    def run(self):
        for _ in range(self.rounds):
            self.step()
            self.done += 1
        self.socket.close()


class FencingClient(Client):
    """Numbers no NOOP: each has the opaque 0."""

    def fence(self):
        return 0


class CasClient(Client):
    """Reads a key, and stores what it makes of it if nobody else was faster."""

    def step(self):
        key = b"key%d" % self.random.randrange(self.keys)
        read = self.number()
        _, status, cas, _ = self.exchange([request(GET, read, key)])[read]
        value = b"%d.%d " % (self.seed, read)
        self.exchange([request(ADD if status else SET, self.number(), key, STORED, value, cas)])


def contend(kind, clients, keys, rounds, depth):
    def load(port, seed):
        threads = [kind(port, seed + i, keys, rounds, depth) for i in range(clients)]
        threads[0].exchange([request(SET, 0, b"number%d" % i, STORED, b"10") for i in range(keys)])
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if [thread.done for thread in threads] != [rounds] * clients:
            raise SystemExit("a client failed")
    return load


def memcaslap(port, _):
    subprocess.run(["memcaslap", "-B", "-s", f"127.0.0.1:{port}", "-T", "4", "-c", "16", "-x", "4000"], check=True,
                   stdout=subprocess.DEVNULL, timeout=PATIENCE)


LOADS = {
    "16 connections on 10 keys": contend(Client, 16, 10, 60, 3),
    "8 connections on 10 keys, NOOPs without numbers": contend(FencingClient, 8, 10, 60, 3),
    "8 connections on 3 keys with CAS": contend(CasClient, 8, 3, 120, 1),
    "64 connections on 1,000 keys": contend(Client, 64, 1000, 25, 3),
    "a client with 4 threads": memcaslap,
}
