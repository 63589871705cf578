"""Clients that ask for few keys at once, each many requests before it reads an answer; what each asks follows from the
seed."""

import multiprocessing
import random
import selectors
import socket
import struct

PROCESSES = 4
NOOP = 0x0a
STORED = [struct.pack(">II", flags, 0) for flags in (0, 1, 7, 0xdeadbeef)]
COUNTED = [struct.pack(">QQI", *count) for count in ((1, 10, 0), (5, 99, 0xffffffff), (1000, 0, 0))]
TOUCHED = [bytes(4)]
NOTHING = [b""]
# opcode: extras, whether it carries a value, the share of requests with a CAS, how often it is asked
KINDS = {
    0x00: (NOTHING, False, 0, 30), 0x09: (NOTHING, False, 0, 8), 0x0c: (NOTHING, False, 0, 4),
    0x0d: (NOTHING, False, 0, 3), 0x01: (STORED, True, 0.25, 25), 0x11: (STORED, True, 0.1, 6),
    0x02: (STORED, True, 0, 4), 0x12: (STORED, True, 0, 3), 0x03: (STORED, True, 0.1, 4), 0x13: (STORED, True, 0, 3),
    0x04: (NOTHING, False, 0.1, 5), 0x14: (NOTHING, False, 0, 3), 0x05: (COUNTED, False, 0, 6),
    0x06: (COUNTED, False, 0, 5), 0x15: (COUNTED, False, 0, 4), 0x16: (COUNTED, False, 0, 4),
    0x0e: (NOTHING, True, 0, 4), 0x0f: (NOTHING, True, 0, 4), 0x19: (NOTHING, True, 0, 2),
    0x1a: (NOTHING, True, 0, 2), 0x1c: (TOUCHED, False, 0, 3), 0x1d: (TOUCHED, False, 0, 3),
    0x1e: (TOUCHED, False, 0, 2), 0x23: (TOUCHED, False, 0, 2), 0x24: (TOUCHED, False, 0, 2),
}
OPCODES = list(KINDS)
WEIGHTS = [kind[3] for kind in KINDS.values()]
LETTERS = b"abcdefghij0123456789"


def request(opcode, opaque, key=b"", extras=b"", value=b"", cas=0):
    size = len(key) + len(extras) + len(value)
    return struct.pack(">BBHBBHIIQ", 0x80, opcode, len(key), len(extras), 0, 0, size, opaque, cas) + extras + key + value


class Client:
    def __init__(self, port, seed, number, keys, depth, rounds):
        self.random = random.Random(seed * 1000 + number)
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.keys, self.depth, self.rounds = keys, depth, rounds
        self.versions = [1]
        self.opaque = number << 20
        self.received = b""
        self.unsent = b""
        self.begin_round()

    def value(self):
        if self.random.random() < 0.4:
            return b"%d" % self.random.randrange(1000)
        return bytes(self.random.choices(LETTERS, k=self.random.randrange(1, 40)))

    def one(self):
        opcode = self.random.choices(OPCODES, WEIGHTS)[0]
        extras, has_value, cas, _ = KINDS[opcode]
        self.opaque += 1
        return request(opcode, self.opaque, self.random.choice(self.keys), self.random.choice(extras),
                       self.value() if has_value else b"",
                       self.random.choice(self.versions) if self.random.random() < cas else 0)

    def begin_round(self):
        requests = [self.one() for _ in range(self.depth - 1)]
        self.opaque += 1
        self.unsent += b"".join(requests) + request(NOOP, self.opaque)

    def send(self):
        self.unsent = self.unsent[self.socket.send(self.unsent):]

    def receive(self):
        more = self.socket.recv(1 << 16)
        if not more:
            raise EOFError("the server has closed the connection")
        self.received += more
        while len(self.received) >= 24:
            opcode, size, opaque, cas = self.received[1], *struct.unpack_from(">IIQ", self.received, 8)
            if len(self.received) < 24 + size:
                break
            self.received = self.received[24 + size:]
            if cas:
                self.versions = (self.versions + [cas])[-4:]
            if opcode == NOOP and opaque == self.opaque:
                self.rounds -= 1
                if self.rounds > 0:
                    self.begin_round()


def run(clients):
    selector = selectors.DefaultSelector()
    for client in clients:
        selector.register(client.socket, selectors.EVENT_READ | selectors.EVENT_WRITE, client)
    while selector.get_map():
        for key, events in selector.select():
            client = key.data
            if events & selectors.EVENT_WRITE and client.unsent:
                client.send()
            if events & selectors.EVENT_READ:
                client.receive()
            if client.rounds == 0:
                selector.unregister(client.socket)
                client.socket.close()
            else:
                selector.modify(client.socket, selectors.EVENT_READ | (selectors.EVENT_WRITE if client.unsent else 0),
                                client)


def work(first, port, seed, connections, keys_of, depth, rounds):
    run([Client(port, seed, number, keys_of(number), depth, rounds) for number in range(first, connections, PROCESSES)])


def contend(port, seed, connections, keys_of, depth, rounds):
    """Returns when all have been answered. keys_of(number): the keys that the connection with that number asks for."""
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=work, args=(first, port, seed, connections, keys_of, depth, rounds))
               for first in range(PROCESSES)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if any(worker.exitcode != 0 for worker in workers):
        raise AssertionError("a client failed")
